"""Every figure that was established independently, to its last digit."""

import pytest

import csncost as cc
from csncost.costs.equations import channel_interactions
from csncost.units import rounded

TABLE_2 = [  # network, GFLOPs, M params, G interactions at 8x224x224 and 400 classes
    ("ResNet3D-26", "bottleneck-8", "14.322", "20.426", "0.4207"),
    ("ir-CSN-26", "bottleneck-D-8", "4.033", "1.678", "0.2677"),
    ("ip-CSN-26", "bottleneck-ip-8", "5.048", "2.374", "0.4207"),
    ("ResNet3D-50", "bottleneck-16", "29.461", "46.927", "5.6792"),
    ("ir-CSN-50", "bottleneck-D-16", "10.578", "13.078", "5.4236"),
    ("ip-CSN-50", "bottleneck-ip-16", "11.914", "14.335", "5.6792"),
    ("ResNet3D-101", "bottleneck-33", "44.747", "85.921", "8.6689"),
    ("ir-CSN-101", "bottleneck-D-33", "14.118", "22.108", "8.2713"),
    ("ip-CSN-101", "bottleneck-ip-33", "15.890", "24.480", "8.6689"),
]

TABLES_4_AND_5 = [  # network, GFLOPs at 32x224x224 with 487 classes, at 32x256x256 with 400
    ("ir-CSN-101", "56.5", "73.8"),
    ("ip-CSN-101", "63.6", "83.0"),
    ("ir-CSN-152", "74.0", "96.7"),
    ("ip-CSN-152", "83.3", "108.8"),
]


@pytest.mark.parametrize(("name", "canonical", "flops", "params", "interactions"), TABLE_2)
def test_table_2(name, canonical, flops, params, interactions):
    for spelling in (name, canonical, name.upper(), canonical.lower()):
        report = cc.analyze(spelling)
        assert report.name == canonical
        assert rounded(report.flops, 10**9, 3) == flops
        assert rounded(report.params, 10**6, 3) == params
        assert rounded(report.interactions, 10**9, 4) == interactions


@pytest.mark.parametrize(("name", "table_4", "table_5"), TABLES_4_AND_5)
def test_tables_4_and_5(name, table_4, table_5):
    assert rounded(cc.analyze(name, frames=32, classes=487).flops, 10**9, 1) == table_4
    assert rounded(cc.analyze(f"{name}@32x256").flops, 10**9, 1) == table_5


def test_figure_1():
    assert [channel_interactions(4, 4, groups) for groups in (1, 2, 4)] == [24, 4, 0]


def test_structure_that_reproduces_the_tables():
    rows = {row.name: row for row in cc.analyze("bottleneck-16").rows}
    assert rows["conv1"].kernel == (3, 7, 7)
    assert rows["conv1"].output == (64, 8, 112, 112)
    assert rows["conv2_1.a"].output == (64, 8, 56, 56)  # after pool1
    assert rows["conv2_1.shortcut"].in_channels == 64  # conv2_1 of a bottleneck projects, without a stride
    assert rows["conv2_1.shortcut"].stride == (1, 1, 1)
    assert "conv2_2.shortcut" not in rows
    assert rows["conv3_1.a"].stride == (1, 1, 1)  # the stride sits on the 3x3x3
    assert rows["conv3_1.b"].stride == (2, 2, 2)
    assert rows["conv3_1.shortcut"].stride == (2, 2, 2)
    assert rows["conv5_3.c"].output == (2048, 1, 7, 7)
    simple = {row.name: row for row in cc.analyze("simple-8").rows}
    assert simple["conv3_1.a"].stride == (2, 2, 2)
    assert "conv2_1.shortcut" not in simple


def test_simple_d_adds_a_pointwise_layer_only_where_channels_change():
    rows = {row.name: row for row in cc.analyze("simple-D-8").rows}
    assert [rows[f"conv2_1.{x}"].kernel for x in "ab"] == [(3, 3, 3)] * 2
    assert "conv2_1.c" not in rows
    assert (rows["conv3_1.a"].kernel, rows["conv3_1.a"].stride) == ((1, 1, 1), (1, 1, 1))
    assert (rows["conv3_1.b"].stride, rows["conv3_1.b"].groups) == ((2, 2, 2), 128)
    assert (rows["conv3_1.c"].stride, rows["conv3_1.c"].groups) == ((1, 1, 1), 128)
    assert [rows[f"conv3_2.{x}"].kernel for x in "ab"] == [(3, 3, 3)] * 2
    assert "conv3_2.c" not in rows


def test_ip_and_dg_blocks():
    ip = {row.name: row for row in cc.analyze("ip-CSN-50").rows}
    assert [(ip[f"conv3_1.{x}"].kernel, ip[f"conv3_1.{x}"].stride) for x in "abcd"] == [
        ((1, 1, 1), (1, 1, 1)), ((1, 1, 1), (1, 1, 1)), ((3, 3, 3), (2, 2, 2)), ((1, 1, 1), (1, 1, 1)),
    ]  # fmt: skip
    dg = {row.name: row for row in cc.analyze("bottleneck-DG2-16").rows}
    assert [dg[f"conv2_1.{x}"].groups for x in ("a", "b", "c", "shortcut")] == [2, 64, 2, 1]


def test_an_interaction_preserving_network_keeps_exactly_the_interactions():
    for depth in (26, 50, 101, 152):
        assert cc.analyze(f"ip-CSN-{depth}").interactions == cc.analyze(f"ResNet3D-{depth}").interactions


def test_blocks_are_the_table_s():
    for blocks, layout in {4: "[1,1,1,1]", 8: "[2,2,2,2]", 16: "[3,4,6,3]", 33: "[3,4,23,3]", 50: "[3,8,36,3]"}.items():
        named, listed = cc.analyze(f"bottleneck-D-{blocks}"), cc.analyze(f"bottleneck-D-{layout}")
        assert named.name == listed.name
        assert named.canonical == listed.canonical
        assert named.rows == listed.rows


def test_how_other_counters_differ_from_the_paper_on_ir_csn_50():
    paper = cc.analyze("ir-CSN-50")
    everything = cc.analyze("ir-CSN-50", convention="everything")
    norm = sum(row.flops for row in everything.rows if row.op == "norm")
    assert paper.flops == 10_577_744_384  # calflops, DeepSpeed: 10.57774 G
    assert rounded(paper.flops + 400, 10**9, 6) == "10.577745"  # ptflops on aten counts the bias of fc
    assert rounded(paper.flops + norm, 10**9, 3) == "10.639"  # torchprofile counts batch norm once
    assert cc.analyze("ir-CSN-50", convention="flops").flops == 2 * paper.flops  # FlopCounterMode: 21.155 G
    assert rounded(2 * paper.flops, 10**9, 3) == "21.155"


def test_views_multiply_flops_only():
    once, ten = cc.analyze("ir-CSN-50"), cc.analyze("ir-CSN-50", views=10)
    assert ten.flops == 10 * once.flops == sum(row.flops for row in ten.rows)
    assert (ten.params, ten.interactions, ten.activations) == (once.params, once.interactions, once.activations)
