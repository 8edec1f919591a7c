"""What normalisations, look-ups, pools, activations and all else that goes element by element costs."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from csncost.costs import quantities
from csncost.network.sizes import Size
from csncost.pytorch.known.costs import Cost, Geometry, batch_of, each_axis, present

_INDEX = frozenset({torch.int32, torch.int64})


def norm(input: Tensor, weight: Any, bias: Any, out: Any) -> Cost:
    """A normalisation; its learned scale and shift are counted where they are first used."""
    affine = present(weight, bias)
    shape = input.shape[1:] if input.dim() > 1 else ()
    found = quantities.norm(sum(one.numel() for one in affine), shape, batch_of(input))
    found["elements"] = found["inputs"] = input.numel()
    found["affine_elements"] = found["affine_inputs"] = input.numel() if affine else 0
    channels = input.shape[1] if input.dim() > 1 else None
    return Cost(found, affine=affine, geometry=Geometry(channels, channels))


def batch_norm(input: Tensor, mean: Any = None, var: Any = None, weight: Any = None, bias: Any = None, *args: Any,
               out: Any, **kwargs: Any) -> Cost:  # fmt: skip
    """Batch and instance normalisation."""
    training = args[0] if args else kwargs.get("training", False)
    cost = norm(input, weight, bias, out)
    cost.quantities["trained"] = input.numel() if training is True else 0
    return cost


def native_batch_norm(input: Tensor, weight: Any, bias: Any, *args: Any, out: Any, **kwargs: Any) -> Cost:
    """The kernel below batch normalisation."""
    return norm(input, weight, bias, out)


def layer_norm(
    input: Tensor, normalized_shape: Any, weight: Any = None, bias: Any = None, *args: Any, out: Any, **kwargs: Any
) -> Cost:
    """Layer and RMS normalisation (whose fourth argument is a number)."""
    return norm(input, weight, bias, out)


def group_norm(
    input: Tensor, num_groups: int, weight: Any = None, bias: Any = None, *args: Any, out: Any, **kwargs: Any
) -> Cost:
    """Group normalisation."""
    return norm(input, weight, bias, out)


def native_group_norm(input: Tensor, weight: Any, bias: Any, *args: Any, out: Any) -> Cost:
    """The kernel below group normalisation."""
    return norm(input, weight, bias, out)


def embedding(input: Tensor, weight: Tensor, *args: Any, out: Any, **kwargs: Any) -> Cost:
    """A look-up table, of single rows or of bags of them: parameters, and no arithmetic."""
    indices, table = (weight, input) if weight.dtype in _INDEX else (input, weight)  # the kernel has them swapped
    rows = out[0] if isinstance(out, tuple) else out
    found: dict[str, Size] = {"weights": table.numel(), "elements": rows.numel()}
    found["batch_weights"] = table.numel() * (indices.shape[0] if indices.dim() else 1)
    return Cost(found, (table,), geometry=Geometry(table.shape[0], table.shape[-1]))


def pool(input: Tensor, kernel_size: Any = None, stride: Any = None, *args: Any, out: Any, **kwargs: Any) -> Cost:
    """A pool with a window."""
    tensor = out[0] if isinstance(out, tuple) else out
    axes = input.dim() - 2 if input.dim() > 2 else 1
    kernel = each_axis(kernel_size, axes)
    channels = input.shape[-axes - 1]
    steps = kernel if stride in (None, [], ()) else each_axis(stride, axes)
    return Cost(_elements(tensor, input), geometry=Geometry(channels, channels, kernel, steps))


def elementwise(*args: Any, out: Any, **kwargs: Any) -> Cost:
    """Anything that is known by what it reads and writes."""
    first = next((arg for arg in args if isinstance(arg, Tensor)), None)
    tensor = out[0] if isinstance(out, (tuple, list)) else out
    return Cost(_elements(tensor, first if first is not None else tensor))


def softmax(input: Tensor, dim: Any = None, *args: Any, out: Tensor, **kwargs: Any) -> Cost:
    """An activation over an axis; `rows` is how often it is taken."""
    cost = elementwise(input, out=out)
    axis = kwargs.get("dim", dim)
    length = input.shape[axis] if isinstance(axis, int) and input.dim() else 1
    cost.quantities["rows"] = input.numel() // length if length else 0
    return cost


def activation(input: Tensor, *args: Any, out: Tensor, **kwargs: Any) -> Cost:
    """An activation, which may have learned numbers of its own (PReLU)."""
    cost = elementwise(input, out=out)
    cost.affine = tuple(arg for arg in args[:1] if isinstance(arg, Tensor))
    cost.quantities["affine"] = sum(one.numel() for one in cost.affine)
    cost.quantities["batch_affine"] = cost.quantities["affine"] * batch_of(input)
    return cost


_MODES = ("nearest", "linear", "bilinear", "bicubic", "trilinear", "area")
_SAMPLED = ("bilinear", "nearest", "bicubic")


def resize(input: Tensor, *args: Any, out: Tensor, **kwargs: Any) -> Cost:
    """An interpolation; its function says how, and over how many axes: bilinear2d."""
    cost = elementwise(input, out=out)
    named = [arg for arg in (*args, kwargs.get("mode")) if isinstance(arg, str)]
    mode = named[0].removesuffix("-exact") if named else "nearest"
    cost.function = f"{mode}{input.dim() - 2}d" if mode in _MODES else ""
    return cost


def sample(input: Tensor, grid: Tensor, *args: Any, out: Tensor, **kwargs: Any) -> Cost:
    """Values between those of a grid; the kernel numbers the ways of interpolation."""
    cost = elementwise(input, out=out)
    mode = args[0] if args else kwargs.get("mode", "bilinear")
    cost.function = f"grid_{mode if isinstance(mode, str) else _SAMPLED[int(mode)]}"
    return cost


def _elements(out: Any, input: Any) -> dict[str, Size]:
    written = out.numel() if isinstance(out, Tensor) else 1
    return {"elements": written, "inputs": input.numel() if isinstance(input, Tensor) else written}
