"""The Pareto front of designs, and the best of a space under budgets: what to build."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from csncost.costs.metrics import METRICS
from csncost.errors import CsncostError, NoAnswer
from csncost.lang.given import SpecLike
from csncost.logs.join import ACCURACY
from csncost.logs.read import LogLike, read_log
from csncost.spaces.counting.chunks import Chunks
from csncost.spaces.counting.factored import Array
from csncost.spaces.counting.space import in_chunks
from csncost.spaces.counting.workers import Advance, ignored
from csncost.spaces.designs import Designs
from csncost.spaces.query import Bound, Limit, Query, called, limits, meets, said
from csncost.spaces.ranges import count, percentage
from csncost.spaces.reduction import best_in, best_of
from csncost.spaces.study import arguments_of, distinct, explore

if TYPE_CHECKING:
    from pandas import DataFrame
    from xarray import Dataset

BEST = 10
"""The number of best designs by one objective, where it is not said."""


def pareto(
    designs: Designs | Dataset | DataFrame, *, minimize: str | Iterable[str] = (), maximize: str | Iterable[str] = ()
) -> Designs | DataFrame:
    """The designs that no other one betters in an objective without being worse in another; equal ones are all on it.

    `designs` are those of `sweep`, `study`, or a DataFrame; the front of the first two are `Designs`, each of them
    a spec that `analyze` takes, that of a frame is a frame. Objectives are params, flops, interactions,
    activations, depth, accuracy, or any other column of numbers; without any, least FLOPs and params against most
    interactions. Designs are ordered by the first objective. Exact for integers of any size. Raises CsncostError for a
    column that is not there, MissingExtra without moocore.

    >>> from csncost import sweep
    >>> found = pareto(sweep("bottleneck-G-16", G=[1, 4, 16]), minimize="flops", maximize="interactions")
    >>> found.columns["spec"]
    ['bottleneck-G16-16', 'bottleneck-G4-16', 'bottleneck-G1-16']
    """
    found: Designs | DataFrame = _taken(designs, Query(_names(minimize), _names(maximize)))
    return found


def search(
    specs: SpecLike | Sequence[SpecLike] = (),
    *,
    at_most: Mapping[str, Limit | str] | None = None,
    at_least: Mapping[str, Limit | str] | None = None,
    minimize: str | Iterable[str] = (),
    maximize: str | Iterable[str] = (),
    top: int | None = None,
    log: LogLike | None = None,
    chunks: Chunks | None = None,
    scheduler: str | None = None,
    advance: Advance = ignored,
    groups: Sequence[int] | None = None,
    blocks: Any = None,
    **given: Any,
) -> Designs:
    """Find what to build: of the designs that keep all budgets, the best `top` by one objective, or a front by several.

    Without `specs` these are the designs of the paper's `study`, else the space of the specs; `groups`, `blocks`,
    `frames`, `size`, `classes` and parameters are values or lists of them. Budgets and objectives are over params,
    flops (of one clip), interactions, activations, depth, and accuracy in percent where there is a `log`, as
    `read_log` takes it; limits are numbers, or texts such as "10G". A space of many designs is searched in chunks,
    in memory that does not grow with it, and so is one where `chunks` (as `sweep` takes them) or the address of a
    Dask `scheduler` are given: `tcp://host:port`. `advance` is told how many more designs of it are done, and how
    many there are. Each answer is a spec that `analyze` takes and that costs what is said. Raises NoAnswer, which
    names the nearest miss in memory, where no design keeps the budgets, and CsncostError as `sweep` and `pareto`
    do, and where no scheduler answers.

    >>> found = search(at_most={"flops": 10e9, "params": 20e6}, maximize="interactions", top=1)
    >>> found.columns["spec"], found.columns["interactions"]
    (['bottleneck-DG2-16'], [2272636096])
    """
    goals = _names(minimize), _names(maximize)
    alone = top is None and len(goals[0] + goals[1]) == 1
    query = Query(*goals, _bounds(at_most or {}, at_least or {}), BEST if alone else top)
    listed = tuple(specs) if isinstance(specs, (list, tuple)) else (specs,)
    if large := in_chunks(listed, arguments_of(groups, blocks, given), chunks, scheduler):
        if log is not None:
            message = "logged accuracies are joined to designs in memory"
            raise CsncostError(message, "sweep fewer values, without chunks")
        best = best_of(large, query, chunks=chunks or "auto", scheduler=scheduler, advance=advance)
        return _chosen(best.spelled(), query, lambda: _unmet(query))
    found = explore(listed, groups, blocks, **given)
    found = found if listed else distinct(found)
    found = found if log is None else found.with_accuracy(read_log(log))
    return _chosen(_taken(found, query), query, lambda: _nearest_miss(found, query))


def _names(given: str | Iterable[str]) -> tuple[str, ...]:
    """Objectives as callers give them: one name, or several."""
    return (given,) if isinstance(given, str) else tuple(given)


def _chosen(best: Designs, query: Query, why_none: Callable[[], tuple[str, str]]) -> Designs:
    """The best designs, stamped with what was asked. Raises NoAnswer, with the reason, where there are none."""
    if not len(best):
        raise NoAnswer(*why_none())
    return replace(best, stamp={**best.stamp, "chosen": str(query)})


def _bounds(at_most: Mapping[str, Limit | str], at_least: Mapping[str, Limit | str]) -> tuple[Bound, ...]:
    names = dict.fromkeys([*at_most, *at_least])
    return tuple((name, _limit(name, at_least.get(name)), _limit(name, at_most.get(name))) for name in names)


def _limit(name: str, value: Any) -> Any:
    """A limit; one given as text is read as a command line has it: "10G"."""
    if not isinstance(value, str):
        return value
    return percentage(value, name) if name == "accuracy" else count(value, name)


# -- designs of three kinds ------------------------------------------------------------------


def _taken(designs: Any, query: Query) -> Any:
    """The selected designs, of the kind that the designs are; of a space those, spelt out."""
    if isinstance(designs, Designs):
        return designs.take(query.select(_columns(designs)).tolist()).spelled()
    if hasattr(designs, "data_vars"):
        return best_in(designs, query).spelled()
    if hasattr(designs, "iloc"):
        legal = designs[designs["valid"]] if "valid" in designs else designs
        return legal.iloc[query.select({str(name): legal[name].to_numpy() for name in legal})]
    raise CsncostError("a front is of designs", "of those of sweep or study, or of a DataFrame")


def _columns(found: Designs) -> dict[str, Array]:
    """The columns of numbers as arrays; NaN where no accuracy is logged."""
    columns = {
        name: np.asarray(values, float if name == "accuracy" else None)
        for name, values in found.values.items()
        if name not in ACCURACY or name == "accuracy"
    }
    return {name: values for name, values in columns.items() if name in METRICS or values.dtype.kind in "iuf"}


# -- when there is no answer -------------------------------------------------------------------------------------


def _unmet(query: Query) -> tuple[str, str]:
    """The budgets that no design of a large space keeps, and a hint."""
    if not query.bounds:
        return "no combination of these values is a network", "analyze says of one what is wrong with it"
    wanted = " and ".join(map(limits, query.bounds))
    return f"no design has {wanted}", "ask for the least or the most of one without its budget"


def _nearest_miss(found: Designs, query: Query) -> tuple[str, str]:
    """The budget that nothing keeps, of the designs that keep those before it, and what comes nearest to it."""
    columns = _columns(found)
    rows = np.arange(len(found))
    kept: list[str] = []
    for bound in query.bounds:
        values = columns[bound[0]][rows]
        if not (within := meets(bound, values)).any():
            message = f"no design has {limits(bound)}" + (f" and {', '.join(kept)}" if kept else "")
            return message, _nearest(bound, values, found.take(rows.tolist()))
        rows = rows[within]
        kept.append(limits(bound))
    return "of none of these designs an accuracy is logged", "sweep what the log is of, or leave the accuracy out"


def _nearest(bound: Bound, values: Array, found: Designs) -> str:
    """The designs that miss a bound by least, and what they come to."""
    name, low, high = bound
    below = np.flatnonzero(values < low) if low is not None else np.zeros(0, int)
    above = np.flatnonzero(values > high) if high is not None else np.zeros(0, int)
    ends = []
    if len(below):
        ends.append((f"most {called(name)}{' below' if len(above) else ''}", below[np.argmax(values[below])]))
    if len(above):
        ends.append((f"least {called(name)}{' above' if len(below) else ''}", above[np.argmin(values[above])]))
    if not ends:
        return f"of none of them the {name} is known"
    specs = found.take([int(row) for _, row in ends]).columns["spec"]
    shown = zip(ends, specs, strict=True)
    return "; ".join(f"the {end} here: {said(name, values[row])}, {spec}" for (end, row), spec in shown)
