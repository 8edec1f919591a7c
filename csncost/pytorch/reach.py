"""Everything that a model holds, however deep, and how it was.

From a module or a function the walk goes to attributes, elements, slots, closures, default values, attributes of
classes, and to those names of its own file that its code uses. It ends at other files, at PyTorch and at the standard
library. Each object is met once.
"""

from __future__ import annotations

import functools
import itertools
import operator
import random
import sys
from array import array
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from types import (
    CellType,
    CodeType,
    FunctionType,
    GeneratorType,
    MemberDescriptorType,
    MethodType,
)
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn

LARGE = 1 << 28
"""Bytes of an array that is locked in the place of being copied."""

OPEN_LIBRARY = frozenset({"types", "collections", "queue", "argparse", "random", "weakref"})
"""What of the standard library is walked into."""

OPEN_TORCH = ("torch.nn.", "torch.optim.", "torch.distributions.")

Way: TypeAlias = Callable[[Any, "Snapshot"], None]

_NONE: Any = object()
"""In the place of what is not there."""


class Snapshot:
    """How objects were; `tensors` are those that were met."""

    def __init__(self, known: Iterable[Any] = ()) -> None:
        self.tensors: list[Tensor] = []
        self.saved: list[tuple[Callable[[Any, Any], Any], Any, Any]] = []
        self.empty: list[Any] = []
        self._seen = set(map(id, known))
        self._waiting: list[Any] = []
        self._ways: dict[type, tuple[Way, ...]] = {}
        self._names: set[tuple[int, str]] = set()

    def take(self, roots: Iterable[Any]) -> None:
        """Remember what roots hold."""
        waiting, seen, ways = self._waiting, self._seen, self._ways
        waiting.extend(roots)
        while waiting:
            held = waiting.pop()
            kind = type(held)
            found = ways.get(kind)
            if found is None:
                found = ways[kind] = tuple(_ways(kind))
                waiting.append(kind)
            if found and id(held) not in seen:
                seen.add(id(held))
                for way in found:
                    way(held, self)

    def restore(self) -> list[str]:
        """Put everything back; what cannot be, is named."""
        for held in self.empty:
            if held:
                _base(held).clear(held)
        lasting = (_tried(put_back, held, content) for put_back, held, content in self.saved)
        return list(dict.fromkeys(one for one in lasting if one))

    def save(self, put_back: Callable[[Any, Any], Any], held: Any, content: Any) -> None:
        """Remember what an object holds itself; `put_back` returns a text if it cannot."""
        self.saved.append((put_back, held, content))

    def visit(self, values: Iterable[Any]) -> None:
        """Look into these, too."""
        self._waiting.extend(values)

    def bind(self, space: dict[str, Any], name: str) -> None:
        """Remember what a global name stands for, and look into it if it is of the same file."""
        if (id(space), name) in self._names:
            return
        self._names.add((id(space), name))
        value = space.get(name, _NONE)
        self.save(_rebind, (space, name), value)
        if not isinstance(value, (type, FunctionType)) or value.__module__ == space.get("__name__"):
            self._waiting.append(value)


def _tried(put_back: Callable[[Any, Any], Any], held: Any, content: Any) -> str | None:
    try:
        found: str | None = put_back(held, content)
    except Exception:  # what one object does not allow, is no reason to leave the others
        return f"changed a {type(held).__name__}"
    return found


def _ways(kind: type) -> Iterator[Way]:
    """What is to be remembered of an object of a type: nothing of what cannot change."""
    if issubclass(kind, type):
        yield _class
        return
    yield from (way for base, way in _WAYS if issubclass(kind, base))
    if "numpy" in sys.modules:
        yield from _numpy_ways(kind)
    if not issubclass(kind, FunctionType) and (issubclass(kind, nn.Module) or _is_open(kind)):
        if kind.__dictoffset__ and kind is not OrderedDict and not issubclass(kind, Tensor):
            yield _attributes
        if slots := list(_slots_of(kind)):
            yield partial(_slots, slots)


