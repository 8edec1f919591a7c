"""Spaces of any size as files: CSV and Parquet in the order of the sweep, NetCDF as labelled arrays."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from math import prod
from pathlib import Path
from typing import Any

from csncost.errors import MissingExtra
from csncost.spaces.chunks import AUTO, Chunks, chunks_of, source_of
from csncost.spaces.designs import Designs
from csncost.spaces.lazy import variables
from csncost.spaces.legal import designs_of, rows_in
from csncost.spaces.lowering import Space
from csncost.spaces.parts import lengths
from csncost.spaces.sweep import dataset
from csncost.spaces.workers import Advance, team


def pieces(space: Space, chunks: Chunks, scheduler: str | None, advance: Advance) -> Iterator[Designs]:
    """The legal designs of a space, some at a time, in the order in which the sweep in memory has them."""
    most = chunks if isinstance(chunks, int) else AUTO
    source, structures = source_of(space)
    with team(scheduler) as workers:
        given = workers.share(source)
        cut = chunks_of(space.shape, _leading(space.shape, most))
        for at, rows in workers.results((at, (rows_in, given, at, space.shape)) for at in cut):
            yield designs_of(space, rows, structures.attributes())
            advance(prod(lengths(at)), prod(space.shape))


def _leading(shape: tuple[int, ...], most: int) -> tuple[int, ...]:
    """The lengths of chunks that stand one behind the other in the order of the designs."""
    for i in range(len(shape)):
        inner = prod(shape[i + 1 :])
        if inner <= most:
            return (*(1 for _ in shape[:i]), min(shape[i], max(1, most // inner)), *shape[i + 1 :])
    return shape


def write_csv(path: Path, found: Iterator[Designs]) -> int:
    """Write exact values, a line for each design, the stamp in the last columns; return how many designs they are."""
    count = 0
    with path.open("w", encoding="utf-8", newline="") as file:
        for i, piece in enumerate(found):
            piece.write_csv(file, head=not i)
            count += len(piece)
    return count


def write_parquet(path: Path, found: Iterator[Designs]) -> int:
    """Write a row group for each piece; return how many designs they are. Raises MissingExtra without pyarrow."""
    try:
        from pyarrow import Table
        from pyarrow.parquet import ParquetWriter
    except ImportError:
        raise MissingExtra("pyarrow", "explore") from None
    writer: Any = None
    count = 0
    try:
        for piece in found:
            table = Table.from_pandas(piece.stamped_frame(), writer and writer.schema, preserve_index=False)
            writer = writer or ParquetWriter(path, table.schema)
            if table.num_rows:
                writer.write_table(table)
            count += len(piece)
    finally:
        if writer:
            writer.close()
    return count


def write_netcdf(path: Path, space: Space, chunks: Chunks) -> None:
    """Write the whole space with its coordinates, chunk by chunk. Raises MissingExtra without Dask or netCDF4."""
    try:
        import netCDF4  # noqa: F401
    except ImportError:
        raise MissingExtra("netCDF4", "explore") from None
    try:
        dataset(space, *variables(space, chunks)).to_netcdf(path, engine="netcdf4")
    except RuntimeError as error:  # as the library says that a disk is full
        raise OSError(errno.EIO, str(error)) from None
