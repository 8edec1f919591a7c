"""What convolutional networks cost: parameters, FLOPs and channel interactions, from a spec, exact."""

from typing import TYPE_CHECKING, Any

from csncost.analyze import analyze, show, to_network
from csncost.conventions import CONVENTIONS, Convention
from csncost.errors import CsncostError, SpecError
from csncost.lang.parser import parse
from csncost.report import Report

if TYPE_CHECKING:
    from csncost.accuracy import read_log
    from csncost.comparison import Comparison, compare
    from csncost.correlation import correlate
    from csncost.explanation import Explanation, explain
    from csncost.front import pareto, search
    from csncost.histories import read_histories
    from csncost.inverse import solve
    from csncost.paper_figures import reproduce
    from csncost.paper_study import study
    from csncost.pytorch.build import build
    from csncost.pytorch.trace import trace
    from csncost.pytorch.verify import Verification, verify
    from csncost.render import plots as plot
    from csncost.space import sweep
    from csncost.symbolic import Formula, formula

__version__ = "0.1.0"

__all__ = [
    "CONVENTIONS",
    "Comparison",
    "Convention",
    "CsncostError",
    "Explanation",
    "Formula",
    "Report",
    "SpecError",
    "Verification",
    "analyze",
    "build",
    "compare",
    "correlate",
    "explain",
    "formula",
    "pareto",
    "parse",
    "plot",
    "read_histories",
    "read_log",
    "reproduce",
    "search",
    "show",
    "solve",
    "study",
    "sweep",
    "to_network",
    "trace",
    "verify",
]

_LATER = {
    "build": "csncost.pytorch.build",
    "Comparison": "csncost.comparison",
    "compare": "csncost.comparison",
    "correlate": "csncost.correlation",
    "Explanation": "csncost.explanation",
    "explain": "csncost.explanation",
    "Formula": "csncost.symbolic",
    "formula": "csncost.symbolic",
    "pareto": "csncost.front",
    "read_histories": "csncost.histories",
    "read_log": "csncost.accuracy",
    "reproduce": "csncost.paper_figures",
    "search": "csncost.front",
    "solve": "csncost.inverse",
    "study": "csncost.paper_study",
    "sweep": "csncost.space",
    "trace": "csncost.pytorch.trace",
    "Verification": "csncost.pytorch.verify",
    "verify": "csncost.pytorch.verify",
}


_MODULES = {"plot": "csncost.render.plots"}


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])


def __getattr__(name: str) -> Any:
    """Names that `analyze` does not need are imported when first asked for."""
    from importlib import import_module

    if name in _MODULES:
        value: Any = import_module(_MODULES[name])
    elif name in _LATER:
        value = getattr(import_module(_LATER[name]), name)
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value
