"""The one table of PyTorch's known operations: names, kind, parameters, rule of shapes, cost.

A name stands for the function of that name in `torch`, `torch.nn.functional` and among the methods of tensors, for its
form that works in place (`add_`, `__iadd__`), and for the kernel `aten::name`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from csncost.pytorch.known import elements, matrices, recurrent, sliding
from csncost.pytorch.known.operation import Bound, Cost, Op, elementwise, parameters

OPS: dict[str, Op] = {}
"""Every known operation by its name."""


def _know(
    names: str,
    kind: str,
    given: str = "input",
    shape: Callable[[Bound], Any] | None = None,
    cost: Callable[[Bound], Cost] = elementwise,
    function: str | None = None,
    label: str = "",
) -> None:
    """Enter operations that are alike but for their names; `given` are their parameters."""
    for name in names.split():
        OPS[name] = Op(kind, name if function is None else function, parameters(given), shape, cost, label)


# -- convolutions and pools

_CONV = "input weight bias=None stride=1 padding=0 dilation=1 groups=1"
_TRANSPOSED = "input weight bias=None stride=1 padding=0 output_padding=0 groups=1 dilation=1"
_KERNEL = "input weight bias stride padding dilation transposed output_padding groups"
_BACKWARD = "gradient input weight bias_sizes stride padding dilation transposed output_padding groups output_mask"
_MAX = "input kernel_size stride=None padding=0 dilation=1 ceil_mode=False return_indices=False"
_AVG = (
    "input kernel_size stride=None padding=0 ceil_mode=False count_include_pad=True divisor_override=None"
    " dilation=1 return_indices=False"
)

_know("conv1d conv2d conv3d", "conv", _CONV, sliding.conv_shape, sliding.conv, "")
_know("conv_transpose1d conv_transpose2d conv_transpose3d", "conv", _TRANSPOSED, sliding.conv_transpose_shape,
      sliding.conv_transpose, "transposed")  # fmt: skip
_know("convolution _convolution convolution_overrideable", "conv", _KERNEL, None, sliding.convolution, "")
_know("convolution_backward", "conv", _BACKWARD, None, sliding.convolution_backward, "backward")

for _axes in (1, 2, 3):
    _window, _whole = partial(sliding.pool_shape, axes=_axes), partial(sliding.adaptive_pool_shape, axes=_axes)
    _know(f"max_pool{_axes}d", "pool", _MAX, _window, sliding.pool, "max")
    _know(f"avg_pool{_axes}d", "pool", _AVG, _window, sliding.pool, "avg")
    _know(f"max_pool{_axes}d_with_indices", "pool", _MAX, None, sliding.pool, "max")
    for _name in ("max", "avg"):
        _know(f"adaptive_{_name}_pool{_axes}d", "pool", "input output_size return_indices=False", _whole,
              function=f"adaptive_{_name}{_axes}d", label=f"adaptive_{_name}")  # fmt: skip
    _know(f"_adaptive_avg_pool{_axes}d", "pool", function=f"adaptive_avg{_axes}d", label="adaptive_avg")
    _know(f"lp_pool{_axes}d fractional_max_pool{_axes}d fractional_max_pool{_axes}d_with_indices", "pool")

# -- products of matrices

_know("linear", "linear", "input weight bias=None", matrices.linear_shape, matrices.linear, "")
_know("bilinear", "linear", "input1 input2 weight bias=None", None, matrices.bilinear, "bilinear")
_know("matmul mm bmm mv dot vdot inner", "matmul", "", matrices.matmul_shape, matrices.matmul)
_know("__matmul__", "matmul", "", matrices.matmul_shape, matrices.matmul, "operator", "matmul")
_know("addmm baddbmm addmv addbmm", "matmul", "input left right beta=1 alpha=1", None, matrices.added_matmul)

_ATTENTION = "query key value attn_mask=None"
_know("scaled_dot_product_attention", "matmul", _ATTENTION, matrices.attention_shape, matrices.attention, "attention")
_know(
    """
    _scaled_dot_product_flash_attention _scaled_dot_product_efficient_attention _scaled_dot_product_cudnn_attention
    _scaled_dot_product_flash_attention_for_cpu _scaled_dot_product_fused_attention_overrideable
    """,
    "matmul", _ATTENTION, None, matrices.attention, "attention",
)  # fmt: skip

_know("lstm gru rnn_tanh rnn_relu", "rnn", "input", recurrent.layers_shape, recurrent.layers)
_know("lstm_cell gru_cell rnn_tanh_cell rnn_relu_cell", "rnn", "input hx w_ih w_hh b_ih=None b_hh=None", None,
      recurrent.cell)  # fmt: skip

# -- norms

_BATCH = "input running_mean=None running_var=None weight=None bias=None training=False"
_LAYER = "input normalized_shape weight=None bias=None"
_know("batch_norm", "norm", _BATCH, elements.batch_norm_shape, elements.trained_norm, "batch")
_know("instance_norm", "norm", _BATCH, None, elements.trained_norm, "instance")
_know("layer_norm", "norm", _LAYER, elements.layer_norm_shape, elements.norm, "layer")
_know("rms_norm", "norm", "input normalized_shape weight=None eps=None bias=None", elements.layer_norm_shape,
      elements.norm, "rms")  # fmt: skip
_know("group_norm", "norm", "input num_groups weight=None bias=None", elements.group_norm_shape, elements.norm, "group")
_know(
    """
    native_batch_norm _native_batch_norm_legit _native_batch_norm_legit_no_training _batch_norm_with_update
    _batch_norm_no_update cudnn_batch_norm miopen_batch_norm
    """,
    "norm", "input weight bias", None, elements.norm, "batch",
)  # fmt: skip
_know("native_layer_norm", "norm", _LAYER, None, elements.norm, "layer")
_know("native_group_norm", "norm", "input weight bias", None, elements.norm, "group")

# -- look-ups and resizes

_know("embedding", "embedding", "", None, elements.embedding, "")
_know("embedding_bag _embedding_bag _embedding_bag_forward_only", "embedding", "", None, elements.embedding, "bag")
_know("interpolate upsample", "resize", "input size=None scale_factor=None mode='nearest'", None, elements.resize)
for _mode in ("nearest", "linear", "bilinear", "bicubic", "trilinear"):
    _kernels = (f"upsample_{_mode}{n}d _upsample_{_mode}_exact{n}d _upsample_{_mode}{n}d_aa" for n in (1, 2, 3))
    _know(f"upsample_{_mode} {' '.join(_kernels)}", "resize", "input", None, partial(elements.resize, mode=_mode),
          _mode, "interpolate")  # fmt: skip
_know("grid_sample grid_sampler grid_sampler_2d grid_sampler_3d", "resize", "input grid mode='bilinear'", None,
      elements.sample)  # fmt: skip
_know("affine_grid", "resize")

# -- activations

_know(
    """
    relu relu6 leaky_relu elu selu celu gelu silu mish sigmoid tanh softplus softsign hardtanh hardswish hardsigmoid
    tanhshrink hardshrink softshrink logsigmoid threshold rrelu
    """,
    "act", "input", elements.activation_shape,
)  # fmt: skip
_know("glu", "act")
_know("prelu _prelu_kernel", "act", "input weight", elements.activation_shape, elements.prelu, "prelu")
_know("softmax log_softmax softmin", "act", "input dim=None", elements.activation_shape, elements.softmax)
_know("_softmax _safe_softmax", "act", "input dim=None", elements.activation_shape, elements.softmax, "softmax")
_know("_log_softmax", "act", "input dim=None", elements.activation_shape, elements.softmax, "log_softmax")

# -- arithmetic and reductions

_TWO = "input other rounding_mode=None"
_know("add", "add", _TWO, elements.arithmetic_shape)
_know("sub subtract rsub", "add", _TWO, elements.arithmetic_shape, function="subtract", label="add")
_know("add_ __add__ __radd__ __sub__ __rsub__ __iadd__ __isub__", "add", _TWO, elements.arithmetic_shape,
      function="operator", label="add")  # fmt: skip
_know("mul multiply", "multiply", _TWO, elements.arithmetic_shape, function="multiply")
_know("mul_ __mul__ __rmul__ __imul__", "multiply", _TWO, elements.arithmetic_shape, function="operator",
      label="multiply")  # fmt: skip
_know("div divide true_divide __truediv__ __rtruediv__ __div__ __itruediv__ __idiv__", "elementwise", _TWO,
      elements.quotient_shape, function="div")  # fmt: skip
_know(
    """
    reciprocal exp exp2 expm1 log log2 log10 log1p sqrt rsqrt square abs neg __neg__ sin cos tan asin acos atan sinh
    cosh erf erfc erfinv
    """,
    "elementwise", "input", elements.fraction_shape,
)  # fmt: skip
_know(
    """
    pow __pow__ __rpow__ __ipow__ float_power fmod remainder floor_divide __floordiv__ __rfloordiv__ __mod__ __rmod__
    atan2 maximum minimum fmax fmin clamp clip clamp_min clamp_max lerp addcmul addcdiv absolute sign sgn ceil floor
    round trunc frac logit xlogy hypot sinc lgamma digamma where nan_to_num logaddexp copysign positive outer ger
    deg2rad rad2deg _weight_norm _weight_norm_interface
    """,
    "elementwise",
)  # fmt: skip
_know("mean sum amax amin", "reduce", "input dim=None keepdim=False", elements.reduced_shape)
_know(
    """
    prod nansum nanmean logsumexp norm linalg_vector_norm linalg_norm linalg_matrix_norm var std var_mean std_mean all
    any count_nonzero median cumsum cumprod dist cosine_similarity pairwise_distance cdist trace logcumsumexp cummax
    cummin aminmax cross_entropy nll_loss mse_loss l1_loss smooth_l1_loss huber_loss binary_cross_entropy kl_div
    nll_loss_forward binary_cross_entropy_with_logits nll_loss_nd
    """,
    "reduce",
)  # fmt: skip


def words(text: str) -> frozenset[str]:
    """A set of names."""
    return frozenset(text.split())


VIEWS = words(
    """
    view view_as reshape reshape_as flatten unflatten squeeze unsqueeze permute transpose swapaxes swapdims movedim
    moveaxis t T mT H mH adjoint expand expand_as broadcast_to broadcast_tensors as_strided narrow select split
    split_with_sizes chunk tensor_split unbind diagonal detach data alias __getitem__ contiguous real imag
    view_as_real view_as_complex unfold
    """
)
"""Operations that share the storage of their input, so that a parameter's own view costs no memory."""

