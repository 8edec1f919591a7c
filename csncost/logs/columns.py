"""Which column of a log is what: the accuracy by any of its names, epochs, seeds and settings."""

from __future__ import annotations

import re
from math import isfinite
from pathlib import Path
from typing import Any

from csncost.costs.count import COSTS
from csncost.errors import CsncostError, did_you_mean
from csncost.logs.formats import Entry, Log

_CALLED = {
    "accuracy": ("accuracy", "acc", "top1", "acc1", "accuracy1", "top1acc", "top1accuracy", "acctop1", "accuracytop1",
                 "video1", "vi1", "clip1", "videotop1", "cliptop1", "topacc1", "multiclassaccuracy"),
    "error": ("top1err", "top1error", "error", "err", "err1", "error1"),
}  # fmt: skip
_PART = re.compile(r"^(validation|valid|val|testing|test|evaluation|eval)?(.*?)(epoch)?$")
_WRONG = re.compile(r"err(or)?(rate)?\d?$")
_COLUMNS = {
    "spec": ("spec", "model", "network", "arch", "architecture"),
    "epoch": ("epoch", "step"),
    "seed": ("seed", "run", "run_id", "trial"),
    "dataset": ("dataset", "data"),
    "clip": ("clip",),
    "pretrain": ("pretrain", "pretraining", "pretrained"),
    "classes": ("classes", "num_classes"),
}
_RESULTS = (*COSTS, "views", "convention", "family", "kind")
"""Columns of tables of designs that are no arguments."""


def words(key: str) -> tuple[str, str]:
    """The part of the data that a column is of, and its name without that: `val/acc_top1` is val, acctop1."""
    match = _PART.match(re.sub(r"[^a-z0-9]", "", key.casefold()))
    assert match is not None
    return match[1] or "", match[2]


def part_and_name(key: str) -> tuple[str, str]:
    """As `words`, of training too: `train/top1_err` is train, top1err; `Accuracy/train` is train, accuracy."""
    plain = re.sub(r"[^a-z0-9]", "", key.casefold()).removesuffix("epoch")
    for word in ("training", "train"):
        if plain.startswith(word) or plain.endswith(word):
            return "train", plain.removeprefix(word).removesuffix(word)
    part, name = words(key)
    for word in ("validation", "valid", "val"):
        if not part and name.endswith(word):
            return "val", name.removesuffix(word)
    return ("val" if part.startswith(("val", "eval")) else part), name


def is_accuracy_or_error(name: str) -> bool:
    """Whether a column of that name, its part of the data taken off, counts what was right, or wrong."""
    return any(name in names for names in _CALLED.values())


def column_of(log: Log, what: str) -> str | None:
    """The column that holds the `spec`, `epoch`, `seed`, `dataset`, `clip`, `pretrain` or `classes`, if one does."""
    by_name = {key.casefold(): key for key in reversed(log.keys)}
    return next((by_name[name] for name in _COLUMNS[what] if name in by_name), None)


def parameter_columns(log: Log, accuracy: str) -> dict[str, str]:
    """The columns that may be arguments of a network, and how those are called: all that are nothing else."""
    known = {column_of(log, what) for what in _COLUMNS if what != "classes"} | {accuracy}
    classes = column_of(log, "classes")
    names = {key: "classes" if key == classes else key for key in log.keys if key not in known}
    return {key: name for key, name in names.items() if name.isidentifier() and name not in _RESULTS}


def accuracy_column(log: Log, metric: str | None) -> tuple[str, list[str]]:
    """The column that holds the accuracy, and a note where others were passed over."""
    if metric is not None:
        for key in log.keys:
            if metric.casefold() in (key.casefold(), key.casefold().rpartition("/")[2]):
                if "loss" in key.casefold():
                    raise CsncostError(f'"{key[:40]}" of {log.path} is no accuracy', "name a column of percentages")
                return key, []
        hint = did_you_mean(metric, list(log.keys)) or f"it has {', '.join(log.keys)[:200]}"
        raise CsncostError(f'{log.path} has no column "{metric[:40]}"', hint)
    found = [key for key in log.keys if any(words(key)[1] in names for names in _CALLED.values())]
    if not found:
        raise CsncostError(
            f"{log.path} has no column of accuracies",
            f"name it with --metric (metric= in Python); it has {', '.join(log.keys)[:200]}",
        )
    validation = [key for key in found if words(key)[0].startswith(("val", "eval"))]
    best = found if len(found) == 1 else validation
    if len(best) != 1:
        raise CsncostError(
            f"{log.path} has several columns of accuracies: {', '.join(found)[:120]}",
            "say which with --metric (metric= in Python)",
        )
    others = ", ".join(key for key in found if key not in best)
    return best[0], [f"{Path(log.path).name}: {best[0]} is read, {others} is not"] if others else []


def is_blank(log: Log, entry: Entry, column: str) -> bool:
    """Whether an entry tells of something else: a training step, or a row of another metric."""
    return entry.values.get(column) in ("", None) and text_in(log, entry, "spec") == ""


def number_in(value: Any) -> float | None:
    """A number from a cell: `70.3`, `70.3%`, `1/196` (an epoch of so many); None for anything else."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    text = str(value).strip().removesuffix("%").partition("/")[0]
    try:
        number = float(text)
    except ValueError:
        return None
    return number if isfinite(number) else None


def are_fractions(log: Log, column: str) -> bool:
    """Whether a column counts to 1 and not to 100: no value of it is above 1, and none has a percent sign."""
    cells = [entry.values.get(column) for entry in log.entries]
    numbers = [number for cell in cells if (number := number_in(cell)) is not None]
    return bool(numbers) and max(numbers) <= 1 and not any("%" in str(cell) for cell in cells)


def is_lone_fraction(log: Log, entry: Entry, column: str) -> bool:
    """Whether an accuracy is below 1 in a table of networks whose others are percentages: it may be of another unit.

    In a table of epochs it may be an early one, and where it has a percent sign it is meant so.
    """
    cell = entry.values.get(column)
    number = number_in(cell)
    if number is None or not 0 < number < 1 or "%" in str(cell) or column_of(log, "epoch") is not None:
        return False
    return any((other := number_in(one.values.get(column))) is not None and other > _LEAST for one in log.entries)


_LEAST = 10
"""Percent: more than chance gives."""


def is_error(key: str) -> bool:
    """Whether a column counts what was wrong: `top1_err`, `min_top5_error`."""
    return _WRONG.search(words(key)[1]) is not None


def text_in(log: Log, entry: Entry, what: str) -> str:
    """What an entry has in that column; empty where it has nothing."""
    key = column_of(log, what)
    value = entry.values.get(key) if key is not None else None
    return "" if value is None else str(value).strip()
