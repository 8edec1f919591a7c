"""The legal designs of a space, one below the other: columns, a table, files."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import islice, repeat
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TextIO

from csncost.costs.analyze import analyze
from csncost.costs.conventions import Convention
from csncost.costs.count import COSTS, METRICS
from csncost.costs.spelling import CLIP, MANY, Specs, plain, take
from csncost.errors import MissingExtra, SpecError
from csncost.lang.given import SETTING, from_argument
from csncost.logs.join import ACCURACY, MEASURED, accuracy_columns, join, join_notes
from csncost.logs.read import LogLike, read_log
from csncost.logs.runs import Joined, Select, points
from csncost.spaces.ranges import sizes
from csncost.table import Column, Table, data_frame
from csncost.units import human, plural, shortened

if TYPE_CHECKING:
    from pandas import DataFrame
    from xarray import Dataset

HEAD = 60
"""Rows that people are shown of a large space."""

_WIDE = 80
"""Characters of a spec that a row for people has room for; a longer one is shown as it was given."""

_PIECE = 10_000
"""Rows that are made at a time."""

TITLES = {"flops": "FLOPs", "interactions": "interact.", "activations": "activ."}
_SHOWN = {
    "accuracy": Column("accuracy", "accuracy %", points, "right"),
    "accuracy_spread": Column("accuracy_spread", "±", points, "right", tight=True),
    "runs": Column("runs", "runs", lambda n: str(n or ""), "right"),
    "deviation": Column("deviation", "deviation", lambda share: f"{share:+.2%}", "right"),
}
"""Columns that people see in a way of their own, those of several runs where there are any."""

STAMPED = ("convention", "clip", "classes", "views")
"""What says how designs were counted."""

FACTS = ("family", "blocks", "kind", "groups", "depth")
"""What the name of a design says already."""


@dataclass(frozen=True)
class Explored:
    """Legal designs in columns: `spec` and what was swept, then params, FLOPs (of one clip), interactions, activations,
    depth (weighted layers).

    `refused` says how many combinations are no network; `notes` say why, for people.
    """

    columns: Mapping[str, Sequence[Any]]
    stamp: Mapping[str, Any]
    refused: int = 0
    notes: tuple[str, ...] = ()
    joined: Joined | None = None
    """What of a log belongs to the designs, by row, and what does not."""
    _dataset: Dataset | None = field(default=None, repr=False, compare=False)

    def __len__(self) -> int:
        return len(self.columns["spec"])

    def __repr__(self) -> str:
        return f"<{plural(len(self), 'design')} in {', '.join(self.columns)} (convention {self.stamp['convention']})>"

    def __str__(self) -> str:
        return self.table(HEAD).to_markdown()

    def _repr_html_(self) -> str:
        return self.table(HEAD).to_html()

    def __iter__(self) -> Iterator[dict[str, Any]]:
        names = list(self.columns)
        return (dict(zip(names, row, strict=True)) for row in self._values())

    def _values(self) -> Iterator[tuple[Any, ...]]:
        """The rows as tuples of plain Python values, made a few at a time."""
        for start in range(0, len(self), _PIECE):
            yield from zip(*(plain(values[start : start + _PIECE]) for values in self.columns.values()), strict=True)

    @cached_property
    def rows(self) -> list[dict[str, Any]]:
        """A row for each design: plain Python values, as `Design` has them where the columns are its fields."""
        return list(self)

    def spelled(self) -> Explored:
        """The same designs, their specs put together."""
        return self._with_specs(list(self.columns["spec"]))

    def unspelled(self) -> Explored:
        """The same designs, each with the spec that it was made of, to which `arguments` belong."""
        specs = self.columns["spec"]
        return self._with_specs(specs.base) if isinstance(specs, Specs) else self

    def _with_specs(self, specs: Sequence[str]) -> Explored:
        return replace(self, columns={**self.columns, "spec": specs})

    def arguments(self, row: int) -> dict[str, Any]:
        """What `analyze` takes besides the spec that the design of a row was made of."""
        specs = self.columns["spec"]
        return specs.arguments(row) if isinstance(specs, Specs) else {"convention": self.stamp["convention"]}

    def with_accuracy(self, log: LogLike, *, select: Select = "best", metric: str | None = None) -> Explored:
        """The designs with the accuracies of a log, as `read_log` takes it, in the columns of `ACCURACY`.

        `accuracy` is the mean of the runs of a design in percent, `accuracy_spread` their sample standard deviation;
        a design of which nothing is logged has None. Notes say what of the log belongs to no design. Raises as
        `read_log` does.
        """
        accuracies = read_log(log, select=select, metric=metric)
        joined = join(accuracies, self.unspelled().columns, self.stamp, self.arguments)
        return replace(
            self,
            columns={**self.columns, **accuracy_columns(joined, len(self))},
            stamp={**self.stamp, "log": accuracies.log},
            notes=(*self.notes, *join_notes(accuracies, joined, len(self)), *self._spread(joined)),
            joined=joined,
        )

    def _spread(self, joined: Joined) -> Iterator[str]:
        """What is said of accuracies that are logged without a clip and stand at several."""
        clips = list(islice(self._clips(), len(self)))
        own: dict[str, set[str]] = {}
        for row, result in joined.found.items():
            if not result.setting.clip:
                own.setdefault(result.label, set()).add(clips[row])
        several = [label for label, found in own.items() if len(found) > 1]
        if several:
            shown = ", ".join(several[:6]) + (f" and {len(several) - 6} more" if len(several) > 6 else "")
            yield f"logged without a clip, so taken for every clip: {shown}"

    def take(self, rows: Sequence[int]) -> Explored:
        """The designs of some rows, in their order."""
        columns = {name: take(values, rows) for name, values in self.columns.items()}
        joined = self.joined
        if joined is not None:
            found = {place: joined.found[row] for place, row in enumerate(rows) if row in joined.found}
            joined = replace(joined, found=found)
        return replace(self, columns=columns, joined=joined, _dataset=None)

    def table(self, most: int | None = None) -> Table:
        """The designs as a table, or the first `most` of them."""
        shown = len(self) if most is None else min(most, len(self))
        more = [f"the first {shown:,} of {len(self):,} designs; -o FILE.csv holds all"] if shown < len(self) else []
        head = self.take(range(shown))
        if wide := isinstance(head.columns["spec"], Specs) and any(len(spec) > _WIDE for spec in head.columns["spec"]):
            head = head.unspelled()
        columns = [self._column(name, wide) for name in self.columns]
        return Table(
            columns, head.rows, title=plural(len(self), "design"), notes=[*more, *self.notes], stamp=self.stamp
        )

    def _column(self, name: str, wide: bool) -> Column:
        """How a column is shown; of specs that are too `wide` a part, and what is swept then always."""
        if name in ("accuracy", "deviation") or (name in _SHOWN and any(n > 1 for n in self.columns["runs"])):
            return _SHOWN[name]
        if name in METRICS:
            return Column(name, TITLES.get(name, name), human, "right", drop=int(name == "activations"))
        only: Literal["machines", ""] = "machines" if name in (*FACTS, *ACCURACY) else ""
        if name == "spec":
            return Column(name, name, (lambda spec: shortened(spec, 40)) if wide else str)
        return Column(name, name, only=only, align="right", drop=0 if wide else 2)

    def to_dict(self) -> dict[str, Any]:
        """The designs as plain data."""
        return {**self._head(), "designs": self.rows}

    def _head(self) -> dict[str, Any]:
        unmatched = {"unmatched": [one.to_dict() for one in self.joined.elsewhere]} if self.joined else {}
        return {**self.stamp, "refused": self.refused, **unmatched}

    def to_json(self) -> str:
        """`to_dict` as JSON, a line for each design."""
        designs = ",\n".join(f"  {json.dumps(row)}" for row in self)
        return f'{json.dumps(self._head())[:-1]}, "designs": [\n{designs}\n]}}\n'

    def to_frame(self) -> DataFrame:
        """A pandas DataFrame, the stamp in its `attrs`. Raises MissingExtra without pandas."""
        columns = {name: _numbers(v) if name in MEASURED else v for name, v in self.columns.items()}
        return data_frame(columns, self.stamp)

    def to_dataset(self) -> Dataset:
        """The whole space with its illegal combinations masked, or the designs along a dimension `design`.

        Accuracies are NaN where nothing is logged.
        """
        from xarray import Dataset

        if self._dataset is not None:
            return _with_logged(self._dataset, self.columns, self.joined)
        numbers = [name for name in (*COSTS, *MEASURED) if name in self.columns]
        labels = {name: ("design", _one_kind(v)) for name, v in self.columns.items() if name not in numbers}
        variables = {name: ("design", _numbers(self.columns[name])) for name in numbers}
        return Dataset(variables, labels, dict(self.stamp))

    def write(self, path: Path, form: str) -> None:
        """Write every design to a file: csv, json, netcdf or parquet. Raises MissingExtra."""
        if form == "csv":
            with path.open("w", encoding="utf-8", newline="") as file:
                self.write_csv(file)
        elif form == "json":
            path.write_text(self.to_json(), "utf-8")
        elif form == "netcdf":
            _needs("netCDF4")
            self.to_dataset().to_netcdf(path, engine="netcdf4")
        else:
            _needs("pyarrow")
            self.stamped_frame().to_parquet(path, engine="pyarrow", index=False)

    def write_csv(self, file: TextIO, head: bool = True) -> None:
        """Write exact values, a line for each design, the stamp in the last columns; a line of names before them."""
        writer = csv.writer(file, lineterminator="\n")
        stamps = self._stamps()
        if head:
            writer.writerow([*self.columns, *stamps])
        writer.writerows((*row, *stamp) for row, *stamp in zip(self._values(), *stamps.values(), strict=False))

    def stamped_frame(self) -> DataFrame:
        """As `to_frame`, the stamp in the last columns."""
        stamps = {name: list(islice(values, len(self))) for name, values in self._stamps().items()}
        return self.to_frame().assign(**stamps)

    def _stamps(self) -> dict[str, Iterator[Any]]:
        """What every design is stamped with, the clip its own; what is a column already is left out."""
        stamp = {name: value for name, value in self.stamp.items() if name not in self.columns}
        return {name: self._clips() if name == "clip" else repeat(value) for name, value in stamp.items()}

    def _clips(self) -> Iterator[str]:
        """The clip of each design: of `3xframesxsizexsize` the values in its row."""
        stamped = self.stamp["clip"]
        parts = stamped.split("x")
        if not all(part.isdecimal() or part in self.columns for part in parts):
            return repeat(stamped)
        rows = zip(*(repeat(part) if part.isdecimal() else plain(self.columns[part]) for part in parts), strict=False)
        return map(_clip, islice(rows, len(self)))


def _clip(sizes: Sequence[Any]) -> str:
    """Sizes as `3x8x112x160`; height and width may be one text of both."""
    *first, height, width = map(str, sizes)
    return "x".join([*first, height.partition("x")[0], width.rpartition("x")[2]])


def _with_logged(dataset: Dataset, columns: Mapping[str, Sequence[Any]], joined: Joined | None) -> Dataset:
    """A space with the accuracies of its legal designs, and what they are in its attributes."""
    from xarray import full_like

    if joined is None:
        return dataset
    valid = dataset["valid"]
    logged = {name: full_like(valid, float("nan"), float) for name in MEASURED}
    for name, array in logged.items():
        array.values[valid.values] = _numbers(columns[name])
    return dataset.assign(logged).assign_attrs(joined.setting._asdict() | {"clip": dataset.attrs["clip"]})


def _numbers(values: Sequence[Any]) -> list[Any]:
    """Numbers with NaN where there is none."""
    return [float("nan") if value is None else value for value in values]


def _one_kind(values: Sequence[Any]) -> list[Any]:
    """Values that a file can hold in one column: all numbers, or all texts."""
    return list(map(str, values)) if any(isinstance(value, str) for value in values) else list(values)


def _needs(library: str) -> None:
    from importlib.util import find_spec

    if find_spec(library) is None:
        raise MissingExtra(library, "explore")


def of_dataset(found: Dataset, convention: str | Convention | None = None) -> Explored:
    """The legal designs of a swept space, counted by a `convention` that may have no name."""
    valid = found["valid"].values
    designs = designs_at(found, valid.nonzero() if valid.ndim else ([0] * int(valid),), convention)
    refused = valid.size - len(designs)
    notes = (f"{left_out(refused, valid.size)}, {_first_refused(found, valid)}",) if refused else ()
    return replace(designs, refused=refused, notes=notes, _dataset=found)


def _first_refused(found: Dataset, valid: Any) -> str:
    """The first combination that is no network, and why not: `for instance G=3: 64 channels do not divide ...`."""
    specs: Any = designs_at(found, [along[:1] for along in (~valid).nonzero()]).columns["spec"]
    swept = ", ".join(f"{name}={plain(values)[0]}" for name, values in specs.swept.items())
    where = " of ".join(filter(None, [swept, specs.base[0] if "spec" in found.dims else ""]))
    try:
        analyze(from_argument(specs.base[0], None), **specs.arguments(0))
    except SpecError as fault:
        return f"for instance {where}: {fault.message}"
    return f"for instance {where}"


def left_out(refused: int, total: int) -> str:
    """What is said of combinations that are no network, if there are any."""
    return f"left out as no network: {refused:,} of {plural(total, 'combination')}" if refused else ""


def _fixed(space: Dataset) -> dict[str, Any]:
    """The arguments that all designs of a space share, as its attributes tell them."""
    given = json.loads(space.attrs.get("given", "{}"))
    setting = {name: sizes(text, name)[0] for name, text in given.items() if name in SETTING}
    return {**given, **setting, "convention": space.attrs["convention"]}


def designs_at(found: Dataset, at: Sequence[Any], convention: str | Convention | None = None) -> Explored:
    """The designs of a swept space in some places: an array of indices for each dimension."""
    dims = list(map(str, found["valid"].dims))
    where = dict(zip(dims, at, strict=False))
    columns: dict[str, Sequence[Any]] = {dim: found[dim].values[where[dim]] for dim in dims}
    for name in COSTS:
        own = {str(dim): ("design", where[str(dim)]) for dim in found[name].dims}
        values = found[name].isel(own).values  # of a space larger than memory, these designs alone
        columns[name] = values if own else values.reshape(1).repeat(len(at[0]))
    fixed = _fixed(found) | ({"convention": convention} if convention else {})
    base = columns.get("spec", [found.attrs.get("spec", "")] * len(at[0]))
    swept = {dim: columns[dim] for dim in dims if dim != "spec"}
    points = prod(size for dim, size in found["valid"].sizes.items() if dim not in CLIP)
    specs = Specs(base, swept, fixed, brief=points > MANY)
    stamp = {key: found.attrs[key] for key in STAMPED}
    return Explored({"spec": specs, **{k: v for k, v in columns.items() if k != "spec"}}, stamp)
