"""Design spaces: what every combination of values costs, as one labelled array. Exact, in 64-bit ints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

from csncost.costs.analyze import shown
from csncost.costs.conventions import Convention
from csncost.costs.conventions import convention as find_convention
from csncost.errors import CsncostError, MissingExtra
from csncost.lang.given import SETTING, SpecLike, read
from csncost.lang.syntax import Spec
from csncost.spaces.axes import axis, is_swept, refuse_size

if TYPE_CHECKING:
    from xarray import Dataset

    from csncost.spaces.chunks import Chunks
    from csncost.spaces.lowering import Space

LARGE = 2**22
"""Designs that are worked on in chunks, whether or not that is asked for."""


def sweep(
    specs: SpecLike | Sequence[SpecLike],
    *,
    frames: Any = None,
    size: Any = None,
    classes: Any = None,
    convention: str | Convention = "paper",
    chunks: Chunks | None = None,
    **names: Any,
) -> Dataset:
    """What every combination of the given values costs: an xarray Dataset with a dimension for each list.

    A list (range, array) sweeps its argument; other values are fixed, as in `analyze`. `size` is a list of ints or of
    pairs (H, W); several specs make the dimension `spec`. The variables `params`, `flops`, `interactions` and
    `activations` are int64 and equal what `analyze` says; where it would refuse a design, `valid` is False and they
    are 0. `depth`, the weighted layers, has only the dimensions that decide it. With
    `chunks` the same is backed by Dask and may be larger than memory: "auto", the greatest number of designs in a
    chunk, or {dimension: length}. Raises SpecError where no structure in the space is a network,
    CsncostError for values that cannot be swept and for totals beyond 64 bits (with `chunks` when they are computed,
    if it cannot be told before), MissingExtra without xarray or Dask.

    >>> sweep("bottleneck-G-16", G=[1, 2, 3]).valid.values.tolist()
    [True, True, False]
    """
    space = space_of(specs, convention, {**names, "frames": frames, "size": size, "classes": classes})
    if chunks is not None:
        from csncost.spaces.lazy import variables

        return dataset(space, *variables(space, chunks))
    from csncost.spaces.lowering import Structures
    from csncost.spaces.parts import spread_out

    refuse_size(space.shape)
    structures = Structures(space)
    found = spread_out(structures.parts(), space.shape)
    return dataset(space, {**found, "depth": structures.depth()}, structures.attributes())


def space_of(specs: Any, convention: str | Convention, given: Mapping[str, Any]) -> Space:
    """The space that arguments of `sweep` describe. Raises as it does for what can be told at once."""
    counting = find_convention(convention)
    texts = _specs(specs)
    last = [name for name in SETTING if name in given]
    given = {name: given[name] for name in (*(name for name in given if name not in last), *last)}
    swept = {name: value for name, value in given.items() if is_swept(name, value)}
    fixed = {name: value for name, value in given.items() if name not in swept and value is not None}
    axes = tuple(axis(name, values) for name, values in swept.items())
    labels = _labels(texts) if isinstance(specs, (list, tuple)) else None
    try:
        from csncost.spaces.lowering import Space
    except ImportError:
        raise MissingExtra("numpy", "arrays") from None
    return Space(tuple(texts), labels, axes, fixed, counting)


def in_chunks(
    specs: Sequence[SpecLike], given: Mapping[str, Any], chunks: Chunks | None, scheduler: str | None
) -> Space | None:
    """The space of some specs if it is to be worked on in chunks: where that is asked for, and where it is large."""
    if not specs:
        if chunks is not None or scheduler is not None:
            raise CsncostError("the paper's study is small, and not cut into chunks", "name a SPEC to sweep")
        return None
    given = dict(given)
    convention = given.pop("convention", "paper")
    space = space_of(list(specs) if len(specs) > 1 else specs[0], convention, given)
    return space if chunks is not None or scheduler is not None or prod(space.shape) > LARGE else None


def dataset(space: Space, variables: Mapping[str, Any], attributes: Mapping[str, Any]) -> Dataset:
    """Arrays over a space, specs first, one or several, or (names, array), with its coordinates.

    Raises MissingExtra without xarray.
    """
    try:
        from xarray import Dataset
    except ImportError:
        raise MissingExtra("xarray", "arrays") from None
    first = 0 if space.labels is None else slice(None)
    named = {name: v if isinstance(v, tuple) else (space.dims, v[first]) for name, v in variables.items()}
    return Dataset(named, space.coordinates(), attributes)


def _specs(specs: Any) -> list[SpecLike]:
    if isinstance(specs, (str, Path, Spec)):
        return [read(specs)]
    if not isinstance(specs, (list, tuple)) or not specs:
        raise CsncostError("sweep takes a spec, or a list of them")
    return [read(spec) for spec in specs]


def _labels(specs: Sequence[SpecLike]) -> tuple[str, ...]:
    labels = tuple(map(shown, specs))
    if len(set(labels)) < len(labels):
        raise CsncostError("a spec is given twice", "give each once")
    return labels
