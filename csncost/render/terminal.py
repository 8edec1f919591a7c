"""A table in a terminal, with rich. A number is never cut: what does not fit is left out and said to be."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import IO

from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from csncost.table import Column, Table, cell_text, visible

PLAIN_WIDTH = 100


def print_table(table: Table, file: IO[str] | None = None) -> None:
    """Print a table to a terminal or a pipe (80 columns wide there, unless COLUMNS says otherwise)."""
    print_to(Console(file=file, highlight=False), table)


def table_text(table: Table, width: int = PLAIN_WIDTH) -> str:
    """A table as plain text, for a file."""
    out = io.StringIO()
    print_to(Console(file=out, width=width, highlight=False, color_system=None, force_terminal=False), table)
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines()) + "\n"


def print_to(console: Console, table: Table) -> None:
    """Print a table to a rich console."""
    columns, dropped = _fitting(table, console.width)
    console.width = max(console.width, _least(table, columns))
    if table.title:
        console.print(Text(visible(table.title), style="bold"))
    console.print(_view(table, columns))
    for line in table.footer():
        console.print(Text(line, style="dim"))
    if dropped:
        left_out = ", ".join(
            column.title if column.title != "%" else f"% of {column.key.partition('_')[0]}" for column in dropped
        )
        console.print(Text(f"too narrow for: {left_out} (a wider terminal or --format csv shows them)", style="dim"))


def _view(table: Table, columns: Sequence[Column]) -> RichTable:
    view = RichTable(box=box.SIMPLE_HEAD, padding=0, pad_edge=False, show_edge=False)
    for column in columns:
        view.add_column(
            _set_off(column, columns, column.title), justify=column.align, no_wrap=not column.wrap, overflow="fold"
        )
    previous = None
    for row in table.rows:
        current = row.get(table.section) if table.section else None
        if previous is not None and current != previous:
            view.add_section()
        previous = current
        view.add_row(*(_set_off(c, columns, cell_text(c, row)) for c in columns))
    if table.totals:
        view.add_section()
    for row in table.totals:
        view.add_row(*(_set_off(c, columns, cell_text(c, row)) for c in columns), style="bold")
    return view


def _set_off(column: Column, columns: Sequence[Column], text: str) -> Text:
    """Cells of columns that stand on their own get a second blank before them."""
    return Text((" " if column is not columns[0] and not column.tight else "") + text)


def _width(table: Table, column: Column) -> int:
    rows = [*table.rows, *table.totals]
    return max(cell_len(column.title), *(cell_len(cell_text(column, row)) for row in rows), 0)


def _least(table: Table, columns: Sequence[Column]) -> int:
    """The width at which no number is cut; columns that may wrap count with a few characters."""
    widths = [min(_width(table, c), c.narrowest) if c.wrap else _width(table, c) for c in columns]
    return sum(widths) + sum(1 if c.tight else 2 for c in columns[1:])


def _fitting(table: Table, width: int) -> tuple[list[Column], list[Column]]:
    """The columns that fit, and those left out to make them."""
    columns = list(table.shown)
    dropped: list[Column] = []
    while _least(table, columns) > width and any(c.drop for c in columns):
        last = max((c for c in columns), key=lambda c: (c.drop, columns.index(c)))
        columns.remove(last)
        dropped.append(last)
    return columns, dropped
