"""One walk over a graph and the graphs in it: every operation in its place, with the shapes of all its inputs."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from typing import NamedTuple

from csncost.network.graph import Graph, Node
from csncost.network.ops import Shape
from csncost.network.sizes import Size, is_number


class Operation(NamedTuple):
    """An operation in its place.

    `name` is its full name (`conv2_1.a`), `stage` and `block` (`conv2`, `conv2_1`) enclose it where it is in any.
    `values` are those that it takes: the inputs of the walked graph come first, then what each operation gives.
    """

    name: str
    node: Node
    inputs: tuple[Shape, ...]
    values: tuple[int, ...]
    stage: str
    block: str
    copies: Size


class _Place(NamedTuple):
    """A nested graph that the walk is in; `prefix` begins the names in it, `path` those of branches in it."""

    stage: str = ""
    block: str = ""
    prefix: str = ""
    path: str = ""
    copies: Size = 1

    def inside(self, node: Node, name: str, copies: Size) -> _Place:
        """The place of what a nested graph holds, of which `name` is one of so many copies."""
        assert isinstance(node.op, Graph)
        copies = self.copies if is_number(copies) and copies == 1 else self.copies * copies
        match node.op.level:
            case "stage":  # its operations and blocks are called after it already, and its branches are not
                return _Place(name, self.block, self.prefix, f"{self.prefix}{name}.", copies)
            case "block":
                prefix = f"{self.prefix}{name}."
                return _Place(self.stage, self.block or name, prefix, prefix, copies)
        if not name:
            return self._replace(copies=copies)
        prefix = f"{self.path}{name}."
        return _Place(self.stage, self.block, prefix, prefix, copies)


def walk(graph: Graph, *, each_copy: bool = False, into_blocks: bool = True) -> Generator[Operation, None, int]:
    """Every operation of a graph in order; returns the value of the graph's output.

    A nested graph of several copies is walked once, under the name of the first, and `copies` says how many there are
    (an int, an array or a symbol). With `each_copy` every copy is walked, in a network of ints. Without `into_blocks`
    a block is passed as one operation.
    """
    kept = into_blocks and not each_copy
    if kept and graph.walked:
        operations, result = graph.walked
    else:
        found = _Walk(graph, each_copy, into_blocks)
        result = found.through(graph, list(range(len(graph.inputs))), _Place())
        operations = found.operations
        if kept:
            graph.walked[:] = operations, result
    yield from operations
    return int(result)


class _Walk:
    """The operations that a walk has met, and the shapes of their values. Lists are quicker than nested generators."""

    def __init__(self, graph: Graph, each_copy: bool, into_blocks: bool) -> None:
        self.each_copy, self.into_blocks = each_copy, into_blocks
        self.shapes = list(graph.inputs)
        self.operations: list[Operation] = []

    def through(self, graph: Graph, values: list[int], place: _Place) -> int:
        """Walk a graph on values, to which its own are added; the value of its output."""
        stage, block, prefix, _, copies = place
        shapes, note = self.shapes, self.operations.append
        for node in graph.nodes:
            taken = tuple([values[i] for i in node.inputs])
            if isinstance(node.op, Graph):
                values.append(self.into(node, node.op, taken, place))
            else:  # as `met` does, without a call: most analyses walk hundreds of these
                inputs = tuple([shapes[value] for value in taken])
                note(Operation(prefix + node.name, node, inputs, taken, stage, block, copies))
                values.append(len(shapes))
                shapes.append(node.output)
        return values[-1] if graph.nodes else values[0]

    def into(self, node: Node, graph: Graph, taken: tuple[int, ...], place: _Place) -> int:
        """Walk a nested graph on the values that it takes; the value of its output."""
        for name, copies in self.copies(node):
            inner = place.inside(node, name, copies)
            if graph.level == "block" and not self.into_blocks:
                result = self.met(node, place.prefix + name, taken, *inner[:2], inner.copies)
            else:
                result = self.through(graph, list(taken), inner)
            taken = (result, *taken[1:])  # in sequence: the output of one is the first input of the next
        return taken[0]

    def copies(self, node: Node) -> Iterable[tuple[str, Size]]:
        """The copies of a nested graph that are walked: name, and how many it stands for."""
        if self.each_copy:
            return [(name, 1) for name in node.instances()]
        numbered = is_number(node.first) and node.first
        return [(f"{node.name}_{node.first}" if numbered else node.name, node.copies)]

    def met(self, node: Node, name: str, taken: tuple[int, ...], stage: str, block: str, copies: Size) -> int:
        """Note an operation; the value that it gives."""
        shapes = self.shapes
        inputs = tuple([shapes[value] for value in taken])
        self.operations.append(Operation(name, node, inputs, taken, stage, block, copies))
        shapes.append(node.output)
        return len(shapes) - 1
