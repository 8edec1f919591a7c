"""Options and arguments that commands share, and the types that read their values."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any, TypeVar

import click

from csncost.errors import CsncostError
from csncost.spaces import ranges
from csncost.table import FORMATS

T = TypeVar("T", bound=Callable[..., Any])

_SIZE = re.compile(r"(\d{1,11})(?:[xX\u00d7](\d{1,11}))?", re.ASCII)


class Read(click.ParamType):  # type: ignore[type-arg]  # no generic class before click 8.2
    """The type of values that a function reads from their text and the option's name; it raises CsncostError."""

    def __init__(self, reader: Callable[[str, str], Any]) -> None:
        self.name = reader.__name__
        self.reader = reader

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The value of a text."""
        return self.reader(value, param.opts[0] if param else "")


def read_spec(text: str, option: str = "") -> Any:
    """A spec as it was typed: a name, a file, a text, or - for standard input."""
    from csncost.lang.given import from_argument

    return from_argument(text, sys.stdin.buffer if sys.stdin else None)


def size(text: str, option: str) -> int | tuple[int, int]:
    """`224`, or `224x320` for height x width."""
    match = _SIZE.fullmatch(text)
    if match is None:
        raise CsncostError(
            f'{option} is a number or HxW, not "{text[:40]}"', "for instance --size 224, or --size 224x320"
        )
    height, width = match.groups()
    return int(height) if width is None else (int(height), int(width))


def name_value(text: str, option: str) -> tuple[str, str]:
    """`NAME=VALUE`."""
    name, equals, value = text.partition("=")
    name = name.strip()
    if not (equals and name.isidentifier() and value.strip()):
        raise CsncostError(f'{option} takes NAME=VALUE, not "{text[:60]}"', "for instance -p G=4")
    return name, value


def name_range(text: str, option: str) -> tuple[str, Any]:
    """`NAME=RANGE`: one value is fixed, several are swept."""
    name, value = name_value(text, option)
    values = ranges.anything(value, f"{option} {name}")
    return name, values[0] if len(values) == 1 else values


def label(text: str, option: str) -> tuple[str, str]:
    """`KEY=TEXT`."""
    key, _, value = text.partition("=")
    if key not in ("dataset", "metric", "pretrain") or not value.strip():
        raise CsncostError(
            f'{option} takes KEY=TEXT, not "{text[:60]}"',
            "KEY is dataset, metric or pretrain: --label metric=top-1",
        )
    return key, value.strip()


def epoch(text: str, option: str) -> str | int:
    """`best`, `last`, or the number of an epoch."""
    if text in ("best", "last"):
        return text
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise CsncostError(f'{option} is best, last or an epoch, not "{text[:40]}"', "for instance --select 45")
    return int(text)


def chunks(text: str, option: str) -> str | int:
    """`auto`, or the largest number of designs in a chunk."""
    if text == "auto":
        return text
    if not (text.isascii() and text.replace("_", "").isdigit() and len(text) < 16 and int(text)):
        raise CsncostError(
            f'{option} is a number of designs, or auto, not "{text[:40]}"', "for instance --chunks 1000000"
        )
    return int(text)


def once_each(ctx: click.Context, param: click.Parameter, pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """The pairs of a repeatable option as a mapping."""
    names: dict[str, Any] = {}
    for name, value in pairs:
        if name in names:
            raise CsncostError(f'{param.opts[0]} gives "{name[:40]}" twice', "give one value")
        names[name] = value
    return names


def arguments(options: dict[str, Any], taken: Sequence[str] = ()) -> dict[str, Any]:
    """Options as keyword arguments, and the names given with -p among them, unless one is an option's or `taken`."""
    names = options.pop("names")
    for name in names:
        if name in (*options, *taken, "spec", "specs"):
            hint = "name a SPEC" if name.startswith("spec") else f"use --{'groups' if name == 'G' else name}"
            raise CsncostError(f"-p does not set {name}", hint)
    return {**options, **names}


def log_in(options: dict[str, Any]) -> Any:
    """The log that options name, which are taken out; None without one."""
    from csncost.logs.read import read_arguments

    given = {name: options.pop(name) for name in ("logs", "select", "metric", "labels")}
    return read_arguments(**given) if given["logs"] else None


