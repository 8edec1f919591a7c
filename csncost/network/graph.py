"""The intermediate representation: a graph of operations with scopes, shapes and source spans.

A network is a graph of stages, a stage a graph of blocks or operations, a block a graph of operations. A node that
holds a graph may stand for several copies in sequence (the repeated blocks of a stage), which share shapes and
not weights; so depth may be a symbol, and cost is counted once for all copies. Sizes are ints, labelled arrays or
SymPy expressions. What an operation costs is not said here, nor how it was written.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import reduce
from operator import and_
from typing import Any, Literal

from csncost.errors import Span
from csncost.network.checks import Checks, Fault
from csncost.network.ops import Activation, Add, Concat, Linear, Matmul, Multiply, Norm, Op, Shape, same_shape
from csncost.network.sizes import Size, Truth, is_number


@dataclass(frozen=True, slots=True)
class Node:
    """One operation, or a nested graph, in its place.

    `inputs` index the values of the enclosing graph: its inputs first, then the outputs of its nodes in order.
    Nodes compare without their spans, so that two spellings of a network have equal graphs.
    A nested graph stands for `copies` of itself in sequence, named `name`_`first` and on. A branch may have no name,
    and then adds nothing to the names of its operations.
    """

    name: str
    op: Op | Graph
    inputs: tuple[int, ...]
    output: Shape
    span: Span | None = field(default=None, compare=False)
    copies: Size = 1
    first: int = 0

    def instances(self) -> list[str]:
        """The names of the copies: `conv2_1`, `conv2_2`, ... or the plain name where copies are not numbered."""
        return [f"{self.name}_{i}" for i in range(self.first, self.first + self.copies)] if self.first else [self.name]


@dataclass(frozen=True, slots=True)
class Graph:
    """Nodes in topological order; the last one's output is the graph's."""

    level: Literal["network", "stage", "block", "branch"]
    inputs: tuple[Shape, ...]
    nodes: tuple[Node, ...]
    walked: list[Any] = field(default_factory=list, init=False, repr=False, compare=False)
    """The walk over the graph, once there was one: a graph is counted under several conventions."""

    @property
    def output(self) -> Shape:
        """The shape of the last node's output (of the input, if there are no nodes)."""
        return self.nodes[-1].output if self.nodes else self.inputs[0]


class GraphBuilder:
    """Grows a graph node by node, inferring and checking shapes. A value is an index as in `Node.inputs`."""

    def __init__(
        self, level: Literal["network", "stage", "block", "branch"], inputs: Sequence[Shape], checks: Checks
    ) -> None:
        self.level = level
        self.checks = checks
        self._inputs = tuple(inputs)
        self._nodes: list[Node] = []
        self._shapes = list(inputs)

    @property
    def last(self) -> int:
        """The newest value."""
        return len(self._shapes) - 1

    def shape(self, value: int | None = None) -> Shape:
        """The shape of a value, by default the newest."""
        return self._shapes[self.last if value is None else value]

    def add(self, name: str, op: Op, *inputs: int, span: Span | None = None) -> int:
        """Append an operation on values (by default the newest) and return its value."""
        shapes = self._shapes
        at = inputs or (len(shapes) - 1,)
        if len(at) > 1 and not isinstance(op, (Add, Multiply, Concat, Matmul)):
            raise Fault("inputs", f"{name} takes one input, not {len(at)}")
        output = op.output([shapes[i] for i in at], self.checks)
        self._nodes.append(Node(name, op, at, output, span))
        shapes.append(output)
        return len(shapes) - 1

    def follow(self, name: str, op: Norm | Activation, span: Span | None = None) -> None:
        """Append an operation that keeps the newest value's shape, and fits it: it was made for it."""
        shape = self._shapes[-1]
        self._nodes.append(Node(name, op, (len(self._shapes) - 1,), shape, span))
        self._shapes.append(shape)

    def nest(
        self, name: str, graph: Graph, *inputs: int, copies: Size = 1, first: int = 0, span: Span | None = None
    ) -> int:
        """Append `copies` of a graph in sequence and return the value of the last. Raises Fault for other inputs."""
        taken = [self.shape(value) for value in inputs or (self.last,)]
        if len(taken) != len(graph.inputs) or not all(map(same_shape, taken, graph.inputs)):
            raise Fault("inputs", f"{name} is made for inputs of other shapes")
        if is_number(copies) and copies > 1 and not same_shape(graph.inputs[0], graph.output):
            raise Fault("inputs", f"copies of {name} change the shape, and cannot follow one another")
        self._nodes.append(Node(name, graph, inputs or (self.last,), graph.output, span, copies, first))
        self._shapes.append(graph.output)
        return self.last

    def graph(self) -> Graph:
        """The graph that has been built."""
        return Graph(self.level, self._inputs, tuple(self._nodes))


@dataclass(frozen=True, slots=True)
class Network:
    """A whole network: its graph, and what it takes for the network to exist.

    `masks` over arrays say which designs exist; `assumptions` are relations between symbols.
    """

    graph: Graph
    masks: tuple[Truth, ...] = ()
    assumptions: tuple[Any, ...] = ()

    @property
    def valid(self) -> Truth:
        """The designs that exist: True for all, or the masks in one."""
        return reduce(and_, self.masks, True)

    @property
    def clip(self) -> Shape:
        """The input (C, T, H, W)."""
        return self.graph.inputs[0]

    @property
    def classes(self) -> Size:
        """The channels of the output."""
        return self.graph.output[0]

    def __repr__(self) -> str:
        return f"<Network of {len(self.graph.nodes)} stages on {'x'.join(map(str, self.clip))}>"

    @property
    def has_classifier(self) -> bool:
        """True if the last stage is the fully connected layer that outputs the class scores."""
        stage = self.graph.nodes[-1].op
        nodes = stage.nodes if isinstance(stage, Graph) else ()
        return any(isinstance(node.op, Linear) and node.op.classifier for node in nodes)
