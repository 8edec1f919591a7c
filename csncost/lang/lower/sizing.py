"""Values and sizes while a network is lowered: expressions put into numbers, arrays or symbols, and checked."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from fractions import Fraction
from functools import reduce

from csncost.errors import Span, SpecError, Undecided
from csncost.lang.expand import Written
from csncost.lang.lexer import MAX_SIZE
from csncost.lang.printer import print_value
from csncost.lang.syntax import Call, Chain, Expr, Name, Number, Sizes
from csncost.lang.values import LIBRARY, LIMIT
from csncost.network.ops import Checks, Fault, Shape
from csncost.network.sizes import NEARLY, Size, Truth, ceil, differ, everywhere, floor, is_symbolic, smaller


class Sizing:
    """Gives expressions their values: exact numbers, arrays (what is illegal is masked) or symbols (assumed legal)."""

    def __init__(self, written: Written, values: dict[str, Size], setting: Mapping[str, Size]) -> None:
        self.written = written
        self.values = values
        self.setting = setting
        self.checks = Checks()
        self.ops: Size = 0

    @contextmanager
    def only_where(self, truth: Truth) -> Iterator[None]:
        """What fails meanwhile fails only the designs where an array of truths holds."""
        try:
            with self.checks.only_where(truth):
                yield
        except SpecError as fault:
            if not hasattr(truth, "dims"):
                raise
            raise Undecided(fault.message, fault.span, names=truth.dims, note=fault.note, hint=fault.hint) from None

    def value(self, expr: Expr) -> Size:
        """The value of an expression with every free name put in: int, Fraction, array or symbol."""
        match expr:
            case Number(value):
                return value
            case Name(identifier):
                if identifier in self.values:
                    return _entered(self.values[identifier], expr, self.blame)
                raise self.unbound(expr)
            case Chain(first, rest):
                value = self.value(first)
                for operator, operand in rest:
                    value = self.operate(operator, value, self.value(operand), operand)
                return value
            case Call(function, arguments):
                return _call(function, [self.value(argument) for argument in arguments])
            case _:
                raise SpecError(f"expected a number, not {print_value(expr)[:60]}", self.blame(expr.span))

    def unbound(self, name: Name) -> SpecError:
        """The error for a name without a value."""
        known = self.written.free_names()
        if name.id not in known:
            return SpecError(f'"{name.id}" cannot stand here', self.blame(name.span), hint="a size was expected")
        return SpecError(
            f'the free name "{name.id[:40]}" needs a value',
            self.blame(name.span),
            hint=f"give it with -p {name.id[:40]}=... (in Python {name.id[:40]}=...); formula keeps it free",
        )

    def operate(self, operator: str, a: Size, b: Size, at: Expr) -> Size:
        """a operator b, exact but for arrays of floats, and not of absurd size."""
        return self.sane(self.combine(operator, a, b, at), at)

    def sane(self, value: Size, at: Expr) -> Size:
        """A value as it is, if it is of no absurd size: what is folded before has the same limit."""
        if isinstance(value, (int, Fraction)):
            if abs(value.numerator) > LIMIT or value.denominator > LIMIT:
                raise SpecError("a number of absurd size", self.blame(at.span))
        elif _kind(value) in ("i", "O") and _greatest(value) > LIMIT:
            self.checks.mask(abs(value) <= LIMIT)
        return value

    def combine(self, operator: str, a: Size, b: Size, at: Expr) -> Size:
        """a operator b."""
        a, b = _roomy(operator, *_alike(a, b))
        match operator:
            case "+":
                return a + b
            case "-":
                return a - b
            case "*":
                return a * b
        if hasattr(b, "dtype"):
            self.checks.mask(b != 0)
            b = b + (b == 0)
        elif b == 0:
            raise SpecError("division by zero", self.blame(at.span))
        if operator == "/":
            return _quotient(a, b)
        whole = a // b if _exact(a, b) else floor(a / b)
        return whole if operator == "//" else a - whole * b

    def size(self, expr: Expr, what: str, least: int = 1) -> Size:
        """A size: whole, and at least `least`."""
        if isinstance(expr, Number) and type(expr.value) is int and least <= expr.value <= MAX_SIZE:
            return expr.value  # nearly always: nothing to work out
        return self.checked(self.value(expr), what, expr.span, least)

    def checked(self, value: Size, what: str, span: Span, least: int = 1) -> Size:
        """`value` as a whole number of at least `least`; where an array's is not, the design is masked out."""
        if isinstance(value, int) and not isinstance(value, bool):
            if least <= value <= MAX_SIZE:
                return value
            bound = f"at least {least}" if value < least else f"at most {MAX_SIZE:,}"
            raise SpecError(f"{what} must be {bound}, not {_short(value)}", self.blame(span))
        if isinstance(value, Fraction):
            if value.denominator == 1:
                return self.checked(value.numerator, what, span, least)
            raise SpecError(f"{what} must be a whole number, not {_short(value)}", self.blame(span))
        if is_symbolic(value):
            return self.checked_symbol(value, what, span, least)
        if hasattr(value, "dtype"):
            return self.checked_array(value, least)
        raise SpecError(f"{what} must be a whole number, not {value!r:.60}", self.blame(span))

    def checked_symbol(self, value: Size, what: str, span: Span, least: int) -> Size:
        """A symbolic size; what must hold for it is assumed, unless it cannot hold."""
        from sympy import Eq, Ge, Mod

        if value.is_Rational:
            return self.checked(Fraction(int(value.p), int(value.q)), what, span, least)
        if not value.is_integer:
            self.checks.require(Eq(Mod(value, 1, evaluate=False), 0, evaluate=False), what, lambda: ("", ""))
        if not (value.is_positive if least else value.is_nonnegative):
            try:
                self.checks.require(
                    Ge(value, least), what, lambda: (f"{what} must be at least {least}, not {value}", "")
                )
            except Fault as fault:
                raise SpecError(fault.message, self.blame(span)) from None
        return value

    def checked_array(self, value: Size, least: int) -> Size:
        """An array of sizes as 64-bit ints; where one is illegal the design is masked, and the value is a legal one."""
        if value.dtype.kind == "f":
            whole = (value + 0.5) // 1
            self.checks.mask(abs(value - whole) < NEARLY)
            value = whole
        legal = (value >= least) & (value <= MAX_SIZE)
        if value.dtype.kind == "O":
            legal = legal & (value % 1 == 0)
        self.checks.mask(legal)
        return (value * legal + least * ~legal).astype("int64")

    def differ(self, a: Size, b: Size) -> Truth:
        """Whether two sizes differ; of symbols that may be equal at some values it is assumed that they do."""
        truth = differ(a, b)
        if truth is True and is_symbolic(a, b) and not (a - b).is_nonzero:
            from sympy import Ne

            self.checks.require(Ne(a, b), "inputs", lambda: ("", ""))
        return truth

    def axes(self, expr: Expr | None, default: Shape, what: str, least: int = 1) -> Shape:
        """One size for each of T, H, W; a lone size serves all three."""
        if expr is None:
            return default
        if isinstance(expr, Number):
            size = self.size(expr, what, least)
            return size, size, size
        items = expr.items if isinstance(expr, Sizes) else (expr,)
        if len(items) not in (1, 3):
            raise SpecError(
                f"{what} has {len(items)} axes",
                self.blame(expr.span),
                hint="write T x H x W, such as 3x3x3, or one size for all",
            )
        sizes = tuple([self.size(item, what, least) for item in items])
        return sizes * 3 if len(sizes) == 1 else sizes

    def blame(self, span: Span) -> Span:
        """The place to show for a fault: the caller's text, even where the package's definitions say it."""
        return self.written.at if span.source.name.startswith(LIBRARY) else span


