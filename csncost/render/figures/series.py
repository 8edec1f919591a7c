"""The series of a trade-off figure, as plain data: panels of curves of points. Knows designs, nothing of drawing."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal, TypeAlias, TypeVar

from csncost.costs.metrics import METRICS
from csncost.errors import CsncostError
from csncost.logs.join import ACCURACY
from csncost.render.figures.style import short_names
from csncost.units import shortened

Row: TypeAlias = Mapping[str, Any]
"""A design: its name, its metrics, and `accuracy` and `accuracy_spread` where they are logged."""

Mark: TypeAlias = Literal["base", "star", "filled", "hollow"]

MARKS: Mapping[str, str] = {"base": "base", "star": "bottleneck-D", "hollow": "DG (hollow)", "open": "not logged"}
"""The marks that curves share, as a legend names them; `open` are designs on the axis."""

T = TypeVar("T")

MAX_PANELS, MAX_CURVES, MAX_POINTS = 6, 8, 2000

_STUDY = ("spec", "family", "blocks", "kind", "groups")


@dataclass(frozen=True, slots=True)
class Point:
    """A design, `row`, in a figure; `y` is None where its accuracy is not logged, `spread` where there is one run."""

    x: float
    y: float | None
    spread: float | None
    text: str
    mark: Mark
    row: Row

    @property
    def shown(self) -> str:
        """The mark that is seen."""
        return "open" if self.y is None else self.mark


@dataclass(frozen=True, slots=True)
class Curve:
    """Points in order, drawn in look number `look`; their texts are tried below it first if `below`.

    Points that have no order are not `joined` by lines.
    """

    name: str
    look: int
    points: tuple[Point, ...]
    below: bool = False
    joined: bool = True

    def alike(self) -> Iterator[tuple[str, list[Point]]]:
        """The points by their marks, the most special last, so that they are drawn on top."""
        for mark in ("open", "filled", "hollow", "star", "base"):
            if points := [point for point in self.points if point.shown == mark]:
                yield mark, points

    def gaps(self) -> Iterator[tuple[Point, Point]]:
        """Points that are known, and between which others are not."""
        known = [k for k, point in enumerate(self.points) if point.y is not None]
        return ((self.points[a], self.points[b]) for a, b in pairwise(known) if b > a + 1)


@dataclass(frozen=True, slots=True)
class Panel:
    """Curves that share axes."""

    title: str
    curves: tuple[Curve, ...]


@dataclass(frozen=True, slots=True)
class View:
    """Panels of the same two quantities, and what the texts at their points are."""

    x: str
    y: str
    panels: tuple[Panel, ...]
    texts: str


def view(rows: Sequence[Row], x: str, y: str, *, by_depth: bool = False) -> View:
    """The view of designs that suits them: that of the paper's study, or one by what a space varies.

    With `by_depth` the deeper networks look different even where they have a panel of their own.
    """
    if len(rows) > MAX_POINTS:
        raise CsncostError(f"a figure of {len(rows):,} designs", f"it has room for {MAX_POINTS:,}: give fewer values")
    return _study(rows, x, y, by_depth) if "family" in rows[0] else _space(rows, x, y)


def shared_marks(points: Iterable[tuple[Point, T]]) -> Iterator[tuple[str, str, T]]:
    """The marks that are no curve's own: each with its name, and what comes with the first point that has it."""
    first: dict[str, T] = {}
    for point, own in points:
        first.setdefault(point.shown, own)
    return ((mark, name, first[mark]) for mark, name in MARKS.items() if mark in first)


def network(row: Row) -> Hashable:
    """A key that tells the networks of a space apart: one group is none, so that bottleneck-G1 is bottleneck."""
    named = {name: row[name] for name in _choices(row)}
    if "family" in row:
        named |= {"spec": "", "kind": _kind(row)}
    return tuple(named.items())


# -- the paper's study -------------------------------------------------------------------------------------------


def _study(rows: Sequence[Row], x: str, y: str, by_depth: bool) -> View:
    """A panel for each depth, as Figure 6; accuracy against interactions has two depths in one, as Figure 7."""
    rows = sorted(rows, key=lambda row: (_depth(row["blocks"]), row["family"] != "simple"))
    depths = _values(rows, "blocks")
    together = {x, y} == {"accuracy", "interactions"} and len(depths) <= 2
    names = [*_varied(rows, _STUDY), *([] if together else ["blocks"])]
    deeper = depths[1] if len(depths) == 2 and (by_depth or together) else None
    panels = [_study_panel(members, x, y, deeper) for members in _parted(rows, names)]
    texts = "groups" if any(row["groups"] > 1 for row in rows) else ""
    return View(x, y, _checked(panels, names), texts)


def _study_panel(rows: Sequence[Row], x: str, y: str, deeper: Any) -> Panel:
    curves = []
    for members in _parted(rows, ["family", "blocks"]):
        family, blocks = members[0]["family"], members[0]["blocks"]
        look = 2 * (blocks == deeper) + (family == "bottleneck")
        alone: dict[Hashable, Row] = {}  # one mark for one network
        for row in sorted(members, key=_step):
            alone.setdefault(network(row), row)
        points = tuple(_point(row, x, y, _study_text(row), _study_mark(row)) for row in alone.values())
        curves.append(Curve(f"{family}-X-{blocks}", look, points, below=family == "simple"))
    depths = " and ".join(map(str, _values(rows, "blocks")))
    given = _said(rows[0], _choices(rows[0], _STUDY))
    return Panel(f"{depths} blocks" + (f", {given}" if given else ""), tuple(curves))


