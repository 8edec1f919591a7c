"""The canonical text of a network: what is implied is filled in or left out.

Two spellings of one network have one canonical text, as far as the language can tell without solving equations.
"""

from __future__ import annotations

from dataclasses import replace

from csncost.lang.printer import print_spec
from csncost.lang.syntax import Block, Expr, Layer, Name, Number, Repeat, Sizes, Stage
from csncost.lang.written import Written, put_in

_DEFAULTS = {"groups": Number(1), "dilation": Number(1), "norm": Name("batch")}


def canonical(written: Written) -> str:
    """The canonical written-out text; it parses back to the same network."""
    written = put_in(written, dict(written.bound))
    channels: Expr = written.input.items[0]
    stages = []
    for stage in written.stages:
        tidy = _Tidy(channels)
        stages.append(tidy.stage(stage))
        channels = tidy.channels
    return print_spec(replace(written, stages=tuple(stages)).spec)


class _Tidy:
    """Rewrites layers one after the other, with the channels that reach them."""

    def __init__(self, channels: Expr) -> None:
        self.channels = channels

    def stage(self, stage: Stage) -> Stage:
        if isinstance(stage.body, Layer):
            (layer,) = self.layers((stage.body,), default_act="relu") or (stage.body,)
            return Stage(stage.label, layer)
        return Stage(stage.label, tuple(map(self.repeat, stage.body)))

    def repeat(self, repeat: Repeat) -> Repeat:
        assert isinstance(repeat.block, Block)
        before, count = self.channels, repeat.count
        plain = repeat.option("shortcut") == Name("none")
        layers = self.layers(repeat.block.layers, default_act="relu", bare_last=not plain)
        if self.channels != before and count != Number(1):
            # the copies after the first see other channels: what depends on them must hold for both
            again = _Tidy(self.channels).layers(repeat.block.layers, default_act="relu", bare_last=not plain)
            if again != layers:
                self.channels = before
                layers = self.layers(repeat.block.layers, default_act="relu", bare_last=not plain, keep=True)
        return Repeat(Block(layers), count, self.options(repeat.options, "relu"))

    def layers(
        self, layers: tuple[Layer, ...], default_act: str, bare_last: bool = False, keep: bool = False
    ) -> tuple[Layer, ...]:
        """The layers tidied; `keep` leaves what is implied by the incoming channels as it is written."""
        tidied = []
        for i, layer in enumerate(layers):
            act = "none" if bare_last and i == len(layers) - 1 else default_act
            done = self.layer(layer, act, keep, droppable=i < len(layers) - 1)
            if done is not None:
                tidied.append(done)
        return tuple(tidied)

    def layer(self, layer: Layer, act: str, keep: bool, droppable: bool) -> Layer | None:
        head = layer.head
        stride = _stride(layer.stride)
        if layer.function:
            return Layer(_cube(head), layer.function, None, layer.flags, self.options(layer.options, act, head), stride)
        if not isinstance(head, Sizes) and layer.channels is None and "depthwise" not in layer.flags:
            self.channels = head or self.channels
            said = (option for option in layer.options if option not in (("bias", Name("yes")), ("act", Name("none"))))
            return Layer(head, options=tuple(sorted(said, key=lambda option: option[0])))
        before = self.channels
        channels: Expr | None = before if layer.channels is None else layer.channels
        self.channels = channels or before
        flags, written = layer.flags, layer.option("groups")
        options = self.options(layer.options, act, head)
        if keep:
            return Layer(_cube(head), "", None if layer.channels is None else channels, flags, options, stride)
        if "optional" in flags:
            if channels == before:
                return None if droppable else Layer(_cube(head), "", channels, flags, options, stride)
            if isinstance(channels, Number) and isinstance(before, Number):
                flags = flags - {"optional"}
        if written is not None and written == before and before != Number(1):
            flags = flags | {"depthwise"}
            options = tuple((key, value) for key, value in options if key != "groups")
        if before == Number(1):
            flags = flags - {"depthwise"}
        if "depthwise" in flags and channels == before:
            channels = None
        return Layer(_cube(head), "", channels, flags, options, stride)

    def options(
        self, options: tuple[tuple[str, Expr], ...], act: str, head: Expr | None = None
    ) -> tuple[tuple[str, Expr], ...]:
        """Options in a fixed order, without those that say what holds anyway."""
        kept: list[tuple[str, Expr]] = []
        for key, value in sorted(options, key=lambda option: option[0]):
            if isinstance(value, Block):
                kept.append((key, Block(_Tidy(self.channels).layers(value.layers, "none", keep=True))))
                continue
            if key in ("pad", "dilation") and isinstance(value, Sizes) and len(set(value.items)) == 1:
                value = value.items[0]
            implied = {
                **_DEFAULTS,
                "act": Name(act),
                "bias": Name("no"),
                "pad": _centred(head, dict(options).get("dilation")),
            }
            if value != implied.get(key):
                kept.append((key, value))
        return tuple(kept)


def _cube(head: Expr | None) -> Expr | None:
    """A lone kernel size written for all three axes."""
    if isinstance(head, Sizes) and len(head.items) == 1:
        return Sizes(head.items * 3)
    return Sizes((head,) * 3) if head is not None and not isinstance(head, Sizes) else head


def _stride(stride: Expr | None) -> Expr | None:
    """Nothing for a stride of 1, and one size where it is the same on all axes."""
    if isinstance(stride, Sizes) and len(set(stride.items)) == 1:
        stride = stride.items[0]
    return None if stride == Number(1) else stride


def _centred(head: Expr | None, dilation: Expr | None) -> Expr | None:
    """Half the dilated kernel, where that is known: the padding that holds when none is written."""
    kernel, spread = _whole(_cube(head)), _whole(_cube(dilation or Number(1)))
    if len(kernel) != 3 or len(spread) != 3:
        return None
    halves = tuple(Number(d * ((k - 1) // 2)) for k, d in zip(kernel, spread, strict=True))
    return halves[0] if len(set(halves)) == 1 else Sizes(halves)


def _whole(sizes: Expr | None) -> list[int]:
    items = sizes.items if isinstance(sizes, Sizes) else ()
    return [item.value for item in items if isinstance(item, Number) and isinstance(item.value, int)]
