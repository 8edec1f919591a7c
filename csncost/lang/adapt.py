"""A spec with a clip and parameters given from outside, as a name has them: `mine.csn@32x256(n=3)`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from csncost.lang.expand import clip_axes
from csncost.lang.syntax import Assignment, Expr, Input, Item, Reference, Sizes, Spec


def adapt(spec: Spec, clip: Sizes | None, given: Mapping[str, Expr]) -> Spec:
    """`spec` at another clip and with other parameters; what a file defines may be given, and what it leaves free."""
    items = [_adapted(item, clip, given) for item in spec.items]
    named = any(isinstance(item, Reference) for item in items)
    defined = {item.name for item in spec.items if isinstance(item, Assignment)}
    free = (
        ()
        if named
        else (Assignment(name, value, span=value.span) for name, value in given.items() if name not in defined)
    )
    return replace(spec, items=(*free, *items))


def _adapted(item: Item, clip: Sizes | None, given: Mapping[str, Expr]) -> Item:
    match item:
        case Assignment(name=name) if name in given:
            return replace(item, value=given[name])
        case Input(sizes=sizes) if clip:
            return replace(item, sizes=replace(sizes, items=(*sizes.items[:1], *clip_axes(clip))))
        case Reference():
            return replace(item, clip=clip or item.clip, modifiers=tuple({**dict(item.modifiers), **given}.items()))
        case _:
            return item
