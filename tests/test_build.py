"""Modules that are built: names, shapes, parameters, training, and files that other programs run."""

import copy
import io
import pickle
import subprocess
import sys

import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, assume, given, settings
from sympy import Symbol

import csncost as cc
from csncost.cli import main
from csncost.listing import named_networks
from csncost.network import GraphBuilder, Network
from csncost.ops import (
    Activation,
    Add,
    Checks,
    Concat,
    Conv,
    Linear,
    Matmul,
    Multiply,
    Norm,
    Pool,
    Reshape,
)
from tests.brute_force import designs, spec_text

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402

from csncost.pytorch.build import Block  # noqa: E402
from csncost.pytorch.export import export  # noqa: E402
from csncost.pytorch.layers import same_padding  # noqa: E402

pytestmark = pytest.mark.usefixtures("one_thread")


FUNCTIONS = (Add, Multiply, Concat, Matmul)
ONES = (1, 1, 1)

NETWORKS = [row["name"] for row in named_networks()] + [
    "simple-G4-8", "simple-D-16", "bottleneck-G32-16", "bottleneck-DG2-8", "bottleneck-D-16(width=0.5)", "ip-CSN-50(added_act=none)",
    "ir-CSN-50(block=bottleneck_D_spacetime)", "simple-[1,2,1,1](kernel=1x3x3, in_channels=1)",
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
        for name in ("forward", "training", "half", "type", "train", "_modules", "__class__", "modules", "graph", "code", "half_")
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
    nodes = {name: node for name, node in network.ops() if not functional(node)}
    assert list(leaves(module)) == list(nodes)
    found = {}
    for name, inner in leaves(module).items():
        inner.register_forward_hook(lambda _, __, out, name=name: found.update({name: tuple(out.shape[1:])}))
    device = next(module.parameters(), torch.empty(0)).device
    out = module.eval()(torch.zeros(2, *network.clip, device=device))
    assert tuple(out.shape) == (2, *network.graph.output)
    assert found == {name: node.output for name, node in nodes.items()}


@pytest.mark.parametrize("spec", [*NETWORKS, *WRITTEN])
def test_every_operation_has_its_name_and_shape(spec):
    network = cc.to_network(text(spec))
    module = meta(network)
    check(network, module)
    report = cc.analyze(text(spec), convention="macs")
    assert sum(parameter.numel() for parameter in module.parameters()) == report.params
    assert {row.name for row in report.rows} <= set(leaves(module))


def test_modules_are_named_as_rows():
    module = meta("bottleneck-D-8")
    names = set(leaves(module))
    rows = {row.name for row in cc.analyze("bottleneck-D-8", convention="everything").rows if row.op != "add"}
    assert names == {*rows, "fc_flatten"}
    assert {"conv1", "conv1_norm", "conv1_act", "pool1", "conv2_1.a", "conv3_1.shortcut", "conv3_1.act", "fc"} <= names
    assert [name for name, inner in module.named_children() if isinstance(inner, Block)][:3] == [
        "conv2_1", "conv2_2", "conv3_1",
    ]  # fmt: skip
    assert type(module.conv2_1.b) is nn.Conv3d
    assert module.conv2_1.b.groups == 64


def random_networks(examples):
    """Decorates a test that takes a random network, and its text."""

    def decorate(test):
        @settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck))
        @given(designs())
        def run(design):
            try:
                network = cc.to_network(spec_text(design))
            except cc.SpecError:
                assume(False)
            test(network, spec_text(design))

        return run

    return decorate


@pytest.mark.slow
@random_networks(1000)
def test_random_networks_have_the_shapes_that_were_computed(network, spec):
    module = cc.build(network, initialise=False)
    check(network, module)
    expected = cc.analyze(spec, convention="macs").params
    assert sum(parameter.numel() for parameter in module.parameters()) == expected, spec


@random_networks(60)
def test_random_networks_have_them_without_data_too(network, spec):
    check(network, meta(network))


# -- graphs that the language does not write yet


def pointwise(inputs, outputs):
    return Conv(inputs, outputs, ONES, ONES, (0, 0, 0), ONES)


