"""What one operation costs under a convention: its quantities, weighed by the convention's rule."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from csncost.arithmetic import Size, volume
from csncost.conventions import Convention, Terms
from csncost.formulas import channel_interactions, conv_macs, conv_weights, matmul_macs, norm_affine
from csncost.network import Graph, Node
from csncost.ops import KINDS, Conv, Linear, Matmul, Norm, Op, Shape

METRICS = ("params", "flops", "interactions", "activations")


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


def _conv(op: Conv, output: Shape) -> dict[str, Size]:
    weights = conv_weights(op.in_channels, op.out_channels, op.kernel, op.groups)
    elements = volume(output)
    return {
        "weights": weights,
        "biases": op.out_channels if op.bias else 0,
        "macs": conv_macs(weights, output),
        "pairs": channel_interactions(op.in_channels, op.out_channels, op.groups),
        "elements": elements,
        "bias_adds": elements if op.bias else 0,
    }


def _linear(op: Linear, output: Shape) -> dict[str, Size]:
    weights = conv_weights(op.in_channels, op.out_channels, (), 1)
    return {
        "weights": weights,
        "biases": op.out_channels if op.bias else 0,
        "macs": conv_macs(weights, output),
        "pairs": channel_interactions(op.in_channels, op.out_channels, 1),
        "elements": volume(output),
        "bias_adds": volume(output) if op.bias else 0,
    }


def _norm(op: Norm, output: Shape) -> dict[str, Size]:
    return {"affine": norm_affine(op.channels), "elements": volume(output)}


def _matmul(op: Matmul, output: Shape) -> dict[str, Size]:
    return {"macs": matmul_macs(op.rows, op.inner, op.columns), "elements": volume(output)}


def _elementwise(op: Op, output: Shape) -> dict[str, Size]:
    return {"elements": volume(output)}


_QUANTITIES: dict[type, Callable[[Any, Shape], dict[str, Size]]] = {
    Conv: _conv,
    Linear: _linear,
    Norm: _norm,
    Matmul: _matmul,
}


def counted_as(op: Op) -> str:
    """The kind that conventions know an operation by; the layer that outputs the class scores has its own."""
    return "classifier" if isinstance(op, Linear) and op.classifier else KINDS[type(op)]


def count(node: Node, convention: Convention) -> Counts | None:
    """What one copy of an operation costs; None where the convention does not count its kind."""
    op = node.op
    assert not isinstance(op, Graph)
    rule = convention.rules.get(counted_as(op))
    if rule is None:
        return None
    quantities = _QUANTITIES.get(type(op), _elementwise)(op, node.output)
    return Counts(
        _weigh(rule.params, quantities),
        _weigh(rule.flops, quantities),
        _weigh(rule.interactions, quantities),
        _weigh(rule.activations, quantities),
    )


def _weigh(terms: Terms, quantities: dict[str, Size]) -> Size:
    total: Size = 0
    for quantity, times in terms.items():
        value = quantities.get(quantity, 0)
        total = total + (value if times == 1 else times * value)
    return total


def tally(graph: Graph, convention: Convention) -> Counts:
    """What a whole graph costs; copies are counted once and multiplied, so their number may be a symbol."""
    total = Counts()
    for node in graph.nodes:
        if isinstance(node.op, Graph):
            total = total.plus(tally(node.op, convention), node.copies)
        elif (counts := count(node, convention)) is not None:
            total = total.plus(counts)
    return total


def stages(graph: Graph, convention: Convention) -> Sequence[tuple[str, Counts]]:
    """What each stage costs, those that the convention does not count left out."""
    found = [(node.name, tally(node.op, convention)) for node in graph.nodes if isinstance(node.op, Graph)]
    return [(name, counts) for name, counts in found if any(not isinstance(c, int) or c for c in counts)]
