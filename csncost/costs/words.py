"""Names that people use for operations and their quantities."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import TypeAlias

from csncost.costs.count import Measured

_OPERATIONS = {
    "conv": "convolutions",
    "conv.transposed": "transposed convolutions",
    "linear": "fully connected layers",
    "linear.bilinear": "bilinear layers",
    "classifier": "classifier",
    "matmul": "matrix products",
    "matmul.attention": "attention",
    "rnn": "recurrent layers",
    "rnn.lstm": "LSTM",
    "rnn.stepwise_lstm": "LSTM, step by step",
    "rnn.gru": "GRU",
    **dict.fromkeys(("rnn.rnn_tanh", "rnn.rnn_relu"), "RNN"),
    "rnn.lstm_cell": "LSTM cells",
    "rnn.gru_cell": "GRU cells",
    **dict.fromkeys(("rnn.rnn_tanh_cell", "rnn.rnn_relu_cell"), "RNN cells"),
    "norm.batch": "batch norm",
    "norm.layer": "layer norm",
    "norm.group": "group norm",
    "norm.instance": "instance norm",
    "norm.rms": "RMS norm",
    "act.relu": "ReLU",
    "act.relu6": "ReLU6",
    "act.leaky_relu": "leaky ReLU",
    "act.prelu": "PReLU",
    "act.rrelu": "RReLU",
    "act.silu": "SiLU",
    **{f"act.{name}": name.upper() for name in ("elu", "selu", "celu", "gelu", "glu")},
    **{f"act.hard{name}": f"hard {name}" for name in ("tanh", "swish", "sigmoid")},
    "act.logsigmoid": "log sigmoid",
    "act.mish": "Mish",
    "pool.max": "max pools",
    "pool.avg": "average pools",
    "pool.adaptive_avg": "adaptive average pools",
    "pool.adaptive_max": "adaptive max pools",
    "pool.lp": "power-average pools",
    "pool.fractional_max": "fractional max pools",
    "add": "sums",
    "multiply": "products",
    "elementwise": "other elementwise operations",
    "reduce": "means and sums over axes",
    "resize": "resizing",
    "resize.nearest": "nearest-neighbour resizing",
    **{f"resize.{name}": f"{name} resizing" for name in ("linear", "bilinear", "trilinear", "bicubic", "area")},
    **{f"resize.grid_{name}": f"{name} sampling on a grid" for name in ("nearest", "bilinear", "bicubic")},
    "resize.affine_grid": "affine grids",
    "embedding": "embeddings",
    "custom": "operations of your own",
}
"""Names of operations by kind and function, or by kind; any other goes by the name of its function."""

_AXES = re.compile(r"(?:_pool)?(\d)d(?:_with_indices)?$")
"""The part of a function's name that says how many axes it has."""

Ran: TypeAlias = tuple[str, str]
"""A function, and the class of the module that runs it."""

EACH = {
    "macs": "multiply-add",
    "backward": "multiply-add of the backward pass",
    "output_macs": "weight and output position",
    "left_macs": "multiply-add, unbroadcast",
    "batch_weights": "weight and item",
    "bias_adds": "addition of a bias",
    "batch_biases": "bias and item",
    "addends": "element added",
    "elements": "element written",
    "inputs": "element read",
    "affine_elements": "element scaled",
    "affine_inputs": "element scaled",
    "trained": "element in statistics",
    "batch_affine": "scale or shift, and item",
    "rows": "softmax",
    "scores": "attention score",
    "states": "hidden value",
    "padded_macs": "padded multiply-add",
    "padded_bias_adds": "padded bias",
    "padded_states": "padded hidden value",
}
"""One of each quantity, in words."""


def operation(measured: Measured) -> str:
    """The name of an operation, over however many axes."""
    kind, function = measured.kind, _AXES.sub("", measured.function)
    return _OPERATIONS.get(f"{kind}.{function}") or _OPERATIONS.get(kind) or function.replace("_", " ") or kind


def told_apart(groups: Sequence[Iterable[Ran]]) -> list[str]:
    """The axes, functions or modules that tell groups of operations of one name apart; nothing ("") if none does.

    >>> told_apart([{("relu", "ReLU")}, {("relu", "Block"), ("relu", "")}])
    ['in ReLU', 'in Block, in no module']
    """
    for what in (_axes, _function, _module):
        found = [sorted({what(*one) for one in group}) for group in groups]
        every = [name for names in found for name in names]
        if "" not in every and len(set(every)) == len(every):
            return [", ".join(names[:3]) + (", ..." if len(names) > 3 else "") for names in found]
    return [""] * len(groups)


def _axes(function: str, module: str) -> str:
    match = _AXES.search(function)
    return f"{match[1]}-D" if match else ""


def _function(function: str, module: str) -> str:
    return function.strip("_").replace("_", " ")


def _module(function: str, module: str) -> str:
    return f"in {module}" if module else "in no module"
