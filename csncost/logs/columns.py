"""The columns of a log, told apart once: accuracy or error, part of the data, epoch, network, seed, setting, argument.

Accuracies and learning curves both read a log by this description.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import isfinite
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeAlias

from csncost.costs.metrics import METRICS
from csncost.errors import CsncostError, did_you_mean
from csncost.logs.unread import Unread

Part: TypeAlias = Literal["val", "", "test", "train"]

PREFERRED: tuple[Part, ...] = ("val", "", "test", "train")
"""The parts of the data, those first whose accuracy is asked for; a column that names none has an empty one."""

ROLES: Mapping[str, tuple[str, ...]] = {
    "spec": ("spec", "model", "network", "arch", "architecture"),
    "epoch": ("epoch",),
    "step": ("step", "global_step", "iteration", "iter"),
    "seed": ("seed", "run", "run_id", "trial"),
    "dataset": ("dataset", "data"),
    "clip": ("clip",),
    "pretrain": ("pretrain", "pretraining", "pretrained"),
    "classes": ("classes", "num_classes"),
}
"""Columns that say of what, when and how an accuracy was measured, by any of their names."""

_TOP1 = frozenset((
    "accuracy", "acc", "top1", "acc1", "accuracy1", "top1acc", "top1accuracy", "acctop1", "accuracytop1",
    "video1", "vi1", "clip1", "videotop1", "cliptop1", "topacc1", "multiclassaccuracy",
    "top1err", "top1error", "error", "err", "err1", "error1",
))  # fmt: skip
_WRONG = re.compile(r"err(or)?(rate)?\d?$")
_WORDS = {
    "train": "train", "training": "train", "val": "val", "valid": "val", "validation": "val", "eval": "val",
    "evaluation": "val", "test": "test", "testing": "test",
}  # fmt: skip
_WORD = "|".join(sorted(_WORDS, key=len, reverse=True))
_PART = re.compile(rf"(?:metrics)?({_WORD})?(.*?)({_WORD})?(?:epoch)?")


def part_and_name(key: str) -> tuple[str, str]:
    """The part of the data that a column is of, and its name without that.

    >>> part_and_name("val/acc_top1"), part_and_name("Accuracy/train"), part_and_name("top1_err")
    (('val', 'acctop1'), ('train', 'accuracy'), ('', 'top1err'))
    """
    match = _PART.fullmatch(re.sub(r"[^a-z0-9]", "", key.casefold()))
    assert match is not None
    first, name, last = match.groups(default="")
    return _WORDS.get(first or last, ""), name if not first else name + last


def is_error(key: str) -> bool:
    """Tell whether a column counts what was wrong: `top1_err`, `min_top5_error`."""
    return _WRONG.search(part_and_name(key)[1]) is not None


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


@dataclass(frozen=True, slots=True)
class LogColumn:
    """A column of a log by its `key`: the `part` of the data that it is of, its `name` without that, and its `role`.

    The role is one of `ROLES`, or "argument" for a column that may be an argument of the network, or empty.
    """

    key: str
    part: str
    name: str
    role: str

    @property
    def is_top1(self) -> bool:
        """Tell whether it holds what is asked for by default: the accuracy or the error of the first guess."""
        return self.name in _TOP1


def _described(keys: Sequence[str]) -> tuple[LogColumn, ...]:
    """A record for each column; one that names no part is of training where it stands beside one of validation."""
    by_name = {key.casefold(): key for key in reversed(keys)}
    roles: dict[str, str] = {}
    for role, names in ROLES.items():
        if found := [by_name[name] for name in names if name in by_name]:
            roles[found[0]] = role
    told = {key: part_and_name(key) for key in keys}
    validated = {name for part, name in told.values() if part == "val" and name}
    results = {*METRICS, "views", "convention", "family", "kind"}  # of tables of designs
    columns = []
    for key, (part, name) in told.items():
        argument = "argument" if key.isidentifier() and key not in results else ""
        columns.append(LogColumn(key, part or ("train" if name in validated else ""), name, roles.get(key, argument)))
    return tuple(columns)


class Unit(NamedTuple):
    """The unit of a column: the `factor` that turns it into percent.

    In a table of `percentages` a value below 1 may be of another unit; in one of epochs it may be an early one.
    """

    factor: float
    percentages: bool


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a log: where it stands, and its values by the names of their columns or keys."""

    place: str
    values: Mapping[str, Any]


