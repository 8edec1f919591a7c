"""A sweep of ten million designs beside a NumPy outer sum over as many elements, and the memory that each takes.

    python -m tests.benchmarks.sweep

Each runs in a process of its own, so that the peak of one is not that of the other.
"""

import multiprocessing
import resource
import time

import numpy as np

import csncost as cc

LENGTHS = {"width": 25, "frames": 40, "size": 100, "classes": 100}
METRICS = ("params", "flops", "interactions", "activations")


def outer_sum():
    """One sum for each element: of four vectors, broadcast against each other."""
    first, *others = (np.arange(length, dtype=np.int64) for length in LENGTHS.values())
    total = first
    for other in others:
        total = np.add.outer(total, other)
    return total.nbytes


def sweep():
    """Every cost of every design, and its extremes: all four metrics reduced."""
    space = cc.sweep(
        "bottleneck-D-16", width=[i / 8 for i in range(1, 26)], frames=list(range(1, 41)),
        size=list(range(32, 132)), classes=list(range(1, 101)),
    )  # fmt: skip
    for metric in METRICS:
        assert int(space[metric].min()) < int(space[metric].max())
    return space.nbytes


def measured(function, answer):
    """Seconds of the best of three calls, bytes of the result, and bytes by which the process grew at its peak."""
    function()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    times = []
    for _ in range(3):
        started = time.perf_counter()
        result = function()
        times.append(time.perf_counter() - started)
    answer.put((min(times), result, 1024 * before))


def alone(function):
    """What `measured` gives, in a fresh process."""
    answer = multiprocessing.get_context("spawn").SimpleQueue()
    process = multiprocessing.get_context("spawn").Process(target=measured, args=(function, answer))
    process.start()
    found = answer.get()
    process.join()
    return found


def idle():
    """Nothing, in a process with everything imported that the other two need."""
    cc.sweep("bottleneck-D-16", width=[0.5, 1], frames=[8, 16]).load()
    return 0


def main():
    """Time both, and compare."""
    elements = np.prod(list(LENGTHS.values()))
    plain, _, _ = alone(outer_sum)
    swept, result, peak = alone(sweep)
    _, _, base = alone(idle)
    print(f"NumPy outer sum of {elements:,} elements {plain:.3f} s")
    print(f"sweep, four metrics reduced {swept:.2f} s, {plain / swept:.3f} of its rate   at least 0.067")
    print(f"memory {(peak - base) / result:.2f} x the result of {result / 2**20:.0f} MiB   at most 3")


if __name__ == "__main__":
    main()
