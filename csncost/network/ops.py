"""The operations of networks: their sizes, the shapes they give, and what they require to exist.

Sizes are ints, labelled arrays or SymPy expressions. What an operation costs is not said here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from csncost.network.checks import Checks, Fault
from csncost.network.sizes import (
    Size,
    ceil_div,
    differ,
    divides,
    equal,
    is_number,
    is_symbolic,
    nowhere,
    volume,
)
from csncost.network.windows import window_positions, window_positions_ceil

Shape: TypeAlias = tuple[Size, ...]
"""(C, T, H, W) for a video tensor, (C,) for a vector; the batch axis is left out."""

Padding: TypeAlias = tuple[Size, ...] | Literal["same"]
"""Zeros on each side of every axis, or "same": as many as make the output ceil(length / stride) long."""


def _require_window(checks: Checks, output: Shape, inputs: Sequence[Size], kernel: Sequence[Size]) -> None:
    for axis, out in enumerate(output):
        # every symbol is at least 1, and closed forms are stated for clips that the windows fit
        if not ((isinstance(out, int) and out >= 1) or is_symbolic(out)):
            length, k, unit = inputs[axis], kernel[axis], ("frames", "rows", "columns")[axis]
            checks.require(
                out >= 1,
                "kernel",
                lambda length=length, k=k, unit=unit: (  # type: ignore[misc]
                    f"a window of {k} does not fit an input of {length} {unit}",
                    "use a larger clip, a smaller kernel, or padding",
                ),
            )


def _slide(
    checks: Checks, spatial: Shape, kernel: Shape, stride: Shape, padding: Padding, dilation: Shape, ceil: bool = False
) -> Shape:
    if padding == "same":
        return tuple(ceil_div(n, s) for n, s in zip(spatial, stride, strict=True))
    axes = zip(spatial, kernel, stride, padding, dilation, strict=True)
    if ceil:
        output = tuple(window_positions_ceil(n, k, s, 2 * p) for n, k, s, p, _ in axes)
    else:
        output = tuple([window_positions(n, k, s, 2 * p, d) for n, k, s, p, d in axes])
    _require_window(checks, output, spatial, kernel)
    return output


@dataclass(frozen=True, slots=True)
class Conv:
    """A grouped convolution over (T, H, W); depthwise when `groups` equals `in_channels`."""

    in_channels: Size
    out_channels: Size
    kernel: Shape
    stride: Shape
    padding: Padding
    dilation: Shape
    groups: Size = 1
    bias: bool = False

    def output(self, inputs: Sequence[Shape], checks: Checks) -> Shape:
        """Output shape (C, T, H, W); requires that the channels are those given, that groups divide them, and a fit."""
        _require_video(inputs[0], "a convolution")
        _require_channels(inputs[0], self.in_channels, checks, "a convolution")
        if not (isinstance(self.groups, int) and self.groups == 1):
            checks.require(
                divides(self.groups, self.in_channels), "groups", lambda: self._indivisible("input", self.in_channels)
            )
            checks.require(
                divides(self.groups, self.out_channels),
                "groups",
                lambda: self._indivisible("output", self.out_channels),
            )
        spatial = _slide(checks, inputs[0][1:], self.kernel, self.stride, self.padding, self.dilation)
        return (self.out_channels, *spatial)

    def _indivisible(self, side: str, channels: Size) -> tuple[str, str]:
        if not is_number(self.in_channels) or not is_number(self.out_channels):
            return f"{channels} {side} channels do not divide into {self.groups} groups", ""
        if self.groups == self.in_channels:
            return (
                f"{channels} filters for {self.in_channels} channels, depthwise",
                "leave the number out, or give a multiple",
            )
        legal = [
            g
            for g in range(1, min(self.in_channels, 10_000) + 1)
            if not (self.in_channels % g or self.out_channels % g)
        ]
        listed = ", ".join(map(str, legal[:12])) + (", ..." if len(legal) > 12 else "")
        what = "channels" if self.in_channels == self.out_channels else f"{side} channels"
        return f"{channels} {what} do not divide into {self.groups} groups", f"legal group counts here: {listed}"


@dataclass(frozen=True, slots=True)
class Norm:
    """A normalisation with a learned scale and shift for each channel."""

    channels: Size
    function: str = "batch"

    def output(self, inputs: Sequence[Shape], checks: Checks) -> Shape:
        """The input's shape; requires that its channels are those given."""
        _require_channels(inputs[0], self.channels, checks, "a norm")
        return inputs[0]


@dataclass(frozen=True, slots=True)
class Activation:
    """An elementwise non-linearity, named as in `functional` notation: relu, silu, sigmoid, ..."""

    function: str = "relu"

    def output(self, inputs: Sequence[Shape], checks: Checks) -> Shape:
        """The input's shape."""
        return inputs[0]


@dataclass(frozen=True, slots=True)
class Pool:
    """A max or average pooling; `kernel` None pools globally, over all of (T, H, W)."""

    function: str
    kernel: Shape | None = None
    stride: Shape = (1, 1, 1)
    padding: Padding = (0, 0, 0)
    ceil: bool = False

    def output(self, inputs: Sequence[Shape], checks: Checks) -> Shape:
        """Output shape (C, T, H, W); requires a window that fits, and padding of at most half of it."""
        _require_video(inputs[0], "a pool")
        channels, *spatial = inputs[0]
        if self.kernel is None:
            return (channels, 1, 1, 1)
        if self.padding != "same":
            for p, k in zip(self.padding, self.kernel, strict=True):
                if not is_symbolic(p, k):
                    checks.require(2 * p <= k, "pad", lambda: ("a pool's padding is at most half its window", ""))
        return (channels, *_slide(checks, tuple(spatial), self.kernel, self.stride, self.padding, (1, 1, 1), self.ceil))


