"""A question to designs: budgets that all must meet, then the best by one objective, or the front by several.

A query reduces chunk by chunk: what it selects of the selections of all chunks is what it selects of everything.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor, isfinite
from numbers import Real
from typing import Any, Literal, TypeAlias

import numpy as np

from csncost.costs.metrics import METRICS
from csncost.errors import CsncostError, MissingExtra, did_you_mean
from csncost.spaces.counting.factored import Array
from csncost.units import PREFIXES, rounded

Columns: TypeAlias = Mapping[str, Any]
"""Arrays of one length, by name."""

Limit: TypeAlias = int | float | Fraction | None
Bound: TypeAlias = tuple[str, Limit, Limit]
"""A column, the least and the greatest value that it may have; None where it has no such limit."""

_EXACT = 2**53
"""Up to here every whole number is a float."""


def default_objectives(better: Literal["less", "more"]) -> tuple[str, ...]:
    """The objectives where none is stated: cost against what the paper found accuracy to go with."""
    found = sorted((metric.objective, key) for key, metric in METRICS.items() if metric.better == better)
    return tuple(key for place, key in found if place)


@dataclass(frozen=True)
class Query:
    """Budgets, objectives, and how many designs are wanted.

    With one objective, the best `top` are selected, or all that are best where `top` is None; with several, the Pareto
    front: all designs that no other one betters in an objective without being worse in another. Equal designs are all
    on the front. Without an objective it is the front of least FLOPs and params against most interactions. A value
    that is not known (NaN) meets no bound and no objective. Raises CsncostError for a query that contradicts itself.

    >>> query = Query(minimize=("flops",), top=1, bounds=(("params", None, 20),))
    >>> query.select({"flops": [3, 1, 2], "params": [9, 30, 8]})
    array([2])
    """

    minimize: tuple[str, ...] = ()
    maximize: tuple[str, ...] = ()
    bounds: tuple[Bound, ...] = ()
    top: int | None = None

    def __post_init__(self) -> None:
        if not self.minimize and not self.maximize:
            object.__setattr__(self, "minimize", default_objectives("less"))
            object.__setattr__(self, "maximize", default_objectives("more"))
        names = [name for name, _ in self.objectives]
        if twice := [name for name in names if names.count(name) > 1]:
            raise CsncostError(f"{twice[0]} is an objective twice", "minimise or maximise it, once")
        if self.top is not None and (type(self.top) is not int or self.top < 1):
            raise CsncostError("the best designs are at least one", "for instance top 10")
        if self.top is not None and len(names) > 1:
            raise CsncostError("the best so many are told by one objective", "a front of several is shown whole")
        for name, low, high in self.bounds:
            if not all(limit is None or (isinstance(limit, Real) and isfinite(limit)) for limit in (low, high)):
                raise CsncostError(f"a bound of {name} is not a number", "leave out a limit that there is not")
            if low is not None and high is not None and low > high:
                raise CsncostError(f"{name} cannot be at least {low} and at most {high}", "the least is the smaller")

    @property
    def objectives(self) -> tuple[tuple[str, int], ...]:
        """The objectives, each with 1 where less of it is better and -1 where more is."""
        return (*((name, 1) for name in self.minimize), *((name, -1) for name in self.maximize))

    @property
    def names(self) -> tuple[str, ...]:
        """The columns that the query needs."""
        return tuple(dict.fromkeys([*(name for name, _ in self.objectives), *(name for name, *_ in self.bounds)]))

    def __str__(self) -> str:
        """The question in words: `the front of least FLOPs, most interactions; params at most 20 M`."""
        goals = [f"{'least' if sign > 0 else 'most'} {called(name)}" for name, sign in self.objectives]
        kind = "the best by " if len(goals) == 1 else "the front of "
        return "; ".join([kind + ", ".join(goals), *map(limits, self.bounds)])

    def select(self, columns: Columns) -> Array:
        """The places of the selected designs, the best by the first objective first.

        Exact for integers of any size. Designs alike in every objective stand in the order in which they are given,
        so that chunks are put together in their order. Raises CsncostError for a column that is not there,
        MissingExtra without moocore.
        """
        self.check(columns)
        values = {name: np.asarray(columns[name]) for name in self.names}
        rows = np.flatnonzero(np.logical_and.reduce(list(self._allowed(values))))
        keys = [_key(values[name][rows], sign) for name, sign in self.objectives]
        found = np.flatnonzero(self._best(keys))
        order = np.lexsort([key[found] for key in reversed(keys)])
        selected: Array = rows[found[order]][: self.top]
        return selected

    def check(self, names: Iterable[str]) -> None:
        """Raise CsncostError where the query needs a column that is not among the names."""
        known = list(names)
        for name in self.names:
            if name == "accuracy" and name not in known:
                raise CsncostError("these designs have no accuracy", "give a log of measured accuracies")
            if name not in known:
                hint = did_you_mean(name, known) or f"they have {', '.join(known)}"
                raise CsncostError(f'the designs have no "{name:.40}"', hint)

    def _allowed(self, columns: Columns) -> Iterator[Array]:
        """Masks of the designs that meet each bound, and that have a value for each objective."""
        yield from (meets(bound, columns[bound[0]]) for bound in self.bounds)
        yield from (columns[name] == columns[name] for name, _ in self.objectives)

    def _best(self, keys: list[Array]) -> Array:
        """A mask of the front; for one objective, of the designs as good as the last of the best so many."""
        if not len(keys[0]):
            return np.zeros(0, bool)
        if len(keys) == 1:
            last = min(self.top or 1, len(keys[0])) - 1
            best: Array = keys[0] <= np.partition(keys[0], last)[last]
            return best
        try:
            from moocore import is_nondominated
        except ImportError:
            raise MissingExtra("moocore", "explore") from None
        front: Array = is_nondominated(np.stack(keys, axis=1), keep_weakly=True)
        return front


def meets(bound: Bound, values: Array) -> Array:
    """A mask of the values within a bound; limits of integers are exact, and NaN is within none."""
    _, low, high = bound
    kept: Array = values == values
    whole = values.dtype.kind in "iuO"
    if low is not None:
        kept &= values >= (ceil(low) if whole else float(low))
    if high is not None:
        kept &= values <= (floor(high) if whole else float(high))
    return kept


def _key(values: Array, sign: int) -> Array:
    """Floats in the order of the values, the best least: the values themselves where floats hold them, else ranks."""
    if values.dtype.kind != "f" and len(values) and max(abs(int(values.min())), abs(int(values.max()))) > _EXACT:
        values = np.unique(values, return_inverse=True)[1]
    found: Array = sign * values.astype(float)
    return found


# -- questions and answers in words ------------------------------------------------------------------------------


def limits(bound: Bound) -> str:
    """A bound in words: `FLOPs at least 1 G and at most 2 G`."""
    name, low, high = bound
    ends = {"least": low, "most": high}
    sides = (f"at {end} {amount(name, value)}" for end, value in ends.items() if value is not None)
    return f"{called(name)} {' and '.join(sides)}"


def called(name: str) -> str:
    """The name of a metric with the capitals of its title: FLOPs."""
    title = METRICS[name].title if name in METRICS else name
    return title if title.lower() == name else name


def said(name: str, value: Any) -> str:
    """A value for people: of a metric as it is shown, an accuracy in percent."""
    return METRICS[name].show(int(value)) if name in METRICS else amount(name, value)


def amount(name: str, value: Any) -> str:
    """A value that a person gave, no less exact: `10 G`, `1.5 M`."""
    if name == "accuracy" or value != int(value):
        return f"{float(value):g}" + ("%" if name == "accuracy" else "")
    value = int(value)
    power = min((len(str(abs(value))) - 1) // 3, len(PREFIXES) - 1)
    if power and value * 1000 % 1000**power == 0:
        return f"{rounded(value, 1000**power, 3).rstrip('0').rstrip('.')} {PREFIXES[power]}"
    return f"{value:,}"
