"""How fast a front is and an inverse question, as ratios within one run; no test asserts them.

python -m tests.benchmarks.search
"""

from __future__ import annotations

import time
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np

import csncost as cc
from csncost.spaces.query import Query

WIDTHS = [Fraction(k, 64) for k in range(8, 136)]


def least(function: Callable[[], Any], runs: int = 3) -> tuple[float, Any]:
    """The least time of a call in seconds, and what it gives."""
    times = []
    for _ in range(runs):
        started = time.perf_counter()
        found = function()
        times.append(time.perf_counter() - started)
    return min(times), found


def main() -> None:
    """Sweep a million designs, then take fronts of them."""
    swept, space = least(
        lambda: cc.sweep("bottleneck-D-16", width=WIDTHS, frames=list(range(4, 68)), size=list(range(64, 314, 2)))
    )
    print(f"sweep of {space.valid.size:,} designs{swept:38.2f} s")
    for minimize, maximize in ((("flops",), ("interactions",)), (("flops", "params"), ("interactions",)),
                               (("flops", "params", "activations", "depth"), ("interactions",))):  # fmt: skip
        taken, front = least(lambda least=minimize, most=maximize: cc.pareto(space, minimize=least, maximize=most))
        print(
            f"front by {len(minimize + maximize)} objectives, {len(front):6,} designs on it{taken:22.2f} s   "
            f"{taken / swept:.2f} x the sweep"
        )
    rng = np.random.default_rng(0)
    for objectives in (2, 3, 4, 5):
        columns = {str(i): rng.integers(2**53, 2**62, 10**6) for i in range(objectives)}
        taken, chosen = least(lambda columns=columns: Query(tuple(columns)).select(columns))
        print(
            f"front of 10^6 random designs by {objectives}, {len(chosen):6,} on it{taken:17.2f} s   "
            f"{taken / swept:.2f} x the sweep"
        )
    cost, _ = least(lambda: cc.analyze("bottleneck-D-16", width=0.5).flops, 20)
    taken, _ = least(lambda: cc.solve("bottleneck-D-16", "width", flops=5e9))
    print(f"width for 5 GFLOPs{taken:51.2f} s   {taken / cost:.0f} x one analyze")


if __name__ == "__main__":
    main()
