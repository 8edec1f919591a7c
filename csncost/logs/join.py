"""Logged accuracies beside the designs of a space, however many: found by cost, told apart by what the networks are."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from csncost.costs.analyze import analyze
from csncost.costs.identity import Given, architecture
from csncost.costs.naming import clip_by_name
from csncost.errors import SpecError
from csncost.lang.given import SETTING, from_argument
from csncost.logs.runs import Accuracies, Joined, Key, Pooled
from csncost.logs.unread import why_unread
from csncost.units import plural, shape

MEASURED = ("accuracy", "accuracy_spread", "runs")
ACCURACY = (*MEASURED, "seeds", "dataset", "metric", "pretrain", "accuracy_clip")
"""The columns that a log adds: mean in percent, standard deviation and number of the runs, their seeds and setting."""

Columns = Mapping[str, Sequence[Any]]


def join(
    log: Accuracies, columns: Columns, stamp: Mapping[str, Any], arguments: Callable[[int], dict[str, Any]]
) -> Joined:
    """The results that belong to the designs in `columns`; with their `arguments`, `analyze` says what a row says."""
    specs = columns["spec"]

    @cache
    def architecture_of(text: str, names: Given) -> str:
        return architecture(from_argument(text, None), **dict(names))

    @cache
    def key(text: str, given: Given) -> Key:
        report = analyze(from_argument(text, None), **dict(given))
        names = tuple((name, value) for name, value in given if name not in (*SETTING, "convention"))
        return architecture_of(text, names), shape(report.clip), report.classes

    def key_at(i: int) -> Key:
        return key(specs[i], tuple(clip_by_name(specs[i], arguments(i)).items()))

    given = arguments(0) if len(specs) else {}
    varied = not isinstance(stamp["classes"], int)
    return log.matched(key_at, lambda result: _candidates(result, columns, stamp, given), varied)


def _candidates(result: Pooled, columns: Columns, stamp: Mapping[str, Any], given: Mapping[str, Any]) -> list[int]:
    """The rows with as many parameters as the network has, which depend on its classes but not on the clip."""
    if isinstance(stamp["classes"], int):
        counts = [stamp["classes"]]
    elif "classes" in columns:
        counts = sorted(set(map(int, columns["classes"])))
    else:
        return list(range(len(columns["spec"])))  # specs that differ in their classes: few
    found: set[int] = set()
    for classes in counts:
        try:
            params = analyze(result.architecture, classes=classes, convention=given.get("convention", "paper")).params
        except SpecError:
            continue  # a network without a classifier has no such design
        values: Any = columns["params"]
        if hasattr(values, "dtype"):  # of millions of designs
            found.update((values == params).nonzero()[0].tolist())
        else:
            found.update(i for i, value in enumerate(values) if value == params)
    return sorted(found)


def accuracy_columns(joined: Joined, count: int) -> dict[str, list[Any]]:
    """The columns of `ACCURACY` for as many designs, empty where nothing is logged."""
    empty = (None, None, 0, "", "", "", "", "")
    columns: dict[str, list[Any]] = {name: [value] * count for name, value in zip(ACCURACY, empty, strict=True)}
    for i, result in joined.found.items():
        seeds = ", ".join(run.seed for run in result.runs if run.seed)
        dataset, metric, clip, pretrain, _ = result.setting
        cells = result.mean, result.spread, result.n, seeds, dataset, metric, pretrain, clip
        for name, value in zip(ACCURACY, cells, strict=True):
            columns[name][i] = value
    return columns


def join_notes(log: Accuracies, joined: Joined, clips: Sequence[str], most: int = 8) -> Iterator[str]:
    """Notes of how much was joined to designs of some clips, and of everything in the log that was not."""
    setting = f" ({joined.setting})" if joined.found else ""
    yield f"accuracies of {log.log}: {len(joined.found):,} of {plural(len(clips), 'design')}{setting}"
    yield from log.notes
    unmatched: dict[str, list[str]] = {}
    for result in joined.elsewhere:
        unmatched.setdefault(str(result.setting), []).append(result.label)
    if len(unmatched) > _SETTINGS:  # those of the setting that is joined by themselves, the others together
        own = unmatched.pop(str(joined.setting), [])
        others = dict.fromkeys(label for labels in unmatched.values() for label in labels)
        unmatched = {**({str(joined.setting): own} if own else {}), f"{len(unmatched)} other settings": list(others)}
    for where, labels in unmatched.items():
        yield f"in the log but not of these designs ({where}): {_first(labels, most)}"
    yield from why_unread(log.unread)
    if several := _at_several_clips(joined, clips):
        yield f"logged without a clip, so taken for every clip: {_first(several, 6)}"


def _at_several_clips(joined: Joined, clips: Sequence[str]) -> list[str]:
    """The networks that are logged without a clip and stand at several."""
    own: dict[str, set[str]] = {}
    for row, result in joined.found.items():
        if not result.setting.clip:
            own.setdefault(result.label, set()).add(clips[row])
    return [label for label, found in own.items() if len(found) > 1]


def _first(labels: Sequence[str], most: int) -> str:
    more = f" and {len(labels) - most} more" if len(labels) > most else ""
    return f"{', '.join(labels[:most])}{more}"


_SETTINGS = 3
"""Settings of results that no design takes of which each has a line."""
