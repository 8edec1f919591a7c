"""Texts at points that cover no point, no curve and no other text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise, product
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Box: TypeAlias = tuple[float, float, float, float]
"""Left, lower, right and upper edge in pixels."""

_PLACES = [(0, 1), (1, 1), (-1, 1), (1, 0), (-1, 0), (0, -1), (1, -1), (-1, -1)]
"""Where a label stands from its point, in order of preference: above, corners, right, left, below."""

_CELL = 32.0
"""Pixels: boxes are looked up by the square they lie in."""


@dataclass(frozen=True, slots=True)
class Label:
    """A text at a point, and the side where it is tried first (1 above, -1 below); low ranks are placed first."""

    x: float
    y: float
    text: str
    colour: str
    side: int
    rank: int


@dataclass(slots=True)
class _Taken:
    """Boxes that are not to be covered."""

    cells: dict[tuple[int, int], list[Box]] = field(default_factory=dict)

    def add(self, box: Box) -> None:
        for cell in _cells(box):
            self.cells.setdefault(cell, []).append(box)

    def covers(self, box: Box) -> bool:
        return any(_overlap(box, other) for cell in _cells(box) for other in self.cells.get(cell, ()))


def place_labels(axes: Axes, labels: Sequence[Label]) -> None:
    """Write each label at the first place beside its point where it covers nothing, or no more than a curve.

    The layout of the figure must be settled. A label that has no such place is left out.
    """
    scale = axes.figure.dpi / 72
    transform = axes.transData.transform
    spots = [(float(x), float(y)) for x, y in (transform((label.x, label.y)) for label in labels)]
    points, lines = _Taken(), _Taken()
    for x, y in spots:
        points.add(_box(x, y, 6 * scale, 6 * scale))
    for x, y in _drawn(axes, 2 * scale):
        lines.add(_box(x, y, 1.5 * scale, 1.5 * scale))
    bounds = axes.get_window_extent()
    frame = bounds.x0, bounds.y0, bounds.x1, bounds.y1 + 8 * scale
    for label, spot in sorted(zip(labels, spots, strict=True), key=lambda pair: (pair[0].text != "D", pair[0].rank)):
        size = (3.8 * len(label.text) + 2) * scale, 6 * scale
        tries = ((3.6, (points, lines)), (7.0, (points, lines)), (3.6, (points,)))
        found = (_free(label, spot, size, frame, gap * scale, taken) for gap, taken in tries)
        offset = next((one for one in found if one), None)
        if offset and label.text:
            _write(axes, label, (offset[0] / scale, offset[1] / scale))
            points.add(_box(spot[0] + offset[0], spot[1] + offset[1], *size))


def _write(axes: Axes, label: Label, offset: tuple[float, float]) -> None:
    text = axes.annotate(label.text, (label.x, label.y), color=label.colour, ha="center", va="center", xytext=offset,
                         textcoords="offset points", fontsize=6, zorder=6)  # fmt: skip
    text.set_in_layout(False)


def _free(
    label: Label, spot: tuple[float, float], size: tuple[float, float], frame: Box, gap: float, taken: Sequence[_Taken]
) -> tuple[float, float] | None:
    """The offset in pixels at which a label of this size covers nothing that is taken, and is inside the frame."""
    for right, up in _PLACES:
        dx, dy = right * (gap + size[0] / 2), up * label.side * (gap + size[1] / 2)
        box = _box(spot[0] + dx, spot[1] + dy, *size)
        inside = frame[0] < box[0] and box[2] < frame[2] and frame[1] < box[1] and box[3] < frame[3]
        if inside and not any(one.covers(box) for one in taken):
            return dx, dy
    return None


def _drawn(axes: Axes, step: float) -> Iterator[tuple[float, float]]:
    """Points on the curves and the error bars of a panel, so far apart, in pixels."""
    for line in axes.get_lines():
        if len(line.get_xdata()) > 1 and line.get_transform().contains_branch(axes.transData):  # type: ignore[arg-type]
            yield from _along(axes.transData.transform(line.get_xydata()), step)
    for bars in axes.collections:
        for segment in getattr(bars, "get_segments", list)():
            yield from _along(axes.transData.transform(segment), step)


def _along(points: Any, step: float) -> Iterator[tuple[float, float]]:
    for (x, y), (to_x, to_y) in pairwise(points.tolist()):
        count = int(max(abs(to_x - x), abs(to_y - y)) / step) + 1
        for i in range(count + 1):
            yield x + (to_x - x) * i / count, y + (to_y - y) * i / count


def _box(x: float, y: float, width: float, height: float) -> Box:
    return x - width / 2, y - height / 2, x + width / 2, y + height / 2


def _overlap(a: Box, b: Box) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def _cells(box: Box) -> Iterator[tuple[int, int]]:
    """The squares that a box lies in."""
    left, lower, right, upper = (int(edge // _CELL) for edge in box)
    return product(range(left, right + 1), range(lower, upper + 1))