@dataclass(frozen=True)
class Log:
    """The entries of one file, in order, training included; `columns` are those of any entry, as they appear."""

    path: str
    entries: tuple[Entry, ...]
    unread: tuple[Unread, ...] = ()

    @cached_property
    def columns(self) -> tuple[LogColumn, ...]:
        """The columns, told apart."""
        return _described(list(dict.fromkeys(key for entry in self.entries for key in entry.values)))

    @cached_property
    def _by_role(self) -> Mapping[str, LogColumn]:
        return {column.role: column for column in self.columns}

    def has(self, role: str) -> bool:
        """Tell whether a column has that role."""
        return role in self._by_role

    @staticmethod
    def cell(entry: Entry, column: LogColumn) -> str:
        """The text of an entry in a column; empty where there is none."""
        value = entry.values.get(column.key)
        return "" if value is None else str(value).strip()

    def text(self, entry: Entry, role: str) -> str:
        """The text of an entry in the column of a role; empty where there is none."""
        column = self._by_role.get(role)
        return self.cell(entry, column) if column else ""

    def number(self, entry: Entry, role: str) -> float | None:
        """The number in the column of a role."""
        return number_in(self.text(entry, role))

    def listed(self) -> str:
        """The columns for a message."""
        return f"it has {', '.join(column.key for column in self.columns)[:200]}"

    def named(self, metric: str) -> list[LogColumn]:
        """The columns that a metric names, the likeliest first: of every part of the data where it names none."""
        wanted, (part, name) = metric.casefold(), part_and_name(metric)
        found = [
            column
            for column in self.columns
            if wanted in (column.key.casefold(), column.key.casefold().rpartition("/")[2])
            or (column.name == name != "" and part in ("", column.part))
        ]
        return sorted(found, key=lambda column: (column.key.casefold() != wanted, _preferred(column)))

    def accuracy(self, metric: str | None) -> tuple[LogColumn, list[str]]:
        """The column that holds the accuracy, and a note where others were passed over."""
        if metric is not None:
            return self._accuracy_named(metric), []
        found = [one for one in self.columns if one.is_top1 and part_and_name(one.key)[0] != "train"]
        if not found:
            hint = f"name it with --metric (metric= in Python); {self.listed()}"
            raise CsncostError(f"{self.path} has no column of accuracies", hint)
        best = found if len(found) == 1 else [one for one in found if one.part == "val"]
        if len(best) != 1:
            raise CsncostError(
                f"{self.path} has several columns of accuracies: {', '.join(one.key for one in found)[:120]}",
                "say which with --metric (metric= in Python)",
            )
        others = ", ".join(one.key for one in found if one not in best)
        return best[0], [f"{Path(self.path).name}: {best[0].key} is read, {others} is not"] if others else []

    def _accuracy_named(self, metric: str) -> LogColumn:
        training = part_and_name(metric)[0] == "train"
        found = [
            one
            for one in self.named(metric)
            if training or one.part != "train" or one.key.casefold() == metric.casefold()
        ]
        if not found:
            hint = did_you_mean(metric, [column.key for column in self.columns]) or self.listed()
            raise CsncostError(f'{self.path} has no column "{metric[:40]}"', hint)
        if "loss" in found[0].key.casefold():
            raise CsncostError(f'"{found[0].key[:40]}" of {self.path} is no accuracy', "name a column of percentages")
        return found[0]

    def curves(self, metric: str | None) -> list[LogColumn]:
        """The column of training and that of validation, as they appear; a test is taken for a validation."""
        found = self.named(metric) if metric is not None else [one for one in self.columns if one.is_top1]
        training = [one for one in found if one.part == "train"]
        validation = sorted([one for one in found if one.part != "train"], key=_preferred)
        return sorted([*training[:1], *validation[:1]], key=self.columns.index)

    def unit(self, column: LogColumn) -> Unit:
        """The unit of a column. Fractions are never above 1, nor is the accuracy of five guesses beside them."""
        kin = [one.key for one in self.columns if (one.part, _family(one)) == (column.part, _family(column))]
        cells = [entry.values.get(key) for key in kin for entry in self.entries]
        numbers = [number for cell in cells if (number := number_in(cell)) is not None]
        if numbers and max(numbers) <= 1 and not any("%" in str(cell) for cell in cells):
            return Unit(100.0, False)
        own = (number_in(entry.values.get(column.key)) or 0 for entry in self.entries)
        return Unit(1.0, max(own, default=0) > _LEAST and not self.has("epoch") and not self.has("step"))


_LEAST = 10
"""Percent: more than chance gives."""


def _family(column: LogColumn) -> str:
    """A name without the number of guesses that it counts: top1 and top5 are of one unit."""
    return re.sub(r"\d", "", column.name)


def _preferred(column: LogColumn) -> int:
    return [*PREFERRED].index(column.part)  # type: ignore[arg-type]
