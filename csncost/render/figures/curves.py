"""Learning curves: errors over epochs or iterations, training and validation (Figure 5 of Tran et al., ICCV 2019)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from csncost.errors import CsncostError
from csncost.logs.curves import By, Histories, History, read_histories
from csncost.render.figures.sheet import COLUMN, legend_above, new_figure
from csncost.render.figures.style import LOOKS, Look, count_axis, short_names, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MARKS = 8
"""Marks on a curve, so that curves can be told apart in grey; every point where there are few."""

LINES: dict[str, Any] = {"training": "-", "validation": (0, (3, 1.5))}


def curves(logs: Histories, *, metric: str | None = None, by: By = "epoch") -> Figure:
    """Errors in training, and in validation where they are logged, over epochs or iterations: Figure 5.

    `logs` are files, a mapping of files to the specs of their networks, or what `read_histories` read. Each network
    has a colour and a mark, validation is dashed with hollow marks; several runs of a network look alike. Raises
    CsncostError for logs without curves, and for more than eight networks.
    """
    histories = read_histories(logs, metric=metric, by=by)
    networks = list(dict.fromkeys(history.network for history in histories))
    _check(histories, networks)
    with styled():
        figure = new_figure(COLUMN, 2.2)
        axes = figure.subplots()
        for i, history in enumerate(histories):
            _curve(axes, history, LOOKS[networks.index(history.network)], i / len(histories))
        axes.set_xlabel(histories[0].by)
        axes.set_ylabel(histories[0].of)
        count_axis(axes.xaxis, 6)
        _legend(figure, networks, histories)
    return figure


def _check(histories: Sequence[History], networks: Sequence[str]) -> None:
    if not histories:
        raise CsncostError("there are no curves to draw", "name a log")
    if len(networks) > len(LOOKS):
        raise CsncostError(f"curves of {len(networks)} networks in one figure", f"give at most {len(LOOKS)}")
    if len({(history.of, history.by) for history in histories}) > 1:
        raise CsncostError("curves of different quantities in one figure", "read them with one metric, and by one")


def _curve(axes: Axes, history: History, look: Look, offset: float) -> None:
    """A curve whose first mark stands at an offset, so that those of several curves do not cover one another."""
    xs, ys = zip(*history.points, strict=True)
    every = max(1, len(xs) // MARKS)
    fill = "white" if history.part == "validation" else look.colour
    axes.plot(xs, ys, color=look.colour, linestyle=LINES[history.part], marker=look.mark, markersize=3.5,
              markerfacecolor=fill, markevery=(int(offset * every), every))  # fmt: skip


def _legend(figure: Figure, networks: Sequence[str], histories: Sequence[History]) -> None:
    """The networks, and which line is which part of the data."""
    parts = dict.fromkeys(history.part for history in histories)
    looks = zip(short_names(networks), LOOKS, strict=False)
    entries = [
        *((name, {"color": look.colour, "marker": look.mark, "markersize": 4}) for name, look in looks),
        *((part, {"color": "#444444", "linestyle": LINES[part]}) for part in parts),
    ]
    legend_above(figure, entries, 3, handlelength=2.6, columnspacing=1.2)
