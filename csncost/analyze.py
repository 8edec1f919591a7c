"""From a spec to its report: the calculator's entry points."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from functools import lru_cache, partial
from math import isfinite
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias

from csncost.conventions import Convention
from csncost.conventions import convention as find_convention
from csncost.counts import tally
from csncost.errors import CsncostError, Source, SpecError
from csncost.lang.adapt import adapt
from csncost.lang.canonical import canonical
from csncost.lang.definitions import aliases
from csncost.lang.expand import Written, expand, put_in
from csncost.lang.layers import AXES
from csncost.lang.lexer import MAX_LENGTH, MAX_SIZE
from csncost.lang.lower import lower
from csncost.lang.parser import parse
from csncost.lang.printer import print_spec
from csncost.lang.syntax import Assignment, Expr, Layer, List, Name, Number, Reference, Sizes, Spec
from csncost.network import Network
from csncost.numbers import shape
from csncost.report import WRITTEN_OUT, Report, network_rows

SpecLike: TypeAlias = str | Path | Spec
"""A name or a network written out, a path to a `.csn` file (or a string that ends so), or a parsed spec."""

SizeLike: TypeAlias = int | tuple[int, int] | None
"""Height and width: one int for a square, or (H, W)."""


def read(spec: SpecLike) -> Spec:
    """The syntax tree of a spec given as text, as a path, or as a tree. Raises SpecError."""
    if isinstance(spec, Spec):
        return spec
    if isinstance(spec, Path) or (isinstance(spec, str) and spec.endswith(".csn") and "\n" not in spec):
        return parse(read_file(Path(spec)))
    if not isinstance(spec, str):
        raise SpecError(f"a spec is a text or a path, not {type(spec).__name__}")
    return parse(spec)


REFERENCE = Path(__file__).parent / "lang" / "REFERENCE.md"

_FILE = re.compile(r"(.*\.csn)((?:[@(].*)?)", re.DOTALL)


def from_argument(text: str, stdin: BinaryIO | None) -> SpecLike:
    """A spec as a command line gives it: `-` is standard input, what looks like a path is a file."""
    if text == "-":
        if stdin is None:
            raise SpecError("standard input is closed", hint="pipe a spec into it")
        try:
            return parse(Source(_decoded(stdin), "standard input"))
        except UnicodeDecodeError:
            raise SpecError("standard input is not text", hint="a spec is UTF-8 text") from None
        except OSError as error:
            raise SpecError(f"cannot read standard input: {error.strerror}", hint="pipe a spec into it") from None
    path, suffix = _FILE.fullmatch(text).groups() if _FILE.fullmatch(text) else ("", "")  # type: ignore[union-attr]
    if suffix:
        given = parse(f"file{suffix}").items[0]
        assert isinstance(given, Reference)
        return adapt(parse(read_file(Path(path))), given.clip, dict(given.modifiers))
    is_path = path or ("/" in text and not any(c in text for c in "([=;"))
    return Path(text) if is_path and not any(c.isspace() for c in text) else text


def _decoded(file: BinaryIO) -> str:
    """The text of a file, read no further than the longest spec; a byte order mark is skipped."""
    return file.read(4 * MAX_LENGTH + 4).decode("utf-8-sig")


def show(spec: SpecLike, **names: Any) -> str:
    """The canonical written-out text of a spec; it parses back to the same network.

    >>> print(show("ir-CSN-26").splitlines()[4])
    conv2  [1x1x1, 64; 3x3x3, depthwise; 1x1x1, 64] x 2
    """
    written = resolve(spec, names, {})
    text = canonical(written)
    return f"# {written.name}\n{text}" if written.name else text


def read_file(path: Path) -> Source:
    """The text of a `.csn` file. Raises SpecError for a file that is missing, unreadable or binary."""
    try:
        with path.open("rb") as file:
            return Source(_decoded(file), str(path))
    except UnicodeDecodeError:
        raise SpecError(f"{path} is not a text file", hint="a .csn file is UTF-8 text") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise SpecError(
            f"cannot read {path}: {reason}", hint="a spec is a name, a .csn file, or - for standard input"
        ) from None


@lru_cache(maxsize=64)
def _met(text: str, setting: frozenset[tuple[str, int]]) -> tuple[Written, Network]:
    """A text that was met before in the same setting is neither read nor lowered again."""
    written = expand(parse(text))
    return written, lower(written, None, **dict(setting))


def _resolved(spec: SpecLike, names: Mapping[str, Any], setting: dict[str, Any]) -> tuple[Written, Network]:
    """A spec written out, and lowered."""
    plain = type(spec) is str and not spec.endswith(".csn") and not names
    if plain and all(type(value) is int for value in setting.values()):
        return _met(str(spec), frozenset(setting.items()))
    written = resolve(spec, names, setting)
    return written, lower(written, **setting)


def resolve(spec: SpecLike, names: Mapping[str, Any], setting: Mapping[str, Any]) -> Written:
    """The network written out; ints in `names` are put in, other values keep their names free for lowering.

    Raises SpecError where `names` and the `setting` both give an axis of the clip.
    """
    written = expand(read(spec), {key: _literal(key, value) for key, value in names.items()})
    for axis, name in zip(AXES, written.axes, strict=True):
        if name in names and axis in setting:
            raise SpecError(f"{name} and {axis} are both given", hint="they are one size: give one")
    return written


def _literal(name: str, value: Any, depth: int = 0) -> Expr:
    """A caller's value as an expression; arrays and symbols stay free names, put in when the network is lowered."""
    value = _python(value)
    if isinstance(value, (Number, Name, List)):
        return value
    if isinstance(value, (int, Fraction)) and not isinstance(value, bool):
        if abs(value.numerator) > MAX_SIZE**2 or value.denominator > MAX_SIZE:
            raise SpecError(f"{name} is a number of absurd size", hint=f"a size is at most {MAX_SIZE:,}")
        return Number(value.numerator if value.denominator == 1 else value)
    if isinstance(value, float) and isfinite(value):
        return _literal(name, Fraction(repr(value)))
    if isinstance(value, str):
        return _value(name, value)
    if isinstance(value, (list, tuple)) and depth < 3:
        return List(tuple(_literal(name, item, depth + 1) for item in value))
    if hasattr(value, "free_symbols") or hasattr(value, "dtype"):
        return Name(name)
    raise SpecError(f"{name} cannot be {value!r:.60}", hint="it is a number, a list, or a text in the language")


