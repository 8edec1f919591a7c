"""Counting conventions: which operations count, and how often each of their quantities. Data, not code.

A convention has a rule for each kind of operation that it counts; a kind without a rule is left out of the report.
A rule says how often each quantity of the operation enters params, FLOPs, interactions and activations.

Quantities: `weights`, `biases`, `affine` (a norm's scale and shift), `macs` (multiply-adds), `pairs` (Eq. 3),
`elements` (written), `bias_adds` (one for each element where there is a bias).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TypeAlias

from csncost.errors import CsncostError, did_you_mean
from csncost.ops import KINDS

Terms: TypeAlias = Mapping[str, int]
"""Quantity -> how often it counts."""


QUANTITIES = frozenset({"weights", "biases", "affine", "macs", "pairs", "elements", "bias_adds"})
COUNTED = frozenset({*KINDS.values(), "classifier"})
"""The kinds of operation that a convention may have rules for."""


@dataclass(frozen=True, slots=True)
class Rule:
    """How one kind of operation counts."""

    params: Terms = field(default_factory=dict)
    flops: Terms = field(default_factory=dict)
    interactions: Terms = field(default_factory=dict)
    activations: Terms = field(default_factory=dict)

    def __post_init__(self) -> None:
        for terms in (self.params, self.flops, self.interactions, self.activations):
            if unknown := terms.keys() - QUANTITIES:
                raise CsncostError(
                    f"unknown quantity {min(unknown)!r}", f"quantities are {', '.join(sorted(QUANTITIES))}"
                )


@dataclass(frozen=True, slots=True)
class Convention:
    """A named way of counting; `unit` says what one FLOP is, `scope` what is counted."""

    name: str
    unit: str
    scope: str
    rules: Mapping[str, Rule] = field(hash=False)

    def __post_init__(self) -> None:
        if unknown := self.rules.keys() - COUNTED:
            raise CsncostError(f"unknown kind of operation {min(unknown)!r}", f"kinds are {', '.join(sorted(COUNTED))}")

    def __str__(self) -> str:
        return f"{self.name} ({self.unit}; {self.scope})"


_LEARNED = {"weights": 1, "biases": 1}
_PAIRS = {"pairs": 1}
_ELEMENTS = {"elements": 1}
_ELEMENTWISE = Rule(flops=_ELEMENTS, activations=_ELEMENTS)


def _multiply_adds(factor: int, extra: Mapping[str, int] = MappingProxyType({})) -> dict[str, Rule]:
    """Convolutions, fully connected layers and matrix products at `factor` FLOPs a multiply-add, all parameters."""
    dense = Rule(_LEARNED, {"macs": factor, **extra}, _PAIRS, _ELEMENTS)
    return {
        "conv": dense,
        "linear": dense,
        "classifier": dense,
        "matmul": Rule(flops={"macs": factor}, activations=_ELEMENTS),
        "norm": Rule(params={"affine": 1}),
    }


CONVENTIONS: Mapping[str, Convention] = MappingProxyType(
    {
        convention.name: convention
        for convention in (
            Convention(
                "paper",
                "1 FLOP = 1 multiply-add",
                "convolutions and fc, weights only; interactions without the classifier",
                {
                    "conv": Rule({"weights": 1}, {"macs": 1}, _PAIRS, _ELEMENTS),
                    "linear": Rule({"weights": 1}, {"macs": 1}, _PAIRS, _ELEMENTS),
                    "classifier": Rule({"weights": 1}, {"macs": 1}, activations=_ELEMENTS),
                    "matmul": Rule(flops={"macs": 1}, activations=_ELEMENTS),
                },
            ),
            Convention(
                "macs",
                "1 FLOP = 1 multiply-add",
                "convolutions, fc and matrix products; every learned parameter; interactions with the classifier",
                _multiply_adds(1),
            ),
            Convention(
                "flops",
                "2 FLOPs = 1 multiply-add",
                "convolutions, fc and matrix products; every learned parameter; interactions with the classifier",
                _multiply_adds(2),
            ),
            Convention(
                "everything",
                "1 FLOP = 1 multiply-add, or 1 element written by a norm, activation, pool, sum, product or bias",
                "every operation and learned parameter; interactions with the classifier",
                {
                    **_multiply_adds(1, {"bias_adds": 1}),
                    "norm": Rule({"affine": 1}, _ELEMENTS, activations=_ELEMENTS),
                    "act": _ELEMENTWISE,
                    "pool": _ELEMENTWISE,
                    "add": _ELEMENTWISE,
                    "multiply": _ELEMENTWISE,
                },
            ),
        )
    }
)
"""Every named convention."""


def convention(which: str | Convention) -> Convention:
    """A convention by name. Raises CsncostError for a name that is unknown.

    >>> convention("flops").unit
    '2 FLOPs = 1 multiply-add'
    """
    if isinstance(which, Convention):
        return which
    found = CONVENTIONS.get(which) if isinstance(which, str) else None
    if found is None:
        hint = did_you_mean(str(which), list(CONVENTIONS)) or f"conventions are {', '.join(CONVENTIONS)}"
        raise CsncostError(f'unknown convention "{str(which)[:60]}"', hint)
    return found
