"""The intermediate representation by itself: operations that no network of the package uses yet, and branches."""

import pytest
import sympy
import xarray as xr

from csncost.costs.conventions.named import convention
from csncost.costs.count import tally
from csncost.network.graph import GraphBuilder
from csncost.network.ops import (
    Activation,
    Add,
    Checks,
    Concat,
    Conv,
    Fault,
    Linear,
    Matmul,
    Multiply,
    Norm,
    Pool,
    Reshape,
)

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


MISFITS = [  # shapes of the inputs, an operation, and what is said
    ([(8, 4, 6, 6)], Reshape((5, 5)), "8x4x6x6 does not reshape to 5x5"),
    ([(5, 5)], Matmul(7, 9, 11), "has two factors, not 1"),
    ([(5, 5), (5, 5)], Matmul(7, 9, 11), "a matrix of 7x9 is needed, and 5x5 is given"),
    ([(9, 7), (9, 12)], Matmul(7, 9, 11), "a matrix of 9x11 is needed, and 9x12 is given"),
    ([(8, 2, 3, 3)] * 2, Matmul(3, 4, 5), "a matrix of 3x4 is needed, and 8x2x3x3 is given"),
    ([(7, 11)], Linear(1000, 10), "takes a vector, not 7x11"),
    ([(11,)], Linear(1000, 10), "a fully connected layer of 1000 channels cannot take 11"),
    ([(8, 4, 6, 6)], pointwise(4, 8), "a convolution of 4 channels cannot take 8x4x6x6"),
    ([(8,)], pointwise(8, 8), "a convolution takes channels x frames x height x width, not 8"),
    ([(8,)], Pool("avg"), "a pool takes channels x frames x height x width, not 8"),
    ([(8, 4, 6, 6)], Norm(4), "a norm of 4 channels cannot take 8x4x6x6"),
    ([(8, 4, 6, 6), (8,)], Multiply(), "cannot multiply tensors of shapes 8x4x6x6 and 8"),
    ([(8, 4, 6, 6), (4, 4, 6, 6)], Add(), "cannot add tensors of shapes 8x4x6x6 and 4x4x6x6"),
    ([(8, 4, 6, 6), (8, 4, 6, 1)], Concat(), "cannot concatenate tensors of shapes 4x6x6 and 4x6x1"),
    ([(8, 4, 6, 6)] * 2, Norm(8), "out takes one input, not 2"),
]


@pytest.mark.parametrize(("shapes", "op", "said"), MISFITS, ids=[said for _, _, said in MISFITS])
def test_inputs_that_do_not_fit_are_refused(shapes, op, said):
    with pytest.raises(Fault, match=said):
        builder(*shapes).add("out", op, *range(len(shapes)))


N = xr.DataArray([4, 8, 16], dims="n")

SOME_FIT = [  # shapes of the inputs over N, an operation, and where they fit
    ([(N, 4, 6, 6)], Reshape((8, 144)), [False, True, False]),
    ([(N, 9), (9, N)], Matmul(8, 9, 8), [False, True, False]),
    ([(9, N), (9, N)], Matmul(8, 9, 8), [False, True, False]),
    ([(N,)], Linear(8, 10), [False, True, False]),
    ([(N, 4, 6, 6)], pointwise(8, 8), [False, True, False]),
    ([(N, 4, 6, 6)], Norm(8), [False, True, False]),
    ([(8, 4, 6, 6), (N, 4, 6, 6)], Add(), [False, True, False]),
    ([(8, 4, 6, 6), (N // 4, 1, 1, 1)], Multiply(), [True, False, False]),
    ([(8, 4, 6, 6), (8, N, 6, 6)], Concat(), [True, False, False]),
]


@pytest.mark.parametrize(("shapes", "op", "fits"), SOME_FIT, ids=[type(op).__name__ for _, op, _ in SOME_FIT])
def test_arrays_are_masked_where_inputs_do_not_fit(shapes, op, fits):
    graph = builder(*shapes)
    graph.add("out", op, *range(len(shapes)))
    (mask,) = graph.checks.masks.values()
    assert mask.values.tolist() == fits


def test_of_symbols_it_is_assumed_that_they_fit():
    n, m = sympy.symbols("n m", integer=True, positive=True)
    for shapes, op, assumed in [
        ([(n, 4, 6, 6)], pointwise(m, 8), [sympy.Eq(n, m)]),
        ([(n, 4, 6, 6)], pointwise(n, 8), []),
        ([(2 * n, 3 * m)], Reshape((6, n * m)), []),
        ([(n, m)], Reshape((6,)), [sympy.Eq(n * m, 6)]),
        ([(n, m), (n, m)], Matmul(m, n, m), []),
        ([(n, 4), (4, m)], Matmul(2, 4, 3), [sympy.Eq(n, 2), sympy.Eq(m, 3)]),
        ([(8,), (n,)], Add(), [sympy.Eq(8, n)]),
    ]:
        graph = builder(*shapes)
        graph.add("out", op, *range(len(shapes)))
        assert graph.checks.assumptions == assumed


def test_a_nested_graph_is_put_where_its_inputs_are():
    inner = GraphBuilder("block", [(8, 4, 6, 6)], Checks())
    inner.add("a", pointwise(8, 4))
    outer = builder((4, 4, 6, 6), (8, 4, 6, 6))
    with pytest.raises(Fault, match="x is made for inputs of other shapes"):
        outer.nest("x", inner.graph(), 0)
    with pytest.raises(Fault, match="x is made for inputs of other shapes"):
        outer.nest("x", inner.graph(), 0, 1)
    with pytest.raises(Fault, match="copies of x change the shape"):
        outer.nest("x", inner.graph(), 1, copies=2, first=1)
    outer.nest("x", inner.graph(), 1, first=1)
