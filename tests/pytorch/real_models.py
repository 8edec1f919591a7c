"""Packages of real models, imported so that they work beside any build of PyTorch."""

import importlib
import sys
import warnings

import torch

_STUBS: list[torch.library.Library] = []  # an operator lives as long as its library
_SCORED = "(Tensor boxes, Tensor scores, float iou_threshold) -> Tensor"


def import_torchvision():
    """torchvision, also where its compiled operators do not load: its models need none of them.

    Its Python part describes `nms` and `qnms` to PyTorch, which fails where the compiled part did not declare them.
    """
    if "torchvision" in sys.modules:
        return sys.modules["torchvision"]
    try:
        return _quietly("torchvision")
    except RuntimeError as error:
        if "torchvision::nms does not exist" not in str(error):
            raise
    for name in [name for name in sys.modules if name.partition(".")[0] == "torchvision"]:
        del sys.modules[name]
    stubs = torch.library.Library("torchvision", "DEF")
    stubs.define(f"nms{_SCORED}")
    stubs.define(f"qnms{_SCORED}")
    _STUBS.append(stubs)
    return _quietly("torchvision")


def import_timm():
    """timm, which imports torchvision."""
    import_torchvision()
    return _quietly("timm")


def import_torchprofile():
    """torchprofile, some versions of which import torchvision."""
    import_torchvision()
    return _quietly("torchprofile")


def _quietly(name):
    """Import a package whatever it warns of, also where warnings are errors."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return importlib.import_module(name)
