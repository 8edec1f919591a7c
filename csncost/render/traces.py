"""Designs as Plotly data: the curves and marks of `render.plots` as plain traces and layouts.

Every point carries the number of its design in `customdata`, every trace of a curve its name in `legendgroup`.
`INK` and the like are colours that depend on whether a page is light or dark; the script of the page puts them in.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise
from typing import Any, NamedTuple, TypeAlias

from csncost.designs import Design
from csncost.records import Result
from csncost.render.plots import _LOOKS, GREEN, TITLES, _Look, _text

Trace: TypeAlias = dict[str, Any]
Place: TypeAlias = tuple[float | None, float | None]

INK, FAINT, PAPER, GRID = "var(--ink)", "var(--faint)", "var(--paper)", "var(--grid)"

SYMBOLS = {"s": "square", "o": "circle", "D": "diamond", "^": "triangle-up", "v": "triangle-down"}
DASHES = {"-": "solid", "--": "7px,3px", ":": "2px,3px", "-.": "8px,3px,2px,3px"}
UNITS = {"interactions": " (pairs)", "activations": " (elements)"}


class Point(NamedTuple):
    """A design by its number, what is logged of it, and the lines that hovering over it shows."""

    number: int
    design: Design
    result: Result | None
    lines: Sequence[str]

    def place(self, x: str, y: str) -> Place:
        """Where the design stands; without an accuracy nowhere on that axis."""
        height = getattr(self.design, y) if y != "accuracy" else self.result.mean if self.result else None
        return getattr(self.design, x), height


@dataclass(frozen=True, slots=True)
class Curve:
    """The designs of one family and depth, from the base over G and D to DG."""

    name: str
    look: _Look
    points: tuple[Point, ...]

    @property
    def side(self) -> str:
        """Where numbers stand, so that those of two curves that cross keep apart."""
        return "bottom" if self.name.startswith("simple") else "top"


def curves(points: Sequence[Point]) -> list[Curve]:
    """The curves that designs lie on, by family and depth."""
    found: dict[tuple[str, int], list[Point]] = {}
    for point in sorted(points, key=lambda point: point.design.step):
        found.setdefault((point.design.family, point.design.blocks), []).append(point)
    depths = {blocks for _, blocks in found}
    deepest = max(depths) if len(depths) > 1 else None
    other = _Look(GREEN, "v", "-")
    return [
        Curve(f"{family}-X-{blocks}", _LOOKS.get((family, blocks == deepest), other), tuple(members))
        for (family, blocks), members in sorted(found.items())
    ]


def view(curves: Sequence[Curve], x: str, y: str, titles: Mapping[str, str]) -> dict[str, Any]:
    """One view of designs: `data` and `layout` as Plotly takes them, the axes named by `titles`."""
    traces = [trace for curve in curves for trace in _curve(curve, x, y)]
    places = [point.place(x, y) for curve in curves for point in curve.points]
    layout = _layout(*(_axis(name, titles, at) for name, at in zip((x, y), zip(*places, strict=True), strict=True)))
    return {"data": traces, "layout": layout}


def _curve(curve: Curve, x: str, y: str) -> Iterator[Trace]:
    """Lines between neighbours, thin ones over designs that are not logged; marks; ticks on the axis."""
    places = [point.place(x, y) for point in curve.points]
    known = [k for k, (_, height) in enumerate(places) if height is not None]
    steps = list(pairwise(known))
    line = {"width": 1.8, "dash": DASHES[curve.look.line], "color": curve.look.colour}
    thin = {"width": 1, "dash": "1px,3px", "color": curve.look.colour}
    yield _lines(curve, [(places[a], places[b]) for a, b in steps if b == a + 1], line)
    yield _lines(curve, [(places[a], places[b]) for a, b in steps if b > a + 1], thin)
    drawn = sorted((curve.points[k] for k in known), key=lambda point: point.design.kind in ("none", "D"))  # on top
    yield _marks(curve, drawn, x, y) | (_bars(curve, drawn) if y == "accuracy" else {})
    yield _ticks(curve, [point for k, point in enumerate(curve.points) if k not in known], x)


def _lines(curve: Curve, steps: Sequence[tuple[Place, Place]], line: Mapping[str, Any]) -> Trace:
    """Straight lines, each from a place to a place."""
    places = [place for start, end in steps for place in (start, end, (None, None))]
    return _trace(curve, places) | {"mode": "lines", "line": dict(line), "hoverinfo": "skip"}


def _marks(curve: Curve, points: Sequence[Point], x: str, y: str) -> Trace:
    """The marks of designs, with their groups."""
    marks = [mark(point.design, curve.look) for point in points]
    return {
        **_trace(curve, [point.place(x, y) for point in points]),
        **_hover(points),
        "mode": "markers+text",
        "marker": {
            **{key: [own[key] for own in marks] for key in ("symbol", "size", "color")},
            "opacity": 1,
            "line": {key: [own["line"][key] for own in marks] for key in ("width", "color")},
        },
        "text": [_text(point.design) for point in points],
        "textposition": f"{curve.side} center",
        "textfont": {"size": 11, "color": FAINT},
    }


def mark(design: Design, look: _Look) -> dict[str, Any]:
    """The mark of a design: a hexagram for a base, a star for bottleneck-D, hollow for DG."""
    if design.kind == "none":
        return BASE
    if design.kind == "D" and design.family == "bottleneck":
        return STAR
    return plain_mark(look, hollow=design.kind == "DG")


BASE = {"symbol": "hexagram", "size": 16, "color": INK, "line": {"width": 0.8, "color": PAPER}}
STAR = {"symbol": "star", "size": 16, "color": GREEN, "line": {"width": 0.8, "color": INK}}


def plain_mark(look: _Look, *, hollow: bool = False) -> dict[str, Any]:
    """The mark of a curve."""
    fill = PAPER if hollow else look.colour
    return {"symbol": SYMBOLS[look.mark], "size": 8, "color": fill, "line": {"width": 1.4, "color": look.colour}}


def open_tick(look: _Look) -> dict[str, Any]:
    """The mark on the axis of a design of which no accuracy is logged."""
    line = {"width": 1.2, "color": look.colour}
    return {"symbol": "diamond-tall", "size": 9, "color": PAPER, "line": line}


def _bars(curve: Curve, points: Sequence[Point]) -> Trace:
    """Bars of the standard deviation, where a design has several runs."""
    spreads = [point.result.spread if point.result else None for point in points]
    if not any(spreads):
        return {}
    bars = {"array": [spread or 0 for spread in spreads], "color": curve.look.colour, "thickness": 1.4, "width": 4}
    return {"error_y": bars, "textposition": f"{curve.side} right"}


def _ticks(curve: Curve, points: Sequence[Point], x: str) -> Trace:
    """Open ticks on the axis, where designs stand of which no accuracy is logged."""
    places = [(getattr(point.design, x), 0.0) for point in points]
    return _trace(curve, places) | _hover(points) | {
        "mode": "markers", "yaxis": "y2", "marker": open_tick(curve.look),
    }  # fmt: skip


def _trace(curve: Curve, places: Sequence[Place]) -> Trace:
    across, up = [x for x, _ in places], [y for _, y in places]
    name = {"name": curve.name, "legendgroup": curve.name, "showlegend": False}
    return {"type": "scatter", "x": across, "y": up, "cliponaxis": False, **name}


def _hover(points: Sequence[Point]) -> Trace:
    """Which designs points are, and what hovering over them shows; Plotly reads that as HTML."""
    texts = ["<br>".join(map(escape, point.lines)) for point in points]
    shown = {"hovertext": texts, "hovertemplate": "%{hovertext}<extra></extra>"}
    return {"customdata": [point.number for point in points], **shown}


def _axis(name: str, titles: Mapping[str, str], values: Sequence[float | None]) -> dict[str, Any]:
    """An axis; that of interactions is logarithmic."""
    known = [value for value in values if value is not None]
    scale = {"type": "log", "nticks": 6} if name == "interactions" and min(known) > 0 else {"type": "linear"}
    ticks = {} if name == "accuracy" else {"tickformat": "~s", "minexponent": 3}
    lines = {"showline": True, "linecolor": INK, "gridcolor": GRID, "zeroline": False, "ticks": "outside"}
    title = titles.get(name, TITLES[name] + UNITS.get(name, ""))
    return {"title": {"text": escape(title)}, **scale, **ticks, **lines}


def _layout(x: Mapping[str, Any], y: Mapping[str, Any]) -> dict[str, Any]:
    """The layout of a view; on a second axis from 0 to 1 stands what has no height."""
    bottom = {"overlaying": "y", "range": [0, 1], "visible": False, "fixedrange": True}
    return {
        "xaxis": x, "yaxis": y, "yaxis2": bottom, "hovermode": "closest", "autosize": True,
        "margin": {"l": 64, "r": 20, "t": 30, "b": 50}, "paper_bgcolor": PAPER, "plot_bgcolor": PAPER,
        "font": {"color": INK, "size": 13, "family": "system-ui, sans-serif"},
        "hoverlabel": {"bgcolor": PAPER, "bordercolor": INK, "align": "left", "font": {"color": INK, "size": 13}},
    }  # fmt: skip
