"""Shapes that PyTorch's functions give, from the shapes they take: plain arithmetic, no kernel is asked.

A rule has the signature of its function and returns the shape, or None where it cannot tell or the arguments do not fit
together; then the function itself is asked on tensors without data, and complains in its own words if it must.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import prod
from typing import Any, TypeAlias

import torch
from torch import Tensor

Shape: TypeAlias = tuple[int, ...]


def same(input: Any, *args: Any, **kwargs: Any) -> Shape | None:
    """The shape of the first argument."""
    return tuple(input.shape) if isinstance(input, Tensor) else None


def same_fraction(*args: Any, **kwargs: Any) -> Shape | None:
    """The shape of the first argument, unless whole numbers become fractions."""
    return same(*args) if args and args[0].is_floating_point() else None


def of_one_type(input: Tensor, *others: Any) -> bool:
    """Whether tensors (None: not given) have the type of the first, which has fractions."""
    dtype = input.dtype
    for one in others:  # a loop, as every operation comes by
        if one is not None and one.dtype != dtype:
            return False
    return dtype.is_floating_point


def activation(input: Tensor, *args: Any, **kwargs: Any) -> Shape | None:
    """The shape of the input, if it has fractions as learned numbers do, and no other type is asked for."""
    for arg in args:
        if isinstance(arg, torch.dtype) or (isinstance(arg, Tensor) and arg.dtype != input.dtype):
            return None
    return tuple(input.shape) if input.is_floating_point() and kwargs.get("dtype") is None else None


def broadcast(input: Any, other: Any, *args: Any, **kwargs: Any) -> Shape | None:
    """Two tensors of one type, or a tensor and a number."""
    if kwargs.get("rounding_mode") is not None or kwargs.get("out") is not None:
        return None
    if not isinstance(input, Tensor):
        input, other = other, input
    if not isinstance(other, Tensor):
        exact = input.is_floating_point() or type(other) is int
        return tuple(input.shape) if exact and isinstance(other, (int, float)) else None
    if input.shape == other.shape:
        return tuple(input.shape) if input.dtype == other.dtype else None
    if input.dtype != other.dtype:
        return None
    return spread(input.shape, other.shape)


def divide(input: Any, other: Any, *args: Any, **kwargs: Any) -> Shape | None:
    """A quotient, which turns ints into floats."""
    floating = [one for one in (input, other) if isinstance(one, Tensor) and one.is_floating_point()]
    return broadcast(input, other, *args, **kwargs) if floating else None


def spread(*shapes: Sequence[int]) -> Shape | None:
    """The common shape of tensors that are broadcast together."""
    rank = max(map(len, shapes))
    out = []
    for sizes in zip(*((1,) * (rank - len(shape)) + tuple(shape) for shape in shapes), strict=True):
        known = {n for n in sizes if n != 1}
        if len(known) > 1:
            return None
        out.append(known.pop() if known else 1)
    return tuple(out)


def _each(value: Any, axes: int) -> Shape | None:
    """A number, or a number for each axis."""
    if type(value) is int:
        return (value,) * axes
    value = tuple(value) if isinstance(value, (tuple, list)) else ()
    value = value * axes if len(value) == 1 else value
    return value if len(value) == axes and all(type(n) is int for n in value) else None


def conv(
    input: Tensor,
    weight: Tensor,
    bias: Any = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Shape | None:
    """A convolution in 1, 2 or 3 dimensions, batched or not."""
    axes = weight.dim() - 2
    batch, channels, spatial = _split(input, axes)
    steps, reach = _each(stride, axes), _each(dilation, axes)
    if steps is None or reach is None or channels != weight.shape[1] * groups or weight.shape[0] % groups:
        return None
    if not of_one_type(input, weight, bias) or (bias is not None and bias.shape != (weight.shape[0],)):
        return None
    kernel = weight.shape[2:]
    if padding == "same":
        return (*batch, weight.shape[0], *spatial) if set(steps) == {1} else None
    pads = _each(0 if padding == "valid" else padding, axes)
    if pads is None or min(steps) < 1:
        return None
    out = [
        (n + 2 * p - d * (k - 1) - 1) // s + 1
        for n, k, s, p, d in zip(spatial, kernel, steps, pads, reach, strict=True)
    ]
    return (*batch, weight.shape[0], *out) if min(out) > 0 else None


def conv_transpose(
    input: Tensor,
    weight: Tensor,
    bias: Any = None,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: int = 1,
    dilation: Any = 1,
) -> Shape | None:
    """A transposed convolution in 1, 2 or 3 dimensions, batched or not; its weight is (Cin, Cout / groups, ...)."""
    axes = weight.dim() - 2
    batch, channels, spatial = _split(input, axes)
    sizes = [size for value in (stride, padding, output_padding, dilation) if (size := _each(value, axes)) is not None]
    if len(sizes) < 4 or channels != weight.shape[0] or not of_one_type(input, weight, bias):
        return None
    out = [
        (n - 1) * s - 2 * p + d * (k - 1) + o + 1
        for n, k, s, p, o, d in zip(spatial, weight.shape[2:], *sizes, strict=True)
    ]
    return (*batch, weight.shape[1] * groups, *out) if min(out) > 0 else None


def _split(input: Tensor, axes: int) -> tuple[Shape, int, Shape]:
    """The batch axis (none, where there is none), the channels and the spatial axes."""
    shape = tuple(input.shape)
    if len(shape) not in (axes + 1, axes + 2):
        return (), -1, ()
    return shape[: len(shape) - axes - 1], shape[-axes - 1], shape[-axes:]


def linear(input: Tensor, weight: Tensor, bias: Any = None) -> Shape | None:
    """A fully connected layer on the last axis."""
    if weight.dim() != 2 or not input.dim() or input.shape[-1] != weight.shape[1]:
        return None
    if not of_one_type(input, weight, bias):
        return None
    return (*input.shape[:-1], weight.shape[0]) if bias is None or bias.shape == weight.shape[:1] else None


def matmul(input: Tensor, other: Tensor) -> Shape | None:
    """A product of matrices, broadcast over the axes before them."""
    if not (isinstance(input, Tensor) and isinstance(other, Tensor)) or input.dim() < 2 or other.dim() < 2:
        return None
    if input.shape[-1] != other.shape[-2] or not of_one_type(input, other):
        return None
    before = spread(input.shape[:-2], other.shape[:-2])
    return None if before is None else (*before, input.shape[-2], other.shape[-1])


def attention(query: Tensor, key: Tensor, value: Tensor, *args: Any, **kwargs: Any) -> Shape | None:
    """Attention of (..., L, E) to keys (..., S, E) and values (..., S, V)."""
    if query.shape[-1] != key.shape[-1] or key.shape[-2] != value.shape[-2]:
        return None
    alike = query.shape[:-2] == key.shape[:-2] == value.shape[:-2]
    if not (alike and of_one_type(query, key, value)) or args or kwargs.get("attn_mask") is not None:
        return None  # broadcast, grouped or masked: its kernel knows
    return (*query.shape[:-1], value.shape[-1])


def batch_norm(
    input: Tensor,
    running_mean: Any = None,
    running_var: Any = None,
    weight: Any = None,
    bias: Any = None,
    training: bool = False,
    *args: Any,
    **kwargs: Any,
) -> Shape | None:
    """The input's shape, if there are values to take a mean of."""
    shape = tuple(input.shape)
    if len(shape) < 2 or (training and prod(shape) <= shape[1]):
        return None
    learned = [one for one in (running_mean, running_var, weight, bias) if one is not None]
    fits = of_one_type(input, *learned) and all(one.numel() == shape[1] for one in learned)
    return shape if fits else None


