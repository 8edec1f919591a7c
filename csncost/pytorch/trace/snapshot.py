"""How objects were, and putting them back: a walk from one to all that it holds, each met once."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable, Iterable
from types import FunctionType
from typing import Any, TypeAlias

from torch import Tensor

Way: TypeAlias = Callable[[Any, "Snapshot"], None]
"""Remembers one thing of an object."""

NONE: Any = object()
"""In the place of what is not there."""


class Snapshot:
    """How objects were; `tensors` are those that were met, `ways` what is to be remembered of a type."""

    def __init__(self, ways: Callable[[type], Iterable[Way]], known: Iterable[Any] = ()) -> None:
        self.tensors: list[Tensor] = []
        self.saved: list[tuple[Callable[[Any, Any], Any], Any, Any]] = []
        self.empty: list[Any] = []
        self._ways_of = ways
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
                found = ways[kind] = tuple(self._ways_of(kind))
                waiting.append(kind)
            if found and id(held) not in seen:
                seen.add(id(held))
                try:
                    for way in found:
                        way(held, self)
                except Exception:  # an object that does not let itself be looked at
                    continue

    def restore(self) -> list[str]:
        """Put everything back; what cannot be, is named."""
        for held in self.empty:
            if held:
                base(held).clear(held)
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
        value = space.get(name, NONE)
        self.save(_rebind, (space, name), value)
        if not isinstance(value, (type, FunctionType)) or value.__module__ == space.get("__name__"):
            self._waiting.append(value)


def _tried(put_back: Callable[[Any, Any], Any], held: Any, content: Any) -> str | None:
    try:
        found: str | None = put_back(held, content)
    except Exception:  # what one object does not allow, is no reason to leave the others
        return f"changed a {type(held).__name__}"
    return found


def _rebind(place: tuple[dict[str, Any], str], value: Any) -> None:
    space, name = place
    if space.get(name, NONE) is not value:
        if value is NONE:
            del space[name]
        else:
            space[name] = value


def base(held: Any) -> Any:
    """The type whose methods do what they say, whatever a class of its own makes of them."""
    return next(plain for plain in (OrderedDict, dict, list, deque, set) if isinstance(held, plain))
