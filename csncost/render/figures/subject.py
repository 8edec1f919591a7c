"""The designs that a figure is of, with their accuracies, however they are given; the titles of its axes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import astuple, fields
from typing import TYPE_CHECKING, Any

from csncost.costs.analyze import analyze
from csncost.costs.conventions import CONVENTIONS
from csncost.costs.metrics import METRICS
from csncost.errors import CsncostError
from csncost.logs.columns import is_error
from csncost.logs.read import LogLike
from csncost.spaces.designs import Designs
from csncost.spaces.legal import of_dataset
from csncost.spaces.study import Design

if TYPE_CHECKING:
    from xarray import Dataset


def designs_of(
    given: Designs | Dataset | Sequence[Design], accuracies: LogLike | None, frames: int | None, size: Any
) -> Designs:
    """Designs of `study`, `search` or `sweep`, or records counted with `frames` and `size`; accuracies joined to them.

    Raises CsncostError where there are none, and for records that are not as `analyze` counts them.
    """
    if hasattr(given, "data_vars"):
        given = of_dataset(given)
    if not len(given):
        raise CsncostError("there are no designs to plot", "widen the range of groups or blocks")
    designs = given if isinstance(given, Designs) else _of_records(given, frames, size)
    return designs if accuracies is None else designs.with_accuracy(accuracies)


def _of_records(records: Sequence[Design], frames: int | None, size: Any) -> Designs:
    if not all(isinstance(record, Design) for record in records):
        raise CsncostError(
            "these are no designs to draw", "give those of study, sweep or search, or records; to_frame is for tables"
        )
    report = analyze(records[0].spec, frames=frames, size=size)
    if (report.params, report.flops) != (records[0].params, records[0].flops):
        raise CsncostError("these records were not counted as analyze counts them", "give the study that they are of")
    specs, *columns = zip(*map(astuple, records), strict=True)
    values = dict(zip([item.name for item in fields(Design)][1:], columns, strict=True))
    fixed = {name: value for name, value in (("frames", frames), ("size", size)) if value is not None}
    return Designs(specs, values, report.stamp(), fixed=fixed)


def axis_titles(stamp: Mapping[str, Any]) -> dict[str, str]:
    """The titles of the metrics' axes: `FLOPs (multiply-adds)`, but `FLOPs` where their convention counts otherwise."""
    titles = {key: metric.axis for key, metric in METRICS.items()}
    return titles if flop_of(stamp) == CONVENTIONS["paper"].unit else titles | {"flops": METRICS["flops"].title}


def flop_of(stamp: Mapping[str, Any]) -> str:
    """The unit of FLOPs in the convention of a stamp: `1 FLOP = 1 multiply-add`."""
    known = CONVENTIONS.get(str(stamp.get("convention")))
    return known.unit if known else ""


def accuracy_title(designs: Designs) -> str:
    """The measured quantity, `Kinetics-400 video@1 (%)`; of errors, what they were turned into."""
    if not (designs.joined and designs.joined.found):
        return "accuracy (%)"
    setting = next(iter(designs.joined.found.values())).setting
    metric = f"100 \u2212 {setting.metric}" if is_error(setting.metric) else setting.metric
    return f"{' '.join(text for text in (setting.dataset, metric) if text) or 'accuracy'} (%)"
