"""Figures 6 and 7: which points the paper prints as numbers, and the accuracies set beside them."""

import json

import pytest
from click.testing import CliRunner

import csncost as cc
from csncost.cli.main import main

KNOWN = {
    "bottleneck-8": ("14.3", "0.42", "65.3"),
    "bottleneck-D-8": ("4.0", "0.27", "62.4"),
    "bottleneck-16": ("29.5", "5.68", "69.4"),
    "bottleneck-D-16": ("10.6", "5.42", "70.3"),
}
"""As read in Table 2 by hand: GFLOPs, interactions, accuracy."""


@pytest.mark.parametrize(("name", "metric", "place"), [("fig6", "flops", 0), ("fig7", "interactions", 1)])
def test_the_points_that_table_2_prints_are_known_and_no_others(name, metric, place):
    found = cc.reproduce(name)
    assert {c.row: c.printed for c in found.cells} == {spec: printed[place] for spec, printed in KNOWN.items()}
    accuracies = {row["design"]: row["accuracy"] for row in found.rows if row["accuracy"]}
    assert accuracies == {spec: printed[2] for spec, printed in KNOWN.items()}
    assert len({row["design"] for row in found.rows}) == 2 * (8 + 14)
    for row in found.rows:
        assert row["exact"] == getattr(cc.analyze(row["design"]), metric)
    assert found.agrees


def test_measured_accuracies_stand_beside(tmp_path):
    log = tmp_path / "runs.csv"
    log.write_text("spec,top1\nir-CSN-50,60\nir-CSN-50,62\nip-CSN-50,70\n")
    done = CliRunner().invoke(main, ["reproduce", "fig6", "--accuracy", str(log), "--format", "json"])
    (found,) = json.loads(done.stdout)
    row = next(row for row in found["rows"] if row["design"] == "bottleneck-D-16")
    assert (row["accuracy"], row["logged"], row["spread"]) == ("70.3", 61, pytest.approx(2**0.5))
    assert any("ip-CSN-50" in note for note in found["notes"])


@pytest.mark.parametrize(("name", "panels"), [("fig6", 2), ("fig7", 1), ("all", 3)])
def test_figures_are_drawn_where_they_are_asked_for(name, panels, tmp_path, monkeypatch):
    plots = pytest.importorskip("csncost.render.figures.tradeoff")
    drawn = []
    monkeypatch.setattr(
        "csncost.render.plots.tradeoff", lambda *a, **k: drawn.append(plots.tradeoff(*a, **k)) or drawn[-1]
    )
    done = CliRunner().invoke(main, ["reproduce", name, "--plot", str(tmp_path / "x.svg")])
    assert done.exit_code == 0, done.output
    assert len(drawn[0].axes) == panels
    assert (tmp_path / "x.svg").read_text().startswith("<?xml")


@pytest.mark.parametrize("arguments", [
    ["table2", "--plot", "x.png"], ["table2", "--accuracy", "paper"], ["fig5"], ["fig6", "--plot", "x.gif"],
    ["fig6", "--accuracy", "no.csv"],
])  # fmt: skip
def test_what_is_no_figure_is_one_clear_error(arguments, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(main, ["reproduce", *arguments])
    assert done.exit_code == 2
    assert done.stderr.startswith("error: ")
    assert done.stdout == ""
    assert list(tmp_path.iterdir()) == []
