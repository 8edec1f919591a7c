"""How long the first figure takes, against importing the libraries that others draw with: a ratio, run in turns.

    python -m tests.benchmarks.first_look [TURNS]

Each turn starts two interpreters, one after the other; the medians are compared. At most 2 is asked for.
"""

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

IMPORTS = "import pandas, xarray, matplotlib.pyplot"
MOST = 2.0


def seconds(command):
    start = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - start


def main(turns=9):
    with tempfile.TemporaryDirectory() as folder:
        plot = str(Path(folder) / "out.png")
        sweep = f"from csncost.cli.main import main\nmain(['sweep', '--groups', '1..64', '--plot', {plot!r}])"
        commands = [[sys.executable, "-c", code] for code in (sweep, IMPORTS)]
        for command in commands:  # files come into the cache of the system
            seconds(command)
        runs = [[seconds(command) for command in commands] for _ in range(turns)]
        ours, imports = (statistics.median(times) for times in zip(*runs, strict=True))
    ratio = ours / imports
    print(f"first look {ours:.2f} s, imports {imports:.2f} s, ratio {ratio:.2f} (at most {MOST})")
    return ratio <= MOST


if __name__ == "__main__":
    sys.exit(not main(*map(int, sys.argv[1:])))
