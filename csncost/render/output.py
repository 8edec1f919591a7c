"""Results in the six output formats, to standard output or, whole or not at all, to a file."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, TypeVar

from csncost.files import replacing
from csncost.table import Format, Result, Table

T = TypeVar("T")

_TEXTS: dict[str, Callable[[Table], str]] = {
    "csv": Table.to_csv,
    "markdown": Table.to_markdown,
    "latex": Table.to_latex,
    "html": Table.to_html,
}


def emit(tables: Sequence[Table], data: Callable[[], Any], form: Format, path: str | None) -> None:
    """Write tables, or what `data` gives as JSON, in a format; to standard output where `path` is None."""
    if form == "table":
        from csncost.render.terminal import print_table, table_text

        if path is None:
            for i, table in enumerate(tables):
                if i:
                    print()
                print_table(table)
            return
        text = "\n".join(map(table_text, tables))
    elif form == "json":
        text = json.dumps(data(), indent=2) + "\n"
    else:
        text = "\n".join(map(_TEXTS[form], tables))
        if form == "html" and path is not None:  # a page of its own, for a browser
            text = f'<!doctype html>\n<meta charset="utf-8">\n{text}'
    emit_text(text, path)


def emit_result(result: Result, form: Format, path: str | None) -> None:
    """Write a result in a format: as its table, or its plain data as JSON."""
    emit([result.table()], result.to_dict, form, path)


def progress(items: Iterable[T], total: int, what: str) -> Iterator[T]:
    """The items, with a bar on standard error while several come, if that is a terminal."""
    with progress_bar(what) if total > 1 else nullcontext() as advance:
        for item in items:
            yield item
            if advance:
                advance(1, total)


@contextmanager
def progress_bar(what: str) -> Iterator[Callable[[int, int], None]]:
    """A bar on standard error, if that is a terminal; it is told how much more is done, and how much there is."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:

        def advance(more: int, total: int) -> None:
            task = bar.task_ids[0] if bar.task_ids else bar.add_task(what, total=total)
            bar.advance(task, more)

        yield advance


def emit_text(text: str, path: str | None) -> None:
    """Write a text to standard output, or to a file whole or not at all."""
    if path is None:
        print(text, end="")
    else:
        write_whole(Path(path), text)


def write_whole(path: Path, text: str) -> None:
    """Write a file through a temporary one beside it, so that no half of it is ever seen. Raises CsncostError."""
    with replacing(path) as file:
        file.write_text(text, "utf-8", errors="backslashreplace")  # half of a pair, in a name, is no character
