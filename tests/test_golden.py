"""What users see, kept: a change of any figure or layout shows as a diff of these files."""

import json

import pytest

import csncost as cc
from csncost.costs.conventions.tools import TOOLS
from csncost.render.terminal import table_text
from csncost.zoo.figures import ALL
from csncost.zoo.listing import named_networks

FAMILIES = [
    *("simple-4", "simple-8", "simple-16", "simple-G4-8", "simple-D-8", "simple-D-16", "bottleneck-4"),
    *("bottleneck-G2-8", "bottleneck-G32-16", "bottleneck-DG2-8", "bottleneck-DG64-16"),
    *("bottleneck-D-16@32x256(width=0.5)", "ip-CSN-50(added_act=none)", "ir-CSN-50(block=bottleneck_D_spacetime)"),
]


def test_the_cost_of_every_network_by_stage(golden):
    names = [row["name"] for row in named_networks()] + FAMILIES
    found = {
        name: {
            how.name: {row.name: list(row.counts) for row in cc.analyze(name, convention=how).by("stage").rows}
            for how in cc.CONVENTIONS.values()
            if how not in TOOLS
        }
        for name in names
    }
    lines = ",\n".join(f'"{name}": {json.dumps(counts)}' for name, counts in found.items())
    golden("costs.json", f"{{\n{lines}\n}}\n")


def test_the_canonical_text_of_every_network(golden):
    names = [row["name"] for row in named_networks()] + FAMILIES
    golden("canonical.csn.txt", "\n".join(f"## {name}\n{cc.show(name)}" for name in names))


@pytest.mark.parametrize("level", ["total", "stage", "block", "layer"])
def test_tables_at_80_columns(golden, level):
    golden(f"analyze-{level}.txt", table_text(cc.analyze("ir-CSN-26", views=10).by(level).table(), 80))


def test_comparison_at_80_columns(golden):
    golden("compare.txt", table_text(cc.compare("ResNet3D-50", "ir-CSN-50", "ip-CSN-50").table(), 80))


@pytest.mark.parametrize("name", ALL)
def test_reproductions_at_80_columns(golden, name):
    golden(f"{name}.txt", table_text(cc.reproduce(name).table(), 80))


@pytest.mark.parametrize("form", ["csv", "markdown", "latex", "html"])
def test_other_formats(golden, form):
    table = cc.analyze("ir-CSN-26").by("stage").table()
    golden(f"analyze.{form}", getattr(table, f"to_{form}")())


def test_closed_forms(golden):
    closed = cc.formula("bottleneck-G-16")
    golden(
        "formula.txt",
        closed.to_text() + "\n" + closed.to_text("total") + "\n" + closed.to_latex() + "\n" + closed.to_python(),
    )
