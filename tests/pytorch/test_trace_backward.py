"""What a backward pass counts: as PyTorch runs it, without groups, and by hand with them."""

import threading
import warnings

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.checkpoint import checkpoint
from torch.utils.flop_counter import FlopCounterMode

from csncost.errors import CsncostError
from csncost.pytorch.trace.trace import trace
from tests.pytorch.traced_modules import Net, P, linear, lstm, macs, mha, standardised


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


class Product(torch.autograd.Function):
    """A matrix product that computes only the gradients that are asked for."""

    @staticmethod
    def forward(ctx, x, w):
        ctx.save_for_backward(x, w)
        return x @ w

    @staticmethod
    def backward(ctx, g):
        x, w = ctx.saved_tensors
        wanted = ctx.needs_input_grad
        return g @ w.t() if wanted[0] else None, x.flatten(0, -2).t() @ g.flatten(0, -2) if wanted[1] else None


class Pair(torch.autograd.Function):
    """Two outputs, one of whole numbers, and a backward pass whose context is set up apart."""

    @staticmethod
    def forward(x, w, times=1):
        return x @ w, x.argmax(-1)

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.save_for_backward(*inputs[:2])
        ctx.mark_non_differentiable(output[1])

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, g, _):
        x, w = ctx.saved_tensors
        return g.mm(w.t()), torch.mm(x.t(), g), None


class Convolution(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, w):
        ctx.save_for_backward(x, w)
        return F.conv2d(x, w)

    @staticmethod
    def backward(ctx, g):
        x, w = ctx.saved_tensors
        return torch.nn.grad.conv2d_input(x.shape, w, g), torch.nn.grad.conv2d_weight(x, w.shape, g)


class Straight(torch.autograd.Function):
    """Rounds, and lets the gradient through."""

    @staticmethod
    def forward(ctx, x):
        return x.round()

    @staticmethod
    def backward(ctx, g):
        return g


