"""Learning curves: errors over epochs or iterations, from the logs that training leaves (Figure 5 of the paper)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

from csncost.costs.analyze import analyze, shown
from csncost.errors import CsncostError
from csncost.lang.given import SpecLike
from csncost.logs.columns import Entry, Log, LogColumn, is_error, number_in
from csncost.logs.formats import read_file
from csncost.logs.read import path_and_spec
from csncost.logs.runs import by_epoch
from csncost.logs.unread import Unread
from csncost.table import Column, Table

By: TypeAlias = Literal["epoch", "iteration"]
Part: TypeAlias = Literal["training", "validation"]


@dataclass(frozen=True)
class History:
    """The curve of one run of a network on one part of the data: values over epochs or iterations, in their order.

    `of` says what they are: error in percent, or the column that was asked for, as it is; `unread` what of the log
    could not be read.
    """

    network: str
    seed: str
    part: Part
    of: str
    by: By
    points: tuple[tuple[float, float], ...]
    source: str
    unread: tuple[Unread, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The run and what its values are, without them."""
        return {"network": self.network, "seed": self.seed, "part": self.part, "of": self.of}

    @property
    def last(self) -> float:
        """The last value."""
        return self.points[-1][1]

    @property
    def lowest(self) -> float:
        """The lowest value."""
        return min(value for _, value in self.points)


Histories: TypeAlias = "str | Path | Mapping[str | Path, SpecLike] | Sequence[str | Path | History]"


def read_histories(logs: Histories, *, metric: str | None = None, by: By = "epoch") -> list[History]:
    """The learning curves of log files: paths, or a mapping of paths to the specs of their networks.

    A file is read as `read_log` reads it, every epoch of it and training too. Accuracies are turned into errors;
    `metric` names another quantity, such as loss. Raises CsncostError for a file without any, SpecError for a spec
    that is no network.
    """
    if by not in ("epoch", "iteration"):
        raise CsncostError(f'curves go by epoch or by iteration, not "{by!s:.40}"')
    several = [logs] if isinstance(logs, (str, Path)) else logs
    if not several:
        raise CsncostError("no log is given", "name a file, or FILE=SPEC")
    named = several.items() if isinstance(several, Mapping) else [(log, None) for log in several]
    return [one for log, spec in named for one in _read(log, spec, metric, by)]


def read_history_arguments(logs: Sequence[str], *, metric: str | None = None, by: By = "epoch") -> list[History]:
    """Learning curves of logs as a command line names them: FILE, or FILE=SPEC."""
    return [one for text in logs for one in _read(*path_and_spec(text), metric, by)]


def _read(path: str | Path | History, spec: SpecLike | None, metric: str | None, by: By) -> list[History]:
    if isinstance(path, History):
        return [path]
    if spec is not None:
        analyze(spec)  # a spec that is no network is the caller's fault, not the log's
    log = read_file(Path(path))
    columns = log.curves(metric)
    if not columns:
        what = f'column "{metric[:40]}"' if metric else "column of accuracies or errors"
        raise CsncostError(f"{path} has no {what}", f"name one with metric; {log.listed()}")
    found = [history for column in columns for history in _histories(log, column, spec, metric, by)]
    if not found:
        names = ", ".join(column.key for column in columns)
        raise CsncostError(f"{path} gives no {names} by {by}", f"a line has the {by}, and the value")
    return found


def _histories(log: Log, column: LogColumn, spec: SpecLike | None, metric: str | None, by: By) -> Iterator[History]:
    """The curve of each network and each seed in one column: the mean of the values of an epoch."""
    factor = log.unit(column).factor
    turned = not is_error(column.key)
    role = "epoch" if by == "epoch" and log.has("epoch") else "step"
    runs: dict[tuple[str, str], list[tuple[float, float]]] = {}
    for entry in log.entries:
        x, value = log.number(entry, role), number_in(entry.values.get(column.key))
        if x is not None and value is not None:
            error = round(100 - value * factor if turned else value * factor, 6)
            run = runs.setdefault((_name(log, entry, spec), log.text(entry, "seed")), [])
            run.append((x, value if metric else error))
    part: Part = "training" if column.part == "train" else "validation"
    for (network, seed), values in runs.items():
        points = tuple((x, sum(several) / len(several)) for x, several in sorted(by_epoch(values).items()))
        yield History(network, seed, part, metric or "error (%)", by, points, log.path, log.unread)


def _name(log: Log, entry: Entry, spec: SpecLike | None) -> str:
    return (shown(spec) if spec is not None else log.text(entry, "spec")) or Path(log.path).stem


def history_table(histories: Sequence[History]) -> Table:
    """The curves in numbers: a row each for people, and each of their points for machines."""
    columns = [
        Column("network", "network", wrap=True), Column("seed", "seed"), Column("part", "of"),
        Column("of", "what"), Column("n", "points", str, "right"), Column("last", "last", _two, "right"),
        Column("lowest", "lowest", _two, "right"),
    ]  # fmt: skip
    rows = [h.to_dict() | {"n": len(h.points), "last": h.last, "lowest": h.lowest} for h in histories]
    return Table(columns, rows, title=f"Learning curves by {histories[0].by}")


def point_table(histories: Sequence[History]) -> Table:
    """Every point of the curves, a row each."""
    by = histories[0].by
    columns = [Column(name, name) for name in ("network", "seed", "part", "of", by, "value", "source")]
    rows = [h.to_dict() | {by: x, "value": value, "source": h.source} for h in histories for x, value in h.points]
    return Table(columns, rows)


def _two(value: float) -> str:
    return f"{value:.2f}"
