"""A design space as its parts, one for each structure, and what any chunk of the space costs, made when asked for.

A part holds totals as sums of products of small arrays, so that 10^9 designs take no more memory than a few thousand,
and a chunk of them is written without lowering anything again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import and_
from typing import TypeAlias

import numpy as np

from csncost.costs.count import METRICS
from csncost.errors import CsncostError
from csncost.spaces.products import MOST, Array, Chunk, Factored, cut, spread

Columns: TypeAlias = dict[str, Array]
"""Arrays by name: metrics (int64), with `valid` (bool) over a chunk, or with `place` for its legal designs."""

_FEW = 8
"""Where only one in so many designs is legal, the legal ones alone are counted."""


@dataclass(frozen=True)
class Part:
    """The designs of one structure: where in the space they are, which of them exist, and what they cost."""

    at: Chunk
    masks: tuple[Array, ...]
    totals: Mapping[str, Factored]

    def within(self, chunk: Chunk) -> Part | None:
        """What of it lies in a chunk, its place counted from the chunk's corner."""
        common = [slice(max(a.start, b.start), min(a.stop, b.stop)) for a, b in zip(self.at, chunk, strict=True)]
        if any(one.start >= one.stop for one in common):
            return None
        inner = tuple(slice(c.start - a.start, c.stop - a.start) for c, a in zip(common, self.at, strict=True))
        if all(one == whole for one, whole in zip(common, self.at, strict=True)):
            masks, totals = self.masks, self.totals
        else:
            masks = tuple(cut(mask, inner) for mask in self.masks)
            totals = {metric: total.cut(inner) for metric, total in self.totals.items()}
        return Part(
            tuple(slice(c.start - b.start, c.stop - b.start) for c, b in zip(common, chunk, strict=True)), masks, totals
        )

    def write(self, columns: Columns) -> None:
        """Spread the totals over the part's place. Raises CsncostError where 64 bits do not hold them."""
        valid = columns["valid"][self.at]
        spread(self.masks, valid)
        for metric in columns.keys() & self.totals.keys():
            out = columns[metric][self.at]
            self._fill(metric, valid, out)
            if self.masks:
                np.multiply(out, valid, out=out)

    def _fill(self, metric: str, valid: Array, out: Array) -> None:
        if not self.totals[metric].fits(valid):
            raise CsncostError(
                f"the {metric} of designs of this space come to more than 64-bit integers hold",
                "sweep smaller values; analyze is exact at any size",
            )
        self.totals[metric].fill(out)

    def rows(self, metrics: Iterable[str], shape: tuple[int, ...]) -> Columns:
        """Where its designs are in a chunk of that shape (`place`, counted through), and what they cost."""
        inner = lengths(self.at)
        valid = np.empty(inner, np.bool_)
        spread(self.masks, valid)
        index = np.flatnonzero(valid)
        found: Columns = {"place": places_in(index, inner, self.at, shape)}
        few = len(index) * _FEW < valid.size
        point = np.unravel_index(index, inner) if few else ()
        for metric in metrics:
            if few and self.totals[metric].bound() <= MOST:
                found[metric] = self.totals[metric].at(point)
            else:
                out = np.empty(inner, np.int64)
                self._fill(metric, valid, out)
                found[metric] = out.reshape(-1)[index] if len(index) < out.size else out.reshape(-1)
        return found

    def largest(self) -> Chunk:
        """The one design that is likely to cost most, as a chunk."""
        point = [at.start for at in self.at]
        terms = [term for total in self.totals.values() for term in total.terms]
        for factor in max(terms, key=lambda term: float(np.prod([float(f.max()) for f in term])), default=()):
            index = np.unravel_index(int(factor.argmax()), factor.shape)
            point = [start + int(i) for start, i in zip(point, index, strict=True)]
        return tuple(slice(i, i + 1) for i in point)


def places_in(index: Array, inner: tuple[int, ...], at: Chunk, shape: tuple[int, ...]) -> Array:
    """Places in a chunk of a shape, counted through, as places in what is around it."""
    if inner == shape:
        return index
    point = np.unravel_index(index, inner)
    found: Array = np.ravel_multi_index([i + one.start for i, one in zip(point, at, strict=True)], shape)
    return found


def spread_out(parts: Iterable[Part], shape: tuple[int, ...], metrics: Iterable[str] = METRICS) -> Columns:
    """What every design of a space of that shape costs; those that no part has are not valid, and cost 0."""
    columns: Columns = {metric: np.zeros(shape, np.int64) for metric in metrics}
    columns["valid"] = np.zeros(shape, np.bool_)
    for part in parts:
        part.write(columns)
    return columns


def rows_of(parts: Iterable[Part], shape: tuple[int, ...], metrics: Sequence[str]) -> Columns:
    """The legal designs of a space of that shape in order: `place`, counted through it, and what they cost."""
    found = [part.rows(metrics, shape) for part in parts]
    joined = {
        name: np.concatenate([rows[name] for rows in found]) if found else np.zeros(0, np.int64)
        for name in ("place", *metrics)
    }
    if len(found) > 1:
        order = np.argsort(joined["place"])
        joined = {name: values[order] for name, values in joined.items()}
    return joined


@dataclass(frozen=True)
class Plan:
    """Every part of a space, lowered."""

    all: tuple[Part, ...]

    def parts(self, chunk: Chunk) -> Iterator[Part]:
        """The parts of a chunk."""
        found = (part.within(chunk) for part in self.all)
        return (part for part in found if part)

    def rows(self, chunk: Chunk, names: Sequence[str]) -> Columns:
        """The legal designs of a chunk: their `place` in it, counted through, and what is counted of them."""
        return rows_of(self.parts(chunk), lengths(chunk), names)

    def at(self, point: Sequence[Array], names: Sequence[str]) -> Columns:
        """What is counted of some legal designs, given by an array of indices for each dimension."""
        found: Columns = {name: np.zeros(len(point[0]), np.int64) for name in names}
        for part in self.all:
            here = reduce(and_, ((i >= one.start) & (i < one.stop) for i, one in zip(point, part.at, strict=True)))
            if here.any():
                inner = [i[here] - one.start for i, one in zip(point, part.at, strict=True)]
                for name in names:
                    found[name][here] = part.totals[name].at(inner)
        return found


def lengths(chunk: Chunk) -> tuple[int, ...]:
    """The shape of a chunk."""
    return tuple(at.stop - at.start for at in chunk)
