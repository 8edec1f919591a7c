"""The structures of a design space, lowered: what decides the structure (blocks, words, lists) one value at a time.

Sizes are lowered as small arrays, each over the few dimensions it depends on, by the same lines that lower ints and
symbols.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import product
from typing import Any

import numpy as np

from csncost.costs.analyze import resolve, shown
from csncost.costs.conventions import Convention
from csncost.costs.count import costs
from csncost.errors import CsncostError, MissingExtra, SpecError, Undecided
from csncost.lang.given import SETTING, SpecLike, literal, not_literal, python_number, sizes
from csncost.lang.lower.stages import lower
from csncost.lang.printer import print_value
from csncost.network.graph import Network
from csncost.spaces.axes import Axis, arguments, setting_of
from csncost.spaces.parts import Part, lengths
from csncost.spaces.products import Array, Chunk, Factored, factored

MAX_LOWERINGS = 20_000
"""Networks of different structure in one space."""


@dataclass(frozen=True)
class Space:
    """Specs, and the axes that are varied of them; `labels` name the specs where they are a dimension."""

    specs: tuple[SpecLike, ...]
    labels: tuple[str, ...] | None
    axes: tuple[Axis, ...]
    fixed: Mapping[str, Any]
    convention: Convention

    @property
    def shape(self) -> tuple[int, ...]:
        """How many specs, and how many values of each axis."""
        return (len(self.specs), *(len(one.values) for one in self.axes))

    @property
    def names(self) -> tuple[str, ...]:
        """The specs, and each axis."""
        return ("spec", *(one.name for one in self.axes))

    @property
    def dims(self) -> tuple[str, ...]:
        """The dimensions of a result."""
        return self.names[1:] if self.labels is None else self.names

    def coordinates(self) -> dict[str, list[Any]]:
        """The labels along each dimension."""
        found = {one.name: list(one.labels) for one in self.axes}
        return found if self.labels is None else {**found, "spec": list(self.labels)}

    def cut(self, chunk: Chunk) -> Space:
        """The space of a chunk of its designs."""
        at, *rest = chunk
        axes = tuple(
            one.take(range(*piece.indices(len(one.values)))) for one, piece in zip(self.axes, rest, strict=True)
        )
        return replace(self, specs=self.specs[at], labels=None if self.labels is None else self.labels[at], axes=axes)


class Structures:
    """Lowers a space, and notes what its results are stamped with."""

    def __init__(self, space: Space) -> None:
        self.space = space
        self.clips: set[str] = set()
        self.classes: set[Any] = set()
        self.depths: list[tuple[Chunk, Array]] = []
        self.lowered = 0

    def parts(self) -> Iterator[Part]:
        """A part for each structure that is a network. Raises the SpecError of a spec of which none is."""
        for i in range(len(self.space.specs)):
            faults, before = list[SpecError](), self.lowered
            yield from self.of_spec(i, faults)
            if len(faults) == self.lowered - before:
                raise faults[0]

    def samples(self) -> Iterator[Part]:
        """The first part of each spec. Raises the SpecError of a spec that has none."""
        for i in range(len(self.space.specs)):
            faults = list[SpecError]()
            part = next(self.of_spec(i, faults), None)
            if part is None:
                raise faults[0]
            yield part

    def of_spec(self, spec: int, faults: list[SpecError]) -> Iterator[Part]:
        """The parts of one spec; why others are no networks is added to `faults`."""
        structural = [one for one in self.space.axes if not one.numeric]
        for point in product(*(range(len(one.values)) for one in structural)):
            yield from self._of(spec, dict(zip((one.name for one in structural), point, strict=True)), faults)

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
        given = {**self.space.fixed, **arguments(self.space.axes, chosen, self._arrays)}
        setting = _setting({name: given.pop(name, None) for name in SETTING})
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
        """Where a network of arrays stands in the space, and what it costs."""
        graph = factored(
            network.graph, lambda size: Factored([(self._array(size),)]) if hasattr(size, "dims") else size
        )
        totals = costs(graph, self.space.convention)
        one = (1,) * len(self.space.shape)
        part = Part(
            at=(slice(spec, spec + 1), *(_place(one, chosen) for one in self.space.axes)),
            masks=(*map(self._array, network.masks), *self._absences(chosen)),
            totals={k: v if isinstance(v, Factored) else Factored.constant(v, one) for k, v in totals.items()},
        )
        self.depths.append((part.at, part.totals["depth"].small()))
        return part

    def _array(self, value: Any) -> Array:
        """A labelled array with an axis for each dimension of the space."""
        axes = self.space.axes
        ordered = value.transpose(*(one.name for one in axes if one.name in value.dims))
        found: Array = ordered.values.reshape(1, *(len(one.values) if one.name in value.dims else 1 for one in axes))
        return found

    def _absences(self, chosen: Mapping[str, int]) -> Iterator[Array]:
        """Masks of values that stand in for others."""
        for i, one in enumerate(self.space.axes, start=1):
            if one.absent:
                at = range(len(one.values))[_place(one, chosen)]
                yield np.array([j not in one.absent for j in at]).reshape(
                    [len(at) if j == i else 1 for j in range(len(self.space.shape))]
                )

    def _note(self, network: Network) -> None:
        """Keep what the outputs are stamped with: a size, or the name of the dimension it varies along."""
        size, *axes = map(_said, network.clip)
        self.clips.add("x".join([size, *axes]))
        classes = network.classes
        self.classes.add(classes if isinstance(classes, int) else _said(classes))

    def depth(self) -> tuple[list[str], Array]:
        """Weighted layers, along the dimensions that decide them: few, and not the clip."""
        shape = self.space.shape
        decides = [any(lengths(at)[i] < n or d.shape[i] > 1 for at, d in self.depths) for i, n in enumerate(shape)]
        found = np.zeros([n if one else 1 for n, one in zip(shape, decides, strict=True)], np.int64)
        for at, depth in self.depths:
            found[tuple(some if one else slice(None) for some, one in zip(at, decides, strict=True))] = depth
        decides[0] = self.space.labels is not None
        kept = [(name, n) for name, n, one in zip(self.space.names, shape, decides, strict=True) if one]
        return [name for name, _ in kept], found.reshape([n for _, n in kept])

    def attributes(self) -> dict[str, Any]:
        """What a result is stamped with, as far as the space was lowered."""
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
    """The values of an axis as a labelled array, or two for pairs."""
    if isinstance(one.values[0], tuple):
        return tuple(array(one.name, list(column)) for column in zip(*one.values, strict=True))
    whole = all(type(value) is int for value in one.values)
    return array(one.name, np.array(one.values, "int64" if whole else object))


def _setting(given: dict[str, Any]) -> dict[str, Any]:
    if isinstance(given["size"], tuple) or hasattr(given["size"], "dims"):
        return setting_of(**{name: python_number(value) for name, value in given.items()})
    return sizes(**given)


def _place(one: Axis, chosen: Mapping[str, int]) -> slice:
    return slice(chosen[one.name], chosen[one.name] + 1) if one.name in chosen else slice(0, len(one.values))


def _text(name: str, value: Any) -> str:
    """A value as the language has it, or of a size as `112x160`."""
    if name == "size" and isinstance(value, Sequence):
        return "x".join(map(str, value))
    return print_value(literal(name, value))


def _said(size: Any) -> str:
    return "*".join(size.dims) if hasattr(size, "dims") else str(size)
