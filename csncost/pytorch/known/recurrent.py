"""What recurrent layers cost."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from csncost.network.sizes import Size
from csncost.pytorch.known.costs import Cost, Geometry, Gradient, present


def arguments(args: Sequence[Any]) -> tuple[tuple[Tensor, ...], Sequence[Tensor], Sequence[Any]]:
    """The states, the weights and the settings after them among the arguments of an LSTM, GRU or RNN.

    They follow the input, and of packed sequences its batch sizes.
    """
    for i, arg in enumerate(args):
        if isinstance(arg, (list, tuple)) and {tensor.dim() for tensor in arg} <= {1, 2} and arg[0].dim() == 2:
            states = args[i - 1]
            return tuple(states) if isinstance(states, (list, tuple)) else (states,), arg, args[i + 1 :]
    raise TypeError("a recurrent layer without weights")


def shapes(input: Any, *args: Any) -> list[tuple[int, ...]] | None:
    """The output and the last states of an LSTM, GRU or RNN on a sequence (T, N, C) or (N, T, C), or a packed one."""
    states, _, rest = arguments(args)
    if input.dim() not in (2, 3) or any(state.dim() != 3 for state in states):
        return None
    width = states[0].shape[-1] * (2 if rest[4] else 1)
    return [(*input.shape[:-1], width), *(tuple(state.shape) for state in states)]


def layers(input: Tensor, *args: Any, out: Any) -> Cost:
    """LSTM, GRU and RNN: every weight matrix once for each step of each sequence, padding of packed ones left out."""
    states, weights, (_, depth, _, _, bidirectional, *_) = arguments(args)
    sizes = args[0] if args[2] is weights else None
    padded = None if sizes is None else int(sizes[0]) * len(sizes)
    cost = _recurrent(input, states, weights, depth, 2 if bidirectional else 1, out[0], padded)
    if len(states) == 2 and not (sizes is None and _in_one_kernel(input, states)):
        cost.function = "stepwise_lstm"
    return cost


def _in_one_kernel(input: Tensor, states: tuple[Tensor, ...]) -> bool:
    """Whether an LSTM on whole sequences runs as one kernel: on a CPU not in double precision, nor with projections.

    Otherwise it is a matrix product for each step, which counters of kernels see. (So it is in half precision on a CPU
    without instructions for that; here it is not.)
    """
    hidden, cell = states
    return input.dtype != torch.float64 and hidden.shape[-1] == cell.shape[-1]


def cell(input: Tensor, hx: Any, w_ih: Tensor, w_hh: Tensor, *biases: Any, out: Any, **kwargs: Any) -> Cost:
    """One step of a recurrent cell."""
    states = tuple(hx) if isinstance(hx, (list, tuple)) else (hx,)
    weights = [w_ih, w_hh, *present(*biases, *kwargs.values())]
    return _recurrent(input, states, weights, 1, 1, out[0] if isinstance(out, tuple) else out)


def _recurrent(
    input: Tensor,
    states: tuple[Tensor, ...],
    weights: Sequence[Tensor],
    depth: int,
    directions: int,
    out: Tensor,
    padded: int | None = None,
) -> Cost:
    """Matrices of every layer and direction: from the input, from the state, perhaps a projection.

    `padded` are the steps of all sequences, were they as long as the longest.
    """
    matrices = [weight for weight in weights if weight.dim() == 2]
    biases = [weight for weight in weights if weight.dim() == 1]
    steps = input.numel() // input.shape[-1] if input.shape[-1] else 0
    each = len(matrices) // (depth * directions)
    found: dict[str, Size] = {
        "weights": sum(matrix.numel() for matrix in matrices),
        "biases": sum(bias.numel() for bias in biases),
        "elements": out.numel(),
        "inputs": input.numel(),
    }
    hidden = states[-1].shape[-1] * depth * directions  # an output may be a projection of them
    of_a_step = {"macs": found["weights"], "bias_adds": found["biases"], "states": hidden}
    found |= {name: number * steps for name, number in of_a_step.items()}
    found |= {f"padded_{name}": number * (steps if padded is None else padded) for name, number in of_a_step.items()}
    # what comes from the layer itself needs a gradient once anything does; its input and first state where asked for
    anything = (input, *states, *matrices, *biases)
    starts = states[0].shape[-2] if states[0].dim() > 1 else 1
    backward = [Gradient(matrix.numel() * steps, (matrix,)) for matrix in matrices]
    for i, matrix in enumerate(matrices):
        outer = input if i < each * directions and i % each == 0 else None
        first = starts if i % each == 1 else steps if outer is not None else 0
        backward.append(Gradient(matrix.numel() * (steps - first), anything))
        backward.append(Gradient(matrix.numel() * first, states if outer is None else (outer,)))
    geometry = Geometry(input.shape[-1], out.shape[-1])
    return Cost(found, tuple(matrices), tuple(biases), (), geometry, tuple(backward))
