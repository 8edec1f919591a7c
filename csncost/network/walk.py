"""One walk over a graph and the graphs in it: every operation in its place, with the shapes of all its inputs."""

from __future__ import annotations

from typing import NamedTuple

from csncost.network.graph import Graph, Node
from csncost.network.ops import Shape
from csncost.network.sizes import Size, is_number


class Operation(NamedTuple):
    """An operation in its place.

    `name` is its full name (`conv2_1.a`), `stage` and `block` (`conv2`, `conv2_1`) enclose it where it is in any.
    `values` are those that it takes: the inputs of the walked graph come first, then what each operation gives;
    `shapes` has the shape of each.
    """

    name: str
    node: Node
    values: tuple[int, ...]
    shapes: list[Shape]
    stage: str
    block: str
    copies: Size

    @property
    def inputs(self) -> tuple[Shape, ...]:
        """The shapes of what it takes."""
        return tuple([self.shapes[value] for value in self.values])


class _Place(NamedTuple):
    """A nested graph that the walk is in; `prefix` begins the names in it, `path` those of branches in it."""

    stage: str = ""
    block: str = ""
    prefix: str = ""
    path: str = ""
    copies: Size = 1

    def inside(self, level: str, name: str, copies: Size) -> _Place:
        """The place of what a nested graph of that level and name holds, one of so many copies."""
        stage, block, prefix, path, outer = self
        copies = outer if is_number(copies) and copies == 1 else outer * copies
        if level == "stage":  # its operations and blocks are called after it already, and its branches are not
            return _Place(name, block, prefix, f"{prefix}{name}.", copies)
        if level == "block":
            inner = f"{prefix}{name}."
            return _Place(stage, block or name, inner, inner, copies)
        if not name:
            return _Place(stage, block, prefix, path, copies)
        inner = f"{path}{name}."
        return _Place(stage, block, inner, inner, copies)


def walk(graph: Graph, *, each_copy: bool = False, into_blocks: bool = True) -> Walk:
    """Every operation of a graph in order.

    A nested graph of several copies is walked once, under the name of the first, and `copies` says how many there are
    (an int, an array or a symbol). With `each_copy` every copy is walked, in a network of ints. Without `into_blocks`
    a block is passed as one operation.
    """
    if each_copy or not into_blocks:
        return Walk(graph, each_copy, into_blocks)
    if not graph.walked:
        graph.walked.append(Walk(graph, each_copy, into_blocks))
    found: Walk = graph.walked[0]
    return found


class Walk(list[Operation]):
    """The operations that a walk has met; `output` is the value of the graph's output."""

    def __init__(self, graph: Graph, each_copy: bool, into_blocks: bool) -> None:
        self.each_copy, self.into_blocks = each_copy, into_blocks
        self.shapes = list(graph.inputs)
        self.output = self.through(graph, list(range(len(graph.inputs))), _Place())

    def through(self, graph: Graph, values: list[int], place: _Place) -> int:
        """Walk a graph on values, to which its own are added; the value of its output."""
        stage, block, prefix, _, copies = place
        shapes = self.shapes
        for node in graph.nodes:
            taken = tuple([values[i] for i in node.inputs])
            if isinstance(node.op, Graph):
                values.append(self.into(node, node.op, taken, place))
            else:
                self.append(Operation(prefix + node.name, node, taken, shapes, stage, block, copies))
                values.append(len(shapes))
                shapes.append(node.output)
        return values[-1] if graph.nodes else values[0]

    def into(self, node: Node, graph: Graph, taken: tuple[int, ...], place: _Place) -> int:
        """Walk a nested graph on the values that it takes; the value of its output."""
        if self.each_copy:
            copies, names = 1, node.instances()
        else:
            numbered = is_number(node.first) and node.first
            copies, names = node.copies, [f"{node.name}_{node.first}" if numbered else node.name]
        for name in names:
            inner = place.inside(graph.level, name, copies)
            if graph.level == "block" and not self.into_blocks:
                result = len(self.shapes)
                self.append(Operation(place.prefix + name, node, taken, self.shapes, *inner[:2], inner.copies))
                self.shapes.append(node.output)
            else:
                result = self.through(graph, list(taken), inner)
            taken = (result, *taken[1:])  # in sequence: the output of one is the first input of the next
        return taken[0]
