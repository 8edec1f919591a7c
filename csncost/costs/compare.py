"""Networks side by side: how much cheaper than the first, and where."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from csncost.costs.analyze import analyze
from csncost.costs.conventions.named import Convention
from csncost.costs.metrics import METRICS, Metric, counted
from csncost.costs.report import Report
from csncost.costs.rows import Level
from csncost.errors import CsncostError
from csncost.lang.catalogue import example
from csncost.lang.given import SizeLike, SpecLike
from csncost.table import Column, Result, Table
from csncost.units import human, ratio


@dataclass(frozen=True)
class Comparison(Result):
    """Reports aligned by the names of their rows; ratios are to the first."""

    reports: tuple[Report, ...]
    level: Level

    @property
    def labels(self) -> tuple[str, ...]:
        """The networks as they were asked for."""
        return tuple(report.label for report in self.reports)

    @cached_property
    def rows(self) -> list[dict[str, Any]]:
        """One row for each part and network: the counts, and their ratios to the first network's (None without)."""
        return [row for part in self._parts() for row in self._beside(part, [rows.get(part) for rows in self._by_name])]

    def _parts(self) -> list[str]:
        """The names of all parts, in order; those that only a later network has follow what precedes them there."""
        parts: list[str] = []
        for report in self.reports:
            names = [row.name for row in report.rows]
            at = len(parts) if set(parts).isdisjoint(names) else 0
            for name in names:
                if name in parts:
                    at = parts.index(name)
                else:
                    parts.insert(at, name)
                at += 1
        return parts

    @cached_property
    def _by_name(self) -> list[dict[str, Any]]:
        return [{row.name: row for row in report.rows} for report in self.reports]

    def _beside(self, part: str, counts: Sequence[Any]) -> Iterator[dict[str, Any]]:
        """A row for each network that has a part."""
        for label, one in zip(self.labels, counts, strict=True):
            if one is not None:
                yield {"part": part, "network": label} | _against(one, counts[0])

    @property
    def totals(self) -> list[dict[str, Any]]:
        """The totals of each network, and their ratios to the first's."""
        return list(self._beside("total", [report.totals for report in self.reports]))

    def findings(self) -> list[str]:
        """Differences in FLOPs from the first network, and the parts that they are in."""
        return [self._finding(i) for i in range(1, len(self.reports))]

    def _finding(self, i: int) -> str:
        first, other = self.reports[0], self.reports[i]
        saved = first.flops - other.flops
        much = f"{self.labels[i]} has {ratio(other.flops, first.flops)} the FLOPs of {self.labels[0]}"
        if saved == 0:
            return much
        before, after = self._by_name[0], self._by_name[i]
        names = dict.fromkeys([*before, *after])
        parts = {name: _flops(before.get(name)) - _flops(after.get(name)) for name in names}
        largest = sorted(parts, key=lambda name: -abs(parts[name]))[:3]
        where = ", ".join(
            f"{name} {'-' if parts[name] > 0 else '+'}{human(abs(parts[name]))}" for name in largest if parts[name]
        )
        return f"{much}: {human(abs(saved))} {'less' if saved > 0 else 'more'}" + (
            f" ({where})" if len(parts) > 1 else ""
        )

    def to_dict(self) -> dict[str, Any]:
        """The comparison as plain data."""
        return {
            "level": self.level,
            "reports": [
                {key: value for key, value in report.to_dict().items() if key != "rows"} for report in self.reports
            ],
            "rows": self.rows,
            "totals": self.totals,
        }

    def table(self) -> Table:
        """The comparison as a table."""
        columns = [
            Column("part", self.level),
            Column("network", "network", wrap=True),
            *(column for key in counted() for column in _columns(METRICS[key])),
        ]
        first = self.reports[0]
        stamps = [report.stamp() for report in self.reports]
        stamp = {key: value for key, value in stamps[0].items() if all(s.get(key) == value for s in stamps)}
        differing = [
            f"{label}: " + ", ".join(f"{key} {value}" for key, value in s.items() if key not in stamp)
            for label, s in zip(self.labels, stamps, strict=True)
            if len(stamp) < len(s)
        ]
        shown = [_with_pairs(row) for row in self.rows] if self.level != "total" else []
        totals = [_with_pairs(row) for row in self.totals]
        return Table(
            columns,
            shown or totals,
            title=" against ".join([", ".join(self.labels[1:]), self.labels[0]]),
            totals=totals if shown else [],
            notes=[*self.findings(), *differing, f"counted: {first.convention.unit}; {first.convention.scope}"],
            stamp=stamp,
            section="part",
        )

    def __repr__(self) -> str:
        return f"<Comparison of {', '.join(self.labels)} by {self.level}>"


def compare(
    *specs: SpecLike | Report,
    by: Level = "stage",
    frames: int | None = None,
    size: SizeLike = None,
    classes: int | None = None,
    views: int = 1,
    convention: str | Convention = "paper",
    **names: Any,
) -> Comparison:
    """Two or more networks side by side, aligned by layer, block or stage; arguments as for `analyze`.

    A report may stand in the place of a spec, so that networks with different parameters can be compared.

    >>> compare("ResNet3D-50", "ir-CSN-50", by="total").findings()
    ['ir-CSN-50 has 0.36x the FLOPs of ResNet3D-50: 18.88 G less']
    """
    if len(specs) < 2:
        hint = f"for instance: csncost compare {example()} {example(2)}"
        raise CsncostError("a comparison needs two or more networks", hint)
    setting: dict[str, Any] = {
        "frames": frames,
        "size": size,
        "classes": classes,
        "views": views,
        "convention": convention,
    }
    reports = [spec if isinstance(spec, Report) else analyze(spec, **setting, **names) for spec in specs]
    if names:  # what was asked for does not say what was given
        reports = [replace(report, spec=report.name or report.spec) for report in reports]
    return Comparison(tuple(report.by(by) for report in reports), by)


def _columns(metric: Metric) -> Iterator[Column]:
    yield Column(metric.key, metric.heading, metric.show, "right", drop=metric.drop)
    if metric.share:
        key = f"{metric.key}_ratio"
        yield Column(key, "ratio", lambda pair: ratio(*pair), "right", only="people", tight=True)


def _against(row: Any, base: Any) -> dict[str, Any]:
    counts = {key: getattr(row, key) for key in counted()}
    bases = {key: getattr(base, key) if base is not None else 0 for key in counts}
    ratios = {f"{key}_ratio": value / bases[key] if bases[key] else None for key, value in counts.items()}
    return counts | ratios | {f"{key}_first": value for key, value in bases.items()}


def _with_pairs(row: dict[str, Any]) -> dict[str, Any]:
    """The row with ratios as exact pairs, to be rounded once."""
    return row | {f"{key}_ratio": (row[key], row[f"{key}_first"]) for key in counted()}


def _flops(row: Any) -> int:
    return row.flops if row is not None else 0
