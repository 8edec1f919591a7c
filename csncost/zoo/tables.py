"""The tables of Tran et al. (ICCV 2019): ours beside the paper's, cell by cell.

The published figures are package data (`zoo/paper/*.csv`). A figure agrees when ours, rounded to as many decimals as
are printed, is the same text. Figures of other methods are cited as printed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

from csncost.costs.analyze import analyze, to_network
from csncost.errors import CsncostError, did_you_mean
from csncost.files import published
from csncost.lang.expand import expand
from csncost.lang.parser import parse
from csncost.network.graph import Graph, Network
from csncost.network.ops import Conv, Pool
from csncost.table import Column, Result, Table
from csncost.units import rounded, shape

TABLES = ("table1", "table2", "table3", "table4", "table5", "table6")

GIGA, MEGA = 10**9, 10**6


@dataclass(frozen=True, slots=True)
class Cell:
    """One printed figure and ours for it: `exact` before rounding, `ours` as the paper would print it."""

    row: str
    column: str
    printed: str
    ours: str
    exact: Any = None

    @property
    def agrees(self) -> bool:
        """Whether ours reads the same as the printed figure."""
        return self.printed == self.ours


@dataclass(frozen=True)
class Reproduction(Result):
    """A published table with our figures beside it; `known` cells differ for a reason that the notes give."""

    name: str
    caption: str
    source: str
    cells: tuple[Cell, ...]
    shown: Table
    known: frozenset[tuple[str, str]] = field(default_factory=frozenset)

    @property
    def mismatches(self) -> list[Cell]:
        """Cells that differ without a known reason."""
        return [cell for cell in self.cells if not cell.agrees and (cell.row, cell.column) not in self.known]

    @property
    def agrees(self) -> bool:
        """Whether every figure that we compute comes out, but for contradictions in the paper itself."""
        return not self.mismatches

    def table(self) -> Table:
        """The table as it is published, ours beside it."""
        return self.shown

    @property
    def notes(self) -> tuple[str, ...]:
        """The tally, and the contradictions in the paper."""
        return tuple(self.shown.notes[:-1])

    def to_dict(self) -> dict[str, Any]:
        """The reproduction as plain data."""
        return {
            "table": self.name,
            "caption": self.caption,
            "source": self.source,
            "agrees": self.agrees,
            **self.shown.stamp,
            "cells": [asdict(cell) | {"agrees": cell.agrees} for cell in self.cells],
            "rows": [{c.key: row.get(c.key) for c in self.shown.columns} for row in self.shown.rows],
            "notes": list(self.notes),
        }

    def __repr__(self) -> str:
        agreeing = sum(cell.agrees for cell in self.cells)
        known = f", {len(self.known)} differ as explained" if self.known else ""
        return f"<Reproduction of {self.name}: {agreeing} of {len(self.cells)} figures agree{known}>"


def reproduce(name: str) -> Reproduction:
    """One of the paper's tables, `table1` to `table6`, ours beside it. Raises CsncostError for another name.

    >>> reproduce("table2").agrees
    True
    """
    makers = {
        "table1": _table1,
        "table2": _table2,
        "table3": _table3,
        "table4": _table4,
        "table5": _table5,
        "table6": _table6,
    }
    if not isinstance(name, str) or name not in makers:
        hint = did_you_mean(str(name), [*TABLES, "all"]) or f"there are {', '.join(TABLES)}, and all"
        raise CsncostError(f'no table "{name!s:.60}"', hint)
    return makers[name]()


def _table2() -> Reproduction:
    units = {"flops": GIGA, "params": MEGA, "interactions": GIGA}
    titles = {"flops": "FLOPs G", "params": "params M", "interactions": "interact. G"}
    cells, rows = [], []
    for printed in published("table2"):
        report = analyze(printed["spec"])
        row: dict[str, Any] = {key: printed[key] for key in ("model", "depth", "video@1")}
        for metric, unit in units.items():
            cell = compared(printed["spec"], metric, printed[metric], getattr(report, metric), unit)
            cells.append(cell)
            row |= {metric: cell.printed, f"{metric}_ours": cell.ours, f"{metric}_mark": cell.agrees}
        rows.append(row)
    columns = [Column(key, key) for key in ("model", "depth", "video@1")]
    for metric, title in titles.items():
        columns += beside(metric, title)
    return reproduction("table2", columns, rows, cells, {"clip": "3x8x224x224", "classes": 400, "views": 1})


def _table4() -> Reproduction:
    return _state_of_the_art(
        "table4", ("method", "input", "video@1", "video@5"), {"clip": "3x32x224x224", "classes": 487}
    )


def _table5() -> Reproduction:
    return _state_of_the_art("table5", ("method", "pretrain", "vi@1", "vi@5"), {"clip": "3x32x256x256", "classes": 400})


def _state_of_the_art(name: str, cited: tuple[str, ...], stamp: dict[str, Any]) -> Reproduction:
    cells, rows = [], []
    for printed in published(name):
        row: dict[str, Any] = {key: printed[key] for key in cited}
        row["gflops"] = (
            printed["gflops"]
            if printed["crops"] == printed["gflops"] == "N/A"
            else f"{printed['gflops']}\u00d7{printed['crops']}"
        )
        if printed["spec"]:
            report = analyze(printed["spec"], views=int(printed["crops"]))
            cell = compared(
                f"{printed['method']} {row.get('pretrain', '')}".strip(),
                "gflops",
                printed["gflops"],
                report.flops // report.views,
                GIGA,
            )
            cells.append(cell)
            video = rounded(report.flops, 10**12, 2)
            row |= {
                "gflops_ours": f"{cell.ours}\u00d7{report.views}",
                "gflops_mark": cell.agrees,
                "video": f"{video} T",
            }
        else:
            row |= {"gflops_ours": "", "gflops_mark": None}
        rows.append(row)
    columns = [Column(key, key) for key in cited]
    columns += [*beside("gflops", "GFLOPs\u00d7crops"), Column("video", "per video", align="right")]
    return reproduction(name, columns, rows, cells, stamp | {"views": "as printed"})


def _table6() -> Reproduction:
    columns = [Column(key, key) for key in ("method", "pretrain", "video@1")]
    note = "accuracies only: nothing here is a cost, all figures are cited as printed"
    return reproduction("table6", columns, published("table6"), [], {}, (note,))


def _table3() -> Reproduction:
    cells, rows = [], []
    for printed in published("table3"):
        written = expand(parse(printed["model"]))
        stages = [
            node
            for node in to_network(printed["model"]).graph.nodes
            if node.name.startswith("conv") and node.name != "conv1"
        ]
        blocks = [sum(block.copies for block in stage.op.nodes) for stage in stages if isinstance(stage.op, Graph)]
        ours = {"block": written.name.partition("-")[0], "config": str(blocks), "name": written.name}
        found = [Cell(printed["model"], key, printed[key], text) for key, text in ours.items()]
        rows += [
            {"model": c.row, "of": c.column, "printed": c.printed, "ours": c.ours, "mark": c.agrees} for c in found
        ]
        cells += found
    return reproduction("table3", [Column("model", "model"), *_LONG], rows, cells, {}, section="model")


def _table1() -> Reproduction:
    """Output sizes and filters, at T = 8; the outputs are those of the networks, the filters of their first blocks."""
    nets = {"simple": to_network("simple-16"), "bottleneck": to_network("bottleneck-16")}
    as_printed = to_network("bottleneck-16(block=bottleneck_Table1)")
    frames = nets["simple"].clip[1]
    cells, rows, known = [], [], set()
    for printed in published("table1"):
        layer = printed["layer"]
        outputs = {shape(_stage(net, layer).output[1:]) for net in nets.values()}
        found = [Cell(layer, "output", _at_frames(printed["output"], frames), " or ".join(sorted(outputs)))]
        found += [Cell(layer, column, printed[column], _filters(_stage(net, layer))) for column, net in nets.items()]
        cells += found
        if not found[-1].agrees and found[-1].printed == _filters(_stage(as_printed, layer)):
            known.add((layer, "bottleneck"))
        rows += [
            {
                "layer": layer,
                "of": c.column,
                "printed": c.printed,
                "ours": c.ours,
                "mark": None if (layer, c.column) in known else c.agrees,
            }
            for c in found
        ]
    return reproduction(
        "table1",
        [Column("layer", "layer"), *_LONG],
        rows,
        cells,
        {"clip": shape(nets["simple"].clip), "classes": 400, "views": 1},
        ("outputs are those for T = 8", "unmarked: explained below, and no mismatch"),
        known=frozenset(known),
        section="layer",
    )


def _at_frames(output: str, frames: int) -> str:
    """A printed output size with T put in: `T/2 x 28 x 28` is 4x28x28 for 8 frames."""
    time, height, width = output.split(" x ")
    factor = {"T": 1, "T/2": 2, "T/4": 4, "T/8": 8}.get(time)
    return "x".join([str(frames // factor) if factor else time, height, width])


def _stage(net: Network, label: str) -> Graph:
    return next(node.op for node in net.graph.nodes if node.name == label and isinstance(node.op, Graph))


def _filters(stage: Graph) -> str:
    """The kernels and filters of a stage's first block, as Table 1 prints them."""
    first = stage.nodes[0].op
    nodes = first.nodes if isinstance(first, Graph) else stage.nodes
    texts = []
    for node in nodes:
        match node.op:
            case Conv(out_channels=filters, kernel=kernel):
                texts.append(f"{shape(kernel)} {filters}")
            case Pool(function=function, kernel=kernel):
                texts.append(f"{function} {shape(kernel)}".strip())
    return "; ".join(texts)


