"""What to build: budgets, fronts and the best, against comparing every design with every other."""

import contextlib
import itertools
import json
import pickle
import random
from fractions import Fraction

import numpy as np
import pandas
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

import csncost as cc
import csncost.errors
from csncost.cli.main import main
from csncost.costs.metrics import METRICS, Metric, counted
from csncost.spaces.query import Query

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

    def within(value, low, high):
        return (low is None or value >= low) and (high is None or value <= high)

    allowed = [i for i, row in enumerate(rows) if all(within(row[name], low, high) for name, low, high in query.bounds)]
    if query.top is None:
        allowed = [i for i in allowed if not any(betters(merits(j), merits(i)) for j in allowed)]
    return sorted(allowed, key=lambda i: (merits(i), i))[: query.top]


@given(queries(), designs())
@settings(max_examples=100, deadline=None)
def test_a_query_selects_what_comparing_all_pairs_does(query, rows):
    assert query.select(columns(rows)).tolist() == brute_force(query, rows)


@given(queries(), designs(), st.lists(st.integers(0, 25), max_size=4))
@settings(max_examples=100, deadline=None)
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


# -- fronts and searches -----------------------------------------------------------------------------------------


def costs(spec, **given):
    report = cc.analyze(spec, **given)
    return {name: getattr(report, name) for name in counted()} | {"depth": layers(report)}


def exact(found):
    """Every answer is a spec that costs what its row says, whatever is left to give."""
    for row in found:
        assert costs(row["spec"]) == {name: row[name] for name in METRICS}
    return found


def of_all_pairs(rows, minimize, maximize):
    """The specs on the front, found by comparing all pairs."""

    def merits(row):
        return [row[name] for name in minimize] + [-row[name] for name in maximize]

    def betters(a, b):
        return a != b and all(x <= y for x, y in zip(a, b, strict=True))

    return {row["spec"] for row in rows if not any(betters(merits(other), merits(row)) for other in rows)}


@pytest.mark.parametrize(("minimize", "maximize"), [
    (["flops"], ["interactions"]), (["flops", "params"], ["interactions"]), (["depth", "activations"], []),
    (["params"], ["depth", "flops"]),
])  # fmt: skip
def test_the_front_of_a_study_is_what_comparing_all_pairs_gives(minimize, maximize):
    study = cc.study([1, 2, 8, 32], [4, 8, 16])
    front = exact(cc.pareto(study, minimize=minimize, maximize=maximize))
    assert set(front.columns["spec"]) == of_all_pairs(list(study), minimize, maximize)
    first, sign = (minimize[0], 1) if minimize else (maximize[0], -1)
    assert list(front.columns[first]) == sorted(front.columns[first], key=lambda value: sign * value)


def test_the_front_of_a_space_is_that_of_its_frame_and_its_rows_are_specs():
    values = {"G": [1, 3, 4], "width": [0.5, 1], "blocks": [4, 8], "size": [32, (48, 32)]}
    space = cc.sweep(["bottleneck-G-16", "simple-G-8@8x64"], frames=4, classes=10, **values)
    front = exact(cc.pareto(space, minimize="flops", maximize=["interactions", "depth"]))
    frame = cc.pareto(space.to_dataframe(), minimize="flops", maximize=["interactions", "depth"])
    assert front.columns["flops"].tolist() == frame["flops"].tolist()
    every = [
        {"spec": (spec, *point), **costs(spec, frames=4, classes=10, **dict(zip(values, point, strict=True)))}
        for spec in space.spec.values.tolist() for point in itertools.product(*values.values()) if point[0] != 3
    ]  # fmt: skip
    assert len(front) == len(of_all_pairs(every, ["flops"], ["interactions", "depth"]))


def test_designs_are_spelt_as_people_would():
    space = cc.sweep("bottleneck-G-16@8x112", G=[4], width=[0.5], frames=16, classes=10)
    assert cc.pareto(space, minimize="flops").columns["spec"] == ["bottleneck-G4-16@16x112(classes=10, width=0.5)"]
    assert cc.pareto(cc.sweep("ir-CSN-26"), minimize="flops").columns["spec"] == ["ir-CSN-26"]


def test_networks_written_out_are_answered_in_one_line(tmp_path):
    text = "input 3 x T x S x S\nc1 3x7x7, 8*n / 1x2x2  # stem\np avg\nfc 10"
    path = tmp_path / "mine.csn"
    path.write_text(text)
    for spec in (text, path):
        found = exact(cc.search(spec, n=[1, 2], size=[16, 32], classes=7, minimize="params", top=1))
        assert found.columns["spec"] == ["input 3x8x16x16; c1 3x7x7, 8 / 1x2x2; p avg; fc 7"]


