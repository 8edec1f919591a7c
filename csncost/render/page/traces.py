"""Curves of designs as Plotly data: the looks and marks of the figures, as plain traces and layouts.

Every point carries the number of its design in `customdata`, every trace of a curve its name in `legendgroup`.
`INK` and the like are colours that depend on whether a page is light or dark; the script of the page puts them in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from itertools import cycle, islice, pairwise
from typing import Any, NamedTuple, TypeAlias

from csncost.render.figures.looks import LOOKS, Look
from csncost.render.figures.series import Point as Place
from csncost.render.figures.series import Row
from csncost.render.figures.series import View as Series
from csncost.render.figures.style import BLACK, TITLES

Trace: TypeAlias = dict[str, Any]
XY: TypeAlias = tuple[float | None, float | None]

INK, FAINT, PAPER, GRID = "var(--ink)", "var(--faint)", "var(--paper)", "var(--grid)"

SYMBOLS = {
    "s": "square", "o": "circle", "D": "diamond", "^": "triangle-up", "v": "triangle-down", "P": "cross", "X": "x",
    "<": "triangle-left",
}  # fmt: skip
DASHES = {"-": "solid", "--": "7px,3px", ":": "2px,3px", "-.": "8px,3px,2px,3px"}
UNITS = {"interactions": " (pairs)", "activations": " (elements)"}

BASE = {"symbol": "hexagram", "size": 16, "line": {"width": 1, "color": INK}}
STAR = {"symbol": "star", "size": 16, "line": {"width": 1, "color": INK}}


class Point(NamedTuple):
    """A design by its number, the lines that hovering over it shows, and where it stands."""

    number: int
    lines: Sequence[str]
    at: Place


@dataclass(frozen=True, slots=True)
class Curve:
    """Points in order, drawn in a look; their texts stand below or above them."""

    name: str
    look: Look
    points: tuple[Point, ...]
    below: bool
    joined: bool = True

    @property
    def colour(self) -> str:
        """The colour of the curve; black is what stands out from the page."""
        return INK if self.look.colour == BLACK else self.look.colour

    @property
    def dash(self) -> str:
        """The line of the curve, as lengths of strokes and gaps."""
        line = self.look.line
        return DASHES[line] if isinstance(line, str) else ",".join(f"{2 * length}px" for length in line[1])


def curves(series: Series, known: Callable[[Row], tuple[int, Sequence[str]]]) -> list[Curve]:
    """The curves of all panels, for one plot; `known` gives the number of a design and the lines that it shows."""
    found = [(panel, curve) for panel in series.panels for curve in panel.curves]
    names = [curve.name for _, curve in found]
    looks = [LOOKS[curve.look] for _, curve in found]
    if len(set(map(id, looks))) < len(looks):  # panels use the same looks again
        looks = list(islice(cycle(LOOKS), len(found)))
    return [
        Curve(
            curve.name if names.count(curve.name) == 1 else ", ".join((curve.name, panel.title)),
            look,
            tuple(Point(*known(place.row), place) for place in curve.points),
            curve.below,
            curve.joined,
        )
        for (panel, curve), look in zip(found, looks, strict=True)
    ]


def view(curves: Sequence[Curve], x: str, y: str, titles: Mapping[str, str]) -> dict[str, Any]:
    """One view of designs: `data` and `layout` as Plotly takes them, the axes named by `titles`."""
    places = [point.at for curve in curves for point in curve.points]
    across = _axis(x, titles, [place.x for place in places])
    up = _axis(y, titles, [place.y for place in places if place.y is not None])
    return {"data": [trace for curve in curves for trace in _curve(curve)], "layout": _layout(across, up)}


def _curve(curve: Curve) -> Iterator[Trace]:
    """Lines between neighbours, thin ones over designs that are not logged; marks; ticks on the axis."""
    points = curve.points
    known = [k for k, point in enumerate(points) if point.at.y is not None]
    steps = [(b == a + 1, points[a], points[b]) for a, b in pairwise(known if curve.joined else [])]
    line = {"width": 1.8, "dash": curve.dash, "color": curve.colour}
    thin = {"width": 1, "dash": "1px,3px", "color": curve.colour}
    yield _lines(curve, [(a, b) for near, a, b in steps if near], line)
    yield _lines(curve, [(a, b) for near, a, b in steps if not near], thin)
    special = {k for k in known if points[k].at.mark in ("base", "star")}  # on top, D on that of DG with one group
    drawn = [k for k in known if k not in special] + sorted(special, reverse=True)
    yield _marks(curve, [points[k] for k in drawn])
    yield _ticks(curve, [point for point in points if point.at.y is None])


def _lines(curve: Curve, steps: Sequence[tuple[Point, Point]], line: Mapping[str, Any]) -> Trace:
    """Straight lines, each from a point to a point."""
    places: list[XY] = []
    for start, end in steps:
        places += [(start.at.x, start.at.y), (end.at.x, end.at.y), (None, None)]
    return _trace(curve, places) | {"mode": "lines", "line": dict(line), "hoverinfo": "skip"}


def _marks(curve: Curve, points: Sequence[Point]) -> Trace:
    """The marks of designs with their texts, and bars of the standard deviation where a design has several runs."""
    marks = [mark(point.at.mark, curve) for point in points]
    spreads = [point.at.spread or 0 for point in points]
    side = "bottom" if curve.below else "top"
    bars = {"error_y": {"array": spreads, "color": curve.colour, "thickness": 1.4, "width": 4}} if any(spreads) else {}
    return {
        **_trace(curve, [(point.at.x, point.at.y) for point in points]),
        **_hover(points),
        **bars,
        "mode": "markers+text",
        "marker": {
            **{key: [own[key] for own in marks] for key in ("symbol", "size", "color")},
            "opacity": 1,
            "line": {key: [own["line"][key] for own in marks] for key in ("width", "color")},
        },
        "text": [escape(point.at.text) if curve.joined else "" for point in points],  # names are told by hovering
        "textposition": f"{side} {'right' if bars else 'center'}",
        "textfont": {"size": 11, "color": FAINT},
    }


def mark(kind: str, curve: Curve) -> dict[str, Any]:
    """How a point is drawn: the hexagram of a base, the star of bottleneck-D, or the mark of its curve."""
    if kind in ("base", "star"):
        return {**(BASE if kind == "base" else STAR), "color": curve.colour}
    fill = PAPER if kind == "hollow" else curve.colour
    return {"symbol": SYMBOLS[curve.look.mark], "size": 8, "color": fill, "line": {"width": 1.4, "color": curve.colour}}


def open_tick(curve: Curve) -> dict[str, Any]:
    """The mark on the axis of a design of which no accuracy is logged."""
    line = {"width": 1.2, "color": curve.colour}
    return {"symbol": "diamond-tall", "size": 9, "color": PAPER, "line": line}


def _ticks(curve: Curve, points: Sequence[Point]) -> Trace:
    """Open ticks on the axis, where designs stand of which no accuracy is logged."""
    own = {"mode": "markers", "yaxis": "y2", "marker": open_tick(curve)}
    return _trace(curve, [(point.at.x, 0.0) for point in points]) | _hover(points) | own


def _trace(curve: Curve, places: Sequence[XY]) -> Trace:
    across, up = [x for x, _ in places], [y for _, y in places]
    name = {"name": escape(curve.name), "legendgroup": curve.name, "showlegend": False}
    return {"type": "scatter", "x": across, "y": up, "cliponaxis": False, **name}


def _hover(points: Sequence[Point]) -> Trace:
    """Which designs points are, and what hovering over them shows; Plotly reads that as HTML."""
    texts = ["<br>".join(map(escape, point.lines)) for point in points]
    shown = {"hovertext": texts, "hovertemplate": "%{hovertext}<extra></extra>"}
    return {"customdata": [point.number for point in points], **shown}


def _axis(name: str, titles: Mapping[str, str], values: Sequence[float]) -> dict[str, Any]:
    """An axis; that of interactions is logarithmic."""
    logarithmic = name == "interactions" and min(values) > 0
    scale = {"type": "log", "nticks": 6} if logarithmic else {"type": "linear", **_alone(name, values)}
    ticks = {} if name == "accuracy" else {"tickformat": "~s", "minexponent": 3}
    lines = {"showline": True, "linecolor": INK, "gridcolor": GRID, "zeroline": False, "ticks": "outside"}
    title = titles.get(name, TITLES[name] + UNITS.get(name, ""))
    return {"title": {"text": escape(title)}, **scale, **ticks, **lines}


def _alone(name: str, values: Sequence[float]) -> dict[str, Any]:
    """The range of an axis on which all designs stand in one place: Plotly's own shows nothing but that place."""
    if name == "accuracy" or len(set(values)) != 1:
        return {}
    (value,) = set(values)
    return {"range": [0.8 * value, 1.2 * value]} if value else {"range": [-0.05, 1], "tickvals": [0]}


def _layout(x: Mapping[str, Any], y: Mapping[str, Any]) -> dict[str, Any]:
    """The layout of a view; on a second axis from 0 to 1 stands what has no height."""
    bottom = {"overlaying": "y", "range": [0, 1], "visible": False, "fixedrange": True}
    return {
        "xaxis": x, "yaxis": y, "yaxis2": bottom, "hovermode": "closest", "autosize": True,
        "margin": {"l": 64, "r": 20, "t": 30, "b": 50}, "paper_bgcolor": PAPER, "plot_bgcolor": PAPER,
        "font": {"color": INK, "size": 13, "family": "system-ui, sans-serif"},
        "hoverlabel": {"bgcolor": PAPER, "bordercolor": INK, "align": "left", "font": {"color": INK, "size": 13}},
    }  # fmt: skip
