"""Parameters of a new module: no values at all, or the standard initialisation."""

from __future__ import annotations

from math import prod, sqrt
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import init
from torch.nn.modules.batchnorm import _BatchNorm
from torch.overrides import TorchFunctionMode

from csncost.pytorch.known.names import FACTORIES

SMALL = 1 << 12
"""Elements of a tensor that is made for real, since constructors compute with small ones and read their values."""


class WithoutValues(TorchFunctionMode):
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
            made = func(*args, **{**kwargs, "device": torch.device("meta")})
            if made.numel() > SMALL:
                return made
        return func(*args, **kwargs)


def initialise(network: nn.Module) -> None:
    """Fill the parameters of a network as residual networks are trained from.

    - Convolutions: normal with variance 2 / (filters of a group x volume of the kernel), the fan-out of He et al.,
      "Delving Deep into Rectifiers", ICCV 2015, eq. 14; each input of a grouped convolution meets one group only.
    - Batch norms: scale 1, shift 0, running mean 0, running variance 1 (Ioffe & Szegedy, ICML 2015).
    - Fully connected layers: normal with standard deviation 0.01, as in He et al., "Deep Residual Learning" (CVPR
      2016) and its predecessors since Krizhevsky et al. (NeurIPS 2012).
    - Biases: 0.
    """
    for module in network.modules():
        if isinstance(module, _BatchNorm):
            module.reset_parameters()
        elif isinstance(module, nn.Conv3d):
            fan_out = module.out_channels // module.groups * prod(module.kernel_size)
            _fill(module, sqrt(2 / fan_out))
        elif isinstance(module, nn.Linear):
            _fill(module, 0.01)


def _fill(module: nn.Conv3d | nn.Linear, deviation: float) -> None:
    init.normal_(module.weight, 0.0, deviation)
    if module.bias is not None:
        init.zeros_(module.bias)
