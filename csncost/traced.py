"""What running a module showed, as plain data, and its report under any convention."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from math import prod

from csncost.arithmetic import Size
from csncost.conventions import Convention, Rule
from csncost.counts import Counts, Measured, weigh
from csncost.coverage import Coverage, Unknown
from csncost.errors import CsncostError
from csncost.report import Report, Row


@dataclass(slots=True)
class Call:
    """One operation of a module, all its runs together: quantities are sums over `calls`, `backward` multiply-adds.

    `module` is the class of the module that ran it. `output` is that of the first run, the batch axis included.
    """

    name: str
    kind: str
    function: str
    module: str
    quantities: dict[str, Size]
    output: tuple[int, ...]
    in_channels: int | None = None
    out_channels: int | None = None
    kernel: tuple[int, ...] | None = None
    stride: tuple[int, ...] | None = None
    groups: int | None = None
    calls: int = 1
    backward: int = 0


@dataclass(slots=True)
class Trace:
    """Everything that ran, in the order of execution.

    `setting` says on what; `clip` is (C, T, H, W) if the input was one batch of clips; `classes` the outputs of the
    classifier; `unused` parameters by module.
    """

    name: str
    calls: tuple[Call, ...]
    free: Mapping[str, int]
    unknown: tuple[Unknown, ...]
    unused: Mapping[str, int]
    setting: Mapping[str, str]
    clip: tuple[int, ...] | None = None
    classes: int | None = None
    views: int = 1

    def report(self, convention: Convention) -> Report:
        """The trace counted under a convention."""
        ruled = list(self._ruled(convention))
        rows = tuple(self._rows(ruled))
        totals = Counts()
        for row in rows:
            totals = totals.plus(row.counts)
        return Report(
            spec=self.name,
            name="",
            aliases=(),
            convention=convention,
            clip=self.clip,
            classes=self.classes,
            views=self.views,
            totals=totals,
            setting=self.setting,
            coverage=self.coverage(convention),
            backward_flops=sum(self._backward(call, rule) for call, rule in ruled),
            _rows=partial(tuple, rows),
            _recount=self.report,
            _measured=self.measured,
        )

    def _ruled(self, convention: Convention) -> Iterator[tuple[Call, Rule]]:
        """The operations that the convention counts, each with its rule."""
        for call in self.calls:
            if (rule := convention.rule(call.kind, call.function, call.module)) is not None:
                yield call, rule

    def _rows(self, ruled: Iterable[tuple[Call, Rule]]) -> Iterator[Row]:
        """A row for each operation and its rule."""
        for call, rule in ruled:
            params, flops, interactions, activations = weigh(rule, call.quantities)
            flops = flops * self.views + self._backward(call, rule)
            kind = "linear" if call.kind == "classifier" else call.kind
            stage, _, rest = call.name.partition(".")
            block = f"{stage}.{rest.partition('.')[0]}" if "." in rest else ""
            geometry = (call.in_channels, call.out_channels, call.kernel, call.stride, call.groups)
            counts = (params, flops, interactions, activations)
            yield Row(call.name, kind, stage, block, *geometry, call.output, *counts, call.calls)

    def _backward(self, call: Call, rule: Rule) -> int:
        """FLOPs of the backward pass of an operation, at what the convention takes a multiply-add for."""
        return rule.flops.get("macs", 0) * call.backward * self.views

    def measured(self) -> Iterator[tuple[Measured, int]]:
        """Every operation as conventions see it."""
        for call in self.calls:
            yield Measured(call.kind, call.function, call.module, call.quantities, call.backward), 1

    def coverage(self, convention: Convention) -> Coverage:
        """What became of every operation."""
        counted: Counter[str] = Counter()
        left_out: Counter[str] = Counter()
        for call in self.calls:
            if call.kind != "parameter":
                known = convention.rule(call.kind, call.function, call.module) is not None
                (counted if known else left_out)[call.kind] += call.calls
        return Coverage(counted, left_out, self.free, self.unknown, self.unused)

    def strictly(self) -> Trace:
        """This trace, if every operation is known. Raises CsncostError otherwise."""
        if self.unknown:
            listed = "; ".join(map(str, self.unknown[:3]))
            raise CsncostError(
                f"no formula is known for {len(self.unknown)} operations: {listed}",
                "give formulas for them, or trace without strict to leave them out",
            )
        return self


def parameter(name: str, shape: tuple[int, ...]) -> Call:
    """A row for a parameter that no counted operation holds."""
    return Call(name, "parameter", "", "", {"learned": prod(shape)}, shape)
