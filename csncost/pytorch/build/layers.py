"""A module for each operation that has one: PyTorch's own, or a subclass for what it lacks, such as "same" padding.

Tensors are (N, C, T, H, W), or (N, C) behind a fully connected layer.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn

from csncost.network.sizes import ceil_div
from csncost.errors import CsncostError
from csncost.network.windows import window_positions, window_positions_ceil
from csncost.network.ops import Activation, Conv, Linear, Norm, Op, Pool, Shape
from csncost.network.ops import Reshape as ReshapeOp


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


class SameConv3d(nn.Conv3d):
    """A convolution whose output is ceil(length / stride) long; it pads as much as the clip before it needs."""

    def forward(self, input: Tensor) -> Tensor:
        """(N, C, T, H, W) to (N, C', T', H', W')."""
        before, after = same_padding(input.shape[2:], self.kernel_size, self.stride, self.dilation)
        if before != after:
            input, before = _padded(input, before, after), [0, 0, 0]
        return F.conv3d(input, self.weight, self.bias, self.stride, tuple(before), self.dilation, self.groups)

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
        if before != after:
            input, before = _padded(input, before, after, float("-inf")), [0, 0, 0]
        return F.max_pool3d(input, self.kernel_size, self.stride, before)

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


def _conv(op: Conv, output: Shape, made: dict[str, Any]) -> nn.Module:
    made |= {"stride": op.stride, "dilation": op.dilation, "groups": op.groups, "bias": op.bias}
    if op.padding == "same":
        return SameConv3d(op.in_channels, op.out_channels, op.kernel, **made)
    return nn.Conv3d(op.in_channels, op.out_channels, op.kernel, padding=op.padding, **made)


_NORMS: dict[int, type[nn.Module]] = {
    1: nn.BatchNorm1d,
    2: nn.BatchNorm1d,
    3: nn.BatchNorm2d,
    4: nn.BatchNorm3d,
}
"""Batch norms by the axes of what they normalise, the batch left out."""


def _norm(op: Norm, output: Shape, made: dict[str, Any]) -> nn.Module:
    if op.function != "batch":
        raise CsncostError(f"no module for the norm {op.function!r}", "the norm that can be built is batch")
    return _NORMS[len(output)](op.channels, **made)


def _activation(op: Activation, output: Shape, made: dict[str, Any]) -> nn.Module:
    match op.function:
        case "relu":
            return nn.ReLU()
        case "silu":
            return nn.SiLU()
        case "gelu":
            return nn.GELU()
        case "sigmoid":
            return nn.Sigmoid()
        case "tanh":
            return nn.Tanh()
        case "softmax":  # over the channels; over the columns of a matrix
            return nn.Softmax(dim=-1 if len(output) == 2 else 1)
        case unknown:
            raise CsncostError(f"no module for the activation {unknown!r}")


def _pool(op: Pool, output: Shape, made: dict[str, Any]) -> nn.Module:
    if op.function not in ("max", "avg"):
        raise CsncostError(f"no module for the pool {op.function!r}", "a pool is max or avg")
    largest = op.function == "max"
    if op.kernel is None:
        return nn.AdaptiveMaxPool3d(1) if largest else nn.AdaptiveAvgPool3d(1)
    if op.padding == "same":  # which is long enough for ceil mode to add nothing
        return (SameMaxPool3d if largest else SameAvgPool3d)(op.kernel, op.stride)
    return (nn.MaxPool3d if largest else AvgPool3d)(op.kernel, op.stride, op.padding, ceil_mode=op.ceil)


def _linear(op: Linear, output: Shape, made: dict[str, Any]) -> nn.Module:
    return nn.Linear(op.in_channels, op.out_channels, op.bias, **made)


def _reshape(op: ReshapeOp, output: Shape, made: dict[str, Any]) -> nn.Module:
    return nn.Flatten() if op.shape is None else Reshape(op.shape)


_MAKERS: dict[type, Callable[[Any, Shape, dict[str, Any]], nn.Module]] = {
    Conv: _conv,
    Norm: _norm,
    Activation: _activation,
    Pool: _pool,
    Linear: _linear,
    ReshapeOp: _reshape,
}


def make(op: Op, output: Shape, **made: Any) -> nn.Module | None:
    """The module of an operation with this output shape; None where it is a function of tensors alone.

    `made` says how parameters are made: `device` and `dtype`. Raises CsncostError for a function it does not know, and
    for sizes that PyTorch cannot hold.
    """
    maker = _MAKERS.get(type(op))
    return None if maker is None else maker(op, output, made)
