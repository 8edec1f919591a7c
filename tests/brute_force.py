"""An oracle that shares no code with the package: it counts by looping over filters, channels and positions.

A network is described by plain tuples and dicts (see `designs`), written as a spec by `spec_text`, and counted by
`Counter`. Only Python's own loops count: no formula of the package, or of the paper, appears here.
"""

from __future__ import annotations

from itertools import combinations
from typing import Any

from hypothesis import strategies as st

Design = dict[str, Any]


# -- random designs


def divisors(n: int) -> list[int]:
    return [d for d in range(1, n + 1) if n % d == 0]


@st.composite
def conv_layers(draw: Any, channels: int, strided: bool = True) -> Design:
    depthwise = draw(st.integers(0, 4)) == 0
    out = channels * draw(st.integers(1, 2)) if depthwise else draw(st.sampled_from([1, 2, 3, 4, 6, 8, 12]))
    common = [g for g in divisors(channels) if out % g == 0]
    kernel = draw(st.sampled_from([(1, 1, 1), (3, 3, 3), (1, 3, 3), (3, 1, 1), (1, 2, 3), (2, 2, 2), (1, 5, 5)]))
    padding = draw(st.sampled_from([None, None, None, "same", (1, 1, 1), (0, 2, 1), (2, 2, 2)]))
    dilation = draw(st.sampled_from([(1, 1, 1), (1, 1, 1), (1, 1, 1), (1, 2, 2), (2, 1, 3)]))
    return {
        "op": "conv",
        "out": out,
        "kernel": kernel,
        "stride": draw(st.sampled_from([(1, 1, 1), (1, 1, 1), (2, 2, 2), (1, 2, 2), (2, 1, 3)]))
        if strided
        else (1, 1, 1),
        "padding": padding,
        "dilation": (1, 1, 1) if padding == "same" else dilation,
        "depthwise": depthwise,
        "groups": channels if depthwise else draw(st.sampled_from(common)),
        "bias": draw(st.booleans()),
        "norm": draw(st.sampled_from([True, True, False])),
        "act": draw(st.sampled_from([None, None, "relu", "silu", "none"])),
    }


@st.composite
def pool_layers(draw: Any) -> Design:
    kernel = draw(st.sampled_from([(1, 3, 3), (2, 2, 2), (3, 3, 3), (1, 2, 2)]))
    return {
        "op": "pool",
        "function": draw(st.sampled_from(["max", "avg"])),
        "kernel": kernel,
        "stride": draw(st.sampled_from([(1, 2, 2), (2, 2, 2), (1, 1, 1), (1, 3, 3)])),
        "padding": draw(st.sampled_from([None, None, (0, 0, 0), (0, 1, 1), "same"])),
        "ceil": draw(st.booleans()),
    }


@st.composite
def blocks(draw: Any, channels: int) -> Design:
    layers, at = [], channels
    for _ in range(draw(st.integers(1, 3))):
        layer = draw(conv_layers(at))
        layer["kernel"] = draw(st.sampled_from([(1, 1, 1), (3, 3, 3), (1, 3, 3), (3, 1, 1)]))
        layer["padding"], layer["dilation"] = None, (1, 1, 1)
        layers.append(layer)
        at = layer["out"]
    count = draw(st.integers(1, 3))
    if count > 1:  # the copies after the first see other channels: keep their groups legal
        layers[0]["depthwise"], layers[0]["groups"] = False, 1
    return {
        "layers": layers,
        "count": count,
        "residual": draw(st.sampled_from([True, True, False])),
        "projection": draw(st.integers(0, 4)) == 0,
        "act": draw(st.sampled_from([None, "silu", "none"])),
    }


