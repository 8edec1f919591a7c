"""The legal designs of a space, one below the other: columns, rows, a table, files."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TextIO

from csncost.costs.metrics import METRICS
from csncost.costs.naming import MANY, argument, spelling
from csncost.errors import MissingExtra
from csncost.logs.join import ACCURACY, MEASURED, accuracy_columns, join, join_notes
from csncost.logs.read import LogLike, read_log
from csncost.logs.runs import Joined, Select, points
from csncost.table import Column, Result, Table, data_frame
from csncost.units import plural, shortened

if TYPE_CHECKING:
    from pandas import DataFrame
    from xarray import Dataset

HEAD = 60
"""Rows that people are shown of a large space."""

_WIDE = 80
"""Characters of a spec that a row for people has room for; a longer one is shown as it was given."""

_CHUNK = 10_000
"""Rows that are made at a time."""

_SHOWN = {
    "accuracy": Column("accuracy", "accuracy %", points, "right"),
    "accuracy_spread": Column("accuracy_spread", "±", points, "right", tight=True),
    "runs": Column("runs", "runs", lambda n: str(n or ""), "right"),
    "deviation": Column("deviation", "deviation", lambda share: f"{share:+.2%}", "right"),
}
"""Columns that people see in a way of their own, those of several runs where there are any."""

FACTS = ("family", "blocks", "kind", "groups", "depth")
"""Columns that the name of a design says already."""


@dataclass(frozen=True)
class Designs(Result):
    """Legal designs: the spec that each was made of, and columns of `values`.

    The columns are what was swept, then params, FLOPs (of one clip), interactions, activations, depth (weighted
    layers). They are lists or NumPy arrays and not a DataFrame, which `to_frame` makes: the paper's study is counted,
    drawn and written without pandas, whose import alone takes longer. `refused` says how many combinations are no
    network; `notes` say why, for people.
    """

    specs: Sequence[str]
    values: Mapping[str, Sequence[Any]]
    stamp: Mapping[str, Any]
    refused: int = 0
    notes: tuple[str, ...] = ()
    swept: tuple[str, ...] = ()
    """The columns that are arguments of `analyze`."""
    fixed: Mapping[str, Any] = field(default_factory=dict)
    """The arguments that all designs share; empty where the specs say all of their designs."""
    brief: bool = False
    """True where arguments are added to names, as `spelling` does in a large space."""
    joined: Joined | None = None
    """Results of a log that belong to the designs, by row, and those that do not."""
    dataset: Dataset | None = field(default=None, repr=False, compare=False)
    """The space that these are all legal designs of."""

    def __len__(self) -> int:
        return len(self.specs)

    def __repr__(self) -> str:
        return f"<{plural(len(self), 'design')} in {', '.join(self.names)} (convention {self.stamp['convention']})>"

    def _overview(self) -> Table:
        return self.table(HEAD)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """The designs as rows of plain Python values, made a few at a time."""
        for chunk in self._chunks():
            yield from chunk._rows(chunk.columns["spec"])

    @property
    def names(self) -> list[str]:
        """The names of the columns."""
        return ["spec", *self.values]

    @cached_property
    def columns(self) -> dict[str, Sequence[Any]]:
        """The columns, first a spec of each design that says all of it: put together when it is asked for."""
        return {"spec": self._spelled(), **self.values}

    @cached_property
    def rows(self) -> list[dict[str, Any]]:
        """A row for each design: plain Python values."""
        return list(self)

    @property
    def given_rows(self) -> list[dict[str, Any]]:
        """The rows, each with the spec that its design was made of, to which `arguments` belong."""
        return self._rows(self.specs)

    def _rows(self, specs: Sequence[str]) -> list[dict[str, Any]]:
        columns = map(plain, (specs, *self.values.values()))
        return [dict(zip(self.names, row, strict=True)) for row in zip(*columns, strict=True)]

    def arguments(self, row: int) -> dict[str, Any]:
        """The arguments of `analyze` besides the spec that the design of a row was made of."""
        swept = {name: argument(name, self.values[name][row]) for name in self.swept}
        return {"convention": self.stamp["convention"], **self.fixed, **swept}

    def _spelled(self) -> list[str]:
        """A spec for each design that says all of it."""
        fixed = {name: value for name, value in self.fixed.items() if name != "convention"}
        swept = ([argument(name, value) for value in plain(self.values[name])] for name in self.swept)
        points = zip(plain(self.specs), *swept, strict=True)
        return [spelling(spec, {**fixed, **dict(zip(self.swept, p, strict=True))}, self.brief) for spec, *p in points]

    def spelled(self) -> Designs:
        """The same designs, made of specs that say all of them."""
        return replace(self, specs=self.columns["spec"], swept=(), fixed={})

    def take(self, rows: Sequence[int]) -> Designs:
        """The designs of some rows, in their order."""
        values = {name: _taken(values, rows) for name, values in self.values.items()}
        joined = self.joined
        if joined is not None:
            found = {place: joined.found[row] for place, row in enumerate(rows) if row in joined.found}
            joined = replace(joined, found=found)
        brief = self.brief and len(rows) > MANY
        return replace(self, specs=_taken(self.specs, rows), values=values, brief=brief, joined=joined, dataset=None)

    def _chunks(self) -> Iterator[Designs]:
        """The designs a few at a time, spelt as all of them are."""
        for start in range(0, len(self), _CHUNK):
            yield replace(self.take(range(start, min(start + _CHUNK, len(self)))), brief=self.brief)

    # -- accuracies ----------------------------------------------------------------------------------------------

    def with_accuracy(self, log: LogLike, *, select: Select = "best", metric: str | None = None) -> Designs:
        """The designs with the accuracies of a log, as `read_log` takes it, in the columns of `ACCURACY`.

        `accuracy` is the mean of the runs of a design in percent, `accuracy_spread` their sample standard deviation;
        a design of which nothing is logged has None. Notes say what of the log belongs to no design. Raises as
        `read_log` does.
        """
        accuracies = read_log(log, select=select, metric=metric)
        joined = join(accuracies, {"spec": self.specs, **self.values}, self.stamp, self.arguments)
        return replace(
            self,
            values={**self.values, **accuracy_columns(joined, len(self))},
            stamp={**self.stamp, "log": accuracies.log},
            notes=(*self.notes, *join_notes(accuracies, joined, self._clips())),
            joined=joined,
        )

    # -- tables and files ----------------------------------------------------------------------------------------

    def table(self, most: int | None = None) -> Table:
        """The designs as a table, or the first `most` of them."""
        shown = len(self) if most is None else min(most, len(self))
        more = [f"the first {shown:,} of {len(self):,} designs; -o FILE.csv holds all"] if shown < len(self) else []
        head = self.take(range(shown))
        wide = bool(self.fixed) and any(len(spec) > _WIDE for spec in head.columns["spec"])
        columns = [self._column(name, wide) for name in self.names]
        rows = head.given_rows if wide else head.rows
        return Table(columns, rows, title=plural(len(self), "design"), notes=[*more, *self.notes], stamp=self.stamp)

    def _column(self, name: str, wide: bool) -> Column:
        """A column as it is shown; of specs that are too `wide` a part, and what is swept then always."""
        if name in ("accuracy", "deviation") or (name in _SHOWN and any(n > 1 for n in self.values["runs"])):
            return _SHOWN[name]
        only: Literal["machines", ""] = "machines" if name in (*FACTS, *ACCURACY) else ""
        if name in METRICS and not only:
            metric = METRICS[name]
            return Column(name, metric.heading, metric.show, "right", drop=min(metric.drop, 1))  # after what is swept
        if name == "spec":
            return Column(name, name, (lambda spec: shortened(spec, 40)) if wide else str)
        return Column(name, name, only=only, align="right", drop=0 if wide else 2)

    def to_dict(self) -> dict[str, Any]:
        """The designs as plain data."""
        return {**self._head(), "designs": self.rows}

    def _head(self) -> dict[str, Any]:
        unmatched = {"unmatched": [one.to_dict() for one in self.joined.elsewhere]} if self.joined else {}
        return {**self.stamp, "refused": self.refused, **unmatched}

    def to_json(self, indent: int | None = None) -> str:
        """`to_dict` as JSON, a line for each design unless another `indent` is given."""
        if indent is not None:
            return super().to_json(indent)
        designs = ",\n".join(f"  {json.dumps(row)}" for row in self)
        return f'{json.dumps(self._head())[:-1]}, "designs": [\n{designs}\n]}}\n'

    def to_frame(self) -> DataFrame:
        """A pandas DataFrame, the stamp in its `attrs`. Raises MissingExtra without pandas."""
        return data_frame(_known(self.columns), self.stamp)

    def stamped_frame(self) -> DataFrame:
        """As `to_frame`, the stamp in the last columns."""
        return data_frame(_known(self._stamped()), self.stamp)

    def to_dataset(self) -> Dataset:
        """The whole space with its illegal combinations masked, or the designs along a dimension `design`.

        Accuracies are NaN where nothing is logged.
        """
        from xarray import Dataset

        if self.dataset is not None:
            return self._logged_in(self.dataset)
        numbers = (*METRICS, *MEASURED)
        columns = {name: v if name in numbers else _one_kind(v) for name, v in _known(self.columns).items()}
        variables = {name: ("design", values) for name, values in columns.items()}
        found = Dataset(variables, attrs=dict(self.stamp))
        return found.set_coords([name for name in columns if name not in numbers])

    def _logged_in(self, space: Dataset) -> Dataset:
        """A space with the accuracies of its legal designs, and what they are in its attributes."""
        from xarray import full_like

        if self.joined is None:
            return space
        valid = space["valid"]
        logged = {name: full_like(valid, float("nan"), float) for name in MEASURED}
        for name, array in logged.items():
            array.values[valid.values] = _known(self.values)[name]
        return space.assign(logged).assign_attrs(self.joined.setting._asdict() | {"clip": space.attrs["clip"]})

    def write(self, path: Path, form: str) -> None:
        """Write every design to a file: csv, json, netcdf or parquet. Raises MissingExtra."""
        if form == "csv":
            with path.open("w", encoding="utf-8", newline="") as file:
                self.write_csv(file)
        elif form == "json":
            path.write_text(self.to_json(), "utf-8")
        elif find_spec(library := {"netcdf": "netCDF4", "parquet": "pyarrow"}[form]) is None:
            raise MissingExtra(library, "explore")
        elif form == "netcdf":
            self.to_dataset().to_netcdf(path, engine="netcdf4")
        else:
            self.stamped_frame().to_parquet(path, engine="pyarrow", index=False)

    def write_csv(self, file: TextIO, head: bool = True) -> None:
        """Write exact values, a line for each design, the stamp in the last columns; a line of names before them."""
        writer = csv.writer(file, lineterminator="\n")
        if head:
            writer.writerow(dict.fromkeys([*self.names, *self.stamp]))
        for chunk in self._chunks():
            writer.writerows(zip(*map(plain, chunk._stamped().values()), strict=True))

    def _stamped(self) -> dict[str, Sequence[Any]]:
        """The columns, and what every design is stamped with, the clip its own."""
        stamps = {name: [value] * len(self) for name, value in self.stamp.items()} | {"clip": self._clips()}
        return self.columns | {name: values for name, values in stamps.items() if name not in self.values}

    def _clips(self) -> list[str]:
        """The clip of each design: of `3xframesxsizexsize` the values in its row."""
        parts = self.stamp["clip"].split("x")
        if not all(part.isdecimal() or part in self.values for part in parts):
            return [self.stamp["clip"]] * len(self)
        sides = (plain(self.values.get(part, [part] * len(self))) for part in parts)
        return [_clip(*map(str, sizes)) for sizes in zip(*sides, strict=True)]


def _clip(channels: str, frames: str, height: str, width: str) -> str:
    """Sizes as `3x8x112x160`; height and width may be one text of both."""
    return f"{channels}x{frames}x{height.partition('x')[0]}x{width.rpartition('x')[2]}"


def plain(values: Sequence[Any]) -> Sequence[Any]:
    """The values as Python has them."""
    found: Sequence[Any] = values.tolist() if hasattr(values, "tolist") else values
    return found


def _taken(values: Sequence[Any], rows: Any) -> Sequence[Any]:
    """The values of some rows, in their order."""
    found: Sequence[Any] = values[rows] if hasattr(values, "dtype") else [values[i] for i in rows]
    return found


def _known(columns: Mapping[str, Sequence[Any]]) -> dict[str, Sequence[Any]]:
    """The columns with NaN where nothing was measured."""
    nan = float("nan")
    return {n: [nan if v is None else v for v in values] if n in MEASURED else values for n, values in columns.items()}


def _one_kind(values: Sequence[Any]) -> list[Any]:
    """Values that a file can hold in one column: all numbers, or all texts."""
    return list(map(str, values)) if any(isinstance(value, str) for value in values) else list(values)
