"""A spec to the network it means, written out: names resolved, parameters put in, blocks in place.

What remains is an input and stages over numbers and free names; no template, call or parameter is left.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from csncost.errors import SpecError
from csncost.lang.adapt import as_clip, at_clip, clip_axes
from csncost.lang.catalogue import pattern_text
from csncost.lang.library import Definitions
from csncost.lang.parameters import Scope
from csncost.lang.printer import print_reference, print_value
from csncost.lang.syntax import (
    Assignment,
    Expr,
    Input,
    List,
    Name,
    NetworkDefinition,
    Number,
    Reference,
    Sizes,
    Spec,
    Stage,
    Template,
    of_kind,
)
from csncost.lang.values import Evaluator, names_in
from csncost.lang.written import Written, write_out

MAX_ALIASES = 20


def expand(spec: Spec, given: Mapping[str, Expr] | None = None) -> Written:
    """The network that `spec` means, with `given` values for parameters and free names.

    Raises SpecError for names that are unknown, and for values given that have no effect.
    """
    definitions = Definitions(spec)
    definitions.check_imports()
    constant = Evaluator(lambda name: None)
    values = {name: constant(value) for name, value in (given or {}).items()}
    outer = Scope(of_kind(spec.items, Assignment), values)
    references, parts = of_kind(spec.items, Reference), of_kind(spec.items, Input, Stage)
    if (references and parts) or len(references) > 1:
        hint = "write one name, or one network's input and layers"
        raise SpecError("more than one network", references[-1].span, hint=hint)
    if references:
        written = _expand_reference(definitions, references[0], outer)
        outer.check_defaults_used()
        return replace(written, called=None) if definitions else written  # its own definitions may differ
    if not parts:
        raise SpecError("only definitions, no network", hint="end with a name, or with an input and layers")
    written = write_out(definitions, spec.items, outer)
    outer.check_used("this spec", written.free_names())
    outer.check_defaults_used()
    return written


def parameters(spec: Spec) -> list[Assignment]:
    """The names that a spec defines, and the parameters of the template behind its name. Raises SpecError."""
    found = of_kind(spec.items, Assignment)
    for reference in of_kind(spec.items, Reference):
        found += _parameters_behind(Definitions(spec), reference)
    return found


def _parameters_behind(definitions: Definitions, reference: Reference, depth: int = 0) -> list[Assignment]:
    network, _, home = definitions.network(reference)
    if template := _template(home, network.target):
        return of_kind(template[0].items, Assignment)
    return _parameters_behind(home, network.target, depth + 1) if depth < MAX_ALIASES else []


def _expand_reference(definitions: Definitions, reference: Reference, outer: Scope) -> Written:
    """The network a spec's name means; names in its modifiers belong to the spec, other given ones to the network."""
    modifiers = {key: outer.evaluate(value) for key, value in reference.modifiers}
    reference = _with_lists(reference, outer)
    for axis in reference.clip.items if reference.clip else ():
        outer.evaluate(axis)  # a name in the clip is used, too
    mine = outer.used | outer.assigned
    values = {**modifiers, **{key: value for key, value in outer.given.items() if key not in mine}}
    passed = {key: _at_home(value, definitions) for key, value in values.items()}
    outer.check_used(print_reference(reference)[:60], list(passed))
    written = _resolve(definitions, reference, passed, depth=0)
    if reference.clip and (twice := [name for name in written.axes if name in passed]):
        message = f'"{twice[0]}" and the clip are both given'
        raise SpecError(message, reference.clip.span, hint="they say one size: give one")
    return replace(_with_clip(written, reference.clip, outer), at=reference.span)


def _at_home(value: Expr, definitions: Definitions) -> Expr:
    """A value that is given; the name of a block is that of the text that gives it, wherever it is used."""
    known = isinstance(value, Name) and value.home is None and definitions.block(value.id)
    return replace(value, home=definitions) if isinstance(value, Name) and known else value


def _with_clip(written: Written, clip: Sizes | None, scope: Scope) -> Written:
    """The network at a clip, which stands in its name too."""
    if clip is None:
        return written
    axes = tuple(map(scope.evaluate, clip_axes(clip)))
    called = written.called and replace(written.called, clip=as_clip(axes))
    sizes, bound = at_clip(written.input, axes, clip)
    return replace(written, input=sizes, called=called, bound=tuple(bound.items()))


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
    scope = Scope(of_kind(template.items, Assignment), {**own, **beyond})
    axes = {name.id for part in of_kind(template.items, Input) for name in names_in(part.sizes)}
    scope.check_known(pattern_text(definition.pattern), reference.span, axes)
    written = write_out(home, template.items, scope)
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


def _with_lists(reference: Reference, scope: Scope) -> Reference:
    """The reference with the lists in its name evaluated."""
    segments = (
        s if isinstance(s, str) else List(tuple(map(scope.evaluate, s.items)), span=s.span) for s in reference.segments
    )
    return replace(reference, segments=tuple(segments))
