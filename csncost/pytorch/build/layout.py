"""What a network does as steps on tensors: each a module of its own, or a function.

Stages and branches have no module: their steps are among those of the network, or of the block, that holds them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial, reduce
from operator import add, mul
from typing import NamedTuple

import torch
from torch import Tensor

from csncost.errors import CsncostError
from csncost.network.graph import Graph, Node
from csncost.units import shape
from csncost.network.ops import Add, Concat, Matmul, Multiply, Op, Shape


class Step(NamedTuple):
    """A module, or a function, called on values; `done` are the values that no later step needs."""

    name: str
    function: Callable[[list[Tensor]], Tensor] | None
    inputs: tuple[int, ...]
    done: tuple[int, ...] = ()


class Layout:
    """What one module does step by step: its graph, with the nodes of stages and branches among its own.

    A value is an index, as in `Node.inputs`: the graph's inputs first, then what each step gives.
    """

    def __init__(self, graph: Graph) -> None:
        self.members: dict[str, Node] = {}
        self._shapes = list(graph.inputs)
        self._steps: list[Step] = []
        self.result = self._lay(graph, range(len(graph.inputs)))
        self.steps = tuple(_released(self._steps, self.result))

    def _lay(self, graph: Graph, inputs: Iterable[int]) -> int:
        """Append the steps of a graph on values, and return the value of its output."""
        values = list(inputs)
        result = values[0]
        for node in graph.nodes:
            result = self._node(node, [values[i] for i in node.inputs])
            values.append(result)
        return result

    def _node(self, node: Node, inputs: list[int]) -> int:
        if not isinstance(node.op, Graph):
            return self._step(node.name, node, inputs)
        for name in node.instances():  # in sequence: the output of one is the first input of the next
            result = self._step(name, node, inputs) if node.op.level == "block" else self._lay(node.op, inputs)
            inputs = [result, *inputs[1:]]
        return inputs[0]

    def _step(self, name: str, node: Node, inputs: list[int]) -> int:
        function = None if isinstance(node.op, Graph) else _function(node.op, [self._shapes[i] for i in inputs])
        if function is None:
            if name in self.members:
                raise CsncostError(f'two operations are called "{name}"', "give one of their stages another label")
            self.members[name] = node
        self._steps.append(Step(name, function, tuple(inputs)))
        self._shapes.append(node.output)
        return len(self._shapes) - 1


def _released(steps: Sequence[Step], result: int) -> Iterator[Step]:
    """The steps, each with the values that it is the last to need: so memory is freed as soon as in written code."""
    last = {result: len(steps)}
    for at, step in enumerate(steps):
        last.update({value: at for value in step.inputs if value != result})
    done: dict[int, list[int]] = {}
    for value, at in last.items():
        done.setdefault(at, []).append(value)
    for at, step in enumerate(steps):
        yield step._replace(done=tuple(done.get(at, ())))


def _function(op: Op, inputs: Sequence[Shape]) -> Callable[[list[Tensor]], Tensor] | None:
    """An operation that has no module, as a function of its inputs."""
    match op:
        case Add():
            return partial(reduce, add)
        case Multiply():
            return partial(reduce, mul)
        case Concat():
            return partial(torch.cat, dim=1)
        case Matmul():
            wanted = ((op.rows, op.inner), (op.inner, op.columns))
            return partial(_product, turned=tuple(map(_turned, inputs, wanted)))
        case _:
            return None


def _turned(given: Shape, wanted: Shape) -> bool:
    """Whether a factor of a matrix product must be transposed: only where it does not fit as it is."""
    if given == wanted:
        return False
    if given == wanted[::-1]:
        return True
    raise CsncostError(f"a matrix of {shape(wanted)} is needed, and {shape(given)} is given", "reshape it before")


def _product(factors: list[Tensor], turned: tuple[bool, ...]) -> Tensor:
    left, right = (x.mT if turn else x for x, turn in zip(factors, turned, strict=True))
    return left @ right
