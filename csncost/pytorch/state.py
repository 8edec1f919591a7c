"""A model as it was: whatever running it changes is put back."""

from __future__ import annotations

import random
import sys
import threading
import warnings
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn


@contextmanager
def unchanged(modules: Iterable[nn.Module]) -> Iterator[None]:
    """Restore attributes, containers and random numbers, also after an exception."""
    known: set[int] = set()
    saved = []
    for module in modules:
        attributes = module.__dict__
        saved.append((attributes, attributes.copy(), list(_containers(attributes.values(), known))))
    generators = _generators()
    try:
        yield
    finally:
        for attributes, before, containers in saved:
            if attributes.keys() != before.keys() or any(attributes[key] is not before[key] for key in before):
                attributes.clear()
                attributes.update(before)
            for container, content in containers:
                _refill(container, content)
        for restore, state in generators:
            restore(state)


def _containers(values: Iterable[Any], known: set[int]) -> Iterator[tuple[Any, Any]]:
    """The lists, dicts, sets and queues among values and within each other, with copies of what is in them."""
    for value in values:
        if not isinstance(value, _HOLDING) or id(value) in known:
            continue
        if not value:
            if not isinstance(value, tuple):
                yield value, None
            continue
        known.add(id(value))
        yield from _containers(value.values() if isinstance(value, dict) else value, known)
        if not isinstance(value, tuple):
            yield value, value.copy()


_HOLDING = (dict, list, set, tuple, deque)


def _refill(container: Any, content: Any) -> None:
    if content is None:
        if container:
            container.clear()
    elif isinstance(container, (list, deque)):
        if len(container) != len(content) or any(a is not b for a, b in zip(container, content, strict=True)):
            container.clear()
            container.extend(content)
    elif isinstance(container, dict):
        if list(container) != list(content) or any(container[key] is not content[key] for key in content):
            container.clear()
            container.update(content)
    elif container != content:
        container.clear()
        container.update(content)


def _generators() -> list[tuple[Any, Any]]:
    """The states of the random numbers of Python, NumPy and PyTorch, and how to set them."""
    found: list[tuple[Any, Any]] = [(random.setstate, random.getstate()), (torch.set_rng_state, torch.get_rng_state())]
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
