"""The paper's study (Figures 3, 4, 6 and 7): simple and bottleneck networks, from no groups over G and D to DG."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from math import prod
from typing import Any

from csncost.costs.analyze import analyze
from csncost.costs.conventions.named import Convention
from csncost.costs.metrics import METRICS
from csncost.costs.naming import argument, spelling
from csncost.errors import CsncostError, SpecError
from csncost.lang.expand import expand
from csncost.lang.given import SpecLike, literal
from csncost.lang.parser import parse
from csncost.lang.printer import print_value
from csncost.spaces.counting.axes import is_swept
from csncost.spaces.designs import Designs
from csncost.spaces.legal import of_dataset
from csncost.spaces.one_by_one import one_by_one
from csncost.spaces.sweep import sweep
from csncost.units import plural

FAMILIES: Mapping[str, tuple[str, ...]] = {"simple": ("none", "G", "D"), "bottleneck": ("none", "G", "D", "DG")}
"""No groups; 3x3x3 in G groups; 3x3x3 depthwise; that, with both 1x1x1 in G groups, which only bottlenecks have."""

GROUPED = ("G", "DG")

MAX_ROWS = 1_000_000
"""Combinations of one study, each of which has a name of its own."""


def study(
    groups: Sequence[int] = range(1, 65),
    blocks: Sequence[Any] = (8, 16),
    *,
    frames: Any = None,
    size: Any = None,
    classes: Any = None,
    convention: str | Convention = "paper",
    **names: Any,
) -> Designs:
    """The paper's designs, with every legal one of the `groups`: a row each, named so that `analyze` takes it.

    Columns are `spec`, `family` (simple, bottleneck), `blocks`, `kind` (none, G, D, DG), `groups` (1 where the kind
    has none; of one group G is none, and DG is D, a second time), what else is swept, the four metrics (params,
    FLOPs of one clip in the convention's unit, interactions in pairs, activations in elements), and `depth` in
    weighted layers. `frames`, `size`, `classes` and parameters such as `width` may be values or lists of them.
    Raises as `sweep` does.

    >>> study([2], [8]).columns["spec"][:4]
    ['simple-8', 'simple-G2-8', 'simple-D-8', 'bottleneck-8']
    """
    groups, blocks = (value if hasattr(value, "__len__") else list(value) for value in (groups, blocks))
    if not (len(groups) and len(blocks)):
        raise CsncostError(f"a study has no {'blocks' if len(groups) else 'groups'}", "give at least one")
    given = _given({**names, "frames": frames, "size": size, "classes": classes})
    _check_rows([groups, blocks, *(value for key, value in given.items() if is_swept(key, value))])
    rows: list[dict[str, Any]] = []
    refused, stamp = 0, {}
    for family, kind in [(family, kind) for family, kinds in FAMILIES.items() for kind in kinds]:
        swept = {**given, "blocks": blocks, **({"G": groups} if kind in GROUPED else {})}
        part = _counted(_name(family, kind, "", "16"), swept, convention)
        rows += _rows(family, kind, part, given)
        refused, stamp = refused + part.refused, dict(part.stamp)
    rows.sort(key=_order(blocks))
    columns: dict[str, Any] = {key: [row[key] for row in rows] for key in rows[0]} if rows else {"spec": []}
    notes = tuple(_notes(groups, blocks, rows, refused, given))
    return Designs(columns.pop("spec"), columns, stamp, refused, notes, fixed={"convention": convention})


def explore(specs: Sequence[SpecLike], groups: Any, blocks: Any, **given: Any) -> Designs:
    """The paper's study where there are no `specs`, and else their space: G over `groups`, `blocks`, what is given."""
    if specs:
        given = arguments_of(groups, blocks, given)
        found = of_dataset(sweep(list(specs) if len(specs) > 1 else specs[0], **given), given.get("convention"))
    else:
        given = {key: alone(value) for key, value in _given(given).items()}
        found = study(**_given({"groups": groups, "blocks": blocks}), **given)
    if not len(found):
        analyze(specs[0] if specs else "simple-8", **_first(given))  # says what is wrong with the first
        raise CsncostError("no combination of these values is a network")
    return found


def arguments_of(groups: Any, blocks: Any, given: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of `sweep` that are given: numbers of groups are the free name G, a list of one value is that."""
    return {key: alone(value) for key, value in _given({"G": groups, "blocks": blocks, **given}).items()}


def alone(value: Any) -> Any:
    """The value of a list of one, which is fixed and not swept."""
    return value[0] if isinstance(value, list) and len(value) == 1 else value


def _given(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value is not None}


def _first(given: Mapping[str, Any]) -> dict[str, Any]:
    """The first of the values that are swept, and those that are fixed."""
    return {key: value[0] if is_swept(key, value) else value for key, value in given.items()}


# -- networks that have two names --------------------------------------------------------------------------------


def distinct(found: Designs) -> Designs:
    """The designs of a study but those that are others' under a second name: of one group, G is none and DG is D."""
    kinds = zip(found.values["kind"], found.values["groups"], strict=True)
    return found.take([i for i, (kind, groups) in enumerate(kinds) if kind not in GROUPED or groups > 1])


def twice_named(found: Designs) -> str:
    """A note of the networks that have two names in a study, if any have."""
    if "kind" not in found.values or (networks := len(distinct(found))) == len(found):
        return ""
    return f"of one group G is none and DG is D: {plural(networks, 'network')} in {len(found):,} rows"


# -- the designs of one kind -------------------------------------------------------------------------------------


def _counted(spec: str, given: Mapping[str, Any], convention: str | Convention) -> Designs:
    """The space of one kind: a few designs one by one, for which no library of arrays is imported."""
    few = one_by_one(spec, given, convention)
    return few or of_dataset(sweep(spec, convention=convention, **given), convention)


def _check_rows(lists: Sequence[Any]) -> None:
    """Refuse a study of absurd size before it is begun."""
    if any(not hasattr(values, "__len__") for values in lists):
        return  # refused where it is swept
    if (most := prod(map(len, lists))) > MAX_ROWS:
        raise CsncostError(f"a study of {most:,} combinations", f"give at most {MAX_ROWS:,}, or name a SPEC to sweep")


def _name(family: str, kind: str, groups: object, blocks: str) -> str:
    """A canonical name: `bottleneck-DG2-16`."""
    middle = {"none": "", "G": f"-G{groups}", "D": "-D", "DG": f"-DG{groups}"}[kind]
    return f"{family}{middle}-{blocks}"


def _rows(family: str, kind: str, part: Designs, given: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The designs of one kind with their names."""
    fixed = {key: value for key, value in given.items() if key not in part.values}
    knobs = [key for key in given if key in part.values]
    for row in part.given_rows:
        groups = row.get("G", 1)
        depth = _canonical(f"{family}-{row['blocks']}").rpartition("-")[2]  # [3, 4, 6, 3] is 16
        chosen = {**fixed, **{key: argument(key, row[key]) for key in knobs}}
        name = spelling(_name(family, kind, groups, depth), chosen)
        design = {"spec": name, "family": family, "blocks": row["blocks"], "kind": kind, "groups": groups}
        yield {**design, **{key: row[key] for key in (*knobs, *METRICS)}}


@lru_cache(maxsize=1024)
def _canonical(name: str) -> str:
    return expand(parse(name)).name


def _order(blocks: Sequence[Any]) -> Any:
    """Families, depths and kinds in the paper's order, as a sorting key."""
    families, kinds = list(FAMILIES), FAMILIES["bottleneck"]
    depths = [print_value(literal("blocks", value)) for value in blocks]
    return lambda row: (
        families.index(row["family"]), depths.index(str(row["blocks"])), kinds.index(row["kind"]), row["groups"],
    )  # fmt: skip


# -- what is left out --------------------------------------------------------------------------------------------


def _notes(
    groups: Sequence[int],
    blocks: Sequence[Any],
    rows: Sequence[Mapping[str, Any]],
    refused: int,
    given: Mapping[str, Any],
) -> Iterator[str]:
    """Notes of what is no network, and why."""
    used = {row["groups"] for row in rows if row["kind"] in GROUPED}
    if left := [g for g in groups if g not in used]:
        listed = ", ".join(map(str, left[:12])) + (f", ... ({len(left)} in all)" if len(left) > 12 else "")
        yield f"left out {'groups' if len(left) > 1 else 'group count'} {listed}: {_reason(left[0], blocks[0], given)}"
    elif refused:
        yield f"left out as no network: {plural(refused, 'combination')}"


def _reason(groups: int, blocks: Any, given: Mapping[str, Any]) -> str:
    """The reason why one number of groups is not legal, as `analyze` says it."""
    try:
        analyze("bottleneck-G-16", G=groups, blocks=blocks, **_first(given))
    except SpecError as fault:
        return "; ".join(text for text in (fault.message, fault.hint) if text)
    return "no network with them is legal"
