"""What of PyTorch cannot be followed is refused in one sentence; its inside is not spoken of."""

import warnings

import pytest
import torch
from torch import nn
from torch._higher_order_ops.map import map as torch_map
from torch._higher_order_ops.scan import scan
from torch._higher_order_ops.while_loop import while_loop
from torch.autograd import forward_ad

from csncost.errors import CsncostError
from csncost.pytorch.trace.trace import trace
from tests.pytorch.traced_modules import Net, macs


def layer(forward):
    return Net(forward, a=nn.Linear(4, 4))


def quantised(dynamic):
    with warnings.catch_warnings(action="ignore"):  # deprecated, and in use
        quantization = torch.ao.quantization
        if dynamic:
            return quantization.quantize_dynamic(nn.Sequential(nn.Linear(4, 4)), {nn.Linear})
        model = nn.Sequential(quantization.QuantStub(), nn.Linear(4, 4), quantization.DeQuantStub()).eval()
        model.qconfig = quantization.default_qconfig
        quantization.prepare(model, inplace=True)(torch.randn(2, 4))
        return quantization.convert(model)


def dual(net, x):
    with forward_ad.dual_level():
        return forward_ad.unpack_dual(net.a(forward_ad.make_dual(x, x))).tangent


def energy(net, x):
    x = x.detach().requires_grad_(True)
    return torch.autograd.grad(net.a(x).sum(), x, create_graph=True)[0]


def nested(net, x, **options):
    return net.a(torch.nested.nested_tensor([x[:1], x], **options))


REFUSED = {
    "branch": (
        layer(lambda net, x: torch.cond(x.sum() > 0, net.a, lambda x: x * 2, (x,))),
        "reads the value of an activation",
    ),
    "loop": (
        layer(lambda net, x: while_loop(lambda x: x.sum() > 0, lambda x: (net.a(x),), (x,))),
        "reads the value of an activation",
    ),
    "scan": (
        layer(lambda net, x: scan(lambda c, x: (c + x, net.a(x)), torch.zeros(4), x)),
        "scan, which is not followed",
    ),
    "map": (layer(lambda net, x: torch_map(net.a, x)), "map.*, which is not followed"),
    "quantised": (quantised(False), "1 is quantised"),
    "quantised while it runs": (quantised(True), "0 is quantised"),
    "nested": (layer(nested), "nested tensors are not followed"),
    "ragged": (layer(lambda net, x: nested(net, x, layout=torch.jagged)), "nested tensors are not followed"),
    "gradient": (layer(energy), "takes gradients while it runs"),
    "backward": (layer(lambda net, x: net.a(x).sum().backward()), "takes gradients while it runs"),
    "backward of several": (
        layer(lambda net, x: torch.autograd.backward([net.a(x).sum()])),
        "takes gradients while it runs",
    ),
    "jacobian": (layer(lambda net, x: torch.autograd.functional.jacobian(net.a, x)), "takes gradients while it runs"),
    "swap": (
        layer(lambda net, x: torch.utils.swap_tensors(net.a.weight, nn.Parameter(torch.ones(4, 4)))),
        "swaps tensors",
    ),
    "sparse": (Net(lambda net, x: torch.sparse.mm(torch.eye(2).to_sparse(), x)), "no kernel"),
    "dual": (layer(dual), "differentiates forwards"),
    "jvp": (layer(lambda net, x: torch.func.jvp(net.a, (x,), (x,))), "differentiates forwards"),
    "jacfwd": (layer(lambda net, x: torch.func.jacfwd(net.a)(x)), "differentiates forwards"),
    "jacrev": (layer(lambda net, x: torch.func.jacrev(net.a)(x)), "does not run|vmap"),
}

INSIDE = ("csncost.", "0x", "INTERNAL", "Node", "dispatch", "fake impl", "Backend", "grad_fn")


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.filterwarnings("ignore")
def test_what_cannot_be_followed(name):
    net, says = REFUSED[name]
    with pytest.raises(CsncostError, match=says) as refused:
        trace(net, (2, 4))
    assert not any(word in str(refused.value) for word in INSIDE)
    assert len(str(refused.value)) < 200


def test_nested_examples():
    given = torch.nested.nested_tensor([torch.ones(2, 4), torch.ones(3, 4)], layout=torch.jagged)
    with pytest.raises(CsncostError, match="nested"):
        trace(nn.Linear(4, 4), given)


FOLLOWED = {
    "branch": (lambda net, x: torch.cond(torch.tensor(False), net.a, lambda x: net.a(net.a(x)), (x,)), 2),
    "branch on a size": (lambda net, x: torch.cond(x.shape[0] > 1, net.a, lambda x: x * 2, (x,)), 1),
    "loop": (lambda net, x: while_loop(lambda i, x: i < 3, lambda i, x: (i + 1, net.a(x)), (torch.tensor(0), x))[1], 3),
    "vmap": (lambda net, x: torch.vmap(net.a)(x), 1),
    "grad": (lambda net, x: torch.func.grad(lambda x: net.a(x).sum())(x), 2),
    "vjp": (lambda net, x: torch.func.vjp(net.a, x)[1](x), 2),
    "grad of each": (lambda net, x: torch.vmap(torch.func.grad(lambda x: net.a(x).sum()))(x), 2),
    "functional": (lambda net, x: torch.func.functional_call(net.a, dict(net.a.named_parameters()), (x,)), 1),
}


@pytest.mark.parametrize("name", FOLLOWED)
@pytest.mark.filterwarnings("ignore")
def test_what_can_be_followed(name):
    """In multiples of the one layer, which takes 2 x 4 x 4: a gradient of its input takes as many."""
    forward, times = FOLLOWED[name]
    assert macs(layer(forward), (2, 4)) == times * 32
