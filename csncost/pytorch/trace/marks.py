"""What is known of tensors while a model runs: twins of its own without data, and what came from parameters alone."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from csncost.errors import CsncostError
from csncost.pytorch.trace.gradients import Gradients
from csncost.pytorch.trace.meta import Args, Kwargs, like, tensors
from csncost.pytorch.trace.scope import Scope


class Marks:
    """Twins of a model's tensors, and notes on what is made from them; the model's own tensors bear no note.

    `touched` are the names of parameters that something used; `gradients` are followed for a backward pass only.
    """

    def __init__(self, scope: Scope, backward: bool) -> None:
        self.scope = scope
        self.gradients = Gradients(scope) if backward else None
        self.touched: set[str] = set()
        self._twins: dict[int, Tensor] = {}

    def twin(self, tensor: Tensor) -> Tensor:
        """A tensor of the same shape without data; views of a parameter stay views of its twin."""
        if tensor.is_meta or type(tensor).__name__ == "FakeTensor":
            return tensor
        if torch._C._functorch.is_batchedtensor(tensor):
            raise CsncostError(
                "vmap over parameters hides how often they are used", "trace the function under vmap for one of them"
            )
        if (known := self._twins.get(id(tensor))) is not None:
            return known
        owner = self.scope.owner(tensor)
        if owner is None or tensor.is_sparse:
            return tensor.detach().to("meta") if tensor.is_sparse else like(tensor)
        whole = self._twins.get(id(owner.tensor))
        if whole is None:
            whole = self._twins[id(owner.tensor)] = like(owner.tensor)
            self.scope.mirror(owner, whole)
            if owner.tensor.requires_grad:
                whole._csncost_grad = True  # type: ignore[attr-defined]
        if tensor is owner.tensor:
            return whole
        view = whole.as_strided(tensor.size(), tensor.stride(), tensor.storage_offset() - owner.tensor.storage_offset())
        if tensor.requires_grad:
            view._csncost_grad = True  # type: ignore[attr-defined]
        return view

    def inherit(self, name: str, result: Any, args: Args, kwargs: Kwargs, in_place: bool = False) -> None:
        """Note on what is made from parameters alone, which; and where the gradient of a result goes."""
        if self.gradients is not None:
            self.gradients.follow(name, result, args, kwargs, in_place)
        sources: set[str] = set()
        constant = True
        for tensor in tensors(args, kwargs):
            found = self.sources(tensor)
            constant = constant and found is not None
            sources.update(found or ())
        self.touched |= sources
        if (sources and constant) or in_place:
            for tensor in tensors((result,)):
                if id(tensor) not in self.scope.owners:
                    tensor._csncost_from = frozenset(sources) if constant else None  # type: ignore[attr-defined]

    def sources(self, tensor: Tensor) -> frozenset[str] | tuple[str, ...] | None:
        """The parameters that a tensor was made from; None for an activation, which depends on the input."""
        found: frozenset[str] | None = getattr(tensor, "_csncost_from", None)
        if found is not None:
            return found
        owner = self.scope.owner(tensor)
        if owner is not None:
            return (owner.name,) if owner.learned else ()
        return None if tensor.is_meta else ()
