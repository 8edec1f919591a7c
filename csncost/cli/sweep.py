"""The commands that explore design spaces: sweep."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import click

from csncost.cli.options import ACCURACY, CHUNKED, FILE, LOGGED, drawing, name_options, options_of, reads, spec_argument
from csncost.errors import CsncostError
from csncost.table import FORMATS

BULK = ("netcdf", "parquet", "zarr")
"""Formats beside those of a table, for files only."""


def _ranges(ctx: click.Context, param: click.Parameter, given: tuple[str, ...]) -> dict[str, Any]:
    """NAME=RANGE pairs; one value is fixed, several are swept."""
    from csncost.spaces.ranges import anything

    found = {name: anything(text, f"-p {name}") for name, text in name_options(ctx, param, given).items()}
    return {name: values[0] if len(values) == 1 else values for name, values in found.items()}


def _option(name: str, example: str, text: str, reader: str = "values") -> Callable[[Any], Any]:
    return click.option(name, callback=reads(reader), metavar=example, help=text)


SPACE = options_of(
    _option("--groups", "RANGE", "Numbers of groups, the free name G: 1..64, or 1,2,4,8."),
    _option("--blocks", "RANGE", "Blocks: 8,16 or '[3,4,6,3],[2,2,2,2]'.", "anything"),
    _option("--frames", "RANGE", "Frames of the clip: 8,16,32."),
    _option("--size", "RANGE", "Height and width: 112..256:16, or 112,128x171.", "sizes"),
    _option("--classes", "RANGE", "Outputs of the classifier."),
    _option("--width", "RANGE", "Multipliers of the widths: 0.5,1,2."),
    click.option("-p", "names", multiple=True, callback=_ranges, metavar="NAME=RANGE", help="Any other; repeatable."),
    click.option("--convention", default="paper", metavar="NAME", help="How to count: paper, macs, flops, fvcore, ..."),
)
"""What is varied, and how it is counted."""


@click.command()
@click.argument("specs", nargs=-1, callback=spec_argument, metavar="[SPEC...]")
@SPACE
@ACCURACY
@LOGGED
@drawing("sweep.png", "Draw the designs")
@CHUNKED
@click.option("--format", "form", type=click.Choice((*FORMATS, *BULK)), help="Default: by the file's suffix, or table.")
@FILE
def sweep(
    specs: Any,
    groups: Any,
    blocks: Any,
    logs: Any,
    metric: Any,
    select: Any,
    labels: Any,
    plot: Any,
    chunks: Any,
    scheduler: Any,
    form: Any,
    output: Any,
    names: Any,
    **options: Any,
) -> None:
    """Every combination of values at once, exactly as analyze counts each.

    Without a SPEC, the paper's study: simple and bottleneck networks with 8 and 16 blocks, each with no groups, all
    legal numbers of groups (G), depthwise (D), and depthwise with grouped 1x1x1 (DG). Every row names a spec.

    \b
      csncost sweep --groups 1..64
      csncost sweep --groups 1..64 --frames 8,16,32 -o designs.csv
      csncost sweep --groups 1..64 --accuracy paper --plot figure6and7.pdf
      csncost sweep --groups 1..64 --accuracy paper --plot designs.html
      csncost sweep bottleneck-G-16 --groups 1..64 --size 112..256:16 --width 0.5,1,2 -o space.nc

    A figure shows accuracy against FLOPs and interactions (Figures 6 and 7 of the paper) where accuracies are given,
    and else FLOPs against interactions.

    An accuracy is joined to the designs that are the same network, however they are spelt, at the same clip where the
    log says one; csncost correlate --help says what a LOG is.

    A range a..b has both ends, a..b:step those it meets; ranges and values may be mixed: 1..4,8,16..64:16. Many
    designs, and the space of a SPEC, need the extra arrays.

    The space of a SPEC may be larger than memory (extra dask): millions of designs are written block by block, as
    --chunks and --scheduler say. A .zarr that was interrupted goes on where it was when it is started again.
    """
    from csncost.logs.read import read_arguments
    from csncost.render.designs import draw, emit_designs, form_of, write_blocks
    from csncost.spaces.space import in_chunks
    from csncost.spaces.study import arguments_of, explore, twice_named

    given = {**options, **unlike(names, options, groups if specs else "the study")}
    kind = form_of(form, output)
    whole = "auto" if kind == "zarr" and specs and chunks is None else chunks
    if large := in_chunks(specs, arguments_of(groups, blocks, given), whole, scheduler):
        if logs or plot is not None:
            option = "--plot" if plot is not None else "--accuracy"
            raise CsncostError(f"{option} is for designs in memory", "sweep fewer values, without --chunks")
        if note := write_blocks(large, kind, output, chunks or "auto", scheduler):
            click.echo(note, err=True)
        return
    found = explore(specs, groups, blocks, **given)
    if logs:
        found = found.with_accuracy(read_arguments(logs, select=select, metric=metric, labels=labels))
    for note in filter(None, (*found.notes, twice_named(found))):
        click.echo(note, err=True)
    if plot is not None:
        draw(found, plot)
        click.echo(f"drawn: {plot}", err=True)
    emit_designs(replace(found, notes=()), form, output)


def unlike(names: dict[str, Any], options: dict[str, Any], groups: Any) -> dict[str, Any]:
    """Names that -p gives, none of them an option's; G where the `groups` of a SPEC are not given already."""
    for name in names:
        if name in (*options, "spec", "specs", "groups", "blocks") or (name == "G" and groups is not None):
            hint = "name a SPEC" if name.startswith("spec") else f"use --{'groups' if name == 'G' else name}"
            raise CsncostError(f"-p does not set {name}", hint)
    return names
