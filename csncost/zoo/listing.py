"""Every named network and family, with what is known of it."""

from __future__ import annotations

from typing import Any

from csncost.costs.analyze import analyze
from csncost.costs.metrics import METRICS, counted
from csncost.files import published
from csncost.lang.catalogue import example, offers, pattern_text, plain_offers
from csncost.lang.expand import expand
from csncost.lang.parser import parse
from csncost.table import Column, Table
from csncost.units import human


def named_networks() -> list[dict[str, Any]]:
    """A row for each named network: its canonical name where that is another, cost at the base clip, and accuracy.

    `top1` is the video top-1 accuracy (percent) on Kinetics-400 that Table 2 of the paper prints.
    """
    accuracy = {row["spec"]: row["video@1"] for row in published("table2")}
    rows = []
    for network in plain_offers():
        name = pattern_text(network.pattern)
        report = analyze(name)
        same = expand(parse(name)).name
        counts = report.totals.to_dict()
        rows.append(
            {
                "name": name,
                "same_as": same if same != name else None,
                **counts,
                "top1": float(accuracy[name]) if name in accuracy else None,
            }
        )
    return rows


def families() -> list[str]:
    """The patterns of names that take numbers: `bottleneck-G<G>-<blocks>`."""
    return [pattern_text(offer.pattern) for offer in offers() if any(slot.hole for slot in offer.pattern)]


def listing() -> Table:
    """The named networks as a table, the families in its notes."""
    stamp = analyze(example()).stamp()
    notes = [
        f"families: {', '.join(families())}",
        "blocks: 4, 8, 16, 33, 50 or a list such as [3,4,6,3]; a bare G stays free",
        "add @32x256 for a clip, (width=2, classes=487) for parameters",
        "top-1: Kinetics-400 video accuracy in %, Tran et al., ICCV 2019, Table 2",
    ]
    columns = [
        Column("name", "name"),
        Column("same_as", "same as"),
        *(Column(key, METRICS[key].heading, human, "right", drop=METRICS[key].drop) for key in counted()),
        Column("top1", "top-1", align="right"),
    ]
    return Table(columns, named_networks(), title="Named networks", notes=notes, stamp=stamp)
