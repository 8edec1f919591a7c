"""Accuracies as records: single runs, the runs of one network together, and their join to designs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from math import sqrt
from typing import Any, Literal, NamedTuple, TypeAlias, TypeVar

from csncost.costs.identity import key_of
from csncost.errors import CsncostError
from csncost.lang.given import SpecLike
from csncost.logs.unread import Unread, why_unread
from csncost.table import Column, Result, Table
from csncost.units import plural

X = TypeVar("X", int, float)
V = TypeVar("V")

Key: TypeAlias = tuple[str, str, int | None]
"""The architecture of a design, its clip, and its classes."""

Select: TypeAlias = Literal["best", "last"] | int
"""The epoch of a run that counts: the best one, the last one, or one by number."""


class Setting(NamedTuple):
    """The setting that two comparable accuracies share; a field that the log leaves out is empty."""

    dataset: str = ""
    metric: str = ""
    clip: str = ""
    pretrain: str = ""
    classes: str = ""
    """Empty where they are as many as networks have that do not say."""

    def __str__(self) -> str:
        pretrain = f"pre-trained on {self.pretrain}" if self.pretrain not in ("", "none") else ""
        classes = f"{self.classes} classes" if self.classes else ""
        said = (self.dataset, self.metric, self.clip, classes, pretrain)
        return ", ".join(text for text in said if text) or "one setting"

    def fit(self, clip: str, classes: int | None, varied: bool) -> int:
        """Rate the fit of what was measured to a design with that clip and those classes: 0 is none, more is better.

        A clip that is stated must be the design's. So must the classes where those of the designs are `varied`;
        elsewhere designs of other classes are fitted, too, but less well.
        """
        exact, other = self.classes == str(classes), self.classes not in ("", str(classes))
        if self.clip not in ("", clip) or (varied and other):
            return 0
        return 2 + exact - other + 3 * bool(self.clip)


@dataclass(frozen=True, slots=True)
class Accuracy:
    """The accuracy of one run, `value` in percent.

    `spec` is as written, `canonical` the network written out with the clip it ran on, `architecture` the same whatever
    clip and classes; `setting.clip` is empty where neither spec nor log says one.
    """

    spec: str
    name: str
    canonical: str = field(repr=False)
    architecture: str = field(repr=False)
    value: float
    setting: Setting
    seed: str
    source: str
    epoch: int | None

    def to_dict(self) -> dict[str, Any]:
        """The accuracy as plain data."""
        keys = ("spec", "name", "value", "seed", "source", "epoch")
        return {key: getattr(self, key) for key in keys} | self.setting._asdict()


def by_epoch(values: Iterable[tuple[X, V]]) -> dict[X, list[V]]:
    """The values of each epoch of a run; of one that comes again after a later one, as in a resumed run, the new ones.

    >>> by_epoch([(0, "a"), (1, "b"), (1, "c"), (0, "d")])
    {0: ['d'], 1: ['b', 'c']}
    """
    found: dict[X, list[V]] = {}
    passed: set[X] = set()
    last: Any = None
    for epoch, value in values:
        if last is not None and epoch < last:
            passed = set()
        if epoch not in passed:
            found[epoch] = []
        passed.add(epoch)
        found[epoch].append(value)
        last = epoch
    return found


@dataclass(frozen=True, slots=True)
class Pooled:
    """The runs of one network in one setting: mean and sample standard deviation in percentage points."""

    runs: tuple[Accuracy, ...]

    @property
    def spec(self) -> str:
        """The network as the log first spells it."""
        return self.runs[0].spec

    @property
    def name(self) -> str:
        """The network's canonical name, if a run gives one."""
        return next((run.name for run in self.runs if run.name), "")

    @property
    def label(self) -> str:
        """The name that people know the network by."""
        return self.spec if len(self.spec) <= 40 and "\n" not in self.spec else self.name or "a network written out"

    @property
    def canonical(self) -> str:
        """The network written out, with the clip it ran on."""
        return self.runs[0].canonical

    @property
    def architecture(self) -> str:
        """The network written out, whatever the clip and the classes."""
        return self.runs[0].architecture

    @property
    def setting(self) -> Setting:
        """The setting of the runs."""
        return self.runs[0].setting

    @property
    def n(self) -> int:
        """The number of runs."""
        return len(self.runs)

    @property
    def mean(self) -> float:
        """The mean accuracy of the runs in percent."""
        return sum(run.value for run in self.runs) / self.n

    @property
    def spread(self) -> float | None:
        """The sample standard deviation of the runs (n - 1), None for a single run."""
        if self.n < 2:
            return None
        return sqrt(sum((run.value - self.mean) ** 2 for run in self.runs) / (self.n - 1))

    def to_dict(self) -> dict[str, Any]:
        """The result as plain data."""
        own = {"spec": self.spec, "name": self.name, "mean": self.mean, "spread": self.spread, "n": self.n}
        return own | self.setting._asdict()


@dataclass(frozen=True)
class Joined:
    """Designs and what a log says of them: `found` by the index of the design, all in one `setting`.

    `elsewhere` are results of the log that no design takes: of other networks, clips or settings.
    """

    setting: Setting
    found: Mapping[int, Pooled]
    elsewhere: tuple[Pooled, ...]


