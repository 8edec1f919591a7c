"""The tables of Tran et al. (ICCV 2019): ours beside the paper's, cell by cell.

`zoo/paper/` holds each table as it is printed; its `columns.csv` says which figure of ours belongs into which column,
and `tables.csv` what all of a table was counted for.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, TypeAlias

from csncost.costs.analyze import analyze, to_network
from csncost.costs.metrics import METRICS, Metric
from csncost.files import published
from csncost.lang.expand import expand
from csncost.lang.parser import parse
from csncost.network.graph import Graph
from csncost.network.ops import Conv, Pool
from csncost.table import Column
from csncost.units import rounded, shape
from csncost.zoo.reproduction import Cell, Reproduction, beside, compared, mark, reproduction

TABLES = ("table1", "table2", "table3", "table4", "table5", "table6")

Printed: TypeAlias = Mapping[str, str]
"""A line of a published file."""

Layout: TypeAlias = tuple[list[Column], list[dict[str, Any]]]


def table(name: str) -> Reproduction:
    """One of the paper's tables, ours beside it.

    >>> table("table2").agrees
    True
    """
    about = next(row for row in published("tables") if row["table"] == name)
    columns = [column for column in published("columns") if column["table"] == name]
    found = [(row, _cells(row, columns)) for row in published(name)]
    cells = [cell for _, row in found for cell in row.values()]
    known = frozenset((row[c["column"]].row, c["column"]) for p, row in found for c in columns if _explained(p, row, c))
    wide = all(column["ours"] in ("", *METRICS) for column in columns)
    heads, rows = _wide(columns, found) if wide else _long(cells, columns[0]["column"], known)
    given = {key: about[key] for key in ("clip", "classes", "views") if about[key]}
    stamp = {key: int(text) if text.isdecimal() else text for key, text in given.items()}
    notes = [about["notes"]] if about["notes"] else []
    notes += ["unmarked: explained below, and no mismatch"] if known else []
    return reproduction(name, heads, rows, cells, stamp, notes, known, "" if wide else columns[0]["column"])


def _cells(printed: Printed, columns: Sequence[Printed]) -> dict[str, Cell]:
    """The figures of a row that we compute, by column; those of other methods are cited."""
    called = " ".join(printed[column["column"]] for column in columns if column["names"]) or printed["spec"]
    found = {}
    for column in columns:
        specs = (column["spec"] or printed.get("spec", "")).split()
        if column["ours"] and specs:
            found[column["column"]] = _cell(called, printed, column, specs)
    return found


def _cell(called: str, printed: Printed, column: Printed, specs: Sequence[str]) -> Cell:
    """A figure and ours, which is the same for every one of the specs."""
    key, ours = column["column"], column["ours"]
    if ours in METRICS:
        return compared(called, key, printed[key], METRICS[ours], getattr(analyze(specs[0]), ours))
    texts = sorted({_TEXTS[ours](spec, printed) for spec in specs})
    return Cell(called, key, _for_8_frames(printed[key]), " or ".join(texts))


def _explained(printed: Printed, cells: Mapping[str, Cell], column: Printed) -> bool:
    """Tell if a figure is, by a contradiction in the paper, that of another network than ours."""
    if not column["explained"]:
        return False
    cell = cells[column["column"]]
    return not cell.agrees and cell.printed == _TEXTS[column["ours"]](column["explained"], printed)


def _wide(columns: Sequence[Printed], found: Sequence[tuple[Printed, Mapping[str, Cell]]]) -> Layout:
    """A table as it is printed, with ours beside each column of costs."""
    heads: list[Column] = []
    rows: list[dict[str, Any]] = [{} for _ in found]
    for column in columns:
        key, times = column["column"], column["times"]
        heads += _heads(key, times, METRICS.get(column["ours"]))
        for row, (printed, cells) in zip(rows, found, strict=True):
            count = printed[times] if times else ""
            row[key] = _multiplied(printed[key], count)
            if cell := cells.get(key):
                row |= {f"{key}_ours": _multiplied(cell.ours, count), f"{key}_mark": cell.agrees}
                row |= {"video": f"{rounded(cell.exact * int(count), 10**12, 2)} T"} if times else {}
            elif column["ours"]:
                row[f"{key}_ours"] = ""
    return heads, rows


def _heads(key: str, times: str, metric: Metric | None) -> list[Column]:
    if metric is None:
        return [Column(key, key)]
    if not times:
        return beside(key, metric)
    title = f"{metric.prefix}{metric.heading}\u00d7{times}"
    return [*beside(key, metric, title), Column("video", "per video", align="right")]


def _multiplied(text: str, count: str) -> str:
    """`56.5` and `10` as 56.5\u00d710."""
    return f"{text}\u00d7{count}" if count and not text == count == "N/A" else text


def _long(cells: Sequence[Cell], name: str, known: Collection[tuple[str, str]]) -> Layout:
    """A table with a row for each figure."""
    heads = [
        Column(name, name),
        Column("of", "of"),
        Column("printed", "printed", wrap=True),
        Column("ours", "ours", wrap=True),
        Column("mark", "", mark, tight=True),
    ]
    rows = []
    for cell in cells:
        agrees = None if (cell.row, cell.column) in known else cell.agrees
        rows.append({name: cell.row, "of": cell.column, "printed": cell.printed, "ours": cell.ours, "mark": agrees})
    return heads, rows


def _for_8_frames(printed: str) -> str:
    """A printed output size with T = 8 put in: `T/2 x 28 x 28` is 4x28x28."""
    time, *sides = printed.split(" x ")
    if sides and time.startswith("T"):
        time = str(8 // int(time.partition("/")[2] or 1))
    return "x".join([time, *sides])


def _stage(spec: str, label: str) -> Graph:
    graph = to_network(spec).graph
    return next(node.op for node in graph.nodes if node.name == label and isinstance(node.op, Graph))


def _filters(stage: Graph) -> str:
    """The kernels and filters of a stage's first block, as Table 1 prints them."""
    first = stage.nodes[0].op
    texts = []
    for node in first.nodes if isinstance(first, Graph) else stage.nodes:
        match node.op:
            case Conv(out_channels=filters, kernel=kernel):
                texts.append(f"{shape(kernel)} {filters}")
            case Pool(function=function, kernel=kernel):
                texts.append(f"{function} {shape(kernel)}".strip())
    return "; ".join(texts)


def _config(spec: str) -> str:
    """The blocks of each stage: `[3, 4, 6, 3]`."""
    stages = [node.op for node in to_network(spec).graph.nodes if isinstance(node.op, Graph)]
    blocks = [[node.copies for node in stage.nodes if isinstance(node.op, Graph)] for stage in stages]
    return str([sum(copies) for copies in blocks if copies])


def _name(spec: str) -> str:
    return expand(parse(spec)).name


_TEXTS: Mapping[str, Callable[[str, Printed], str]] = {
    "output": lambda spec, printed: shape(_stage(spec, printed["layer"]).output[1:]),
    "filters": lambda spec, printed: _filters(_stage(spec, printed["layer"])),
    "config": lambda spec, printed: _config(spec),
    "name": lambda spec, printed: _name(spec),
    "block": lambda spec, printed: _name(spec).partition("-")[0],
}
"""Figures of ours that are texts, of a network and the row that it is in."""
