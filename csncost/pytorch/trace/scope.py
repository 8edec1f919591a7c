"""Names of a model's modules and tensors, and the stack of modules that are running."""

from __future__ import annotations

import sys
import threading
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from torch import Tensor, nn
from torch.nn.modules.module import register_module_forward_hook, register_module_forward_pre_hook

from csncost.errors import CsncostError
from csncost.pytorch.trace.isolation import ModelState
from csncost.pytorch.trace.messages import Failures
from csncost.pytorch.trace.meta import storage


@dataclass(slots=True)
class Frame:
    """A module that is running; `met` counts its own operations by name within this run."""

    path: str
    kind: str
    module: nn.Module | None
    met: Counter[str] = field(default_factory=Counter)


class Owner(NamedTuple):
    """A parameter or buffer of the model, by its full name."""

    name: str
    tensor: Tensor
    learned: bool


class Scope:
    """Names of modules and parameters, and the modules that are running at the moment.

    It follows one thread, and only while it is `awake`; `refusal` is what the model may not catch.
    """

    def __init__(self, roots: Iterable[tuple[str, nn.Module]]) -> None:
        self.paths: dict[int, str] = {}
        self.modules: dict[str, nn.Module] = {}
        self.owners: dict[int, Owner] = {}
        self.by_name: dict[str, Owner] = {}
        self.storages: dict[int, list[Owner]] = {}
        self.state = ModelState()
        self.stack = [Frame("", "", None)]
        self.thread = threading.get_ident()
        self.awake = True
        self.refusal: CsncostError | None = None
        self.failures = Failures()
        for prefix, root in roots:
            self.adopt(prefix, root)

    def adopt(self, prefix: str, root: nn.Module) -> None:
        """Learn the names of a module and of all within it; a name that came first stays."""
        self.state.save(root)
        for path, module in root.named_modules(prefix=prefix):
            if id(module) not in self.paths:
                self.paths[id(module)] = path
                self.modules[path] = module
            for learned, tensors in ((True, module._parameters), (False, module._buffers)):
                for name, tensor in tensors.items():
                    if tensor is not None and id(tensor) not in self.owners:
                        self.own(Owner(f"{path}.{name}" if path else name, tensor, learned))
            for name, value in module.__dict__.items():  # tensors that are held, and not registered
                if type(value) in (Tensor, list, tuple):
                    for tensor in (value,) if type(value) is Tensor else value:
                        if type(tensor) is Tensor and id(tensor) not in self.owners:
                            self.own(Owner(f"{path}.{name}" if path else name, tensor, False))

    def own(self, owner: Owner) -> None:
        """Remember a tensor of the model by its name."""
        self.by_name[owner.name] = owner
        self.mirror(owner, owner.tensor)

    def mirror(self, owner: Owner, twin: Tensor) -> None:
        """Remember that a tensor, and its views, show a tensor of the model."""
        self.owners[id(twin)] = owner
        found = storage(twin)
        if found is not None:
            self.storages.setdefault(found, []).append(owner)

    def owner(self, tensor: Tensor) -> Owner | None:
        """The parameter or buffer that a tensor is, or is a view of."""
        if (found := self.owners.get(id(tensor))) is not None:
            return found
        where = storage(tensor)
        candidates = self.storages.get(where, ()) if where is not None else ()
        if len(candidates) < 2:
            return candidates[0] if candidates else None
        start = tensor.storage_offset()
        within = [one for one in candidates if one.tensor.storage_offset() <= start]
        return max(within or candidates, key=lambda one: one.tensor.storage_offset())

    def holds(self, tensor: Tensor) -> bool:
        """Tell if a tensor is of the model, registered or not."""
        return self.owner(tensor) is not None or tensor in self.state

    def parameters(self) -> Iterator[Owner]:
        """Every parameter of the model once."""
        return (owner for owner in self.by_name.values() if owner.learned)

    def place(self, owner: Owner) -> tuple[str, str]:
        """The module of a weight, the running one if that holds it, too, and what it is called there."""
        frame = self.stack[-1]
        if frame.module is not None:
            for name, tensor in frame.module._parameters.items():
                if tensor is owner.tensor:
                    return frame.path, _stem(name)
        path, _, name = owner.name.rpartition(".")
        return path, _stem(name)

    @contextmanager
    def following(self) -> Iterator[None]:
        """Follow the calls of modules; all hooks are gone afterwards."""
        handles = [
            register_module_forward_pre_hook(self._enter),
            register_module_forward_hook(self._leave, always_call=True),
        ]
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()
            del self.stack[1:]

    def refuse(self, what: str, hint: str) -> CsncostError:
        """An error that ends the trace, even if the model goes on."""
        if self.refusal is None:
            self.refusal = CsncostError(f"{self.stack[-1].path or 'the model'} {what}", hint)
        return self.refusal

    def follows(self) -> bool:
        """Tell if the code that runs here and now belongs to this trace."""
        return self.awake and self.thread == threading.get_ident()

    def _elsewhere(self, module: nn.Module, args: Any) -> bool:
        """Tell if a call is not of this trace. Raises CsncostError where it should be."""
        if self.follows():
            return False
        ours = self.thread != threading.get_ident() and id(module) in self.paths
        if ours and any(isinstance(arg, Tensor) and arg.is_meta for arg in args):
            raise self.refuse("runs modules in a thread of its own, which is not followed", "let them run in turn")
        return True

    def _enter(self, module: nn.Module, args: Any) -> None:
        if self._elsewhere(module, args):
            return
        if id(module) not in self.paths:  # made while the model runs, or reached in no other way
            self.adopt(self._new_name(type(module).__name__.lower()), module)
        self.stack.append(Frame(self.paths[id(module)], type(module).__name__, module))

    def _new_name(self, stem: str) -> str:
        """`net`, and for others of its class `net_2`, `net_3`, ..."""
        times = 1
        while (name := stem if times == 1 else f"{stem}_{times}") in self.modules:
            times += 1
        return name

    def _leave(self, module: nn.Module, args: Any, output: Any) -> None:
        if not self.follows():
            return
        if (error := sys.exc_info()[1]) is not None:
            self.failures.pass_through(error, self.stack[-1].path)
        while len(self.stack) > 1 and self.stack.pop().module is not module:
            pass


def _stem(name: str) -> str:
    """The part of a weight's name that names more than its module: `in_proj` of `in_proj_weight`, none of `weight`."""
    if name.startswith("weight_"):  # weight_ih_l0 of a recurrent layer
        return ""
    return name.removesuffix("weight").removesuffix("bias").removesuffix("_")
