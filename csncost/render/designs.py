"""Designs to standard output, or all of them to a file, or as a figure, whole or not at all."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from csncost.errors import CsncostError
from csncost.explored import HEAD, Explored
from csncost.files import replacing
from csncost.render.output import emit, write_whole
from csncost.render.tradeoff import Axis

SUFFIXES = {
    ".csv": "csv", ".json": "json", ".nc": "netcdf", ".parquet": "parquet", ".md": "markdown", ".tex": "latex",
    ".html": "html",
}  # fmt: skip

BULK = ("csv", "json", "netcdf", "parquet")


def emit_designs(found: Explored, form: str | None, path: str | None) -> None:
    """Write designs in a format, by default that of the path's suffix; people are shown the head of many."""
    form = form or (SUFFIXES.get(Path(path).suffix.lower(), "table") if path else "table")
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


def draw(found: Explored, path: str, x: Sequence[Axis] | None = None) -> None:
    """Draw designs to a file of the kind that its name says: a figure against `x`, or an interactive page of all.

    Raises CsncostError for another, before it draws.
    """
    from csncost.render.plots import page, save, tradeoff
    from csncost.render.style import check_suffix

    if Path(path).suffix.lower() == ".html":
        write_whole(Path(path), page(found))
        return
    check_suffix(Path(path))
    save(tradeoff(found, x=x), path)
