"""An interactive page of designs: one file that works offline, with two views of the same designs that are linked.

All that it needs stands in it: plotly.js, the designs, the script. Its content security policy lets no other script
run, and nothing be asked of a network.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import sha256
from html import escape
from importlib.resources import files
from shlex import quote
from string import Template
from typing import Any, TypeAlias

from csncost.analyze import analyze
from csncost.conventions import CONVENTIONS
from csncost.counts import METRICS
from csncost.designs import Design
from csncost.errors import CsncostError, MissingExtra
from csncost.numbers import human
from csncost.records import Accuracies, Accuracy, Result, points
from csncost.render.legend import legend
from csncost.render.plots import TITLES, _joined
from csncost.render.traces import Point, curves, view

Fact: TypeAlias = tuple[str, str, str]
"""What is said of a design: its label, its value for people, and what stands behind it."""


def page(
    designs: Sequence[Design],
    accuracies: Accuracies | Mapping[int, Result] | None = None,
    *,
    frames: int | None = None,
    size: Any = None,
    stamp: Mapping[str, Any] | None = None,
) -> str:
    """A self-contained HTML page of designs: accuracy against FLOPs and against interactions, as two linked views.

    Arguments are those of `tradeoff`; without a log, the views are interactions against FLOPs and against params. A
    design that is pointed at is ringed in both views and described, a click copies the command that analyses it.
    `stamp` says how the designs were counted (default: as `analyze` counts them with `frames` and `size`).

    Raises CsncostError for no designs, or for ones that were counted otherwise, MissingExtra without plotly.
    """
    if not designs:
        raise CsncostError("there are no designs to plot", "widen the range of groups or blocks")
    stamp = stamp or _stamp(designs, frames, size)
    found = _joined(designs, accuracies, frames, size)
    described = [_described(design, found.get(i), bool(found), stamp) for i, design in enumerate(designs)]
    drawn = curves([Point(i, d, found.get(i), _lines(described[i])) for i, d in enumerate(designs)])
    views = [view(drawn, x, y, _titles(found)) for x, y in _axes(bool(found))]
    return _document(
        title=f"{len(designs):,} designs: {'accuracy against cost' if found else 'their costs'}",
        stamp=_stamp_line(stamp),
        legend=legend(drawn, ticks=0 < len(found) < len(designs)),
        heads=["design", *(label for label, _, _ in described[0]["facts"])],
        data={"views": views, "designs": described},
    )


def _axes(logged: bool) -> list[tuple[str, str]]:
    """The two views, x and y."""
    if logged:
        return [("flops", "accuracy"), ("interactions", "accuracy")]
    return [("flops", "interactions"), ("params", "interactions")]


def _titles(found: Mapping[int, Result]) -> dict[str, str]:
    """What was measured, on the axis of accuracies."""
    if not found:
        return {}
    setting = next(iter(found.values())).setting
    what = " ".join(text for text in (setting.dataset, setting.metric) if text)
    return {"accuracy": f"{what} (%)" if what else TITLES["accuracy"]}


# -- what is said of a design ------------------------------------------------------------------------------------


def _described(design: Design, result: Result | None, logged: bool, stamp: Mapping[str, Any]) -> dict[str, Any]:
    """A design as the page's script shows it."""
    facts = [*_costs(design), *([_accuracy(result)] if logged else [])]
    return {"label": _called(design.spec), "facts": facts, "command": _command(design.spec, stamp)}


def _called(spec: str) -> str:
    """A spec as one short line."""
    line = " ".join(spec.split())
    return line if len(line) <= 60 else f"{line[:57]}..."


def _costs(design: Design) -> Iterator[Fact]:
    for metric in METRICS:
        count = getattr(design, metric)
        yield TITLES[metric], human(count), f"{count:,}"


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


def _command(spec: str, stamp: Mapping[str, Any]) -> str:
    """The command that analyses a design as it was counted."""
    counted = str(stamp.get("convention", "paper"))
    return f"csncost analyze {quote(spec)}" + ("" if counted == "paper" else f" --convention {quote(counted)}")


# -- how the designs were counted --------------------------------------------------------------------------------


def _stamp(designs: Sequence[Design], frames: int | None, size: Any) -> Mapping[str, Any]:
    """How designs were counted, if `analyze` counts the first of them so."""
    report = analyze(designs[0].spec, frames=frames, size=size)
    if any(getattr(report, metric) != getattr(designs[0], metric) for metric in METRICS):
        raise CsncostError(
            f"{_called(designs[0].spec)} was not counted as analyze counts it", "say with stamp= how it was"
        )
    return report.stamp()


def _stamp_line(stamp: Mapping[str, Any]) -> str:
    known = CONVENTIONS.get(str(stamp.get("convention")))
    counted = f" ({known.unit})" if known else ""
    return ", ".join(f"{key} {value}{counted if key == 'convention' else ''}" for key, value in stamp.items())


# -- the document ------------------------------------------------------------------------------------------------


def _document(*, title: str, stamp: str, legend: str, heads: Sequence[str], data: Any) -> str:
    """The page; the data are JSON in which no character can end the element that they stand in."""
    scripts = {"plotly": _plotly(), "script": _part("page.js")}
    texts = {"title": escape(title), "stamp": escape(stamp), "heads": "".join(f"<th>{escape(h)}</th>" for h in heads)}
    return Template(_part("page.html")).substitute(
        **texts,
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