FREE = VIEWS | words(
    """
    ravel clone narrow_copy slice unsafe_split unsafe_chunk hsplit vsplit dsplit cat concat concatenate stack hstack
    vstack dstack row_stack column_stack tile repeat repeat_interleave roll rot90 flip fliplr flipud pad
    constant_pad_nd reflection_pad1d reflection_pad2d reflection_pad3d replication_pad1d replication_pad2d
    replication_pad3d _pad_circular im2col col2im fold pixel_shuffle pixel_unshuffle channel_shuffle
    native_channel_shuffle __setitem__ index index_select index_put _index_put_impl index_add index_copy index_fill
    gather scatter scatter_add take take_along_dim masked_fill masked_select masked_scatter diag diag_embed tril
    triu tril_indices triu_indices meshgrid cartesian_prod combinations one_hot copy_ fill zero set_ resize_
    resize_as_ to type_as cpu cuda _to_copy lift_fresh lift requires_grad_ grad conj resolve_conj resolve_neg _conj
    zeros ones empty full arange range linspace logspace eye zeros_like ones_like empty_like full_like rand randn
    randint randperm rand_like randn_like randint_like new_zeros new_ones new_empty new_full new_tensor tensor
    as_tensor from_numpy scalar_tensor empty_strided new_empty_strided empty_permuted complex polar bernoulli
    uniform_ normal exponential_ random_ multinomial dropout dropout1d dropout2d dropout3d alpha_dropout
    feature_alpha_dropout feature_dropout native_dropout _fused_dropout eq ne lt le gt ge __eq__ __ne__ __lt__
    __le__ __gt__ __ge__ equal allclose isclose isnan isinf isfinite logical_and logical_or logical_not logical_xor
    bitwise_and bitwise_or bitwise_not bitwise_xor __and__ __or__ __xor__ __invert__ __rand__ __ror__ argmax argmin
    max min sort argsort topk kthvalue unique unique_consecutive nonzero nonzero_static argwhere searchsorted
    bucketize histc bincount is_same_size _unsafe_view _reshape_alias _reshape_copy unsafe_split_with_sizes item
    _local_scalar_dense checkpoint _pack_padded_sequence _pad_packed_sequence _assert_async sym_size sym_numel
    sym_stride align_to rename refine_names align_as _efficientzerotensor _nested_tensor_from_mask_left_aligned
    view_copy permute_copy expand_copy _shape_as_tensor record_stream pin_memory _cast_Float _cast_Half _cast_Long
    _autocast_to_reduced_precision _autocast_to_full_precision embedding_renorm_ _assert_scalar
    _assert_tensor_metadata max_unpool1d max_unpool2d max_unpool3d
    """
)
"""Operations that compute nothing: views, copies, look-ups, comparisons, random numbers, and what makes new tensors."""
