"""Types of tensors that PyTorch's functions take together, and those that autocast gives them.

Kernels on tensors without data do not look: they take a layer of float32 and an input of int64. What is refused here is
what the kernels of a CPU refuse.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from csncost.pytorch.known.operation import Bound
from csncost.pytorch.known.registry import words
from csncost.pytorch.trace.meta import cast

_LOWERED = words(
    """
    conv1d conv2d conv3d conv_transpose1d conv_transpose2d conv_transpose3d convolution _convolution linear matmul
    __matmul__ mm bmm addmm baddbmm addbmm scaled_dot_product_attention prelu _prelu_kernel
    """
)
"""Functions that autocast gives the lower type."""

_RAISED = words("layer_norm group_norm rms_norm softmax log_softmax softmin _softmax _log_softmax")
"""Functions that autocast gives float32 on a GPU, and leaves alone on a CPU."""

_REDUCED = frozenset({torch.float16, torch.bfloat16})

_WHOLE_TOO = words("relu relu6 hardtanh sigmoid tanh threshold")
"""Activations that take whole numbers."""


def autocasting() -> str:
    """The kind of device for which autocast is on; kernels run below it and cannot ask."""
    return "cpu" if torch.is_autocast_enabled("cpu") else "cuda"


def autocast(name: str, device: str | None) -> torch.dtype | None:
    """The type that autocast gives the arguments of a function; None where it leaves them as they are."""
    if device is None:
        return None
    if name in _LOWERED:
        return torch.get_autocast_dtype(device)
    return torch.float32 if name in _RAISED and device != "cpu" else None


def check(kind: str, name: str, call: Bound, device: str | None) -> None:
    """Raise RuntimeError, in words like PyTorch's, for tensors of types that a function does not take.

    `device` is that for which autocast is on.
    """
    types = [tensor.dtype for tensor in call.tensors]
    if kind in ("conv", "linear", "matmul"):
        _alike(kind, name, [cast(tensor.dtype, autocast(name, device)) for tensor in _operands(name, call)])
    elif kind == "norm":
        _normed(name, types, device)
    elif kind == "act" and name.rstrip("_") not in _WHOLE_TOO and types and call.kwargs.get("dtype") is None:
        _floating(name, types[0])


def _operands(name: str, call: Bound) -> Sequence[Tensor]:
    """The tensors that are to be of one type: all but masks, and the bias of a transposed convolution."""
    if "dot_product" in name:
        return call.given("query", "key", "value")
    return call.given("input", "weight") if name.startswith("conv_transpose") else call.tensors


def _alike(kind: str, name: str, types: list[torch.dtype]) -> None:
    first, other = types[0], next((one for one in types if one != types[0]), None)
    if other is not None and kind == "conv":
        role = "weight" if other == types[1] else "bias"
        raise RuntimeError(f"Input type ({first}) and {role} type ({other}) should be the same")
    if other is not None:
        raise RuntimeError(
            f"expected the factors of {_plain(name)} to have the same dtype, but got: {first} != {other}"
        )
    if first == torch.bool or "dot_product" in name:
        _floating(name, first)


def _normed(name: str, types: list[torch.dtype], device: str | None) -> None:
    first, others = types[0], set(types[1:])
    _floating(name, first)
    if name == "rms_norm" or others <= {first} or (first in _REDUCED and others == {torch.float32}):
        return
    if device not in (None, "cpu") and torch.float64 not in (first, *others):
        return
    listed = ", ".join(sorted(map(str, others - {first})))
    raise RuntimeError(
        f"mixed dtype: expected the parameters of {_plain(name)} to have type {first}, but got: {listed}"
    )


def _floating(name: str, dtype: torch.dtype) -> None:
    if not (dtype.is_floating_point or dtype.is_complex):
        raise RuntimeError(f'"{_plain(name)}" not implemented for {dtype}')


def _plain(name: str) -> str:
    return name.strip("_")
