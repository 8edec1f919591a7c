"""Tokens to syntax tree, by recursive descent with one token of look-ahead. Knows no meaning."""

from __future__ import annotations

from csncost.errors import Source, Span, SpecError
from csncost.lang.bodies import BodyParser
from csncost.lang.catalogue import example
from csncost.lang.syntax import (
    Alias,
    Assignment,
    BlockDefinition,
    Expr,
    Import,
    Input,
    Item,
    Name,
    NetworkDefinition,
    Reference,
    Segment,
    Sizes,
    Slot,
    Spec,
    Stage,
    Template,
)


def parse(text: str | Source) -> Spec:
    """The syntax tree of a spec: a name, or a network written out.

    Raises SpecError, with the place, for any text that is not in the grammar (REFERENCE.md).

    >>> parse("bottleneck-D-16@32x256").items[0].segments
    ('bottleneck', 'D', '16')
    """
    if not isinstance(text, (str, Source)):
        raise SpecError(f"a spec is a text, not {type(text).__name__}")
    source = text if isinstance(text, Source) else Source(text)
    return _Parser(source).spec()


def parse_suffix(source: Source, start: int) -> tuple[Sizes | None, dict[str, Expr]]:
    """The clip and the modifiers that stand in a text from `start` on: `@32x256(n=3)`. Raises SpecError."""
    parser = _Parser(source, start)
    found = parser.suffix()
    parser.need("end", "the end")
    return found


