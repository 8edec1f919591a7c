"""Names with characters that a terminal, a page or a typesetter would act on."""

import csv
import io
import json
import re
import shutil
import subprocess
from html.parser import HTMLParser

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from csncost.render.output import emit
from csncost.render.terminal import table_text
from csncost.table import Column, Table, visible

NAMES = [
    "\x1b[31mred", "two\nlines", "a\ttab\r", "[bold]x[/bold]", "[a](b) ![c](d)", "\u540d\u524d", "_x_ __y__ z_1",
    "a|b||", "<b>&amp;&lt;", "{}$%#~~^\\", "**star*", "``code`", "\u202eabc\u200b", "\ud800", "\x00\x9b1m",
    "'\"", "\\|", "*", "",
]  # fmt: skip


def table(names):
    rows = [{"name": name, "number": i} for i, name in enumerate(names)]
    columns = [Column("name", "name"), Column("number", "number", str, "right")]
    return Table(columns, rows, title=names[0], notes=[f"x {names[-1]}"], totals=rows[:1])


class Cells(HTMLParser):
    """The texts that a browser shows in the first cells of rows."""

    def __init__(self, text):
        super().__init__()
        self.cells, self.inside = [], False
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        if tag in ("td", "th"):
            self.cells.append("")
            self.inside = True

    def handle_endtag(self, tag):
        self.inside = self.inside and tag not in ("td", "th")

    def handle_data(self, data):
        if self.inside:
            self.cells[-1] += data


def first_cells(html):
    return Cells(html).cells[::2][1:]


def rendered(markdown):
    markdown_it = pytest.importorskip("markdown_it")
    return markdown_it.MarkdownIt("commonmark").enable("table").render(markdown)


@given(st.lists(st.text(), min_size=1))
@example(["0 "])
def test_what_is_seen_is_the_name(names):
    seen = [visible(name) for name in [*names, names[0]]]
    assert first_cells(table(names).to_html()) == seen
    assert [cell.strip() for cell in first_cells(rendered(table(names).to_markdown()))] == [
        text.strip() for text in seen
    ]
    assert all(c.isprintable() for text in seen for c in text)


def test_a_terminal_is_sent_no_commands():
    text = table_text(table(NAMES), 80)
    assert all(c.isprintable() for c in text.replace("\n", ""))
    assert "[bold]x[/bold]" in text
    assert len(text.splitlines()) == 2 + 1 + len(NAMES) + 2 + 1
    ends = [line.rstrip() for line in text.splitlines()[3 : 3 + len(NAMES)]]
    assert [line.split()[-1] for line in ends] == [str(i) for i in range(len(NAMES))]


def test_machines_get_the_names_as_they_are(tmp_path):
    rows = list(csv.DictReader(io.StringIO(table(NAMES).to_csv(), newline="")))
    assert [row["name"] for row in rows] == NAMES
    emit([table(NAMES)], lambda: NAMES, "json", str(tmp_path / "names.json"))
    assert json.loads((tmp_path / "names.json").read_text("utf-8")) == NAMES
    emit([table(NAMES)], list, "csv", str(tmp_path / "names.csv"))  # half a pair of characters can be in no file
    assert "\\ud800" in (tmp_path / "names.csv").read_text("utf-8")


@pytest.mark.skipif(not shutil.which("pdflatex"), reason="pdflatex is not installed")
def test_latex_typesets_any_name(tmp_path):
    body = table(NAMES).to_latex()
    (tmp_path / "names.tex").write_text(
        rf"\documentclass{{article}}\usepackage{{booktabs}}\begin{{document}}{body}\end{{document}}", "utf-8"
    )
    done = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "names.tex"],
        cwd=tmp_path,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout.decode(errors="replace")[-800:]


def test_that_test_can_fail():
    assert re.search(r"<strong>|<em>", rendered("| *a* |\n|---|\n"))
    assert first_cells("<tr><th>a</th><th></th></tr><td><b>x</b></td><td></td>") == ["x"]
