"""The code of others: it writes to standard error, an error of any kind is one message, parameters get no values."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout, suppress
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from csncost.errors import CsncostError
from csncost.pytorch.known.names import FACTORIES
from csncost.pytorch.trace.messages import reason

SMALL = 1 << 12
"""Elements of a tensor that is made for real, since constructors compute with small ones and read their values."""


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


class WithoutValues(TorchFunctionMode):
    """Within it, big tensors are made on the device "meta", and filling one does nothing.

    To build a model so that it can be traced costs next to nothing then: no memory, and no random numbers, whose
    kernels on that device would import PyTorch's compiler.
    """

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """`func`, unless it makes or fills a big tensor."""
        kwargs = kwargs or {}
        name = getattr(func, "__name__", "")
        first = args[0] if args else kwargs.get("tensor")
        if isinstance(first, Tensor) and first.is_meta and name.endswith("_") and not name.startswith("__"):
            return first
        if name in FACTORIES and kwargs.get("out") is None:
            made = func(*args, **{**kwargs, "device": torch.device("meta")})
            if made.numel() > SMALL:
                return made
        return func(*args, **kwargs)
