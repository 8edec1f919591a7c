"""Design spaces: what every combination of values costs, as one labelled array. Exact, in 64-bit ints.

Sizes are lowered as small arrays, each over the few dimensions it depends on, by the same lines that lower ints and
symbols; what decides the structure (blocks, words, lists) is lowered once for each of its values.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

from csncost.analyze import resolve, shown
from csncost.axes import SETTING, Axis, arguments, axis, is_swept, setting_of, shape_of
from csncost.conventions import Convention
from csncost.conventions import convention as find_convention
from csncost.counts import METRICS, tally, weighted_layers
from csncost.errors import CsncostError, MissingExtra, SpecError, Undecided
from csncost.lang.lower import lower
from csncost.lang.printer import print_value
from csncost.lang.syntax import Spec
from csncost.network import Network
from csncost.reading import SpecLike, literal, not_literal, python_number, read, sizes

if TYPE_CHECKING:
    from xarray import Dataset

MAX_LOWERINGS = 20_000
"""Networks of different structure in one space."""


def sweep(
    specs: SpecLike | Sequence[SpecLike],
    *,
    frames: Any = None,
    size: Any = None,
    classes: Any = None,
    convention: str | Convention = "paper",
    **names: Any,
) -> Dataset:
    """What every combination of the given values costs: an xarray Dataset with a dimension for each list.

    A list (range, array) sweeps its argument; other values are fixed, as in `analyze`. `size` is a list of ints or of
    pairs (H, W); several specs make the dimension `spec`. The variables `params`, `flops`, `interactions` and
    `activations` are int64 and equal what `analyze` says; where it would refuse a design, `valid` is False and they
    are 0. `depth`, the weighted layers, has only the dimensions that decide it. Raises SpecError where no structure in
    the space is a network, CsncostError for values that cannot be swept and for totals beyond 64 bits, MissingExtra
    without xarray.

    >>> sweep("bottleneck-G-16", G=[1, 2, 3]).valid.values.tolist()
    [True, True, False]
    """
    counting = find_convention(convention)
    texts = _specs(specs)
    given = {**names, "frames": frames, "size": size, "classes": classes}
    swept = {name: value for name, value in given.items() if is_swept(name, value)}
    fixed = {name: value for name, value in given.items() if name not in swept and value is not None}
    axes = [axis(name, values) for name, values in swept.items()]
    labels = _labels(texts) if isinstance(specs, (list, tuple)) else None
    return _Space(texts, labels, axes, fixed, counting).dataset()


def _specs(specs: Any) -> list[SpecLike]:
    if isinstance(specs, (str, Path, Spec)):
        return [read(specs)]
    if not isinstance(specs, (list, tuple)) or not specs:
        raise CsncostError("sweep takes a spec, or a list of them")
    return [read(spec) for spec in specs]


def _labels(specs: Sequence[SpecLike]) -> list[str]:
    labels = list(map(shown, specs))
    if len(set(labels)) < len(labels):
        raise CsncostError("a spec is given twice", "give each once")
    return labels


class _Space:
    """The arrays of a design space, filled part by part: a part for each structure."""

    def __init__(
        self,
        specs: Sequence[SpecLike],
        labels: list[str] | None,
        axes: Sequence[Axis],
        fixed: Mapping[str, Any],
        convention: Convention,
    ) -> None:
        self.specs, self.labels, self.axes, self.fixed, self.convention = specs, labels, axes, fixed, convention
        self.shape = (len(specs), *shape_of(axes))
        self.clips: set[str] = set()
        self.classes: set[Any] = set()
        self.lowered = 0
        self.depths: list[tuple[tuple[slice, ...], Any]] = []
        try:
            import numpy
            import xarray
        except ImportError:
            raise MissingExtra("xarray", "arrays") from None
        self.np, self.xr = numpy, xarray
        shape_of([*axes, Axis("spec", tuple(specs), (), False)])
        self.counts = {metric: numpy.zeros(self.shape, "int64") for metric in METRICS}
        self.valid = numpy.zeros(self.shape, bool)
        self.arrays = {one.name: self._array(one) for one in axes if one.numeric}

    def _array(self, one: Axis) -> Any:
        """The values of an axis as a labelled array, or two for pairs."""
        if isinstance(one.values[0], tuple):
            return tuple(self.xr.DataArray(list(column), dims=one.name) for column in zip(*one.values, strict=True))
        whole = all(type(value) is int for value in one.values)
        values = self.np.array(one.values, "int64" if whole else object)
        return self.xr.DataArray(values, dims=one.name)

    def dataset(self) -> Dataset:
        """Every design, lowered and counted."""
        for i in range(len(self.specs)):
            self._fill_spec(i)
        dims = ("spec", *(one.name for one in self.axes))
        coords: dict[str, Any] = {one.name: list(one.labels) for one in self.axes}
        variables = {**self.counts, "valid": self.valid}
        if self.labels is None:
            dims = dims[1:]
            variables = {name: values[0] for name, values in variables.items()}
        else:
            coords["spec"] = self.labels
        filled = {name: (dims, v) for name, v in variables.items()}
        return self.xr.Dataset({**filled, "depth": self._depth()}, coords, self._attributes())

    def _depth(self) -> tuple[list[str], Any]:
        """Weighted layers, along the dimensions that decide them: few, and not the clip."""
        whole = slice(None)
        decides = [any(at[i] != whole or d.shape[i] > 1 for at, d in self.depths) for i in range(len(self.shape))]
        found = self.np.zeros([n if one else 1 for n, one in zip(self.shape, decides, strict=True)], "int64")
        for at, depth in self.depths:
            found[tuple(some if one else whole for some, one in zip(at, decides, strict=True))] = depth
        decides[0] = self.labels is not None
        names = ("spec", *(one.name for one in self.axes))
        shape = [n for n, one in zip(self.shape, decides, strict=True) if one]
        return [name for name, one in zip(names, decides, strict=True) if one], found.reshape(shape)

    def _attributes(self) -> dict[str, Any]:
        one = {} if self.labels is not None else {"spec": shown(self.specs[0])}
        return {
            **one,
            "convention": self.convention.name,
            "counting": str(self.convention),
            "clip": self.clips.pop() if len(self.clips) == 1 else "varies",
            "classes": self.classes.pop() if len(self.classes) == 1 else "varies",
            "views": 1,
            "given": json.dumps({name: _text(name, value) for name, value in self.fixed.items()}),
        }

    def _fill_spec(self, spec: int) -> None:
        """Every design of one spec. Raises its SpecError if no structure is a network."""
        structural = [one for one in self.axes if not one.numeric]
        faults: list[SpecError] = []
        before = self.lowered
        for point in product(*(range(len(one.values)) for one in structural)):
            self._fill(spec, dict(zip((one.name for one in structural), point, strict=True)), faults)
        if len(faults) == self.lowered - before:
            raise faults[0]

    def _fill(self, spec: int, chosen: dict[str, int], faults: list[SpecError]) -> None:
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
                    self._fill(spec, {**chosen, hinge.name: i}, faults)
                return
            self.lowered += 1
            faults.append(fault)
        else:
            self.lowered += 1
            self._write(network, spec, chosen)

    def _hinge(self, fault: SpecError, chosen: Mapping[str, int]) -> Axis | None:
        """The axis whose values are to be lowered one by one."""
        if not isinstance(fault, Undecided) or not fault.names:
            return None
        open_axes = [one for one in self.axes if one.name not in chosen]
        named = [one for one in open_axes if one.name in fault.names]
        clip = [one for one in open_axes if one.name in SETTING]  # the text has names of its own for its axes
        return next(iter([*named, *clip]), None)

    def _network(self, spec: int, chosen: Mapping[str, int]) -> Network:
        given = {**self.fixed, **arguments(self.axes, chosen, self.arrays)}
        setting = self._setting({name: given.pop(name, None) for name in SETTING})
        return lower(resolve(self.specs[spec], given, setting), not_literal(given), **setting)

    def _setting(self, given: dict[str, Any]) -> dict[str, Any]:
        if isinstance(given["size"], tuple) or hasattr(given["size"], "dims"):
            return setting_of(**{name: python_number(value) for name, value in given.items()})
        return sizes(**given)

    def _write(self, network: Network, spec: int, chosen: Mapping[str, int]) -> None:
        """Count a network of arrays, and spread its totals over its part of the space."""
        from csncost.factored import Array, Factored, factored, spread

        at = (slice(spec, spec + 1), *(self._at(one, chosen) for one in self.axes))

        def array(value: Any) -> Array:
            ordered = value.transpose(*(one.name for one in self.axes if one.name in value.dims))
            lengths = [len(one.values) if one.name in value.dims else 1 for one in self.axes]
            found: Array = ordered.values.reshape(1, *lengths)
            return found

        graph = factored(network.graph, lambda size: Factored([(array(size),)]) if hasattr(size, "dims") else size)
        totals = tally(graph, self.convention)._asdict()
        depth = weighted_layers(graph)
        self.depths.append((at, depth.small() if isinstance(depth, Factored) else self.np.array(depth, ndmin=len(at))))
        self._refuse_overflow({name: t.bound() if isinstance(t, Factored) else t for name, t in totals.items()})
        spread(map(array, network.masks), self.valid[at])
        for metric, total in totals.items():
            out = self.counts[metric][at]
            if isinstance(total, Factored):
                total.fill(out)
            else:
                out[...] = total
            if network.masks:
                self.np.multiply(out, self.valid[at], out=out)
        self._note(network)

    def _at(self, one: Axis, chosen: Mapping[str, int]) -> slice:
        return slice(chosen[one.name], chosen[one.name] + 1) if one.name in chosen else slice(None)

    def _refuse_overflow(self, bounds: Mapping[str, int]) -> None:
        for metric, bound in bounds.items():
            if abs(bound) >= 2**63:
                raise CsncostError(
                    f"designs of this space come to {float(bound):.2g} {metric}, more than 64-bit integers hold",
                    "sweep smaller values; analyze is exact at any size",
                )

    def _note(self, network: Network) -> None:
        """Keep what the outputs are stamped with: a size, or the name of the dimension it varies along."""
        size, *axes = map(_said, network.clip)
        self.clips.add("x".join([size, *axes]))
        classes = network.classes
        self.classes.add(classes if isinstance(classes, int) else _said(classes))


def _text(name: str, value: Any) -> str:
    """A value as the language has it, or of a size as `112x160`."""
    if name == "size" and isinstance(value, Sequence):
        return "x".join(map(str, value))
    return print_value(literal(name, value))


def _said(size: Any) -> str:
    return "*".join(size.dims) if hasattr(size, "dims") else str(size)
