"""The commands that read logs: correlate, curves."""

from __future__ import annotations

from typing import Any

import click

import csncost as cc
from csncost.cli.options import LOGGED, OUTPUT, drawing, log_in, tell
from csncost.costs.metrics import METRICS
from csncost.render.output import emit, emit_result

_PREDICTORS = [key for key, metric in METRICS.items() if metric.predicts]


@click.command()
@click.argument("logs", nargs=-1, required=True, metavar="LOG...")
@click.option("--against", "metrics", multiple=True, metavar="NAME", help=f"{', '.join(_PREDICTORS)}; repeatable.")
@LOGGED
@OUTPUT
def correlate(metrics: Any, form: Any, output: Any, **options: Any) -> None:
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
    emit_result(cc.correlate(log_in(options), metrics=metrics or None), form, output)


@click.command()
@click.argument("logs", nargs=-1, required=True, metavar="LOG...")
@click.option("--metric", metavar="COLUMN", help="Another quantity than errors, as it is: loss.")
@click.option("--by", type=click.Choice(("epoch", "iteration")), default="epoch", help="What the curves go by.")
@drawing("curves.png", "Draw the curves", page=False)
@OUTPUT
def curves(logs: Any, metric: Any, by: Any, plot: Any, form: Any, output: Any) -> None:
    """How errors fall while networks train, and on data they are not trained on, from logs.

    A LOG is FILE=SPEC, what the training of one network leaves (metrics.csv of Lightning, scalars.json of MMEngine, a
    log with json_stats of PySlowFast, event files of TensorBoard), or a table with columns spec and epoch. CSV and
    JSON hold every point.

    \b
      csncost curves a/metrics.csv=ip-CSN-101 b/metrics.csv=ResNet3D-101 --plot figure5.pdf
      csncost curves runs.csv --metric loss --by iteration --plot
    """
    from csncost.logs.curves import history_table, point_table, read_history_arguments
    from csncost.logs.unread import why_unread

    found = read_history_arguments(logs, metric=metric, by=by)
    for line in why_unread(dict.fromkeys(one for history in found for one in history.unread)):
        tell(line)
    if plot is not None:
        from csncost.render.figures.sheet import check_suffix

        check_suffix(plot)
        cc.plot.save(cc.plot.curves(found), plot)
        tell(f"drawn: {plot}")
    table = point_table(found) if form == "csv" else history_table(found)
    emit([table], lambda: list(point_table(found).rows), form, output)
