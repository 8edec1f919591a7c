"""Tracing small modules: numbers are derived by hand beside them, or counted by walking PyTorch's own autograd graph."""

import functools
import itertools
import random
import subprocess
import sys
import warnings
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.modules import module as hooks
from torch.nn.utils import parametrizations, rnn
from torch.utils.checkpoint import checkpoint
from torch.utils.flop_counter import FlopCounterMode

from csncost.errors import CsncostError
from csncost.pytorch.trace import trace


class Net(nn.Module):
    """Modules and parameters by name, and a forward pass f(self, *inputs)."""

    def __init__(self, forward, **parts):
        super().__init__()
        for name, part in parts.items():
            setattr(self, name, part)
        self.run = forward

    def forward(self, *args, **kwargs):
        return self.run(self, *args, **kwargs)


def P(*shape):
    return nn.Parameter(torch.randn(shape))


def everything(report):
    """All that a report says but for the free operations: which copies a view takes depends on the order in memory."""
    return report.totals, report.rows, replace(report.coverage, free={}), report.setting


def macs(target, inputs, **kwargs):
    """Multiply-adds, after a check of what holds for every trace."""
    report = trace(target, inputs, convention="macs", strict=True, **kwargs)
    assert everything(trace(target, inputs, convention="macs", fast=False, **kwargs)) == everything(report)
    if isinstance(target, nn.Module):
        learned = sum(p.numel() for p in target.parameters())
        for convention in ("macs", "flops", "everything"):
            again = report.under(convention)
            assert again.params == learned == sum(row.params for row in again.rows)
    assert sum(row.flops for row in report.rows) == report.flops
    return report.flops


def in_inference(net, x):
    with torch.inference_mode():
        return net.a(x, x, x)[0]


def packed(net, x):
    sequences = rnn.pack_padded_sequence(x, [5, 3, 1])
    return rnn.pad_packed_sequence(net.a(sequences)[0])[0]


def autocast(net, x):
    with torch.autocast("cpu", dtype=torch.bfloat16):
        return net.b(net.a(x))


def standardised(net, x):
    weight = net.a.weight
    return F.conv2d(x, (weight - weight.mean((1, 2, 3), keepdim=True)) / weight.std((1, 2, 3), keepdim=True))


def tied():
    net = Net(lambda net, i: net.out(net.table(i)), table=nn.Embedding(10, 4), out=nn.Linear(4, 10, bias=False))
    net.out.weight = net.table.weight
    return net


def two_names():
    layer = nn.Linear(4, 4)
    return Net(lambda net, x: net.b(net.a(x)), a=layer, b=layer)


def compiled(module):
    with warnings.catch_warnings(action="ignore"):  # PyTorch's own, of what it imports
        return torch.compile(module)


class Conv3dOfOurs(nn.Conv3d):
    pass


def encoder(**kwargs):
    return nn.TransformerEncoderLayer(8, 2, 16, batch_first=True, **kwargs)


def mha(**kwargs):
    return nn.MultiheadAttention(8, 2, **kwargs)


def self_attention(**kwargs):
    return Net(lambda net, x: net.a(x, x, x, **kwargs)[0], a=mha(batch_first=True)).eval()


def lstm(**kwargs):
    return nn.LSTM(8, 6, **kwargs)


ATTENTION = (
    4 * 8 * 8 * 15 + 2 * 3 * 5 * 5 * 8
)  # four projections of 3x5 tokens of width 8; Q K^T and its product with V
ENCODER = ATTENTION + 2 * 8 * 16 * 15  # and two layers of 8 -> 16 -> 8
CROSS = 2 * 8 * 8 * 15 + 2 * 8 * 8 * 21 + 2 * 3 * 5 * 7 * 8  # 3x5 queries, 3x7 keys and values
STEP = 4 * 6 * (8 + 6)  # an LSTM 8 -> 6: four gates, from the input and from the state
MASK = nn.Transformer.generate_square_subsequent_mask(5)