class ChangedInPlace(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.mark_dirty(x)
        return x.mul_(2)

    @staticmethod
    def backward(ctx, g):
        return 2 * g


class Unknowable(torch.autograd.Function):
    """A backward pass that goes by values."""

    @staticmethod
    def forward(ctx, x):
        return x * 2

    @staticmethod
    def backward(ctx, g):
        return g @ g if g.sum() > 0 else g


def product_of(net, x):
    return Product.apply(net.a(x), net.w)


def changed_in_place(net, x):
    x = net.a(x).clone()
    ChangedInPlace.apply(x)
    return net.b(x)


def anew(layer, x):
    return layer(x).detach().requires_grad_()


def flagged(layer, x):
    x = layer(x).detach()
    x.requires_grad = True
    return x


def of_a_leaf(net, x):
    return (
        net.b(net.a(x).detach() * torch.ones(4, requires_grad=True)).sum()
        + net.c(torch.ones(2, 4, requires_grad=True)).sum()
    )


TRAINED = {
    "convolutions": (
        lambda: nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(True), nn.Conv2d(4, 5, 3)),
        (2, 3, 8, 8),
    ),
    "transposed": (lambda: nn.Sequential(nn.ConvTranspose2d(3, 4, 3, 2), nn.ConvTranspose2d(4, 5, 3, 2)), (2, 3, 5, 5)),
    "linear": (lambda: linear(3, 4, 5, 2), (2, 7, 3)),
    "frozen first": (lambda: linear(3, 4, 5, 2, frozen=["0.weight", "0.bias"]), (2, 3)),
    "frozen first weight": (lambda: linear(3, 4, 5, 2, frozen=["0.weight"]), (2, 3)),
    "frozen within": (lambda: linear(3, 4, 5, 2, frozen=["1.weight", "1.bias"]), (2, 3)),
    "detached": (lambda: cut(lambda a, x: a(x).detach()), (2, 3)),
    "detached in place": (lambda: cut(lambda a, x: a(x).detach_()), (2, 3)),
    "data": (lambda: cut(lambda a, x: a(x).data), (2, 3)),
    "detached and followed anew": (lambda: cut(anew), (2, 3)),
    "detached and flagged": (lambda: cut(flagged), (2, 3)),
    "a leaf made within": (lambda: Net(of_a_leaf, a=nn.Linear(4, 4), b=nn.Linear(4, 5), c=nn.Linear(4, 3)), (2, 4)),
    "own product": (lambda: Net(product_of, a=nn.Linear(4, 4), w=P(4, 5)), (2, 3, 4)),
    "own product of the input": (lambda: Net(lambda net, x: Product.apply(x, net.w), w=P(4, 5)), (2, 4)),
    "own product, detached": (
        lambda: Net(lambda net, x: net.b(product_of(net, x).detach()), a=nn.Linear(4, 4), w=P(4, 5), b=nn.Linear(5, 3)),
        (2, 4),
    ),
    "own products, one upon the other": (
        lambda: Net(
            lambda net, x: Product.apply(F.relu(product_of(net, x)), net.v.t()), a=nn.Linear(4, 4), w=P(4, 5), v=P(3, 5)
        ),
        (2, 4),
    ),
    "own product of two outputs": (
        lambda: Net(lambda net, x: Pair.apply(net.a(x), net.w)[0], a=nn.Linear(4, 4), w=P(4, 5)),
        (2, 4),
    ),
    "own convolution": (
        lambda: Net(lambda net, x: Convolution.apply(net.a(x), net.w), a=nn.Conv2d(3, 4, 1), w=P(5, 4, 3, 3)),
        (2, 3, 6, 6),
    ),
    "straight through": (
        lambda: Net(lambda net, x: net.b(Straight.apply(net.a(x))), a=nn.Linear(4, 4), b=nn.Linear(4, 5)),
        (2, 4),
    ),
    "a rounded weight": (
        lambda: Net(lambda net, x: F.linear(x, Straight.apply(net.a.weight)), a=nn.Linear(4, 4, bias=False)),
        (2, 4),
    ),
    "own, in place": (lambda: Net(changed_in_place, a=nn.Linear(4, 4), b=nn.Linear(4, 5)), (2, 4)),
    "no_grad": (lambda: cut(without_gradient), (2, 3)),
    "not used": (lambda: cut(lambda a, x: [a(x), torch.zeros(2, 4)][1]), (2, 3)),
    "residual": (lambda: Net(lambda net, x: net.b(x + net.a(x)), a=nn.Linear(4, 4), b=nn.Linear(4, 5)), (2, 4)),
    "residual in place": (
        lambda: Net(lambda net, x: net.b(F.relu_(x.clone().add_(net.a(x)))), a=nn.Linear(4, 4), b=nn.Linear(4, 5)),
        (2, 4),
    ),
    "written into a view": (lambda: Net(written_into, a=nn.Linear(4, 4), b=nn.Linear(8, 5)), (2, 4)),
    "twice": (lambda: Net(lambda net, x: net.a(net.a(x)), a=nn.Linear(4, 4)), (2, 4)),
    "gate": (lambda: Net(gated, a=nn.Conv2d(4, 4, 1), b=nn.Conv2d(4, 5, 3)), (2, 4, 6, 6)),
    "products with parameters": (lambda: Net(lambda net, x: (x @ net.w) @ net.v, w=P(4, 3), v=P(3, 2)), (2, 5, 4)),
    "einsum": (
        lambda: Net(lambda net, x: torch.einsum("bni,io->bno", x @ net.v, net.w), w=P(4, 3), v=P(4, 4)),
        (2, 5, 4),
    ),
    "attention": (lambda: Net(attention, q=nn.Linear(4, 3), k=nn.Linear(4, 3), v=nn.Linear(4, 5)), (2, 5, 4)),
    "attention to the input": (
        lambda: Net(lambda net, x: (net.q(x) @ x.transpose(1, 2)).softmax(-1) @ x, q=nn.Linear(4, 4)),
        (2, 5, 4),
    ),
    "multi-head attention": (lambda: Net(lambda net, x: net.a(x, x, x)[0], a=mha(batch_first=True)), (3, 5, 8)),
    "pieces": (
        lambda: Net(
            lambda net, x: net.b(torch.cat([*net.a(x).chunk(2, -1), x], -1)), a=nn.Linear(4, 6), b=nn.Linear(10, 5)
        ),
        (2, 4),
    ),
    "after an embedding": (
        lambda: nn.Sequential(nn.Embedding(7, 4), nn.Linear(4, 5)),
        torch.zeros(2, 3, dtype=torch.int64),
    ),
    "after a parameter": (lambda: Net(lambda net, x: net.a(x + net.p), a=nn.Linear(4, 6), p=P(4)), (2, 4)),
    "weight standardisation": (lambda: Net(standardised, a=nn.Conv2d(3, 4, 3)), (2, 3, 6, 6)),
    "lstm": (lstm, (5, 3, 8)),
    "lstm 2 layers both ways": (lambda: lstm(num_layers=2, bidirectional=True), (5, 3, 8)),
    "gru": (lambda: nn.Sequential(nn.Linear(8, 8), nn.GRU(8, 6)), (5, 3, 8)),
    "gru cell": (lambda: nn.GRUCell(8, 6), (3, 8)),
}


