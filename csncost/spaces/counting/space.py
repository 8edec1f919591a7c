"""Design spaces: some specs, and the axes along which they are varied."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod
from pathlib import Path
from typing import Any

from csncost.costs.analyze import shown
from csncost.costs.conventions.named import Convention
from csncost.costs.conventions.named import convention as find_convention
from csncost.errors import CsncostError, MissingExtra
from csncost.lang.given import SETTING, SpecLike, read
from csncost.lang.syntax import Spec
from csncost.spaces.counting.axes import MAX_DESIGNS, Axis, axis, is_swept
from csncost.spaces.counting.chunks import Chunk, Chunks, lengths_of

LARGE = 2**22
"""Designs that are worked on in chunks, whether or not that is asked for."""


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
        """The number of specs, and of values of each axis."""
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
        axes = tuple([one.take(range(len(one.values))[piece]) for one, piece in zip(self.axes, rest, strict=True)])
        return replace(self, specs=self.specs[at], labels=None if self.labels is None else self.labels[at], axes=axes)

    def chunk_lengths(self, chunks: Chunks) -> tuple[int, ...]:
        """The lengths of its chunks. Raises CsncostError for chunks that are none."""
        sizes = dict(zip(self.names, self.shape, strict=True))
        found = lengths_of({name: sizes[name] for name in self.dims}, chunks)
        return found if self.labels is not None else (1, *found)

    def refuse_size(self) -> None:
        """Raise CsncostError for a space that memory should not hold."""
        if prod(self.shape) > MAX_DESIGNS:
            raise CsncostError(
                f"a space of {prod(self.shape):,} designs ({' x '.join(map(str, self.shape))})",
                f"sweep at most {MAX_DESIGNS:,}, or give chunks",
            )


def space_of(specs: Any, convention: str | Convention, given: Mapping[str, Any]) -> Space:
    """The space that arguments of `sweep` describe. Raises as it does for what can be told at once."""
    counting = find_convention(convention)
    texts = _texts(specs)
    order = [*(name for name in given if name not in SETTING), *(name for name in SETTING if name in given)]
    given = {name: given[name] for name in order if given[name] is not None}
    axes = tuple([axis(name, values) for name, values in given.items() if is_swept(name, values)])
    fixed = {name: value for name, value in given.items() if not is_swept(name, value)}
    labels = _labels(texts) if isinstance(specs, (list, tuple)) else None
    try:
        import numpy  # noqa: F401 - what is done with a space needs it
    except ImportError:
        raise MissingExtra("numpy", "arrays") from None
    return Space(texts, labels, axes, fixed, counting)


def _texts(specs: Any) -> tuple[SpecLike, ...]:
    if isinstance(specs, (str, Path, Spec)):
        return (read(specs),)
    if not isinstance(specs, (list, tuple)) or not specs:
        raise CsncostError("sweep takes a spec, or a list of them")
    return tuple(map(read, specs))


def _labels(specs: Sequence[SpecLike]) -> tuple[str, ...]:
    labels = tuple(map(shown, specs))
    if len(set(labels)) < len(labels):
        raise CsncostError("a spec is given twice", "give each once")
    return labels


def in_chunks(
    specs: Sequence[SpecLike], given: Mapping[str, Any], chunks: Chunks | None, scheduler: str | None
) -> Space | None:
    """The space of some specs if it is to be worked on in chunks: where that is asked for, and where it is large."""
    asked = chunks is not None or scheduler is not None
    if not specs:
        if asked:
            raise CsncostError("the paper's study is small, and not cut into chunks", "name a SPEC to sweep")
        return None
    others = {name: value for name, value in given.items() if name != "convention"}
    space = space_of(list(specs) if len(specs) > 1 else specs[0], given.get("convention", "paper"), others)
    return space if asked or prod(space.shape) > LARGE else None
