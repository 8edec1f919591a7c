"""Functions that come with a backward pass of their own (`torch.autograd.Function`): what that pass takes.

PyTorch does not look into their forward pass when it follows gradients: what these take, only `backward` knows. So it
runs right after the forward pass, on gradients without data, and its multiply-adds are counted if the gradient of what
the model returns comes by; one that does not run so is listed as unknown.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function

from csncost.pytorch.trace.gradients import Gradients, Node
from csncost.pytorch.trace.meta import Args, Kwargs, like, mapped, tensors
from csncost.pytorch.trace.tracer import Tracer

_APPLY = Function.__dict__["apply"]
"""As PyTorch has it: within another trace it is replaced already."""


@contextmanager
def own_backward(tracer: Tracer) -> Iterator[None]:
    """Run the backward passes of such functions, too, where gradients are followed on this thread."""
    gradients, thread = tracer.marks.gradients, threading.get_ident()
    if gradients is None:
        yield
        return
    before = Function.__dict__["apply"]

    def apply(cls: type[Function], *args: Any, **kwargs: Any) -> Any:
        run = partial(_APPLY.__func__, cls)
        if threading.get_ident() != thread or tracer.quiet or not (needs := _needing(gradients, args, kwargs)):
            return run(*args, **kwargs)
        return _both_ways(tracer, run, args, kwargs, needs)

    Function.apply = classmethod(apply)  # type: ignore[assignment]
    try:
        yield
    finally:
        Function.apply = before  # type: ignore[method-assign]


def _needing(gradients: Gradients, args: Args, kwargs: Kwargs) -> list[Tensor]:
    """The arguments that need a gradient; PyTorch does not look for them within lists."""
    return gradients.needing(tuple(arg for arg in (*args, *kwargs.values()) if isinstance(arg, Tensor)), {})


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
    gradients = tracer.marks.gradients
    if gradients is not None and reached:
        gradients.join(needs, _other(reached, given), _backward(tracer, gradients, context, flowing))
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


def _backward(tracer: Tracer, gradients: Gradients, context: Any, flowing: list[Any]) -> list[Node]:
    """What a backward pass runs, each operation in a node of its own."""
    ledger = tracer.ledger
    name = type(context).__name__.removesuffix("Backward") + ".backward"
    try:
        with torch.no_grad(), tracer.aside() as aside:
            context.apply(*flowing)
    except Exception:  # of the code of others, which may not run without data
        ledger.unknown[name, tracer.scope.stack[-1].path] += 1
        return []
    ledger.unknown.update(aside.unknown)
    return [gradients.node([], ledger.beside(name, kind, of, shape), macs) for kind, of, shape, macs in aside.found]
