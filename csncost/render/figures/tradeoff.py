"""Designs against each other: accuracy against FLOPs and interactions (Figures 6 and 7 of Tran et al., ICCV 2019)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import ceil, log10
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from csncost.errors import CsncostError, did_you_mean
from csncost.logs.read import LogLike
from csncost.render.figures.labels import Label, place_labels
from csncost.render.figures.looks import ANY, LOOKS, OPEN, mark_style
from csncost.render.figures.series import Curve, Panel, Point, View, shared_marks, view
from csncost.render.figures.style import (
    COLUMN,
    GREY,
    TITLES,
    grid,
    legend_above,
    new_figure,
    panel_letter,
    sample,
    settle,
    stamp_figure,
    styled,
    tick,
)
from csncost.render.figures.subject import accuracy_title, axis_titles, designs_of
from csncost.spaces.designs import Designs
from csncost.spaces.study import Design

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from xarray import Dataset

Axis: TypeAlias = Literal["accuracy", "flops", "interactions", "params", "activations"]

Drawn: TypeAlias = "list[tuple[Axes, View, Panel]]"


def tradeoff(
    designs: Designs | Dataset | Sequence[Design],
    accuracies: LogLike | None = None,
    x: Axis | Sequence[Axis] | None = None,
    y: Axis | None = None,
    *,
    frames: int | None = None,
    size: Any = None,
) -> Figure:
    """Designs of one space against each other: Figure 6 (accuracy against FLOPs), or 7 (against interactions).

    `designs` are those of `cc.study`, `cc.search` or `cc.sweep`, or records that were counted with `frames` and
    `size`. `accuracies` is a log, as `read_log` takes it; a study that has accuracies brings them. Several `x` are
    views one below the other; without any, accuracies are shown against FLOPs and interactions.

    In a study, a curve goes from the base architecture (hexagram) over growing groups to depthwise (star:
    bottleneck-D), and on to DG; numbers at the points are groups. In the space of a spec, curves go along the groups,
    or along what has most values. Bars are the standard deviation of several runs. Designs without a logged accuracy
    are open ticks on the axis. Without a log, `y` is interactions.

    Raises CsncostError for no designs, for axes there are not and for more panels or curves than a figure has room
    for, MissingExtra without matplotlib.
    """
    found = designs_of(designs, accuracies, frames, size)
    rows = found.given_rows
    logged = any(row.get("accuracy") is not None for row in rows)
    xs = [x] if isinstance(x, str) else list(x or (("flops", "interactions") if logged and y is None else ("flops",)))
    ys = [y or ("accuracy" if logged else "interactions" if one != "interactions" else "flops") for one in xs]
    for one, other in zip(xs, ys, strict=True):
        _check(rows, one, other, logged)
    views = [view(rows, one, other, by_depth=len(xs) > 1) for one, other in zip(xs, ys, strict=True)]
    with styled():
        figure, drawn = _panels(views)
        titles = axis_titles(found.stamp) | {"accuracy": accuracy_title(found)}
        for axes, shown, panel in drawn:
            _panel(axes, panel, shown.x, shown.y)
            axes.set_xlabel(titles[shown.x])
            if axes.get_subplotspec().is_first_col():  # type: ignore[union-attr]
                axes.set_ylabel(titles[shown.y])
        _legend(figure, views)
        stamp_figure(figure, found.stamp)
        settle(figure)  # labels can see where points are
        for axes, _, panel in drawn:
            place_labels(axes, _labels(panel))
    return figure


def _check(rows: Sequence[Any], x: str, y: str, logged: bool) -> None:
    for name in (x, y):
        if name not in TITLES:
            hint = did_you_mean(str(name), list(TITLES)) or f"there are {', '.join(TITLES)}"
            raise CsncostError(f'no axis "{name!s:.40}"', hint)
    if x == y:
        raise CsncostError(f"both axes are {x}", "choose two")
    if x == "accuracy":
        raise CsncostError("accuracy is drawn upwards", 'say y="accuracy"')
    if y == "accuracy" and not logged:
        raise CsncostError("no accuracy is logged for any of the designs", "without a log, y is interactions")


# -- the panels --------------------------------------------------------------------------------------------------


def _panels(views: Sequence[View]) -> tuple[Figure, Drawn]:
    """A figure with a row, or more, of two panels for each view; a panel that is alone in its row is as wide as two."""
    wide = max(len(shown.panels) for shown in views) > 1
    across = 2 if wide else 1
    heights = [ceil(len(shown.panels) / across) for shown in views]
    rows = sum(heights)
    figure = new_figure(COLUMN * across, (2.2 if rows > 1 else 2.0 if wide else 2.3) * rows + 0.3)
    places = figure.add_gridspec(rows, across)
    panels = [(shown, i, panel) for shown in views for i, panel in enumerate(shown.panels)]
    drawn: Drawn = []
    for number, (shown, i, panel) in enumerate(panels):
        row = sum(heights[: views.index(shown)]) + i // across
        alone = i == len(shown.panels) - 1 and i % across == 0
        axes = figure.add_subplot(places[row, :] if alone else places[row, i % across])
        axes.set_title(panel_letter(number, len(panels), panel.title), loc="left")
        drawn.append((axes, shown, panel))
    return figure, drawn


def _panel(axes: Axes, panel: Panel, x: str, y: str) -> None:
    """The curves of a panel, and the open ticks of what is not logged."""
    points = [point for curve in panel.curves for point in curve.points]
    _scale(axes, axes.xaxis, x, [point.x for point in points])
    _scale(axes, axes.yaxis, y, [point.y for point in points if point.y is not None])
    for curve in panel.curves:
        _curve(axes, curve)
        _missing(axes, curve)
    grid(axes)
    axes.margins(0.08, 0.12)
    axes.autoscale_view()
    if all(point.y is None for point in points):
        axes.set_yticks([])
        axes.text(0.5, 0.5, "no accuracy is logged", transform=axes.transAxes, ha="center", va="center", color=GREY)


def _scale(axes: Axes, axis: Any, name: str, values: Sequence[float]) -> None:
    """Ticks as counts, and a logarithmic scale for interactions."""
    from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

    if name == "interactions" and min(values, default=0) > 0:
        (axes.set_xscale if axis is axes.xaxis else axes.set_yscale)("log")
        few = log10(max(values)) - log10(min(values)) < 2
        axis.set_major_locator(LogLocator(10, subs=(1, 2, 5) if few else (1,), numticks=20))
        axis.set_minor_formatter(NullFormatter())
    else:
        axis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10], integer=name != "accuracy"))
    if values and not any(values):
        (axes.set_xlim if axis is axes.xaxis else axes.set_ylim)(-0.1, 1)
    if name != "accuracy":
        axis.set_major_formatter(FuncFormatter(tick))


def _curve(axes: Axes, curve: Curve) -> None:
    """A line through the points that are known, thin over those that are not, with their marks and error bars."""
    look = LOOKS[curve.look]
    known = [(i, point) for i, point in enumerate(curve.points) if point.y is not None]
    for (i, a), (j, b) in pairwise(known if curve.joined else []):
        line = (
            {"linestyle": look.line, "linewidth": 1.0} if j == i + 1 else {"linestyle": (0, (1, 2)), "linewidth": 0.6}
        )
        axes.plot([a.x, b.x], [a.y, b.y], color=look.colour, zorder=2, **line)  # type: ignore[arg-type]
    small = len(known) > 40
    for _, point in known:
        if point.spread:
            axes.errorbar(point.x, point.y or 0.0, yerr=point.spread, ecolor=look.colour, elinewidth=0.8, capsize=2,
                          fmt="none", zorder=2)  # fmt: skip
    for marks in _alike(known):
        style = mark_style(marks[0].mark, look, 2.5 if small else 4)
        front = 4 if marks[0].mark in ("base", "star") else 3
        axes.plot([p.x for p in marks], [p.y for p in marks], zorder=front, **style)  # type: ignore[arg-type]


def _alike(known: Sequence[tuple[int, Point]]) -> list[list[Point]]:
    """The points by their marks."""
    found: dict[str, list[Point]] = {}
    for _, point in known:
        found.setdefault(point.mark, []).append(point)
    return list(found.values())


def _missing(axes: Axes, curve: Curve) -> None:
    """Open ticks on the axis where designs stand of which no accuracy is logged."""
    xs = [point.x for point in curve.points if point.y is None]
    if xs:
        edge = {"markeredgecolor": LOOKS[curve.look].colour}
        axes.plot(xs, [0.0] * len(xs), transform=axes.get_xaxis_transform(), clip_on=False, zorder=5, **OPEN | edge)


def _labels(panel: Panel) -> list[Label]:
    """The texts at all points of a panel, some empty, the most telling first: D, then the first of each curve."""
    labels = [
        (point.text != "D", rank, Label(point.x, point.y, point.text, LOOKS[curve.look].text, -1 if curve.below else 1))
        for curve in panel.curves
        for rank, point in enumerate(curve.points)
        if point.y is not None
    ]
    return [label for *_, label in sorted(labels)]


# -- the legend --------------------------------------------------------------------------------------------------


def _legend(figure: Figure, views: Sequence[View]) -> None:
    """One legend above all panels: curves, marks, and what the texts at the points are."""
    handles: dict[str, Any] = _names(views)
    curves = [curve for shown in views for panel in shown.panels for curve in panel.curves]
    for mark, name, look in shared_marks((point, LOOKS[curve.look]) for curve in curves for point in curve.points):
        handles[name] = sample(OPEN if mark == "open" else mark_style(mark, ANY if mark in ("base", "star") else look))
    texts = next((shown.texts for shown in views if shown.texts), "")
    title = f"numbers at the points: {texts}" if texts else None
    if figure.get_figwidth() > COLUMN:
        legend_above(figure, list(handles.items()), 5, handlelength=3.0, columnspacing=1.2, title=title)
    else:
        legend_above(figure, list(handles.items()), 3, handlelength=2.6, columnspacing=0.8, title=title)


def _names(views: Sequence[View]) -> dict[str, Any]:
    """The curves by name; without the number of blocks where each panel has one look for all depths."""
    curves = [curve for shown in views for panel in shown.panels for curve in panel.curves]
    looks = {curve.name: curve for curve in curves}
    short = {name.rpartition("-")[0] if "-X-" in name else name: curve for name, curve in looks.items()}
    several = any(len(panel.curves) > 2 for shown in views for panel in shown.panels)
    shown = looks if several or len({curve.look for curve in curves}) == len(looks) else short
    return {name: sample(_line(curve)) for name, curve in shown.items()}


def _line(curve: Curve) -> dict[str, Any]:
    look = LOOKS[curve.look]
    line = look.line if curve.joined else "none"
    return {"linestyle": line, "marker": look.mark, "color": look.colour, "markersize": 4}
