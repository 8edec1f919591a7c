"""Two views of the same designs as one Plotly figure: curves of marks in the looks of the figures, and their legend.

Every point carries the number of its design in `customdata`, every trace of a curve its name in `legendgroup`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from html import escape
from math import log10
from typing import TYPE_CHECKING, Any, TypeAlias

from csncost.costs.metrics import METRICS
from csncost.errors import MissingExtra
from csncost.render.figures.series import Curve, Point, Row, View, shared_marks
from csncost.render.figures.style import ANY, BLACK, LOOKS, Look

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

Trace: TypeAlias = dict[str, Any]

COLOURS = {
    "paper": ("#ffffff", "#16181b"), "ink": ("#1b1b1b", "#ececec"), "faint": ("#5c5c5c", "#a3a8ae"),
    "grid": ("#e3e3e3", "#33373c"), "shade": ("#f4f4f4", "#212429"),
}  # fmt: skip
"""The colours of a page that is light, and of one that is dark; a figure is made in the first."""

PAPER, INK, FAINT, GRID, SHADE = (light for light, _ in COLOURS.values())

AXES = (("x", "y", "y2"), ("x2", "y3", "y4"))
"""The axes of a view; on the last, from 0 to 1 over the whole height, stands what is not logged."""

SYMBOLS = {
    "s": "square", "o": "circle", "D": "diamond", "^": "triangle-up", "v": "triangle-down", "P": "cross", "X": "x",
    "<": "triangle-left", "base": "hexagram", "star": "star", "open": "diamond-tall",
}  # fmt: skip
DASHES = {"-": "solid", "--": "7px,3px", ":": "2px,3px", "-.": "8px,3px,2px,3px"}


@dataclass(frozen=True, slots=True)
class Drawn:
    """A curve of any panel, under a name and in a look that no other of the plot has."""

    name: str
    look: Look
    curve: Curve

    @property
    def colour(self) -> str:
        """The colour of the curve; black is what stands out from the page."""
        return INK if self.look.colour == BLACK else self.look.colour

    def line(self) -> dict[str, Any]:
        """The line of the curve; its dashes are lengths of strokes and gaps."""
        line = self.look.line
        dash = DASHES[line] if isinstance(line, str) else ",".join(f"{2 * length}px" for length in line[1])
        return {"width": 1.8, "dash": dash, "color": self.colour}

    def marker(self, mark: str) -> dict[str, Any]:
        """The mark of a point: the hexagram of a base, the star of bottleneck-D, or the mark of the curve."""
        special = mark in ("base", "star")
        return {
            "symbol": SYMBOLS[mark if mark in SYMBOLS else self.look.mark],
            "size": 16 if special else 9,
            "color": PAPER if mark in ("hollow", "open") else self.colour,
            "line": {"width": 1.2, "color": INK if special else self.colour},
        }


def linked_views(
    views: Sequence[View], titles: Mapping[str, str], known: Callable[[Row], tuple[int, str]], meta: Mapping[str, Any]
) -> Figure:
    """Two views with one legend; `known` gives the number of a design and the text that hovering over it shows.

    `meta` is what a script finds in the layout. Raises MissingExtra without plotly.
    """
    try:
        from plotly.graph_objects import Figure
    except ImportError:
        raise MissingExtra("plotly", "html") from None
    layout: dict[str, Any] = {**_LAYOUT, "meta": meta}
    traces: list[Trace] = []
    for axes, view in zip(AXES, views, strict=True):
        curves = list(_curves(view))
        traces = traces or list(_legend(curves))
        traces += [trace for curve in curves for trace in _curve(curve, axes, known)]
        layout |= _axes(axes, view, titles)
    return Figure(traces, layout)


def _curves(view: View) -> Iterator[Drawn]:
    """The curves of all panels, for one plot."""
    found = [(panel.title, curve) for panel in view.panels for curve in panel.curves]
    names = [curve.name for _, curve in found]
    again = len({curve.look for _, curve in found}) < len(found)  # panels use the same looks again
    for i, (title, curve) in enumerate(found):
        name = curve.name if names.count(curve.name) == 1 else f"{curve.name}, {title}"
        yield Drawn(name, LOOKS[i % len(LOOKS) if again else curve.look], curve)


def _legend(curves: Sequence[Drawn]) -> Iterator[Trace]:
    """Traces without points: a sample of each curve, which switches it off, and of the marks that curves share."""
    shown = {"showlegend": True, "x": [None], "y": [None]}
    for one in curves:
        sample = {"mode": "lines+markers" if one.curve.joined else "markers", "line": one.line()}
        yield _trace(AXES[0], [], one, marker=one.marker("filled"), **sample) | shown
    for mark, name, first in shared_marks((point, one) for one in curves for point in one.curve.points):
        own = replace(first, look=ANY) if mark in ("base", "star") else first
        yield _trace(AXES[0], [], mode="markers", marker=own.marker(mark), name=name) | shown


def _curve(one: Drawn, axes: Sequence[str], known: Callable[[Row], tuple[int, str]]) -> Iterator[Trace]:
    """Lines between neighbours, thin ones over designs that are not logged; then marks, the most special on top."""
    if one.curve.joined:
        yield _trace(axes, one.curve.points, one, mode="lines", line=one.line(), hoverinfo="skip")
        thin = {"mode": "lines", "line": {"width": 1, "dash": "1px,3px", "color": one.colour}, "hoverinfo": "skip"}
        for ends in one.curve.gaps():
            yield _trace(axes, ends, one, **thin)
    for mark, points in one.curve.alike():
        yield _marks(one, axes, mark, points) | _hover(points, known)


def _marks(one: Drawn, axes: Sequence[str], mark: str, points: Sequence[Point]) -> Trace:
    """Marks that look alike, what stands at them, and how far runs of a design are apart; ticks on the axis."""
    trace = _trace(axes, points, one, mode="markers+text", marker=one.marker(mark))
    if mark == "open":
        return trace | {"y": [0.0] * len(points), "yaxis": axes[2]}
    spreads = [point.spread for point in points]
    bars = {"error_y": {"array": spreads, "thickness": 1.2, "width": 3, "color": one.colour}} if any(spreads) else {}
    return (
        trace
        | bars
        | {
            "text": [point.text if len(point.text) < 4 else "" for point in points],  # names are told by hovering
            "textposition": f"{'bottom' if one.curve.below else 'top'} {'right' if bars else 'center'}",
            "textfont": {"size": 11, "color": FAINT},
        }
    )


def _hover(points: Sequence[Point], known: Callable[[Row], tuple[int, str]]) -> Trace:
    """The designs that points are, and what hovering over them shows."""
    numbers, texts = zip(*(known(point.row) for point in points), strict=True)
    return {"customdata": numbers, "hovertext": texts, "hovertemplate": "%{hovertext}<extra></extra>"}


def _trace(axes: Sequence[str], points: Sequence[Point], one: Drawn | None = None, **own: Any) -> Trace:
    place = {"x": [point.x for point in points], "y": [point.y for point in points], "xaxis": axes[0], "yaxis": axes[1]}
    name = {"name": escape(one.name), "legendgroup": one.name} if one else {}
    return {"type": "scatter", "showlegend": False, "cliponaxis": False, **place, **name, **own}


# -- axes --------------------------------------------------------------------------------------------------------


def _axes(places: Sequence[str], view: View, titles: Mapping[str, str]) -> dict[str, Any]:
    """The axes of a view by their names in a layout."""
    points = [point for panel in view.panels for curve in panel.curves for point in curve.points]
    known = [point for point in points if point.y is not None]
    heights = [(point.y or 0) + side * (point.spread or 0) for point in known for side in (-1, 1)]
    x, y, floor = places
    return {
        f"xaxis{x[1:]}": _axis(view.x, titles, [point.x for point in points]) | {"anchor": y},
        f"yaxis{y[1:]}": _axis(view.y, titles, heights) | {"anchor": x},
        f"yaxis{floor[1:]}": {"overlaying": y, "anchor": x, "range": [0, 1], "visible": False, "fixedrange": True},
    }


def _axis(name: str, titles: Mapping[str, str], values: Sequence[float]) -> dict[str, Any]:
    """An axis over all values, with room around them."""
    metric = METRICS.get(name)
    logarithmic = metric is not None and metric.log_axis and min(values) > 0
    low, high = (log10(end) if logarithmic else end for end in (min(values), max(values)))
    room = 0.08 * (high - low) or 0.2 * high or 1
    axis: dict[str, Any] = {"title": {"text": escape(titles[name])}, "range": [low - room, high + room]}
    axis |= {"showline": True, "linecolor": INK, "gridcolor": GRID, "zeroline": False, "ticks": "outside"}
    if metric:
        axis |= {"tickformat": "~s", "minexponent": 3}
    return axis | ({"type": "log", "nticks": 5} if logarithmic else {} if any(values) else {"tickvals": [0]})


_ARROW = {"bgcolor": SHADE, "bordercolor": INK, "arrowcolor": INK, "arrowhead": 2, "standoff": 6, "borderpad": 3}

_LAYOUT = {
    "grid": {"subplots": [["xy", "x2y3"]], "xgap": 0.15, "ygap": 0.2},
    "hovermode": "closest", "paper_bgcolor": PAPER, "plot_bgcolor": PAPER,
    "margin": {"l": 64, "r": 44, "t": 30, "b": 50},
    "modebar": {"orientation": "v"},
    "legend": {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"},
    "font": {"color": INK, "size": 13, "family": "system-ui, sans-serif"},
    "hoverlabel": {"bgcolor": PAPER, "bordercolor": INK, "align": "left", "font": {"color": INK, "size": 13}},
    "template": {"layout": {"annotationdefaults": _ARROW}},
}  # fmt: skip
