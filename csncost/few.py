"""A few designs, counted one by one: sooner done than the libraries that count millions at once are imported."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from math import prod
from typing import Any

from csncost.analyze import analyze
from csncost.axes import SETTING, Axis, axis
from csncost.conventions import Convention
from csncost.counts import COSTS
from csncost.errors import SpecError
from csncost.explored import Explored
from csncost.numbers import shape
from csncost.report import Report

FEW = 512
"""Designs that are counted one by one; more are counted as arrays."""


def one_by_one(
    spec: str, swept: dict[str, Any], fixed: dict[str, Any], convention: str | Convention
) -> Explored | None:
    """The legal designs of a space as `of_dataset` gives them, or None where arrays are to say what it holds.

    That is so for many designs, for clips and classes that are swept, and where none is legal.
    """
    axes = [axis(name, values) for name, values in swept.items()]
    if prod(len(one.values) for one in axes) > FEW or any(one.name in SETTING for one in axes):
        return None
    found: dict[tuple[Any, ...], Report] = {}
    refused = 0
    for point in product(*(zip(one.labels, one.values, strict=True) for one in axes)):
        names = {one.name: value for one, (_, value) in zip(axes, point, strict=True)}
        try:
            found[tuple(label for label, _ in point)] = analyze(spec, convention=convention, **fixed, **names)
        except SpecError:
            refused += 1
    return _explored(spec, axes, found, refused)


def _explored(spec: str, axes: Sequence[Axis], found: dict[tuple[Any, ...], Report], refused: int) -> Explored | None:
    stamps = {(report.convention.name, shape(report.clip), report.classes) for report in found.values()}
    if len(stamps) != 1:
        return None
    stamp = dict(zip(("convention", "clip", "classes"), stamps.pop(), strict=True)) | {"views": 1}
    labels = {one.name: [point[i] for point in found] for i, one in enumerate(axes)}
    counts = {metric: [getattr(report, metric) for report in found.values()] for metric in COSTS}
    return Explored({"spec": [spec] * len(found), **labels, **counts}, stamp, refused)
