"""Designs of a space as specs of their own: what was swept and what was fixed put into the text.

bottleneck-G-16, G=4, frames=8, size=112, width=1/2   is   bottleneck-G4-16@8x112(width=1/2)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import Any

from csncost.analyze import analyze
from csncost.errors import SpecError
from csncost.explored import Explored
from csncost.lang.expand import Written, expand
from csncost.lang.layers import AXES
from csncost.lang.lower import DEFAULT_CLIP
from csncost.lang.printer import print_value
from csncost.lang.syntax import Name, Number
from csncost.numbers import shape
from csncost.reading import SpecLike, from_argument, literal, read


def spelled(found: Explored) -> Explored:
    """The designs, each with a spec that says all of it: `analyze` takes it and gives what the row gives."""
    specs = [spelling(spec, found.arguments(i)) for i, spec in enumerate(found.columns["spec"])]
    fixed = {name: value for name, value in found.fixed.items() if name == "convention"}
    return replace(found, columns={**found.columns, "spec": specs}, swept=(), fixed=fixed)


def spelling(spec: str, given: Mapping[str, Any]) -> str:
    """A spec with arguments of `analyze` in it: a canonical name, a file with modifiers, else the network written out.

    >>> spelling("bottleneck-G-16", {"G": 4, "frames": 8, "size": 112, "width": 0.5})
    'bottleneck-G4-16@8x112(width=0.5)'
    """
    given = {name: value for name, value in given.items() if name != "convention"}
    if not given:
        return spec
    names = tuple((name, _text(name, value)) for name, value in given.items() if name not in ("frames", "size"))
    clip: dict[str, Any] = {name: given[name] for name in ("frames", "size") if name in given}
    try:
        written = _expanded(spec, names)
    except SpecError:  # classes are no parameter of a network written out, though they can be given
        written = None
    if written is not None and written.name:
        return _at_clip(written, clip)
    return _written_out(spec, given)


def _text(name: str, value: Any) -> str:
    return value if isinstance(value, str) else print_value(literal(name, value))


@cache
def _read(spec: str) -> SpecLike:
    return read(from_argument(spec, None))


@cache
def _expanded(spec: str, names: tuple[tuple[str, str], ...]) -> Written:
    return expand(read(_read(spec)), {name: literal(name, text) for name, text in names})


def _at_clip(written: Written, clip: Mapping[str, Any]) -> str:
    """The name of a network at a clip, of which it says itself what is not given."""
    if not clip:
        return written.name
    frames, height, width = (_own(written, axis) for axis in range(3))
    size = clip.get("size", (height, width))
    sides = size if isinstance(size, tuple) else (size, size)
    text = shape((clip.get("frames", frames), *dict.fromkeys(sides)))
    plain, bracket, modifiers = written.name.partition("(")
    return f"{plain.partition('@')[0]}@{text}{bracket}{modifiers}"


def _own(written: Written, axis: int) -> Any:
    """A size of the clip that a network has of itself."""
    size = written.input.items[1 + axis]
    if isinstance(size, Name):
        size = dict(written.bound).get(size.id, Number(DEFAULT_CLIP[AXES[axis]]))
    return size.value if isinstance(size, Number) else print_value(size)


def _written_out(spec: str, given: Mapping[str, Any]) -> str:
    """The whole network in one line."""
    text = analyze(_read(spec), **given).canonical
    return "; ".join(" ".join(line.split()) for line in text.splitlines())
