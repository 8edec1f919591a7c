"""Files in which training runs leave accuracies, as entries: one mapping for each line, and where it stands.

What a file holds says how it is read: a table (CSV, TSV), JSON lines (also MMEngine's `scalars.json`), or a text with
lines of PySlowFast's `json_stats`. Event files of TensorBoard are read by the package of that name.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from csncost.errors import CsncostError, MissingExtra

LARGEST = 256 * 2**20
"""Bytes of the largest file that is read."""

_BEGINNING = 4096


@dataclass(frozen=True, slots=True)
class Entry:
    """What one line of a log says: values by the names of their columns or keys."""

    place: str
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Unread:
    """A line that gives no accuracy of a network, and why."""

    source: str
    text: str
    why: str


def why_unread(unread: Iterable[Unread], most: int = 12) -> list[str]:
    """A line for each reason why lines of logs were left out, with where they stand."""
    by_reason: dict[str, list[Unread]] = {}
    for one in unread:
        by_reason.setdefault(one.why, []).append(one)
    lines = [_lines_left_out(why, found) for why, found in by_reason.items()]
    return lines[:most] + ([f"and {len(lines) - most} other reasons"] if len(lines) > most else [])


def _lines_left_out(why: str, found: Sequence[Unread]) -> str:
    shown = ", ".join(f"{one.source} {' '.join(one.text.split())[:30]}".strip() for one in found[:6])
    more = f" and {len(found) - 6} more" if len(found) > 6 else ""
    return f"left out, {why}: {shown}{more}"


@dataclass(frozen=True)
class Log:
    """The entries of one file, in order; `keys` are those of any entry, in order of appearance."""

    path: str
    entries: tuple[Entry, ...]
    unread: tuple[Unread, ...] = ()
    keys: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        keys = dict.fromkeys(key for entry in self.entries for key in entry.values)
        object.__setattr__(self, "keys", tuple(keys))


def read_file(path: Path, *, training: bool = False) -> Log:
    """The entries of a log file; those of `training` too, with keys `train/...`, if they are asked for.

    Raises CsncostError for one that is missing, unreadable, or nothing that is known.
    """
    if path.is_dir():
        return _folder(path, training)
    if "tfevents" in path.name:
        return _tensorboard(path)
    text = _text(path)
    if "json_stats: {" in text:
        found = list(_json_stats(text, path.name, training))
    elif text.lstrip()[:1] in ("{", "["):
        found = list(_json(text, path.name, training))
    else:
        found = list(_table(text, path))
    entries = tuple(one for one in found if isinstance(one, Entry))
    unread = tuple(one for one in found if isinstance(one, Unread))
    if not entries:
        why = f": {unread[0].why} ({unread[0].source})" if unread else ""
        raise CsncostError(f"{path} holds no entries{why}", KINDS)
    return Log(str(path), entries, unread)


_LEFT = ("metrics.csv", "scalars.json", "vis_data/scalars.json")
"""The files that Lightning and MMEngine leave in the folder of a run."""


def _folder(path: Path, training: bool) -> Log:
    """The one log in the folder of a run, else its event files."""
    logs = [path / name for name in _LEFT if (path / name).is_file()]
    if len(logs) > 1:
        raise CsncostError(f"{path} holds several logs: {', '.join(log.name for log in logs)}", "name one of them")
    if logs:
        return read_file(logs[0], training=training)
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
            yield Entry(place, {key: cell.strip() for key, cell in zip(names, row, strict=True) if key})


def _json(text: str, name: str, training: bool) -> Iterator[Entry | Unread]:
    """JSON lines, or one array of objects; lines that tell of training steps hold no validation accuracy."""
    for place, value in _json_values(text, name):
        if isinstance(value, Unread):
            yield value
        elif not isinstance(value, dict):
            yield Unread(place, json.dumps(value), "not an object")
        elif "spec" in value or not _is_training(value):
            yield Entry(place, value)
        elif training:
            yield Entry(place, _part_of("train", value))


def _json_values(text: str, name: str) -> Iterator[tuple[str, Any]]:
    if text.lstrip().startswith("["):
        try:
            values = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise CsncostError(f"{name} is no JSON: {error}", KINDS) from None
        yield from ((f"{name}[{i}]", value) for i, value in enumerate(values))
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
    return values.get("mode") == "train" or bool({"lr", "base_lr", "grad_norm"} & values.keys())


_STATS = re.compile(r"json_stats: (\{.*\})")


_PARTS = {"val_epoch": "val", "test_final": "test"}


def _json_stats(text: str, name: str, training: bool) -> Iterator[Entry | Unread]:
    """What PySlowFast says after validation (`val_epoch`) and testing (`test_final`), as `val/...`, `test/...`.

    Of training it is what is said after an epoch (`train_epoch`).
    """
    parts = _PARTS | ({"train_epoch": "train"} if training else {})
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
        if kind in parts:
            yield Entry(place, _part_of(parts[kind], value))


def _part_of(part: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """The values of one part of the data; when they were measured is said of all parts alike."""
    return {key if key in ("epoch", "step", "iter") else f"{part}/{key}": item for key, item in values.items()}


def _tensorboard(path: Path) -> Log:
    """The scalars of an event file, or of all in a folder: tags as keys, steps as `step`."""
    try:
        from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    except ImportError:
        raise MissingExtra("tensorboard", "tensorboard") from None
    if not path.exists():
        raise CsncostError(f"cannot read {path}: no such file", KINDS)
    accumulator = EventAccumulator(str(path), size_guidance={"scalars": 0, "tensors": 0})
    try:
        damaged = tuple(_damaged(path))
        accumulator.Reload()
    except OSError as error:
        raise CsncostError(f"cannot read {path}: {error.strerror}", KINDS) from None
    entries = [Entry(f"{path.name}@{step}", {"step": step, tag: value}) for tag, step, value in _scalars(accumulator)]
    if not entries:
        why = f": it is {damaged[0].why}" if damaged else ""
        raise CsncostError(f"{path} holds no scalars of TensorBoard{why}", KINDS)
    return Log(str(path), tuple(entries), damaged)


def _damaged(path: Path) -> Iterator[Unread]:
    """The event files that end, or cannot be read on, within a record: TensorBoard stops there without a word."""
    from tensorboard.backend.event_processing.event_file_loader import RawEventFileLoader

    framing = 16  # bytes of the length and the two checksums around a record
    for file in sorted(path.glob("*tfevents*")) if path.is_dir() else [path]:
        read = sum(framing + len(record) for record in RawEventFileLoader(str(file)).Load())
        size = file.stat().st_size
        if read < size:
            yield Unread(file.name, "", f"cut or damaged after {read:,} of its {size:,} bytes")


def _scalars(accumulator: Any) -> Iterator[tuple[str, int, float]]:
    """Tag, step and value of every scalar, also of those that TensorFlow 2 writes as tensors without axes."""
    tags: Mapping[str, Iterable[str]] = accumulator.Tags()
    for tag in tags["scalars"]:
        for event in accumulator.Scalars(tag):
            yield tag, event.step, event.value
    for tag in tags["tensors"]:
        for event in accumulator.Tensors(tag):
            numbers = list(event.tensor_proto.float_val) or _floats(event.tensor_proto)
            if len(numbers) == 1:
                yield tag, event.step, numbers[0]


def _floats(proto: Any) -> list[float]:
    """The one 32-bit float that a tensor holds in bytes, if that is what it holds."""
    import struct

    content = proto.tensor_content
    return list(struct.unpack("<f", content)) if proto.dtype == 1 and len(content) == 4 else []
