"""From a spec to a PyTorch module, to train, to time, or to count otherwise.

A network and each of its blocks is a module that runs its graph; stages and branches have no module of their own, so
that submodules are called as the rows of a report: `conv1`, `conv2_1.a`, `conv2_1.shortcut_norm`, `fc`. Sums, products
and concatenations are done between modules.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from csncost.costs.analyze import to_network
from csncost.errors import CsncostError
from csncost.lang.given import SizeLike, SpecLike
from csncost.lang.lower.stages import MAX_OPS
from csncost.network.graph import Graph, Network, Node
from csncost.network.ops import Shape
from csncost.network.walk import walk
from csncost.pytorch.build.initial import WithoutValues
from csncost.pytorch.build.initial import initialise as fill
from csncost.pytorch.build.layers import Function, function_of, module_of
from csncost.pytorch.trace.messages import reason
from csncost.units import shape


class Step(NamedTuple):
    """A module, or a function, called on values; `done` are the values that no later step needs."""

    name: str
    function: Function | None
    inputs: tuple[int, ...]
    done: tuple[int, ...]


class Plan(NamedTuple):
    """The work of a module: its members by name, its steps, and the value that it returns.

    A value is an index: the inputs come first, then what each step gives.
    """

    members: dict[str, Node]
    steps: Sequence[Step]
    result: int


class Block(nn.Module):
    """Runs a graph of modules and functions."""

    _plan: Plan

    def forward(self, *inputs: Tensor) -> Tensor:
        """Tensors in, a tensor out."""
        values: list[Any] = list(inputs)
        for name, function, sources, done in self._plan.steps:
            taken = [values[i] for i in sources]
            values.append(self._modules[name](*taken) if function is None else function(taken))  # type: ignore[misc]
            for i in done:
                values[i] = None
        return values[self._plan.result]  # type: ignore[no-any-return]

    def __setattr__(self, name: str, value: Any) -> None:
        """A module's own state is set, also where a member has its name (`training`)."""
        if name in self.__dict__:
            self.__dict__[name] = value
        else:
            super().__setattr__(name, value)


class Network3d(Block):
    """A whole network: clips (N, C, T, H, W) in, class scores (N, classes) out.

    Where the network has several inputs, it takes a list of them.
    """

    _clips: tuple[Shape, ...]
    _title: str

    def forward(self, clip: Any) -> Tensor:  # type: ignore[override]
        """The output for a batch of clips."""
        return super().forward(*(clip if len(self._clips) > 1 else [clip]))

    def extra_repr(self) -> str:
        """The spec that was built, and the clip."""
        clips = " and ".join(map(shape, self._clips))
        return f"{self._title}, clip {clips}".removeprefix(", ")


def build(
    spec: SpecLike | Network,
    *,
    frames: int | None = None,
    size: SizeLike = None,
    classes: int | None = None,
    device: torch.device | str | int | None = None,
    dtype: torch.dtype | None = None,
    initialise: bool = True,
    **names: Any,
) -> nn.Module:
    """The PyTorch module of a network, to train or to count otherwise.

    It takes clips (N, C, T, H, W), of another size too as far as the network allows (one without a global pool before
    its fully connected layer does not), and gives (N, classes). Submodules are called as the rows of
    `analyze(spec, convention="everything")`; sums, products and concatenations have none.

    `frames`, `size`, `classes` and `names` are those of `analyze`. `device` and `dtype` are those of the parameters;
    on "meta" they have shapes and no memory. Parameters start as `csncost.pytorch.build.initial.initialise` says; with
    `initialise=False` they hold whatever was in memory, to be loaded. Zeros that average pools pad enter the averages,
    as in PyTorch.

    Raises SpecError for a spec that is no network, CsncostError for one with arrays or symbols as sizes or with sizes
    that PyTorch cannot hold, and MissingExtra without PyTorch.

    >>> module = build("ir-CSN-26", device="meta", initialise=False)
    >>> module.conv2_1.b.weight.shape
    torch.Size([64, 1, 3, 3, 3])
    """
    network = as_network(spec, {"frames": frames, "size": size, "classes": classes, **names})
    module = Network3d()
    module._clips, module._title = network.graph.inputs, _title(spec)
    place = _device(device)
    with WithoutValues():
        _Builder({"device": torch.device("meta"), "dtype": _dtype(dtype)}).fill(module, network.graph)
    if place.type != "meta":
        try:
            module.to_empty(device=place)
        except RuntimeError as error:  # too large for the memory
            raise CsncostError(f"PyTorch cannot make the parameters: {reason(error)}") from error
        if initialise:
            fill(module)
    return module


