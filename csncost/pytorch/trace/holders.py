"""What objects that hold others or numbers are to be remembered by: containers, attributes, slots, tensors, arrays."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from types import MemberDescriptorType
from typing import Any

import torch
from torch import Tensor

from csncost.pytorch.trace.snapshot import NONE, Snapshot, Way, base

LARGE = 1 << 28
"""Bytes of an array that is locked in the place of being copied."""


def dictionary(held: dict[Any, Any], snapshot: Snapshot) -> None:
    """Keys and values of a dict, in their order."""
    if not held:
        snapshot.empty.append(held)
        return
    content = dict(base(held).items(held))
    snapshot.save(_refill_dict, held, content)
    snapshot.visit(content.values())
    snapshot.visit(key for key in content if type(key) is not str)


def _refill_dict(held: dict[Any, Any], content: dict[Any, Any]) -> None:
    plain = base(held)
    pairs = zip(plain.items(held), content.items(), strict=False)
    if len(held) != len(content) or any(a is not c or b is not d for (a, b), (c, d) in pairs):
        plain.clear(held)
        for key, value in content.items():
            plain.__setitem__(held, key, value)


def sequence(held: Any, snapshot: Snapshot) -> None:
    """The elements of a list or a deque."""
    if not held:
        snapshot.empty.append(held)
        return
    content = tuple(base(held).__iter__(held))
    snapshot.save(_refill_sequence, held, content)
    snapshot.visit(content)


def _refill_sequence(held: Any, content: tuple[Any, ...]) -> None:
    plain = base(held)
    if len(held) != len(content) or any(a is not b for a, b in zip(plain.__iter__(held), content, strict=False)):
        plain.clear(held)
        plain.extend(held, content)


def unordered(held: set[Any], snapshot: Snapshot) -> None:
    """The elements of a set."""
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


def fixed(held: Iterable[Any], snapshot: Snapshot) -> None:
    """The elements of a tuple, which stay, and may hold others."""
    snapshot.visit(held)


def attributes_of(held: Any, snapshot: Snapshot) -> None:
    """The attributes of an object, and its class."""
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


def in_slots(slots: list[MemberDescriptorType]) -> Way:
    """The values in the slots of an object."""

    def way(held: Any, snapshot: Snapshot) -> None:
        for slot in slots:
            value = _in_slot(held, slot)
            snapshot.save(_refill_slot, (held, slot), value)
            snapshot.visit((value,))

    return way


def slots_of(kind: type) -> Iterator[MemberDescriptorType]:
    """The slots that a class and those above it declare."""
    for one in kind.__mro__:
        if "__slots__" in vars(one):
            yield from (slot for slot in vars(one).values() if isinstance(slot, MemberDescriptorType))


def _in_slot(held: Any, slot: Any) -> Any:
    try:
        return slot.__get__(held)
    except AttributeError:
        return NONE


def _refill_slot(place: tuple[Any, Any], value: Any) -> None:
    held, slot = place
    if _in_slot(held, slot) is not value:
        slot.__delete__(held) if value is NONE else slot.__set__(held, value)


def tensor(held: Tensor, snapshot: Snapshot) -> None:
    """The attributes, the gradient and the version of a tensor; not its numbers."""
    snapshot.tensors.append(held)
    if not held.is_inference():
        snapshot.save(_reversion, held, held._version)
    dictionary(held.__dict__, snapshot)
    if held.is_leaf and held.grad is not None:
        snapshot.visit((held.grad,))


def _reversion(held: Tensor, version: int) -> None:
    if held._version != version:
        torch._C._autograd._unsafe_set_version_counter((held,), (version,))


def raw(held: Any, snapshot: Snapshot) -> None:
    """The elements of a bytearray or an array of Python's."""
    snapshot.save(_refill_bytes, held, held[:])


def _refill_bytes(held: Any, content: Any) -> None:
    held[:] = content


def numbers(held: Any, snapshot: Snapshot) -> None:
    """The numbers of an array of NumPy; a large one is locked instead."""
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
