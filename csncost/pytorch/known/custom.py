"""Costs of operations that only their users know."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeAlias

import torch
from torch import Tensor

from csncost.costs.quantities import NAMES
from csncost.errors import CsncostError, did_you_mean
from csncost.pytorch.known.operation import Bound, Cost, Gradient, Op
from csncost.pytorch.known.registry import OPS
from csncost.pytorch.trace.messages import reason
from csncost.pytorch.trace.meta import mapped
from csncost.pytorch.trace.record import Call

Formulas: TypeAlias = Mapping[Any, Callable[..., Any]]
"""The name of an operation ("mylib::op"), the operation itself, or a function of PyTorch -> its formula."""

KINDS_OF_KEY = 'a key is the name of an operation ("mylib::op"), the operation itself, or a function of PyTorch'


def custom(formulas: Formulas | None) -> dict[Any, Op]:
    """Formulas as known operations, by all that they may be met as. Raises CsncostError for what is none."""
    found = {}
    for key, formula in (formulas or {}).items():
        if not callable(formula):
            raise CsncostError(f"the formula for {key!s:.60} cannot be called", "give a function of shapes")
        name, met = _met(key)
        op = Op("custom", name, {}, cost=_adapted(name, formula))
        found.update(dict.fromkeys(met, op))
    return found


def unmatched(formulas: Mapping[Any, Op], calls: Iterable[Call]) -> Iterator[str]:
    """A remark if some formulas stood for nothing that ran."""
    ran = {call.function for call in calls if call.kind == "custom"}
    idle = dict.fromkeys(op.function for op in formulas.values() if op.function not in ran)
    if idle:
        yield f"formulas for what did not run: {', '.join(name[:60] for name in idle)}"


def _met(key: Any) -> tuple[str, tuple[Any, ...]]:
    """The name of an operation, and all that the tracer may meet it as. Raises CsncostError for what it never is."""
    name = key if isinstance(key, str) else _qualified(key)
    if name is None:
        if key not in _functions():
            raise CsncostError(f"no operation of PyTorch is {key!s:.80}, which a formula is given for", KINDS_OF_KEY)
        return getattr(key, "__name__", str(key)), (key,)
    plain = name.removeprefix("aten::")
    if "::" not in plain and (plain in OPS or plain in set(_functions().values())):
        return name, (name, plain)
    if not torch._C._jit_get_schemas_for_operator(name if "::" in name else f"aten::{name}"):
        near = did_you_mean(name, [*torch._C._dispatch_get_all_op_names(), *OPS])
        raise CsncostError(f'there is no operation "{name[:60]}", which a formula is given for', near or KINDS_OF_KEY)
    return name, (name, plain, f"aten::{plain}") if "::" not in plain else (name,)


def _qualified(key: Any) -> str | None:
    """The full name of an operation of PyTorch's or of `torch.library.custom_op`; None for a function."""
    kernel = getattr(key, "_opoverload", key)
    name = getattr(kernel, "_qualified_op_name", None) or getattr(getattr(kernel, "_schema", None), "name", None)
    return name if isinstance(name, str) else None


def _functions() -> dict[Any, str]:
    """The functions of PyTorch that the tracer hears, with their names."""
    known = torch.overrides.get_overridable_functions()
    return {function: getattr(function, "__name__", "") for functions in known.values() for function in functions}


def _adapted(name: str, formula: Callable[..., Any]) -> Callable[[Bound], Cost]:
    """A formula of shapes as the cost of a call."""

    def cost(call: Bound) -> Cost:
        args, kwargs, output = (mapped(_shape, value) for value in (call.args, call.kwargs, call.out))
        try:
            counted = formula(*args, output=output, **kwargs)
        except Exception as error:  # whatever the code of others raises
            given = ", ".join(map(str, [*args, *(f"{key}={value}" for key, value in kwargs.items())]))
            why = f"{type(error).__name__}: {reason(error)}"
            raise CsncostError(f"the formula for {name[:60]} fails on ({given[:120]})", why) from error
        found = _checked(name, counted)
        backward = (Gradient(found.pop("backward"), tuple(call.tensors)),) if "backward" in found else None
        return Cost(found, tuple(call.tensors), backward=backward)

    return cost


def _checked(name: str, counted: Any) -> dict[str, int]:
    """The counts of a formula, by quantity. Raises CsncostError for what is no count."""
    found = counted if isinstance(counted, Mapping) else {"macs": counted}
    if found.keys() - NAMES - {"backward"} or not all(type(n) is int and n >= 0 for n in found.values()):
        raise CsncostError(
            f"the formula for {name[:60]} gives {counted!r:.60}",
            "it gives multiply-adds as an int that is not negative, or a dict of such ints: macs, backward"
            f" (multiply-adds of the backward pass), {', '.join(sorted(NAMES - {'macs'}))}",
        )
    return dict(found)


def _shape(tensor: Tensor) -> Any:
    return tuple(tensor.shape)
