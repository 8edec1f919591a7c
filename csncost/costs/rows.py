"""The rows of a report: a row for each counted operation of a network, and their sums by block, stage or all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Literal, NamedTuple, TypeAlias

from csncost.costs.conventions.named import Convention
from csncost.costs.count import count
from csncost.costs.metrics import Counts
from csncost.network.graph import Graph, Network, Node
from csncost.network.ops import KINDS, Conv, Linear, Pool
from csncost.network.walk import Operation, walk

Level: TypeAlias = Literal["layer", "block", "stage", "total"]
LEVELS: tuple[Level, ...] = ("layer", "block", "stage", "total")


class Row(NamedTuple):
    """One counted operation, or a group of them; sizes in the order (T, H, W), output (C, T, H, W).

    The output of a traced operation has its batch axis; `calls` says how often it ran, of a group where all of its
    operations ran as often. Counts are attributes, too: `row.flops`.
    """

    name: str
    op: str
    stage: str
    block: str
    in_channels: int | None
    out_channels: int | None
    kernel: tuple[int, ...] | None
    stride: tuple[int, ...] | None
    groups: int | None
    output: tuple[int, ...]
    counts: Counts
    calls: int = 1

    def __getattr__(self, metric: str) -> Any:
        return self.counts.metric(metric)

    def to_dict(self) -> dict[str, Any]:
        """The row as plain data, a value for each metric."""
        return {**dict(zip(GEOMETRY, self, strict=False)), **self.counts.to_dict(), "calls": self.calls}


GEOMETRY = ("name", "op", "stage", "block", "in_channels", "out_channels", "kernel", "stride", "groups", "output")
"""The fields of a row before its counts."""


def network_rows(network: Network, convention: Convention, views: int) -> Iterator[Row]:
    """A row for each operation that the convention counts, copies written out."""
    known: dict[int, list[tuple[str, str, tuple[Any, ...]]]] = {}  # copies of a block are counted once
    for place in walk(network.graph, each_copy=True, into_blocks=False):
        op = place.node.op
        if isinstance(op, Graph):
            if id(op) not in known:
                known[id(op)] = list(_counted(walk(op), convention, views))
            prefix, stage, block = f"{place.name}.", place.stage, place.block
            for name, kind, fields in known[id(op)]:
                yield Row(prefix + name, kind, stage, block, *fields)
        else:
            for name, kind, fields in _counted([place], convention, views):
                yield Row(name, kind, place.stage, "", *fields)


def _counted(
    operations: Iterable[Operation], convention: Convention, views: int
) -> Iterator[tuple[str, str, tuple[Any, ...]]]:
    """The operations that the convention counts: name, kind, and the fields of a row that all copies share."""
    for found in operations:
        if (counts := count(found, convention)) is not None:
            node = found.node
            yield found.name, KINDS[type(node.op)], (*_geometry(node), node.output, counts.times(views))


def _geometry(node: Node) -> tuple[Any, ...]:
    """in_channels, out_channels, kernel, stride and groups, where the operation has them."""
    op = node.op
    match op:
        case Conv():
            return op.in_channels, op.out_channels, op.kernel, op.stride, op.groups
        case Linear():
            return op.in_channels, op.out_channels, None, None, None
        case Pool():
            return node.output[0], node.output[0], op.kernel, op.stride if op.kernel else None, None
        case _:
            return node.output[0], node.output[0], None, None, None


def grouped(rows: Sequence[Row], level: Level | int) -> Iterator[Row]:
    """Sums over neighbouring rows of one block (or of a stage without blocks), stage, or all."""
    group: list[Row] = []
    for row in rows:
        if group and _key(row, level) != _key(group[0], level):
            yield _summed(group, level)
            group = []
        group.append(row)
    if group:
        yield _summed(group, level)


def _key(row: Row, level: Level | int) -> str:
    if isinstance(level, int):
        return ".".join(row.name.split(".")[:level])
    return {"block": row.block or row.stage, "stage": row.stage, "total": "total"}.get(level, row.name)


def _summed(group: list[Row], level: Level | int) -> Row:
    counts = Counts.zero()
    for row in group:
        counts = counts.plus(row.counts)
    first, last = group[0], group[-1]
    stage = "" if level == "total" else first.stage
    block = first.block if level == "block" else ""
    return Row(
        _key(first, level),
        "module" if isinstance(level, int) else level,
        stage,
        block,
        first.in_channels,
        last.out_channels,
        None,
        None,
        None,
        last.output,
        counts,
        calls=first.calls if level != "total" and len({row.calls for row in group}) == 1 else 1,
    )
