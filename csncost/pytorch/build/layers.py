"""A module or a function for each operation: PyTorch's own, or a subclass for what it lacks, such as "same" padding.

Tensors are (N, C, T, H, W), or (N, C) behind a fully connected layer.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial, reduce
from operator import add, mul
from typing import Any, TypeAlias

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from csncost.errors import CsncostError
from csncost.network import ops
from csncost.network.ops import Activation, Add, Concat, Conv, Linear, Matmul, Multiply, Norm, Op, Pool, Shape
from csncost.network.sizes import ceil_div
from csncost.network.windows import window_positions, window_positions_ceil
from csncost.units import shape

Function: TypeAlias = Callable[[list[Tensor]], Tensor]


def same_padding(
    lengths: Sequence[int], kernel: Sequence[int], stride: Sequence[int], dilation: Sequence[int] = (1, 1, 1)
) -> tuple[list[int], list[int]]:
    """Zeros before and after each axis that make its output ceil(length / stride) long, the smaller half before.

    As TensorFlow pads (https://www.tensorflow.org/api_docs/python/tf/nn, "Notes on padding").

    >>> same_padding((8, 8, 7), (3, 3, 2), (1, 2, 2))
    ([1, 0, 0], [1, 1, 1])
    """
    before, after = [], []
    for n, k, s, d in zip(lengths, kernel, stride, dilation, strict=True):
        total = max((ceil_div(n, s) - 1) * s + d * (k - 1) + 1 - n, 0)
        before.append(total // 2)
        after.append(total - total // 2)
    return before, after


def _padded(clip: Tensor, before: Sequence[int], after: Sequence[int], value: float = 0.0) -> Tensor:
    """`clip` with its axes T, H, W padded; PyTorch takes the last axis first."""
    pads = [pad for sides in reversed(list(zip(before, after, strict=True))) for pad in sides]
    return F.pad(clip, pads, value=value)


def _padded_unevenly(
    clip: Tensor, before: Sequence[int], after: Sequence[int], value: float = 0.0
) -> tuple[Tensor, tuple[int, ...]]:
    """A clip that needs as much on both sides, and that number; another padded, and zeros."""
    return (clip, tuple(before)) if before == after else (_padded(clip, before, after, value), (0, 0, 0))


class SameConv3d(nn.Conv3d):
    """A convolution whose output is ceil(length / stride) long; it pads as much as the clip before it needs."""

    def forward(self, input: Tensor) -> Tensor:
        """(N, C, T, H, W) to (N, C', T', H', W')."""
        before, after = same_padding(input.shape[2:], self.kernel_size, self.stride, self.dilation)
        input, padding = _padded_unevenly(input, before, after)
        return F.conv3d(input, self.weight, self.bias, self.stride, padding, self.dilation, self.groups)

    def extra_repr(self) -> str:
        """As that of torch.nn.Conv3d, with the padding."""
        return f"{nn.Conv3d.extra_repr(self)}, padding=same"  # type: ignore[no-untyped-call]


class SameMaxPool3d(nn.Module):
    """A max pool whose output is ceil(length / stride) long; what it pads is never the maximum."""

    def __init__(self, kernel_size: Shape, stride: Shape) -> None:
        super().__init__()
        self.kernel_size, self.stride = kernel_size, stride

    def forward(self, input: Tensor) -> Tensor:
        """(N, C, T, H, W) to (N, C, T', H', W')."""
        before, after = same_padding(input.shape[2:], self.kernel_size, self.stride)
        input, padding = _padded_unevenly(input, before, after, float("-inf"))
        return F.max_pool3d(input, self.kernel_size, self.stride, padding)

    def extra_repr(self) -> str:
        """As that of torch.nn.MaxPool3d."""
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding=same"


class SameAvgPool3d(SameMaxPool3d):
    """An average pool whose output is ceil(length / stride) long; padding enters averages, as in torch.nn.AvgPool3d."""

    def forward(self, input: Tensor) -> Tensor:
        """(N, C, T, H, W) to (N, C, T', H', W')."""
        before, after = same_padding(input.shape[2:], self.kernel_size, self.stride)
        return F.avg_pool3d(_padded(input, before, after), self.kernel_size, self.stride)


class AvgPool3d(nn.AvgPool3d):
    """PyTorch's average pool, for clips shorter than the window as well, which count as zero where they are not.

    PyTorch refuses those, even where padding or ceil mode makes them fit, and though its max pool takes them.
    """

    def forward(self, input: Tensor) -> Tensor:
        """(N, C, T, H, W) to (N, C, T', H', W')."""
        kernel, stride, padding = map(_axes, (self.kernel_size, self.stride, self.padding))
        lengths = input.shape[2:]
        if all(n >= k for n, k in zip(lengths, kernel, strict=True)):
            return super().forward(input)
        positions = window_positions_ceil if self.ceil_mode else window_positions
        outputs = [positions(n, k, s, 2 * p) for n, k, s, p in zip(lengths, kernel, stride, padding, strict=True)]
        sizes = zip(outputs, lengths, kernel, stride, padding, strict=True)
        after = [(o - 1) * s + k - n - p for o, n, k, s, p in sizes]  # as far as the last window reaches
        return F.avg_pool3d(_padded(input, padding, after), kernel, stride)


def _axes(size: int | Sequence[int]) -> tuple[int, ...]:
    return (size,) * 3 if isinstance(size, int) else tuple(size)


class Reshape(nn.Module):
    """A change of shape, the batch axis left out."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape

    def forward(self, input: Tensor) -> Tensor:
        """(N, ...) to (N, *shape)."""
        return input.reshape(input.shape[0], *self.shape)

    def extra_repr(self) -> str:
        """The shape."""
        return f"shape={self.shape}"


_NORMS: dict[int, type[nn.Module]] = {
    1: nn.BatchNorm1d, 2: nn.BatchNorm1d, 3: nn.BatchNorm2d, 4: nn.BatchNorm3d,
}  # fmt: skip
"""Batch norms by the axes of what they normalise, the batch left out."""

_ACTIVATIONS: dict[str, type[nn.Module]] = {
    "relu": nn.ReLU, "silu": nn.SiLU, "gelu": nn.GELU, "sigmoid": nn.Sigmoid, "tanh": nn.Tanh,
}  # fmt: skip


def module_of(op: Op, output: Shape, **made: Any) -> nn.Module:
    """The module of an operation with this output shape.

    `made` says how parameters are made: `device` and `dtype`. Raises CsncostError for a function it does not know.
    """
    match op:
        case Conv():
            sizes = {"stride": op.stride, "dilation": op.dilation, "groups": op.groups, "bias": op.bias}
            if op.padding == "same":
                return SameConv3d(op.in_channels, op.out_channels, op.kernel, **sizes, **made)
            return nn.Conv3d(op.in_channels, op.out_channels, op.kernel, padding=op.padding, **sizes, **made)
        case Norm(function="batch"):
            return _NORMS[len(output)](op.channels, **made)
        case Activation(function="softmax"):  # over the channels; over the columns of a matrix
            return nn.Softmax(dim=-1 if len(output) == 2 else 1)
        case Activation(function=name) if name in _ACTIVATIONS:
            return _ACTIVATIONS[name]()
        case Pool(function="max" | "avg"):
            return _pool(op)
        case Linear():
            return nn.Linear(op.in_channels, op.out_channels, op.bias, **made)
        case ops.Reshape():
            return nn.Flatten() if op.shape is None else Reshape(op.shape)
    raise CsncostError(f"no module for {op}")


def _pool(op: Pool) -> nn.Module:
    largest = op.function == "max"
    if op.kernel is None:
        return nn.AdaptiveMaxPool3d(1) if largest else nn.AdaptiveAvgPool3d(1)
    if op.padding == "same":  # which is long enough for ceil mode to add nothing
        return (SameMaxPool3d if largest else SameAvgPool3d)(op.kernel, op.stride)
    return (nn.MaxPool3d if largest else AvgPool3d)(op.kernel, op.stride, op.padding, ceil_mode=op.ceil)


def function_of(op: Op, inputs: Sequence[Shape]) -> Function | None:
    """An operation that has no module, as a function of its inputs; None for another."""
    match op:
        case Add():
            return partial(reduce, add)
        case Multiply():
            return partial(reduce, mul)
        case Concat():
            return partial(torch.cat, dim=1)
        case Matmul():
            wanted = ((op.rows, op.inner), (op.inner, op.columns))
            return partial(_product, turned=tuple(map(_turned, inputs, wanted)))
        case _:
            return None


def _turned(given: Shape, wanted: Shape) -> bool:
    """Tell whether a factor of a matrix product must be transposed: only where it does not fit as it is."""
    if given not in (wanted, wanted[::-1]):
        raise CsncostError(f"a matrix of {shape(wanted)} is needed, and {shape(given)} is given", "reshape it before")
    return given != wanted


def _product(factors: list[Tensor], turned: tuple[bool, ...]) -> Tensor:
    left, right = (x.mT if turn else x for x, turn in zip(factors, turned, strict=True))
    return left @ right
