"""Spaces of any size as files: CSV and Parquet in the order of the sweep, NetCDF as labelled arrays."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from csncost.costs.metrics import METRICS
from csncost.errors import MissingExtra
from csncost.spaces.counting.chunks import AUTO, Chunks, chunks_of, lengths_in_order
from csncost.spaces.counting.evaluate import Evaluator, evaluator_of
from csncost.spaces.counting.space import Space
from csncost.spaces.counting.workers import Advance, chunk_by_chunk
from csncost.spaces.designs import Designs
from csncost.spaces.legal import designs_of
from csncost.spaces.sweep import lazy


def designs_in_order(space: Space, chunks: Chunks, scheduler: str | None, advance: Advance) -> Iterator[Designs]:
    """The legal designs of a space, some at a time, in the order in which the sweep in memory has them."""
    lengths = lengths_in_order(space.shape, chunks if isinstance(chunks, int) else AUTO)
    evaluator = evaluator_of(space)
    tasks = ((at, Evaluator.rows, tuple(METRICS)) for at in chunks_of(space.shape, lengths))
    for _, rows in chunk_by_chunk(evaluator, tasks, space.shape, scheduler, advance):
        yield designs_of(space, rows, evaluator.attributes)


def write_csv(path: Path, found: Iterator[Designs]) -> int:
    """Write exact values, a line for each design, the stamp in the last columns; return how many designs they are."""
    count = 0
    with path.open("w", encoding="utf-8", newline="") as file:
        for i, some in enumerate(found):
            some.write_csv(file, head=not i)
            count += len(some)
    return count


def write_parquet(path: Path, found: Iterator[Designs]) -> int:
    """Write a row group for each chunk; return how many designs they are. Raises MissingExtra without pyarrow."""
    try:
        from pyarrow import Table
        from pyarrow.parquet import ParquetWriter
    except ImportError:
        raise MissingExtra("pyarrow", "explore") from None
    writer: Any = None
    count = 0
    with ExitStack() as files:
        for some in found:
            table = Table.from_pandas(some.stamped_frame(), writer and writer.schema, preserve_index=False)
            writer = writer or files.enter_context(ParquetWriter(path, table.schema))
            if table.num_rows:
                writer.write_table(table)
            count += len(some)
    return count


def write_netcdf(path: Path, space: Space, chunks: Chunks) -> None:
    """Write the whole space with its coordinates, chunk by chunk. Raises MissingExtra without Dask or netCDF4."""
    try:
        import netCDF4  # noqa: F401
    except ImportError:
        raise MissingExtra("netCDF4", "explore") from None
    try:
        lazy(space, space.chunk_lengths(chunks))[1].to_netcdf(path, engine="netcdf4")
    except RuntimeError as error:  # as the library says that a disk is full
        raise OSError(errno.EIO, str(error)) from None
