"""The cost of operations under a convention: their quantities, weighed by the convention's rules."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from csncost.costs import metrics, quantities
from csncost.costs.conventions import Convention, Rule, Terms
from csncost.costs.metrics import Counts, counted
from csncost.costs.quantities import Quantities
from csncost.network.graph import Graph, Node
from csncost.network.ops import KINDS, Activation, Conv, Linear, Matmul, Norm, Op, Pool, Shape
from csncost.network.sizes import Size

METRICS, COSTS = counted(), tuple(metrics.METRICS)


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


def _quantities(op: Op, output: Shape, inputs: Sequence[Shape]) -> Quantities:
    """The quantities of one copy of an operation on inputs of these shapes."""
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
            return quantities.elementwise(output, inputs)
    return own | quantities.reads(inputs)


def counted_as(op: Op) -> str:
    """The kind that conventions know an operation by; the layer that outputs the class scores has its own."""
    return "classifier" if isinstance(op, Linear) and op.classifier else KINDS[type(op)]


_MODULES = {"relu": "ReLU", "silu": "SiLU", "gelu": "GELU", "sigmoid": "Sigmoid", "tanh": "Tanh", "softmax": "Softmax"}


def _identity(op: Op) -> tuple[str, str, str]:
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


def measure(node: Node, inputs: Sequence[Shape]) -> Measured:
    """One copy of an operation on inputs of these shapes, as conventions see it."""
    op = node.op
    assert not isinstance(op, Graph)
    return Measured(*_identity(op), _quantities(op, node.output, inputs))


def count(node: Node, inputs: Sequence[Shape], convention: Convention) -> Counts | None:
    """The cost of one copy of an operation; None where the convention does not count it."""
    op = node.op
    assert not isinstance(op, Graph)
    rule = convention.rule(*_identity(op))
    return None if rule is None else weigh(rule, _quantities(op, node.output, inputs))


def weigh(rule: Rule, measured: Mapping[str, Size]) -> Counts:
    """An operation's quantities, each as often as the rule says."""
    return Counts([_sum(rule[metric], measured) for metric in counted()])


def _sum(terms: Terms, measured: Mapping[str, Size]) -> Size:
    total: Size = 0
    for quantity, times in terms.items():
        value = measured.get(quantity, 0)
        total = total + (value if times == 1 else times * value)
    return total


def with_inputs(graph: Graph) -> Iterator[tuple[Node, tuple[Shape, ...]]]:
    """The nodes of a graph, each with the shapes of its inputs."""
    shapes = list(graph.inputs)
    for node in graph.nodes:
        yield node, tuple([shapes[i] for i in node.inputs])
        shapes.append(node.output)


def tally(graph: Graph, convention: Convention) -> Counts:
    """The cost of a whole graph; copies are counted once and multiplied, so their number may be a symbol."""
    total = Counts.zero()
    for node, inputs in with_inputs(graph):
        if isinstance(node.op, Graph):
            total = total.plus(tally(node.op, convention), node.copies)
        elif (counts := count(node, inputs, convention)) is not None:
            total = total.plus(counts)
    return total


def weighted_layers(graph: Graph) -> Size:
    """The depth of a network: convolutions and fully connected layers, those of shortcuts left out.

    Copies are counted once and multiplied, so their number may be an array or a symbol.
    """
    total: Size = 0
    for node in graph.nodes:
        if isinstance(node.op, Graph):
            total = total + weighted_layers(node.op) * node.copies
        elif isinstance(node.op, (Conv, Linear)):
            total = total + int(graph.level == "stage" or not node.name.startswith("shortcut"))
    return total


OF_NETWORKS: Mapping[str, Callable[[Graph], Size]] = {"depth": weighted_layers}
"""Metrics that are no sums over operations."""


def costs(graph: Graph, convention: Convention) -> dict[str, Size]:
    """Every metric of a whole graph."""
    return {**tally(graph, convention).to_dict(), **{key: find(graph) for key, find in OF_NETWORKS.items()}}


def operations(graph: Graph) -> Iterator[tuple[Node, tuple[Shape, ...]]]:
    """One copy of every operation of a graph, with the shapes of its inputs."""
    for node, inputs in with_inputs(graph):
        if isinstance(node.op, Graph):
            yield from operations(node.op)
        else:
            yield node, inputs


def everything_measured(graph: Graph, copies: Size = 1) -> Iterator[tuple[Measured, Size]]:
    """Every operation of a graph as conventions see it, and its number of copies."""
    for node, inputs in with_inputs(graph):
        if isinstance(node.op, Graph):
            yield from everything_measured(node.op, copies * node.copies)
        else:
            yield measure(node, inputs), copies


def stages(graph: Graph, convention: Convention) -> Sequence[tuple[str, Counts]]:
    """The cost of each stage, those that the convention does not count left out."""
    found = [(node.name, tally(node.op, convention)) for node in graph.nodes if isinstance(node.op, Graph)]
    return [(name, counts) for name, counts in found if any(not isinstance(c, int) or c for c in counts)]
