"""What a backward pass counts: as PyTorch runs it, without groups, and by hand with them."""

import warnings

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.checkpoint import checkpoint
from torch.utils.flop_counter import FlopCounterMode

from csncost.pytorch.trace import trace
from tests.traced_modules import Net, P, linear, lstm, macs, mha, standardised


def training(target, *inputs):
    """Multiply-adds of a forward and a backward pass of real numbers, as PyTorch dispatches them (without groups)."""
    switched = torch.backends.mkldnn.flags(enabled=False)  # whose kernel for recurrent layers is not taken apart
    with warnings.catch_warnings(action="ignore"), FlopCounterMode(display=False) as counter, switched:
        output = target(*(torch.randn(one) if isinstance(one, tuple) else one for one in inputs))
        (output[0] if isinstance(output, tuple) else output).sum().backward()
    return counter.get_total_flops() // 2


def cut(how):
    return Net(lambda net, x: net.b(how(net.a, x)), a=nn.Linear(3, 4), b=nn.Linear(4, 5))


def without_gradient(layer, x):
    with torch.no_grad():
        return layer(x)


def gated(net, x):
    return net.b(x * torch.sigmoid(net.a(x.mean((2, 3), keepdim=True))))


def attention(net, x):
    return (net.q(x) @ net.k(x).transpose(1, 2)).softmax(-1) @ net.v(x)


def written_into(net, x):
    held = torch.zeros(2, 8)
    held[:, :4].add_(net.a(x))
    return net.b(held)


TRAINED = {
    "convolutions": (lambda: nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(True), nn.Conv2d(4, 5, 3)), (2, 3, 8, 8)),
    "transposed": (lambda: nn.Sequential(nn.ConvTranspose2d(3, 4, 3, 2), nn.ConvTranspose2d(4, 5, 3, 2)), (2, 3, 5, 5)),
    "linear": (lambda: linear(3, 4, 5, 2), (2, 7, 3)),
    "frozen first": (lambda: linear(3, 4, 5, 2, frozen=["0.weight", "0.bias"]), (2, 3)),
    "frozen first weight": (lambda: linear(3, 4, 5, 2, frozen=["0.weight"]), (2, 3)),
    "frozen within": (lambda: linear(3, 4, 5, 2, frozen=["1.weight", "1.bias"]), (2, 3)),
    "detached": (lambda: cut(lambda a, x: a(x).detach()), (2, 3)),
    "detached in place": (lambda: cut(lambda a, x: a(x).detach_()), (2, 3)),
    "data": (lambda: cut(lambda a, x: a(x).data), (2, 3)),
    "no_grad": (lambda: cut(without_gradient), (2, 3)),
    "not used": (lambda: cut(lambda a, x: [a(x), torch.zeros(2, 4)][1]), (2, 3)),
    "residual": (lambda: Net(lambda net, x: net.b(x + net.a(x)), a=nn.Linear(4, 4), b=nn.Linear(4, 5)), (2, 4)),
    "residual in place": (lambda: Net(lambda net, x: net.b(F.relu_(x.clone().add_(net.a(x)))), a=nn.Linear(4, 4), b=nn.Linear(4, 5)), (2, 4)),
    "written into a view": (lambda: Net(written_into, a=nn.Linear(4, 4), b=nn.Linear(8, 5)), (2, 4)),
    "twice": (lambda: Net(lambda net, x: net.a(net.a(x)), a=nn.Linear(4, 4)), (2, 4)),
    "gate": (lambda: Net(gated, a=nn.Conv2d(4, 4, 1), b=nn.Conv2d(4, 5, 3)), (2, 4, 6, 6)),
    "products with parameters": (lambda: Net(lambda net, x: (x @ net.w) @ net.v, w=P(4, 3), v=P(3, 2)), (2, 5, 4)),
    "einsum": (lambda: Net(lambda net, x: torch.einsum("bni,io->bno", x @ net.v, net.w), w=P(4, 3), v=P(4, 4)), (2, 5, 4)),
    "attention": (lambda: Net(attention, q=nn.Linear(4, 3), k=nn.Linear(4, 3), v=nn.Linear(4, 5)), (2, 5, 4)),
    "attention to the input": (lambda: Net(lambda net, x: (net.q(x) @ x.transpose(1, 2)).softmax(-1) @ x, q=nn.Linear(4, 4)), (2, 5, 4)),
    "multi-head attention": (lambda: Net(lambda net, x: net.a(x, x, x)[0], a=mha(batch_first=True)), (3, 5, 8)),
    "pieces": (lambda: Net(lambda net, x: net.b(torch.cat([*net.a(x).chunk(2, -1), x], -1)), a=nn.Linear(4, 6), b=nn.Linear(10, 5)), (2, 4)),
    "after an embedding": (lambda: nn.Sequential(nn.Embedding(7, 4), nn.Linear(4, 5)), torch.zeros(2, 3, dtype=torch.int64)),
    "after a parameter": (lambda: Net(lambda net, x: net.a(x + net.p), a=nn.Linear(4, 6), p=P(4)), (2, 4)),
    "weight standardisation": (lambda: Net(standardised, a=nn.Conv2d(3, 4, 3)), (2, 3, 6, 6)),
    "lstm": (lstm, (5, 3, 8)),
    "lstm 2 layers both ways": (lambda: lstm(num_layers=2, bidirectional=True), (5, 3, 8)),
    "gru": (lambda: nn.Sequential(nn.Linear(8, 8), nn.GRU(8, 6)), (5, 3, 8)),
    "gru cell": (lambda: nn.GRUCell(8, 6), (3, 8)),
}  # fmt: skip


