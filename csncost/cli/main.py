"""The command line: options in, a library call, output out. No logic lives here."""

from __future__ import annotations

import errno
import io
import os
import sys
from collections.abc import Callable, Sequence
from typing import Any

import click

from csncost.cli.curves import curves
from csncost.cli.logs import correlate
from csncost.cli.options import CLIP, FILE, GIVEN, INPUT, OUTPUT, PLOT, SETTING, VIEWS, arguments, read, spec_argument
from csncost.cli.search import search
from csncost.cli.sweep import sweep
from csncost.cli.torch import export, trace, verify
from csncost.cli.zoo import reproduce
from csncost.costs.report import Report
from csncost.costs.rows import LEVELS
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


def _plot(reports: Sequence[Report], path: str) -> None:
    from csncost.render.figures.style import check_suffix
    from csncost.render.plots import save, stage_bars

    check_suffix(path)
    save(stage_bars(reports), path)
    click.echo(f"drawn: {path}", err=True)


@main.command()
@click.argument("spec", callback=spec_argument)
@CLIP
@VIEWS
@click.option("--by", type=click.Choice(LEVELS), default=None, help="Rows: stage for people, layer for JSON and CSV.")
@PLOT
@OUTPUT
def analyze(spec: Any, by: Any, plot: Any, form: Any, output: Any, **options: Any) -> None:
    """What a network costs, and where."""
    from csncost.costs.analyze import analyze as run
    from csncost.render.output import emit

    report = run(spec, **arguments(options))
    if plot is not None:
        _plot([report], plot)
    shown = report.by(by or ("layer" if form in ("json", "csv") else "stage"))
    emit([shown.table()], shown.to_dict, form, output)


@main.command()
@click.argument("specs", nargs=-1, required=True, callback=spec_argument, metavar="SPEC SPEC...")
@CLIP
@VIEWS
@click.option("--by", type=click.Choice(LEVELS), default="stage", help="What is aligned.")
@PLOT
@OUTPUT
def compare(specs: Any, by: Any, plot: Any, form: Any, output: Any, **options: Any) -> None:
    """Networks side by side, ratios to the first."""
    from csncost.costs.compare import compare as run
    from csncost.render.output import emit

    given = arguments(options)
    found = run(*specs, by=by, **given)
    if plot is not None:
        _plot(run(*specs, by="stage", **given).reports, plot)
    emit([found.table()], found.to_dict, form, output)


@main.command()
@click.argument("spec", metavar="SPEC|TARGET")
@click.option("--from", "from_", default="paper", metavar="NAME", help="The convention to start from.")
@click.option("--to", default="fvcore", metavar="NAME", help="The one to end at: a tool, paper, macs, flops, ...")
@INPUT
@SETTING
@GIVEN
@VIEWS
@OUTPUT
def explain(spec: str, from_: str, to: str, inputs: Any, form: Any, output: Any, **options: Any) -> None:
    """Why two tools disagree: the difference of their FLOPs in lines that add up.

    With --input, of a PyTorch model, a TARGET as of trace.

    \b
      csncost explain ir-CSN-50 --to fvcore
      csncost explain ir-CSN-50 --from ptflops --to thop
      csncost explain torchvision.models:resnet50 --input 1x3x224x224 --to thop
    """
    from csncost.costs.explain import explain as run
    from csncost.render.output import emit

    if inputs:
        from csncost.pytorch.target import trace_target

        given = arguments(options)
        views = given.pop("views")
        if any(value is not None for value in given.values()):
            raise CsncostError("--input is for a PyTorch model, and the other options for a spec", "give one kind")
        found = run(trace_target(spec, inputs, views=views), from_, to)
    else:
        found = run(read(spec), from_, to, **arguments(options))
    emit([found.table()], found.to_dict, form, output)


@main.command()
@click.argument("spec", callback=spec_argument)
@CLIP
@click.option(
    "--free", multiple=True, metavar="NAME", help="Keep a parameter that has a default as a symbol; repeatable."
)
@click.option("--by", type=click.Choice(("stage", "total")), default="stage", help="A line for each stage, or one sum.")
@click.option(
    "--format", "form", type=click.Choice(("text", "latex", "python", "json")), default="text", help="Output format."
)
@FILE
def formula(spec: Any, by: str, form: str, output: Any, **options: Any) -> None:
    """Closed forms in T, H, W and every free name."""
    import json

    from csncost.costs.formula import formula as run
    from csncost.render.output import emit_text

    found = run(spec, **arguments(options))
    texts: dict[str, Callable[[], str]] = {
        "text": lambda: found.to_text(by),
        "latex": lambda: found.to_latex(by),
        "python": found.to_python,
        "json": lambda: json.dumps(found.to_dict(), indent=2) + "\n",
    }
    emit_text(texts[form](), output)


@main.command()
@click.argument("spec", callback=spec_argument)
@GIVEN
@FILE
def show(spec: Any, output: Any, **options: Any) -> None:
    """The network written out, itself a spec."""
    from csncost.costs.analyze import show as run
    from csncost.render.output import emit_text

    emit_text(run(spec, **arguments(options)), output)


@main.command("list")
@OUTPUT
def list_(form: Any, output: Any) -> None:
    """Every named network, with what is known of it."""
    from csncost.render.output import emit
    from csncost.zoo.listing import families, listing

    table = listing()
    emit([table], lambda: {"families": families(), **table.stamp, "networks": list(table.rows)}, form, output)


@main.command()
def language() -> None:
    """The reference of the spec language."""
    from csncost.costs.analyze import REFERENCE
    from csncost.render.output import emit_text

    emit_text(REFERENCE.read_text("utf-8"), None)


for command in (trace, verify, export, correlate, curves, sweep, search, reproduce):
    main.add_command(command)
