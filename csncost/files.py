"""Files written whole or not at all, and the published tables among the package's own."""

from __future__ import annotations

import csv
import errno
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from csncost.errors import CsncostError

PUBLISHED = Path(__file__).parent / "zoo" / "paper"


@cache
def _read(name: str) -> list[dict[str, str]]:
    with (PUBLISHED / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def published(name: str) -> list[dict[str, str]]:
    """A published table as printed, `zoo/paper/NAME.csv`: a mapping of texts for each row."""
    return [dict(row) for row in _read(name)]


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary file beside `path`, to be written; it takes its place if nothing fails, and else it is gone.

    Raises CsncostError where the path cannot be written: at once if that can be known, else where an OSError says so.
    """
    path, temporary = _beside(path)
    try:
        yield temporary
        if temporary != path:
            os.chmod(temporary, path.stat().st_mode if path.exists() else 0o666 & ~_umask())
            os.replace(temporary, path)
    except OSError as error:
        raise _unwritable(path, error) from None
    finally:
        if temporary != path:
            temporary.unlink(missing_ok=True)


def _beside(path: Path) -> tuple[Path, Path]:
    """The file at a path, and a new one beside it; a device or a pipe cannot be replaced and is its own."""
    try:
        path = path.resolve()  # a link stays, and what it points to is written
        if path.is_dir():
            raise IsADirectoryError(21, "it is a directory")
        if path.exists() and not path.is_file():
            return path, path
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=".csncost-", suffix=path.suffix)
    except (OSError, ValueError) as error:
        raise _unwritable(path, error) from None
    os.close(handle)
    return path, Path(name)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _unwritable(path: Path, error: Exception) -> CsncostError:
    reason = getattr(error, "strerror", None) or str(error)
    full = getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
    hint = "make room, or name a file elsewhere" if full else "name a file in a folder that can be written to"
    return CsncostError(f"cannot write {str(path)[:200]}: {reason}", hint)
