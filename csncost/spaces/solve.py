"""Inverse questions: the width, clip, depth or number of groups that makes a network cost so much.

All values that may be meant are counted at once, as a swept space, in stretches that each reach twice as far as the
one before, until the cost moves away from the target. Only values that give a network are answers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import compress, product
from math import lcm, prod
from typing import Any, TypeAlias

import numpy as np

from csncost.costs.analyze import analyze, shown
from csncost.costs.metrics import METRICS, counted
from csncost.costs.naming import spelling
from csncost.errors import CsncostError, NoAnswer, SpecError
from csncost.lang.catalogue import words
from csncost.lang.expand import parameters
from csncost.lang.given import SETTING, SpecLike, from_argument, python_number, read
from csncost.lang.syntax import Number
from csncost.spaces.counting.axes import axis, is_swept
from csncost.spaces.counting.factored import MOST, Array
from csncost.spaces.designs import Designs
from csncost.spaces.query import amount, called
from csncost.spaces.sweep import sweep
from csncost.units import human

FINEST = 1024
"""The smallest part of one that a multiplier is tried at."""

_PRIMES = [p for p in range(2, 128) if all(p % q for q in range(2, p))]
_PRIME_POWERS = sorted({p**k for p in _PRIMES for k in range(1, 11) if p**k <= FINEST})

REACH = 16
"""Values are tried up to 2**16 times the smallest."""

ENOUGH = 64
"""So many values of one cost say that the cost does not depend on them."""

GIVE_UP = 12
"""Nothing is legal where nothing up to 2**12 times the smallest is."""

MOST_NOTES = 12
"""Designs without an answer that are named."""

Point: TypeAlias = tuple[int, Any]
"""A cost, and the value that has it."""

Answer: TypeAlias = tuple[SpecLike, dict[str, Any]]
"""A spec, and the arguments with which it meets the target."""


@dataclass(frozen=True)
class _Target:
    """A cost that is wanted, and the share of it that an answer may be off."""

    metric: str
    cost: int
    within: Fraction

    def __str__(self) -> str:
        return f"{amount(self.metric, self.cost)} {called(self.metric)} within {float(100 * self.within):g}%"

    def deviation(self, cost: int) -> Fraction:
        """The part of the target that a cost is off."""
        return Fraction(cost - self.cost, self.cost)


@dataclass
class _Nearest:
    """The values nearest to a target so far, for one choice of everything else.

    `ends` are the dearest that is not above the target, and the cheapest that is not below it; one if it is met.
    """

    target: int
    seen: int = 0
    costs: tuple[int, int] = (0, 0)
    """The least and the greatest cost seen."""
    ends: list[Point] = field(default_factory=list)

    def note(self, costs: Array, values: Sequence[Any]) -> bool:
        """Take in the costs of some more values; return whether those that follow can only be further away."""
        if not len(costs):
            return self.seen > 0
        (least, most), low, high = self.costs, int(costs.min()), int(costs.max())
        dearer = low > self.target and low >= most and high > least
        cheaper = high < self.target and high <= least and low < most
        away = self.seen > 0 and (dearer or cheaper)
        self.costs = (min(least, low), max(most, high)) if self.seen else (low, high)
        self.seen += len(costs)
        for side in (costs <= self.target, costs >= self.target):
            nearest = int(np.where(side, abs(costs - self.target), MOST).argmin())
            self.ends.append((int(costs[nearest]), values[nearest]))
        below = max((end for end in self.ends if end[0] <= self.target), key=lambda end: end[0], default=None)
        above = min((end for end in self.ends if end[0] >= self.target), key=lambda end: end[0], default=None)
        self.ends = list(dict.fromkeys(end for end in (below, above) if end is not None))
        return away

    @property
    def alike(self) -> bool:
        """True where many values have one cost."""
        return self.seen >= ENOUGH and self.costs[0] == self.costs[1]


def solve(
    specs: SpecLike | Sequence[SpecLike],
    unknown: str,
    *,
    within: float | Fraction = 0.01,
    convention: str = "paper",
    **given: Any,
) -> Designs:
    """The value of `unknown` that makes a network cost so much: `width`, `frames`, `size`, `G`, `blocks`, any number.

    One target is given among `given`: params, flops (of one clip), interactions, activations or another metric. For
    every spec and every combination of the lists among `given` it is the legal value whose cost comes nearest, if it
    is within a share of the target; `deviation` is the part of the target that it is off. So several specs, or lists,
    make an iso-FLOP family. Where `unknown` is itself among `given`, its list says which values are tried; else these
    are whole numbers, or for a multiplier all that give whole channels, up to 2**16 times the smallest. Each answer is
    a spec that `analyze` takes. Raises NoAnswer, which names the nearest on each side, where nothing is within the
    share, and CsncostError and SpecError as `sweep` does.

    >>> found = solve("bottleneck-D-16", "frames", flops=21e9)
    >>> found.columns["spec"], found.columns["flops"]
    (['bottleneck-D-16@16x224'], [21154669568])
    """
    unknown = words().get(unknown, unknown)
    given = {words().get(name, name): value for name, value in given.items() if value is not None}
    target = _target({name: given.pop(name) for name in counted() if name in given}, within)
    given["convention"] = convention
    answers: list[Answer] = []
    missed: list[tuple[Fraction, str]] = []
    listed: Any = specs if isinstance(specs, (list, tuple)) else [specs]
    for spec in listed:
        for others, ends in _nearest(spec, unknown, target, given):
            cost, value = min(ends, key=lambda end: (abs(end[0] - target.cost), end[0]))
            off = abs(target.deviation(cost))
            if off <= target.within:
                answers.append((spec, {**others, unknown: value}))
            else:
                missed.append((off, _in_words(spec, others, unknown, ends, target)))
    if not answers:
        raise NoAnswer(f"no {unknown} gives {target}", "nearest: " + "; ".join(text for _, text in sorted(missed)[:2]))
    swept = [name for name, value in given.items() if is_swept(name, value) and name != unknown]
    found = _designs(answers, [*swept, unknown], target, f"{unknown} for {target}")
    return replace(found, notes=tuple(_notes([text for _, text in missed])))


def _notes(missed: Sequence[str]) -> Iterator[str]:
    """Notes of the designs without an answer."""
    yield from (f"not within the share: {text}" for text in missed[:MOST_NOTES])
    if len(missed) > MOST_NOTES:
        yield f"and {len(missed) - MOST_NOTES:,} more"


def _target(targets: Mapping[str, Any], within: Any) -> _Target:
    """The one metric that has a target. Raises CsncostError for none, several, or one that cannot be met."""
    if len(targets) != 1:
        *names, last = counted()
        raise CsncostError(f"one cost is the target, not {len(targets)}", f"give {', '.join(names)} or {last}")
    ((metric, value),) = targets.items()
    value = python_number(value)
    if not isinstance(value, (int, float, Fraction)) or not 0 < value < 2**63 or value != int(value):
        raise CsncostError(
            f"{called(metric)} cannot be {value!r:.40}", "a target is a whole number from 1 to 2**63 - 1"
        )
    if not isinstance(within, (int, float, Fraction)) or not 0 <= within < 1:
        raise CsncostError(f"within is a share of the target, not {within!r:.40}", "for instance 0.01")
    return _Target(metric, int(value), Fraction(repr(within)) if isinstance(within, float) else Fraction(within))


# -- the values that are tried -----------------------------------------------------------------------------------


def _stretches(spec: SpecLike, unknown: str, given: Mapping[str, Any]) -> Iterator[Sequence[Any]]:
    """The values to try: those given, those that the family has, or all multiples of the smallest part."""
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
    keys = (key for item in parameters(read(spec)) if item.name == unknown for key, _ in item.choices)
    return sorted(key.value for key in keys if isinstance(key, Number) and isinstance(key.value, int))


def _parts(spec: SpecLike, unknown: str, given: Mapping[str, Any]) -> int:
    """The number of parts of one of which all legal values are whole multiples: 64 for 64 channels.

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
    """A mask of the values that are legal, a row for every combination of the other lists."""
    valid = sweep(spec, **{**given, unknown: values})["valid"]
    found: Array = valid.transpose(..., unknown).values.reshape(-1, len(values))
    return found