MODULES = {
    # convolutions: weights x positions of the output (of the input, if transposed)
    "conv1d": (lambda: nn.Conv1d(4, 6, 3), (2, 4, 9), 2 * 7 * 6 * 4 * 3),
    "conv1d unbatched depthwise": (lambda: nn.Conv1d(4, 4, 3, groups=4, padding="valid"), (4, 9), 7 * 4 * 3),
    "conv2d grouped": (lambda: nn.Conv2d(4, 6, 3, 2, 1, groups=2), (2, 4, 8, 6), 2 * 4 * 3 * 6 * 2 * 9),
    "conv2d same": (lambda: nn.Conv2d(4, 6, (3, 5), padding="same"), (2, 4, 5, 6), 2 * 30 * 24 * 15),
    "conv2d circular": (lambda: nn.Conv2d(4, 6, 3, padding=1, padding_mode="circular"), (2, 4, 5, 6), 2 * 30 * 24 * 9),
    "conv2d reflect": (lambda: nn.Conv2d(4, 6, 3, padding=1, padding_mode="reflect"), (2, 4, 5, 6), 2 * 30 * 24 * 9),
    "conv3d subclass depthwise": (lambda: Conv3dOfOurs(4, 4, 3, groups=4), (1, 4, 5, 5, 5), 27 * 27 * 4),
    "conv3d dilated": (lambda: nn.Conv3d(2, 3, (3, 2, 1), dilation=(2, 1, 1)), (1, 2, 7, 6, 5), 3 * 5 * 5 * 6 * 6),
    "F.conv3d": (lambda: Net(lambda net, x: F.conv3d(x, net.w), w=P(4, 3, 1, 3, 3)), (1, 3, 2, 5, 5), 2 * 9 * 4 * 27),
    "transposed 1d grouped": (lambda: nn.ConvTranspose1d(4, 6, 3, 2, groups=2), (2, 4, 5), 2 * 5 * 4 * 3 * 3),
    "transposed 2d": (lambda: nn.ConvTranspose2d(4, 6, 3, 2, 1, 1, dilation=2), (2, 4, 5, 6), 2 * 30 * 24 * 9),
    "transposed 3d unbatched": (lambda: nn.ConvTranspose3d(4, 6, 3, 2, bias=False), (4, 5, 6, 7), 210 * 24 * 27),
    "transposed to a size": (lambda: Net(lambda net, x: net.a(x, output_size=[11, 13]), a=nn.ConvTranspose2d(4, 6, 3, 2, 1)), (2, 4, 6, 7), 2 * 42 * 24 * 9),
    "half precision": (lambda: nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(True)).bfloat16(), (2, 3, 6, 6), 2 * 16 * 12 * 9),
    # fully connected
    "linear rank 1": (lambda: nn.Linear(4, 3), (4,), 12),
    "linear rank 4": (lambda: nn.Linear(4, 3), (2, 5, 6, 4), 60 * 12),
    "bilinear": (lambda: nn.Bilinear(3, 4, 5), ((2, 3), (2, 4)), 2 * 5 * 3 * 4 + 2 * 5 * 4),
    "x @ w": (lambda: Net(lambda net, x: x @ net.w, w=P(4, 3)), (2, 5, 4), 10 * 12),
    "w @ x": (lambda: Net(lambda net, x: net.w @ x, w=P(3, 4)), (2, 4, 5), 10 * 12),
    "x @ w.T": (lambda: Net(lambda net, x: x @ net.w.T, w=P(3, 4)), (2, 5, 4), 10 * 12),
    "einsum": (lambda: Net(lambda net, x: torch.einsum("bni,io->bno", x, net.w), w=P(4, 3)), (2, 5, 4), 10 * 12),
    "einsum heads": (lambda: Net(lambda net, x: torch.einsum("bni,hio->bhno", x, net.w), w=P(2, 4, 3)), (2, 5, 4), 10 * 24),
    "addmm": (lambda: Net(lambda net, x: torch.addmm(net.b, x, net.w), b=P(5), w=P(3, 5)), (2, 3), 30),
    "x + position": (lambda: Net(lambda net, x: torch.cat([net.c.expand(2, -1, -1), x], 1) + net.p, p=P(1, 6, 4), c=P(1, 1, 4)), (2, 5, 4), 0),
    # attention
    "mha": (mha, ((5, 3, 8),) * 3, ATTENTION),
    "mha batch first eval": (lambda: mha(batch_first=True).eval(), ((3, 5, 8),) * 3, ATTENTION),
    "mha self": (self_attention, (3, 5, 8), ATTENTION),
    "mha without weights": (lambda: self_attention(need_weights=False), (3, 5, 8), ATTENTION),
    "mha inference mode": (lambda: Net(in_inference, a=mha(batch_first=True)).eval(), (3, 5, 8), ATTENTION),
    "mha masks": (lambda: self_attention(key_padding_mask=torch.zeros(3, 5, dtype=torch.bool), attn_mask=torch.ones(5, 5).tril() == 0), (3, 5, 8), ATTENTION),
    "mha kdim vdim": (lambda: mha(kdim=6, vdim=4), ((5, 3, 8), (7, 3, 6), (7, 3, 4)), 2 * 8 * 8 * 15 + 8 * 6 * 21 + 8 * 4 * 21 + 2 * 3 * 5 * 7 * 8),
    "mha cross": (mha, ((5, 3, 8), (7, 3, 8), (7, 3, 8)), CROSS),
    "mha one memory": (lambda: Net(lambda net, x, y: net.a(x, y, y)[0], a=mha()), ((5, 3, 8), (7, 3, 8)), CROSS),
    "mha more keys": (lambda: mha(add_bias_kv=True, add_zero_attn=True), ((5, 3, 8),) * 3, 4 * 8 * 8 * 15 + 2 * 3 * 5 * 7 * 8),
    "mha unbatched": (mha, ((5, 8),) * 3, 4 * 8 * 8 * 5 + 2 * 5 * 5 * 8),
    "encoder layer": (encoder, (3, 5, 8), ENCODER),
    "encoder layer eval": (lambda: encoder().eval(), (3, 5, 8), ENCODER),
    "encoder": (lambda: nn.TransformerEncoder(encoder(), 2).eval(), (3, 5, 8), 2 * ENCODER),
    "encoder padding": (lambda: nn.TransformerEncoder(encoder(), 2).eval(), {"src": (3, 5, 8), "src_key_padding_mask": "3x5:bool"}, 2 * ENCODER),
    "encoder causal": (lambda: nn.TransformerEncoder(encoder(), 2).eval(), {"src": (3, 5, 8), "mask": MASK}, 2 * ENCODER),
    "decoder": (lambda: nn.TransformerDecoder(nn.TransformerDecoderLayer(8, 2, 16, batch_first=True), 2), ((3, 5, 8), (3, 7, 8)), 2 * (ENCODER + CROSS)),
    # recurrent: 5 steps of 3 sequences
    "lstm": (lstm, (5, 3, 8), 15 * STEP),
    "lstm states": (lambda: Net(lambda net, x, h, c: net.a(x, (h, c)), a=lstm()), ((5, 3, 8), (1, 3, 6), (1, 3, 6)), 15 * STEP),
    "lstm 2 layers both ways": (lambda: lstm(num_layers=2, bidirectional=True, dropout=0.5), (5, 3, 8), 15 * 2 * (STEP + 24 * (12 + 6))),
    "lstm batch first": (lambda: lstm(batch_first=True, bias=False), (3, 5, 8), 15 * STEP),
    "lstm unbatched": (lstm, (5, 8), 5 * STEP),
    "lstm projection": (lambda: lstm(proj_size=4), (5, 3, 8), 15 * (24 * (8 + 4) + 4 * 6)),
    "lstm packed": (lambda: Net(packed, a=lstm(bidirectional=True)), (5, 3, 8), (5 + 3 + 1) * 2 * STEP),
    "gru": (lambda: nn.GRU(8, 6, 2), (5, 3, 8), 15 * 18 * (8 + 6 + 6 + 6)),
    "gru packed": (lambda: Net(packed, a=nn.GRU(8, 6)), (5, 3, 8), 9 * 18 * 14),
    "rnn": (lambda: nn.RNN(8, 6, nonlinearity="relu"), (5, 3, 8), 15 * 6 * 14),
    "lstm cell": (lambda: nn.LSTMCell(8, 6), (3, 8), 3 * STEP),
    "gru cell": (lambda: nn.GRUCell(8, 6, bias=False), (3, 8), 3 * 18 * 14),
    "rnn cell unbatched": (lambda: nn.RNNCell(8, 6), (8,), 6 * 14),
    # without multiply-adds
    "embedding": (lambda: nn.Embedding(10, 4), "3x5:int64", 0),
    "embedding bag": (lambda: nn.EmbeddingBag(10, 4), "3x5:int64", 0),
    "embedding bag of offsets": (lambda: nn.EmbeddingBag(10, 4, mode="max"), (torch.tensor([1, 2, 3, 4]), torch.tensor([0, 2])), 0),
    "prelu": (lambda: nn.PReLU(4), (2, 4, 3), 0),
    "instance norm": (lambda: nn.InstanceNorm2d(4, affine=True, track_running_stats=True), (2, 4, 6, 6), 0),
    "group norm": (lambda: nn.GroupNorm(2, 4), (2, 4, 6, 6), 0),
    "rms norm": (lambda: nn.RMSNorm(6), (2, 4, 6), 0),
    "layer norm": (lambda: nn.LayerNorm([4, 6], bias=False), (2, 4, 6), 0),
    "batch norm of running mean": (lambda: nn.BatchNorm2d(4, momentum=None), (2, 4, 6, 6), 0),
    "ceil pool": (lambda: nn.MaxPool2d(3, 2, 1, ceil_mode=True), (2, 4, 8, 8), 0),
    "pool and unpool": (lambda: Net(lambda net, x: F.max_unpool2d(*F.max_pool2d(x, 2, return_indices=True), 2)), (2, 3, 4, 4), 0),
    # weights shared, computed, used otherwise
    "twice": (lambda: Net(lambda net, x: net.a(net.a(x)), a=nn.Conv2d(4, 4, 3, padding=1)), (2, 4, 5, 6), 2 * 2 * 30 * 16 * 9),
    "two names": (two_names, (2, 4), 2 * 32),
    "tied": (tied, "3x5:int64", 15 * 40),
    "forward without a call": (lambda: Net(lambda net, x: net.a.forward(x), a=nn.Conv2d(4, 4, 3)), (2, 4, 5, 6), 2 * 12 * 16 * 9),
    "weight norm": (lambda: parametrizations.weight_norm(nn.Conv2d(4, 6, 3)), (2, 4, 5, 6), 2 * 12 * 24 * 9),
    "spectral norm": (lambda: parametrizations.spectral_norm(nn.Linear(4, 6)).eval(), (2, 4), 48 + 24 + 6),  # W v, and u with it
    "weight standardisation": (lambda: Net(standardised, a=nn.Conv2d(4, 6, 3)), (2, 4, 5, 6), 2 * 12 * 24 * 9),
    "checkpoint": (lambda: Net(lambda net, x: checkpoint(net.a, x, use_reentrant=False), a=nn.Linear(4, 4)), (2, 4), 32),
    "checkpoint of the old kind": (lambda: Net(lambda net, x: checkpoint(net.a, x, use_reentrant=True), a=nn.Linear(4, 4)), (2, 4), 32),
    "autocast": (lambda: Net(autocast, a=nn.Conv2d(4, 4, 3), b=nn.Linear(4, 5)), (2, 4, 5, 6), 2 * 12 * 16 * 9 + 2 * 4 * 3 * 4 * 5),
    "outputs in a dict": (lambda: Net(lambda net, x: {"a": [net.a(x)], "b": x}, a=nn.Linear(4, 4)), (2, 4), 32),
    "nested list": (lambda: Net(lambda net, xs: net.a(torch.cat(xs, 1)), a=nn.Linear(7, 4)), [(2, 3), (2, 4)], 2 * 7 * 4),
    "unused": (lambda: Net(lambda net, x: x, a=nn.Linear(7, 4)), (2, 3), 0),
    "compiled": (lambda: compiled(nn.Linear(4, 4)), (2, 4), 32),
    "compiled within": (lambda: Net(lambda net, x: net.a(x), a=compiled(nn.Linear(4, 4))), (2, 4), 32),
    "data parallel": (lambda: nn.DataParallel(nn.Linear(4, 5)), (2, 4), 40),
}  # fmt: skip


