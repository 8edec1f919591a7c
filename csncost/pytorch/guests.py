"""The code of others while it runs: what it writes goes to standard error, and what it raises becomes one message."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout, suppress
from typing import Any

from csncost.errors import CsncostError
from csncost.pytorch.trace.messages import reason


@contextmanager
def guest(what: str) -> Iterator[None]:
    """Run the code of others apart; only Ctrl-C, as pressed by a person, still ends the whole program."""
    with _aside(), _interrupts() as pressed:
        try:
            yield
        except Exception:
            raise
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt) and pressed:
                raise
            raise CsncostError(f"{what[:120]} ends with {type(error).__name__}", reason(error)) from error


@contextmanager
def _aside() -> Iterator[None]:
    """Standard output is standard error, for Python, for libraries in C and for other programs."""
    _flush()
    saved, other = _copy(1), _copy(2)
    if other is None:
        other = os.open(os.devnull, os.O_WRONLY)
    os.dup2(other, 1)
    try:
        with redirect_stdout(sys.stderr):
            yield
    finally:
        _flush()
        if saved is None:
            os.close(1)  # as it was
        else:
            os.dup2(saved, 1)
            os.close(saved)
        if other != 1:
            os.close(other)


def _copy(descriptor: int) -> int | None:
    """Another number for the same file, above the three that have a meaning; None if it is closed."""
    try:
        found = os.dup(descriptor)
    except OSError:
        return None
    if found > 2:
        return found
    try:
        return _copy(descriptor)
    finally:
        os.close(found)


def _flush() -> None:
    """Let nothing wait in a buffer that belongs to the other side."""
    for stream in (sys.stdout, sys.__stdout__):
        with suppress(OSError, ValueError, AttributeError):  # closed, or not there
            stream.flush()  # type: ignore[union-attr]
    with suppress(OSError, AttributeError, TypeError):
        ctypes.CDLL(None).fflush(None)


@contextmanager
def _interrupts() -> Iterator[list[int]]:
    """The signals that a person sent by Ctrl-C, which look like what code may raise itself."""
    pressed: list[int] = []
    before = signal.getsignal(signal.SIGINT)
    if not callable(before) or threading.current_thread() is not threading.main_thread():
        yield pressed
        return

    def press(number: int, frame: Any) -> None:
        pressed.append(number)
        before(number, frame)

    signal.signal(signal.SIGINT, press)
    try:
        yield pressed
    finally:
        if signal.getsignal(signal.SIGINT) is press:
            signal.signal(signal.SIGINT, before)
