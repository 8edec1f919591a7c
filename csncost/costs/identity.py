"""The identity of networks: a log and a design find each other whatever the spelling."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple, TypeAlias

from csncost.costs.analyze import analyze, resolve
from csncost.errors import CsncostError, NoParameter, SpecError
from csncost.lang.expand import expand
from csncost.lang.given import SETTING, SpecLike, read, version
from csncost.lang.lower.stages import DEFAULT_CLASSES
from csncost.lang.syntax import Name
from csncost.units import shape


class Known(NamedTuple):
    """A network as a log names it; `clip` is empty where neither the spec nor the log says one.

    `classes` are empty where they are as many as networks have that do not say.
    """

    spec: str
    name: str
    canonical: str
    architecture: str
    clip: str
    classes: str


Given: TypeAlias = tuple[tuple[str, Any], ...]
"""Arguments of `analyze`, as (name, value)."""


def known(spec: SpecLike, clip: str = "", given: Given = ()) -> Known:
    """A network that a log names, at the clip that the log gives. Raises CsncostError for what is no network."""
    return _known(spec, version(spec), clip, given)


@lru_cache(maxsize=4096)
def _known(spec: SpecLike, version: int, clip: str, given: Given) -> Known:
    values = dict(given)
    setting = {name: values.pop(name, None) for name in SETTING} | _clip(clip)
    report = analyze(spec, **setting, **values)
    stated = setting["frames"] or setting["size"] or _states_clip(spec, values)
    return Known(
        *(report.spec, report.name, report.canonical, architecture(spec, **values)),
        clip=shape(report.clip) if stated else "",
        classes="" if report.classes in (None, DEFAULT_CLASSES) else str(report.classes),
    )


def takes(spec: str, name: str) -> bool:
    """Tell if a network has a parameter or a free name that is called so. Raises SpecError for what is no network."""
    return _takes(spec, version(spec), name)


@lru_cache(maxsize=4096)
def _takes(spec: str, version: int, name: str) -> bool:
    tree = read(spec)
    expand(tree)
    try:
        expand(tree, {name: Name("?")})
    except NoParameter:
        return False
    except SpecError:  # a name is no value of it
        return True
    return True


def _clip(text: str) -> dict[str, Any]:
    """Frames and size of a clip as a log gives it: `8x224`, `8x224x224`, `3x8x224x224`."""
    if not text:
        return {}
    parts = text.casefold().replace("\u00d7", "x").split("x")
    if not 2 <= len(parts) <= 4 or not all(part.strip().isdecimal() and len(part) < 9 for part in parts):
        raise CsncostError(f'"{text[:40]}" is no clip, as 8x224 and 3x8x224x224 are')
    sizes = [int(part) for part in parts]
    frames, *axes = sizes[1:] if len(sizes) == 4 else sizes
    return {"frames": frames, "size": axes[0] if len(axes) == 1 else tuple(axes)}


def _states_clip(spec: SpecLike, names: Mapping[str, Any]) -> bool:
    """Tell if a spec itself says for which clip it is."""
    written = resolve(spec, names, {})
    bound = {name for name, _ in written.bound}
    return all(not isinstance(size, Name) or size.id in bound for size in written.input.items[1:])


def architecture(spec: SpecLike, **names: Any) -> str:
    """The canonical text of a network at one clip and class count, so that networks can be told apart by it alone.

    >>> architecture("ir-CSN-50@32x256(classes=487)") == architecture("bottleneck-D-16")
    True
    """
    try:
        return analyze(spec, frames=8, size=224, classes=400, **names).canonical
    except SpecError:
        return analyze(spec, **names).canonical  # a network for which that clip is none


def key_of(spec: SpecLike, frames: int | None, size: Any) -> tuple[str, str, int | None]:
    """The architecture of a design, and the clip and the classes that it is analysed with."""
    report = analyze(spec, frames=frames, size=size)
    return architecture(spec), shape(report.clip), report.classes