@pytest.mark.parametrize("name", MODULES)
def test_modules(name):
    make, inputs, expected = MODULES[name]
    assert macs(make(), inputs) == expected


Q, K, V = (2, 4, 5, 8), (2, 4, 7, 8), (2, 4, 7, 6)

FUNCTIONS = {
    "bmm": (torch.bmm, ((2, 3, 4), (2, 4, 5)), 120),
    "matrix vector": (torch.mv, ((3, 5), (5,)), 15),
    "vector matrix": (torch.matmul, ((3,), (7, 3, 5)), 105),
    "dot": (torch.dot, ((5,), (5,)), 5),
    "by keyword": (lambda x, w: torch.matmul(input=x, other=w), ((2, 4), (4, 6)), 48),
    "conv by keyword": (lambda x, w: F.conv2d(input=x, weight=w, stride=2), ((2, 4, 5, 6), (6, 4, 3, 3)), 2 * 4 * 6 * 36),
    "baddbmm": (torch.baddbmm, ((7, 2, 5), (7, 2, 3), (7, 3, 5)), 210),
    "addbmm": (torch.addbmm, ((2, 5), (7, 2, 3), (7, 3, 5)), 210),
    "addmv": (torch.addmv, ((2,), (2, 3), (3,)), 6),
    "einsum": (lambda x, y: torch.einsum("bi,ij->bj", x, y), ((2, 3), (3, 5)), 30),
    "tensordot": (lambda x, y: torch.tensordot(x, y, dims=2), ((2, 3, 4), (3, 4, 5)), 120),
    "attention": (F.scaled_dot_product_attention, (Q, K, V), 2 * 4 * 5 * 7 * (8 + 6)),
    "attention causal": (lambda q: F.scaled_dot_product_attention(q, q, q, is_causal=True), Q, 2 * 4 * 5 * 5 * 16),
    "attention of groups": (lambda q, k: F.scaled_dot_product_attention(q, k, k, enable_gqa=True), (Q, (2, 2, 7, 8)), 2 * 4 * 5 * 7 * 16),
    "attention by keyword": (lambda q, k: F.scaled_dot_product_attention(query=q, key=k, value=k), (Q, K), 2 * 4 * 5 * 7 * 16),
    "elementwise": (lambda x: ((x + 1) * x / 2).exp().softmax(-1).mean(axis=1), (2, 3), 0),
    "constants": (lambda x: x[:, torch.tensor([0, 2], device=x.device)] * float(torch.linspace(0, 1, 5)[2]), (2, 3), 0),
    "known mask": (lambda x: x[:, torch.tensor([True, False, True])], (2, 3), 0),
    "written by a mask": (lambda x: x.__setitem__(x > 0, 0), (2, 3), 0),
    "masked scores": (lambda x: x.masked_fill(torch.triu(torch.ones(3, 3), 1).bool(), -torch.inf).softmax(-1), (2, 3, 3), 0),
    "order kept": (lambda x: F.gelu(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2).view(2, -1), (2, 3, 4, 5), 0),
    "vmap": (lambda x: torch.func.vmap(torch.mv, (None, 0))(torch.zeros(4, 3), x), (2, 3), 24),
}  # fmt: skip


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions(name):
    function, inputs, expected = FUNCTIONS[name]
    assert macs(function, inputs) == expected


