"""Correlation of accuracy with cost: SciPy's figures on ours, and an honest word on what few designs show."""

import csv
import io
import itertools
import json
from dataclasses import replace

import pytest
from click.testing import CliRunner

import csncost as cc
from csncost.cli.main import main
from csncost.costs.metrics import METRICS, Metric
from csncost.errors import CsncostError, MissingExtra
from csncost.logs.correlate import correlate
from csncost.logs.ranks import predictors
from csncost.table import FORMATS


def run(*args, code=0):
    result = CliRunner().invoke(main, list(args))
    assert result.exit_code == code, result.output
    assert "Traceback" not in result.output
    return result


@pytest.fixture(scope="module")
def paper():
    return correlate("paper")


def rank(found, predictor, blocks=None):
    (one,) = [r for r in found.ranks if (r.predictor, r.blocks) == (predictor, blocks)]
    return one


def ranks_by_hand(values):
    """Mean ranks, counted one by one."""
    return [sum(v < x for v in values) + (sum(v == x for v in values) + 1) / 2 for x in values]


def spearman_by_hand(x, y):
    a, b = ranks_by_hand(x), ranks_by_hand(y)
    middle = (len(x) + 1) / 2
    products = sum((i - middle) * (j - middle) for i, j in zip(a, b, strict=True))
    return products / (sum((i - middle) ** 2 for i in a) * sum((j - middle) ** 2 for j in b)) ** 0.5


def kendall_by_hand(x, y):
    """Tau-b, pair by pair."""
    sign = [
        ((a > b) - (a < b), (c > d) - (c < d)) for (a, c), (b, d) in itertools.combinations(zip(x, y, strict=True), 2)
    ]
    return sum(i * j for i, j in sign) / (sum(i * i for i, _ in sign) * sum(j * j for _, j in sign)) ** 0.5


@pytest.mark.parametrize("predictor", ["interactions", "flops", "params"])
def test_table_2_by_hand(paper, predictor):
    rows = cc.reproduce("table2").rows
    x = [getattr(cc.analyze(f"{row['model']}-{row['depth']}"), predictor) for row in rows]
    y = [float(row["video@1"]) for row in rows]
    found = rank(paper, predictor)
    assert found.n == 9
    assert found.spearman.value == pytest.approx(spearman_by_hand(x, y))
    assert found.kendall.value == pytest.approx(kendall_by_hand(x, y))
    assert found.spearman.low < found.spearman.value <= found.spearman.high
    assert found.kendall.low < found.kendall.value <= found.kendall.high
    assert 0 < found.p <= 1


def test_interactions_go_with_accuracy_more_than_flops_do_in_the_paper(paper):
    assert rank(paper, "interactions").spearman.value > 0.85 > rank(paper, "flops").spearman.value
    assert rank(paper, "interactions").p < 0.01 < rank(paper, "flops").p


def test_what_nine_designs_cannot_show_is_said(paper):
    notes = " ".join(paper.notes)
    assert "9 designs do not tell" in notes
    assert "neither establish a law nor a cause" in notes
    assert "too few designs to correlate: Sports1M" in notes
    assert {r.blocks for r in paper.ranks} == {None, 8, 16, 33}
    within = [r for r in paper.ranks if r.blocks]
    assert all(r.n == 3 and r.spearman.low is None and r.p >= 1 / 3 for r in within)


def test_the_trend_and_its_error(paper):
    (trend,) = paper.trends
    assert (trend.n, round(trend.slope, 1)) == (9, 5.2)
    assert trend.error < 1 < trend.error_of_mean
    # y = 10 + 20 x exactly: every design left out is met
    specs = ["simple-8", "bottleneck-8", "bottleneck-16", "bottleneck-33", "simple-16"]
    from math import log10

    text = "spec,acc\n" + "\n".join(f"{s},{10 + 7 * log10(cc.analyze(s).interactions)!r}" for s in specs)
    (exact,) = correlate(_log(text)).trends
    assert (exact.slope, exact.intercept) == (pytest.approx(7, abs=1e-3), pytest.approx(10, abs=1e-2))
    assert exact.error == pytest.approx(0, abs=1e-3)


def _log(text):
    import tempfile
    from pathlib import Path

    path = Path(tempfile.mkdtemp()) / "log.csv"
    path.write_text(text)
    return path


def test_depth_counts_weighted_layers_and_depths_are_blocks(paper):
    depth = {design["spec"]: (design["depth"], design["blocks"]) for design in paper.designs}
    assert depth["ResNet3D-50"] == (50, 16)
    assert depth["ir-CSN-101"] == (101, 33)
    assert depth["ip-CSN-26"] == (34, 8)
    assert depth["ir-CSN-152@32x256"] == (152, 50)


def test_runs_of_a_design_count_once():
    rows = ["simple-8,50", "ResNet3D-18,52", "simple-16,55", "simple-33,53"]
    found = correlate(_log("spec,acc\n" + "\n".join(rows)))
    assert rank(found, "flops").n == 3
    assert found.designs[0]["n"] == 2
    assert rank(found, "flops").spearman.value == pytest.approx(0.5)


def test_it_is_the_same_every_time(paper):
    assert correlate("paper").to_dict() == paper.to_dict()


def test_equal_designs_have_no_order():
    found = correlate(_log("spec,acc\n" + "\n".join(f"bottleneck-DG{g}-16,60" for g in (1, 2, 4, 8, 16))))
    assert found.ranks == ()
    assert found.trends[0].slope == pytest.approx(0)
    run("correlate", str(_log("spec,acc\nsimple-8,50\nsimple-16,50\nbottleneck-8,50\n")))


