"""Functions of PyTorch run while a model is traced: for real on constants, else on twins of tensors without data.

Parameters, buffers and small constants are real tensors until they meet an activation. A twin has the shape of a tensor
of the model and no data, so that kernels on it compute nothing and change nothing.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.grad_mode import _unsafe_preserve_version_counter

from csncost.errors import CsncostError
from csncost.pytorch.known import dtypes, names
from csncost.pytorch.trace.marks import Marks
from csncost.pytorch.trace.meta import Args, Kwargs, as_type, filled, like, mapped, storage, tensors, viewed
from csncost.pytorch.trace.scope import Owner, Scope

SMALL = 1 << 16
"""Elements of a new tensor that is made for real, so that code may read its values."""

LARGEST = 1 << 20
"""Elements of the constants that a function is run on for real, all together."""


class Runner:
    """Runs functions; `autocast` is the kind of device that it is on for."""

    def __init__(self, scope: Scope, marks: Marks) -> None:
        self.scope = scope
        self.marks = marks
        self.autocast: str | None = None
        self._twins: dict[int, Tensor] = {}
        self._stale: dict[int | None, Tensor] = {}  # by storage: constants that activations were written into

    def run(self, name: str, func: Any, args: Args, kwargs: Kwargs) -> Any:
        """The result of a function, with notes on what it was made from."""
        if names.in_place(name) and args and isinstance(args[0], Tensor):
            return self.change(name, func, args, kwargs)
        if self._constant(name, args, kwargs):
            spared = (lambda one: one) if name in names.VIEWS else self._spared
            result = func(*mapped(spared, args), **mapped(spared, kwargs))
        else:
            result = self.on_twins(name, viewed if name == "view" else func, args, kwargs)
        self.marks.inherit(name, result, args, kwargs)
        return result

    def change(self, name: str, func: Any, args: Args, kwargs: Kwargs, shape: Any = None) -> Any:
        """Run an operation in place: on constants for real, and on what the model holds if it can be put back.

        Elsewhere it changes nothing. `shape` is that of its result, if known; if it is not the target's, PyTorch is
        asked if they fit together.
        """
        target, reshaping = args[0], name in names.RESHAPING
        owner = self.scope.owner(target)
        held = owner is not None or target in self.scope.state
        known = not any(map(self.unknowable, tensors(args, kwargs)))
        if not held and (known or reshaping):
            if name == "detach_":
                target._csncost_grad = False
            return func(*args, **kwargs)
        if known and not reshaping and self._lent(target, owner):
            with _unsafe_preserve_version_counter(target):
                return func(*args, **kwargs)
        result = target
        if shape != target.shape:
            tried = self.on_twins(name, func, (like(target), *args[1:]), kwargs)
            result = tried if reshaping else target
        if owner is None and not target.is_meta:
            self._stale[storage(target)] = target
        self.marks.inherit(name, target, args, kwargs, in_place=True)
        return None if name == "__setitem__" else result

    def _lent(self, target: Tensor, owner: Owner | None) -> bool:
        """Tell if a tensor of the model, such as the number of batches seen, may be written to during the run."""
        return not (owner is not None and owner.learned) and self.scope.state.lend(target)

    def make(self, name: str, func: Any, args: Args, kwargs: Kwargs) -> Tensor:
        """A new tensor as `zeros`, `new_zeros` and the like make it: for real if it is small."""
        twin = self.floating_twin  # sizes may be tensors
        outline: Tensor = func(*mapped(twin, args), **{**mapped(twin, kwargs), "device": "meta"})
        if outline.numel() > SMALL:
            return outline
        if name.startswith("new_") or name.endswith("_like"):
            if next(tensors(args, kwargs)).is_meta:
                return filled(name, outline, args, kwargs)
        elif any(tensor.is_meta for tensor in tensors(args, kwargs)):
            return outline
        made: Tensor = func(*args, **{**kwargs, "device": "cpu"})
        return made

    def on_twins(self, name: str, func: Any, args: Args, kwargs: Kwargs) -> Any:
        """The result of a function on tensors without data."""
        twin = self.floating_twin if name in names.BY_VALUE else self.twin
        args, kwargs = mapped(twin, args), mapped(twin, kwargs)
        if (wanted := dtypes.autocast(name, self.autocast)) is not None:
            args, kwargs = as_type(wanted, args, kwargs)
        with torch.no_grad():
            return func(*args, **kwargs)

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
        whole = self._whole_twin(owner)
        if tensor is owner.tensor:
            return whole
        view = whole.as_strided(tensor.size(), tensor.stride(), tensor.storage_offset() - owner.tensor.storage_offset())
        if tensor.requires_grad:
            view._csncost_grad = True  # type: ignore[attr-defined]
        return view

    def _whole_twin(self, owner: Owner) -> Tensor:
        found = self._twins.get(id(owner.tensor))
        if found is None:
            found = self._twins[id(owner.tensor)] = like(owner.tensor)
            self.scope.mirror(owner, found)
            if owner.tensor.requires_grad:
                found._csncost_grad = True  # type: ignore[attr-defined]
        return found

    def floating_twin(self, tensor: Tensor) -> Tensor:
        """The same, but whole numbers that are known stay: indices, lengths, sizes."""
        whole = not tensor.is_floating_point() and not self.unknowable(tensor)
        return tensor if whole else self.twin(tensor)

    def unknowable(self, tensor: Tensor) -> bool:
        """Tell if the values of a tensor depend on the input: it has none, or activations were written into it."""
        return tensor.is_meta or (bool(self._stale) and storage(tensor) in self._stale)

    def _constant(self, name: str, args: Args, kwargs: Kwargs) -> bool:
        """Tell if tensors may be computed with for real: small constants, and views of parameters."""
        viewing, total = name in names.VIEWS, 0
        for tensor in tensors(args, kwargs):
            if self.unknowable(tensor):
                return False
            if not viewing:
                owner = self.scope.owner(tensor)
                if owner is not None and owner.learned:
                    return False
                total += tensor.numel()
        return total <= LARGEST

    def _spared(self, tensor: Tensor) -> Tensor:
        """A copy of a tensor of the model, since some functions write into what they are given."""
        return tensor.detach().clone() if self.scope.holds(tensor) else tensor
