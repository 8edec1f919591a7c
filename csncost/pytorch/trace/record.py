"""The record of a run as plain data, and its report under any convention."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple

from csncost.costs.conventions.named import Convention, Rule
from csncost.costs.count import Measured, weigh
from csncost.costs.metrics import Counts
from csncost.costs.report import Coverage, Report, Unknown
from csncost.costs.rows import Row
from csncost.errors import CsncostError
from csncost.network.sizes import Size


class Share(NamedTuple):
    """The piece of a parameter of `size` numbers that an operation shows, perhaps as others do.

    `piece` is its place in the parameter and its length; `taken` of its numbers are in the operation's `quantity`.
    """

    parameter: str
    piece: tuple[int, int]
    quantity: str
    size: int
    taken: int


@dataclass(slots=True)
class Call:
    """One operation of a module, all its runs together: quantities are sums over `calls`, `backward` multiply-adds.

    `module` is the class of the module that ran it. `output` is that of the first run, the batch axis included; so are
    `types`, those of its inputs that are no parameters, and last that of its output: float32, int64, ...
    `shares` are parameters by name, piece and quantity: quantities have them where they are used first.
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
    shares: dict[tuple[str, tuple[int, int], str], Share] = field(default_factory=dict)
    types: tuple[str, ...] = ()


@dataclass(slots=True)
class Trace:
    """Everything that ran, in the order of execution.

    `setting` says on what; `clip` is (C, T, H, W) if the input was one batch of clips; `classes` the outputs of the
    classifier, `unclassified` why none was found; `unused` parameters by module; `remarks` what else to tell.
    """

    calls: tuple[Call, ...]
    free: Mapping[str, int]
    unknown: tuple[Unknown, ...]
    unused: Mapping[str, int]
    name: str = ""
    setting: Mapping[str, str] = field(default_factory=dict)
    clip: tuple[int, ...] | None = None
    classes: int | None = None
    views: int = 1
    unclassified: str = ""
    remarks: tuple[str, ...] = ()

    def report(self, convention: Convention) -> Report:
        """The trace counted under a convention."""
        ruled = list(self._ruled(convention))
        rows = tuple(self._rows(ruled))
        totals = Counts.zero()
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
            backward_flops=sum(int(self._backward(call, rule).flops) for call, rule in ruled),
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
        claims = Claims()
        for call, rule in ruled:
            found = claims.settled(call, rule)
            kind = "linear" if call.kind == "classifier" else call.kind
            stage, _, rest = call.name.partition(".")
            block = f"{stage}.{rest.partition('.')[0]}" if "." in rest else ""
            geometry = (call.in_channels, call.out_channels, call.kernel, call.stride, call.groups)
            counts = weigh(rule, found).times(self.views).plus(self._backward(call, rule))
            yield Row(call.name, kind, stage, block, *geometry, call.output, counts, call.calls)

    def _backward(self, call: Call, rule: Rule) -> Counts:
        """The backward pass of an operation, at what the convention takes a multiply-add for in FLOPs."""
        return weigh(rule, {"macs": call.backward * self.views})

    def measured(self) -> Iterator[tuple[Measured, int]]:
        """Every operation as conventions see it."""
        for call in self.calls:
            yield Measured(call.kind, call.function, call.module, call.quantities, call.backward, call.types), 1

    def coverage(self, convention: Convention) -> Coverage:
        """The operations that are counted, left out, free and unknown."""
        counted: Counter[str] = Counter()
        left_out: Counter[str] = Counter()
        for call in self.calls:
            if call.kind != "parameter":
                known = convention.rule(call.kind, call.function, call.module) is not None
                (counted if known else left_out)[call.kind] += call.calls
        apart = convention.rule("classifier") != convention.rule("linear")
        remarks = (self.unclassified,) if self.unclassified and apart else ()
        return Coverage(counted, left_out, self.free, self.unknown, self.unused, (*remarks, *self.remarks))

    def strictly(self) -> Trace:
        """This trace, if every operation is known. Raises CsncostError otherwise."""
        if self.unknown:
            listed = "; ".join(map(str, self.unknown[:3]))
            raise CsncostError(
                f"no formula is known for {len(self.unknown)} operations: {listed}",
                "give formulas for them, or trace without strict to leave them out",
            )
        return self


class Claims:
    """Gives what several operations share to the first of them that a convention counts the parameters of."""

    def __init__(self) -> None:
        self.left: dict[str, int] = {}
        self.seen: set[tuple[str, tuple[int, int]]] = set()

    def settled(self, call: Call, rule: Rule) -> dict[str, Size]:
        """The quantities of the next operation, with what is left of the parameters that it shares."""
        found = dict(call.quantities)
        for share in call.shares.values():
            if share.quantity in rule["params"]:
                found[share.quantity] += self.take(share.parameter, share.piece, share.size) - share.taken
        return found

    def take(self, parameter: str, piece: tuple[int, int], size: int) -> int:
        """Count those of a parameter's `size` numbers that a piece of it shows and that nothing showed before."""
        if (parameter, piece) in self.seen:
            return 0
        self.seen.add((parameter, piece))
        left = self.left.get(parameter, size)
        taken = min(left, piece[1])
        self.left[parameter] = left - taken
        return taken
