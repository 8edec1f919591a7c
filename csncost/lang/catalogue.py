"""Names of the networks that the package's files offer, told from their `network` lines without parsing the files."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import NamedTuple

from csncost.errors import Span, SpecError, nearest
from csncost.lang.lexer import MAX_DIGITS
from csncost.lang.printer import print_reference
from csncost.lang.syntax import Expr, List, Name, Number, Pattern, Reference, Slot

ZOO = Path(__file__).parent.parent / "zoo"

_COMMENT = re.compile(r"#[^\n]*")
_NETWORK = re.compile(r"(?:^|;)[ \t]*network[ \t]+((?:[\w-]|\{[^{}\n]*\})+)[ \t]*=[ \t]*([^;\n]*)", re.MULTILINE)
_ALIAS = re.compile(r"(?:^|;)[ \t]*alias[ \t]+(\w+)[ \t]*=[ \t]*(\w+)", re.MULTILINE)
_SLOT = re.compile(r"(\w*)(?:\{[ \t]*(\w+)[ \t]*(?:=[ \t]*(\w+)[ \t]*)?\})?(?:-|$)")


class Offer(NamedTuple):
    """A network that a file of the package defines: its name, the file, and the text of what it stands for."""

    pattern: Pattern
    file: str
    target: str


@cache
def files() -> Mapping[str, Path]:
    """The package's files by the name that they are imported under."""
    return {path.stem: path for path in sorted(ZOO.glob("*.csn"))}


@cache
def offers() -> tuple[Offer, ...]:
    """Every network of the package's files, in the order of the files."""
    return tuple(offer for file, text in _texts().items() for offer in offered(file, text))


@cache
def words() -> Mapping[str, str]:
    """Parameters of the package's networks by the other words that there are for them: `G` by `groups`."""
    return {word: parameter for text in _texts().values() for word, parameter in _ALIAS.findall(text)}


@cache
def _texts() -> Mapping[str, str]:
    return {file: _COMMENT.sub("", path.read_text("utf-8")) for file, path in files().items()}


def offered(file: str, text: str) -> Iterator[Offer]:
    """The networks that a text without comments defines."""
    for pattern, target in _NETWORK.findall(text):
        yield Offer(tuple(Slot(*slot) for slot in _SLOT.findall(pattern) if any(slot)), file, target.strip())


@cache
def _by_beginning() -> Mapping[tuple[int, str], Sequence[Offer]]:
    """The offers by the number of their segments and the first of them, so that one of 10^3 is found at once."""
    found: dict[tuple[int, str], list[Offer]] = {}
    for offer in offers():
        first = offer.pattern[0]
        found.setdefault((len(offer.pattern), "" if first.hole else first.text.casefold()), []).append(offer)
    return found


def files_offering(reference: Reference) -> Iterator[str]:
    """The files of the package that define a network of that name."""
    first = reference.segments[0]
    for word in (first.casefold(), "") if isinstance(first, str) else ("",):
        for offer in _by_beginning().get((len(reference.segments), word), ()):
            if fit(offer.pattern, reference) is not None:
                yield offer.file


@cache
def aliases(called: Reference | None) -> tuple[str, ...]:
    """Other names of a network that goes by a canonical name: `ir-CSN-50` for `bottleneck-D-16`."""
    if called is None:
        return ()
    plain = "".join(print_reference(replace(called, clip=None)).split())
    return tuple(pattern_text(offer.pattern) for offer in plain_offers() if "".join(offer.target.split()) == plain)


def plain_offers() -> Iterator[Offer]:
    """The offers whose names are whole, with nothing to put in."""
    return (offer for offer in offers() if not any(slot.hole for slot in offer.pattern))


def example(at: int = 0) -> str:
    """A network's name, to be quoted where one is asked for: the first, or a later one, that the package has."""
    return sample(offers()[at % len(offers())].pattern)


def pattern_text(pattern: Pattern, holes: Mapping[str, str] | None = None) -> str:
    """A network's name with `holes` put into its pattern."""
    given = holes or {}
    return "-".join(slot.text + (given.get(slot.hole, f"<{slot.hole}>") if slot.hole else "") for slot in pattern)


def sample(pattern: Pattern, texts: Sequence[str] = ()) -> str:
    """A name that fits a pattern: with the numbers of a name in segments that is near, else with its own samples."""
    numbers = [text for text in texts if text.isdigit()]
    holes = {slot.hole: slot.sample for slot in pattern if slot.sample}
    for i, slot in enumerate(pattern):
        found = _trailing_number(texts[i]) if i < len(texts) else ""
        if slot.hole and not slot.text and numbers:
            holes[slot.hole] = found or numbers[-1]
        elif slot.hole and found:
            holes[slot.hole] = found
    return pattern_text(pattern, holes)


def _trailing_number(text: str) -> str:
    return text[len(text.rstrip("0123456789")) :][:MAX_DIGITS]


def free_in(name: str, near: str) -> str:
    """A network of the package in which a parameter stays free, the nearest to a name; nothing where there is none."""
    known = [
        pattern_text(offer.pattern, {slot.hole: slot.sample for slot in offer.pattern} | {name: ""})
        for offer in offers()
        if any(slot.hole == name and slot.text for slot in offer.pattern)
    ]
    return next(iter([*nearest(near, known), *known]), "")


def unknown(reference: Reference, own: Iterable[Pattern]) -> SpecError:
    """The error for a name that no network has, with those that are near."""
    texts = [segment if isinstance(segment, str) else "" for segment in reference.segments]
    name = print_reference(Reference(reference.segments))
    known = [sample(pattern, texts) for pattern in (*own, *(offer.pattern for offer in offers()))]
    near = nearest("-".join(texts), known)
    message, span = f'unknown network "{name[:60]}"', reference.span
    if not near:
        return SpecError(message, span, hint="csncost list shows every name")
    pairs = zip(texts, near[0].split("-"), strict=False)
    differing = [i for i, (a, b) in enumerate(pairs) if a.casefold() != b.casefold()]
    if differing and reference.spans:
        span = Span(span.source, reference.spans[differing[0]].start, reference.spans[differing[-1]].end)
    family = near[0].rpartition("-")[0]
    siblings = [text for text in known if text.rpartition("-")[0].casefold() == family.casefold()]
    listed = f"; {family} comes as {', '.join(siblings)}" if len(siblings) > 1 else ""
    return SpecError(message, span, hint=f"did you mean {near[0]}?   (csncost list shows every name){listed}")


def fit(pattern: Pattern, reference: Reference) -> dict[str, Expr] | None:
    """Values for the holes of a pattern if a name fits it; the case of letters does not matter."""
    if len(pattern) != len(reference.segments):
        return None
    holes: dict[str, Expr] = {}
    for i, ((text, hole, _), segment) in enumerate(zip(pattern, reference.segments, strict=True)):
        span = reference.spans[i] if reference.spans else reference.span
        if isinstance(segment, List):
            if text or not hole:
                return None
            holes[hole] = segment
            continue
        if segment[: len(text)].casefold() != text.casefold():
            return None
        rest = segment[len(text) :]
        if not hole:
            if rest:
                return None
        elif rest.isdigit() and len(rest) > MAX_DIGITS:
            raise SpecError("a number of absurd size", span)
        elif rest.isdigit():
            holes[hole] = Number(int(rest), span=Span(span.source, span.start + len(text), span.end))
        elif not rest and text:  # a bare G: the number of groups is left free
            holes[hole] = Name(hole, span=span)
        else:
            return None
    return holes
