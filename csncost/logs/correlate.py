"""Correlation of accuracy with cost: the statistics of a log, as tables, and what its designs are too few to show.

The paper's claim (section 4.2) is that channel interactions predict accuracy, and FLOPs do not.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from csncost.costs.analyze import analyze
from csncost.costs.metrics import METRICS
from csncost.errors import CsncostError, did_you_mean
from csncost.logs.ranks import (
    FEWEST_FOR_INTERVAL,
    FEWEST_FOR_RANKS,
    Design,
    Difference,
    Interval,
    RankCorrelation,
    Trend,
    differences,
    fitted_trend,
    predictors,
    rank_correlations,
    scipy_stats,
)
from csncost.logs.read import LogLike, read_log
from csncost.logs.runs import Pooled, Select, Setting, points
from csncost.logs.unread import why_unread
from csncost.table import Column, Result, Table
from csncost.units import plural


@dataclass(frozen=True)
class Correlation(Result):
    """The correlations of accuracy with cost in a log, for each setting with enough designs."""

    log: str
    ranks: tuple[RankCorrelation, ...]
    trends: tuple[Trend, ...]
    differences: tuple[Difference, ...]
    designs: tuple[Design, ...]
    notes: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """The correlation as plain data."""
        against = {"against": "log10 interactions"}
        return {
            "log": self.log,
            "convention": "paper",
            "correlations": [rank.to_dict() for rank in self.ranks],
            "trends": [trend.setting._asdict() | against | _without_setting(trend) for trend in self.trends],
            "differences": [one.setting._asdict() | _without_setting(one) for one in self.differences],
            "designs": list(self.designs),
            "notes": list(self.notes),
        }

    def _frame_rows(self) -> list[dict[str, Any]]:
        return [rank.to_dict() for rank in self.ranks]

    def _subject(self) -> dict[str, str]:
        return {"log": self.log}

    def table(self) -> Table:
        """The correlations as a table."""
        columns = [
            *(Column(key, key, only="machines") for key in Setting._fields),
            Column("of", "designs", only="people", wrap=True, tight=True),
            Column("blocks", "blocks", only="machines"),
            Column("n", "n", align="right"),
            Column("predictor", "against", _called),
            *_interval_columns("spearman", "Spearman"),
            *_interval_columns("kendall", "Kendall", "Kendall 95%", drop=1),
            Column("p", "p (Sp.)", lambda p: f"{p:.3f}", "right"),
        ]
        settings = list(dict.fromkeys(rank.setting for rank in self.ranks))
        rows, previous = [], None
        for rank in self.ranks:
            part = (rank.setting, rank.blocks)
            of = None if part == previous else "all" if len(settings) == 1 and rank.blocks is None else _of(rank)
            rows.append(rank.to_dict() | {"of": of, "part": part, **_intervals(rank)})
            previous = part
        title = f"Accuracy against cost: {self.log}" + (f", {settings[0]}" if len(settings) == 1 else "")
        stamp = {"convention": "paper"}
        return Table(columns, rows, title=title, notes=self.notes, stamp=stamp, section="part")

    def __repr__(self) -> str:
        ranks, designs = plural(len(self.ranks), "correlation"), plural(len(self.designs), "design")
        return f"<Correlation of {self.log}: {ranks} of {designs}>"


def correlate(
    log: LogLike = "paper",
    *,
    metrics: Sequence[str] | None = None,
    select: Select = "best",
    metric: str | None = None,
) -> Correlation:
    """Spearman's and Kendall's correlation of accuracy with log interactions, log FLOPs, log params and depth.

    `metrics` chooses others by their keys; the other arguments are those of `read_log`. Only accuracies of one setting
    (dataset, metric, clip, pre-training) are compared, over all designs and over those of each depth in blocks; runs
    of one design count once, with their mean. Intervals (95%) are bootstrapped from 5 designs on.

    Settings of fewer than 5 designs are left out, unless there is no larger one.

    Raises CsncostError where no setting has three designs, and as `read_log` does, and MissingExtra without SciPy.

    >>> found = correlate("paper", metrics=["interactions"])
    >>> found.ranks[0].n, round(found.ranks[0].spearman.value, 2)
    (9, 0.89)
    """
    against = _checked(predictors() if metrics is None else metrics)
    scipy_stats()
    accuracies = read_log(log, select=select, metric=metric)
    groups = {setting: [_design(result) for result in results] for setting, results in accuracies.settings.items()}
    enough = _enough(accuracies.log, groups)
    ranks = [rank for setting, found in enough.items() for rank in rank_correlations(setting, found, against)]
    trends = [line for setting, found in enough.items() if (line := fitted_trend(setting, found))]
    apart = [one for setting, found in enough.items() for one in differences(setting, found, ranks)]
    designs = [one for found in groups.values() for one in found]
    notes = [
        *_trend_notes(trends),
        *_told_apart(apart),
        *_cautions(ranks),
        *_of_several_runs(designs),
        *_too_few(groups, enough),
        *accuracies.notes,
        *why_unread(accuracies.unread),
    ]
    return Correlation(accuracies.log, tuple(ranks), tuple(trends), tuple(apart), tuple(designs), tuple(notes))


def _checked(metrics: Sequence[str]) -> Sequence[str]:
    if not metrics or isinstance(metrics, str):
        raise CsncostError("metrics is a list of predictors", f"of {', '.join(METRICS)}")
    for one in metrics:
        if one not in METRICS:
            hint = did_you_mean(str(one), list(METRICS)) or f"there are {', '.join(METRICS)}"
            raise CsncostError(f'accuracy is not correlated with "{one!s:.40}"', hint)
    return metrics


Groups = Mapping[Setting, Sequence[Design]]


def _enough(log: str, groups: Groups) -> Groups:
    """The settings with enough designs. Raises CsncostError where there are none."""
    largest = max(map(len, groups.values()))
    fewest = FEWEST_FOR_INTERVAL if largest >= FEWEST_FOR_INTERVAL else FEWEST_FOR_RANKS
    if largest < fewest:
        raise CsncostError(
            f"{log} has no three designs in one setting, only {largest}",
            "accuracies are compared within one dataset, metric, clip, pre-training and number of classes; what is the"
            " same under two names is called alike by --label metric=top-1 (in Python .labelled)",
        )
    return {setting: found for setting, found in groups.items() if len(found) >= fewest}


def _design(result: Pooled) -> Design:
    """A result and what its network costs, with the clip that it ran on; its depth also in residual blocks."""
    report = analyze(result.canonical)
    blocks = len({row.block for row in report.rows if row.block})
    return result.to_dict() | {key: getattr(report, key) for key in METRICS} | {"blocks": blocks}


# -- what is said of them ----------------------------------------------------------------------------------------


def _trend_notes(trends: Sequence[Trend]) -> Iterator[str]:
    for t in trends:
        yield (
            f"trend ({t.setting}): {points(t.slope)} points for each factor of 10 in interactions; a design left out is"
            f" predicted to within {points(t.error)} points (rms),"
            f" by the mean of the others to {points(t.error_of_mean)}"
        )


def _cautions(ranks: Sequence[RankCorrelation]) -> Iterator[str]:
    """Notes on what the designs are too few to tell."""
    fewest = min((rank.n for rank in ranks if rank.blocks is None), default=0)
    if any(rank.spearman.low is None for rank in ranks):
        yield (
            f"fewer than {FEWEST_FOR_INTERVAL} designs have no interval: by chance alone, one order of 3 designs in"
            " three fits perfectly or is reversed"
        )
    if fewest < 30:
        yield "so few designs, of one family, show an association here; they neither establish a law nor a cause"


def _told_apart(found: Sequence[Difference]) -> Iterator[str]:
    """Notes on the predictors that the best one is told from: those that it betters in 95% of resampled designs."""
    for setting in dict.fromkeys(one.setting for one in found):
        own = [one for one in found if one.setting == setting]
        alike = [one for one in own if one.low <= 0]
        apart = [one for one in own if one.low > 0]
        for kept, verb in ((alike, "do not tell"), (apart, "tell")):
            if kept:
                others = ", ".join(
                    f"{_called(d.other)} ({_signed(d.value)} [{_signed(d.low)}, {_signed(d.high)}])" for d in kept
                )
                yield (
                    f"{own[0].n} designs {verb} {_called(own[0].best)} from {others}: by how much Spearman's"
                    " correlation is larger, with its 95% interval"
                )


def _of_several_runs(designs: Sequence[Design]) -> Iterator[str]:
    """A note where designs of several runs stand with their mean."""
    several = [design["n"] for design in designs if design["n"] > 1]
    if several:
        said = plural(len(several), "design")
        yield f"{said} of several runs ({sum(several)} in all): each counts once, with their mean"


def _without_setting(one: Trend | Difference) -> dict[str, Any]:
    return {key: value for key, value in asdict(one).items() if key != "setting"}


def _too_few(groups: Groups, enough: Groups) -> Iterator[str]:
    few = [f"{setting} ({len(found)})" for setting, found in groups.items() if setting not in enough]
    if few:
        yield f"too few designs to correlate: {'; '.join(few)}"


def _called(predictor: str) -> str:
    metric = METRICS[predictor]
    return f"log {metric.heading}" if metric.logarithmic else metric.heading


def _of(rank: RankCorrelation) -> str:
    return str(rank.setting) if rank.blocks is None else f"of {rank.blocks} blocks"


def _intervals(rank: RankCorrelation) -> dict[str, str | None]:
    return {f"{name}_interval": _shown(getattr(rank, name)) for name in ("spearman", "kendall")}


def _shown(interval: Interval) -> str | None:
    return None if interval.low is None else f"[{_signed(interval.low)}, {_signed(interval.high or 0.0)}]"


def _signed(value: float) -> str:
    return f"{value:+.2f}"


def _interval_columns(key: str, title: str, interval: str = "95%", drop: int = 0) -> list[Column]:
    return [
        Column(key, title, _signed, "right", drop=drop),
        Column(f"{key}_interval", interval, align="right", only="people", tight=True, drop=drop),
        Column(f"{key}_low", f"{title} low", only="machines"),
        Column(f"{key}_high", f"{title} high", only="machines"),
    ]
