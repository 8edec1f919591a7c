"""A sweep backed by Dask: every chunk of it is counted when it is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from csncost.costs.count import METRICS
from csncost.errors import MissingExtra
from csncost.spaces.chunks import Chunks, Source, chunk_lengths, source_of
from csncost.spaces.lowering import Space
from csncost.spaces.parts import Plan, lengths, spread_out
from csncost.spaces.products import Array


def variables(space: Space, chunks: Chunks) -> tuple[dict[str, Any], dict[str, Any]]:
    """The variables of a space, those of every design as Dask arrays, and its stamp.

    Raises as `sweep` does, and MissingExtra without Dask.
    """
    return lazily(space, chunk_lengths(space, chunks))[1:]


def lazily(space: Space, cut: Sequence[int]) -> tuple[Source, dict[str, Any], dict[str, Any]]:
    """What `variables` gives for chunks of some lengths, after what it is counted from."""
    try:
        from dask import delayed
        from dask.array import map_blocks
    except ImportError:
        raise MissingExtra("dask", "dask") from None
    chunks = tuple(tuple(min(step, n - i) for i in range(0, n, step)) for n, step in zip(space.shape, cut, strict=True))
    source, structures = source_of(space)
    held = delayed(source, traverse=False)
    found: dict[str, Any] = {
        name: map_blocks(_block, source=held, metric=name, chunks=chunks, dtype=bool if name == "valid" else "int64")
        for name in (*METRICS, "valid", "depth")
    }
    if isinstance(source, Plan):
        found["depth"] = structures.depth()
    return source, found, structures.attributes()


def _block(source: Source, metric: str, block_info: Any = None) -> Array:
    """One variable in one chunk."""
    at = tuple(slice(*span) for span in block_info[None]["array-location"])
    metrics = () if metric == "valid" else (metric,)
    return spread_out(source.parts(at), lengths(at), metrics)[metric]