@pytest.mark.parametrize("name", TRAINED)
def test_the_backward_pass_as_pytorch_runs_it(name):
    make, inputs = TRAINED[name]
    net = make()
    assert macs(net, inputs, backward=True) == training(net, inputs)


DEPTHWISE = 2 * 36 * 8 * 9  # 8 channels, 3x3, an output of 2x8x6x6
POINTWISE = 2 * 36 * 8 * 8


@pytest.mark.parametrize(
    ("make", "inputs", "expected"),
    [
        (lambda: nn.Conv2d(8, 8, 3, padding=1, groups=8), (2, 8, 6, 6), 2 * DEPTHWISE),  # none for the input
        (
            lambda: nn.Sequential(nn.Conv2d(8, 8, 1), nn.Conv2d(8, 8, 3, padding=1, groups=8)),
            (2, 8, 6, 6),
            2 * POINTWISE + 3 * DEPTHWISE,
        ),
        (
            lambda: nn.Sequential(nn.Conv2d(8, 8, 1), nn.ConvTranspose2d(8, 4, 3, groups=2)),
            (2, 8, 6, 6),
            2 * POINTWISE + 3 * (2 * 36 * 8 * 2 * 9),
        ),
        (
            lambda: Net(
                lambda net, x: checkpoint(net.b, net.a(x), use_reentrant=True), a=nn.Linear(4, 4), b=nn.Linear(4, 4)
            ),
            (2, 4),
            2 * 32 + 3 * 32,
        ),
        (lambda: nn.Linear(3, 4), torch.zeros(2, 3, requires_grad=True), 3 * 24),  # and the gradient of the input
        (lambda: nn.Linear(3, 4).requires_grad_(False), (2, 3), 24),
    ],
)
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


def test_a_backward_pass_of_its_own_has_rows_of_its_own():
    report = trace(Net(product_of, a=nn.Linear(4, 4), w=P(4, 5)), (2, 4), convention="macs", backward=True)
    rows = [(row.name, row.op, row.params, row.flops, row.activations, row.calls) for row in report.rows]
    assert rows == [
        ("a", "linear", 20, 2 * 32, 8, 1),
        ("w", "linear", 20, 40, 10, 1),
        ("Product.backward", "matmul", 0, 2 * 40, 0, 2),
    ]
    forward = trace(Net(product_of, a=nn.Linear(4, 4), w=P(4, 5)), (2, 4), convention="macs")
    assert len(forward.rows) == 2
    assert (forward.params, forward.activations) == (report.params, report.activations)


def test_a_backward_pass_that_cannot_run_is_not_known():
    net = Net(lambda net, x: Unknowable.apply(net.a(x)), a=nn.Linear(4, 4))
    report = trace(net, (2, 4), backward=True)
    assert [str(one) for one in report.coverage.unknown] == ["Unknowable.backward in the model itself"]
    assert report.backward_flops == 32  # of what comes before
    with pytest.raises(CsncostError, match=r"Unknowable\.backward"):
        trace(net, (2, 4), backward=True, strict=True)
    assert trace(net, (2, 4), strict=True).flops == 32


def test_functions_of_others_run_as_before():
    before = vars(torch.autograd.Function)["apply"]
    weight = torch.ones(4, 4, requires_grad=True)
    seen = []

    begun, done = threading.Event(), threading.Event()

    def another():
        begun.wait(60)
        seen.append(Product.apply(torch.ones(2, 4), weight).sum().backward())
        done.set()

    def beside_it(net, x):
        begun.set()
        assert done.wait(60)
        return product_of(net, x)

    other = threading.Thread(target=another)
    other.start()
    trace(Net(beside_it, a=nn.Linear(4, 4), w=P(4, 5)), (2, 4), backward=True)
    other.join()
    assert seen == [None]
    assert weight.grad.sum() == 32
    assert vars(torch.autograd.Function)["apply"] is before
