"""Values as a command line gives them: 1..64, 112..256:16, 8,16,32, and mixtures."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Any

from csncost.errors import CsncostError

MAX_VALUES = 1_000_000
"""Values of one range."""

_NUMBER = r"\d{1,18}(?:\.\d{1,9})?"
_RANGE = re.compile(rf"({_NUMBER})\.\.({_NUMBER})(?::({_NUMBER}))?")
_PAIR = re.compile(r"(\d{1,11})[xX\u00d7](\d{1,11})")
_COUNT = re.compile(r"(\d(?:_?\d){0,17}(?:\.\d{1,9})?)\s*([KMGTP]?)", re.IGNORECASE | re.ASCII)
_PREFIXES = ("", "K", "M", "G", "T", "P")
_SPLIT = re.compile(r",(?![^\[(]*[\])])")


def values(text: str, what: str) -> list[Any]:
    """The values of a range `a..b` or `a..b:step` (b included where it is met), of a list, or of several of them.

    Numbers are ints, or Fractions where they are not whole. Raises CsncostError.

    >>> values("1..3,8,16..32:8", "--groups")
    [1, 2, 3, 8, 16, 24, 32]
    """
    return list(dict.fromkeys(value for item in _items(text, what) for value in _numbers(item, what, text)))


def sizes(text: str, what: str) -> list[Any]:
    """As `values`, where an item may be HxW.

    >>> sizes("112,128x171", "--size")
    [112, (128, 171)]
    """
    found: list[Any] = []
    for item in _items(text, what):
        pair = _PAIR.fullmatch(item)
        found += [tuple(map(int, pair.groups()))] if pair else _numbers(item, what, text)
    return list(dict.fromkeys(found))


def anything(text: str, what: str) -> list[Any]:
    """As `values`, where an item that is no number is a text in the language: a word, a list, 1x3x3.

    >>> anything("8,[3,4,6,3]", "-p blocks")
    [8, '[3,4,6,3]']
    """
    found: list[Any] = []
    for item in _items(text, what):
        number = ".." in item or re.fullmatch(r"[-+]?[\d.]+(:.*)?", item)
        found += _numbers(item, what, text) if number else [item]
    return list(dict.fromkeys(found))


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
    plain = text.strip().removesuffix("%").strip()
    if not re.fullmatch(_NUMBER, plain):
        raise CsncostError(f'{what} takes a share, not "{text[:40]}"', "for instance 1%, or 0.01")
    found = Fraction(plain) / (100 if "%" in text else 1)
    if found >= 1:
        raise CsncostError(f"{what} is below 100%, not {text[:40]}", "for instance 1%, or 0.01")
    return found


def percentage(text: str, what: str) -> Fraction:
    """An accuracy in percent: 70.3, or 70.3%."""
    plain = text.strip().removesuffix("%").strip()
    if not re.fullmatch(_NUMBER, plain):
        raise CsncostError(f'{what} takes an accuracy in percent, not "{text[:40]}"', "for instance 70.3")
    return Fraction(plain)


def _items(text: str, what: str) -> list[str]:
    items = [item.strip() for item in _SPLIT.split(text)]
    if not all(items):
        raise _malformed(text, what)
    return items


def _numbers(item: str, what: str, text: str) -> list[Any]:
    if re.fullmatch(_NUMBER, item):
        return [_plain(Fraction(item))]
    match = _RANGE.fullmatch(item.replace(" ", ""))
    if match is None:
        raise _malformed(text, what)
    start, stop, step = (Fraction(group or 1) for group in match.groups())
    if start > stop:
        raise CsncostError(f"{what}: {item} runs backwards", f"write {_plain_text(stop)}..{_plain_text(start)}")
    if step == 0:
        raise CsncostError(f"{what}: {item} has a step of 0", "leave the step out, or give one above 0")
    count = (stop - start) // step + 1
    if count > MAX_VALUES:
        raise CsncostError(
            f"{what}: {item} has {count:,} values", f"a range has at most {MAX_VALUES:,}: give a larger step"
        )
    if start.denominator == step.denominator == 1:
        return list(range(int(start), int(stop) + 1, int(step)))
    return [_plain(start + i * step) for i in range(count)]


def _plain(value: Fraction) -> int | Fraction:
    return value.numerator if value.denominator == 1 else value


def _plain_text(value: Fraction) -> str:
    return str(value.numerator) if value.denominator == 1 else str(float(value))


def _malformed(text: str, what: str) -> CsncostError:
    return CsncostError(
        f'{what} takes numbers and ranges, not "{text[:60]}"', "for instance 8,16,32 or 1..64 or 112..256:16"
    )
