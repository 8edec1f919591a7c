"""What one operation costs under a convention: its quantities, weighed by the convention's rule."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from csncost.costs import quantities
from csncost.costs.conventions import Convention, Rule, Terms
from csncost.costs.quantities import Quantities
from csncost.network.graph import Graph, Node
from csncost.network.ops import KINDS, Activation, Conv, Linear, Matmul, Norm, Op, Pool, Shape
from csncost.network.sizes import Size

METRICS = ("params", "flops", "interactions", "activations")

COSTS = (*METRICS, "depth")
"""What a design comes to: its counts, and its weighted layers."""


class Counts(NamedTuple):
    """Params, FLOPs (in the convention's unit), interactions (pairs) and activations (elements)."""

    params: Size = 0
    flops: Size = 0
    interactions: Size = 0
    activations: Size = 0

    def plus(self, other: Counts, copies: Size = 1) -> Counts:
        """This and `copies` of the other."""
        p, f, i, a = other
        return Counts(self[0] + p * copies, self[1] + f * copies, self[2] + i * copies, self[3] + a * copies)


class Measured(NamedTuple):
    """What a convention sees of an operation: what it is, the class of the module that runs it, its quantities.

    `backward` are multiply-adds of gradients, which count as those of the operation do.
    """

    kind: str
    function: str
    module: str
    quantities: Quantities
    backward: int = 0


def _measure_conv(op: Conv, output: Shape, inputs: Shape) -> Quantities:
    return quantities.conv(op.in_channels, op.out_channels, op.kernel, op.groups, output, op.bias)


def _measure_linear(op: Linear, output: Shape, inputs: Shape) -> Quantities:
    return quantities.linear(op.in_channels, op.out_channels, op.bias)


def _measure_norm(op: Norm, output: Shape, inputs: Shape) -> Quantities:
    return quantities.channel_norm(op.channels, output)


def _measure_matmul(op: Matmul, output: Shape, inputs: Shape) -> Quantities:
    return quantities.matmul(op.rows, op.inner, op.columns)


def _measure_elementwise(op: Op, output: Shape, inputs: Shape) -> Quantities:
    return quantities.elementwise(output, inputs)


_QUANTITIES: dict[type, Callable[[Any, Shape, Shape], Quantities]] = {
    Conv: _measure_conv,
    Linear: _measure_linear,
    Norm: _measure_norm,
    Matmul: _measure_matmul,
}


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


def measure(node: Node, inputs: Shape) -> Measured:
    """What one copy of an operation on a first input of that shape amounts to, whatever the convention."""
    op = node.op
    assert not isinstance(op, Graph)
    return Measured(*_identity(op), _QUANTITIES.get(type(op), _measure_elementwise)(op, node.output, inputs))


def count(node: Node, inputs: Shape, convention: Convention) -> Counts | None:
    """What one copy of an operation costs; None where the convention does not count it."""
    op = node.op
    assert not isinstance(op, Graph)
    rule = convention.rule(*_identity(op))
    if rule is None:
        return None
    return weigh(rule, _QUANTITIES.get(type(op), _measure_elementwise)(op, node.output, inputs))


def weigh(rule: Rule, measured: Mapping[str, Size]) -> Counts:
    """An operation's quantities, each as often as the rule says."""
    return Counts(
        _sum(rule.params, measured),
        _sum(rule.flops, measured),
        _sum(rule.interactions, measured),
        _sum(rule.activations, measured),
    )


def _sum(terms: Terms, measured: Mapping[str, Size]) -> Size:
    total: Size = 0
    for quantity, times in terms.items():
        value = measured.get(quantity, 0)
        total = total + (value if times == 1 else times * value)
    return total


def first_inputs(graph: Graph) -> Iterator[tuple[Node, Shape]]:
    """The nodes of a graph, each with the shape of its first input."""
    shapes = list(graph.inputs)
    for node in graph.nodes:
        yield node, shapes[node.inputs[0]]
        shapes.append(node.output)


def tally(graph: Graph, convention: Convention) -> Counts:
    """What a whole graph costs; copies are counted once and multiplied, so their number may be a symbol."""
    total = Counts()
    for node, inputs in first_inputs(graph):
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


def operations(graph: Graph) -> Iterator[tuple[Node, Shape]]:
    """One copy of every operation of a graph, with the shape of its first input."""
    for node, inputs in first_inputs(graph):
        if isinstance(node.op, Graph):
            yield from operations(node.op)
        else:
            yield node, inputs


def everything_measured(graph: Graph, copies: Size = 1) -> Iterator[tuple[Measured, Size]]:
    """Every operation of a graph as conventions see it, and how many copies of it there are."""
    for node, inputs in first_inputs(graph):
        if isinstance(node.op, Graph):
            yield from everything_measured(node.op, copies * node.copies)
        else:
            yield measure(node, inputs), copies


def stages(graph: Graph, convention: Convention) -> Sequence[tuple[str, Counts]]:
    """What each stage costs, those that the convention does not count left out."""
    found = [(node.name, tally(node.op, convention)) for node in graph.nodes if isinstance(node.op, Graph)]
    return [(name, counts) for name, counts in found if any(not isinstance(c, int) or c for c in counts)]
