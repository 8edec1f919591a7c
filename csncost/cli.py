"""The command line: options in, a library call, output out. No logic lives here."""

from __future__ import annotations

import errno
import io
import os
import sys
from collections.abc import Callable
from typing import Any, TypeVar

import click

from csncost.errors import CsncostError
from csncost.report import LEVELS
from csncost.table import FORMATS

T = TypeVar("T", bound=Callable[..., Any])


class _Group(click.Group):
    """Turns every fault of the caller into one clear message and exit code 2."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()  # what cannot be written is told here, not while the interpreter shuts down
            return result
        except CsncostError as error:
            _complain(str(error))
            ctx.exit(2)
        except OSError as error:
            if error.errno == errno.EPIPE:  # click knows what to do when a reader has gone
                raise
            _complain(f"cannot write: {error.strerror}")
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # drop what is still in the buffer
            ctx.exit(1)


def _complain(text: str) -> None:
    click.echo(click.style("error: ", fg="red", bold=True) + text, err=True)


def _options(*decorators: Callable[[T], T]) -> Callable[[T], T]:
    def decorate(function: T) -> T:
        for decorator in reversed(decorators):
            function = decorator(function)
        return function

    return decorate


def _size(ctx: click.Context, param: click.Parameter, value: str | None) -> Any:
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


def _names(ctx: click.Context, param: click.Parameter, values: tuple[str, ...]) -> dict[str, str]:
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


def _spec(ctx: click.Context, param: click.Parameter, value: Any) -> Any:
    from csncost.reading import from_argument

    if isinstance(value, tuple):
        return tuple(from_argument(text, sys.stdin.buffer if sys.stdin else None) for text in value)
    return from_argument(value, sys.stdin.buffer if sys.stdin else None)


def _arguments(options: dict[str, Any]) -> dict[str, Any]:
    """Options as keyword arguments, and the names given with -p among them, unless one is an option's."""
    names = options.pop("names")
    for name in names:
        if name in (*options, "spec", "specs"):
            raise CsncostError(f"-p does not set {name}", f"use the option --{name}")
    return {**options, **names}


_GIVEN = click.option(
    "-p",
    "names",
    multiple=True,
    callback=_names,
    metavar="NAME=VALUE",
    help="A parameter or a free name: G=4, 'G=[1,1,4,4]'; repeatable.",
)
_FILE = click.option("-o", "--output", metavar="FILE", help="Write to a file, whole or not at all.")
_CLIP = _options(
    click.option("--frames", type=int, metavar="N", help="Frames of the clip (default: the spec's, or 8)."),
    click.option("--size", callback=_size, metavar="N|HxW", help="Height and width (default: the spec's, or 224)."),
    click.option("--classes", type=int, metavar="N", help="Outputs of the classifier (default: the spec's, or 400)."),
    click.option("--convention", default="paper", metavar="NAME", help="How to count: paper, macs, flops, everything."),
    _GIVEN,
)
_VIEWS = click.option("--views", type=int, default=1, metavar="N", help="Clips and crops per video; multiplies FLOPs.")
_OUTPUT = _options(
    click.option("--format", "form", type=click.Choice(FORMATS), default="table", help="Output format."),
    _FILE,
)


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="csncost", message="%(prog)s %(version)s")
def main() -> None:
    """What convolutional networks cost: parameters, FLOPs and channel interactions, exact.

    A SPEC is a name (bottleneck-D-16, ir-CSN-152@32x256, bottleneck-G-16 with -p G=4), a .csn file, a network written
    out, or - for standard input.

    \b
      csncost analyze bottleneck-D-16         where the cost sits
      csncost compare ResNet3D-50 ir-CSN-50   how much cheaper, and where
      csncost formula bottleneck-G-16         closed forms in G, T, H, W
      csncost show ir-CSN-50 > mine.csn       written out, to edit
      csncost reproduce all                   the paper's tables, ours beside
      csncost language                        how networks are written
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal that lacks a character shows ? instead of failing


@main.command()
@click.argument("spec", callback=_spec)
@_CLIP
@_VIEWS
@click.option("--by", type=click.Choice(LEVELS), default=None, help="Rows: stage for people, layer for JSON and CSV.")
@_OUTPUT
def analyze(spec: Any, by: Any, form: Any, output: Any, **options: Any) -> None:
    """What a network costs, and where."""
    from csncost.analyze import analyze as run
    from csncost.render.output import emit

    report = run(spec, **_arguments(options))
    shown = report.by(by or ("layer" if form in ("json", "csv") else "stage"))
    emit([shown.table()], shown.to_dict, form, output)


@main.command()
@click.argument("specs", nargs=-1, required=True, callback=_spec, metavar="SPEC SPEC...")
@_CLIP
@_VIEWS
@click.option("--by", type=click.Choice(LEVELS), default="stage", help="What is aligned.")
@_OUTPUT
def compare(specs: Any, form: Any, output: Any, **options: Any) -> None:
    """Networks side by side, ratios to the first."""
    from csncost.comparison import compare as run
    from csncost.render.output import emit

    found = run(*specs, **_arguments(options))
    emit([found.table()], found.to_dict, form, output)


@main.command()
@click.argument("spec", callback=_spec)
@_CLIP
@click.option(
    "--free", multiple=True, metavar="NAME", help="Keep a parameter that has a default as a symbol; repeatable."
)
@click.option("--by", type=click.Choice(("stage", "total")), default="stage", help="A line for each stage, or one sum.")
@click.option(
    "--format", "form", type=click.Choice(("text", "latex", "python", "json")), default="text", help="Output format."
)
@_FILE
def formula(spec: Any, by: str, form: str, output: Any, **options: Any) -> None:
    """Closed forms in T, H, W and every free name."""
    import json

    from csncost.render.output import emit_text
    from csncost.symbolic import formula as run

    found = run(spec, **_arguments(options))
    texts: dict[str, Callable[[], str]] = {
        "text": lambda: found.to_text(by),
        "latex": lambda: found.to_latex(by),
        "python": found.to_python,
        "json": lambda: json.dumps(found.to_dict(), indent=2) + "\n",
    }
    emit_text(texts[form](), output)


@main.command()
@click.argument("spec", callback=_spec)
@_GIVEN
@_FILE
def show(spec: Any, output: Any, **options: Any) -> None:
    """The network written out, itself a spec."""
    from csncost.analyze import show as run
    from csncost.render.output import emit_text

    emit_text(run(spec, **_arguments(options)), output)


@main.command("list")
@_OUTPUT
def list_(form: Any, output: Any) -> None:
    """Every named network, with what is known of it."""
    from csncost.listing import families, listing
    from csncost.render.output import emit

    table = listing()
    emit([table], lambda: {"families": families(), **table.stamp, "networks": list(table.rows)}, form, output)


@main.command()
def language() -> None:
    """The reference of the spec language."""
    from csncost.analyze import REFERENCE
    from csncost.render.output import emit_text

    emit_text(REFERENCE.read_text("utf-8"), None)


@main.command()
@click.argument("table", metavar="table1|...|table6|all")
@_OUTPUT
def reproduce(table: str, form: Any, output: Any) -> None:
    """The paper's tables, ours beside them.

    Every figure is compared as printed. Exit code 1 where one differs for no reason that is given.
    """
    from csncost.paper import TABLES
    from csncost.paper import reproduce as run
    from csncost.render.output import emit

    found = [run(name) for name in (TABLES if table == "all" else (table,))]
    emit([one.table for one in found], lambda: [one.to_dict() for one in found], form, output)
    if not all(one.agrees for one in found):
        sys.exit(1)
