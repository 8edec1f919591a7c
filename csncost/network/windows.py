"""Positions of sliding windows: the output lengths of convolutions and pools, over ints, arrays and symbols."""

from __future__ import annotations

from csncost.network.sizes import Size, ceil_div, exact_div, is_number, smaller


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
