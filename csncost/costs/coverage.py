"""What a trace saw: operations counted, known to cost nothing, left out by the convention, and unknown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from csncost.units import human


@dataclass(frozen=True, slots=True)
class Unknown:
    """An operation that no formula is known for: its name, the module that ran it, and how often."""

    op: str
    module: str
    calls: int

    def __str__(self) -> str:
        return f"{self.op} in {self.module or 'the model itself'}" + (
            f" ({self.calls} calls)" if self.calls > 1 else ""
        )


@dataclass(frozen=True, slots=True)
class Coverage:
    """Every operation that ran, by what became of it: kind or name -> calls.

    `counted` and `left_out` are known operations with and without a rule in the convention, `free` those that compute
    nothing (views, copies, look-ups, comparisons); `unused` are parameters that nothing used, by module;
    `remarks` is what else a reader has to know.
    """

    counted: Mapping[str, int]
    left_out: Mapping[str, int]
    free: Mapping[str, int]
    unknown: tuple[Unknown, ...] = ()
    unused: Mapping[str, int] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()

    def notes(self) -> list[str]:
        """What a reader of the numbers has to know."""
        lines = []
        if self.left_out:
            kinds = ", ".join(f"{kind} {calls}" for kind, calls in sorted(self.left_out.items()))
            lines.append(f"not counted in this convention (calls): {kinds}")
        if self.unknown:
            more = f", and {len(self.unknown) - 5} more" if len(self.unknown) > 5 else ""
            listed = "; ".join(map(str, self.unknown[:5]))
            lines.append(f"NOT COUNTED, no formula is known: {listed}{more}")
        if self.unused:
            names = ", ".join(f"{name or 'the model itself'} {human(n)}" for name, n in list(self.unused.items())[:4])
            more = ", ..." if len(self.unused) > 4 else ""
            lines.append(f"parameters that nothing used: {names}{more}")
        return [*lines, *self.remarks]

    def to_dict(self) -> dict[str, Any]:
        """The coverage as plain data."""
        return {
            "counted": dict(self.counted),
            "not_counted": dict(self.left_out),
            "free": dict(self.free),
            "unknown": [{"op": one.op, "module": one.module, "calls": one.calls} for one in self.unknown],
            "unused_params": dict(self.unused),
            "remarks": list(self.remarks),
        }
