"""Arguments of callers, in Python and on the command line: specs as text or files, values of names, sizes."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from math import isfinite
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias

from csncost.errors import CsncostError, Source, SpecError
from csncost.lang.adapt import adapt
from csncost.lang.lexer import MAX_LENGTH, MAX_SIZE
from csncost.lang.parser import parse, parse_suffix
from csncost.lang.syntax import Assignment, Expr, List, Name, Number, Spec

SpecLike: TypeAlias = str | Path | Spec
"""A name or a network written out, a path to a `.csn` file (or a string that is one, also with a clip and values
behind it: `mine.csn@32x256(n=3)`), or a parsed spec."""

SizeLike: TypeAlias = int | tuple[int, int] | None
"""Height and width: one int for a square, or (H, W)."""

STDIN = "standard input"

SETTING = ("frames", "size", "classes")
"""The arguments that override what a spec says of its clip and its classes."""

_FILE = re.compile(r"([^\n;]*\.csn)((?:[@(].*)?)", re.DOTALL)
"""A path, and what a name would have behind it: `mine.csn@32x256(n=3)`."""

_TARGET = re.compile(r"[\w./~-]+:[^\W\d][\w.]*(\(.*\))?|[\w./~-]+\.py", re.DOTALL)
"""A target of `csncost trace`: `package.module:callable(arguments)`, or a Python file."""


def read(spec: SpecLike) -> Spec:
    """The syntax tree of a spec given as text, as a path, or as a tree. Raises SpecError."""
    if isinstance(spec, Spec):
        return spec
    if isinstance(spec, Path):
        return parse(read_file(spec))
    if not isinstance(spec, str):
        raise _no_spec(spec)
    match = _FILE.fullmatch(spec)
    return _of_file(match[1], match[2], spec) if match else parse(spec)


def file_in(spec: str) -> Path | None:
    """The path of the `.csn` file that a spec is in, whatever stands behind it; None for others."""
    match = _FILE.fullmatch(spec)
    return Path(match[1]) if match else None


def version(spec: SpecLike) -> int:
    """The time at which the file that a spec is in was last written, so that a cache is not out of date; else 0."""
    path = file_in(spec) if isinstance(spec, str) else spec
    return path.stat().st_mtime_ns if isinstance(path, Path) and path.exists() else 0


def _of_file(path: str, suffix: str, text: str) -> Spec:
    """The spec in a file, with what stands behind its path."""
    tree = parse(read_file(Path(path)))
    if not suffix:
        return tree
    clip, given = parse_suffix(Source(text), len(path))
    return replace(adapt(tree, clip, given), source=Source(text, text))


def _no_spec(given: Any) -> SpecError:
    """The error for an object in the place of a spec: a number, a PyTorch module, a class."""
    kind = f"the class {given.__name__}" if isinstance(given, type) else type(given).__name__
    hint = "of a PyTorch model, trace(model, input) is a report; explain and compare take that"
    return SpecError(f"a spec is a text or a path, not {kind}", hint=hint if callable(given) else "")


def from_argument(text: str, stdin: BinaryIO | None) -> SpecLike:
    """A spec as a command line gives it: `-` is standard input, what looks like a path is a file."""
    if text == "-":
        if stdin is None:
            raise SpecError("standard input is closed", hint="pipe a spec into it")
        try:
            return parse(Source(_decoded(stdin), STDIN))
        except UnicodeDecodeError:
            raise SpecError("standard input is not text", hint="a spec is UTF-8 text") from None
        except OSError as error:
            raise SpecError(f"cannot read standard input: {error.strerror}", hint="pipe a spec into it") from None
    if match := _FILE.fullmatch(text):
        path, suffix = match.groups()
        return _of_file(path, suffix, text) if suffix else Path(path)
    if _TARGET.fullmatch(text):
        target = text if ":" in text else f"{text}:NAME"
        raise SpecError(
            f'"{text[:80]}" looks like a PyTorch model, and is no spec',
            hint=f"csncost trace {target[:80]} --input SHAPE counts it; explain takes it with --input SHAPE, too",
        )
    looks_like_a_path = "/" in text and not any(c in text for c in "([=;") and not any(map(str.isspace, text))
    return Path(text) if looks_like_a_path else text


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


def _decoded(file: BinaryIO) -> str:
    """The text of a file, read no further than the longest spec; a byte order mark is skipped."""
    return file.read(4 * MAX_LENGTH + 4).decode("utf-8-sig")


def literal(name: str, value: Any, depth: int = 0) -> Expr:
    """A caller's value as an expression; arrays and symbols stay free names, put in when the network is lowered."""
    value = python_number(value)
    if isinstance(value, (Number, Name, List)):
        return value
    if isinstance(value, (int, Fraction)) and not isinstance(value, bool):
        if abs(value.numerator) > MAX_SIZE**2 or value.denominator > MAX_SIZE:
            raise SpecError(f"{name} is a number of absurd size", hint=f"a size is at most {MAX_SIZE:,}")
        return Number(value.numerator if value.denominator == 1 else value)
    if isinstance(value, float) and isfinite(value):
        return literal(name, Fraction(repr(value)))
    if isinstance(value, str):
        return _value(name, value)
    if isinstance(value, (list, tuple)) and depth < 3:
        return List(tuple(literal(name, item, depth + 1) for item in value))
    if hasattr(value, "free_symbols") or hasattr(value, "dtype"):
        return Name(name)
    raise SpecError(f"{name} cannot be {value!r:.60}", hint="it is a number, a list, or a text in the language")


def _value(name: str, text: str) -> Expr:
    """The value of `-p NAME=VALUE`, in the language of modifiers."""
    spec = parse(Source(f"{name}={text}"))
    if len(spec.items) != 1 or not isinstance(spec.items[0], Assignment) or spec.items[0].choices:
        raise SpecError(f'"{name}={text}" is not a name and its value', hint="write for instance -p G=4")
    return spec.items[0].value


def python_number(value: Any) -> Any:
    """A NumPy, SymPy or zero-dimensional number as the Python number it is, so that it cannot overflow."""
    if getattr(value, "ndim", None) == 0 and hasattr(value, "item"):
        # of NumPy's floats, of which float64 is Python's too, the decimal that they are written as
        return float(value.astype(str).item()) if getattr(value.dtype, "kind", "") == "f" else value.item()
    if isinstance(value, (int, float, str, Fraction)) or value is None:
        return value
    if getattr(value, "is_Integer", False):
        return int(value)
    return value


def view_count(views: Any) -> int:
    """The clips and crops of a video. Raises CsncostError for what is no such number."""
    views = python_number(views)
    if type(views) is not int or not 1 <= views <= 1_000_000:
        raise CsncostError("views must be a whole number from 1 to 1,000,000")
    return views


def sizes(frames: Any = None, size: Any = None, classes: Any = None) -> dict[str, Any]:
    """The setting that overrides a spec's clip and classes, from a caller's arguments."""
    if isinstance(size, str) or (isinstance(size, Sequence) and len(size) != 2):
        raise SpecError(f"size cannot be {size!r:.60}", hint="it is a number, or (height, width)")
    height, width = size if isinstance(size, Sequence) else (size, size)
    setting = {"frames": frames, "height": height, "width": width, "classes": classes}
    return {key: python_number(value) for key, value in setting.items() if value is not None}


def not_literal(names: Mapping[str, Any]) -> dict[str, Any]:
    """Those values that no text can say: arrays and symbols."""
    found = {name: python_number(value) for name, value in names.items()}
    return {name: value for name, value in found.items() if hasattr(value, "free_symbols") or hasattr(value, "dtype")}
