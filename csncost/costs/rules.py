"""What a counting convention is: rules that say which operations count, and how often each of their quantities.

A convention has a rule for each kind of operation that it counts; a kind without a rule is left out of the report.
A rule says how often each quantity of the operation enters params, FLOPs, interactions and activations.

A rule is found by kind ("norm"), by kind and function ("norm.batch"), or by either with the class of the module
that runs the operation ("pool@AvgPool3d", "act.relu@ReLU"); the most particular one holds, None leaves out. Quantities
are those of `quantities`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TypeAlias

from csncost.costs.quantities import NAMES as QUANTITIES
from csncost.errors import CsncostError
from csncost.network.ops import KINDS

Terms: TypeAlias = Mapping[str, int]
"""Quantity -> how often it counts."""


TRACED = ("rnn", "elementwise", "reduce", "resize", "embedding", "parameter", "custom")
"""Kinds of operation that only traced modules have; a "parameter" is one that no counted operation holds."""

COUNTED = frozenset({*KINDS.values(), *TRACED, "classifier"})
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
    """A named way of counting; `unit` says what one FLOP is, `scope` what is counted.

    `published` names tables that count so, if any do.
    """

    name: str
    unit: str
    scope: str
    rules: Mapping[str, Rule | None] = field(hash=False)
    published: str = ""

    def __post_init__(self) -> None:
        if unknown := {re.split("[.@]", key)[0] for key in self.rules} - COUNTED:
            raise CsncostError(f"unknown kind of operation {min(unknown)!r}", f"kinds are {', '.join(sorted(COUNTED))}")

    def __str__(self) -> str:
        return f"{self.name} ({self.unit}; {self.scope})"

    def rule(self, kind: str, function: str = "", module: str = "") -> Rule | None:
        """The rule for an operation: its kind, its function (batch, max, relu, ...), the class of its module."""
        return _rule(self, kind, function, module)


@lru_cache(maxsize=4096)
def _rule(convention: Convention, kind: str, function: str, module: str) -> Rule | None:
    for key in (f"{kind}.{function}@{module}", f"{kind}@{module}", f"{kind}.{function}", kind):
        if key in convention.rules:
            return convention.rules[key]
    return None
