"""Tensors without data, and tensors among arguments: finding, replacing and making them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import torch
from torch import Tensor

Args = tuple[Any, ...]
Kwargs = dict[str, Any]

_LISTENERS = torch._C.DispatchKeySet(torch._C.DispatchKey.Python) | torch._C.DispatchKeySet(
    torch._C.DispatchKey.PythonTLSSnapshot
)
"""Keys that have kernels heard in Python, which costs more than making a tensor."""


def tensors(args: Any, kwargs: Kwargs | None = None) -> Iterator[Tensor]:
    """The tensors among arguments, within lists and dicts, too."""
    for arg in (*args, *kwargs.values()) if kwargs else args:
        if isinstance(arg, Tensor):
            yield arg
        elif isinstance(arg, (list, tuple)):
            yield from tensors(arg)
        elif isinstance(arg, dict):
            yield from tensors(arg.values())


def mapped(function: Callable[[Tensor], Tensor], value: Any) -> Any:
    """The same arguments with other tensors."""
    if isinstance(value, Tensor):
        return function(value)
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*(mapped(function, item) for item in value))
    if isinstance(value, (list, tuple)) and not isinstance(value, torch.Size):
        return type(value)(mapped(function, item) for item in value)
    if isinstance(value, dict):
        return {key: mapped(function, item) for key, item in value.items()}
    return value


def any_meta(args: Args) -> bool:
    """Tell if one of the first two arguments has no data: then the result has none, either."""
    for arg in args[:2]:
        if isinstance(arg, Tensor):
            if arg.is_meta:
                return True
        elif isinstance(arg, (list, tuple)) and any(isinstance(one, Tensor) and one.is_meta for one in arg):
            return True
    return False


def made(shape: Any, args: Args, wanted: torch.dtype | None = None) -> Any:
    """A new tensor without data (a tuple for a list of shapes), of the type of the first that has a fraction.

    `wanted` is the type that autocast gives.
    """
    if isinstance(shape, list):
        return tuple(made(one, args, wanted) for one in shape)
    dtype = None
    for tensor in tensors(args):
        if tensor.is_floating_point():
            dtype = tensor.dtype
            break
        dtype = tensor.dtype if dtype is None else dtype
    if wanted is not None and dtype is not None:
        dtype = cast(dtype, wanted)
    with torch._C._ExcludeDispatchKeyGuard(_LISTENERS):
        return torch.empty(shape, dtype=dtype, device="meta")


def like(tensor: Tensor) -> Tensor:
    """A tensor of the same form without data."""
    return torch.empty_strided(tensor.size(), tensor.stride(), dtype=tensor.dtype, device="meta")


def cast(dtype: torch.dtype, wanted: torch.dtype | None) -> torch.dtype:
    """The type that autocast makes of another: float64, whole and complex numbers stay."""
    return wanted if wanted is not None and dtype.is_floating_point and dtype != torch.float64 else dtype


def as_type(wanted: torch.dtype, args: Args, kwargs: Kwargs) -> tuple[Args, Kwargs]:
    """Arguments as autocast would give them to a kernel, which it does not on tensors without data."""

    def changed(tensor: Tensor) -> Tensor:
        dtype = cast(tensor.dtype, wanted)
        return tensor if dtype == tensor.dtype else torch.empty_like(tensor, dtype=dtype, device="meta")

    return mapped(changed, args), mapped(changed, kwargs)


def viewed(tensor: Tensor, *shape: Any, **kwargs: Any) -> Tensor:
    """`tensor.view`, if need be on a copy: tensors made here are contiguous where real ones may keep another order."""
    try:
        return tensor.view(*shape, **kwargs)
    except RuntimeError:
        return tensor.reshape(*shape, **kwargs)


def filled(name: str, outline: Tensor, args: Args, kwargs: Kwargs) -> Tensor:
    """`zeros_like`, `new_full` and the like of a tensor without data, for real; random numbers are zeros."""
    stem = name.removesuffix("_like").removeprefix("new_")
    value: Any = 1 if stem == "ones" else 0
    if stem == "full":
        value = kwargs.get("fill_value", args[-1] if len(args) > 1 else 0)
    return torch.full(outline.shape, value, dtype=outline.dtype)


@cache
def dtype_name(dtype: torch.dtype) -> str:
    """A type of tensors as people write it: float32."""
    return str(dtype).removeprefix("torch.")


def storage(tensor: Tensor) -> int | None:
    """A number for the memory of a tensor: views have that of their base."""
    try:
        return int(tensor.untyped_storage()._cdata)
    except (NotImplementedError, RuntimeError):  # sparse, nested and lazy tensors have none
        return None
