"""Designs against each other: accuracy against FLOPs and interactions (Figures 6 and 7 of Tran et al., ICCV 2019)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import ceil, log10, nan
from typing import TYPE_CHECKING, Any, TypeAlias

from csncost.costs.metrics import METRICS
from csncost.errors import CsncostError, did_you_mean
from csncost.logs.read import LogLike
from csncost.render.figures.labels import Label, place_labels
from csncost.render.figures.series import Curve, Panel, Row, View, shared_marks, view
from csncost.render.figures.sheet import COLUMN, legend_above, new_figure, settle, stamp_figure
from csncost.render.figures.style import ANY, GREY, LOOKS, Look, count_axis, mark_style, styled
from csncost.render.figures.subject import axis_titles, designs_of
from csncost.spaces.designs import Designs

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from xarray import Dataset

Drawn: TypeAlias = "list[tuple[Axes, View, Panel]]"


def tradeoff(
    designs: Designs | Dataset,
    accuracies: LogLike | None = None,
    x: str | Sequence[str] | None = None,
    y: str | None = None,
) -> Figure:
    """Designs of one space against each other: Figure 6 (accuracy against FLOPs), or 7 (against interactions).

    `designs` are those of `cc.study`, `cc.search` or `cc.sweep`. `accuracies` is a log, as `read_log` takes it; designs
    that have accuracies bring them. `x` and `y` are metrics, `y` may be accuracy. Several `x` are views one below the
    other; without any, accuracies are shown against FLOPs and interactions.

    In a study, a curve goes from the base architecture (hexagram) over growing groups to depthwise (star:
    bottleneck-D), and on to DG; numbers at the points are groups. In the space of a spec, curves go along the groups,
    or along what has most values. Bars are the standard deviation of several runs. Designs without a logged accuracy
    are open ticks on the axis. Without a log, `y` is interactions.

    Raises CsncostError for no designs, for axes there are not and for more panels or curves than a figure has room
    for, MissingExtra without matplotlib.
    """
    found = designs_of(designs, accuracies)
    rows = found.given_rows
    views = [view(rows, one, other, by_depth=several) for one, other, several in _axes(rows, x, y)]
    titles = axis_titles(found.stamp, found)
    with styled():
        figure, drawn = _panels(views)
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


def _axes(rows: Sequence[Row], x: str | Sequence[str] | None, y: str | None) -> Iterator[tuple[str, str, bool]]:
    """The x and y of each view, and whether there are several views."""
    logged = any(row.get("accuracy") is not None for row in rows)
    xs = [x] if isinstance(x, str) else list(x or (("flops", "interactions") if logged and y is None else ("flops",)))
    for one in xs:
        other = y or ("accuracy" if logged else "interactions" if one != "interactions" else "flops")
        _check(one, other, logged, [*METRICS, "accuracy"])
        yield one, other, len(xs) > 1


def _check(x: str, y: str, logged: bool, known: list[str]) -> None:
    for name in (x, y):
        if name not in known:
            hint = did_you_mean(str(name), known) or f"there are {', '.join(known)}"
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
    across = 2 if max(len(shown.panels) for shown in views) > 1 else 1
    heights = [ceil(len(shown.panels) / across) for shown in views]
    rows, count = sum(heights), sum(len(shown.panels) for shown in views)
    figure = new_figure(COLUMN * across, (2.2 if rows > 1 else 2.0 if across > 1 else 2.3) * rows + 0.3)
    places = figure.add_gridspec(rows, across)
    drawn: Drawn = []
    for k, shown in enumerate(views):
        for i, panel in enumerate(shown.panels):
            row = sum(heights[:k]) + i // across
            alone = i == len(shown.panels) - 1 and i % across == 0
            axes = figure.add_subplot(places[row, :] if alone else places[row, i % across])
            letter = f"({chr(ord('a') + len(drawn))}) " if count > 1 else ""  # as papers number their panels
            axes.set_title((letter + panel.title).strip(), loc="left")
            drawn.append((axes, shown, panel))
    return figure, drawn


def _panel(axes: Axes, panel: Panel, x: str, y: str) -> None:
    """The curves of a panel, and the open ticks of what is not logged."""
    points = [point for curve in panel.curves for point in curve.points]
    heights = [point.y for point in points if point.y is not None]
    _scale(axes, "x", x, [point.x for point in points])
    _scale(axes, "y", y, heights)
    for curve in panel.curves:
        _curve(axes, curve, LOOKS[curve.look])
    axes.margins(0.08, 0.12)
    axes.autoscale_view()
    if not heights:
        axes.set_yticks([])
        axes.text(0.5, 0.5, "no accuracy is logged", transform=axes.transAxes, ha="center", va="center", color=GREY)


def _scale(axes: Axes, way: str, name: str, values: Sequence[float]) -> None:
    """Ticks as counts, and a logarithmic scale where the metric asks for one."""
    from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter

    axis = axes.xaxis if way == "x" else axes.yaxis
    if name in METRICS:
        count_axis(axis, 6)
    else:
        axis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
    if name in METRICS and METRICS[name].log_axis and min(values, default=0) > 0:
        shown = axis.get_major_formatter()
        axes.set(**{f"{way}scale": "log"})
        few = log10(max(values)) - log10(min(values)) < 2
        axis.set_major_locator(LogLocator(10, subs=(1, 2, 5) if few else (1,), numticks=20))
        axis.set_major_formatter(shown)
        axis.set_minor_formatter(NullFormatter())
    elif values and not any(values):
        axes.set(**{f"{way}lim": (-0.1, 1)})


def _curve(axes: Axes, curve: Curve, look: Look) -> None:
    """A line through the points that are known, thin over those that are not, with their marks and error bars."""
    if curve.joined and len(curve.points) > 1:
        heights = [nan if point.y is None else point.y for point in curve.points]
        axes.plot([point.x for point in curve.points], heights, color=look.colour, linestyle=look.line, zorder=2)
        thin: dict[str, Any] = {"linestyle": (0, (1, 2)), "linewidth": 0.6, "zorder": 2}
        for ends in curve.gaps():
            axes.plot([end.x for end in ends], [end.y or 0.0 for end in ends], color=look.colour, **thin)
    size = 2.5 if sum(point.y is not None for point in curve.points) > 40 else 4
    for mark, points in curve.alike():
        xs, style = [point.x for point in points], mark_style(mark, look, size)
        if mark == "open":
            axes.plot(xs, [0.0] * len(xs), transform=axes.get_xaxis_transform(), clip_on=False, zorder=5, **style)
            continue
        ys = [point.y or 0.0 for point in points]
        axes.plot(xs, ys, zorder=4 if mark in ("base", "star") else 3, **style)
        if any(point.spread for point in points):
            spreads = [point.spread or nan for point in points]
            axes.errorbar(xs, ys, spreads, ecolor=look.colour, elinewidth=0.8, capsize=2, fmt="none", zorder=2)


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
    entries = dict(_names(views))
    curves = [curve for shown in views for panel in shown.panels for curve in panel.curves]
    for mark, name, look in shared_marks((point, LOOKS[curve.look]) for curve in curves for point in curve.points):
        entries[name] = mark_style(mark, look if mark == "hollow" else LOOKS[-1] if mark == "open" else ANY)
    texts = next((shown.texts for shown in views if shown.texts), "")
    wide = figure.get_figwidth() > COLUMN
    spaces = {"handlelength": 3.0, "columnspacing": 1.2} if wide else {"handlelength": 2.6, "columnspacing": 0.8}
    title = f"numbers at the points: {texts}" if texts else None
    legend_above(figure, list(entries.items()), 5 if wide else 3, title=title, **spaces)


def _names(views: Sequence[View]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The curves by name; without the number of blocks where each panel has one look for all depths."""
    panels = [panel for shown in views for panel in shown.panels]
    curves = {curve.name: curve for panel in panels for curve in panel.curves}
    whole = any(len(panel.curves) > 2 for panel in panels) or len({one.look for one in curves.values()}) == len(curves)
    for name, curve in curves.items():
        look = LOOKS[curve.look]
        line = {"linestyle": look.line if curve.joined else "none", "marker": look.mark, "markersize": 4}
        yield name if whole or "-X-" not in name else name.rpartition("-")[0], line | {"color": look.colour}
