"""Spaces in chunks of bounded size: how they are cut, and what the designs of a chunk cost."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from math import ceil, prod
from typing import TypeAlias

import numpy as np

from csncost.errors import CsncostError
from csncost.spaces.lowering import Space, Structures
from csncost.spaces.parts import Columns, Part, Plan, lengths, rows_of, spread_out
from csncost.spaces.products import MOST, Array, Chunk

Chunks: TypeAlias = int | str | Mapping[str, int]
"""How a space is cut: "auto", the greatest number of designs in a chunk, or the length of chunks by dimension."""

AUTO = 2**21
"""Designs of a chunk where nothing else is said: 70 MB."""

_LARGE = 2**20
"""Elements of an array that only chunks should have."""

_HELD = 2**28
"""Bytes that the parts of a space may take together."""

_LOOK = 2**16
"""Designs that are looked at to tell how large the arrays of a space are."""


@dataclass(frozen=True)
class ChunkByChunk:
    """A space whose sizes depend on many dimensions at once, so that it is lowered anew for every chunk."""

    space: Space

    def parts(self, chunk: Chunk) -> Iterator[Part]:
        """The parts of a chunk."""
        structures = Structures(self.space.cut(chunk))
        return (part for i in range(len(structures.space.specs)) for part in structures.of_spec(i, []))

    def rows(self, chunk: Chunk, names: Sequence[str]) -> Columns:
        """The legal designs of a chunk: their `place` in it, counted through, and what is counted of them."""
        return rows_of(self.parts(chunk), lengths(chunk), names)

    def at(self, point: Sequence[Array], names: Sequence[str]) -> Columns:
        """What is counted of some legal designs, given by an array of indices for each dimension."""
        designs = (tuple(slice(i, i + 1) for i in one) for one in zip(*(i.tolist() for i in point), strict=True))
        found = [self.rows(design, names) for design in designs]
        return {name: np.array([row[name][0] for row in found], np.int64) for name in names}


Source: TypeAlias = Plan | ChunkByChunk
"""What gives the parts of a chunk."""


def source_of(space: Space) -> tuple[Source, Structures]:
    """What gives the parts of the chunks of a space, and the structures that were lowered to tell.

    Raises SpecError as `sweep` does; CsncostError where it is clear that 64 bits do not hold a total.
    """
    small = prod(len(one.values) for one in space.axes if one.numeric) <= _LARGE
    if not small:
        structures = Structures(_sample(space))
        if not _is_light(space, structures.samples()):
            return ChunkByChunk(space), structures
    structures = Structures(space)
    plan = Plan(tuple(structures.parts()))
    for part in plan.all:
        if any(total.bound() > MOST for total in part.totals.values()):
            design = part.largest()
            spread_out(plan.parts(design), lengths(design))
    return plan, structures


def _sample(space: Space) -> Space:
    """The space of a few values of each numeric axis, the first and the last among them."""
    numeric = [one for one in space.axes if one.numeric]
    few = max(2, int(_LOOK ** (1 / max(1, len(numeric)))))
    axes = tuple(one.take(_spread_over(len(one.values), few)) if one.numeric else one for one in space.axes)
    return replace(space, axes=axes)


def _spread_over(length: int, few: int) -> Sequence[int]:
    return range(length) if length <= few else [i * (length - 1) // (few - 1) for i in range(few)]


def _is_light(space: Space, samples: Iterator[Part]) -> bool:
    """Whether the parts of a whole space take little memory, told from those of a sample of it."""
    held = 0
    for part in samples:
        arrays = [*part.masks, *(factor for total in part.totals.values() for term in total.terms for factor in term)]
        full = [prod(n for n, m in zip(space.shape, array.shape, strict=True) if m > 1) for array in arrays]
        # an axis of one place in the sample is one whose every value is a structure
        structures = prod(
            n for n, at in zip(space.shape[1:], part.at[1:], strict=True) if n > 1 and at.stop - at.start == 1
        )
        held += 8 * sum(full) * structures
        if max(full, default=0) > _LARGE or held > _HELD:
            return False
    return True


def chunk_lengths(space: Space, chunks: Chunks) -> tuple[int, ...]:
    """The lengths of a chunk of a space. Raises CsncostError for chunks that are none."""
    if isinstance(chunks, Mapping):
        if unknown := [name for name in chunks if name not in space.dims]:
            raise CsncostError(
                f"chunks names {unknown[0]!s:.40}, which is no dimension", f"they are {', '.join(space.dims)}"
            )
        wanted = {name: chunks.get(name, -1) for name in space.dims}
        if any(type(n) is not int or n < -1 or n == 0 for n in wanted.values()):
            raise CsncostError("the length of a chunk is a whole number, at least 1", "or -1 for the whole dimension")
        one = space.shape if space.labels is not None else space.shape[1:]
        found = tuple(n if w == -1 else min(w, n) for w, n in zip(wanted.values(), one, strict=True))
        return found if space.labels is not None else (1, *found)
    most = AUTO if chunks == "auto" else chunks
    if type(most) is not int or most < 1:
        raise CsncostError(
            f"chunks cannot be {chunks!r:.40}", 'it is "auto", a number of designs, or {dimension: length}'
        )
    return _halved(space.shape, most)


def _halved(shape: Sequence[int], most: int) -> tuple[int, ...]:
    """The lengths of a chunk of at most so many designs: the longest dimension is halved until they are few enough."""
    found = list(shape)
    while prod(found) > most:
        longest = found.index(max(found))
        found[longest] = ceil(found[longest] / 2)
    return tuple(found)


def chunks_of(shape: Sequence[int], chunk: Sequence[int]) -> Iterator[Chunk]:
    """The chunks of a space in order."""
    for corner in product(*(range(0, n, step) for n, step in zip(shape, chunk, strict=True))):
        yield tuple(slice(i, min(i + step, n)) for i, step, n in zip(corner, chunk, shape, strict=True))