def _value(name: str, text: str) -> Expr:
    """The value of `-p NAME=VALUE`, in the language of modifiers."""
    spec = parse(Source(f"{name}={text}"))
    if len(spec.items) != 1 or not isinstance(spec.items[0], Assignment) or spec.items[0].choices:
        raise SpecError(f'"{name}={text}" is not a name and its value', hint="write for instance -p G=4")
    return spec.items[0].value


def _python(value: Any) -> Any:
    """A NumPy, SymPy or zero-dimensional number as the Python number it is, so that it cannot overflow."""
    if isinstance(value, (int, float, str, Fraction)) or value is None:
        return value
    if getattr(value, "ndim", None) == 0 and hasattr(value, "item"):
        return value.item()
    if getattr(value, "is_Integer", False):
        return int(value)
    return value


def sizes(frames: Any = None, size: Any = None, classes: Any = None) -> dict[str, Any]:
    """The setting that overrides a spec's clip and classes, from a caller's arguments."""
    if isinstance(size, str) or (isinstance(size, Sequence) and len(size) != 2):
        raise SpecError(f"size cannot be {size!r:.60}", hint="it is a number, or (height, width)")
    height, width = size if isinstance(size, Sequence) else (size, size)
    setting = {"frames": frames, "height": height, "width": width, "classes": classes}
    return {key: _python(value) for key, value in setting.items() if value is not None}


def to_network(spec: SpecLike, *, frames: Any = None, size: Any = None, classes: Any = None, **names: Any) -> Network:
    """The intermediate representation of a spec. Sizes may be ints, labelled arrays or SymPy symbols."""
    setting = sizes(frames, size, classes)
    return lower(resolve(spec, names, setting), _unliteral(names), **setting)


def _unliteral(names: Mapping[str, Any]) -> dict[str, Any]:
    """Those values that no text can say: arrays and symbols."""
    found = {name: _python(value) for name, value in names.items()}
    return {name: value for name, value in found.items() if hasattr(value, "free_symbols") or hasattr(value, "dtype")}


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
    """What a network costs: params, FLOPs, channel interactions and activations, exact, layer by layer.

    `frames`, `size` (an int or (H, W)) and `classes` override what the spec says; `views` multiplies FLOPs, as in the
    paper's "GFLOPs x crops"; `names` gives parameters and free names. The default convention counts as Tables 2, 4
    and 5 of Tran et al. (ICCV 2019). Raises SpecError for a spec that is no network.

    >>> report = analyze("ir-CSN-50")
    >>> report.params, report.flops, report.interactions
    (13077632, 10577744384, 5423593664)
    """
    views = _python(views)
    if isinstance(views, bool) or not isinstance(views, int) or not 1 <= views <= 1_000_000:
        raise CsncostError("views must be a whole number from 1 to 1,000,000")
    counting = find_convention(convention)
    written, net = _resolved(spec, names, sizes(frames, size, classes))
    if not all(isinstance(size, int) for size in (*net.clip, net.classes)):
        raise CsncostError("analyze takes numbers, not arrays or symbols", "formula gives closed forms")
    totals = tally(net.graph, counting)
    return Report(
        spec=_shown(spec),
        name=(name := _as_analysed(written.name, net, frames is not None or size is not None)),
        aliases=aliases(name),
        convention=counting,
        clip=net.clip,
        classes=net.classes,
        views=views,
        totals=totals._replace(flops=totals.flops * views),
        _rows=partial(network_rows, net, counting, views),
        _canonical=partial(_canonical, written, net),
    )


def _as_analysed(name: str, net: Network, overridden: bool) -> str:
    """A canonical name with the clip and the classes that options put in the place of its own."""
    if overridden and "@" in name:
        _, *axes = net.clip
        clip = shape(tuple(axes[:2] if axes[1] == axes[2] else axes))
        name = re.sub(r"@[^(]*", f"@{clip}", name)
    return re.sub(r"\bclasses=\d+", f"classes={net.classes}", name)


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


def _shown(spec: SpecLike) -> str:
    return print_spec(spec).strip() if isinstance(spec, Spec) else str(spec)


def title(spec: SpecLike) -> str:
    """What a spec without a name is called: its file, or that it is written out."""
    return str(spec) if isinstance(spec, Path) or str(spec).endswith(".csn") else WRITTEN_OUT
