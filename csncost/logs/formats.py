"""Files in which training runs leave accuracies, as entries: one mapping for each line, and where it stands.

The content says how it is read: a table (CSV, TSV), JSON lines (also MMEngine's `scalars.json`), one JSON document, or
a text with lines of PySlowFast's `json_stats`. Event files of TensorBoard are read by the package of that name.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from csncost.errors import CsncostError, MissingExtra
from csncost.logs.columns import ROLES, Entry, Log, part_and_name
from csncost.logs.unread import Unread

LARGEST = 256 * 2**20
"""Bytes of the largest file that is read."""

_BEGINNING = 4096


def read_file(path: Path) -> Log:
    """The entries of a log file; values of training have a key that says so: `train/...`.

    Raises CsncostError for one that is missing, unreadable, or nothing that is known.
    """
    if path.is_dir():
        return _folder(path)
    if "tfevents" in path.name:
        return _tensorboard(path)
    text = _text(path)
    if "json_stats: {" in text:
        found = list(_json_stats(text, path.name))
    elif text.lstrip()[:1] in ("{", "["):
        found = list(_json(text, path.name))
    else:
        found = list(_table(text, path))
    entries = [one for one in found if isinstance(one, Entry)]
    unread = tuple(one for one in found if isinstance(one, Unread))
    if not entries:
        why = f": {unread[0].why} ({unread[0].source})" if unread else ""
        raise CsncostError(f"{path} holds no entries{why}", KINDS)
    return Log(str(path), tuple(_with_epochs(entries)), unread)


def _with_epochs(entries: list[Entry]) -> list[Entry]:
    """Entries with the epoch of each validation, which MMEngine calls a step, and the step that it ended with."""
    ends = {one.values["epoch"]: one.values["step"] for one in entries if one.values.keys() >= {"epoch", "step"}}
    without = [one for one in entries if "epoch" not in one.values]
    if not ends or not without or without[0].values.get("step") not in ends:
        return entries
    return [one if "epoch" in one.values else _at_epoch(one, one.values.get("step"), ends) for one in entries]


def _at_epoch(entry: Entry, epoch: Any, ends: Mapping[Any, Any]) -> Entry:
    return Entry(entry.place, {**entry.values, "epoch": epoch, "step": ends.get(epoch)})


_LEFT = ("metrics.csv", "scalars.json", "vis_data/scalars.json")
"""The files that Lightning and MMEngine leave in the folder of a run."""


def _folder(path: Path) -> Log:
    """The one log in the folder of a run, else its event files."""
    logs = [path / name for name in _LEFT if (path / name).is_file()]
    if len(logs) > 1:
        raise CsncostError(f"{path} holds several logs: {', '.join(log.name for log in logs)}", "name one of them")
    if logs:
        return read_file(logs[0])
    if not any(path.glob("*tfevents*")):
        raise CsncostError(f"{path} is a folder without a log", f"name the file: {KINDS}")
    return _tensorboard(path)


KINDS = (
    "a log is CSV, TSV or JSON lines, Lightning's metrics.csv, MMEngine's scalars.json, a log with PySlowFast's "
    "json_stats, or TensorBoard's event files"
)


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(_BEGINNING)
            if b"\0" in content:  # of a device, or of a binary file
                raise CsncostError(f"{path} is not a text file", KINDS)
            content += file.read(LARGEST)
        if len(content) > LARGEST:
            raise CsncostError(f"{path} is larger than 256 MiB", "leave the training steps out of it")
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise CsncostError(f"{path} is not a text file", KINDS) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise CsncostError(f"cannot read {path}: {reason}", KINDS) from None


def _table(text: str, path: Path) -> Iterator[Entry | Unread]:
    """The rows of a table with a header; tabs, commas or semicolons part its cells."""
    header, _, _ = text.lstrip("\r\n").partition("\n")
    delimiter = max("\t,;", key=header.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        rows = [(reader.line_num, row) for row in reader if any(map(str.strip, row))]
    except csv.Error as error:
        raise CsncostError(f"{path}:{reader.line_num} is no line of a table: {error}", KINDS) from None
    if not rows:
        raise CsncostError(f"{path} is empty", KINDS)
    names = [name.strip() for name in rows[0][1]]
    if twins := sorted({name for name in names if name and names.count(name) > 1}):
        raise CsncostError(f'{path} has two columns "{twins[0][:40]}"', "a column has a name of its own")
    for line, row in rows[1:]:
        place = f"{path.name}:{line}"
        if len(row) != len(names):
            why = f"{len(row)} cells under {len(names)} columns (a spec with commas stands in quotes)"
            yield Unread(place, delimiter.join(row), why)
        else:
            cells = zip(names, row, strict=True)
            yield Entry(place, {key: _cell(text, delimiter) for key, text in cells if key})


def _cell(text: str, delimiter: str) -> str:
    """A cell; where commas do not part cells, 50,5 is a number."""
    return text.strip() if delimiter == "," else re.sub(r"^(\d+),(\d+%?)$", r"\1.\2", text.strip())


def _json(text: str, name: str) -> Iterator[Entry | Unread]:
    """JSON lines, or one document that holds them."""
    for place, value in _json_values(text, name):
        if isinstance(value, Unread):
            yield value
        elif not isinstance(value, dict):
            yield Unread(place, json.dumps(value), "not an object")
        else:
            yield Entry(place, _of_part("train", value) if _is_training(value) else value)


def _json_values(text: str, name: str) -> Iterator[tuple[str, Any]]:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        if text.lstrip().startswith("["):
            raise CsncostError(f"{name} is no JSON: {error}", KINDS) from None
        document = {}  # a line for each object
    lists = document.values() if isinstance(document, dict) else [document]
    if rows := next((one for one in lists if isinstance(one, list) and any(isinstance(row, dict) for row in one)), []):
        yield from ((f"{name}[{i}]", row) for i, row in enumerate(rows))
        return
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            yield f"{name}:{number}", _json_value(line, f"{name}:{number}")


def _json_value(line: str, place: str) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError) as error:
        return Unread(place, line, f"no JSON: {getattr(error, 'msg', error)}")


def _is_training(values: Mapping[str, Any]) -> bool:
    """Tell whether what a line measures is of training, but for what names another part of the data."""
    if not values.keys().isdisjoint(ROLES["spec"]):
        return False
    return values["mode"] == "train" if "mode" in values else bool({"lr", "base_lr", "grad_norm"} & values.keys())


_STATS = re.compile(r"json_stats: (\{.*\})")

_PARTS = {"train_epoch": "train", "val_epoch": "val", "test_final": "test"}


def _json_stats(text: str, name: str) -> Iterator[Entry | Unread]:
    """The lines of PySlowFast after an epoch, its validation, and a test: `train/...`, `val/...`, `test/...`."""
    for number, line in enumerate(text.split("\n"), 1):
        place = f"{name}:{number}"
        if not (match := _STATS.search(line)):
            if "json_stats: {" in line:
                yield Unread(place, line, "no JSON: the line is cut")
            continue
        value = _json_value(match[1], place)
        if isinstance(value, Unread):
            yield value
            continue
        kind = str(value.pop("_type", value.pop("split", "")))
        if kind in _PARTS:
            yield Entry(place, _of_part(_PARTS[kind], value))


_SHARED = {name for names in ROLES.values() for name in names}


def _of_part(part: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """The values as those of one part of the data, unless they name theirs; when they were measured has none."""
    return {key if key in _SHARED or part_and_name(key)[0] else f"{part}/{key}": value for key, value in values.items()}


_FRAMING = 16
"""Bytes of the length and the two checksums around a record of an event file."""


def _tensorboard(path: Path) -> Log:
    """The scalars of an event file, or of all in a folder: tags as keys, steps as `step`.

    TensorBoard stops without a word at a record that is cut or damaged, so the bytes that it reads are counted.
    """
    try:
        from tensorboard.backend.event_processing.event_file_loader import RawEventFileLoader
    except ImportError:
        raise MissingExtra("tensorboard", "tensorboard") from None
    if not path.exists():
        raise CsncostError(f"cannot read {path}: no such file", KINDS)
    entries: list[Entry] = []
    damaged: list[Unread] = []
    try:
        for file in sorted(path.glob("*tfevents*")) if path.is_dir() else [path]:
            records = list(RawEventFileLoader(str(file)).Load())
            entries += [Entry(f"{path.name}@{step}", {"step": step, tag: x}) for tag, step, x in _scalars(records)]
            read, size = sum(_FRAMING + len(record) for record in records), file.stat().st_size
            if read < size:
                damaged.append(Unread(file.name, "", f"cut or damaged after {read:,} of its {size:,} bytes"))
    except OSError as error:
        raise CsncostError(f"cannot read {path}: {error.strerror}", KINDS) from None
    if not entries:
        why = f": it is {damaged[0].why}" if damaged else ""
        raise CsncostError(f"{path} holds no scalars of TensorBoard{why}", KINDS)
    return Log(str(path), tuple(entries), tuple(damaged))


def _scalars(records: Iterable[bytes]) -> Iterator[tuple[str, int, float]]:
    """Tag, step and value of every scalar, also of those that TensorFlow 2 writes as tensors without axes."""
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.util.tensor_util import make_ndarray

    for event in map(Event.FromString, records):
        for one in event.summary.value:
            if one.HasField("simple_value"):
                yield one.tag, event.step, one.simple_value
            elif one.HasField("tensor") and (values := make_ndarray(one.tensor)).size == 1 and values.dtype.kind == "f":
                yield one.tag, event.step, values.item()
