"""The look of the figures: as wide as a paper's column, and readable by the colour-blind and in grey.

Colours are those of Okabe and Ito, which the colour-blind can tell apart; marks, line styles and hatches differ too.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from io import BytesIO
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from csncost.costs.conventions import CONVENTIONS
from csncost.errors import CsncostError, MissingExtra
from csncost.files import replacing
from csncost.units import PREFIXES, shortened

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

COLUMN = 3.4
"""Inches: the width of a panel, a column of a paper."""

SUFFIXES = (".png", ".pdf", ".svg")
PAGE = ".html"
"""What an interactive page is called; the others are figures."""

BLACK, ORANGE, SKY, GREEN, YELLOW, BLUE, RED, PURPLE = (
    *("#000000", "#E69F00", "#56B4E9", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7"),
)
GREY = "#666666"
STYLE: dict[Any, Any] = {
    "text.parse_math": False,  # a name may hold a $
    "font.family": "sans-serif",
    "font.size": 8,
    "axes.labelsize": 8,
    "axes.titlesize": 8,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "legend.fontsize": 7,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "lines.linewidth": 1.0,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.minor.width": 0.4,
    "ytick.minor.width": 0.4,
    "grid.linewidth": 0.4,
    "grid.color": "#DDDDDD",
    "pdf.fonttype": 42,
    "svg.fonttype": "none",
    "savefig.dpi": 300,
    "figure.autolayout": False,
    "figure.constrained_layout.use": False,
}
TITLES = {
    "accuracy": "accuracy (%)",
    "flops": "FLOPs",
    "interactions": "channel interactions",
    "params": "parameters",
    "activations": "activations",
}
MULTIPLY_ADDS = CONVENTIONS["paper"].unit
UNITS = {"flops": "multiply-adds", "interactions": "pairs", "params": "", "activations": "elements"}


def axis_titles(stamp: Mapping[str, Any]) -> dict[str, str]:
    """What stands at each axis: `FLOPs (multiply-adds)`, but `FLOPs` where their convention counts otherwise."""
    units = UNITS if _unit(stamp) == MULTIPLY_ADDS else {**UNITS, "flops": ""}
    return {name: f"{title} ({units[name]})" if units.get(name) else title for name, title in TITLES.items()}


def _unit(stamp: Mapping[str, Any]) -> str:
    """What one FLOP is in the convention of a stamp."""
    known = CONVENTIONS.get(str(stamp.get("convention")))
    return known.unit if known else ""


@contextmanager
def styled() -> Iterator[None]:
    """The look of the figures, for as long as one is made. Raises MissingExtra without matplotlib."""
    try:
        import matplotlib
    except ImportError:
        raise MissingExtra("matplotlib", "plot") from None
    with matplotlib.rc_context(STYLE):
        yield


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


def sample(style: Mapping[str, Any]) -> Line2D:
    """A line with its mark, as a legend shows it."""
    from matplotlib.lines import Line2D

    return Line2D([], [], **style)


def legend_above(figure: Figure, entries: Sequence[tuple[str, Any]], most: int, **layout: Any) -> None:
    """A legend above the panels, in rows of nearly one length that the width holds; the figure grows by its height."""
    names, handles = zip(*entries, strict=True)
    for columns in range(min(most, len(names)), 0, -1):
        even = ceil(len(names) / ceil(len(names) / columns))
        legend = figure.legend(handles, names, loc="outside upper center", frameon=False, handletextpad=0.5,
                               ncols=even, title_fontsize=7, **layout)  # fmt: skip
        edges = legend.get_window_extent()
        if edges.width <= figure.bbox.width or columns == 1:
            break
        legend.remove()
    figure.set_figheight(figure.get_figheight() + ceil(20 * edges.height / figure.dpi) / 20)


def panel_letter(i: int, count: int, title: str) -> str:
    """A title as papers number their panels, if there are several: `(a) 8 blocks`."""
    return f"({chr(ord('a') + i)}) {title}".strip() if 1 < count <= 26 else title


def stamp_figure(figure: Figure, stamp: Mapping[str, Any]) -> None:
    """Say at the foot of a figure how it was counted, in as many lines as its width needs."""
    from textwrap import fill

    texts = list(_stamp_texts(stamp))
    if texts:
        figure.supxlabel(fill(", ".join(texts), int(21 * figure.get_figwidth())), fontsize=6, color=GREY)


def _stamp_texts(stamp: Mapping[str, Any]) -> Iterator[str]:
    """What a stamp says; a figure of several networks may have several values of a key."""
    said = {**stamp, "clip": sizes(str(stamp.get("clip") or ""))}
    if _unit(stamp) not in ("", MULTIPLY_ADDS):
        said["convention"] = f"{stamp['convention']} ({_unit(stamp)})"
    yield from (f"{key} {said[key]}" for key in ("convention", "clip", "input") if said.get(key))
    if classes := str(stamp.get("classes") or ""):
        yield f"{classes} classes" if classes.isdigit() else f"classes {classes}"
    if logs := [Path(log).name for log in str(stamp.get("log", "")).split(", ") if log]:
        yield "accuracies: " + (", ".join(shortened(log, 40) for log in logs) if len(logs) < 3 else f"{len(logs)} logs")
    if int(stamp.get("views", 1)) > 1:
        yield f"{stamp['views']} views"


def sizes(text: str) -> str:
    """A shape as it is; one that has names for sizes with room around them: 3 x frames x 224 x 224."""
    parts = text.split("x")
    return " x ".join(parts) if all(parts) and any(map(str.isidentifier, parts)) else text


def short_names(texts: Sequence[str]) -> list[str]:
    """Different texts as short lines that are different too: longer ones, or numbered, where they must be."""
    for most in (28, 48):
        names = [shortened(text, most) for text in texts]
        if len(set(names)) == len(names):
            return names
    return [f"{i} {name}" for i, name in enumerate(names, 1)]


def tick(value: float, position: int | None = None) -> str:
    """A count on an axis: 10 G, 0.5 G."""
    power = 0
    while abs(value) >= 1000 and power < len(PREFIXES) - 1:
        value, power = value / 1000, power + 1
    return f"{value:.4g} {PREFIXES[power]}".strip()


def grid(axes: Axes) -> None:
    """Faint lines behind everything."""
    axes.grid(True)
    axes.set_axisbelow(True)


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
