"""The look of figures: readable by the colour-blind and in grey; how axes and names are written.

Colours are those of Okabe and Ito, which the colour-blind can tell apart; marks, line styles and hatches differ too.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from csncost.errors import MissingExtra
from csncost.units import PREFIXES, shortened

if TYPE_CHECKING:
    from matplotlib.axis import Axis

BLACK, ORANGE, SKY, GREEN, YELLOW, BLUE, RED, PURPLE = (
    *("#000000", "#E69F00", "#56B4E9", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7"),
)
GREY = "#666666"


@dataclass(frozen=True, slots=True)
class Look:
    """The look of a curve; `ink` is the colour of small texts where that of the line is too bright to be read."""

    colour: str
    mark: str
    line: Any
    ink: str = ""

    @property
    def text(self) -> str:
        """The colour of small texts."""
        return self.ink or self.colour


LOOKS = (
    Look(BLUE, "s", "--"), Look(RED, "o", "-"), Look(SKY, "D", ":", "#20709C"), Look(PURPLE, "^", "-.", "#9A4A74"),
    Look(GREEN, "v", (0, (5, 1))), Look(ORANGE, "P", (0, (3, 1, 1, 1, 1, 1)), "#9A6A00"), Look(BLACK, "X", (0, (1, 1))),
    Look(GREY, "<", (0, (8, 2, 2, 2))),
)  # fmt: skip
"""Curves in order. In the paper's study: simple and bottleneck, and those of the deeper of two networks."""

ANY = Look("#DDDDDD", "o", "-")
"""The look of marks that several curves have, in a legend."""

_SPECIAL: dict[str, dict[str, Any]] = {
    "base": {"marker": (6, 1, 0), "markersize": 9},
    "star": {"marker": "*", "markersize": 10},
    "open": {"marker": "d", "markerfacecolor": "white", "markeredgewidth": 0.7},
}


def mark_style(mark: str, look: Look, size: float = 4) -> dict[str, Any]:
    """The style of a point: the hexagram of a base, the star of bottleneck-D, an open tick, or its curve's mark."""
    style = {"linestyle": "none", "color": look.colour, "marker": look.mark, "markersize": size}
    if mark in ("base", "star"):
        style |= {"markeredgecolor": BLACK, "markeredgewidth": 0.6}
    return style | {"markerfacecolor": "white" if mark == "hollow" else look.colour} | _SPECIAL.get(mark, {})


@contextmanager
def styled() -> Iterator[None]:
    """The look of the figures, for as long as one is made. Raises MissingExtra without matplotlib."""
    try:
        import matplotlib
    except ImportError:
        raise MissingExtra("matplotlib", "plot") from None
    with matplotlib.rc_context(fname=str(files("csncost.render.figures") / "paper.mplstyle")):
        yield


def short_names(texts: Sequence[str]) -> list[str]:
    """Different texts as short lines that are different too: longer ones, or numbered, where they must be."""
    for most in (28, 48):
        names = [shortened(text, most) for text in texts]
        if len(set(names)) == len(names):
            return names
    return [f"{i} {name}" for i, name in enumerate(names, 1)]


def count_axis(axis: Axis, bins: int) -> None:
    """Whole numbers with prefixes at the ticks of an axis: 10 G, 0.5 G."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    axis.set_major_locator(MaxNLocator(bins, steps=[1, 2, 5, 10], integer=True))
    axis.set_major_formatter(FuncFormatter(tick))


def tick(value: float, position: int | None = None) -> str:
    """A count at an axis: 10 G, 0.5 G."""
    power = 0
    while abs(value) >= 1000 and power < len(PREFIXES) - 1:
        value, power = value / 1000, power + 1
    return f"{value:.4g} {PREFIXES[power]}".strip()
