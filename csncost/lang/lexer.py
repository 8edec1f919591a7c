"""Text to tokens, in one pass, each with its span."""

from __future__ import annotations

import re
from dataclasses import dataclass

from csncost.errors import Source, Span, SpecError

MAX_LENGTH = 200_000
"""Longest text accepted, in characters."""

MAX_DIGITS = 18
"""Longest number accepted, in digits; a size itself is at most `MAX_SIZE`."""

MAX_SIZE = 2**31 - 1

_TOKEN = re.compile(
    r"""(?P<space>[ \t\r\f\v]+|\#[^\n]*)
      | (?P<number>\d+(?:\.\d+)?)
      | (?P<name>[A-Za-z_][A-Za-z0-9_]*)
      | (?P<newline>\n)
      | (?P<mark>//|[-+*/%()\[\]{},;:=@\u00d7])""",
    re.VERBOSE | re.ASCII,
)

_DIGITS = tuple("0123456789")
_DASHES = "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58\ufe63\uff0d"
_QUOTES = "\u2018\u2019\u201c\u201d'\"`"


@dataclass(frozen=True, slots=True)
class Token:
    """A word of the text: `kind` is "number", "name", "newline", "end", "x", or the mark itself."""

    kind: str
    text: str
    start: int
    end: int


def tokenize(source: Source, start: int = 0) -> list[Token]:
    """The tokens of a text from `start` on, closed by an "end" token; line ends inside brackets are dropped.

    Raises SpecError at a character that no token begins with. Takes time linear in the length.
    """
    text = source.text
    if len(text) > MAX_LENGTH:
        raise SpecError(f"this text has {len(text):,} characters", hint=f"a spec has at most {MAX_LENGTH:,}")
    tokens: list[Token] = []
    depth, at = 0, start
    while at < len(text):
        if text[at] in "xX" and tokens and tokens[-1].kind in ("number", ")", "]") and text[at + 1 : at + 2] in _DIGITS:
            tokens.append(Token("x", text[at], at, at + 1))  # 3x7x7: the rest is not read as a name
            at += 1
            continue
        match = _TOKEN.match(text, at)
        if match is None:
            raise _unexpected(source, at)
        kind, word, end = match.lastgroup or "", match.group(), match.end()
        if kind == "number" and len(word) > MAX_DIGITS:
            raise SpecError("a number of absurd size", Span(source, at, end), hint=f"a size is at most {MAX_SIZE:,}")
        if kind == "name" and word in ("x", "X"):
            kind = "x"
        elif kind == "mark":
            kind = "x" if word == "\u00d7" else word
            depth = max(0, depth + (word in "([{") - (word in ")]}"))
        if kind != "space" and not (kind == "newline" and depth > 0):
            tokens.append(Token(kind, text[at:end], at, end))
        at = end
    tokens.append(Token("end", "", len(text), len(text)))
    return tokens


def _unexpected(source: Source, at: int) -> SpecError:
    char = source.text[at]
    hint = ""
    if char in _DASHES:
        mended = source.text.translate(dict.fromkeys(map(ord, _DASHES), "-"))
        hint = (
            f"did you mean {mended}?"
            if len(mended) <= 60 and mended.isascii() and "\n" not in mended
            else "write the ASCII hyphen -"
        )
    elif char in _QUOTES:
        hint = "names are written without quotes"
    elif char == "\0":
        hint = "is this a binary file?"
    named = f'"{char}" (U+{ord(char):04X})' if char.isprintable() else f"U+{ord(char):04X}"
    return SpecError(f"unexpected character {named}", Span(source, at, at + 1), hint=hint)
