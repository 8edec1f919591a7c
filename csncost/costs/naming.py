"""Names of designs: the spec of a network with a clip and values put into it.

bottleneck-G-16, G=4, frames=8, size=112, width=1/2   is   bottleneck-G4-16@8x112(width=1/2)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeAlias

from csncost.costs.analyze import analyze
from csncost.errors import SpecError
from csncost.lang.adapt import adapt, as_clip
from csncost.lang.expand import expand
from csncost.lang.given import SpecLike, from_argument, literal, read, sizes, version
from csncost.lang.lower.layers import AXES
from csncost.lang.lower.stages import DEFAULT_CLIP
from csncost.lang.printer import print_reference, print_spec, print_value
from csncost.lang.syntax import Name, Number, Reference, Sizes
from csncost.lang.written import Written

MANY = 10_000
"""Points of parameters beyond which specs are `brief`, for that takes a hundredth of the time."""

CLIP = ("frames", "size")
"""The arguments of `analyze` that a name says behind its @."""

_UNNAMED = {*CLIP, "convention"}
"""Arguments of `analyze` that are no values for names."""


def argument(name: str, value: Any) -> Any:
    """The coordinate of a design as `analyze` takes it."""
    if name == "size" and isinstance(value, str):
        height, width = value.split("x")
        return int(height), int(width)
    return value.item() if hasattr(value, "item") else value


def spelling(spec: str, given: Mapping[str, Any], brief: bool = False) -> str:
    """A spec with arguments of `analyze` in it: a canonical name, or the spec as it is with a clip and values added.

    Where `brief` they are added to names, too.

    >>> spelling("bottleneck-G-16", {"G": 4, "frames": 8, "size": 112, "width": 0.5})
    'bottleneck-G4-16@8x112(width=0.5)'
    >>> spelling("bottleneck-G-16", {"G": 4, "frames": 8, "size": 112, "width": 0.5}, brief=True)
    'bottleneck-G-16@8x112(G=4, width=0.5)'
    """
    at = version(spec)
    given = clip_by_name(spec, given)
    clip = sizes(*map(given.get, CLIP))
    names = {name: _text(name, value) for name, value in given.items() if name not in _UNNAMED}
    if not (clip or names):
        return spec
    sides, square = tuple(clip), clip.get("height") == clip.get("width")
    template = None if brief else _canonical(spec, at, tuple(names.items()), sides, square)
    template = template or _brief(spec, at, tuple(names), sides, square)
    if template is None:
        return _one_line(analyze(_read(spec, at), **given).canonical)
    values = [*map(str, clip.values()), *names.values()]
    return "".join(part if isinstance(part, str) else values[part] for part in template)


def clip_by_name(spec: str, given: Mapping[str, Any]) -> Mapping[str, Any]:
    """The arguments with frames and size in the place of the names that a named network has for its axes: T, H, W."""
    if given.keys() <= _UNNAMED | {"classes"}:
        return given
    written = _expanded(spec, version(spec), ())
    if written is None or written.called is None or not given.keys() & set(written.axes):
        return given
    named = {axis: _whole(name, given.get(name)) for axis, name in zip(AXES, written.axes, strict=True)}
    rest = {name: value for name, value in given.items() if name not in written.axes}
    if named["frames"] is not None:
        rest["frames"] = named["frames"]
    size = tuple(named[axis] for axis in AXES[1:])
    if size != (None, None):
        rest["size"] = tuple(_own(written, axis) if named[axis] is None else named[axis] for axis in AXES[1:])
    return rest


def _whole(name: str, value: Any) -> Any:
    """A value that may be given as text as the number it is."""
    expr = literal(name, value) if isinstance(value, str) else None
    return expr.value if isinstance(expr, Number) else value


def _text(name: str, value: Any) -> str:
    if isinstance(value, (int, float)):
        return _number(name, value)
    return value if isinstance(value, str) else print_value(literal(name, value))


@lru_cache(maxsize=4096, typed=True)
def _number(name: str, value: Any) -> str:
    return print_value(literal(name, value))


@lru_cache(maxsize=256)
def _read(spec: str, version: int) -> SpecLike:
    return from_argument(spec, None)


@lru_cache(maxsize=MANY)
def _expanded(spec: str, version: int, names: tuple[tuple[str, str], ...]) -> Written | None:
    """The network with values for its parameters; None for classes that are given of one without such a parameter."""
    try:
        return expand(read(_read(spec, version)), {name: literal(name, text) for name, text in names})
    except SpecError:
        return None


class _Hole(int):
    """A number that is put in later: it is printed as its place among the values, between zero bytes.

    It is negative, and so equal to no size.
    """

    def __str__(self) -> str:
        return f"\0{-1 - self}\0"


_Template: TypeAlias = "tuple[str | int, ...]"
"""A spec that is printed with holes: texts, and the places of the values between them."""


def _template(text: str) -> _Template:
    return tuple(int(part) if i % 2 else part for i, part in enumerate(text.split("\0")))


@lru_cache(maxsize=MANY)
def _canonical(
    spec: str, version: int, names: tuple[tuple[str, str], ...], sides: tuple[str, ...], square: bool
) -> _Template | None:
    """The canonical name of a network with values for its parameters, at a clip to come; None where it has none."""
    written = _expanded(spec, version, names)
    if written is None or written.called is None:
        return None
    clip = _clip(written, {}, sides, square) if sides else written.called.clip
    return _template(print_reference(replace(written.called, clip=clip)))


@lru_cache(maxsize=256)
def _brief(spec: str, version: int, names: tuple[str, ...], sides: tuple[str, ...], square: bool) -> _Template | None:
    """A spec as it is, with a clip and values to come; None where it has no place for one."""
    given = _read(spec, version)
    written = _expanded(spec, version, ())
    named = any(isinstance(item, Reference) for item in read(given).items)
    if written is None or ("classes" in names and not named):
        return None
    holes = {name: Number(_Hole(-1 - i)) for i, name in enumerate(names, len(sides))}
    clip = _clip(written, holes, sides, square) if sides else None
    if isinstance(given, Path):
        return _template(print_reference(Reference((spec,), clip, tuple(holes.items()))))
    try:
        return _template(_one_line(print_spec(adapt(read(given), clip, holes))))
    except SpecError:  # one name for height and width, which differ
        return None


def _clip(written: Written, names: Mapping[str, Number], sides: tuple[str, ...], square: bool) -> Sizes:
    """A clip with holes for some sides; the others are given by name, or the network has them of itself."""
    holes = {axis: Number(_Hole(-1 - i)) for i, axis in enumerate(sides)}
    if square and "height" in holes:
        holes["width"] = holes["height"]
    return as_clip(
        holes.get(axis) or names.get(name) or literal(axis, _own(written, axis))
        for axis, name in zip(AXES, written.axes, strict=True)
    )


def _own(written: Written, axis: str) -> Any:
    """A side of the clip that a network has of itself."""
    size = written.input.items[1 + AXES.index(axis)]
    if isinstance(size, Name):
        size = dict(written.bound).get(size.id, Number(DEFAULT_CLIP[axis]))
    return size.value if isinstance(size, Number) else print_value(size)


def _one_line(text: str) -> str:
    """A spec of several lines in one."""
    return "; ".join(" ".join(line.split()) for line in text.splitlines())
