"""Rank correlations of accuracies with costs, their uncertainty, and a fitted trend. The statistics are SciPy's."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import log10, sqrt
from statistics import fmean
from typing import Any, TypeAlias

from csncost.costs.metrics import METRICS
from csncost.errors import MissingExtra
from csncost.logs.runs import Setting

FEWEST_FOR_RANKS, FEWEST_FOR_INTERVAL = 3, 5
RESAMPLES, SEED = 1999, 0

Design: TypeAlias = Mapping[str, Any]
"""The mean accuracy of a network and its metrics."""


def predictors() -> list[str]:
    """The metrics that accuracy is correlated with unless others are named: interactions first, the depth last."""
    found = [metric for metric in reversed(METRICS.values()) if metric.predicts]
    return [metric.key for metric in sorted(found, key=lambda metric: not metric.operations)]


@dataclass(frozen=True, slots=True)
class Interval:
    """A rank correlation from -1 to 1 with its 95% bootstrap interval (percentile; None for too few designs)."""

    value: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class RankCorrelation:
    """Accuracy against one predictor over `n` designs: `blocks` of them all, or None for designs of any depth.

    `p` is the share of all orders of the accuracies (or of 9999 random ones) that correlate at least as strongly.
    """

    setting: Setting
    blocks: int | None
    n: int
    predictor: str
    spearman: Interval
    kendall: Interval
    p: float

    def to_dict(self) -> dict[str, Any]:
        """The correlation as one row."""
        found = {**self.setting._asdict(), "blocks": self.blocks, "n": self.n, "predictor": self.predictor}
        for name, interval in (("spearman", self.spearman), ("kendall", self.kendall)):
            found |= {name: interval.value, f"{name}_low": interval.low, f"{name}_high": interval.high}
        return found | {"p": self.p}


@dataclass(frozen=True, slots=True)
class Trend:
    """accuracy = intercept + slope * log10(interactions): percentage points, for each factor of ten.

    `error` is the root mean square error over designs that were each left out of the fit, `error_of_mean` that of
    predicting the mean of the others.
    """

    setting: Setting
    n: int
    slope: float
    intercept: float
    error: float
    error_of_mean: float


@dataclass(frozen=True, slots=True)
class Difference:
    """By how much `best` orders `n` designs better than `other` does: the difference of the sizes of Spearman's
    correlations, with its 95% bootstrap interval over resampled designs (percentile).
    """

    setting: Setting
    best: str
    other: str
    n: int
    value: float
    low: float
    high: float


def scipy_stats() -> Any:
    """SciPy's statistics. Raises MissingExtra without SciPy, or with one that is too old."""
    try:
        from scipy import stats
    except ImportError:
        raise MissingExtra("SciPy", "explore") from None
    if not hasattr(stats, "spearmanrho"):
        raise MissingExtra("SciPy 1.17 or newer", "explore")
    return stats


def rank_correlations(setting: Setting, designs: Sequence[Design], metrics: Sequence[str]) -> Iterator[RankCorrelation]:
    """Correlations over all designs of a setting, and over those of each number of blocks if there are several."""
    depths = sorted({design["blocks"] for design in designs})
    for depth in (None, *(depths if len(depths) > 1 else ())):
        found = [design for design in designs if depth in (None, design["blocks"])]
        if len(found) >= FEWEST_FOR_RANKS:
            yield from (rank for key in metrics if (rank := _rank(setting, depth, key, found)))


def _rank(setting: Setting, depth: int | None, predictor: str, designs: Sequence[Design]) -> RankCorrelation | None:
    """Both correlations; None where all designs have one value, so that there is no order."""
    stats = scipy_stats()
    x, y = _values(designs, predictor), _accuracies(designs)
    if len(set(x)) < 2 or len(set(y)) < 2:
        return None
    p = stats.permutation_test(
        (y,),
        lambda order, axis: stats.spearmanrho(x, order, axis=axis).statistic,
        permutation_type="pairings",
        vectorized=True,
        n_resamples=9999,
        rng=SEED,
    ).pvalue
    spearman, kendall = (_interval(function, x, y) for function in (stats.spearmanrho, stats.kendalltau))
    return RankCorrelation(setting, depth, len(x), predictor, spearman, kendall, float(p))


def _interval(function: Any, x: Sequence[float], y: Sequence[float]) -> Interval:
    value = float(function(x, y).statistic)
    if len(x) < FEWEST_FOR_INTERVAL:
        return Interval(value)
    return Interval(value, *_bootstrap(lambda a, b, axis: _statistic(function, a, b, axis), x, y))


def differences(setting: Setting, designs: Sequence[Design], ranks: Sequence[RankCorrelation]) -> Iterator[Difference]:
    """The best predictor over all designs of a setting beside each of the others, where there are enough designs."""
    overall = [rank for rank in ranks if rank.setting == setting and rank.blocks is None]
    if len(designs) < FEWEST_FOR_INTERVAL or len(overall) < 2:
        return
    best = max(overall, key=lambda rank: abs(rank.spearman.value))
    rho = scipy_stats().spearmanrho

    def better(y: Any, one: Any, two: Any, axis: int) -> Any:
        return abs(_statistic(rho, one, y, axis)) - abs(_statistic(rho, two, y, axis))

    for other in overall:
        if other is not best:
            samples = _accuracies(designs), *(_values(designs, rank.predictor) for rank in (best, other))
            value = abs(best.spearman.value) - abs(other.spearman.value)
            low, high = _bootstrap(better, *samples)
            yield Difference(setting, best.predictor, other.predictor, len(designs), value, low, high)


def _bootstrap(statistic: Callable[..., Any], *samples: Sequence[float]) -> tuple[float, float]:
    """The 95% percentile interval of a statistic over resampled designs."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a resample of one design has no order
        found = scipy_stats().bootstrap(
            samples, statistic, paired=True, vectorized=True, method="percentile", n_resamples=RESAMPLES, rng=SEED
        )
    low, high = map(float, found.confidence_interval)
    return low, high


def _statistic(function: Any, x: Any, y: Any, axis: int) -> Any:
    """A correlation; zero for a resample in which all designs are equal: it shows none."""
    import numpy as np

    return np.nan_to_num(function(x, y, axis=axis).statistic, nan=0.0)


def fitted_trend(setting: Setting, designs: Sequence[Design]) -> Trend | None:
    """A line through accuracy against log interactions; None for fewer than five designs or one value."""
    x, y = _values(designs, "interactions"), _accuracies(designs)
    if len(x) < FEWEST_FOR_INTERVAL or len(set(x)) < 3:
        return None
    fit = scipy_stats().linregress(x, y)
    others = [([*x[:i], *x[i + 1 :]], [*y[:i], *y[i + 1 :]]) for i in range(len(x))]
    lines = [scipy_stats().linregress(a, b) for a, b in others]
    misses = [float(line.intercept + line.slope * a - b) for line, a, b in zip(lines, x, y, strict=True)]
    of_means = [fmean(b) - mine for (_, b), mine in zip(others, y, strict=True)]
    return Trend(setting, len(x), float(fit.slope), float(fit.intercept), _rms(misses), _rms(of_means))


def _rms(misses: Sequence[float]) -> float:
    return sqrt(fmean(miss**2 for miss in misses))


def _accuracies(designs: Sequence[Design]) -> list[float]:
    return [design["mean"] for design in designs]


def _values(designs: Sequence[Design], predictor: str) -> list[float]:
    """A predictor of each design, counts as logarithms; rank correlations are the same with or without."""
    return [log10(max(d[predictor], 1)) if METRICS[predictor].logarithmic else d[predictor] for d in designs]