@pytest.mark.parametrize("top", [2, 1000])
def test_the_best_under_budgets_are_those_of_filtering_and_sorting(top):
    budgets = {"at_most": {"flops": 20 * 10**9, "params": 30e6}, "at_least": {"depth": 20}}
    found = exact(cc.search(**budgets, maximize="interactions", top=top, groups=[1, 2, 8]))
    kept = [
        row
        for row in cc.study([1, 2, 8])
        if row["flops"] <= 20 * 10**9 and row["params"] <= 30e6 and row["depth"] >= 20
        if not (row["kind"] in ("G", "DG") and row["groups"] == 1)  # the base, and D, once more
    ]
    kept.sort(key=lambda row: -row["interactions"])
    assert list(found.columns["spec"]) == [row["spec"] for row in kept[:top]]
    assert (
        found.stamp["chosen"]
        == "the best by most interactions; FLOPs at most 20 G; params at most 30 M; depth at least 20"
    )


def test_logged_accuracies_are_an_objective_and_a_budget():
    front = cc.search(log="paper", minimize="flops", maximize="accuracy", groups=[2])
    assert front.columns["spec"] == ["bottleneck-D-8", "bottleneck-D-16"]
    assert front.columns["accuracy"] == [62.4, 70.3]
    assert len(cc.search(log="paper", at_least={"accuracy": 69}, minimize="accuracy", groups=[2])) == 2
    with pytest.raises(
        csncost.errors.NoAnswer, match=r"accuracy at least 99%\n  the most accuracy here: 70\.3%, bottleneck-D-16"
    ):
        cc.search(log="paper", at_least={"accuracy": 99}, groups=[2])
    with pytest.raises(csncost.errors.CsncostError, match="have no accuracy"):
        cc.search(maximize="accuracy", groups=[2])


@pytest.mark.parametrize(("asked", "message"), [
    ({"at_most": {"flops": 10**9}},
     "no design has FLOPs at most 1 G\n  the least FLOPs here: 3.01 G, bottleneck-DG64-8"),
    ({"at_most": {"params": 2 * 10**7}, "at_least": {"params": 19_999_999}},
     "no design has params at least 19,999,999 and at most 20 M\n"
     "  the most params below here: 17.22 M, bottleneck-G8-16; the least params above here: 20.43 M, bottleneck-8"),
    ({"at_most": {"flops": 4 * 10**9}, "at_least": {"interactions": 10**9}},
     "no design has interactions at least 1 G and FLOPs at most 4 G\n  the most interactions here"),
])  # fmt: skip
def test_a_budget_that_nothing_meets_is_told_with_the_nearest_miss(asked, message):
    with pytest.raises(csncost.errors.NoAnswer) as error:
        cc.search(**asked)
    assert str(error.value).startswith(message)


# -- inverse questions -------------------------------------------------------------------------------------------

FREE = "input 3 x T x S x S\nc1 3x7x7, 6*n / 1x2x2\nc2 [3x3x3, 6*n, groups=g] x b\navg avg\nfc 10"

PLAIN = "input 3 x T x S x S\nc1 3x7x7, 8 / 1x2x2\nc2 [3x3x3, 16 / 2; 3x3x3, 16]\navg avg\nfc classes"

QUESTIONS = [
    ("bottleneck-DG-4", "width", [Fraction(k, 64) for k in range(1, 97)], {"G": 3, "size": 64}, "flops"),
    ("bottleneck-G-4", "G", range(1, 65), {"size": 64}, "flops"),
    ("simple-8", "blocks", [4, 8, 16, 33, 50], {"size": 64}, "params"),
    (PLAIN, "frames", range(1, 130), {"classes": 5}, "flops"),
    (PLAIN, "size", range(1, 130), {"classes": 5}, "activations"),
    (PLAIN, "classes", range(1, 200), {}, "params"),
    (FREE, "b", range(1, 129), {"n": 1, "g": 2}, "params"),
    (FREE, "n", [Fraction(k, 6) for k in range(1, 129)], {"b": 2, "g": 2}, "interactions"),
]  # fmt: skip


