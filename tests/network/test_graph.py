"""The intermediate representation by itself: operations that no network of the package uses yet, and branches."""

import pytest

from csncost.costs.conventions import convention
from csncost.costs.count import tally
from csncost.network.graph import GraphBuilder
from csncost.network.ops import Activation, Add, Checks, Concat, Conv, Fault, Linear, Matmul, Multiply, Pool, Reshape

ONES = (1, 1, 1)


def pointwise(inputs, outputs):
    return Conv(inputs, outputs, ONES, ONES, (0, 0, 0), ONES)


def builder(*shapes):
    return GraphBuilder("network", shapes, Checks())


def test_branches_are_concatenated():
    graph = builder((8, 4, 6, 6))
    left = graph.add("left", pointwise(8, 3), 0)
    right = graph.add("right", pointwise(8, 5), 0)
    graph.add("both", Concat(), left, right)
    assert graph.shape() == (8, 4, 6, 6)
    counts = tally(graph.graph(), convention("paper"))
    assert (counts.params, counts.flops) == (8 * 8, 8 * 8 * 4 * 6 * 6)
    small = graph.add("small", Pool("max", (2, 2, 2), (2, 2, 2)), 0)
    with pytest.raises(Fault, match="cannot concatenate"):
        graph.add("wrong", Concat(), left, small)


def test_a_gate_multiplies():
    graph = builder((8, 4, 6, 6))
    graph.add("squeeze", Pool("avg"), 0)
    graph.add("excite", pointwise(8, 8))
    gate = graph.add("gate", Activation("sigmoid"))
    graph.add("out", Multiply(), 0, gate)
    assert graph.shape() == (8, 4, 6, 6)
    counts = tally(graph.graph(), convention("everything"))
    assert counts.flops == 8 + 64 + 8 + 8 * 4 * 6 * 6
    with pytest.raises(Fault, match="cannot multiply"):
        graph.add("wrong", Multiply(), 0, graph.add("other", pointwise(8, 5), 0))


def test_matrix_products_and_reshapes():
    graph = builder((8, 4, 6, 6))
    keys = graph.add("keys", Reshape((8, 144)), 0)
    graph.add("affinity", Matmul(144, 8, 144), keys, keys)
    assert graph.shape() == (144, 144)
    counts = tally(graph.graph(), convention("flops"))
    assert (counts.params, counts.flops, counts.interactions, counts.activations) == (
        0,
        2 * 144 * 8 * 144,
        0,
        144 * 144,
    )


def test_pathways_of_different_lengths_cannot_be_added():
    graph = builder((8, 32, 6, 6), (8, 4, 6, 6))
    with pytest.raises(Fault, match="8x32x6x6 and 8x4x6x6"):
        graph.add("sum", Add(), 0, 1)
    lateral = graph.add("lateral", Conv(8, 8, (5, 1, 1), (8, 1, 1), (2, 0, 0), ONES), 0)
    graph.add("sum", Add(), lateral, 1)
    assert graph.shape() == (8, 4, 6, 6)


def test_a_hidden_layer_interacts_and_the_classifier_does_not_in_the_paper_s_convention():
    graph = builder((8,))
    graph.add("hidden", Linear(8, 4))
    graph.add("fc", Linear(4, 2, classifier=True))
    assert tally(graph.graph(), convention("paper")).interactions == 4 * 28
    assert tally(graph.graph(), convention("macs")).interactions == 4 * 28 + 2 * 6


def test_graphs_compare_by_what_they_compute():
    import csncost as cc

    assert cc.to_network("ir-CSN-50") == cc.to_network(cc.show("ir-CSN-50")) == cc.to_network("bottleneck-D-[3,4,6,3]")
    assert cc.to_network("ip-CSN-50") != cc.to_network("ip-CSN-50(added_act=none)")
    assert len({Add(), Multiply(), Concat()}) == 3
