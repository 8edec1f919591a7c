"""Values of expressions in the syntax tree: constants are folded, known names put in, free names kept."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from functools import reduce
from operator import add, floordiv, mul, sub

from csncost.errors import Span, SpecError, Undecided
from csncost.lang.expressions import FUNCTIONS
from csncost.lang.printer import print_value
from csncost.lang.syntax import Call, Case, Chain, Expr, Index, List, Name, Number, Sizes, operands
from csncost.network.sizes import Size, ceil, divide, floor, roomy, smaller

LIBRARY = "csncost:"
"""Prefix of the source names of the package's own definitions; faults are shown in the caller's text instead."""

LIMIT = 10**18
"""Greatest number that may come up while sizes are worked out."""

_MAX_LEAVES = 100_000
_MAX_DEPTH = 60

COMPUTE: dict[str, Callable[..., Size]] = {
    "+": lambda a, b: add(*roomy(a, b)),
    "-": lambda a, b: sub(*roomy(a, b)),
    "*": lambda a, b: mul(*roomy(a, b, product=True)),
    "/": divide,
    "//": floordiv,
    "%": lambda a, b: a - a // b * b,
    "floor": floor,
    "ceil": ceil,
    "round": lambda x: floor(x + Fraction(1, 2)),
    "min": lambda *values: reduce(smaller, values),
    "max": lambda *values: reduce(lambda a, b: a + b - smaller(a, b), values),
}
"""Operators and functions, exact for numbers, arrays and symbols alike; what they divide by is not 0."""


class Evaluator:
    """Evaluates expressions with a look-up for names; a name that it does not know (None) stays free."""

    def __init__(self, lookup: Callable[[Name], Expr | None], budget: list[int] | None = None) -> None:
        self.lookup = lookup
        self.budget = [_MAX_LEAVES] if budget is None else budget
        """Leaves that may still be put in for names, shared by all evaluators of one spec."""

    def __call__(self, expr: Expr) -> Expr:
        """The value of `expr`: a number, a list or sizes of values, or an expression over free names."""
        match expr:
            case Number():
                return expr
            case Name():
                return self._name(expr)
            case Chain():
                return self._chain(expr)
            case Sizes(items):
                return Sizes(tuple(map(self, items)), span=expr.span)
            case List(items):
                return List(tuple(map(self, items)), span=expr.span)
            case Index():
                return self._index(expr)
            case Call():
                return self._call(expr)
            case Case():
                return self._case(expr)
            case _:
                raise SpecError("a block cannot stand here", expr.span)

    def _name(self, name: Name) -> Expr:
        value = self.lookup(name)
        if value is None or isinstance(value, Number):
            return value or name
        if isinstance(value, (List, Sizes)) and all(isinstance(item, Number) for item in value.items):
            return value
        count, depth = measure(value)
        self.budget[0] -= count
        if self.budget[0] < 0 or depth > _MAX_DEPTH:
            raise SpecError("the definitions expand to an absurd size", name.span)
        return value

    def _chain(self, chain: Chain) -> Expr:
        operands = [(operator, self(operand)) for operator, operand in (("", chain.first), *chain.rest)]
        value = operands[0][1]
        kept: list[tuple[str, Expr]] = []
        for operator, operand in operands[1:]:
            if not kept and isinstance(value, Number) and isinstance(operand, Number):
                value = _folded(operator, value, operand)
            elif isinstance(operand, (List, Sizes)) or isinstance(value, (List, Sizes)):
                raise SpecError(
                    "a list is not a number", operand.span if isinstance(operand, (List, Sizes)) else value.span
                )
            elif operator == "*" and not kept and isinstance(value, Number) and (product := _as_product(operand)):
                value = _folded("*", value, product[0])  # 4*(64*w) is 256*w
                kept.extend(product[1])
            elif not (operator in ("*", "/") and operand == Number(1)):
                kept.append((operator, operand))
        if kept and value == Number(1) and kept[0][0] == "*":  # 1*w is w
            value = kept.pop(0)[1]
        return Chain(value, tuple(kept), span=chain.span) if kept else value

    def _index(self, expr: Index) -> Expr:
        base, index = self(expr.base), self(expr.index)
        if not isinstance(base, List):
            return base
        if not isinstance(index, Number) or not isinstance(index.value, int):
            message = "the position in a list must be a known whole number"
            raise Undecided(message, expr.index.span, names=ids(index))
        if not 1 <= index.value <= len(base.items):
            raise SpecError(f"this list has {len(base.items)} items, and item {index.value} is asked for", base.span)
        return base.items[index.value - 1]

    def _call(self, call: Call) -> Expr:
        if call.function not in FUNCTIONS:
            hint = f"functions are {', '.join(FUNCTIONS)}"
            raise SpecError(f'unknown function "{call.function}"', call.span, hint=hint)
        least, most = FUNCTIONS[call.function]
        if not least <= len(call.arguments) <= most:
            raise SpecError(f"{call.function} does not take {len(call.arguments)} arguments", call.span)
        arguments = tuple(map(self, call.arguments))
        if not all(isinstance(argument, Number) for argument in arguments):
            return Call(call.function, arguments, span=call.span)
        numbers = [argument for argument in arguments if isinstance(argument, Number)]
        return _number(COMPUTE[call.function](*(n.value for n in numbers)), _blame(call.span, *numbers))

    def _case(self, case: Case) -> Expr:
        subject = self(case.subject)
        for key, value in case.cases:
            known = self(key)
            if known == subject:
                return self(value)
            if _may_equal(known, subject):
                hint = "give its value, or give what depends on it"
                raise Undecided(
                    f"it must be known whether {print_value(subject)[:60]} is {print_value(known)[:60]}",
                    subject.span,
                    names=ids(subject, known),
                    hint=hint,
                )
        if case.otherwise is not None:
            return self(case.otherwise)
        keys = ", ".join(print_value(key) for key, _ in case.cases)
        raise SpecError(f"{print_value(subject)[:60]} is none of {keys[:200]}", subject.span)


def measure(expr: Expr) -> tuple[int, int]:
    """The numbers and names of an expression, counted up to the limit on expansion, and its depth."""
    count = deepest = 0
    todo = [(expr, 1)]
    while todo and count <= _MAX_LEAVES:
        inner, depth = todo.pop()
        deepest = max(deepest, depth)
        found = operands(inner)
        count += not found
        todo.extend((operand, depth + 1) for operand in found)
    return count, deepest


def _as_product(expr: Expr) -> tuple[Number, tuple[tuple[str, Expr], ...]] | None:
    """A number and what it is multiplied by, if an expression is that."""
    if isinstance(expr, Chain) and isinstance(expr.first, Number) and all(operator == "*" for operator, _ in expr.rest):
        return expr.first, expr.rest
    return None


def _may_equal(a: Expr, b: Expr) -> bool:
    """True if two values could be equal, depending on free names."""
    if isinstance(a, (List, Sizes)) and type(a) is type(b):
        return len(a.items) == len(b.items) and all(map(_may_equal, a.items, b.items))
    if isinstance(a, Number) and isinstance(b, Number):
        return a == b
    return not (isinstance(a, (List, Sizes)) or isinstance(b, (List, Sizes)))


def names_in(expr: Expr) -> list[Name]:
    """The names in an expression, from left to right."""
    if isinstance(expr, Name):
        return [expr]
    return [name for operand in operands(expr) for name in names_in(operand)]


def ids(*exprs: Expr) -> set[str]:
    """The names that values depend on."""
    return {name.id for expr in exprs for name in names_in(expr)}


def _folded(symbol: str, a: Number, b: Number) -> Number:
    if symbol in ("/", "//", "%") and b.value == 0:
        raise SpecError("division by zero", _blame(b.span, a, b))
    return _number(COMPUTE[symbol](a.value, b.value), _blame(a.span, a, b))


def _number(value: int | Fraction, span: Span) -> Number:
    if abs(value.numerator) > LIMIT or value.denominator > LIMIT:
        raise SpecError("a number of absurd size", span)
    return Number(value.numerator if value.denominator == 1 else value, span=span)


def _blame(default: Span, *operands: Number) -> Span:
    """The place that a computed number comes from: the caller's own text if it had a part in it."""
    return next((x.span for x in operands if not x.span.source.name.startswith(LIBRARY)), default)
