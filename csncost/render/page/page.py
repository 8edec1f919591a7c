"""An interactive page of designs: one file that works offline, with two views of the same designs that are linked.

All that it needs stands in it: plotly.js, the designs, the script. Its content security policy lets no other script
run, and nothing be asked of a network.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from hashlib import sha256
from html import escape
from importlib.resources import files
from shlex import join
from string import Template
from typing import TYPE_CHECKING, Any, TypeAlias

from csncost.costs.conventions import CONVENTIONS, Convention
from csncost.costs.count import METRICS
from csncost.errors import CsncostError, MissingExtra
from csncost.logs.runs import Accuracies, Accuracy, Result, points
from csncost.render.figures import series
from csncost.render.figures.series import Row
from csncost.render.figures.style import TITLES, sizes
from csncost.render.figures.tradeoff import accuracy_title, rows_of
from csncost.render.page.legend import legend
from csncost.render.page.traces import Curve, curves, view
from csncost.spaces.designs import Designs
from csncost.spaces.legal import of_dataset
from csncost.spaces.study import Design
from csncost.units import human, plural, shortened

if TYPE_CHECKING:
    from xarray import Dataset

Fact: TypeAlias = tuple[str, str, str]
"""What is said of a design: its label, its value for people, and what stands behind it."""


def page(
    designs: Designs | Dataset | Sequence[Design],
    accuracies: Accuracies | Mapping[int, Result] | None = None,
    *,
    frames: int | None = None,
    size: Any = None,
) -> str:
    """A self-contained HTML page of designs: accuracy against FLOPs and against interactions, as two linked views.

    Arguments are those of `tradeoff`; without a log, the views are interactions against FLOPs and against params. A
    design that is pointed at is ringed in both views and described, a click copies the command that analyses it.

    Raises CsncostError for no designs, for more than a plot has room for, and for records that were counted otherwise
    than `analyze` counts them; MissingExtra without plotly.
    """
    if hasattr(designs, "data_vars"):
        designs = of_dataset(designs)
    if not len(designs):
        raise CsncostError("there are no designs to plot", "widen the range of groups or blocks")
    rows, stamp, found = rows_of(designs, accuracies, frames, size)
    if not stamp:
        raise CsncostError("these records were not counted as analyze counts them", "give the study that they are of")
    given = _given(designs, frames, size)
    described = [_described(row, found.get(i), bool(found), given(i)) for i, row in enumerate(rows)]
    numbers = {id(row): i for i, row in enumerate(rows)}  # rows have no name of their own; series hand them on
    views = [series.view(rows, x, y, by_depth=True) for x, y in _axes(bool(found))]
    drawn = [curves(shown, lambda row: (numbers[id(row)], _lines(described[numbers[id(row)]]))) for shown in views]
    return _document(
        title=f"{plural(len(rows), 'design')}: {'accuracy against cost' if found else 'costs'}",
        stamp=_stamp_line(stamp),
        texts=views[0].texts,
        legend=legend(drawn[0]),
        heads=["design", *(label for label, _, _ in described[0]["facts"])],
        data={
            "views": [
                view(own, shown.x, shown.y, accuracy_title(found)) for own, shown in zip(drawn, views, strict=True)
            ],
            "designs": [said | {"at": at} for said, at in zip(described, _places(rows, drawn[0]), strict=True)],
        },
    )


def _places(rows: Sequence[Row], drawn: Sequence[Curve]) -> Iterator[int]:
    """For each design the number of that which stands in the views: itself, or another that is the same network."""
    numbers = {series.network(point.at.row): point.number for curve in drawn for point in curve.points}
    return (numbers[series.network(row)] for row in rows)


def _axes(logged: bool) -> list[tuple[str, str]]:
    """The two views, x and y."""
    if logged:
        return [("flops", "accuracy"), ("interactions", "accuracy")]
    return [("flops", "interactions"), ("params", "interactions")]


def _stamp_line(stamp: Mapping[str, Any]) -> str:
    """How the designs were counted."""
    known = CONVENTIONS.get(str(stamp.get("convention")))
    counted = f" ({known.unit})" if known else ""
    said = {key: sizes(str(value)) if key == "clip" else value for key, value in stamp.items()}
    return ", ".join(f"{key} {value}{counted if key == 'convention' else ''}" for key, value in said.items())


# -- what is said of a design ------------------------------------------------------------------------------------


def _given(designs: Designs | Sequence[Design], frames: int | None, size: Any) -> Callable[[int], dict[str, Any]]:
    """What `analyze` is to be given besides the spec of a design."""
    if isinstance(designs, Designs):
        return designs.arguments
    return lambda number: {name: value for name, value in (("frames", frames), ("size", size)) if value is not None}


def _described(row: Row, result: Result | None, logged: bool, given: Mapping[str, Any]) -> dict[str, Any]:
    """A design as the page's script shows it."""
    facts = [*_costs(row), *([_accuracy(result)] if logged else [])]
    said = {name: _written(value) for name, value in given.items()}
    if said.get("convention") == "paper":
        del said["convention"]
    swept = "".join(f" {name}={value}" for name, value in said.items() if name in row)
    return {"label": shortened(row["spec"], 60) + swept, "facts": facts, "command": _command(row["spec"], said)}


