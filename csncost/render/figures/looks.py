"""How curves and marks look: colours for the colour-blind, marks and line styles that differ in grey."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from csncost.render.figures.style import BLACK, BLUE, GREEN, GREY, ORANGE, PURPLE, RED, SKY


@dataclass(frozen=True, slots=True)
class Look:
    """How a curve is drawn."""

    colour: str
    mark: str
    line: Any
    ink: str = ""

    @property
    def text(self) -> str:
        """The colour of small texts: dark enough to be read."""
        return self.ink or self.colour


LOOKS = (
    Look(BLUE, "s", "--"), Look(RED, "o", "-"), Look(SKY, "D", ":", "#20709C"), Look(PURPLE, "^", "-.", "#9A4A74"),
    Look(GREEN, "v", (0, (5, 1))), Look(ORANGE, "P", (0, (3, 1, 1, 1, 1, 1)), "#9A6A00"), Look(BLACK, "X", (0, (1, 1))),
    Look(GREY, "<", (0, (8, 2, 2, 2))),
)  # fmt: skip
"""Curves in order. In the paper's study: simple and bottleneck, and those of the deeper of two networks."""

ANY = Look("#DDDDDD", "o", "-")
"""Of no curve: how a mark that several have stands in a legend."""

BASE: dict[str, Any] = {
    "marker": (6, 1, 0), "markersize": 9, "linestyle": "none", "markeredgecolor": BLACK, "markeredgewidth": 0.6,
}  # fmt: skip
STAR: dict[str, Any] = {
    "marker": "*", "markersize": 10, "linestyle": "none", "markeredgecolor": BLACK, "markeredgewidth": 0.6,
}  # fmt: skip
OPEN: dict[str, Any] = {
    "marker": "d", "markersize": 4, "linestyle": "none", "markerfacecolor": "white", "markeredgecolor": "#555555",
    "markeredgewidth": 0.7,
}  # fmt: skip
"""A design without a logged accuracy, on the axis."""


def mark_style(mark: str, look: Look, size: float = 4) -> dict[str, Any]:
    """How a point is drawn: the hexagram of a base, the star of bottleneck-D, or the mark of its curve."""
    if mark in ("base", "star"):
        return {**(BASE if mark == "base" else STAR), "color": look.colour}
    fill = "white" if mark == "hollow" else look.colour
    return {"marker": look.mark, "markersize": size, "color": look.colour, "markerfacecolor": fill, "linestyle": "none"}
