"""Values as a command line gives them: 1..64, 112..256:16, 8,16,32, and mixtures."""

from __future__ import annotations

import re
from collections.abc import Callable
from fractions import Fraction
from typing import Any

from csncost.errors import CsncostError

MAX_VALUES = 1_000_000
"""Values of one range."""

_NUMBER = r"\d{1,18}(?:\.\d{1,9})?"
_RANGE = re.compile(rf"({_NUMBER})\s*\.\.\s*({_NUMBER})(?:\s*:\s*({_NUMBER}))?")
_PAIR = re.compile(r"(\d{1,11})[xX\u00d7](\d{1,11})")
_COUNT = re.compile(r"(\d(?:_?\d){0,17}(?:\.\d{1,9})?)\s*([KMGTP]?)", re.IGNORECASE | re.ASCII)
_PREFIXES = ("", "K", "M", "G", "T", "P")
_COMMA = re.compile(r",(?![^\[(]*[\])])")


def values(text: str, what: str) -> list[Any]:
    """The values of a range `a..b` or `a..b:step` (b included where it is met), of a list, or of several of them.

    Numbers are ints, or Fractions where they are not whole. Raises CsncostError.

    >>> values("1..3,8,16..32:8", "--groups")
    [1, 2, 3, 8, 16, 24, 32]
    """
    return _each(text, what, lambda item: None)


def sizes(text: str, what: str) -> list[Any]:
    """As `values`, where an item may be HxW.

    >>> sizes("112,128x171", "--size")
    [112, (128, 171)]
    """

    def pair(item: str) -> Any:
        found = _PAIR.fullmatch(item)
        return found and tuple(map(int, found.groups()))

    return _each(text, what, pair)


def anything(text: str, what: str) -> list[Any]:
    """As `values`, where an item that is no number is a text in the language: a word, a list, 1x3x3.

    >>> anything("8,[3,4,6,3]", "-p blocks")
    [8, '[3,4,6,3]']
    """
    return _each(text, what, lambda item: None if re.fullmatch(r".*\.\..*|[-+]?[\d.]+(:.*)?", item) else item)


def count(text: str, what: str) -> int:
    """A whole number as people write large ones: 10G, 1.5M, 20_000.

    >>> count("10G", "--max-flops"), count("1.5 M", "--max-params"), count("20_000", "--max-params")
    (10000000000, 1500000, 20000)
    """
    match = _COUNT.fullmatch(text.strip())
    found = Fraction(match[1].replace("_", "")) * 1000 ** _PREFIXES.index(match[2].upper()) if match else Fraction(1, 2)
    if found.denominator != 1:
        raise CsncostError(f'{what} takes a whole number, not "{text[:40]}"', "for instance 10G, 1.5M, or 20_000")
    return found.numerator


def share(text: str, what: str) -> Fraction:
    """A part of one: 1%, or 0.01.

    >>> share("1%", "--within")
    Fraction(1, 100)
    """
    found = _percentage(text, f"{what} takes a share", "1%, or 0.01") / (100 if "%" in text else 1)
    if found >= 1:
        raise CsncostError(f"{what} is below 100%, not {text[:40]}", "for instance 1%, or 0.01")
    return found


def percentage(text: str, what: str) -> Fraction:
    """An accuracy in percent: 70.3, or 70.3%."""
    return _percentage(text, f"{what} takes an accuracy in percent", "70.3")


def _percentage(text: str, asked: str, example: str) -> Fraction:
    number = text.strip().removesuffix("%").strip()
    if not re.fullmatch(_NUMBER, number):
        raise CsncostError(f'{asked}, not "{text[:40]}"', f"for instance {example}")
    return Fraction(number)


def _each(text: str, what: str, special: Callable[[str], Any]) -> list[Any]:
    """The values of all items of a list, each once: one that is `special`, else numbers."""
    found: dict[Any, None] = {}
    for item in map(str.strip, _COMMA.split(text)):
        value = special(item) if item else None
        found |= dict.fromkeys(_numbers(item, what, text) if value is None else [value])
    return list(found)


def _numbers(item: str, what: str, text: str) -> list[Any]:
    """The numbers of an item: one, or those of a range."""
    if re.fullmatch(_NUMBER, item):
        return [_whole(Fraction(item))]
    match = _RANGE.fullmatch(item)
    if match is None:
        hint = "for instance 8,16,32 or 1..64 or 112..256:16"
        raise CsncostError(f'{what} takes numbers and ranges, not "{text[:60]}"', hint)
    start, stop, step = (_whole(Fraction(group or 1)) for group in match.groups())
    if start > stop:
        low, high = (end if isinstance(end, int) else float(end) for end in (stop, start))
        raise CsncostError(f"{what}: {item} runs backwards", f"write {low}..{high}")
    if step == 0:
        raise CsncostError(f"{what}: {item} has a step of 0", "leave the step out, or give one above 0")
    count = (stop - start) // step + 1
    if count > MAX_VALUES:
        message = f"{what}: {item} has {count:,} values"
        raise CsncostError(message, f"a range has at most {MAX_VALUES:,}: give a larger step")
    return [_whole(start + i * step) for i in range(count)]


def _whole(value: int | Fraction) -> int | Fraction:
    return value.numerator if value.denominator == 1 else value
