"""Syntax tree to text, in one canonical layout; parsing the text gives the tree back."""

from __future__ import annotations

from fractions import Fraction

from csncost.lang.syntax import (
    FLAGS,
    Alias,
    Assignment,
    Block,
    BlockDefinition,
    Call,
    Case,
    Chain,
    Expr,
    Import,
    Index,
    Input,
    Item,
    Layer,
    List,
    Name,
    NetworkDefinition,
    Number,
    Reference,
    Repeat,
    Sizes,
    Slot,
    Spec,
    Stage,
    Template,
)

_TIGHT = ("*", "/", "//", "%")


def print_spec(spec: Spec) -> str:
    """The text of a spec, one item a line, labels aligned; `parse` of it equals `spec`."""
    return _lines(spec.items, "") + "\n"


def _lines(items: tuple[Item, ...], indent: str) -> str:
    labels = [item.label if isinstance(item, Stage) else "input" for item in items if isinstance(item, (Stage, Input))]
    width = max(map(len, labels), default=0) + 2
    return "\n".join(indent + _item(item, width) for item in items)


def _item(item: Item, width: int) -> str:
    match item:
        case Input(sizes):
            return f"{'input':<{width}}{_sizes(sizes)}"
        case Stage(label, body):
            text = print_layer(body) if isinstance(body, Layer) else ", ".join(map(_repeat, body))
            return f"{label:<{width}}{text}"
        case Assignment(name, value, choices):
            of = f" of {{{_cases(choices)}}}" if choices else ""
            return f"{name} = {print_value(value)}{of}"
        case BlockDefinition(name, parameters, block):
            return f"block {name}({', '.join(parameters)}) {_block(block)}"
        case Template(name, items):
            return f"template {name}\n{_lines(items, '    ')}\nend" if items else f"template {name}\nend"
        case NetworkDefinition(pattern, target):
            return f"network {'-'.join(map(_slot, pattern))} = {print_reference(target)}"
        case Alias(word, parameter):
            return f"alias {word} = {parameter}"
        case Import(file, names):
            return f"from {file.id} import {', '.join(name.id for name in names)}"
        case Reference():
            return print_reference(item)


def _slot(slot: Slot) -> str:
    sample = f"={slot.sample}" if slot.sample else ""
    return slot.text + (f"{{{slot.hole}{sample}}}" if slot.hole else "")


def print_reference(reference: Reference) -> str:
    """`bottleneck-D-16@32x256(classes=487)`."""
    name = "-".join(segment if isinstance(segment, str) else print_value(segment) for segment in reference.segments)
    clip = f"@{_sizes(reference.clip)}" if reference.clip else ""
    modifiers = f"({_options(reference.modifiers, slash=True)})" if reference.modifiers else ""
    return name + clip + modifiers


def _repeat(repeat: Repeat) -> str:
    block = _block(repeat.block) if isinstance(repeat.block, Block) else print_value(repeat.block)
    count = "" if repeat.count == Number(1) else f" x {print_value(repeat.count, slash=False)}"
    options = f", {_options(repeat.options)}" if repeat.options else ""
    return block + count + options


def _block(block: Block) -> str:
    return f"[{'; '.join(map(print_layer, block.layers))}]"


def print_layer(layer: Layer) -> str:
    """`3x3x3, 64, depthwise / 2`."""
    head = print_value(layer.head, slash=False) if layer.head else ""
    parts = [f"{layer.function} {head}".strip()]
    if layer.channels is not None:
        parts.append(print_value(layer.channels, slash=False))
    parts.extend(flag for flag in FLAGS if flag in layer.flags)
    if layer.options:
        parts.append(_options(layer.options))
    stride = "" if layer.stride is None else f" / {_stride(layer.stride)}"
    return ", ".join(parts) + stride


def _stride(stride: Expr) -> str:
    return _sizes(stride) if isinstance(stride, Sizes) else _atom(stride)


def _options(options: tuple[tuple[str, Expr], ...], slash: bool = False) -> str:
    return ", ".join(f"{key}={print_value(value, slash)}" for key, value in options)


def _cases(cases: tuple[tuple[Expr, Expr], ...]) -> str:
    return ", ".join(f"{print_value(key)}: {print_value(value)}" for key, value in cases)


def _sizes(sizes: Sizes) -> str:
    between = "x" if all(isinstance(item, Number) for item in sizes.items) else " x "
    return between.join(map(_atom, sizes.items))


def print_value(expr: Expr, slash: bool = True) -> str:
    """The text of an expression; where `slash` is False, a division stands in parentheses (it would be a stride)."""
    match expr:
        case Number(value):
            return _number(value, slash)
        case Name(identifier):
            return identifier
        case Sizes():
            return _sizes(expr)
        case List(items):
            return f"[{', '.join(map(print_value, items))}]"
        case Call(function, arguments):
            return f"{function}({', '.join(map(print_value, arguments))})"
        case Index(base, index):
            return f"{_atom(base)}[{print_value(index)}]"
        case Case(subject, cases, otherwise):
            rest = [_cases(cases)] if cases else []
            if otherwise is not None:
                rest.append(f"else: {print_value(otherwise)}")
            return f"case {print_value(subject, slash=False)} {{{', '.join(rest)}}}"
        case Block():
            return _block(expr)
        case Chain():
            return _chain(expr, slash)


def _chain(chain: Chain, slash: bool) -> str:
    tight = chain.rest[0][0] in _TIGHT
    text = _operand(chain.first, tight, slash)
    for operator, operand in chain.rest:
        if operator == "/" and not slash:
            return f"({_chain(chain, slash=True)})"
        between = operator if tight else f" {operator} "
        text += between + _operand(operand, tight, slash)
    return text


def _operand(expr: Expr, tight: bool, slash: bool) -> str:
    if isinstance(expr, Chain):
        nested_is_tighter = expr.rest[0][0] in _TIGHT and not tight
        return _chain(expr, slash) if nested_is_tighter else f"({_chain(expr, slash=True)})"
    return _atom(expr) if tight else print_value(expr, slash)


def _atom(expr: Expr) -> str:
    if isinstance(expr, Chain):
        return f"({_chain(expr, slash=True)})"
    return print_value(expr, slash=False)


def _number(value: int | Fraction, slash: bool) -> str:
    if isinstance(value, int):
        return str(value)
    decimal = _decimal(value)
    return decimal or (
        f"{value.numerator}/{value.denominator}" if slash else f"({value.numerator}/{value.denominator})"
    )


def _decimal(value: Fraction) -> str:
    """The value as a finite decimal, or nothing where it has none."""
    for digits in range(1, 16):
        scaled = value * 10**digits
        if scaled.denominator == 1:
            text = str(scaled.numerator).rjust(digits + 1, "0")
            return f"{text[:-digits]}.{text[-digits:]}"
    return ""
