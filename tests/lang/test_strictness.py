"""Nothing wrong passes in silence: conflicts, values without effect, numbers that arithmetic could lose."""

import pickle

import numpy as np
import pytest
import xarray as xr

import csncost as cc
from csncost.costs.conventions.named import convention
from csncost.costs.count import tally

INPUT = "input 3 x T x S x S\n"


def params(text, **names):
    return cc.analyze(text, **names).params


CANONICAL = [  # spellings whose canonical text could lose something
    INPUT + "c1 3x3x3, 64 / 1x2x2\nc2 3x3x3, 64, pad=1, dilation=2",
    INPUT + "c1 3x3x3, 64\nc2 3, depthwise",
    INPUT + "c1 3x3x3, 64\nc2 [3x3x3, 64; 1x1x1, 64, optional] x 2",
    INPUT + "c1 3x3x3, 64\nc2 [1x1x1, 64, optional] x 2",
    INPUT + "p avg\nfc 2*T",
    INPUT + "c [3x3x3, 64, pad=0] x 3, shortcut=[3x3x3, 64, pad=0]",
    INPUT
    + "c 3x3x3, 8\np max 3x3x3, pad=0, ceil / 2\n"
    + "q [3x3x3, 8] x 2, act=none, [1x1x1, 8], shortcut=none\nfc 7, bias=no, act=relu",
]


@pytest.mark.parametrize("text", CANONICAL)
def test_the_canonical_text_loses_nothing(text):
    report = cc.analyze(text, convention="everything")
    again = cc.analyze(report.canonical, convention="everything")
    assert (again.rows, again.canonical) == (report.rows, report.canonical)
    shown = cc.show(text)
    assert cc.show(shown) == shown
    assert cc.analyze(shown, convention="everything").rows == report.rows


def test_a_path_that_is_written_out_is_counted_where_the_block_changes_nothing():
    """A path was left out without a word where the block neither strides nor widens."""
    text = "input 64 x 8 x 16 x 16\nc [3x3x3, n; 3x3x3, n] x 2{}\nfc 5"
    plain, with_path = text.format(""), text.format(", shortcut=[1x1x1, n]")
    assert params(with_path, n=64) - params(plain, n=64) == 2 * 64 * 64
    assert params(with_path, n=32) == params(plain, n=32)  # in the place of the projection, which the first copy has
    assert cc.analyze(cc.show(with_path, n=64)).rows == cc.analyze(with_path, n=64).rows
    found = cc.sweep(with_path, n=[32, 64, 65])
    assert found.params.values.tolist() == [params(with_path, n=n) for n in (32, 64, 65)]
    written = xr.DataArray([32, 64, 65], dims="n")
    counts = tally(cc.to_network(with_path, n=written).graph, convention("paper"))
    assert counts.params.values.tolist() == found.params.values.tolist()


CLOSED_FORMS_SAY = [  # what a closed form takes for different must be said
    ("bottleneck-16", ["expansion"], "64 ≠ 64·expansion"),
    ("simple-8", ["stem_width"], "stem_width ≠ 64"),
    (INPUT + "a 1x1x1, C\nc 1x1x1, M, optional", [], "C ≠ M"),
    (INPUT + "c [3x3x3, 3 / s] x b", [], "s ≠ 1"),
    (INPUT + "c 3x3x3, w-1", [], "-1 + w ≥ 1"),
]


@pytest.mark.parametrize(("spec", "free", "condition"), CLOSED_FORMS_SAY)
def test_a_closed_form_says_what_it_assumes(spec, free, condition):
    conditions = cc.formula(spec, free=free).conditions()
    sides = [{text.strip() for text in part.split("≠")} for part in conditions]
    assert condition in conditions or set(map(str.strip, condition.split("≠"))) in sides


