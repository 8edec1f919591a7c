"""The difference between two conventions in FLOPs, line by line, exact."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any, TypeAlias

from csncost.costs.analyze import analyze
from csncost.costs.conventions.named import CONVENTIONS, Convention
from csncost.costs.count import Measured
from csncost.costs.metrics import METRICS, counted
from csncost.costs.report import Report
from csncost.costs.words import EACH, Ran, operation, told_apart
from csncost.errors import CsncostError
from csncost.lang.given import SizeLike, SpecLike
from csncost.network.sizes import Size
from csncost.table import Column, Result, Table
from csncost.units import human, percent, ratio

_ALIKE = (
    ("macs", "output_macs", "left_macs", "padded_macs", "batch_weights"),
    ("bias_adds", "padded_bias_adds", "batch_biases", "addends"),
    ("states", "padded_states"),
    ("elements", "inputs", "affine_elements", "affine_inputs", "trained"),
)
"""Quantities that are the same number in most operations; where they are, the first stands for all."""


@dataclass(frozen=True, slots=True)
class Line:
    """A part of a difference: `count` of something, each of which counts `after` times instead of `before` times."""

    operation: str
    each: str
    count: int
    before: int
    after: int

    @property
    def flops(self) -> int:
        """FLOPs that it adds, of the convention that it leads to."""
        return self.count * (self.after - self.before)


@dataclass(frozen=True)
class Explanation(Result):
    """The FLOPs of one network under two conventions, and the `lines` that lead from the first to the second."""

    WHOLE = ("count", "before", "after")

    before: Report
    after: Report
    lines: tuple[Line, ...]
    published: Mapping[str, int] = field(default_factory=dict, hash=False)
    """Conventions that published tables follow -> FLOPs."""

    @property
    def difference(self) -> int:
        """FLOPs of the second convention less those of the first."""
        return int(self.after.flops - self.before.flops)

    @property
    def names(self) -> tuple[str, str]:
        """The names of the two conventions."""
        return self.before.convention.name, self.after.convention.name

    def why(self, line: Line) -> str:
        """The reason of a line in words."""
        start, end = self.names
        if not line.before:
            return f"{end} counts {line.after} for each {line.each}, {start} none"
        if not line.after:
            return f"{start} counts {line.before} for each {line.each}, {end} none"
        return f"{end} counts {line.after} for each {line.each} instead of {line.before}"

    @cached_property
    def rows(self) -> list[dict[str, Any]]:
        """The first total, the lines, the second total."""
        whole = self.difference
        start, end = self.names
        lines = (
            {
                "part": "difference",
                **asdict(line),
                "flops": line.flops,
                "share": line.flops / whole if whole else None,
                "why": self.why(line),
            }
            for line in self.lines
        )
        return [
            {"part": "from", "operation": start, "flops": self.before.flops},
            *lines,
            {"part": "to", "operation": end, "flops": self.after.flops},
        ]

    def stamp(self) -> dict[str, Any]:
        """The two conventions and the setting."""
        start, end = self.names
        setting = {key: value for key, value in self.before.stamp().items() if key != "convention"}
        return {"from": start, "to": end, **setting}

    def notes(self) -> list[str]:
        """The ratio, the counts of published tables, the two conventions, and other metrics that differ."""
        start, end = self.before, self.after
        much = ratio(end.flops, start.flops)
        lines = [f"{end.convention.name} counts {much} what {start.convention.name} does"] if self.difference else []
        lines += [
            f"counted as {CONVENTIONS[name].published} do (convention {name}): {human(flops)}"
            for name, flops in self.published.items()
        ]
        counting = dict.fromkeys((start.convention, end.convention))
        lines += [f"{convention.name}: {convention.unit}; {convention.scope}" for convention in counting]
        differing = [
            f"{key} {human(getattr(start, key))} and {human(getattr(end, key))}"
            for key in counted()
            if key != "flops" and METRICS[key].share and getattr(start, key) != getattr(end, key)
        ]
        return [*lines, *([f"other counts that differ: {'; '.join(differing)}"] if differing else [])]

    def to_dict(self) -> dict[str, Any]:
        """The explanation as plain data."""
        start, end = self.names
        return {
            "spec": self.before.spec,
            "name": self.before.name,
            **self.stamp(),
            "totals": {report.convention.name: report.totals.to_dict() for report in (self.before, self.after)},
            "difference": self.difference,
            "published": [
                {"convention": name, "in": CONVENTIONS[name].published, "flops": flops}
                for name, flops in self.published.items()
            ],
            "counting": {start: str(self.before.convention), end: str(self.after.convention)},
            "rows": self.rows,
        }

    def _subject(self) -> dict[str, Any]:
        """The spec."""
        return {"spec": self.before.spec}

    def table(self) -> Table:
        """The explanation as a table: a line for each thing that the conventions count differently often."""
        start, end = self.names
        columns = [
            Column("part", "part", only="machines"),
            Column("operation", "operation", wrap=True, narrowest=13),
            Column("each", "for each", wrap=any(len(line.each) > 19 for line in self.lines), narrowest=18),
            Column("count", "number", human, "right", drop=1),
            Column("before", start, str, "right"),
            Column("after", end, str, "right"),
            Column("amount", "FLOPs", str, "right", only="people"),
            Column("flops", "flops", only="machines"),
            Column("part_of", "%", str, "right", only="people", tight=True),
            Column("share", "share", only="machines"),
            Column("why", "why", only="machines"),
        ]
        return Table(
            columns,
            [row | self._shown(row) for row in self.rows],
            title=f"{self.before.title}: "
            + (f"why {start} and {end} differ" if self.difference else f"{start} and {end} count the same FLOPs"),
            notes=self.notes(),
            stamp=self.stamp(),
            section="part",
        )

    def _shown(self, row: Mapping[str, Any]) -> dict[str, str]:
        """The amount of a row as people read it: a line with its sign and its share."""
        if row["part"] != "difference":
            return {"operation": f"{row['operation']} counts", "amount": human(row["flops"])}
        sign = -1 if self.difference < 0 else 1  # shares are of a difference that is not negative
        return {
            "amount": f"{'+' if row['flops'] > 0 else ''}{human(row['flops'])}",
            "part_of": percent(sign * row["flops"], abs(self.difference)),
        }

    def __repr__(self) -> str:
        start, end = self.names
        much = f"{'+' if self.difference >= 0 else ''}{human(self.difference)}"
        return f"<Explanation {self.before.title}: {start} to {end}, {much} in {len(self.lines)} lines>"


def explain(
    spec: SpecLike | Report,
    from_: str | Convention = "paper",
    to: str | Convention = "fvcore",
    *,
    frames: int | None = None,
    size: SizeLike = None,
    classes: int | None = None,
    views: int = 1,
    **names: Any,
) -> Explanation:
    """Explain why two conventions give different FLOPs for a network: lines that add up to the difference, exactly.

    Arguments as for `analyze`; a report, of a spec or of a traced module, may stand in the place of the spec and is
    counted anew. Raises CsncostError for an unknown convention, SpecError for a spec that is no network.

    >>> found = explain("ir-CSN-50", "paper", "fvcore")
    >>> [(line.operation, line.before, line.after, line.flops) for line in found.lines]
    [('batch norm', 0, 2, 122479616)]
    """
    if isinstance(spec, Report):
        if names or views != 1 or any(setting is not None for setting in (frames, size, classes)):
            raise CsncostError("a report has its setting already", "give it to analyze or trace, or explain a spec")
        before = spec.under(from_)
    else:
        before = analyze(spec, frames=frames, size=size, classes=classes, views=views, convention=from_, **names)
    after = before.under(to)
    lines = tuple(sorted(_lines(before, after), key=lambda line: -abs(line.flops)))
    assert before.flops + sum(line.flops for line in lines) == after.flops, "the lines do not add up"
    published = {known.name: before.under(known).flops for known in CONVENTIONS.values() if known.published}
    return Explanation(before, after, lines, published)


_Key: TypeAlias = tuple[str, str, int, int]
"""Operations of one line have it in common: name, what is counted of them, how often before and after."""


@dataclass(slots=True)
class _Part:
    """The count of a line, and the functions and modules that it is of."""

    count: int = 0
    ran: set[Ran] = field(default_factory=set)


def _lines(before: Report, after: Report) -> Iterator[Line]:
    """Yield what differs, operations of one name and one reason together."""
    parts: dict[_Key, _Part] = {}
    for measured, copies in before.measured():
        for each, value, start, end in _differing(measured, before.convention, after.convention):
            part = parts.setdefault((operation(measured), EACH.get(each, each), start, end), _Part())
            part.count += int(value * copies) * before.views
            part.ran.add((measured.function, measured.module))
    found = {key: part for key, part in parts.items() if part.count}
    for key, part in found.items():
        yield Line(_name(key, found), key[1], part.count, *key[2:])


def _name(key: _Key, parts: Mapping[_Key, _Part]) -> str:
    """The operations of a line, and what tells them from others that count differently."""
    alike = [other for other in parts if other[:2] == key[:2]]
    if len(alike) == 1:
        return key[0]
    which = told_apart([parts[other].ran for other in alike])[alike.index(key)]
    return f"{key[0]} ({which})" if which else key[0]


def _differing(measured: Measured, before: Convention, after: Convention) -> Iterator[tuple[str, Size, int, int]]:
    """The quantities of an operation that count differently: name, value, how often before and after."""
    first, second = (_weights(measured, convention) for convention in (before, after))
    values: dict[str, Size] = {**measured.quantities, "backward": measured.backward}
    for name in dict.fromkeys((*first, *second)):
        start, end = first.get(name, 0), second.get(name, 0)
        if start != end and (value := values.get(name, 0)):
            yield name, value, start, end


def _weights(measured: Measured, convention: Convention) -> dict[str, int]:
    """The quantities of an operation and how often a convention counts each; those of equal value have one name."""
    rule = convention.rule(measured.kind, measured.function, measured.module)
    terms = dict(rule["flops"]) if rule is not None else {}
    if measured.backward:
        terms["backward"] = terms.get("macs", 0)
    found: dict[str, int] = {}
    for name, times in terms.items():
        value = measured.quantities.get(name, 0)
        alike = next((family for family in _ALIKE if name in family), (name,))
        first = next((one for one in alike if measured.quantities.get(one) == value), name)
        found[first] = found.get(first, 0) + times
    return found
