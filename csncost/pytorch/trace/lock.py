"""Whose turn it is to trace: one at a time, one within another, and no layers in threads that nobody follows."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import wraps
from multiprocessing.process import BaseProcess
from threading import Thread, get_ident
from typing import Any

from torch.overrides import TorchFunctionMode

from csncost.errors import CsncostError
from csncost.pytorch.trace.meta import tensors
from csncost.pytorch.trace.scope import Scope

_LOCK = threading.RLock()
_RUNNING: list[Scope] = []
"""The traces that run, each within the one before it; all belong to the thread that has the lock."""


@contextmanager
def turn() -> Iterator[None]:
    """Wait until no other thread traces; the trace that this one runs in hears nothing of it."""
    for scope in tuple(_RUNNING):
        if get_ident() in scope.strays:  # it would wait for itself
            raise scope.refuse_thread()
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
def alone(scope: Scope) -> Iterator[None]:
    """Refuse what the traced code computes in threads and processes of its own; those of others run as ever."""
    with ExitStack() as stack:
        for owner, name, way in ((Thread, "start", _started), (ThreadPoolExecutor, "submit", _submitted),
                                 (BaseProcess, "start", _forked)):  # fmt: skip
            stack.enter_context(_replaced(owner, name, way, scope))
        _RUNNING.append(scope)
        try:
            yield
        finally:
            scope.over = True
            _RUNNING.remove(scope)


@contextmanager
def _replaced(owner: Any, name: str, way: Callable[..., Any], scope: Scope) -> Iterator[None]:
    """A method that goes another way where the traced code calls it."""
    method = getattr(owner, name)

    @wraps(method)
    def either(self: Any, *args: Any, **kwargs: Any) -> Any:
        if not scope.follows():
            return method(self, *args, **kwargs)
        return way(scope, method, self, *args, **kwargs)

    setattr(owner, name, either)
    try:
        yield
    finally:
        setattr(owner, name, method)


def _started(scope: Scope, start: Callable[..., Any], thread: Thread) -> Any:
    if getattr(getattr(thread, "_target", None), "__module__", "") != ThreadPoolExecutor.__module__:
        run = thread.run

        def quietly() -> None:
            try:
                _astray(scope, run)
            except CsncostError as error:
                if error is not scope.refusal:
                    raise

        thread.run = quietly  # type: ignore[method-assign]
    return start(thread)


def _submitted(
    scope: Scope, submit: Callable[..., Any], pool: Any, function: Callable[..., Any], /, *args: Any, **kwargs: Any
) -> Any:
    return submit(pool, _astray, scope, function, *args, **kwargs)


def _forked(scope: Scope, start: Callable[..., Any], process: BaseProcess) -> Any:
    raise scope.refuse_thread("a process")


def _astray(scope: Scope, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Run a function in a thread that the traced code started."""
    scope.strays.add(get_ident())
    try:
        with _Astray(scope):
            return function(*args, **kwargs)
    finally:
        scope.strays.discard(get_ident())


class _Astray(TorchFunctionMode):
    """Refuses every computation, as long as the trace lasts."""

    def __init__(self, scope: Scope) -> None:
        super().__init__()
        self.scope = scope

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if not self.scope.over and any(True for _ in tensors(args, kwargs)):
            raise self.scope.refuse_thread()
        return func(*args, **(kwargs or {}))