# -- what they cost ----------------------------------------------------------------------------------------------


def _nearest(
    spec: SpecLike, unknown: str, target: _Target, given: Mapping[str, Any]
) -> Iterator[tuple[dict[str, Any], list[Point]]]:
    """The values that come nearest, for every combination of the other lists. Raises SpecError where none is legal."""
    others = {name: value for name, value in given.items() if name != unknown}
    lists = {name: list(value) for name, value in others.items() if is_swept(name, value)}
    rows = [_Nearest(target.cost) for _ in range(prod(map(len, lists.values())))]
    fault: SpecError | None = None
    for power, values in enumerate(_stretches(spec, unknown, given)):
        try:
            space = sweep(spec, **{**others, unknown: values})
        except SpecError as error:
            fault = fault or error
            if any(row.seen for row in rows):
                break
            continue
        arrays = (space[name].transpose(*lists, unknown).values for name in (target.metric, "valid"))
        found = zip(rows, *(array.reshape(len(rows), -1) for array in arrays), strict=True)
        done = [row.note(cost[legal], list(compress(values, legal))) for row, cost, legal in found]
        if all(one or (power >= GIVE_UP and not row.seen) for one, row in zip(done, rows, strict=True)):
            break
        if all(row.alike for row in rows):
            message = f"the {called(target.metric)} do not depend on {unknown}"
            raise CsncostError(message, "solve for something else")
    if not any(row.seen for row in rows):
        raise fault or NoAnswer(f"no {unknown} that was tried makes {shown(spec)[:60]} a network")
    for point, row in zip(product(*lists.values()), rows, strict=True):
        if row.seen:
            yield {**others, **dict(zip(lists, point, strict=True))}, row.ends


# -- what is answered --------------------------------------------------------------------------------------------


def _in_words(spec: SpecLike, given: Mapping[str, Any], unknown: str, ends: Sequence[Point], target: _Target) -> str:
    """The nearest on each side, in words."""
    return ", ".join(
        f"{spelling(shown(spec), {**given, unknown: value})} has {human(cost)} ({float(target.deviation(cost)):+.2%})"
        for cost, value in ends
    )


def _designs(answers: Sequence[Answer], names: Sequence[str], target: _Target, chosen: str) -> Designs:
    """The answers as designs: what was given and solved, their costs and how far they are off."""
    specs = [spelling(shown(spec), given) for spec, given in answers]
    reports = [
        analyze(from_argument(text, None), convention=given["convention"])
        for text, (_, given) in zip(specs, answers, strict=True)
    ]
    values = {name: [axis(name, [given[name]]).labels[0] for _, given in answers] for name in names}
    values |= {key: [report.metric(key) for report in reports] for key in METRICS}
    values["deviation"] = [float(target.deviation(cost)) for cost in values[target.metric]]
    stamps = [report.stamp() for report in reports]
    stamp = {key: value if all(one[key] == value for one in stamps) else "varies" for key, value in stamps[0].items()}
    return Designs(specs, values, {**stamp, "chosen": chosen})
