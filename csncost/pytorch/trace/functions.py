"""Functions of PyTorch that no interceptor sees: while a model is traced, they go another way.

Among them are functions with a backward pass of their own (`torch.autograd.Function`), which PyTorch does not look into
when it follows gradients: what these take, only `backward` knows. So it runs right after the forward pass, on gradients
without data, and its multiply-adds are counted if the gradient of what the model returns comes by; one that does not
run so is listed as unknown.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial, wraps
from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function
from torch.utils.checkpoint import CheckpointFunction

from csncost.pytorch.known.names import REFUSED
from csncost.pytorch.trace.gradients import Node
from csncost.pytorch.trace.meta import Args, Kwargs, like, mapped, tensors
from csncost.pytorch.trace.scope import Scope
from csncost.pytorch.trace.tracer import Tracer

_APPLY = Function.__dict__["apply"].__func__
"""As PyTorch has it: within another trace it is replaced already."""


@contextmanager
def replaced_functions(tracer: Tracer) -> Iterator[None]:
    """Replace them for what is traced; to others they do what they did."""
    functional, utils = torch.autograd.functional, torch.utils
    replaced: tuple[tuple[Any, str, Any], ...] = (
        (Function, "apply", classmethod(_apply_for(tracer))),
        (functional, "_autograd_grad", _refusing(tracer.scope, functional._autograd_grad, "grad")),  # would give zeros
        (utils, "swap_tensors", _refusing(tracer.scope, utils.swap_tensors, "swap_tensors")),  # cannot be put back
    )
    before = [vars(place)[name] for place, name, _ in replaced]
    for place, name, other in replaced:
        setattr(place, name, other)
    try:
        yield
    finally:
        for (place, name, _), one in zip(replaced, before, strict=True):
            setattr(place, name, one)


def _refusing(scope: Scope, function: Callable[..., Any], what: str) -> Callable[..., Any]:
    @wraps(function)
    def refusing(*args: Any, **kwargs: Any) -> Any:
        if scope.follows():
            raise scope.refuse(*REFUSED[what])
        return function(*args, **kwargs)

    return refusing


def _apply_for(tracer: Tracer) -> Callable[..., Any]:
    def apply(cls: type[Function], *args: Any, **kwargs: Any) -> Any:
        if tracer.scope.follows() and cls is CheckpointFunction:  # would hide from autograd what runs within
            return args[0](*args[2:])
        run = partial(_APPLY, cls)
        if tracer.quiet or not tracer.scope.follows() or not (needs := _needing(tracer, args, kwargs)):
            return run(*args, **kwargs)
        return _both_ways(tracer, run, args, kwargs, needs)

    return apply


def _needing(tracer: Tracer, args: Args, kwargs: Kwargs) -> list[Tensor]:
    """The arguments that need a gradient; PyTorch does not look for them within lists."""
    return tracer.marks.gradients.needing(
        tuple(arg for arg in (*args, *kwargs.values()) if isinstance(arg, Tensor)), {}
    )


def _both_ways(tracer: Tracer, run: Callable[..., Any], args: Args, kwargs: Kwargs, needs: list[Tensor]) -> Any:
    """Run a function, and if PyTorch would, its backward pass."""
    with tracer.unheard():
        seen = {id(tensor): _stand_in(tensor, tracer) for tensor in needs if tensor.is_meta}
        given = {id(seen[id(tensor)]): tensor for tensor in needs if id(tensor) in seen}
    result = run(*_other(args, seen), **_other(kwargs, seen))
    with tracer.unheard():
        reached = [one for one in tensors((result,)) if one.requires_grad]
        context = next((one.grad_fn for one in reached), None)
        flowing = [like(one) if isinstance(one, Tensor) else None for one in _tuple(result)]
    result = _other(result, given)  # what was changed in place is the argument itself
    if reached:
        tracer.marks.gradients.join(needs, _other(reached, given), _backward(tracer, context, flowing))
    return result


def _other(value: Any, others: dict[int, Tensor]) -> Any:
    return mapped(lambda tensor: others.get(id(tensor), tensor), value)


def _tuple(value: Any) -> tuple[Any, ...]:
    return value if isinstance(value, tuple) else (value,)


def _stand_in(tensor: Tensor, tracer: Tracer) -> Tensor:
    """The same tensor as one that PyTorch itself follows, so that it keeps what the backward pass needs."""
    leaf = tensor.detach().requires_grad_()
    made = leaf.clone() if tracer.scope.owner(tensor) is None else leaf.view_as(leaf)  # a parameter's storage names it
    vars(made).update(vars(tensor))
    return made


def _backward(tracer: Tracer, context: Any, flowing: list[Any]) -> list[Node]:
    """The operations of a backward pass, each in a node of its own."""
    ledger = tracer.ledger
    name = type(context).__name__.removesuffix("Backward") + ".backward"
    try:
        with torch.no_grad(), tracer.aside() as aside:
            context.apply(*flowing)
    except Exception:  # of the code of others, which may not run without data
        ledger.unknown[name, tracer.scope.stack[-1].path] += 1
        return []
    ledger.unknown.update(aside.unknown)
    node = tracer.marks.gradients.node
    return [node([], ledger.beside(name, kind, of, shape), macs) for kind, of, shape, macs in aside.found]