class _Parser(BodyParser):
    """Whole texts: names, definitions, and networks written out."""

    def spec(self) -> Spec:
        items = self.items("end")
        if not items:
            raise SpecError("the spec is empty", hint=f"write a name such as {example()}; csncost list shows them")
        return Spec(items, source=self.source)

    def items(self, closer: str) -> tuple[Item, ...]:
        """Items up to the end of the text, or up to the word "end" of a template."""
        found: list[Item] = []
        while True:
            while self.take("newline") or self.take(";"):
                pass
            if self.token.kind == "end" or (closer == "template" and self.token.text == "end"):
                return tuple(found)
            found.append(self.item())
            if self.token.kind not in ("newline", ";", "end"):
                self.fail("the end of the line", self.hint_after())

    def item(self) -> Item:
        first, second = self.token, self.ahead()
        if first.kind != "name":
            self.fail(f"a name such as {example()}, or a layer such as conv1 3x7x7, 64")
        if second.kind == "=":
            return self.assignment()
        if first.text == "block" and second.kind == "name":
            return self.block_definition()
        if first.text == "template" and second.kind == "name":
            return self.template()
        if first.text == "network" and second.kind in ("name", "{"):
            return self.network()
        if first.text == "alias" and self.ahead(2).kind == "=":
            return self.alias()
        if first.text == "from" and self.ahead(2).text == "import":
            return self.imported()
        touching = second.start == first.end and second.kind in ("-", "@", "(")
        if touching or second.kind in ("newline", ";", "end"):
            return self.reference()
        return self.input() if first.text == "input" else self.stage()

    def assignment(self) -> Assignment:
        name = self.need("name", "a name")
        self.need("=", '"="')
        value = self.value(slash=True)
        choices: tuple[tuple[Expr, Expr], ...] = ()
        if self.token.text == "of":
            self.at += 1
            choices, otherwise = self.cases()
            if otherwise is not None:
                raise SpecError('choices have no "else"', otherwise.span)
        return Assignment(name.text, value, choices, span=self.span(name.start, name.end))

    def block_definition(self) -> BlockDefinition:
        self.at += 1
        name = self.need("name", "the block's name")
        self.need("(", '"("')
        parameters: list[str] = []
        while self.token.kind != ")":
            parameter = self.need("name", "a parameter's name")
            if parameter.text in parameters:
                raise SpecError(f'"{parameter.text}" is a parameter twice', self.span(parameter.start, parameter.end))
            parameters.append(parameter.text)
            if not self.take(","):
                break
        self.need(")", '")"')
        return BlockDefinition(name.text, tuple(parameters), self.block(), span=self.span(name.start, name.end))

    def template(self) -> Template:
        self.at += 1
        name = self.need("name", "the template's name")
        start = self.span(name.start)
        items = self.nested(lambda: self.items("template"))
        self.need("name", 'the word "end" that closes the template')
        inner = tuple(item for item in items if isinstance(item, (Assignment, Input, Stage)))
        if len(inner) != len(items):
            raise SpecError("a template holds parameters, its input and its stages only", start)
        return Template(name.text, inner, span=start)

    def alias(self) -> Alias:
        start = self.token.start
        self.at += 1
        word = self.name("a word")
        self.at += 1
        return Alias(word.id, self.name("the name of a parameter").id, span=self.span(start))

    def imported(self) -> Import:
        start = self.token.start
        self.at += 1
        file = self.name("the name of a file")
        self.at += 1
        names = [self.name("the name of a block or a template")]
        while self.take(","):
            names.append(self.name("the name of a block or a template"))
        return Import(file, tuple(names), span=self.span(start))

    def name(self, what: str) -> Name:
        token = self.need("name", what)
        return Name(token.text, span=self.span(token.start))

    def network(self) -> NetworkDefinition:
        self.at += 1
        start = self.token.start
        pattern = [self.pattern_segment()]
        while self.take("-"):
            pattern.append(self.pattern_segment())
        span = self.span(start)
        self.need("=", '"="')
        return NetworkDefinition(tuple(pattern), self.reference(), span=span)

    def pattern_segment(self) -> Slot:
        text = ""
        while self.token.kind in ("name", "number", "x"):
            text += self.token.text
            self.at += 1
        hole = sample = ""
        if self.take("{"):
            hole = self.need("name", "the name of what stands here").text
            if self.take("="):
                sample = self.need("number", "a number, for example").text
            self.need("}", '"}"')
        if not text and not hole:
            self.fail("a part of a network's name")
        return Slot(text, hole, sample)

    def reference(self) -> Reference:
        start = self.token.start
        segments, spans = self.segments()
        name_end = self.tokens[self.at - 1].end
        clip, modifiers = self.suffix()
        return Reference(segments, clip, tuple(modifiers.items()), span=self.span(start, name_end), spans=spans)

    def suffix(self) -> tuple[Sizes | None, dict[str, Expr]]:
        """The clip and the modifiers behind a name, or behind a file."""
        clip: Sizes | None = None
        modifiers: dict[str, Expr] = {}
        while (self.at == 0 or self.adjacent()) and self.token.kind in ("@", "("):
            if self.take("@"):
                if clip is not None:
                    raise SpecError("a second clip", self.span(self.tokens[self.at - 1].start), hint="one @ is enough")
                clip = self.sizes()
            else:
                self.modifiers(modifiers)
        return clip, modifiers

    def segments(self) -> tuple[tuple[Segment, ...], tuple[Span, ...]]:
        segments: list[Segment] = []
        spans: list[Span] = []
        while True:
            start = self.token.start
            segment: Segment
            if segments and self.token.kind == "[":
                segment = self.list()
            else:
                words = [self.need("name" if not segments else self.token.kind, "a network's name")]
                if words[0].kind not in ("name", "number", "x"):
                    self.at -= 1
                    self.fail("the rest of the name", f"names look like {example()}")
                while self.adjacent() and self.token.kind in ("name", "number", "x"):
                    words.append(self.token)
                    self.at += 1
                segment = "".join(word.text for word in words)
            segments.append(segment)
            spans.append(self.span(start))
            if not (self.adjacent() and self.take("-")):
                return tuple(segments), tuple(spans)

    def modifiers(self, found: dict[str, Expr]) -> None:
        """Read `(key=value, ...)` into `found`."""
        self.need("(", '"("')
        while self.token.kind != ")":
            name = self.need("name", "a parameter: (width=2)")
            if name.text in found:
                raise SpecError(f'"{name.text}" is given twice', self.span(name.start, name.end))
            self.need("=", f'"=" after {name.text[:40]}')
            found[name.text] = self.value(slash=True)
            if not self.take(","):
                break
        self.need(")", '")" or ","')
