"""The front of a space larger than memory: how long it takes, and how much memory at its peak.

    python -m tests.benchmarks.scale [DESIGNS] [--top] [--scheduler ADDRESS]

Every design of the space is legal, so that none is left out cheaply.
"""

import argparse
import resource
import time
from math import prod

from rich.console import Console

from csncost.render.output import progress_bar
from csncost.spaces.counting.space import space_of
from csncost.spaces.query import Query
from csncost.spaces.reduction import best_of

FRONT = Query()
TOP = Query(maximize=("interactions",), bounds=(("flops", None, 10**10),), top=10)


def space(designs):
    """Depthwise bottlenecks: 64 widths, 100 numbers of frames, 625 sizes, and as many classifiers as it takes."""
    values = {"width": [i / 8 for i in range(1, 65)], "frames": range(1, 101), "size": range(32, 657)}
    inner = prod(map(len, values.values()))
    return space_of("bottleneck-D-16", "paper", {**values, "classes": range(1, max(1, designs // inner) + 1)})


def main():
    """Reduce the space once, and say what that took."""
    parser = argparse.ArgumentParser()
    parser.add_argument("designs", nargs="?", type=int, default=10**8)
    parser.add_argument("--top", action="store_true")
    parser.add_argument("--scheduler")
    given = parser.parse_args()
    found = space(given.designs)
    start = time.perf_counter()
    with progress_bar("designs") as advance:
        best = best_of(found, TOP if given.top else FRONT, scheduler=given.scheduler, advance=advance)
    took = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    designs = prod(found.shape)
    Console().print(
        f"{designs:,} designs in {took:.1f} s ({designs / took:.3g}/s), {len(best)} best, peak {peak:.2f} GiB"
    )


if __name__ == "__main__":
    main()
