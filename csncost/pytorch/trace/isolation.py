"""A model as it was: whatever running it changes is put back."""

from __future__ import annotations

import random
import sys
import threading
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from csncost.errors import CsncostError
from csncost.pytorch.known.names import REFUSED
from csncost.pytorch.trace.reach import ways
from csncost.pytorch.trace.scope import Scope
from csncost.pytorch.trace.snapshot import Snapshot


@contextmanager
def unchanged(roots: Iterable[Any], given: Iterable[Tensor], scope: Scope) -> Iterator[None]:
    """Restore all that is reachable from what runs, and random numbers, also after an exception.

    `given` are tensors that may change. Raises CsncostError for what changed and cannot be put back.
    """
    snapshot = Snapshot(ways, given)
    snapshot.take(roots)
    for tensor in snapshot.tensors:
        if scope.owner(tensor) is None:
            scope.kept.add(tensor)
    switches = _switches()
    lasting: list[str] = []
    try:
        yield
    finally:
        scope.kept.restore()
        lasting += snapshot.restore()
        for restore, state in switches:
            restore(state)
    if lasting:
        raise CsncostError(
            f"the model {lasting[0]} that it holds, which cannot be put back", "let it make a new one in each run"
        )


def _switches() -> list[tuple[Any, Any]]:
    """The states of random numbers and the settings of PyTorch that code may change, and how to set them."""
    found: list[tuple[Any, Any]] = [
        (random.setstate, random.getstate()),
        (torch.set_rng_state, torch.get_rng_state()),
        (torch.set_grad_enabled, torch.is_grad_enabled()),
        (torch.set_default_dtype, torch.get_default_dtype()),
    ]
    if "numpy" in sys.modules:
        numpy = sys.modules["numpy"]
        found.append((numpy.random.set_state, numpy.random.get_state()))
    if torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
        found.append((torch.cuda.set_rng_state_all, torch.cuda.get_rng_state_all()))
    return found


@contextmanager
def direct_checkpoints() -> Iterator[None]:
    """Checkpointed code runs as part of the model: the old kind would hide from autograd what runs within."""
    checkpoint = sys.modules.get("torch.utils.checkpoint")
    if checkpoint is None:
        yield
        return
    function, thread = checkpoint.CheckpointFunction, threading.get_ident()
    before, apply = vars(function).get("apply"), function.apply

    def direct(run: Any, preserve: Any, *args: Any) -> Any:
        return run(*args) if threading.get_ident() == thread else apply(run, preserve, *args)

    function.apply = staticmethod(direct)
    try:
        yield
    finally:
        if before is None:
            del function.apply
        else:
            function.apply = before


@contextmanager
def refused(scope: Scope) -> Iterator[None]:
    """Refuse what is not intercepted: Jacobians, which would be zero without a gradient, and what is not undone."""
    with ExitStack() as stack:
        for place, name, what in _PAST_INTERCEPTION:
            stack.callback(setattr, place, name, getattr(place, name))
            setattr(place, name, partial(_unless_followed, scope, getattr(place, name), what))
        yield


_PAST_INTERCEPTION: tuple[tuple[Any, str, str], ...] = (
    (torch.autograd.functional, "_autograd_grad", "grad"),
    (torch.utils, "swap_tensors", "swap_tensors"),
)
"""Functions of PyTorch that do not tell an interceptor, and why they are refused."""


def _unless_followed(scope: Scope, function: Callable[..., Any], what: str, /, *args: Any, **kwargs: Any) -> Any:
    if scope.follows():
        raise scope.refuse(*REFUSED[what])
    return function(*args, **kwargs)


@contextmanager
def quiet_compiler(modules: Iterable[nn.Module]) -> Iterator[None]:
    """Compiled modules warn of the hooks that follow them."""
    if not any(type(module).__name__ == "OptimizedModule" for module in modules):
        yield
        return
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Using `torch.compile")
        yield


@contextmanager
def unoptimised_scripts() -> Iterator[None]:
    """Scripted code runs as it is written: optimised, it runs other kernels the second time."""
    before = torch._C._get_graph_executor_optimize()
    torch._C._set_graph_executor_optimize(False)
    try:
        yield
    finally:
        torch._C._set_graph_executor_optimize(before)