def _is_open(kind: Any) -> bool:
    """Whether a class, or a function, is one that a person wrote for a model."""
    place = str(kind.__module__)
    package = place.partition(".")[0]
    if package == "torch":
        return place.startswith(OPEN_TORCH)
    return package in OPEN_LIBRARY or package not in sys.stdlib_module_names


def _base(held: Any) -> Any:
    """The type whose methods do what they say, whatever a class of its own makes of them."""
    return next(base for base in (OrderedDict, dict, list, deque, set) if isinstance(held, base))


def _dict(held: dict[Any, Any], snapshot: Snapshot) -> None:
    if not held:
        snapshot.empty.append(held)
        return
    content = dict(_base(held).items(held))
    snapshot.save(_refill_dict, held, content)
    snapshot.visit(content.values())
    snapshot.visit(key for key in content if type(key) is not str)


def _refill_dict(held: dict[Any, Any], content: dict[Any, Any]) -> None:
    base = _base(held)
    pairs = zip(base.items(held), content.items(), strict=False)
    if len(held) != len(content) or any(a is not c or b is not d for (a, b), (c, d) in pairs):
        base.clear(held)
        for key, value in content.items():
            base.__setitem__(held, key, value)


def _sequence(held: Any, snapshot: Snapshot) -> None:
    if not held:
        snapshot.empty.append(held)
        return
    content = tuple(_base(held).__iter__(held))
    snapshot.save(_refill_sequence, held, content)
    snapshot.visit(content)


def _refill_sequence(held: Any, content: tuple[Any, ...]) -> None:
    base = _base(held)
    if len(held) != len(content) or any(a is not b for a, b in zip(base.__iter__(held), content, strict=False)):
        base.clear(held)
        base.extend(held, content)


def _set(held: set[Any], snapshot: Snapshot) -> None:
    if not held:
        snapshot.empty.append(held)
        return
    content = tuple(set.__iter__(held))
    snapshot.save(_refill_set, held, content)
    snapshot.visit(content)


def _refill_set(held: set[Any], content: tuple[Any, ...]) -> None:
    if len(held) != len(content) or set(map(id, held)) != set(map(id, content)):
        set.clear(held)
        set.update(held, content)


def _fixed(held: Iterable[Any], snapshot: Snapshot) -> None:
    snapshot.visit(held)


def _attributes(held: Any, snapshot: Snapshot) -> None:
    attributes = held.__dict__
    content = dict(attributes)
    snapshot.save(_refill_attributes, held, (type(held), attributes, content))
    snapshot.visit(content.values())


def _refill_attributes(held: Any, was: tuple[type, dict[str, Any], dict[str, Any]]) -> None:
    kind, attributes, content = was
    if type(held) is not kind:
        object.__setattr__(held, "__class__", kind)
    if held.__dict__ is not attributes:
        object.__setattr__(held, "__dict__", attributes)
    _refill_dict(attributes, content)


def _slots_of(kind: type) -> Iterator[MemberDescriptorType]:
    for base in kind.__mro__:
        if "__slots__" in vars(base):
            yield from (slot for slot in vars(base).values() if isinstance(slot, MemberDescriptorType))


def _slots(slots: list[MemberDescriptorType], held: Any, snapshot: Snapshot) -> None:
    for slot in slots:
        value = _in_slot(held, slot)
        snapshot.save(_refill_slot, (held, slot), value)
        snapshot.visit((value,))


def _in_slot(held: Any, slot: Any) -> Any:
    try:
        return slot.__get__(held)
    except AttributeError:
        return _NONE


def _refill_slot(place: tuple[Any, Any], value: Any) -> None:
    held, slot = place
    if _in_slot(held, slot) is not value:
        slot.__delete__(held) if value is _NONE else slot.__set__(held, value)


