"""The language: its grammar, what texts mean, and what is said of texts that mean nothing."""

import re
import time
from contextlib import nullcontext
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings

import csncost as cc
from csncost.errors import Source
from csncost.lang.lexer import MAX_LENGTH, tokenize
from csncost.lang.parser import parse
from csncost.lang.printer import print_spec
from tests.fuzz import mutated
from tests.lang.syntax_trees import specs

REFERENCE = Path(cc.__file__).parent / "lang" / "REFERENCE.md"
HEAD = "input 3 x T x H x W\n"


@settings(
    max_examples=300,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
)
@given(specs)
def test_printing_and_parsing_a_tree_gives_it_back(spec):
    text = print_spec(spec)
    assert parse(text) == spec, text
    assert print_spec(parse(text)) == text


def test_a_token_knows_its_place():
    text = "conv1 3x7x7, 64*w / 1x2x2  # stem"
    for token in tokenize(Source(text)):
        assert text[token.start : token.end] == token.text
    assert [token.kind for token in tokenize(Source("3x7x7"))] == ["number", "x", "number", "x", "number", "end"]


SAME = [  # spellings of one network
    (
        "ir-CSN-50",
        "bottleneck-D-16",
        "BOTTLENECK-d-[3,4,6,3]",
        "ir-CSN-50@8x224",
        "ir-CSN-50(classes=400, width=1)",
        "ResNet3D-50(block=bottleneck_D)",
    ),
    ("bottleneck-G4-16", "bottleneck-G-16(G=4)", "bottleneck-G2-16(G=[4, 4, 4, 4])"),
    ("simple-8(width=0.5)", "simple-8(widths=[32, 64, 128, 256], stem_width=32)", "simple-8(width=1/2)"),
    (
        HEAD + "a 3x3x3, 8\nfc 5",
        HEAD + "a 3x3x3, 8, pad=1, groups=1, dilation=1, norm=batch, act=relu, bias=no / 1x1x1\nfc 5, bias=yes",
        HEAD + "a (1+2)x3x3, 2*4; fc 10/2".replace("10/2", "(10/2)"),
    ),
    (HEAD + "a [3, 8; 3, 8] x 2\nfc 5", HEAD + "n = 8; a [3x3x3, n; 3x3x3] x (n - 6); fc 5"),
    (HEAD + "a 3x3x3, 6; b 3x3x3, 6, groups=6; fc 5", HEAD + "a 3x3x3, 6; b 3x3x3, depthwise; fc 5"),
    (HEAD + "a 3\u00d73\u00d73, 6; fc 5", HEAD + "a 3 x 3 x 3, 6; fc 5"),
]


@pytest.mark.parametrize("spellings", SAME)
def test_spellings_of_one_network_give_identical_reports(spellings):
    first, *others = [cc.analyze(text, convention="everything") for text in spellings]
    for other in others:
        assert other.rows == first.rows
        assert other.canonical == first.canonical
        assert (other.totals, other.clip, other.classes) == (first.totals, first.clip, first.classes)


EVERY_NAME = [
    "simple-8",
    "simple-G4-8",
    "simple-D-8",
    "simple-16",
    "bottleneck-8",
    "bottleneck-16",
    "bottleneck-G32-16",
    "bottleneck-D-16",
    "bottleneck-DG2-16",
    "bottleneck-D-4",
    "bottleneck-33",
    "bottleneck-50",
    "bottleneck-D-[3,4,6,3]",
    "ip-CSN-26",
    "ip-CSN-152",
    "ir-CSN-101",
    "ResNet3D-18",
    "ResNet3D-34",
    "ir-CSN-50@32x256(width=0.5, classes=487, expansion=2)",
    "ip-CSN-50(added_act=none)",
    "ir-CSN-50(block=bottleneck_D_spacetime)",
    "bottleneck-16(kernel=[1x3x3, 3x3x3, 3x1x1, 1x1x1])",
    "simple-8(stem=1x7x7, in_channels=2)",
]


@pytest.mark.parametrize("name", EVERY_NAME)
def test_a_name_and_its_written_out_form_give_identical_reports(name):
    report = cc.analyze(name)
    shown = cc.show(name)
    again = cc.analyze(shown)
    assert again.rows == report.rows
    assert again.canonical == report.canonical == cc.analyze(report.canonical).canonical
    assert cc.show(shown) == shown.partition("\n")[2]
    assert cc.analyze(report.name).rows == report.rows  # the canonical name is a name