def training(target, *inputs):
    """Multiply-adds of a forward and a backward pass of real numbers, as PyTorch dispatches them (without groups)."""
    switched = torch.backends.mkldnn.flags(enabled=False)  # whose kernel for recurrent layers is not taken apart
    with warnings.catch_warnings(action="ignore"), FlopCounterMode(display=False) as counter, switched:
        output = target(*(torch.randn(one) if isinstance(one, tuple) else one for one in inputs))
        (output[0] if isinstance(output, tuple) else output).sum().backward()
    return counter.get_total_flops() // 2


def linear(*sizes, frozen=()):
    net = nn.Sequential(*(nn.Linear(a, b) for a, b in itertools.pairwise(sizes)))
    for name in frozen:
        net.get_parameter(name).requires_grad_(False)
    return net


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


def scripted(make):
    with warnings.catch_warnings(action="ignore"):  # scripts are deprecated, and in use
        return make()


@torch.no_grad()
def test_scripted_code_is_heard_kernel_by_kernel():
    layers = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(64, 5)).eval()
    expected = 2 * (16 * 12 * 9 + 64 * 5)
    for made in (
        scripted(lambda: torch.jit.script(layers)),
        scripted(lambda: torch.jit.trace(layers, torch.zeros(2, 3, 6, 6))),
    ):
        report = trace(made, (2, 3, 6, 6), convention="macs", strict=True)
        assert report.flops == expected
        assert [(row.name, row.params) for row in report.rows] == [("0", 112), ("1", 8), ("4", 325)]
        assert macs(Net(lambda net, x: net.a(x) + 1, a=made), (2, 3, 6, 6)) == expected
    assert macs(scripted(lambda: torch.jit.script(encoder())), (3, 5, 8)) == ENCODER
    product = scripted(lambda: torch.jit.script(lambda_of_matmul))
    assert macs(product, ((2, 3), (3, 4))) == macs(lambda x, y: product(x, y), ((2, 3), (3, 4))) == 24


