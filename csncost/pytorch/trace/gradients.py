"""The multiply-adds of a backward pass: those on a way from what a model returns to a weight."""

from __future__ import annotations

from dataclasses import dataclass, fields, is_dataclass
from typing import Any, TypeAlias

import torch
from torch import Tensor

from csncost.pytorch.trace.meta import Args, Kwargs, storage, tensors
from csncost.pytorch.trace.record import Call
from csncost.pytorch.trace.scope import Scope


@dataclass(slots=True, eq=False)
class Node:
    """One operation that a gradient goes through: the cost of its backward pass, and the operations before it.

    `parents` None: this is not known, so that everything before is reached.
    """

    order: int
    parents: list[Node] | None
    call: Call | None = None
    macs: int = 0


Origin: TypeAlias = Node | bool
"""The note on a tensor, `_csncost_grad`: the operation that made it, True for a leaf, False for one cut off."""


class Gradients:
    """Follows what needs a gradient, if `followed`. PyTorch's own graph would hold no shapes of what never ran."""

    def __init__(self, scope: Scope, followed: bool) -> None:
        self.scope = scope
        self.followed = followed
        self.nodes: list[Node] = []
        self._written: dict[int | None, tuple[Tensor, Node]] = {}  # by storage: what was last written into it

    def needing(self, args: Args, kwargs: Kwargs) -> list[Tensor]:
        """The arguments that need a gradient."""
        if not self.followed or not torch.is_grad_enabled():
            return []
        return [tensor for tensor in tensors(args, kwargs) if self._origins(tensor)]

    def _origins(self, tensor: Tensor) -> list[Origin]:
        origin: Origin | None = getattr(tensor, "_csncost_grad", None)
        if not origin and tensor.requires_grad:  # asked for after it was made, or made by PyTorch's own graph
            leaf = tensor.is_leaf or self.scope.owner(tensor) is not None
            origin = True if leaf else self.node(None)
        if origin is False:
            return []
        found: list[Origin] = [] if origin is None else [origin]
        if self._written and (written := self._written.get(storage(tensor))) is not None:
            found.append(written[1])
        return found

    def node(self, parents: list[Node] | None, call: Call | None = None, macs: int = 0) -> Node:
        """A new operation that gradients go through."""
        self.nodes.append(Node(len(self.nodes), parents, call, macs))
        return self.nodes[-1]

    def follow(self, name: str, result: Any, args: Args, kwargs: Kwargs, in_place: bool) -> None:
        """Note on a result where its gradient goes."""
        if not self.followed:
            return
        origins = [one for tensor in self.needing(args, kwargs) for one in self._origins(tensor)]
        if name in ("detach", "data"):
            origins = []
        if origins:
            node = self.node([one for one in origins if isinstance(one, Node)])
        for tensor in tensors((result,)):
            if id(tensor) in self.scope.owners:
                continue
            if not (tensor.is_floating_point() or tensor.is_complex()):  # an index or a truth has no gradient
                tensor._csncost_grad = False  # type: ignore[attr-defined]
                continue
            if origins:
                tensor._csncost_grad = node  # type: ignore[attr-defined]
                if in_place:
                    self._written[storage(tensor)] = tensor, node
            elif self._written and not in_place:
                tensor._csncost_grad = False  # type: ignore[attr-defined]

    def join(self, sources: list[Tensor], results: list[Tensor], parts: list[Node]) -> None:
        """Note that the gradient of results goes to their sources by a function that runs `parts` for it."""
        origins = [one for tensor in sources for one in self._origins(tensor)]
        node = self.node([*parts, *(one for one in origins if isinstance(one, Node))])
        for tensor in results:
            if id(tensor) not in self.scope.owners:
                tensor._csncost_grad = node  # type: ignore[attr-defined]
                if any(tensor is source for source in sources):
                    self._written[storage(tensor)] = tensor, node

    def charge(self, result: Any, call: Call, macs: int) -> None:
        """Note what the backward pass of the operation that gave a result costs."""
        for tensor in tensors((result,)):
            origin = getattr(tensor, "_csncost_grad", None)
            if isinstance(origin, Node):
                origin.call, origin.macs = call, macs
                return

    def settle(self, ends: list[Tensor]) -> None:
        """Add the costs of all operations that the gradient of a model's outputs reaches."""
        waiting = [one for tensor in ends for one in self._origins(tensor) if isinstance(one, Node)]
        if not ends:  # nothing that looks like an output: perhaps an object of the model's own
            waiting = list(self.nodes)
        seen: set[int] = set()
        while waiting:
            node = waiting.pop()
            if node.order in seen:
                continue
            seen.add(node.order)
            waiting += self.nodes[: node.order] if node.parents is None else node.parents
            if node.call is not None:
                node.call.backward += node.macs


def outputs(value: Any, depth: int = 0) -> list[Tensor]:
    """The tensors in what a model returns."""
    if isinstance(value, Tensor):
        return [value]
    if isinstance(value, dict):
        value = list(value.values())
    elif is_dataclass(value) and not isinstance(value, type):
        value = [getattr(value, one.name) for one in fields(value)]
    elif not isinstance(value, (list, tuple, set)):
        value = list(vars(value).values()) if hasattr(value, "__dict__") and depth == 0 else []
    return [] if depth > 8 else [tensor for one in value for tensor in outputs(one, depth + 1)]
