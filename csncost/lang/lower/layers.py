"""Layers while a network is lowered: convolutions with their norm and activation, pools, fully connected layers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from csncost.errors import Span, Undecided, did_you_mean
from csncost.lang.lower.sizing import Sizing
from csncost.lang.printer import print_layer, print_value
from csncost.lang.syntax import Expr, Layer, Name, Sizes
from csncost.lang.values import ids
from csncost.network.checks import Fault
from csncost.network.graph import GraphBuilder
from csncost.network.ops import Activation, Conv, Linear, Norm, Op, Padding, Pool, Reshape, Shape, same_shape
from csncost.network.sizes import Size, Truth, everywhere, is_number, nowhere

ACTIVATIONS = ("relu", "silu", "gelu", "sigmoid", "tanh", "softmax", "none")
AXES = ("frames", "height", "width")
ONES = (1, 1, 1)


@dataclass(frozen=True, slots=True)
class Place:
    """Place of an operation in the network, for messages."""

    stage: str
    block: int = 0

    def of(self, layer: Layer) -> str:
        """A layer in its place, in words."""
        within = f" of block {self.block}" if self.block else ""
        return f"{self.stage}, {describe(layer)}{within}"


def is_one(sizes: Shape) -> bool:
    """True where all sizes are known to be 1."""
    return all(is_number(size) and size == 1 for size in sizes)


def describe(layer: Layer) -> str:
    """A layer in words."""
    if layer.function:
        return f"the {layer.function} pool"
    return f"the {print_value(layer.head)} convolution" if isinstance(layer.head, Sizes) else print_layer(layer)


class Layers(Sizing):
    """Appends layers to a graph."""

    def layer(
        self,
        builder: GraphBuilder,
        name: str,
        layer: Layer,
        place: Place,
        bare: bool = False,
        classifier: bool = False,
    ) -> None:
        """Append a layer; a `bare` one has no activation unless it is written."""
        if layer.function:
            self.pool(builder, name, layer, place)
        elif not isinstance(layer.head, Sizes) and layer.channels is None and "depthwise" not in layer.flags:
            self.linear(builder, name, layer, place, classifier)
        else:
            self.conv(builder, name, layer, place, bare)

    def add(self, builder: GraphBuilder, name: str, op: Op, layer: Layer, place: Place) -> None:
        """Append an operation, and turn what does not fit into an error that points at its part of the text."""
        try:
            builder.add(name, op, span=layer.span)
        except Fault as fault:
            part = layer.option(fault.aspect) or (layer.head if fault.aspect == "kernel" else None)
            if fault.aspect == "kernel" and self.setting.keys() & set(AXES):
                fault.hint = f"the clip is {'x'.join(map(str, builder.shape()[1:]))} here; " + fault.hint
            at = part.span if part else layer.span
            raise self.fault(fault.message, at, place.of(layer), fault.hint) from None

    def conv(self, builder: GraphBuilder, name: str, layer: Layer, place: Place, bare: bool) -> None:
        """Append a convolution, its norm and its activation."""
        shape = self.video(builder, layer, place)
        self.allow(layer, flags=("depthwise", "optional"))
        in_channels = shape[0]
        out_channels = in_channels if layer.channels is None else self.size(layer.channels, "output channels")
        changes: Truth = True
        if "optional" in layer.flags:
            stride = layer.stride
            if stride is not None and not is_one(self.axes(stride, ONES, "stride")):
                message, at = "an optional layer cannot stride", self.blame(stride.span)
                raise Undecided(message, at, names=ids(stride), note=place.of(layer))
            changes = self.differ(in_channels, out_channels)
            if nowhere(changes):
                return
        with self.only_where(changes):
            self.filters(builder, name, layer, place, bare, out_channels, changes)

    def filters(
        self,
        builder: GraphBuilder,
        name: str,
        layer: Layer,
        place: Place,
        bare: bool,
        out_channels: Size,
        changes: Truth,
    ) -> None:
        """Append a convolution with what follows it, in a branch of its own if only some designs have it."""
        shape = builder.shape()
        in_channels = shape[0]
        kernel = self.axes(layer.head, ONES, "a kernel")
        dilation = self.axes(layer.option("dilation"), ONES, "dilation") if layer.options else ONES
        normed = self.word(layer, "norm", ("batch", "none"), "batch") == "batch"
        op = Conv(
            in_channels,
            out_channels,
            kernel,
            self.axes(layer.stride, ONES, "stride"),
            self.padding(layer, kernel, dilation),
            dilation,
            self.groups(layer, in_channels),
            bias=self.word(layer, "bias", ("yes", "no"), "no") == "yes",
        )
        act = self.word(layer, "act", ACTIVATIONS, "none" if bare else "relu")
        target = builder if everywhere(changes) else GraphBuilder("branch", [shape], self.checks)
        self.add(target, name, op, layer, place)
        if normed:
            target.follow(f"{name}_norm", Norm(out_channels), layer.span)
        if act != "none":
            target.follow(f"{name}_act", _activation(act), layer.span)
        if target is not builder:
            if not same_shape(shape[1:], target.shape()[1:]):
                raise self.fault("an optional layer that changes the size", layer.span, place.of(layer))
            builder.nest("", target.graph(), copies=changes.astype("int64"), span=layer.span)

    def video(self, builder: GraphBuilder, layer: Layer, place: Place) -> Shape:
        """The shape of the newest value, which a convolution or a pool needs to be (C, T, H, W)."""
        shape = builder.shape()
        if len(shape) != 4:
            raise self.fault(f"{describe(layer)} after a fully connected layer", layer.span, place.of(layer))
        return shape

    def groups(self, layer: Layer, in_channels: Size) -> Size:
        """The number of groups, 1 where none is written."""
        written = layer.option("groups")
        if "depthwise" in layer.flags:
            if written is not None:
                message = "a depthwise layer has as many groups as channels"
                raise self.fault(message, written.span, hint="leave out one")
            return in_channels
        return 1 if written is None else self.size(written, "the number of groups")

    def padding(self, layer: Layer, kernel: Shape, dilation: Shape = ONES) -> Padding:
        """Padding as it is written, by default half the kernel, so that an odd kernel gives ceil(length / stride)."""
        written = layer.option("pad")
        if isinstance(written, Name) and written.id == "same":
            return "same"
        centred = tuple([d * ((k - 1) // 2) for k, d in zip(kernel, dilation, strict=True)])
        return self.axes(written, centred, "padding", least=0)

    def pool(self, builder: GraphBuilder, name: str, layer: Layer, place: Place) -> None:
        """Append a pool."""
        self.video(builder, layer, place)
        self.allow(layer, flags=("ceil",), options=("pad",))
        if layer.head is None:
            if layer.stride is not None or layer.options or layer.flags:
                message = "a global pool takes no stride, padding or ceil"
                raise self.fault(message, layer.span, hint="give it a window: avg 2x2x2 / 2")
            self.add(builder, name, Pool(layer.function), layer, place)
            return
        kernel = self.axes(layer.head, ONES, "a window")
        stride = self.axes(layer.stride, ONES, "stride")
        op = Pool(layer.function, kernel, stride, self.padding(layer, kernel), "ceil" in layer.flags)
        self.add(builder, name, op, layer, place)

    def linear(self, builder: GraphBuilder, name: str, layer: Layer, place: Place, classifier: bool) -> None:
        """Append a fully connected layer, flattening what comes before."""
        self.allow(layer, options=("bias", "act"))
        if layer.stride is not None:
            raise self.fault("a fully connected layer has no stride", layer.stride.span)
        if len(builder.shape()) > 1:
            self.add(builder, f"{name}_flatten", Reshape(), layer, place)
        given = self.setting.get("classes") if classifier else None
        assert layer.head is not None
        if given is None:
            width = self.size(layer.head, "the width of a layer")
        else:
            width = self.checked(given, "classes", layer.head.span)
        bias = self.word(layer, "bias", ("yes", "no"), "yes") == "yes"
        self.add(builder, name, Linear(builder.shape()[0], width, bias, classifier), layer, place)
        act = self.word(layer, "act", ACTIVATIONS, "none")
        if act != "none":
            builder.follow(f"{name}_act", _activation(act), layer.span)

    def activation(self, builder: GraphBuilder, name: str, written: Expr | None, span: Span) -> None:
        """Append the activation after a block's shortcut."""
        act = self.one_of(written, "act", ACTIVATIONS, "relu")
        if act != "none":
            builder.follow(name, _activation(act), span)

    def word(self, layer: Layer, key: str, known: Sequence[str], default: str) -> str:
        """The value of an option that is a word."""
        if not layer.options:
            return default
        return self.one_of(layer.option(key), key, known, default)

    def one_of(self, written: Expr | None, key: str, known: Sequence[str], default: str) -> str:
        """A word that must be one of those known."""
        if written is None:
            return default
        text = print_value(written)[:60]
        if text not in known:
            hint = did_you_mean(text, list(known)) or f"it is one of {', '.join(known)}"
            raise self.fault(f"{key} cannot be {text}", written.span, hint=hint)
        return text

    def allow(self, layer: Layer, flags: Sequence[str] = (), options: Sequence[str] | None = None) -> None:
        """Refuse flags and options that mean nothing on this kind of layer."""
        wrong = [flag for flag in layer.flags if flag not in flags]
        if options is not None:
            wrong += [key for key, _ in layer.options if key not in options]
        if wrong:
            raise self.fault(f'"{min(wrong)}" means nothing on this layer', layer.span, hint=describe(layer))


_activation = cache(Activation)