def as_network(spec: SpecLike | Network, setting: dict[str, Any]) -> Network:
    """A spec in its setting as a network of numbers. Raises SpecError, and CsncostError for arrays and symbols.

    What is a network already takes no setting.
    """
    given = [name for name, value in setting.items() if value is not None]
    if isinstance(spec, Network) and given:
        raise CsncostError(f"a Network has its sizes, and {given[0]} is given", "give it to to_network")
    network = spec if isinstance(spec, Network) else to_network(spec, **setting)
    _require_numbers(network.graph)
    return network


def _require_numbers(graph: Graph) -> None:
    operations = walk(graph)
    sizes = [size for found in operations for size in (found.copies, *found.node.output, *_sizes(found.node.op))]
    if not all(isinstance(size, int) for size in (*sum(graph.inputs, ()), *sizes)):
        raise CsncostError("a module has numbers as sizes, not arrays or symbols", "give every free name a number")
    if (count := sum(found.copies for found in operations)) > MAX_OPS:
        raise CsncostError(f"a network of {count:,} operations", f"at most {MAX_OPS:,} can be built")


def _sizes(op: Any) -> Iterator[Any]:
    """Every size that an operation has."""
    for field in fields(op):
        value = getattr(op, field.name)
        if not isinstance(value, str | None):
            yield from value if isinstance(value, tuple) else (value,)


def _device(device: torch.device | str | int | None) -> torch.device:
    """The device, that of new tensors if none is given; if a tensor can be on it."""
    try:
        return torch.empty(0, device=device).device
    except (RuntimeError, TypeError, AssertionError) as error:
        raise CsncostError(f"PyTorch has no device {device!r:.60} here", "for instance cpu, cuda:0, meta") from error


def _dtype(dtype: torch.dtype | None) -> torch.dtype | None:
    if dtype is None or (isinstance(dtype, torch.dtype) and dtype.is_floating_point):
        return dtype
    raise CsncostError(f"parameters cannot be {dtype!r:.60}", "for instance torch.float32, torch.bfloat16")


def _title(spec: SpecLike | Network) -> str:
    """A spec as it was given, where it is a name or a path."""
    text = str(spec) if isinstance(spec, str | Path) else ""
    return text if len(text) <= 60 and "\n" not in text else ""


class _Builder:
    """Makes modules with parameters as `made` says; copies of a block share their steps, and nothing else."""

    def __init__(self, made: dict[str, Any]) -> None:
        self.made = made
        self._plans: dict[int, Plan] = {}

    def fill(self, block: Block, graph: Graph, prefix: str = "") -> Block:
        """Give a module the steps of a graph and its members."""
        if id(graph) not in self._plans:  # by identity: a graph takes long to compare
            self._plans[id(graph)] = _planned(graph)
        block._plan = self._plans[id(graph)]
        # not by add_module, which refuses `forward`, `half` and whatever else a module has: any label is legal here
        block._modules.update({name: self._member(prefix + name, node) for name, node in block._plan.members.items()})
        return block

    def _member(self, name: str, node: Node) -> nn.Module:
        if isinstance(node.op, Graph):
            return self.fill(Block(), node.op, f"{name}.")
        try:
            return module_of(node.op, node.output, **self.made)
        except (RuntimeError, TypeError) as error:  # too large for PyTorch's integers
            raise CsncostError(f"PyTorch cannot make {name}: {reason(error)}") from error


def _planned(graph: Graph) -> Plan:
    """The work of the module of a graph. Raises CsncostError where two operations have one name."""
    operations = walk(graph, each_copy=True, into_blocks=False)
    members: dict[str, Node] = {}
    functions: list[Function | None] = []
    for found in operations:
        name, node = found.name, found.node
        functions.append(None if isinstance(node.op, Graph) else function_of(node.op, found.inputs))
        if functions[-1] is None:
            if name in members:
                raise CsncostError(f'two operations are called "{name}"', "give one of their stages another label")
            members[name] = node
    steps, needed = [], {operations.output}
    for found, function in zip(reversed(operations), reversed(functions), strict=True):
        done = tuple(set(found.values) - needed)
        needed.update(found.values)
        steps.append(Step(found.name, function, found.values, done))
    return Plan(members, steps[::-1], operations.output)
