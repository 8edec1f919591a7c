"""The commands that count networks: analyze, compare, explain, formula, show."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import click

import csncost as cc
from csncost.cli.options import CLIP, FILE, GIVEN, INPUT, OUTPUT, PLOT, SETTING, SPEC, VIEWS, arguments, read_spec, tell
from csncost.costs.report import Report
from csncost.costs.rows import LEVELS
from csncost.errors import CsncostError
from csncost.render.output import emit_result, emit_text


def level_for(by: Any, form: str) -> Any:
    """The level that is asked for: by default stages for people, layers for machines."""
    return by or ("layer" if form in ("json", "csv") else "stage")


def _plot(reports: Sequence[Report], path: str) -> None:
    from csncost.render.figures.sheet import check_suffix

    check_suffix(path)
    cc.plot.save(cc.plot.stage_bars(reports), path)
    tell(f"drawn: {path}")


@click.command()
@click.argument("spec", type=SPEC)
@CLIP
@VIEWS
@click.option("--by", type=click.Choice(LEVELS), default=None, help="Rows: stage for people, layer for JSON and CSV.")
@PLOT
@OUTPUT
def analyze(spec: Any, by: Any, plot: Any, form: Any, output: Any, **options: Any) -> None:
    """What a network costs, and where."""
    report = cc.analyze(spec, **arguments(options))
    if plot is not None:
        _plot([report], plot)
    emit_result(report.by(level_for(by, form)), form, output)


@click.command()
@click.argument("specs", nargs=-1, required=True, type=SPEC, metavar="SPEC SPEC...")
@CLIP
@VIEWS
@click.option("--by", type=click.Choice(LEVELS), default="stage", help="What is aligned.")
@PLOT
@OUTPUT
def compare(specs: Any, by: Any, plot: Any, form: Any, output: Any, **options: Any) -> None:
    """Networks side by side, ratios to the first."""
    given = arguments(options)
    found = cc.compare(*specs, by=by, **given)
    if plot is not None:
        _plot(cc.compare(*specs, by="stage", **given).reports, plot)
    emit_result(found, form, output)


@click.command()
@click.argument("text", metavar="SPEC|TARGET")
@click.option("--from", "from_", default="paper", metavar="NAME", help="The convention to start from.")
@click.option("--to", default="fvcore", metavar="NAME", help="The one to end at: a tool, paper, macs, flops, ...")
@INPUT
@SETTING
@GIVEN
@VIEWS
@OUTPUT
def explain(text: str, from_: str, to: str, inputs: Any, form: Any, output: Any, **options: Any) -> None:
    """Why two tools disagree: the difference of their FLOPs in lines that add up.

    With --input, of a PyTorch model, a TARGET as of trace.

    \b
      csncost explain ir-CSN-50 --to fvcore
      csncost explain ir-CSN-50 --from ptflops --to thop
      csncost explain torchvision.models:resnet50 --input 1x3x224x224 --to thop
    """
    if inputs:
        from csncost.pytorch.target import trace_target

        given = arguments(options)
        views = given.pop("views")
        if any(value is not None for value in given.values()):
            raise CsncostError("--input is for a PyTorch model, and the other options for a spec", "give one kind")
        found = cc.explain(trace_target(text, inputs, views=views), from_, to)
    else:
        found = cc.explain(read_spec(text), from_, to, **arguments(options))
    emit_result(found, form, output)


@click.command()
@click.argument("spec", type=SPEC)
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
    found = cc.formula(spec, **arguments(options))
    texts: dict[str, Callable[[], str]] = {
        "text": lambda: found.to_text(by),
        "latex": lambda: found.to_latex(by),
        "python": found.to_python,
        "json": lambda: json.dumps(found.to_dict(), indent=2) + "\n",
    }
    emit_text(texts[form](), output)


@click.command()
@click.argument("spec", type=SPEC)
@GIVEN
@FILE
def show(spec: Any, output: Any, **options: Any) -> None:
    """The network written out, itself a spec."""
    emit_text(cc.show(spec, **arguments(options)), output)
