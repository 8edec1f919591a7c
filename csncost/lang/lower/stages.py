"""A network written out to the intermediate representation, with values for its free names.

The same lines run for ints, labelled arrays and SymPy symbols. Conventions of the language that are decided here and
in `layers`: padding is half the kernel, norm and ReLU follow every convolution, a block is residual, and a stride in
a repeated block holds for its first copy.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache

from csncost.errors import Span, Undecided
from csncost.lang.lower.layers import AXES, ONES, Layers, Place, is_one
from csncost.lang.printer import print_value
from csncost.lang.syntax import NOWHERE, Block, Expr, Layer, Name, Repeat, Stage
from csncost.lang.values import ids
from csncost.lang.written import Written
from csncost.network.checks import Fault
from csncost.network.graph import Graph, GraphBuilder, Network, Node
from csncost.network.ops import Add, Conv, Norm, Shape, same_shape
from csncost.network.sizes import Size, Truth, differ, everywhere, is_number, is_symbolic, nowhere

DEFAULT_CLIP = {"frames": 8, "height": 224, "width": 224}
DEFAULT_CLASSES = 400
"""Values of an axis of the input, and of a free name `classes`: the base setting of the paper's section 4.1."""

MAX_OPS = 200_000

_SHORTCUTS = tuple(map(Name, ("none", "identity", "projection")))


def lower(written: Written, values: Mapping[str, Size] | None = None, **setting: Size) -> Network:
    """The network as a graph.

    `values` gives the free names; `setting` may override `frames`, `height`, `width` and `classes`. All may be ints,
    arrays or symbols. Raises SpecError where an int network cannot exist; arrays are masked (`Network.valid`), and
    what symbols must satisfy is collected (`Network.assumptions`).
    """
    return _Lowering(written, dict(values or {}), setting).network()


