"""Intercepts what a model runs and has every operation written down.

Functions of PyTorch are intercepted before they reach a kernel. For those with a rule of shapes no kernel runs at all;
others run on the meta device. What is not known by its function is listened to one level below, kernel by kernel, where
scripted code is seen, too.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.hooks import RemovableHandle

from csncost.errors import CsncostError
from csncost.pytorch.known import dtypes, names
from csncost.pytorch.known.operation import Op
from csncost.pytorch.trace.ledger import Aside, Ledger
from csncost.pytorch.trace.marks import Marks
from csncost.pytorch.trace.meta import Args, Kwargs, any_meta, made, mapped, tensors
from csncost.pytorch.trace.runner import Runner
from csncost.pytorch.trace.scope import Scope

_ARITHMETIC = frozenset({"add", "multiply", "elementwise"})


class Tracer(TorchFunctionMode):
    """The interceptor of functions; `fast` uses the rules of shapes, `backward` follows what needs a gradient.

    A function goes one of several ways: the method that `names.known` gives for it, or `_known` with a formula.
    """

    def __init__(self, scope: Scope, formulas: Mapping[Any, Op], fast: bool = True, backward: bool = False) -> None:
        super().__init__()
        self.scope = scope
        self.formulas = formulas
        self.fast = fast
        self.marks = Marks(scope, backward)
        self.runner = Runner(scope, self.marks)
        self.ledger = Ledger(scope, self.marks)
        self.book: Ledger | Aside = self.ledger
        self.free: Counter[str] = Counter()
        self.quiet = False
        self.kernels = _Kernels(self)
        self._opening: list[Any] = []

    def __torch_function__(self, func: Any, types: Any, args: Args = (), kwargs: Kwargs | None = None) -> Any:
        way, name = names.known(func)
        kwargs = kwargs or {}
        if way == "plain" or not self.scope.awake:
            return func(*args, **kwargs)
        self.runner.autocast = dtypes.autocasting() if torch._C._is_any_autocast_enabled() else None
        if torch._C._functorch.maybe_current_level() is not None:  # vmap hides an axis: its kernels show it
            way = way if way == "refused" else "other"
        elif self.formulas:
            way = self.formulas.get(func) or self.formulas.get(name) or way
        return self.go(way, name, func, args, kwargs)

    def go(self, way: str | Op, name: str, func: Any, args: Args, kwargs: Kwargs) -> Any:
        """Run a function its way; the kernels that it takes are not heard."""
        before, self.quiet = self.quiet, True
        try:
            if isinstance(way, Op):
                return self._known(way, name, func, args, kwargs)
            return getattr(self, f"_{way}")(name, func, args, kwargs)
        except (RuntimeError, ValueError, TypeError, IndexError) as error:
            self.scope.failures.blame(error, name, args)
            raise
        finally:
            self.quiet = before

    @contextmanager
    def hearing(self, kernels: bool) -> Iterator[None]:
        """Hear the kernels that run here, or do not."""
        before, self.quiet = self.quiet, not kernels
        try:
            yield
        finally:
            self.quiet = before

    @contextmanager
    def unheard(self) -> Iterator[None]:
        """Run what is no part of the model."""
        with self.hearing(False), torch._C.DisableTorchFunction():
            yield

    @contextmanager
    def aside(self) -> Iterator[Aside]:
        """Write down apart what runs here; what it cannot read stops nothing else."""
        book, refusal = self.book, self.scope.refusal
        self.book = aside = Aside()
        try:
            yield aside
        finally:
            self.book, self.scope.refusal = book, refusal

    def _known(self, op: Op, name: str, func: Any, args: Args, kwargs: Kwargs) -> Any:
        """Run an operation with a formula, and write it down."""
        if op.kind in _ARITHMETIC and self._counts_runs(args, kwargs):
            return self._free(name, func, args, kwargs)
        needs = self.marks.gradients.needing(args, kwargs)
        target = kwargs.pop("out", None) if kwargs else None
        run = op.bind(args, kwargs)
        ruled = self.fast and op.shape is not None and any_meta(args)
        shape = op.shape_of(run) if ruled else None
        if ruled and names.in_place(name):
            run.out = self.runner.change(name, func, args, kwargs, shape)
        elif shape is not None:
            run.out = self._made(name, shape, args, kwargs)
        else:  # as the function itself says, which does not look at types where there is no data
            dtypes.check(op.kind, name, run, self.runner.autocast)
            run.out = self.runner.run(name, func, args, kwargs)
        self.book.record(op, run, needs)
        if kwargs.get("inplace") is True and args and run.out is not args[0]:
            self.marks.inherit(name, args[0], (run.out,), {}, in_place=True)
        return run.out if target is None else target

    def _made(self, name: str, shape: Any, args: Args, kwargs: Kwargs) -> Any:
        """A result whose shape is known."""
        result = made(shape, args, dtypes.autocast(name, self.runner.autocast))
        self.marks.inherit(name, result, args, kwargs)
        return result

    def _counts_runs(self, args: Args, kwargs: Kwargs) -> bool:
        """Tell if only whole numbers of the model's own are computed with, such as that of the batches seen."""
        for tensor in tensors(args, kwargs):
            if tensor.is_floating_point() or tensor.is_complex() or tensor.numel() != 1:
                return False
            owner = self.scope.owner(tensor)
            if owner is None or owner.learned:
                return False
        return True

    def _free(self, name: str, func: Any, args: Args, kwargs: Kwargs) -> Any:
        """Run an operation that computes nothing."""
        self.free[name.strip("_")] += 1
        if name in names.SELECTING:
            self._no_selection(name, args, kwargs)
        if name == "_pack_padded_sequence":
            self._known_lengths(args[1])
        target = kwargs.pop("out", None) if kwargs else None
        op = names.FREE_SHAPES.get(name) if self.fast and any_meta(args) else None
        shape = op.shape_of(op.bind(args, kwargs)) if op is not None else None
        if shape is None:
            result = self.runner.run(name, func, args, kwargs)
        else:
            result = self._made(name, shape, args, kwargs)
        return result if target is None else target

    def _no_selection(self, name: str, args: Args, kwargs: Kwargs) -> None:
        """Refuse a function that gives as many elements as the values of an activation say."""
        if name in ("__getitem__", "index"):
            picked = [one for one in tensors(args[1:]) if one.dtype in (torch.bool, torch.uint8)]
        else:
            picked = list(tensors(args, kwargs))
        if any(map(self.runner.unknowable, picked)):
            raise self._unread(name, "selects by the values of an activation")

    def _known_lengths(self, lengths: Tensor) -> None:
        """Refuse to pack sequences of unknown lengths, which are what they cost."""
        if self.runner.unknowable(lengths):
            raise CsncostError(
                f"{self.scope.stack[-1].path or 'the model'} packs sequences, and their lengths are not known",
                "give lengths as values: --input lengths=5,4,2, or a tensor of them in Python",
            )

    def _move(self, name: str, func: Any, args: Args, kwargs: Kwargs) -> Any:
        """Change the type of a tensor; its device is left as it is."""
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
        return self.runner.run("to", torch.Tensor.to, (tensor, wanted), {})

    def _factory(self, name: str, func: Any, args: Args, kwargs: Kwargs) -> Any:
        """Make a new tensor: for real if it is small, so that its values may be read."""
        self.free[name] += 1
        return self.runner.make(name, func, args, kwargs)

    def _copied(self, name: str, func: Any, args: Args, kwargs: Kwargs) -> Any:
        """Run `torch.tensor` and the like on no device but this, so that values may be read."""
        self.free[name] += 1
        if any(tensor.is_meta for tensor in tensors(args, kwargs)):
            return self.runner.on_twins(name, func, args, {**kwargs, "device": "meta"})
        return func(*args, **{**kwargs, "device": "cpu"})

    def _value(self, name: str, func: Any, args: Args, kwargs: Kwargs) -> Any:
        """Read a value, which an activation does not have."""
        if any(map(self.runner.unknowable, tensors(args, kwargs))):
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
        """Answer no to a question on which PyTorch takes a short cut."""
        self.free[name] += 1
        return False

    def _set(self, name: str, func: Any, args: Args, kwargs: Kwargs) -> Any:
        """Set an attribute of a tensor, unless it is the model's own."""
        if not self.scope.holds(args[0]):
            func(*args, **kwargs)

    def _refused(self, name: str, func: Any, args: Args, kwargs: Kwargs) -> Any:
        """Refuse a function that is known not to be followed."""
        raise self.scope.refuse(*names.REFUSED[name])

    def _gradient(self, name: str, func: Any, args: Args, kwargs: Kwargs) -> Any:
        """Refuse gradients, other than those of a function transform, whose kernels are heard."""
        if any(tensor.grad_fn is not None for tensor in tensors(args[:1])):
            return self._other(name, func, args, kwargs)
        return self._refused(name, func, args, kwargs)

    def _higher(self, name: str, func: Any, args: Args, kwargs: Kwargs) -> Any:
        """Run a branch or a loop on constants as one of Python; refuse other functions of functions."""
        if name not in ("cond", "while_loop"):
            raise self.scope.refuse(f"runs {name}, which is not followed", "write it as a loop or a call in Python")
        with self.hearing(True), self:
            return _branch(*args, **kwargs) if name == "cond" else _loop(*args, **kwargs)

    def _hook(self, name: str, func: Any, args: Args, kwargs: Kwargs) -> Any:
        """Hang no hook on a gradient, which does not come."""
        return None if name == "retain_grad" else RemovableHandle(OrderedDict())

    def _still(self, name: str, func: Any, args: Args, kwargs: Kwargs) -> Any:
        """Leave a tensor where it lies."""
        return args[0]

    def _open(self, name: str, func: Any, args: Args, kwargs: Kwargs) -> Any:
        """Run the body of a function written in Python, so that what it calls is seen."""
        if func in self._opening:
            return self._other(name, func, args, kwargs)
        self._opening.append(func)
        try:
            with self.hearing(True), self:
                return names.body(func)(*args, **kwargs)
        finally:
            self._opening.pop()

    def _other(self, name: str, func: Any, args: Args, kwargs: Kwargs) -> Any:
        """Run anything else and listen to its kernels; without tensors it may be a switch, as of gradients."""
        twin = self.runner.twin
        with self.hearing(True):
            return func(*mapped(twin, args), **mapped(twin, kwargs))

    def _unknown(self, name: str, func: Any, args: Args, kwargs: Kwargs) -> Any:
        """Run a kernel that nothing is known of."""
        self.book.unknown[name, self.scope.stack[-1].path] += 1
        return self.runner.run(name, func, args, kwargs)


def _branch(condition: Any, yes: Callable[..., Any], no: Callable[..., Any], operands: Args = ()) -> Any:
    return (yes if condition else no)(*operands)


def _loop(condition: Callable[..., Any], body: Callable[..., Any], carried: Any, more: Args = ()) -> Any:
    while condition(*carried, *more):
        carried = body(*carried, *more)
    return carried


class _Kernels(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """The interceptor of kernels that run outside of functions that are known."""

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
        way, name = names.kernel(func)
        with torch._C.DisableTorchFunction():
            return tracer.go(tracer.formulas.get(name) or way, name, func, args, dict(kwargs or {}))
