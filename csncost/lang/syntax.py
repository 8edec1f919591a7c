"""The syntax tree. Nodes compare by what they say, not by where they stand: spans take no part in equality."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, NamedTuple, TypeAlias, TypeVar

from csncost.errors import Source, Span

FLAGS = ("depthwise", "optional", "ceil")
"""Words behind a layer that stand for themselves."""

NOWHERE = Span(Source(""), 0, 0)


def _span() -> Span:
    return field(default=NOWHERE, compare=False, repr=False, kw_only=True)


@dataclass(frozen=True, slots=True)
class Number:
    """An exact number: 64, 0.5."""

    value: int | Fraction
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Name:
    """A free name, a parameter, or a word such as `none`, depending on where it stands.

    `home` are the definitions that it is of, where a block is given by its name.
    """

    id: str
    span: Span = _span()
    home: Any = field(default=None, compare=False, repr=False, kw_only=True)


@dataclass(frozen=True, slots=True)
class Chain:
    """Operands joined by operators of one precedence, grouped from the left: `a + b - c`, `64*w/2`.

    A chain is flat so that a long one is not a deep one.
    """

    first: Expr
    rest: tuple[tuple[str, Expr], ...]
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Call:
    """A function of sizes: floor, ceil, round, min, max."""

    function: str
    arguments: tuple[Expr, ...]
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Index:
    """Item `index` (from 1) of a list; an item of anything else is the thing itself, so a scalar serves every stage."""

    base: Expr
    index: Expr
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Sizes:
    """`3x7x7`, `T x H x W`: one size for each axis."""

    items: tuple[Expr, ...]
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class List:
    """`[3, 4, 6, 3]`."""

    items: tuple[Expr, ...]
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Case:
    """`case subject {key: value, ..., else: value}`: the value of the first key equal to the subject."""

    subject: Expr
    cases: tuple[tuple[Expr, Expr], ...]
    otherwise: Expr | None = None
    span: Span = _span()


class _WithOptions:
    """A node with options behind it: `key=value, ...`."""

    __slots__ = ()
    options: tuple[tuple[str, Expr], ...]

    def option(self, key: str) -> Expr | None:
        """The value of an option, or None where it is not written."""
        for name, value in self.options:
            if name == key:
                return value
        return None


@dataclass(frozen=True, slots=True)
class Layer(_WithOptions):
    """`head, items, key=value / stride`: a convolution, a pool (`function` max or avg), or fully connected.

    `head` is the kernel (sizes), the width of a fully connected layer (a number), or None for a global pool.
    """

    head: Expr | None
    function: str = ""
    channels: Expr | None = None
    flags: frozenset[str] = frozenset()
    options: tuple[tuple[str, Expr], ...] = ()
    stride: Expr | None = None
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Block:
    """`[layer; layer; ...]`."""

    layers: tuple[Layer, ...]
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Repeat(_WithOptions):
    """`block x count, key=value`: copies of a block; `block` is written out or a call of a block definition."""

    block: Block | Call
    count: Expr
    options: tuple[tuple[str, Expr], ...] = ()
    span: Span = _span()


Expr: TypeAlias = Number | Name | Chain | Call | Index | Sizes | List | Case | Block


def operands(expr: Expr) -> tuple[Expr, ...]:
    """The expressions that an expression is made of, from left to right; of those that are evaluated already."""
    match expr:
        case Chain(first, rest):
            return (first, *(operand for _, operand in rest))
        case Sizes(items) | List(items) | Call(_, items):
            return items
    return ()


@dataclass(frozen=True, slots=True)
class Input:
    """`input C x T x H x W`."""

    sizes: Sizes
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Stage:
    """`label layer` or `label repeat, repeat`."""

    label: str
    body: Layer | tuple[Repeat, ...]
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Assignment:
    """`name = value`: a parameter and its default; `choices` name values that may be given instead."""

    name: str
    value: Expr
    choices: tuple[tuple[Expr, Expr], ...] = ()
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class BlockDefinition:
    """`block name(parameter, ...) [layers]`."""

    name: str
    parameters: tuple[str, ...]
    block: Block
    span: Span = _span()


Segment: TypeAlias = str | List
"""A part of a network's name between dashes: text, or a list of blocks."""


@dataclass(frozen=True, slots=True)
class Reference:
    """`bottleneck-D-16@32x256(classes=487)`: a name in its segments, a clip, and modifiers."""

    segments: tuple[Segment, ...]
    clip: Sizes | None = None
    modifiers: tuple[tuple[str, Expr], ...] = ()
    span: Span = _span()
    spans: tuple[Span, ...] = field(default=(), compare=False, repr=False, kw_only=True)


@dataclass(frozen=True, slots=True)
class Template:
    """`template name ... end`: parameters, then a network written out in them."""

    name: str
    items: tuple[Assignment | Input | Stage, ...]
    span: Span = _span()


class Slot(NamedTuple):
    """A segment of a network's pattern: text, or a prefix with a hole and a number as a sample: `G{G=4}`."""

    text: str
    hole: str = ""
    sample: str = ""


Pattern: TypeAlias = tuple[Slot, ...]


@dataclass(frozen=True, slots=True)
class NetworkDefinition:
    """`network pattern = reference`."""

    pattern: Pattern
    target: Reference
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Import:
    """`from file import name, name`: blocks and templates of one of the package's files."""

    file: Name
    names: tuple[Name, ...]
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Alias:
    """`alias word = parameter`: another word that people may use for a parameter."""

    word: str
    parameter: str
    span: Span = _span()


Definition: TypeAlias = BlockDefinition | Template | NetworkDefinition | Import | Alias

Item: TypeAlias = Assignment | Input | Stage | Reference | Definition


T = TypeVar("T", bound=Item)


def of_kind(items: Iterable[Item], *kinds: type[T]) -> list[T]:
    """The items of some kinds, in order."""
    return [item for item in items if isinstance(item, kinds)]


@dataclass(frozen=True, slots=True)
class Spec:
    """A whole text."""

    items: tuple[Item, ...]
    source: Source = field(default=NOWHERE.source, compare=False, repr=False, kw_only=True)
