"""Figures 6 and 7 of Tran et al. (ICCV 2019): our costs of every design in them beside those printed.

The figures' points are drawn in the paper, not printed. What is known of them as numbers are the networks that
Table 2 holds too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from csncost.costs.metrics import METRICS, Metric
from csncost.errors import CsncostError, did_you_mean
from csncost.files import published
from csncost.logs.read import LogLike
from csncost.logs.runs import points
from csncost.spaces.designs import Designs
from csncost.spaces.study import study
from csncost.table import Column
from csncost.zoo.reproduction import Cell, Reproduction, beside, compared, in_print, reproduction
from csncost.zoo.tables import TABLES, table

FIGURES: Mapping[str, str] = {"fig6": "flops", "fig7": "interactions"}
"""The figures, and the metrics that they show accuracy against."""

ALL = (*TABLES, *FIGURES)

_DECIMALS = {"flops": 2, "interactions": 3}
"""Of our costs where the paper prints none."""


def reproduce(name: str, log: LogLike | None = None) -> Reproduction:
    """One of the paper's tables or figures, `table1` to `table6`, `fig6` or `fig7`, ours beside it.

    A figure's table has a row for each design; accuracies of `log` stand beside those that the paper prints. Raises
    CsncostError for another name, and for a table with a log.

    >>> reproduce("fig6").agrees
    True
    """
    if name not in ALL:
        hint = did_you_mean(str(name), [*ALL, "all"]) or f"there are {', '.join(ALL)}, and all"
        raise CsncostError(f'no table or figure "{name!s:.60}"', hint)
    if name not in FIGURES:
        if log is not None:
            raise CsncostError(f"{name} takes no accuracies", f"{' and '.join(FIGURES)} do")
        return table(name)
    return _figure(name, log)


def _figure(name: str, log: LogLike | None) -> Reproduction:
    metric = METRICS[FIGURES[name]]
    key = metric.key
    designs = _designs()
    joined = designs.with_accuracy(log) if log is not None else None
    logged = joined.rows if joined else [{}] * len(designs)
    designs, notes = designs.with_accuracy("paper"), joined.notes if joined else ()
    cells: list[Cell] = []
    rows = []
    for i, (design, own) in enumerate(zip(designs.rows, logged, strict=True)):
        printed = _table2(designs, i)
        row = {"design": design["spec"], "exact": design[key], "accuracy": printed.get("video@1")}
        row |= {"logged": own.get("accuracy"), "spread": own.get("accuracy_spread")}
        row[f"{key}_ours"] = in_print(metric, design[key], _DECIMALS[key])
        if printed:
            cell = compared(design["spec"], key, printed[key], metric, design[key])
            cells.append(cell)
            row |= {key: cell.printed, f"{key}_ours": cell.ours, f"{key}_mark": cell.agrees}
        rows.append(row)
    stamp = {key: designs.stamp[key] for key in ("clip", "classes", "views")}
    known = (
        f"{len(cells)} of the {len(rows)} points are known as numbers, from Table 2; the paper draws the others only"
    )
    return reproduction(name, _columns(metric, log), rows, cells, stamp, (known, *notes))


def _designs() -> Designs:
    """The designs of both figures; bottleneck-G1 is bottleneck, and is not there twice."""
    return replace(study(range(2, 65)), notes=())


def _table2(designs: Designs, row: int) -> Mapping[str, str]:
    """The row of Table 2 of a design, if it holds it."""
    joined = designs.joined
    result = joined.found.get(row) if joined else None
    return next((one for one in published("table2") if result and one["spec"] == result.spec), {})


def _columns(metric: Metric, log: LogLike | None) -> list[Column]:
    columns = [
        Column("design", "design"),
        *beside(metric.key, metric),
        Column("exact", metric.key, only="machines"),
        Column("accuracy", "video@1", align="right"),
    ]
    own = [Column("logged", "logged", points, "right"), Column("spread", "±", points, "right", tight=True)]
    return columns + (own if log else [])


def figure_of(names: Sequence[str], log: LogLike | None) -> tuple[Designs, list[Any]]:
    """The designs to be drawn for figures, and the metrics that accuracy is shown against."""
    axes = [FIGURES[name] for name in names if name in FIGURES]
    if not axes:
        raise CsncostError(f"{' and '.join(names)} is no figure", f"{' and '.join(FIGURES)} are drawn")
    return _designs().with_accuracy(log or "paper"), axes
