"""The cost of one operation, as functions of sizes: Eqs. 1-3 of Tran et al. (ICCV 2019) and element counts.

Every function is arithmetic only and takes ints, labelled arrays or SymPy expressions. Shapes are (C, T, H, W),
kernels (kt, kh, kw). One FLOP is one multiply-add here; a convention decides what is counted and how often.
"""

from __future__ import annotations

from collections.abc import Sequence

from csncost.network.sizes import Size, exact_div, pairs, volume


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
