"""Inverse questions: which width, clip, depth or number of groups makes a network cost so much.

All values that may be meant are counted at once, as a swept space, in pieces that each reach twice as far as the one
before, until the cost moves away from the target. Only values that give a network are answers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import compress, product
from math import lcm, prod
from typing import Any, TypeAlias

import numpy as np

from csncost.costs.analyze import analyze, shown
from csncost.costs.count import COSTS, METRICS
from csncost.costs.spelling import spelling
from csncost.errors import CsncostError, NoAnswer, SpecError
from csncost.lang.given import SETTING, SpecLike, from_argument, python_number, read
from csncost.lang.library import library
from csncost.lang.syntax import Assignment, Number
from csncost.spaces.axes import coordinates, is_swept
from csncost.spaces.designs import Designs
from csncost.spaces.products import MOST
from csncost.spaces.query import Array, amount, called
from csncost.spaces.sweep import sweep
from csncost.units import human, shape

ALIASES = {"groups": "G", "depth": "blocks"}
"""Other names of what can be solved for: the depth of a family is set by its blocks."""

FINEST = 1024
"""The smallest part of one that a multiplier is tried at."""

_PRIMES = [p for p in range(2, 128) if all(p % q for q in range(2, p))]
_PRIME_POWERS = sorted({p**k for p in _PRIMES for k in range(1, 11) if p**k <= FINEST})

REACH = 16
"""Values are tried up to 2**16 times the smallest."""

ENOUGH = 64
"""So many values of one cost say that the cost does not depend on them."""

GIVE_UP = 12
"""Where nothing up to 2**12 times the smallest is legal, nothing is."""

MOST_NOTES = 12
"""Designs without an answer that are named."""

Point: TypeAlias = tuple[int, Any]
"""A cost, and the value that has it."""


@dataclass
class _Row:
    """What is known so far for one choice of everything else: how many legal values, and the nearest on each side."""

    seen: int = 0
    least: int = MOST
    most: int = -1
    below: Point | None = None
    above: Point | None = None

    def note(self, costs: Array, values: Sequence[Any], target: int) -> bool:
        """Take in the costs of some more values; whether those that follow can only be further away."""
        if not len(costs):
            return self.seen > 0
        low, high = int(costs.min()), int(costs.max())
        dearer = low > target and low >= self.most and high > self.least
        cheaper = high < target and high <= self.least and low < self.most
        away = self.seen > 0 and (dearer or cheaper)
        self.seen += len(costs)
        self.least, self.most = min(self.least, low), max(self.most, high)
        below = np.where(costs <= target, costs, -1)
        above = np.where(costs >= target, costs, MOST)
        i, j = int(below.argmax()), int(above.argmin())
        if costs[i] <= target and (self.below is None or costs[i] > self.below[0]):
            self.below = int(costs[i]), values[i]
        if costs[j] >= target and (self.above is None or costs[j] < self.above[0]):
            self.above = int(costs[j]), values[j]
        return away

    @property
    def ends(self) -> list[Point]:
        """The dearest that is not above the target, and the cheapest that is not below it; one if it is met."""
        return list(dict.fromkeys(end for end in (self.below, self.above) if end is not None))


def solve(
    specs: SpecLike | Sequence[SpecLike],
    unknown: str,
    *,
    within: float | Fraction = 0.01,
    params: float | None = None,
    flops: float | None = None,
    interactions: float | None = None,
    activations: float | None = None,
    convention: str = "paper",
    **given: Any,
) -> Designs:
    """Which value of `unknown` makes a network cost so much: `width`, `frames`, `size`, `G`, `blocks`, or any number.

    One target is given: params, flops (of one clip), interactions or activations. For every spec and every combination
    of the lists among `given` it is the legal value whose cost comes nearest, if it is within a share of the target;
    `deviation` is the part of the target that it is off. So several specs, or lists, make an iso-FLOP family. Where
    `unknown` is itself among `given`, its list says which values are tried; else these are whole numbers, or for a
    multiplier all that give whole channels, up to 2**16 times the smallest. Each answer is a spec that `analyze` takes.
    Raises NoAnswer, which names the nearest on each side, where nothing is within the share, and CsncostError and
    SpecError as `sweep` does.

    >>> found = solve("bottleneck-D-16", "frames", flops=21e9)
    >>> found.columns["spec"], found.columns["flops"]
    (['bottleneck-D-16@16x224'], [21154669568])
    """
    unknown = ALIASES.get(unknown, unknown)
    metric, target = _target(params=params, flops=flops, interactions=interactions, activations=activations)
    tolerance = _share(within)
    given = {ALIASES.get(name, name): value for name, value in given.items() if value is not None}
    rows: list[dict[str, Any]] = []
    missed: list[tuple[int, str]] = []
    listed: Any = specs if isinstance(specs, (list, tuple)) else [specs]
    for spec in listed:
        for others, row in _rows(spec, unknown, metric, target, {**given, "convention": convention}):
            cost, value = min(row.ends, key=lambda end: (abs(end[0] - target), end[0]))
            if abs(cost - target) <= tolerance * target:
                names = [name for name in others if is_swept(name, given.get(name))]
                rows.append(_answer(spec, {**others, unknown: value}, [*names, unknown], metric, target))
            else:
                missed.append((abs(cost - target), _nearest(spec, others, unknown, row.ends, target)))
    asked = f"{amount(metric, target)} {called(metric)} within {float(100 * tolerance):g}%"
    if not rows:
        raise NoAnswer(f"no {unknown} gives {asked}", "nearest: " + "; ".join(text for _, text in sorted(missed)[:2]))
    return _designs(rows, f"{unknown} for {asked}", [text for _, text in missed])


def _target(**targets: float | None) -> tuple[str, int]:
    """The one metric that has a target, and the target."""
    given = {name: python_number(value) for name, value in targets.items() if value is not None}
    if len(given) != 1:
        raise CsncostError(
            f"one cost is the target, not {len(given)}", f"give {', '.join(METRICS[:-1])} or {METRICS[-1]}"
        )
    ((metric, value),) = given.items()
    if not isinstance(value, (int, float, Fraction)) or not 0 < value < 2**63 or value != int(value):
        raise CsncostError(
            f"{called(metric)} cannot be {value!r:.40}", "a target is a whole number from 1 to 2**63 - 1"
        )
    return metric, int(value)


def _share(within: Any) -> Fraction:
    if not isinstance(within, (int, float, Fraction)) or not 0 <= within < 1:
        raise CsncostError(f"within is a share of the target, not {within!r:.40}", "for instance 0.01")
    return Fraction(repr(within)) if isinstance(within, float) else Fraction(within)


# -- the values that are tried -----------------------------------------------------------------------------------


def _pieces(spec: SpecLike, unknown: str, given: Mapping[str, Any]) -> Iterator[Sequence[Any]]:
    """The values to try, in pieces: those given, those that the family has, or all multiples of the smallest part."""
    values = given.get(unknown)
    if values is not None:
        yield values if is_swept(unknown, values) else [values]
    elif choices := _choices(spec, unknown):
        yield choices
    else:
        parts = 1 if unknown in SETTING else _parts(spec, unknown, given)
        for power in range(REACH + 1):
            multiples = (Fraction(k, parts) for k in range(2**power, 2 ** (power + 1)))
            yield [int(value) if value.denominator == 1 else value for value in multiples]


def _choices(spec: SpecLike, unknown: str) -> list[int]:
    """The numbers that a parameter may be where a family lists them: blocks of 4, 8, 16, 33, 50."""
    tree = read(spec)
    items = [
        *tree.items,
        *(item for template in library().extended(tree).templates.values() for item in template.items),
    ]
    keys = (key for item in items if isinstance(item, Assignment) and item.name == unknown for key, _ in item.choices)
    return sorted(key.value for key in keys if isinstance(key, Number) and isinstance(key.value, int))


def _parts(spec: SpecLike, unknown: str, given: Mapping[str, Any]) -> int:
    """Into how many parts one can be cut so that all legal values are whole numbers of parts: 64 for 64 channels.

    Channels that must be whole, and divide into groups, leave the multiples of some p / q: p is the smallest whole
    number that is legal, and p / n is legal where n divides q. Sizes that are rounded leave no such lattice; they are
    tried at the smallest part that is legal by itself.
    """
    try:
        whole = _legal(spec, unknown, given, range(1, FINEST + 1))
        smallest = np.where(whole.any(axis=1), whole.argmax(axis=1) + 1, 0)
        numbers = list(map(int, np.unique(smallest[smallest > 0])))
        tried = {Fraction(p, n): None for p in numbers for n in _PRIME_POWERS}
        legal = dict(zip(tried, _legal(spec, unknown, given, list(tried)).T, strict=True)) if tried else {}
    except SpecError:  # what decides the structure is a whole number
        return 1
    parts = [n for n in _PRIME_POWERS if any(legal[Fraction(p, n)][smallest == p].any() for p in numbers)]
    return lcm(*parts) if lcm(*parts) <= FINEST else max(parts)


def _legal(spec: SpecLike, unknown: str, given: Mapping[str, Any], values: Sequence[Any]) -> Array:
    """Which values are legal, a row for every combination of the other lists."""
    valid = sweep(spec, **{**given, unknown: values})["valid"]
    found: Array = valid.transpose(..., unknown).values.reshape(-1, len(values))
    return found


# -- what they cost ----------------------------------------------------------------------------------------------


def _rows(
    spec: SpecLike, unknown: str, metric: str, target: int, given: Mapping[str, Any]
) -> Iterator[tuple[dict[str, Any], _Row]]:
    """For every combination of the other lists: the values that come nearest. Raises SpecError where none is legal."""
    others = {name: value for name, value in given.items() if name != unknown}
    lists = {name: list(value) for name, value in others.items() if is_swept(name, value)}
    rows = [_Row() for _ in range(prod(map(len, lists.values())))]
    dims = tuple(lists)
    fault: SpecError | None = None
    for power, values in enumerate(_pieces(spec, unknown, given)):
        try:
            space = sweep(spec, **{**others, unknown: values})
        except SpecError as error:
            fault = fault or error
            if any(row.seen for row in rows):
                break
            continue
        costs, valid = (
            space[name].transpose(*dims, unknown).values.reshape(len(rows), -1) for name in (metric, "valid")
        )
        done = [
            row.note(cost[legal], list(compress(values, legal)), target)
            for row, cost, legal in zip(rows, costs, valid, strict=True)
        ]
        if all(one or (power >= GIVE_UP and not row.seen) for one, row in zip(done, rows, strict=True)):
            break
        if all(row.seen >= ENOUGH and row.least == row.most for row in rows):
            raise CsncostError(f"the {called(metric)} do not depend on {unknown}", "solve for something else")
    if not any(row.seen for row in rows):
        raise fault or NoAnswer(f"no {unknown} that was tried makes {shown(spec)[:60]} a network")
    for point, row in zip(product(*lists.values()), rows, strict=True):
        if row.seen:
            yield {**others, **dict(zip(dims, point, strict=True))}, row


# -- what is answered --------------------------------------------------------------------------------------------


def _answer(
    spec: SpecLike, given: Mapping[str, Any], shown_names: Sequence[str], metric: str, target: int
) -> dict[str, Any]:
    """An answer as a row: its spec, what was given and solved, what it costs."""
    text = spelling(shown(spec), given)
    report = analyze(from_argument(text, None), convention=given["convention"])
    costs = {name: getattr(report, name) for name in COSTS}
    knobs = {name: _plain(given[name]) for name in shown_names}
    return {
        "spec": text,
        **knobs,
        **costs,
        "deviation": float(Fraction(costs[metric] - target, target)),
        "_report": report,
    }


def _plain(value: Any) -> Any:
    """A value as a table has it."""
    value = python_number(value)
    if isinstance(value, Fraction):
        return coordinates([value])[0]
    return shape(value) if isinstance(value, tuple) else value


def _nearest(spec: SpecLike, given: Mapping[str, Any], unknown: str, ends: Iterable[Point], target: int) -> str:
    """The nearest on each side, in words."""
    told = []
    for cost, value in ends:
        deviation = float(Fraction(cost - target, target))
        told.append(f"{spelling(shown(spec), {**given, unknown: value})} has {human(cost)} ({deviation:+.2%})")
    return ", ".join(told)


def _designs(rows: Sequence[dict[str, Any]], chosen: str, missed: Sequence[str]) -> Designs:
    """The answers as designs, with how they were counted."""
    reports = [row.pop("_report") for row in rows]
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    specs = columns.pop("spec")
    clips, classes = (set(values) for values in zip(*((shape(r.clip), r.classes) for r in reports), strict=True))
    stamp = {
        "convention": reports[0].convention.name,
        "clip": clips.pop() if len(clips) == 1 else "varies",
        "classes": classes.pop() if len(classes) == 1 else "varies",
        "views": 1,
        "chosen": chosen,
    }
    notes = [f"not within the share: {text}" for text in missed[:MOST_NOTES]]
    more = [f"and {len(missed) - MOST_NOTES:,} more"] if len(missed) > MOST_NOTES else []
    return Designs(specs, columns, stamp, notes=(*notes, *more))
