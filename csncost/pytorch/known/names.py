"""The treatment of each of PyTorch's functions, found by its name once and cached."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from types import FunctionType, MethodDescriptorType
from typing import Any

import torch
from torch.nn import functional

from csncost.pytorch.known import elements
from csncost.pytorch.known.operation import Op, parameters
from csncost.pytorch.known.registry import FREE, OPS, VIEWS, words

PLAIN = words(
    """
    shape dtype device layout ndim requires_grad is_meta is_cuda is_cpu is_mps is_xpu is_sparse is_sparse_csr
    is_quantized is_leaf is_nested is_mkldnn is_vulkan is_ort is_ipu is_xla is_maia is_mtia itemsize nbytes _version
    grad_fn output_nr grad names _base _backward_hooks retains_grad volatile dim size numel nelement ndimension
    stride storage_offset is_contiguous is_floating_point is_complex is_signed is_neg is_conj element_size
    get_device data_ptr __hash__ __len__ __repr__ __str__ __dir__ untyped_storage storage storage_type
    _typed_storage is_tensor result_type promote_types can_cast broadcast_shapes is_shared is_pinned is_inference
    has_names _is_view is_coalesced is_distributed is_storage is_nonzero_static sparse_dim dense_dim __deepcopy__
    __reduce_ex__ is_set_to _is_zerotensor is_same_size dim_order is_autocast_enabled get_autocast_dtype
    """
)
"""Functions that only read the form of a tensor."""

ARRAYS = frozenset({"__array__", "numpy", "__dlpack__"})
"""Functions that show the values of a tensor so that they can be written."""

SELECTING = words("__getitem__ index masked_select nonzero argwhere unique unique_consecutive")
"""Functions that may give as many elements as the values of a tensor say."""

BY_VALUE = words(
    """
    __getitem__ index _pack_padded_sequence _pad_packed_sequence lstm gru rnn_tanh rnn_relu embedding_bag
    repeat_interleave
    """
)
"""Functions that read the values of whole numbers: indices, masks and lengths stay as they are."""

REFUSED = {
    "grad": ("takes gradients while it runs, which are not followed", "trace the part before, or with backward"),
    "swap_tensors": ("swaps tensors while it runs, which cannot be undone", "assign to their .data"),
    "_make_dual": ("differentiates forwards, which is not followed", "trace what it differentiates"),
    "quantized": ("is quantised, and such kernels need data", "trace it as it was before: it costs the same"),
}
"""Calls that cannot be followed: the reason, and a hint."""

RESHAPING = words(
    """
    squeeze_ unsqueeze_ transpose_ t_ swapaxes_ swapdims_ resize_ resize_as_ set_ as_strided_ detach_ requires_grad_
    """
)
"""Functions that change the form of their first argument."""

DTYPES = {
    "float": torch.float32, "double": torch.float64, "half": torch.float16, "bfloat16": torch.bfloat16,
    "int": torch.int32, "long": torch.int64, "short": torch.int16, "bool": torch.bool, "byte": torch.uint8,
    "char": torch.int8,
}  # fmt: skip

FACTORIES = words(
    """
    zeros ones empty full arange range linspace logspace eye rand randn randint randperm zeros_like ones_like
    empty_like full_like rand_like randn_like randint_like new_zeros new_ones new_empty new_full tril_indices
    triu_indices
    """
)

_SAME = Op("free", "", parameters("input"), elements.same_shape)
_CAT = Op("free", "", parameters("tensors dim=0"), elements.concatenated_shape)
_DROPOUT = Op("free", "", parameters("input"), elements.activation_shape)

FREE_SHAPES = {
    **dict.fromkeys(words("masked_fill clone tril triu zeros_like"), _SAME),
    **dict.fromkeys(words("cat concat concatenate"), _CAT),
    **dict.fromkeys(words("dropout dropout1d dropout2d dropout3d alpha_dropout feature_alpha_dropout"), _DROPOUT),
}
"""Operations that compute nothing, whose kernels are slow: their shapes are known without asking."""

_WAYS = {
    name: way
    for way, names in {  # a name in several of them is treated as in the last one
        "factory": FACTORIES,
        "copied": ("tensor", "as_tensor", "asarray", "scalar_tensor"),
        "no": ("_nested_tensor_from_mask_left_aligned",),  # asks for a short cut of nn.TransformerEncoder
        "move": ("to", "type", "type_as", "cuda", "cpu", *DTYPES),
        "plain": PLAIN,
        "still": ("share_memory_", "pin_memory"),
        "hook": ("register_hook", "register_post_accumulate_grad_hook", "retain_grad"),
        "refused": ("_make_dual",),
        "value": words("item tolist __bool__ __int__ __float__ __complex__ __index__ __contains__ is_nonzero equal")
        | {"allclose", *ARRAYS},
        "set": ("__set__", "__delete__"),
    }.items()
    for name in names
}
"""The tracer's method for each function that is no operation of the table."""

