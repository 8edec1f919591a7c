"""Recurrent layers, on whole and on packed sequences, and their cells."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from csncost.network.sizes import Size
from csncost.pytorch.known.operation import Bound, Cost, Geometry, Gradient, Shape


def layers_shape(call: Bound) -> list[Shape] | None:
    """The output and the last states of an LSTM, GRU or RNN on a sequence (T, N, C) or (N, T, C), or a packed one."""
    states, _, settings = _arguments(call.args)
    if call.input.dim() not in (2, 3) or any(state.dim() != 3 for state in states):
        return None
    width = states[0].shape[-1] * (2 if settings[4] else 1)
    return [(*call.input.shape[:-1], width), *(tuple(state.shape) for state in states)]


def layers(call: Bound) -> Cost:
    """LSTM, GRU and RNN: every weight matrix once for each step of each sequence, padding of packed ones left out."""
    states, weights, (_, depth, _, _, bidirectional, *_) = _arguments(call.args)
    run = _Run(call.input, states, weights, depth, 2 if bidirectional else 1)
    sizes = call.args[1] if call.args[3] is weights else None
    cost = run.cost(call, run.steps if sizes is None else int(sizes[0]) * len(sizes))
    if len(states) == 2 and not (sizes is None and _in_one_kernel(call.input, states)):
        cost.function = "stepwise_lstm"
    return cost


def cell(call: Bound) -> Cost:
    """One step of a recurrent cell."""
    run = _Run(call.input, _states(call.hx), call.given("w_ih", "w_hh", "b_ih", "b_hh"))
    return run.cost(call, run.steps)


def _arguments(args: Sequence[Any]) -> tuple[tuple[Tensor, ...], Sequence[Tensor], Sequence[Any]]:
    """The states, the weights and the settings after them among the arguments of an LSTM, GRU or RNN.

    They follow the input, and of packed sequences its batch sizes.
    """
    for i, arg in enumerate(args):
        if i > 1 and isinstance(arg, (list, tuple)) and {tensor.dim() for tensor in arg} <= {1, 2}:
            return _states(args[i - 1]), arg, args[i + 1 :]
    raise TypeError("a recurrent layer without weights")


def _states(given: Any) -> tuple[Tensor, ...]:
    """The hidden state, and of an LSTM that of its cells."""
    return tuple(given) if isinstance(given, (list, tuple)) else (given,)


def _in_one_kernel(input: Tensor, states: tuple[Tensor, ...]) -> bool:
    """Tell whether an LSTM on whole sequences runs as one kernel: on a CPU, not in double precision nor projected.

    Otherwise it is a matrix product for each step, which counters of kernels see. (So it is in half precision on a CPU
    without instructions for that; here it is not.)
    """
    hidden, cell = states
    return input.dtype != torch.float64 and hidden.shape[-1] == cell.shape[-1]


@dataclass(slots=True)
class _Run:
    """Layers that run. Each has a matrix for its input, one for its state, perhaps one for a projection."""

    input: Tensor
    states: tuple[Tensor, ...]
    weights: Sequence[Tensor]
    depth: int = 1
    directions: int = 1

    @property
    def steps(self) -> int:
        """The steps of all sequences together."""
        width = self.input.shape[-1]
        return self.input.numel() // width if width else 0

    def cost(self, call: Bound, padded: int) -> Cost:
        """The cost of the call; `padded` are the steps of all sequences, were they as long as the longest."""
        matrices = tuple(weight for weight in self.weights if weight.dim() == 2)
        biases = tuple(weight for weight in self.weights if weight.dim() == 1)
        of_a_step = {
            "macs": sum(matrix.numel() for matrix in matrices),
            "bias_adds": sum(bias.numel() for bias in biases),
            "states": self.states[-1].shape[-1] * self.depth * self.directions,  # an output may be a projection of them
        }
        found: dict[str, Size] = {name: number * self.steps for name, number in of_a_step.items()}
        found |= {f"padded_{name}": number * padded for name, number in of_a_step.items()}
        geometry = Geometry(self.input.shape[-1], call.result.shape[-1])
        return Cost(found, matrices, biases, geometry=geometry, backward=tuple(self._gradients(matrices)))

    def _gradients(self, matrices: Sequence[Tensor]) -> Iterator[Gradient]:
        """The backward pass: for each matrix its own gradient, and that of what it is multiplied with.

        What comes from the layers themselves needs a gradient once anything does; the input and the first state do
        where one is asked for.
        """
        anything = (self.input, *self.states, *self.weights)
        starts = self.states[0].shape[-2] if self.states[0].dim() > 1 else 1
        each = len(matrices) // (self.depth * self.directions)
        for i, matrix in enumerate(matrices):
            outermost = i < each * self.directions and i % each == 0
            first = self.steps if outermost else starts if i % each == 1 else 0
            yield Gradient(matrix.numel() * self.steps, (matrix,))
            yield Gradient(matrix.numel() * (self.steps - first), anything)
            yield Gradient(matrix.numel() * first, (self.input,) if outermost else self.states)
