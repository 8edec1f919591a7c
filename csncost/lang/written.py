"""A network written out: stages over numbers and free names, with no template, call or parameter left."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from csncost.errors import Span, SpecError, did_you_mean
from csncost.lang.library import NONE, Definitions, where_defined
from csncost.lang.parameters import Scope
from csncost.lang.printer import print_reference, print_value
from csncost.lang.syntax import (
    NOWHERE,
    Block,
    Call,
    Expr,
    Input,
    Item,
    Layer,
    Name,
    Reference,
    Repeat,
    Sizes,
    Spec,
    Stage,
    of_kind,
)
from csncost.lang.values import Evaluator, names_in


@dataclass(frozen=True)
class Written:
    """A network written out: the input's sizes, the stages, and its canonical name where it is `called` by one.

    `at` is the name or text that stands for the whole in messages.
    """

    input: Sizes
    stages: tuple[Stage, ...]
    called: Reference | None = None
    at: Span = NOWHERE
    axes: tuple[str, ...] = ()
    """The names that frames, height and width have in the text; empty where they have none."""
    bound: tuple[tuple[str, Expr], ...] = ()
    """The values that a clip after @ gives to those names."""

    @property
    def name(self) -> str:
        """The canonical name; empty for a network that no name can say."""
        return print_reference(self.called) if self.called else ""

    @property
    def spec(self) -> Spec:
        """The network as a syntax tree of its own."""
        settled = put_in(self, dict(self.bound))
        return Spec((Input(settled.input), *settled.stages))

    def free_names(self) -> list[str]:
        """Names that need a value, in order of appearance; the axes of the clip not among them."""
        axes = {item.id for item in self.input.items[1:] if isinstance(item, Name)} | {name for name, _ in self.bound}
        found = [name.id for expr in _sizes_of(self) for name in names_in(expr)]
        return [name for name in dict.fromkeys(found) if name not in axes]


def put_in(written: Written, values: Mapping[str, Expr]) -> Written:
    """The network with values for some of its free names."""
    if not values:
        return written
    scope = Scope([], values)
    stages = tuple(_stage(NONE, stage, scope) for stage in written.stages)
    return replace(written, input=_evaluated(written.input, scope), stages=stages)


def write_out(definitions: Definitions, items: Sequence[Item], scope: Scope) -> Written:
    """The network that an input and stages are, with the values of a scope. Raises SpecError."""
    inputs, stages = of_kind(items, Input), of_kind(items, Stage)
    if len(inputs) != 1:
        at = inputs[1].span if inputs else stages[0].span if stages else None
        raise SpecError(
            "a network has one input" if inputs else "the network has no input", at, hint="write input 3 x T x H x W"
        )
    sizes = inputs[0].sizes
    if len(sizes.items) != 4:
        raise SpecError("an input is channels x frames x height x width", sizes.span, hint="write input 3 x T x H x W")
    if not stages:
        raise SpecError("the network has no layers", inputs[0].span, hint="write for instance conv1 3x7x7, 64 / 1x2x2")
    written = tuple(_stage(definitions, stage, scope) for stage in stages)
    axes = tuple(item.id if isinstance(item, Name) else "" for item in sizes.items[1:])
    return Written(_evaluated(sizes, scope), written, at=inputs[0].span, axes=axes)


def _evaluated(sizes: Sizes, scope: Scope) -> Sizes:
    return Sizes(tuple(map(scope.evaluate, sizes.items)), span=sizes.span)


def _stage(definitions: Definitions, stage: Stage, scope: Scope) -> Stage:
    if isinstance(stage.body, Layer):
        return replace(stage, body=_layer(stage.body, scope.evaluate))
    return replace(stage, body=tuple(_repeat(definitions, repeat, scope) for repeat in stage.body))


def _repeat(definitions: Definitions, repeat: Repeat, scope: Scope) -> Repeat:
    block, evaluate = repeat.block, scope.evaluate
    if isinstance(block, Call):
        block, evaluate = _called(definitions, block, scope)
    layers = Block(tuple(_layer(layer, evaluate) for layer in block.layers), span=block.span)
    options = tuple((key, _option(value, scope.evaluate)) for key, value in repeat.options)
    return Repeat(layers, scope.evaluate(repeat.count), options, span=repeat.span)


def _called(definitions: Definitions, call: Call, scope: Scope) -> tuple[Block, Evaluator]:
    value = scope.lookup(Name(call.function))
    name = value.id if isinstance(value, Name) else call.function if value is None else ""
    home = value.home if isinstance(value, Name) and value.home else definitions
    definition = home.block(name)
    if definition is None:
        shown = print_value(value)[:60] if value else call.function
        hint = did_you_mean(shown, definitions.blocks()) or where_defined(shown)
        raise SpecError(f'unknown block "{shown}"', value.span if value else call.span, hint=hint)
    if len(call.arguments) != len(definition.parameters):
        raise SpecError(
            f"block {name} takes {len(definition.parameters)} values: {', '.join(definition.parameters)}", call.span
        )
    arguments = dict(zip(definition.parameters, map(scope.evaluate, call.arguments), strict=True))
    return definition.block, scope.with_arguments(arguments)


def _layer(layer: Layer, evaluate: Evaluator) -> Layer:
    return Layer(
        layer.head and evaluate(layer.head),
        layer.function,
        layer.channels and evaluate(layer.channels),
        layer.flags,
        tuple((key, _option(value, evaluate)) for key, value in layer.options),
        layer.stride and evaluate(layer.stride),
        span=layer.span,
    )


def _option(value: Expr, evaluate: Evaluator) -> Expr:
    if isinstance(value, Block):
        return Block(tuple(_layer(layer, evaluate) for layer in value.layers), span=value.span)
    return evaluate(value)


def _sizes_of(written: Written) -> Iterator[Expr]:
    """Every expression of sizes in a network; words such as `act=none` are not."""
    yield written.input
    for stage in written.stages:
        if isinstance(stage.body, Layer):
            yield from _sizes_of_layer(stage.body)
            continue
        for repeat in stage.body:
            shortcut = repeat.option("shortcut")
            for block in (repeat.block, shortcut):
                if isinstance(block, Block):
                    for layer in block.layers:
                        yield from _sizes_of_layer(layer)
            yield repeat.count


def bare_names(written: Written) -> set[str]:
    """The names that are themselves a size somewhere (`groups=G`), and so whole; `w` in `64*w` need not be."""
    items = [item for expr in _sizes_of(written) for item in (expr.items if isinstance(expr, Sizes) else (expr,))]
    return {item.id for item in items if isinstance(item, Name)}


def _sizes_of_layer(layer: Layer) -> Iterator[Expr]:
    yield from filter(None, (layer.head, layer.channels, layer.stride))
    for key, value in layer.options:
        if key in ("groups", "dilation") or (key == "pad" and value != Name("same")):
            yield value