def test_free_names_survive_being_shown():
    shown = cc.show("bottleneck-G-16(width=w)")
    assert "groups=G" in shown
    assert cc.analyze(shown, G=4, w=2).rows == cc.analyze("bottleneck-G4-16(width=2)").rows
    assert cc.show("bottleneck-G-16", G=4).endswith(cc.show("bottleneck-G4-16").partition("\n")[2])


def test_a_file_works_wherever_a_name_does(tmp_path):
    path = tmp_path / "mine.csn"
    path.write_text(
        "w = 2  # a multiplier\nblock mine(c, s) [1x1x1, c*w; 3x3x3, depthwise / s; 1x1x1, 4*c*w]\n"
        + HEAD
        + "a mine(8, 1) x 2\nb mine(16, 2) x 3\nz avg\nfc 10\n"
    )
    for spec in (path, str(path)):
        assert cc.analyze(spec).rows == cc.analyze(path.read_text()).rows
    assert cc.analyze(path, w=1).params < cc.analyze(path).params
    named = tmp_path / "named.csn"
    named.write_text("network tiny-{n} = bottleneck-D-[n, n, n, n](width=0.25)\ntiny-2\n")
    assert cc.analyze(named).params == cc.analyze("bottleneck-D-8(width=0.25)").params


ERRORS = [  # text, message, what the caret stands under, part of the hint
    (
        "bottleneck-G3-16",
        "64 channels do not divide into 3 groups",
        "3",
        "legal group counts here: 1, 2, 4, 8, 16, 32, 64",
    ),
    ("botleneck-D-16", 'unknown network "botleneck-D-16"', "botleneck", "did you mean bottleneck-D-16?"),
    ("bottleneck-X-16", 'unknown network "bottleneck-X-16"', "X", "did you mean bottleneck-"),
    ("ir-CSN-49", 'unknown network "ir-CSN-49"', "49", "ir-CSN-26, ir-CSN-50, ir-CSN-101, ir-CSN-152"),
    ("bottleneck-D-12", "blocks cannot be 12", "12", "one of 4, 8, 16, 33, 50"),
    ("bottleneck-D-[3,4]", "blocks cannot be [3, 4]", "[3,4]", "a list of 4"),
    ("bottleneck-D-0", "blocks cannot be 0", "0", "one of"),
    ("bottleneck-D-[3,4,0,3]", "the number of blocks must be at least 1, not 0", "0", ""),
    ("bottleneck-G0-16", "the number of groups must be at least 1, not 0", "0", ""),
    ("bottleneck-D-16(G=4)", '"G" has no effect on bottleneck-D-16', "4", ""),
    ("bottleneck-D-16(widht=4)", 'no parameter "widht"', "4", "did you mean width?"),
    ("bottleneck-D-16(width=0.3)", "output channels must be a whole number, not 19.2", "0.3", ""),
    ("bottleneck-D-16(width=-1)", 'expected a size, not "-"', "-", "sizes are positive"),
    ("bottleneck-D-16(width=0)", "output channels must be at least 1, not 0", "0", ""),
    ("bottleneck-D-16(width=1, width=2)", '"width" is given twice', "width", ""),
    ("bottleneck\u2013D\u201316", 'unexpected character "\u2013" (U+2013)', "\u2013", "did you mean bottleneck-D-16?"),
    ("bottleneck D 16", "expected the end of the line", "16", ""),
    ("bottleneck-D-16@8", "a clip is @TxS or @TxHxW", "8", "@32x224"),
    ("bottleneck-D-16@8x0", "height must be at least 1, not 0", "0", ""),
    ("bottleneck-G-16", 'the free name "G" needs a value', "G", "-p G="),
    ("", "the spec is empty", None, "write a name such as simple-16"),
    ("\0", "unexpected character U+0000", "\0", "binary"),
    ("9" * 30, "a number of absurd size", "9" * 30, ""),
    ("simple-8(width=999999999999)", "output channels must be at most 2,147,483,647", "999999999999", ""),
    (
        HEAD + "a 3x3x3, 63, groups=2\nfc 5",
        "3 input channels do not divide into 2 groups",
        "2",
        "legal group counts here: 1, 3",
    ),
    (HEAD + "a 3x3x3, 64 x 2", "expected the end of the line", "x", "[3x3x3, 64] x 2"),
    (HEAD + "a 3x3x3, 64 / 2 / 2", "a second stride", "/ 2", "inside them: (64/2)"),
    (HEAD + "a 3x3x3, 64, gruops=2", 'unknown option "gruops"', "gruops", "did you mean groups?"),
    (HEAD + "a 3x3x3, 64, act=rleu", "act cannot be rleu", "rleu", "did you mean relu?"),
    (HEAD + "a 3x3x3, 64, depthwise, depthwise", '"depthwise" is written twice', "depthwise", ""),
    (HEAD + "a 3x3, 64", "a kernel has 2 axes", "3x3", "T x H x W"),
    (HEAD + "a [3x3x3, 64; 3x3x3, 64", 'this "[" is never closed', "[", ""),
    (HEAD + "a [3x3x3, 64, pad=0]\nfc 5", "cannot add tensors of shapes", "[3x3x3, 64, pad=0]", "shortcut=none"),
    (HEAD + "a [3x3x3, 64], shortcut=maybe\nfc 5", "shortcut cannot be maybe", "maybe", "none, identity, projection"),
    (HEAD + "a 3x3x3, 64\na 3x3x3, 64", 'the name "a" is used twice', "a", ""),
    (HEAD + "fc 5\na 3x3x3, 64", "the 3x3x3 convolution after a fully connected layer", "3x3x3, 64", ""),
    (HEAD + "a avg / 2", "a global pool takes no stride", "avg / 2", "window"),
    (HEAD + "a max 3x3x3, groups=2", '"groups" means nothing on this layer', "max 3x3x3, groups=2", ""),
    (HEAD + "a 3x3x3, 64/4", "is this a stride, or a division?", "/", "(64/4)"),
    (HEAD + "a 3x3x3, 64 / 0", "stride must be at least 1, not 0", "0", ""),
    (HEAD + "a 3x3x3, 64, stride=2", 'unknown option "stride"', "stride", "a stride is written / 2"),
    (
        HEAD + "a 1x1x1, 80\nb 3x3x3, 64, depthwise\nfc 5",
        "64 filters for 80 channels, depthwise",
        "3x3x3, 64, depthwise",
        "leave the number out",
    ),
    ("ip-CSN-[3,4,6,3]", 'unknown network "ip-CSN-[3, 4, 6, 3]"', "[3,4,6,3]", ""),
    (HEAD + "a 3x3x3, (64/0)\nfc 5", "division by zero", "64", ""),
    (HEAD + "a 9x1x1, 8, pad=0\nfc 5", "a window of 9 does not fit an input of 8 frames", "9x1x1", "padding"),
    ("input 3x8x9\na 3x3x3, 8", "an input is channels x frames x height x width", "3x8x9", ""),
    ("input 3xTxHxW\na 3x3x3, 8", "expected x between sizes", "xTxHxW", "spaces around x"),
    ("a 3x3x3, 8", "the network has no input", "a", "input 3 x T x H x W"),
    (HEAD + HEAD + "a 3x3x3, 8", "a network has one input", "input 3 x T x H x W", ""),
    ("ir-CSN-50\nir-CSN-50", "more than one network", "ir-CSN-50", ""),
    ("w = 2", "only definitions, no network", None, ""),
    ("a = b; b = a; " + HEAD + "c 3x3x3, a", "is defined through itself", "a", ""),
    ("network me = me\nme", "this name is defined through itself", "me", ""),
    (HEAD + "a nothing(1) x 2\nfc 5", 'unknown block "nothing"', "nothing(1)", "blocks are"),
    ("block b(c) [3x3x3, c]\n" + HEAD + "a b(1, 2) x 2\nfc 5", "block b takes 1 values: c", "b(1, 2)", ""),
    (HEAD + "a 3x3x3, " + "(" * 100 + "8" + ")" * 100, "nested more than 40 deep", "(", ""),
    ("simple-8(blocks=[1,1,1,99999999])", "a network of more than 200,000 operations", "simple-8", ""),
]


