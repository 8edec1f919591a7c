"""Learning curves: errors over epochs or iterations, from the logs that training leaves (Figure 5 of the paper)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, TypeAlias

from csncost.costs.analyze import analyze, shown
from csncost.errors import CsncostError
from csncost.lang.given import SpecLike, from_argument
from csncost.logs.columns import (
    are_fractions,
    column_of,
    is_accuracy_or_error,
    is_error,
    number_in,
    part_and_name,
    text_in,
)
from csncost.logs.formats import Entry, Log, Unread, read_file
from csncost.logs.read import path_and_spec
from csncost.table import Column, Table

By: TypeAlias = Literal["epoch", "iteration"]
Part: TypeAlias = Literal["training", "validation"]

PARTS: Mapping[str, Part] = {"train": "training", "val": "validation", "": "validation"}
"""The parts of the data that curves are drawn of; a column that names none is taken for validation."""


@dataclass(frozen=True)
class History:
    """What one run of a network logs of one part of the data: values over epochs or iterations, in their order.

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
    if isinstance(logs, Mapping):
        return [one for path, spec in logs.items() for one in _read(Path(path), spec, metric, by)]
    several = [logs] if isinstance(logs, (str, Path)) else logs
    if not several:
        raise CsncostError("no log is given", "name a file, or FILE=SPEC")
    found: list[History] = []
    for log in several:
        found += [log] if isinstance(log, History) else _read(Path(log), None, metric, by)
    return found


def read_history_arguments(logs: Sequence[str], *, metric: str | None = None, by: By = "epoch") -> list[History]:
    """Learning curves of logs as a command line names them: FILE, or FILE=SPEC."""
    found: list[History] = []
    for text in logs:
        path, spec = path_and_spec(text)
        found += _read(Path(path), from_argument(spec, None) if spec else None, metric, by)
    return found


def _read(path: Path, spec: SpecLike | None, metric: str | None, by: By) -> list[History]:
    if spec is not None:
        analyze(spec)  # a spec that is no network is the caller's fault, not the log's
    log = _aligned(read_file(path, training=True))
    columns = list(_columns(log, metric))
    if not columns:
        what = f'column "{metric[:40]}"' if metric else "column of accuracies or errors"
        raise CsncostError(f"{path} has no {what}", f"name one with metric; it has {', '.join(log.keys)[:200]}")
    found = [history for part, key in columns for history in _histories(log, part, key, spec, metric, by)]
    if not found:
        names = ", ".join(key for _, key in columns)
        raise CsncostError(f"{path} gives no {names} by {by}", f"a line has the {by}, and the value")
    return found


def _columns(log: Log, metric: str | None) -> Iterator[tuple[Part, str]]:
    """The column of each part of the data: the first that is one."""
    wanted = None if metric is None else part_and_name(metric)[1]
    seen = set()
    for key in log.keys:
        part, name = part_and_name(key)
        right = is_accuracy_or_error(name) if wanted is None else wanted == name
        if right and part in PARTS and PARTS[part] not in seen:
            seen.add(PARTS[part])
            yield PARTS[part], key


def _histories(log: Log, part: Part, key: str, spec: SpecLike | None, metric: str | None, by: By) -> Iterator[History]:
    """The curve of each network and each seed in one column."""
    scale = 100.0 if are_fractions(log, key) else 1.0
    runs: dict[tuple[str, str], dict[float, list[float]]] = {}
    for entry in log.entries:
        x, value = _place(log, entry, by), number_in(entry.values.get(key))
        if x is not None and value is not None:
            network = _name(log, entry, spec)
            run = runs.setdefault((network, text_in(log, entry, "seed")), {})
            run.setdefault(x, []).append(value if metric else _error(key, value * scale))
    for (network, seed), values in runs.items():
        points = tuple((x, sum(several) / len(several)) for x, several in sorted(values.items()))
        yield History(network, seed, part, metric or "error (%)", by, points, log.path, log.unread)


def _name(log: Log, entry: Entry, spec: SpecLike | None) -> str:
    given = shown(spec) if spec is not None else text_in(log, entry, "spec") if column_of(log, "spec") else ""
    return given or Path(log.path).stem


def _error(key: str, value: float) -> float:
    return round(value if is_error(part_and_name(key)[1]) else 100 - value, 6)


def _place(log: Log, entry: Entry, by: By) -> float | None:
    """The epoch, or the iteration, of an entry; where a log has no epochs, its steps are taken for them."""
    keys: tuple[str, ...] = ("step", "global_step", "iteration", "iter")
    if by == "epoch":
        keys = ("epoch",) if "epoch" in map(str.casefold, log.keys) else ("step",)
    values = {key.casefold(): value for key, value in entry.values.items()}
    return next((number for key in keys if (number := number_in(values.get(key))) is not None), None)


def _aligned(log: Log) -> Log:
    """MMEngine calls the epoch of a validation its step: such a step becomes the epoch, and the step it ended with."""
    ends: dict[Any, Any] = {}
    for entry in log.entries:
        if entry.values.keys() >= {"epoch", "step"}:
            ends[entry.values["epoch"]] = entry.values["step"]
    steps = [entry.values.get("step") for entry in log.entries if "epoch" not in entry.values]
    if not ends or not steps or steps[0] not in ends:
        return log
    return replace(log, entries=tuple(_with_epoch(entry, ends) for entry in log.entries))


def _with_epoch(entry: Entry, ends: Mapping[Any, Any]) -> Entry:
    if "epoch" in entry.values:
        return entry
    epoch = entry.values.get("step")
    return replace(entry, values={**entry.values, "epoch": epoch, "step": ends.get(epoch)})


def history_table(histories: Sequence[History]) -> Table:
    """The curves in numbers: a row each for people, and each of their points for machines."""
    columns = [
        Column("network", "network", wrap=True), Column("seed", "seed"), Column("part", "of"),
        Column("of", "what"), Column("n", "points", str, "right"), Column("last", "last", _two, "right"),
        Column("lowest", "lowest", _two, "right"),
    ]  # fmt: skip
    rows = [
        {"network": one.network, "seed": one.seed, "part": one.part, "of": one.of, "n": len(one.points),
         "last": one.last, "lowest": one.lowest}
        for one in histories
    ]  # fmt: skip
    return Table(columns, rows, title=f"Learning curves by {histories[0].by}")


def point_table(histories: Sequence[History]) -> Table:
    """Every point of the curves, a row each."""
    by = histories[0].by
    columns = [Column(name, name) for name in ("network", "seed", "part", "of", by, "value", "source")]
    rows: list[Mapping[str, Any]] = [
        {"network": h.network, "seed": h.seed, "part": h.part, "of": h.of, by: x, "value": value, "source": h.source}
        for h in histories
        for x, value in h.points
    ]
    return Table(columns, rows)


def _two(value: float) -> str:
    return f"{value:.2f}"
