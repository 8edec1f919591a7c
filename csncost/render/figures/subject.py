"""The subject of a figure: designs with their accuracies, how they were counted, and what its axes are called."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from csncost.costs.conventions.named import CONVENTIONS
from csncost.costs.metrics import METRICS
from csncost.errors import CsncostError
from csncost.logs.columns import is_error
from csncost.logs.read import LogLike
from csncost.spaces.designs import Designs
from csncost.spaces.legal import of_dataset

if TYPE_CHECKING:
    from xarray import Dataset


def designs_of(given: Designs | Dataset, accuracies: LogLike | None) -> Designs:
    """Designs of `study`, `search` or `sweep`, accuracies joined to them. Raises CsncostError where there are none."""
    designs = of_dataset(given) if hasattr(given, "data_vars") else given
    if not isinstance(designs, Designs):
        raise CsncostError("these are no designs to draw", "give those of study, sweep or search")
    if not len(designs):
        raise CsncostError("there are no designs to plot", "widen the range of groups or blocks")
    return designs if accuracies is None else designs.with_accuracy(accuracies)


def axis_titles(stamp: Mapping[str, Any], designs: Designs | None = None) -> dict[str, str]:
    """The titles of all axes: `FLOPs (multiply-adds)`, but `FLOPs` where their convention counts otherwise.

    That of accuracy names what was measured of the `designs`: `Kinetics-400 video@1 (%)`.
    """
    titles = {key: metric.axis for key, metric in METRICS.items()}
    if flop_of(stamp) != CONVENTIONS["paper"].unit:
        titles["flops"] = METRICS["flops"].title
    return titles | {"accuracy": f"{_measured(designs) or 'accuracy'} (%)"}


def _measured(designs: Designs | None) -> str:
    """The dataset and the metric of accuracies; of errors, what they were turned into."""
    if designs is None or not designs.joined or not designs.joined.found:
        return ""
    setting = next(iter(designs.joined.found.values())).setting
    metric = f"100 \u2212 {setting.metric}" if is_error(setting.metric) else setting.metric
    return " ".join(text for text in (setting.dataset, metric) if text)


def flop_of(stamp: Mapping[str, Any]) -> str:
    """The unit of FLOPs in the convention of a stamp: `1 FLOP = 1 multiply-add`."""
    known = CONVENTIONS.get(str(stamp.get("convention")))
    return known.unit if known else ""


def sizes(text: str) -> str:
    """A shape as it is; one that has names for sizes with room around them: 3 x frames x 224 x 224."""
    parts = text.split("x")
    return " x ".join(parts) if all(parts) and any(map(str.isidentifier, parts)) else text
