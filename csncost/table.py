"""A table as data, and its plain texts: CSV, Markdown, LaTeX (booktabs) and HTML. Numbers are exact until printed.

A table carries a stamp (convention, clip, classes, views): it stands under the table, and in CSV in columns of its own.
"""

from __future__ import annotations

import csv
import io
import json
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeAlias

from csncost.errors import MissingExtra

if TYPE_CHECKING:
    from pandas import DataFrame

Cell = Any

Format: TypeAlias = Literal["table", "json", "csv", "markdown", "latex", "html"]
FORMATS: tuple[Format, ...] = ("table", "json", "csv", "markdown", "latex", "html")
"""The output formats of every command that prints a table."""


def data_frame(
    rows: Sequence[Mapping[str, Cell]] | Mapping[str, Sequence[Cell]], stamp: Mapping[str, Cell]
) -> DataFrame:
    """Rows, or columns, as a pandas DataFrame, the stamp in its `attrs`. Raises MissingExtra without pandas."""
    try:
        from pandas import DataFrame
    except ImportError:
        raise MissingExtra("pandas", "frame") from None
    frame = DataFrame(rows)
    frame.attrs.update(stamp)
    return frame


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its key in the rows, its title, and how its cells are shown to people."""

    key: str
    title: str
    show: Callable[[Cell], str] = str
    align: Literal["left", "right"] = "left"
    only: Literal["people", "machines", ""] = ""
    """The readers of the column: shares are for people, the full geometry of a layer is for machines (CSV)."""
    wrap: bool = False
    """A terminal may break its cells over lines."""
    narrowest: int = 16
    """The width that cells which are broken keep at least."""
    tight: bool = False
    """It belongs to the column before it, and stands close to it (a share, a mark)."""
    drop: int = 0
    """The order in which a narrow terminal leaves columns out: the highest first, 0 never."""


@dataclass(frozen=True)
class Table:
    """Rows under columns, with a title, totals, notes, and the stamp that says how it was counted."""

    columns: Sequence[Column]
    rows: Sequence[Mapping[str, Cell]]
    title: str = ""
    totals: Sequence[Mapping[str, Cell]] = ()
    notes: Sequence[str] = ()
    stamp: Mapping[str, Cell] = field(default_factory=dict)
    section: str = ""
    """The column whose changes part the rows into sections."""

    @property
    def shown(self) -> list[Column]:
        """The columns that people see."""
        return [c for c in self.columns if c.only != "machines"]

    def texts(self, row: Mapping[str, Cell]) -> list[str]:
        """A row as people see it."""
        return [cell_text(column, row) for column in self.shown]

    def stamp_line(self) -> str:
        """The stamp in one line."""
        return ", ".join(f"{key} {value}" for key, value in self.stamp.items())

    def footer(self) -> list[str]:
        """The lines under the table: the stamp and the notes."""
        return [visible(line) for line in (self.stamp_line(), *self.notes) if line]

    def to_csv(self) -> str:
        """Exact values, a row for each row, the stamp in the last columns."""
        columns = [c for c in self.columns if c.only != "people"]
        stamp = list(self.stamp.values())
        lines = [_csv_line([c.key for c in columns] + list(self.stamp))]
        lines += [_csv_line([_plain(row.get(c.key)) for c in columns] + stamp) for row in self.rows]
        return "".join(lines)

    def to_markdown(self) -> str:
        """A pipe table."""

        def line(cells: Iterable[str]) -> str:
            return "| " + " | ".join(cells) + " |"

        def plain(row: Mapping[str, Cell]) -> list[str]:
            return list(map(_markdown, self.texts(row)))

        rule = "|" + "|".join("---:" if c.align == "right" else ":---" for c in self.shown) + "|"
        totals = [[f"**{text.strip()}**" if text.strip() else "" for text in plain(row)] for row in self.totals]
        body = [
            line(_markdown(c.title) for c in self.shown),
            rule,
            *(line(cells) for cells in [*map(plain, self.rows), *totals]),
        ]
        title = [f"**{_markdown(visible(self.title)).strip()}**", ""] if self.title else []
        footer = ["", *(f"*{_markdown(text)}*  " for text in self.footer())]
        return "\n".join([*title, *body, *footer]) + "\n"

    def to_latex(self) -> str:
        r"""A table environment; the document needs \usepackage{booktabs}."""

        def line(cells: Sequence[str]) -> str:
            return "    " + " & ".join(map(_latex, cells)) + r" \\"

        spec = "".join("r" if c.align == "right" else "l" for c in self.shown)
        totals = [r"    \midrule", *(line(self.texts(row)) for row in self.totals)] if self.totals else []
        caption = _latex("; ".join([text for text in (visible(self.title), *self.footer()) if text]))
        return (
            "\n".join(
                [
                    r"% needs \usepackage{booktabs}",
                    r"\begin{table}",
                    r"  \centering",
                    rf"  \caption{{{caption}.}}",
                    rf"  \begin{{tabular}}{{{spec}}}",
                    r"    \toprule",
                    line([c.title for c in self.shown]),
                    r"    \midrule",
                    *(line(self.texts(row)) for row in self.rows),
                    *totals,
                    r"    \bottomrule",
                    r"  \end{tabular}",
                    r"\end{table}",
                ]
            )
            + "\n"
        )

    def to_html(self) -> str:
        """A table element with inline style only, as notebooks keep it."""
        from html import escape

        def line(cells: Sequence[str], tag: str, style: str = "") -> str:
            parts = (
                f'<{tag} style="text-align:{c.align};padding:2px 10px">{escape(cell)}</{tag}>'
                for c, cell in zip(self.shown, cells, strict=True)
            )
            return f"<tr{style}>{''.join(parts)}</tr>"

        bold = ' style="font-weight:bold;border-top:1px solid"'
        caption = (
            f'<caption style="text-align:left;font-weight:bold">{escape(visible(self.title))}</caption>'
            if self.title
            else ""
        )
        footer = "".join(f'<div style="font-size:smaller">{escape(text)}</div>' for text in self.footer())
        return (
            f'<div><table style="border-collapse:collapse">{caption}'
            f"<thead>{line([c.title for c in self.shown], 'th')}</thead>\n<tbody>"
            + "\n".join(
                [line(self.texts(row), "td") for row in self.rows]
                + [line(self.texts(row), "td", bold) for row in self.totals]
            )
            + f"</tbody></table>{footer}</div>\n"
        )


class Result(ABC):
    """An answer: plain data for programs, a table for people, a DataFrame for notebooks.

    A subclass gives `table` and `to_dict`, and its own `rows` where those of the table are for people.
    """

    WHOLE: ClassVar[tuple[str, ...]] = ()
    """Columns of integers that some rows do not have, which pandas would turn into floats."""

    @abstractmethod
    def table(self) -> Table:
        """The result as a table."""

    @abstractmethod
    def to_dict(self) -> dict[str, Any]:
        """The result as plain data, as `--format json` prints it."""

    @property
    def rows(self) -> Sequence[Any]:
        """The rows, as mappings or named tuples."""
        return self.table().rows

    def _frame_rows(self) -> Sequence[Mapping[str, Cell]]:
        """The rows of the frame."""
        return [row._asdict() if hasattr(row, "_asdict") else row for row in self.rows]

    def _subject(self) -> Mapping[str, Cell]:
        """The network or the log that the result is of; stands before the stamp of a frame."""
        return {}

    def _overview(self) -> Table:
        """The table that a notebook and `print` show."""
        return self.table()

    def to_json(self, indent: int | None = 2) -> str:
        """`to_dict` as JSON."""
        return json.dumps(self.to_dict(), indent=indent)

    def to_frame(self) -> DataFrame:
        """The rows as a pandas DataFrame, the stamp in its `attrs`. Raises MissingExtra without pandas."""
        frame = data_frame(self._frame_rows(), {**self._subject(), **self.table().stamp})
        return frame.astype({name: "Int64" for name in self.WHOLE if name in frame})

    def __str__(self) -> str:
        return self._overview().to_markdown()

    def _repr_html_(self) -> str:
        return self._overview().to_html()


def _plain(value: Cell) -> Cell:
    return "x".join(map(str, value)) if isinstance(value, (tuple, list)) else "" if value is None else value


def _csv_line(cells: Sequence[Cell]) -> str:
    """A line of CSV; what the line of the writer ends in is what it quotes."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerow(cells)
    return out.getvalue().removesuffix("\r\n") + "\n"