def test_gates_branches_and_matrix_products():
    graph = GraphBuilder("network", [(8, 2, 3, 3)], Checks())
    left, right = graph.add("left", pointwise(8, 4), 0), graph.add("right", pointwise(8, 4), 0)
    both = graph.add("both", Concat(), left, right)
    graph.add("squeeze", Pool("avg"), both)
    graph.add("excite", pointwise(8, 8))
    gated = graph.add("gated", Multiply(), both, graph.add("gate", Activation("sigmoid")))
    keys = graph.add("keys", Reshape((8, 18)), gated)
    graph.add("affinity", Matmul(18, 8, 18), keys, keys)
    weights = graph.add("weights", Activation("softmax"))
    graph.add("values", Matmul(8, 18, 18), keys, weights)
    graph.follow("values_norm", Norm(8))
    back = graph.add("back", Reshape((8, 2, 3, 3)))
    graph.add("sum", Add(), back, gated, 0)
    graph.add("flatten", Reshape())
    graph.add("fc", Linear(144, 2))
    network = Network(graph.graph())
    module = cc.build(network)
    clip = torch.randn(3, 8, 2, 3, 3)
    x = torch.cat([module.left(clip), module.right(clip)], 1)
    x = x * module.excite(x.mean((2, 3, 4), keepdim=True)).sigmoid()
    k = x.reshape(3, 8, 18)
    y = module.eval().values_norm(k @ (k.mT @ k).softmax(-1)).reshape(x.shape)
    torch.testing.assert_close(module(clip), module.fc((y + x + clip).flatten(1)))
    check(network, module)


def test_pathways():
    graph = GraphBuilder("network", [(3, 8, 6, 6), (3, 2, 6, 6)], Checks())
    lateral = graph.add("lateral", Conv(3, 3, (5, 1, 1), (4, 1, 1), (2, 0, 0), ONES), 0)
    graph.add("sum", Add(), lateral, 1)
    module = cc.build(Network(graph.graph()))
    assert module([torch.ones(1, 3, 8, 6, 6), torch.ones(1, 3, 2, 6, 6)]).shape == (1, 3, 2, 6, 6)


def test_factors_that_do_not_fit_are_refused():
    graph = GraphBuilder("network", [(8, 2, 3, 3)], Checks())
    graph.add("product", Matmul(3, 4, 5), 0, 0)
    with pytest.raises(cc.CsncostError, match="a matrix of 3x4 is needed, and 8x2x3x3 is given"):
        meta(Network(graph.graph()))


# -- what layers compute


