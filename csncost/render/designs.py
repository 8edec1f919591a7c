"""Designs to standard output, or all of them to a file, or as a figure, whole or not at all."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING

from csncost.errors import CsncostError
from csncost.files import replacing
from csncost.render.output import emit, progress_bar, write_whole
from csncost.spaces.designs import HEAD, Designs
from csncost.spaces.legal import left_out

if TYPE_CHECKING:
    from csncost.spaces.counting.chunks import Chunks
    from csncost.spaces.counting.space import Space

SUFFIXES = {
    ".csv": "csv", ".json": "json", ".nc": "netcdf", ".parquet": "parquet", ".zarr": "zarr", ".md": "markdown",
    ".tex": "latex", ".html": "html",
}  # fmt: skip

BULK = ("csv", "json", "netcdf", "parquet")

CHUNKED = ("csv", "netcdf", "parquet", "zarr")


def emit_designs(found: Designs, form: str | None, path: str | None) -> None:
    """Write designs in a format, by default that of the path's suffix; people are shown the head of many."""
    form = form_of(form, path)
    if form == "zarr":
        raise CsncostError("a Zarr store is of the space of a SPEC", "name one, or another format")
    if form in BULK and path is not None:
        with replacing(Path(path)) as file:
            found.write(file, form)
    elif form == "csv":
        found.write_csv(sys.stdout)
    elif form == "json":
        print(found.to_json(), end="")
    elif form in BULK:
        raise CsncostError(f"{form} is for files", "name one with -o FILE")
    else:
        most = HEAD if path is None else None
        emit([found.table(most)], found.to_dict, form, path)  # type: ignore[arg-type]


def draw(found: Designs, path: str, x: Sequence[str] | None = None) -> None:
    """Draw designs to a file of the kind that its name says: a figure against `x`, or an interactive page of all.

    Raises CsncostError for another, before it draws.
    """
    from csncost.render.figures.sheet import PAGE, SUFFIXES, check_suffix
    from csncost.render.plots import page, save, tradeoff

    if check_suffix(path, (*SUFFIXES, PAGE)) == PAGE[1:]:
        write_whole(Path(path), page(found))
    else:
        save(tradeoff(found, x=x), path)


def form_of(form: str | None, path: str | None) -> str:
    """The format that is asked for, or that of a path's suffix."""
    return form or (SUFFIXES.get(Path(path).suffix.lower(), "table") if path else "table")


def write_chunks(space: Space, form: str, path: str | None, chunks: Chunks, scheduler: str | None) -> str:
    """Write a space of any size to a file, chunk by chunk, with a bar; return a note on it, if there is one."""
    from csncost.spaces import export as streams
    from csncost.spaces import store

    if path is None or form not in CHUNKED:
        known = ", ".join(suffix for suffix, kind in SUFFIXES.items() if kind in CHUNKED)
        raise CsncostError("a space of many designs goes into a file, block by block", f"name one with -o: {known}")
    if form == "netcdf" and scheduler is not None:
        raise CsncostError("NetCDF is written by one process", "write a .zarr, or leave out the scheduler")
    total = prod(space.shape)
    with progress_bar("designs") as advance:
        if form == "zarr":
            store.write_zarr(Path(path), space, chunks, scheduler, advance)
            return ""
        with replacing(Path(path)) as file:
            if form == "netcdf":
                streams.write_netcdf(file, space, chunks)
                return ""
            write = streams.write_csv if form == "csv" else streams.write_parquet
            refused = total - write(file, streams.designs_in_order(space, chunks, scheduler, advance))
    return left_out(refused, total)
