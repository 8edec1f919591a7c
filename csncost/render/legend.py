"""The legend of a page: each curve with its line and mark, and what the other marks are, as small SVG pictures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from math import cos, pi, sin
from typing import Any

from csncost.render.traces import BASE, DASHES, STAR, Curve, open_tick, plain_mark

Mark = dict[str, Any]


def legend(curves: Sequence[Curve], *, ticks: bool) -> str:
    """A button for each curve, which switches it off, and the marks on the curves; open `ticks` where there are any."""
    buttons = [
        f'<button type="button" aria-pressed="true" data-curve="{escape(curve.name)}">{_curve(curve)}'
        f"{escape(curve.name)}</button>"
        for curve in curves
    ]
    marks = [f"<span>{_svg(_shape(mark))}{name}</span>" for mark, name in _marks(curves, ticks)]
    return "\n".join(["", *buttons, *marks, ""])


def _marks(curves: Sequence[Curve], ticks: bool) -> Iterator[tuple[Mark, str]]:
    """The marks that are on more than one curve, and what they say."""
    kinds = {(point.design.family, point.design.kind): curve.look for curve in curves for point in curve.points}
    if any(kind == "none" for _, kind in kinds):
        yield BASE, "base"
    if ("bottleneck", "D") in kinds:
        yield STAR, "bottleneck-D"
    hollow = next((look for (_, kind), look in kinds.items() if kind == "DG"), None)
    if hollow:
        yield plain_mark(hollow, hollow=True), "DG (hollow)"
    if ticks:
        yield open_tick(curves[0].look), "not logged (on the axis)"


def _curve(curve: Curve) -> str:
    dash = "" if curve.look.line == "-" else f' stroke-dasharray="{DASHES[curve.look.line].replace("px", "")}"'
    line = f'<path d="M-16 0H16" stroke="{curve.look.colour}" stroke-width="1.8"{dash}/>'
    return _svg(line + _shape(plain_mark(curve.look)))


def _svg(inner: str) -> str:
    return f'<svg viewBox="-17 -8 34 16" aria-hidden="true">{inner}</svg>'


def _shape(mark: Mark) -> str:
    """A mark around the origin."""
    line = mark["line"]
    style = f'style="fill:{mark["color"]};stroke:{line["color"]};stroke-width:{line["width"]}"'
    if mark["symbol"] == "circle":
        return f'<circle r="{mark["size"] / 2:g}" {style}/>'
    corners = " ".join(f"{x:.2f},{y:.2f}" for x, y in _CORNERS[mark["symbol"]](mark["size"] / 2))
    return f'<polygon points="{corners}" {style}/>'


def _corners(count: int, inner: float = 1.0, turn: float = 0.0) -> Any:
    """The corners of a polygon or a star of some radius; every second one is nearer to the middle."""

    def around(radius: float) -> list[tuple[float, float]]:
        angles = [2 * pi * (i / count + turn) for i in range(count)]
        reach = [radius * (inner if i % 2 else 1.0) for i in range(count)]
        return [(r * sin(angle), -r * cos(angle)) for r, angle in zip(reach, angles, strict=True)]

    return around


_CORNERS = {
    "square": _corners(4, turn=1 / 8),
    "diamond": _corners(4),
    "diamond-tall": _corners(4, inner=0.6),
    "triangle-up": _corners(3),
    "triangle-down": _corners(3, turn=1 / 2),
    "star": _corners(10, inner=0.4),
    "hexagram": _corners(12, inner=0.58),
}
