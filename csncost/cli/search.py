"""The command that says what to build: search."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import click

from csncost.cli.options import ACCURACY, CHUNKED, DESIGNS, LOGGED, SPEC, Read, log_in, options_of, tell
from csncost.cli.sweep import SPACE, varied
from csncost.costs.metrics import METRICS, counted
from csncost.errors import CsncostError
from csncost.lang.catalogue import example
from csncost.render.output import progress_bar
from csncost.spaces import ranges

GOALS = ("minimize", "maximize", "top", "chunks", "scheduler")

BUDGETS = (*METRICS, "accuracy")


def _limit(side: str, name: str) -> Callable[[Any], Any]:
    reader, example = (ranges.percentage, "PERCENT") if name == "accuracy" else (ranges.count, "N")
    first = side == "max" and name == BUDGETS[0]
    text = "Budgets, for instance 10G, 1.5M or 20_000." if first else None
    return click.option(f"--{side}-{name}", type=Read(reader), metavar=example, help=text)


def _names(better: str) -> str:
    """The metrics of which less, or more, is better: the objectives of a search first."""
    found = [metric for metric in METRICS.values() if metric.better == better]
    return ", ".join(metric.key for metric in sorted(found, key=lambda metric: metric.objective or len(METRICS)))


LIMITS = options_of(*(_limit(side, name) for name in BUDGETS for side in ("max", "min")))
TARGETS = options_of(
    *(click.option(f"--{name}", f"target_{name}", type=Read(ranges.count), metavar="N") for name in counted()),
    click.option(
        "--within",
        default="1%",
        type=Read(ranges.share),
        metavar="SHARE",
        help="How near to a target: --flops 5G --within 1%.",
    ),
    click.option(
        "--solve", metavar="NAME", help="What to choose to meet a target: width, frames, size, G, blocks, ..."
    ),
)
OBJECTIVES = options_of(
    click.option("--minimize", multiple=True, metavar="METRIC", help=f"{_names('less')}; repeatable."),
    click.option("--maximize", multiple=True, metavar="METRIC", help=f"{_names('more')}, accuracy; repeatable."),
    click.option("--top", type=int, metavar="K", help="How many by one objective (default: 10)."),
)


@click.command()
@click.argument("specs", nargs=-1, type=SPEC, metavar="[SPEC...]")
@SPACE
@LIMITS
@TARGETS
@OBJECTIVES
@ACCURACY
@LOGGED
@CHUNKED
@DESIGNS
def search(specs: Any, form: Any, output: Any, **options: Any) -> None:
    """What to build: the best designs under budgets, each a spec.

    Of the designs that sweep would list, those that keep the budgets; of these the best by one objective, or the front
    by several, which no other design betters. Without an objective: least FLOPs and params against most interactions.

    \b
      csncost search --max-flops 10G --max-params 20M --maximize interactions
      csncost search --accuracy paper --minimize flops --maximize accuracy
      csncost search bottleneck-G-16 --groups 1..64 --width 0.5,1,2 --max-params 5M
      csncost search bottleneck-D-16 --solve width --flops 5G --within 1%
      csncost search simple-G-16 bottleneck-G-16 --groups 1..64 --solve width --flops 5G --within 5%

    --solve says for every SPEC, and every combination of what else is varied, which value meets the target. The space
    of a SPEC may be larger than memory: millions of designs are searched in blocks, as --chunks says, on this machine
    or with --scheduler tcp://host:port on a Dask cluster (extra dask). Needs the extra explore.
    """
    from csncost.render.designs import emit_designs

    log = log_in(options)
    bounds, targets, given = _parted(options)
    chosen = {name: given.pop(name) for name in (*GOALS, "solve", "within")}
    given = varied(specs, given)
    if chosen["solve"] is not None:
        found = _solved(specs, targets, chosen, any(bounds.values()) or log is not None, given)
    else:
        found = _searched(specs, bounds, targets, chosen, log, given)
    for note in found.notes:
        tell(note)
    emit_designs(replace(found, notes=()), form, output)


def _parted(options: dict[str, Any]) -> tuple[dict[str, dict[str, Any]], dict[str, int], dict[str, Any]]:
    """Budgets by side, targets, and what else is given."""
    given = dict(options)

    def stated(side: str) -> dict[str, Any]:
        values = {name: given.pop(f"{side}_{name}", None) for name in BUDGETS}
        return {name: value for name, value in values.items() if value is not None}

    return {side: stated(side) for side in ("max", "min")}, stated("target"), given


def _solved(specs: Any, targets: dict[str, int], chosen: dict[str, Any], more: bool, given: dict[str, Any]) -> Any:
    from csncost.spaces.solve import solve
    from csncost.spaces.study import alone

    if more or any(chosen[name] for name in GOALS):
        raise CsncostError(
            "--solve meets a target, without budgets, objectives or chunks", "give for instance --flops 5G"
        )
    if not specs:
        raise CsncostError("--solve needs a SPEC", f"for instance {example()}")
    given = {name: alone(value) for name, value in given.items()} | targets
    return solve(specs, chosen["solve"], within=chosen["within"], **given)


def _searched(
    specs: Any,
    bounds: dict[str, dict[str, Any]],
    targets: dict[str, int],
    chosen: dict[str, Any],
    log: Any,
    given: dict[str, Any],
) -> Any:
    from csncost.spaces.search import search

    for name, value in targets.items():  # near a target is between two budgets
        for side, limit in (("min", value * (1 - chosen["within"])), ("max", value * (1 + chosen["within"]))):
            if name in bounds[side]:
                raise CsncostError(f"--{name} and --{side}-{name} are both given", "give one")
            bounds[side][name] = limit
    goals = {name: chosen[name] for name in GOALS}
    with progress_bar("designs") as advance:
        return search(specs, at_most=bounds["max"], at_least=bounds["min"], log=log, advance=advance, **goals, **given)
