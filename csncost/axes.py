"""What a design space varies: an axis for each swept argument, its values checked, and its coordinates."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import prod
from typing import Any

from csncost.errors import CsncostError
from csncost.lang.layers import AXES
from csncost.lang.printer import print_value
from csncost.lang.syntax import Number
from csncost.reading import literal, python_number

MAX_DESIGNS = 2**28
"""Designs of one space; each takes 33 bytes."""

SETTING = ("frames", "size", "classes")
"""The arguments that override what a spec says of its clip and its classes."""


@dataclass(frozen=True)
class Axis:
    """A swept argument: its name, its values as `analyze` takes them, and their coordinates in the Dataset.

    Where `numeric`, all values may be put in at once as an array; others are lowered one by one.
    """

    name: str
    values: tuple[Any, ...]
    labels: tuple[Any, ...]
    numeric: bool


def is_swept(name: str, value: Any) -> bool:
    """Whether a caller's argument is several values; a pair is one size, a text one value."""
    if value is None or isinstance(value, (str, bytes)) or getattr(value, "ndim", 1) == 0:
        return False
    if name == "size" and isinstance(value, tuple) and len(value) == 2:
        return False
    return isinstance(value, Iterable)


def axis(name: str, values: Any) -> Axis:
    """The axis of an argument. Raises CsncostError for values that are none, too many, repeated or of no use."""
    if not hasattr(values, "__len__") or isinstance(values, Mapping) or getattr(values, "ndim", 1) != 1:
        raise CsncostError(f"{name} is swept over a list of values", f"for instance {name}=[1, 2, 4]")
    if name in ("params", "flops", "interactions", "activations", "depth", "valid", "spec"):
        raise CsncostError(f'"{name}" is a name of the result and cannot be a dimension', "call it something else")
    if not 0 < len(values) <= MAX_DESIGNS:
        raise CsncostError(f"{name} has {'too many' if len(values) else 'no'} values", "give at least one, and fewer")
    found = [python_number(value) for value in values]
    made = _setting(name, found) if name in SETTING else _named(name, found)
    if len(set(made.labels)) < len(made.labels):
        twice = next(label for i, label in enumerate(made.labels) if label in made.labels[:i])
        raise CsncostError(f"{name} has {twice} twice", "give each value once")
    return made


def _setting(name: str, values: list[Any]) -> Axis:
    """Frames, sizes or classes: whole numbers, or pairs (H, W)."""
    pairs = [tuple(map(python_number, v)) if isinstance(v, Sequence) else (v, v) for v in values]
    whole = all(type(n) is int and abs(n) < 2**62 for pair in pairs for n in pair)
    if not whole or any(len(pair) != 2 for pair in pairs) or (name != "size" and any(a != b for a, b in pairs)):
        wrong = "whole numbers" if name != "size" else "whole numbers or pairs (height, width)"
        raise CsncostError(
            f"{name} is swept over {wrong}", f"for instance {name}=[{'112, 224' if name == 'size' else '8, 16'}]"
        )
    square = all(a == b for a, b in pairs)
    if square:
        numbers = tuple(a for a, _ in pairs)
        return Axis(name, numbers, numbers, True)
    return Axis(name, tuple(pairs), tuple(f"{a}x{b}" for a, b in pairs), True)


def _named(name: str, values: list[Any]) -> Axis:
    """A parameter or a free name: numbers, or anything else that the language has a word for."""
    if all(type(value) is int and abs(value) < 2**62 for value in values):
        return Axis(name, tuple(values), tuple(values), True)
    exprs = [literal(name, value) for value in values]
    if all(isinstance(expr, Number) for expr in exprs):
        exact = tuple(expr.value for expr in exprs if isinstance(expr, Number))
        decimal = all(Fraction(repr(float(value))) == value for value in exact)
        return Axis(name, exact, tuple(map(float, exact)) if decimal else tuple(map(str, exact)), True)
    return Axis(name, tuple(values), tuple(map(print_value, exprs)), False)


def arguments(axes: Sequence[Axis], chosen: Mapping[str, int], arrays: Mapping[str, Any]) -> dict[str, Any]:
    """What the axes give: the chosen value of some, arrays of the values of the others."""
    return {axis.name: axis.values[chosen[axis.name]] if axis.name in chosen else arrays[axis.name] for axis in axes}


def shape_of(axes: Sequence[Axis]) -> tuple[int, ...]:
    """How many values each axis has. Raises CsncostError for a space of absurd size."""
    lengths = tuple(len(axis.values) for axis in axes)
    if prod(lengths) > MAX_DESIGNS:
        raise CsncostError(
            f"a space of {prod(lengths):,} designs ({' x '.join(map(str, lengths))})", f"sweep at most {MAX_DESIGNS:,}"
        )
    return lengths


def setting_of(frames: Any, size: Any, classes: Any) -> dict[str, Any]:
    """The setting as lowering takes it; `size` is one for both, or a pair."""
    height, width = size if isinstance(size, tuple) else (size, size)
    found = {**dict(zip(AXES, (frames, height, width), strict=True)), "classes": classes}
    return {key: value for key, value in found.items() if value is not None}
