"""Results in the six output formats, to standard output or, whole or not at all, to a file."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from csncost.errors import CsncostError
from csncost.table import Format, Table

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


def emit_text(text: str, path: str | None) -> None:
    """Write a text to standard output, or to a file whole or not at all."""
    if path is None:
        print(text, end="")
    else:
        write_whole(Path(path), text)


def write_whole(path: Path, text: str) -> None:
    """Write a file through a temporary one beside it, so that no half of it is ever seen. Raises CsncostError."""
    try:
        path = path.resolve()  # a link stays, and what it points to is written
        if path.is_dir():
            raise IsADirectoryError(21, "it is a directory")
        if path.exists() and not path.is_file():  # a device or a pipe cannot be replaced
            path.write_text(text, "utf-8")
            return
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".csncost-")
    except (OSError, ValueError) as error:
        raise _unwritable(path, error) from None
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(temporary, path.stat().st_mode if path.exists() else 0o666 & ~_umask())
        os.replace(temporary, path)
    except OSError as error:
        raise _unwritable(path, error) from None
    finally:
        if os.path.exists(temporary):
            os.unlink(temporary)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _unwritable(path: Path, error: Exception) -> CsncostError:
    reason = getattr(error, "strerror", None) or str(error)
    return CsncostError(f"cannot write {str(path)[:200]}: {reason}", "name a file in a folder that can be written to")