def _written(value: Any) -> str:
    """A value as the command line takes it."""
    if isinstance(value, Convention):
        return value.name
    return "x".join(map(str, value)) if isinstance(value, tuple) else str(value)


_OPTIONS = ("frames", "size", "classes", "convention")


def _command(spec: str, said: Mapping[str, str]) -> str:
    """The command that analyses a design as it was counted."""
    options = [
        word
        for name, value in said.items()
        for word in ((f"--{name}", value) if name in _OPTIONS else ("-p", f"{name}={value}"))
    ]
    return join(["csncost", "analyze", spec, *options])


def _costs(row: Row) -> Iterator[Fact]:
    for metric in METRICS:
        yield TITLES[metric], human(int(row[metric])), f"{int(row[metric]):,}"


def _accuracy(result: Result | None) -> Fact:
    """The accuracy of a design with its spread, and the runs that it is the mean of."""
    if result is None:
        return "accuracy", "not logged", ""
    spread = "" if result.spread is None else f" \u00b1 {points(result.spread)}"
    runs = ", ".join(_run(run) for run in result.runs)
    return "accuracy", f"{points(result.mean)}{spread} %", f"{result.n} runs: {runs}" if result.n > 1 else runs


def _run(run: Accuracy) -> str:
    """An accuracy and where it comes from."""
    where = [run.source, f"seed {run.seed}" if run.seed else "", "" if run.epoch is None else f"epoch {run.epoch}"]
    said = ", ".join(text for text in where if text)
    return f"{run.value:g} ({said})" if said else f"{run.value:g}"


def _lines(described: Mapping[str, Any]) -> list[str]:
    """What hovering over a design shows."""
    return [described["label"], *(f"{label} {value}" for label, value, _ in described["facts"])]


# -- the document ------------------------------------------------------------------------------------------------


def _document(*, title: str, stamp: str, texts: str, legend: str, heads: Sequence[str], data: Any) -> str:
    """The page; the data are JSON in which no character can end the element that they stand in."""
    scripts = {"plotly": _plotly(), "script": _part("page.js")}
    said = {
        "title": escape(title),
        "stamp": escape(stamp),
        "texts": escape(f"At the points: {texts}." if texts else ""),
    }
    return Template(_part("page.html")).substitute(
        **said,
        heads="".join(f"<th>{escape(head)}</th>" for head in heads),
        **scripts,
        policy=_policy(scripts.values()),
        style=_part("page.css"),
        legend=legend,
        views="".join(_VIEW.format(k) for k in range(len(data["views"]))),
        data=json.dumps(data, separators=(",", ":")).translate(_HARMLESS),
    )


_VIEW = """
<div class="frame"><div id="view-{}" class="view"></div><i class="ring" hidden></i><b class="name" hidden></b></div>"""
_HARMLESS = {ord(character): f"\\u{ord(character):04x}" for character in "<>&"}


def _part(name: str) -> str:
    return files("csncost.render").joinpath(name).read_text("utf-8")


def _plotly() -> str:
    """The text of plotly.js. Raises MissingExtra without plotly."""
    try:
        from plotly.offline import get_plotlyjs
    except ImportError:
        raise MissingExtra("plotly", "html") from None
    return str(get_plotlyjs())


def _policy(scripts: Iterable[str]) -> str:
    """Only these scripts run; pictures are made by the page itself, and nothing comes from elsewhere."""
    hashes = (b64encode(sha256(script.encode()).digest()).decode() for script in scripts)
    allowed = " ".join(f"'sha256-{one}'" for one in hashes)
    return f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data: blob:"
