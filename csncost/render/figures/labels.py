"""Texts at points: each nearer to its own point than to any other, over no mark, no curve and no other text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from math import dist, hypot
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Spot: TypeAlias = tuple[float, float]
"""A place in pixels."""

_PLACES = [(0, 1), (1, 1), (-1, 1), (1, 0), (-1, 0), (0, -1), (1, -1), (-1, -1)]
"""Places of a label beside its point, in order of preference: above, corners, right, left, below."""

SIZE = 6
"""The size of labels in points of 1/72 inch."""

_TRIES = [(3.6, False), (7.0, False), (3.6, True)]
"""Gaps between a point and its label that are tried in turn, in points, and whether it may cover lines."""


class Label(NamedTuple):
    """A text at a point, and the side where it is tried first: 1 above, -1 below."""

    x: float
    y: float
    text: str
    colour: str
    side: int


class Box(NamedTuple):
    """A rectangle in pixels."""

    left: float
    lower: float
    right: float
    upper: float

    @property
    def centre(self) -> Spot:
        """The place in its middle."""
        return (self.left + self.right) / 2, (self.lower + self.upper) / 2

    def overlaps(self, other: Box) -> bool:
        """True where two rectangles cover each other."""
        across = self.left < other.right and other.left < self.right
        return across and self.lower < other.upper and other.lower < self.upper

    def is_inside(self, other: Box) -> bool:
        """True where it covers nothing outside another."""
        across = other.left < self.left and self.right < other.right
        return across and other.lower < self.lower and self.upper < other.upper

    def distance(self, spot: Spot) -> float:
        """The distance of a place from the nearest edge, 0 inside."""
        (x, y), (left, lower, right, upper) = spot, self
        return hypot(max(left - x, 0, x - right), max(lower - y, 0, y - upper))

    def is_crossed(self, start: Spot, end: Spot) -> bool:
        """True where a straight line goes through."""
        (x, y), (to_x, to_y) = start, end
        if not self.overlaps(Box(min(x, to_x), min(y, to_y), max(x, to_x), max(y, to_y))):
            return False
        corners = ((a, b) for a in (self.left, self.right) for b in (self.lower, self.upper))
        sides = [(to_x - x) * (b - y) > (to_y - y) * (a - x) for a, b in corners]
        return any(sides) and not all(sides)


def place_labels(axes: Axes, labels: Sequence[Label]) -> None:
    """Write labels beside their points, the first ones first; one that has no free place is left out.

    A point without a text is in the way of others. The layout of the figure must be settled.
    """
    scale = axes.figure.dpi / 72
    spots = [(x, y) for x, y in axes.transData.transform([label[:2] for label in labels]).tolist()]
    lines, taken = list(_lines(axes)), list[Box]()
    left, lower, right, upper = axes.bbox.extents
    frame = Box(left + 2 * scale, lower + 2 * scale, right, upper + 8 * scale)
    for label, spot in zip(labels, spots, strict=True):
        width = (0.58 * SIZE * len(label.text) + 2) * scale  # about that of digits and of names
        reach = width + 30 * scale  # beyond it no point is nearer to a label than its own
        near = [other for other in spots if 0 < dist(other, spot) < reach]
        for box, over_lines in _places(spot, (width, SIZE * scale), label.side, scale) if label.text else ():
            own = box.distance(spot)
            free = box.is_inside(frame) and all(box.distance(other) > own for other in near)
            free = free and not any(map(box.overlaps, taken))
            if free and (over_lines or not any(box.is_crossed(*line) for line in lines)):
                x, y = box.centre
                _write(axes, label, ((x - spot[0]) / scale, (y - spot[1]) / scale))
                taken.append(box)
                break


def _places(spot: Spot, size: tuple[float, float], side: int, scale: float) -> Iterator[tuple[Box, bool]]:
    """The places for a label at a spot in the order they are tried, and whether it may cover lines there."""
    (x, y), (width, height) = spot, size
    for gap, over_lines in _TRIES:
        for right, up in _PLACES:
            left = x - width / 2 + right * (gap * scale + width / 2)
            lower = y - height / 2 + up * side * (gap * scale + height / 2)
            yield Box(left, lower, left + width, lower + height), over_lines


def _lines(axes: Axes) -> Iterator[tuple[Spot, Spot]]:
    """The straight pieces of the curves and error bars of a panel, in pixels."""
    curves = [line.get_xydata() for line in axes.get_lines() if line.get_transform().contains_branch(axes.transData)]
    bars = [segment for found in axes.collections for segment in getattr(found, "get_segments", list)()]
    for points in [*curves, *bars]:
        if len(points) > 1:
            yield from pairwise(axes.transData.transform(points).tolist())


def _write(axes: Axes, label: Label, offset: Spot) -> None:
    ground = {"boxstyle": "square,pad=0.1", "facecolor": "white", "linewidth": 0, "alpha": 0.7}
    text = axes.annotate(label.text, label[:2], color=label.colour, ha="center", va="center", xytext=offset,
                         textcoords="offset points", fontsize=SIZE, zorder=6, bbox=ground)  # fmt: skip
    text.set_in_layout(False)
