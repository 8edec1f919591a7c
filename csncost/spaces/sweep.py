"""Sweeps: the costs of every combination of values as one labelled array, in memory or backed by Dask."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from csncost.costs.conventions.named import Convention
from csncost.costs.metrics import METRICS, counted
from csncost.errors import MissingExtra
from csncost.lang.given import SpecLike
from csncost.spaces.counting.chunks import Chunks, whole
from csncost.spaces.counting.space import Space, space_of

if TYPE_CHECKING:
    from xarray import Dataset

    from csncost.spaces.counting.evaluate import Evaluator
    from csncost.spaces.counting.factored import Array


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
    """The cost of every combination of the given values: an xarray Dataset with a dimension for each list.

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
        return lazy(space, space.chunk_lengths(chunks))[1]
    space.refuse_size()
    from csncost.spaces.counting.evaluate import lowered

    found = lowered(space)
    return _dataset(found, {**found.arrays(whole(space.shape), counted()), **found.of_structures()})


def lazy(space: Space, lengths: Sequence[int]) -> tuple[Evaluator, Dataset]:
    """A sweep backed by Dask in chunks of some lengths, each counted when it is asked for, after what counts it.

    Raises as `sweep` does.
    """
    try:
        from dask import delayed
        from dask.array import map_blocks
        from dask.array.core import normalize_chunks
    except ImportError:
        raise MissingExtra("dask", "dask") from None
    from csncost.spaces.counting.evaluate import evaluator_of

    found = evaluator_of(space)
    given = {"evaluator": delayed(found, traverse=False), "chunks": normalize_chunks(tuple(lengths), space.shape)}
    variables: dict[str, Any] = {
        name: map_blocks(_chunk, metric=name, dtype=bool if name == "valid" else "int64", **given)
        for name in dict.fromkeys([*counted(), "valid", *METRICS])
    }
    return found, _dataset(found, {**variables, **(found.of_structures() if found.held else {})})


def _chunk(evaluator: Evaluator, metric: str, block_info: Any = None) -> Array:
    """One variable in one chunk."""
    at = tuple(slice(*span) for span in block_info[None]["array-location"])
    return evaluator.arrays(at, () if metric == "valid" else (metric,))[metric]


def _dataset(found: Evaluator, variables: Mapping[str, Any]) -> Dataset:
    """Arrays over a space, specs first, one or several, or (names, array), with its coordinates and its stamp."""
    try:
        from xarray import Dataset
    except ImportError:
        raise MissingExtra("xarray", "arrays") from None
    space = found.space
    first = 0 if space.labels is None else slice(None)
    named = {name: v if isinstance(v, tuple) else (space.dims, v[first]) for name, v in variables.items()}
    return Dataset(named, space.coordinates(), dict(found.attributes))