REFUSED = [
    (
        INPUT + "k = case w {1: 64, else: 128}\nc 3x3x3, k",
        {"w": xr.DataArray([1, 2], dims="w")},
        "must be known whether",
    ),
    ("bottleneck-D-[b,2,2,2]", {"b": xr.DataArray([1, 2], dims="b")}, "must be known whether"),
    (INPUT + "c 1x1x1, 400; p avg", {"classes": 10}, "ends in no fully connected layer"),
    (INPUT + "c [3x3x3, 8] x 1\nc_1 3x3x3, 16", {}, 'the name "c_1" is used twice'),
    (INPUT + "c 3x3x3, 8\nc_norm 3x3x3, 16", {}, 'the name "c_norm" is used twice'),
    (INPUT + "c 3x3x3, 64\nd 3x3x3, 64, optional / 2", {}, "an optional layer cannot stride"),
    (
        INPUT + "c 3x3x3, 64\nd 3x3x3, 64, optional / s",
        {"s": xr.DataArray([1, 2], dims="s")},
        "an optional layer cannot stride",
    ),
    ("simple-8", {"T": 16, "frames": 8}, "T and frames are both given"),
    (INPUT + "c 3, 2*T\nfc 7", {"T": 16, "frames": 8}, "T and frames are both given"),
    ("network foo-{n} = simple-8\nfoo-3", {}, '"n" has no effect'),
    (INPUT + "fc 400, optional", {}, '"optional" means nothing on this layer'),
    (INPUT + "c [3x3x3, 8], shortcut=none, act=silu", {}, "act after a block follows its shortcut"),
    (INPUT + "p avg\nfc1 64\nfc2 [128] x 2\nfc 400", {}, "has no projection"),
    ("w=2\nw=3\n" + INPUT + "c 3x3x3, w", {}, '"w" is defined twice'),
    ("block b(i) [3, i]\nblock b(i) [5, i]\n" + INPUT + "c b(3)", {}, '"b" is defined twice'),
    ("block b(i, i) [3, i]\n" + INPUT + "c b(3, 3)", {}, '"i" is a parameter twice'),
    ("width=4\nbottleneck-16", {}, '"width" is defined, but nothing uses it'),
    ("template a\nend\nnetwork foo = a\nfoo", {}, "the network has no input"),
    ("simple-8", {"width": True}, "width cannot be True"),
    ("bottleneck-G-16", {"G": None}, "G cannot be None"),
    ("bottleneck-G-16", {"G": 1e300}, "a number of absurd size"),
    ("bottleneck-G-16", {"G": float("nan")}, "G cannot be nan"),
    ("bottleneck-G-16", {"G": 10**5000}, "a number of absurd size"),
    ("bottleneck-G99999999999999999999-16", {}, "a number of absurd size"),
    ("bottleneck-G99999999999-16", {}, "at most 2,147,483,647"),
    ("simple-8", {"size": "224x320"}, "size cannot be '224x320'"),
    ("simple-8", {"size": (1, 2, 3)}, "size cannot be (1, 2, 3)"),
    ("simple-8", {"frames": 8.5}, "frames must be a whole number"),
    ("simple-8", {"nothing": 1}, 'no parameter "nothing"'),
    (INPUT + "c 3x3x3, 8", {"nothing": 1}, '"nothing" has no effect'),
]


@pytest.mark.parametrize(("spec", "names", "message"), REFUSED, ids=range(len(REFUSED)))
def test_what_is_refused(spec, names, message):
    with pytest.raises(cc.SpecError) as caught:
        cc.to_network(spec, **names)
    assert message in str(caught.value)
    assert "\n  \n" not in str(caught.value)


