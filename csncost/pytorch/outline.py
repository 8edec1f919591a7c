"""Modules made without their parameters' values: what is big has no data, and nothing is initialised."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from csncost.pytorch.known.names import FACTORIES

SMALL = 1 << 12
"""Elements of a tensor that is made for real, since constructors compute with small ones and read their values."""


class Outline(TorchFunctionMode):
    """Within it, big tensors are made on the device "meta", and filling one does nothing.

    To build a model so that it can be traced costs next to nothing then: no memory, and no random numbers, whose
    kernels on that device would import PyTorch's compiler.
    """

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """`func`, unless it makes or fills a big tensor."""
        kwargs = kwargs or {}
        name = getattr(func, "__name__", "")
        first = args[0] if args else kwargs.get("tensor")
        if isinstance(first, Tensor) and first.is_meta and name.endswith("_") and not name.startswith("__"):
            return first
        if name in FACTORIES and kwargs.get("out") is None:
            outline = func(*args, **{**kwargs, "device": torch.device("meta")})
            if outline.numel() > SMALL:
                return outline
        return func(*args, **kwargs)
