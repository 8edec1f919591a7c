"""Designs of a chunk of a space as rows."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import Any

import numpy as np

from csncost.costs.count import COSTS
from csncost.costs.spelling import CLIP, MANY, Specs
from csncost.spaces.chunks import Source
from csncost.spaces.designs import STAMPED, Explored
from csncost.spaces.lowering import Space
from csncost.spaces.parts import Columns, lengths, places_in
from csncost.spaces.products import Chunk


def rows_in(source: Source, chunk: Chunk, shape: tuple[int, ...]) -> Columns:
    """The legal designs of a chunk: their `place`, counted through the whole space, and what is counted of them."""
    rows = source.rows(chunk, COSTS)
    return {**rows, "place": places_in(rows["place"], lengths(chunk), chunk, shape)}


def designs_of(space: Space, rows: Columns, attributes: Mapping[str, Any], refused: int = 0) -> Explored:
    """Rows of a space with their coordinates, as the sweep of that space in memory gives them."""
    where = dict(zip(space.names, np.unravel_index(rows["place"], space.shape), strict=True))
    labels: dict[str, Any] = {name: np.asarray(values)[where[name]] for name, values in space.coordinates().items()}
    base = labels.pop("spec", [attributes.get("spec", "")] * len(rows["place"]))
    points = prod(n for name, n in zip(space.names, space.shape, strict=True) if name not in CLIP)
    specs = Specs(base, labels, {**space.fixed, "convention": space.convention}, brief=points > MANY)
    columns: dict[str, Any] = {"spec": specs, **labels, **{name: rows[name] for name in COSTS}}
    stamp = {key: attributes[key] for key in STAMPED}
    return Explored(columns, stamp, refused)
