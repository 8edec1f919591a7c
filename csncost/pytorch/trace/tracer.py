"""Runs a model on tensors without data and writes down every operation.

Functions of PyTorch are intercepted before they reach a kernel. For those with a rule of shapes no kernel runs at all;
others run on the meta device. What is not known by its function is listened to one level below, kernel by kernel, where
scripted code is seen, too. Parameters, buffers and small constants are real tensors until they meet an activation.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.autograd.grad_mode import _unsafe_preserve_version_counter
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.hooks import RemovableHandle

from csncost.errors import CsncostError
from csncost.pytorch.known import dtypes, names
from csncost.pytorch.known.operation import Op
from csncost.pytorch.trace import meta as hollow
from csncost.pytorch.trace.ledger import Aside, Ledger
from csncost.pytorch.trace.marks import Marks
from csncost.pytorch.trace.meta import Args, Kwargs, mapped, storage, tensors
from csncost.pytorch.trace.scope import Scope

SMALL = 1 << 16
"""Elements of a constant that is made for real, so that code may read its values."""

_ARITHMETIC = frozenset({"add", "multiply", "elementwise"})


class Tracer(TorchFunctionMode):
    """The interceptor of functions; `fast` uses the rules of shapes, `backward` follows what needs a gradient."""

    def __init__(self, place: Scope, formulas: Mapping[Any, Op], fast: bool = True, backward: bool = False) -> None:
        super().__init__()
        self.scope = place
        self.formulas = formulas
        self.fast = fast
        self.marks = Marks(place, backward)
        self.ledger = Ledger(place, self.marks)
        self.book: Ledger | Aside = self.ledger
        self.free: Counter[str] = Counter()
        self.stale: dict[int | None, Tensor] = {}
        self.quiet = False
        self.autocast: str | None = None
        self.net = _Net(self)
        self._opening: list[Any] = []

    def __torch_function__(self, func: Any, types: Any, args: Args = (), kwargs: Kwargs | None = None) -> Any:
        way, name = names.known(func)
        kwargs = kwargs or {}
        if way == "plain" or not self.scope.awake:
            return func(*args, **kwargs)
        self.autocast = dtypes.autocasting() if torch._C._is_any_autocast_enabled() else None
        vmapped = torch._C._functorch.maybe_current_level() is not None
        if vmapped and way != "refused":  # vmap hides an axis: its kernels show it
            return self._quietly(self._other, name, func, args, kwargs)
        if self.formulas and (op := self.formulas.get(func) or self.formulas.get(name)) is not None:
            return self._quietly(self.known, op, name, func, args, kwargs)
        if isinstance(way, Op):
            return self._quietly(self.known, way, name, func, args, kwargs)
        return self._quietly(getattr(self, f"_{way}"), name, func, args, kwargs)

    def _quietly(self, method: Callable[..., Any], *args: Any) -> Any:
        """Do what must not be heard by the net below."""
        before, self.quiet = self.quiet, True
        try:
            return method(*args)
        except (RuntimeError, ValueError, TypeError, IndexError) as error:
            name = next((one for one in args if isinstance(one, str)), str(args[0]))
            self.scope.blame(error, name, args[-2])
            raise
        finally:
            self.quiet = before

    @contextmanager
    def unheard(self) -> Iterator[None]:
        """What runs here is no part of the model."""
        before, self.quiet = self.quiet, True
        try:
            with torch._C.DisableTorchFunction():
                yield
        finally:
            self.quiet = before

    @contextmanager
    def aside(self) -> Iterator[Aside]:
        """What runs here is written down apart, and what it cannot read stops nothing else."""
        book, refusal = self.book, self.scope.refusal
        self.book = aside = Aside()
        try:
            yield aside
        finally:
            self.book, self.scope.refusal = book, refusal

    def kernel(self, func: Any, args: Args, kwargs: Kwargs) -> Any:
        """A kernel that no function above it explains."""
        way, name = names.kernel(func)
        op = self.formulas.get(name) if self.formulas else None
        if op is None and isinstance(way, Op):
            op = way
        if op is not None:
            return self.known(op, name, func, args, kwargs)
        if way == "free":
            return self._free(name, func, args, kwargs)
        if way == "refused":
            return self._refused(name, func, args, kwargs)
        self.book.unknown[name, self.scope.stack[-1].path] += 1
        return self.run(name, func, args, kwargs)

    def known(self, op: Op, name: str, func: Any, args: Args, kwargs: Kwargs) -> Any:
        """An operation with a formula."""
        if op.kind in _ARITHMETIC and self._counts_runs(args, kwargs):
            self.free[name.strip("_")] += 1
            return self.run(name, func, args, kwargs)
        needs = self.marks.gradients.needing(args, kwargs) if self.marks.gradients is not None else []
        target = kwargs.pop("out", None) if kwargs else None
        run = op.bind(args, kwargs)
        if self.fast and op.shape is not None and hollow.any_meta(args):
            shape = op.shape_of(run)
            if names.in_place(name):
                result = self._changed(name, func, args, kwargs, shape)
            elif shape is None:
                result = self._asked(op, name, func, args, kwargs)
            else:
                result = hollow.made(shape, args, dtypes.autocast(name, self.autocast) if self.autocast else None)
                self.marks.inherit(name, result, args, kwargs)
        else:
            result = self._asked(op, name, func, args, kwargs)
        run.out = result
        self.book.record(op, run, needs)
        if kwargs.get("inplace") is True and args and result is not args[0]:
            self.marks.inherit(name, args[0], (result,), {}, in_place=True)
        return result if target is None else target

    def _asked(self, op: Op, name: str, func: Any, args: Args, kwargs: Kwargs) -> Any:
        """The result as the function itself says, which does not look at types where there is no data."""
        dtypes.check(op.kind, name, args, kwargs, self.autocast)
        return self.run(name, func, args, kwargs)

    def _counts_runs(self, args: Args, kwargs: Kwargs) -> bool:
        """Whether only whole numbers of the model's own are computed with, such as that of the batches seen."""
        for tensor in tensors(args, kwargs):
            if tensor.is_floating_point() or tensor.is_complex() or tensor.numel() != 1:
                return False
            owner = self.scope.owner(tensor)
            if owner is None or owner.learned:
                return False
        return True

    def _free(self, name: str, func: Any, args: Args, kwargs: Kwargs) -> Any:
        """An operation that computes nothing."""
        self.free[name.strip("_")] += 1
        if name in names.SELECTING:
            self._no_selection(name, args, kwargs)
        if name == "_pack_padded_sequence":
            self._known_lengths(args[1])
        target = kwargs.pop("out", None) if kwargs else None
        op = names.FREE_SHAPES.get(name) if self.fast and hollow.any_meta(args) else None
        sizes = op.shape_of(op.bind(args, kwargs)) if op is not None else None
        if sizes is None:
            result = self.run(name, func, args, kwargs)
        else:
            result = hollow.made(sizes, args)
            self.marks.inherit(name, result, args, kwargs)
        return result if target is None else target

    def _no_selection(self, name: str, args: Args, kwargs: Kwargs) -> None:
        """Refuse what gives as many elements as the values of an activation say."""
        if name in ("__getitem__", "index"):
            picked = [one for one in tensors(args[1:]) if one.dtype in (torch.bool, torch.uint8)]
        else:
            picked = list(tensors(args, kwargs))
        if any(map(self._unknowable, picked)):
            raise self._unread(name, "selects by the values of an activation")

    def _known_lengths(self, lengths: Tensor) -> None:
        """Refuse to pack sequences of unknown lengths, which are what they cost."""
        if self._unknowable(lengths):
            raise CsncostError(
                f"{self.scope.stack[-1].path or 'the model'} packs sequences, and their lengths are not known",
                "give lengths as values: --input lengths=5,4,2, or a tensor of them in Python",
            )

    def run(self, name: str, func: Any, args: Args, kwargs: Kwargs) -> Any:
        """Run a function: for real on constants, else on tensors without data."""
        if names.in_place(name) and args and isinstance(args[0], Tensor):
            return self._changed(name, func, args, kwargs)
        if self._constant(name, args, kwargs):
            spared = (lambda one: one) if name in names.VIEWS else self._spared
            result = func(*mapped(spared, args), **mapped(spared, kwargs))
        else:
            result = self._on_twins(name, hollow.viewed if name == "view" else func, args, kwargs)
        self.marks.inherit(name, result, args, kwargs)
        return result

    def _spared(self, tensor: Tensor) -> Tensor:
        """A copy of a tensor of the model, since some functions write into what they are given."""
        return tensor.detach().clone() if self.scope.holds(tensor) else tensor

    def _on_twins(self, name: str, func: Any, args: Args, kwargs: Kwargs) -> Any:
        twin = self._floating_twin if name in names.BY_VALUE else self.marks.twin
        args, kwargs = mapped(twin, args), mapped(twin, kwargs)
        if (wanted := dtypes.autocast(name, self.autocast)) is not None:
            args, kwargs = hollow.as_type(wanted, args, kwargs)
        with torch.no_grad():
            return func(*args, **kwargs)

    def _floating_twin(self, tensor: Tensor) -> Tensor:
        whole = not tensor.is_floating_point() and not self._unknowable(tensor)
        return tensor if whole else self.marks.twin(tensor)

    def _changed(self, name: str, func: Any, args: Args, kwargs: Kwargs, shape: Any = None) -> Any:
        """An operation in place: done on constants, never on tensors of the model, and of no effect on shapes.

        `shape` is that of its result, if known. If it is not the target's, PyTorch is asked whether they fit together.
        """
        target, reshaping = args[0], name in names.RESHAPING
        owner = self.scope.owner(target)
        held = owner is not None or target in self.scope.state
        known = not any(map(self._unknowable, tensors(args, kwargs)))
        if not held and (known or reshaping):
            if name == "detach_":
                target._csncost_grad = False
            return func(*args, **kwargs)
        if known and not reshaping and not (owner and owner.learned) and self.scope.state.lend(target):
            with _unsafe_preserve_version_counter(target):
                return func(*args, **kwargs)
        result = target
        if shape != target.shape:
            tried = self._on_twins(name, func, (hollow.like(target), *args[1:]), kwargs)
            result = tried if reshaping else target
        if owner is None and not target.is_meta:
            self.stale[storage(target)] = target
        self.marks.inherit(name, target, args, kwargs, in_place=True)
        return None if name == "__setitem__" else result

    def _constant(self, name: str, args: Args, kwargs: Kwargs) -> bool:
        """Whether tensors may be computed with for real: constants, and views of parameters."""
        total = 0
        for tensor in tensors(args, kwargs):
            if self._unknowable(tensor):
                return False
            owner = self.scope.owner(tensor)
            total += 0 if name in names.VIEWS else 1 << 62 if owner is not None and owner.learned else tensor.numel()
        return total <= 16 * SMALL

    def _unknowable(self, tensor: Tensor) -> bool:
        """Whether the values of a tensor depend on the input: it has none, or activations were written into it."""
        return tensor.is_meta or (bool(self.stale) and storage(tensor) in self.stale)

    def _move(self, name: str, func: Any, args: Args, kwargs: Kwargs) -> Any:
        """A change of type or device: the device is left as it is."""
        self.free[name] += 1
        tensor = args[0]
        if name == "type" and len(args) == 1 and not kwargs:
            return func(*args)
        wanted = names.DTYPES.get(name)
        for arg in (*args[1:], *kwargs.values()):
            if name == "type" and isinstance(arg, str):  # "torch.FloatTensor"
                arg = getattr(torch, arg.rpartition(".")[2], arg)
            dtype = arg if isinstance(arg, torch.dtype) else getattr(arg, "dtype", None)  # a tensor has one, or a class
            wanted = dtype if isinstance(dtype, torch.dtype) else wanted
        if wanted is None or wanted == tensor.dtype:
            return tensor
        if not tensor.is_meta:
            return self.run("to", torch.Tensor.to, (tensor, wanted), {})
        result = torch.empty(tensor.shape, dtype=wanted, device="meta")
        self.marks.inherit(name, result, args, {})
        return result

    def _factory(self, name: str, func: Any, args: Args, kwargs: Kwargs) -> Any:
        """A new tensor: for real if it is small, so that its values may be read."""
        self.free[name] += 1
        twin = self._floating_twin  # sizes may be tensors
        outline = func(*mapped(twin, args), **{**mapped(twin, kwargs), "device": torch.device("meta")})
        if outline.numel() > SMALL:
            return outline
        if name.startswith("new_") or name.endswith("_like"):
            if next(tensors(args, kwargs)).is_meta:
                return hollow.filled(name, outline, args, kwargs)
        elif any(tensor.is_meta for tensor in tensors(args, kwargs)):
            return outline
        return func(*args, **{**kwargs, "device": torch.device("cpu")})

    def _copied(self, name: str, func: Any, args: Args, kwargs: Kwargs) -> Any:
        """`torch.tensor` and `as_tensor`: on no device but this, so that values may be read."""
        self.free[name] += 1
        if any(tensor.is_meta for tensor in tensors(args, kwargs)):
            return self._on_twins(name, func, args, {**kwargs, "device": torch.device("meta")})
        return func(*args, **{**kwargs, "device": torch.device("cpu")})

    def _value(self, name: str, func: Any, args: Args, kwargs: Kwargs) -> Any:
        """Code that reads a value, which an activation does not have."""
        if any(map(self._unknowable, tensors(args, kwargs))):
            owner = self.scope.owner(next(tensors(args, kwargs)))
            whose = f"{owner.name}, which has none" if owner is not None else "an activation"
            raise self._unread(name, f"reads the value of {whose}")
        if name in names.ARRAYS and self.scope.holds(args[0]) and not args[0].requires_grad:
            args = (args[0].detach().clone(), *args[1:])  # what is written into the array is not the model's
        return func(*args, **kwargs)

    def _unread(self, name: str, what: str) -> CsncostError:
        hint = "what runs then depends on the data: trace a part that does not, or give this one a fixed path"
        return self.scope.refuse(f"{what} ({name.strip('_')})", hint)

    def _no(self, name: str, func: Any, args: Args, kwargs: Kwargs) -> bool:
        """A question on which PyTorch takes a short cut, which is not taken."""
        self.free[name] += 1
        return False

    def _set(self, name: str, func: Any, args: Args, kwargs: Kwargs) -> Any:
        """An attribute of a tensor is set; those of the model's own stay as they are."""
        if not self.scope.holds(args[0]):
            func(*args, **kwargs)

    def _refused(self, name: str, func: Any, args: Args, kwargs: Kwargs) -> Any:
        """What is known not to be followed."""
        raise self.scope.refuse(*names.REFUSED[name])

    def _gradient(self, name: str, func: Any, args: Args, kwargs: Kwargs) -> Any:
        """Gradients, other than those of a function transform, whose kernels are heard."""
        if any(tensor.grad_fn is not None for tensor in tensors(args[:1])):
            return self._other(name, func, args, kwargs)
        return self._refused(name, func, args, kwargs)

    def _higher(self, name: str, func: Any, args: Args, kwargs: Kwargs) -> Any:
        """A function of functions: a branch or a loop that depends on constants alone is one in Python."""
        if name not in ("cond", "while_loop"):
            raise self.scope.refuse(f"runs {name}, which is not followed", "write it as a loop or a call in Python")
        before, self.quiet = self.quiet, False
        try:
            with self:
                return _branch(*args, **kwargs) if name == "cond" else _loop(*args, **kwargs)
        finally:
            self.quiet = before

    def _hook(self, name: str, func: Any, args: Args, kwargs: Kwargs) -> Any:
        """A hook on a gradient, which does not come."""
        return None if name == "retain_grad" else RemovableHandle(OrderedDict())

    def _still(self, name: str, func: Any, args: Args, kwargs: Kwargs) -> Any:
        """A change of where a tensor lies, which is left as it is."""
        return args[0]

    def _open(self, name: str, func: Any, args: Args, kwargs: Kwargs) -> Any:
        """A function written in Python: run its body, so that what it calls is seen."""
        if func in self._opening:
            return self._other(name, func, args, kwargs)
        self._opening.append(func)
        before, self.quiet = self.quiet, False
        try:
            with self:
                return names.body(func)(*args, **kwargs)
        finally:
            self.quiet = before
            self._opening.pop()

    def _other(self, name: str, func: Any, args: Args, kwargs: Kwargs) -> Any:
        """Anything else: run it, and listen to its kernels. What takes no tensor may be a switch, as of gradients."""
        before, self.quiet = self.quiet, False
        twin = self.marks.twin
        try:
            return func(*mapped(twin, args), **mapped(twin, kwargs))
        finally:
            self.quiet = before


def _branch(condition: Any, yes: Callable[..., Any], no: Callable[..., Any], operands: Args = ()) -> Any:
    return (yes if condition else no)(*operands)


def _loop(condition: Callable[..., Any], body: Callable[..., Any], carried: Any, more: Args = ()) -> Any:
    while condition(*carried, *more):
        carried = body(*carried, *more)
    return carried


class _Net(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Hears the kernels that run outside of functions that are known."""

    supports_higher_order_operators = True

    def __init__(self, tracer: Tracer) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.tracer = tracer

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # the wrapper that skips it would import the whole compiler

    def __torch_dispatch__(self, func: Any, types: Any, args: Args = (), kwargs: Kwargs | None = None) -> Any:
        if (tracer := self.tracer).quiet or not tracer.scope.awake:
            return func(*args, **(kwargs or {}))
        if isinstance(func, torch._ops.HigherOrderOperator):
            with self:
                return tracer._higher(func._name, func, args, dict(kwargs or {}))
        with torch._C.DisableTorchFunction():
            return tracer._quietly(tracer.kernel, func, args, dict(kwargs or {}))
