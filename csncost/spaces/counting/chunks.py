"""Chunks of a space: pieces of bounded size that are worked on at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from math import ceil, prod
from typing import TypeAlias

from csncost.errors import CsncostError

Chunk: TypeAlias = tuple[slice, ...]
"""A piece of a space: a slice of each of its dimensions."""

Chunks: TypeAlias = int | str | Mapping[str, int]
"""The way a space is cut: "auto", the greatest number of designs in a chunk, or the length of chunks by dimension."""

AUTO = 2**21
"""Designs of a chunk where nothing else is said: 70 MB."""


def shape_of(chunk: Chunk) -> tuple[int, ...]:
    """The lengths of a chunk along each dimension."""
    return tuple([at.stop - at.start for at in chunk])


def whole(shape: Sequence[int]) -> Chunk:
    """The chunk that is all of a space."""
    return tuple(slice(0, n) for n in shape)


def relative(chunk: Chunk, corner: Chunk) -> Chunk:
    """A chunk as seen from the corner of another."""
    return tuple([slice(a.start - b.start, a.stop - b.start) for a, b in zip(chunk, corner, strict=True)])


def absolute(chunk: Chunk, corner: Chunk) -> Chunk:
    """A chunk that was seen from the corner of another."""
    return tuple([slice(a.start + b.start, a.stop + b.start) for a, b in zip(chunk, corner, strict=True)])


def chunks_of(shape: Sequence[int], lengths: Sequence[int]) -> Iterator[Chunk]:
    """The chunks of some lengths that make up a space, in order."""
    for corner in product(*(range(0, n, step) for n, step in zip(shape, lengths, strict=True))):
        yield tuple([slice(i, min(i + step, n)) for i, step, n in zip(corner, lengths, shape, strict=True)])


def lengths_in_order(shape: Sequence[int], most: int) -> tuple[int, ...]:
    """The lengths of chunks of at most so many designs that hold the designs of a space in order.

    >>> lengths_in_order((4, 10, 5), 20)
    (1, 4, 5)
    """
    for i, n in enumerate(shape):
        inner = prod(shape[i + 1 :])
        if inner <= most:
            return (*(1 for _ in shape[:i]), max(1, min(n, most // max(inner, 1))), *shape[i + 1 :])
    return tuple(shape)


def lengths_of(sizes: Mapping[str, int], chunks: Chunks) -> tuple[int, ...]:
    """The lengths of chunks of a space, given its sizes by dimension. Raises CsncostError for chunks that are none."""
    if isinstance(chunks, Mapping):
        return _named_lengths(sizes, chunks)
    most = AUTO if chunks == "auto" else chunks
    if type(most) is not int or most < 1:
        raise CsncostError(
            f"chunks cannot be {chunks!r:.40}", 'it is "auto", a number of designs, or {dimension: length}'
        )
    found = list(sizes.values())
    while prod(found) > most:
        longest = found.index(max(found))
        found[longest] = ceil(found[longest] / 2)
    return tuple(found)


def _named_lengths(sizes: Mapping[str, int], chunks: Mapping[str, int]) -> tuple[int, ...]:
    """The lengths by dimension, in the order of the dimensions; the whole dimension where none is given, or -1."""
    if unknown := [name for name in chunks if name not in sizes]:
        raise CsncostError(f"chunks names {unknown[0]!s:.40}, which is no dimension", f"they are {', '.join(sizes)}")
    if any(type(n) is not int or n < -1 or n == 0 for n in chunks.values()):
        raise CsncostError("the length of a chunk is a whole number, at least 1", "or -1 for the whole dimension")
    return tuple([n if chunks.get(name, -1) == -1 else min(chunks[name], n) for name, n in sizes.items()])
