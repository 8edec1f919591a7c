"""The command that explores design spaces: sweep."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from csncost.cli.options import (
    ACCURACY,
    CHUNKED,
    DESIGNS,
    LOGGED,
    SPEC,
    Read,
    arguments,
    drawing,
    log_in,
    name_range,
    options_of,
    pairs,
    tell,
)
from csncost.errors import CsncostError
from csncost.spaces import ranges

if TYPE_CHECKING:
    from csncost.spaces.designs import Designs


def _option(name: str, text: str, reader: Callable[[str, str], Any] = ranges.values) -> Callable[[Any], Any]:
    return click.option(name, type=Read(reader), metavar="RANGE", help=text)


SPACE = options_of(
    _option("--groups", "Numbers of groups, the free name G: 1..64, or 1,2,4,8."),
    _option("--blocks", "Blocks: 8,16 or '[3,4,6,3],[2,2,2,2]'.", ranges.anything),
    _option("--frames", "Frames of the clip: 8,16,32."),
    _option("--size", "Height and width: 112..256:16, or 112,128x171.", ranges.sizes),
    _option("--classes", "Outputs of the classifier."),
    _option("--width", "Multipliers of the widths: 0.5,1,2."),
    pairs("-p", "names", reader=name_range, metavar="NAME=RANGE", text="Any other"),
    click.option("--convention", default="paper", metavar="NAME", help="How to count: paper, macs, flops, fvcore, ..."),
)
"""The values that are varied, and the convention."""


@click.command()
@click.argument("specs", nargs=-1, type=SPEC, metavar="[SPEC...]")
@SPACE
@ACCURACY
@LOGGED
@drawing("sweep.png", "Draw the designs")
@CHUNKED
@DESIGNS
def sweep(specs: Any, plot: Any, form: Any, output: Any, **options: Any) -> None:
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
    from csncost.render.designs import form_of, write_chunks
    from csncost.spaces.counting.space import in_chunks
    from csncost.spaces.study import arguments_of, explore

    log = log_in(options)
    chunks, scheduler = options.pop("chunks"), options.pop("scheduler")
    given = varied(specs, options)
    groups, blocks = given.pop("groups"), given.pop("blocks")
    kind = form_of(form, output)
    whole = "auto" if kind == "zarr" and specs and chunks is None else chunks
    large = in_chunks(specs, arguments_of(groups, blocks, given), whole, scheduler)
    if large is None:
        _emit(explore(specs, groups, blocks, **given), log, plot, form, output)
    elif log is not None or plot is not None:
        option = "--plot" if plot is not None else "--accuracy"
        raise CsncostError(f"{option} is for designs in memory", "sweep fewer values, without --chunks")
    elif note := write_chunks(large, kind, output, chunks or "auto", scheduler):
        tell(note)


def _emit(found: Designs, log: Any, plot: Any, form: Any, output: Any) -> None:
    """Write designs, with their accuracies and a figure where these are asked for."""
    from csncost.render.designs import draw, emit_designs
    from csncost.spaces.study import twice_named

    if log is not None:
        found = found.with_accuracy(log)
    for note in filter(None, (*found.notes, twice_named(found))):
        tell(note)
    if plot is not None:
        draw(found, plot)
        tell(f"drawn: {plot}")
    emit_designs(replace(found, notes=()), form, output)


def varied(specs: Any, options: dict[str, Any]) -> dict[str, Any]:
    """The arguments of a space; G is what --groups varies, and what the paper's study does."""
    return arguments(options, () if specs and options["groups"] is None else ("G",))