def compared(row: str, column: str, printed: str, exact: int, unit: int) -> Cell:
    """A printed figure, and ours with as many decimals."""
    decimals = len(printed.partition(".")[2])
    return Cell(row, column, printed, rounded(exact, unit, decimals), exact)


def _mark(agrees: bool) -> str:
    return "\u2713" if agrees else "\u2717"


_LONG = (
    Column("of", "of"),
    Column("printed", "printed", wrap=True),
    Column("ours", "ours", wrap=True),
    Column("mark", "", _mark, tight=True),
)
"""The columns of a table that has a row for each cell."""


def beside(key: str, title: str) -> list[Column]:
    """The columns of a printed figure: as printed, ours, and whether they agree."""
    return [
        Column(key, title, align="right"),
        Column(f"{key}_ours", "ours", align="right"),
        Column(f"{key}_mark", "", _mark, tight=True),
    ]


def reproduction(
    name: str,
    columns: list[Column],
    rows: list[dict[str, Any]],
    cells: list[Cell],
    stamp: dict[str, Any],
    notes: tuple[str, ...] = (),
    known: frozenset[tuple[str, str]] = frozenset(),
    section: str = "",
) -> Reproduction:
    """What a table or a figure comes to, with its caption, its tally and the contradictions in it."""
    caption = next(row for row in published("captions") if row["table"] == name)
    agreeing = sum(cell.agrees for cell in cells)
    tally = [f"{agreeing} of {len(cells)} figures agree to the last printed digit"] if cells else []
    notes = (*tally, *notes, *_contradictions(name))
    stamp = {"convention": "paper"} | stamp if stamp else {}
    title = f"{'Figure' if name.startswith('fig') else 'Table'} {name[-1]}: {caption['caption']}"
    table = Table(
        columns, rows, title=title, notes=[*notes, f"source: {caption['source']}"], stamp=stamp, section=section
    )
    return Reproduction(name, caption["caption"], caption["source"], tuple(cells), table, known)


def _contradictions(name: str) -> Iterator[str]:
    """Where the paper states something that its own figures contradict, with our figures for both readings."""
    for row in published("contradictions"):
        if row["table"] != name:
            continue
        figures = {}
        if row["metric"]:
            for key in ("stated", "used"):
                figures[key] = rounded(getattr(analyze(row[key]), row["metric"]), 10 ** int(row["unit"]), 1)
        yield f"contradiction: {row['statement']}; {row['evidence'].format(**figures)}"
