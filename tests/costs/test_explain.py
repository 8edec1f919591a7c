"""The difference between two conventions, in lines that add up."""

import csv
import io
import itertools
import json
import random
import re

import pytest
from click.testing import CliRunner

import csncost as cc
from csncost.cli.main import main
from csncost.costs.conventions.rules import Convention, Rule
from csncost.costs.count import Measured
from csncost.costs.explain import Line, explain
from csncost.costs.words import operation
from csncost.render.terminal import table_text
from csncost.zoo.listing import named_networks

PAIRS = list(itertools.permutations(cc.CONVENTIONS, 2))


def adds_up(found):
    rows = found.rows
    assert rows[0]["flops"] == found.before.flops
    assert rows[-1]["flops"] == found.after.flops
    assert rows[0]["flops"] + sum(row["flops"] for row in rows[1:-1]) == rows[-1]["flops"]
    assert all(line.flops == line.count * (line.after - line.before) != 0 for line in found.lines)
    if found.difference:
        assert sum(row["share"] for row in rows[1:-1]) == pytest.approx(1)


@pytest.mark.parametrize(("start", "end"), PAIRS, ids="-".join)
def test_all_pairs_add_up(start, end):
    adds_up(explain("ir-CSN-26", start, end, views=3))


def test_every_explanation_fits_80_columns():
    report = cc.analyze("ir-CSN-26")
    for start, end in PAIRS:
        assert max(map(len, table_text(explain(report, start, end).table(), 80).splitlines())) <= 80


def test_every_network_adds_up():
    chance = random.Random(1)
    for row in named_networks():
        start, end = chance.choice(PAIRS)
        adds_up(
            explain(row["name"], start, end, frames=chance.choice([4, 8]), size=chance.choice([64, 112]), classes=7)
        )


FACTS = [  # why other counters say something else of ir-CSN-50
    ("calflops", []),
    ("ptflops-aten", [Line("classifier", "addition of a bias", 400, 0, 1)]),
    ("torchinfo", [
        Line("batch norm", "scale or shift, and item", 53_120, 0, 1),
        Line("classifier", "addition of a bias", 400, 0, 1),
    ]),
    ("fvcore", [Line("batch norm", "element written", 61_239_808, 0, 2)]),
    ("flopcounter", [
        Line("convolutions", "multiply-add", 10_576_925_184, 1, 2), Line("classifier", "multiply-add", 819_200, 1, 2),
    ]),
]  # fmt: skip


@pytest.mark.parametrize(("tool", "lines"), FACTS, ids=[tool for tool, _ in FACTS])
def test_why_counters_differ_from_the_paper(tool, lines):
    found = explain("ir-CSN-50", "paper", tool)
    assert list(found.lines) == lines
    back = explain("ir-CSN-50", tool, "paper")
    assert [line.flops for line in back.lines] == [-line.flops for line in lines]


def test_ptflops_counts_twice_what_has_a_hook_and_a_function():
    found = {line.operation: line for line in explain("ir-CSN-50", to="ptflops").lines}
    assert list(found) == ["batch norm", "ReLU", "max pools", "adaptive average pools", "classifier"]
    assert found["ReLU"].after == found["max pools"].after == 2
    assert found["max pools"].each == "element read"


def test_the_papers_convention_is_named_and_counted():
    found = explain("ir-CSN-50", "fvcore", "thop")
    assert found.published == {"paper": 10_577_744_384}
    assert any("Tran et al." in note and "10.58 G" in note for note in found.notes())
    assert found.to_dict()["published"][0]["convention"] == "paper"


def test_nothing_to_explain():
    found = explain("ir-CSN-26", "paper", "calflops")
    assert found.lines == ()
    assert found.difference == 0
    assert "count the same FLOPs" in table_text(found.table())
    assert explain("ir-CSN-26", "thop", "thop").lines == ()


def test_a_convention_of_ones_own():
    mine = Convention("mine", "1 FLOP = 1 comparison", "ReLU", {"act.relu": Rule(flops={"elements": 5})})
    found = explain("ir-CSN-26", mine, "paper")
    adds_up(found)
    assert found.names == ("mine", "paper")
    assert [line.operation for line in found.lines] == ["convolutions", "ReLU", "classifier"]


def test_a_report_is_explained_as_its_spec_is():
    report = cc.analyze("bottleneck-G-8", G=4, frames=16, size=112, convention="everything", views=2)
    found = explain(report, "macs", "thop")
    assert found.lines == explain("bottleneck-G-8", "macs", "thop", G=4, frames=16, size=112, views=2).lines
    assert explain(report.by("stage"), "macs", "thop").lines == found.lines
    with pytest.raises(cc.CsncostError, match="has its setting already"):
        explain(report, frames=8)


@pytest.mark.parametrize("end", ["flops", "thop", "ptflops", "torchinfo", "everything"])
def test_a_traced_training_step_adds_up(end):
    pytest.importorskip("torch")
    from csncost.pytorch.trace.trace import trace
    from tests.pytorch.test_tools import image, video

    for module, shape in ((image(), (2, 3, 32, 32)), (video(True), (1, 3, 4, 32, 32))):
        for backward in (False, True):
            report = trace(module, shape, backward=backward, views=2)
            found = explain(report, "paper", end)
            adds_up(found)
            assert any("backward" in line.each for line in found.lines) == (
                backward and end not in ("everything", "ptflops")
            )


