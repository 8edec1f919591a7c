"""Axes of a design space, one for each swept argument: its values, checked, and their coordinates."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from csncost.costs.metrics import METRICS
from csncost.errors import CsncostError, SpecError
from csncost.lang.given import SETTING, literal, python_number
from csncost.lang.lexer import MAX_SIZE
from csncost.lang.printer import print_value
from csncost.lang.syntax import Expr, Number

MAX_DESIGNS = 2**28
"""Designs of one space; each takes 33 bytes."""


@dataclass(frozen=True)
class Axis:
    """A swept argument: its name, its values as `analyze` takes them, and their coordinates in the Dataset.

    Where `numeric`, all values may be put in at once as an array; others are lowered one by one.
    """

    name: str
    values: tuple[Any, ...]
    labels: tuple[Any, ...]
    numeric: bool
    absent: frozenset[int] = frozenset()
    """The places of numbers that no network can have."""

    def take(self, places: Sequence[int]) -> Axis:
        """The axis of some of its values."""
        return Axis(
            self.name,
            tuple(self.values[i] for i in places),
            tuple(self.labels[i] for i in places),
            self.numeric,
            frozenset(j for j, i in enumerate(places) if i in self.absent),
        )

    def few(self, most: int) -> Axis:
        """The axis of at most so many of its values, the first and the last among them."""
        n = len(self.values)
        return self if n <= most else self.take([i * (n - 1) // (most - 1) for i in range(most)])


def is_swept(name: str, value: Any) -> bool:
    """Tell whether a caller's argument is several values; a pair is one size, a text one value."""
    if value is None or isinstance(value, (str, bytes)) or getattr(value, "ndim", 1) == 0:
        return False
    if name == "size" and isinstance(value, tuple) and len(value) == 2:
        return False
    return isinstance(value, Iterable)


def axis(name: str, values: Any) -> Axis:
    """The axis of an argument. Raises CsncostError for values that are none, too many, repeated or of no use."""
    if not hasattr(values, "__len__") or isinstance(values, Mapping) or getattr(values, "ndim", 1) != 1:
        raise CsncostError(f"{name} is swept over a list of values", f"for instance {name}=[1, 2, 4]")
    if name in (*METRICS, "valid", "spec"):
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
    meant = all(_is_number(n) for pair in pairs for n in pair)
    known = [all(type(n) is int and abs(n) < 2**62 for n in pair) for pair in pairs]
    square = all(len(set(pair)) == 1 for pair in pairs)
    if not (meant and any(known)) or any(len(pair) != 2 for pair in pairs) or not (square or name == "size"):
        wrong = "whole numbers" if name != "size" else "whole numbers or pairs (height, width)"
        raise CsncostError(
            f"{name} is swept over {wrong}", f"for instance {name}=[{'112, 224' if name == 'size' else '8, 16'}]"
        )
    numbers = [a for a, _ in pairs] if square else pairs
    labels = coordinates(numbers) if square else [f"{a}x{b}" for a, b in pairs]
    return Axis(name, tuple(numbers), tuple(labels), True, _places(known, False))


def _named(name: str, values: list[Any]) -> Axis:
    """A parameter or a free name: numbers, or anything else that the language has a word for."""
    if all(type(value) is int and abs(value) <= MAX_SIZE**2 for value in values):
        return Axis(name, tuple(values), tuple(values), True)
    exprs = [_expression(name, value) for value in values]
    if not any(exprs):
        literal(name, values[0])  # says what is wrong with it
    exact = [expr.value if isinstance(expr, Number) else value for expr, value in zip(exprs, values, strict=True)]
    if all(map(_is_number, exact)):
        return Axis(name, tuple(exact), tuple(coordinates(exact)), True, _places(exprs, None))
    labels = [str(value) if expr is None else print_value(expr) for expr, value in zip(exprs, values, strict=True)]
    return Axis(name, tuple(values), tuple(labels), False)


def _places(items: Sequence[Any], item: Any) -> frozenset[int]:
    return frozenset([i for i, one in enumerate(items) if one is item])


def _expression(name: str, value: Any) -> Expr | None:
    """A value as the language has it; None for numbers that it has no place for, whatever the network.

    Raises SpecError for what is neither a number, nor a list of them, nor a text in the language.
    """
    try:
        return literal(name, value)
    except SpecError:
        if _is_number(value) or (isinstance(value, (list, tuple)) and all(map(_is_number, value))):
            return None
        raise


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float, Fraction)) and not isinstance(value, bool)


def coordinates(values: Sequence[Any]) -> list[Any]:
    """Coordinates of one kind: ints of 64 bits, else floats where they are exact, else texts."""
    if all(type(value) is int and abs(value) < 2**63 for value in values):
        return list(values)
    return list(map(float, values)) if all(map(_is_decimal, values)) else list(map(str, values))


def _is_decimal(value: Any) -> bool:
    try:
        return bool(Fraction(repr(float(value))) == value)
    except (ValueError, OverflowError):  # what no float is; nan and infinity
        return False
