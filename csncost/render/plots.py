"""Figures for papers: accuracy against cost (Figures 6 and 7 of Tran et al., ICCV 2019), and cost by stage.

Colours are those of Okabe and Ito, which the colour-blind can tell apart; marks and line styles differ, so that the
figures can be read in grey. Panels are as wide as a column (3.4 in).
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from math import log10
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from csncost.designs import Design
from csncost.errors import CsncostError, MissingExtra, did_you_mean
from csncost.files import replacing
from csncost.numbers import PREFIXES, human
from csncost.records import Accuracies, Result
from csncost.report import Report

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_Box: TypeAlias = tuple[float, float, float, float]
"""Left, lower, right and upper edge in pixels."""

Axis: TypeAlias = Literal["accuracy", "flops", "interactions", "params", "activations"]

COLUMN = 3.4
"""Inches: the width of a panel, a column of a paper."""

SUFFIXES = (".png", ".pdf", ".svg")

BLACK, ORANGE, SKY, GREEN, YELLOW, BLUE, RED, PURPLE = (
    *("#000000", "#E69F00", "#56B4E9", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7"),
)
STYLE: dict[Any, Any] = {
    "font.family": "sans-serif",
    "font.size": 8,
    "axes.labelsize": 8,
    "axes.titlesize": 8,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "legend.fontsize": 7,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "lines.linewidth": 1.0,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "grid.linewidth": 0.4,
    "grid.color": "#DDDDDD",
    "pdf.fonttype": 42,
    "svg.fonttype": "none",
    "savefig.dpi": 300,
}
TITLES = {
    "accuracy": "accuracy (%)",
    "flops": "FLOPs",
    "interactions": "channel interactions",
    "params": "parameters",
    "activations": "activations",
}
UNITS = {"flops": "multiply-adds", "interactions": "pairs", "params": "", "activations": "elements"}


@dataclass(frozen=True, slots=True)
class _Look:
    """How a curve is drawn."""

    colour: str
    mark: str
    line: str


_LOOKS = {
    ("simple", False): _Look(BLUE, "s", "--"),
    ("bottleneck", False): _Look(RED, "o", "-"),
    ("simple", True): _Look(SKY, "D", ":"),
    ("bottleneck", True): _Look(PURPLE, "^", "-."),
}
"""By family, and whether it is the deeper of two networks in one panel."""


def tradeoff(
    designs: Sequence[Design],
    accuracies: Accuracies | Mapping[int, Result] | None = None,
    x: Axis = "flops",
    y: Axis | None = None,
    *,
    frames: int | None = None,
    size: Any = None,
) -> Figure:
    """Designs of one space against each other: Figure 6 (accuracy against FLOPs), or 7 (against interactions).

    `accuracies` is a log, joined to the designs as analysed with `frames` and `size`, or results by the index of the
    design. A curve goes from the base architecture (hexagram) over growing groups to depthwise (star: bottleneck-D),
    and on to DG; numbers at the points are groups. Bars are the standard deviation of several runs. Designs without a
    logged accuracy are open ticks on the axis. Without a log, `y` is interactions.

    Raises CsncostError for no designs and for axes there are not, MissingExtra without matplotlib.
    """
    found = _joined(designs, accuracies, frames, size)
    y = y or ("accuracy" if found else "interactions" if x != "interactions" else "flops")
    _check(designs, x, y, found)
    depths = sorted({design.blocks for design in designs})
    together = "accuracy" in (x, y) and "interactions" in (x, y)
    panels = [depths] if together else [[depth] for depth in depths]
    with _style():
        figure, all_axes = _figure(len(panels), height=2.7 if len(panels) > 1 else 3.0)
        labels: list[list[_Label]] = []
        for i, (axes, blocks) in enumerate(zip(all_axes, panels, strict=True)):
            shown = {j: d for j, d in enumerate(designs) if d.blocks in blocks}
            labels.append(_panel(axes, shown, found, x, y))
            title = " and ".join(map(str, blocks)) + " blocks"
            axes.set_title(f"({'abcdefgh'[i % 8]}) {title}" if len(panels) > 1 else title, loc="left")
        if y == "accuracy":
            _name_accuracy(all_axes, found)
        _legend(figure, all_axes, designs, found, y)
        figure.canvas.draw()  # the layout settles, and labels can see where points are
        for axes, own in zip(all_axes, labels, strict=True):
            _place(axes, own)
    return figure


def _joined(designs: Sequence[Design], accuracies: Any, frames: int | None, size: Any) -> Mapping[int, Result]:
    if isinstance(accuracies, Accuracies):
        return accuracies.join([design.spec for design in designs], frames=frames, size=size).found
    return accuracies or {}


def _check(designs: Sequence[Design], x: str, y: str, found: Mapping[int, Result]) -> None:
    if not designs:
        raise CsncostError("there are no designs to plot", "widen the range of groups or blocks")
    for name in (x, y):
        if name not in TITLES:
            hint = did_you_mean(str(name), list(TITLES)) or f"there are {', '.join(TITLES)}"
            raise CsncostError(f'no axis "{name!s:.40}"', hint)
    if x == y:
        raise CsncostError(f"both axes are {x}", "choose two")
    if x == "accuracy":
        raise CsncostError("accuracy is drawn upwards", 'say y="accuracy"')
    if y == "accuracy" and not found:
        raise CsncostError("no accuracy is logged for any of the designs", "without a log, y is interactions")


# -- one panel ---------------------------------------------------------------------------------------------------


def _panel(axes: Axes, designs: Mapping[int, Design], found: Mapping[int, Result], x: str, y: str) -> list[_Label]:
    """The curves of a panel; the labels of its points, to be placed when the layout is known."""
    _scales(axes, x, y, {n: [getattr(d, n) for d in designs.values()] for n in (x, y) if n != "accuracy"})
    curves: dict[tuple[str, int], list[int]] = {}
    for i, design in sorted(designs.items(), key=lambda item: item[1].step):
        curves.setdefault((design.family, design.blocks), []).append(i)
    deepest = max(design.blocks for design in designs.values())
    several = len({design.blocks for design in designs.values()}) > 1
    labels: list[_Label] = []
    for (family, blocks), members in sorted(curves.items()):
        look = _LOOKS.get((family, several and blocks == deepest), _Look(GREEN, "v", "-"))
        name = f"{family}-X-{blocks}"
        labels += _curve(axes, [(designs[i], found.get(i)) for i in members], look, name, x, y)
    if y == "accuracy":
        _missing(axes, designs, found, x)
    axes.margins(0.06, 0.12)
    axes.autoscale_view()
    return labels


def _scales(axes: Axes, x: str, y: str, values: Mapping[str, Sequence[float]]) -> None:
    """Labels with units, and a logarithmic scale for interactions."""
    from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

    for name, axis, scale in ((x, axes.xaxis, axes.set_xscale), (y, axes.yaxis, axes.set_yscale)):
        axis.set_label_text(f"{TITLES[name]} ({UNITS[name]})" if UNITS.get(name) else TITLES[name])
        if name == "interactions":
            scale("log")
            decades = log10(max(values[name])) - log10(max(1, min(values[name])))
            axis.set_major_locator(LogLocator(10, subs=(1, 2, 5) if decades < 2 else (1,), numticks=20))
            axis.set_minor_formatter(NullFormatter())
        else:
            axis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
        if name != "accuracy":
            axis.set_major_formatter(FuncFormatter(_tick))
    axes.grid(True)
    axes.set_axisbelow(True)


def _tick(value: float, position: int | None = None) -> str:
    """A count on an axis: 10 G, 0.5 G."""
    power = 0
    while abs(value) >= 1000 and power < len(PREFIXES) - 1:
        value, power = value / 1000, power + 1
    return f"{value:.4g} {PREFIXES[power]}".strip()


def _curve(
    axes: Axes, members: Sequence[tuple[Design, Result | None]], look: _Look, name: str, x: str, y: str
) -> list[_Label]:
    """A family from its base to DG; the labels of its points."""
    known = [i for i, (_, result) in enumerate(members) if y != "accuracy" or result is not None]
    points = [members[i] for i in known]
    xs = [getattr(design, x) for design, _ in points]
    ys = [_height(design, result, y) for design, result in points]
    for i, (before, after) in enumerate(pairwise(known)):
        straight = after == before + 1  # over designs without an accuracy the curve is thin
        axes.plot(xs[i : i + 2], ys[i : i + 2], color=look.colour, zorder=2,
                  linestyle=look.line if straight else (0, (1, 2)), linewidth=1.0 if straight else 0.6)  # fmt: skip
    bars = [(a, b, r.spread) for a, b, (_, r) in zip(xs, ys, points, strict=True) if y == "accuracy" and r and r.spread]
    for a, b, spread in bars:
        axes.errorbar(a, b, yerr=spread, ecolor=look.colour, elinewidth=0.8, capsize=2, fmt="none", zorder=2)
    labels = []
    for a, b, (design, _) in zip(xs, ys, points, strict=True):
        _mark(axes, a, b, design, look)
        labels.append(_Label(a, b, _text(design), look.colour, -1 if design.family == "simple" else 1, design.groups))
    axes.plot([], [], look.line, marker=look.mark, color=look.colour, markersize=4, label=name)
    return labels


def _height(design: Design, result: Result | None, y: str) -> float:
    return result.mean if y == "accuracy" and result is not None else float(getattr(design, y))


def _mark(axes: Axes, x: float, y: float, design: Design, look: _Look) -> None:
    if design.kind == "none":
        axes.plot(x, y, zorder=4, **_BASE)
    elif design.kind == "D" and design.family == "bottleneck":
        axes.plot(x, y, zorder=4, **_STAR)
    else:
        fill = "white" if design.kind == "DG" else look.colour
        axes.plot(x, y, look.mark, markersize=4, zorder=3, color=look.colour, markerfacecolor=fill)


def _text(design: Design) -> str:
    """What stands at a point: the groups of G and DG, D where it is not a star, nothing at a base."""
    if design.kind in ("G", "DG"):
        return str(design.groups)
    return "D" if design.kind == "D" and design.family == "simple" else ""


def _missing(axes: Axes, designs: Mapping[int, Design], found: Mapping[int, Result], x: str) -> None:
    """Open ticks on the axis where designs stand of which no accuracy is logged."""
    for family in ("simple", "bottleneck"):
        xs = [getattr(d, x) for i, d in designs.items() if i not in found and d.family == family]
        if xs:
            axes.plot(xs, [0.0] * len(xs), transform=axes.get_xaxis_transform(), clip_on=False, zorder=5,
                      **_OPEN | {"markeredgecolor": _LOOKS[family, False].colour})  # fmt: skip


_OPEN: dict[str, Any] = {
    "marker": "d", "markersize": 4, "linestyle": "none", "markerfacecolor": "white", "markeredgecolor": "#555555",
    "markeredgewidth": 0.7,
}  # fmt: skip
_BASE: dict[str, Any] = {
    "marker": (6, 1, 0), "markersize": 9.5, "color": BLACK, "linestyle": "none", "markeredgecolor": "white",
    "markeredgewidth": 0.4,
}  # fmt: skip
_STAR: dict[str, Any] = {
    "marker": "*", "markersize": 9, "color": GREEN, "linestyle": "none", "markeredgecolor": BLACK,
    "markeredgewidth": 0.4,
}  # fmt: skip


# -- labels that do not overlap ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Label:
    """A text at a point, and the side where it is tried first (1 above, -1 below); low ranks are placed first."""

    x: float
    y: float
    text: str
    colour: str
    side: int
    rank: int


_PLACES = [(0, 1), (1, 1), (-1, 1), (1, 0), (-1, 0), (0, -1), (1, -1), (-1, -1)]
"""Where a label stands from its point, in order of preference: above, corners, right, left, below."""


def _place(axes: Axes, labels: Sequence[_Label]) -> None:
    """Each label at the first place beside its point where it covers no point, curve or other label; else none."""
    scale = axes.figure.dpi / 72
    spots = [tuple(map(float, axes.transData.transform((label.x, label.y)))) for label in labels]
    taken = [_box(x, y, 6 * scale, 6 * scale) for x, y in spots]
    lines = [_box(x, y, scale, scale) for line in axes.get_lines() for x, y in _along(axes, line, 2 * scale)]
    taken += [_box(x, y, 2 * scale, 2 * scale) for bar in axes.collections for x, y in _bar(axes, bar, 2 * scale)]
    for label, (x, y) in sorted(zip(labels, spots, strict=True), key=lambda pair: (pair[0].text != "D", pair[0].rank)):
        width, height = (3.8 * len(label.text) + 2) * scale, 6 * scale
        for obstacles in (taken + lines, taken):
            place = _free(axes, label, (x, y), (width, height), obstacles)
            if place and label.text:
                text = axes.annotate(label.text, (label.x, label.y), color=label.colour, ha="center", va="center",
                                     xytext=(place[0] / scale, place[1] / scale), textcoords="offset points",
                                     fontsize=6, zorder=6)  # fmt: skip
                text.set_in_layout(False)
                taken.append(_box(x + place[0], y + place[1], width, height))
                break


def _free(
    axes: Axes, label: _Label, spot: tuple[float, ...], size: tuple[float, float], obstacles: Sequence[_Box]
) -> tuple[float, float] | None:
    """The offset in pixels at which a label of this size is free of obstacles, and inside the axes."""
    bounds = axes.get_window_extent()
    gap = 3.6 * axes.figure.dpi / 72
    for right, up in _PLACES:
        dx, dy = right * (gap + size[0] / 2), up * label.side * (gap + size[1] / 2)
        box = _box(spot[0] + dx, spot[1] + dy, *size)
        inside = bounds.x0 < box[0] and box[2] < bounds.x1 and bounds.y0 < box[1]
        if inside and not any(_overlap(box, other) for other in obstacles):
            return dx, dy
    return None


def _along(axes: Axes, line: Any, step: float) -> Iterator[tuple[float, float]]:
    """Points on a drawn line, so far apart, in pixels."""
    if line.get_transform() is not axes.transData and not line.get_transform().contains_branch(axes.transData):
        return
    if len(line.get_xdata()) > 1:
        points = [tuple(map(float, p)) for p in axes.transData.transform(line.get_xydata())]
        for start, end in pairwise(points):
            yield from _between(start, end, step)


def _bar(axes: Axes, bars: Any, step: float) -> Iterator[tuple[float, float]]:
    """Points on error bars, in pixels."""
    for segment in bars.get_segments():
        start, end = (tuple(map(float, p)) for p in axes.transData.transform(segment))
        yield from _between(start, end, step)


def _between(start: tuple[float, ...], end: tuple[float, ...], step: float) -> Iterator[tuple[float, float]]:
    count = int(max(abs(start[0] - end[0]), abs(start[1] - end[1])) / step) + 1
    for i in range(count + 1):
        yield start[0] + (end[0] - start[0]) * i / count, start[1] + (end[1] - start[1]) * i / count


def _box(x: float, y: float, width: float, height: float) -> _Box:
    return x - width / 2, y - height / 2, x + width / 2, y + height / 2


def _overlap(a: _Box, b: _Box) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


# -- the figure --------------------------------------------------------------------------------------------------


@contextmanager
def _style() -> Iterator[None]:
    """The look of the figures, for as long as one is made. Raises MissingExtra without matplotlib."""
    try:
        import matplotlib
    except ImportError:
        raise MissingExtra("matplotlib", "plot") from None
    with matplotlib.rc_context(STYLE):
        yield


def _figure(panels: int, height: float) -> tuple[Figure, list[Any]]:
    """A figure with panels side by side, drawn by Agg whatever the back end of the session."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(COLUMN * panels, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure, list(figure.subplots(1, panels, squeeze=False)[0])


