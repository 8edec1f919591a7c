"""The cost of operations under a convention: their quantities, weighed by the convention's rules."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import NamedTuple

from csncost.costs import quantities
from csncost.costs.conventions.named import Convention, Rule, Terms
from csncost.costs.metrics import Counts
from csncost.costs.quantities import Quantities
from csncost.network.graph import Graph
from csncost.network.ops import KINDS, Activation, Conv, Linear, Matmul, Norm, Op, Pool
from csncost.network.sizes import Size
from csncost.network.walk import Operation, walk


class Measured(NamedTuple):
    """An operation as a convention sees it: its kind, the class of the module that runs it, its quantities.

    `backward` are multiply-adds of gradients, which count as those of the operation do; `types` those of its inputs
    and of its output (float32, bfloat16, ...), where they are known.
    """

    kind: str
    function: str
    module: str
    quantities: Quantities
    backward: int = 0
    types: tuple[str, ...] = ()


def _quantities(found: Operation, reads: bool = True) -> Quantities:
    """The quantities of one copy of an operation; its `reads`, which few ask for, only if they are wanted."""
    op, output = found.node.op, found.node.output
    match op:
        case Conv():
            own = quantities.conv(op.in_channels, op.out_channels, op.kernel, op.groups, output, op.bias)
        case Linear():
            own = quantities.linear(op.in_channels, op.out_channels, op.bias)
        case Norm():
            own = quantities.channel_norm(op.channels, output)
        case Matmul():
            own = quantities.matmul(op.rows, op.inner, op.columns)
        case _:
            return quantities.elementwise(output, found.inputs)
    return own | quantities.reads(found.inputs) if reads else own


def counted_as(op: Op | Graph) -> str:
    """The kind that conventions know an operation by; the layer that outputs the class scores has its own."""
    return "classifier" if isinstance(op, Linear) and op.classifier else KINDS[type(op)]


_MODULES = {"relu": "ReLU", "silu": "SiLU", "gelu": "GELU", "sigmoid": "Sigmoid", "tanh": "Tanh", "softmax": "Softmax"}


def _identity(op: Op | Graph) -> tuple[str, str, str]:
    """Kind, function, and the class of the PyTorch module that would run the operation."""
    kind = counted_as(op)
    match op:
        case Conv():
            return kind, "", "Conv3d"
        case Linear():
            return kind, "", "Linear"
        case Norm():
            return kind, op.function, "BatchNorm3d"
        case Activation():
            return kind, op.function, _MODULES.get(op.function, "")
        case Pool():
            whole = op.kernel is None  # a pool over everything is an adaptive one
            function = f"adaptive_{op.function}3d" if whole else op.function
            return kind, function, f"{'Adaptive' if whole else ''}{op.function.title()}Pool3d"
        case _:
            return kind, "", ""


def measure(found: Operation) -> Measured:
    """One copy of an operation as conventions see it."""
    return Measured(*_identity(found.node.op), _quantities(found))


def count(found: Operation, convention: Convention) -> Counts | None:
    """The cost of one copy of an operation; None where the convention does not count it."""
    op = found.node.op
    if counted_as(op) not in convention.kinds:
        return None
    rule = convention.rule(*_identity(op))
    return None if rule is None else weigh(rule, _quantities(found, rule.asks_for("reads")))


def weigh(rule: Rule, measured: Mapping[str, Size]) -> Counts:
    """An operation's quantities, each as often as the rule says."""
    return Counts([_sum(terms, measured) for terms in rule.weights()])


def _sum(terms: Terms, measured: Mapping[str, Size]) -> Size:
    total: Size = 0
    for quantity, times in terms.items():
        value = measured.get(quantity, 0)
        total = total + (value if times == 1 else times * value)
    return total


def tally(graph: Graph, convention: Convention) -> Counts:
    """The cost of a whole graph; copies are counted once and multiplied, so their number may be a symbol."""
    counted = [(found.copies, counts) for found in walk(graph) if (counts := count(found, convention)) is not None]
    total = Counts.zero()
    for _, alike in groupby(counted, key=lambda one: id(one[0])):
        (copies, one), *others = alike
        for _, counts in others:
            one = one.plus(counts)
        total = total.plus(one, copies)
    return total


def weighted_layers(graph: Graph) -> Size:
    """The depth of a network: convolutions and fully connected layers, those of shortcuts left out."""
    layers = (found for found in walk(graph) if isinstance(found.node.op, (Conv, Linear)))
    return sum(found.copies for found in layers if not (found.block and found.node.name.startswith("shortcut")))


OF_NETWORKS: Mapping[str, Callable[[Graph], Size]] = {"depth": weighted_layers}
"""Metrics that are no sums over operations."""


def costs(graph: Graph, convention: Convention) -> dict[str, Size]:
    """Every metric of a whole graph."""
    return {**tally(graph, convention).to_dict(), **{key: find(graph) for key, find in OF_NETWORKS.items()}}


def everything_measured(graph: Graph) -> Iterator[tuple[Measured, Size]]:
    """Every operation of a graph as conventions see it, and its number of copies."""
    return ((measure(found), found.copies) for found in walk(graph))


def stages(graph: Graph, convention: Convention) -> Sequence[tuple[str, Counts]]:
    """The cost of each stage, those that the convention does not count left out."""
    found = [(node.name, tally(node.op, convention)) for node in graph.nodes if isinstance(node.op, Graph)]
    return [(name, counts) for name, counts in found if any(not isinstance(c, int) or c for c in counts)]
