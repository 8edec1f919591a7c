"""Counting conventions: rules that say which operations count, and how often each of their quantities.

A convention has a rule for each kind of operation that it counts; a kind without a rule is left out of the report.
A rule says for each metric how often each quantity of the operation enters it.

A rule is found by kind ("norm"), by kind and function ("norm.batch"), or by either with the class of the module
that runs the operation ("pool@AvgPool3d", "act.relu@ReLU"); the most particular one holds, None leaves out. Quantities
are those of `quantities`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeAlias

from csncost.costs.metrics import METRICS, counted, find_metric
from csncost.costs.quantities import NAMES as QUANTITIES
from csncost.errors import CsncostError
from csncost.network.ops import KINDS

Terms: TypeAlias = Mapping[str, int]
"""Quantity -> how often it counts."""


TRACED = ("rnn", "elementwise", "reduce", "resize", "embedding", "parameter", "custom")
"""Kinds of operation that only traced modules have; a "parameter" is one that no counted operation holds."""

COUNTED = frozenset({*KINDS.values(), *TRACED, "classifier"})
"""The kinds of operation that a convention may have rules for."""


class Rule:
    """The count of one kind of operation: for each metric how often each quantity enters it.

    A metric that a rule does not name takes the quantities that the list of metrics says. Raises CsncostError for a
    metric or a quantity that is unknown.

    >>> Rule(params={"weights": 1}, flops={"macs": 2})
    Rule(params={'weights': 1}, flops={'macs': 2})
    """

    __slots__ = ("_known", "_terms")

    def __init__(self, **terms: Terms) -> None:
        for metric, quantities in terms.items():
            find_metric(metric)
            if unknown := quantities.keys() - QUANTITIES:
                hint = f"quantities are {', '.join(sorted(QUANTITIES))}"
                raise CsncostError(f"unknown quantity {min(unknown)!r}", hint)
        self._terms = terms
        self._known: tuple[tuple[str, ...], list[Terms], frozenset[str]] = ((), [], frozenset())

    def __getitem__(self, metric: str) -> Terms:
        """The quantities that enter a metric, each with how often."""
        return self._terms[metric] if metric in self._terms else METRICS[metric].terms

    def weights(self) -> list[Terms]:
        """The quantities that enter each metric that operations have, in the order of `counted`."""
        metrics = counted()
        if self._known[0] is not metrics:
            weights = [self[metric] for metric in metrics]
            self._known = metrics, weights, frozenset().union(*weights)
        return self._known[1]

    def asks_for(self, quantity: str) -> bool:
        """True if a quantity enters any metric that operations have."""
        self.weights()
        return quantity in self._known[2]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Rule) and all(self[metric] == other[metric] for metric in METRICS)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Rule({', '.join(f'{metric}={dict(terms)}' for metric, terms in self._terms.items())})"

    def __reduce__(self) -> tuple[Any, ...]:
        return partial(Rule, **self._terms), ()


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
    kinds: frozenset[str] = field(init=False, repr=False, compare=False)
    """The kinds of operation that rules are for."""
    _found: dict[tuple[str, str, str], Rule | None] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "kinds", frozenset(re.split("[.@]", key)[0] for key in self.rules))
        if unknown := self.kinds - COUNTED:
            raise CsncostError(f"unknown kind of operation {min(unknown)!r}", f"kinds are {', '.join(sorted(COUNTED))}")

    def __str__(self) -> str:
        return f"{self.name} ({self.unit}; {self.scope})"

    def rule(self, kind: str, function: str = "", module: str = "") -> Rule | None:
        """The rule for an operation: its kind, its function (batch, max, relu, ...), the class of its module."""
        operation = kind, function, module
        if operation not in self._found:
            keys = f"{kind}.{function}@{module}", f"{kind}@{module}", f"{kind}.{function}", kind
            self._found[operation] = next((self.rules[key] for key in keys if key in self.rules), None)
        return self._found[operation]