def _call(function: str, arguments: list[Size]) -> Size:
    arguments = list(_alike(*arguments))
    match function:
        case "floor":
            return floor(arguments[0])
        case "ceil":
            return ceil(arguments[0])
        case "round":
            half = 0.5 if _inexact(arguments[0]) else Fraction(1, 2)
            return floor(arguments[0] + half)
        case "min":
            return reduce(smaller, arguments)
        case _:
            return reduce(lambda a, b: a + b - smaller(a, b), arguments)


def _entered(value: Size, name: Name, blame: Callable[[Span], Span]) -> Size:
    """A given value: arrays of ints have 64 bits; what would wrap around in them, and fractions, are Python's own."""
    if not hasattr(value, "dtype"):
        return value
    if value.dtype.kind not in "iufO":
        raise SpecError(f'"{name.id}" is an array of {value.dtype}, not of numbers', blame(name.span))
    return value if value.dtype.kind in "fO" else value.astype("int64")


def _alike(*values: Size) -> tuple[Size, ...]:
    """Fractions as floats where they meet an array of floats."""
    if not any(map(_inexact, values)):
        return values
    return tuple(
        float(value) if isinstance(value, Fraction) else value.astype(float) if _kind(value) == "O" else value
        for value in values
    )


def _roomy(operator: str, a: Size, b: Size) -> tuple[Size, Size]:
    """Operands whose result cannot wrap around: arrays of Python's ints where 64 bits might not do."""
    if "i" not in (_kind(a), _kind(b)) or is_symbolic(a, b) or operator in ("/", "//", "%"):
        return a, b
    x, y = _greatest(a), _greatest(b)
    if (x * y if operator == "*" else x + y) <= _MOST:
        return a, b
    return (a.astype(object), b) if _kind(a) == "i" else (a, b.astype(object))


_MOST = 2**63 - 1


def _greatest(value: Size) -> Size:
    """The greatest magnitude of a number or in an array."""
    if not hasattr(value, "dtype"):
        return abs(value)
    return max(abs(value.min().item()), abs(value.max().item()))


def _quotient(a: Size, b: Size) -> Size:
    """a / b, exact but for arrays of floats: an array of ints where all are whole, else of Fractions."""
    if is_symbolic(a, b) or _inexact(a) or _inexact(b):
        return a / b
    if not (hasattr(a, "dtype") or hasattr(b, "dtype")):
        return Fraction(a) / b
    whole = everywhere(a % b == 0)
    return a // b if whole else (a.astype(object) if hasattr(a, "dtype") else a) * Fraction(1) / b


def _kind(value: Size) -> str:
    return value.dtype.kind if hasattr(value, "dtype") else ""


def _inexact(value: Size) -> bool:
    return _kind(value) == "f"


def _exact(*values: Size) -> bool:
    """Whether floor division of the values is exact: all but arrays of floats."""
    return not any(map(_inexact, values))


def _short(value: int | Fraction) -> str:
    return print_value(Number(value)) if abs(value.numerator) < 10**20 else "a number of absurd size"
