"""Parameters of a new module: the standard initialisation, or whatever was in memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import prod, sqrt
from typing import Any

from torch import Tensor, nn
from torch.nn import init
from torch.nn.modules.batchnorm import _BatchNorm
from torch.overrides import TorchFunctionMode

_FILLERS = frozenset(
    {init.kaiming_uniform_, init.uniform_, Tensor.uniform_, Tensor.normal_, Tensor.fill_, Tensor.zero_}
)
"""Functions that constructors of PyTorch's modules fill their parameters with."""


class Uninitialised(TorchFunctionMode):
    """Within it, modules are made with parameters and statistics that hold whatever was in memory.

    On the device "meta" there is nothing to fill, but PyTorch would import its compiler to find that out.
    """

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """`func`, unless it fills a tensor: that is handed back as it is."""
        kwargs = kwargs or {}
        if func in _FILLERS:
            return args[0] if args else kwargs["tensor"]
        return func(*args, **kwargs)


def initialise(network: nn.Module) -> None:
    """Fill the parameters of a network as residual networks are trained from.

    - Convolutions: normal with variance 2 / (filters of a group x volume of the kernel), the fan-out of He et al.,
      "Delving Deep into Rectifiers", ICCV 2015, eq. 14; each input of a grouped convolution meets one group only.
    - Batch norms: scale 1, shift 0, running mean 0, running variance 1 (Ioffe & Szegedy, ICML 2015).
    - Fully connected layers: normal with standard deviation 0.01, as in He et al., "Deep Residual Learning" (CVPR
      2016) and its predecessors since Krizhevsky et al. (NeurIPS 2012).
    - Biases: 0.

    Nothing is done on the device "meta".
    """
    if any(parameter.is_meta for parameter in network.parameters()):
        return
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
