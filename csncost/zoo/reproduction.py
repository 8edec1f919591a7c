"""Figures as they are published, and ours beside them.

A figure agrees when ours, rounded to as many decimals as are printed, is the same text. Figures of other methods are
cited as printed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from csncost.costs.analyze import analyze
from csncost.costs.metrics import METRICS, Metric
from csncost.files import published
from csncost.table import Column, Result, Table
from csncost.units import PREFIXES, rounded


@dataclass(frozen=True, slots=True)
class Cell:
    """One printed figure and ours for it: `exact` before rounding, `ours` as the paper would print it."""

    row: str
    column: str
    printed: str
    ours: str
    exact: Any = None

    @property
    def agrees(self) -> bool:
        """Ours reads the same as the printed figure."""
        return self.printed == self.ours


@dataclass(frozen=True)
class Reproduction(Result):
    """A published table with our figures beside it; `known` cells differ for a reason that the notes give."""

    name: str
    caption: str
    source: str
    cells: tuple[Cell, ...]
    shown: Table
    known: frozenset[tuple[str, str]] = field(default_factory=frozenset)

    @property
    def mismatches(self) -> list[Cell]:
        """Cells that differ without a known reason."""
        return [cell for cell in self.cells if not cell.agrees and (cell.row, cell.column) not in self.known]

    @property
    def agrees(self) -> bool:
        """Every figure that we compute comes out, but for contradictions in the paper itself."""
        return not self.mismatches

    def table(self) -> Table:
        """The table as it is published, ours beside it."""
        return self.shown

    @property
    def notes(self) -> tuple[str, ...]:
        """The tally, and the contradictions in the paper."""
        return tuple(self.shown.notes[:-1])

    def to_dict(self) -> dict[str, Any]:
        """The reproduction as plain data."""
        return {
            "table": self.name,
            "caption": self.caption,
            "source": self.source,
            "agrees": self.agrees,
            **self.shown.stamp,
            "cells": [asdict(cell) | {"agrees": cell.agrees} for cell in self.cells],
            "rows": [{c.key: row.get(c.key) for c in self.shown.columns} for row in self.shown.rows],
            "notes": list(self.notes),
        }

    def __repr__(self) -> str:
        agreeing = sum(cell.agrees for cell in self.cells)
        known = f", {len(self.known)} differ as explained" if self.known else ""
        return f"<Reproduction of {self.name}: {agreeing} of {len(self.cells)} figures agree{known}>"


def in_print(metric: Metric, exact: int, decimals: int) -> str:
    """A value as tables of the literature print it: 10.6 for 10.58 G."""
    return rounded(exact, 1000 ** PREFIXES.index(metric.prefix), decimals)


def compared(row: str, column: str, printed: str, metric: Metric, exact: int) -> Cell:
    """A printed figure, and ours with as many decimals."""
    return Cell(row, column, printed, in_print(metric, exact, len(printed.partition(".")[2])), exact)


def mark(agrees: bool) -> str:
    """The sign that stands beside a figure of ours."""
    return "\u2713" if agrees else "\u2717"


def beside(key: str, metric: Metric, title: str = "") -> list[Column]:
    """The columns of a printed figure: as printed, ours, and the mark."""
    return [
        Column(key, title or f"{metric.heading} {metric.prefix}", align="right"),
        Column(f"{key}_ours", "ours", align="right"),
        Column(f"{key}_mark", "", mark, tight=True),
    ]


def reproduction(
    name: str,
    columns: Sequence[Column],
    rows: Sequence[Mapping[str, Any]],
    cells: Sequence[Cell],
    stamp: Mapping[str, Any],
    notes: Sequence[str] = (),
    known: frozenset[tuple[str, str]] = frozenset(),
    section: str = "",
) -> Reproduction:
    """A table or a figure with its caption, its tally and the contradictions in it."""
    about = next(row for row in published("tables") if row["table"] == name)
    agreeing = sum(cell.agrees for cell in cells)
    tally = [f"{agreeing} of {len(cells)} figures agree to the last printed digit"] if cells else []
    table = Table(
        columns,
        rows,
        title=f"{'Figure' if name.startswith('fig') else 'Table'} {name[-1]}: {about['caption']}",
        notes=[*tally, *notes, *_contradictions(name), f"source: {about['source']}"],
        stamp={"convention": "paper", **stamp} if stamp else {},
        section=section,
    )
    return Reproduction(name, about["caption"], about["source"], tuple(cells), table, known)


def _contradictions(name: str) -> Iterator[str]:
    """Statements of the paper that its own figures contradict, with our figures for both readings."""
    for row in published("contradictions"):
        if row["table"] != name:
            continue
        metric = METRICS.get(row["metric"])
        readings = ("stated", "used") if metric else ()
        figures = {key: in_print(metric, getattr(analyze(row[key]), metric.key), 1) for key in readings if metric}
        yield f"contradiction: {row['statement']}; {row['evidence'].format(**figures)}"