@pytest.mark.parametrize("name", TRAINED)
def test_the_backward_pass_as_pytorch_runs_it(name):
    make, inputs = TRAINED[name]
    net = make()
    assert macs(net, inputs, backward=True) == training(net, inputs)


DEPTHWISE = 2 * 36 * 8 * 9  # 8 channels, 3x3, an output of 2x8x6x6
POINTWISE = 2 * 36 * 8 * 8


@pytest.mark.parametrize(("make", "inputs", "expected"), [
    (lambda: nn.Conv2d(8, 8, 3, padding=1, groups=8), (2, 8, 6, 6), 2 * DEPTHWISE),  # none for the input
    (lambda: nn.Sequential(nn.Conv2d(8, 8, 1), nn.Conv2d(8, 8, 3, padding=1, groups=8)), (2, 8, 6, 6), 2 * POINTWISE + 3 * DEPTHWISE),
    (lambda: nn.Sequential(nn.Conv2d(8, 8, 1), nn.ConvTranspose2d(8, 4, 3, groups=2)), (2, 8, 6, 6), 2 * POINTWISE + 3 * (2 * 36 * 8 * 2 * 9)),
    (lambda: Net(lambda net, x: checkpoint(net.b, net.a(x), use_reentrant=True), a=nn.Linear(4, 4), b=nn.Linear(4, 4)), (2, 4), 2 * 32 + 3 * 32),
    (lambda: nn.Linear(3, 4), torch.zeros(2, 3, requires_grad=True), 3 * 24),  # and the gradient of the input
    (lambda: nn.Linear(3, 4).requires_grad_(False), (2, 3), 24),
])  # fmt: skip
def test_the_backward_pass_by_hand(make, inputs, expected):
    assert macs(make(), inputs, backward=True) == expected
    with torch.no_grad():
        assert macs(make(), inputs, backward=True) == expected


def test_rows_are_forward_and_backward():
    net = linear(3, 4, 5)
    forward, both = trace(net, (2, 3)), trace(net, (2, 3), backward=True)
    assert [row.flops for row in forward.rows] == [24, 40]
    assert [row.flops for row in both.rows] == [2 * 24, 3 * 40]
    assert (both.params, both.interactions, both.activations) == (
        forward.params,
        forward.interactions,
        forward.activations,
    )
    assert both.setting["pass"] == "forward and backward"
