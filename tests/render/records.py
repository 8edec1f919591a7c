"""Designs of the study that tests choose, as records and as `study` gives them."""

from typing import NamedTuple

import csncost as cc
from csncost.spaces.designs import Designs


class Design(NamedTuple):
    """A design of the study, as tests look at it."""

    spec: str
    family: str
    blocks: int
    kind: str
    groups: int
    params: int
    flops: int
    interactions: int
    activations: int


def design(spec, family, blocks, kind, groups=1):
    report = cc.analyze(spec)
    counts = report.params, report.flops, report.interactions, report.activations
    return Design(spec, family, blocks, kind, groups, *counts)


def designs_of(records):
    """Records as `study` gives them."""
    specs, *columns = zip(*records, strict=True)
    return Designs(specs, dict(zip(Design._fields[1:], columns, strict=True)), cc.analyze("simple-8").stamp())
