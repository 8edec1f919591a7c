"""Which types of tensors a trace takes together: those that PyTorch itself takes, on a CPU."""

import itertools

import pytest
import torch
import torch.nn.functional as F
from click.testing import CliRunner
from torch import nn

from csncost.cli.main import main
from csncost.errors import CsncostError
from csncost.pytorch.trace.trace import trace
from tests.pytorch.traced_modules import Net

TYPES = (torch.float32, torch.bfloat16, torch.int64)

TWO = {  # functions of an input and parameters, and their shapes
    "linear": (F.linear, (2, 3), (4, 3)),
    "linear of a sequence": (F.linear, (2, 5, 3), (4, 3)),
    "bias of a linear layer": (lambda x, b: F.linear(x, x.new_ones(4, 3), b), (2, 3), (4,)),
    "conv1d": (F.conv1d, (1, 3, 8), (4, 3, 3)),
    "conv2d": (F.conv2d, (1, 3, 4, 4), (4, 3, 3, 3)),
    "conv3d": (F.conv3d, (1, 3, 4, 4, 4), (4, 3, 3, 3, 3)),
    "bias of a convolution": (lambda x, b: F.conv2d(x, x.new_ones(4, 3, 3, 3), b), (1, 3, 4, 4), (4,)),
    "transposed": (F.conv_transpose2d, (1, 3, 4, 4), (3, 4, 3, 3)),
    "matmul": (torch.matmul, (2, 3), (3, 4)),
    "operator": (lambda a, b: a @ b, (5, 2, 3), (3, 4)),
    "bmm": (torch.bmm, (5, 2, 3), (5, 3, 4)),
    "mv": (torch.mv, (2, 3), (3,)),
    "addmm": (lambda a, b: torch.addmm(b, a, a.new_ones(3, 4)), (2, 3), (2, 4)),
    "einsum": (lambda a, b: torch.einsum("ij,jk->ik", a, b), (2, 3), (3, 4)),
    "attention": (lambda q, k: F.scaled_dot_product_attention(q, k, k), (1, 2, 5, 8), (1, 2, 7, 8)),
    "batch norm": (lambda x, w: F.batch_norm(x, w, w, w, w), (2, 4, 3), (4,)),
    "batch norm in training": (lambda x, w: F.batch_norm(x, w, w.clone(), w, w, True), (2, 4, 3), (4,)),
    "layer norm": (lambda x, w: F.layer_norm(x, (4,), w, w), (2, 4), (4,)),
    "group norm": (lambda x, w: F.group_norm(x, 2, w, w), (2, 4, 3), (4,)),
    "instance norm": (lambda x, w: F.instance_norm(x, None, None, w, w), (2, 4, 3), (4,)),
    "RMS norm": (lambda x, w: F.rms_norm(x, (4,), w), (2, 4), (4,)),
    "prelu": (F.prelu, (2, 4, 3), (4,)),
    "gelu": (lambda x, w: F.gelu(x), (2, 4), (1,)),
    "sigmoid": (lambda x, w: torch.sigmoid(x), (2, 4), (1,)),
    "softmax of a type": (lambda x, w: x.softmax(-1, dtype=w.dtype) if w.is_floating_point() else x, (2, 4), (1,)),
}  # fmt: skip


def outcome(function, inputs):
    """The type of what a function returns, or that it raises."""
    try:
        return function(*inputs).dtype
    except RuntimeError:
        return "refused"


class Result(Exception):
    """The result of a function, told from within a trace."""


def traced_outcome(function, inputs, fast):
    def told(*args):
        raise Result(str(function(*args).dtype))

    with pytest.raises(CsncostError) as caught:
        trace(told, tuple(x.to("meta") for x in inputs), fast=fast)
    cause = caught.value.__cause__
    return getattr(torch, str(cause).removeprefix("torch.")) if isinstance(cause, Result) else "refused"


def autocast(function):
    def run(*inputs):
        with torch.autocast("cpu", dtype=torch.bfloat16):
            return function(*inputs)

    return run


@pytest.mark.filterwarnings("ignore:Mismatch dtype")
@pytest.mark.parametrize("how", [lambda function: function, autocast], ids=["plain", "autocast"])
@pytest.mark.parametrize("name", TWO)
def test_types_go_together_as_in_pytorch(name, how):
    function, *shapes = TWO[name]
    for pair in itertools.product(TYPES, TYPES):
        inputs = [torch.ones(shape, dtype=dtype) for shape, dtype in zip(shapes, pair, strict=True)]
        expected = outcome(how(function), inputs)
        for fast in (True, False):
            assert traced_outcome(how(function), inputs, fast) == expected, (pair, fast)


def after_autocast(net, x):
    with torch.autocast("cpu", dtype=torch.bfloat16):
        x = net.norm(net.conv(x)).flatten(1)
    return net.fc(x)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32])
def test_what_leaves_autocast_has_the_lower_type(dtype):
    net = Net(after_autocast, conv=nn.Conv2d(3, 4, 3), norm=nn.BatchNorm2d(4), fc=nn.Linear(16, 5).to(dtype)).eval()
    legal = outcome(net, [torch.ones(2, 3, 4, 4)]) != "refused"
    assert legal == (dtype is torch.bfloat16)
    for fast in (True, False):
        assert (traced_outcome(net, [torch.ones(2, 3, 4, 4)], fast) != "refused") == legal


@pytest.mark.parametrize("way", [torch.FloatTensor, "torch.FloatTensor", torch.float32])
def test_a_type_may_be_asked_for_by_its_class(way):
    net = Net(lambda net, x: net.a(x.type(way)), a=nn.Linear(3, 4))
    assert trace(net, "2x3:int64").flops == 24


@pytest.mark.parametrize(("target", "given", "message"), [
    ("torch.nn:Linear(3, 4)", "2x3:int64", "same dtype, but got: torch.int64 != torch.float32"),
    ("torch.nn:Conv2d(3, 4, 3)", "1x3x8x8:float64", "Input type (torch.float64) and weight type (torch.float32)"),
    ("torch.nn:BatchNorm2d(3)", "1x3x8x8:int64", '"batch_norm" not implemented for torch.int64'),
    ("torch.nn:LayerNorm(8)", "2x8:float64", "mixed dtype"),
])  # fmt: skip
def test_the_command_says_which_types(target, given, message):
    done = CliRunner().invoke(main, ["trace", target, "--input", given])
    assert done.exit_code == 2
    assert message in " ".join(done.output.split())
