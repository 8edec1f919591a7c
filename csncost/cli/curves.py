"""The command that draws learning curves: curves."""

from __future__ import annotations

from typing import Any

import click

from csncost.cli.options import OUTPUT, drawing


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
    from csncost.logs.formats import why_unread
    from csncost.render.output import emit

    found = read_history_arguments(logs, metric=metric, by=by)
    for line in why_unread(dict.fromkeys(one for history in found for one in history.unread)):
        click.echo(line, err=True)
    if plot is not None:
        from csncost.render.figures.style import check_suffix
        from csncost.render.plots import curves as figure_of
        from csncost.render.plots import save

        check_suffix(plot)
        save(figure_of(found), plot)
        click.echo(f"drawn: {plot}", err=True)
    table = point_table(found) if form == "csv" else history_table(found)
    emit([table], lambda: list(point_table(found).rows), form, output)
