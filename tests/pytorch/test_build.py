"""Modules that are built: names, shapes, parameters, training."""

import copy
import io
import pickle

import pytest
from hypothesis import HealthCheck, assume, given, settings
from sympy import Symbol

import csncost as cc
from csncost.network.graph import GraphBuilder, Network
from csncost.network.ops import Activation, Checks
from tests.brute_force import designs, spec_text
from tests.pytorch.built import NETWORKS, WRITTEN, check, fresh, leaves, meta, text

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402

from csncost.pytorch.build.build import Block  # noqa: E402

pytestmark = pytest.mark.usefixtures("one_thread")


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
@random_networks(400)
def test_random_networks_have_the_shapes_that_were_computed(network, spec):
    module = cc.build(network, initialise=False)
    check(network, module)
    expected = cc.analyze(spec, convention="macs").params
    assert sum(parameter.numel() for parameter in module.parameters()) == expected, spec


@random_networks(60)
def test_random_networks_have_them_without_data_too(network, spec):
    check(network, meta(network))


# -- a module like any other


def test_a_step_of_training_reaches_every_parameter():
    """Of filters of several channels: depthwise ones take away the scale of a norm before, which then has none."""
    torch.manual_seed(0)
    module = cc.build("bottleneck-G2-8(width=0.125, classes=3)@4x32")
    before = copy.deepcopy(module.state_dict())
    optimiser = torch.optim.SGD(module.parameters(), 0.1)
    clips, labels = torch.randn(6, 3, 4, 32, 32), torch.tensor([0, 1, 2, 0, 1, 2])
    nn.functional.cross_entropy(module(clips), labels).backward()
    assert [name for name, parameter in module.named_parameters() if not parameter.grad.any()] == []
    optimiser.step()
    assert [name for name, tensor in module.state_dict().items() if torch.equal(tensor, before[name])] == []


def test_another_clip_and_batch():
    module = meta("ir-CSN-26@8x64").eval()
    for batch, frames, height, width in ((1, 8, 64, 64), (3, 4, 48, 80), (2, 1, 33, 31)):
        assert module(torch.empty(batch, 3, frames, height, width, device="meta")).shape == (batch, 400)


def test_values_are_freed_as_soon_as_nothing_needs_them():
    module = cc.build("input 1x1x4x4; a 1x1x1, 1; b [1x1x1, 1; 1x1x1, 1] x 2; fc 2")
    assert {len(step.done) for step in module._plan.steps} == {1}
    assert [len(step.done) for step in module.b_1._plan.steps] == [0, 1, 1, 1, 1, 2, 1]


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
    block.add("act", Activation())
    graph.nest("a", block.graph(), copies=10**15, first=1)
    with pytest.raises(cc.CsncostError, match="operations"):
        meta(Network(graph.graph()))


def test_two_operations_of_one_name_are_refused():
    graph = GraphBuilder("network", [(1, 1, 1, 1)], Checks())
    graph.add("act", Activation())
    graph.add("act", Activation())
    with pytest.raises(cc.CsncostError, match='two operations are called "act"'):
        meta(Network(graph.graph()))


# -- what is imported


def test_building_on_meta_does_not_import_the_compiler_of_pytorch():
    built = "csncost.build('ir-CSN-152', device='meta', initialise=False)"
    code = f"import sys, csncost\n{built}\nprint('torch._dynamo' in sys.modules)"
    assert fresh(code).stdout.split() == ["False"]


def test_without_pytorch_its_extra_is_named():
    done = fresh("import sys\nsys.modules['torch'] = None\nimport csncost\ncsncost.build('simple-8')")
    assert 'pip install "csncost[torch]"' in done.stderr
    assert "MissingExtra" in done.stderr
    run = "from csncost.cli.main import main\nmain(['export', 'simple-8', '-o', 'a.onnx'])"
    done = fresh(f"import sys\nsys.modules['onnx'] = None\n{run}")
    assert done.returncode == 2
    assert 'pip install "csncost[onnx]"' in done.stderr
    assert "Traceback" not in done.stderr
