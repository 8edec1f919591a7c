"""Closed forms: what a network costs as expressions in T, H, W and every free name (SymPy)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from csncost.costs import formula_text as closed_form
from csncost.costs.analyze import resolve, title
from csncost.costs.conventions.named import Convention
from csncost.costs.conventions.named import convention as find_convention
from csncost.costs.count import stages
from csncost.costs.metrics import METRICS, Counts, PerMetric, counted
from csncost.errors import CsncostError, MissingExtra
from csncost.lang.given import SizeLike, SpecLike, sizes
from csncost.lang.lower.layers import AXES
from csncost.lang.lower.stages import lower
from csncost.lang.syntax import Name
from csncost.lang.written import Written, bare_names
from csncost.network.ops import Shape
from csncost.network.sizes import Size

if TYPE_CHECKING:
    from sympy import Expr, Symbol


@dataclass(frozen=True)
class Formula(PerMetric):
    """Closed forms of a network's cost, by stage; numbers put in give exactly what `analyze` gives.

    `assumptions` are relations that must hold for the network to exist (groups divide channels, sizes are whole).
    """

    name: str
    convention: Convention
    stages: tuple[tuple[str, Counts], ...]
    symbols: tuple[Symbol, ...]
    axes: tuple[Symbol, ...]
    assumptions: tuple[Any, ...]
    clip: Shape
    classes: Size

    def metric(self, key: str) -> Expr:
        """The closed form of a metric of the whole network. Raises AttributeError for one that no operation has."""
        if key not in self.totals:
            raise AttributeError(f"{key} has no closed form")
        return self.totals[key]

    @cached_property
    def totals(self) -> dict[str, Expr]:
        """For each metric the closed form of the whole network, factored by output volume."""
        sums = {key: sum(counts.metric(key) for _, counts in self.stages) for key in counted()}
        return {key: closed_form.factored(value, self.axes) for key, value in sums.items()}

    @cached_property
    def by_stage(self) -> dict[str, list[tuple[str, Expr]]]:
        """For each metric the closed form of each stage, factored by output volume."""
        return {
            key: [(name, closed_form.factored(counts.metric(key), self.axes)) for name, counts in self.stages]
            for key in counted()
        }

    def conditions(self) -> list[str]:
        """The assumptions in words: `G divides 64, 128, 256, 512`."""
        objects: dict[str, list[str]] = {}
        for relation in self.assumptions:
            subject, thing = closed_form.condition(relation)
            objects.setdefault(subject, []).append(thing)
        return [f"{subject} {', '.join(things)}".strip() for subject, things in objects.items()]

    def stamp(self) -> dict[str, Any]:
        """The convention, and what of the clip and the classes is fixed."""
        return {
            "convention": self.convention.name,
            "clip": " x ".join(map(str, self.clip)),
            "classes": self.classes if isinstance(self.classes, int) else str(self.classes),
            "views": 1,
        }

    def header(self) -> list[str]:
        """The lines that say what the closed forms are of."""
        conditions = [f"where {'; '.join(self.conditions())}"] if self.assumptions else []
        stamp = ", ".join(f"{key} {value}" for key, value in self.stamp().items())
        counted = f"counted: {self.convention.unit}; {self.convention.scope}"
        return [self.name, stamp, counted, *conditions]

    def _titled(self, by: str) -> dict[str, list[tuple[str, Any]]]:
        totals = {key: [("", value)] for key, value in self.totals.items()}
        return {_title(key): forms for key, forms in (totals if by == "total" else self.by_stage).items()}

    def to_text(self, by: str = "stage") -> str:
        """Closed forms that a person can read: the lines of the stages add up, or the sum itself (`by` "total")."""
        return "\n".join(self.header()) + "\n\n" + closed_form.text(self._titled(by)) + "\n"

    def to_latex(self, by: str = "stage") -> str:
        r"""An `align*` environment for each metric; the document needs \usepackage{amsmath}."""
        comments = "\n".join(f"% {line}" for line in self.header())
        return f"{comments}\n% needs \\usepackage{{amsmath}}\n" + closed_form.latex(self._titled(by)) + "\n"

    def to_python(self) -> str:
        """A Python function for each metric that computes it exactly in ints."""
        doc = "; ".join(self.header())
        return closed_form.python(self.totals, self.symbols, self.assumptions, doc)

    def to_dict(self) -> dict[str, Any]:
        """The closed forms as plain data, each as text that SymPy reads."""
        return {
            "spec": self.name,
            **self.stamp(),
            "symbols": [str(symbol) for symbol in self.symbols],
            "assumptions": self.conditions(),
            "totals": {key: str(value) for key, value in self.totals.items()},
            "stages": {key: {name: str(expr) for name, expr in forms} for key, forms in self.by_stage.items()},
        }

    def __repr__(self) -> str:
        return f"<Formula of {self.name} in {', '.join(map(str, self.symbols)) or 'no symbol'}>"

    def __str__(self) -> str:
        return self.to_text()

    def _repr_latex_(self) -> str:
        from sympy import latex

        lines = (rf"\text{{{_title(key)}}} &= {latex(value, order='none')}" for key, value in self.totals.items())
        rows = r" \\ ".join(lines)
        return rf"$\displaystyle\begin{{aligned}}{rows}\end{{aligned}}$"


def _title(key: str) -> str:
    """A metric with its unit; the header says that of FLOPs, which is the convention's."""
    metric = METRICS[key]
    return f"{key} ({metric.unit})" if metric.unit and not metric.per_view else metric.heading


