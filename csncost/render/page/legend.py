"""The legend of a page: each curve with its line and mark, and what the other marks are, as small SVG pictures."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from html import escape
from math import cos, pi, sin
from typing import Any, TypeAlias

from csncost.render.figures.looks import ANY
from csncost.render.figures.series import shared_marks
from csncost.render.page.traces import Curve, mark, open_tick

Corners: TypeAlias = list[tuple[float, float]]


def legend(curves: Sequence[Curve]) -> str:
    """A button for each curve, which switches it off, and the marks that are not a curve's own."""
    buttons = [
        f'<button type="button" aria-pressed="true" data-curve="{escape(curve.name)}">{_curve(curve)}'
        f"{escape(curve.name)}</button>"
        for curve in curves
    ]
    marks = [f"<span>{_svg(_shape(own))}{name}</span>" for own, name in _marks(curves)]
    return "\n".join(["", *buttons, *marks, ""])


def _marks(curves: Sequence[Curve]) -> Iterator[tuple[dict[str, Any], str]]:
    """The marks that are on several curves, and what they say."""
    points = ((point.at, curve) for curve in curves for point in curve.points)
    for kind, name, curve in shared_marks(points):
        own = replace(curve, look=ANY) if kind in ("base", "star") else curve
        yield open_tick(own) if kind == "open" else mark(kind, own), name


def _curve(curve: Curve) -> str:
    dash = "" if curve.dash == "solid" else f";stroke-dasharray:{curve.dash}"
    line = f'<path d="M-16 0H16" style="stroke:{curve.colour};stroke-width:1.8{dash}"/>' if curve.joined else ""
    return _svg(line + _shape(mark("filled", curve)))


def _svg(inner: str) -> str:
    return f'<svg viewBox="-17 -8 34 16" aria-hidden="true">{inner}</svg>'


def _shape(mark: dict[str, Any]) -> str:
    """A mark around the origin."""
    line = mark["line"]
    style = f'style="fill:{mark["color"]};stroke:{line["color"]};stroke-width:{line["width"]}"'
    if mark["symbol"] == "circle":
        return f'<circle r="{mark["size"] / 2:g}" {style}/>'
    corners = " ".join(f"{x:.2f},{y:.2f}" for x, y in _SHAPES[mark["symbol"]](mark["size"] / 2))
    return f'<polygon points="{corners}" {style}/>'


def _around(count: int, inner: float = 1.0, turn: float = 0.0) -> Callable[[float], Corners]:
    """The corners of a polygon or a star of some radius; every second one is nearer to the middle."""

    def corners(radius: float) -> Corners:
        angles = [2 * pi * (i / count + turn) for i in range(count)]
        reach = [radius * (inner if i % 2 else 1.0) for i in range(count)]
        return [(r * sin(angle), -r * cos(angle)) for r, angle in zip(reach, angles, strict=True)]

    return corners


_SHAPES = {
    "square": _around(4, turn=1 / 8), "diamond": _around(4), "diamond-tall": _around(4, inner=0.6),
    "triangle-up": _around(3), "triangle-down": _around(3, turn=1 / 2), "triangle-left": _around(3, turn=-1 / 4),
    "cross": _around(8, inner=0.4), "x": _around(8, inner=0.4, turn=1 / 8), "star": _around(10, inner=0.4),
    "hexagram": _around(12, inner=0.58),
}  # fmt: skip
