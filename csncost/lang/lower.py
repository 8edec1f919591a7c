"""A network written out to the intermediate representation, with values for its free names.

The same lines run for ints, labelled arrays and SymPy symbols. Conventions of the language that are decided here:
padding is half the kernel, norm and ReLU follow every convolution, a block is residual, and a stride in a repeated
block holds for its first copy.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cache, reduce

from csncost.arithmetic import NEARLY, Size, Truth, ceil, differ, everywhere, floor, is_number, is_symbolic, nowhere, smaller
from csncost.errors import Span, SpecError, did_you_mean
from csncost.lang.evaluate import LIBRARY
from csncost.lang.expand import Written
from csncost.lang.lexer import MAX_SIZE
from csncost.lang.printer import print_layer, print_value
from csncost.lang.syntax import Block, Call, Chain, Expr, Layer, Name, Number, Repeat, Sizes, Stage
from csncost.network import (
    Activation,
    Add,
    Checks,
    Conv,
    Fault,
    Graph,
    GraphBuilder,
    Linear,
    Network,
    Norm,
    Op,
    Padding,
    Pool,
    Reshape,
    Shape,
    same_shape,
)

AXES = ("frames", "height", "width")
DEFAULT_CLIP = {"frames": 8, "height": 224, "width": 224}
"""What an axis of the input is that is left free: the base setting of the paper's section 4.1."""

ACTIVATIONS = ("relu", "silu", "gelu", "sigmoid", "tanh", "softmax", "none")
MAX_OPS = 200_000
ONES = (1, 1, 1)


def lower(written: Written, values: Mapping[str, Size] | None = None, **setting: Size) -> Network:
    """The network as a graph.

    `values` gives the free names; `setting` may override `frames`, `height`, `width` and `classes`. All may be ints,
    arrays or symbols. Raises SpecError where an int network cannot exist; arrays are masked (`Network.valid`), and
    what symbols must satisfy is collected (`Network.assumptions`).
    """
    return _Lowering(written, dict(values or {}), setting).network()


@dataclass(frozen=True, slots=True)
class _Place:
    """Where in the network an operation stands, for messages."""

    stage: str
    block: int = 0

    def of(self, layer: Layer) -> str:
        within = f" of block {self.block}" if self.block else ""
        return f"{self.stage}, {_describe(layer)}{within}"


def _describe(layer: Layer) -> str:
    if layer.function:
        return f"the {layer.function} pool"
    return f"the {print_value(layer.head)} convolution" if isinstance(layer.head, Sizes) else print_layer(layer)


