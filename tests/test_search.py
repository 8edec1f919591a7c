"""What to build: budgets, fronts and the best, against comparing every design with every other."""

import itertools
import pickle
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import csncost as cc
import csncost.errors
from csncost.query import Query

NAMES = ("params", "flops", "interactions", "depth")
BIG = 2**53

few = st.integers(0, 4)
numbers = st.one_of(few, st.integers(BIG, BIG + 3), st.integers(2**63 - 3, 2**63 - 1))
limits = st.one_of(st.none(), numbers)


@st.composite
def queries(draw):
    names = draw(st.permutations(NAMES))[: draw(st.integers(1, 4))]
    signs = [draw(st.booleans()) for _ in names]
    bounds = []
    for name in NAMES:
        low, high = draw(limits), draw(limits)
        if draw(st.booleans()) and (low is None or high is None or low <= high):
            bounds.append((name, low, high))
    return Query(
        minimize=tuple(name for name, less in zip(names, signs, strict=True) if less),
        maximize=tuple(name for name, less in zip(names, signs, strict=True) if not less),
        bounds=tuple(bounds),
        top=draw(st.none() | st.integers(1, 5)) if len(names) == 1 else None,
    )


@st.composite
def designs(draw):
    count = draw(st.integers(0, 25))
    kind = draw(st.sampled_from([few, numbers]))
    return [{name: draw(kind) for name in NAMES} for _ in range(count)]


def columns(rows):
    return {name: np.array([row[name] for row in rows], "int64") for name in NAMES}


def brute_force(query, rows):
    """Every design compared with every other one, in Python's ints."""

    def merits(i):
        return [sign * rows[i][name] for name, sign in query.objectives]

    def betters(a, b):
        return a != b and all(x <= y for x, y in zip(a, b, strict=True))

    allowed = [
        i for i, row in enumerate(rows)
        if all((low is None or row[name] >= low) and (high is None or row[name] <= high) for name, low, high in query.bounds)
    ]  # fmt: skip
    if query.top is None:
        allowed = [i for i in allowed if not any(betters(merits(j), merits(i)) for j in allowed)]
    return sorted(allowed, key=lambda i: (merits(i), i))[: query.top]


@given(queries(), designs())
@settings(max_examples=300, deadline=None)
def test_a_query_selects_what_comparing_all_pairs_does(query, rows):
    assert query.select(columns(rows)).tolist() == brute_force(query, rows)


@given(queries(), designs(), st.lists(st.integers(0, 25), max_size=4))
@settings(max_examples=200, deadline=None)
def test_a_query_reduces_block_by_block(query, rows, cuts):
    whole = columns(rows)
    edges = [0, *sorted(min(cut, len(rows)) for cut in cuts), len(rows)]
    kept = []
    for start, stop in itertools.pairwise(edges):
        block = {name: values[start:stop] for name, values in whole.items()}
        kept += (query.select(block) + start).tolist()
    again = query.select({name: values[kept] for name, values in whole.items()})
    assert [kept[i] for i in again] == query.select(whole).tolist()


def test_integers_beyond_floats_are_told_apart():
    values = np.array([BIG + 1, BIG, BIG + 2], "int64")
    assert len(set(values.astype(float))) == 2  # so that the next lines say something
    rows = {"flops": values, "interactions": values}
    assert Query(("flops",), top=3).select(rows).tolist() == [1, 0, 2]
    assert Query(("flops",), ("interactions",)).select(rows).tolist() == [1, 0, 2]
    assert Query(("flops", "interactions")).select(rows).tolist() == [1]
    assert Query(("flops",), bounds=(("flops", BIG + 1, None),)).select(rows).tolist() == [0]
    beyond = np.array([2**70 + 1, 2**70, 2**70 + 2], object)
    assert Query(("flops",), top=2, bounds=(("flops", None, 2**70 + 1),)).select({"flops": beyond}).tolist() == [1, 0]


def test_equal_designs_are_all_on_the_front():
    rows = {"flops": np.array([2, 1, 1, 3]), "interactions": np.array([5, 4, 4, 5])}
    assert Query(("flops",), ("interactions",)).select(rows).tolist() == [1, 2, 0]


def test_what_is_not_known_is_not_chosen():
    rows = {"flops": np.array([1, 2, 3]), "accuracy": np.array([np.nan, 70.1, 69.9])}
    assert Query(("flops",), ("accuracy",)).select(rows).tolist() == [1]
    assert Query(("flops",), bounds=(("accuracy", None, 99),)).select(rows).tolist() == [1]
    assert Query(maximize=("accuracy",), bounds=(("accuracy", None, Fraction(70)),)).select(rows).tolist() == [2]


def test_without_an_objective_it_is_cost_against_interactions():
    query = pickle.loads(pickle.dumps(Query()))
    assert query == Query(("flops", "params"), ("interactions",))
    assert query.names == ("flops", "params", "interactions")


@pytest.mark.parametrize(("given", "message"), [
    ({"minimize": ("flops",), "maximize": ("flops",)}, "flops is an objective twice"),
    ({"minimize": ("flops",), "top": 0}, "at least one"),
    ({"minimize": ("flops", "params"), "top": 3}, "one objective"),
    ({"bounds": (("flops", 3, 2),)}, "flops cannot be at least 3 and at most 2"),
    ({"bounds": (("flops", float("nan"), 2),)}, "not a number"),
    ({"minimize": ("flop",)}, 'have no "flop"'),
])  # fmt: skip
def test_a_query_that_makes_no_sense_is_refused(given, message):
    with pytest.raises(csncost.errors.CsncostError, match=message):
        Query(**given).select({"flops": np.array([1])})


def test_without_moocore_the_extra_is_named(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "moocore", None)
    with pytest.raises(csncost.errors.MissingExtra, match="moocore"):
        Query(("flops",), ("params",)).select({"flops": np.array([1]), "params": np.array([1])})


def layers(report):
    """The depth of a network, counted in its rows."""
    return sum(row.op in ("conv", "linear") and ".shortcut" not in row.name for row in report.rows)


@pytest.mark.parametrize(("spec", "swept"), [
    (["simple-8", "bottleneck-D-16", "ip-CSN-26", "simple-D-8"], {"blocks": [4, 8, "[1,2,1,1]"], "frames": [4, 8], "width": [0.5, 1]}),
    ("ir-CSN-50", {"block": ["bottleneck", "bottleneck_ip"], "blocks": [8], "size": [32, 64]}),
    ("input 4x8x16x16\na [1x1x1, n, optional, groups=g; 3x3x3, depthwise] x b\nfc 5", {"n": [4, 8], "g": [1, 2], "b": [1, 3]}),
    ("input 3x8x16x16\na [3x3x3, 8 / 2; 3x3x3, 16], shortcut=[avg 2x2x2, pad=same / 2; 1x1x1, 16]\nb avg\nfc n", {"n": [5, 6]}),
])  # fmt: skip
def test_depth_is_what_the_layers_of_each_design_are(spec, swept):
    space = cc.sweep(spec, **swept)
    assert not {"frames", "size"} & set(space.depth.dims)
    depth = space.depth.broadcast_like(space.valid)
    for point in itertools.product(*map(range, space.valid.shape)):
        at = dict(zip(space.valid.dims, point, strict=True))
        given = {name: values[at[name]] for name, values in swept.items()}
        assert depth.isel(at) == layers(cc.analyze(spec[at["spec"]] if "spec" in at else spec, **given))
