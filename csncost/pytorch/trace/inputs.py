"""Inputs of a model: shapes or examples, made into tensors without data."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import prod
from typing import Any, TypeAlias

import torch
from torch import Tensor

from csncost.errors import CsncostError
from csncost.pytorch.trace.meta import dtype_name, like
from csncost.units import shape as sizes

Inputs: TypeAlias = Any
"""A shape `(1, 3, 8, 224, 224)`, a text `"1x16:int64"` (or `"5,4,2"`, which are values) or an example tensor for one
argument; a tuple of these for several arguments; a list for one argument that is a list of tensors; a dict for keyword
arguments. Anything else stays as it is."""


@dataclass(frozen=True)
class Arguments:
    """Positional and keyword arguments together, each as in `Inputs`."""

    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict)


MOST = 1 << 40
"""Elements of the largest input that is believed."""

MASK = 1 << 24
"""Elements of the largest mask that is looked into."""

SHORT = 8
"""Whole numbers that are written out where a report names the inputs; of more it says how many."""

_TEXT = re.compile(r"(?:(\d+(?:x\d+)*)|scalar)(?::(\w+))?")

_VALUES = re.compile(r"(-?\d+(?:,-?\d+)+|-?\d+,)(?::(\w+))?")


def arguments(inputs: Inputs, dtype: Any = None) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Positional and keyword arguments; `dtype` is that of shapes that name none. Raises CsncostError."""
    kind = _dtype(dtype) if dtype is not None else torch.get_default_dtype()
    if isinstance(inputs, Mapping):
        inputs = Arguments(kwargs=inputs)
    elif inputs is None or (isinstance(inputs, tuple) and not _is_shape(inputs) and not _is_named(inputs)):
        inputs = Arguments(inputs or ())
    elif not isinstance(inputs, Arguments):
        inputs = Arguments((inputs,))
    named = {str(name): _argument(value, kind) for name, value in inputs.kwargs.items()}
    return tuple(_argument(value, kind) for value in inputs.args), named


def _is_shape(value: Any) -> bool:
    return bool(value) and isinstance(value, (tuple, list)) and all(type(size) is int for size in value)


def _is_named(value: tuple[Any, ...]) -> bool:
    """Tell if a tuple is one thing whose parts have names, such as a packed sequence."""
    return hasattr(value, "_fields")


def _argument(value: Any, dtype: torch.dtype) -> Any:
    if isinstance(value, Tensor):
        return _example(value)
    if _is_shape(value):
        return _made(tuple(value), dtype)
    if isinstance(value, str):
        return text(value, dtype)
    if isinstance(value, (list, tuple)):
        parts = [_argument(item, dtype) for item in value]
        return type(value)(*parts) if isinstance(value, tuple) and _is_named(value) else type(value)(parts)
    if isinstance(value, Mapping):
        return {key: _argument(item, dtype) for key, item in value.items()}
    return value


def text(given: str, dtype: torch.dtype | None = None) -> Any:
    """`1x3x8x224x224`, or with a type `1x16:int64`; `5,4,2` are values. Raises CsncostError."""
    written = given.strip().lower().replace("\u00d7", "x")
    if match := _VALUES.fullmatch(written.replace(" ", "")):
        return _values(*match.groups())
    match = _TEXT.fullmatch(written)
    if match is None:
        hint = "write 1x3x8x224x224, with a type 1x16:int64, or whole numbers themselves 5,4,2"
        raise CsncostError(f'"{given[:60]}" is not the shape of an input', hint)
    shape, kind = match.groups()
    return _made(tuple(map(int, shape.split("x"))) if shape else (), _dtype(kind) if kind else dtype or torch.float32)


def _values(numbers: str, kind: str | None) -> Tensor:
    """Whole numbers that code goes by, such as the lengths of sequences."""
    try:
        return torch.tensor([int(number) for number in numbers.split(",") if number], dtype=_dtype(kind or "int64"))
    except (ValueError, RuntimeError, OverflowError, TypeError):  # of more digits than a type, or Python, takes
        raise CsncostError(f'"{numbers[:60]}" does not fit a tensor of {kind or "int64"}', "smaller numbers") from None


