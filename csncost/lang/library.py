"""Definitions: blocks, templates and named networks, from the package's `zoo/*.csn` files or from a spec itself."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from csncost.errors import Source, Span, SpecError, nearest
from csncost.lang.lexer import MAX_DIGITS
from csncost.lang.parser import parse
from csncost.lang.printer import print_reference
from csncost.lang.syntax import BlockDefinition, Expr, List, Name, NetworkDefinition, Number, Reference, Spec, Template
from csncost.lang.values import LIBRARY

ZOO = Path(__file__).parent.parent / "zoo"

SAMPLES = {"G": "4", "blocks": "16"}
"""What stands for a hole when names are listed or suggested."""


@dataclass(frozen=True)
class Library:
    """Definitions by name; network names are compared without regard to case."""

    blocks: dict[str, BlockDefinition]
    templates: dict[str, Template]
    networks: tuple[NetworkDefinition, ...]

    def extended(self, spec: Spec) -> Library:
        """This library with a spec's own definitions before it."""
        _refuse_twins(spec)
        blocks = {item.name: item for item in spec.items if isinstance(item, BlockDefinition)}
        templates = {item.name: item for item in spec.items if isinstance(item, Template)}
        networks = tuple(item for item in spec.items if isinstance(item, NetworkDefinition))
        if not (blocks or templates or networks):
            return self
        return Library({**self.blocks, **blocks}, {**self.templates, **templates}, networks + self.networks)

    def find(self, reference: Reference) -> tuple[NetworkDefinition, dict[str, Expr]]:
        """The definition whose pattern a name fits, and what stands in the pattern's holes."""
        for network in self.networks:
            holes = _fit(network, reference)
            if holes is not None:
                return network, holes
        raise self._unknown(reference)

    def _unknown(self, reference: Reference) -> SpecError:
        texts = [segment if isinstance(segment, str) else SAMPLES["blocks"] for segment in reference.segments]
        name = print_reference(Reference(reference.segments))
        numbers = [text for text in texts if text.isdigit()] or [SAMPLES["blocks"]]
        groups = next(
            (text.lstrip("DGdg") for text in texts if text[:1] in "dDgG" and text[-1:].isdigit()), SAMPLES["G"]
        )
        known = [pattern_text(network, {"G": groups, "blocks": numbers[-1]}) for network in self.networks]
        near = nearest("-".join(texts), known)
        span = reference.span
        if not near:
            return SpecError(f'unknown network "{name[:60]}"', span, hint="csncost list shows every name")
        differing = [
            i for i, (a, b) in enumerate(zip(texts, near[0].split("-"), strict=False)) if a.casefold() != b.casefold()
        ]
        if differing and reference.spans:
            span = Span(span.source, reference.spans[differing[0]].start, reference.spans[differing[-1]].end)
        family = near[0].rpartition("-")[0]
        siblings = [text for text in known if text.rpartition("-")[0].casefold() == family.casefold()]
        listed = f"; {family} comes as {', '.join(siblings)}" if len(siblings) > 1 else ""
        return SpecError(
            f'unknown network "{name[:60]}"',
            span,
            hint=f"did you mean {near[0]}?   (csncost list shows every name){listed}",
        )


def _refuse_twins(spec: Spec) -> None:
    """Two definitions of one name in a spec: which is meant?"""
    seen: set[tuple[str, str]] = set()
    for item in spec.items:
        if isinstance(item, (BlockDefinition, Template, NetworkDefinition)):
            name = pattern_text(item, {}) if isinstance(item, NetworkDefinition) else item.name
            key = (type(item).__name__, name)
            if key in seen:
                raise SpecError(f'"{name[:40]}" is defined twice', item.span)
            seen.add(key)


@cache
def aliases(called: Reference | None) -> tuple[str, ...]:
    """Other names of a network that goes by a canonical name: `ir-CSN-50` for `bottleneck-D-16`."""
    plain = called and replace(called, clip=None)
    plain_names = (network for network in library().networks if not any(hole for _, hole in network.pattern))
    return tuple(pattern_text(network, {}) for network in plain_names if network.target == plain)


def pattern_text(network: NetworkDefinition, holes: dict[str, str]) -> str:
    """A network's name with `holes` put into its pattern."""
    return "-".join(text + (holes.get(hole, f"<{hole}>") if hole else "") for text, hole in network.pattern)


def _fit(network: NetworkDefinition, reference: Reference) -> dict[str, Expr] | None:
    if len(network.pattern) != len(reference.segments):
        return None
    holes: dict[str, Expr] = {}
    for i, ((text, hole), segment) in enumerate(zip(network.pattern, reference.segments, strict=True)):
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


@cache
def library() -> Library:
    """The package's own definitions, read once."""
    found = Library({}, {}, ())
    specs = [parse(Source(path.read_text("utf-8"), LIBRARY + path.name)) for path in sorted(ZOO.glob("*.csn"))]
    for spec in reversed(specs):
        found = found.extended(spec)
    return found