@pytest.mark.parametrize(
    "call",
    [
        lambda: cc.parse(None),
        lambda: cc.parse(b"x"),
        lambda: cc.parse([]),
        lambda: cc.analyze(3),
        lambda: cc.analyze(None),
        lambda: cc.analyze("simple-8", views=0),
        lambda: cc.analyze("simple-8", views=True),
        lambda: cc.analyze("simple-8", views=10**5000),
        lambda: cc.analyze("simple-8", convention="fvcor"),
        lambda: cc.analyze("simple-8", convention=None),
        lambda: cc.reproduce(None),
        lambda: cc.reproduce("table7"),
        lambda: cc.analyze("simple-8", frames=np.array([8, 16])),
        lambda: cc.analyze("simple-8").by("stages"),
        lambda: cc.analyze("simple-8").by("stage").by("layer"),
        lambda: cc.compare("simple-8"),
        lambda: cc.formula("simple-8", free=["width"], width=2),
        lambda: cc.analyze("simple-8", width=xr.DataArray([1, 2], dims="w")),
        lambda: cc.analyze("/no/such/file.csn"),
        lambda: cc.formula(INPUT + "c 3, k\nd 3, 2*k+1\ne 3, 8, groups=2"),
        lambda: cc.formula(INPUT + "c 3, g-g"),
    ],
)
def test_wrong_calls_raise_the_package_s_own_errors(call):
    with pytest.raises(cc.CsncostError):
        call()


def test_numbers_in_other_forms_are_numbers():
    sympy = pytest.importorskip("sympy")
    first = cc.analyze("bottleneck-G4-16", frames=16, views=10)
    for frames, groups in (
        (sympy.Integer(16), sympy.Integer(4)),
        (np.int8(16), np.uint16(4)),
        (xr.DataArray(16), 4.0),
        (16, "2+2"),
    ):
        report = cc.analyze("bottleneck-G-16", frames=frames, G=groups, views=np.int64(10))
        assert report.rows == first.rows
        assert report.to_json()


def test_small_integer_arrays_do_not_wrap():
    from csncost.costs.conventions.named import convention
    from csncost.costs.count import tally

    text = INPUT + "c 3x3x3, 64*w"
    network = cc.to_network(text, w=xr.DataArray(np.array([4, 5, 8], dtype="uint8"), dims="w"))
    assert tally(network.graph, convention("paper")).params.values.tolist() == [params(text, w=w) for w in (4, 5, 8)]


def test_decimal_multipliers_in_arrays_count_as_their_scalars_do():
    from csncost.costs.conventions.named import convention
    from csncost.costs.count import tally

    values = [n / 100 for n in range(1, 200)]
    text = INPUT + "c 3x3x3, floor(w*100)\nd 1x1x1, 100*w"
    network = cc.to_network(text, w=xr.DataArray(values, dims="w"))
    assert bool(np.all(network.valid))
    assert tally(network.graph, convention("paper")).params.values.tolist() == [params(text, w=w) for w in values]


def test_a_clip_in_a_definition_counts():
    assert cc.analyze("network foo = simple-8@16x112\nfoo").clip == (3, 16, 112, 112)
    assert cc.analyze("network foo = simple-8@16x112\nfoo@4x64").clip == (3, 4, 64, 64)
    assert cc.analyze("network foo = simple-8@16x112\nfoo").canonical == cc.analyze("simple-8@16x112").canonical


def test_a_clip_binds_the_names_of_the_axes():
    text = "template t\ninput 3 x T x S x S\nc 3, 2*T\nfc 7\nend\nnetwork foo = t\nfoo"
    assert cc.analyze(text, frames=16, size=32).rows == cc.analyze(f"{text}@16x32").rows
    assert cc.analyze(f"{text}@16x32", frames=8).rows == cc.analyze(f"{text}@8x32").rows
    assert cc.analyze(f"{text}@16x32").rows == cc.analyze(cc.show(f"{text}@16x32")).rows
    with pytest.raises(cc.SpecError, match="cannot be both"):
        cc.analyze(f"{text}@16x32x33")


def test_a_name_is_the_network_s_and_no_other_s():
    for spec in (
        "bottleneck-D-16(block=simple)",
        "ip-CSN-26(blocks=[3,4,6,3])",
        "ir-CSN-50(blocks=8, width=2)",
        "simple-8(block=simple)",
    ):
        report = cc.analyze(spec)
        assert cc.analyze(report.name).rows == report.rows
    own = "block bottleneck_D(i, s) [3x3x3, widths[i] / s]\nbottleneck-D-16(block=bottleneck_D)"
    assert cc.analyze(own).params != cc.analyze("bottleneck-D-16").params
    assert (cc.analyze(own).name, cc.analyze(own).aliases) == ("", ())


