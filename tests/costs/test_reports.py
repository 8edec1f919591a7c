"""Reports as objects: frames, notebooks, groups, comparisons."""

import json

import pytest

import csncost as cc
from csncost.costs.naming import spelling
from csncost.network.walk import walk


def test_a_frame_has_the_rows_and_the_stamp():
    report = cc.analyze("ir-CSN-50")
    frame = report.to_frame()
    assert len(frame) == len(report.rows)
    assert frame["flops"].sum() == report.flops
    assert frame.attrs["convention"] == "paper"
    assert frame.loc[frame.name == "conv3_1.b", "groups"].item() == 128


def test_a_notebook_shows_a_neat_table():
    html = cc.analyze("ir-CSN-50")._repr_html_()
    assert html.count("<tr") == 1 + 6 + 1  # head, stages, total
    assert "10.58 G" in html
    assert "convention paper" in html
    assert "<script" not in html
    assert cc.compare("ResNet3D-50", "ir-CSN-50")._repr_html_().count("<table") == 1
    assert cc.reproduce("table2")._repr_html_()
    assert cc.formula("bottleneck-G-16")._repr_latex_().startswith("$")


def test_objects_print_short_and_show_themselves():
    report = cc.analyze("ir-CSN-50@16x112")
    assert repr(report).startswith("<Report bottleneck-D-16@16x112   ir-CSN-50: params 13,077,632, flops ")
    assert len(repr(report)) < 250
    assert "| conv2 |" in str(report)
    assert repr(cc.compare("simple-8", "simple-D-8")) == "<Comparison of simple-8, simple-D-8 by stage>"
    assert repr(cc.formula("bottleneck-G-16")) == "<Formula of bottleneck-G-16 in G, T, H, W>"
    assert cc.analyze("ir-CSN-50(width=2)").aliases == ()


def test_groups_keep_order_and_names():
    report = cc.analyze("simple-8", convention="everything")
    assert [row.name for row in report.by("stage").rows] == [
        "conv1",
        "pool1",
        "conv2",
        "conv3",
        "conv4",
        "conv5",
        "pool5",
        "fc",
    ]
    assert [row.name for row in report.by("block").rows][2:5] == ["conv2_1", "conv2_2", "conv3_1"]
    assert [row.name for row in report.by("total").rows] == ["total"]
    assert report.by("block").by("stage").rows == report.by("stage").rows


def test_names_of_rows_are_unique_and_are_paths():
    for name in ("ip-CSN-50", "simple-D-16", "bottleneck-DG4-16"):
        rows = cc.analyze(name, convention="everything").rows
        names = [row.name for row in rows]
        assert len(set(names)) == len(names)
        assert all(part.isidentifier() for name in names for part in name.split("."))


def test_every_operation_is_in_the_network():
    ops = {one.name: one.node for one in walk(cc.to_network("ir-CSN-26").graph, each_copy=True)}
    assert [name for name in ops if name.startswith("conv3_1")] == [
        "conv3_1.a", "conv3_1.a_norm", "conv3_1.a_act", "conv3_1.b", "conv3_1.b_norm", "conv3_1.b_act",
        "conv3_1.c", "conv3_1.c_norm",
        "conv3_1.shortcut", "conv3_1.shortcut_norm", "conv3_1.add", "conv3_1.act",
    ]  # fmt: skip
    assert ops["pool1"].op.function == "max"
    assert ops["pool5"].output == (512, 1, 1, 1)
    assert ops["fc"].op.classifier


def test_a_comparison_aligns_parts():
    found = cc.compare("simple-8", "simple-D-8", by="layer")
    parts = list(dict.fromkeys(row["part"] for row in found.rows))
    assert parts.index("conv3_1.c") > parts.index("conv3_1.b")
    assert sum(row["flops"] for row in found.rows if row["network"] == "simple-D-8") == cc.analyze("simple-D-8").flops
    assert json.loads(found.to_json())["totals"][1]["flops_ratio"] < 1
    assert len(found.to_frame()) == len(found.rows)
    reports = cc.compare(cc.analyze("bottleneck-G-16", G=2), cc.analyze("bottleneck-G-16", G=4), "ir-CSN-50").reports
    assert [report.name for report in reports] == ["bottleneck-G2-16", "bottleneck-G4-16", "bottleneck-D-16"]
    assert found.totals[0]["flops_ratio"] == 1


def test_conventions_are_data():
    from csncost.costs.conventions.named import Convention, Rule

    norms = Convention(
        "norms", "1 FLOP = 1 element", "norms only", {"norm": Rule(params={"affine": 1}, flops={"elements": 5})}
    )
    report = cc.analyze("ir-CSN-26", convention=norms)
    assert {row.op for row in report.rows} == {"norm"}
    everything = cc.analyze("ir-CSN-26", convention="everything")
    assert report.flops == 5 * sum(row.flops for row in everything.rows if row.op == "norm")


@pytest.mark.parametrize(("spec", "given", "name"), [
    ("bottleneck-16(width=2)", {"width": 0.5}, "bottleneck-16(width=0.5)"),
    ("ir-CSN-50@32x256(classes=487)", {"classes": 7}, "bottleneck-D-16@32x256(classes=7)"),
    ("width = 2; bottleneck-16(width=2*width)", {"width": 3}, "bottleneck-16(width=6)"),
])  # fmt: skip
def test_a_value_that_is_given_goes_before_that_in_a_name(spec, given, name):
    assert cc.analyze(spec, **given).name == name
    assert spelling(spec, given) == name