class _Lowering(Layers):
    """Stages, blocks and shortcuts."""

    def network(self) -> Network:
        if "classes" in self.setting or "classes" not in self.values:
            self.values["classes"] = self.setting.get("classes", DEFAULT_CLASSES)
        builder = GraphBuilder("network", [self.input()], self.checks)
        stages = self.written.stages
        names: set[str] = set()
        numbered: list[Node] = []
        for stage in stages:
            graph = self.stage(stage, builder.shape(), classifier=stage is stages[-1])
            self.check_names(stage, graph, names)
            self.check_numbers(graph, names, numbered)
            builder.nest(stage.label, graph, span=stage.span)
        network = Network(builder.graph(), tuple(self.checks.masks.values()), tuple(self.checks.assumptions))
        if "classes" in self.setting and not network.has_classifier:
            message = "this network ends in no fully connected layer, whose classes could be set"
            raise self.fault(message, stages[-1].span, hint="end it with a layer such as fc 400")
        return network

    def check_names(self, stage: Stage, graph: Graph, names: set[str]) -> None:
        """Refuse a stage whose rows would share a name with those of an earlier one."""
        mine = {stage.label}
        for node in graph.nodes:
            if is_number(node.first) and is_number(node.copies):
                mine.update(node.instances())
        if twice := names & mine:
            message = f'the name "{min(twice)[:40]}" is used twice'
            raise self.fault(message, stage.span, hint="give the stage another label")
        names |= mine

    def check_numbers(self, graph: Graph, names: set[str], numbered: list[Node]) -> None:
        """Mask the designs whose number of blocks makes a name that another stage has: `a_3` of `a [...] x b`."""
        numbered += [node for node in graph.nodes if hasattr(node.copies, "dtype") or hasattr(node.first, "dtype")]
        for node in numbered:
            for name in names:
                label, _, number = name.rpartition("_")
                if label == node.name and number.isdecimal() and str(int(number)) == number:
                    nth = int(number) - node.first
                    self.checks.mask((nth < 0) | (nth >= node.copies))

    def input(self) -> Shape:
        channels, *axes = self.written.input.items
        clip = list(zip(AXES, axes, strict=True))
        # what is given first, then the spec's clip, then defaults, then what is computed from them
        for axis, expr in clip:
            if isinstance(expr, Name) and axis in self.setting:
                self.bind(expr, self.setting[axis])
        for name, bound in self.written.bound:
            if name not in self.values:
                self.values[name] = self.value(bound)
        for axis, expr in clip:
            if isinstance(expr, Name) and expr.id not in self.values:
                self.bind(expr, DEFAULT_CLIP[axis])
        return (self.size(channels, "input channels"), *(self.axis(axis, expr) for axis, expr in clip))

    def bind(self, name: Name, value: Size) -> None:
        known = self.values.get(name.id, value)
        truth = True if known is value else _equal(known, value)
        if hasattr(truth, "dtype"):
            self.checks.mask(truth)
        elif not truth:
            raise self.fault(f'"{name.id}" cannot be both {known} and {value}', name.span)
        self.values[name.id] = value

    def axis(self, axis: str, expr: Expr) -> Size:
        """One axis of the clip: from the setting, else as written."""
        if axis in self.setting:
            return self.checked(self.setting[axis], axis, NOWHERE)
        bound = dict(self.written.bound).get(expr.id) if isinstance(expr, Name) else None
        return self.checked(self.value(expr), axis, (bound or expr).span)

    def stage(self, stage: Stage, shape: Shape, classifier: bool) -> Graph:
        builder = GraphBuilder("stage", [shape], self.checks)
        if isinstance(stage.body, Layer):
            self.layer(builder, stage.label, stage.body, Place(stage.label), classifier=classifier)
            return builder.graph()
        first = 1
        for repeat in stage.body:
            first = self.repeat(builder, stage.label, repeat, first)
        return builder.graph()

    def repeat(self, builder: GraphBuilder, label: str, repeat: Repeat, first: Size) -> Size:
        """Append copies of a block: the first, which may stride, then the rest; return the next copy's number."""
        remaining = self.size(repeat.count, "the number of blocks")
        after = first + remaining
        strided, written = True, True
        while not (is_number(remaining) and remaining == 0):
            place = Place(label, first)
            before = builder.shape()
            with self.only_where(True if is_number(remaining) else remaining > 0):
                graph, strides, changes = self.block(repeat, before, place, strided, written)
            fixed = same_shape(before, graph.output) and not strides
            if not (fixed or is_number(remaining) or strided):
                message, hint = (
                    "a free number of blocks that each change the shape",
                    "give the number, or pad the layers",
                )
                raise Undecided(message, self.blame(repeat.span), names=ids(repeat.count), hint=hint)
            copies = remaining if fixed else 1
            self.count_ops(graph, copies, repeat.span)
            builder.nest(label, graph, copies=copies, first=first, span=repeat.span)
            remaining, first = remaining - copies, first + copies
            # a path that is written out is in the copies that change the shape, or in all if none does
            strided, written = False, ~changes if hasattr(changes, "dtype") else False
            if not is_number(remaining) and fixed:
                break
        return after

    def count_ops(self, graph: Graph, copies: Size, span: Span) -> None:
        if is_symbolic(copies):
            return
        self.ops = self.ops + len(graph.nodes) * copies
        if hasattr(self.ops, "dtype"):
            self.checks.mask(self.ops <= MAX_OPS)
        elif self.ops > MAX_OPS:
            raise self.fault(f"a network of more than {MAX_OPS:,} operations", span)

    def block(
        self, repeat: Repeat, shape: Shape, place: Place, strided: bool, written: Truth
    ) -> tuple[Graph, bool, Truth]:
        """One copy of a block, whether it strides, and where it changes the shape.

        A shortcut that is written out is there where the block does so, and where `written` holds.
        """
        if not isinstance(repeat.block, Block):
            raise self.fault("a block was expected", repeat.span)
        builder = GraphBuilder("block", [shape], self.checks)
        shortcut = repeat.option("shortcut")
        residual = shortcut != Name("none")
        act = repeat.option("act")
        if act is not None and not residual:
            message = "act after a block follows its shortcut, and there is none"
            raise self.fault(message, act.span, hint="write it on the last layer")
        layers = repeat.block.layers
        stride = ONES
        present = 0
        for i, layer in enumerate(layers):
            layer = layer if strided or layer.stride is None else replace(layer, stride=None)
            before = builder.last
            self.layer(builder, _letter(present), layer, place, bare=residual and i == len(layers) - 1)
            present += builder.last > before  # an optional layer may be left out
            if layer.stride is not None:
                stride = tuple(a * b for a, b in zip(stride, self.axes(layer.stride, ONES, "stride"), strict=True))
        changes = self.add_shortcut(builder, shortcut, stride, place, repeat, written) if residual else False
        return builder.graph(), not is_one(stride), changes

    def add_shortcut(
        self,
        builder: GraphBuilder,
        shortcut: Expr | None,
        stride: Shape,
        place: Place,
        repeat: Repeat,
        written: Truth,
    ) -> Truth:
        """Append the shortcut, the addition and what follows it; say where the block changes the shape."""
        main = builder.last
        source, target = builder.shape(0), builder.shape()
        changes = self.changes(source, target, stride)
        if isinstance(shortcut, Block) and changes is not True and len(source) == len(target):
            # a path that is written out may also shrink what padding does not keep
            for before, after in zip(source[1:], target[1:], strict=True):
                changes = changes | self.differ(before, after)
        there = changes | written if isinstance(shortcut, Block) else changes
        value = self.shortcut(builder, shortcut, there, stride, place, repeat.span)
        try:
            # a path that is written out changes the shape only where it is there
            with self.only_where(there if isinstance(shortcut, Block) else True):
                builder.add("add", Add(), main, value, span=repeat.span)
        except Fault as fault:
            hint = "pad the layers so that the block keeps its size, or write shortcut=none"
            note = f"{place.stage}, the shortcut of block {place.block}"
            raise self.fault(fault.message, repeat.span, note, hint) from None
        self.activation(builder, "act", repeat.option("act"), repeat.span)
        return changes

    def changes(self, source: Shape, target: Shape, stride: Shape) -> Truth:
        """True where a block changes the channels or strides, so that its shortcut needs a projection."""
        truth = self.differ(source[0], target[0])
        for s in stride:
            if not (is_number(s) and s == 1):
                truth = truth | self.differ(s, 1)
        return truth

    def shortcut(
        self, builder: GraphBuilder, shortcut: Expr | None, changes: Truth, stride: Shape, place: Place, span: Span
    ) -> int:
        """The value that is added to the block's output: its input, projected where the block changes the shape."""
        if shortcut is not None and not isinstance(shortcut, Block) and shortcut not in _SHORTCUTS:
            hint = "it is none, identity, projection, or a path such as [1x1x1, 256 / 2]"
            raise self.fault(f"shortcut cannot be {print_value(shortcut)[:60]}", shortcut.span, hint=hint)
        if shortcut == Name("identity") or (nowhere(changes) and shortcut != Name("projection")):
            return 0
        always = shortcut == Name("projection") or everywhere(changes)
        with self.only_where(True if always else changes):
            path = self.projection(builder, shortcut, stride, place, span)
        return builder.nest("", path, 0, copies=1 if always else changes.astype("int64"), span=span)

    def projection(
        self, builder: GraphBuilder, shortcut: Expr | None, stride: Shape, place: Place, span: Span
    ) -> Graph:
        """The projecting path: a 1x1x1 convolution with the block's stride, never grouped, or what is written."""
        branch = GraphBuilder("branch", [builder.shape(0)], self.checks)
        if isinstance(shortcut, Block):
            for i, layer in enumerate(shortcut.layers):
                name = "shortcut" if len(shortcut.layers) == 1 else f"shortcut_{_letter(i)}"
                self.layer(branch, name, layer, place, bare=True)
            return branch.graph()
        if len(builder.shape(0)) != 4 or len(builder.shape()) != 4:
            hint = "write shortcut=none, or keep the width"
            raise self.fault("a block of fully connected layers has no projection", span, place.stage, hint)
        conv = Conv(builder.shape(0)[0], builder.shape()[0], ONES, stride, (0, 0, 0), ONES)
        branch.add("shortcut", conv, span=span)
        branch.follow("shortcut_norm", Norm(conv.out_channels), span)
        return branch.graph()


def _equal(known: Size, value: Size) -> Truth:
    """True if two values of one name agree; a mask where arrays do in part."""
    truth = differ(known, value)
    return ~truth if hasattr(truth, "dtype") and not everywhere(truth) else nowhere(truth)


@cache
def _letter(i: int) -> str:
    """a, b, ..., z, aa, ab, ..."""
    text = ""
    i += 1
    while i:
        i, digit = divmod(i - 1, 26)
        text = chr(ord("a") + digit) + text
    return text
