"""What convolutional networks cost: parameters, FLOPs and channel interactions, from a spec, exact."""

from csncost.analyze import analyze, network, show
from csncost.compare import Comparison, compare
from csncost.conventions import CONVENTIONS, Convention
from csncost.errors import CsncostError, SpecError
from csncost.formula import Formula, formula
from csncost.lang.parser import parse
from csncost.paper import reproduce
from csncost.report import Report

__version__ = "0.1.0"

__all__ = [
    "CONVENTIONS",
    "Comparison",
    "Convention",
    "CsncostError",
    "Formula",
    "Report",
    "SpecError",
    "analyze",
    "compare",
    "formula",
    "network",
    "parse",
    "reproduce",
    "show",
]
