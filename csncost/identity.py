"""Which network a spec is, so that a log and a design find each other whatever the spelling."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

from csncost.analyze import analyze, resolve
from csncost.errors import CsncostError, SpecError
from csncost.lang.syntax import Name
from csncost.numbers import shape
from csncost.reading import SpecLike


class Known(NamedTuple):
    """A network as a log names it; `clip` is empty where neither the spec nor the log says one."""

    spec: str
    name: str
    canonical: str
    architecture: str
    clip: str


def known(spec: SpecLike, clip: str, classes: int | None) -> Known:
    """A network that a log names, at the clip that the log gives. Raises CsncostError for what is no network."""
    if isinstance(spec, str) and not spec.endswith(".csn"):
        return _cached(spec, clip, classes)
    return _network(spec, clip, classes)


@lru_cache(maxsize=4096)
def _cached(spec: str, clip: str, classes: int | None) -> Known:
    return _network(spec, clip, classes)


def _network(spec: SpecLike, clip: str, classes: int | None) -> Known:
    frames, size = _clip(clip)
    report = analyze(spec, frames=frames, size=size, classes=classes)
    stated = bool(clip) or _states_clip(spec)
    return Known(
        *(report.spec, report.name, report.canonical, architecture(spec)),
        clip=shape(report.clip) if stated else "",
    )


def _clip(text: str) -> tuple[int | None, Any]:
    """Frames and size of a clip as a log gives it: `8x224`, `8x224x224`, `3x8x224x224`."""
    if not text:
        return None, None
    parts = text.casefold().replace("\u00d7", "x").split("x")
    if not 2 <= len(parts) <= 4 or not all(part.strip().isdecimal() and len(part) < 9 for part in parts):
        raise CsncostError("clip is not as 8x224 or 3x8x224x224")
    sizes = [int(part) for part in parts]
    frames, *axes = sizes[1:] if len(sizes) == 4 else sizes
    return frames, axes[0] if len(axes) == 1 else tuple(axes)


def _states_clip(spec: SpecLike) -> bool:
    """Whether a spec itself says which clip it is for."""
    written = resolve(spec, {}, {})
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


def clip_of(spec: SpecLike, frames: int | None, size: Any, **names: Any) -> str:
    """The clip that a design is analysed with."""
    return shape(analyze(spec, frames=frames, size=size, **names).clip)


def key_of(spec: SpecLike, frames: int | None, size: Any) -> tuple[str, str]:
    """The architecture of a design, and the clip that it is analysed with."""
    return architecture(spec), clip_of(spec, frames, size)