@dataclass(frozen=True)
class Accuracies(Result):
    """The accuracies of a log: one record for each run, and what could not be read, with the reason."""

    log: str
    select: Select
    records: tuple[Accuracy, ...]
    unread: tuple[Unread, ...] = ()
    notes: tuple[str, ...] = ()

    @cached_property
    def results(self) -> tuple[Pooled, ...]:
        """The runs of each network in each setting together, in the order of the log."""
        runs: dict[tuple[str, Setting], list[Accuracy]] = {}
        for record in self.records:
            runs.setdefault((record.architecture, record.setting), []).append(record)
        return tuple(Pooled(tuple(found)) for found in runs.values())

    @property
    def settings(self) -> dict[Setting, tuple[Pooled, ...]]:
        """The results of each setting; only within one can they be compared."""
        found: dict[Setting, tuple[Pooled, ...]] = {}
        for result in self.results:
            found[result.setting] = (*found.get(result.setting, ()), result)
        return found

    def only(self, **wanted: str) -> Accuracies:
        """The records of one `dataset`, `metric`, `clip` or `pretrain`. Raises CsncostError where there are none."""
        for key in wanted:
            if key not in Setting._fields:
                raise CsncostError(f'accuracies are not told apart by "{key}"', f"but by {', '.join(Setting._fields)}")
        kept = [r for r in self.records if all(getattr(r.setting, key) == value for key, value in wanted.items())]
        if not kept:
            what = ", ".join(f"{key} {value}" for key, value in wanted.items())
            known = "; ".join(map(str, self.settings))
            raise CsncostError(f"{self.log} has no accuracies of {what}", f"it has: {known}")
        return replace(self, records=tuple(kept))

    def labelled(self, **said: str) -> Accuracies:
        """The same accuracies with one `dataset`, `metric` or `pretrain`: where logs name one measurement differently.

        Raises CsncostError for what is not one of those: the clip, for instance, is part of what was run.
        """
        for key in said:
            if key not in ("dataset", "metric", "pretrain"):
                raise CsncostError(
                    f'accuracies are not labelled with "{key[:40]}"', "but with dataset, metric, pretrain"
                )
        records = (replace(record, setting=record.setting._replace(**said)) for record in self.records)
        return replace(self, records=tuple(records))

    def join(self, specs: Iterable[SpecLike], *, frames: int | None = None, size: Any = None) -> Joined:
        """The results that belong to the designs `specs`, as analysed with `frames` and `size`.

        A result belongs to a design of the same architecture, and of the same clip where the log says one. Of several
        settings the one that covers most designs is taken, the first of equals.
        """
        keys = [key_of(spec, frames, size) for spec in specs]
        varied = len({classes for _, _, classes in keys}) > 1
        return self.matched(keys.__getitem__, lambda result: range(len(keys)), varied)

    def matched(
        self, key_at: Callable[[int], Key], candidates: Callable[[Pooled], Iterable[int]], varied: bool
    ) -> Joined:
        """The results joined to the designs that each is of, those of the setting that covers most designs.

        `candidates` are the designs that a result may be of, `key_at` says of each its architecture, clip and classes.
        What fits best is taken (`Setting.fit`). Designs may differ in their clips, and in their classes where those are
        `varied`; so may what is joined to them.
        """
        free = {"clip": "", "classes": ""} if varied else {"clip": ""}
        by_setting: dict[Setting, dict[int, tuple[int, Pooled]]] = {}
        for result in self.results:
            best = by_setting.setdefault(result.setting._replace(**free), {})
            for design in candidates(result):
                architecture, clip, classes = key_at(design)
                fit = result.setting.fit(clip, classes, varied) if architecture == result.architecture else 0
                if fit > best.get(design, (0,))[0]:
                    best[design] = fit, result
        chosen = max(by_setting.values(), key=lambda best: (len(best), sum(f for f, _ in best.values())), default={})
        found = {design: result for design, (_, result) in chosen.items()}
        settings = {result.setting for result in found.values()}
        setting = min(settings, default=Setting())
        taken = set(map(id, found.values()))
        elsewhere = tuple(r for r in self.results if id(r) not in taken)
        return Joined(setting if len(settings) < 2 else setting._replace(**free), found, elsewhere)

    def to_dict(self) -> dict[str, Any]:
        """The accuracies as plain data."""
        return {
            "log": self.log,
            "select": self.select,
            "records": [record.to_dict() for record in self.records],
            "results": [result.to_dict() for result in self.results],
            "unread": [{"source": u.source, "text": u.text, "why": u.why} for u in self.unread],
            "notes": list(self.notes),
        }

    def _frame_rows(self) -> list[dict[str, Any]]:
        return [record.to_dict() for record in self.records]

    def _subject(self) -> dict[str, Any]:
        return {"log": self.log, "select": self.select}

    def table(self) -> Table:
        """The results as a table."""
        columns = [
            Column("label", "network", wrap=True),
            Column("name", "canonical", wrap=True, drop=1),
            Column("mean", "accuracy %", points, "right"),
            Column("spread", "\u00b1", points, "right", tight=True),
            Column("n", "runs", str, "right"),
            *(Column(key, key, wrap=True) for key in self._told),
        ]
        rows = [{"label": result.label, **result.to_dict()} for result in self.results]
        return Table(columns, rows, title=f"Accuracies: {self.log}", notes=[*self.notes, *why_unread(self.unread)])

    @property
    def _told(self) -> list[str]:
        """The fields of settings that people are shown: classes only where one says them."""
        return [key for key in Setting._fields if key != "classes" or any(s.classes for s in self.settings)]

    def __repr__(self) -> str:
        return (
            f"<Accuracies of {self.log}: {plural(len(self.records), 'run')} of {plural(len(self.results), 'design')}>"
        )


def points(value: float) -> str:
    """An accuracy, or a difference of two, with one decimal; two where the first is no more than noise."""
    return f"{value:.2f}" if abs(value) < 0.95 else f"{value:.1f}"
