"""The classifier of a run: its last fully connected layer, if nothing but activations and a loss follow."""

from __future__ import annotations

from collections.abc import Iterable

from torch import Tensor

from csncost.errors import CsncostError, did_you_mean
from csncost.pytorch.trace.ledger import Entry

_PASSED = frozenset({"act", "reduce"})
_IN_A_LOSS = frozenset({"add", "multiply", "elementwise"})
"""Kinds of operation that a classifier's output may go through: these where it ends as one number."""


def classifier(order: list[Entry], wanted: str | bool, outputs: Iterable[Tensor]) -> tuple[Entry | None, str]:
    """The classifier among operations in their order, or the one at a path; and a remark if there is none.

    Raises CsncostError if no fully connected layer ran at the path.
    """
    if wanted is False:
        return None, ""
    if isinstance(wanted, str):
        return _at(order, wanted), ""
    passed = _PASSED | _IN_A_LOSS if any(output.dim() == 0 for output in outputs) else _PASSED
    after = ""
    for entry in reversed(order):
        if entry.call.kind == "linear":
            return (None, _remark(entry, after)) if after else (entry, "")
        if not after and entry.call.kind not in passed:
            after = entry.call.kind
    return None, ""


def _at(order: list[Entry], path: str) -> Entry:
    found = [entry for entry in order if entry.path == path and entry.call.kind == "linear"]
    if not found:
        known = list(dict.fromkeys(entry.path for entry in order if entry.call.kind == "linear"))
        raise CsncostError(f'no fully connected layer ran at "{path[:80]}"', _choice(path, known))
    return found[-1]


def _choice(wanted: str, known: list[str]) -> str:
    """The fully connected layers that a classifier may be; the last ones, if there are many."""
    if not known:
        return "none ran at all"
    if near := did_you_mean(wanted, [path for path in known if path]):
        return near
    more = "..., " if len(known) > 5 else ""
    return f"those that ran: {more}{', '.join(path or 'the model itself' for path in known[-5:])}"


def _remark(last: Entry, after: str) -> str:
    return (
        f"no classifier was found, as the last fully connected layer, {last.call.name or last.path or 'of the model'},"
        f" is not the output: {after} follows. All of them count in the interactions; name the classifier, or say"
        " none (classifier=PATH or False, --classifier PATH or none)"
    )