@pytest.mark.parametrize(("spec", "unknown", "values", "given", "metric"), QUESTIONS)
def test_what_is_solved_is_what_analysing_every_value_finds(spec, unknown, values, given, metric):
    known = {}
    for value in values:
        with contextlib.suppress(cc.SpecError):
            known[value] = getattr(cc.analyze(spec, **given, **{unknown: value}), metric)
    low, high = min(known.values()), max(known.values())
    target = round(low + (high - low) * random.Random(spec + unknown).random() ** 3)
    nearest = min(abs(cost - target) for cost in known.values())
    share = Fraction(nearest, target)
    (row,) = exact(cc.solve(spec, unknown, within=share, **{metric: target}, **given)).rows
    assert abs(row[metric] - target) == nearest
    assert row["deviation"] == pytest.approx((row[metric] - target) / target)
    if nearest:
        with pytest.raises(csncost.errors.NoAnswer, match=f"no {unknown} gives"):
            cc.solve(spec, unknown, within=share * Fraction(99, 100), **{metric: target}, **given)


def test_a_family_of_one_cost_has_a_row_for_every_design_that_meets_it():
    specs = ["simple-G-4", "bottleneck-G-4"]
    found = exact(cc.solve(specs, "width", flops=10**9, within=0.1, groups=[1, 2], size=[64, 96]))
    assert list(found.columns)[:4] == ["spec", "G", "size", "width"]
    answered = set()
    for row in found:
        assert abs(row["flops"] - 10**9) <= 10**8
        answered.add((row["spec"].partition("-")[0], row["G"], row["size"]))
    assert len(answered) == len(found) == 8 - len(found.notes)


def test_values_that_are_given_are_those_that_are_tried():
    assert cc.solve("bottleneck-D-8", "width", width=[0.5, 1], params=1_600_000, within=0.1).columns["width"] == [1]
    with pytest.raises(
        csncost.errors.NoAnswer, match=r"no width gives 1 M params within 1%\n  nearest: bottleneck-D-8\(width=0.5\)"
    ):
        cc.solve("bottleneck-D-8", "width", width=[0.5, 1], params=10**6)


@pytest.mark.parametrize(("given", "message"), [
    ({"unknown": "frames", "params": 10**6}, "params do not depend on frames"),
    ({"unknown": "wdth", "params": 10**6}, "did you mean width"),
    ({"unknown": "width"}, "one cost is the target, not 0"),
    ({"unknown": "width", "flops": 1, "params": 1}, "not 2"),
    ({"unknown": "width", "flops": -1}, "FLOPs cannot be -1"),
    ({"unknown": "width", "flops": 1.5}, "FLOPs cannot be 1.5"),
    ({"unknown": "width", "flops": 10**9, "within": 2}, "share of the target"),
])  # fmt: skip
def test_a_question_that_makes_no_sense_is_refused(given, message):
    with pytest.raises(csncost.errors.CsncostError, match=message):
        cc.solve("bottleneck-D-8", **given)


# -- the command -------------------------------------------------------------------------------------------------


def run(*args, code=0):
    result = CliRunner().invoke(main, ["search", *args])
    assert result.exit_code == code, result.output
    return result


def test_the_command_says_what_to_build(tmp_path):
    out = json.loads(
        run("--max-flops", "10G", "--max-params", "20M", "--maximize", "interactions", "--format", "json").stdout
    )
    assert out["designs"][0]["spec"] == "bottleneck-DG2-16"
    assert out["chosen"] == "the best by most interactions; params at most 20 M; FLOPs at most 10 G"
    assert len(out["designs"]) == 10
    front = run("bottleneck-G-16", "--groups", "1,4", "--width", "0.5,1", "--format", "csv").stdout
    assert [line.split(",")[0] for line in front.splitlines()[1:]] == [
        "bottleneck-G4-16(width=0.5)", "bottleneck-G1-16(width=0.5)", "bottleneck-G4-16", "bottleneck-G1-16",
    ]  # fmt: skip
    for form in ("table", "markdown", "latex", "html"):
        assert "front of least FLOPs, least params, most interactions" in " ".join(
            run("--groups", "2", "--format", form).stdout.split()
        )
    run("--groups", "2", "-o", str(tmp_path / "front.parquet"))
    assert "chosen" in pandas.read_parquet(tmp_path / "front.parquet")


