"""Small modules to trace, and what holds for every trace."""

import itertools
import warnings
from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils import rnn

from csncost.pytorch.trace.trace import trace


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


def linear(*sizes, frozen=()):
    net = nn.Sequential(*(nn.Linear(a, b) for a, b in itertools.pairwise(sizes)))
    for name in frozen:
        net.get_parameter(name).requires_grad_(False)
    return net
