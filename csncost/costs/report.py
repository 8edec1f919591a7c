"""A report: the cost of a network, row by row, and how it was counted. Texts and tables are views of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import Any, ClassVar

from csncost.costs.conventions.named import Convention
from csncost.costs.conventions.named import convention as find_convention
from csncost.costs.count import Measured
from csncost.costs.metrics import METRICS, Counts, Metric, PerMetric, counted
from csncost.costs.rows import GEOMETRY, LEVELS, Level, Row, grouped
from csncost.errors import CsncostError, did_you_mean
from csncost.network.ops import Shape
from csncost.network.sizes import Size
from csncost.table import Column, Result, Table
from csncost.units import human, percent, shape

WRITTEN_OUT = "a network written out"
"""The title of a network without a name."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """An operation that no formula is known for: its name, the module that ran it, and how often."""

    op: str
    module: str
    calls: int

    def __str__(self) -> str:
        return f"{self.op} in {self.module or 'the model itself'}" + (
            f" ({self.calls} calls)" if self.calls > 1 else ""
        )


@dataclass(frozen=True, slots=True)
class Coverage:
    """Every operation that ran, by what became of it: kind or name -> calls.

    `counted` and `left_out` are known operations with and without a rule in the convention, `free` those that compute
    nothing (views, copies, look-ups, comparisons); `unused` are parameters that nothing used, by module;
    `remarks` are anything else to know.
    """

    counted: Mapping[str, int]
    left_out: Mapping[str, int]
    free: Mapping[str, int]
    unknown: tuple[Unknown, ...] = ()
    unused: Mapping[str, int] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()

    def notes(self) -> list[str]:
        """Notes that a reader of the numbers has to know."""
        lines = []
        if self.left_out:
            kinds = ", ".join(f"{kind} {calls}" for kind, calls in sorted(self.left_out.items()))
            lines.append(f"not counted in this convention (calls): {kinds}")
        if self.unknown:
            more = f", and {len(self.unknown) - 5} more" if len(self.unknown) > 5 else ""
            listed = "; ".join(map(str, self.unknown[:5]))
            lines.append(f"NOT COUNTED, no formula is known: {listed}{more}")
        if self.unused:
            names = ", ".join(f"{name or 'the model itself'} {human(n)}" for name, n in list(self.unused.items())[:4])
            more = ", ..." if len(self.unused) > 4 else ""
            lines.append(f"parameters that nothing used: {names}{more}")
        return [*lines, *self.remarks]

    def to_dict(self) -> dict[str, Any]:
        """The coverage as plain data."""
        return {
            "counted": dict(self.counted),
            "not_counted": dict(self.left_out),
            "free": dict(self.free),
            "unknown": [{"op": one.op, "module": one.module, "calls": one.calls} for one in self.unknown],
            "unused_params": dict(self.unused),
            "remarks": list(self.remarks),
        }


@dataclass(frozen=True)
class Report(PerMetric, Result):
    """The cost of a network for one clip shape and class count, under one convention.

    `params` (learned), `flops` (in the convention's unit, for all `views` of a video), `interactions` (pairs of
    channels that meet in a filter, Eq. 3), `activations` (elements that counted operations write for one view) and any
    other metric of the list are exact ints, and the sums of the `rows`. The report of a traced module says in
    `setting` what it ran on, in `coverage` which operations ran; it has a `clip` if its input was one batch of clips.
    """

    WHOLE: ClassVar[tuple[str, ...]] = ("in_channels", "out_channels", "groups")

    spec: str
    name: str
    aliases: tuple[str, ...]
    convention: Convention
    clip: Shape | None
    classes: int | None
    views: int
    totals: Counts
    level: Level | int = "layer"
    setting: Mapping[str, str] = field(default_factory=dict, hash=False)
    coverage: Coverage | None = field(default=None, hash=False)
    backward_flops: int = 0
    """The part of `flops` that a backward pass takes, where one was asked for."""
    _of_network: Mapping[str, Callable[[], Size]] = field(default_factory=dict, repr=False, compare=False)
    """Metrics that are no sums over operations; a traced module does not say which layers are weighted."""
    _rows: Callable[[], Iterable[Row]] = field(default=tuple, repr=False, compare=False)
    _canonical: Callable[[], str] = field(default=str, repr=False, compare=False)
    _recount: Callable[[Convention], Report] | None = field(default=None, repr=False, compare=False)
    _measured: Callable[[], Iterable[tuple[Measured, int]]] = field(default=tuple, repr=False, compare=False)

    def metric(self, key: str) -> int | None:
        """The total of a metric; None for a metric of whole networks that the report of a traced module lacks."""
        if key in counted():
            return int(self.totals.metric(key))
        return int(self._of_network[key]()) if key in self._of_network else None

    @cached_property
    def canonical(self) -> str:
        """The network written out as it was analysed, clip and classes included: the same for every spelling."""
        return self._canonical()

    @cached_property
    def rows(self) -> tuple[Row, ...]:
        """The rows in the order of execution; they add up to the totals."""
        return tuple(self._rows())

    def under(self, convention: str | Convention) -> Report:
        """The same network counted by layer under another convention. Raises CsncostError for an unknown one."""
        assert self._recount is not None
        return replace(self._recount(find_convention(convention)), spec=self.spec)

    def measured(self) -> Iterable[tuple[Measured, int]]:
        """Every operation, counted or not, as conventions see it, and how many copies of it there are in one view."""
        return self._measured()

    def by(self, level: Level | int) -> Report:
        """The same report with rows for each layer, block or stage, for all, or for the first `level` parts of names.

        Raises CsncostError for another level.
        """
        if isinstance(level, int) and not isinstance(level, bool) and level > 0:
            if self.level == "layer":
                return replace(self, level=level, _rows=partial(grouped, self.rows, level))
            raise CsncostError(f"a report by {self.level} has no layers left", "group the report by layer")
        if level not in LEVELS:
            hint = did_you_mean(str(level), list(LEVELS)) or f"levels are {', '.join(LEVELS)}"
            raise CsncostError(f'unknown level "{level}"', hint)
        if self.level not in LEVELS or LEVELS.index(level) < LEVELS.index(self.level):
            raise CsncostError(f"a report by {self.level} has no {level}s left", "group the report by layer")
        if level == self.level:
            return self
        return replace(self, level=level, _rows=partial(grouped, self.rows, level))

    @property
    def title(self) -> str:
        """The canonical name of the network and its other names, or the file it was read from."""
        if self.name:
            return "   ".join([self.name, *self.aliases])
        return self.spec if len(self.spec) <= 200 and "\n" not in self.spec else WRITTEN_OUT

    @property
    def label(self) -> str:
        """The name in a cell of a table: the spec as it was asked for, a file without its folder."""
        text = self.spec.strip()
        if ".csn" in text and "\n" not in text:
            return text.rpartition("/")[2]
        return text if "\n" not in text and len(text) <= 40 else self.name or WRITTEN_OUT

    def stamp(self) -> dict[str, Any]:
        """The setting that the numbers were counted under, as every output carries it."""
        where = {} if self.clip is None or "input" in self.setting else {"clip": shape(self.clip)}
        classes = {} if self.classes is None else {"classes": self.classes}
        return {"convention": self.convention.name, **where, **self.setting, **classes, "views": self.views}

    def to_dict(self) -> dict[str, Any]:
        """The report as plain data, as `--format json` prints it."""
        clip = dict(zip(("channels", "frames", "height", "width"), self.clip, strict=True)) if self.clip else None
        per_view = {
            key: value // self.views if METRICS[key].per_view else value for key, value in self.totals.to_dict().items()
        }
        return {
            "spec": self.spec,
            "name": self.name,
            "aliases": list(self.aliases),
            "canonical": self.canonical,
            "convention": self.convention.name,
            "counting": str(self.convention),
            "clip": clip,
            **self.setting,
            "classes": self.classes,
            "views": self.views,
            "level": self.level,
            "totals": self.totals.to_dict(),
            "per_view": per_view,
            **({"backward_flops": self.backward_flops} if self.backward_flops else {}),
            **({"coverage": self.coverage.to_dict()} if self.coverage else {}),
            "rows": [row.to_dict() for row in self.rows],
        }

    def _frame_rows(self) -> list[dict[str, Any]]:
        return [row.to_dict() for row in self.rows]

    def _subject(self) -> dict[str, str]:
        return {"spec": self.spec}

    def table(self) -> Table:
        """The report as a table: shares of the totals beside the counts."""
        return _table(self)

    def __repr__(self) -> str:
        counts = ", ".join(f"{metric} {value:,}" for metric, value in self.totals.to_dict().items())
        return f"<Report {self.title}: {counts} ({self.table().stamp_line()})>"

    def _overview(self) -> Table:
        """The report by stage for a glance: by layer it has too many rows."""
        return (self.by("stage") if self.level == "layer" else self).table()


def _table(report: Report) -> Table:
    """Columns that fit a terminal for people, every field of a row for machines."""
    by_layer = report.level == "layer"

    rows = [
        row.to_dict()
        | {f"{metric}_share": value for metric, value in row.counts.to_dict().items()}
        | {"what": _what(row)}
        for row in report.rows
    ]
    columns = [
        Column("name", "module" if isinstance(report.level, int) else report.level, wrap=True, narrowest=32),
        *(Column(key, key, only="machines") for key in GEOMETRY if key not in ("name", "output")),
        *([Column("what", "operation", only="people")] if by_layer else []),
        *_calls(report),
        Column("output", "output", shape, drop=1),
        *(column for key in counted() for column in _counts(report, METRICS[key])),
    ]
    total = {"name": "total", **report.totals.to_dict()}
    return Table(
        columns,
        rows,
        title=report.title,
        totals=[] if report.level == "total" else [total],
        notes=[
            *(report.coverage.notes() if report.coverage else ()),
            *_of_flops(report),
            f"counted: {report.convention.unit}; {report.convention.scope}",
        ],
        stamp=report.stamp(),
    )


def _counts(report: Report, metric: Metric) -> Iterator[Column]:
    """The column of a metric, and that of its shares where there is room."""
    yield Column(metric.key, metric.heading, metric.show, "right", drop=metric.drop)
    # by layer only the shares of FLOPs, which say where the time goes
    if report.level != "total" and metric.share and (report.level != "layer" or metric.per_view):
        whole = int(report.totals.metric(metric.key))
        share = f"{metric.key}_share"
        yield Column(share, "%", lambda part: percent(part, whole), "right", only="people", tight=True, drop=2)


def _calls(report: Report) -> Iterator[Column]:
    """The column of how often an operation ran: for people where anything ran more than once."""
    if report.coverage is not None:
        repeated = any(row.calls > 1 for row in report.rows)
        yield Column(
            "calls",
            "calls",
            lambda calls: f"\u00d7{calls}" if calls > 1 else "",
            "right",
            only="" if repeated else "machines",
            drop=1,
        )


def _of_flops(report: Report) -> list[str]:
    """Notes on what the FLOPs are of: both passes, all views."""
    notes = []
    if report.backward_flops:
        forward, backward = human(report.flops - report.backward_flops), human(report.backward_flops)
        notes.append(f"FLOPs are those of a training step: {forward} forward and {backward} backward")
    if report.views > 1:
        each = human(report.flops // report.views)
        notes.append(f"FLOPs are those of a video of {report.views} views, {each} each")
    return notes


def _what(row: Row) -> str:
    """An operation in a few characters: `3x3x3 /2 dw`."""
    groups = "" if row.groups in (1, None) else " dw" if row.groups == row.in_channels else f" G{row.groups}"
    steps = set(row.stride or (1,))
    stride = "" if steps == {1} else f" /{row.stride[0] if len(steps) == 1 else shape(row.stride)}"  # type: ignore[index]
    return (shape(row.kernel) if row.kernel else row.op) + stride + groups
