"""The best designs of a space of any size: chunks are reduced on their own, by any workers, then what is left."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from math import prod
from operator import and_
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from csncost.costs.metrics import METRICS
from csncost.errors import CsncostError
from csncost.spaces.counting.chunks import Chunk, Chunks, chunks_of
from csncost.spaces.counting.evaluate import Columns, evaluator_of
from csncost.spaces.counting.factored import Array
from csncost.spaces.counting.space import Space
from csncost.spaces.counting.workers import Advance, chunk_by_chunk, ignored
from csncost.spaces.designs import Designs
from csncost.spaces.legal import designs_at, designs_of
from csncost.spaces.query import Query

if TYPE_CHECKING:
    from xarray import Dataset

_TABLE = 2**16
"""Elements of the table that a chunk is looked up in before its own front is found."""

_SAMPLED = 1000
"""One in so many designs of a first chunk is looked at to tell which of the others cannot be best."""


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
    reduction = reduction_of(query, dict(zip(space.names, space.shape, strict=True)), space.coordinates(), METRICS)
    cut = chunks_of(space.shape, space.chunk_lengths(chunks))
    evaluator = evaluator_of(space)
    best, legal = reduction.over(evaluator, cut, scheduler, advance)
    rows = {"place": best["place"], **evaluator.at(best["place"], METRICS)}
    return replace(designs_of(space, rows, evaluator.attributes), refused=prod(space.shape) - legal)


def best_in(space: Dataset, query: Query) -> Designs:
    """The designs of a swept space that a query selects, of which no others are made rows."""
    held = space if space["valid"].ndim else space.expand_dims("design")
    valid = held["valid"]
    sizes = {str(dim): size for dim, size in valid.sizes.items()}
    others = [str(name) for name in held.variables if name not in ("valid", *sizes)]
    reduction = reduction_of(query, sizes, {str(name): values.values for name, values in held.indexes.items()}, others)
    lengths = valid.shape if valid.chunks is None else [max(lengths) for lengths in valid.chunks]
    best, _ = reduction.over(_Held(held), chunks_of(valid.shape, lengths))
    return designs_at(space, np.unravel_index(best["place"], valid.shape))


class Source(Protocol):
    """Gives the legal designs of a chunk."""

    def rows(self, chunk: Chunk, names: Sequence[str]) -> Columns:
        """Columns of them, and their `place`, counted through the whole space, in order."""


@dataclass(frozen=True)
class _Held:
    """The legal designs of a swept space, in memory or backed by Dask, chunk by chunk."""

    space: Dataset

    def rows(self, chunk: Chunk, names: Sequence[str]) -> Columns:
        at = dict(zip(self.space["valid"].dims, chunk, strict=True))
        some = self.space[["valid", *names]].isel(at).compute(scheduler="synchronous")  # in one of many threads
        valid = some["valid"]
        point = [i + at.start for i, at in zip(valid.values.nonzero(), chunk, strict=True)]
        full = {name: some[name].broadcast_like(valid).transpose(*valid.dims) for name in names}
        rows = {name: array.values[valid.values] for name, array in full.items()}
        return {"place": np.ravel_multi_index(point, self.space["valid"].shape), **rows}


# -- chunks, each on its own, and what is left of them -----------------------------------------------------------


@dataclass(frozen=True)
class Reduction:
    """A query to each chunk of a space of a `shape`; `labels` are coordinates that it asks for, and their dimension."""

    query: Query
    shape: tuple[int, ...]
    labels: Mapping[str, tuple[int, Array]]

    def over(
        self, source: Source, chunks: Iterable[Chunk], scheduler: str | None = None, advance: Advance = ignored
    ) -> tuple[Columns, int]:
        """The best designs of all chunks, best first, and the number of legal ones."""
        best: Columns = {name: np.zeros(0, np.int64) for name in ("place", *self.query.names)}
        legal = 0
        tasks = ((at, self.best, self.rivals(best)) for at in chunks)
        for _, (found, count) in chunk_by_chunk(source, tasks, self.shape, scheduler, advance):
            best, legal = self.merged(best, found), legal + count
        return best, legal

    def best(self, source: Source, chunk: Chunk, rivals: Columns) -> tuple[Columns, int]:
        """The best designs of a chunk, those left out that a rival betters in everything, and how many are legal."""
        rows = source.rows(chunk, [name for name in self.query.names if name not in self.labels])
        legal = len(rows["place"])
        for name, (dim, labels) in self.labels.items():
            rows[name] = labels[rows["place"] // prod(self.shape[dim + 1 :]) % self.shape[dim]]
        if not len(rivals["place"]):
            rivals = self.rivals(self.selected(_taken(rows, slice(None, None, _SAMPLED))))
        return self.selected(unbeaten(rows, rivals, self.query)), legal

    def merged(self, one: Columns, other: Columns) -> Columns:
        """The best of the best designs of two chunks."""
        rows = {name: np.concatenate([one[name], other[name]]) for name in one}
        return self.selected(_taken(rows, np.argsort(rows["place"])))  # designs alike are told apart by their place

    def selected(self, rows: Columns) -> Columns:
        """The rows that the query selects."""
        return _taken(rows, self.query.select(rows))

    def rivals(self, best: Columns) -> Columns:
        """A few designs that spare chunks the ones they better; for one objective, the last that is still wanted."""
        found, others, wanted = len(best["place"]), len(self.query.objectives) - 1, self.query.top or 1
        if found < wanted:
            return _taken(best, slice(0))
        few = int(_TABLE ** (1 / max(others, 2)))
        return _taken(best, np.linspace(0, found - 1, min(few, found)).astype(int) if others else [wanted - 1])


def reduction_of(query: Query, sizes: Mapping[str, int], labels: Mapping[str, Any], others: Iterable[str]) -> Reduction:
    """A reduction of a space of some sizes by dimension, with labels along them and other columns.

    Raises CsncostError for names that no design of the space has.
    """
    shape, dims = tuple(sizes.values()), list(sizes)
    if prod(shape) >= 2**63:
        raise CsncostError(f"a space of {float(prod(shape)):.2g} designs", "sweep fewer values")
    query.check([*others, *labels])
    asked = {name: (dims.index(name), np.asarray(labels[name])) for name in query.names if name in labels}
    for name, (_, values) in asked.items():
        if values.dtype.kind not in "iuf":
            raise CsncostError(f"{name} is no number in every design", "it cannot be an objective or have a bound")
    return Reduction(query, shape, asked)


def unbeaten(rows: Columns, rivals: Columns, query: Query) -> Columns:
    """The rows without those than which a rival is better in an objective and worse in none.

    A table says how good rivals are in the last objective that are at most so bad in the others; looking a row up takes
    less time than comparing it with each of them, or than finding the front of all rows.
    """
    if not len(rivals["place"]):
        return rows
    *others, (last, bar) = [(sign * rows[name], sign * rivals[name]) for name, sign in query.objectives]
    levels = [np.unique(rival) for _, rival in others]
    worst = np.inf if bar.dtype.kind == "f" else np.iinfo(bar.dtype).max
    table = np.full([len(level) + 1 for level in levels], worst, bar.dtype)
    held = tuple(np.searchsorted(v, rival) + 1 for v, (_, rival) in zip(levels, others, strict=True))
    np.minimum.at(table, held, bar if held else bar.min())
    for axis in range(table.ndim):
        table = np.minimum.accumulate(table, axis=axis)
    at = tuple(np.searchsorted(v, own, side="right") for v, (own, _) in zip(levels, others, strict=True))
    alike = (v[i - 1] == own for v, i, (own, _) in zip(levels, at, others, strict=True))
    return _taken(rows, (table[at] > last) | ((table[at] == last) & reduce(and_, alike, np.bool_(True))))


def _taken(columns: Columns, places: Any) -> Columns:
    return {name: values[places] for name, values in columns.items()}
