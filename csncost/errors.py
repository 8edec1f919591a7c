"""Faults said to a person: what is wrong, where, what was expected, how to mend it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

EXCERPT = 74
"""Columns of source text shown around a fault, so that an excerpt fits a terminal."""


@dataclass(frozen=True, slots=True)
class Source:
    """A text and where it came from (a file name, or empty for text given directly)."""

    text: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Span:
    """Characters `start:end` of a source."""

    source: Source
    start: int
    end: int

    def excerpt(self, note: str = "") -> str:
        """The line the span stands in, a caret under it, and `note` beside the caret."""
        text = self.source.text
        line_start = text.rfind("\n", 0, self.start) + 1
        line_end = text.find("\n", line_start)
        line = text[line_start : len(text) if line_end < 0 else line_end]
        column = self.start - line_start
        window = max(0, column - EXCERPT // 2) if len(line) > EXCERPT else 0
        shown = _printable(line[window : window + EXCERPT])
        width = max(1, min(self.end, line_start + len(line)) - self.start)
        caret = "^" * min(width, max(1, EXCERPT - (column - window)))
        place = ""
        if self.source.name or "\n" in text.rstrip("\n"):
            number = text.count("\n", 0, line_start) + 1
            place = f"  {self.source.name}:{number}\n" if self.source.name else f"  line {number}\n"
        return f"{place}  {shown}\n  {' ' * (column - window)}{caret} {note}".rstrip()


def _printable(text: str, most: int = EXCERPT) -> str:
    """`text` with every character that would not occupy one column replaced, and cut where it is long."""
    short = text if len(text) <= most else text[: most - 4] + " ..."
    return "".join(c if c.isprintable() and not c.isspace() else " " if c.isspace() else "\ufffd" for c in short)


class CsncostError(Exception):
    """Something the person who called can mend; its text says what and how."""

    def __init__(self, message: str, hint: str = "") -> None:
        self.message = _printable(message, 300)
        self.hint = _printable(hint, 400)
        super().__init__(self.message, self.hint)

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuilt, (type(self), self.args, self.__dict__)

    def __str__(self) -> str:
        return "\n".join(line for line in (self.message, f"  {self.hint}" if self.hint else "") if line)


def _rebuilt(kind: type[CsncostError], args: tuple[Any, ...], state: dict[str, Any]) -> CsncostError:
    """An error that comes from another process."""
    error = kind.__new__(kind, *args)
    error.__dict__.update(state)
    return error


class SpecError(CsncostError, ValueError):
    """A spec that is malformed, or that describes no legal network.

    `span` is the place in the text, `note` stands beside the caret, `hint` says what was expected or
    offers a correction.
    """

    def __init__(self, message: str, span: Span | None = None, *, note: str = "", hint: str = "") -> None:
        super().__init__(message, hint)
        self.span = span if span is not None and span.source.text else None
        self.note = _printable(note, 100)

    def __str__(self) -> str:
        excerpt = self.span.excerpt(self.note) if self.span else f"  {self.note}" if self.note else ""
        hint = f"  {self.hint}" if self.hint else ""
        return "\n".join(part for part in (self.message, excerpt, hint) if part)


class NoParameter(SpecError):
    """A value is given for a name that nothing in the network depends on."""


class Undecided(SpecError):
    """A spec hinges on `names` whose values are not known, or differ; with one value each its meaning may be told."""

    def __init__(
        self, message: str, span: Span | None = None, *, names: Iterable[str], note: str = "", hint: str = ""
    ) -> None:
        super().__init__(message, span, note=note, hint=hint)
        self.names = frozenset(names)


class NoAnswer(CsncostError):
    """The question is a good one, and nothing is what it asks for."""


class MissingExtra(CsncostError, ImportError):
    """A library is needed that comes with one of the package's extras."""

    def __init__(self, library: str, extra: str) -> None:
        super().__init__(
            f"this needs {library}, which is not installed",
            f'it comes with the extra "{extra}": pip install "csncost[{extra}]"',
        )


def nearest(word: str, known: list[str], count: int = 1) -> list[str]:
    """The names in `known` most like `word`, whatever the case; empty when none is close."""
    import difflib

    by_folded = {name.casefold(): name for name in known}
    found = difflib.get_close_matches(word[:100].casefold(), by_folded, n=count, cutoff=0.6)
    return [by_folded[name] for name in found]


def did_you_mean(word: str, known: list[str]) -> str:
    """A question naming the nearest known word, or nothing when none is close."""
    near = nearest(word, known)
    return f"did you mean {near[0]}?" if near else ""
