"""Values and sizes while a network is lowered: expressions put into numbers, arrays or symbols, and checked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from fractions import Fraction

from csncost.errors import Span, SpecError, Undecided
from csncost.lang.lexer import MAX_SIZE
from csncost.lang.printer import print_value
from csncost.lang.syntax import Call, Chain, Expr, Name, Number, Sizes
from csncost.lang.values import COMPUTE, LIBRARY, LIMIT
from csncost.lang.written import Written
from csncost.network.checks import Checks, Fault
from csncost.network.ops import Shape
from csncost.network.sizes import Size, Truth, array_kind, differ, exact, greatest, is_symbolic


class Sizing:
    """Gives expressions their values: exact numbers, arrays (what is illegal is masked) or symbols (assumed legal)."""

    def __init__(self, written: Written, values: dict[str, Size], setting: Mapping[str, Size]) -> None:
        self.written = written
        self.values = {name: _entered(name, value) for name, value in values.items()}
        self.setting = {name: _entered(name, value) for name, value in setting.items()}
        self.checks = Checks()
        self.ops: Size = 0

    @contextmanager
    def only_where(self, truth: Truth) -> Iterator[None]:
        """Let what fails meanwhile fail only the designs where an array of truths holds."""
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
                    return self.values[identifier]
                raise self.unbound(expr)
            case Chain(first, rest):
                value = self.value(first)
                for operator, operand in rest:
                    value = self.operate(operator, value, self.value(operand), operand)
                return value
            case Call(function, arguments):
                return COMPUTE[function](*map(self.value, arguments))
            case _:
                raise SpecError(f"expected a number, not {print_value(expr)[:60]}", self.blame(expr.span))

    def unbound(self, name: Name) -> SpecError:
        """The error for a name without a value."""
        known = self.written.free_names()
        if name.id not in known:
            return self.fault(f'"{name.id}" cannot stand here', name.span, hint="a size was expected")
        short = name.id[:40]
        hint = f"give it with -p {short}=... (in Python {short}=...); formula keeps it free"
        return self.fault(f'the free name "{short}" needs a value', name.span, hint=hint)

    def operate(self, operator: str, a: Size, b: Size, at: Expr) -> Size:
        """a operator b, exact, and not of absurd size; where arrays divide by 0, the design is masked."""
        if operator in ("/", "//", "%"):
            if hasattr(b, "dtype"):
                self.checks.mask(b != 0)
                b = b + (b == 0)
            elif b == 0:
                raise SpecError("division by zero", self.blame(at.span))
        return self.sane(COMPUTE[operator](a, b), at)

    def sane(self, value: Size, at: Expr) -> Size:
        """A value as it is, if it is of no absurd size: what is folded before has the same limit."""
        if isinstance(value, (int, Fraction)):
            if abs(value.numerator) > LIMIT or value.denominator > LIMIT:
                raise SpecError("a number of absurd size", self.blame(at.span))
        elif array_kind(value) and greatest(value) > LIMIT:
            self.checks.mask(abs(value) <= LIMIT)
        return value

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
        legal = (value >= least) & (value <= MAX_SIZE)
        if value.dtype.kind == "O":
            legal = legal & (value % 1 == 0)
        self.checks.mask(legal)
        return (value * legal + least * ~legal).astype("int64")

    def differ(self, a: Size, b: Size) -> Truth:
        """True where two sizes differ; of symbols that may be equal at some values it is assumed that they do."""
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
            hint = "write T x H x W, such as 3x3x3, or one size for all"
            raise self.fault(f"{what} has {len(items)} axes", expr.span, hint=hint)
        sizes = tuple([self.size(item, what, least) for item in items])
        return sizes * 3 if len(sizes) == 1 else sizes

    def fault(self, message: str, at: Span, note: str = "", hint: str = "") -> SpecError:
        """An error at a place of the text."""
        return SpecError(message, self.blame(at), note=note, hint=hint)

    def blame(self, span: Span) -> Span:
        """The place to show for a fault: the caller's text, even where the package's definitions say it."""
        return self.written.at if span.source.name.startswith(LIBRARY) else span


def _entered(name: str, value: Size) -> Size:
    """A given value as it is computed with."""
    if hasattr(value, "dtype") and value.dtype.kind not in "iufO":
        raise SpecError(f'"{name}" is an array of {value.dtype}, not of numbers')
    try:
        return exact(value)
    except ValueError:
        raise SpecError(f'"{name}" is an array of numbers that are not all finite') from None


def _short(value: int | Fraction) -> str:
    return print_value(Number(value)) if abs(value.numerator) < 10**20 else "a number of absurd size"
