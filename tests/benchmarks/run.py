"""How fast it is, as ratios within one run and times on this machine; no test asserts them.

    python tests/benchmarks/run.py

Start-up is measured on whole processes, alternating with the yardstick so that a drifting machine does not matter.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import csncost as cc
from csncost.costs.analyze import _met
from csncost.costs.conventions.named import convention
from csncost.costs.count import tally
from csncost.lang.catalogue import offers
from csncost.lang.expand import expand
from csncost.lang.library import package
from csncost.lang.lower.stages import lower

CSNCOST = str(Path(sys.executable).parent / "csncost")
YARDSTICK = [sys.executable, "-c", "import click, rich.table, rich.console"]


def whole(command: list[str]) -> float:
    started = time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - started


def alternating(a: list[str], b: list[str], runs: int = 15) -> tuple[float, float, float]:
    whole(a), whole(b)
    pairs = [(whole(a), whole(b)) for _ in range(runs)]
    return (
        statistics.median(x for x, _ in pairs),
        statistics.median(y for _, y in pairs),
        statistics.median(x / y for x, y in pairs),
    )


def each(function: Callable[[], object], seconds: float = 1.0) -> float:
    """Median time of one call, in milliseconds."""
    times = []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(times) < 5:
        started = time.perf_counter()
        function()
        times.append(time.perf_counter() - started)
    return 1000 * statistics.median(times)


def main() -> None:
    for args in (["analyze", "bottleneck-D-16"], ["analyze", "bottleneck-D-16", "--format", "json"]):
        ours, yardstick, ratio = alternating([CSNCOST, *args], YARDSTICK)
        print(
            f"csncost {' '.join(args):<44} {1000 * ours:6.0f} ms   "
            f"{ratio:.2f} x importing click and rich ({1000 * yardstick:.0f} ms)   at most 3"
        )

    def cold() -> object:
        package.cache_clear()
        offers.cache_clear()
        return expand(cc.parse("ir-CSN-152"))

    def first(rows: bool) -> object:
        _met.cache_clear()
        report = cc.analyze("ir-CSN-152")
        return report.rows if rows else report.flops

    paper = convention("paper")
    written = expand(cc.parse("ir-CSN-152"))
    network = lower(written)
    print(f"{'ir-CSN-152, totals alone':<52} {each(lambda: cc.analyze('ir-CSN-152').flops):6.2f} ms   at most 1")
    print(f"{'ir-CSN-152, every layer':<52} {each(lambda: cc.analyze('ir-CSN-152').rows):6.2f} ms   at most 5")
    print(f"{'    totals, the name met for the first time':<52} {each(lambda: first(False)):6.2f} ms")
    print(f"{'    every layer, the name met for the first time':<52} {each(lambda: first(True)):6.2f} ms")
    print(f"{'    lowering':<52} {each(lambda: lower(written)):6.2f} ms")
    print(f"{'    counting':<52} {each(lambda: tally(network.graph, paper)):6.2f} ms")
    print(f"{'    reading the definitions, once a process':<52} {each(cold):6.2f} ms")
    text = each(lambda: cc.analyze("ir-CSN-152", convention="everything").to_json())
    print(f"{'ir-CSN-152, every operation, written out as text':<52} {text:6.2f} ms")

    layers = {n: "input 3x8x64x64\n" + "".join(f"c{i} 3x3x3, 4\n" for i in range(n)) for n in (1000, 2000, 4000, 8000)}
    times = {n: each(lambda text=text: expand(cc.parse(text)), 0.5) for n, text in layers.items()}  # type: ignore[misc]
    grown = ", ".join(f"{n}: {1000 * ms / n:.0f} us" for n, ms in times.items())
    print(f"{'reading a text, by the number of its lines':<52} {grown} a line")


if __name__ == "__main__":
    main()