@st.composite
def designs(draw: Any) -> Design:
    channels = draw(st.integers(1, 4))
    clip = (channels, draw(st.integers(1, 9)), draw(st.integers(5, 19)), draw(st.integers(5, 19)))
    parts: list[Design] = []
    at = channels
    for _ in range(draw(st.integers(1, 4))):
        kind = draw(st.sampled_from(["conv", "pool", "stage", "stage"]))
        if kind == "conv":
            parts.append(draw(conv_layers(at)))
            at = parts[-1]["out"]
        elif kind == "pool":
            parts.append(draw(pool_layers()))
        else:
            found = []
            for _ in range(draw(st.integers(1, 2))):
                found.append(draw(blocks(at)))
                at = found[-1]["layers"][-1]["out"]
            parts.append({"op": "stage", "blocks": found})
    if draw(st.booleans()):
        parts.append({"op": "global"})
    if draw(st.integers(0, 3)) == 0:
        parts.append({"op": "linear", "out": draw(st.integers(1, 7)), "act": "relu", "bias": True})
    parts.append({"op": "linear", "out": draw(st.integers(1, 9)), "act": None, "bias": draw(st.booleans())})
    return {"clip": clip, "parts": parts}


# -- as a spec


def _axes(sizes: tuple[int, ...]) -> str:
    return "x".join(map(str, sizes))


def _layer_text(layer: Design, in_block_end: bool = False) -> str:
    if layer["op"] == "pool":
        parts = [f"{layer['function']} {_axes(layer['kernel'])}"]
    else:
        parts = [_axes(layer["kernel"]), str(layer["out"])]
        if layer["depthwise"]:
            parts.append("depthwise")
        elif layer["groups"] != 1:
            parts.append(f"groups={layer['groups']}")
        if layer["bias"]:
            parts.append("bias=yes")
        if not layer["norm"]:
            parts.append("norm=none")
        if layer["act"]:
            parts.append(f"act={layer['act']}")
        if layer["dilation"] != (1, 1, 1):
            parts.append(f"dilation={_axes(layer['dilation'])}")
    if layer["padding"]:
        parts.append(f"pad={layer['padding'] if layer['padding'] == 'same' else _axes(layer['padding'])}")
    if layer.get("ceil"):
        parts.append("ceil")
    stride = "" if layer["stride"] == (1, 1, 1) else f" / {_axes(layer['stride'])}"
    return ", ".join(parts) + stride


def spec_text(design: Design) -> str:
    lines = [f"input {_axes(design['clip'])}"]
    for i, part in enumerate(design["parts"]):
        label = f"p{i}"
        if part["op"] == "stage":
            texts = []
            for block in part["blocks"]:
                options = "" if block["residual"] else ", shortcut=none"
                if block["residual"] and block["projection"]:
                    options += ", shortcut=projection"
                if block["residual"] and block["act"]:
                    options += f", act={block['act']}"
                texts.append(f"[{'; '.join(map(_layer_text, block['layers']))}] x {block['count']}{options}")
            lines.append(f"{label} {', '.join(texts)}")
        elif part["op"] == "global":
            lines.append(f"{label} avg")
        elif part["op"] == "linear":
            extra = ("" if part["bias"] else ", bias=no") + (f", act={part['act']}" if part["act"] else "")
            lines.append(f"{label} {part['out']}{extra}")
        else:
            lines.append(f"{label} {_layer_text(part)}")
    return "\n".join(lines)


# -- counted by loops


class Impossible(Exception):
    """The design is no network: a window that does not fit, or shapes that cannot be added."""


def positions(length: int, kernel: int, stride: int, padding: Any, dilation: int, ceil: bool) -> int:
    """How often a window can be placed on one axis, by sliding it."""
    if padding == "same":
        return len(range(0, length, stride))
    reach = dilation * (kernel - 1)
    overhang = stride - 1 if ceil else 0  # in ceil mode the last window may hang over the end, if it starts before it
    count, start = 0, -padding
    while start + reach <= length - 1 + padding + overhang and (start < length or not ceil):
        count += 1
        start += stride
    if count == 0:
        raise Impossible
    return count