def test_same_padding_is_that_of_tensorflow():
    for n in range(1, 12):
        for k in range(1, 6):
            for s in range(1, 5):
                total = max(k - s, 0) if n % s == 0 else max(k - n % s, 0)  # as its documentation puts it
                assert same_padding([n], [k], [s], [1]) == ([total // 2], [total - total // 2])
    assert same_padding([9], [3], [2], [2]) == ([2], [2])


@pytest.mark.parametrize("kernel", ["2x3x3", "3x3x3", "1x2x5"])
@pytest.mark.parametrize("stride", ["1", "2", "3x1x2"])
def test_same_padding_is_never_a_maximum_and_else_zero(kernel, stride):
    clip = -torch.ones(1, 1, 5, 6, 7)
    largest = cc.build(f"input 1x5x6x7; p max {kernel}, pad=same / {stride}")(clip)
    torch.testing.assert_close(largest, -torch.ones_like(largest))
    conv = cc.build(f"input 1x5x6x7; c {kernel}, 1, pad=same, norm=none, act=none / {stride}")
    nn.init.ones_(conv.c.weight)
    before, after = same_padding((5, 6, 7), conv.c.kernel_size, conv.c.stride)
    padded = torch.zeros(1, 1, *(b + n + a for b, n, a in zip(before, (5, 6, 7), after, strict=True)))
    padded[:, :, before[0] : before[0] + 5, before[1] : before[1] + 6, before[2] : before[2] + 7] = clip
    sums = nn.functional.conv3d(padded, conv.c.weight, stride=conv.c.stride)
    torch.testing.assert_close(conv(clip), sums)
    average = cc.build(f"input 1x5x6x7; p avg {kernel}, pad=same / {stride}")(clip)
    torch.testing.assert_close(average, sums / conv.c.weight.numel())


def test_an_average_counts_padding_that_is_written():
    clip = torch.ones(1, 1, 1, 3, 3)
    assert cc.build("input 1x1x3x3; p avg 1x3x3")(clip)[0, 0, 0, 0, 0] == pytest.approx(4 / 9)


def test_an_average_pool_takes_clips_shorter_than_its_window():
    ones = torch.ones(1, 1, 1, 1, 1)
    assert cc.build("input 1x1x1x1; p avg 3x3x3")(ones).item() == pytest.approx(1 / 27)
    assert cc.build("input 1x1x1x1; p avg 3x1x1, ceil")(ones).item() == pytest.approx(1 / 3)
    assert cc.build("input 1x1x1x1; p avg 3x3x3, pad=same")(ones).item() == pytest.approx(1 / 27)
    for spec in ("input 1x1x1x1; p avg 3x3x3, pad=0, ceil / 3", "input 1x2x5x5; p avg 3x3x3, pad=1, ceil / 2"):
        check(cc.to_network(spec), cc.build(spec))


# -- a module like any other


def test_it_learns():
    torch.manual_seed(0)
    module = cc.build("ir-CSN-26(width=0.125, classes=3)@4x32")
    clips, labels = torch.randn(6, 3, 4, 32, 32), torch.tensor([0, 1, 2, 0, 1, 2])
    optimiser = torch.optim.SGD(module.parameters(), 0.05, 0.9)
    losses = []
    for _ in range(6):
        loss = nn.functional.cross_entropy(module(clips), labels)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert all(parameter.grad is not None for parameter in module.parameters())
    assert losses[-1] < 0.8 * losses[0]


def test_another_clip_and_batch():
    module = meta("ir-CSN-26@8x64").eval()
    for batch, frames, height, width in ((1, 8, 64, 64), (3, 4, 48, 80), (2, 1, 33, 31)):
        assert module(torch.empty(batch, 3, frames, height, width, device="meta")).shape == (batch, 400)


def test_values_are_freed_as_soon_as_nothing_needs_them():
    module = cc.build("input 1x1x4x4; a 1x1x1, 1; b [1x1x1, 1; 1x1x1, 1] x 2; fc 2")
    released = [step.done for step in module._steps]
    assert [len(done) for done in released] == [1] * len(module._steps)
    assert [len(step.done) for step in module.b_1._steps] == [0, 1, 1, 1, 1, 2, 1]


def test_parameters_and_statistics_travel():
    torch.manual_seed(0)
    first, second = cc.build("simple-4@4x32(width=0.125)"), cc.build("simple-4@4x32(width=0.125)")
    clips = torch.randn(2, 3, 4, 32, 32)
    first(clips)
    expected = first.eval()(clips)
    second.load_state_dict(first.state_dict())
    buffer = io.BytesIO()
    torch.save(first.state_dict(), buffer)
    buffer.seek(0)
    third = cc.build("simple-4@4x32(width=0.125)", initialise=False)
    third.load_state_dict(torch.load(buffer))
    for module in (second, third, copy.deepcopy(first), pickle.loads(pickle.dumps(first))):
        assert torch.equal(module.eval()(clips), expected)
    assert not torch.equal(cc.build("simple-4@4x32(width=0.125)").eval()(clips), expected)


def test_names_that_modules_have_change_nothing():
    module = cc.build(WRITTEN["names that modules have"])
    module.eval()
    assert not module.training
    assert not module._modules["training"].training
    clips = torch.randn(2, 3, 4, 9, 9)
    again = copy.deepcopy(module)
    assert torch.equal(again(clips), module(clips))
    again.train().double()(clips.double())


def test_initialisation():
    torch.manual_seed(0)
    module = cc.build("input 32x4x8x8; a 3x3x3, 64, bias=yes; b 3x3x3, 64, groups=4; c 3x3x3, depthwise, 128; fc 400")
    for name, fan_out in (("a", 64 * 27), ("b", 16 * 27), ("c", 2 * 27)):
        weight = getattr(module, name).weight
        assert weight.std().item() == pytest.approx((2 / fan_out) ** 0.5, rel=0.05)
        assert abs(weight.mean().item()) < 0.01
    assert module.fc.weight.std().item() == pytest.approx(0.01, rel=0.05)
    assert not module.a.bias.any()
    assert not module.fc.bias.any()
    assert torch.equal(module.a_norm.weight, torch.ones(64))
    assert torch.equal(module.a_norm.running_var, torch.ones(64))
    assert not module.a_norm.bias.any()
    assert not module.a_norm.running_mean.any()
    assert module.a_norm.num_batches_tracked == 0


def test_no_initialiser_runs_where_none_is_asked_for():
    torch.manual_seed(0)
    before = torch.get_rng_state()
    cc.build("simple-4@4x32(width=0.125)", initialise=False)
    assert torch.equal(torch.get_rng_state(), before)
    assert nn.Linear(4, 4).weight.abs().max() <= 0.5  # PyTorch is itself again


def test_device_and_dtype():
    module = cc.build("simple-4", dtype=torch.bfloat16, device="meta")
    assert {(p.device.type, p.dtype) for p in module.parameters()} == {("meta", torch.bfloat16)}
    with torch.device("meta"):
        assert next(cc.build("simple-4").parameters()).is_meta


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_on_a_gpu():
    module = cc.build("ir-CSN-26@4x32", device="cuda")
    assert module(torch.randn(2, 3, 4, 32, 32, device="cuda")).shape == (2, 400)


def test_it_prints_like_the_network():
    lines = str(meta("ir-CSN-26@4x32")).splitlines()
    assert lines[:3] == [
        "Network3d(",
        "  ir-CSN-26@4x32, clip 3x4x32x32",
        "  (conv1): Conv3d(3, 64, kernel_size=(3, 7, 7), stride=(1, 2, 2), padding=(1, 3, 3), bias=False)",
    ]
    assert "  (conv2_1): Block(" in lines
    shown = str(meta(WRITTEN["every layer"]))
    assert "SameConv3d(3, 8, kernel_size=(3, 3, 3), stride=(1, 2, 2), bias=False, padding=same)" in shown
    assert "SameMaxPool3d(kernel_size=(2, 3, 3), stride=(2, 2, 2), padding=same)" in shown


def test_as_many_operations_as_the_language_allows_do_not_recurse():
    module = meta("input 1x1x1x1; c [1x1x1, 1, norm=none, act=none] x 5000, shortcut=none; fc 1")
    assert module(torch.empty(1, 1, 1, 1, 1, device="meta")).shape == (1, 1)


@pytest.mark.parametrize(("spec", "options", "said"), [
    ("bottleneck-G-16", {}, 'the free name "G" needs a value'),
    ("bottleneck-G-16", {"G": Symbol("G")}, "numbers as sizes, not arrays or symbols"),
    ("simple-8", {"frames": Symbol("T")}, "numbers as sizes, not arrays or symbols"),
    (cc.to_network("simple-8"), {"frames": 4}, "a Network has its sizes, and frames is given"),
    ("simple-8", {"device": "nowhere"}, "no device 'nowhere'"),
    ("simple-8", {"dtype": torch.int8}, "parameters cannot be torch.int8"),
    ("input 2000000000 x 2000000000 x 2000000000 x 2; fc 7", {"device": "meta"}, "PyTorch cannot make fc"),
    ("input 3x1x1x1; c 1x1x1, 2147483647; d 9x9x9, 2147483647", {"device": "meta"}, "PyTorch cannot make c|d: "),
])  # fmt: skip
def test_what_cannot_be_built_is_refused(spec, options, said):
    with pytest.raises(cc.CsncostError, match=said):
        cc.build(spec, **options)


def test_copies_without_end_are_refused():
    graph = GraphBuilder("network", [(1, 1, 1, 1)], Checks())
    block = GraphBuilder("block", [(1, 1, 1, 1)], Checks())
    block.follow("act", Activation())
    graph.nest("a", block.graph(), copies=10**15, first=1)
    with pytest.raises(cc.CsncostError, match="operations"):
        meta(Network(graph.graph()))


def test_two_operations_of_one_name_are_refused():
    graph = GraphBuilder("network", [(1, 1, 1, 1)], Checks())
    graph.follow("act", Activation())
    graph.follow("act", Activation())
    with pytest.raises(cc.CsncostError, match='two operations are called "act"'):
        meta(Network(graph.graph()))


# -- what is imported


def fresh(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


def test_building_on_meta_does_not_import_the_compiler_of_pytorch():
    code = "import sys, csncost\ncsncost.build('ir-CSN-152', device='meta', initialise=False)\nprint('torch._dynamo' in sys.modules)"
    assert fresh(code).stdout.split() == ["False"]


def test_without_pytorch_its_extra_is_named():
    done = fresh("import sys\nsys.modules['torch'] = None\nimport csncost\ncsncost.build('simple-8')")
    assert 'pip install "csncost[torch]"' in done.stderr
    assert "MissingExtra" in done.stderr
    done = fresh(
        "import sys\nsys.modules['onnx'] = None\nfrom csncost.cli import main\nmain(['export', 'simple-8', '-o', 'a.onnx'])"
    )
    assert done.returncode == 2
    assert 'pip install "csncost[onnx]"' in done.stderr
    assert "Traceback" not in done.stderr


# -- files


SMALL = "ir-CSN-26(width=0.125, classes=7)@2x32"


def expected(spec, clips):
    torch.manual_seed(0)
    return cc.build(text(spec)).eval()(clips)


@pytest.mark.parametrize("spec", [SMALL, "every layer", "names that modules have"])
def test_an_exported_program_computes_the_same(spec, tmp_path):
    torch.manual_seed(0)
    done = export(text(spec), tmp_path / "a.pt2")
    assert [path.name for path in tmp_path.iterdir()] == ["a.pt2"]
    run = torch.export.load(tmp_path / "a.pt2").module()
    for batch in (1, 2, 5):
        clips = torch.randn(batch, *done.clip)
        torch.testing.assert_close(run(clips), expected(spec, clips))


@pytest.mark.parametrize("strict", [False, True])
def test_torch_export_takes_a_module(strict):
    module = cc.build(SMALL).eval()
    clips = torch.randn(2, 3, 2, 32, 32)
    program = torch.export.export(module, (clips,), strict=strict)
    torch.testing.assert_close(program.module()(clips), module(clips))


@pytest.mark.slow
@pytest.mark.parametrize("spec", [SMALL, "every layer"])
def test_an_onnx_file_computes_the_same(spec, tmp_path):
    onnx = pytest.importorskip("onnx")
    from onnx.reference import ReferenceEvaluator

    torch.manual_seed(0)
    done = export(text(spec), tmp_path / "a.onnx")
    onnx.checker.check_model(tmp_path / "a.onnx", full_check=True)
    run = ReferenceEvaluator(str(tmp_path / "a.onnx"))
    for batch in (1, 3):
        clips = torch.randn(batch, *done.clip)
        (scores,) = run.run(["scores"], {"clip": clips.numpy()})
        torch.testing.assert_close(torch.from_numpy(scores), expected(spec, clips), rtol=1e-4, atol=1e-5)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="no limit on the size of files")
@pytest.mark.parametrize("suffix", ["pt2", "onnx"])
def test_a_full_disk_leaves_nothing(suffix, tmp_path):
    code = f"""
import resource, signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
from csncost.cli import main
main(["export", {SMALL!r}, "-o", {str(tmp_path / "a")!r} + ".{suffix}"])
"""
    done = fresh(code)
    assert done.returncode == 2
    assert "cannot write" in done.stderr
    assert "File too large" in done.stderr
    assert list(tmp_path.iterdir()) == []


def command(*args, code=0):
    result = CliRunner().invoke(main, ["export", *map(str, args)])
    assert result.exit_code == code, result.output
    return result


def test_the_command_says_what_it_wrote(tmp_path):
    path = tmp_path / "small.pt2"
    result = command(
        "simple-G-4(width=0.125)", "-p", "G=4", "--frames", 2, "--size", "32x24", "--classes", 5, "-o", path
    )
    assert result.stdout == f"wrote {path}: clips N x 3x2x32x24 to N x 5, 62.56 K parameters, not trained\n"
    assert result.stderr == ""
    assert torch.export.load(path).module()(torch.randn(1, 3, 2, 32, 24)).shape == (1, 5)


def test_what_cannot_be_exported_is_refused_and_nothing_is_left(tmp_path):
    (tmp_path / "folder.pt2").mkdir()
    for path, said in (
        ("a.pt", "the name of the file ends with .pt2 or .onnx"),
        ("a", "cannot export to"),
        ("folder.pt2", "it is a directory"),
        ("nowhere/a.pt2", "No such file or directory"),
    ):
        assert said in command("simple-4", "-o", tmp_path / path, code=2).stderr
    assert 'the free name "G"' in command("simple-G-4", "-o", tmp_path / "a.pt2", code=2).stderr
    huge = "input 3x1x1x1; c 1x1x1, 1000000; fc 1000"
    assert "less than 2 GiB" in command(huge, "-o", tmp_path / "a.onnx", code=2).stderr
    assert [path.name for path in tmp_path.iterdir()] == ["folder.pt2"]
