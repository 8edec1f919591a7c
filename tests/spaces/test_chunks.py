"""A space in chunks is the space in memory: as Dask arrays, as a search, whatever the chunks."""

import random
import re
import subprocess
import sys
from fractions import Fraction

import numpy as np
import pytest
import xarray
from hypothesis import given, settings
from hypothesis import strategies as st

import csncost as cc
from csncost.costs.metrics import METRICS, Metric, counted
from csncost.spaces.counting.chunks import chunks_of, whole
from csncost.spaces.counting.evaluate import evaluator_of
from csncost.spaces.counting.space import space_of
from csncost.spaces.legal import designs_of
from csncost.spaces.query import Query
from csncost.spaces.reduction import reduction_of
from tests.spaces.test_sweep import FRACTIONS, random_space

pytest.importorskip("dask")


def random_chunks(rng, found):
    few = max(1, found.valid.size // rng.randint(1, 12))
    return rng.choice(["auto", few, {d: max(1, n // rng.randint(1, 3)) for d, n in found.sizes.items()}])


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(8))
def test_any_space_in_any_chunks_is_that_in_memory(seed):
    rng = random.Random(seed)
    specs, values = random_space(rng)
    try:
        found = cc.sweep(specs, **values)
    except cc.SpecError as error:
        fault = str(error)
        with pytest.raises(cc.SpecError, match=re.escape(fault)):
            cc.sweep(specs, chunks=10, **values)
        return
    lazy = cc.sweep(specs, chunks=random_chunks(rng, found), **values)
    assert lazy["flops"].chunks is not None
    assert [v.dtype for v in lazy.values()] == [v.dtype for v in found.values()]
    xarray.testing.assert_identical(lazy.compute(scheduler="synchronous"), found)


@pytest.mark.parametrize(("spec", "values"), [
    (["simple-8", "bottleneck-8"], {"width": [0.5, 1, 0.3], "size": [32, (64, 48)], "blocks": [8, 5]}),
    (FRACTIONS, {"n": [1, 4, 6], "m": [1, 3], "w": [0.5, Fraction(1, 3)], "s": [1, 2]}),
    ("simple-8", {"width": [1, 10**20], "size": [32, (2**70, 8), 48], "blocks": [8]}),
])  # fmt: skip
def test_a_space_that_is_lowered_for_every_chunk_is_the_same(monkeypatch, spec, values):
    found = cc.sweep(spec, **values)
    monkeypatch.setattr("csncost.spaces.counting.evaluate.MAX_ARRAY", 1)
    lazy = cc.sweep(spec, chunks=found.valid.size // 3, **values)
    assert lazy["depth"].chunks is not None
    lazy = lazy.compute(scheduler="synchronous")
    for name in (*counted(), "valid"):
        assert lazy[name].equals(found[name])
    deep = found["depth"].broadcast_like(found["valid"]).transpose(*found.valid.dims)
    assert lazy["depth"].equals(deep.where(found["valid"], 0))


def test_sizes_of_many_names_at_once_take_no_memory_of_the_whole():
    text = "input 3x8x16x16\na 3x3x3, n*m + k*q\nfc 5"
    values = {name: range(1, 141) for name in "nmkq"}
    lazy = cc.sweep(text, chunks=10**6, **values)
    assert lazy.valid.size == 140**4
    at = {"n": 120, "m": 3, "k": 77, "q": 139}
    same = cc.analyze(text, **at)
    assert [int(lazy[metric].sel(at)) for metric in counted()] == list(same.totals)


def test_a_space_beyond_memory_is_counted_where_it_is_looked_at():
    values = {"width": [i / 100 for i in range(1, 1001)], "classes": [10, 400]}
    lazy = cc.sweep("bottleneck-D-16", chunks=10**6, frames=range(1, 201), size=range(32, 832), **values)
    assert lazy.valid.size == 1000 * 2 * 200 * 800
    at = {"width": 2.0, "frames": 100, "size": 500, "classes": 10}
    same = cc.analyze("bottleneck-D-16", **at)
    assert [int(lazy[metric].sel(at)) for metric in counted()] == list(same.totals)


def test_a_metric_that_is_added_is_a_variable(monkeypatch):
    monkeypatch.setitem(METRICS, "reads", Metric("reads", "reads of weights", "reads", terms={"weights": 2}))
    for chunks in (None, 2):
        found = cc.sweep("bottleneck-G-8", chunks=chunks, G=[1, 2, 3], frames=[4, 8]).compute()
        assert (found["reads"] == 2 * found["params"]).all()
        assert found["reads"].values.any()
    with pytest.raises(cc.CsncostError, match="name of the result"):
        cc.sweep("bottleneck-16", reads=[1, 2])


@pytest.mark.parametrize(("chunks", "message"), [
    (0, "chunks cannot be 0"), (-1, "chunks cannot be"), (True, "chunks cannot be"), ("many", "chunks cannot be"),
    (1.5, "chunks cannot be"), ({"G": 0}, "at least 1"), ({"H": 3}, "no dimension"), ({"G": "x"}, "at least 1"),
])  # fmt: skip
def test_chunks_that_are_none_are_refused(chunks, message):
    with pytest.raises(cc.CsncostError, match=message):
        cc.sweep("simple-G-8", chunks=chunks, G=[1, 2])


WIDE = "input 1 x T x S x S\nc 1x1x1, w, groups=g\navg avg\nfc 1"


def test_totals_beyond_64_bits_are_refused_when_they_are_counted_or_before(monkeypatch):
    values = {"w": [1, 2], "g": [1], "frames": [1, 2**21], "size": [1, 2**21]}
    with pytest.raises(cc.CsncostError, match="64-bit"):
        cc.sweep(WIDE, chunks=1, **values)
    monkeypatch.setattr(
        "csncost.spaces.counting.evaluate.MOST", 2**200
    )  # as where the design that is likely to cost most is none
    found = cc.sweep(WIDE, chunks=1, **values)
    assert int(found["flops"][0, 0, 1, 0]) == cc.analyze(WIDE, w=1, g=1, frames=2**21, size=1).flops
    with pytest.raises(cc.CsncostError, match="64-bit"):
        found["flops"].compute(scheduler="synchronous")


def test_designs_that_do_not_exist_refuse_no_space():
    values = {"w": [1, 2**21], "g": [1, 2**20], "frames": [1, 2**21], "size": [2**10]}
    text = WIDE.replace("input 1", "input g")  # wide only where there are as many groups
    for chunks in (None, 1, 3):
        found = cc.sweep(text.replace(", w,", ", w + g - 1,"), chunks=chunks, **values).compute()
        assert found["valid"].values.any()
        for i in np.ndindex(found["valid"].shape):
            at = {name: values[name][k] for name, k in zip(found["valid"].dims, i, strict=True)}
            try:
                said = list(
                    cc.analyze(
                        text.replace(", w,", ", w + g - 1,"),
                        **at,
                        **{n: v[0] for n, v in values.items() if n not in at},
                    ).totals
                )
            except cc.SpecError:
                said = [0] * 4
            assert [int(found[metric].values[i]) for metric in counted()] == said


# -- values that no network has


@pytest.mark.parametrize(("spec", "name", "good", "bad"), [
    (
        "input 3x8x32x32\na 3x3x3, n % 7 + 1\nfc 10", "n", 1,
        (2**70, 2**62 - 1, 10**300, 1e300, float("nan"), float("inf"), Fraction(1, 10**30), -(2**70)),
    ),
    ("simple-8", "width", 1, (1e-30, 10**20)), ("simple-8", "frames", 8, (0.5, 2**63, 2**70)),
    ("simple-8", "size", 112, (2**70, 0.5, (2**70, 8), (8, 0.5))),
    ("simple-8", "classes", 10, (2**64, 1.5)), ("simple-8", "blocks", 8, ([1, 2, 3, 10**20], [1, 1, 1, 1.5], 10**20)),
])  # fmt: skip
def test_a_value_that_no_network_has_refuses_only_its_designs(spec, name, good, bad):
    for value in bad:
        with pytest.raises(cc.SpecError):
            cc.analyze(spec, **{name: value})
        for chunks in (None, 1):
            found = cc.sweep(spec, chunks=chunks, **{name: [value, good]})
            assert found["valid"].values.tolist() == [False, True]
            assert int(found["flops"][1]) == cc.analyze(spec, **{name: good}).flops
            assert int(found["flops"][0]) == 0


@pytest.mark.parametrize("text", [
    "a [3x3x3, 8] x b\na_3 3x3x3, 8", "a_3 3x3x3, 8\na [3x3x3, 8] x b",
    "a [3x3x3, 8] x b, [1x1x1, 8] x 2\na_5 3x3x3, 8", "a [3x3x3, 8] x b\na_03 3x3x3, 8",
    "a [3x3x3, 8 / 2] x b\na_1 3x3x3, 8",
])  # fmt: skip
def test_blocks_do_not_share_a_name_with_a_stage(text):
    text = f"input 3x8x32x32\n{text}\nfc 10"

    def legal(b):
        try:
            return bool(cc.analyze(text, b=b))
        except cc.SpecError:
            return False

    expected = [legal(b) for b in range(1, 7)]
    if any(expected):
        assert cc.sweep(text, b=range(1, 7))["valid"].values.tolist() == expected
    else:
        with pytest.raises(cc.SpecError):
            cc.sweep(text, b=range(1, 7))


# -- the best of a space

SPACE = {"G": [1, 2, 3, 4, 8], "width": [0.5, 1, 1.5], "blocks": [8, 16], "frames": [4, 8, 7], "size": [32, 64]}
NAMES = (*METRICS, "frames", "width")


@st.composite
def queries(draw):
    names = draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=4, unique=True))
    cut = draw(st.integers(0, len(names)))
    bounds = [
        (name, None, draw(st.integers(10**6, 10**10))) for name in draw(st.sets(st.sampled_from(counted()), max_size=2))
    ]
    top = draw(st.none() | st.integers(1, 40)) if len(names) == 1 else None
    return Query(tuple(names[:cut]), tuple(names[cut:]), tuple(bounds), top)


@pytest.fixture(scope="module")
def everything():
    """What counts a space, and its legal designs in memory, in order."""
    space = space_of(["bottleneck-G-8", "simple-G-8"], "paper", SPACE)
    evaluator = evaluator_of(space)
    return evaluator, designs_of(space, evaluator.rows(whole(space.shape), METRICS), evaluator.attributes)


@settings(max_examples=25, deadline=None)
@given(query=queries(), chunks=st.integers(30, 400))
def test_the_best_of_chunks_are_the_best_of_all(everything, query, chunks):
    evaluator, legal = everything
    space = evaluator.space
    columns = {name: np.asarray(legal.columns[name]) for name in (*METRICS, "frames", "width")}
    sizes = dict(zip(space.names, space.shape, strict=True))
    reduction = reduction_of(query, sizes, space.coordinates(), METRICS)
    best, count = reduction.over(evaluator, chunks_of(space.shape, space.chunk_lengths(chunks)))
    rows = {**best, **evaluator.at(best["place"], METRICS)}
    expected = [legal.rows[i] for i in query.select(columns).tolist()]
    assert designs_of(space, rows, evaluator.attributes).rows == expected
    assert count == len(legal)


def test_chunks_are_all_of_a_space_once():
    space = space_of("bottleneck-G-8", "paper", SPACE)
    for chunks in (1, 7, 50, 10**6, {"G": 2}, "auto"):
        seen = np.zeros(space.shape, int)
        for at in chunks_of(space.shape, space.chunk_lengths(chunks)):
            seen[at] += 1
            assert chunks in ("auto", {"G": 2}) or seen[at].size <= chunks
        assert (seen == 1).all()


def test_a_search_in_chunks_is_that_in_memory():
    given = {"groups": range(1, 10), "width": [0.5, 1, 2], "frames": [4, 8], "size": [64, 65]}
    for query in (
        {},
        {"maximize": "interactions", "at_most": {"flops": 10**10}, "top": 7},
        {"minimize": ["depth", "flops"]},
    ):
        here, there = (cc.search("bottleneck-G-16", chunks=chunks, **query, **given) for chunks in (None, 100))
        assert here.rows == there.rows
        assert here.stamp == there.stamp
    swept = dict(given)
    swept["G"] = swept.pop("groups")
    here, there = (cc.pareto(cc.sweep("bottleneck-G-16", chunks=chunks, **swept)) for chunks in (None, 100))
    assert here.rows == there.rows
    with pytest.raises(cc.CsncostError, match="no design has FLOPs at most 1"):
        cc.search("bottleneck-G-16", chunks=100, at_most={"flops": 1}, **given)
    with pytest.raises(cc.CsncostError, match="did you mean activations"):
        cc.search("bottleneck-G-16", chunks=100, minimize="activatons", **given)
    with pytest.raises(cc.CsncostError, match="name a SPEC"):
        cc.search(chunks=100)


def test_an_interrupted_search_ends_without_a_traceback():
    code = """
import os, signal
from csncost.spaces import reduction
from csncost.cli.main import main
merged = reduction.Reduction.merged
def interrupted(*given):
    os.kill(os.getpid(), signal.SIGINT)
    return merged(*given)
reduction.Reduction.merged = interrupted
space = ["bottleneck-D-16", "--width", "0.5..2:0.01", "--frames", "1..64", "--size", "32..256:4"]
main(["search", *space, "--chunks", "1000"])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    assert "Aborted" in done.stderr
