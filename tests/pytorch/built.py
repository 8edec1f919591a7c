"""Networks that are built in tests, and what every module built from one must be."""

import subprocess
import sys

import pytest

import csncost as cc
from csncost.network.ops import Add, Concat, Matmul, Multiply
from csncost.network.walk import walk
from csncost.zoo.listing import named_networks

torch = pytest.importorskip("torch")
from csncost.pytorch.build.build import Block  # noqa: E402

FUNCTIONS = (Add, Multiply, Concat, Matmul)
ONES = (1, 1, 1)

NETWORKS = [row["name"] for row in named_networks()] + [
    "simple-G4-8", "simple-D-16", "bottleneck-G32-16", "bottleneck-DG2-8", "bottleneck-D-16(width=0.5)",
    "ip-CSN-50(added_act=none)", "ir-CSN-50(block=bottleneck_D_spacetime)",
    "simple-[1,2,1,1](kernel=1x3x3, in_channels=1)",
]  # fmt: skip

WRITTEN = {
    "every layer": """
        input 3x5x17x16
        c1 3x3x3, 8, pad=same, act=silu / 1x2x2
        p1 max 2x3x3, pad=same / 2
        p2 avg 2x2x2, pad=same
        p3 avg 1x3x3, ceil / 1x2x2
        p4 max 1x2x2, ceil, pad=0
        c2 [1x1x1, 8; 3x3x3, depthwise; 1x1x1, 16] x 2, act=gelu
        c3 3x3x3, 16, act=tanh, bias=yes, norm=none, dilation=2
        c4 1x1x1, 16, act=softmax
        p5 max
        fc6 7, act=sigmoid
        fc 5, act=softmax""",
    "blocks": """
        input 2x8x16x16
        c0 3x3x3, 4
        c1 [3x3x3, 4; 3x3x3, 4] x 2, [1x3x3, 4; 3x1x1, 4] x 2, act=none
        c2 [3x3x3, 8 / 2; 3x3x3, 8] x 2, shortcut=[avg 2x2x2, pad=same / 2; 1x1x1, 8]
        c3 [3x3x3, 8 / 1x2x2] x 3, shortcut=none
        c4 [1x1x1, 8] x 2, shortcut=projection
        c5 [1x1x1, 8, optional; 3x3x3, 8, groups=4], shortcut=identity, act=silu
        c6 [5x5x5, 16, pad=1], shortcut=[3x3x3, 16, pad=0]
        fc 3, bias=no""",
    "nothing but a layer": "input 3x4x5x6; c 1x1x1, 2",
    "a layer that is left out": "input 3x4x5x6; c 1x1x1, 3, optional; d [1x1x1, 3, optional], shortcut=none; fc 2",
    "vectors": "input 3x4x5x6; a 8, act=relu; b [8, act=gelu; 8] x 2; fc 2",
    "names that modules have": "input 3x4x9x9; " + "; ".join(
        f"{name} 1x1x1, 4"
        for name in ("forward", "training", "half", "type", "train", "_modules", "__class__", "modules")
    ) + "; to [1x1x1, 4] x 2; fc 5",
}  # fmt: skip


def text(spec):
    return WRITTEN.get(spec, spec)


def functional(node):
    return isinstance(node.op, FUNCTIONS)


def leaves(module):
    return {name: inner for name, inner in module.named_modules() if name and not isinstance(inner, Block)}


def meta(network, **options):
    return cc.build(network, device="meta", initialise=False, **options)


def check(network, module):
    """The module has the operations of a network, in order, and each gives what it should."""
    nodes = {one.name: one.node for one in walk(network.graph, each_copy=True) if not functional(one.node)}
    assert list(leaves(module)) == list(nodes)
    found = {}
    for name, inner in leaves(module).items():
        inner.register_forward_hook(lambda _, __, out, name=name: found.update({name: tuple(out.shape[1:])}))
    device = next(module.parameters(), torch.empty(0)).device
    out = module.eval()(torch.zeros(2, *network.clip, device=device))
    assert tuple(out.shape) == (2, *network.graph.output)
    assert found == {name: node.output for name, node in nodes.items()}


def fresh(code):
    """Code that is run in an interpreter of its own."""
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
