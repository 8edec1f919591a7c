"""Products of matrices: fully connected layers, matrix products, attention."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from csncost.costs import quantities
from csncost.pytorch.known.operation import Bound, Cost, Geometry, Gradient, Shape, batched


def linear_shape(call: Bound) -> Shape | None:
    """The shape of a fully connected layer on the last axis."""
    input, weight = call.input, call.weight
    if weight.dim() != 2 or not input.dim() or input.shape[-1] != weight.shape[1] or not call.one_type():
        return None
    fits = call.bias is None or call.bias.shape == weight.shape[:1]
    return (*input.shape[:-1], weight.shape[0]) if fits else None


def linear(call: Bound) -> Cost:
    """A fully connected layer: a convolution of 1x1 at every position of an input (..., C)."""
    weight, biases = call.weight, call.given("bias")
    out_channels, in_channels = tuple(weight.shape) if weight.dim() == 2 else (1, weight.shape[0])
    positions = call.out.numel() // out_channels if out_channels else 0
    found = quantities.linear(in_channels, out_channels, bool(biases), positions, batched(call.input)[1])
    gradients = Gradient(found["macs"], (call.input,)), Gradient(found["macs"], (weight,))
    return Cost(found, (weight,), biases, geometry=Geometry(in_channels, out_channels), backward=gradients)


def bilinear(call: Bound) -> Cost:
    """y = x1 W x2 for each output: first x1 W, then its product with x2."""
    first, second, weight, biases = call.input1, call.input2, call.weight, call.given("bias")
    outputs = weight.shape[0]
    positions, items = call.out.numel() // outputs if outputs else 0, batched(first)[1]
    left, right = positions * weight.numel(), positions * outputs * weight.shape[2]
    found = {
        "macs": left + right,
        "bias_adds": call.out.numel() if biases else 0,
        "batch_weights": weight.numel() * items,
        "batch_biases": outputs * items if biases else 0,
    }
    gradients = (
        Gradient(left, (first,)),
        Gradient(left, (weight,)),
        Gradient(right, (second,)),
        Gradient(right, (first, weight)),
    )
    return Cost(found, (weight,), biases, geometry=Geometry(weight.shape[1], outputs), backward=gradients)


def matmul_shape(call: Bound) -> Shape | None:
    """The shape of a product of matrices, broadcast over the axes before them."""
    shapes = [tuple(tensor.shape) for tensor in call.tensors]
    if len(shapes) != 2 or min(map(len, shapes)) < 2 or not call.one_type():
        return None
    left, right = shapes
    before = broadcast(left[:-2], right[:-2])
    return None if before is None or left[-1] != right[-2] else (*before, left[-2], right[-1])


def matmul(call: Bound) -> Cost:
    """A product of matrices (or vectors), broadcast over the axes before them."""
    left, right = call.tensors[:2]
    macs = call.out.numel() * left.shape[-1]
    found = {"macs": macs, "left_macs": left.numel() * right.shape[-1]}
    return Cost(found, backward=(Gradient(macs, (left,)), Gradient(macs, (right,))))


def added_matmul(call: Bound) -> Cost:
    """A tensor plus a product: addmm, baddbmm, addmv, addbmm."""
    addend, left, right = call.tensors
    macs = left.numel() * (right.shape[-1] if right.dim() > 1 else 1)
    found = {
        "macs": macs,
        "inputs": left.numel(),
        "bias_adds": call.out.numel() if call.beta else 0,
        "addends": addend.numel() if call.beta else 0,
    }
    return Cost(found, backward=(Gradient(macs, (left,)), Gradient(macs, (right,))))


def attention_shape(call: Bound) -> Shape | None:
    """The shape of attention of (..., L, E) to keys (..., S, E) and values (..., S, V)."""
    query, key, value = (tuple(tensor.shape) for tensor in (call.query, call.key, call.value))
    alike = query[:-2] == key[:-2] == value[:-2] and query[-1] == key[-1] and key[-2] == value[-2]
    if not (alike and call.one_type()) or call.attn_mask is not None:
        return None  # broadcast, grouped or masked: its kernel knows
    return (*query[:-1], value[-1])


def attention(call: Bound) -> Cost:
    """Scaled dot-product attention: Q K^T and its product with V, a causal mask not taken off.

    The backward pass has two products for each; that a fused kernel computes Q K^T anew is not counted.
    """
    query, key, value = call.query, call.key, call.value
    rows = prod(call.result.shape[:-1])  # the query may be broadcast
    pairs = rows * key.shape[-2]
    scores, mix = pairs * query.shape[-1], pairs * value.shape[-1]
    gradients = (
        Gradient(mix, (value,)),
        Gradient(mix, (query, key)),
        Gradient(scores, (query,)),
        Gradient(scores, (key,)),
    )
    found = {"macs": scores + mix, "elements": rows * value.shape[-1], "scores": pairs}
    return Cost(found, backward=gradients)


def broadcast(*shapes: Sequence[int]) -> Shape | None:
    """The common shape of tensors that are broadcast together; None if they are not."""
    rank = max(map(len, shapes))
    out = []
    for sizes in zip(*((1,) * (rank - len(shape)) + tuple(shape) for shape in shapes), strict=True):
        lengths = {n for n in sizes if n != 1}
        if len(lengths) > 1:
            return None
        out.append(lengths.pop() if lengths else 1)
    return tuple(out)
