"""Costs of operations that only their users know."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from torch import Tensor

from csncost.errors import CsncostError
from csncost.pytorch.costs import Cost
from csncost.pytorch.table import Op
from csncost.quantities import NAMES

Formulas: TypeAlias = Mapping[Any, Callable[..., Any]]
"""The name of an operation ("mylib::op") or the function itself -> its formula."""


def custom(formulas: Formulas | None) -> dict[Any, Op]:
    """Formulas as known operations. Raises CsncostError for what is none."""
    found = {}
    for key, formula in (formulas or {}).items():
        if not callable(formula):
            raise CsncostError(f"the formula for {key!s:.60} cannot be called", "give a function of shapes")
        name = key if isinstance(key, str) else getattr(key, "__name__", str(key))
        kernel = getattr(key, "_qualified_op_name", None) or getattr(getattr(key, "_schema", None), "name", None)
        found[key if isinstance(key, str) or kernel is None else kernel] = Op("custom", name, _adapted(name, formula))
    return found


def _adapted(name: str, formula: Callable[..., Any]) -> Callable[..., Cost]:
    def cost(*args: Any, out: Any, **kwargs: Any) -> Cost:
        counted = formula(*map(_shape, args), output=_shape(out), **{key: _shape(arg) for key, arg in kwargs.items()})
        quantities = {"macs": counted} if type(counted) is int else counted
        if not isinstance(quantities, Mapping) or quantities.keys() - NAMES:
            raise CsncostError(
                f"the formula for {name[:60]} gives {counted!r:.60}",
                f"it gives multiply-adds as an int, or a dict with {', '.join(sorted(NAMES))}",
            )
        elements = out.numel() if isinstance(out, Tensor) else 0
        weights = tuple(arg for arg in (*args, *kwargs.values()) if isinstance(arg, Tensor))
        return Cost({"elements": elements, **quantities}, weights)

    return cost


def _shape(value: Any) -> Any:
    if isinstance(value, Tensor):
        return tuple(value.shape)
    if isinstance(value, (list, tuple)):
        return type(value)(map(_shape, value))
    return value
