"""Closed forms as text: for people, for LaTeX, and as Python functions that compute in exact ints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from math import comb
from typing import Any, TypeAlias

Stages: TypeAlias = Sequence[tuple[str, Any]]
"""The closed form of each stage."""

MAX_TERMS = 3000
"""A product that would expand to more terms is left as it is."""


@cache
def _printers() -> tuple[Any, Any]:
    """Printers for people and for Python, made when first needed since SymPy is slow to import."""
    from sympy.printing.precedence import PRECEDENCE
    from sympy.printing.pycode import PythonCodePrinter
    from sympy.printing.str import StrPrinter

    class ForPeople(StrPrinter):  # type: ignore[misc]
        """Ceilings and floors as brackets."""

        def _print_ceiling(self, expr: Any) -> str:
            return f"\u2308{self._print(expr.args[0])}\u2309"

        def _print_floor(self, expr: Any) -> str:
            return f"\u230a{self._print(expr.args[0])}\u230b"

    class ForPython(PythonCodePrinter):  # type: ignore[misc]
        """Ceilings and floors as integer divisions."""

        def _print_floor(self, expr: Any, sign: str = "") -> str:
            numbers = expr.args[0].as_numer_denom()
            top, bottom = (self.parenthesize(one, PRECEDENCE["Atom"], strict=True) for one in numbers)
            return f"({sign}{top} // {bottom})"

        def _print_ceiling(self, expr: Any) -> str:
            return f"(-{self._print_floor(expr, '-')})"

    return ForPeople({"order": "none"}), ForPython({"fully_qualified_modules": False})


def for_people(expr: Any) -> str:
    """An expression as a person reads it: `28224·T·⌈H/2⌉·⌈W/2⌉`."""
    return str(_printers()[0].doprint(expr)).replace("**", "^").replace("*", "\u00b7")


def factored(value: Any, axes: Sequence[Any]) -> Any:
    """Terms of the same volume of positions together: `T*ceil(H/4)*ceil(W/4)*(36864/G + 32768)`."""
    from sympy import Add, Mul, expand, sympify

    volumes: dict[Any, Any] = {}
    value = sympify(value)
    for term in Add.make_args(expand(value) if terms(value) <= MAX_TERMS else value):
        rest, at = term.as_independent(*axes, as_Add=False) if axes else (term, sympify(1))
        volumes[at] = volumes.get(at, 0) + rest
    products = (
        Mul(*Mul.make_args(at), rest, evaluate=False) if rest.is_Add and at != 1 else at * rest
        for at, rest in volumes.items()
    )
    return Add(*products)


def terms(expr: Any) -> int:
    """The number of terms that an expression would have if it were multiplied out, at most."""
    if expr.is_Add:
        return sum(map(terms, expr.args))
    if expr.is_Mul:
        product = 1
        for factor in expr.args:
            product = min(product * terms(factor), 10**9)
        return product
    if expr.is_Pow and expr.exp.is_Integer and expr.exp > 1:
        inner, power = terms(expr.base), int(expr.exp)
        return 1 if inner == 1 else min(comb(min(inner, 99) + min(power, 99) - 1, min(power, 99)), 10**9)
    return 1


def text(metrics: Mapping[str, Stages]) -> str:
    """A paragraph for each metric, a stage on each line."""
    width = max((len(name) for stages in metrics.values() for name, _ in stages), default=0)
    names = f"{{:<{width}}}  " if width else ""
    paragraphs = [
        "\n".join([title, *(f"  {names.format(name)}{for_people(expr)}" for name, expr in _counted(stages))])
        for title, stages in metrics.items()
    ]
    return "\n\n".join(paragraphs)


def latex(metrics: Mapping[str, Stages]) -> str:
    """An `align*` environment for each metric, a stage on each line."""
    from sympy import latex as to_latex

    blocks = []
    for title, stages in metrics.items():
        lines = []
        for i, (label, expr) in enumerate(_counted(stages)):
            start = "& {}+" if i else rf"\text{{{title}}} ={{}} &"
            end = rf" && \text{{({_escaped(label)})}}" if label else ""
            lines.append(f"  {start} {to_latex(expr, order='none')}{end}")
        blocks.append("\\begin{align*}\n" + " \\\\\n".join(lines) + "\n\\end{align*}")
    return "\n".join(blocks)


def python(metrics: Mapping[str, Any], symbols: Sequence[Any], assumptions: Sequence[Any], doc: str) -> str:
    """A function for each metric: one division at the end keeps it in exact ints; illegal values are refused."""
    from sympy import fraction, together

    printer = _printers()[1]
    arguments = ", ".join(map(printer.doprint, symbols))
    functions = []
    needs = " and ".join(f"({printer.doprint(relation)})" for relation in assumptions)
    check = f"    if not ({needs}):\n        raise ValueError({doc!r})\n" if needs else ""
    for name, expr in metrics.items():
        top, bottom = fraction(together(expr))
        body = printer.doprint(top)
        if bottom != 1:
            body = f"({body}) // ({printer.doprint(bottom)})"
        functions.append(f'def {name}({arguments}):\n    """{doc}"""\n{check}    return {body}\n')
    return "\n\n".join(functions)


def _counted(stages: Stages) -> Stages:
    """The stages that are not nothing, or the first."""
    return [(name, expr) for name, expr in stages if expr != 0] or list(stages)[:1] or [("", 0)]


def _escaped(label: str) -> str:
    return label.replace("_", r"\_")


def condition(relation: Any) -> tuple[str, str]:
    """A relation as a subject and an object, of which neighbours may share the subject: ("G divides", "64")."""
    from sympy import Eq, Ge, Mod, Ne

    if isinstance(relation, Eq) and isinstance(relation.lhs, Mod):
        n, divisor = relation.lhs.args
        return ("whole:" if divisor == 1 else f"{for_people(divisor)} divides"), for_people(n)
    for kind, sign in ((Eq, "="), (Ne, "\u2260"), (Ge, "\u2265")):
        if isinstance(relation, kind):
            return "", f"{for_people(relation.lhs)} {sign} {for_people(relation.rhs)}"
    return "", for_people(relation)
