"""Other counters, run on a copy of a module without leaving traces: each gives FLOPs and parameters (or None).

One that counts in two ways gives both, so that it runs once: tool -> (FLOPs, parameters).
"""

import contextlib
import copy
import importlib
import io
import logging
import sys
import types
import warnings
from importlib.metadata import files
from pathlib import Path

import torch

from tests.pytorch.real_models import import_torchprofile, import_torchvision


def fvcore(module, inputs):
    from fvcore.nn import FlopCountAnalysis, parameter_count

    logging.getLogger("fvcore.nn.jit_analysis").setLevel(logging.ERROR)
    flops = FlopCountAnalysis(module, inputs).unsupported_ops_warnings(False).uncalled_modules_warnings(False)
    return {"fvcore": (flops.total(), parameter_count(module)[""])}


def _ptflops(module, inputs, backend):
    import_torchvision()  # it hooks a module of torchvision, and falls over one that does not import
    from ptflops import get_model_complexity_info

    names = [f"x{i}" for i in range(len(inputs))]  # it takes several arguments by name only
    one = len(inputs) == 1
    model = module if one else _Named(module)
    given = (lambda shape: inputs[0]) if one else (lambda shape: dict(zip(names, inputs, strict=True)))
    return get_model_complexity_info(
        model, (1,), as_strings=False, print_per_layer_stat=False, input_constructor=given, backend=backend
    )


class _Outer(torch.nn.Module):
    def __init__(self, module):
        super().__init__()
        self.module = module

    def forward(self, *inputs):
        return self.module(*inputs)


class _Named(torch.nn.Module):
    def __init__(self, module):
        super().__init__()
        self.module = module

    def forward(self, **named):
        return self.module(*named.values())


def ptflops(module, inputs):
    return {"ptflops": _ptflops(module, inputs, "pytorch")}


def ptflops_aten(module, inputs):
    return {"ptflops-aten": _ptflops(module, inputs, "aten")}


def thop(module, inputs):
    from thop import profile

    # it does not count the parameters of the outermost
    return {"thop": profile(_Outer(module), inputs, verbose=False)}


def torchinfo(module, inputs):
    from torchinfo import summary

    found = summary(module, input_data=list(inputs), verbose=0)
    return {"torchinfo": (found.total_mult_adds, found.total_params)}


def calflops(module, inputs):
    if "calflops" not in sys.modules:  # what the package imports for language models is not needed here
        package = sys.modules["calflops"] = types.ModuleType("calflops")
        package.__path__ = [
            str(Path(str(file.locate())).parent) for file in files("calflops") if file.name == "flops_counter.py"
        ]
    calculate_flops = importlib.import_module("calflops.flops_counter").calculate_flops
    outer = _Outer(module)
    outer.one = torch.nn.Parameter(torch.zeros(1))  # it falls over a module without parameters
    flops, macs, params = calculate_flops(outer, args=list(inputs), print_results=False, output_as_string=False)
    return {"calflops": (macs, params - 1), "calflops-flops": (flops, params - 1)}


def torchprofile(module, inputs):
    return {"torchprofile": (import_torchprofile().profile_macs(module, tuple(inputs)), None)}


def flopcounter(module, inputs):
    from torch.nn.attention import SDPBackend, sdpa_kernel
    from torch.utils.flop_counter import FlopCounterMode

    # the fused attention of a CPU has no formula in it, those of other devices do
    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        module(*inputs)
    return {"flopcounter": (counter.get_total_flops(), None)}


COUNTERS = {
    "fvcore": fvcore,
    "ptflops": ptflops,
    "ptflops-aten": ptflops_aten,
    "thop": thop,
    "torchinfo": torchinfo,
    "calflops": calflops,
    "calflops-flops": calflops,
    "torchprofile": torchprofile,
    "flopcounter": flopcounter,
}


@contextlib.contextmanager
def _unpatched():
    """Functions of PyTorch as they were: ptflops and calflops replace them, and do not put back all."""
    before = [(owner, dict(vars(owner))) for owner in (torch.nn.functional, torch, torch.Tensor)]
    try:
        yield
    finally:
        for owner, names in before:
            for name, value in names.items():
                if vars(owner).get(name) is not value:
                    setattr(owner, name, value)


def counted(counter, module, inputs):
    """The FLOPs and parameters (None where it has none) that a counter reports, by tool."""
    said = io.StringIO()
    with warnings.catch_warnings(), contextlib.redirect_stdout(said), contextlib.redirect_stderr(said), _unpatched():
        warnings.simplefilter("ignore")
        found = counter(copy.deepcopy(module), tuple(inputs))
    for tool, (flops, params) in found.items():
        assert flops == int(flops), f"{tool} counts {flops}"
        found[tool] = int(flops), None if params is None else int(params)
    return found
