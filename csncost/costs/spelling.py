"""Designs of a space as specs of their own: what was swept and what was fixed put into the text.

bottleneck-G-16, G=4, frames=8, size=112, width=1/2   is   bottleneck-G4-16@8x112(width=1/2)
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from csncost.costs.analyze import analyze
from csncost.errors import SpecError
from csncost.lang.adapt import adapt
from csncost.lang.expand import Written, expand
from csncost.lang.given import SpecLike, file_in, from_argument, literal, read
from csncost.lang.lower.layers import AXES
from csncost.lang.lower.stages import DEFAULT_CLIP
from csncost.lang.printer import print_spec, print_value
from csncost.lang.syntax import Name, Number, Reference, Sizes, Spec
from csncost.units import shape

MANY = 10_000
"""Points of parameters beyond which specs are `brief`, for that takes a hundredth of the time."""

CLIP = ("frames", "size")
"""The arguments of `analyze` that a name says behind its @."""


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
    version = _version(spec)
    given = clip_by_name(spec, given)
    clip = {name: given[name] for name in CLIP if name in given}
    names = {name: _text(name, value) for name, value in given.items() if name not in (*CLIP, "convention")}
    if not (clip or names):
        return spec
    if not brief:
        written = _expanded(spec, version, tuple(names.items()))
        if written is not None and written.name:
            return _at_clip(written.name, written, clip)
    template = _template(spec, version, tuple(names), tuple(clip), isinstance(clip.get("size"), tuple))
    if template is None:
        return _written_out(spec, version, {name: value for name, value in given.items() if name != "convention"})
    height, width = clip["size"] if isinstance(clip.get("size"), tuple) else [clip.get("size")] * 2
    values = {**names, **dict(zip(_SIDES, map(str, (clip.get("frames"), height, width)), strict=True))}
    return "".join(values[text] if i % 2 else text for i, text in enumerate(template))


def clip_by_name(spec: str, given: Mapping[str, Any]) -> Mapping[str, Any]:
    """The arguments with frames and size in the place of the names that a named network has for its axes: T, H, W."""
    if given.keys() <= {*CLIP, "classes", "convention"}:
        return given
    written = _expanded(spec, _version(spec), ())
    if written is None or not written.name or not given.keys() & set(written.axes):
        return given
    frames, height, width = (_whole(name, given.get(name)) for name in written.axes)
    rest = {name: value for name, value in given.items() if name not in written.axes}
    if frames is not None:
        rest["frames"] = frames
    if height is not None or width is not None:
        rest["size"] = tuple(
            _own(written, axis) if value is None else value for axis, value in enumerate((height, width), 1)
        )
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


def _version(spec: str) -> int:
    """When the file that a spec is in was last written, so that what is known of it is not out of date; else 0."""
    path = file_in(spec)
    return path.stat().st_mtime_ns if path and path.exists() else 0


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


def _at_clip(name: str, written: Written, clip: Mapping[str, Any]) -> str:
    """The name of a network at a clip, of which it says itself what is not given."""
    if not clip:
        return name
    frames, height, width = (_own(written, axis) for axis in range(3))
    size = clip.get("size", (height, width))
    sides = size if isinstance(size, tuple) else (size, size)
    text = shape((clip.get("frames", frames), *dict.fromkeys(sides)))
    head, bracket, modifiers = name.partition("(")
    return f"{head.partition('@')[0]}@{text}{bracket}{modifiers}"


def _own(written: Written, axis: int) -> Any:
    """A size of the clip that a network has of itself."""
    size = written.input.items[1 + axis]
    if isinstance(size, Name):
        size = dict(written.bound).get(size.id, Number(DEFAULT_CLIP[AXES[axis]]))
    return size.value if isinstance(size, Number) else print_value(size)


_SIDES = ("@frames", "@height", "@width")
"""The axes of a clip among names, of which none is written so."""

_HOLE = 7_316_902_845_117_000
"""A number that stands for a value to come, and those behind it for others: no size is as large."""


@lru_cache(maxsize=256)
def _template(
    spec: str, version: int, names: tuple[str, ...], clip: tuple[str, ...], pair: bool
) -> tuple[str, ...] | None:
    """A spec with holes for values: text and the names of values in turn; None where it has no place for one."""
    given = _read(spec, version)
    written = _expanded(spec, version, ())
    if written is None or ("classes" in names and not _is_name(read(given))):
        return None
    holes = {name: Number(_HOLE + i) for i, name in enumerate((*_SIDES, *names), 1)}
    sizes = Sizes(_axes(written, holes, clip, pair)) if clip else None
    try:
        text = _text_with(spec, given, sizes, {name: holes[name] for name in names})
    except SpecError:  # one name for height and width, which differ
        return None
    keys = ("", *holes)
    parts = re.split(rf"{_HOLE // 1000}(\d{{3}})", text)
    return tuple(keys[int(part)] if i % 2 else part for i, part in enumerate(parts))


def _axes(written: Written, holes: Mapping[str, Number], clip: Sequence[str], pair: bool) -> tuple[Number, ...]:
    """Frames, height and width: what is given of them, and what the network has of itself."""
    named = written.axes or ("", "", "")
    frames, height, width = (holes.get(named[axis], Number(_own(written, axis))) for axis in range(3))
    if "frames" in clip:
        frames = holes["@frames"]
    if "size" in clip:
        height = holes["@height"]
        width = holes["@width"] if pair else height
    return (frames, height) if height == width else (frames, height, width)


def _is_name(tree: Spec) -> bool:
    return any(isinstance(item, Reference) for item in tree.items)


def _text_with(spec: str, given: SpecLike, clip: Sizes | None, names: Mapping[str, Number]) -> str:
    """A spec in one line with a clip and values: behind the path of a file, in the text of another."""
    if isinstance(given, Path):
        values = f"({', '.join(f'{name}={print_value(value)}' for name, value in names.items())})" if names else ""
        return spec + (f"@{print_value(clip)}" if clip else "") + values
    lines = print_spec(adapt(read(given), clip, names)).splitlines()
    return "; ".join(" ".join(line.split()) for line in lines)


def _written_out(spec: str, version: int, given: Mapping[str, Any]) -> str:
    """The whole network in one line."""
    text = analyze(_read(spec, version), **given).canonical
    return "; ".join(" ".join(line.split()) for line in text.splitlines())
