"""Structures of a design space, lowered: values that decide the structure (numbers of blocks, words, lists) one by one.

Sizes are lowered as small arrays, each over the few dimensions it depends on, by the same lines that lower ints and
symbols.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from functools import cached_property
from itertools import islice
from typing import Any

import numpy as np

from csncost.costs.analyze import resolve, shown
from csncost.costs.count import costs
from csncost.errors import CsncostError, MissingExtra, Span, SpecError, Undecided
from csncost.lang.given import SETTING, literal, not_literal, sizes
from csncost.lang.lower.stages import lower
from csncost.lang.printer import print_value
from csncost.network.graph import Network
from csncost.network.sizes import Size
from csncost.spaces.counting.axes import Axis
from csncost.spaces.counting.chunks import Chunk, relative
from csncost.spaces.counting.factored import Array, Factored, bound_of, cut
from csncost.spaces.counting.space import Space

MAX_LOWERINGS = 20_000
"""Networks of different structure in one space."""


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

    def largest(self) -> Chunk:
        """The one design that is likely to cost most, as a chunk."""
        terms = [term for value in self.metrics.values() for term in value.terms]
        corner = [at.start for at in self.at]
        for factor in max(terms, key=bound_of):
            index = np.unravel_index(int(factor.argmax()), factor.shape)
            corner = [start + int(i) for start, i in zip(corner, index, strict=True)]
        return tuple([slice(i, i + 1) for i in corner])


class Structures:
    """Lowers a space, and notes the clips and classes of its networks."""

    def __init__(self, space: Space) -> None:
        self.space = space
        self.clips: set[str] = set()
        self.classes: set[Any] = set()
        self.lowered = 0

    def parts(self, most: int | None = None) -> Iterator[Part]:
        """A part for each structure that is a network, or for the first ones of each spec.

        Raises the SpecError of a spec of which none is.
        """
        for i in range(len(self.space.specs)):
            faults = list[SpecError]()
            found = list(islice(self.of_spec(i, faults), most))
            if not found:
                raise faults[0]
            yield from found

    def of_spec(self, spec: int, faults: list[SpecError]) -> Iterator[Part]:
        """The parts of one spec; why others are no networks is added to `faults`."""
        yield from self._of(spec, {}, faults)

    def _of(self, spec: int, chosen: dict[str, int], faults: list[SpecError]) -> Iterator[Part]:
        """The designs with the chosen values, and with all values of the other axes."""
        if self.lowered >= MAX_LOWERINGS:
            raise CsncostError(
                f"a space of more than {MAX_LOWERINGS:,} networks of different structure",
                "sweep fewer values of what decides the structure",
            )
        try:
            network = self._network(spec, chosen)
        except SpecError as fault:
            if hinge := self._hinge(fault, chosen):
                for i in range(len(hinge.values)):
                    yield from self._of(spec, {**chosen, hinge.name: i}, faults)
                return
            self.lowered += 1
            faults.append(fault)
        else:
            self.lowered += 1
            self._note(network)
            yield self._part(network, spec, chosen)

    def _hinge(self, fault: SpecError, chosen: Mapping[str, int]) -> Axis | None:
        """The axis whose values are to be lowered one by one."""
        if not isinstance(fault, Undecided) or not fault.names:
            return None
        open_axes = [one for one in self.space.axes if one.name not in chosen]
        named = [one for one in open_axes if one.name in fault.names]
        clip = [one for one in open_axes if one.name in SETTING]  # the text has names of its own for its axes
        return next(iter([*named, *clip]), None)

    def _network(self, spec: int, chosen: Mapping[str, int]) -> Network:
        """A network of arrays and of chosen values. Raises SpecError; Undecided where a value is to be chosen first."""
        given = dict(self.space.fixed)
        for one in self.space.axes:
            if one.name not in chosen and not one.numeric:
                raise Undecided(f"{one.name} decides the structure", names=(one.name,))
            given[one.name] = one.values[chosen[one.name]] if one.name in chosen else self._arrays[one.name]
        setting = sizes(**{name: given.pop(name, None) for name in SETTING})
        return lower(resolve(self.space.specs[spec], given, setting), not_literal(given), **setting)

    @cached_property
    def _arrays(self) -> dict[str, Any]:
        """The values of the numeric axes as labelled arrays, or two for pairs."""
        try:
            from xarray import Variable
        except ImportError:
            raise MissingExtra("xarray", "arrays") from None
        return {one.name: _labelled(one, Variable) for one in self.space.axes if one.numeric}

    def _part(self, network: Network, spec: int, chosen: Mapping[str, int]) -> Part:
        """The place of a network of arrays in the space, and its metrics."""
        shape = self.space.shape
        places = [chosen.get(one.name) for one in self.space.axes]
        at = [slice(0, n) if i is None else slice(i, i + 1) for i, n in zip((spec, *places), shape, strict=True)]
        graph = _each_size(network.graph, lambda size: Factored([(self._array(size),)]) if _is_array(size) else size)
        return Part(
            tuple(at),
            (*map(self._array, network.masks), *self._absences(at)),
            {
                name: value if isinstance(value, Factored) else Factored.constant(value, len(shape))
                for name, value in costs(graph, self.space.convention).items()
            },
        )

    def _array(self, value: Any) -> Array:
        """A labelled array with an axis for each dimension of the space."""
        axes = self.space.axes
        ordered = value.transpose(*(one.name for one in axes if one.name in value.dims))
        found: Array = ordered.values.reshape(1, *(len(one.values) if one.name in value.dims else 1 for one in axes))
        return found

    def _absences(self, at: Sequence[slice]) -> Iterator[Array]:
        """Masks of the numbers that no network can have."""
        for i, one in enumerate(self.space.axes, start=1):
            if one.absent:
                there = np.array([j not in one.absent for j in range(len(one.values))[at[i]]])
                yield np.expand_dims(there, [j for j in range(len(at)) if j != i])

    def _note(self, network: Network) -> None:
        """Keep what the outputs are stamped with: a size, or the name of the dimension it varies along."""
        self.clips.add("x".join(map(_said, network.clip)))
        classes = network.classes
        self.classes.add(classes if isinstance(classes, int) else _said(classes))

    def attributes(self) -> dict[str, Any]:
        """The stamp of a result, as far as the space was lowered."""
        one = {} if self.space.labels is not None else {"spec": shown(self.space.specs[0])}
        return {
            **one,
            "convention": self.space.convention.name,
            "counting": str(self.space.convention),
            "clip": next(iter(self.clips)) if len(self.clips) == 1 else "varies",
            "classes": next(iter(self.classes)) if len(self.classes) == 1 else "varies",
            "views": 1,
            "given": json.dumps({name: _text(name, value) for name, value in self.space.fixed.items()}),
        }


def _labelled(one: Axis, array: Any) -> Any:
    """The values of an axis as a labelled array, or two for pairs; in the place of absent ones there is any other."""
    some = next((value for i, value in enumerate(one.values) if i not in one.absent), 1)
    values = [some if i in one.absent else value for i, value in enumerate(one.values)]
    if isinstance(some, tuple):
        return tuple([array(one.name, list(column)) for column in zip(*values, strict=True)])
    return array(one.name, np.array(values, "int64" if all(type(value) is int for value in values) else object))


def _is_array(value: Any) -> bool:
    return hasattr(value, "dims")


def _each_size(value: Any, change: Callable[[Size], Size]) -> Any:
    """A graph, or anything in one, with every size in it changed."""
    if isinstance(value, tuple):
        return tuple([_each_size(item, change) for item in value])
    if is_dataclass(value) and not isinstance(value, (Span, type)):
        inner = {item.name: getattr(value, item.name) for item in fields(value) if item.init}
        return replace(value, **{name: _each_size(item, change) for name, item in inner.items()})
    return change(value)


def _text(name: str, value: Any) -> str:
    """A value as the language has it, or of a size as `112x160`."""
    if name == "size" and isinstance(value, Sequence):
        return "x".join(map(str, value))
    return print_value(literal(name, value))


def _said(size: Any) -> str:
    return "*".join(size.dims) if _is_array(size) else str(size)
