"""An interactive page of designs: one file that works offline, with two views of the same designs that are linked.

All that it needs stands in it: plotly.js, the designs, the script. Its content security policy lets no other script
run, and nothing be asked of a network.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Hashable, Mapping, Sequence
from hashlib import sha256
from html import escape
from importlib.resources import files
from shlex import join
from string import Template
from typing import TYPE_CHECKING, Any, TypeAlias

from csncost.costs.conventions.named import Convention
from csncost.costs.metrics import METRICS
from csncost.lang.given import SETTING
from csncost.logs.read import LogLike
from csncost.logs.runs import Accuracy, Pooled, points
from csncost.render.figures.series import Row, network, view
from csncost.render.figures.subject import axis_titles, designs_of, flop_of, sizes
from csncost.render.page.figure import COLOURS, linked_views
from csncost.spaces.designs import Designs
from csncost.table import Column, Table
from csncost.units import plural, shortened

if TYPE_CHECKING:
    from plotly.graph_objects import Figure
    from xarray import Dataset

Fact: TypeAlias = tuple[str, str, str]
"""A fact about a design: its label, its value for people, and the exact value or the source behind it."""


def page(designs: Designs | Dataset, accuracies: LogLike | None = None) -> str:
    """A self-contained HTML page of designs: accuracy against FLOPs and against interactions, as two linked views.

    Arguments are those of `tradeoff`; without a log, the views are interactions against FLOPs and against params. A
    design that is pointed at is shown in both views and described, a click copies the command that analyses it.

    Raises CsncostError for no designs and for more than a plot has room for, MissingExtra without plotly.
    """
    found = designs_of(designs, accuracies)
    rows = found.given_rows
    logged = bool(found.joined and found.joined.found)
    xs, y = (("flops", "interactions"), "accuracy") if logged else (("flops", "params"), "interactions")
    views = [view(rows, x, y, by_depth=True) for x in xs]
    numbers = _numbers(rows)
    described = [_described(found, i, row) | {"at": numbers[network(row)]} for i, row in enumerate(rows)]
    return _document(
        linked_views(
            views,
            axis_titles(found.stamp, found),
            lambda row: (numbers[network(row)], _hover_text(described[numbers[network(row)]])),
            {"designs": described, "colours": list(COLOURS.values())},
        ),
        title=f"{plural(len(rows), 'design')}: {'accuracy against cost' if logged else 'costs'}",
        stamp=_stamp_line(found.stamp),
        texts=f"At the points: {views[0].texts}." if views[0].texts else "",
        table=_table(described),
    )


def _numbers(rows: Sequence[Row]) -> dict[Hashable, int]:
    """The numbers of networks: of several designs that are one network, the first stands for all."""
    return {network(row): i for i, row in reversed(list(enumerate(rows)))}


# -- what is said of a design ------------------------------------------------------------------------------------


def _described(designs: Designs, i: int, row: Row) -> dict[str, Any]:
    """A design as the script of the page shows it."""
    logged = designs.joined.found if designs.joined else {}
    costs = [metric for metric in METRICS.values() if metric.operations]
    facts = [(metric.title, metric.show(row[metric.key]), f"{row[metric.key]:,}") for metric in costs]
    named = _named(row["spec"], designs.arguments(i), row)
    return named | {"facts": [*facts, *([_accuracy(logged.get(i))] if logged else [])]}


def _named(spec: str, given: Mapping[str, Any], row: Row) -> dict[str, str]:
    """The label of a design, in full and as an arrow shows it, and the command that analyses it as it was counted."""
    said = {name: _written(value) for name, value in given.items()}
    if said.get("convention") == "paper":
        del said["convention"]
    options = [
        word
        for name, value in said.items()
        for word in ((f"--{name}", value) if name in (*SETTING, "convention") else ("-p", f"{name}={value}"))
    ]
    label = shortened(spec, 60) + "".join(f" {name}={value}" for name, value in said.items() if name in row)
    name = escape(shortened(label, 32))  # Plotly reads it as HTML
    return {"label": label, "name": name, "command": join(["csncost", "analyze", spec, *options])}


def _written(value: Any) -> str:
    """A value as the command line takes it."""
    if isinstance(value, Convention):
        return value.name
    return "x".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _accuracy(result: Pooled | None) -> Fact:
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


def _hover_text(described: Mapping[str, Any]) -> str:
    """The text that hovering over a design shows; Plotly reads it as HTML."""
    lines = [described["label"], *(f"{label} {value}" for label, value, _ in described["facts"])]
    return "<br>".join(map(escape, lines))


def _table(described: Sequence[Mapping[str, Any]]) -> str:
    """All designs, a row each."""
    rows = [{"design": said["label"], **{label: value for label, value, _ in said["facts"]}} for said in described]
    return Table(
        [Column(name, name, align="left" if name == "design" else "right") for name in rows[0]], rows
    ).to_html()


# -- the document ------------------------------------------------------------------------------------------------


def _document(figure: Figure, *, table: str, **texts: str) -> str:
    """The page. Plotly escapes what stands in its JSON; only its scripts may run, and nothing may be asked for."""
    drawn = figure.to_html(
        _CONFIG, include_plotlyjs=True, post_script=_part("page.js"), full_html=False, div_id="figure"
    )
    scripts = re.findall(r"<script>(.*?)</script>", drawn, re.DOTALL)
    hashes = " ".join(f"'sha256-{b64encode(sha256(script.encode()).digest()).decode()}'" for script in scripts)
    light, dark = (" ".join(f"--{name}: {pair[i]};" for name, pair in COLOURS.items()) for i in (0, 1))
    return Template(_part("page.html")).substitute(
        {name: escape(text) for name, text in texts.items()},
        policy=f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; img-src data: blob:",
        light=light,
        dark=dark,
        style=_part("page.css"),
        figure=drawn,
        table=table,
    )


_CONFIG = {
    "displaylogo": False, "displayModeBar": "hover", "modeBarButtonsToRemove": ["select2d", "lasso2d", "autoScale2d"],
    "showSendToCloud": False,
}  # fmt: skip


def _part(name: str) -> str:
    return files("csncost.render.page").joinpath(name).read_text("utf-8")


def _stamp_line(stamp: Mapping[str, Any]) -> str:
    """The stamp of the designs in one line."""
    said = {key: sizes(str(value)) if key == "clip" else value for key, value in stamp.items()}
    if flop_of(stamp):
        said["convention"] = f"{stamp['convention']} ({flop_of(stamp)})"
    return ", ".join(f"{key} {value}" for key, value in said.items())
