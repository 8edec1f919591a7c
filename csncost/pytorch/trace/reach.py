"""Everything that a model holds, however deep, and how it was.

From a module or a function the walk goes to attributes, elements, slots, closures, default values, attributes of
classes, and to those names of its own file that its code uses. It ends at other files, at PyTorch and at the standard
library.
"""

from __future__ import annotations

import functools
import itertools
import operator
import random
import sys
import threading
from array import array
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator
from functools import partial
from types import (
    CellType,
    CodeType,
    FunctionType,
    GeneratorType,
    MethodType,
)
from typing import Any

import torch
from torch import Tensor, nn

from csncost.pytorch.trace.holders import (
    attributes_of,
    dictionary,
    fixed,
    in_slots,
    numbers,
    raw,
    sequence,
    slots_of,
    tensor,
    unordered,
)
from csncost.pytorch.trace.snapshot import NONE, Snapshot, Way

OPEN_LIBRARY = frozenset({"types", "collections", "queue", "argparse", "random", "weakref"})
"""What of the standard library is walked into."""

OPEN_TORCH = ("torch.nn.", "torch.optim.", "torch.distributions.")


def ways(kind: type) -> Iterator[Way]:
    """What is to be remembered of an object of a type: nothing of what cannot change."""
    if issubclass(kind, type):
        yield _class
        return
    yield from (way for base, way in _WAYS if issubclass(kind, base))
    if "numpy" in sys.modules:
        yield from _numpy_ways(kind)
    if not issubclass(kind, FunctionType) and (issubclass(kind, nn.Module) or _is_open(kind)):
        if kind.__dictoffset__ and kind is not OrderedDict and not issubclass(kind, Tensor):
            yield attributes_of
        if slots := list(slots_of(kind)):
            yield in_slots(slots)


def _is_open(kind: Any) -> bool:
    """Whether a class, or a function, is one that a person wrote for a model."""
    place = str(kind.__module__)
    package = place.partition(".")[0]
    if package == "torch":
        return place.startswith(OPEN_TORCH)
    return package in OPEN_LIBRARY or package not in sys.stdlib_module_names


def _function(held: FunctionType, snapshot: Snapshot) -> None:
    snapshot.visit(held.__closure__ or ())
    snapshot.visit(held.__defaults__ or ())
    snapshot.visit((held.__kwdefaults__ or {}).values())
    dictionary(held.__dict__, snapshot)
    if _is_open(held):
        for name in _names(held.__code__):
            snapshot.bind(held.__globals__, name)


def _names(code: CodeType) -> Iterator[str]:
    """The names that code uses, that of functions within it, too."""
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)


def _cell(held: CellType, snapshot: Snapshot) -> None:
    value = _in_cell(held)
    snapshot.save(_refill_cell, held, value)
    snapshot.visit((value,))


def _in_cell(held: CellType) -> Any:
    try:
        return held.cell_contents
    except ValueError:
        return NONE


def _refill_cell(held: CellType, value: Any) -> None:
    if _in_cell(held) is not value:
        if value is NONE:
            del held.cell_contents
        else:
            held.cell_contents = value


def _class(held: type, snapshot: Snapshot) -> None:
    if not _is_open(held) or str(held.__module__).startswith("torch."):
        return
    content = {name: value for name, value in vars(held).items() if not name.startswith("__")}
    snapshot.save(_refill_class, held, content)
    snapshot.visit(vars(held).values())
    snapshot.visit(held.__bases__)


def _refill_class(held: type, content: dict[str, Any]) -> None:
    now = {name: value for name, value in vars(held).items() if not name.startswith("__")}
    for name in now.keys() - content.keys():
        type.__delattr__(held, name)
    for name, value in content.items():
        if now.get(name, NONE) is not value:
            type.__setattr__(held, name, value)


def _parts(*names: str) -> Way:
    """Look into what an object is made of, which does not change itself."""

    def way(held: Any, snapshot: Snapshot) -> None:
        snapshot.visit(getattr(held, name) for name in names)

    return way


def _states(get: str, put: str) -> Way:
    """Remember what a method tells, and tell it to another."""

    def put_back(held: Any, content: Any) -> None:
        getattr(held, put)(content)

    return lambda held, snapshot: snapshot.save(put_back, held, getattr(held, get)())


def _script(held: Any, snapshot: Snapshot) -> None:
    """Attributes of scripted code other than tensors; their lists and dicts are copies here."""
    values = {name: held._c.getattr(name) for name in held._concrete_type.get_attributes()}
    snapshot.save(_refill_script, held._c, {name: v for name, v in values.items() if not isinstance(v, Tensor)})
    snapshot.visit(held.children())


def _refill_script(held: Any, content: dict[str, Any]) -> None:
    for name, value in content.items():
        held.setattr(name, value)


def _cache(held: Any, snapshot: Snapshot) -> None:
    snapshot.save(_empty_cache, held, held.cache_info())
    snapshot.visit((held.__wrapped__,))


def _empty_cache(held: Any, info: Any) -> None:
    if held.cache_info().misses != info.misses:  # it may hold tensors without data now
        held.cache_clear()


def _progress(how: Callable[[Any], Any]) -> Way:
    """Tell whether an iterator went on, which cannot be undone."""

    def put_back(held: Any, before: Any) -> str | None:
        return None if how(held) == before else "goes on in an iterator"

    return lambda held, snapshot: snapshot.save(put_back, held, how(held))


def _at(held: GeneratorType[Any, Any, Any]) -> int | None:
    return held.gi_frame.f_lasti if held.gi_frame is not None else None


def _numpy_ways(kind: type) -> Iterator[Way]:
    numpy = sys.modules["numpy"]
    if issubclass(kind, numpy.ndarray):
        yield numbers
    elif issubclass(kind, numpy.random.RandomState):
        yield _states("get_state", "set_state")
    elif issubclass(kind, numpy.random.Generator):
        yield _parts("bit_generator")
    elif issubclass(kind, numpy.random.BitGenerator):
        yield lambda held, snapshot: snapshot.save(_rewind, held, held.state)


def _rewind(held: Any, content: Any) -> None:
    held.state = content


_WAYS: tuple[tuple[type | tuple[type, ...], Way], ...] = (
    (dict, dictionary),
    ((list, deque), sequence),
    (set, unordered),
    ((tuple, frozenset), fixed),
    ((bytearray, array), raw),
    (Tensor, tensor),
    (FunctionType, _function),
    (CellType, _cell),
    (MethodType, _parts("__self__", "__func__")),
    (partial, _parts("func", "args", "keywords")),
    ((staticmethod, classmethod), _parts("__func__")),
    (property, _parts("fget", "fset")),
    (functools.cached_property, _parts("func")),
    (functools._lru_cache_wrapper, _cache),
    (torch.jit.ScriptModule, _script),
    (threading.local, attributes_of),
    (random.Random, _states("getstate", "setstate")),
    (torch.Generator, _states("get_state", "set_state")),
    (GeneratorType, _progress(_at)),
    (itertools.count, _progress(repr)),
    ((type(iter([])), type(iter(())), type(iter(range(1)))), _progress(operator.length_hint)),
)
"""What is remembered of objects by their type, in the place of the attributes that a class of one's own has."""
