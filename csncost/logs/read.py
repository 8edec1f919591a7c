"""Logged accuracies, joined to networks by what the networks are, however they are spelt.

The shipped log `paper` holds every accuracy that Tables 2, 4, 5 and 6 and section 4.2 of Tran et al. (ICCV 2019) print.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeAlias

from csncost.costs.identity import Known, known, takes
from csncost.costs.naming import clip_by_name, spelling
from csncost.errors import CsncostError
from csncost.files import published
from csncost.lang.given import SETTING, SpecLike, from_argument
from csncost.logs.columns import Entry, Log, LogColumn, Unit, is_error, number_in
from csncost.logs.formats import read_file
from csncost.logs.runs import Accuracies, Accuracy, Select, Setting, by_epoch
from csncost.logs.unread import Unread

PAPER = "paper"
"""The name of the shipped log; a file of that name is `./paper`."""

LogLike: TypeAlias = "str | Path | Accuracies | Mapping[str | Path, SpecLike] | Sequence[str | Path | Accuracies]"


def read_log(
    log: LogLike, *, spec: SpecLike | None = None, select: Select = "best", metric: str | None = None
) -> Accuracies:
    """The accuracies of a log file, of several, or of the shipped log `paper`.

    A log is a table (CSV, TSV) or JSON lines with a `spec` for each row, or a file that the training of one network
    leaves: Lightning's `metrics.csv`, MMEngine's `scalars.json`, a PySlowFast log with `json_stats`, event files of
    TensorBoard. Those do not name the network: give `spec`, or a mapping of paths to specs. `select` says which epoch
    of a run counts, `metric` which column (default: the one that is called accuracy, top1, acc, video@1 or the like;
    validation before test). Rows that give no accuracy of a network are in `unread`, with the reason.

    Raises CsncostError for a file that is missing, broken or without accuracies, SpecError for a `spec` that is no
    network.

    >>> [result.mean for result in read_log("paper").results[:3]]
    [65.3, 62.4, 64.6]
    """
    if select not in ("best", "last") and not (type(select) is int and select >= 0):
        raise CsncostError(f"select cannot be {select!r:.40}", "it is best, last, or the number of an epoch")
    if isinstance(log, Accuracies):
        return log
    if isinstance(log, Mapping):
        return _merged([_read(path, own, select, metric) for path, own in log.items()], select)
    if isinstance(log, (str, Path)):
        return _paper(metric, select) if log == PAPER and spec is None else _read(log, spec, select, metric)
    if not isinstance(log, Sequence):
        raise CsncostError(f"a log is a path, not {log!r:.40}")
    return _merged([read_log(one, spec=spec, select=select, metric=metric) for one in log], select)


def read_arguments(
    logs: Sequence[str],
    *,
    select: Select = "best",
    metric: str | None = None,
    labels: Mapping[str, str] = MappingProxyType({}),
) -> Accuracies:
    """Logs as a command line names them: `paper`, `FILE`, or `FILE=SPEC` for a file that does not name its network.

    `labels` are those of `Accuracies.labelled`.
    """
    found = [read_log(path, spec=spec, select=select, metric=metric) for path, spec in map(path_and_spec, logs)]
    return _merged(found, select).labelled(**labels)


def path_and_spec(text: str) -> tuple[str, SpecLike | None]:
    """`FILE` or `FILE=SPEC`, parted at the first `=` behind a file that exists."""
    places = [i for i, character in enumerate(text) if character == "="]
    if not places or Path(text).exists():
        return text, None
    place = next((i for i in places if Path(text[:i]).exists()), places[0])
    spec = text[place + 1 :]
    return text[:place], from_argument(spec, None) if spec else None


def _merged(found: Sequence[Accuracies], select: Select) -> Accuracies:
    if not found:
        raise CsncostError("no log is given", "name a file, or the shipped log: paper")
    if len(found) == 1:
        return found[0]
    return Accuracies(
        ", ".join(one.log for one in found),
        select,
        tuple(record for one in found for record in one.records),
        tuple(line for one in found for line in one.unread),
        tuple(dict.fromkeys(note for one in found for note in one.notes)),
    )


def _read(path: str | Path, spec: SpecLike | None, select: Select, metric: str | None) -> Accuracies:
    if not isinstance(path, (str, Path)) or not str(path):
        raise CsncostError(f"a log is a path, not {path!r:.40}")
    if spec is not None:
        known(spec)  # a spec that is no network is the caller's fault, not the log's
    log = read_file(Path(path))
    column, notes = log.accuracy(metric)
    if spec is None and not log.has("spec"):
        raise CsncostError(
            f'{log.path} has no column "spec" and does not say which network it is of',
            f"name the network: {log.path}=SPEC on the command line, spec= in Python",
        )
    unit = log.unit(column)
    if unit.factor != 1.0:
        notes.append(f"{Path(log.path).name}: {column.key} is a fraction, taken times 100")
    read = [_record(log, entry, column, unit, spec) for entry in log.entries if not _is_blank(log, entry, column)]
    values = [one for one in read if isinstance(one, Accuracy)]
    records, missing, more = _selected(values, select, Path(log.path).name)
    unread = [*log.unread, *(one for one in read if isinstance(one, Unread)), *missing]
    if not records:
        why = f"{unread[0].why} ({unread[0].source})" if unread else f"{column.key} is empty"
        raise CsncostError(f"{log.path} gives no accuracy of a network: {why}", "a row has a spec and an accuracy")
    return Accuracies(log.path, select, tuple(records), tuple(unread), (*notes, *more))


# -- from an entry to a record -----------------------------------------------------------------------------------


def _is_blank(log: Log, entry: Entry, column: LogColumn) -> bool:
    """Tell whether an entry is of something else: a training step, or a row of another metric."""
    return entry.values.get(column.key) in ("", None) and log.text(entry, "spec") == ""


def _record(log: Log, entry: Entry, column: LogColumn, unit: Unit, spec: SpecLike | None) -> Accuracy | Unread:
    given = log.text(entry, "spec") if spec is None else spec
    cell = entry.values.get(column.key)
    if given == "":
        return Unread(entry.place, f"{cell}", "no spec")
    try:
        value = _percentage(cell, column.key, unit._replace(percentages=unit.percentages and spec is None))
        values = _given(log, entry, given, column) if isinstance(given, str) and spec is None else {}
        clip = log.text(entry, "clip").removeprefix("varies")  # as a table of several kinds says
        network = known(given, clip, tuple(values.items()))
        if values and isinstance(given, str):
            network = network._replace(spec=spelling(given, values))
    except CsncostError as error:
        return Unread(entry.place, str(given), error.message)
    seed, dataset, pretrain = (log.text(entry, role) for role in ("seed", "dataset", "pretrain"))
    setting = Setting(dataset, column.key, network.clip, pretrain, network.classes)
    return _accuracy(network, value, setting, source=entry.place, seed=seed, epoch=_epoch(log, entry))


def _percentage(cell: Any, key: str, unit: Unit) -> float:
    """The accuracy in a cell in percent. Raises CsncostError for what is none."""
    number = number_in(cell)
    if number is None:
        raise CsncostError(f"{key} is {'no number' if cell not in ('', None) else 'empty'}")
    if unit.percentages and 0 < number < 1 and "%" not in str(cell):
        raise CsncostError(f"{key} is {cell} where others are percentages (write {cell}% to mean it)")
    value = 100 - number * unit.factor if is_error(key) else number * unit.factor
    if not 0 <= value <= 100:
        raise CsncostError(f"{key} is no percentage")
    return round(value, 4)


def _epoch(log: Log, entry: Entry) -> int | None:
    """The epoch of an entry; where it has none, its step is taken for it."""
    numbers = (log.number(entry, role) for role in ("epoch", "step"))
    return next((int(number) for number in numbers if number is not None), None)


def _accuracy(
    network: Known, value: float, setting: Setting, *, source: str, seed: str = "", epoch: int | None = None
) -> Accuracy:
    spec, name, canonical, architecture, *_ = network
    return Accuracy(spec, name, canonical, architecture, value, setting, seed, source, epoch)


def _given(log: Log, entry: Entry, spec: str, accuracy: LogColumn) -> dict[str, Any]:
    """The cells of an entry that are arguments of `analyze`: frames, size, classes, and parameters of the network."""
    given: dict[str, Any] = {}
    for column in log.columns:
        text = log.cell(entry, column)
        if column.role not in ("argument", "classes") or column == accuracy or text in ("", "varies"):
            continue
        name = "classes" if column.role == "classes" else column.key
        if name in SETTING:
            given[name] = _size(name, text)
        elif name == "groups" and takes(spec, "G"):
            given["G"] = text
        elif takes(spec, name):
            given[name] = text
    return dict(clip_by_name(spec, given))


def _size(name: str, text: str) -> Any:
    """Frames, size or classes as a log gives them: a whole number, a size also HxW."""
    sides = text.casefold().split("x") if name == "size" else [text]
    numbers = [number_in(side) for side in sides]
    if len(sides) > 2 or any(number is None or number != int(number) for number in numbers):
        raise CsncostError(f"{name} is no whole number" + (", nor HxW" if name == "size" else ""))
    found = [int(number) for number in numbers if number is not None]
    return found[0] if len(found) == 1 else tuple(found)


# -- runs and their epochs ---------------------------------------------------------------------------------------


def _selected(values: Sequence[Accuracy], select: Select, name: str) -> tuple[list[Accuracy], list[Unread], list[str]]:
    """One record for each run; runs without the epoch that is asked for; a note on what was taken for one run.

    Values with epochs of one network, seed and setting are one run. Without epochs each value of a table is a run.
    """
    runs: dict[tuple[Any, ...], list[Accuracy]] = {}
    for i, value in enumerate(values):
        alone = i if value.epoch is None else None
        runs.setdefault((value.architecture, value.setting, value.seed, alone), []).append(value)
    records, missing = [], []
    for run in runs.values():
        chosen = _chosen(run, select)
        if chosen is None:
            missing.append(Unread(run[0].source, run[0].spec, f"it has no epoch {select}"))
        else:
            records.append(chosen)
    if all(len(run) == 1 for run in runs.values()):
        return records, missing, []
    epoch = f"epoch {select}" if isinstance(select, int) else f"the {select} epoch"
    optimistic = " (the best by its own measure: a little optimistic)" if select == "best" else ""
    return records, missing, [f"{name}: {epoch} of each run{optimistic}"]


def _chosen(run: Sequence[Accuracy], select: Select) -> Accuracy | None:
    """The value of a run that counts; of several of one epoch, the last."""
    if run[0].epoch is None:
        return run[0]
    epochs = {epoch: values[-1] for epoch, values in by_epoch((value.epoch or 0, value) for value in run).items()}
    if isinstance(select, int):
        return epochs.get(select)
    return epochs[max(epochs)] if select == "last" else max(epochs.values(), key=lambda value: value.value)


# -- the paper ---------------------------------------------------------------------------------------------------


def _paper(metric: str | None, select: Select) -> Accuracies:
    """The accuracies that the paper prints, each with its table; those of others' methods have no spec here."""
    records: list[Accuracy] = []
    unread: list[Unread] = []
    for column in published("accuracies"):
        if metric is not None and metric.casefold() != column["metric"]:
            continue
        for row in published(column["table"]):
            found = _printed(row, column)
            if isinstance(found, Accuracy):
                records.append(found)
            else:
                unread.append(found)
    if not records:
        raise CsncostError(f'the paper has no metric "{metric!s:.40}"', "it has video@1 and video@5")
    return Accuracies(PAPER, select, tuple(records), tuple(unread))


def _printed(row: Mapping[str, str], column: Mapping[str, str]) -> Accuracy | Unread:
    what = f"{row.get('method') or row['model']} ({row[column['column']]})"
    if row[column["column"]] == "N/A":
        return Unread(column["source"], what, "not printed")
    if not row.get("spec"):
        return Unread(column["source"], what, row.get("why") or "a method of others, cited without its structure")
    network = known(row["spec"], "8x224" if column["clip"] == "8x224" else "")
    setting = Setting(column["dataset"], column["metric"], network.clip, row.get("pretrain", ""), network.classes)
    value = float(row[column["column"]])
    return _accuracy(network._replace(spec=row["spec"]), value, setting, source=column["source"])
