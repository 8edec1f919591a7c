"""Tensors that a model holds without having registered them: written to for a time, or not at all."""

from __future__ import annotations

from typing import Any

from torch import Tensor

LENT = 1 << 20
"""Bytes of the largest storage that is written to, and put back afterwards."""


class Kept:
    """The storages of such tensors, and what was in those that were written to."""

    def __init__(self) -> None:
        self._tensors: dict[int, Tensor] = {}
        self._lent: dict[int, tuple[Any, Any]] = {}

    def add(self, tensor: Tensor) -> None:
        """Keep a tensor as it is."""
        found = storage(tensor)
        if found is not None:
            self._tensors[found] = tensor

    def __contains__(self, tensor: Tensor) -> bool:
        return bool(self._tensors) and storage(tensor) in self._tensors

    def lend(self, tensor: Tensor) -> bool:
        """Whether a tensor may be written to: what was in it is remembered if it is small."""
        content = tensor.untyped_storage()
        if tensor.is_meta or content.nbytes() > LENT:
            return False
        self._lent.setdefault(content._cdata, (content, content.clone()))  # type: ignore[no-untyped-call]
        return True

    def restore(self) -> None:
        """Undo what was written."""
        for content, before in self._lent.values():
            content.copy_(before)


def storage(tensor: Tensor) -> int | None:
    """What tells storages apart: views have the one of their base."""
    try:
        return int(tensor.untyped_storage()._cdata)
    except (NotImplementedError, RuntimeError):  # sparse, nested and lazy tensors have none
        return None
