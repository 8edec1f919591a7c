"""Throws random and mutated texts at the language; nothing but SpecError may come out.

python -m tests.fuzz 1000000      a long run, with progress; exit 1 at the first other exception
python -m tests.fuzz 50000 0      the texts of one seed, the same each time
"""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Callable

import csncost as cc
from csncost.costs.analyze import resolve
from csncost.lang.canonical import canonical
from csncost.lang.catalogue import ZOO
from csncost.lang.lower.stages import lower

SEEDS = [
    "bottleneck-D-16", "bottleneck-G-16", "ir-CSN-152@32x256", "simple-G4-8(width=0.5, classes=487)",
    "bottleneck-D-[3,4,6,3]",
    "input 3 x T x S x S\nconv1 3x7x7, 64 / 1x2x2\npool1 max 1x3x3, ceil / 1x2x2\n"
    "conv2 [1x1x1, 64; 3x3x3, depthwise / 2; 1x1x1, 256] x 3\nfc 400",
    "input 2x4x9x9; a [3x3x3, 4*w; 3x3x3, 8, groups=G, act=silu] x n, shortcut=[avg 2 / 2; 1x1x1, 8], "
    "[1x1x1, 8] x 2, shortcut=none; z avg; fc 5, bias=no",
    "w = 2\nblock b(c, s) [1x1x1, c*w; 3x3x3, depthwise, pad=same / s]\ninput 3x4x8x8\na b(4, 2) x 2\nfc floor(10*w/3)",
    "from resnet3d import resnet3d, bottleneck\nblock b(i, s) [3x3x3, widths[i] / s]\nalias many = n\n"
    "network a-{n=2} = resnet3d(block=b, blocks=[n,n,n,n])\na-3@8x64(block=bottleneck)",
    *[path.read_text("utf-8") for path in ZOO.glob("*.csn")],
]  # fmt: skip
PIECES = [
    *"abcxGTHW0123456789-+*/%()[]{},;:=@. \n\t#_\0\u00e9\u2013\u00d7\u221e\ud7ff",
    "3x3x3", " x ", "depthwise", "groups=", "input ", "conv2 ", "fc ",
    "bottleneck-", "simple-", "-D", "-G", "@8x224", "(width=2)", "case ", "of {", "else: ",
    "block ", "from ", "import ", "alias ", "template t\n",
    "end", "network ", "max ", "avg",
    "shortcut=", "none", "optional", "ceil", "pad=same", "99999999999", "0.5", "//",
    "floor(", "999999999", "blocks", "[1,1,1,1]",
]  # fmt: skip


def _random(rng: random.Random) -> str:
    return "".join(rng.choice(PIECES) for _ in range(rng.randrange(1, 25)))


def _mutated(rng: random.Random) -> str:
    text = rng.choice(SEEDS)
    if len(text) > 600:
        at = rng.randrange(len(text) - 300)
        text = text[at : at + 300]
    for _ in range(rng.randrange(1, 6)):
        at, end = sorted((rng.randrange(len(text) + 1), rng.randrange(len(text) + 1)))
        action = rng.randrange(4)
        if action == 0:
            text = text[:at] + rng.choice(PIECES) + text[at:]
        elif action == 1:
            text = text[:at] + text[min(end, at + 8) :]
        elif action == 2:
            text = text[:at] + text[at:end][:40] + text[at:]
        else:
            other = rng.choice(SEEDS)
            text = text[:at] + other[: rng.randrange(30)] + text[at:]
    return text


def mutated(count: int, seed: int = 0, report: Callable[[int], None] = lambda done: None) -> int:
    """Try so many texts; return how many were tried. Raises AssertionError with the text that broke something."""
    rng = random.Random(seed)
    for done in range(count):
        text = _random(rng) if rng.random() < 0.3 else _mutated(rng)
        try:
            written = resolve(text, {}, {})
            canonical(written)
            lower(written, dict.fromkeys(written.free_names(), 2))
        except cc.SpecError as error:
            str(error)
        except Exception as error:
            raise AssertionError(f"{type(error).__name__} from {text!r}") from error
        if done % 10_000 == 0:
            report(done)
    return count


if __name__ == "__main__":
    total = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    started = time.time()
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else int(started)
    mutated(
        total,
        seed=seed,
        report=lambda done: print(f"{done:,} of {total:,} ({time.time() - started:.0f} s)", file=sys.stderr),
    )
    print(
        f"{total:,} texts of seed {seed} raised nothing but SpecError, {total / (time.time() - started):,.0f} a second"
    )
