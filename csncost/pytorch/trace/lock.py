"""The lock of traces: those of other threads wait, and within one that runs a trace another may run."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from csncost.pytorch.trace.scope import Scope

_LOCK = threading.RLock()
_RUNNING: list[Scope] = []
"""The traces that run, each within the one before it; all belong to the thread that has the lock."""


@contextmanager
def locked() -> Iterator[None]:
    """Wait until no other thread traces; the trace that runs around this one hears nothing of it."""
    with _LOCK:
        outer = _RUNNING[-1:]
        for scope in outer:
            scope.awake = False
        try:
            yield
        finally:
            for scope in outer:
                scope.awake = True


@contextmanager
def running(scope: Scope) -> Iterator[None]:
    """Make a trace the one that runs."""
    _RUNNING.append(scope)
    try:
        yield
    finally:
        _RUNNING.remove(scope)
