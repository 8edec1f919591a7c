"""Options and arguments that commands share, and how their values are read."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, TypeVar

import click

from csncost.errors import CsncostError
from csncost.table import FORMATS

T = TypeVar("T", bound=Callable[..., Any])


def options_of(*decorators: Callable[[T], T]) -> Callable[[T], T]:
    """Several options as one decorator."""

    def decorate(function: T) -> T:
        for decorator in reversed(decorators):
            function = decorator(function)
        return function

    return decorate


def size_option(ctx: click.Context, param: click.Parameter, value: str | None) -> Any:
    """`224`, or `224x320` for height x width."""
    if value is None:
        return None
    parts = value.lower().replace("\u00d7", "x").split("x")
    if not all(part.isascii() and part.isdigit() and len(part) < 12 for part in parts) or len(parts) > 2:
        raise CsncostError(
            f'--size is a number or HxW, not "{value[:40]}"', "for instance --size 224, or --size 224x320"
        )
    sizes = tuple(map(int, parts))
    return sizes[0] if len(sizes) == 1 else sizes


def name_options(ctx: click.Context, param: click.Parameter, values: tuple[str, ...]) -> dict[str, str]:
    """NAME=VALUE pairs."""
    names: dict[str, str] = {}
    for value in values:
        name, equals, text = value.partition("=")
        name = name.strip()
        if not (equals and name.isidentifier() and text.strip()):
            raise CsncostError(f'-p takes NAME=VALUE, not "{value[:60]}"', "for instance -p G=4")
        if name in names:
            raise CsncostError(f'-p gives "{name[:40]}" twice', "give one value")
        names[name] = text
    return names


def reads(reader: str) -> Callable[[click.Context, click.Parameter, str | None], Any]:
    """The callback of an option whose text a function of `ranges` reads: values, sizes, count, share, ..."""

    def callback(ctx: click.Context, param: click.Parameter, value: str | None) -> Any:
        from csncost.spaces import ranges

        return None if value is None else getattr(ranges, reader)(value, param.opts[0])

    return callback


def spec_argument(ctx: click.Context, param: click.Parameter, value: Any) -> Any:
    """An argument that is a spec, or several."""
    return tuple(map(read, value)) if isinstance(value, tuple) else read(value)


def label_options(ctx: click.Context, param: click.Parameter, values: tuple[str, ...]) -> dict[str, str]:
    """KEY=TEXT pairs."""
    pairs = [value.partition("=") for value in values]
    for (key, _, text), value in zip(pairs, values, strict=True):
        if key not in ("dataset", "metric", "pretrain") or not text.strip():
            raise CsncostError(
                f'--label takes KEY=TEXT, not "{value[:60]}"',
                "KEY is dataset, metric or pretrain: --label metric=top-1",
            )
    return {key: text.strip() for key, _, text in pairs}


def select_option(ctx: click.Context, param: click.Parameter, value: str) -> Any:
    """`best`, `last`, or the number of an epoch."""
    if value in ("best", "last"):
        return value
    if not (value.isascii() and value.isdigit() and len(value) < 10):
        raise CsncostError(f'--select is best, last or an epoch, not "{value[:40]}"', "for instance --select 45")
    return int(value)


def read(text: str) -> Any:
    """A spec as it was typed: a name, a file, a text, or - for standard input."""
    from csncost.lang.given import from_argument

    return from_argument(text, sys.stdin.buffer if sys.stdin else None)


def arguments(options: dict[str, Any]) -> dict[str, Any]:
    """Options as keyword arguments, and the names given with -p among them, unless one is an option's."""
    names = options.pop("names")
    for name in names:
        if name in (*options, "spec", "specs"):
            raise CsncostError(f"-p does not set {name}", f"use the option --{name}")
    return {**options, **names}


GIVEN = click.option(
    "-p",
    "names",
    multiple=True,
    callback=name_options,
    metavar="NAME=VALUE",
    help="A parameter or a free name: G=4, 'G=[1,1,4,4]'; repeatable.",
)
PLOT = click.option("--plot", metavar="FILE", help="Draw where the cost sits, by stage: FILE.png, .pdf or .svg.")
FILE = click.option("-o", "--output", metavar="FILE", help="Write to a file, whole or not at all.")
SETTING = options_of(
    click.option("--frames", type=int, metavar="N", help="Frames of the clip (default: the spec's, or 8)."),
    click.option(
        "--size", callback=size_option, metavar="N|HxW", help="Height and width (default: the spec's, or 224)."
    ),
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
        callback=select_option,
        metavar="best|last|EPOCH",
        help="Which epoch of a run counts.",
    ),
    click.option(
        "--label",
        "labels",
        multiple=True,
        callback=label_options,
        metavar="KEY=TEXT",
        help="Call the dataset, metric or pretrain of all logs so, where they name one thing differently; repeatable.",
    ),
)
"""How a log is read."""
ACCURACY = click.option(
    "--accuracy",
    "logs",
    multiple=True,
    metavar="LOG",
    help="Measured accuracies: a table with a column spec, FILE=SPEC of one run, or paper; repeatable.",
)


def drawing(default: str, what: str, *, page: bool = True) -> Callable[[T], T]:
    """`--plot`, with or without the name of a file."""
    kinds = "FILE.png, .pdf, .svg, or .html, an interactive page" if page else "FILE.png, .pdf or .svg"
    text = f"{what}: {kinds} (default: {default})."
    return click.option("--plot", is_flag=False, flag_value=default, metavar="[FILE]", help=text)


def chunks_option(ctx: click.Context, param: click.Parameter, value: str | None) -> int | str | None:
    """`auto`, or how many designs a block has at most."""
    if value is None or value == "auto":
        return value
    if not (value.isascii() and value.replace("_", "").isdigit() and len(value) < 16 and int(value)):
        raise CsncostError(
            f'--chunks is a number of designs, or auto, not "{value[:40]}"', "for instance --chunks 1000000"
        )
    return int(value)


CHUNKED = options_of(
    click.option("--chunks", callback=chunks_option, metavar="N|auto", help="Work in blocks of at most N designs."),
    click.option("--scheduler", metavar="ADDRESS", help="Work on a Dask cluster: tcp://host:port."),
)
