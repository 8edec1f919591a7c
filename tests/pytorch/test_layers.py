"""Values that built layers compute, and graphs that the language does not write."""

import pytest

import csncost as cc
from csncost.network.graph import GraphBuilder, Network
from csncost.network.ops import (
    Activation,
    Add,
    Checks,
    Concat,
    Conv,
    Linear,
    Matmul,
    Multiply,
    Norm,
    Pool,
    Reshape,
)
from tests.pytorch.built import ONES, check

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402

from csncost.pytorch.build.layers import same_padding  # noqa: E402

pytestmark = pytest.mark.usefixtures("one_thread")


# -- graphs that the language does not write yet


def pointwise(inputs, outputs):
    return Conv(inputs, outputs, ONES, ONES, (0, 0, 0), ONES)


def test_gates_branches_and_matrix_products():
    graph = GraphBuilder("network", [(8, 2, 3, 3)], Checks())
    left, right = graph.add("left", pointwise(8, 4), 0), graph.add("right", pointwise(8, 4), 0)
    both = graph.add("both", Concat(), left, right)
    graph.add("squeeze", Pool("avg"), both)
    graph.add("excite", pointwise(8, 8))
    gated = graph.add("gated", Multiply(), both, graph.add("gate", Activation("sigmoid")))
    keys = graph.add("keys", Reshape((8, 18)), gated)
    graph.add("affinity", Matmul(18, 8, 18), keys, keys)
    weights = graph.add("weights", Activation("softmax"))
    graph.add("values", Matmul(8, 18, 18), keys, weights)
    graph.add("values_norm", Norm(8))
    back = graph.add("back", Reshape((8, 2, 3, 3)))
    graph.add("sum", Add(), back, gated, 0)
    graph.add("flatten", Reshape())
    graph.add("fc", Linear(144, 2))
    network = Network(graph.graph())
    module = cc.build(network)
    clip = torch.randn(3, 8, 2, 3, 3)
    x = torch.cat([module.left(clip), module.right(clip)], 1)
    x = x * module.excite(x.mean((2, 3, 4), keepdim=True)).sigmoid()
    k = x.reshape(3, 8, 18)
    y = module.eval().values_norm(k @ (k.mT @ k).softmax(-1)).reshape(x.shape)
    torch.testing.assert_close(module(clip), module.fc((y + x + clip).flatten(1)))
    check(network, module)


def test_pathways():
    graph = GraphBuilder("network", [(3, 8, 6, 6), (3, 2, 6, 6)], Checks())
    lateral = graph.add("lateral", Conv(3, 3, (5, 1, 1), (4, 1, 1), (2, 0, 0), ONES), 0)
    graph.add("sum", Add(), lateral, 1)
    module = cc.build(Network(graph.graph()))
    assert module([torch.ones(1, 3, 8, 6, 6), torch.ones(1, 3, 2, 6, 6)]).shape == (1, 3, 2, 6, 6)


# -- what layers compute


def test_same_padding_is_that_of_tensorflow():
    for n in range(1, 12):
        for k in range(1, 6):
            for s in range(1, 5):
                total = max(k - s, 0) if n % s == 0 else max(k - n % s, 0)  # as its documentation puts it
                assert same_padding([n], [k], [s], [1]) == ([total // 2], [total - total // 2])
    assert same_padding([9], [3], [2], [2]) == ([2], [2])


@pytest.mark.parametrize("kernel", ["2x3x3", "3x3x3", "1x2x5"])
@pytest.mark.parametrize("stride", ["1", "2", "3x1x2"])
def test_same_padding_is_never_a_maximum_and_else_zero(kernel, stride):
    clip = -torch.ones(1, 1, 5, 6, 7)
    largest = cc.build(f"input 1x5x6x7; p max {kernel}, pad=same / {stride}")(clip)
    torch.testing.assert_close(largest, -torch.ones_like(largest))
    conv = cc.build(f"input 1x5x6x7; c {kernel}, 1, pad=same, norm=none, act=none / {stride}")
    nn.init.ones_(conv.c.weight)
    before, after = same_padding((5, 6, 7), conv.c.kernel_size, conv.c.stride)
    padded = torch.zeros(1, 1, *(b + n + a for b, n, a in zip(before, (5, 6, 7), after, strict=True)))
    padded[:, :, before[0] : before[0] + 5, before[1] : before[1] + 6, before[2] : before[2] + 7] = clip
    sums = nn.functional.conv3d(padded, conv.c.weight, stride=conv.c.stride)
    torch.testing.assert_close(conv(clip), sums)
    average = cc.build(f"input 1x5x6x7; p avg {kernel}, pad=same / {stride}")(clip)
    torch.testing.assert_close(average, sums / conv.c.weight.numel())


def test_an_average_counts_padding_that_is_written():
    clip = torch.ones(1, 1, 1, 3, 3)
    assert cc.build("input 1x1x3x3; p avg 1x3x3")(clip)[0, 0, 0, 0, 0] == pytest.approx(4 / 9)


def test_an_average_pool_takes_clips_shorter_than_its_window():
    ones = torch.ones(1, 1, 1, 1, 1)
    assert cc.build("input 1x1x1x1; p avg 3x3x3")(ones).item() == pytest.approx(1 / 27)
    assert cc.build("input 1x1x1x1; p avg 3x1x1, ceil")(ones).item() == pytest.approx(1 / 3)
    assert cc.build("input 1x1x1x1; p avg 3x3x3, pad=same")(ones).item() == pytest.approx(1 / 27)
    for spec in ("input 1x1x1x1; p avg 3x3x3, pad=0, ceil / 3", "input 1x2x5x5; p avg 3x3x3, pad=1, ceil / 2"):
        check(cc.to_network(spec), cc.build(spec))
