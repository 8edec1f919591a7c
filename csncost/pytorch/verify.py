"""Networks as written against networks as run: analytic and traced counts layer by layer, totals against fvcore."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import torch

from csncost.costs.analyze import analyze, to_network
from csncost.costs.conventions.named import CONVENTIONS
from csncost.costs.count import tally
from csncost.costs.report import Report
from csncost.costs.rows import Row
from csncost.errors import MissingExtra, SpecError
from csncost.lang.given import SizeLike, SpecLike
from csncost.network.graph import Network
from csncost.network.walk import walk
from csncost.pytorch.build.build import build
from csncost.pytorch.trace.trace import run
from csncost.table import Column, Result, Table
from csncost.units import human, shape

SMALL_CLIPS = ((1, 8), (2, 16), (4, 32), (8, 64))
"""Frames and sizes that fvcore, which computes for real, is given: the first that a network allows."""

ALL = "everything"
"""The convention that layers are compared in, since it has a row for every operation."""


class Difference(NamedTuple):
    """The first thing that differs: the layer, what of it, and the two values."""

    layer: str
    what: str
    written: Any
    found: Any

    def __str__(self) -> str:
        return f"{self.layer}: {self.what} is {_shown(self.written)} as written, {_shown(self.found)} as run"


@dataclass(frozen=True)
class Verification(Result):
    """A network written and run; `counted_by_fvcore` is (ours, fvcore's) FLOPs as fvcore counts, on `fvcore_clip`."""

    written: Report
    traced: Report
    layers: int
    difference: Difference | None
    counted_by_fvcore: tuple[int, int] | None = None
    fvcore_clip: tuple[int, ...] | None = None

    @property
    def agrees(self) -> bool:
        """True where every layer and every total is the same."""
        return self.difference is None

    def __bool__(self) -> bool:
        return self.agrees

    def to_dict(self) -> dict[str, Any]:
        """The verification as plain data."""
        fvcore = None
        if self.fvcore_clip is not None and self.counted_by_fvcore is not None:
            fvcore = {
                "clip": shape(self.fvcore_clip),
                **dict(zip(("analytic", "fvcore"), self.counted_by_fvcore, strict=True)),
            }
        return {
            "spec": self.written.spec,
            "agrees": self.agrees,
            **self.written.stamp(),
            "layers": self.layers,
            "analytic": self.written.totals.to_dict(),
            "traced": self.traced.totals.to_dict(),
            "fvcore": fvcore,
            "difference": self.difference._asdict() if self.difference else None,
        }

    def table(self) -> Table:
        """The verification as a table."""
        return verification_table([self])

    def __repr__(self) -> str:
        return f"<Verification of {self.written.title}: {self.difference or f'{self.layers} layers agree'}>"


def verify(
    spec: SpecLike,
    *,
    frames: int | None = None,
    size: SizeLike = None,
    classes: int | None = None,
    fvcore: bool = True,
    **names: Any,
) -> Verification:
    """Build a network, run it without data, and compare every layer with what is written; and totals with fvcore.

    Compared are names and order of all layers, norms, activations, pools and sums included: their sizes, output shapes,
    params, FLOPs, interactions and activations; and params with the built module's own. fvcore has to compute for real,
    so it counts on a small clip. Raises SpecError for a spec that is no network.
    """
    setting: dict[str, Any] = {"frames": frames, "size": size, "classes": classes, **names}
    written, network = analyze(spec, **setting), to_network(spec, **setting)
    module = build(network, device="meta", initialise=False).eval()
    classifier = next((one.name for one in walk(network.graph) if getattr(one.node.op, "classifier", False)), False)
    traced = run(module, (1, *network.clip), classifier=classifier).report(CONVENTIONS["paper"])
    every = written.under(ALL)
    difference = _first_difference(every.rows, traced.under(ALL).rows)
    numel = sum(parameter.numel() for parameter in module.parameters())
    if difference is None and numel != every.params:
        difference = Difference("total", "numel() of all parameters", every.params, numel)
    counted, clip = None, None
    if fvcore:
        small = _small(spec, network, setting)
        counted, clip = (int(tally(small.graph, CONVENTIONS["fvcore"]).flops), _fvcore(small)), small.clip
        if difference is None and counted[0] != counted[1]:
            difference = Difference("total", f"fvcore's count on {shape(clip)}", *counted)
    return Verification(written, traced, len(every.rows), difference, counted, clip)


def _first_difference(written: Sequence[Row], traced: Sequence[Row]) -> Difference | None:
    """The first row that differs; the batch axis of traced outputs is left out."""
    for ours, theirs in zip(written, traced, strict=False):
        if ours.name != theirs.name:
            return Difference(ours.name, "the name", ours.name, theirs.name)
        found = {**theirs.to_dict(), "output": theirs.output[1:], "stage": ours.stage, "block": ours.block}
        for field, before in ours.to_dict().items():
            after = found[field]
            if before != after and not (field in _UNKNOWN and after is None):
                return Difference(ours.name, field, before, after)
    if len(written) != len(traced):
        missing = (written if len(written) > len(traced) else traced)[min(len(written), len(traced))]
        return Difference(missing.name, "number of layers", len(written), len(traced))
    return None


_UNKNOWN = ("in_channels", "out_channels", "kernel", "stride", "groups")
"""Fields that a function without weights, such as a sum, does not tell of its layer."""


def _small(spec: SpecLike, network: Network, setting: dict[str, Any]) -> Network:
    """The network on the smallest clip that it allows, or on its own if none is smaller."""
    for frames, size in SMALL_CLIPS:
        if frames <= network.clip[1] and size <= min(network.clip[2:]):
            try:
                return to_network(spec, **{**setting, "frames": frames, "size": size})
            except SpecError:  # a window does not fit, or the clip is bound to something else
                continue
    return network


def _fvcore(network: Network) -> int:
    """The count of fvcore itself, on the built module with real tensors. Raises MissingExtra without fvcore."""
    module = build(network, device="cpu", initialise=False).eval()
    for parameter in module.parameters():  # what was in memory may be denormal, and slow to compute with
        parameter.data.zero_()
    logging.getLogger("fvcore").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            from fvcore.nn import FlopCountAnalysis
        except ImportError:
            raise MissingExtra("fvcore", "torch") from None
        analysis = FlopCountAnalysis(module, (torch.zeros(1, *network.clip),))
        analysis.unsupported_ops_warnings(False).uncalled_modules_warnings(False)
        return int(analysis.total())


def verification_table(found: Iterable[Verification]) -> Table:
    """A line for each network: what was compared, and whether it agrees."""
    verified = list(found)
    asked = any(one.counted_by_fvcore for one in verified)
    only: Literal["machines", ""] = "" if asked else "machines"
    columns = [
        Column("network", "network", wrap=True),
        Column("clip", "clip", drop=2),
        Column("layers", "layers", str, "right"),
        Column("params", "params", human, "right", drop=3),
        Column("flops", "FLOPs", human, "right"),
        Column("interactions", "interact.", human, "right", drop=4),
        Column("fvcore", "fvcore's FLOPs", str, "right", only=only, drop=1),
        Column("fvcore_clip", "on clip", shape, only=only, drop=1),
        Column("agrees", "", lambda agrees: "\u2713" if agrees else "\u2717"),
    ]
    agreeing = sum(one.agrees for one in verified)
    also = ", and fvcore's count is ours" if asked else "; fvcore was not asked"
    notes = [
        *(f"{one.written.title}: {one.difference}" for one in verified if one.difference),
        f"{agreeing} of {len(verified)} agree: analytic = traced in every layer{also}",
        f"layers are compared in convention {ALL}, norms, activations, pools and sums included",
    ]
    stamp = {"convention": "paper", "views": 1}
    return Table(columns, list(map(_line, verified)), title="as written and as run", notes=notes, stamp=stamp)


def _line(one: Verification) -> dict[str, Any]:
    written = one.written
    theirs = one.counted_by_fvcore[1] if one.counted_by_fvcore else None
    return {
        "network": written.label,
        "clip": shape(written.clip),
        "layers": one.layers,
        "params": written.params,
        "flops": written.flops,
        "interactions": written.interactions,
        "fvcore": None if theirs is None else human(theirs),
        "fvcore_clip": one.fvcore_clip,
        "agrees": one.agrees,
    }


def verify_all(specs: Iterable[SpecLike], **setting: Any) -> Iterator[Verification]:
    """`verify` for one spec after the other."""
    return (verify(spec, **setting) for spec in specs)


def _shown(value: Any) -> str:
    return shape(value) if isinstance(value, tuple) else f"{value:,}" if isinstance(value, int) else str(value)
