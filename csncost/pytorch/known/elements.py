"""Norms, activations, arithmetic, reductions, resizes and look-ups: what goes element by element."""

from __future__ import annotations

from math import prod

import torch
from torch import Tensor

from csncost.costs import quantities
from csncost.pytorch.known.matrices import broadcast
from csncost.pytorch.known.operation import Bound, Cost, Geometry, Shape, batched


def same_shape(call: Bound) -> Shape | None:
    """The shape of the input."""
    return tuple(call.input.shape) if isinstance(call.input, Tensor) else None


def fraction_shape(call: Bound) -> Shape | None:
    """The shape of the input, unless whole numbers become fractions."""
    return same_shape(call) if isinstance(call.input, Tensor) and call.input.is_floating_point() else None


def activation_shape(call: Bound) -> Shape | None:
    """The shape of the input, if it has fractions as learned numbers do, and no other type is asked for."""
    asked = any(isinstance(value, torch.dtype) for value in (*call.args, *call.kwargs.values()))
    return same_shape(call) if call.one_type() and not asked else None


def arithmetic_shape(call: Bound) -> Shape | None:
    """The shape of a sum or product of two tensors of one type, or of a tensor and a number."""
    input, other = call.input, call.other
    if call.rounding_mode is not None:
        return None
    if not isinstance(input, Tensor):
        input, other = other, input
    if not isinstance(other, Tensor):
        exact = input.is_floating_point() or type(other) is int
        return tuple(input.shape) if exact and isinstance(other, (int, float)) else None
    return broadcast(input.shape, other.shape) if input.dtype == other.dtype else None


def quotient_shape(call: Bound) -> Shape | None:
    """The shape of a quotient, which turns whole numbers into fractions."""
    return arithmetic_shape(call) if any(tensor.is_floating_point() for tensor in call.tensors) else None


def reduced_shape(call: Bound) -> Shape | None:
    """The shape of a mean or the like over some axes, or over all."""
    input, dim = call.input, call.dim
    if call.more or not isinstance(call.keepdim, bool) or not input.is_floating_point() or isinstance(dim, torch.dtype):
        return None
    axes = range(input.dim()) if dim is None else (dim,) if type(dim) is int else tuple(dim)
    if not all(type(axis) is int and -input.dim() <= axis < input.dim() for axis in axes):
        return None
    gone = {axis % input.dim() for axis in axes} if input.dim() else set()
    return tuple(1 if i in gone else n for i, n in enumerate(input.shape) if call.keepdim or i not in gone)


def concatenated_shape(call: Bound) -> Shape | None:
    """The shape of tensors one after the other."""
    shapes = [list(tensor.shape) for tensor in call.tensors]
    rank = len(shapes[0]) if shapes else 0
    if call.more or type(call.dim) is not int or not -rank <= call.dim < rank:
        return None
    axis = call.dim % rank
    lengths = [shape.pop(axis) if len(shape) == rank else 0 for shape in shapes]
    if any(shape != shapes[0] for shape in shapes) or len({tensor.dtype for tensor in call.tensors}) > 1:
        return None
    return (*shapes[0][:axis], sum(lengths), *shapes[0][axis:])


def batch_norm_shape(call: Bound) -> Shape | None:
    """The input's shape, if there are values to take a mean of."""
    shape = tuple(call.input.shape)
    if len(shape) < 2 or (call.training and prod(shape) <= shape[1]) or not call.one_type():
        return None
    return shape if all(tensor.numel() == shape[1] for tensor in call.tensors[1:]) else None


def layer_norm_shape(call: Bound) -> Shape | None:
    """The input's shape, if it ends in the shape that is normalised."""
    shape, last = tuple(call.input.shape), tuple(call.normalized_shape)
    return shape if last and shape[-len(last) :] == last and call.one_type() else None


def group_norm_shape(call: Bound) -> Shape | None:
    """The input's shape, if its channels divide into the groups."""
    shape, groups, weight = tuple(call.input.shape), call.num_groups, call.weight
    fits = len(shape) > 1 and shape[1] % groups == 0 and (weight is None or weight.numel() == shape[1])
    return shape if fits and call.one_type() and prod(shape) > groups * shape[0] else None


def norm(call: Bound) -> Cost:
    """A normalisation; its learned scale and shift are counted where they are first used."""
    affine = call.given("weight", "bias")
    found = quantities.norm(sum(one.numel() for one in affine), *batched(call.input))
    found["reads"] = call.input.numel()  # running statistics are read as parameters are
    channels = call.input.shape[1] if call.input.dim() > 1 else None
    return Cost(found, affine=affine, geometry=Geometry(channels, channels))


def trained_norm(call: Bound) -> Cost:
    """A normalisation that takes statistics of its input while it is trained."""
    cost = norm(call)
    cost.quantities["trained"] = call.input.numel() if call.training is True else 0
    return cost


def embedding(call: Bound) -> Cost:
    """A look-up table, of single rows or of bags of them: parameters, and no arithmetic."""
    indices, table = call.tensors[:2]
    if table.dtype in (torch.int32, torch.int64):  # the kernel has them swapped
        indices, table = table, indices
    items = indices.shape[0] if indices.dim() else 1
    found = {"inputs": indices.numel(), "batch_weights": table.numel() * items}
    return Cost(found, (table,), geometry=Geometry(table.shape[0], table.shape[-1]))


def softmax(call: Bound) -> Cost:
    """An activation over an axis; `rows` is how often it is taken."""
    length = call.input.shape[call.dim] if isinstance(call.dim, int) and call.input.dim() else 1
    return Cost({"rows": call.input.numel() // length if length else 0})


def prelu(call: Bound) -> Cost:
    """An activation that has learned numbers of its own."""
    return Cost({"batch_affine": call.weight.numel() * batched(call.input)[1]}, affine=(call.weight,))


_MODES = ("nearest", "linear", "bilinear", "bicubic", "trilinear", "area")
_SAMPLED = ("bilinear", "nearest", "bicubic")


def resize(call: Bound, mode: str = "") -> Cost:
    """An interpolation; its function says how, and over how many axes: bilinear2d."""
    mode = (mode or call.mode).removesuffix("-exact")
    return Cost(function=f"{mode}{call.input.dim() - 2}d" if mode in _MODES else "")


def sample(call: Bound) -> Cost:
    """Values between those of a grid; the kernel numbers the ways of interpolation."""
    mode = call.mode if isinstance(call.mode, str) else _SAMPLED[int(call.mode)]
    return Cost(function=f"grid_{mode}")