@dataclass(frozen=True, slots=True)
class Add:
    """An elementwise sum of two or more tensors (a residual connection)."""

    def output(self, inputs: Sequence[Shape], checks: Checks) -> Shape:
        """The inputs' common shape; requires that they have one."""
        return _common_shape(inputs, checks, "add")


@dataclass(frozen=True, slots=True)
class Multiply:
    """An elementwise product of tensors (a gate); a factor's axis of length 1 is broadcast."""

    def output(self, inputs: Sequence[Shape], checks: Checks) -> Shape:
        """The first input's shape; requires that the others have it, or length 1."""
        return _common_shape(inputs, checks, "multiply", broadcast=True)


@dataclass(frozen=True, slots=True)
class Concat:
    """Channel concatenation of parallel branches."""

    def output(self, inputs: Sequence[Shape], checks: Checks) -> Shape:
        """(sum of C, T, H, W); requires equal (T, H, W)."""
        spatial = _common_shape([shape[1:] for shape in inputs], checks, "concatenate")
        return (sum(shape[0] for shape in inputs), *spatial)


@dataclass(frozen=True, slots=True)
class Linear:
    """A fully connected layer over a vector; `classifier` marks the one that outputs the class scores."""

    in_channels: Size
    out_channels: Size
    bias: bool = True
    classifier: bool = False

    def output(self, inputs: Sequence[Shape], checks: Checks) -> Shape:
        """(C,); requires a vector as long as is given."""
        if len(inputs[0]) != 1:
            raise Fault("inputs", f"a fully connected layer takes a vector, not {_text(inputs[0])}")
        _require_channels(inputs[0], self.in_channels, checks, "a fully connected layer")
        return (self.out_channels,)


@dataclass(frozen=True, slots=True)
class Reshape:
    """A change of shape that computes nothing; `shape` None flattens to a vector."""

    shape: Shape | None = None

    def output(self, inputs: Sequence[Shape], checks: Checks) -> Shape:
        """The new shape; requires that it has as many elements."""
        if self.shape is None:
            return (volume(inputs[0]),)
        given, shape = inputs[0], self.shape
        fits = equal(volume(given), volume(shape))
        checks.require(fits, "inputs", lambda: (f"{_text(given)} does not reshape to {_text(shape)}", ""))
        return shape


@dataclass(frozen=True, slots=True)
class Matmul:
    """The product of a (rows x inner) and an (inner x columns) matrix, both computed (attention, non-local).

    A factor may be given transposed.
    """

    rows: Size
    inner: Size
    columns: Size

    def output(self, inputs: Sequence[Shape], checks: Checks) -> Shape:
        """(rows, columns); requires two matrices of these sizes."""
        if len(inputs) != 2:
            raise Fault("inputs", f"a matrix product has two factors, not {len(inputs)}")
        _require_matrix(inputs[0], self.rows, self.inner, checks)
        _require_matrix(inputs[1], self.inner, self.columns, checks)
        return (self.rows, self.columns)


Op: TypeAlias = Conv | Norm | Activation | Pool | Add | Multiply | Concat | Linear | Reshape | Matmul

KINDS: dict[type, str] = {
    Conv: "conv",
    Norm: "norm",
    Activation: "act",
    Pool: "pool",
    Add: "add",
    Multiply: "multiply",
    Concat: "concat",
    Linear: "linear",
    Reshape: "reshape",
    Matmul: "matmul",
}
"""Names of the operations in reports and conventions."""


def same_shape(a: Shape, b: Shape) -> bool:
    """True if two shapes are equal, in every element where they are arrays."""
    return len(a) == len(b) and all(x is y or nowhere(differ(x, y)) for x, y in zip(a, b, strict=True))


def _require_video(shape: Shape, what: str) -> None:
    if len(shape) != 4:
        raise Fault("inputs", f"{what} takes channels x frames x height x width, not {_text(shape)}")


def _require_channels(shape: Shape, channels: Size, checks: Checks, what: str) -> None:
    if shape[0] is not channels:  # nearly always it is
        fits = equal(shape[0], channels)
        checks.require(fits, "inputs", lambda: (f"{what} of {channels} channels cannot take {_text(shape)}", ""))


def _require_matrix(given: Shape, rows: Size, columns: Size, checks: Checks) -> None:
    """Require a matrix of that shape, or its transpose."""

    def say() -> tuple[str, str]:
        return f"a matrix of {_text((rows, columns))} is needed, and {_text(given)} is given", "reshape it before"

    if len(given) != 2:
        raise Fault("inputs", *say())
    plain = equal(given[0], rows) & equal(given[1], columns)
    turned = equal(given[0], columns) & equal(given[1], rows)
    checks.require(plain | turned, "inputs", say)


def _common_shape(shapes: Sequence[Shape], checks: Checks, verb: str, broadcast: bool = False) -> Shape:
    """The first shape; requires that the others equal it, axis by axis, or where they may be `broadcast` are 1."""
    first = shapes[0]
    for other in shapes[1:]:

        def say(other: Shape = other) -> tuple[str, str]:
            return f"cannot {verb} tensors of shapes {_text(first)} and {_text(other)}", ""

        if len(first) != len(other):
            raise Fault("inputs", *say())
        for x, y in zip(first, other, strict=True):
            if x is not y and not (broadcast and is_number(y) and y == 1):
                fits = equal(x, y)
                checks.require(fits | (y == 1) if broadcast and hasattr(y, "dtype") else fits, "inputs", say)
    return first


def _text(shape: Shape) -> str:
    return "x".join(map(str, shape))