def lambda_of_matmul(x, y):
    return torch.matmul(x, y)


@pytest.mark.parametrize("target", [
    nn.Linear(3, 4).forward, functools.partial(nn.Linear(3, 4)), functools.partial(lambda layer, x: layer(x), nn.Linear(3, 4)),
    (lambda layer: lambda x: layer(x))(nn.Linear(3, 4)),
], ids=["method", "partial", "partial of a module", "closure"])  # fmt: skip
def test_callables(target):
    report = trace(target, (2, 3), convention="macs")
    assert (report.flops, report.params) == (24, 16)


@pytest.mark.parametrize(("inputs", "described"), [
    ((2, 3), "2x3"), ("2x3", "2x3"), (torch.zeros(2, 3), "2x3"), (((2, 3), (2, 3)), "2x3, 2x3"), ({"x": (2, 3), "y": "2x3"}, "x=2x3, y=2x3"),
    ("2x3:int64", "2x3:int64"), ([(2, 3), torch.zeros(2, 3)], "[2x3, 2x3]"), (({"a": (2, 3)},), "{a: 2x3}"), (("scalar", None), "scalar, None"),
])  # fmt: skip
def test_inputs(inputs, described):
    seen = []
    report = trace(lambda x, y=None: seen.append(x), inputs)
    assert report.setting["input"] == described
    assert seen


