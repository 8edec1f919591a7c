"""From a spec to its report: the calculator's entry points."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from csncost.costs.conventions.named import Convention
from csncost.costs.conventions.named import convention as find_convention
from csncost.costs.count import OF_NETWORKS, everything_measured, tally
from csncost.costs.report import WRITTEN_OUT, Report
from csncost.costs.rows import network_rows
from csncost.errors import CsncostError, SpecError
from csncost.lang.adapt import as_clip
from csncost.lang.canonical import canonical
from csncost.lang.catalogue import aliases
from csncost.lang.expand import expand
from csncost.lang.given import STDIN, SizeLike, SpecLike, file_in, literal, not_literal, read, sizes, view_count
from csncost.lang.lower.layers import AXES
from csncost.lang.lower.stages import lower
from csncost.lang.parser import parse
from csncost.lang.printer import print_reference, print_spec
from csncost.lang.syntax import Layer, Name, Number, Reference, Sizes, Spec
from csncost.lang.written import Written, put_in
from csncost.network.graph import Network

REFERENCE = Path(__file__).parent.parent / "lang" / "REFERENCE.md"


def show(spec: SpecLike, **names: Any) -> str:
    """The canonical written-out text of a spec; it parses back to the same network.

    >>> print(show("ir-CSN-26").splitlines()[4])
    conv2  [1x1x1, 64; 3x3x3, depthwise; 1x1x1, 64] x 2
    """
    written = resolve(spec, names, {})
    text = canonical(written)
    return f"# {written.name}\n{text}" if written.name else text


@lru_cache(maxsize=64)
def _met(text: str, setting: frozenset[tuple[str, int]]) -> tuple[Written, Network]:
    """A text that was met before in the same setting is neither read nor lowered again."""
    written = expand(parse(text))
    return written, lower(written, None, **dict(setting))


def _resolved(spec: SpecLike, names: Mapping[str, Any], setting: dict[str, Any]) -> tuple[Written, Network]:
    """A spec written out, and lowered."""
    plain = type(spec) is str and file_in(spec) is None and not names
    if plain and all(type(value) is int for value in setting.values()):
        return _met(str(spec), frozenset(setting.items()))
    written = resolve(spec, names, setting)
    return written, lower(written, **setting)


def resolve(spec: SpecLike, names: Mapping[str, Any], setting: Mapping[str, Any]) -> Written:
    """The network written out; ints in `names` are put in, other values keep their names free for lowering.

    Raises SpecError where `names` and the `setting` both give an axis of the clip.
    """
    written = expand(read(spec), {key: literal(key, value) for key, value in names.items()})
    for axis, name in zip(AXES, written.axes, strict=True):
        if name in names and axis in setting:
            raise SpecError(f"{name} and {axis} are both given", hint="they are one size: give one")
    return written


def to_network(spec: SpecLike, *, frames: Any = None, size: Any = None, classes: Any = None, **names: Any) -> Network:
    """The intermediate representation of a spec. Sizes may be ints, labelled arrays or SymPy symbols."""
    setting = sizes(frames, size, classes)
    return lower(resolve(spec, names, setting), not_literal(names), **setting)


def analyze(
    spec: SpecLike,
    *,
    frames: int | None = None,
    size: SizeLike = None,
    classes: int | None = None,
    views: int = 1,
    convention: str | Convention = "paper",
    **names: Any,
) -> Report:
    """Count a network: params, FLOPs, channel interactions and activations, exact, layer by layer.

    `frames`, `size` (an int or (H, W)) and `classes` override what the spec says; `views` multiplies FLOPs, as in the
    paper's "GFLOPs x crops"; `names` gives parameters and free names. The default convention counts as Tables 2, 4
    and 5 of Tran et al. (ICCV 2019). Raises SpecError for a spec that is no network.

    >>> report = analyze("ir-CSN-50")
    >>> report.params, report.flops, report.interactions
    (13077632, 10577744384, 5423593664)
    """
    views = view_count(views)
    counting = find_convention(convention)
    written, net = _resolved(spec, names, sizes(frames, size, classes))
    if not all(isinstance(size, int) for size in (*net.clip, net.classes)):
        raise CsncostError("analyze takes numbers, not arrays or symbols", "formula gives closed forms")
    called = _as_analysed(written.called, net)
    return _report(shown(spec), called, partial(_canonical, written, net), net, views, counting)


def _report(
    spec: str, called: Reference | None, written: Callable[[], str], net: Network, views: int, convention: Convention
) -> Report:
    totals = tally(net.graph, convention)
    return Report(
        spec=spec,
        name=print_reference(called) if called else "",
        aliases=aliases(called),
        convention=convention,
        clip=net.clip,
        classes=net.classes,
        views=views,
        totals=totals.times(views),
        _of_network={key: partial(find, net.graph) for key, find in OF_NETWORKS.items()},
        _rows=partial(network_rows, net, convention, views),
        _canonical=written,
        _recount=partial(_report, spec, called, written, net, views),
        _measured=partial(everything_measured, net.graph),
    )


def _as_analysed(called: Reference | None, net: Network) -> Reference | None:
    """A canonical name with the clip and the classes that options put in the place of its own."""
    if called is None:
        return None
    clip = called.clip and as_clip(map(Number, net.clip[1:]))
    modifiers = tuple((key, Number(net.classes) if key == "classes" else value) for key, value in called.modifiers)
    return replace(called, clip=clip, modifiers=modifiers)


def _canonical(written: Written, net: Network) -> str:
    """The canonical text of a network with the clip and the classes that it was analysed with written in."""
    clip = tuple(map(Number, net.clip))
    axes = {item.id: number for item, number in zip(written.input.items, clip, strict=True) if isinstance(item, Name)}
    written = replace(written, bound=())
    *stages, last = written.stages
    if isinstance(last.body, Layer) and last.body.head is not None and net.has_classifier:
        last = replace(last, body=replace(last.body, head=Number(net.classes)))
    known = {"classes": Number(net.classes), **axes}
    return canonical(put_in(replace(written, input=Sizes(clip), stages=(*stages, last)), known))


def shown(spec: SpecLike) -> str:
    """A spec as it was given: its text, or its file."""
    if not isinstance(spec, Spec):
        return str(spec)
    return spec.source.name if spec.source.name not in ("", STDIN) else print_spec(spec).strip()


def title(spec: SpecLike) -> str:
    """The title of a spec without a name: its file, or that it is written out."""
    text = shown(spec)
    return text if isinstance(spec, (Path, Spec)) and "\n" not in text else WRITTEN_OUT
