"""The commands of what is shipped: reproduce, list, language."""

from __future__ import annotations

import sys
from typing import Any

import click

from csncost.cli.options import ACCURACY, LOGGED, OUTPUT, drawing, log_in, tell
from csncost.render.output import emit, emit_text


@click.command()
@click.argument("name", metavar="table1|...|table6|fig6|fig7|all")
@ACCURACY
@LOGGED
@drawing("figures.png", "Draw fig6, fig7, or with all both")
@OUTPUT
def reproduce(name: str, plot: Any, form: Any, output: Any, **options: Any) -> None:
    """The paper's tables and Figures 6 and 7, ours beside them.

    Every figure that is printed is compared. Exit code 1 where one differs for no reason that is given. Of Figures 6
    and 7 the paper prints the points that Table 2 holds; --accuracy sets measured ones beside them, and --plot draws
    them, or else those that are printed.

    \b
      csncost reproduce table2
      csncost reproduce fig6 --accuracy runs.csv --plot figure6.pdf
    """
    from csncost.zoo.figures import ALL, FIGURES, figure_of
    from csncost.zoo.figures import reproduce as run

    names = ALL if name == "all" else (name,)
    log = log_in(options)
    found = [run(one, log if one in FIGURES or name != "all" else None) for one in names]
    if plot is not None:
        from csncost.render.designs import draw

        designs, axes = figure_of(names, log)
        draw(designs, plot, axes)
        tell(f"drawn: {plot}")
    emit([one.table() for one in found], lambda: [one.to_dict() for one in found], form, output)
    if not all(one.agrees for one in found):
        sys.exit(1)


@click.command("list")
@OUTPUT
def list_(form: Any, output: Any) -> None:
    """Every named network, with what is known of it."""
    from csncost.zoo.listing import families, listing

    table = listing()
    emit([table], lambda: {"families": families(), **table.stamp, "networks": list(table.rows)}, form, output)


@click.command()
def language() -> None:
    """The reference of the spec language."""
    from csncost.costs.analyze import REFERENCE

    emit_text(REFERENCE.read_text("utf-8"), None)