def _legend(
    figure: Figure, all_axes: Sequence[Axes], designs: Sequence[Design], found: Mapping[int, Result], y: str
) -> None:
    """One legend under all panels: curves, marks, and what the numbers are."""
    from matplotlib.lines import Line2D

    handles: dict[str, Any] = {}
    for axes in all_axes:
        own = {str(h.get_label()): h for h in axes.get_lines() if not str(h.get_label()).startswith("_")}
        handles |= own if len(all_axes) == 1 else {label.rpartition("-")[0]: h for label, h in own.items()}
    kinds = {(design.family, design.kind) for design in designs}
    numbers = any(d.groups > 1 and (y != "accuracy" or i in found) for i, d in enumerate(designs))
    if any(kind == "none" for _, kind in kinds):
        handles["base"] = Line2D([], [], **_BASE)
    if ("bottleneck", "D") in kinds:
        handles["bottleneck-D"] = Line2D([], [], **_STAR)
    if any(kind == "DG" for _, kind in kinds):
        mark = {"marker": "o", "markersize": 4, "color": _LOOKS["bottleneck", False].colour, "markerfacecolor": "white"}
        handles["DG (hollow)"] = Line2D([], [], linestyle="none", **mark)  # type: ignore[arg-type]
    if y == "accuracy" and len(found) < len(designs):
        handles["not logged"] = Line2D([], [], **_OPEN)
    figure.legend(handles.values(), handles.keys(), loc="outside lower center", frameon=False, handletextpad=0.5,
                  ncols=3 if len(all_axes) == 1 else len(handles), handlelength=2.2, columnspacing=1.2,
                  title="numbers at the points: groups" if numbers else None, title_fontsize=7)  # fmt: skip


