"""What functions with multiply-adds cost: each reads the sizes of its arguments and asks `csncost.costs.quantities`.

A formula has the signature of its function, and `out`, what the function returned (of no data). It gives a `Cost`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from typing import Any, NamedTuple, TypeAlias

from torch import Tensor

from csncost.costs import quantities
from csncost.network.sizes import Size


class Gradient(NamedTuple):
    """`macs` multiply-adds of the backward pass, needed if any of the tensors needs a gradient."""

    macs: int
    of: tuple[Tensor | None, ...]


class Geometry(NamedTuple):
    """What a row says of an operation."""

    in_channels: int | None = None
    out_channels: int | None = None
    kernel: tuple[int, ...] | None = None
    stride: tuple[int, ...] | None = None
    groups: int | None = None


@dataclass(slots=True)
class Cost:
    """The quantities of one call, whose `weights`, `biases` and `affine` are yet to be found among the parameters.

    `backward` None: what the backward pass takes is not known. `kind` and `function` replace those of the table where
    they depend on the arguments.
    """

    quantities: dict[str, Size]
    weights: tuple[Tensor, ...] = ()
    biases: tuple[Tensor, ...] = ()
    affine: tuple[Tensor, ...] = ()
    geometry: Geometry = Geometry()
    backward: tuple[Gradient, ...] | None = ()
    kind: str = ""
    function: str = ""


Formula: TypeAlias = Callable[..., Cost]


def present(*tensors: Any) -> tuple[Tensor, ...]:
    """Those that are given."""
    return tuple(tensor for tensor in tensors if isinstance(tensor, Tensor))


def _dense(weight: Tensor, input: Tensor, macs: int) -> tuple[Gradient, ...]:
    """The gradients of input and weights each take as many multiply-adds as the forward pass."""
    return Gradient(macs, (input,)), Gradient(macs, (weight,))


def batch_of(input: Tensor) -> int:
    """The items of a batch."""
    return input.shape[0] if input.dim() > 1 else 1


def each_axis(value: Any, axes: int) -> tuple[int, ...]:
    """A number for each axis."""
    return tuple(value) * (axes if len(value) == 1 else 1) if isinstance(value, (tuple, list)) else (value,) * axes


def conv(
    input: Tensor,
    weight: Tensor,
    bias: Any = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
    *,
    out: Tensor,
) -> Cost:
    """Eqs. 1-3 for a convolution in any number of dimensions."""
    return _convolved(input, weight, bias, stride, groups, weight.shape[1] * groups, weight.shape[0], out, None)


def _convolved(
    input: Tensor,
    weight: Tensor,
    bias: Any,
    stride: Any,
    groups: int,
    in_channels: int,
    out_channels: int,
    out: Tensor,
    transposed_from: tuple[int, ...] | None,
) -> Cost:
    kernel = tuple(weight.shape[2:])
    unbatched, batch = _unbatched(out, len(kernel))
    biased = bias is not None
    found = quantities.conv(in_channels, out_channels, kernel, groups, unbatched, biased, batch, transposed_from)
    geometry = Geometry(in_channels, out_channels, kernel, each_axis(stride, len(kernel)), groups)
    found["inputs"] = input.numel()
    return Cost(found, (weight,), present(bias), (), geometry, _dense(weight, input, int(found["macs"])))


def _unbatched(tensor: Tensor, axes: int) -> tuple[tuple[int, ...], int]:
    shape = tuple(tensor.shape)
    return (shape, 1) if len(shape) == axes + 1 else (shape[1:], shape[0])


def conv_transpose(
    input: Tensor,
    weight: Tensor,
    bias: Any = None,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: int = 1,
    dilation: Any = 1,
    *,
    out: Tensor,
) -> Cost:
    """A transposed convolution: every weight once for each position of the input."""
    source, _ = _unbatched(input, weight.dim() - 2)
    return _convolved(input, weight, bias, stride, groups, weight.shape[0], weight.shape[1] * groups, out, source)


def convolution(
    input: Tensor,
    weight: Tensor,
    bias: Any,
    stride: Any,
    padding: Any,
    dilation: Any,
    transposed: bool,
    output_padding: Any,
    groups: int,
    *args: Any,
    out: Tensor,
) -> Cost:
    """The one kernel that all convolutions come down to."""
    if transposed:
        return conv_transpose(input, weight, bias, stride, padding, output_padding, groups, dilation, out=out)
    return conv(input, weight, bias, stride, padding, dilation, groups, out=out)


def convolution_backward(
    gradient: Tensor,
    input: Tensor,
    weight: Tensor,
    bias_sizes: Any,
    stride: Any,
    padding: Any,
    dilation: Any,
    transposed: bool,
    output_padding: Any,
    groups: int,
    output_mask: Any,
    *,
    out: Any,
) -> Cost:
    """The gradients of input and weight, as far as asked for, where code runs them by itself."""
    once = convolution(input, weight, None, stride, padding, dilation, transposed, output_padding, groups, out=gradient)
    found: dict[str, Size] = {"macs": once.quantities["macs"] * sum(map(bool, output_mask[:2]))}
    found["elements"] = sum(one.numel() for one in out if isinstance(one, Tensor))
    return Cost(found)


def linear(input: Tensor, weight: Tensor, bias: Any = None, *, out: Tensor) -> Cost:
    """A fully connected layer: a convolution of 1x1 at every position of an input (..., C)."""
    out_channels, in_channels = tuple(weight.shape) if weight.dim() == 2 else (1, weight.shape[0])
    positions = out.numel() // out_channels if out_channels else 0
    found = quantities.linear(in_channels, out_channels, bias is not None, positions, batch_of(input))
    found["inputs"] = input.numel()
    geometry = Geometry(in_channels, out_channels)
    return Cost(found, (weight,), present(bias), (), geometry, _dense(weight, input, int(found["macs"])), "linear")


def bilinear(input1: Tensor, input2: Tensor, weight: Tensor, bias: Any = None, *, out: Tensor) -> Cost:
    """y = x1 W x2 for each output: first x1 W, then its product with x2."""
    outputs, first, second = weight.shape
    positions = out.numel() // outputs if outputs else 0
    left, right = positions * weight.numel(), positions * outputs * second
    found: dict[str, Size] = {
        "weights": weight.numel(),
        "biases": outputs if bias is not None else 0,
        "macs": left + right,
        "elements": out.numel(),
        "bias_adds": out.numel() if bias is not None else 0,
        "batch_weights": weight.numel() * batch_of(input1),
        "batch_biases": outputs * batch_of(input1) if bias is not None else 0,
    }
    backward = (
        Gradient(left, (input1,)),
        Gradient(left, (weight,)),
        Gradient(right, (input2,)),
        Gradient(right, (input1, weight)),
    )
    return Cost(found, (weight,), present(bias), (), Geometry(first, outputs), backward)


def matmul(input: Tensor, other: Tensor, *args: Any, out: Tensor, **kwargs: Any) -> Cost:
    """A product of matrices (or vectors), broadcast over the axes before them."""
    inner = input.shape[-1]
    macs = out.numel() * inner
    found: dict[str, Size] = {"macs": macs, "elements": out.numel(), "inputs": input.numel()}
    found["left_macs"] = input.numel() * other.shape[-1]
    return Cost(found, backward=(Gradient(macs, (input,)), Gradient(macs, (other,))))


def added_matmul(
    input: Tensor, left: Tensor, right: Tensor, *args: Any, out: Tensor, beta: Any = 1, alpha: Any = 1
) -> Cost:
    """`input` plus a product: addmm, baddbmm, addmv, addbmm."""
    macs = left.numel() * (right.shape[-1] if right.dim() > 1 else 1)
    found: dict[str, Size] = {
        "macs": macs,
        "elements": out.numel(),
        "inputs": left.numel(),
        "bias_adds": out.numel() if beta else 0,
        "addends": input.numel() if beta else 0,
    }
    return Cost(found, backward=(Gradient(macs, (left,)), Gradient(macs, (right,))))


def attention(query: Tensor, key: Tensor, value: Tensor, *args: Any, out: Any, **kwargs: Any) -> Cost:
    """Scaled dot-product attention: Q K^T and its product with V, a causal mask not taken off.

    The backward pass has two products for each; that a fused kernel computes Q K^T anew is not counted.
    """
    tensor = out[0] if isinstance(out, tuple) else out  # the query may be broadcast
    rows = prod(tensor.shape[:-1])
    pairs = rows * key.shape[-2]
    scores, mix = pairs * query.shape[-1], pairs * value.shape[-1]
    written = rows * value.shape[-1]
    backward = (
        Gradient(mix, (value,)),
        Gradient(mix, (query, key)),
        Gradient(scores, (query,)),
        Gradient(scores, (key,)),
    )
    found: dict[str, Size] = {"macs": scores + mix, "elements": written, "inputs": query.numel(), "scores": pairs}
    return Cost(found, backward=backward)