def from_texts(given: Sequence[str]) -> Arguments:
    """The inputs on a command line: `1x3x8x224x224`, `[1x3x8x8, 1x3x4x4]` for a list, `tokens=1x16:int64` by name.

    `lengths=5,4,2` are values.
    """
    args: list[Any] = []
    kwargs: dict[str, Any] = {}
    for one in given:
        name, equals, shape = one.rpartition("=")
        if equals and (not name.strip().isidentifier() or name.strip() in kwargs):
            raise CsncostError(f'"{one[:60]}" names no argument of its own', "write for instance tokens=1x16:int64")
        if equals:
            kwargs[name.strip()] = _listed(shape)
        else:
            args.append(_listed(shape))
    return Arguments(tuple(args), kwargs)


def _listed(given: str) -> Any:
    given = given.strip()
    if given.startswith("[") and given.endswith("]"):
        return [part.strip() for part in given[1:-1].split(",")]
    return given


def _dtype(given: Any) -> torch.dtype:
    found = getattr(torch, given, None) if isinstance(given, str) else given
    if not isinstance(found, torch.dtype):
        raise CsncostError(f'"{given!s:.40}" is no type of tensor', "types are float32, float16, int64, bool, ...")
    return found


def _made(shape: tuple[int, ...], dtype: torch.dtype) -> Tensor:
    if min(shape, default=0) < 0 or prod(shape) > MOST:
        raise CsncostError(
            f"an input of {sizes(shape)[:60]} is of absurd size",
            f"sizes are at least 0, elements at most {MOST:,}",
        )
    return torch.empty(shape, dtype=dtype, device="meta")


def _example(tensor: Tensor) -> Tensor:
    """An example without its data; whole numbers, truths and masks of 0 and -inf stay: code may go by their values."""
    if tensor.is_nested:
        raise CsncostError("nested tensors are not followed", "give a tensor that is padded to one shape")
    if not tensor.is_meta and (not (tensor.is_floating_point() or tensor.is_complex()) or _is_mask(tensor)):
        return tensor.detach().cpu().clone()
    made = like(tensor)
    if tensor.requires_grad:
        made._csncost_grad = True  # type: ignore[attr-defined]
    return made


def _is_mask(tensor: Tensor) -> bool:
    """Tell if a tensor is one that is added to the scores of an attention."""
    if tensor.is_complex() or not 2 <= tensor.dim() <= 4 or tensor.numel() > MASK or tensor.requires_grad:
        return False
    hidden = tensor.detach() == -torch.inf
    return bool(hidden.any()) and bool((hidden | (tensor.detach() == 0)).all())


def described(args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
    """The inputs in a line: `1x3x8x224x224`, `tokens=1x16:int64`."""
    named = (f"{name}={_described(value)}" for name, value in kwargs.items())
    return ", ".join([*map(_described, args), *named]) or "none"


def _described(value: Any) -> str:
    if isinstance(value, Tensor):
        kind = dtype_name(value.dtype)
        if value.dim() == 1 and value.numel() <= SHORT and kind in ("int64", "int32") and not value.is_meta:
            return ",".join(map(str, value.tolist())) + ("," if len(value) == 1 else "")
        return (sizes(value.shape) or "scalar") + ("" if kind == "float32" else f":{kind}")
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(_described, value))}]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_described(item)}" for key, item in value.items()) + "}"
    return f"{value!r:.40}"


def clip(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[int, ...] | None:
    """(C, T, H, W) where the only input is a batch of clips."""
    values = [*args, *kwargs.values()]
    one = values[0] if len(values) == 1 else None
    return tuple(one.shape[1:]) if isinstance(one, Tensor) and one.dim() == 5 else None
