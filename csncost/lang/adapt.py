"""A spec with a clip and parameters given from outside, as a name has them: `mine.csn@32x256(n=3)`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from csncost.errors import SpecError
from csncost.lang.expand import clip_axes
from csncost.lang.printer import print_value
from csncost.lang.syntax import Assignment, Expr, Input, Item, Name, Reference, Sizes, Spec


def adapt(spec: Spec, clip: Sizes | None, given: Mapping[str, Expr]) -> Spec:
    """`spec` at another clip and with other parameters; what a file defines may be given, and what it leaves free.

    Where the input's axes have names of their own, the clip is their value. Raises SpecError where one name would be
    two sizes.
    """
    inputs = [item for item in spec.items if isinstance(item, Input)]
    axes = _named_axes(inputs[0].sizes, clip) if inputs and clip else {}
    values = {**axes, **given}
    items = [_adapted(item, clip, values) for item in spec.items]
    named = any(isinstance(item, Reference) for item in items)
    defined = {item.name for item in spec.items if isinstance(item, Assignment)}
    free = (
        ()
        if named
        else (Assignment(name, value, span=value.span) for name, value in values.items() if name not in defined)
    )
    return replace(spec, items=(*free, *items))


def _named_axes(sizes: Sizes, clip: Sizes) -> dict[str, Expr]:
    """What a clip says of the names that stand for the axes of an input."""
    found: dict[str, Expr] = {}
    for axis, value in zip(sizes.items[1:], clip_axes(clip), strict=False):
        if isinstance(axis, Name) and found.setdefault(axis.id, value) != value:
            raise SpecError(
                f'"{axis.id}" cannot be both {print_value(found[axis.id])} and {print_value(value)}', clip.span
            )
    return found


def _adapted(item: Item, clip: Sizes | None, given: Mapping[str, Expr]) -> Item:
    match item:
        case Assignment(name=name) if name in given:
            return replace(item, value=given[name])
        case Input(sizes=sizes) if clip:
            axes = zip(sizes.items[1:], clip_axes(clip), strict=False)
            kept = (axis if isinstance(axis, Name) else value for axis, value in axes)
            return replace(item, sizes=replace(sizes, items=(*sizes.items[:1], *kept)))
        case Reference():
            return replace(item, clip=clip or item.clip, modifiers=tuple({**dict(item.modifiers), **given}.items()))
        case _:
            return item
