"""Costs of a space of any size, a chunk at a time: as arrays over the chunk, or as rows of its legal designs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from math import prod
from typing import Any, TypeAlias

import numpy as np

from csncost.costs.metrics import METRICS, counted
from csncost.errors import CsncostError
from csncost.spaces.counting.chunks import Chunk, absolute, relative, shape_of
from csncost.spaces.counting.factored import MOST, Array
from csncost.spaces.counting.lowering import Part, Structures
from csncost.spaces.counting.space import Space

Columns: TypeAlias = dict[str, Array]
"""Arrays by name: metrics (int64), with `valid` (bool) over a chunk, or with `place` for its legal designs."""

MAX_ARRAY = 2**20
"""Elements of the arrays that are held of a space; with larger ones it is lowered for every chunk."""

_HELD = 2**28
"""Bytes that the parts of a space may take together."""

_SAMPLE = 2**16
"""Designs that are looked at to tell how large the arrays of a space are."""


@dataclass(frozen=True)
class Evaluator:
    """Counts the designs of a space, chunk by chunk.

    The parts are `held`: in factored form, so that 10^9 designs take no more memory than a few thousand. They are None
    where sizes depend on many dimensions at once; the space is then lowered anew for every chunk. `attributes` are the
    stamp of results.
    """

    space: Space
    held: tuple[Part, ...] | None
    attributes: Mapping[str, Any]

    def parts(self, chunk: Chunk) -> Iterator[Part]:
        """The parts that lie in a chunk, cut to it."""
        if self.held is not None:
            yield from filter(None, (part.within(chunk) for part in self.held))
            return
        structures = Structures(self.space.cut(chunk))
        for i in range(len(structures.space.specs)):
            for part in structures.of_spec(i, []):
                yield replace(part, at=absolute(part.at, chunk))

    def arrays(self, chunk: Chunk, names: Iterable[str]) -> Columns:
        """Metrics of every design of a chunk, and which are `valid`; of others they are 0."""
        shape = shape_of(chunk)
        columns: Columns = {name: np.zeros(shape, np.int64) for name in names}
        columns["valid"] = np.zeros(shape, np.bool_)
        for part in self.parts(chunk):
            _write(part, {name: values[relative(part.at, chunk)] for name, values in columns.items()})
        return columns

    def rows(self, chunk: Chunk, names: Sequence[str]) -> Columns:
        """Metrics of the legal designs of a chunk, and their `place`, counted through the whole space, in order."""
        columns = self.arrays(chunk, names)
        valid = columns.pop("valid")
        shape = self.space.shape
        along = [np.arange(at.start, at.stop) * prod(shape[i + 1 :]) for i, at in enumerate(chunk)]
        columns["place"] = reduce(np.add, np.ix_(*along))
        everything = valid.all()
        return {name: values.reshape(-1) if everything else values[valid] for name, values in columns.items()}

    def at(self, places: Array, names: Iterable[str]) -> Columns:
        """Metrics of some legal designs, given by their places."""
        point = np.unravel_index(places, self.space.shape)
        parts: Iterable[Part] = self.held or (part for design in _designs(point) for part in self.parts(design))
        found: Columns = {name: np.zeros(len(places), np.int64) for name in names}
        for part in parts:
            here = np.all([(i >= one.start) & (i < one.stop) for i, one in zip(point, part.at, strict=True)], axis=0)
            if here.any():
                inner = tuple([i[here] - one.start for i, one in zip(point, part.at, strict=True)])
                for name, values in found.items():
                    values[here] = part.metrics[name].at(inner, shape_of(part.at))
        return found

    def of_structures(self) -> dict[str, tuple[list[str], Array]]:
        """Metrics that are no sums over operations, as the depth: along the dimensions that decide them, which are few.

        Only where the parts are held.
        """
        return {name: self._narrow(name) for name in METRICS if name not in counted()}

    def _narrow(self, name: str) -> tuple[list[str], Array]:
        """The dimensions that decide a metric, and an array over them."""
        shape = self.space.shape
        known = [(part.at, part.metrics[name].dense()) for part in self.held or ()]
        decides = [any(shape_of(at)[i] < n or some.shape[i] > 1 for at, some in known) for i, n in enumerate(shape)]
        found = np.zeros([n if one else 1 for n, one in zip(shape, decides, strict=True)], np.int64)
        for at, some in known:
            found[tuple(i if one else slice(None) for i, one in zip(at, decides, strict=True))] = some
        decides[0] = self.space.labels is not None
        kept = [(dim, n) for dim, n, one in zip(self.space.names, shape, decides, strict=True) if one]
        return [dim for dim, _ in kept], found.reshape([n for _, n in kept])


def _designs(point: Sequence[Array]) -> Iterator[Chunk]:
    """A chunk for each design."""
    for at in zip(*(i.tolist() for i in point), strict=True):
        yield tuple([slice(i, i + 1) for i in at])


def _write(part: Part, columns: Columns) -> None:
    """Write a part to its place in arrays; 0 where no design is. Raises CsncostError where 64 bits do not hold it."""
    valid = columns["valid"]
    valid[...] = True
    masks = sorted((mask for mask in part.masks if not mask.all()), key=np.size)
    for mask in masks:
        np.logical_and(valid, mask, out=valid)
    for name in columns.keys() & part.metrics.keys():
        if not part.metrics[name].fits(valid):
            raise CsncostError(
                f"the {name} of designs of this space come to more than 64-bit integers hold",
                "sweep smaller values; analyze is exact at any size",
            )
        part.metrics[name].write(columns[name], valid if masks else None)


def lowered(space: Space) -> Evaluator:
    """The evaluator that holds the parts of a whole space. Raises SpecError as `sweep` does."""
    structures = Structures(space)
    return Evaluator(space, tuple(structures.parts()), structures.attributes())


def evaluator_of(space: Space) -> Evaluator:
    """The evaluator of a space of any size.

    Raises SpecError as `sweep` does; CsncostError where it is clear that 64 bits do not hold a total.
    """
    if prod(len(one.values) for one in space.axes if one.numeric) > MAX_ARRAY:
        structures = Structures(_sample(space))
        if not _is_light(space, structures.parts(most=1)):
            return Evaluator(space, None, structures.attributes())
    found = lowered(space)
    for part in found.held or ():
        if any(value.bound() > MOST for value in part.metrics.values()):
            found.arrays(part.largest(), part.metrics)
    return found


def _sample(space: Space) -> Space:
    """The space of a few values of each numeric axis, the first and the last among them."""
    numeric = [one for one in space.axes if one.numeric]
    few = max(2, int(_SAMPLE ** (1 / len(numeric))))
    return replace(space, axes=tuple([one.few(few) if one.numeric else one for one in space.axes]))


def _is_light(space: Space, samples: Iterator[Part]) -> bool:
    """Tell from a sample of a space whether the parts of the whole take little memory."""
    held = 0
    for part in samples:
        factors = [factor for value in part.metrics.values() for term in value.terms for factor in term]
        arrays = [*part.masks, *factors]
        full = [prod(n for n, m in zip(space.shape, array.shape, strict=True) if m > 1) for array in arrays]
        # an axis of one place in the sample is one whose every value is a structure
        structures = prod(n for n, m in zip(space.shape[1:], shape_of(part.at)[1:], strict=True) if n > 1 and m == 1)
        held += 8 * sum(full) * structures
        if max(full, default=0) > MAX_ARRAY or held > _HELD:
            return False
    return True