def test_padding_is_explained():
    torch = pytest.importorskip("torch")
    from tests.pytorch.test_tools import packed

    found = explain(cc.trace(packed(torch.nn.LSTM(6, 8)), (5, 3, 6)), "paper", "thop")
    adds_up(found)
    steps, padded, weights = 10, 15, 448
    assert Line("LSTM, step by step", "multiply-add", steps * weights, 1, 0) in found.lines
    assert Line("LSTM, step by step", "padded multiply-add", padded * weights, 0, 1) in found.lines


def test_operations_that_count_differently_are_told_apart():
    pytest.importorskip("torch")
    from torch import nn
    from torch.nn import functional

    class Mixed(nn.Module):
        def __init__(self):
            super().__init__()
            self.relu = nn.ReLU()

        def forward(self, x):
            x = functional.relu(self.relu(x))
            return functional.adaptive_avg_pool2d(x[0], 2).sum() + functional.adaptive_avg_pool3d(x, 2).sum()

    report = cc.trace(Mixed(), (1, 3, 4, 5, 6))
    found = explain(report, "paper", "ptflops")
    adds_up(found)
    assert Line("ReLU (in ReLU)", "element written", 360, 0, 2) in found.lines
    assert Line("ReLU (in Mixed)", "element written", 360, 0, 1) in found.lines
    by_axes = {f"pool.adaptive_avg{axes}d": Rule(flops={"elements": axes}) for axes in (2, 3)}
    own = explain(report, "paper", Convention("own", "", "", by_axes))
    assert {line.operation for line in own.lines} == {f"adaptive average pools ({axes}-D)" for axes in (2, 3)}


def test_operations_have_names_that_people_use():
    pytest.importorskip("torch")
    from csncost.pytorch.known.registry import OPS

    modes = [f"{mode}{axes}d" for mode in ("nearest", "bilinear", "trilinear", "bicubic", "area") for axes in (1, 2, 3)]
    resizes = [*modes, "grid_nearest", "grid_bilinear", "grid_bicubic", "affine_grid"]
    for kind, function in [*((op.kind, op.function) for op in OPS.values()), *(("resize", one) for one in resizes)]:
        name = operation(Measured(kind, function, "", {}))
        assert "_" not in name
        assert not re.search(r"\dd", name)


def test_every_format():
    found = explain("ir-CSN-50", "paper", "ptflops")
    assert json.loads(found.to_json())["rows"][1]["why"] == "ptflops counts 2 for each element written, paper none"
    table = found.table()
    rows = list(csv.DictReader(io.StringIO(table.to_csv())))
    assert [rows[0]["flops"], rows[-1]["flops"]] == ["10577744384", "10818689936"]
    assert rows[1] | {"from": "paper", "to": "ptflops", "before": "0", "after": "2"} == rows[1]
    assert "<table" in found._repr_html_()
    assert "batch norm" in str(found)
    assert repr(found) == "<Explanation bottleneck-D-16   ir-CSN-50: paper to ptflops, +240.95 M in 5 lines>"
    frame = pytest.importorskip("pandas") and found.to_frame()
    assert frame["flops"].iloc[1:-1].sum() == found.difference
    assert frame.attrs["to"] == "ptflops"


@pytest.mark.parametrize("pair", [("ptflops", "torchprofile"), ("paper", "fvcore")], ids="-".join)
def test_the_table_at_80_columns(golden, pair):
    text = table_text(explain("ir-CSN-50", *pair).table(), 80)
    assert max(map(len, text.splitlines())) <= 80
    golden(f"explain-{'-'.join(pair)}.txt", text)


def run(*args):
    return CliRunner().invoke(main, ["explain", *args])


def test_the_command():
    done = run("ir-CSN-50", "--from", "paper", "--to", "flops")
    assert done.exit_code == 0
    assert "convolutions" in done.output
    assert "21.16 G" in done.output
    data = json.loads(run("bottleneck-G-8", "-p", "G=4", "--frames", "4", "--views", "2", "--format", "json").output)
    assert (data["from"], data["to"], data["clip"], data["views"]) == ("paper", "fvcore", "3x4x224x224", 2)
    assert data["rows"][0]["flops"] == cc.analyze("bottleneck-G-8", G=4, frames=4, views=2).flops


def test_a_target_is_called_as_it_was_named():
    pytest.importorskip("torch")
    done = run("torch.nn:ReLU", "--input", "1x3", "--to", "everything", "--format", "json")
    assert json.loads(done.output)["spec"] == "torch.nn:ReLU"


@pytest.mark.parametrize(
    "args", [["ir-CSN-50", "--to", "fvcor"], ["ir-CSM-50"], ["ir-CSN-50", "--from", "nothing"]], ids=" ".join
)
def test_faults_are_told(args):
    done = run(*args)
    assert done.exit_code == 2
    assert done.output.startswith("error:")
