"""A spec with a clip and parameters given from outside, as a name has them: `mine.csn@32x256(n=3)`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from csncost.errors import SpecError
from csncost.lang.printer import print_value
from csncost.lang.syntax import Assignment, Expr, Input, Item, Name, Reference, Sizes, Spec, of_kind
from csncost.lang.values import names_in


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


def at_clip(sizes: Sizes, axes: Sequence[Expr], clip: Sizes) -> tuple[Sizes, dict[str, Expr]]:
    """The sizes of an input at a clip of those axes, and the values that it gives to axes that have names.

    Raises SpecError where one name would be two sizes.
    """
    bound: dict[str, Expr] = {}
    found = list(sizes.items[:1])
    for axis, value in zip(sizes.items[1:], axes, strict=False):
        if isinstance(axis, Name) and bound.setdefault(axis.id, value) != value:
            message = f'"{axis.id}" cannot be both {print_value(bound[axis.id])} and {print_value(value)}'
            raise SpecError(message, clip.span)
        found.append(axis if isinstance(axis, Name) else value)
    return Sizes(tuple(found), span=clip.span), bound


def adapt(spec: Spec, clip: Sizes | None, given: Mapping[str, Expr]) -> Spec:
    """`spec` at another clip and with other parameters; what a file defines may be given, and what it leaves free.

    Where the input's axes have names of their own, the clip is their value. Raises SpecError where one name would be
    two sizes.
    """
    inputs = of_kind(spec.items, Input)
    axes = at_clip(inputs[0].sizes, clip_axes(clip), clip)[1] if inputs and clip else {}
    values = {**axes, **given}
    defined = {item.name for item in spec.items if isinstance(item, Assignment)}
    references = of_kind(spec.items, Reference)
    own = {name for reference in references for name in _names_of(reference)} if references else values.keys()
    front = (Assignment(name, value, span=value.span) for name, value in values.items() if name in own - defined)
    beyond = {name: value for name, value in values.items() if name not in own | defined}
    items = [_adapted(item, clip, values, beyond) for item in spec.items]
    unused = {name for one in references for name in _names_of(one)} - _used_in(items)
    kept = [item for item in items if not (isinstance(item, Assignment) and item.name in unused)]
    return replace(spec, items=(*front, *kept))


def _used_in(items: Sequence[Item]) -> set[str]:
    """The names that a name's clip and modifiers, and the definitions before it, are written with."""
    names = {name for item in items if isinstance(item, Reference) for name in _names_of(item)}
    return names | {name.id for item in items if isinstance(item, Assignment) for name in names_in(item.value)}


def _names_of(reference: Reference) -> Iterator[str]:
    """The names in the clip and the modifiers of a name: the spec's, not the network's."""
    sizes = reference.clip.items if reference.clip else ()
    for value in (*sizes, *(value for _, value in reference.modifiers)):
        yield from (name.id for name in names_in(value))


def _adapted(item: Item, clip: Sizes | None, given: Mapping[str, Expr], beyond: Mapping[str, Expr]) -> Item:
    """An item with the values that are `given`, of which the network behind a name takes those `beyond` the spec."""
    match item:
        case Assignment(name=name) if name in given:
            return replace(item, value=given[name])
        case Input(sizes=sizes) if clip:
            return replace(item, sizes=at_clip(sizes, clip_axes(clip), clip)[0])
        case Reference():
            return replace(item, clip=clip or item.clip, modifiers=tuple({**dict(item.modifiers), **beyond}.items()))
        case _:
            return item