class Counter:
    """Loops over a design; `everything` counts each element of every operation too."""

    def __init__(self, design: Design) -> None:
        self.paper = {"params": 0, "flops": 0, "interactions": 0, "activations": 0}
        self.everything = dict(self.paper)
        self.shape = design["clip"]
        last = len(design["parts"]) - 1
        for i, part in enumerate(design["parts"]):
            self.part(part, classifier=i == last)

    def part(self, part: Design, classifier: bool) -> None:
        if part["op"] == "stage":
            for block in part["blocks"]:
                for copy in range(block["count"]):
                    self.block(block, first=copy == 0)
        elif part["op"] == "global":
            self.shape = (self.shape[0], 1, 1, 1)
            self.elementwise(self.shape)
        elif part["op"] == "linear":
            self.linear(part, classifier)
        else:
            self.layer(part)

    def layer(self, layer: Design, first: bool = True, act: str = "relu") -> None:
        stride = layer["stride"] if first else (1, 1, 1)
        padding = layer["padding"]
        dilation = layer.get("dilation", (1, 1, 1))
        if padding is None:
            padding = tuple(d * ((k - 1) // 2) for k, d in zip(layer["kernel"], dilation, strict=True))
        if (
            layer["op"] == "pool"
            and padding != "same"
            and any(2 * p > k for p, k in zip(padding, layer["kernel"], strict=True))
        ):
            raise Impossible
        pads = ["same"] * 3 if padding == "same" else padding
        axes = zip(self.shape[1:], layer["kernel"], stride, pads, dilation, strict=True)
        spatial = tuple(positions(n, k, s, p, d, layer.get("ceil", False)) for n, k, s, p, d in axes)
        if layer["op"] == "pool":
            self.shape = (self.shape[0], *spatial)
            self.elementwise(self.shape)
            return
        self.conv(self.shape[0], layer["out"], layer["kernel"], layer["groups"], spatial, layer["bias"])
        self.shape = (layer["out"], *spatial)
        if layer["norm"]:
            self.norm()
        if (layer["act"] or act) != "none":
            self.elementwise(self.shape)

    def conv(
        self,
        inputs: int,
        outputs: int,
        kernel: tuple[int, ...],
        groups: int,
        spatial: tuple[int, ...],
        bias: bool,
        interact: bool = True,
    ) -> None:
        if inputs % groups or outputs % groups:
            raise Impossible
        places = (
            sum(1 for _ in range(spatial[0]) for _ in range(spatial[1]) for _ in range(spatial[2])) if spatial else 1
        )
        weights = pairs = 0
        for o in range(outputs):
            group = o * groups // outputs
            seen = [i for i in range(inputs) if i * groups // inputs == group]
            pairs += (
                sum(1 for _ in combinations(seen, 2))
                if len(seen) < 60
                else sum(before for before, _ in enumerate(seen))
            )
            for _ in seen:
                weights += (
                    sum(1 for _ in range(kernel[0]) for _ in range(kernel[1]) for _ in range(kernel[2]))
                    if kernel
                    else 1
                )
        for tally in (self.paper, self.everything):
            tally["params"] += weights
            tally["flops"] += weights * places
            tally["activations"] += outputs * places
        self.everything["interactions"] += pairs
        if interact:
            self.paper["interactions"] += pairs
        if bias:
            self.everything["params"] += outputs
            self.everything["flops"] += outputs * places

    def norm(self) -> None:
        for _ in range(self.shape[0]):
            self.everything["params"] += 2
        self.elementwise(self.shape)

    def elementwise(self, shape: tuple[int, ...]) -> None:
        count = 1
        for size in shape:
            count *= size
        self.everything["flops"] += count
        self.everything["activations"] += count

    def block(self, block: Design, first: bool) -> None:
        before = self.shape
        stride = [1, 1, 1]
        for i, layer in enumerate(block["layers"]):
            bare = block["residual"] and i == len(block["layers"]) - 1
            self.layer(layer, first, "none" if bare else "relu")
            if first:
                stride = [a * b for a, b in zip(stride, layer["stride"], strict=True)]
        if not block["residual"]:
            return
        after = self.shape
        projected = before
        if block["projection"] or before[0] != after[0] or stride != [1, 1, 1]:
            spatial = tuple(positions(n, 1, s, 0, 1, False) for n, s in zip(before[1:], stride, strict=True))
            self.conv(before[0], after[0], (1, 1, 1), 1, spatial, False)
            self.shape = projected = (after[0], *spatial)
            self.norm()
        if projected != after:
            raise Impossible
        self.shape = after
        self.elementwise(after)
        if block["act"] != "none":
            self.elementwise(after)

    def linear(self, part: Design, classifier: bool) -> None:
        inputs = 1
        for size in self.shape:
            inputs *= size
        self.conv(inputs, part["out"], (), 1, (), part["bias"], interact=not classifier)
        self.shape = (part["out"],)
        if part["act"]:
            self.elementwise(self.shape)
