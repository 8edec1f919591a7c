"""The report of a real module, from running it on tensors without data."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from inspect import getclosurevars
from types import GeneratorType
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn

from csncost.costs.conventions.named import Convention
from csncost.costs.conventions.named import convention as find_convention
from csncost.costs.report import Report, Unknown
from csncost.errors import CsncostError
from csncost.lang.given import view_count
from csncost.pytorch.known.custom import Formulas, custom, unmatched
from csncost.pytorch.trace.classifier import classifier as find_classifier
from csncost.pytorch.trace.functions import replaced_functions
from csncost.pytorch.trace.gradients import outputs
from csncost.pytorch.trace.inputs import Inputs, arguments, clip, described
from csncost.pytorch.trace.isolation import isolated, quiet_compiler, unoptimised_scripts
from csncost.pytorch.trace.lock import locked, running
from csncost.pytorch.trace.messages import meaning
from csncost.pytorch.trace.record import Trace
from csncost.pytorch.trace.scope import Scope
from csncost.pytorch.trace.tracer import Tracer

Target: TypeAlias = Callable[..., Any]


def trace(
    target: Target,
    inputs: Inputs,
    *,
    convention: str | Convention = "paper",
    dtype: Any = None,
    backward: bool = False,
    strict: bool = False,
    classifier: str | bool = True,
    formulas: Formulas | None = None,
    views: int = 1,
    fast: bool = True,
) -> Report:
    """Count the cost of a module, a method, or any function on tensors: a report as of `analyze`, by module path.

    `inputs` is a shape (1, 3, 8, 224, 224); a tuple of shapes for several arguments; a list of shapes for one argument
    that is a list of tensors; a dict of shapes for keyword arguments; or example tensors in the place of shapes. A text
    such as "1x16:int64" is a shape with a type; other shapes have `dtype` (default: that of the model's parameters).

    The model runs as it is (call `model.eval()` for the cost of inference) on tensors without data. Put back are its
    training modes, parameters, buffers, gradients and hooks, all attributes of its modules with the lists, dicts, sets
    and tuples in them, random numbers, grad mode and default dtype, also after an exception; whatever else it changes
    (objects of other classes, arrays, globals, files) stays changed. Modules that run in other threads of the model
    are refused; functions and processes there are not seen. Traces in several threads wait for one another.

    Counted is what is executed: a module that runs twice counts twice in FLOPs, and once in params and interactions.
    What `backward` adds are the gradients of weights and inputs on the way from what the model returns to its weights,
    in multiply-adds; what checkpoints compute anew is not counted.

    The `classifier`, which convention `paper` leaves out of the interactions, is the fully connected layer that gives
    the output (after it, only activations and a loss); a module path names another, False none.

    `formulas` gives costs of operations of your own: {"mylib::op": f}, f(*arguments, output=shape) with shapes for
    tensors, to multiply-adds or a dict of quantities, in which "backward" are the multiply-adds of its backward pass.
    Operations that no formula is known for are listed in `coverage.unknown`, and are an error if `strict`.
    `fast=False` asks the meta kernels for every shape; the report is the same.

    Raises CsncostError for a target that cannot run on these inputs, with the place and PyTorch's own reason.
    """
    counting = find_convention(convention)
    views = view_count(views)
    found = run(target, inputs, dtype=dtype, backward=backward, classifier=classifier, formulas=formulas, fast=fast)
    found.views = views
    return (found.strictly() if strict else found).report(counting)


def run(
    target: Target,
    inputs: Inputs,
    *,
    dtype: Any = None,
    backward: bool = False,
    classifier: str | bool = True,
    formulas: Formulas | None = None,
    fast: bool = True,
) -> Trace:
    """Run a target on tensors without data; everything that it ran, not yet counted."""
    with locked():
        target = _unwrapped(target)
        roots = list(_roots(target))
        _refuse_lazy(roots)
        args, kwargs = arguments(inputs, dtype or _own_dtype(roots))
        tracer = Tracer(Scope(roots), custom(formulas), fast, backward)
        setting = {"input": described(args, kwargs), **_mode(roots)}
        if backward:
            setting["pass"] = "forward and backward"
        with _traced_by(tracer):
            ends = outputs(_output(target, args, kwargs, tracer.scope))
    found = _found(tracer, ends, classifier)
    found.name, found.setting, found.clip = _name(target), setting, clip(args, kwargs)
    return found


@contextmanager
def _traced_by(tracer: Tracer) -> Iterator[None]:
    """Trace what runs here, and leave no sign of it."""
    scope = tracer.scope
    with (
        isolated(scope.state),
        running(scope),
        replaced_functions(tracer),
        quiet_compiler(scope.modules.values()),
        unoptimised_scripts(),
        scope.following(),
        torch.set_grad_enabled(tracer.marks.gradients.followed or torch.is_grad_enabled()),
        tracer.kernels,
        tracer,
    ):
        yield


def _output(target: Target, args: tuple[Any, ...], kwargs: dict[str, Any], scope: Scope) -> Any:
    """The output of a target. Raises CsncostError where it does not run, or goes on by a way that it may not take."""
    try:
        output = target(*args, **kwargs)
        output = list(output) if isinstance(output, GeneratorType) else output  # which runs only when it is asked
    except CsncostError:
        raise
    except (Exception, SystemExit) as error:  # the code of others, which may raise anything
        if scope.refusal is not None:
            raise scope.refusal from error
        what = f"{_name(target)} does not run on {described(args, kwargs)}"
        raise CsncostError(f"{what}: {type(error).__name__}{scope.failures.place_of(error)}", meaning(error)) from error
    if isinstance(output, nn.Module):
        raise CsncostError(f"{_name(target)} returned a model, {type(output).__name__}", "trace that model")
    if scope.refusal is not None:
        raise scope.refusal
    return output


def _found(tracer: Tracer, ends: list[Tensor], classifier: str | bool) -> Trace:
    """Everything that a tracer has written down of a run that ended in these tensors."""
    ledger = tracer.ledger
    tracer.marks.gradients.settle(ends)
    calls = tuple(ledger.calls())
    last, unclassified = find_classifier(ledger.order, classifier, ends)
    if last is not None:
        last.call.kind = "classifier"
    return Trace(
        calls=calls,
        free=tracer.free,
        unknown=tuple(Unknown(op, path, times) for (op, path), times in ledger.unknown.items()),
        unused=ledger.unused(),
        classes=last.call.out_channels if last is not None else None,
        unclassified=unclassified,
        remarks=tuple(unmatched(tracer.formulas, calls)),
    )


def _unwrapped(target: Any) -> Target:
    """The model within a compiled or data-parallel one. Raises CsncostError for what cannot be called."""
    while isinstance(target, nn.Module):
        inner = target._modules.get("_orig_mod") if type(target).__name__ == "OptimizedModule" else None
        if isinstance(target, (nn.DataParallel, nn.parallel.DistributedDataParallel)):
            inner = target.module
        if inner is None:
            break
        target = inner
    if isinstance(target, type):
        raise CsncostError(f"{target.__name__} is a class, not a model", f"make one first: {target.__name__}(...)")
    if not callable(target):
        hint = "; analyze counts a spec, build makes a module of it" if isinstance(target, str) else ""
        raise CsncostError(f"{type(target).__name__} cannot be run", f"trace a module or a function{hint}")
    found: Target = target
    return found


def _roots(target: Any) -> Iterator[tuple[str, nn.Module]]:
    """The modules that a target runs, with their names: a module, that of a method, those that a function holds."""
    if isinstance(target, nn.Module):
        yield "", target
    elif isinstance(target, partial):
        yield from _roots(target.func)
        for value in (*target.args, *target.keywords.values()):
            if isinstance(value, nn.Module):
                yield "", value
    elif isinstance(getattr(target, "__self__", None), nn.Module):
        yield "", target.__self__
    else:
        for name, value in _held(target).items():
            if isinstance(value, nn.Module):
                yield name, value


def _held(function: Any) -> dict[str, Any]:
    """The values of the names that a function uses, of its closure or its file."""
    try:
        found = getclosurevars(function)
    except (TypeError, ValueError):  # it is not written in Python, or a name in its closure has no value yet
        return {}
    return {**found.nonlocals, **found.globals}


def _refuse_lazy(roots: list[tuple[str, nn.Module]]) -> None:
    for prefix, root in roots:
        for name, tensor in root.named_parameters(prefix):
            if nn.parameter.is_lazy(tensor):
                raise CsncostError(f"{name} has no shape yet", "run the lazy module once on an example, then trace it")


def _own_dtype(roots: list[tuple[str, nn.Module]]) -> torch.dtype | None:
    """The type of a model's first parameter that has fractions."""
    for _, module in roots:
        for tensor in module.parameters():
            if tensor.is_floating_point():
                return tensor.dtype
    return None


def _mode(roots: list[tuple[str, nn.Module]]) -> dict[str, str]:
    modes = {module.training for _, root in roots for module in root.modules()}
    return {"mode": "mixed" if len(modes) > 1 else "train" if True in modes else "eval"} if modes else {}


def _name(target: Any) -> str:
    if isinstance(target, nn.Module):
        return type(target).__name__
    return getattr(target, "__qualname__", None) or type(target).__name__
