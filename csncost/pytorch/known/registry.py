"""Which of PyTorch's operations are known: by name, with their kind, their formula and their rule of shapes.

A name stands for the function of that name in `torch`, `torch.nn.functional` and among the methods of tensors, for its
form that works in place (`add_`, `__iadd__`), and for the kernel `aten::name`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from csncost.pytorch.known import costs, elements, recurrent, shapes


@dataclass(frozen=True, slots=True)
class Op:
    """A known operation; `shape` (None: ask the function itself) may give a list where it returns several tensors.

    `label` is what a row is called after (default: the function, or else the kind). The function of `x + y` is
    "operator", as some counters see `torch.add(x, y)` only.
    """

    kind: str
    function: str
    cost: Callable[..., costs.Cost]
    shape: Callable[..., Any] | None = None
    label: str = ""


def _ops() -> dict[str, Op]:
    found: dict[str, Op] = {}

    def add(names: str, kind: str, cost: Callable[..., costs.Cost], shape: Any = None, function: str | None = None,
            label: str = "") -> None:  # fmt: skip
        for name in names.split():
            found[name] = Op(kind, name if function is None else function, cost, shape, label)

    _add_weighted(add)
    _add_norms(add)
    _add_pools(add)
    _add_reductions_and_resizes(add)
    _add_activations(add)
    _add_arithmetic(add)
    return found


def _add_weighted(add: Callable[..., None]) -> None:
    add("conv1d conv2d conv3d", "conv", costs.conv, shapes.conv, "")
    add(
        "conv_transpose1d conv_transpose2d conv_transpose3d",
        "conv",
        costs.conv_transpose,
        shapes.conv_transpose,
        "transposed",
    )
    add("convolution _convolution convolution_overrideable", "conv", costs.convolution, None, "")
    add("convolution_backward", "conv", costs.convolution_backward, None, "backward")
    add("linear", "linear", costs.linear, shapes.linear, "")
    add("bilinear", "linear", costs.bilinear, None, "bilinear")
    add("matmul mm bmm mv dot vdot inner", "matmul", costs.matmul, shapes.matmul)
    add("__matmul__", "matmul", costs.matmul, shapes.matmul, "operator", "matmul")
    add("addmm baddbmm addmv addbmm", "matmul", costs.added_matmul)
    add("scaled_dot_product_attention", "matmul", costs.attention, shapes.attention, "attention")
    add(
        "_scaled_dot_product_flash_attention _scaled_dot_product_efficient_attention"
        " _scaled_dot_product_cudnn_attention _scaled_dot_product_flash_attention_for_cpu"
        " _scaled_dot_product_fused_attention_overrideable",
        "matmul",
        costs.attention,
        None,
        "attention",
    )
    add("lstm gru rnn_tanh rnn_relu", "rnn", recurrent.layers, recurrent.shapes)
    add("lstm_cell gru_cell rnn_tanh_cell rnn_relu_cell", "rnn", recurrent.cell)
    add("embedding", "embedding", elements.embedding, None, "")
    add("embedding_bag _embedding_bag _embedding_bag_forward_only", "embedding", elements.embedding, None, "bag")


def _add_norms(add: Callable[..., None]) -> None:
    add("batch_norm", "norm", elements.batch_norm, shapes.batch_norm, "batch")
    add("instance_norm", "norm", elements.batch_norm, None, "instance")
    add("layer_norm", "norm", elements.layer_norm, shapes.layer_norm, "layer")
    add("rms_norm", "norm", elements.layer_norm, shapes.layer_norm, "rms")
    add("group_norm", "norm", elements.group_norm, shapes.group_norm, "group")
    add(
        "native_batch_norm _native_batch_norm_legit _native_batch_norm_legit_no_training _batch_norm_with_update"
        " _batch_norm_no_update cudnn_batch_norm miopen_batch_norm",
        "norm",
        elements.native_batch_norm,
        None,
        "batch",
    )
    add("native_layer_norm", "norm", elements.layer_norm, None, "layer")
    add("native_group_norm", "norm", elements.native_group_norm, None, "group")


def _add_pools(add: Callable[..., None]) -> None:
    for axes in (1, 2, 3):
        windows = {"max": partial(shapes.pool, axes=axes), "avg": partial(shapes.average_pool, axes=axes)}
        for function, shape in windows.items():
            add(f"{function}_pool{axes}d", "pool", elements.pool, shape, function)
            adaptive = partial(shapes.adaptive_pool, axes=axes)
            add(
                f"adaptive_{function}_pool{axes}d",
                "pool",
                elements.elementwise,
                adaptive,
                f"adaptive_{function}{axes}d",
                f"adaptive_{function}",
            )
        add(f"_adaptive_avg_pool{axes}d", "pool", elements.elementwise, None, f"adaptive_avg{axes}d", "adaptive_avg")
        add(f"max_pool{axes}d_with_indices", "pool", elements.pool, None, "max")
        add(
            f"lp_pool{axes}d fractional_max_pool{axes}d fractional_max_pool{axes}d_with_indices",
            "pool",
            elements.elementwise,
        )


def _add_reductions_and_resizes(add: Callable[..., None]) -> None:
    add(
        "mean sum prod amax amin nansum nanmean logsumexp norm linalg_vector_norm linalg_norm "
        "linalg_matrix_norm var std var_mean std_mean all any count_nonzero median cumsum cumprod dist "
        "cosine_similarity pairwise_distance cdist trace logcumsumexp cummax cummin aminmax",
        "reduce",
        elements.elementwise,
    )
    add("mean sum amax amin", "reduce", elements.elementwise, shapes.reduce)
    add("interpolate upsample", "resize", elements.resize)
    for mode in ("nearest", "linear", "bilinear", "bicubic", "trilinear"):
        resize = partial(elements.resize, mode=mode)
        kernels = " ".join(f"upsample_{mode}{n}d _upsample_{mode}_exact{n}d _upsample_{mode}{n}d_aa" for n in (1, 2, 3))
        add(f"upsample_{mode} {kernels}", "resize", resize, None, mode, "interpolate")
    add("grid_sample grid_sampler grid_sampler_2d grid_sampler_3d", "resize", elements.sample)
    add("affine_grid", "resize", elements.elementwise)


def _add_activations(add: Callable[..., None]) -> None:
    same = shapes.activation
    add(
        "relu relu6 leaky_relu elu selu celu gelu silu mish sigmoid tanh softplus softsign hardtanh hardswish "
        "hardsigmoid tanhshrink hardshrink softshrink logsigmoid threshold rrelu",
        "act",
        elements.elementwise,
        same,
    )
    add("glu", "act", elements.elementwise)
    add("prelu _prelu_kernel", "act", elements.activation, same, "prelu")
    add("softmax log_softmax softmin", "act", elements.softmax, same)
    add("_softmax", "act", elements.softmax, same, "softmax")
    add("_safe_softmax", "act", elements.softmax, same, "softmax")
    add("_log_softmax", "act", elements.softmax, same, "log_softmax")


def _add_arithmetic(add: Callable[..., None]) -> None:
    add("add", "add", elements.elementwise, shapes.broadcast)
    add("sub subtract rsub", "add", elements.elementwise, shapes.broadcast, "subtract", "add")
    add(
        "add_ __add__ __radd__ __sub__ __rsub__ __iadd__ __isub__",
        "add",
        elements.elementwise,
        shapes.broadcast,
        "operator",
        "add",
    )
    add("mul multiply", "multiply", elements.elementwise, shapes.broadcast, "multiply")
    add("mul_ __mul__ __rmul__ __imul__", "multiply", elements.elementwise, shapes.broadcast, "operator", "multiply")
    add(
        "div divide true_divide __truediv__ __rtruediv__ __div__ __itruediv__ __idiv__",
        "elementwise",
        elements.elementwise,
        shapes.divide,
        "div",
    )
    add(
        "reciprocal exp exp2 expm1 log log2 log10 log1p sqrt rsqrt square abs neg __neg__ sin cos tan asin "
        "acos atan sinh cosh erf erfc erfinv",
        "elementwise",
        elements.elementwise,
        shapes.same_fraction,
    )
    add(
        "pow __pow__ __rpow__ __ipow__ float_power fmod remainder floor_divide __floordiv__ __rfloordiv__ "
        "__mod__ __rmod__ atan2 maximum minimum fmax fmin clamp clip clamp_min clamp_max lerp addcmul addcdiv "
        "abs absolute sign sgn ceil floor round trunc frac logit xlogy hypot sinc lgamma digamma where "
        "nan_to_num logaddexp copysign positive outer ger deg2rad rad2deg _weight_norm "
        "_weight_norm_interface",
        "elementwise",
        elements.elementwise,
    )
    add(
        "cross_entropy nll_loss mse_loss l1_loss smooth_l1_loss huber_loss binary_cross_entropy kl_div "
        "nll_loss_forward binary_cross_entropy_with_logits nll_loss_nd",
        "reduce",
        elements.elementwise,
    )


def words(text: str) -> frozenset[str]:
    """A set of names."""
    return frozenset(text.split())


OPS = _ops()

FREE = words(
    """
    view view_as reshape reshape_as flatten unflatten ravel squeeze unsqueeze permute transpose swapaxes swapdims
    movedim moveaxis t T mT H mH adjoint expand expand_as broadcast_to broadcast_tensors contiguous clone detach
    detach_ as_strided narrow narrow_copy select slice split split_with_sizes chunk tensor_split unsafe_split
    unsafe_chunk unbind hsplit vsplit dsplit cat concat concatenate stack hstack vstack dstack row_stack
    column_stack tile repeat repeat_interleave roll rot90 flip fliplr flipud pad constant_pad_nd reflection_pad1d
    reflection_pad2d reflection_pad3d replication_pad1d replication_pad2d replication_pad3d _pad_circular unfold
    im2col col2im fold pixel_shuffle pixel_unshuffle channel_shuffle native_channel_shuffle __getitem__ __setitem__
    index index_select index_put index_put_ _index_put_impl index_add index_copy index_fill gather scatter
    scatter_add take take_along_dim masked_fill masked_select masked_scatter diagonal diag diag_embed tril triu
    tril_indices triu_indices meshgrid cartesian_prod combinations one_hot zero_ fill_ copy_ fill zero set_ resize_
    resize_as_ to type type_as float double half bfloat16 int long bool short byte char cpu cuda _to_copy lift_fresh
    lift alias requires_grad_ data grad real imag view_as_real view_as_complex conj resolve_conj resolve_neg _conj
    zeros ones empty full arange range linspace logspace eye zeros_like ones_like empty_like full_like rand randn
    randint randperm rand_like randn_like randint_like new_zeros new_ones new_empty new_full new_tensor tensor
    as_tensor from_numpy scalar_tensor empty_strided new_empty_strided empty_permuted complex polar bernoulli
    bernoulli_ uniform_ normal_ normal exponential_ random_ multinomial dropout dropout1d dropout2d dropout3d
    alpha_dropout feature_alpha_dropout feature_dropout native_dropout _fused_dropout eq ne lt le gt ge __eq__
    __ne__ __lt__ __le__ __gt__ __ge__ equal allclose isclose isnan isinf isfinite logical_and logical_or
    logical_not logical_xor bitwise_and bitwise_or bitwise_not bitwise_xor __and__ __or__ __xor__ __invert__
    __rand__ __ror__ argmax argmin max min sort argsort topk kthvalue unique unique_consecutive nonzero
    nonzero_static argwhere searchsorted bucketize histc bincount is_same_size _unsafe_view _reshape_alias
    _reshape_copy unsafe_split_with_sizes squeeze_ unsqueeze_ transpose_ t_ swapaxes_ swapdims_ item
    _local_scalar_dense checkpoint _pack_padded_sequence _pad_packed_sequence _assert_async sym_size sym_numel
    sym_stride align_to rename refine_names names align_as _efficientzerotensor
    _nested_tensor_from_mask_left_aligned view_copy permute_copy expand_copy _shape_as_tensor record_stream
    pin_memory share_memory_ storage untyped_storage _cast_Float _cast_Half _cast_Long
    _autocast_to_reduced_precision _autocast_to_full_precision embedding_renorm_ _assert_scalar
    _assert_tensor_metadata max_unpool1d max_unpool2d max_unpool3d
    """
)
"""Operations that compute nothing: views, copies, look-ups, comparisons, random numbers, and what makes new tensors."""

VIEWS = words(
    """
    view view_as reshape reshape_as flatten unflatten squeeze unsqueeze permute transpose swapaxes swapdims movedim
    moveaxis t T mT H mH adjoint expand expand_as broadcast_to broadcast_tensors as_strided narrow select split
    split_with_sizes chunk tensor_split unbind diagonal detach data alias __getitem__ contiguous real imag
    view_as_real view_as_complex unfold
    """
)
"""Those that share the storage of their input, so that a parameter's own view costs no memory."""