def _depth(blocks: Any) -> tuple[float, str]:
    """An order of depths: numbers first, then lists of blocks."""
    return (blocks, "") if isinstance(blocks, int) else (float("inf"), str(blocks))


def _step(row: Row) -> tuple[int, int]:
    """The place of a design on the curve of Figure 6, from the base over G and D to DG."""
    return ("none", "G", "D", "DG").index(row["kind"]), row["groups"]


def _kind(row: Row) -> str:
    """The kind of a design; with one group it is the base, or D, itself."""
    alike = {"G": "none", "DG": "D"} if row["groups"] == 1 else {}
    return str(alike.get(row["kind"], row["kind"]))


def _study_text(row: Row) -> str:
    """The groups of G and DG, D where it is not a star, nothing at a base."""
    if row["kind"] in ("G", "DG"):
        return str(row["groups"]) if row["groups"] > 1 else ""
    return "D" if (row["family"], row["kind"]) == ("simple", "D") else ""


def _study_mark(row: Row) -> Mark:
    special: dict[str, Mark] = {"none": "base", "DG": "hollow"}
    if row["family"] == "bottleneck":
        special["D"] = "star"
    return special.get(_kind(row), "filled")


# -- the space of specs ------------------------------------------------------------------------------------------


def _space(rows: Sequence[Row], x: str, y: str) -> View:
    """A curve along the groups, or what else has most values; curves and panels by what is varied besides.

    Networks that are named have no order: each is a curve of its own, or all are marks with their names.
    """
    varied = _varied(rows)
    knobs = [name for name in varied if name != "spec"]
    along = "G" if "G" in varied else max(knobs, key=lambda name: len(_values(rows, name)), default="")
    if not along and len(_values(rows, "spec")) > MAX_CURVES:
        along = "spec"
    curve, others = (rest := [name for name in varied if name != along])[:1], rest[1:]
    panels = [
        Panel(_said(members[0], others), tuple(_space_curves(members, x, y, along, curve)))
        for members in _parted(rows, others)
    ]
    return View(x, y, _checked(panels, others), "" if along == "spec" else along)


def _space_curves(rows: Sequence[Row], x: str, y: str, along: str, by: Sequence[str]) -> Iterable[Curve]:
    parted = _parted(rows, by)
    if len(parted) > MAX_CURVES:
        raise CsncostError(
            f"a figure with a curve for each of {len(parted)} values of {by[0]}", f"give at most {MAX_CURVES}, or one"
        )
    if along == "spec":
        names = [f"{len(rows)} networks"]
    elif list(by) in ([], ["spec"]):
        names = short_names(_values(rows, "spec"))
    else:
        names = [_said(members[0], by) for members in parted]
    for i, members in enumerate(parted):
        points = tuple(_point(row, x, y, _written(row.get(along, "")), "filled") for row in members)
        yield Curve(names[i], i, points, below=bool(i % 2), joined=along != "spec")


# -- of any rows -------------------------------------------------------------------------------------------------


def _point(row: Row, x: str, y: str, text: str, mark: Mark) -> Point:
    height = row.get(y)
    return Point(float(row[x]), None if height is None else float(height),
                 row.get("accuracy_spread") if y == "accuracy" else None, text, mark, row)  # fmt: skip


def _choices(row: Row, besides: Sequence[str] = ()) -> list[str]:
    """The columns that a designer chooses, and that are no results."""
    return [name for name in row if name not in (*besides, *METRICS, *ACCURACY)]


def _varied(rows: Sequence[Row], besides: Sequence[str] = ()) -> list[str]:
    """The choices that have several values."""
    return [name for name in _choices(rows[0], besides) if len(_values(rows, name)) > 1]


def _values(rows: Iterable[Row], name: str) -> list[Any]:
    return list(dict.fromkeys(row[name] for row in rows))


def _parted(rows: Iterable[Row], names: Sequence[str]) -> list[list[Row]]:
    """The rows by their values of some columns, in order of appearance."""
    found: dict[Hashable, list[Row]] = {}
    for row in rows:
        found.setdefault(tuple(row[name] for name in names), []).append(row)
    return list(found.values())


def _said(row: Row, names: Sequence[str]) -> str:
    return ", ".join(_written(row[name]) if name == "spec" else f"{name} {_written(row[name])}" for name in names)


def _written(value: Any) -> str:
    """A value as a short text: 2, not 2.0."""
    return f"{value:g}" if isinstance(value, float) else shortened(str(value))


def _checked(panels: Sequence[Panel], names: Sequence[str]) -> tuple[Panel, ...]:
    if len(panels) > MAX_PANELS:
        raise CsncostError(
            f"a figure with a panel for each of {len(panels)} values of {' and '.join(names)}",
            f"give at most {MAX_PANELS}, or one",
        )
    return tuple(panels)