def cell_text(column: Column, row: Mapping[str, Cell]) -> str:
    """A cell as people see it."""
    value = row.get(column.key)
    return "" if value is None else visible(column.show(value))


def visible(text: str) -> str:
    r"""Text with what a terminal or a page would act on, or not show, written out: names may hold any character.

    >>> print(visible("a\x1b[1mb\n"))
    a\x1b[1mb\n
    """
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


_MARKDOWN = re.compile(r"[\\`*\[<|$&~]|(?<![^\W_])_|_(?![^\W_])")
"""The characters that start a cell, a link, code, a formula, a tag or emphasis; no underscore within a word."""


def _markdown(text: str) -> str:
    """Text with the characters that Markdown would read escaped."""
    return _MARKDOWN.sub(lambda match: f"\\{match[0]}", text)


_LATEX = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "\u00d7": r"$\times$",
    "\u2264": r"$\le$", "\u2265": r"$\ge$", "\u2260": r"$\neq$",
    "<": r"$<$", ">": r"$>$", "\u00b7": r"$\cdot$", "[": "{[}", "]": "{]}", "*": "{*}", "|": r"$|$", '"': "''",
    "\u2713": r"$\surd$", "\u2717": r"$\times$", "\u2013": "--",
}  # fmt: skip


def _latex(text: str) -> str:
    """Text with every character that LaTeX reads specially escaped, and those that its fonts lack by their numbers."""
    return "".join(_LATEX.get(c, c if c <= "\u017f" else f"{{[}}U+{ord(c):04X}{{]}}") for c in text)
