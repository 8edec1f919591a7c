"""A spec with a clip and parameters given from outside, as a name has them: `mine.csn@32x256(n=3)`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from csncost.errors import SpecError
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
            if len(clip.items) not in (2, 3):
                raise SpecError("a clip is @TxS or @TxHxW", clip.span, hint="for instance @32x224, or @32x224x320")
            axes = (clip.items[0], clip.items[1], clip.items[-1])
            return replace(item, sizes=replace(sizes, items=(*sizes.items[:1], *axes)))
        case Reference():
            return replace(item, clip=clip or item.clip, modifiers=tuple({**dict(item.modifiers), **given}.items()))
        case _:
            return item
