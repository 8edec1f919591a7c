"""The few operations beyond + - * that sizes need, over integers, labelled arrays and symbols alike.

A size is a Python int (one network), an xarray or NumPy array of ints (many networks at once) or a SymPy
expression (a closed form). Nothing here imports those libraries unless a value of theirs comes in.
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from math import prod
from typing import Any, TypeAlias

Size: TypeAlias = Any
"""int, array of ints, or SymPy expression; the three share the operators that the formulas use."""

Truth: TypeAlias = Any
"""bool, array of bools, or SymPy relation."""


def is_symbolic(*values: Size) -> bool:
    """True if any value is a SymPy expression."""
    for value in values:  # noqa: SIM110 - ints, nearly always, are told apart at once
        if type(value) is not int and hasattr(value, "free_symbols"):
            return True
    return False


def is_number(value: Size) -> bool:
    """True for a single exact number."""
    return isinstance(value, int)


def ceil_div(a: Size, b: Size) -> Size:
    """a / b rounded up.

    >>> ceil_div(7, 2), ceil_div(8, 2)
    (4, 4)
    """
    if (type(a) is not int or type(b) is not int) and is_symbolic(a, b):
        return _symbolic_ceil_div(a, b)
    return -(-a // b)


def _symbolic_ceil_div(a: Size, b: Size) -> Size:
    from sympy import ceiling

    if isinstance(a, ceiling):  # ceil(ceil(x / m) / n) = ceil(x / (m n)) for whole n
        return ceiling(a.args[0] / b)
    return ceiling(a / b)


def exact_div(a: Size, b: Size) -> Size:
    """a / b where b is known to divide a (where it does not, in an array, the design is masked out).

    >>> exact_div(64, 4)
    16
    """
    if (type(a) is not int or type(b) is not int) and is_symbolic(a, b):
        return a / b
    return a // b


def pairs(n: Size) -> Size:
    """The number of pairs among n things, C(n, 2).

    >>> [pairs(n) for n in (0, 1, 2, 4)]
    [0, 0, 1, 6]
    """
    return exact_div(n * (n - 1), 2)


def volume(sizes: Iterable[Size]) -> Size:
    """The product of sizes.

    >>> volume((3, 7, 7))
    147
    """
    return prod(sizes)


def smaller(a: Size, b: Size) -> Size:
    """The smaller of two sizes, element by element for arrays."""
    if is_symbolic(a, b):
        from sympy import Min

        return Min(a, b)
    if is_number(a) and is_number(b):
        return min(a, b)
    return a + (b - a) * (b < a)


MOST = 2**63 - 1
"""The greatest number that an array of 64-bit ints holds."""


def exact(value: Size) -> Size:
    """A given size whose arithmetic is exact: arrays hold 64-bit ints, or Fractions where they held floats.

    A float stands for the shortest decimal that it is written as: 0.1 is a tenth. Raises ValueError for what is not
    finite.
    """
    match array_kind(value):
        case "i" | "u":
            return value.astype("int64")
        case "f":
            import numpy as np

            return np.frompyfunc(Fraction, 1, 1)(value.astype(str))
    return value


def array_kind(value: Size) -> str:
    """NumPy's letter for what an array holds; empty for what is no array."""
    return value.dtype.kind if hasattr(value, "dtype") else ""


def greatest(value: Size) -> Size:
    """The greatest magnitude of a number, or in an array."""
    if not hasattr(value, "dtype"):
        return abs(value)
    return max(abs(value.min().item()), abs(value.max().item()))


def roomy(a: Size, b: Size, product: bool = False) -> tuple[Size, Size]:
    """Operands whose sum or `product` cannot wrap around: arrays of Python's ints where 64 bits might not do."""
    if "i" not in (array_kind(a), array_kind(b)) or is_symbolic(a, b):
        return a, b
    x, y = greatest(a), greatest(b)
    if (x * y if product else x + y) <= MOST:
        return a, b
    return (a.astype(object), b) if array_kind(a) == "i" else (a, b.astype(object))


def divide(a: Size, b: Size) -> Size:
    """a / b, exact: of arrays one of ints where all are whole, else one of Fractions."""
    if is_symbolic(a, b):
        return a / b
    if not (hasattr(a, "dtype") or hasattr(b, "dtype")):
        return Fraction(a) / b
    if everywhere(a % b == 0):
        return a // b
    return (a.astype(object) if hasattr(a, "dtype") else a) * Fraction(1) / b


def floor(x: Size) -> Size:
    """The largest whole number not above x."""
    return x // 1


def ceil(x: Size) -> Size:
    """The smallest whole number not below x."""
    return -floor(-x)


def divides(divisor: Size, n: Size) -> Truth:
    """True where `divisor` divides `n`: a bool, a mask, or a relation to be assumed."""
    if is_symbolic(divisor, n):
        from sympy import Eq, Mod

        return Eq(Mod(n, divisor), 0)
    return n % divisor == 0


def differ(a: Size, b: Size) -> Truth:
    """True where two sizes differ; a mask for arrays, structural for symbols (which are never masked)."""
    if is_symbolic(a, b):
        from sympy import simplify

        return bool(a != b) and bool(simplify(a - b) != 0)
    return a != b


def equal(a: Size, b: Size) -> Truth:
    """True where two sizes are equal: a bool, a mask, or a relation to be assumed."""
    if a is b:
        return True
    if not is_symbolic(a, b):
        return a == b
    if not differ(a, b):
        return True
    from sympy import Eq

    return Eq(a, b)


def everywhere(truth: Truth) -> bool:
    """True if a truth holds for every element."""
    return truth if isinstance(truth, bool) else bool(truth.all())


def nowhere(truth: Truth) -> bool:
    """True if a truth holds for no element."""
    return not truth if isinstance(truth, bool) else not bool(truth.any())
