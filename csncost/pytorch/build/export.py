"""Networks as files that other programs run: PyTorch's `.pt2`, and ONNX."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.export import Dim

from csncost.errors import CsncostError, MissingExtra
from csncost.files import replacing
from csncost.lang.given import SizeLike, SpecLike
from csncost.network.graph import Network
from csncost.network.ops import Shape
from csncost.network.walk import walk
from csncost.pytorch.build.build import as_network, build
from csncost.pytorch.trace.messages import reason
from csncost.units import human, shape

LARGEST_ONNX = 2**31 - 2**20
"""Bytes of parameters that fit an ONNX file, a protocol buffer of less than 2 GiB, beside what else it says."""


@dataclass(frozen=True, slots=True)
class Exported:
    """A file that was written: shapes without the batch axis, and the number of parameters."""

    path: Path
    clip: Shape
    output: Shape
    params: int

    def __str__(self) -> str:
        sizes = f"clips N x {shape(self.clip)} to N x {shape(self.output)}"
        return f"wrote {self.path}: {sizes}, {human(self.params)} parameters, not trained"


def export(
    spec: SpecLike | Network,
    path: str | Path,
    /,
    *,
    frames: int | None = None,
    size: SizeLike = None,
    classes: int | None = None,
    **names: Any,
) -> Exported:
    """Write a network to a file that runs without this package, for a clip of fixed size and any number of clips.

    The suffix says how: `.pt2` is an exported program of PyTorch (`torch.export.load(path).module()(clips)`),
    `.onnx` a graph for ONNX runtimes and viewers (input `clip`, output `scores`). The network is in evaluation mode;
    its parameters are those of a new module of `build`. Other arguments are those of `build`. The file is written
    whole or not at all.

    Raises SpecError and CsncostError as `build` does, CsncostError for another suffix, for a path that cannot be
    written and for what a format cannot hold, and MissingExtra where a library is missing.
    """
    path = Path(path)
    render = _renderer(path)
    network = as_network(spec, {"frames": frames, "size": size, "classes": classes, **names})
    _require_free_names(network)
    outline = build(network, device="meta", initialise=False)
    params = sum(parameter.numel() for parameter in outline.parameters())
    if render is _onnx and 4 * params > LARGEST_ONNX:
        raise CsncostError(
            f"an ONNX file holds less than 2 GiB, and these parameters {human(4 * params)}B", "write a .pt2"
        )
    with replacing(path) as temporary, warnings.catch_warnings():
        module = build(network).eval()
        warnings.simplefilter("ignore")  # PyTorch's exporters use what PyTorch has deprecated
        temporary.write_bytes(render(module, network.graph.inputs))
    return Exported(path, network.clip, network.graph.output, params)


def _renderer(path: Path) -> Callable[[nn.Module, Sequence[Shape]], bytes | memoryview]:
    """The writer of files with this suffix, from a module and the shapes of its inputs."""
    if path.suffix.lower() == ".pt2":
        return _pt2
    if path.suffix.lower() == ".onnx":
        _require_onnx()
        return _onnx
    raise CsncostError(f'cannot export to "{path.name[-60:]}"', "the name of the file ends with .pt2 or .onnx")


def _require_onnx() -> None:
    try:
        import onnx  # noqa: F401
        import onnxscript  # noqa: F401
    except ModuleNotFoundError:
        raise MissingExtra("ONNX", "onnx") from None


def _require_free_names(network: Network) -> None:
    """Refuse operations that are called as something that every module has: exporters ask for them by attribute."""
    taken = {*dir(nn.Module()), *dir(torch.fx.GraphModule({}, torch.fx.Graph()))}
    for operation in walk(network.graph):
        if (label := operation.node.name) in taken:
            raise CsncostError(f'an exported network has no operation called "{label}"', f"call it {label}_")


def _example(inputs: Sequence[Shape]) -> tuple[Any, Any]:
    """Clips to trace a network with, and which of their axes may have any length: the first, called `batch`."""
    batch = Dim("batch", min=1)
    try:
        clips = [torch.empty(2, *shape) for shape in inputs]
    except RuntimeError as error:
        raise CsncostError(f"PyTorch cannot make the clip: {reason(error)}") from None
    axes = [{0: batch} for _ in clips]
    return (clips[0], axes[0]) if len(clips) == 1 else (clips, axes)


def _pt2(module: nn.Module, inputs: Sequence[Shape]) -> memoryview:
    clips, axes = _example(inputs)
    program = torch.export.export(module, (clips,), dynamic_shapes=(axes,))
    program.example_inputs = None  # they would be written, too
    buffer = io.BytesIO()  # where PyTorch itself writes to a file, a full disk ends the process
    torch.export.save(program, buffer)
    return buffer.getbuffer()


def _onnx(module: nn.Module, inputs: Sequence[Shape]) -> bytes:
    clips, axes = _example(inputs)
    program = torch.onnx.export(
        module,
        (clips,),
        dynamo=True,
        dynamic_shapes=(axes,),
        input_names=["clip"],
        output_names=["scores"],
        verbose=False,
    )
    assert program is not None
    contents: bytes = program.model_proto.SerializeToString()
    return contents
