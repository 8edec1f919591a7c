"""Draws docs/analyze.svg, the README's picture, from what the tool prints: `python docs/picture.py`."""

import io
import re
from pathlib import Path

from rich.console import Console

import csncost as cc
from csncost.render.terminal import print_to

console = Console(record=True, width=80, file=io.StringIO())
console.print("[bold green]$[/] csncost analyze bottleneck-D-16", highlight=False)
print_to(console, cc.analyze("bottleneck-D-16").by("stage").table())
console.print("\n[bold green]$[/] csncost analyze bottleneck-G3-16", highlight=False)
try:
    cc.analyze("bottleneck-G3-16")
except cc.SpecError as error:
    console.print("[bold red]error:[/] ", end="")
    console.print(str(error), markup=False, highlight=False)
svg = console.export_svg(title="csncost", unique_id="csncost")
svg = re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)  # no font from elsewhere
svg = svg.replace("Fira Code", "ui-monospace, Menlo, Consolas, DejaVu Sans Mono")
(Path(__file__).parent / "analyze.svg").write_text(svg, "utf-8")
