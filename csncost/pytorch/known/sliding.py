"""Convolutions and pools: a window that slides over 1, 2 or 3 axes of tensors (N, C, ...) or (C, ...)."""

from __future__ import annotations

from torch import Tensor

from csncost.costs import quantities
from csncost.network.windows import window_positions, window_positions_ceil
from csncost.pytorch.known.operation import Bound, Cost, Geometry, Gradient, Shape, per_axis, split


def conv_shape(call: Bound) -> Shape | None:
    """The shape of a convolution."""
    weight, axes = call.weight, call.weight.dim() - 2
    batch, channels, lengths = split(call.input, axes)
    if channels != weight.shape[1] * call.groups or weight.shape[0] % call.groups or not _biased(call, weight.shape[0]):
        return None
    settings = (call.stride, 0 if call.padding in ("same", "valid") else call.padding, call.dilation)
    strides, paddings, dilations = (per_axis(value, axes) for value in settings)
    if strides is None or paddings is None or dilations is None or min(strides) < 1:
        return None
    if call.padding == "same":
        return (*batch, weight.shape[0], *lengths) if set(strides) == {1} else None
    sizes = zip(lengths, weight.shape[2:], strides, paddings, dilations, strict=True)
    out = [window_positions(n, k, s, 2 * p, d) for n, k, s, p, d in sizes]
    return (*batch, weight.shape[0], *out) if min(out) > 0 else None


def conv_transpose_shape(call: Bound) -> Shape | None:
    """The shape of a transposed convolution, whose weight is (Cin, Cout / groups, ...)."""
    weight, axes = call.weight, call.weight.dim() - 2
    batch, channels, lengths = split(call.input, axes)
    out_channels = weight.shape[1] * call.groups
    settings = [per_axis(one, axes) for one in (call.stride, call.padding, call.output_padding, call.dilation)]
    if channels != weight.shape[0] or not _biased(call, out_channels) or None in settings:
        return None
    sizes = zip(lengths, weight.shape[2:], *(one for one in settings if one is not None), strict=True)
    out = [(n - 1) * s - 2 * p + d * (k - 1) + o + 1 for n, k, s, p, o, d in sizes]
    return (*batch, out_channels, *out) if min(out) > 0 else None


def _biased(call: Bound, channels: int) -> bool:
    """Tell whether all tensors have one type, and a bias has a number for each channel."""
    return call.one_type() and (call.bias is None or call.bias.shape == (channels,))


def conv(call: Bound) -> Cost:
    """A convolution: Eqs. 1-3."""
    return _convolved(call, call.weight.shape[1] * call.groups, call.weight.shape[0])


def conv_transpose(call: Bound) -> Cost:
    """A transposed convolution: every weight once for each position of the input."""
    _, channels, lengths = split(call.input, call.weight.dim() - 2)
    return _convolved(call, channels, call.weight.shape[1] * call.groups, (channels, *lengths))


def convolution(call: Bound) -> Cost:
    """The one kernel that all convolutions come down to."""
    return conv_transpose(call) if call.transposed else conv(call)


def _convolved(call: Bound, in_channels: int, out_channels: int, transposed_from: Shape | None = None) -> Cost:
    kernel = tuple(call.weight.shape[2:])
    batch, _, lengths = split(call.out, len(kernel))
    output, biases = (out_channels, *lengths), call.given("bias")
    items = batch[0] if batch else 1
    found = quantities.conv(
        in_channels, out_channels, kernel, call.groups, output, bool(biases), items, transposed_from
    )
    geometry = Geometry(in_channels, out_channels, kernel, per_axis(call.stride, len(kernel)), call.groups)
    gradients = Gradient(found["macs"], (call.input,)), Gradient(found["macs"], (call.weight,))
    return Cost(found, (call.weight,), biases, geometry=geometry, backward=gradients)


def convolution_backward(call: Bound) -> Cost:
    """The gradients of input and weight, as far as asked for, where code runs them by itself."""
    gradient, input, weight = call.gradient, call.input, call.weight
    once = weight.numel() * (input if call.transposed else gradient).numel() // weight.shape[0]
    written = sum(one.numel() for one in call.out if isinstance(one, Tensor))
    return Cost({"macs": once * sum(map(bool, call.output_mask[:2])), "elements": written})


def pool_shape(call: Bound, axes: int) -> Shape | None:
    """The shape of a pool; a window that would start in the padding at the end is dropped, also in ceil mode."""
    batch, channels, lengths = split(call.input, axes)
    steps = call.kernel_size if call.stride in (None, [], ()) else call.stride
    settings = (call.kernel_size, steps, call.padding, call.dilation)
    kernel, strides, paddings, dilations = (per_axis(value, axes) for value in settings)
    if kernel is None or strides is None or paddings is None or dilations is None:
        return None
    if channels < 0 or call.return_indices or min(strides) < 1:
        return None
    if any(2 * p > k for p, k in zip(paddings, kernel, strict=True)):
        return None
    positions = window_positions_ceil if call.ceil_mode else window_positions
    sizes = zip(lengths, kernel, strides, paddings, dilations, strict=True)
    out = [positions(n, d * (k - 1) + 1, s, 2 * p) for n, k, s, p, d in sizes]
    return (*batch, channels, *out) if min(out) > 0 else None


def adaptive_pool_shape(call: Bound, axes: int) -> Shape | None:
    """The shape of a pool to a given size; None keeps an axis."""
    batch, channels, lengths = split(call.input, axes)
    size = call.output_size
    sizes = (size,) * axes if isinstance(size, int) or size is None else tuple(size)
    if channels < 0 or len(sizes) != axes or call.return_indices or not call.input.is_floating_point():
        return None
    return (*batch, channels, *(n if size is None else size for n, size in zip(lengths, sizes, strict=True)))


def pool(call: Bound) -> Cost:
    """A pool with a window."""
    axes = call.input.dim() - 2 if call.input.dim() > 2 else 1
    channels = call.input.shape[-axes - 1]
    kernel = per_axis(call.kernel_size, axes)
    stride = kernel if call.stride in (None, [], ()) else per_axis(call.stride, axes)
    return Cost(geometry=Geometry(channels, channels, kernel, stride))
