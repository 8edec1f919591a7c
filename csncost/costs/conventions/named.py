"""Named counting conventions. Data, not code: `rules` says what they are made of, `tools` has those of other tools."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from csncost.costs.conventions.rules import COUNTED, Convention, Rule, Terms
from csncost.costs.conventions.tools import TOOLS
from csncost.errors import CsncostError, did_you_mean

__all__ = ["CONVENTIONS", "COUNTED", "Convention", "Rule", "Terms", "convention"]

_LEARNED = {"weights": 1, "biases": 1}
_PAIRS = {"pairs": 1}
_ELEMENTS = {"elements": 1}
_UNPAIRED = Rule(params={"weights": 1}, flops={"macs": 1}, activations=_ELEMENTS)
_WEIGHTED = Rule(params={"weights": 1}, flops={"macs": 1}, interactions=_PAIRS, activations=_ELEMENTS)
_ELEMENTWISE = Rule(flops=_ELEMENTS, activations=_ELEMENTS)


def _multiply_adds(factor: int, extra: Mapping[str, int] = MappingProxyType({})) -> dict[str, Rule]:
    """Convolutions, fully connected layers and matrix products at `factor` FLOPs a multiply-add, all parameters."""
    dense = Rule(params=_LEARNED, flops={"macs": factor, **extra}, interactions=_PAIRS, activations=_ELEMENTS)
    return {
        "conv": dense,
        "linear": dense,
        "classifier": dense,
        "matmul": Rule(flops={"macs": factor}, activations=_ELEMENTS),
        "rnn": Rule(params=_LEARNED, flops={"macs": factor}, activations=_ELEMENTS),
        "custom": Rule(params=_LEARNED, flops={"macs": factor}, interactions=_PAIRS, activations=_ELEMENTS),
        "norm": Rule(params={"affine": 1}),
        "act.prelu": Rule(params={"affine": 1}),
        "embedding": Rule(params={"weights": 1}),
        "parameter": Rule(params={"learned": 1}),
    }


CONVENTIONS: Mapping[str, Convention] = MappingProxyType(
    {
        convention.name: convention
        for convention in (
            Convention(
                "paper",
                "1 FLOP = 1 multiply-add",
                "convolutions and fc, weights only; interactions without the classifier",
                {
                    "conv": _WEIGHTED,
                    "linear": _WEIGHTED,
                    "classifier": _UNPAIRED,
                    "matmul": Rule(flops={"macs": 1}, activations=_ELEMENTS),
                    "rnn": _UNPAIRED,
                    "custom": _WEIGHTED,
                },
                published="Tables 2, 4 and 5 of Tran et al. (ICCV 2019)",
            ),
            Convention(
                "macs",
                "1 FLOP = 1 multiply-add",
                "convolutions, fc and matrix products; every learned parameter; interactions with the classifier",
                _multiply_adds(1),
            ),
            Convention(
                "flops",
                "2 FLOPs = 1 multiply-add",
                "convolutions, fc and matrix products; every learned parameter; interactions with the classifier",
                _multiply_adds(2),
            ),
            Convention(
                "everything",
                "1 FLOP = 1 multiply-add, or 1 element written by a norm, activation, pool, sum, product or bias",
                "every operation and learned parameter; interactions with the classifier",
                {
                    **_multiply_adds(1, {"bias_adds": 1}),
                    "norm": Rule(params={"affine": 1}, flops=_ELEMENTS, activations=_ELEMENTS),
                    "act": _ELEMENTWISE,
                    "act.prelu": Rule(params={"affine": 1}, flops=_ELEMENTS, activations=_ELEMENTS),
                    "pool": _ELEMENTWISE,
                    "add": _ELEMENTWISE,
                    "multiply": _ELEMENTWISE,
                    "elementwise": _ELEMENTWISE,
                    "reduce": _ELEMENTWISE,
                    "resize": _ELEMENTWISE,
                },
            ),
            *TOOLS,
        )
    }
)
"""Every named convention."""


def convention(which: str | Convention) -> Convention:
    """A convention by name. Raises CsncostError for a name that is unknown.

    >>> convention("flops").unit
    '2 FLOPs = 1 multiply-add'
    """
    if isinstance(which, Convention):
        return which
    found = CONVENTIONS.get(which) if isinstance(which, str) else None
    if found is None:
        hint = did_you_mean(str(which), list(CONVENTIONS)) or f"conventions are {', '.join(CONVENTIONS)}"
        raise CsncostError(f'unknown convention "{str(which)[:60]}"', hint)
    return found
