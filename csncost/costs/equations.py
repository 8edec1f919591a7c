"""What one operation costs, as functions of sizes: Eqs. 1-3 of Tran et al. (ICCV 2019) and element counts.

Every function is arithmetic only and takes ints, labelled arrays or SymPy expressions. Shapes are (C, T, H, W),
kernels (kt, kh, kw). One FLOP is one multiply-add here; a convention decides what is counted and how often.
"""

from __future__ import annotations

from collections.abc import Sequence

from csncost.network.sizes import Size, ceil_div, exact_div, is_number, pairs, smaller, volume


def conv_weights(in_channels: Size, out_channels: Size, kernel: Sequence[Size], groups: Size) -> Size:
    """Weights of a grouped convolution, bias not included (Eq. 1).

    >>> conv_weights(3, 64, (3, 7, 7), 1)
    28224
    """
    return out_channels * exact_div(in_channels, groups) * volume(kernel)


def conv_macs(weights: Size, output: Sequence[Size]) -> Size:
    """Multiply-adds of a convolution (Eq. 2): every weight once for each position of the output (C, T, H, W).

    The paper's text says the input's voxels; its tables count the output's, which differ when the stride is not 1.

    >>> conv_macs(28224, (64, 8, 112, 112))
    2832334848
    """
    return weights * volume(output[1:])


def channel_interactions(in_channels: Size, out_channels: Size, groups: Size) -> Size:
    """Pairs of input channels that meet in an output filter (Eq. 3; its binomial is C(Cin/G, 2)).

    >>> [channel_interactions(4, 4, groups) for groups in (1, 2, 4)]  # Figure 1 (a)-(c)
    [24, 4, 0]
    """
    return out_channels * pairs(exact_div(in_channels, groups))


def norm_affine(channels: Size) -> Size:
    """Learned scale and shift of a normalisation over `channels` channels."""
    return 2 * channels


def matmul_macs(rows: Size, inner: Size, columns: Size) -> Size:
    """Multiply-adds of a (rows x inner) by (inner x columns) matrix product.

    >>> matmul_macs(2, 3, 4)
    24
    """
    return rows * inner * columns


def window_positions(length: Size, kernel: Size, stride: Size, padding: Size, dilation: Size = 1) -> Size:
    """Positions of a sliding window on one axis, `padding` on both ends together; partial windows are dropped.

    Equal to floor((length + padding - reach) / stride) + 1 with reach = dilation (kernel - 1) + 1, written with a
    ceiling because with centred padding it is then ceil(length / stride).

    >>> window_positions(224, 7, 2, 6), window_positions(7, 3, 2, 2), window_positions(7, 3, 2, 0)
    (112, 4, 3)
    """
    return ceil_div(length + padding - dilation * (kernel - 1), stride)


def window_positions_ceil(length: Size, kernel: Size, stride: Size, padding: Size) -> Size:
    """Positions of a pooling window on one axis when a partial last window counts too (ceil mode).

    A last window that would start in the padding after the end is dropped (as in torch.nn.MaxPool3d). `padding` is
    that of both ends together, half of it at the start.

    >>> window_positions_ceil(8, 3, 2, 0), window_positions_ceil(5, 2, 2, 0), window_positions_ceil(4, 3, 3, 2)
    (4, 3, 2)
    """
    reached = ceil_div(length + padding - kernel + stride, stride)
    started = ceil_div(length + exact_div(padding, 2), stride)
    if all(map(is_number, (kernel, stride, padding))):  # which is the smaller does not depend on the length
        return reached if padding // 2 + stride <= kernel else started
    return smaller(reached, started)