def _name_accuracy(all_axes: Sequence[Axes], found: Mapping[int, Result]) -> None:
    """What was measured, on the axis of accuracies."""
    setting = next(iter(found.values())).setting
    what = " ".join(text for text in (setting.dataset, setting.metric) if text)
    for axes in all_axes:
        axes.set_ylabel(f"{what} (%)" if what else TITLES["accuracy"])


def stage_bars(reports: Sequence[Report], metrics: Sequence[str] = ("params", "flops", "interactions")) -> Figure:
    """Where cost sits: for each metric a panel, in it a bar for each report, stacked by stage.

    Raises CsncostError for no reports, MissingExtra without matplotlib.
    """
    if not reports:
        raise CsncostError("there are no reports to plot", "give at least one")
    by_stage = [report.by("stage") for report in reports]
    stages = list(dict.fromkeys(row.name for report in by_stage for row in report.rows))
    with _style():
        figure, all_axes = _figure(len(metrics), height=1.15 + 0.32 * len(reports))
        for axes, metric in zip(all_axes, metrics, strict=True):
            _bars(axes, by_stage, stages, metric)
        for axes in all_axes[1:]:
            axes.set_yticklabels([])
        handles, names = all_axes[0].get_legend_handles_labels()
        figure.legend(handles, names, loc="outside lower center", ncols=len(names), frameon=False)
    return figure


