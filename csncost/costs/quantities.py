"""The quantities of one operation that conventions weigh, as functions of sizes: pure, for ints, arrays and symbols.

Written networks and traced modules both come here, so that what they count cannot drift apart. Shapes leave the batch
axis out; `batch` multiplies what is computed anew for each item. The quantities:

`weights`, `biases`, `affine` (a norm's scale and shift), `learned` (any other parameter); `macs` (multiply-adds);
`pairs` (Eq. 3); `elements` (written), `inputs` (elements of the first input), `reads` (of all inputs); `bias_adds`
(an addition for each element where there is a bias); `affine_elements`, `affine_inputs` (those of a norm that has a
scale and shift); `output_macs` (multiply-adds if every weight were used once for each position of the output, which it
is not in a transposed convolution); `left_macs` (those of a matrix product, were its left factor not broadcast);
`addends` (elements of what is added to a matrix product); `batch_weights`, `batch_biases`, `batch_affine` (parameters
once for each item of the batch); `rows` (how often a softmax is taken); `scores` (of an attention: queries times keys);
`states` (hidden values that a recurrent layer computes, in all its layers and directions); `padded_macs`,
`padded_bias_adds`, `padded_states` (those of a recurrent layer, were all its sequences as long as the longest);
`trained` (elements that a batch norm in training takes statistics of).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from csncost.costs.equations import channel_interactions, conv_macs, conv_weights, matmul_macs, norm_affine
from csncost.network.sizes import Size, volume

Quantities: TypeAlias = dict[str, Size]

NAMES = frozenset(
    {
        *("weights", "biases", "affine", "learned", "macs", "pairs", "elements", "inputs", "reads", "bias_adds"),
        *("affine_elements", "affine_inputs", "output_macs", "batch_weights", "batch_biases", "batch_affine"),
        *("rows", "scores", "trained", "left_macs", "addends", "states"),
        *("padded_macs", "padded_bias_adds", "padded_states"),
    }
)
"""Every quantity that a convention may weigh."""


def conv(
    in_channels: Size,
    out_channels: Size,
    kernel: Sequence[Size],
    groups: Size,
    output: Sequence[Size],
    bias: bool,
    batch: Size = 1,
    transposed_from: Sequence[Size] | None = None,
) -> Quantities:
    """A grouped convolution with an output (C, ...); `transposed_from` is the input (C, ...) of a transposed one.

    A transposed convolution uses every weight once for each position of its input.
    """
    weights = conv_weights(in_channels, out_channels, kernel, groups)
    elements = volume(output) * batch
    output_macs = conv_macs(weights, output) * batch
    biases = out_channels if bias else 0
    return {
        "weights": weights,
        "biases": biases,
        "macs": output_macs if transposed_from is None else conv_macs(weights, transposed_from) * batch,
        "pairs": channel_interactions(in_channels, out_channels, groups),
        "elements": elements,
        "bias_adds": elements if bias else 0,
        "output_macs": output_macs,
        "batch_weights": weights * batch,
        "batch_biases": biases * batch,
    }


def linear(in_channels: Size, out_channels: Size, bias: bool, positions: Size = 1, batch: Size = 1) -> Quantities:
    """A fully connected layer applied at `positions` positions in all, a convolution of 1x1."""
    weights = conv_weights(in_channels, out_channels, (), 1)
    elements = out_channels * positions
    biases = out_channels if bias else 0
    return {
        "weights": weights,
        "biases": biases,
        "macs": weights * positions,
        "pairs": channel_interactions(in_channels, out_channels, 1),
        "elements": elements,
        "bias_adds": elements if bias else 0,
        "batch_weights": weights * batch,
        "batch_biases": biases * batch,
    }


def norm(affine: Size, output: Sequence[Size], batch: Size = 1) -> Quantities:
    """A normalisation with `affine` learned numbers (0 if it has none) over an input of its output's shape."""
    elements = volume(output) * batch
    scaled = 0 if isinstance(affine, int) and affine == 0 else elements
    return {
        "affine": affine,
        "elements": elements,
        "inputs": elements,
        "affine_elements": scaled,
        "affine_inputs": scaled,
        "batch_affine": affine * batch,
    }


def channel_norm(channels: Size, output: Sequence[Size]) -> Quantities:
    """A normalisation with a scale and a shift for each channel."""
    return norm(norm_affine(channels), output)


def matmul(rows: Size, inner: Size, columns: Size, batch: Size = 1) -> Quantities:
    """`batch` products of a (rows x inner) and an (inner x columns) matrix."""
    macs = matmul_macs(rows, inner, columns) * batch
    return {"macs": macs, "left_macs": macs, "elements": rows * columns * batch}


def reads(inputs: Sequence[Sequence[Size]], batch: Size = 1) -> Quantities:
    """Elements of all inputs of an operation but its parameters: both factors of a product, every addend of a sum."""
    return {"reads": sum([volume(shape) for shape in inputs]) * batch}


def elementwise(output: Sequence[Size], inputs: Sequence[Sequence[Size]]) -> Quantities:
    """Anything that is known by what it reads and writes."""
    return {"elements": volume(output), "inputs": volume(inputs[0])} | reads(inputs)
