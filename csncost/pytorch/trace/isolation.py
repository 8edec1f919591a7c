"""Isolation: what running a model changes is put back, also after an exception."""

from __future__ import annotations

import random
import sys
import warnings
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from operator import is_
from types import FunctionType
from typing import Any

import torch
from torch import Tensor, nn

from csncost.pytorch.trace.meta import storage

PLAIN = frozenset({dict, OrderedDict, defaultdict, Counter, list, deque, set})
"""Containers that are put back; what is within tuples is, too."""

IMMUTABLE = frozenset({str, int, bool, float, type(None), FunctionType})

LARGEST = 1 << 20
"""Bytes of the largest storage that is written to while a model runs."""


class ModelState:
    """The state of modules before a run: attributes, plain containers within them, tensors with their gradients.

    Objects of other classes are left as the run leaves them.
    """

    def __init__(self) -> None:
        self._seen: set[int] = set()
        self._empty: list[Any] = []
        self._contents: list[tuple[Any, list[Any]]] = []
        self._scripts: list[tuple[Any, dict[str, Any]]] = []
        self._storages: set[int | None] = set()
        self._written: dict[int, tuple[Any, Any]] = {}

    def save(self, module: nn.Module) -> None:
        """Remember a module and all within it; what was remembered before stays so."""
        waiting: list[Any] = [module]
        while waiting:
            held = waiting.pop()
            if id(held) in self._seen:
                continue
            self._seen.add(id(held))
            kind = type(held)
            if kind in PLAIN and not held:
                self._empty.append(held)
            elif kind in PLAIN:
                content = _content(held)
                self._contents.append((held, content))
                waiting += [one for one in content[-len(held) :] if type(one) not in IMMUTABLE]
            elif kind is tuple:
                waiting += held
            elif isinstance(held, nn.Module):
                waiting.append(held.__dict__)
                if isinstance(held, torch.jit.ScriptModule):
                    self._save_script(held)
                    waiting += held.children()
            elif isinstance(held, Tensor):
                waiting += held.__dict__, held.grad if held.is_leaf else None
                self._storages.add(storage(held))

    def _save_script(self, held: Any) -> None:
        """Remember attributes of scripted code, which are not in Python: a detector of speech keeps its state there."""
        names = held._concrete_type.get_attributes()
        self._scripts.append((held._c, {name: held._c.getattr(name) for name in names}))

    def __contains__(self, tensor: Tensor) -> bool:
        found = storage(tensor)
        return found is not None and found in self._storages

    def lend(self, tensor: Tensor) -> bool:
        """Allow to write to a small tensor until the run ends, so that code reads what it wrote."""
        where = storage(tensor)
        if where is None or tensor.is_meta or tensor.is_inference():
            return False
        numbers = tensor.untyped_storage()
        if numbers.nbytes() > LARGEST:
            return False
        self._written.setdefault(where, (numbers, numbers.clone()))  # type: ignore[no-untyped-call]
        return True

    def restore(self) -> None:
        """Put everything back."""
        for numbers, before in self._written.values():
            numbers.copy_(before)
        for held in filter(None, self._empty):
            held.clear()
        for held, content in self._contents:
            _refill(held, content)
        for script, attributes in self._scripts:
            for name, value in attributes.items():
                script.setattr(name, value)


def _content(held: Any) -> list[Any]:
    """The elements of a container; of a dict its keys, then its values."""
    return [*held, *held.values()] if isinstance(held, dict) else [*held]


def _refill(held: Any, content: list[Any]) -> None:
    """Give a container the elements that it had, unless it has them."""
    now = _content(held)
    if len(now) == len(content) and all(map(is_, now, content)):
        return
    held.clear()
    if isinstance(held, dict):
        half = len(content) // 2
        for key, value in zip(content[:half], content[half:], strict=True):
            held[key] = value
    else:
        held.update(content) if isinstance(held, set) else held.extend(content)


@contextmanager
def isolated(state: ModelState) -> Iterator[None]:
    """Restore a model, random numbers, grad mode and the default type of tensors afterwards."""
    switches = _switches()
    try:
        yield
    finally:
        state.restore()
        for restore, before in switches:
            restore(before)


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
def quiet_compiler(modules: Iterable[nn.Module]) -> Iterator[None]:
    """Silence the warning of compiled modules about the hooks that follow them."""
    if not any(type(module).__name__ == "OptimizedModule" for module in modules):
        yield
        return
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Using `torch.compile")
        yield


@contextmanager
def unoptimised_scripts() -> Iterator[None]:
    """Run scripted code as it is written: optimised, it runs other kernels the second time."""
    before = torch._C._get_graph_executor_optimize()
    torch._C._set_graph_executor_optimize(False)
    try:
        yield
    finally:
        torch._C._set_graph_executor_optimize(before)