_DISPATCHED = {
    function: name for name, function in vars(functional).items() if getattr(function, "__name__", "") == "fn"
}
"""Functions that PyTorch makes from two, which do not know their own name."""

_CHECKS = {"has_torch_function", "has_torch_function_unary", "has_torch_function_variadic"}


@cache
def known(func: Any) -> tuple[Any, str]:
    """The treatment of a function, an Op or the name of a way, and its name."""
    if isinstance(func, torch._ops.HigherOrderOperator):
        return "higher", str(func._name)
    if func is torch.autograd.grad:  # its name is that of an attribute, too
        return "gradient", "grad"
    if isinstance(func, torch._ops.OpOverload | torch._ops.OpOverloadPacket):
        way, full = kernel(func)
        return ("other" if way == "unknown" else way), full
    name = str(_DISPATCHED.get(func) or getattr(func, "__name__", func))
    if name == "__get__":
        name = getattr(func.__self__, "__name__", "")
        return ("plain" if name in PLAIN else "free"), name
    if isinstance(func, MethodDescriptorType) and f"__{name}__" in OPS:
        name = f"__{name}__"  # an operator and the method of its name look the same from here
    if name == "backward":
        return "gradient", "grad"
    if name in _WAYS:
        return _WAYS[name], name
    return _by_name(name) or (("open" if _checks(func) else "other"), name)


def _by_name(name: str) -> tuple[Any, str] | None:
    stem = name if name.startswith("__") else name.rstrip("_")
    if stem.startswith("__i") and stem not in OPS and f"__{stem[3:]}" in OPS:
        return OPS[f"__{stem[3:]}"], name
    op = OPS.get(name) or OPS.get(stem)
    if op is not None:
        return op, name
    return ("free", name) if name in FREE or stem in FREE else None


def kernel(func: Any) -> tuple[Any, str]:
    """The same for a kernel: `aten::name`, or one of another library by its full name."""
    name = str(func._schema.name if hasattr(func, "_schema") else func._qualified_op_name)
    if name.startswith("quantized::"):
        return "refused", "quantized"
    if not name.startswith("aten::"):
        return ("free" if name.startswith("profiler::") else "unknown"), name
    name = name.removeprefix("aten::")
    return _by_name(name) or ("unknown", f"aten::{name}")


def _checks(func: Any) -> bool:
    return isinstance(func, FunctionType) and bool(_CHECKS & set(func.__code__.co_names))


def in_place(name: str) -> bool:
    """Tell whether a function of this name changes its first argument."""
    if name.startswith("__"):
        return name == "__setitem__" or (name.startswith("__i") and name not in ("__invert__", "__int__", "__index__"))
    return name.endswith("_")


@cache
def body(func: Any) -> Callable[..., Any]:
    """A function of PyTorch that does not hand itself to the interceptor, but runs."""
    scope = {**func.__globals__, **dict.fromkeys(_CHECKS, lambda *args: False)}
    made = FunctionType(func.__code__, scope, func.__name__, func.__defaults__, func.__closure__)
    made.__kwdefaults__ = func.__kwdefaults__
    return made


__all__ = ["DTYPES", "FREE_SHAPES", "VIEWS", "Op", "body", "in_place", "kernel", "known"]
