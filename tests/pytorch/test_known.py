"""Known operations: the record of their inputs, and calls that do not fit their parameters."""

import pytest

import csncost as cc
from csncost.network.ops import Concat, Reshape
from csncost.network.walk import walk
from tests.pytorch.built import NETWORKS

torch = pytest.importorskip("torch")
import torch.nn.functional as F  # noqa: E402
from torch import nn  # noqa: E402

from csncost.pytorch.trace.trace import run  # noqa: E402
from tests.pytorch.traced_modules import Net, P  # noqa: E402


def reads(target, *shapes):
    """The elements that each operation of a target reads."""
    found = run(target, shapes)
    return [call.quantities["reads"] for call in found.calls if call.kind != "parameter"]


@pytest.mark.parametrize(("target", "shapes", "read"), [
    (nn.Conv2d(3, 4, 3), [(2, 3, 5, 5)], 150),
    (nn.BatchNorm2d(3), [(2, 3, 5, 5)], 150),
    (lambda x, y: x + y, [(2, 3), (3,)], 6 + 3),
    (lambda x, y: torch.matmul(input=x, other=y), [(2, 3), (3, 4)], 6 + 12),
    (torch.addmm, [(4,), (2, 3), (3, 4)], 4 + 6 + 12),
    (F.scaled_dot_product_attention, [(2, 5, 4), (2, 6, 4), (2, 6, 3)], 40 + 48 + 36),
    (Net(lambda net, x: x @ net.w, w=P(3, 4)), [(2, 3)], 6),
    (Net(lambda net, x: F.linear(x, net.w + net.w), w=P(4, 3)), [(2, 3)], 6),
    (Net(lambda net, x: torch.einsum("bni,hio->bhno", x, net.w), w=P(2, 4, 3)), [(2, 5, 4)], 40),
])  # fmt: skip
def test_reads_are_all_tensors_but_parameters(target, shapes, read):
    assert reads(target, *shapes)[-1] == read


@pytest.mark.parametrize("spec", NETWORKS)
def test_a_network_reads_as_much_written_as_run(spec):
    module = cc.build(spec, device="meta", initialise=False).eval()
    network = cc.to_network(spec)
    copied = {one.name for one in walk(network.graph, each_copy=True) if isinstance(one.node.op, (Concat, Reshape))}
    assert copied <= {"fc_flatten"}
    measured = cc.analyze(spec)._measured()
    written = sum(one.quantities["reads"] * copies for one, copies in measured if one.kind != "reshape")
    assert sum(reads(module, (1, *network.clip))) == written


def test_types_are_those_of_inputs_and_of_the_output():
    words = nn.Sequential(nn.Embedding(10, 4), nn.Linear(4, 3)).bfloat16()
    found = run(words, "2x5:int64").calls
    assert [call.types for call in found] == [("int64", "bfloat16"), ("bfloat16", "bfloat16")]
    assert run(lambda x, y: x @ y, ((2, 3), (3, 4)), dtype=torch.float64).calls[0].types == ("float64",) * 3


@pytest.mark.parametrize("call", [
    lambda x: F.conv2d(x), lambda x: torch.matmul(x), lambda x: F.linear(x, other=x), lambda x: F.max_pool2d(x, "wide"),
])  # fmt: skip
def test_a_call_that_does_not_fit_is_told_by_pytorch(call):
    with pytest.raises(cc.CsncostError, match="TypeError"):
        cc.trace(call, (1, 3, 4, 4))
