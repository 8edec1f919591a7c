"""A spec to the network it means, written out: names resolved, parameters put in, blocks in place.

What remains is an input and stages over numbers and free names; no template, call or parameter is left.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from csncost.errors import Span, SpecError, did_you_mean
from csncost.lang.catalogue import pattern_text
from csncost.lang.library import NONE, Definitions, where_defined
from csncost.lang.parameters import Scope
from csncost.lang.printer import print_reference, print_value
from csncost.lang.syntax import (
    NOWHERE,
    Assignment,
    Block,
    Call,
    Expr,
    Input,
    Layer,
    List,
    Name,
    NetworkDefinition,
    Number,
    Reference,
    Repeat,
    Sizes,
    Spec,
    Stage,
    Template,
)
from csncost.lang.values import Evaluator, names_in

MAX_ALIASES = 20


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


def expand(spec: Spec, given: Mapping[str, Expr] | None = None) -> Written:
    """The network that `spec` means, with `given` values for parameters and free names.

    Raises SpecError for names that are unknown, and for values given that have no effect.
    """
    definitions = Definitions(spec)
    definitions.check_imports()
    constant = Evaluator(lambda name: None)
    outer = Scope(
        [item for item in spec.items if isinstance(item, Assignment)],
        {name: constant(value) for name, value in (given or {}).items()},
    )
    parts = [item for item in spec.items if isinstance(item, (Input, Stage))]
    references = [item for item in spec.items if isinstance(item, Reference)]
    if (references and parts) or len(references) > 1:
        raise SpecError(
            "more than one network", references[-1].span, hint="write one name, or one network's input and layers"
        )
    if references:
        written = _expand_reference(definitions, references[0], outer)
        outer.check_defaults_used()
        return replace(written, called=None) if definitions else written  # its own definitions may differ
    if not parts:
        raise SpecError("only definitions, no network", hint="end with a name, or with an input and layers")
    written = _expand_body(definitions, parts, outer)
    outer.check_used("this spec", written.free_names())
    outer.check_defaults_used()
    return written


def parameters(spec: Spec) -> list[Assignment]:
    """The names that a spec defines, and the parameters of the template behind its name. Raises SpecError."""
    definitions = Definitions(spec)
    found = [item for item in spec.items if isinstance(item, Assignment)]
    for target in (item for item in spec.items if isinstance(item, Reference)):
        template = None
        for _ in range(MAX_ALIASES):
            network, _, definitions = definitions.network(target)
            target = network.target
            if template := _template(definitions, target):
                found += [item for item in template[0].items if isinstance(item, Assignment)]
                break
    return found


def put_in(written: Written, values: Mapping[str, Expr]) -> Written:
    """The network with values for some of its free names."""
    if not values:
        return written
    scope = Scope([], values)
    stages = tuple(_stage(NONE, stage, scope) for stage in written.stages)
    return replace(written, input=_evaluated(written.input, scope), stages=stages)


def _expand_reference(definitions: Definitions, reference: Reference, outer: Scope) -> Written:
    """The network a spec's name means; names in its modifiers belong to the spec, other given ones to the network."""
    modifiers = {key: outer.evaluate(value) for key, value in reference.modifiers}
    given = {key: _at_home(value, definitions) for key, value in {**outer.given, **modifiers}.items()}
    reference = _with_lists(reference, outer)
    for axis in reference.clip.items if reference.clip else ():
        outer.evaluate(axis)  # a name in the clip is used, too
    mine = outer.used | outer.assigned
    passed = {key: value for key, value in given.items() if key in modifiers or key not in mine}
    outer.check_used(print_reference(reference)[:60], list(passed))
    written = _resolve(definitions, reference, passed, depth=0)
    if reference.clip and (twice := [name for name in written.axes if name in passed]):
        raise SpecError(
            f'"{twice[0]}" and the clip are both given', reference.clip.span, hint="they say one size: give one"
        )
    return replace(_with_clip(written, reference.clip, outer), at=reference.span)


def _at_home(value: Expr, definitions: Definitions) -> Expr:
    """A value that is given; the name of a block is that of the text that gives it, wherever it is used."""
    known = isinstance(value, Name) and value.home is None and definitions.block(value.id)
    return replace(value, home=definitions) if isinstance(value, Name) and known else value


def clip_axes(clip: Sizes) -> tuple[Expr, Expr, Expr]:
    """Frames, height and width of a clip as it is written: `32x224` is square. Raises SpecError for other lengths."""
    match clip.items:
        case (frames, side):
            return frames, side, side
        case (frames, height, width):
            return frames, height, width
    raise SpecError("a clip is @TxS or @TxHxW", clip.span, hint="for instance @32x224, or @32x224x320")


