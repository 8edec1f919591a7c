"""The cost of convolutional networks: parameters, FLOPs and channel interactions, from a spec, exact."""

from typing import TYPE_CHECKING, Any

from csncost.costs.analyze import analyze, show, to_network
from csncost.costs.conventions.named import CONVENTIONS, Convention
from csncost.costs.report import Report
from csncost.errors import CsncostError, SpecError
from csncost.lang.parser import parse

if TYPE_CHECKING:
    from csncost.costs.compare import Comparison, compare
    from csncost.costs.explain import Explanation, explain
    from csncost.costs.formula import Formula, formula
    from csncost.logs.correlate import correlate
    from csncost.logs.curves import read_histories
    from csncost.logs.read import read_log
    from csncost.pytorch.build.build import build
    from csncost.pytorch.trace.trace import trace
    from csncost.pytorch.verify import Verification, verify
    from csncost.render import plots as plot
    from csncost.spaces.search import pareto, search
    from csncost.spaces.solve import solve
    from csncost.spaces.study import study
    from csncost.spaces.sweep import sweep
    from csncost.zoo.figures import reproduce

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
    "build": "csncost.pytorch.build.build",
    "Comparison": "csncost.costs.compare",
    "compare": "csncost.costs.compare",
    "correlate": "csncost.logs.correlate",
    "Explanation": "csncost.costs.explain",
    "explain": "csncost.costs.explain",
    "Formula": "csncost.costs.formula",
    "formula": "csncost.costs.formula",
    "pareto": "csncost.spaces.search",
    "read_histories": "csncost.logs.curves",
    "read_log": "csncost.logs.read",
    "reproduce": "csncost.zoo.figures",
    "search": "csncost.spaces.search",
    "solve": "csncost.spaces.solve",
    "study": "csncost.spaces.study",
    "sweep": "csncost.spaces.sweep",
    "trace": "csncost.pytorch.trace.trace",
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
