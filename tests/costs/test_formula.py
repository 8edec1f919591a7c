"""Closed forms: numbers put in give exactly what the analysis gives, also where ceilings matter."""

import itertools

import pytest

import csncost as cc
from csncost.costs.metrics import counted

CASES = [
    ("bottleneck-G-16", {"G": [1, 4, 64]}, []),
    ("simple-D-8", {}, []),
    ("ip-CSN-26", {}, ["width"]),
    ("bottleneck-D-[b,4,6,3](width=w)", {"b": [1, 3], "w": [1, 2]}, []),
    ("simple-G-8(G=[g,4,g,4])", {"g": [1, 2]}, []),
    (
        "input 3 x T x S x S\nc 3x5x5, 8*w / 2x3x2\np max 3x3x3, ceil / 2\n"
        "q [1x1x1, 4*w; 3x3x3, depthwise / 2] x n\nz avg\nfc 7",
        {"w": [1, 3], "n": [1, 4]},
        [],
    ),
]
CLIPS = [(1, 33, 35), (7, 113, 95), (8, 224, 224), (9, 64, 65)]


@pytest.mark.parametrize(("spec", "names", "free"), CASES)
@pytest.mark.parametrize("convention", ["paper", "everything"])
def test_numbers_put_in_give_the_analysis(spec, names, free, convention):
    closed = cc.formula(spec, free=free, convention=convention)
    functions: dict = {}
    exec(closed.to_python(), functions)
    names = names | {name: [1, 2] for name in free}
    for combination in itertools.product(*names.values()):
        for frames, height, width in CLIPS:
            point = dict(zip(names, combination, strict=True))
            if "S" in {str(s) for s in closed.symbols}:
                height = width
            report = cc.analyze(spec, frames=frames, size=(height, width), convention=convention, **point)
            values = point | {"T": frames, "H": height, "W": width, "S": height}
            put_in = {symbol: values[str(symbol)] for symbol in closed.symbols}
            for metric in counted():
                assert getattr(closed, metric).subs(put_in) == getattr(report, metric)
                assert functions[metric](**{str(s): v for s, v in put_in.items()}) == getattr(report, metric)
                assert sum(expr.subs(put_in) for _, expr in closed.by_stage[metric]) == getattr(report, metric)


def test_a_closed_form_is_in_the_free_names_and_the_clip():
    assert {str(s) for s in cc.formula("bottleneck-G-16").flops.free_symbols} == {"G", "T", "H", "W"}
    assert {str(s) for s in cc.formula("bottleneck-G-16", G=4, frames=8).flops.free_symbols} == {"H", "W"}
    assert {str(s) for s in cc.formula("bottleneck-G-16@8x224").flops.free_symbols} == {"G"}
    assert {str(s) for s in cc.formula("bottleneck-G-16", T=8, H=7, W=7, G=2).flops.free_symbols} == set()
    assert {str(s) for s in cc.formula("simple-8", free=["classes"]).params.free_symbols} == {"classes"}


def test_the_python_of_a_closed_form_refuses_illegal_values():
    functions: dict = {}
    exec(cc.formula("bottleneck-G-16").to_python(), functions)
    with pytest.raises(ValueError, match="G divides 64"):
        functions["flops"](3, 8, 224, 224)


def test_text_is_readable():
    text = cc.formula("bottleneck-G-16").to_text()
    assert "  conv1  28224·T·⌈H/2⌉·⌈W/2⌉" in text
    assert "T·⌈H/4⌉·⌈W/4⌉·(102400 + 331776/G)" in text
    assert "where G divides 64, 128, 256, 512" in text
    assert "convention paper" in text


def test_a_multiplier_that_may_be_a_fraction_is_not_taken_for_whole():
    closed = cc.formula("input 3 x T x H x W\na 3x3x3, floor(64*w)\nfc 10")
    assert "floor" in str(closed.params)


def test_latex_has_a_line_for_each_stage():
    text = cc.formula("simple-8").to_latex()
    assert text.count(r"\begin{align*}") == 4
    assert r"\text{(conv5)}" in text
