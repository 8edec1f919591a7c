"""A spec with a clip and parameters given from outside, as a name has them: `mine.csn@32x256(n=3)`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from csncost.errors import SpecError
from csncost.lang.expand import clip_axes
from csncost.lang.printer import print_value
from csncost.lang.syntax import Assignment, Expr, Input, Item, Name, Reference, Sizes, Spec
from csncost.lang.values import names_in


def adapt(spec: Spec, clip: Sizes | None, given: Mapping[str, Expr]) -> Spec:
    """`spec` at another clip and with other parameters; what a file defines may be given, and what it leaves free.

    Where the input's axes have names of their own, the clip is their value. Raises SpecError where one name would be
    two sizes.
    """
    inputs = [item for item in spec.items if isinstance(item, Input)]
    axes = _named_axes(inputs[0].sizes, clip) if inputs and clip else {}
    values = {**axes, **given}
    defined = {item.name for item in spec.items if isinstance(item, Assignment)}
    references = [item for item in spec.items if isinstance(item, Reference)]
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


def _named_axes(sizes: Sizes, clip: Sizes) -> dict[str, Expr]:
    """The values that a clip gives to the names that stand for the axes of an input."""
    found: dict[str, Expr] = {}
    for axis, value in zip(sizes.items[1:], clip_axes(clip), strict=False):
        if isinstance(axis, Name) and found.setdefault(axis.id, value) != value:
            raise SpecError(
                f'"{axis.id}" cannot be both {print_value(found[axis.id])} and {print_value(value)}', clip.span
            )
    return found


def _adapted(item: Item, clip: Sizes | None, given: Mapping[str, Expr], beyond: Mapping[str, Expr]) -> Item:
    """An item with the values that are `given`, of which the network behind a name takes those `beyond` the spec."""
    match item:
        case Assignment(name=name) if name in given:
            return replace(item, value=given[name])
        case Input(sizes=sizes) if clip:
            axes = zip(sizes.items[1:], clip_axes(clip), strict=False)
            kept = (axis if isinstance(axis, Name) else value for axis, value in axes)
            return replace(item, sizes=replace(sizes, items=(*sizes.items[:1], *kept)))
        case Reference():
            return replace(item, clip=clip or item.clip, modifiers=tuple({**dict(item.modifiers), **beyond}.items()))
        case _:
            return item