@pytest.mark.parametrize("form", FORMATS)
def test_every_format(form, tmp_path):
    out = run("correlate", "paper", "--against", "interactions", "--format", form).stdout
    run("correlate", "paper", "--against", "interactions", "--format", form, "-o", str(tmp_path / "x"))
    if form == "json":
        data = json.loads(out)
        assert data["correlations"][0]["n"] == 9
        assert len(data["designs"]) == 41
    elif form == "csv":
        rows = list(csv.DictReader(io.StringIO(out)))
        assert (rows[0]["dataset"], rows[0]["n"], rows[0]["blocks"]) == ("Kinetics-400", "9", "")
        assert float(rows[0]["spearman"]) == pytest.approx(rank(correlate("paper"), "interactions").spearman.value)
    elif form == "table":
        assert max(map(len, out.splitlines())) <= 80
    else:
        assert "0.89" in out


def test_several_logs_on_the_command_line(tmp_path):
    arguments = []
    for i, spec in enumerate(["simple-8", "simple-16", "bottleneck-16"]):
        path = tmp_path / f"{i}.csv"
        path.write_text(f"epoch,step,val_acc\n0,9,0.1\n1,19,0.{i + 4}\n2,29,0.{i + 3}\n")
        arguments.append(f"{path}={spec}")
    out = json.loads(run("correlate", *arguments, "--select", "last", "--format", "json").stdout)
    assert [design["mean"] for design in out["designs"]] == [30, 40, 50]
    assert {c["predictor"] for c in out["correlations"]} == set(predictors())


@pytest.mark.parametrize(
    "arguments",
    [
        ["missing.csv"],
        ["paper", "--select", "worst"],
        ["paper", "--against", "colour"],
        ["paper", "--metric", "video@9"],
        ["=x"],
        ["a=b"],
        [""],
    ],
)
def test_what_is_wrong_is_said(arguments):
    assert "error: " in run("correlate", *arguments, code=2).stderr


def test_too_few_designs_are_an_error():
    with pytest.raises(CsncostError, match="three designs"):
        correlate(_log("spec,acc\nsimple-8,50\nsimple-16,51\n"))
    for metrics in ([], "flops"):
        with pytest.raises(CsncostError):
            correlate("paper", metrics=metrics)


def test_the_missing_extra_is_named(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "scipy", None)
    with pytest.raises(MissingExtra, match="explore"):
        correlate("paper")


def test_views(paper):
    assert "9 | log interact." in str(paper)
    assert len(paper.to_frame()) == len(paper.ranks)
    assert "<table" in paper._repr_html_()
    assert "41 designs" in repr(paper)
    assert json.loads(paper.to_json())["log"] == "paper"


def test_logs_that_call_one_metric_differently_are_put_together(tmp_path):
    (tmp_path / "a.csv").write_text("spec,top1\nsimple-8,50\nsimple-16,55\n", "utf-8")
    (tmp_path / "b.csv").write_text("spec,val_acc\nbottleneck-8,60\nbottleneck-16,65\n", "utf-8")
    logs = [str(tmp_path / "a.csv"), str(tmp_path / "b.csv")]
    run = CliRunner().invoke(main, ["correlate", *logs])
    assert run.exit_code == 2
    assert "--label metric=top-1" in run.stderr
    run = CliRunner().invoke(
        main, ["correlate", *logs, "--label", "metric=top-1", "--label", "dataset=K400", "--format", "json"]
    )
    ranks = json.loads(run.stdout)["correlations"]
    assert {(rank["metric"], rank["dataset"], rank["n"]) for rank in ranks if rank["blocks"] is None} == {
        ("top-1", "K400", 4)
    }
    for wrong in ("clip=8x224", "metric", "metric="):
        assert CliRunner().invoke(main, ["correlate", *logs, "--label", wrong]).exit_code == 2


def test_predictors_are_told_apart_by_the_interval_of_their_difference(tmp_path):
    """Accuracies in the order of interactions, of FLOPs only roughly; the difference is that of the correlations."""
    found = cc.study([1, 2, 4, 8, 16, 32])
    rows = sorted({row["interactions"]: row for row in found}.values(), key=lambda row: row["interactions"])
    path = tmp_path / "log.csv"
    path.write_text("spec,top1\n" + "\n".join(f"{row['spec']},{40 + i}" for i, row in enumerate(rows)), "utf-8")
    ranks = cc.correlate(path, metrics=["interactions", "flops"])
    (difference,) = ranks.differences
    overall = [rank.spearman.value for rank in ranks.ranks if rank.blocks is None]
    assert (difference.best, difference.other, difference.n) == ("interactions", "flops", len(rows))
    assert difference.value == pytest.approx(overall[0] - overall[1])
    assert 0 < difference.low < difference.value < difference.high
    assert any(note.startswith(f"{len(rows)} designs tell log interact. from log FLOPs") for note in ranks.notes)
    assert cc.correlate("paper").differences[0].low < 0  # nine designs do not


def test_a_metric_of_the_list_is_a_predictor(monkeypatch, tmp_path):
    """Reads of weights, which an entry of the list adds; titles come from there too."""
    monkeypatch.setitem(
        METRICS, "reads", Metric("reads", "reads of weights", "w.reads", terms={"weights": 2}, predicts=True)
    )
    rows = [f"simple-{blocks}(width=0.75),{40 + blocks}" for blocks in (8, 16, 33)]
    (tmp_path / "log.csv").write_text("\n".join(["spec,acc", *rows]))
    found = correlate(tmp_path / "log.csv")
    assert rank(found, "reads") == replace(rank(found, "params"), predictor="reads")
    assert "log w.reads" in str(found)
    named = json.loads(run("correlate", "paper", "--against", "activations", "--format", "json").stdout)
    assert {one["predictor"] for one in named["correlations"]} == {"activations"}
