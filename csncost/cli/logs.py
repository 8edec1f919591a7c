"""The command that reads logged accuracies: correlate."""

from __future__ import annotations

from typing import Any

import click

from csncost.cli.options import LOGGED, OUTPUT


@click.command()
@click.argument("logs", nargs=-1, required=True, metavar="LOG...")
@click.option(
    "--against", "metrics", multiple=True, metavar="NAME", help="interactions, flops, params, depth; repeatable."
)
@LOGGED
@OUTPUT
def correlate(logs: Any, metrics: Any, metric: Any, select: Any, labels: Any, form: Any, output: Any) -> None:
    """How accuracy goes with cost, over the networks of a log.

    A LOG is a table (CSV, TSV, JSON lines) with a column "spec" and one of accuracies, the shipped log paper, or
    FILE=SPEC for what the training of one network leaves: metrics.csv of Lightning, scalars.json of MMEngine, a log
    with json_stats of PySlowFast, event files of TensorBoard.

    A table may say more of a row in columns of these names: seed, epoch, dataset, clip (8x224), pretrain, classes,
    frames, size, and parameters of the network (G, width, ...). Rows of one network and setting are runs of it.

    \b
      csncost correlate paper
      csncost correlate runs.csv --metric val_acc --select last
      csncost correlate a/metrics.csv=ir-CSN-26 b/metrics.csv=ir-CSN-50 c/metrics.csv=simple-8

    Needs the extra explore.
    """
    from csncost.logs.correlate import correlate as run
    from csncost.logs.ranks import PREDICTORS
    from csncost.logs.read import read_arguments
    from csncost.render.output import emit

    found = run(read_arguments(logs, select=select, metric=metric, labels=labels), metrics=metrics or PREDICTORS)
    emit([found.table()], found.to_dict, form, output)
