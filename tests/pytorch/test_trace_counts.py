"""What modules and functions count when they are traced: numbers are derived by hand beside them."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils import parametrizations
from torch.utils.checkpoint import checkpoint

from tests.pytorch.traced_modules import (
    ATTENTION,
    CROSS,
    ENCODER,
    MASK,
    STEP,
    Conv3dOfOurs,
    Net,
    P,
    autocast,
    compiled,
    encoder,
    in_inference,
    lstm,
    macs,
    mha,
    packed,
    self_attention,
    standardised,
    tied,
    two_names,
)

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
    "transposed to a size": (
        lambda: Net(lambda net, x: net.a(x, output_size=[11, 13]), a=nn.ConvTranspose2d(4, 6, 3, 2, 1)),
        (2, 4, 6, 7),
        2 * 42 * 24 * 9,
    ),
    "half precision": (
        lambda: nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(True)).bfloat16(),
        (2, 3, 6, 6),
        2 * 16 * 12 * 9,
    ),
    # fully connected
    "linear rank 1": (lambda: nn.Linear(4, 3), (4,), 12),
    "linear rank 4": (lambda: nn.Linear(4, 3), (2, 5, 6, 4), 60 * 12),
    "bilinear": (lambda: nn.Bilinear(3, 4, 5), ((2, 3), (2, 4)), 2 * 5 * 3 * 4 + 2 * 5 * 4),
    "x @ w": (lambda: Net(lambda net, x: x @ net.w, w=P(4, 3)), (2, 5, 4), 10 * 12),
    "w @ x": (lambda: Net(lambda net, x: net.w @ x, w=P(3, 4)), (2, 4, 5), 10 * 12),
    "x @ w.T": (lambda: Net(lambda net, x: x @ net.w.T, w=P(3, 4)), (2, 5, 4), 10 * 12),
    "einsum": (lambda: Net(lambda net, x: torch.einsum("bni,io->bno", x, net.w), w=P(4, 3)), (2, 5, 4), 10 * 12),
    "einsum heads": (
        lambda: Net(lambda net, x: torch.einsum("bni,hio->bhno", x, net.w), w=P(2, 4, 3)),
        (2, 5, 4),
        10 * 24,
    ),
    "addmm": (lambda: Net(lambda net, x: torch.addmm(net.b, x, net.w), b=P(5), w=P(3, 5)), (2, 3), 30),
    "x + position": (
        lambda: Net(lambda net, x: torch.cat([net.c.expand(2, -1, -1), x], 1) + net.p, p=P(1, 6, 4), c=P(1, 1, 4)),
        (2, 5, 4),
        0,
    ),
    # attention
    "mha": (mha, ((5, 3, 8),) * 3, ATTENTION),
    "mha batch first eval": (lambda: mha(batch_first=True).eval(), ((3, 5, 8),) * 3, ATTENTION),
    "mha self": (self_attention, (3, 5, 8), ATTENTION),
    "mha without weights": (lambda: self_attention(need_weights=False), (3, 5, 8), ATTENTION),
    "mha inference mode": (lambda: Net(in_inference, a=mha(batch_first=True)).eval(), (3, 5, 8), ATTENTION),
    "mha masks": (
        lambda: self_attention(
            key_padding_mask=torch.zeros(3, 5, dtype=torch.bool), attn_mask=torch.ones(5, 5).tril() == 0
        ),
        (3, 5, 8),
        ATTENTION,
    ),
    "mha kdim vdim": (
        lambda: mha(kdim=6, vdim=4),
        ((5, 3, 8), (7, 3, 6), (7, 3, 4)),
        2 * 8 * 8 * 15 + 8 * 6 * 21 + 8 * 4 * 21 + 2 * 3 * 5 * 7 * 8,
    ),
    "mha cross": (mha, ((5, 3, 8), (7, 3, 8), (7, 3, 8)), CROSS),
    "mha one memory": (lambda: Net(lambda net, x, y: net.a(x, y, y)[0], a=mha()), ((5, 3, 8), (7, 3, 8)), CROSS),
    "mha more keys": (
        lambda: mha(add_bias_kv=True, add_zero_attn=True),
        ((5, 3, 8),) * 3,
        4 * 8 * 8 * 15 + 2 * 3 * 5 * 7 * 8,
    ),
    "mha unbatched": (mha, ((5, 8),) * 3, 4 * 8 * 8 * 5 + 2 * 5 * 5 * 8),
    "encoder layer": (encoder, (3, 5, 8), ENCODER),
    "encoder layer eval": (lambda: encoder().eval(), (3, 5, 8), ENCODER),
    "encoder": (lambda: nn.TransformerEncoder(encoder(), 2).eval(), (3, 5, 8), 2 * ENCODER),
    "encoder padding": (
        lambda: nn.TransformerEncoder(encoder(), 2).eval(),
        {"src": (3, 5, 8), "src_key_padding_mask": "3x5:bool"},
        2 * ENCODER,
    ),
    "encoder causal": (
        lambda: nn.TransformerEncoder(encoder(), 2).eval(),
        {"src": (3, 5, 8), "mask": MASK},
        2 * ENCODER,
    ),
    "decoder": (
        lambda: nn.TransformerDecoder(nn.TransformerDecoderLayer(8, 2, 16, batch_first=True), 2),
        ((3, 5, 8), (3, 7, 8)),
        2 * (ENCODER + CROSS),
    ),
    # recurrent: 5 steps of 3 sequences
    "lstm": (lstm, (5, 3, 8), 15 * STEP),
    "lstm states": (
        lambda: Net(lambda net, x, h, c: net.a(x, (h, c)), a=lstm()),
        ((5, 3, 8), (1, 3, 6), (1, 3, 6)),
        15 * STEP,
    ),
    "lstm 2 layers both ways": (
        lambda: lstm(num_layers=2, bidirectional=True, dropout=0.5),
        (5, 3, 8),
        15 * 2 * (STEP + 24 * (12 + 6)),
    ),
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
    "embedding bag of offsets": (
        lambda: nn.EmbeddingBag(10, 4, mode="max"),
        (torch.tensor([1, 2, 3, 4]), torch.tensor([0, 2])),
        0,
    ),
    "prelu": (lambda: nn.PReLU(4), (2, 4, 3), 0),
    "instance norm": (lambda: nn.InstanceNorm2d(4, affine=True, track_running_stats=True), (2, 4, 6, 6), 0),
    "group norm": (lambda: nn.GroupNorm(2, 4), (2, 4, 6, 6), 0),
    "rms norm": (lambda: nn.RMSNorm(6), (2, 4, 6), 0),
    "layer norm": (lambda: nn.LayerNorm([4, 6], bias=False), (2, 4, 6), 0),
    "batch norm of running mean": (lambda: nn.BatchNorm2d(4, momentum=None), (2, 4, 6, 6), 0),
    "ceil pool": (lambda: nn.MaxPool2d(3, 2, 1, ceil_mode=True), (2, 4, 8, 8), 0),
    "pool and unpool": (
        lambda: Net(lambda net, x: F.max_unpool2d(*F.max_pool2d(x, 2, return_indices=True), 2)),
        (2, 3, 4, 4),
        0,
    ),
    # weights shared, computed, used otherwise
    "twice": (
        lambda: Net(lambda net, x: net.a(net.a(x)), a=nn.Conv2d(4, 4, 3, padding=1)),
        (2, 4, 5, 6),
        2 * 2 * 30 * 16 * 9,
    ),
    "two names": (two_names, (2, 4), 2 * 32),
    "tied": (tied, "3x5:int64", 15 * 40),
    "forward without a call": (
        lambda: Net(lambda net, x: net.a.forward(x), a=nn.Conv2d(4, 4, 3)),
        (2, 4, 5, 6),
        2 * 12 * 16 * 9,
    ),
    "weight norm": (lambda: parametrizations.weight_norm(nn.Conv2d(4, 6, 3)), (2, 4, 5, 6), 2 * 12 * 24 * 9),
    "spectral norm": (
        lambda: parametrizations.spectral_norm(nn.Linear(4, 6)).eval(),
        (2, 4),
        48 + 24 + 6,
    ),  # W v, and u with it
    "weight standardisation": (lambda: Net(standardised, a=nn.Conv2d(4, 6, 3)), (2, 4, 5, 6), 2 * 12 * 24 * 9),
    "checkpoint": (
        lambda: Net(lambda net, x: checkpoint(net.a, x, use_reentrant=False), a=nn.Linear(4, 4)),
        (2, 4),
        32,
    ),
    "checkpoint of the old kind": (
        lambda: Net(lambda net, x: checkpoint(net.a, x, use_reentrant=True), a=nn.Linear(4, 4)),
        (2, 4),
        32,
    ),
    "autocast": (
        lambda: Net(autocast, a=nn.Conv2d(4, 4, 3), b=nn.Linear(4, 5)),
        (2, 4, 5, 6),
        2 * 12 * 16 * 9 + 2 * 4 * 3 * 4 * 5,
    ),
    "outputs in a dict": (lambda: Net(lambda net, x: {"a": [net.a(x)], "b": x}, a=nn.Linear(4, 4)), (2, 4), 32),
    "nested list": (
        lambda: Net(lambda net, xs: net.a(torch.cat(xs, 1)), a=nn.Linear(7, 4)),
        [(2, 3), (2, 4)],
        2 * 7 * 4,
    ),
    "unused": (lambda: Net(lambda net, x: x, a=nn.Linear(7, 4)), (2, 3), 0),
    "compiled": (lambda: compiled(nn.Linear(4, 4)), (2, 4), 32),
    "compiled within": (lambda: Net(lambda net, x: net.a(x), a=compiled(nn.Linear(4, 4))), (2, 4), 32),
    "data parallel": (lambda: nn.DataParallel(nn.Linear(4, 5)), (2, 4), 40),
}


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
    "conv by keyword": (
        lambda x, w: F.conv2d(input=x, weight=w, stride=2),
        ((2, 4, 5, 6), (6, 4, 3, 3)),
        2 * 4 * 6 * 36,
    ),
    "reflected": (lambda x, w: w.__rmatmul__(x), ((2, 4), (4, 6)), 48),
    "reflected of a batch": (lambda x, w: w.__rmatmul__(x), ((7, 2, 3), (3, 5)), 210),
    "baddbmm": (torch.baddbmm, ((7, 2, 5), (7, 2, 3), (7, 3, 5)), 210),
    "addbmm": (torch.addbmm, ((2, 5), (7, 2, 3), (7, 3, 5)), 210),
    "addmv": (torch.addmv, ((2,), (2, 3), (3,)), 6),
    "einsum": (lambda x, y: torch.einsum("bi,ij->bj", x, y), ((2, 3), (3, 5)), 30),
    "tensordot": (lambda x, y: torch.tensordot(x, y, dims=2), ((2, 3, 4), (3, 4, 5)), 120),
    "attention": (F.scaled_dot_product_attention, (Q, K, V), 2 * 4 * 5 * 7 * (8 + 6)),
    "attention causal": (lambda q: F.scaled_dot_product_attention(q, q, q, is_causal=True), Q, 2 * 4 * 5 * 5 * 16),
    "attention of groups": (
        lambda q, k: F.scaled_dot_product_attention(q, k, k, enable_gqa=True),
        (Q, (2, 2, 7, 8)),
        2 * 4 * 5 * 7 * 16,
    ),
    "attention by keyword": (
        lambda q, k: F.scaled_dot_product_attention(query=q, key=k, value=k),
        (Q, K),
        2 * 4 * 5 * 7 * 16,
    ),
    "elementwise": (lambda x: ((x + 1) * x / 2).exp().softmax(-1).mean(axis=1), (2, 3), 0),
    "constants": (lambda x: x[:, torch.tensor([0, 2], device=x.device)] * float(torch.linspace(0, 1, 5)[2]), (2, 3), 0),
    "known mask": (lambda x: x[:, torch.tensor([True, False, True])], (2, 3), 0),
    "written by a mask": (lambda x: x.__setitem__(x > 0, 0), (2, 3), 0),
    "masked scores": (
        lambda x: x.masked_fill(torch.triu(torch.ones(3, 3), 1).bool(), -torch.inf).softmax(-1),
        (2, 3, 3),
        0,
    ),
    "order kept": (lambda x: F.gelu(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2).view(2, -1), (2, 3, 4, 5), 0),
    "vmap": (lambda x: torch.func.vmap(torch.mv, (None, 0))(torch.zeros(4, 3), x), (2, 3), 24),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions(name):
    function, inputs, expected = FUNCTIONS[name]
    assert macs(function, inputs) == expected