def test_shapes_have_the_type_of_the_model():
    seen = []
    trace(Net(lambda net, x: seen.append(x.dtype), a=nn.Linear(3, 4).half()), (2, 3))
    trace(lambda x: seen.append(x.dtype), (2, 3), dtype="int64")
    assert seen == [torch.float16, torch.int64]


def test_examples_are_not_changed():
    def overwriting(xs, ids, named, hollow):
        xs[0] = xs.pop() + 1
        ids.add_(1)
        named.clear()
        hollow.unsqueeze_(0).add_(1)

    xs, ids, named, hollow = (
        [torch.zeros(2), torch.zeros(2)],
        torch.zeros(2, dtype=torch.int64),
        {"a": 1},
        torch.empty(2, device="meta"),
    )
    trace(overwriting, (xs, ids, named, hollow))
    assert len(xs) == 2
    assert not ids.any()
    assert named == {"a": 1}
    assert hollow.shape == (2,)
    assert not vars(hollow)


def snapshot(model):
    """All of a model that running it could change."""
    state = {
        name: (id(t), t._version, t.requires_grad, t.grad, dict(vars(t)), t.clone())
        for name, t in [*model.named_parameters(), *model.named_buffers()]
    }
    attributes = {
        name: {key: repr(value) for key, value in vars(module).items()} for name, module in model.named_modules()
    }
    return state, attributes


def world():
    """All that lies outside of a model."""
    registered = [
        len(value)
        for name, value in sorted(vars(hooks).items())
        if name.startswith("_global_") and hasattr(value, "__len__")
    ]
    switches = (
        torch.is_grad_enabled(),
        torch.is_inference_mode_enabled(),
        torch._C._len_torch_function_stack(),
        torch._C._len_torch_dispatch_stack(),
    )
    import numpy

    return (
        registered,
        switches,
        torch.get_rng_state().tolist(),
        random.getstate(),
        numpy.random.get_state()[1].tolist(),
        vars(torch.utils.checkpoint.CheckpointFunction).keys(),
    )


def busy(net, x):
    net.eval().train()
    net.calls.append(x)
    net.held["deep"].append(x)
    net.last = net.a(x)
    net.b.weight.requires_grad_(False)
    net.scale.mul_(2)
    net.scale = net.scale * 2
    net.b.bias.data = net.b.bias.data * 2
    net.b.bias.grad = torch.ones(4)
    net.new = nn.Linear(2, 2)
    net.register_forward_hook(lambda *args: None)
    torch.manual_seed(0)
    random.random()
    torch.rand(3)
    with torch.no_grad():
        net.b.weight.fill_(1)
        net.b.weight[0].zero_()
    return F.dropout(net.b(net.last.flatten(1)))


def broken(net, x):
    busy(net, x)
    with torch.no_grad():
        raise ValueError("later")


@pytest.mark.parametrize("fast", [True, False])
@pytest.mark.parametrize("run", [busy, broken])
def test_nothing_is_changed(run, fast):
    inner = nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), parametrizations.spectral_norm(nn.Conv2d(4, 4, 1)), nn.ReLU(True)
    )
    net = Net(run, a=inner, b=nn.Linear(64, 4))
    net.register_buffer("scale", torch.ones(1))
    net.calls, net.held, net.last = [], {"deep": []}, None
    before, around = snapshot(net), world()
    for backward in (False, True):
        if run is broken:
            with pytest.raises(CsncostError, match=r"(?s)ValueError.*later"):
                trace(net, (2, 3, 6, 6), fast=fast, backward=backward)
        else:
            trace(net, (2, 3, 6, 6), fast=fast, backward=backward)
    after = snapshot(net)
    assert after[1] == before[1]
    for name, (*_, tensor) in after[0].items():
        assert after[0][name][:-1] == before[0][name][:-1], name
        assert torch.equal(tensor, before[0][name][-1])
    assert world() == around


