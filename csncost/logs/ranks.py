"""Rank correlations of accuracies with costs, their uncertainty, and a fitted trend. The statistics are SciPy's."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import isfinite, log10, sqrt
from typing import Any

from csncost.errors import MissingExtra
from csncost.logs.runs import Setting

PREDICTORS = ("interactions", "flops", "params", "depth")
"""What accuracy is correlated with; counts as logarithms, depth in weighted layers (shortcuts left out)."""

FEWEST_FOR_RANKS, FEWEST_FOR_INTERVAL = 3, 5
RESAMPLES, SEED = 1999, 0


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
    predictor: str
    n: int
    spearman: Interval
    kendall: Interval
    p: float


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


def scipy_stats() -> Any:
    """SciPy's statistics. Raises MissingExtra without SciPy, or with one that is too old."""
    try:
        from scipy import stats
    except ImportError:
        raise MissingExtra("SciPy", "explore") from None
    if not hasattr(stats, "spearmanrho"):
        raise MissingExtra("SciPy 1.17 or newer", "explore")
    return stats


def rank_correlations(
    setting: Setting, designs: Sequence[dict[str, Any]], predictors: Sequence[str]
) -> Iterator[RankCorrelation]:
    """Correlations over all designs of a setting, and over those of each number of blocks if there are several."""
    depths = sorted({design["blocks"] for design in designs})
    parts: list[tuple[int | None, Sequence[dict[str, Any]]]] = [(None, designs)]
    if len(depths) > 1:
        parts += [(depth, [d for d in designs if d["blocks"] == depth]) for depth in depths]
    for depth, found in parts:
        if len(found) >= FEWEST_FOR_RANKS:
            for predictor in predictors:
                rank = _ranks(setting, depth, predictor, found)
                if rank is not None:
                    yield rank


def _ranks(
    setting: Setting, depth: int | None, predictor: str, designs: Sequence[dict[str, Any]]
) -> RankCorrelation | None:
    """Both correlations; None where all designs have one value, so that there is no order."""
    stats = scipy_stats()
    x, y = _values(designs, predictor), [design["mean"] for design in designs]
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
    return RankCorrelation(setting, depth, predictor, len(x), spearman, kendall, float(p))


def _interval(function: Any, x: Sequence[float], y: Sequence[float]) -> Interval:
    """A correlation with its percentile bootstrap interval, over the resamples in which there is an order."""
    import warnings

    value = float(function(x, y).statistic)
    if len(x) < FEWEST_FOR_INTERVAL:
        return Interval(value)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a resample of one design has no order
        found = scipy_stats().bootstrap(
            (x, y),
            lambda a, b, axis: _no_order_is_none(function(a, b, axis=axis).statistic),
            paired=True,
            vectorized=True,
            method="percentile",
            n_resamples=RESAMPLES,
            rng=SEED,
        )
    low, high = map(float, found.confidence_interval)
    return Interval(value, low, high) if isfinite(low) and isfinite(high) else Interval(value)


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


def differences(
    setting: Setting, designs: Sequence[dict[str, Any]], ranks: Sequence[RankCorrelation]
) -> Iterator[Difference]:
    """The best predictor over all designs of a setting beside each of the others, where there are enough designs."""
    overall = [rank for rank in ranks if rank.setting == setting and rank.blocks is None]
    if len(designs) < FEWEST_FOR_INTERVAL or len(overall) < 2:
        return
    best = max(overall, key=lambda rank: abs(rank.spearman.value))
    for other in overall:
        if other is not best:
            value = abs(best.spearman.value) - abs(other.spearman.value)
            found = _bootstrapped_difference(designs, best.predictor, other.predictor)
            yield Difference(setting, best.predictor, other.predictor, len(designs), value, *found)


def _bootstrapped_difference(designs: Sequence[dict[str, Any]], best: str, other: str) -> tuple[float, float]:
    import warnings

    stats = scipy_stats()

    def size(x: Any, y: Any, axis: int) -> Any:
        return abs(_no_order_is_none(stats.spearmanrho(x, y, axis=axis).statistic))

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a resample of one design has no order
        found = stats.bootstrap(
            ([design["mean"] for design in designs], _values(designs, best), _values(designs, other)),
            lambda y, one, two, axis: size(one, y, axis) - size(two, y, axis),
            paired=True,
            vectorized=True,
            method="percentile",
            n_resamples=RESAMPLES,
            rng=SEED,
        )
    low, high = map(float, found.confidence_interval)
    return low, high


def _no_order_is_none(statistic: Any) -> Any:
    """Zero for a resample in which all designs are equal: it shows no correlation."""
    import numpy as np

    return np.nan_to_num(statistic, nan=0.0)


def fitted_trend(setting: Setting, designs: Sequence[dict[str, Any]]) -> Trend | None:
    """A line through accuracy against log interactions; None for fewer than five designs or one value."""
    x, y = _values(designs, "interactions"), [design["mean"] for design in designs]
    if len(x) < FEWEST_FOR_INTERVAL or len(set(x)) < 3:
        return None
    fit = scipy_stats().linregress(x, y)
    others = [([*x[:i], *x[i + 1 :]], [*y[:i], *y[i + 1 :]]) for i in range(len(x))]
    lines = [scipy_stats().linregress(a, b) for a, b in others]
    misses = [line.intercept + line.slope * a - b for line, a, b in zip(lines, x, y, strict=True)]
    of_means = [sum(b) / len(b) - mine for (_, b), mine in zip(others, y, strict=True)]
    return Trend(setting, len(x), float(fit.slope), float(fit.intercept), _rms(misses), _rms(of_means))


def _rms(misses: Sequence[float]) -> float:
    return sqrt(sum(float(miss) ** 2 for miss in misses) / len(misses))


def _values(designs: Sequence[dict[str, Any]], predictor: str) -> list[float]:
    """A predictor of each design, counts as logarithms; rank correlations are the same with or without."""
    return [d["depth"] if predictor == "depth" else log10(max(d[predictor], 1)) for d in designs]