@pytest.mark.parametrize(("text", "message", "under", "hint"), ERRORS, ids=[repr(row[0][-40:]) for row in ERRORS])
def test_errors_say_what_and_where_and_how_to_mend_it(text, message, under, hint):
    with pytest.raises(cc.SpecError) as caught:
        cc.analyze(text)
    error = caught.value
    assert message in str(error)
    if under is None:
        assert error.span is None
    else:
        assert error.span is not None
        assert error.span.source.text[error.span.start : error.span.end] == under
        assert "^" in str(error)
    assert hint in error.hint
    assert "\0" not in str(error)
    assert all(len(line) < 400 for line in str(error).splitlines())


def test_the_caret_stands_under_the_fault():
    with pytest.raises(cc.SpecError) as caught:
        cc.analyze("bottleneck-G3-16")
    assert str(caught.value).splitlines()[:3] == [
        "64 channels do not divide into 3 groups",
        "  bottleneck-G3-16",
        "              ^ conv2, the 3x3x3 convolution of block 1",
    ]


def test_an_error_in_a_file_names_the_line(tmp_path):
    path = tmp_path / "mine.csn"
    path.write_text(HEAD + "a 3x3x3, 64\nb 3x3x3, 64, groups=7\n")
    with pytest.raises(cc.SpecError, match=r"mine\.csn:3"):
        cc.analyze(path)


