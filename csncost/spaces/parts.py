"""Parts of a space, one for each structure: where their designs are, which of them exist, and what they cost."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import TypeAlias

import numpy as np

from csncost.errors import CsncostError
from csncost.spaces.chunks import Chunk, relative, shape_of
from csncost.spaces.factored import Array, Factored, bound_of, cut

Columns: TypeAlias = dict[str, Array]
"""Arrays by name: metrics (int64), with `valid` (bool) over a chunk, or with `place` for its legal designs."""

_FEW = 8
"""Where only one in so many designs is legal, the legal ones alone are counted."""


@dataclass(frozen=True)
class Part:
    """The designs of one structure: where in the space they are, which of them exist, and their metrics."""

    at: Chunk
    masks: tuple[Array, ...]
    metrics: Mapping[str, Factored]

    def within(self, chunk: Chunk) -> Part | None:
        """The part of it that lies in a chunk."""
        common = tuple([slice(max(a.start, b.start), min(a.stop, b.stop)) for a, b in zip(self.at, chunk, strict=True)])
        if any(one.start >= one.stop for one in common):
            return None
        if common == self.at:
            return self
        inner = relative(common, self.at)
        masks = tuple([cut(mask, inner) for mask in self.masks])
        return Part(common, masks, {name: value.cut(inner) for name, value in self.metrics.items()})

    def write(self, columns: Columns, chunk: Chunk) -> None:
        """Write what of the part is in a chunk to arrays over it. Raises CsncostError where 64 bits do not hold it."""
        here = relative(self.at, chunk)
        valid = columns["valid"][here]
        masks = self._mark(valid)
        for name in columns.keys() & self.metrics.keys():
            self._checked(name, valid).write(columns[name][here], valid if masks else None)

    def rows(self, names: Iterable[str], shape: Sequence[int]) -> Columns:
        """The legal designs: their `place`, counted through a space of that shape, and their metrics."""
        valid = np.empty(shape_of(self.at), np.bool_)
        self._mark(valid)
        count = np.count_nonzero(valid)
        point = valid.nonzero() if count * _FEW < valid.size else ()
        found: Columns = {}
        for name in ("place", *names):
            value = self._places(shape) if name == "place" else self._checked(name, valid)
            if point:
                found[name] = value.at(point)
            else:
                out = np.empty(valid.shape, np.int64)
                value.write(out)
                found[name] = out.reshape(-1) if count == out.size else out[valid]
        return found

    def _mark(self, valid: Array) -> bool:
        """Write which designs exist; return whether any do not."""
        masks = sorted((mask for mask in self.masks if not mask.all()), key=np.size)
        valid[...] = True
        for mask in masks:
            np.logical_and(valid, mask, out=valid)
        return bool(masks)

    def _checked(self, name: str, valid: Array) -> Factored:
        """A metric. Raises CsncostError where 64 bits do not hold it."""
        if not self.metrics[name].fits(valid):
            raise CsncostError(
                f"the {name} of designs of this space come to more than 64-bit integers hold",
                "sweep smaller values; analyze is exact at any size",
            )
        return self.metrics[name]

    def _places(self, shape: Sequence[int]) -> Factored:
        """The place of each design, counted through a space of that shape."""
        strides = [prod(shape[i + 1 :]) for i in range(len(shape))]
        along = [np.arange(at.start, at.stop) * n for at, n in zip(self.at, strides, strict=True)]
        return Factored([(places,) for places in np.ix_(*along)])

    def largest(self) -> Chunk:
        """The one design that is likely to cost most, as a chunk."""
        terms = [term for value in self.metrics.values() for term in value.terms]
        corner = [at.start for at in self.at]
        for factor in max(terms, key=bound_of):
            index = np.unravel_index(int(factor.argmax()), factor.shape)
            corner = [start + int(i) for start, i in zip(corner, index, strict=True)]
        return tuple([slice(i, i + 1) for i in corner])
