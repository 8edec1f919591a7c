"""Factored form: numbers over a space as sums of products of small arrays, written out last.

A layer's FLOPs are its weights, which know the groups and the width, times its volume, which knows the clip. Kept as
factors, the layers of one resolution add up while they are small, and a space of 10^7 designs is written once. Arrays
have one axis for each dimension of the space, of length 1 where they do not depend on it. Ints that 64 bits might not
hold are Python's own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial, reduce
from math import prod
from operator import add, mul
from typing import Any, TypeAlias

import numpy as np

from csncost.spaces.counting.chunks import Chunk, chunks_of, lengths_in_order

Array: TypeAlias = np.ndarray[Any, Any]
Factors: TypeAlias = tuple[Array, ...]

MOST = 2**63 - 1
"""The greatest 64-bit int."""

_HUGE = 2**1000
"""Beyond every total, and yet a float."""

_CACHED = 2**17
"""Elements that are worked on at a time, so that they stay in the processor's cache."""


class Factored:
    """A sum of products; the factors of a product are arrays that share no dimension."""

    __slots__ = ("terms",)

    def __init__(self, terms: Sequence[Factors]) -> None:
        self.terms = tuple(terms)

    @staticmethod
    def constant(value: int, dimensions: int) -> Factored:
        """One number everywhere."""
        return Factored([(np.full((1,) * dimensions, value, np.int64 if abs(value) <= MOST else object),)])

    def _alike(self, other: Any) -> Factored:
        """Another value in factored form, too."""
        return other if isinstance(other, Factored) else Factored.constant(other, self.terms[0][0].ndim)

    def __add__(self, other: Any) -> Factored:
        if isinstance(other, int) and other == 0:
            return self
        terms = list(self.terms)
        for term in self._alike(other).terms:
            _add_term(terms, term)
        return Factored(terms)

    __radd__ = __add__

    def __sub__(self, other: Any) -> Factored:
        negative: Factored = other * -1
        return self + negative

    def __mul__(self, other: Any) -> Factored:
        if isinstance(other, int) and other == 1:
            return self
        terms: list[Factors] = []
        for a in self.terms:
            for b in self._alike(other).terms:
                _add_term(terms, _product(a, b))
        return Factored(terms)

    __rmul__ = __mul__

    def __floordiv__(self, other: Any) -> Factored:
        return Factored([(self.dense() // self._alike(other).dense(),)])

    def __rfloordiv__(self, other: Any) -> Factored:
        return self._alike(other) // self

    def dense(self) -> Array:
        """The value as one array; for sizes, which depend on few names."""
        return reduce(_plus, (reduce(_times, term) for term in self.terms))

    def bound(self) -> int:
        """An exact int that no element exceeds in magnitude."""
        return sum(map(bound_of, self.terms))

    def cut(self, chunk: Chunk) -> Factored:
        """The value in a chunk of the space."""
        return Factored([tuple([cut(factor, chunk) for factor in term]) for term in self.terms])

    def write(self, out: Array, valid: Array | None = None) -> None:
        """Write the value to every element of `out`, modulo 2**64 where it has 64 bits, and 0 where not `valid`."""
        terms = [[_as(factor, out.dtype) for factor in term] for term in self.terms if bound_of(term)]
        for chunk in chunks_of(out.shape, lengths_in_order(out.shape, _CACHED)):
            here = out[chunk]
            _write_sum((reduce(np.multiply, [cut(factor, chunk) for factor in term]) for term in terms), here)
            if valid is not None:
                np.multiply(here, valid[chunk], out=here)

    def fits(self, valid: Array) -> bool:
        """Tell whether 64 bits hold every `valid` element; one within 1e-9 of too great counts as too great."""
        if self.bound() <= MOST:
            return True
        nearly = np.empty(valid.shape)
        with np.errstate(over="ignore", invalid="ignore"):  # only where there is no design
            Factored([tuple(map(abs, term)) for term in self.terms]).write(nearly)
        return bool(np.max(nearly, where=valid, initial=0) < MOST * (1 - 1e-9))

    def at(self, point: tuple[Array, ...], shape: tuple[int, ...]) -> Array:
        """The values of some elements of an array of that shape, given by their indices along each dimension."""
        out = np.zeros(len(point[0]), np.int64)
        for term in self.terms:
            out += reduce(np.multiply, [np.broadcast_to(_as(factor, out.dtype), shape)[point] for factor in term])
        return out


def cut(factor: Array, chunk: Chunk) -> Array:
    """The part of an array that a chunk needs, where it depends on a dimension."""
    return factor[tuple([at if n > 1 else slice(None) for at, n in zip(chunk, factor.shape, strict=True)])]


def _write_sum(arrays: Iterable[Array], out: Array) -> None:
    """Write the sum of arrays; those of one shape are added up before they are spread over more dimensions."""
    sums: dict[tuple[int, ...], Array] = {}
    for array in arrays:
        sums[array.shape] = sums[array.shape] + array if array.shape in sums else array
    none = np.zeros((1,) * out.ndim, out.dtype)
    *narrow, wide = sorted(sums.values(), key=np.size) or [none]
    np.add(reduce(np.add, narrow, none), wide, out=out)


def _as(factor: Array, dtype: np.dtype[Any]) -> Array:
    """A factor as floats, or as 64-bit ints; Python's ints modulo 2**64, so that what fits in the end is exact."""
    if factor.dtype != object:
        return factor.astype(dtype, copy=False)
    if dtype.kind == "f":
        nearly: Array = np.minimum(np.maximum(factor, -_HUGE), _HUGE).astype(dtype)
        return nearly
    wrapped: Array = (factor % 2**64).astype(np.uint64).view(np.int64)
    return wrapped


def _product(a: Factors, b: Factors) -> Factors:
    """The factors of a product in order: those that share a dimension multiplied, the others side by side."""
    found = list(a)
    for factor in b:
        near = [other for other in found if _overlap(factor, other)]
        found = [other for other in found if not _overlap(factor, other)]
        found.append(reduce(_times, near, factor))
    found.sort(key=_spans)
    while len(found) > 1 and found[0].size == 1:  # a constant goes into another factor
        found[:2] = [_times(*found[:2])]
    return tuple(found)


def _add_term(terms: list[Factors], term: Factors) -> None:
    """Add a product to a sum: to one that differs in one factor over the same dimensions, or as one more."""
    spans = list(map(_spans, term))
    for i, known in enumerate(terms):
        if list(map(_spans, known)) == spans:
            differing = [j for j, (a, b) in enumerate(zip(known, term, strict=True)) if not np.array_equal(a, b)]
            if len(differing) <= 1:
                j = differing[0] if differing else 0
                terms[i] = (*known[:j], _plus(known[j], term[j]), *known[j + 1 :])
                return
    terms.append(term)


def _spans(array: Array) -> tuple[int, ...]:
    """The dimensions that an array depends on."""
    return tuple([axis for axis, length in enumerate(array.shape) if length > 1])


def _overlap(a: Array, b: Array) -> bool:
    return any(m > 1 and n > 1 for m, n in zip(a.shape, b.shape, strict=True))


def _greatest(array: Array) -> int:
    """The greatest magnitude in an array, an exact int."""
    return max(abs(int(array.min())), abs(int(array.max())))


def bound_of(term: Factors) -> int:
    """An exact int that no element of a product exceeds in magnitude."""
    return prod(map(_greatest, term))


def _exact(operator: Callable[[Any, Any], Any], a: Array, b: Array) -> Array:
    """A sum or a product, in Python's ints where 64 bits might not hold it."""
    if operator(_greatest(a), _greatest(b)) > MOST:
        a, b = a.astype(object), b.astype(object)
    found: Array = operator(a, b)
    return found


_plus, _times = partial(_exact, add), partial(_exact, mul)
