"""The designs of the paper's section 4.4: simple and bottleneck blocks, grouped or depthwise (G, D, DG)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

Family: TypeAlias = Literal["simple", "bottleneck"]
Kind: TypeAlias = Literal["none", "G", "D", "DG"]


@dataclass(frozen=True, slots=True)
class Design:
    """A design and its cost: params, FLOPs (multiply-adds), interactions (pairs), activations (elements).

    `groups` is the number of groups of a G or DG design, 1 of others.
    """

    spec: str
    family: Family
    blocks: int
    kind: Kind
    groups: int
    params: int
    flops: int
    interactions: int
    activations: int

    @property
    def step(self) -> tuple[int, int]:
        """Where the design stands on the curve of Figure 6, from the base over G and D to DG."""
        return ("none", "G", "D", "DG").index(self.kind), self.groups
