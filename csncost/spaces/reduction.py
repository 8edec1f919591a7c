"""The best designs of a space of any size: chunks are reduced on their own, by any workers, then what is left."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from math import prod
from operator import and_
from typing import Any, Protocol

import numpy as np

from csncost.costs.metrics import METRICS
from csncost.errors import CsncostError
from csncost.spaces.chunks import Chunk, Chunks, chunks_of
from csncost.spaces.designs import Designs
from csncost.spaces.evaluate import evaluator_of
from csncost.spaces.factored import Array
from csncost.spaces.legal import designs_of
from csncost.spaces.parts import Columns
from csncost.spaces.query import Query
from csncost.spaces.space import Space
from csncost.spaces.workers import Advance, chunk_by_chunk, ignored

_TABLE = 2**16
"""Elements of the table that a chunk is looked up in before its own front is found."""

_SAMPLED = 1000
"""One in so many designs of a first chunk is looked at to tell which of the others cannot be best."""


class Rows(Protocol):
    """What gives the legal designs of a chunk."""

    def rows(self, chunk: Chunk, names: Sequence[str]) -> Columns:
        """Columns of them, and their `place`, counted through the whole space, in order."""


@dataclass(frozen=True)
class Best:
    """The best designs of what was seen, best first: where they are in the space, and what was asked of them."""

    columns: Columns
    legal: int = 0

    def __len__(self) -> int:
        return len(self.columns["place"])

    def merged(self, other: Best, query: Query) -> Best:
        """The best designs of both."""
        names = self.columns
        joined = {name: np.concatenate([self.columns[name], other.columns[name]]) for name in names}
        order = np.argsort(joined["place"])  # designs alike are told apart by their place, whatever came first
        joined = {name: values[order] for name, values in joined.items()}
        return Best(_taken(joined, query.select(joined)), self.legal + other.legal)


@dataclass(frozen=True)
class Job:
    """What is asked of each chunk of a space; `labels` are the coordinates of those of its dimensions that matter."""

    query: Query
    shape: tuple[int, ...]
    labels: Mapping[str, tuple[int, Array]]

    def best(self, source: Rows, chunk: Chunk, rivals: Columns) -> Best:
        """The best designs of a chunk, those left out that a rival betters in everything."""
        rows = source.rows(chunk, [name for name in self.query.names if name not in self.labels])
        legal = len(rows["place"])
        for name, (dim, labels) in self.labels.items():
            rows[name] = labels[rows["place"] // prod(self.shape[dim + 1 :]) % self.shape[dim]]
        rows = unbeaten(rows, rivals if len(rivals["place"]) else self.rivals(self.sampled(rows)), self.query)
        return Best(_taken(rows, self.query.select(rows)), legal)

    def sampled(self, rows: Columns) -> Best:
        """The best of a few of the rows."""
        few = _taken(rows, slice(None, None, _SAMPLED))
        return Best(_taken(few, self.query.select(few)))

    def nothing(self) -> Best:
        """The best of no designs."""
        return Best({"place": np.zeros(0, np.int64), **{name: np.zeros(0, np.int64) for name in self.query.names}})

    def rivals(self, best: Best) -> Columns:
        """A few designs that spare chunks the ones they better; for one objective, the last that is still wanted."""
        others, wanted = len(self.query.objectives) - 1, self.query.top or 1
        if len(best) < wanted:
            return self.nothing().columns
        few = int(_TABLE ** (1 / max(others, 2)))
        places = np.linspace(0, len(best) - 1, min(few, len(best))).astype(int) if others else [wanted - 1]
        return _taken(best.columns, places)


def unbeaten(rows: Columns, rivals: Columns, query: Query) -> Columns:
    """The rows without those than which a rival is better in an objective and worse in none.

    A table says how good rivals are in the last objective that are at most so bad in the others; looking a row up takes
    less time than comparing it with each of them.
    """
    if not len(rivals["place"]):
        return rows
    *others, (last, bar) = [(_signed(rows[name], sign), _signed(rivals[name], sign)) for name, sign in query.objectives]
    levels = [np.unique(rival) for _, rival in others]
    worst = np.inf if bar.dtype.kind == "f" else np.iinfo(bar.dtype).max
    table = np.full([len(level) + 1 for level in levels], worst, bar.dtype)
    held: Any = tuple(np.searchsorted(v, rival) + 1 for v, (_, rival) in zip(levels, others, strict=True))
    if held:
        np.minimum.at(table, held, bar)
    else:
        table[...] = bar.min()
    for axis in range(table.ndim):
        table = np.minimum.accumulate(table, axis=axis)
    at = tuple(np.searchsorted(v, own, side="right") for v, (own, _) in zip(levels, others, strict=True))
    best = table[at]
    alike = reduce(and_, (v[i - 1] == own for v, i, (own, _) in zip(levels, at, others, strict=True)), np.bool_(True))
    return _taken(rows, (best > last) | ((best == last) & alike))


def _signed(values: Array, sign: int) -> Array:
    return values if sign > 0 else -values


def _taken(columns: Columns, places: Any) -> Columns:
    return {name: values[places] for name, values in columns.items()}


def best_of(
    space: Space,
    query: Query,
    *,
    chunks: Chunks = "auto",
    scheduler: str | None = None,
    advance: Advance = ignored,
) -> Designs:
    """The designs of a space that a query selects, in memory that does not grow with the space.

    Chunks are worked on by threads, or by the workers of a Dask scheduler at an address `tcp://host:port`; `advance`
    is told how many more designs are done, and how many there are. Raises as `sweep` and `Query.select` do, and
    CsncostError where there is no scheduler, or no worker.
    """
    job = job_of(query, space.shape, space.names, space.coordinates(), list(METRICS))
    cut = chunks_of(space.shape, space.chunk_lengths(chunks))
    evaluator = evaluator_of(space)
    best = reduced(job, evaluator, cut, scheduler, advance)
    rows = {"place": best.columns["place"], **evaluator.at(best.columns["place"], METRICS)}
    return replace(designs_of(space, rows, evaluator.attributes), refused=prod(space.shape) - best.legal)


def job_of(
    query: Query, shape: tuple[int, ...], dims: Sequence[str], labels: Mapping[str, Any], counted: Sequence[str]
) -> Job:
    """What is asked of each chunk. Raises CsncostError for names that no design of the space has."""
    if prod(shape) >= 2**63:
        raise CsncostError(f"a space of {float(prod(shape)):.2g} designs", "sweep fewer values")
    query.select({name: np.zeros(0, np.int64) for name in (*counted, *labels)})
    asked = {name: (dims.index(name), np.asarray(labels[name])) for name in query.names if name in labels}
    for name, (_, values) in asked.items():
        if values.dtype.kind not in "iuf":
            raise CsncostError(f"{name} is no number in every design", "it cannot be an objective or have a bound")
    return Job(query, shape, asked)


def reduced(job: Job, source: Rows, chunks: Iterable[Chunk], scheduler: str | None, advance: Advance) -> Best:
    """The best designs of all chunks."""
    best = job.nothing()
    tasks = ((at, job.best, job.rivals(best)) for at in chunks)
    for _, found in chunk_by_chunk(source, tasks, job.shape, scheduler, advance):
        best = best.merged(found, job.query)
    return best
