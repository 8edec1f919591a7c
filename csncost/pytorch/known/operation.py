"""A known operation: the names of its parameters, the shape that it gives, and the quantities that it costs.

The rule of its shape and its cost are functions of one bound call, so that both read the same arguments.
"""

from __future__ import annotations

from ast import literal_eval
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from torch import Tensor

from csncost.network.sizes import Size
from csncost.pytorch.trace.meta import Args, Kwargs, tensors

Shape: TypeAlias = tuple[int, ...]

MISSING = object()
"""The value of a parameter that has to be given, and is not."""


class Bound:
    """The arguments of one call, by the names of the operation's parameters.

    `args` and `kwargs` are as they came, `tensors` those among them; `out` is what the operation returned, of no data.
    """

    def __init__(self, parameters: Mapping[str, Any], args: Args, kwargs: Kwargs) -> None:
        named = vars(self)
        named.update(parameters)
        named.update(zip(parameters, args, strict=False))
        named.update(kwargs)
        self.parameters, self.args, self.kwargs = parameters, args, kwargs
        self.tensors = list(tensors(args, kwargs))
        self.out: Any = None

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any: ...

    @property
    def more(self) -> bool:
        """Tell whether arguments are given that have no name here."""
        return len(self.args) > len(self.parameters) or not self.kwargs.keys() <= self.parameters.keys()

    @property
    def result(self) -> Any:
        """The tensor that the operation returned; the first where it returned several tensors."""
        return self.out[0] if isinstance(self.out, (tuple, list)) and self.out else self.out

    def given(self, *names: str) -> tuple[Tensor, ...]:
        """The tensors among the arguments of these names."""
        values = (getattr(self, name) for name in names)
        return tuple(value for value in values if isinstance(value, Tensor))

    def one_type(self) -> bool:
        """Tell whether all tensors have one type, which has fractions."""
        dtype = self.tensors[0].dtype
        for tensor in self.tensors:  # a loop, as every operation comes by
            if tensor.dtype != dtype:
                return False
        return dtype.is_floating_point


class Gradient(NamedTuple):
    """`macs` multiply-adds of the backward pass, needed if any of the tensors needs a gradient."""

    macs: int
    of: tuple[Tensor | None, ...]


class Geometry(NamedTuple):
    """The channels and the window of an operation, as its row shows them."""

    in_channels: int | None = None
    out_channels: int | None = None
    kernel: Shape | None = None
    stride: Shape | None = None
    groups: int | None = None


@dataclass(slots=True)
class Cost:
    """The quantities of one call, whose `weights`, `biases` and `affine` are yet to be found among the parameters.

    `backward` None: what the backward pass takes is not known. `function` replaces that of the operation where it
    depends on the arguments.
    """

    quantities: dict[str, Size] = field(default_factory=dict)
    weights: tuple[Tensor, ...] = ()
    biases: tuple[Tensor, ...] = ()
    affine: tuple[Tensor, ...] = ()
    geometry: Geometry = Geometry()
    backward: tuple[Gradient, ...] | None = ()
    function: str = ""


def elementwise(call: Bound) -> Cost:
    """Anything that is known by what it reads and writes, which is added to every cost."""
    return Cost()


@dataclass(frozen=True, slots=True)
class Op:
    """A known operation; `shape` (None: ask the function itself) may give a list where it returns several tensors.

    A rule gives None where it cannot tell, or where the arguments do not fit together: then the function itself is
    asked on tensors without data, and complains in its own words if it must. `label` is what a row is called after
    (default: the function, or else the kind). The function of `x + y` is "operator", as some counters see
    `torch.add(x, y)` only.
    """

    kind: str
    function: str
    parameters: Mapping[str, Any]
    shape: Callable[[Bound], Any] | None = None
    cost: Callable[[Bound], Cost] = elementwise
    label: str = ""

    def bind(self, args: Args, kwargs: Kwargs) -> Bound:
        """The arguments of a call by name."""
        return Bound(self.parameters, args, kwargs)

    def shape_of(self, call: Bound) -> Any:
        """The shape of what a call returns; None where that is not known without asking."""
        if self.shape is None or any(getattr(call, name) is MISSING for name in self.parameters):
            return None
        return self.shape(call)

    def cost_of(self, call: Bound) -> Cost:
        """The cost of a call that has returned: `elements` are written, `inputs` are those of the first tensor."""
        cost = self.cost(call)
        written = call.result.numel() if isinstance(call.result, Tensor) else 1
        read = call.tensors[0].numel() if call.tensors else written
        cost.quantities = {"elements": written, "inputs": read, **cost.quantities}
        return cost


def parameters(text: str) -> dict[str, Any]:
    """Parameters as in `input weight bias=None`: name -> default.

    A parameter that a function lacks may stand last, with a value that changes nothing: so one rule reads several.
    """
    split = (word.partition("=") for word in text.split())
    return {name: literal_eval(value) if given else MISSING for name, given, value in split}


def per_axis(value: Any, axes: int) -> Shape | None:
    """A number, or a number for each axis, as one for each; None for anything else."""
    if type(value) is int:
        return (value,) * axes
    value = tuple(value) if isinstance(value, (tuple, list)) else ()
    value = value * axes if len(value) == 1 else value
    return value if len(value) == axes and all(type(n) is int for n in value) else None


def split(tensor: Tensor, axes: int) -> tuple[Shape, int, Shape]:
    """The batch axis (none, where there is none), the channels, and the last `axes`; -1 channels if it is neither."""
    shape = tuple(tensor.shape)
    if len(shape) not in (axes + 1, axes + 2):
        return (), -1, ()
    return shape[: len(shape) - axes - 1], shape[-axes - 1], shape[-axes:]


def batched(tensor: Tensor) -> tuple[Shape, int]:
    """A shape without its batch axis, and the items of the batch; a vector is one item."""
    shape = tuple(tensor.shape)
    return (shape[1:], shape[0]) if len(shape) > 1 else (shape, 1)
