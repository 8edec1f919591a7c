"""Texts at points that cover no point, no curve and no other text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise, product
from math import hypot
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
        return any(_overlap(box, other) for other in self.near(box))

    def near(self, box: Box) -> Iterator[Box]:
        """What lies in the squares that a box lies in, and so all that it covers."""
        return (other for cell in _cells(box) for other in self.cells.get(cell, ()))


@dataclass(frozen=True, slots=True)
class _Room:
    """Where labels may stand: inside a frame, `scale` pixels to a point, on no point and best on no line."""

    frame: Box
    scale: float
    centres: _Taken
    points: _Taken
    lines: _Taken

    def offset(self, label: Label, spot: tuple[float, float], size: tuple[float, float]) -> tuple[float, float] | None:
        """The way from a spot to the first free place for its label, if there is one."""
        for gap, on_lines in ((3.6, False), (7.0, False), (3.6, True)):
            for right, up in _PLACES:
                dx, dy = right * (gap * self.scale + size[0] / 2), up * label.side * (gap * self.scale + size[1] / 2)
                box = _box(spot[0] + dx, spot[1] + dy, *size)
                if self._free(box, on_lines) and self._is_nearest(spot, box):
                    return dx, dy
        return None

    def _free(self, box: Box, on_lines: bool) -> bool:
        left, lower, right, upper = self.frame
        inside = left < box[0] and box[2] < right and lower < box[1] and box[3] < upper
        return inside and not self.points.covers(box) and (on_lines or not self.lines.covers(box))

    def _is_nearest(self, spot: tuple[float, float], box: Box) -> bool:
        """Whether no other point is clearly nearer to a label than its own: it would be read as the label of that."""
        reach = 0.9 * _distance(spot, box)
        around = box[0] - reach, box[1] - reach, box[2] + reach, box[3] + reach
        near = (other[:2] for other in self.centres.near(around))
        return all(other == spot or _distance(other, box) >= reach for other in near)


def place_labels(axes: Axes, labels: Sequence[Label]) -> None:
    """Write each label at the first place beside its point where it covers nothing, or no more than a curve.

    The layout of the figure must be settled. A label that has no such place, or only one that is nearer to another
    point, is left out.
    """
    scale = axes.figure.dpi / 72
    transform = axes.transData.transform
    spots = [(float(x), float(y)) for x, y in (transform((label.x, label.y)) for label in labels)]
    bounds = axes.get_window_extent()
    frame = bounds.x0, bounds.y0, bounds.x1, bounds.y1 + 8 * scale
    room = _Room(frame, scale, _Taken(), _Taken(), _Taken())
    for x, y in spots:
        room.centres.add(_box(x, y, 0, 0))
        room.points.add(_box(x, y, 6 * scale, 6 * scale))
    for x, y in _drawn(axes, 2 * scale):
        room.lines.add(_box(x, y, 1.5 * scale, 1.5 * scale))
    for label, spot in sorted(zip(labels, spots, strict=True), key=lambda pair: (pair[0].text != "D", pair[0].rank)):
        size = (3.8 * len(label.text) + 2) * scale, 6 * scale
        offset = room.offset(label, spot, size) if label.text else None
        if offset:
            _write(axes, label, (offset[0] / scale, offset[1] / scale))
            room.points.add(_box(spot[0] + offset[0], spot[1] + offset[1], *size))


def _write(axes: Axes, label: Label, offset: tuple[float, float]) -> None:
    ground = {"boxstyle": "square,pad=0.1", "facecolor": "white", "linewidth": 0, "alpha": 0.7}
    text = axes.annotate(label.text, (label.x, label.y), color=label.colour, ha="center", va="center", xytext=offset,
                         textcoords="offset points", fontsize=6, zorder=6, bbox=ground)  # fmt: skip
    text.set_in_layout(False)


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


def _distance(spot: tuple[float, float], box: Box) -> float:
    """From a point to the nearest edge of a box that it is not in."""
    return hypot(max(box[0] - spot[0], 0, spot[0] - box[2]), max(box[1] - spot[1], 0, spot[1] - box[3]))


def _overlap(a: Box, b: Box) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def _cells(box: Box) -> Iterator[tuple[int, int]]:
    """The squares that a box lies in."""
    left, lower, right, upper = (int(edge // _CELL) for edge in box)
    return product(range(left, right + 1), range(lower, upper + 1))
