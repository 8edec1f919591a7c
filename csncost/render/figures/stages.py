"""Bars stacked by stage: the parts of a network that cost sits in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from csncost.costs.report import Report
from csncost.errors import CsncostError
from csncost.render.figures import style
from csncost.render.figures.sheet import COLUMN, legend_above, new_figure, stamp_figure
from csncost.render.figures.style import count_axis, short_names, styled
from csncost.render.figures.subject import axis_titles
from csncost.units import human

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_COLOURS = (style.BLACK, style.SKY, style.GREEN, style.ORANGE, style.BLUE, style.RED, style.PURPLE, style.YELLOW)
_HATCHES = (
    ("", "///", "", "...", "", "xxx", "", "\\\\\\"), ("...", "", "xxx", "", "///", "", "\\\\\\", ""),
    ("///", "xxx", "///", "xxx", "...", "///", "...", "xxx"),
)  # fmt: skip
_FILLS = [fill for hatches in _HATCHES for fill in zip(_COLOURS, hatches, strict=True)]
"""Colours and hatches, two of the same colour never hatched alike."""


def stage_bars(reports: Sequence[Report], metrics: Sequence[str] = ("params", "flops", "interactions")) -> Figure:
    """Bars of cost by stage: for each metric a panel, in it a bar for each report, stacked by stage.

    Where there are more stages than fills, the last ones are one part of a bar. Raises CsncostError for no reports,
    MissingExtra without matplotlib.
    """
    if not reports:
        raise CsncostError("there are no reports to plot", "give at least one")
    by_stage = [report.by("stage") for report in reports]
    stages = list(dict.fromkeys(row.name for report in by_stage for row in report.rows))
    stamp = _stamp(reports)
    with styled():
        figure = new_figure(COLUMN * min(len(metrics), 2), 0.75 + 0.28 * len(reports))
        all_axes = list(figure.subplots(1, len(metrics), squeeze=False)[0])
        for axes, metric in zip(all_axes, metrics, strict=True):
            _bars(axes, by_stage, _parts(stages), metric)
            axes.set_xlabel(axis_titles(stamp)[metric])
        for axes in all_axes[1:]:
            axes.set_yticklabels([])
        handles, names = all_axes[0].get_legend_handles_labels()
        legend_above(figure, list(zip(names, handles, strict=True)), 8, columnspacing=1.2, handlelength=1.8)
        stamp_figure(figure, stamp)
    return figure


def _parts(stages: Sequence[str]) -> list[tuple[str, Sequence[str]]]:
    """The parts of a bar by name, and the stages that each is of."""
    if len(stages) <= len(_FILLS):
        return [(stage, [stage]) for stage in stages]
    own, others = stages[: len(_FILLS) - 1], stages[len(_FILLS) - 1 :]
    return [*((stage, [stage]) for stage in own), (f"{len(others)} others", others)]


def _stamp(reports: Sequence[Report]) -> dict[str, Any]:
    """The stamps of all reports in one: each value once."""
    stamps = [report.stamp() for report in reports]
    return {key: _several([stamp[key] for stamp in stamps if key in stamp]) for key in stamps[0]}


def _several(values: Sequence[Any]) -> Any:
    found = list(dict.fromkeys(values))
    return found[0] if len(found) == 1 else " / ".join(map(str, found)) if len(found) < 5 else f"{len(found)} different"


def _bars(axes: Axes, reports: Sequence[Report], parts: Sequence[tuple[str, Sequence[str]]], metric: str) -> None:
    """One panel: the bars of one metric, their totals at the ends."""
    starts = [0] * len(reports)
    for (name, stages), (colour, hatch) in zip(parts, _FILLS, strict=False):
        widths = [sum(getattr(row, metric) for row in report.rows if row.name in stages) for report in reports]
        axes.barh(range(len(reports)), widths, left=starts, color=colour, hatch=hatch, edgecolor="white",
                  linewidth=0.4, height=0.62, label=name)  # fmt: skip
        starts = [start + width for start, width in zip(starts, widths, strict=True)]
    for i, total in enumerate(starts):
        text = axes.annotate(
            human(total), (total, i), xytext=(3, 0), textcoords="offset points", va="center", fontsize=6
        )
        text.set_in_layout(False)
    axes.set_yticks(range(len(reports)), short_names([report.label for report in reports]))
    axes.set_ylim(len(reports) - 0.5, -0.5)
    axes.set_xlim(0, 1.4 * max(*starts, 1))
    axes.grid(visible=False)
    count_axis(axes.xaxis, 4)
