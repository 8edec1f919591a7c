"""What people call operations and their quantities."""

from __future__ import annotations

from csncost.counts import Measured

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
    "norm.batch": "batch norm",
    "norm.layer": "layer norm",
    "norm.group": "group norm",
    "norm.instance": "instance norm",
    "norm.rms": "RMS norm",
    "act.relu": "ReLU",
    "act.prelu": "PReLU",
    "act.silu": "SiLU",
    "act.gelu": "GELU",
    "pool.max": "max pools",
    "pool.avg": "average pools",
    **{f"pool.adaptive_avg{axes}d": "adaptive average pools" for axes in (1, 2, 3)},
    **{f"pool.adaptive_max{axes}d": "adaptive max pools" for axes in (1, 2, 3)},
    "add": "sums",
    "multiply": "products",
    "elementwise": "other elementwise operations",
    "reduce": "means and sums over axes",
    "resize": "resizing",
    "embedding": "embeddings",
    "custom": "operations of your own",
}
"""What operations are called, by kind and function, or by kind; any other goes by the name of its function."""

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
    "padded_macs": "multiply-add, padding included",
    "padded_bias_adds": "addition of a bias, padding included",
    "padded_states": "hidden value, padding included",
}
"""What one of each quantity is."""


def operation(measured: Measured) -> str:
    """What people call an operation."""
    kind, function = measured.kind, measured.function
    named = _OPERATIONS.get(f"{kind}.{function}")
    if named is None and (kind not in _OPERATIONS or (kind == "resize" and function)):
        named = function.replace("_", " ")
    return named or _OPERATIONS.get(kind) or kind