def as_clip(axes: Iterable[Expr]) -> Sizes:
    """Frames, height and width as the clip of a name: one side where both are equal."""
    frames, height, width = axes
    return Sizes((frames, height) if height == width else (frames, height, width))


def _with_clip(written: Written, clip: Sizes | None, scope: Scope) -> Written:
    """The network at a clip, which stands in its name too."""
    if clip is None:
        return written
    axes = tuple(map(scope.evaluate, clip_axes(clip)))
    called = written.called and replace(written.called, clip=as_clip(axes))
    bound: dict[str, Expr] = {}
    sizes = [written.input.items[0]]
    for known, value in zip(written.input.items[1:], axes, strict=True):
        if isinstance(known, Name) and bound.setdefault(known.id, value) != value:
            raise SpecError(
                f'"{known.id}" cannot be both {print_value(bound[known.id])} and {print_value(value)}', clip.span
            )
        sizes.append(known if isinstance(known, Name) else value)
    return replace(written, input=Sizes(tuple(sizes), span=clip.span), called=called, bound=tuple(bound.items()))


def _resolve(definitions: Definitions, reference: Reference, passed: Mapping[str, Expr], depth: int) -> Written:
    """Follow a name to its template, with `passed` values before those in the name and in the definition."""
    if depth > MAX_ALIASES:
        raise SpecError("this name is defined through itself", reference.span)
    definition, holes, home = definitions.network(reference)
    values = {hole: passed.get(hole, value) for hole, value in holes.items()}
    inner = Scope([], values)
    target = _with_lists(replace(definition.target, span=reference.span, spans=()), inner)
    own = {key: _at_home(inner.evaluate(value), home) for key, value in target.modifiers}
    if unused := values.keys() - inner.used:
        raise SpecError(f'"{min(unused)}" has no effect on what this name stands for', definition.span)
    beyond = {key: value for key, value in passed.items() if key not in holes}
    found = _template(home, target)
    if found is None:
        return _with_clip(_resolve(home, target, {**own, **beyond}, depth + 1), target.clip, inner)
    template, home = found
    scope = Scope([item for item in template.items if isinstance(item, Assignment)], {**own, **beyond})
    axes = {
        item.id
        for part in template.items
        if isinstance(part, Input)
        for item in part.sizes.items
        if isinstance(item, Name)
    }
    scope.check_known(pattern_text(definition.pattern), reference.span, axes)
    written = _expand_body(home, [item for item in template.items if not isinstance(item, Assignment)], scope)
    scope.check_used(print_reference(replace(reference, clip=None, modifiers=())), [])
    called = _canonical_name(definition, values, own, beyond, scope)
    return _with_clip(replace(written, called=called), target.clip, inner)


def _template(definitions: Definitions, target: Reference) -> tuple[Template, Definitions] | None:
    """The template that a definition stands for, and the definitions that it is among; None for another name."""
    name = target.segments[0]
    return definitions.template(name) if len(target.segments) == 1 and isinstance(name, str) else None


def _canonical_name(
    definition: NetworkDefinition,
    holes: Mapping[str, Expr],
    own: Mapping[str, Expr],
    beyond: Mapping[str, Expr],
    scope: Scope,
) -> Reference | None:
    """The name in the definition's spelling, with the modifiers that change something; None where no name says it."""
    segments: list[str | List] = []
    modifiers = {key: value for key, value in beyond.items() if value != own.get(key, scope.default(key))}
    for text, hole, sample in definition.pattern:
        value = scope.as_choice(hole, holes[hole]) if hole else Name(text)
        if isinstance(value, Number):
            segments.append(text + print_value(value))
        elif isinstance(value, List) and not text:
            segments.append(value)
        elif not text and not sample:
            return None
        else:  # a fixed part of the name; or one that leaves the value to a modifier
            segments.append(text or sample)
            modifiers |= {hole: value} if hole else {}
    said = sorted((key, value) for key, value in modifiers.items() if value != Name(key))
    return Reference(tuple(segments), modifiers=tuple(said))


def _expand_body(definitions: Definitions, parts: Sequence[Input | Stage], scope: Scope) -> Written:
    inputs = [item for item in parts if isinstance(item, Input)]
    stages = [item for item in parts if isinstance(item, Stage)]
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


def _with_lists(reference: Reference, scope: Scope) -> Reference:
    """The reference with the lists in its name evaluated."""
    segments = (
        s if isinstance(s, str) else List(tuple(map(scope.evaluate, s.items)), span=s.span) for s in reference.segments
    )
    return replace(reference, segments=tuple(segments))


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