def test_no_activation_is_allocated():
    net = nn.Sequential(nn.Conv3d(3, 64, 3, padding=1), nn.BatchNorm3d(64), nn.ReLU(), nn.Conv3d(64, 64, 3, padding=1))
    report = trace(net, (1000, 3, 100, 1000, 1000))  # activations of 25 TB
    assert report.flops == 10**11 * (27 * 3 * 64 + 27 * 64 * 64)


def test_the_compiler_is_not_imported():
    code = "from csncost.pytorch.trace import trace; from torch import nn; import sys; trace(nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU()), (1, 3, 8, 8))"
    subprocess.run([sys.executable, "-c", f"{code}; assert 'torch._dynamo' not in sys.modules"], check=True)


def test_names_and_what_a_module_counts_once():
    net = Net(
        lambda net, x: net.a(net.a(x)) @ net.w, a=nn.Sequential(nn.Conv2d(4, 4, 3, padding=1), nn.ReLU()), w=P(6, 3)
    )
    report = trace(net, (2, 4, 5, 6), convention="macs")
    rows = [(row.name, row.op, row.params, row.interactions, row.calls) for row in report.rows]
    assert rows == [("a.0", "conv", 4 * 4 * 9 + 4, 4 * 6, 2), ("w", "linear", 18, 3 * 15, 1)]
    assert (report.rows[0].kernel, report.rows[0].groups, report.rows[0].output) == ((3, 3), 1, (2, 4, 5, 6))
    assert dict(report.coverage.left_out) == {"act": 2}


def test_a_tied_weight_and_one_computed_count_once():
    report = trace(tied(), "3x5:int64", convention="macs")
    assert [(row.op, row.params) for row in report.rows] == [("embedding", 40), ("linear", 0)]
    report = trace(parametrizations.weight_norm(nn.Conv2d(4, 6, 3)), (2, 4, 5, 6), convention="macs")
    assert [(row.op, row.params) for row in report.rows] == [("conv", 4 * 6 * 9 + 6), ("parameter", 6)]


def test_coverage_has_three_states():
    net = Net(lambda net, x: torch.fft.fft(F.relu(net.a(x))).real.view(-1), a=nn.Linear(3, 4), b=nn.Linear(5, 5))
    report = trace(net, (2, 3))
    coverage = report.coverage
    assert (dict(coverage.counted), dict(coverage.left_out)) == ({"classifier": 1}, {"act": 1})
    assert coverage.free["view"] == 1
    assert [one.op for one in coverage.unknown] == ["aten::_fft_r2c"]
    assert dict(coverage.unused) == {"b": 30}
    with pytest.raises(CsncostError, match="_fft_r2c"):
        trace(net, (2, 3), strict=True)
    given = {"aten::_fft_r2c": lambda x, *args, output: 7}
    assert trace(net, (2, 3), strict=True, formulas=given).flops == 2 * 12 + 7


def test_the_classifier():
    net = linear(3, 4, 5)
    assert [trace(net, (2, 3), classifier=which).interactions for which in (True, False, "0")] == [12, 12 + 30, 30]
    with pytest.raises(CsncostError, match="nope"):
        trace(net, (2, 3), classifier="nope")


def written(x):
    held = torch.zeros(3)
    held[1:].copy_(x[0, 1:])
    return x if (held * 2)[0] > 0 else -x


def failing(net, x):
    raise ValueError("the reason\nand more")


