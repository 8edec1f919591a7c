"""A reader of tokens, and of the expressions that every part of the grammar uses."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import NoReturn, TypeVar

from csncost.errors import Source, Span, SpecError
from csncost.lang.lexer import Token, tokenize
from csncost.lang.syntax import Call, Case, Chain, Expr, Index, List, Name, Number, Sizes

FUNCTIONS = {"floor": (1, 1), "ceil": (1, 1), "round": (1, 1), "min": (1, 99), "max": (1, 99)}
"""The functions of sizes, with the least and the most arguments of each."""
MAX_DEPTH = 40

T = TypeVar("T")


class Reader:
    """Tokens with one of look-ahead, and the rules for sizes, expressions, lists and cases."""

    def __init__(self, source: Source, start: int = 0) -> None:
        self.source = source
        self.tokens = tokenize(source, start)
        self.at = 0
        self.depth = 0

    @property
    def token(self) -> Token:
        """The next token."""
        return self.tokens[self.at]

    def ahead(self, count: int = 1) -> Token:
        """A later token, without moving."""
        return self.tokens[min(self.at + count, len(self.tokens) - 1)]

    def take(self, kind: str) -> Token | None:
        """The next token if it is of `kind`, and move past it."""
        token = self.token
        if token.kind != kind:
            return None
        self.at += 1
        return token

    def need(self, kind: str, what: str, hint: str = "") -> Token:
        """The next token, which must be of `kind`."""
        return self.take(kind) or self.fail(what, hint)

    def fail(self, expected: str, hint: str = "") -> NoReturn:
        """Raise a SpecError at the next token."""
        token = self.token
        found = {"end": "the end", "newline": "the end of the line"}.get(token.kind, f'"{token.text[:40]}"')
        raise SpecError(
            f"expected {expected}, not {found}", self.span(token.start, max(token.end, token.start + 1)), hint=hint
        )

    def span(self, start: int, end: int | None = None) -> Span:
        """The text from `start` to the last token taken."""
        return Span(self.source, start, self.tokens[self.at - 1].end if end is None else end)

    def hint_after(self) -> str:
        """A hint at what may have been meant where a line should have ended."""
        token = self.token
        if token.kind == "x":
            return "a block is repeated, a layer is not: write [3x3x3, 64] x 2"
        if token.kind == "name" and token.text[0] in "xX" and self.adjacent():
            return "write spaces around x between names: T x H x W"
        if token.kind == "-":
            return "a network's name is written without spaces"
        return ""

    def adjacent(self) -> bool:
        """True if the next token follows the last without a space."""
        return self.at > 0 and self.tokens[self.at - 1].end == self.token.start

    def nested(self, rule: Callable[[], T]) -> T:
        """Apply a rule one level deeper; texts nested beyond reason are refused before Python's stack is."""
        if self.depth >= MAX_DEPTH:
            raise SpecError(f"nested more than {MAX_DEPTH} deep", self.span(self.token.start, self.token.end))
        self.depth += 1
        result = rule()
        self.depth -= 1
        return result

    def close(self, kind: str, opening: Token, what: str) -> None:
        """Take a closing bracket; at the end of the text, the opening one is at fault."""
        if self.token.kind == "end":
            raise SpecError(f'this "{opening.text}" is never closed', self.span(opening.start, opening.end))
        self.need(kind, what)

    def at_call(self) -> bool:
        """True before a block that is called: a name with its bracket right behind it."""
        token, bracket = self.token, self.ahead()
        return (
            token.kind == "name" and bracket.kind == "(" and bracket.start == token.end and token.text not in FUNCTIONS
        )

    def at_function(self) -> bool:
        """True before a function of sizes; `max (k)` with a space is a pool."""
        token, bracket = self.token, self.ahead()
        return token.text in FUNCTIONS and bracket.kind == "(" and bracket.start == token.end

    def value(self, slash: bool) -> Expr:
        """A list, a case, sizes or an expression."""
        if self.token.kind == "[":
            return self.list()
        if self.token.text == "case" and self.ahead().kind in ("name", "number", "("):
            return self.nested(self.case)
        return self.sizes_or_expression(slash)

    def list(self) -> List:
        """`[value, ...]`."""
        opening = self.need("[", '"["')
        items: list[Expr] = []
        while self.token.kind != "]":
            items.append(self.nested(lambda: self.value(slash=True)))
            if not self.take(","):
                break
        self.close("]", opening, '"," or "]"')
        return List(tuple(items), span=self.span(opening.start))

    def case(self) -> Case:
        """`case subject {key: value, ..., else: value}`."""
        start = self.token.start
        self.at += 1
        subject = self.expression(slash=False)
        cases, otherwise = self.cases()
        return Case(subject, cases, otherwise, span=self.span(start))

    def cases(self) -> tuple[tuple[tuple[Expr, Expr], ...], Expr | None]:
        """`{key: value, ..., else: value}`, the last of them apart."""
        opening = self.need("{", '"{"')
        cases: list[tuple[Expr, Expr]] = []
        otherwise: Expr | None = None
        while self.token.kind != "}" and otherwise is None:
            last = self.token.text == "else"
            if last:
                self.at += 1
            key = None if last else self.nested(lambda: self.value(slash=True))
            self.need(":", '":"')
            value = self.nested(lambda: self.value(slash=True))
            if key is None:
                otherwise = value
            else:
                cases.append((key, value))
            if not self.take(","):
                break
        self.close("}", opening, '"," or "}"')
        return tuple(cases), otherwise

    def sizes(self) -> Sizes:
        """Sizes, one for each axis; a lone one stands for itself."""
        start = self.token.start
        items = [self.atom()]
        while self.take("x"):
            items.append(self.atom())
        if self.token.kind == "name" and self.token.text[0] in "xX" and self.adjacent():
            self.fail("x between sizes", self.hint_after())
        return Sizes(tuple(items), span=self.span(start))

    def sizes_or_atom(self) -> Expr:
        """Sizes, or a lone size as itself."""
        sizes = self.sizes()
        return sizes if len(sizes.items) > 1 else sizes.items[0]

    def sizes_or_expression(self, slash: bool) -> Expr:
        """Sizes, or an expression; where `slash` is False a slash ends it."""
        start = self.token.start
        first = self.expression(slash)
        if self.token.kind != "x":
            return first
        if isinstance(first, Chain) and self.tokens[self.at - 1].kind != ")":
            raise SpecError(
                "a product of sizes and an expression",
                first.span,
                hint="put the expression in parentheses: (2*k) x 3 x 3",
            )
        items = [first]
        while self.take("x"):
            items.append(self.atom())
        return Sizes(tuple(items), span=self.span(start))

    def expression(self, slash: bool) -> Expr:
        """Sums of products; where `slash` is False a slash ends it."""
        return self.chain(
            lambda: self.chain(self.atom, ("*", "//", "%", "/") if slash else ("*", "//", "%")), ("+", "-")
        )

    def chain(self, operand: Callable[[], Expr], operators: tuple[str, ...]) -> Expr:
        """Operands joined by operators of one precedence."""
        start = self.token.start
        first = operand()
        if self.token.kind not in operators:
            return first
        rest: list[tuple[str, Expr]] = []
        while self.token.kind in operators:
            operator = self.token.kind
            self.at += 1
            rest.append((operator, operand()))
        return Chain(first, tuple(rest), span=self.span(start))

    def atom(self) -> Expr:
        """A number, a name, an item of a list, a function, or what stands in parentheses."""
        token = self.token
        if self.take("number"):
            exact = Fraction(token.text) if "." in token.text else int(token.text)
            value = int(exact) if exact == int(exact) else exact
            return Number(value, span=self.span(token.start))
        if self.take("("):
            inner = self.nested(lambda: self.expression(slash=True))
            self.close(")", token, '")"')
            return inner
        if token.kind == "name":
            if self.at_function():
                return self.call()
            self.at += 1
            base: Expr = Name(token.text, span=self.span(token.start))
            if self.token.kind == "[" and self.adjacent():
                opening = self.need("[", '"["')
                index = self.nested(lambda: self.expression(slash=True))
                self.close("]", opening, '"]"')
                return Index(base, index, span=self.span(token.start))
            return base
        self.fail("a size", "sizes are positive" if token.kind == "-" else "")

    def call(self) -> Call:
        """`name(value, ...)`."""
        name = self.need("name", "a name")
        opening = self.need("(", '"("')
        arguments: list[Expr] = []
        while self.token.kind != ")":
            arguments.append(self.nested(lambda: self.value(slash=True)))
            if not self.take(","):
                break
        self.close(")", opening, '"," or ")"')
        return Call(name.text, tuple(arguments), span=self.span(name.start))
