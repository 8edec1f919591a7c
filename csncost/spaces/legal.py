"""Legal designs of a space: of its Dataset, or of places in it that were counted chunk by chunk."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import prod
from typing import TYPE_CHECKING, Any

from csncost.costs.analyze import analyze
from csncost.costs.conventions.named import Convention
from csncost.costs.metrics import METRICS
from csncost.costs.naming import CLIP, MANY
from csncost.errors import SpecError
from csncost.lang.given import SETTING, from_argument
from csncost.spaces.designs import Designs, plain
from csncost.spaces.ranges import sizes
from csncost.units import plural

if TYPE_CHECKING:
    from xarray import Dataset

    from csncost.spaces.counting.evaluate import Columns
    from csncost.spaces.counting.space import Space

STAMPED = ("convention", "clip", "classes", "views")
"""Attributes of a space that say how its designs were counted."""


def of_dataset(found: Dataset, convention: str | Convention | None = None) -> Designs:
    """The legal designs of a swept space, counted by a `convention` that may have no name."""
    valid = found["valid"].values
    designs = designs_at(found, valid.nonzero() if valid.ndim else ([0] * int(valid),), convention)
    refused = valid.size - len(designs)
    notes = (f"{left_out(refused, valid.size)}, {_first_refused(found, valid)}",) if refused else ()
    return replace(designs, refused=refused, notes=notes, dataset=found)


def left_out(refused: int, total: int) -> str:
    """A note of combinations that are no network, if there are any."""
    return f"left out as no network: {refused:,} of {plural(total, 'combination')}" if refused else ""


def _first_refused(found: Dataset, valid: Any) -> str:
    """The first combination that is no network, and why not: `for instance G=3: 64 channels do not divide ...`."""
    one = designs_at(found, [along[:1] for along in (~valid).nonzero()])
    swept = ", ".join(f"{name}={plain(one.values[name])[0]}" for name in one.swept)
    where = " of ".join(filter(None, [swept, one.specs[0] if "spec" in found.dims else ""]))
    try:
        analyze(from_argument(one.specs[0], None), **one.arguments(0))
    except SpecError as fault:
        return f"for instance {where}: {fault.message}"
    return f"for instance {where}"


def designs_at(found: Dataset, at: Sequence[Any], convention: str | Convention | None = None) -> Designs:
    """The designs of a swept space in some places: an array of indices for each dimension."""
    lengths = {str(dim): length for dim, length in found["valid"].sizes.items()}
    some = found.isel({dim: ("design", along) for dim, along in zip(lengths, at, strict=False)})
    labels = {dim: some[dim].values for dim in lengths}
    costs = {name: some[name].values for name in METRICS if name in some}  # of a lazy space, of these designs alone
    costs = {name: v if v.ndim else v.reshape(1).repeat(len(at[0])) for name, v in costs.items()}
    fixed = _fixed(found) | ({"convention": convention} if convention else {})
    return _designs(labels, costs, fixed, found.attrs, lengths)


def _fixed(space: Dataset) -> dict[str, Any]:
    """The arguments that all designs of a space share, as its attributes tell them."""
    given = json.loads(space.attrs.get("given", "{}"))
    setting = {name: sizes(text, name)[0] for name, text in given.items() if name in SETTING}
    return {**given, **setting, "convention": space.attrs["convention"]}


def designs_of(space: Space, rows: Columns, attributes: Mapping[str, Any]) -> Designs:
    """Rows of a space with their coordinates, as the sweep of that space in memory gives them."""
    import numpy as np

    where = dict(zip(space.names, np.unravel_index(rows["place"], space.shape), strict=True))
    labels = {name: np.asarray(values)[where[name]] for name, values in space.coordinates().items()}
    fixed = {**space.fixed, "convention": space.convention}
    lengths = dict(zip(space.names, space.shape, strict=True))
    return _designs(labels, {name: rows[name] for name in METRICS}, fixed, attributes, lengths)


def _designs(
    labels: dict[str, Any],
    costs: Mapping[str, Any],
    fixed: Mapping[str, Any],
    attributes: Mapping[str, Any],
    lengths: Mapping[str, int],
) -> Designs:
    """Designs by their coordinates and costs, of a space of some lengths that has some attributes."""
    specs = labels.pop("spec") if "spec" in labels else [attributes.get("spec", "")] * len(costs["params"])
    stamp = {key: attributes[key] for key in STAMPED}
    brief = prod(n for name, n in lengths.items() if name not in CLIP) > MANY
    return Designs(specs, {**labels, **costs}, stamp, swept=tuple(labels), fixed=fixed, brief=brief)
