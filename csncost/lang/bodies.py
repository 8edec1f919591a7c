"""The grammar of networks written out: the input, stages, blocks and layers."""

from __future__ import annotations

from csncost.errors import SpecError, did_you_mean
from csncost.lang.expressions import Reader
from csncost.lang.syntax import FLAGS, Block, Expr, Input, Layer, Number, Repeat, Stage

POOLS = ("max", "avg")
LAYER_OPTIONS = ("groups", "pad", "dilation", "bias", "norm", "act")
REPEAT_OPTIONS = ("shortcut", "act")

_WRITTEN = {"stride": "a stride is written / 2, or / 1x2x2", "kernel": "the kernel comes first: 3x3x3, 64"}


class BodyParser(Reader):
    """Networks written out: the input, stages, blocks and layers."""

    def input(self) -> Input:
        """`input C x T x H x W`."""
        start = self.token.start
        self.at += 1
        return Input(self.sizes(), span=self.span(start))

    def stage(self) -> Stage:
        """`label layer`, or `label repeat, repeat`."""
        label = self.need("name", "a label")
        body = self.repeats() if self.token.kind == "[" or self.at_call() else self.layer()
        return Stage(label.text, body, span=self.span(label.start, label.end))

    def repeats(self) -> tuple[Repeat, ...]:
        """`repeat, repeat`."""
        found = [self.repeat()]
        while self.take(","):
            found.append(self.repeat())
        return tuple(found)

    def repeat(self) -> Repeat:
        """`block x count, key=value`."""
        start = self.token.start
        block = self.call() if self.at_call() else self.block()
        end = self.tokens[self.at - 1].end
        count: Expr = Number(1, span=self.span(start, end))
        if self.take("x"):
            count = self.expression(slash=False)
        options: tuple[tuple[str, Expr], ...] = ()
        while self.token.kind == "," and self.ahead().kind == "name" and self.ahead(2).kind == "=":
            self.at += 1
            options += (self.option(REPEAT_OPTIONS, options),)
        return Repeat(block, count, options, span=self.span(start, end))

    def block(self) -> Block:
        """`[layer; layer]`."""
        opening = self.need("[", 'a block, "[3x3x3, 64; 3x3x3, 64]"')
        layers = [self.nested(self.layer)]
        while self.take(";"):
            layers.append(self.nested(self.layer))
        self.close("]", opening, '";" or "]"')
        return Block(tuple(layers), span=self.span(opening.start))

    def layer(self) -> Layer:
        """`head, items / stride`; the head is a kernel, a width, or max or avg with or without a window."""
        start = self.token.start
        head: Expr | None = None
        function = ""
        if self.token.text in POOLS and not self.at_function():
            function = self.token.text
            self.at += 1
            if self.token.kind in ("name", "number", "("):
                head = self.sizes()
        elif self.token.kind in ("name", "number", "("):
            head = self.sizes_or_expression(slash=False)
        else:
            self.fail("a layer such as 3x3x3, 64 or max 1x3x3 / 1x2x2")
        return self.layer_items(start, head, function)

    def layer_items(self, start: int, head: Expr | None, function: str) -> Layer:
        """Channels, flags, options and the stride of a layer, in any order."""
        channels: Expr | None = None
        flags: set[str] = set()
        options: tuple[tuple[str, Expr], ...] = ()
        stride = self.stride(None)
        end = self.tokens[self.at - 1].end
        while self.take(","):
            token, after = self.token, self.ahead()
            if token.kind == "/":
                pass
            elif token.kind == "name" and after.kind == "=":
                options += (self.option(LAYER_OPTIONS, options),)
            elif token.text in FLAGS and not self.at_function():
                if token.text in flags:
                    raise SpecError(f'"{token.text}" is written twice', self.span(token.start, token.end))
                flags.add(token.text)
                self.at += 1
            elif channels is None and not function:
                channels = self.expression(slash=False)
            else:
                self.fail(f"one of {', '.join(FLAGS)}, or one of {'=, '.join(LAYER_OPTIONS)}=")
            end = self.tokens[self.at - 1].end
            stride = self.stride(stride)
        return Layer(head, function, channels, frozenset(flags), options, stride, span=self.span(start, end))

    def stride(self, before: Expr | None) -> Expr | None:
        """`/ stride`, if it comes next; a layer has one."""
        while slash := self.take("/"):
            if self.tokens[self.at - 2].end == slash.start and self.adjacent() and self.tokens[self.at - 2].kind != ",":
                hint = "a stride has spaces around its slash: 64 / 4; a division stands in parentheses: (64/4)"
                raise SpecError("is this a stride, or a division?", self.span(slash.start), hint=hint)
            found = self.sizes_or_atom()
            if before is not None:
                hint = "a slash outside parentheses is the stride; divide inside them: (64/2)"
                raise SpecError("a second stride", self.span(slash.start), hint=hint)
            before = found
        return before

    def option(self, known: tuple[str, ...], before: tuple[tuple[str, Expr], ...]) -> tuple[str, Expr]:
        """`key=value`, of the keys that are known here and not written before."""
        name = self.need("name", "an option")
        if name.text not in known:
            hint = (
                _WRITTEN.get(name.text) or did_you_mean(name.text, list(known)) or f"options here: {', '.join(known)}"
            )
            raise SpecError(f'unknown option "{name.text[:40]}"', self.span(name.start, name.end), hint=hint)
        if any(name.text == key for key, _ in before):
            raise SpecError(f'"{name.text}" is given twice', self.span(name.start, name.end))
        self.need("=", '"="')
        if name.text == "shortcut" and self.token.kind == "[":
            return name.text, self.block()
        return name.text, self.value(slash=False)
