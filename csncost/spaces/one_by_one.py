"""A few designs, counted one by one: sooner done than the libraries that count millions at once are imported."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import product
from math import prod
from typing import Any, TypeAlias

from csncost.costs.analyze import resolve
from csncost.costs.conventions.named import Convention
from csncost.costs.conventions.named import convention as find_convention
from csncost.costs.count import costs
from csncost.costs.metrics import METRICS
from csncost.errors import SpecError
from csncost.lang.given import SETTING, sizes
from csncost.lang.lower.stages import lower
from csncost.lang.syntax import Name
from csncost.network.graph import Network
from csncost.spaces.counting.axes import Axis, axis, is_swept
from csncost.spaces.designs import Designs
from csncost.units import shape

FEW = 512
"""Designs that are counted one by one; more are counted as arrays."""

_Labels: TypeAlias = dict[str, Any]


def one_by_one(spec: str, given: Mapping[str, Any], convention: str | Convention) -> Designs | None:
    """The legal designs of a space as `of_dataset` gives them, or None where arrays are to say what it holds.

    That is so for many designs, for clips and classes that are swept, and where none is legal.
    """
    axes = [axis(name, values) for name, values in given.items() if is_swept(name, values)]
    count = prod(len(one.values) for one in axes)
    if count > FEW or any(one.name in SETTING for one in axes):
        return None
    setting = sizes(**{name: given.get(name) for name in SETTING})
    fixed = {name: value for name, value in given.items() if name not in SETTING and not is_swept(name, value)}
    found = list(_networks(spec, axes, fixed, setting))
    stamps = {(shape(net.clip), net.classes) for _, net in found}
    if len(stamps) != 1:
        return None
    counting = find_convention(convention)
    stamp = dict(zip(("convention", "clip", "classes", "views"), (counting.name, *stamps.pop(), 1), strict=True))
    rows = [labels | costs(net.graph, counting) for labels, net in found]
    values = {name: [row[name] for row in rows] for name in (*(one.name for one in axes), *METRICS)}
    return Designs([spec] * len(found), values, stamp, count - len(found))


def _networks(
    spec: str, axes: Sequence[Axis], fixed: Mapping[str, Any], setting: Mapping[str, Any]
) -> Iterator[tuple[_Labels, Network]]:
    """The designs that are networks, by the labels of their values; the text is expanded once for all groups."""
    groups = [one for one in axes if one.name == "G" and one.numeric]
    for labels, values in _points([one for one in axes if one not in groups]):
        free = {one.name: Name(one.name) for one in groups}
        try:
            written = resolve(spec, {**fixed, **values, **free}, setting)
        except SpecError:
            continue
        for group, value in _points(groups):
            with suppress(SpecError):
                yield labels | group, lower(written, value, **setting)


def _points(axes: Sequence[Axis]) -> Iterator[tuple[_Labels, dict[str, Any]]]:
    """Every combination of values: their labels, and themselves."""
    for point in product(*(range(len(one.values)) for one in axes)):
        places = list(zip(axes, point, strict=True))
        yield {one.name: one.labels[i] for one, i in places}, {one.name: one.values[i] for one, i in places}