def formula(
    spec: SpecLike,
    *,
    frames: int | None = None,
    size: SizeLike = None,
    classes: int | None = None,
    convention: str | Convention = "paper",
    free: Sequence[str] = (),
    **given: Any,
) -> Formula:
    """The closed forms of a spec's cost in T, H, W and every free name that is not given.

    Axes that the spec or the arguments fix are numbers; parameters keep their defaults unless they are named in
    `free`. Raises SpecError as `analyze` does, and MissingExtra without SymPy.

    >>> formula("simple-8", frames=8, size=112).flops
    5711699968
    """
    counting = find_convention(convention)
    free = (free,) if isinstance(free, str) else tuple(free)
    if twice := set(free) & set(given):
        raise CsncostError(f'"{min(twice)}" is both free and given', "leave out one")
    setting = sizes(frames, size, classes)
    written = resolve(spec, {**given, **{name: Name(name) for name in free}}, setting)
    symbols = _free_symbols(written, setting)
    axes = _free_axes(written, setting, symbols)
    setting |= axes
    net = lower(written, symbols, **setting)
    return Formula(
        name=written.name or title(spec),
        convention=counting,
        stages=tuple(stages(net.graph, counting)),
        symbols=tuple(dict.fromkeys([*symbols.values(), *axes.values()])),
        axes=tuple(dict.fromkeys(axes.values())),
        assumptions=net.assumptions,
        clip=net.clip,
        classes=net.classes,
    )


def _free_symbols(written: Written, setting: Mapping[str, Any]) -> dict[str, Symbol]:
    """A symbol for each free name; only what is itself a size is known to be whole: a width multiplier need not be."""
    try:
        from sympy import Symbol
    except ImportError:
        raise MissingExtra("SymPy", "formula") from None
    whole = bare_names(written)
    names = [name for name in written.free_names() if not (name == "classes" and "classes" in setting)]
    return {name: Symbol(name, positive=True, **({"integer": True} if name in whole else {})) for name in names}


def _free_axes(written: Written, setting: Mapping[str, Any], symbols: Mapping[str, Symbol]) -> dict[str, Symbol]:
    """A symbol for each axis of the clip that nothing fixes."""
    from sympy import Symbol

    fixed = {*setting, *dict(written.bound)}
    free = [
        (axis, expr.id)
        for axis, expr in zip(AXES, written.input.items[1:], strict=True)
        if isinstance(expr, Name) and not {axis, expr.id} & fixed
    ]
    return {axis: symbols.get(name) or Symbol(name, positive=True, integer=True) for axis, name in free}