class _Lowering:
    def __init__(self, written: Written, values: dict[str, Size], setting: Mapping[str, Size]) -> None:
        self.written = written
        self.values = values
        self.setting = setting
        self.checks = Checks()
        self.ops = 0
        self.projected = False

    # -- the whole

    def network(self) -> Network:
        builder = GraphBuilder("network", [self.input()], self.checks)
        stages = self.written.stages
        names: set[str] = set()
        for stage in stages:
            graph = self.stage(stage, builder.shape(), classifier=stage is stages[-1])
            self.check_names(stage, graph, names)
            builder.nest(stage.label, graph, span=stage.span)
        network = Network(builder.graph(), self.checks.valid, tuple(self.checks.assumptions))
        if "classes" in self.setting and not network.has_classifier:
            raise SpecError(
                "this network ends in no fully connected layer, whose classes could be set",
                self.blame(stages[-1].span),
                hint="end it with a layer such as fc 400",
            )
        return network

    def check_names(self, stage: Stage, graph: Graph, names: set[str]) -> None:
        """Refuse a stage whose rows would share a name with those of an earlier one."""
        mine = {stage.label}
        for node in graph.nodes:
            mine.update([node.name] if not node.first else node.instances() if is_number(node.first) and is_number(node.copies) else ())
        if twice := names & mine:
            raise SpecError(f'the name "{min(twice)[:40]}" is used twice', self.blame(stage.span), hint="give the stage another label")
        names |= mine

    def input(self) -> Shape:
        channels, *axes = self.written.input.items
        clip = list(zip(AXES, axes, strict=True))
        for axis, expr in clip:  # what is given first, then defaults, then what is computed from them
            if isinstance(expr, Name) and axis in self.setting:
                self.bind(expr, self.setting[axis])
        for axis, expr in clip:
            if isinstance(expr, Name) and expr.id not in self.values:
                self.bind(expr, DEFAULT_CLIP[axis])
        return (self.size(channels, "input channels"), *(self.axis(axis, expr) for axis, expr in clip))

    def bind(self, name: Name, value: Size) -> None:
        known = self.values.get(name.id, value)
        if known is not value and not nowhere(differ(known, value)):
            raise SpecError(f'"{name.id}" cannot be both {known} and {value}', self.blame(name.span))
        self.values[name.id] = value

    def axis(self, axis: str, expr: Expr) -> Size:
        """One axis of the clip: from the setting, else as written."""
        return self.checked(self.setting[axis], axis, expr.span) if axis in self.setting else self.size(expr, axis)

    # -- values

    def value(self, expr: Expr) -> Size:
        """The value of an expression with every free name put in: int, Fraction, array or symbol."""
        match expr:
            case Number(value):
                return value
            case Name(identifier):
                if identifier in self.values:
                    return _entered(self.values[identifier], expr, self.blame)
                raise self.unbound(expr)
            case Chain(first, rest):
                value = self.value(first)
                for operator, operand in rest:
                    value = self.operate(operator, value, self.value(operand), operand)
                return value
            case Call(function, arguments):
                return _call(function, [self.value(argument) for argument in arguments])
            case _:
                raise SpecError(f"expected a number, not {print_value(expr)[:60]}", self.blame(expr.span))

    def unbound(self, name: Name) -> SpecError:
        known = self.written.free_names()
        if name.id not in known:
            return SpecError(f'"{name.id}" cannot stand here', self.blame(name.span), hint="a size was expected")
        return SpecError(
            f'the free name "{name.id[:40]}" needs a value',
            self.blame(name.span),
            hint=f"give it with -p {name.id[:40]}=... (in Python {name.id[:40]}=...); formula keeps it free",
        )

    def operate(self, operator: str, a: Size, b: Size, at: Expr) -> Size:
        match operator:
            case "+":
                return a + b
            case "-":
                return a - b
            case "*":
                return a * b
        if hasattr(b, "dtype"):
            self.checks.valid = self.checks.valid & (b != 0)
            b = b + (b == 0)
        elif b == 0:
            raise SpecError("division by zero", self.blame(at.span))
        if operator == "/":
            exact = isinstance(a, (int, Fraction)) and isinstance(b, (int, Fraction))
            return Fraction(a) / b if exact else a / b
        whole = a // b if _exact(a, b) else floor(a / b)
        return whole if operator == "//" else a - whole * b

    def size(self, expr: Expr, what: str, least: int = 1) -> Size:
        """A size: whole, and at least `least`."""
        if isinstance(expr, Number) and type(expr.value) is int and least <= expr.value <= MAX_SIZE:
            return expr.value  # nearly always: nothing to work out
        return self.checked(self.value(expr), what, expr.span, least)

    def checked(self, value: Size, what: str, span: Span, least: int = 1) -> Size:
        """`value` as a whole number of at least `least`; where an array's is not, the design is masked out."""
        if isinstance(value, int) and not isinstance(value, bool):
            if least <= value <= MAX_SIZE:
                return value
            bound = f"at least {least}" if value < least else f"at most {MAX_SIZE:,}"
            raise SpecError(f"{what} must be {bound}, not {_short(value)}", self.blame(span))
        if isinstance(value, Fraction):
            if value.denominator == 1:
                return self.checked(value.numerator, what, span, least)
            raise SpecError(f"{what} must be a whole number, not {_short(value)}", self.blame(span))
        if is_symbolic(value):
            return self.checked_symbol(value, what, span, least)
        if hasattr(value, "dtype"):
            return self.checked_array(value, least)
        raise SpecError(f"{what} must be a whole number, not {value!r:.60}", self.blame(span))

    def checked_symbol(self, value: Size, what: str, span: Span, least: int) -> Size:
        from sympy import Eq, Ge, Mod

        if value.is_Rational:
            return self.checked(Fraction(int(value.p), int(value.q)), what, span, least)
        if not value.is_integer:
            self.checks.require(Eq(Mod(value, 1, evaluate=False), 0, evaluate=False), what, lambda: ("", ""))
        if not (value.is_positive if least else value.is_nonnegative):
            try:
                self.checks.require(Ge(value, least), what, lambda: (f"{what} must be at least {least}, not {value}", ""))
            except Fault as fault:
                raise SpecError(fault.message, self.blame(span)) from None
        return value

    def checked_array(self, value: Size, least: int) -> Size:
        if value.dtype.kind == "f":
            whole = (value + 0.5) // 1
            self.checks.valid = self.checks.valid & (abs(value - whole) < NEARLY)
            value = whole
        self.checks.valid = self.checks.valid & (value >= least) & (value <= MAX_SIZE)
        return value.clip(least, MAX_SIZE).astype("int64")

    def axes(self, expr: Expr | None, default: Shape, what: str, least: int = 1) -> Shape:
        """One size for each of T, H, W; a lone size serves all three."""
        if expr is None:
            return default
        if isinstance(expr, Number):
            return (self.size(expr, what, least),) * 3
        items = expr.items if isinstance(expr, Sizes) else (expr,)
        if len(items) not in (1, 3):
            raise SpecError(f"{what} has {len(items)} axes", self.blame(expr.span), hint="write T x H x W, such as 3x3x3, or one size for all")
        sizes = tuple([self.size(item, what, least) for item in items])
        return sizes * 3 if len(sizes) == 1 else sizes

    def blame(self, span: Span) -> Span:
        """The place to show for a fault: the caller's text, even where the package's definitions say it."""
        return self.written.at if span.source.name.startswith(LIBRARY) else span

    # -- stages and blocks

    def stage(self, stage: Stage, shape: Shape, classifier: bool) -> Graph:
        builder = GraphBuilder("stage", [shape], self.checks)
        if isinstance(stage.body, Layer):
            self.layer(builder, stage.label, stage.body, _Place(stage.label), classifier=classifier)
            return builder.graph()
        first = 1
        for repeat in stage.body:
            first = self.repeat(builder, stage.label, repeat, first)
        return builder.graph()

    def repeat(self, builder: GraphBuilder, label: str, repeat: Repeat, first: Size) -> Size:
        """Append copies of a block: the first, which may stride, then the rest; return the next copy's number."""
        remaining = self.size(repeat.count, "the number of blocks")
        after = first + remaining
        strided = True
        self.projected = False
        while not (is_number(remaining) and remaining == 0):
            place = _Place(label, first)
            before = builder.shape()
            graph, strides = self.block(repeat, before, place, strided)
            fixed = same_shape(before, graph.output) and not strides
            if not (fixed or is_number(remaining) or strided):
                raise SpecError("a free number of blocks that each change the shape", self.blame(repeat.span), hint="give the number, or pad the layers")
            copies = remaining if fixed else 1
            self.count_ops(graph, copies, repeat.span)
            builder.nest(label, graph, copies=copies, first=first, span=repeat.span)
            remaining, first, strided = remaining - copies, first + copies, False
            if not is_number(remaining) and fixed:
                break
        path = repeat.option("shortcut")
        if isinstance(path, Block) and not self.projected:
            raise SpecError("this shortcut is never taken: every block keeps its shape", self.blame(path.span), hint="leave it out")
        return after

    def count_ops(self, graph: Graph, copies: Size, span: Span) -> None:
        self.ops += len(graph.nodes) * copies if is_number(copies) else 0
        if self.ops > MAX_OPS:
            raise SpecError(f"a network of more than {MAX_OPS:,} operations", self.blame(span))

    def block(self, repeat: Repeat, shape: Shape, place: _Place, strided: bool) -> tuple[Graph, bool]:
        """One copy of a block, and whether it strides."""
        if not isinstance(repeat.block, Block):
            raise SpecError("a block was expected", self.blame(repeat.span))
        builder = GraphBuilder("block", [shape], self.checks)
        shortcut = repeat.option("shortcut")
        residual = shortcut != Name("none")
        act = repeat.option("act")
        if act is not None and not residual:
            raise SpecError("act after a block follows its shortcut, and there is none", self.blame(act.span), hint="write it on the last layer")
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
        if residual:
            self.add_shortcut(builder, shortcut, stride, place, repeat)
        strides = not all(is_number(s) and s == 1 for s in stride)
        return builder.graph(), strides

    def add_shortcut(self, builder: GraphBuilder, shortcut: Expr | None, stride: Shape, place: _Place, repeat: Repeat) -> None:
        main = builder.last
        source, target = builder.shape(0), builder.shape()
        changes = self.changes(source, target, stride)
        if isinstance(shortcut, Block) and not same_shape(source, target):
            changes = True
        value = self.shortcut(builder, shortcut, changes, stride, place, repeat.span)
        try:
            builder.add("add", Add(), main, value, span=repeat.span)
        except Fault as fault:
            hint = "pad the layers so that the block keeps its size, or write shortcut=none"
            raise SpecError(fault.message, self.blame(repeat.span), note=f"{place.stage}, the shortcut of block {place.block}", hint=hint) from None
        self.activation(builder, "act", repeat.option("act"), repeat.span)

    def changes(self, source: Shape, target: Shape, stride: Shape) -> Truth:
        """Whether a block changes the channels or strides, so that its shortcut needs a projection."""
        truth = self.differ(source[0], target[0])
        for s in stride:
            if not (is_number(s) and s == 1):
                truth = truth | self.differ(s, 1)
        return truth

    def differ(self, a: Size, b: Size) -> Truth:
        """Whether two sizes differ; of symbols that may be equal at some values it is assumed that they do."""
        truth = differ(a, b)
        if truth is True and is_symbolic(a, b) and not (a - b).is_nonzero:
            from sympy import Ne

            self.checks.require(Ne(a, b), "inputs", lambda: ("", ""))
        return truth

    def shortcut(self, builder: GraphBuilder, shortcut: Expr | None, changes: Truth, stride: Shape, place: _Place, span: Span) -> int:
        """The value that is added to the block's output: its input, projected where the block changes the shape."""
        if shortcut is not None and not isinstance(shortcut, Block) and shortcut not in _SHORTCUTS:
            hint = "it is none, identity, projection, or a path such as [1x1x1, 256 / 2]"
            raise SpecError(f"shortcut cannot be {print_value(shortcut)[:60]}", self.blame(shortcut.span), hint=hint)
        if shortcut == Name("identity") or (nowhere(changes) and shortcut != Name("projection")):
            return 0
        self.projected = True
        always = shortcut == Name("projection") or everywhere(changes)
        path = self.projection(builder, shortcut, stride, place, span)
        return builder.nest("shortcut", path, 0, copies=1 if always else changes.astype("int64"), span=span)

    def projection(self, builder: GraphBuilder, shortcut: Expr | None, stride: Shape, place: _Place, span: Span) -> Graph:
        """The projecting path: a 1x1x1 convolution with the block's stride, never grouped, or what is written."""
        branch = GraphBuilder("branch", [builder.shape(0)], self.checks)
        if isinstance(shortcut, Block):
            for i, layer in enumerate(shortcut.layers):
                name = "shortcut" if len(shortcut.layers) == 1 else f"shortcut_{_letter(i)}"
                self.layer(branch, name, layer, place, bare=True)
            return branch.graph()
        if len(builder.shape(0)) != 4 or len(builder.shape()) != 4:
            hint = "write shortcut=none, or keep the width"
            raise SpecError("a block of fully connected layers has no projection", self.blame(span), note=place.stage, hint=hint)
        conv = Conv(builder.shape(0)[0], builder.shape()[0], ONES, stride, (0, 0, 0), ONES)
        branch.add("shortcut", conv, span=span)
        branch.add("shortcut_norm", Norm(conv.out_channels), span=span)
        return branch.graph()

    # -- layers

    def layer(
        self, builder: GraphBuilder, name: str, layer: Layer, place: _Place, bare: bool = False, classifier: bool = False
    ) -> None:
        """Append a layer; a `bare` one has no activation unless it is written."""
        if layer.function:
            self.pool(builder, name, layer, place)
        elif not isinstance(layer.head, Sizes) and layer.channels is None and not layer.flags:
            self.linear(builder, name, layer, place, classifier)
        else:
            self.conv(builder, name, layer, place, bare)

    def add(self, builder: GraphBuilder, name: str, op: Op, layer: Layer, place: _Place) -> None:
        """Append an operation, and turn what does not fit into an error that points at its part of the text."""
        try:
            builder.add(name, op, span=layer.span)
        except Fault as fault:
            part = layer.option(fault.aspect) or (layer.head if fault.aspect == "kernel" else None)
            if fault.aspect == "kernel" and self.setting.keys() & set(AXES):
                fault.hint = f"the clip is {'x'.join(map(str, builder.shape()[1:]))} here; " + fault.hint
            raise SpecError(
                fault.message, self.blame(part.span if part else layer.span), note=place.of(layer), hint=fault.hint
            ) from None

    def conv(self, builder: GraphBuilder, name: str, layer: Layer, place: _Place, bare: bool) -> None:
        shape = self.video(builder, layer, place)
        self.allow(layer, flags=("depthwise", "optional"))
        in_channels = shape[0]
        out_channels = in_channels if layer.channels is None else self.size(layer.channels, "output channels")
        changes: Truth = True
        if "optional" in layer.flags:
            if layer.stride is not None and self.axes(layer.stride, ONES, "stride") != ONES:
                raise SpecError("an optional layer cannot stride", self.blame(layer.stride.span), note=place.of(layer))
            changes = self.differ(in_channels, out_channels)
            if nowhere(changes):
                return
        kernel = self.axes(layer.head, ONES, "a kernel")
        dilation = self.axes(layer.option("dilation"), ONES, "dilation") if layer.options else ONES
        normed = self.word(layer, "norm", ("batch", "none"), "batch") == "batch"
        op = Conv(
            in_channels,
            out_channels,
            kernel,
            self.axes(layer.stride, ONES, "stride"),
            self.padding(layer, kernel, dilation),
            dilation,
            self.groups(layer, in_channels),
            bias=self.word(layer, "bias", ("yes", "no"), "no") == "yes",
        )
        act = self.word(layer, "act", ACTIVATIONS, "none" if bare else "relu")
        target = builder if everywhere(changes) else GraphBuilder("branch", [shape], self.checks)
        self.add(target, name, op, layer, place)
        if normed:
            self.add(target, f"{name}_norm", Norm(out_channels), layer, place)
        if act != "none":
            self.add(target, f"{name}_act", _activation(act), layer, place)
        if target is not builder:
            builder.nest(name, target.graph(), copies=changes.astype("int64"), span=layer.span)

    def video(self, builder: GraphBuilder, layer: Layer, place: _Place) -> Shape:
        """The shape of the newest value, which a convolution or a pool needs to be (C, T, H, W)."""
        shape = builder.shape()
        if len(shape) != 4:
            raise SpecError(f"{_describe(layer)} after a fully connected layer", self.blame(layer.span), note=place.of(layer))
        return shape

    def groups(self, layer: Layer, in_channels: Size) -> Size:
        written = layer.option("groups")
        if "depthwise" in layer.flags:
            if written is not None:
                raise SpecError("a depthwise layer has as many groups as channels", self.blame(written.span), hint="leave out one")
            return in_channels
        return 1 if written is None else self.size(written, "the number of groups")

    def padding(self, layer: Layer, kernel: Shape, dilation: Shape = ONES) -> Padding:
        """What is written, by default half the kernel, so that an odd kernel gives ceil(length / stride)."""
        written = layer.option("pad")
        if isinstance(written, Name) and written.id == "same":
            return "same"
        centred = tuple([d * ((k - 1) // 2) for k, d in zip(kernel, dilation, strict=True)])
        return self.axes(written, centred, "padding", least=0)

    def pool(self, builder: GraphBuilder, name: str, layer: Layer, place: _Place) -> None:
        self.video(builder, layer, place)
        self.allow(layer, flags=("ceil",), options=("pad",))
        if layer.head is None:
            if layer.stride is not None or layer.options or layer.flags:
                raise SpecError("a global pool takes no stride, padding or ceil", self.blame(layer.span), hint="give it a window: avg 2x2x2 / 2")
            self.add(builder, name, Pool(layer.function), layer, place)
            return
        kernel = self.axes(layer.head, ONES, "a window")
        stride = self.axes(layer.stride, ONES, "stride")
        op = Pool(layer.function, kernel, stride, self.padding(layer, kernel), "ceil" in layer.flags)
        self.add(builder, name, op, layer, place)

    def linear(self, builder: GraphBuilder, name: str, layer: Layer, place: _Place, classifier: bool) -> None:
        self.allow(layer, options=("bias", "act"))
        if layer.stride is not None:
            raise SpecError("a fully connected layer has no stride", self.blame(layer.stride.span))
        if len(builder.shape()) > 1:
            self.add(builder, f"{name}_flatten", Reshape(), layer, place)
        given = self.setting.get("classes") if classifier else None
        assert layer.head is not None
        width = self.size(layer.head, "the width of a layer") if given is None else self.checked(given, "classes", layer.head.span)
        bias = self.word(layer, "bias", ("yes", "no"), "yes") == "yes"
        self.add(builder, name, Linear(builder.shape()[0], width, bias, classifier), layer, place)
        act = self.word(layer, "act", ACTIVATIONS, "none")
        if act != "none":
            self.add(builder, f"{name}_act", Activation(act), layer, place)

    def activation(self, builder: GraphBuilder, name: str, written: Expr | None, span: Span) -> None:
        act = self.one_of(written, "act", ACTIVATIONS, "relu")
        if act != "none":
            builder.add(name, Activation(act), span=span)

    def word(self, layer: Layer, key: str, known: Sequence[str], default: str) -> str:
        if not layer.options:
            return default
        return self.one_of(layer.option(key), key, known, default)

    def one_of(self, written: Expr | None, key: str, known: Sequence[str], default: str) -> str:
        if written is None:
            return default
        text = print_value(written)[:60]
        if text not in known:
            hint = did_you_mean(text, list(known)) or f"it is one of {', '.join(known)}"
            raise SpecError(f"{key} cannot be {text}", self.blame(written.span), hint=hint)
        return text

    def allow(self, layer: Layer, flags: Sequence[str] = (), options: Sequence[str] | None = None) -> None:
        """Refuse flags and options that mean nothing on this kind of layer."""
        if not layer.flags and not layer.options:
            return
        wrong = [flag for flag in layer.flags if flag not in flags]
        if options is not None:
            wrong += [key for key, _ in layer.options if key not in options]
        if wrong:
            raise SpecError(f'"{sorted(wrong)[0]}" means nothing on this layer', self.blame(layer.span), hint=_describe(layer))


_activation = cache(Activation)
_SHORTCUTS = tuple(map(Name, ("none", "identity", "projection")))


def _letter(i: int) -> str:
    """a, b, ..., z, aa, ab, ..."""
    text = ""
    i += 1
    while i:
        i, digit = divmod(i - 1, 26)
        text = chr(ord("a") + digit) + text
    return text


def _call(function: str, arguments: list[Size]) -> Size:
    match function:
        case "floor":
            return floor(arguments[0])
        case "ceil":
            return ceil(arguments[0])
        case "round":
            half = 0.5 if hasattr(arguments[0], "dtype") else Fraction(1, 2)
            return floor(arguments[0] + half)
        case "min":
            return reduce(smaller, arguments)
        case _:
            return reduce(lambda a, b: a + b - smaller(a, b), arguments)


def _entered(value: Size, name: Name, blame: Callable[[Span], Span]) -> Size:
    """A given value in a form that cannot wrap around: arrays of ints have 64 bits."""
    if not hasattr(value, "dtype"):
        return value
    if value.dtype.kind not in "iuf":
        raise SpecError(f'"{name.id}" is an array of {value.dtype}, not of numbers', blame(name.span))
    return value if value.dtype.kind == "f" else value.astype("int64")


def _exact(*values: Size) -> bool:
    """Whether floor division of the values is exact: all but arrays of floats."""
    return not any(hasattr(value, "dtype") and value.dtype.kind == "f" for value in values)


def _short(value: int | Fraction) -> str:
    return print_value(Number(value)) if abs(value.numerator) < 10**20 else "a number of absurd size"
