"""How fast tracing is, as ratios within one run; no test asserts them.

python -m tests.benchmarks.tracing
"""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Callable
from statistics import median

import torch
from torch.utils.flop_counter import FlopCounterMode

import csncost as cc
from tests.benchmarks.run import CSNCOST, alternating

CLIP = (1, 3, 32, 224, 224)


def seconds(function: Callable[[], object], runs: int = 7) -> float:
    """Median time of one call, the first left out."""
    function()
    times = []
    for _ in range(runs):
        started = time.perf_counter()
        function()
        times.append(time.perf_counter() - started)
    return median(times)


def main() -> None:
    module = cc.build("ir-CSN-152", device="meta", initialise=False).eval()
    clip = torch.empty(CLIP, device="meta")

    def counted() -> None:
        with FlopCounterMode(display=False):
            module(clip)

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    ours = seconds(lambda: cc.trace(module, CLIP))
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    theirs = seconds(counted)
    plain = seconds(lambda: module(clip))
    activations = cc.analyze("ir-CSN-152@32x224", convention="everything").activations
    print(
        f"ir-CSN-152 at 32x224x224, on one meta module{'':<9} trace {1000 * ours:.0f} ms, "
        f"FlopCounterMode {1000 * theirs:.0f} ms"
    )
    print(f"{'':<53} {ours / theirs:.3f} of FlopCounterMode's time   at most 0.2")
    print(f"{'':<53} {ours / plain:.3f} of a bare forward pass on meta ({1000 * plain:.0f} ms)")
    print(
        f"memory while tracing grew by {grown / 1024:.1f} MB; its activations would be {4 * activations / 1e9:.1f} GB"
    )
    for args in (
        ["trace", "torch.nn:Conv3d(3, 64, 7)", "--input", "1x3x32x224x224"],
        ["verify", "ir-CSN-152@32x224", "--no-fvcore"],
    ):
        run, importing, ratio = alternating([CSNCOST, *args], [sys.executable, "-c", "import torch"], runs=5)
        print(
            f"csncost {' '.join(args):<45} {1000 * run:.0f} ms   "
            f"{ratio:.2f} x importing torch ({1000 * importing:.0f} ms)"
        )


if __name__ == "__main__":
    main()