def layer_norm(
    input: Tensor, normalized_shape: Any, weight: Any = None, bias: Any = None, *args: Any, **kwargs: Any
) -> Shape | None:
    """The input's shape, if it ends in the shape that is normalised; the fourth argument of RMS norm is a number."""
    shape, last = tuple(input.shape), tuple(normalized_shape)
    shift = bias if isinstance(bias, Tensor) else None
    return shape if last and shape[-len(last) :] == last and of_one_type(input, weight, shift) else None


def group_norm(
    input: Tensor, num_groups: int, weight: Any = None, bias: Any = None, *args: Any, **kwargs: Any
) -> Shape | None:
    """The input's shape, if its channels divide into the groups."""
    shape = tuple(input.shape)
    fits = len(shape) > 1 and shape[1] % num_groups == 0 and (weight is None or weight.numel() == shape[1])
    return shape if fits and of_one_type(input, weight, bias) and prod(shape) > num_groups * shape[0] else None


def pool(
    input: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
    *,
    axes: int,
) -> Shape | None:
    """A max pool; a window that would start in the padding at the end is dropped, also in ceil mode."""
    batch, channels, spatial = _split(input, axes)
    kernel, pads, reach = _each(kernel_size, axes), _each(padding, axes), _each(dilation, axes)
    steps = kernel if stride is None or stride == [] else _each(stride, axes)
    if kernel is None or steps is None or pads is None or reach is None or channels < 0 or return_indices:
        return None
    if any(2 * p > k for p, k in zip(pads, kernel, strict=True)) or min(steps) < 1:
        return None
    out = [
        _windows(n, d * (k - 1) + 1, s, p, ceil_mode)
        for n, k, s, p, d in zip(spatial, kernel, steps, pads, reach, strict=True)
    ]
    return (*batch, channels, *out) if min(out) > 0 else None


