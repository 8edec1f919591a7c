"""Notes on tensors while a model runs: the parameters that they were made from, and where their gradient goes."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from csncost.pytorch.trace.gradients import Gradients
from csncost.pytorch.trace.meta import Args, Kwargs, tensors
from csncost.pytorch.trace.scope import Scope


class Marks:
    """Notes on what is made from a model's tensors; these themselves bear none.

    `touched` are the names of parameters that something used; `gradients` are followed for a backward pass only.
    """

    def __init__(self, scope: Scope, backward: bool) -> None:
        self.scope = scope
        self.gradients = Gradients(scope, backward)
        self.touched: set[str] = set()

    def inherit(self, name: str, result: Any, args: Args, kwargs: Kwargs, in_place: bool = False) -> None:
        """Note the parameters that a result was made from, None if from an activation; and where its gradient goes."""
        self.gradients.follow(name, result, args, kwargs, in_place)
        sources: set[str] = set()
        constant = True
        for tensor in tensors(args, kwargs):
            found = self.sources(tensor)
            constant = constant and found is not None
            sources.update(found or ())
        self.touched |= sources
        origin = frozenset(sources) if constant else None
        for tensor in tensors((result,)):
            if id(tensor) not in self.scope.owners:
                tensor._csncost_from = origin  # type: ignore[attr-defined]

    def sources(self, tensor: Tensor) -> frozenset[str] | None:
        """The parameters that a tensor was made from; None for an activation, which depends on the input."""
        found: frozenset[str] | str | None = getattr(tensor, "_csncost_from", "unnoted")
        if not isinstance(found, str) and id(tensor) not in self.scope.owners:  # a twin is made of nothing
            return found
        owner = self.scope.owner(tensor)
        if owner is not None:
            return frozenset((owner.name,)) if owner.learned else frozenset()
        return None if tensor.is_meta else frozenset()
