"""The sheet that a figure is drawn on: its size, the legend above, the stamp at the foot, the file that it becomes."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from io import BytesIO
from math import ceil
from pathlib import Path
from textwrap import fill
from typing import TYPE_CHECKING, Any

from csncost.costs.conventions.named import CONVENTIONS
from csncost.errors import CsncostError
from csncost.files import replacing
from csncost.render.figures.style import GREY, styled
from csncost.render.figures.subject import flop_of, sizes
from csncost.units import shortened

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLUMN = 3.4
"""Inches: the width of a panel, a column of a paper."""

SUFFIXES = (".png", ".pdf", ".svg")
PAGE = ".html"
"""The suffix of an interactive page; the others are those of figures."""


def new_figure(width: float, height: float) -> Figure:
    """An empty figure of so many inches, drawn by Agg whatever the back end of the session."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def settle(figure: Figure) -> None:
    """Let the layout find its place, and keep it: what is drawn later moves nothing, and nothing is laid out twice."""
    layout = figure.get_layout_engine()
    if layout is not None:
        layout.execute(figure)
        figure.set_layout_engine(None)


def legend_above(figure: Figure, entries: Sequence[tuple[str, Any]], most: int, **layout: Any) -> None:
    """A legend above the panels, in rows of nearly one length that the width holds; the figure grows by its height.

    An entry is a name and a handle, or the style of a line and its mark.
    """
    from matplotlib.lines import Line2D

    names = [name for name, _ in entries]
    handles = [Line2D([], [], **shown) if isinstance(shown, dict) else shown for _, shown in entries]
    for columns in range(min(most, len(names)), 0, -1):
        even = ceil(len(names) / ceil(len(names) / columns))
        legend = figure.legend(handles, names, loc="outside upper center", ncols=even, **layout)
        edges = legend.get_window_extent()
        if edges.width <= figure.bbox.width or columns == 1:
            break
        legend.remove()
    figure.set_figheight(figure.get_figheight() + ceil(20 * edges.height / figure.dpi) / 20)


def stamp_figure(figure: Figure, stamp: Mapping[str, Any]) -> None:
    """Say at the foot of a figure how it was counted, in as many lines as its width needs."""
    if texts := list(_stamp_texts(stamp)):
        figure.supxlabel(fill(", ".join(texts), int(21 * figure.get_figwidth())), fontsize=6, color=GREY)


def _stamp_texts(stamp: Mapping[str, Any]) -> Iterator[str]:
    """The parts of a stamp; a figure of several networks may have several values of a key."""
    said = {**stamp, "clip": sizes(str(stamp.get("clip") or ""))}
    if flop_of(stamp) not in ("", CONVENTIONS["paper"].unit):
        said["convention"] = f"{stamp['convention']} ({flop_of(stamp)})"
    yield from (f"{key} {said[key]}" for key in ("convention", "clip", "input") if said.get(key))
    if classes := str(stamp.get("classes") or ""):
        yield f"{classes} classes" if classes.isdigit() else f"classes {classes}"
    if logs := [Path(log).name for log in str(stamp.get("log", "")).split(", ") if log]:
        yield "accuracies: " + (", ".join(shortened(log, 40) for log in logs) if len(logs) < 3 else f"{len(logs)} logs")
    if int(stamp.get("views", 1)) > 1:
        yield f"{stamp['views']} views"


def save(figure: Figure, path: str | Path) -> None:
    """Write a figure to a PNG, PDF or SVG file, as its name says, whole or not at all.

    Raises CsncostError for another suffix and for a path that cannot be written.
    """
    path = Path(path)
    form = check_suffix(path)
    metadata = {"Creator": None} if form == "svg" else {}
    drawn = BytesIO()  # the PDF writer of matplotlib fails with errors of its own where a disk is full
    with replacing(path) as temporary:
        with styled(), warnings.catch_warnings():
            figure.savefig(drawn, format=form, metadata=metadata)
        temporary.write_bytes(drawn.getvalue())


def check_suffix(path: str | Path, known: Sequence[str] = SUFFIXES) -> str:
    """The format that a path names, so that it can be refused before anything is drawn. Raises CsncostError."""
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in known:
        others = "" if PAGE in known or suffix != PAGE else "; pages are drawn of designs, by sweep and reproduce"
        raise CsncostError(
            f'this figure is no "{suffix[:20]}" file: {path}' if suffix else f"{path} does not say which format",
            f"name it {path.stem[:60] or 'figure'}{', '.join(known[:-1])} or {known[-1]}{others}",
        )
    return suffix[1:]