def tell(note: str) -> None:
    """Say something on standard error, beside the output."""
    click.echo(note, err=True)


def options_of(*decorators: Callable[[T], T]) -> Callable[[T], T]:
    """Several options as one decorator."""
    return lambda function: reduce(lambda decorated, one: one(decorated), reversed(decorators), function)


def pairs(*names: str, reader: Callable[[str, str], Any], metavar: str, text: str) -> Callable[[T], T]:
    """A repeatable option of pairs."""
    return click.option(
        *names, multiple=True, type=Read(reader), callback=once_each, metavar=metavar, help=f"{text}; repeatable."
    )


def drawing(default: str, what: str, *, page: bool = True) -> Callable[[T], T]:
    """`--plot`, with or without the name of a file."""
    kinds = "FILE.png, .pdf, .svg, or .html, an interactive page" if page else "FILE.png, .pdf or .svg"
    text = f"{what}: {kinds} (default: {default})."
    return click.option("--plot", is_flag=False, flag_value=default, metavar="[FILE]", help=text)


SPEC = Read(read_spec)
GIVEN = pairs(
    "-p",
    "names",
    reader=name_value,
    metavar="NAME=VALUE",
    text="A parameter or a free name: G=4, 'G=[1,1,4,4]'",
)
PLOT = click.option("--plot", metavar="FILE", help="Draw where the cost sits, by stage: FILE.png, .pdf or .svg.")
FILE = click.option("-o", "--output", metavar="FILE", help="Write to a file, whole or not at all.")
SETTING = options_of(
    click.option("--frames", type=int, metavar="N", help="Frames of the clip (default: the spec's, or 8)."),
    click.option("--size", type=Read(size), metavar="N|HxW", help="Height and width (default: the spec's, or 224)."),
    click.option("--classes", type=int, metavar="N", help="Outputs of the classifier (default: the spec's, or 400)."),
)
CLIP = options_of(
    SETTING,
    click.option(
        "--convention",
        default="paper",
        metavar="NAME",
        help="How to count: paper, macs, flops, everything, fvcore, ...",
    ),
    GIVEN,
)
VIEWS = click.option("--views", type=int, default=1, metavar="N", help="Clips and crops per video; multiplies FLOPs.")
OUTPUT = options_of(
    click.option("--format", "form", type=click.Choice(FORMATS), default="table", help="Output format."),
    FILE,
)
BULK = ("netcdf", "parquet", "zarr")
"""Formats of designs beside those of a table, for files only."""

DESIGNS = options_of(
    click.option(
        "--format", "form", type=click.Choice((*FORMATS, *BULK)), help="Default: by the file's suffix, or table."
    ),
    FILE,
)
INPUT = click.option(
    "--input",
    "inputs",
    multiple=True,
    metavar="SHAPE",
    help="A shape 1x3x8x224x224, with a type 1x16:int64, by name x=1x16, a list [1x3x8x8,1x3x4x4], or values, such as"
    " lengths=5,4,2; repeatable.",
)
LOGGED = options_of(
    click.option("--metric", metavar="COLUMN", help="The column of accuracies (default: the one that is called so)."),
    click.option(
        "--select",
        default="best",
        type=Read(epoch),
        metavar="best|last|EPOCH",
        help="Which epoch of a run counts.",
    ),
    pairs(
        "--label",
        "labels",
        reader=label,
        metavar="KEY=TEXT",
        text="Call the dataset, metric or pretrain of all logs so, where they name one thing differently",
    ),
)
"""The reading of a log."""

ACCURACY = click.option(
    "--accuracy",
    "logs",
    multiple=True,
    metavar="LOG",
    help="Measured accuracies: a table with a column spec, FILE=SPEC of one run, or paper; repeatable.",
)
CHUNKED = options_of(
    click.option("--chunks", type=Read(chunks), metavar="N|auto", help="Work in blocks of at most N designs."),
    click.option("--scheduler", metavar="ADDRESS", help="Work on a Dask cluster: tcp://host:port."),
)