LONG = {
    "one letter": "a" * 100_000,
    "a chain": HEAD + "a 3x3x3, " + "+".join(["1"] * 50_000),
    "layers": HEAD + "".join(f"l{i} 3x3x3, 4\n" for i in range(9000)),
    "brackets": "[" * 100_000,
    "parentheses": HEAD + "a " + "(" * 100_000,
    "a name's list": "bottleneck-D-[" + "3," * 49_000 + "3]",
    "dashes": "a" + "-b" * 50_000,
    "definitions": "".join(f"a{i + 1} = a{i} + a{i}\n" for i in range(5000)) + HEAD + "c 3x3x3, a5000\nfc 3",
    "doublings": "".join(f"a{i + 1} = a{i} + a{i}\n" for i in range(45)) + HEAD + "c 3x3x3, a45\nfc 3",
    "a small divisor": HEAD + "a 3x3x3, (1" + "/3/7" * 20_000 + ")",
    "newlines": "\n" * 100_000,
    "modifiers": "simple-8(" + ",".join(f"a{i}=1" for i in range(12_000)) + ")",
    "case": "a = case 1 {" + ", ".join(f"{i}: {i}" for i in range(2, 9000)) + "}\n" + HEAD + "c 3x3x3, a",
}


LEGAL = ("a chain", "layers")


@pytest.mark.parametrize("kind", LONG)
def test_long_texts_are_answered_in_time(kind):
    started = time.perf_counter()
    with pytest.raises(cc.SpecError) if kind not in LEGAL else nullcontext():
        cc.analyze(LONG[kind])
    assert time.perf_counter() - started < 20  # a hang, not a speed: benchmarks/ measures


def test_texts_beyond_the_limit_are_refused_unread():
    with pytest.raises(cc.SpecError, match="has 200,001 characters"):
        cc.parse("x" * (MAX_LENGTH + 1))


def test_mutated_texts_raise_nothing_but_spec_errors():
    assert mutated(20_000, seed=1) == 20_000


def examples():
    text = REFERENCE.read_text("utf-8")
    return re.findall(r"```(csn|error)\n(.*?)```", text, re.DOTALL)


@pytest.mark.parametrize(("kind", "text"), examples())
def test_the_examples_of_the_reference(kind, text):
    if kind == "error":
        with pytest.raises(cc.SpecError):
            cc.to_network(text)
    else:
        spec = cc.parse(text)
        assert cc.parse(print_spec(spec)) == spec
        free = re.search(r"# free: (.*)", text)
        cc.to_network(text, **dict.fromkeys(free.group(1).split(", "), 1) if free else {})


def test_values_behind_the_path_of_a_file_reach_what_they_are_of(tmp_path):
    """Names that a file defines or leaves free, parameters of the network that it names, its axes."""
    path = tmp_path / "mine.csn"
    for text in ("n = 3; bottleneck-G-8(stem_width=8*n)", "bottleneck-G-8(stem_width=8*n)"):
        path.write_text(text, "utf-8")
        shown = cc.show("bottleneck-G4-8@4x64(stem_width=16)").partition("\n")[2]
        assert cc.analyze(f"{path}@4x64(n=2, G=4)").canonical == shown
    path.write_text("n = 3; bottleneck-G-8(stem_width=8*n)", "utf-8")
    assert cc.analyze(f"{path}(stem_width=16, G=4)").params == cc.analyze("bottleneck-G4-8(stem_width=16)").params
    path.write_text("input 3 x T x S x S; a 3x3x3, 8*T; avg avg; fc 5", "utf-8")
    assert cc.analyze(f"{path}@16x32").totals == cc.analyze(path, frames=16, size=32).totals
    with pytest.raises(cc.SpecError, match='"S" cannot be both 32 and 48'):
        cc.analyze(f"{path}@16x32x48")


def test_a_size_that_is_given_twice_is_refused():
    for count in (cc.analyze, cc.sweep):
        with pytest.raises(cc.SpecError, match='"T" and the clip are both given'):
            count("simple-8@16x112", T=8)
    with pytest.raises(cc.SpecError, match='"T" and the clip are both given'):
        cc.analyze("simple-8@16x112(T=8)")
