"""The command line: options in, a library call, output out. No logic lives here."""

from __future__ import annotations

import errno
import io
import os
import sys
from typing import Any

import click

from csncost.cli.analyze import analyze, compare, explain, formula, show
from csncost.cli.logs import correlate, curves
from csncost.cli.search import search
from csncost.cli.sweep import sweep
from csncost.cli.torch import export, trace, verify
from csncost.cli.zoo import language, list_, reproduce
from csncost.errors import CsncostError, NoAnswer


class _Group(click.Group):
    """Turns every fault of the caller into one clear message and exit code 2."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            result = super().invoke(ctx)
            if sys.stdout is not None:
                sys.stdout.flush()  # what cannot be written is told here, not while the interpreter shuts down
            return result
        except CsncostError as error:
            _complain(str(error))
            ctx.exit(1 if isinstance(error, NoAnswer) else 2)
        except OSError as error:
            if error.errno == errno.EPIPE:  # click knows what to do when a reader has gone
                raise
            _complain(f"cannot write: {error.strerror}")
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # drop what is still in the buffer
            ctx.exit(1)


def _complain(text: str) -> None:
    click.echo(click.style("error: ", fg="red", bold=True) + text, err=True)


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="csncost", message="%(prog)s %(version)s")
def main() -> None:
    """What convolutional networks cost: parameters, FLOPs and channel interactions, exact.

    A SPEC is a name (bottleneck-D-16, ir-CSN-152@32x256, bottleneck-G-16 with -p G=4), a .csn file, a network written
    out, or - for standard input.

    \b
      csncost analyze bottleneck-D-16         where the cost sits
      csncost compare ResNet3D-50 ir-CSN-50   how much cheaper, and where
      csncost explain ir-CSN-50 --to fvcore   why two counters disagree
      csncost formula bottleneck-G-16         closed forms in G, T, H, W
      csncost show ir-CSN-50 > mine.csn       written out, to edit
      csncost trace mine.py:Net --input 1x3x32x224x224
                                              what any PyTorch model costs
      csncost verify ir-CSN-50                what is written is what runs
      csncost export ir-CSN-50 -o ir.onnx     a file that other programs run
      csncost sweep --groups 1..64            a design space at once
      csncost search --max-flops 10G          what to build
      csncost reproduce all                   the paper's tables and figures, ours beside
      csncost correlate paper                 does accuracy go with cost
      csncost curves a.csv=ir-CSN-50 --plot   how errors fall in training
      csncost language                        how networks are written
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal that lacks a character shows ? instead of failing


for command in (
    *(analyze, compare, explain, formula, show, list_, language, trace, verify, export),
    *(correlate, curves, sweep, search, reproduce),
):
    main.add_command(command)
