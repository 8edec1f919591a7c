"""The one list of metrics: what is counted of a network, and how it is called, shown, ordered and compared.

A new metric is one entry of `METRICS`: tables, design spaces, queries, budgets, axes of figures, logs, statistics,
formulas and the command line read them from here. What operations have of it is said by the quantities that its
`terms` weigh, or by the rules of conventions (`rules`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from operator import mul
from typing import Any, Literal

from csncost.errors import CsncostError, did_you_mean
from csncost.network.sizes import Size
from csncost.units import human


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric by its `key` in arguments, columns and JSON.

    `title` stands at axes and in prose, `heading` over narrow columns, `unit` says what one of it is. Where `better` is
    "less" it is a budget to keep, else something to have much of. `terms` are the quantities that make it up in every
    convention whose rules say nothing of it. A metric of `operations` is the sum of theirs; another, as the depth,
    belongs to a whole network. One `per_view` is multiplied by the views of a video.
    """

    key: str
    title: str
    heading: str
    unit: str = ""
    better: Literal["less", "more"] = "less"
    terms: Mapping[str, int] = field(default_factory=dict, hash=False)
    operations: bool = True
    per_view: bool = False
    objective: int = 0
    """Its place among the objectives of a search that names none; 0 where it is none of them."""
    predicts: bool = False
    """True if accuracy is correlated with it unless others are named."""
    logarithmic: bool = True
    """True if it spans powers of ten, so that statistics take its logarithm."""
    log_axis: bool = False
    """True if its axis is logarithmic in a figure."""
    share: bool = True
    """True if a report shows each row's part of the total beside it."""
    drop: int = 0
    """The order in which a narrow terminal leaves columns out: the highest first, 0 never."""
    prefix: str = ""
    """The SI prefix under which it is printed in tables of the literature: G for FLOPs, M for parameters."""

    def show(self, value: int) -> str:
        """A value for people: 10.58 G, or the plain number of layers."""
        return human(value) if self.logarithmic else str(value)

    @property
    def axis(self) -> str:
        """The title of an axis: `FLOPs (multiply-adds)`."""
        return f"{self.title} ({self.unit})" if self.unit else self.title


class _Registry(dict[str, Metric]):
    """Metrics by key; which of them operations have is known without a search."""

    def __init__(self, metrics: Iterable[tuple[str, Metric]]) -> None:
        super().__init__(metrics)
        self._note()

    def __setitem__(self, key: str, metric: Metric) -> None:
        super().__setitem__(key, metric)
        self._note()

    def __delitem__(self, key: str) -> None:
        super().__delitem__(key)
        self._note()

    def _note(self) -> None:
        self.counted = tuple([key for key, metric in self.items() if metric.operations])


METRICS = _Registry(
    (metric.key, metric)
    for metric in (
        Metric("params", "parameters", "params", objective=2, predicts=True, prefix="M"),
        Metric("flops", "FLOPs", "FLOPs", "multiply-adds", per_view=True, objective=1, predicts=True, prefix="G"),
        Metric(
            "interactions",
            "channel interactions",
            "interact.",
            "pairs",
            better="more",  # what the paper found accuracy to go with (section 4.2)
            objective=3,
            predicts=True,
            log_axis=True,
            prefix="G",
        ),
        Metric("activations", "activations", "activ.", "elements", share=False, drop=3, prefix="M"),
        Metric("depth", "depth", "depth", "layers", operations=False, predicts=True, logarithmic=False),
    )
)
"""Every metric by its key."""


def counted() -> tuple[str, ...]:
    """The metrics that are sums over operations, in the order of their columns."""
    return METRICS.counted


def find_metric(key: str) -> Metric:
    """A metric by its key. Raises CsncostError for one that is unknown.

    >>> find_metric("flops").axis
    'FLOPs (multiply-adds)'
    """
    if key not in METRICS:
        hint = did_you_mean(key, list(METRICS)) or f"metrics are {', '.join(METRICS)}"
        raise CsncostError(f'unknown metric "{key[:60]}"', hint)
    return METRICS[key]


class PerMetric:
    """Metrics as attributes: `report.flops` is `report.metric("flops")`, whatever metrics the list has."""

    __slots__ = ()

    def metric(self, key: str) -> Any:
        """The value of a metric."""
        raise NotImplementedError

    def __getattr__(self, name: str) -> Any:
        if name in METRICS:
            return self.metric(name)
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def __dir__(self) -> Iterable[str]:
        return [*super().__dir__(), *METRICS]


class Counts(PerMetric, tuple[Size, ...]):
    """Values of the metrics that add up, in the order of `counted`; ints, labelled arrays or SymPy expressions.

    >>> Counts((1, 2, 3, 4)).plus(Counts((1, 1, 1, 1)), copies=2).to_dict()
    {'params': 3, 'flops': 4, 'interactions': 5, 'activations': 6}
    """

    __slots__ = ()

    @classmethod
    def zero(cls) -> Counts:
        """Nothing of any metric."""
        return cls([0] * len(counted()))

    def metric(self, key: str) -> Size:
        """The value of a metric. Raises AttributeError for one that belongs to whole networks."""
        keys = counted()
        if key not in keys:
            raise AttributeError(f"{key} is no sum over operations")
        return self[keys.index(key)]

    def plus(self, other: Counts, copies: Size = 1) -> Counts:
        """These and `copies` of the others."""
        return Counts([mine + more * copies for mine, more in zip(self, other, strict=True)])

    def times(self, views: int) -> Counts:
        """Those of so many views of a video, of metrics that count each view anew."""
        if views == 1:
            return self
        return Counts(map(mul, self, [views if METRICS[key].per_view else 1 for key in counted()]))

    def to_dict(self) -> dict[str, Size]:
        """The values by metric."""
        return dict(zip(counted(), self, strict=True))
