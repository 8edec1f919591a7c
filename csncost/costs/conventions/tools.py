"""The ways of other counters, as conventions. Facts about the versions that tests run beside them.

Some tools see kernels: fvcore and torchprofile trace a graph, FlopCounterMode and the aten back end of ptflops listen
to the dispatcher. Others see modules by their class, with hooks: thop, torchinfo, ptflops; they miss a convolution that
is called as a function. ptflops and calflops also replace functions of `torch.nn.functional`, so ptflops counts a
module twice that has a hook and calls such a function. An operator (`x @ y`, `x + y`, `x * y`) goes past replaced
functions; its function is called "operator" here.

Where a tool's count is no sum of an operation's quantities (a rounded figure, axes mistaken for each other), it is not
reproduced; the test says where, and why.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from csncost.costs.conventions.rules import Convention, Rule, Terms

_MACS = {"macs": 1}
_TWICE = {"macs": 2}
_BIASED = {"macs": 1, "bias_adds": 1}
_PADDED = {"padded_macs": 1, "padded_bias_adds": 1}
_ELEMENTS = {"elements": 1}
_INPUTS = {"inputs": 1}
_PRODUCT = {"left_macs": 1}
_SUMMED_PRODUCT = {"macs": 1, "addends": 1}

_LEARNED: Mapping[str, Terms] = {
    **{kind: {"weights": 1, "biases": 1} for kind in ("conv", "linear", "classifier", "rnn", "custom")},
    **{key: {"affine": 1} for key in ("norm", "act.prelu")},
    "embedding": {"weights": 1},
    "parameter": {"learned": 1},
}
_PAIRED = ("conv", "linear", "classifier", "custom")

_PRODUCTS = ("matmul", "mm", "bmm")
_SUMS = ("addmm", "baddbmm")
_CELLS = ("lstm_cell", "gru_cell", "rnn_tanh_cell", "rnn_relu_cell")


def _axes(*names: str) -> list[str]:
    """The classes of modules for 1, 2 and 3 dimensions."""
    return [f"{name}{axes}d" for name in names for axes in (1, 2, 3)]


_CONVS = _axes("Conv", "ConvTranspose")
_BATCH_NORMS = _axes("BatchNorm")
_INSTANCE_NORMS = _axes("InstanceNorm")
_POOLS = _axes("MaxPool", "AvgPool", "AdaptiveMaxPool", "AdaptiveAvgPool")


def _at(kind: str, classes: Iterable[str], terms: Terms) -> dict[str, Terms]:
    return {f"{kind}@{name}": terms for name in classes}


def _of(kind: str, functions: Iterable[str], terms: Terms) -> dict[str, Terms]:
    return {f"{kind}.{function}": terms for function in functions}


def _rule(key: str, flops: Terms) -> Rule | None:
    """All that is learned, the FLOPs of a tool, and the elements written where it counts any; None if it is nothing."""
    kind = key.partition("@")[0].partition(".")[0]
    learned = _LEARNED.get(kind, {"affine": 1} if "prelu" in key.lower() else {})
    if not (learned or flops):
        return None
    pairs, written = {"pairs": 1} if kind in _PAIRED else {}, _ELEMENTS if flops else {}
    return Rule(params=learned, flops=flops, interactions=pairs, activations=written)


def _tool(name: str, unit: str, scope: str, flops: Mapping[str, Terms], others: Iterable[str] = _LEARNED) -> Convention:
    """A convention from the FLOPs of its keys; of `others`, which it does not count, it has the parameters."""
    last = {key.replace("linear", "classifier", 1): terms for key, terms in flops.items() if key.startswith("linear")}
    keys = {**{key: {} for key in others}, **flops, **last}
    return Convention(name, unit, scope, {key: _rule(key, terms) for key, terms in keys.items()})


_FVCORE = {
    "conv": _MACS,
    "linear": _MACS,
    "linear.bilinear": {},
    **_of("matmul", (*_PRODUCTS, "operator"), _PRODUCT),
    "matmul.addmm": _MACS,
    "norm": {"inputs": 4, "affine_inputs": 1},
    "norm.batch": {"inputs": 1, "affine_inputs": 1, "trained": 3},
    "norm.rms": {},
    "pool.adaptive_avg2d": _INPUTS,
    "resize.nearest2d": _ELEMENTS,
    "resize.bilinear2d": {"elements": 4},
    **_of("resize", ("grid_bilinear", "grid_nearest", "grid_bicubic"), {"elements": 4}),
    **_of("rnn", _CELLS, _MACS),
}

_PTFLOPS_ACTIVATIONS = ("relu", "prelu", "elu", "relu6", "gelu", "silu", "softmax")

_PTFLOPS = {
    **_at("conv", _CONVS, _BIASED),
    "linear@Linear": _BIASED,
    **_at("norm", (*_BATCH_NORMS, *_INSTANCE_NORMS, "GroupNorm"), {"inputs": 1, "affine_inputs": 1}),
    "norm@LayerNorm": _INPUTS,
    **_of("act", _PTFLOPS_ACTIVATIONS, _INPUTS),
    **_at("act", ("ReLU", "PReLU", "ELU", "GELU"), {"inputs": 2}),
    **_at("act", ("LeakyReLU", "ReLU6"), _INPUTS),
    "pool": _INPUTS,
    **_at("pool", _POOLS, {"inputs": 2}),
    **_of("pool", _axes("lp_pool"), {"inputs": 1, "elements": 2}),
    **_of("pool", _axes("fractional_max_pool"), {}),
    "resize": _ELEMENTS,
    "resize@Upsample": {"elements": 2},
    **_of("resize", ("grid_bilinear", "grid_nearest", "grid_bicubic", "affine_grid"), {}),
    **_of("matmul", _PRODUCTS, _PRODUCT),
    **_of("linear", _PRODUCTS, _MACS),
    **_of("matmul", _SUMS, _SUMMED_PRODUCT),
    **_of("linear", _SUMS, _SUMMED_PRODUCT),
    "add.add": _ELEMENTS,
    "multiply.multiply": _ELEMENTS,
    **_at("rnn", ("LSTM", "LSTMCell"), {**_BIASED, "states": 10}),
    **_at("rnn", ("GRU", "GRUCell"), {**_BIASED, "states": 7}),
    **_at("rnn", ("RNN", "RNNCell"), {**_BIASED, "states": 1}),
    # the hook counts an attention whole; its products and softmax are then seen again as functions
    "linear@MultiheadAttention": _BIASED,
    "matmul.bmm@MultiheadAttention": {"macs": 1, "left_macs": 1},
    "matmul.baddbmm@MultiheadAttention": {"macs": 2, "addends": 1},
    "matmul.attention@MultiheadAttention": {"macs": 1, "scores": 1, "inputs": 1},
    "act.softmax@MultiheadAttention": {"inputs": 2},
    "multiply@MultiheadAttention": _ELEMENTS,
}

_PTFLOPS_ATEN = {
    "conv": _BIASED,
    "linear": _BIASED,
    "linear.bilinear": {},
    **_of("matmul", (*_PRODUCTS, "inner", "operator"), _MACS),
    "linear.addmm": {"macs": 1, "elements": 1},
    "matmul.addmm": {"macs": 1, "elements": 1},
    "rnn": _BIASED,
    "rnn.lstm": {},
}

_THOP_RESIZES = {**dict.fromkeys(_axes("nearest"), 1), "linear1d": 5, "bilinear2d": 11, "bicubic2d": 259}

_THOP = {
    **_at("conv", _CONVS, {"output_macs": 1}),
    "linear@Linear": _MACS,
    **_at("norm", (*_BATCH_NORMS, *_INSTANCE_NORMS, "LayerNorm", "SyncBatchNorm"), {"inputs": 2, "affine_inputs": 2}),
    "act@PReLU": _INPUTS,
    "act@Softmax": {"inputs": 3, "rows": -1},
    **_at("pool", _axes("AvgPool"), _ELEMENTS),
    **_at("pool", _axes("AdaptiveAvgPool"), {"inputs": 1, "elements": 1}),
    **{
        f"resize.{mode}@{name}": {"elements": times}
        for name in ("Upsample", "UpsamplingBilinear2d", "UpsamplingNearest2d")
        for mode, times in _THOP_RESIZES.items()
    },
    **_at("rnn", ("LSTM", "LSTMCell"), {**_PADDED, "padded_states": 8}),
    **_at("rnn", ("GRU", "GRUCell"), {**_PADDED, "padded_states": 7}),
    **_at("rnn", ("RNN", "RNNCell"), {**_PADDED, "padded_states": 1}),
}

_TORCHINFO = {
    "conv": {"output_macs": 1, "bias_adds": 1},
    "linear": {"batch_weights": 1, "batch_biases": 1},
    "linear@MultiheadAttention": {},
    "norm": {"batch_affine": 1},
    "act.prelu": {"batch_affine": 1},
    "embedding": {"batch_weights": 1},
    "rnn": _BIASED,
}

_CALFLOPS = {
    "conv": _MACS,
    "linear": _MACS,
    **_of("linear", ("bilinear", "mm", "bmm", "operator"), {}),
    "matmul.matmul": _PRODUCT,
    **_of("matmul", _SUMS, _MACS),
}

_CALFLOPS_ACTIVATIONS = ("relu", "prelu", "elu", "leaky_relu", "relu6", "silu", "gelu", "softmax")

_CALFLOPS_FLOPS = {
    "conv": {"macs": 2, "bias_adds": 1},
    "linear": _TWICE,
    **_of("linear", ("bilinear", "mm", "bmm", "operator"), {}),
    **_of("linear", _SUMS, {"macs": 2, "addends": 1}),
    "matmul.matmul": {"left_macs": 2},
    **_of("matmul", _SUMS, {"macs": 2, "addends": 1}),
    "norm": {"inputs": 4, "affine_inputs": 1},
    "norm.batch": {"inputs": 1, "affine_inputs": 1, "trained": 3},
    "norm.rms": {},
    **_of("act", _CALFLOPS_ACTIVATIONS, _INPUTS),
    "pool": _INPUTS,
    **_of("pool", _axes("lp_pool"), {"inputs": 1, "elements": 2}),
    **_of("pool", _axes("fractional_max_pool"), {}),
    "resize": _INPUTS,
    **_of("resize", ("grid_bilinear", "grid_nearest", "grid_bicubic", "affine_grid"), {}),
    "add.add": _ELEMENTS,
    "multiply.multiply": _ELEMENTS,
    **_at("rnn", ("LSTM", "LSTMCell"), {"macs": 2, "bias_adds": 1, "states": 2}),
    **_at("rnn", ("GRU", "GRUCell"), {"macs": 2, "bias_adds": 1, "states": 1}),
    **_at("rnn", ("RNN", "RNNCell"), {"macs": 2, "bias_adds": 1, "states": -1}),
}

_TORCHPROFILE = {
    "conv": {"output_macs": 1},
    "linear": _MACS,
    "linear.bilinear": {},
    **_of("matmul", ("matmul", "bmm", "addmm", "baddbmm", "addmv", "attention", "operator"), _MACS),
    "linear.mm": {},
    "norm": {"affine_elements": 1},
    "norm.rms": {},
    **_of("pool", ("avg", *_axes("adaptive_avg")), _ELEMENTS),
    **_of("pool", _axes("lp_pool"), {"elements": 3}),
    "reduce.mean": _ELEMENTS,
    "multiply": _ELEMENTS,
    "act.leaky_relu": _ELEMENTS,
    "resize.bilinear2d": {"elements": 4},
    "resize.grid_bilinear": {"elements": 4},
    "resize.grid_bicubic": {"elements": 16},
    **_of("rnn", ("lstm", "stepwise_lstm"), _MACS),
    "rnn.lstm_cell": {"macs": 1, "states": 3},
    "rnn.gru_cell": {"macs": 1, "states": 2},
    **_of("rnn", ("rnn_tanh_cell", "rnn_relu_cell"), _MACS),
}

_FLOPCOUNTER = {
    "conv": _TWICE,
    "linear": _TWICE,
    "linear.bilinear": {},
    **_of("matmul", (*_PRODUCTS, *_SUMS, "inner", "attention", "operator"), _TWICE),
    "rnn": _TWICE,
    "rnn.lstm": {},
}

TOOLS: tuple[Convention, ...] = (
    _tool(
        "fvcore",
        "1 FLOP = 1 multiply-add, or a part of a norm, a pool or a resize",
        'what fvcore calls "flops" and are multiply-adds; batch norm 2 an element (5 in training), other norms 5,'
        " 2-D adaptive average pools by input",
        _FVCORE,
    ),
    _tool(
        "ptflops",
        "1 FLOP = 1 multiply-add, a bias, or an element of a norm, activation or pool",
        "modules by class, for a batch of 1; batch norm 2 an element; ReLU, GELU, pools and upsampling twice, by"
        " their module and by their function",
        _PTFLOPS,
    ),
    _tool(
        "ptflops-aten",
        "1 FLOP = 1 multiply-add, or a bias",
        "convolutions, fc and matrix products, with their biases",
        _PTFLOPS_ATEN,
    ),
    _tool(
        "thop",
        "1 FLOP = 1 multiply-add, or a part of a norm, softmax or average pool",
        "modules by class, parameters of these alone; norms 4 an element, adaptive average pools by input and output,"
        " no biases but those of recurrent layers, whose packed sequences count with their padding",
        _THOP,
        others=(),
    ),
    _tool(
        "torchinfo",
        "1 FLOP = 1 use of a learned number",
        "parameters times positions of the output for convolutions and recurrent layers, times the batch for everything"
        " else; matrix products without parameters not at all",
        _TORCHINFO,
    ),
    _tool(
        "calflops",
        "1 FLOP = 1 multiply-add",
        'what calflops calls "MACs": convolutions, fc, torch.matmul; neither bmm nor attention nor recurrent layers',
        _CALFLOPS,
    ),
    _tool(
        "calflops-flops",
        "2 FLOPs = 1 multiply-add; 1 for each bias of a convolution and each element read by an activation or pool",
        'what calflops calls "FLOPs": batch norm 2 an element, other norms 5',
        _CALFLOPS_FLOPS,
    ),
    _tool(
        "torchprofile",
        "1 FLOP = 1 multiply-add, or an element of a norm, product, mean or average pool",
        "convolutions, fc, matrix products, attention, LSTM; norms 1 an element",
        _TORCHPROFILE,
    ),
    _tool(
        "flopcounter",
        "2 FLOPs = 1 multiply-add",
        "what torch.utils.flop_counter.FlopCounterMode counts forward: convolutions, fc, matrix products, attention",
        _FLOPCOUNTER,
    ),
)
"""The conventions of other counters."""
