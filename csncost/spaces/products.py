"""Sums of products of small arrays: what a design space costs before it is spread over all of its dimensions.

A layer's FLOPs are its weights, which know the groups and the width, times its volume, which knows the clip. Kept as
factors, the layers of one resolution add up while they are small, and a space of 10^7 designs is written once.
Arrays have one axis for each dimension of the space, of length 1 where they do not depend on it; in the place of
64-bit ints that would wrap around they hold Python's own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import fields, replace
from functools import reduce
from math import prod
from typing import Any, TypeAlias

import numpy as np

from csncost.network.graph import Graph, Node
from csncost.network.sizes import Size

Array: TypeAlias = np.ndarray[Any, Any]

Chunk: TypeAlias = tuple[slice, ...]
"""A part of a space: a slice of each of its dimensions."""

MOST = 2**63 - 1
"""The greatest 64-bit int."""

_HUGE = 2**1000
"""Beyond every total, and yet a float."""

_PIECE = 1 << 17
"""Elements that are worked on at a time, so that they stay in the processor's cache."""


class Factored:
    """A sum of products; the factors of a product are arrays that share no dimension."""

    __slots__ = ("terms",)

    def __init__(self, terms: Sequence[tuple[Array, ...]]) -> None:
        self.terms = tuple(terms)

    @staticmethod
    def constant(value: int, shape: tuple[int, ...]) -> Factored:
        """One number everywhere, as an array of that shape."""
        return Factored([(np.full(shape, value, np.int64 if abs(value) <= MOST else object),)])

    def __add__(self, other: Any) -> Factored:
        if not isinstance(other, Factored):
            return self if _is_zero(other) else self + _constant(other, self)
        terms = list(self.terms)
        for term in other.terms:
            _add_term(terms, term)
        return Factored(terms)

    __radd__ = __add__

    def __sub__(self, other: Any) -> Factored:
        negative: Factored = other * -1
        return self + negative

    def __mul__(self, other: Any) -> Factored:
        if not isinstance(other, Factored):
            return self if _is_one(other) else self * _constant(other, self)
        terms: list[tuple[Array, ...]] = []
        for a in self.terms:
            for b in other.terms:
                _add_term(terms, _product(a, b))
        return Factored(terms)

    __rmul__ = __mul__

    def __floordiv__(self, other: Any) -> Factored:
        return Factored([(self.small() // (other.small() if isinstance(other, Factored) else other),)])

    def __rfloordiv__(self, other: Any) -> Factored:
        divided: Array = other // self.small()
        return Factored([(divided,)])

    def small(self) -> Array:
        """The value as one array; for sizes, which depend on few names."""
        return reduce(_plus, (reduce(_times, term) for term in self.terms))

    def bound(self) -> int:
        """An exact int that no element exceeds in magnitude."""
        return sum(map(_bound, self.terms))

    def fill(self, out: Array) -> None:
        """Write the value to every element of `out`, an array of all dimensions, modulo 2**64 where it has 64 bits."""
        terms = [tuple(_as(factor, out.dtype) for factor in term) for term in self.terms if _bound(term)]
        spanned = np.broadcast_shapes((1,) * out.ndim, *(factor.shape for term in terms for factor in term))
        if spanned == out.shape:
            for piece in _pieces(out.shape):
                _fill_piece(terms, piece, out[piece])
        else:  # over fewer dimensions first
            narrow = np.empty(spanned, out.dtype)
            self.fill(narrow)
            out[...] = narrow

    def fits(self, where: Array) -> bool:
        """Whether 64 bits hold every element where `where` is true; those within 1e-9 of too many count as too many."""
        if self.bound() <= MOST:
            return True
        sizes = Factored([tuple(abs(_as(factor, np.dtype(float))) for factor in term) for term in self.terms])
        with np.errstate(over="ignore", invalid="ignore"):  # only where there is no design
            return all(
                np.max(sizes.cut(piece).filled(where[piece].shape), where=where[piece], initial=0) < MOST * (1 - 1e-9)
                for piece in _pieces(where.shape)
            )

    def filled(self, shape: tuple[int, ...]) -> Array:
        """The value as a new array of floats."""
        out = np.empty(shape)
        self.fill(out)
        return out

    def cut(self, piece: Chunk) -> Factored:
        """The value in a piece of the whole."""
        return Factored([tuple(cut(factor, piece) for factor in term) for term in self.terms])

    def at(self, point: Sequence[Array]) -> Array:
        """The values at some elements, given as an array of indices for each dimension."""
        out = np.zeros(len(point[0]), np.int64)
        for term in self.terms:
            out += reduce(np.multiply, (_as(factor, out.dtype)[_index(factor, point)] for factor in term))
        return out


def _index(factor: Array, point: Sequence[Array]) -> tuple[Any, ...]:
    return tuple(i if n > 1 else 0 for i, n in zip(point, factor.shape, strict=True))


def _as(factor: Array, dtype: np.dtype[Any]) -> Array:
    """A factor as floats, or as 64-bit ints; Python's ints modulo 2**64, so that what fits in the end is exact."""
    if factor.dtype != object:
        return factor.astype(dtype, copy=False)
    if dtype.kind == "f":
        nearly: Array = np.minimum(np.maximum(factor, -_HUGE), _HUGE).astype(dtype)
        return nearly
    wrapped: Array = (factor % 2**64).astype(np.uint64).view(np.int64)
    return wrapped


def _fill_piece(terms: Sequence[tuple[Array, ...]], piece: Chunk, out: Array) -> None:
    """Write a sum of products to a piece of the whole; what spans few dimensions is added up before it is spread."""
    cuts = [[cut(factor, piece) for factor in term] for term in terms]
    cuts.sort(key=lambda term: prod(np.broadcast_shapes(*(factor.shape for factor in term))))
    products = (reduce(np.multiply, sorted(term, key=lambda factor: factor.size)) for term in cuts[:-1])
    rest = reduce(np.add, products, np.zeros((1,) * out.ndim, out.dtype))
    last = reduce(np.multiply, cuts[-1]) if cuts else rest
    np.add(rest, last, out=out)


def cut(factor: Array, piece: Chunk) -> Array:
    """The part of an array that a piece of the whole needs, where it depends on a dimension."""
    return factor[tuple(at if length > 1 else slice(None) for at, length in zip(piece, factor.shape, strict=True))]


def _pieces(shape: tuple[int, ...]) -> Iterator[Chunk]:
    """A space cut along its first dimensions into pieces of bounded size."""
    inner = prod(shape[1:])
    if not shape or prod(shape) <= _PIECE:
        yield tuple(map(slice, shape))
    elif inner >= _PIECE:
        for i in range(shape[0]):
            for rest in _pieces(shape[1:]):
                yield slice(i, i + 1), *rest
    else:
        step = max(1, _PIECE // max(inner, 1))
        for i in range(0, shape[0], step):
            yield slice(i, min(i + step, shape[0])), *map(slice, shape[1:])


def _product(a: tuple[Array, ...], b: tuple[Array, ...]) -> tuple[Array, ...]:
    """The factors of a product: those that share a dimension multiplied, the others side by side."""
    found = list(a)
    for factor in b:
        near = [other for other in found if _overlap(factor, other)]
        found = [other for other in found if not _overlap(factor, other)]
        found.append(reduce(_times, near, factor))
    return _scaled(found)


def _scaled(factors: list[Array]) -> tuple[Array, ...]:
    """The factors in order of their dimensions, a constant put into the first."""
    constants = [factor for factor in factors if factor.size == 1]
    others = sorted((factor for factor in factors if factor.size != 1), key=_spans)
    if not others:
        return (reduce(_times, constants),)
    return (reduce(_times, constants, others[0]), *others[1:])


def _add_term(terms: list[tuple[Array, ...]], term: tuple[Array, ...]) -> None:
    """Add a product to a sum: to one that differs in one factor over the same dimensions, or as one more."""
    for i, known in enumerate(terms):
        if [_spans(factor) for factor in known] == [_spans(factor) for factor in term]:
            differing = [j for j, (a, b) in enumerate(zip(known, term, strict=True)) if not _same(a, b)]
            if len(differing) <= 1:
                j = differing[0] if differing else 0
                terms[i] = (*known[:j], _plus(known[j], term[j]), *known[j + 1 :])
                return
    terms.append(term)


def _spans(array: Array) -> tuple[int, ...]:
    """The dimensions that an array depends on."""
    return tuple(axis for axis, length in enumerate(array.shape) if length > 1)


def _overlap(a: Array, b: Array) -> bool:
    return any(m > 1 and n > 1 for m, n in zip(a.shape, b.shape, strict=True))


def _same(a: Array, b: Array) -> bool:
    return a is b or (a.shape == b.shape and bool(np.array_equal(a, b)))


def _constant(value: int, like: Factored) -> Factored:
    return Factored.constant(value, (1,) * like.terms[0][0].ndim)


def _is_zero(value: Any) -> bool:
    return isinstance(value, int) and value == 0


def _is_one(value: Any) -> bool:
    return isinstance(value, int) and value == 1


def _greatest(array: Array) -> int:
    """The greatest magnitude in an array, an exact int."""
    return max(abs(int(array.min())), abs(int(array.max())))


def _bound(term: tuple[Array, ...]) -> int:
    return prod(map(_greatest, term))


def _plus(a: Array, b: Array) -> Array:
    if _greatest(a) + _greatest(b) <= MOST:
        return a + b
    found: Array = a.astype(object) + b.astype(object)
    return found


def _times(a: Array, b: Array) -> Array:
    if _greatest(a) * _greatest(b) <= MOST:
        return a * b
    found: Array = a.astype(object) * b.astype(object)
    return found


def factored(graph: Graph, wrap: Callable[[Size], Size]) -> Graph:
    """A graph with every size in it wrapped."""
    return replace(
        graph, inputs=tuple(map(_wrapper(wrap), graph.inputs)), nodes=tuple(_node(node, wrap) for node in graph.nodes)
    )


def _node(node: Node, wrap: Callable[[Size], Size]) -> Node:
    inner = _wrapper(wrap)
    if isinstance(node.op, Graph):
        op: Any = factored(node.op, wrap)
    else:
        op = replace(node.op, **{item.name: inner(getattr(node.op, item.name)) for item in fields(node.op)})
    return replace(node, op=op, output=inner(node.output), copies=wrap(node.copies))


def _wrapper(wrap: Callable[[Size], Size]) -> Callable[[Any], Any]:
    return lambda value: tuple(map(wrap, value)) if isinstance(value, tuple) else wrap(value)


def spread(masks: Iterable[Array], out: Array) -> None:
    """Write to `out` where all masks hold."""
    out[...] = True
    for mask in sorted(masks, key=lambda mask: mask.size):
        np.logical_and(out, mask, out=out)