def test_the_command_solves():
    found = run("bottleneck-D-16", "--solve", "width", "--flops", "5G", "--within", "1%", "--format", "csv").stdout
    assert found.splitlines()[1].startswith("bottleneck-D-16(width=0.640625),")
    missed = run("bottleneck-D-16", "--solve", "depth", "--flops", "15G", code=1).stderr
    assert "nearest: bottleneck-D-33 has 14.12 G (-5.88%), bottleneck-D-50 has 18.51 G (+23.41%)" in missed
    both = run("--flops", "10G", "--within", "20%", "--groups", "4", "--format", "json").stdout
    assert {row["spec"] for row in json.loads(both)["designs"]} == {"bottleneck-D-16"}


@pytest.mark.parametrize(("args", "code"), [
    (["--max-flops", "1G"], 1), (["--max-flops", "1.5"], 2), (["--max-flops", "x"], 2), (["--min-accuracy", "x"], 2),
    (["--minimize", "flop"], 2),
    (["--top", "3"], 2), (["--minimize", "flops", "--top", "0"], 2), (["--within", "200%"], 2),
    (["--solve", "width", "--flops", "1G"], 2),
    (["simple-8", "--solve", "width"], 2), (["simple-8", "--solve", "width", "--flops", "1G", "--max-params", "1M"], 2),
    (["--min-flops", "2G", "--max-flops", "1G"], 2), (["--flops", "2G", "--max-flops", "3G"], 2),
    (["--groups", "9..3"], 2), (["--maximize", "accuracy"], 2),
])  # fmt: skip
def test_what_cannot_be_answered_is_one_clear_error(args, code):
    message = run(*args, code=code).stderr
    assert message.startswith("error: ")
    assert "Traceback" not in message


def layers(report):
    """The depth of a network, counted in its rows."""
    return sum(row.op in ("conv", "linear") and ".shortcut" not in row.name for row in report.rows)


@pytest.mark.parametrize(("spec", "swept"), [
    (["simple-8", "bottleneck-D-16", "ip-CSN-26", "simple-D-8"],
     {"blocks": [4, "[1,2,1,1]"], "frames": [4, 8], "size": [32]}),
    ("ir-CSN-50", {"block": ["bottleneck", "bottleneck_ip"], "blocks": [8], "size": [32, 64]}),
    ("input 4x8x16x16\na [1x1x1, n, optional, groups=g; 3x3x3, depthwise] x b\nfc 5",
     {"n": [4, 8], "g": [1, 2], "b": [1, 3]}),
    ("input 3x8x16x16\na [3x3x3, 8 / 2; 3x3x3, 16], shortcut=[avg 2x2x2, pad=same / 2; 1x1x1, 16]\nb avg\nfc n",
     {"n": [5, 6]}),
])  # fmt: skip
def test_depth_is_what_the_layers_of_each_design_are(spec, swept):
    space = cc.sweep(spec, **swept)
    assert not {"frames", "size"} & set(space.depth.dims)
    depth = space.depth.broadcast_like(space.valid)
    for point in itertools.product(*map(range, space.valid.shape)):
        at = dict(zip(space.valid.dims, point, strict=True))
        given = {name: values[at[name]] for name, values in swept.items()}
        assert depth.isel(at) == layers(cc.analyze(spec[at["spec"]] if "spec" in at else spec, **given))


def test_limits_are_texts_as_on_the_command_line_too():
    text, number = (cc.search(at_most={"flops": limit}, maximize="interactions").rows for limit in ("10G", 10**10))
    assert text == number
    with pytest.raises(csncost.errors.CsncostError, match='flops takes a whole number, not "many"'):
        cc.search(at_most={"flops": "many"})


def test_a_network_with_two_names_in_the_study_is_one_answer():
    found = cc.search(groups=[1, 2], minimize="flops", top=100)
    assert len(found) == len({cc.analyze(spec).canonical for spec in found.columns["spec"]}) == 14
    run = CliRunner().invoke(main, ["sweep", "--groups", "1,2"])
    assert run.stderr == "of one group G is none and DG is D: 14 networks in 20 rows\n"


def test_a_metric_that_is_added_is_a_column_an_objective_and_a_budget(monkeypatch):
    monkeypatch.setitem(METRICS, "reads", Metric("reads", "reads of weights", "reads", terms={"weights": 2}))
    found = cc.search(groups=[2], minimize="reads", at_most={"reads": "100M"}, top=3)
    assert found.columns["reads"] == [2 * params for params in found.columns["params"]]
    assert [column.title for column in found.table().columns if column.key == "reads"] == ["reads"]
    assert "best by least reads; reads at most 100 M" in found.stamp["chosen"]