def test_canonical_text_keeps_what_depends_on_free_names():
    for spec, names in (
        (INPUT + "a 1x1x1, C\nc 1x1x1, M, optional", {"C": 8, "M": 8}),
        ("simple-D-4(stem_width=n)", {"n": 64}),
        (INPUT + "c 1x1x1, (64*w)//1", {"w": 0.3}),
    ):
        assert params(cc.show(spec), **names) == params(spec, **names)


def test_constants_that_are_no_integers_meet_arrays():
    from csncost.costs.conventions.named import convention
    from csncost.costs.count import tally

    for text in ("0.5*w", "1.5*w", "max(w*1.5, 2)", "round(w/3)", "w//2 + w%2", "ceil(0.7*w)", "min(w, 4)"):
        network = cc.to_network(INPUT + f"c 1x1x1, {text}", w=xr.DataArray([3, 4, 5, 8], dims="w"))
        valid = np.broadcast_to(np.asarray(network.valid), 4)
        found = tally(network.graph, convention("paper")).params.values
        for w, ok, value in zip((3, 4, 5, 8), valid, found, strict=True):
            try:
                assert params(INPUT + f"c 1x1x1, {text}", w=w) == value
                assert ok
            except cc.SpecError:
                assert not ok


def test_given_classes_are_no_symbol():
    closed = cc.formula(INPUT + "p avg\na 2*classes\nfc classes", classes=7)
    assert closed.params == cc.analyze(INPUT + "p avg\na 2*classes\nfc classes", classes=7).params
    assert cc.formula(INPUT + "p avg").to_text()


def test_errors_cross_processes():
    with pytest.raises(cc.SpecError) as caught:
        cc.analyze("bottleneck-G3-16")
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


def test_a_convention_with_a_typo_is_refused():
    from csncost.costs.conventions.named import Convention, Rule

    with pytest.raises(cc.CsncostError, match="unknown quantity 'mcas'"):
        Rule(flops={"mcas": 1})
    with pytest.raises(cc.CsncostError, match="unknown kind of operation 'batchnorm'"):
        Convention("mine", "", "", {"batchnorm": Rule()})


def test_one_name_may_stand_for_several_axes():
    text = "input 3 x S x S x S\nc 3x3x3, 8\nfc 4"
    assert (
        cc.analyze(text, size=16).clip
        == cc.analyze(text, frames=16).clip
        == cc.analyze(text, S=16).clip
        == (3, 16, 16, 16)
    )
    with pytest.raises(cc.SpecError, match="cannot be both"):
        cc.analyze(text, size=(16, 17))
    assert cc.analyze("input 3 x (2*T) x T x S\nc 3x3x3, 8", size=(4, 9)).clip == (3, 8, 4, 9)


def test_free_classes_are_the_setting_s():
    text = INPUT + "a 2*classes\nfc classes"
    assert cc.analyze(text).classes == 400
    report = cc.analyze(text, classes=7)
    assert report.rows == cc.analyze(text.replace("classes", "7")).rows
    assert report.canonical == cc.analyze(text.replace("2*classes", "14").replace("classes", "7")).canonical
    assert {str(s) for s in cc.formula(text).params.free_symbols} == {"classes", "T", "S"}


def test_errors_show_the_text_that_was_given():
    with pytest.raises(cc.SpecError):
        cc.analyze("bottleneck-G3-16")
    with pytest.raises(cc.SpecError) as caught:
        cc.analyze("# my file\n\n   bottleneck-G3-16")
    assert "line 3" in str(caught.value)


def test_reports_can_be_hashed_and_pickled():
    report = cc.analyze("ir-CSN-26")
    again = pickle.loads(pickle.dumps(report))
    assert again == report
    assert again.rows == report.rows
    assert again.canonical == report.canonical
    assert len({report, cc.analyze("ir-CSN-26")}) == 1