def _tensor(held: Tensor, snapshot: Snapshot) -> None:
    snapshot.tensors.append(held)
    if not held.is_inference():
        snapshot.save(_reversion, held, held._version)
    _dict(held.__dict__, snapshot)
    if held.is_leaf and held.grad is not None:
        snapshot.visit((held.grad,))


def _reversion(held: Tensor, version: int) -> None:
    if held._version != version:
        torch._C._autograd._unsafe_set_version_counter((held,), (version,))


def _bytes(held: Any, snapshot: Snapshot) -> None:
    snapshot.save(_refill_bytes, held, held[:])


def _refill_bytes(held: Any, content: Any) -> None:
    held[:] = content


def _array(held: Any, snapshot: Snapshot) -> None:
    if not held.flags.writeable:
        return
    if held.nbytes > LARGE:
        held.flags.writeable = False
        snapshot.save(_unlock, held, None)
        return
    snapshot.save(_refill_array, held, held.copy())
    if held.dtype == object:
        snapshot.visit(held.flat)


def _unlock(held: Any, content: Any) -> None:
    held.flags.writeable = True


def _refill_array(held: Any, content: Any) -> str | None:
    if held.size != content.size or held.dtype != content.dtype:
        return "resized an array"
    held.shape = content.shape
    held.flags.writeable = True
    held[...] = content
    return None


def _function(held: FunctionType, snapshot: Snapshot) -> None:
    snapshot.visit(held.__closure__ or ())
    snapshot.visit(held.__defaults__ or ())
    snapshot.visit((held.__kwdefaults__ or {}).values())
    _dict(held.__dict__, snapshot)
    if _is_open(held):
        for name in _names(held.__code__):
            snapshot.bind(held.__globals__, name)


def _names(code: CodeType) -> Iterator[str]:
    """The names that code uses, that of functions within it, too."""
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)


def _rebind(place: tuple[dict[str, Any], str], value: Any) -> None:
    space, name = place
    if space.get(name, _NONE) is not value:
        if value is _NONE:
            del space[name]
        else:
            space[name] = value


def _cell(held: CellType, snapshot: Snapshot) -> None:
    value = _in_cell(held)
    snapshot.save(_refill_cell, held, value)
    snapshot.visit((value,))


def _in_cell(held: CellType) -> Any:
    try:
        return held.cell_contents
    except ValueError:
        return _NONE


def _refill_cell(held: CellType, value: Any) -> None:
    if _in_cell(held) is not value:
        if value is _NONE:
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
        if now.get(name, _NONE) is not value:
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
        yield _array
    elif issubclass(kind, numpy.random.RandomState):
        yield _states("get_state", "set_state")
    elif issubclass(kind, numpy.random.Generator):
        yield _parts("bit_generator")
    elif issubclass(kind, numpy.random.BitGenerator):
        yield lambda held, snapshot: snapshot.save(_rewind, held, held.state)


def _rewind(held: Any, content: Any) -> None:
    held.state = content


_WAYS: tuple[tuple[type | tuple[type, ...], Way], ...] = (
    (dict, _dict),
    ((list, deque), _sequence),
    (set, _set),
    ((tuple, frozenset), _fixed),
    ((bytearray, array), _bytes),
    (Tensor, _tensor),
    (FunctionType, _function),
    (CellType, _cell),
    (MethodType, _parts("__self__", "__func__")),
    (partial, _parts("func", "args", "keywords")),
    ((staticmethod, classmethod), _parts("__func__")),
    (property, _parts("fget", "fset")),
    (functools.cached_property, _parts("func")),
    (functools._lru_cache_wrapper, _cache),
    (random.Random, _states("getstate", "setstate")),
    (torch.Generator, _states("get_state", "set_state")),
    (GeneratorType, _progress(_at)),
    (itertools.count, _progress(repr)),
    ((type(iter([])), type(iter(())), type(iter(range(1)))), _progress(operator.length_hint)),
)
"""What is remembered of objects by their type, in the place of the attributes that a class of one's own has."""