def _windows(length: int, reach: int, stride: int, padding: int, ceil: bool) -> int:
    room = length + 2 * padding - reach
    if not ceil:
        return room // stride + 1
    out = -(-room // stride) + 1
    return out - 1 if (out - 1) * stride >= length + padding else out


def average_pool(
    input: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    *args: Any,
    axes: int,
    **kwargs: Any,
) -> Shape | None:
    """An average pool."""
    return pool(input, kernel_size, stride, padding, 1, ceil_mode, axes=axes)


def adaptive_pool(input: Tensor, output_size: Any, return_indices: bool = False, *, axes: int) -> Shape | None:
    """A pool to a given size; None keeps an axis."""
    batch, channels, spatial = _split(input, axes)
    sizes = (output_size,) * axes if isinstance(output_size, int) or output_size is None else tuple(output_size)
    if channels < 0 or len(sizes) != axes or return_indices or not input.is_floating_point():
        return None
    return (*batch, channels, *(n if size is None else size for n, size in zip(spatial, sizes, strict=True)))


def concatenate(tensors: Iterable[Tensor], dim: int = 0, **kwargs: Any) -> Shape | None:
    """Tensors one after the other."""
    parts = list(tensors)
    if not parts or kwargs or type(dim) is not int or not all(isinstance(part, Tensor) for part in parts):
        return None
    first = list(parts[0].shape)
    dim = dim + len(first) if dim < 0 else dim
    if not 0 <= dim < len(first) or any(part.dtype != parts[0].dtype for part in parts):
        return None
    for part in parts[1:]:
        shape = list(part.shape)
        if len(shape) != len(first) or [n for i, n in enumerate(shape) if i != dim] != [
            n for i, n in enumerate(first) if i != dim
        ]:
            return None
    return (*first[:dim], sum(part.shape[dim] for part in parts), *first[dim + 1 :])


def reduce(input: Tensor, dim: Any = None, keepdim: bool = False, **kwargs: Any) -> Shape | None:
    """A mean or the like over some axes, or over all."""
    if kwargs or not isinstance(keepdim, bool) or not input.is_floating_point() or isinstance(dim, torch.dtype):
        return None
    axes = range(input.dim()) if dim is None else (dim,) if type(dim) is int else tuple(dim)
    if not all(type(axis) is int and -input.dim() <= axis < input.dim() for axis in axes):
        return None
    gone = {axis % input.dim() for axis in axes} if input.dim() else set()
    return tuple(1 if i in gone else n for i, n in enumerate(input.shape) if keepdim or i not in gone)