_FILLS = [
    (BLACK, ""), (SKY, "///"), (GREEN, ""), (ORANGE, "..."), (BLUE, ""), (RED, "xxx"), (PURPLE, ""), (YELLOW, "\\\\\\"),
]  # fmt: skip


def _bars(axes: Axes, reports: Sequence[Report], stages: Sequence[str], metric: str) -> None:
    """One panel: the bars of one metric, their totals at the ends."""
    from matplotlib.ticker import FuncFormatter

    starts = [0] * len(reports)
    for i, stage in enumerate(stages):
        colour, hatch = _FILLS[i % len(_FILLS)]
        widths = [sum(getattr(row, metric) for row in report.rows if row.name == stage) for report in reports]
        axes.barh(range(len(reports)), widths, left=starts, color=colour, hatch=hatch, edgecolor="white",
                  linewidth=0.4, height=0.62, label=stage)  # fmt: skip
        starts = [start + width for start, width in zip(starts, widths, strict=True)]
    for i, total in enumerate(starts):
        text = axes.annotate(
            human(total), (total, i), xytext=(3, 0), textcoords="offset points", va="center", fontsize=7
        )
        text.set_in_layout(False)
    axes.set_yticks(range(len(reports)), [_called(report) for report in reports])
    axes.invert_yaxis()
    axes.set_xlim(0, 1.22 * max(*starts, 1))
    axes.xaxis.set_major_formatter(FuncFormatter(_tick))
    axes.set_xlabel(f"{TITLES[metric]} ({UNITS[metric]})" if UNITS[metric] else TITLES[metric])


def _called(report: Report) -> str:
    text = report.spec.strip()
    return text if "\n" not in text and len(text) <= 24 else report.name or "written out"


def save(figure: Figure, path: str | Path) -> None:
    """Write a figure to a PNG, PDF or SVG file, as its name says, whole or not at all.

    Raises CsncostError for another suffix and for a path that cannot be written.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise CsncostError(
            f'a figure is no "{suffix[:20]}" file: {path}' if suffix else f"{path} does not say which format",
            f"name it {path.stem[:60] or 'figure'}.png, .pdf or .svg",
        )
    metadata = {"Creator": None} if suffix == ".svg" else {}
    with replacing(path) as temporary, _style(), warnings.catch_warnings():
        figure.savefig(temporary, format=suffix[1:], metadata=metadata)
