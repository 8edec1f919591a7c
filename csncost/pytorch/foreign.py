"""The code of others while it runs: it writes to standard error, and an error of any kind is one message."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout, suppress

from csncost.errors import CsncostError
from csncost.pytorch.trace.messages import reason


@contextmanager
def foreign(what: str) -> Iterator[None]:
    """Run the code of others apart: only Ctrl-C still ends the whole program."""
    with _stdout_is_stderr():
        try:
            yield
        except (Exception, KeyboardInterrupt):
            raise
        except BaseException as error:  # whatever the code of others raises
            raise CsncostError(f"{what} ends with {type(error).__name__}", reason(error)) from error


@contextmanager
def _stdout_is_stderr() -> Iterator[None]:
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
    above = _copy(descriptor)
    os.close(found)
    return above


def _flush() -> None:
    """Let nothing wait in a buffer that belongs to the other side."""
    for stream in (sys.stdout, sys.__stdout__):
        with suppress(OSError, ValueError, AttributeError):  # closed, or not there
            stream.flush()  # type: ignore[union-attr]
    with suppress(OSError, AttributeError, TypeError):
        ctypes.CDLL(None).fflush(None)
