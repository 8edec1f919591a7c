"""From a spec to its report: the calculator's entry points."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Any, TextIO, TypeAlias

from csncost.conventions import Convention
from csncost.conventions import convention as find_convention
from csncost.counts import tally
from csncost.errors import CsncostError, Source, SpecError
from csncost.lang.canonical import canonical
from csncost.lang.expand import Written, expand, put_in
from csncost.lang.lexer import MAX_LENGTH
from csncost.lang.library import aliases
from csncost.lang.lower import lower
from csncost.lang.parser import parse
from csncost.lang.printer import print_spec
from csncost.lang.syntax import Assignment, Expr, Layer, List, Name, Number, Sizes, Spec
from csncost.network import Network
from csncost.report import Report, network_rows

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
    return _parse(spec)


def from_argument(text: str, stdin: TextIO) -> SpecLike:
    """A spec as a command line gives it: `-` is standard input, what looks like a path is a file."""
    if text == "-":
        try:
            return parse(Source(stdin.read(MAX_LENGTH + 1), "standard input"))
        except UnicodeDecodeError:
            raise SpecError("standard input is not text", hint="a spec is UTF-8 text") from None
    one_word = not any(c.isspace() for c in text)
    return Path(text) if one_word and (text.endswith(".csn") or "/" in text) else text


def show(spec: SpecLike, **names: Any) -> str:
    """The canonical written-out text of a spec; it parses back to the same network.

    >>> print(show("ir-CSN-26").splitlines()[3])
    conv2  [1x1x1, 64; 3x3x3, 64, depthwise; 1x1x1, 64] x 2
    """
    written = resolve(spec, names)
    text = canonical(written)
    return f"# {written.name}\n{text}" if written.name else text


def read_file(path: Path) -> Source:
    """The text of a `.csn` file. Raises SpecError for a file that is missing, unreadable or binary."""
    try:
        return Source(path.read_text("utf-8"), str(path))
    except UnicodeDecodeError:
        raise SpecError(f"{path} is not a text file", hint="a .csn file is UTF-8 text") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise SpecError(f"cannot read {path}: {reason}", hint="a spec is a name, a .csn file, or - for standard input") from None


_parse = lru_cache(maxsize=256)(parse)
_expand = lru_cache(maxsize=256)(expand)


def resolve(spec: SpecLike, names: Mapping[str, Any]) -> Written:
    """The network written out; ints in `names` are put in, other values keep their names free for lowering."""
    tree = read(spec)
    if not names:
        return _expand(tree)
    return expand(tree, {key: _literal(key, value) for key, value in names.items()})


def _literal(name: str, value: Any) -> Expr:
    value = _python(value)
    if isinstance(value, (Number, Name, List)):
        return value
    if isinstance(value, (int, Fraction)) and not isinstance(value, bool):
        return Number(value)
    if isinstance(value, float):
        return Number(_exact(value))
    if isinstance(value, str):
        return _value(name, value)
    if isinstance(value, (list, tuple)):
        return List(tuple(_literal(name, item) for item in value))
    return Name(name)


def _exact(value: float) -> int | Fraction:
    if value != value or value in (float("inf"), float("-inf")):
        raise SpecError(f"{value} is not a size")
    exact = Fraction(repr(value))
    return exact.numerator if exact.denominator == 1 else exact


def _value(name: str, text: str) -> Expr:
    """The value of `-p NAME=VALUE`, in the language of modifiers."""
    spec = parse(Source(f"{name}={text}"))
    if len(spec.items) != 1 or not isinstance(spec.items[0], Assignment) or spec.items[0].choices:
        raise SpecError(f'"{name}={text}" is not a name and its value', hint="write for instance -p G=4")
    return spec.items[0].value


def _python(value: Any) -> Any:
    """A NumPy scalar as the Python number it is, so that it cannot overflow; anything else as it is."""
    return value.item() if getattr(value, "ndim", None) == 0 and hasattr(value, "dtype") and type(value).__module__ == "numpy" else value


def sizes(frames: Any = None, size: Any = None, classes: Any = None) -> dict[str, Any]:
    """The setting that overrides a spec's clip and classes, from a caller's arguments."""
    height, width = size if isinstance(size, (tuple, list)) and len(size) == 2 else (size, size)
    setting = {"frames": frames, "height": height, "width": width, "classes": classes}
    return {key: _python(value) for key, value in setting.items() if value is not None}


def to_network(
    spec: SpecLike, *, frames: Any = None, size: Any = None, classes: Any = None, **names: Any
) -> Network:
    """The intermediate representation of a spec. Sizes may be ints, labelled arrays or SymPy symbols."""
    return lower(resolve(spec, names), _unliteral(names), **sizes(frames, size, classes))


def _unliteral(names: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in names.items() if not isinstance(value, (int, float, str, Fraction, list, tuple))}


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
    (13078208, 10577743872, 5423636672)
    """
    if isinstance(views, bool) or not isinstance(views, int) or not 1 <= views <= 1_000_000:
        raise CsncostError(f"views must be a whole number from 1 to 1,000,000, not {views!r:.60}")
    counting = find_convention(convention)
    written = resolve(spec, names)
    net = lower(written, **sizes(frames, size, classes))
    totals = tally(net.graph, counting)
    return Report(
        spec=_shown(spec),
        name=written.name,
        aliases=aliases(written.name),
        convention=counting,
        clip=net.clip,
        classes=net.classes,
        views=views,
        totals=totals._replace(flops=totals.flops * views),
        _rows=lambda: tuple(network_rows(net, counting, views)),
        _canonical=lambda: canonical(settled(written, net)),
    )


def settled(written: Written, net: Network) -> Written:
    """The network with the clip and the classes that it was analysed with written in."""
    sizes = tuple(Number(int(size)) for size in net.clip)
    axes = {item.id: number for item, number in zip(written.input.items, sizes, strict=True) if isinstance(item, Name)}
    *stages, last = written.stages
    if isinstance(last.body, Layer) and last.body.channels is None and isinstance(last.body.head, (Number, Name)):
        last = replace(last, body=replace(last.body, head=Number(int(net.classes))))
    return put_in(replace(written, input=Sizes(sizes), stages=(*stages, last)), axes)


def _shown(spec: SpecLike) -> str:
    return print_spec(spec).strip() if isinstance(spec, Spec) else str(spec)