REFUSED = {
    "item": (lambda x: x.sum().item(), (2, 3), "reads the value of an activation"),
    "branch": (lambda x: x if x.sum() > 0 else -x, (2, 3), "reads the value"),
    "branch on what was written": (written, (2, 3), "reads the value"),
    "mask": (lambda x: x[x > 0], (2, 3), "selects by the values"),
    "mask of an axis": (lambda x: x[:, x[0] > 0], (2, 3), "selects by the values"),
    "nonzero": (lambda x: x.nonzero(), (2, 3), "selects by the values"),
    "where": (lambda x: torch.where(x > 0), (2, 3), "does not run"),
    "list": (lambda x: x.tolist(), (2, 3), "reads the value"),
    "array": (lambda x: x.detach().numpy(), (2, 3), "reads the value"),
    "size": (lambda x: torch.zeros(int(x.max())), (2, 3), "reads the value"),
    "channels": (nn.Conv2d(3, 4, 3), (1, 4, 8, 8), "Conv2d does not run on 1x4x8x8: RuntimeError: conv2d of 1x4x8x8 and 4x3x3x3"),
    "features": (nn.Linear(3, 4), (1, 4), "does not run"),
    "too small": (nn.Conv2d(3, 4, 5), (1, 3, 4, 8), "Kernel size"),
    "in place": (lambda x, y: x.add_(y), ((2, 3), (4,)), "does not run"),
    "in place too large": (lambda x, y: x.add_(y), ((2, 3), (4, 2, 3)), "does not run"),
    "view": (lambda x: x.view(5), (2, 3), "does not run"),
    "one value": (nn.BatchNorm1d(4), (1, 4), "more than 1 value"),
    "arguments": (lambda x, y: x, (2, 3), "missing 1 required"),
    "raises": (nn.Sequential(nn.Linear(3, 3), nn.Sequential(Net(failing))), (2, 3), r"(?s)ValueError in 1\.0.*the reason"),
    "lazy": (nn.Sequential(nn.LazyLinear(4)), (2, 3), "0.weight has no shape yet"),
    "number": (3, (2, 3), "int cannot be run"),
    "nothing": (None, (2, 3), "NoneType cannot be run"),
    "no forward": (nn.ModuleList([nn.Linear(3, 4)]), (2, 3), "ModuleList does not run"),
    "no shape": (nn.Linear(3, 4), "axb", "not the shape"),
    "negative": (nn.Linear(3, 4), (-1, 3), "absurd size"),
    "enormous": (nn.Linear(3, 4), (10**9, 10**9), "absurd size"),
    "no type": (nn.Linear(3, 4), "2x3:float99", "no type"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_refusals(name):
    target, inputs, message = REFUSED[name]
    around = world()
    with pytest.raises(CsncostError, match=message):
        trace(target, inputs)
    assert world() == around


def random_net(draw):
    """A small network of random layers, and the shape of its input."""
    channels, size = draw.choice([4, 8]), draw.randint(6, 9)
    shape, layers = (draw.randint(1, 3), channels, size, size), []
    for _ in range(draw.randint(2, 6)):
        groups, out = draw.choice([1, 2, 4]), draw.choice([4, 8])
        layers.append(draw.choice([
            lambda c=channels, o=out, g=groups: nn.Conv2d(c, o, draw.choice([1, 3]), draw.choice([1, 2]), 1, groups=g, bias=draw.random() < 0.5),
            lambda c=channels, o=out, g=groups: nn.ConvTranspose2d(c, o, 2, draw.choice([1, 2]), groups=g),
            lambda c=channels, o=out, g=groups: parametrizations.weight_norm(nn.Conv2d(c, o, 1, groups=g)),
            lambda c=channels, o=out: Net(lambda net, x: torch.einsum("bchw,co->bohw", x, net.w), w=P(c, o)),
            lambda c=channels, o=out: Net(lambda net, x: net.a(x.flatten(2).transpose(1, 2)).transpose(1, 2).unflatten(2, x.shape[2:]), a=nn.Linear(c, o)),
        ])())  # fmt: skip
        channels = out
        layers.append(draw.choice([
            lambda c=channels: nn.BatchNorm2d(c), lambda c=channels: nn.GroupNorm(2, c), lambda: nn.ReLU(inplace=True), lambda: nn.MaxPool2d(2, 1, ceil_mode=True),
            lambda: nn.Dropout(0.5), lambda c=channels: nn.PReLU(c), lambda: nn.AvgPool2d(2, 1, 1),
            lambda c=channels: Net(lambda net, x: x + net.a(x).mul_(net.p), a=nn.Conv2d(c, c, 3, padding=1, groups=2), p=P(c, 1, 1)),
            lambda c=channels: Net(lambda net, x: x * net.a(x.mean((2, 3), keepdim=True)).sigmoid(), a=nn.Conv2d(c, c, 1)),
        ])())  # fmt: skip
    net = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, 3))
    return net.train(draw.random() < 0.5), shape


@pytest.mark.parametrize("seed", range(40))
def test_fast_is_slow_and_every_parameter_counts(seed):
    net, shape = random_net(random.Random(seed))
    forward = macs(net, shape)
    with warnings.catch_warnings(action="ignore"), FlopCounterMode(display=False) as counter:
        net.eval()(torch.randn(shape))
    assert forward == counter.get_total_flops() // 2
    assert forward < macs(net, shape, backward=True) <= 3 * forward
