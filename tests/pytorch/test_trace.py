"""What holds for every trace: inputs, scripts, names, what stays as it was, what is refused."""

import functools
import random
import subprocess
import sys
import warnings

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.modules import module as hooks
from torch.nn.utils import parametrizations
from torch.utils.flop_counter import FlopCounterMode

from csncost.costs.conventions.named import Convention, Rule
from csncost.costs.explain import explain
from csncost.errors import CsncostError
from csncost.pytorch.trace.trace import trace
from tests.pytorch.traced_modules import (
    ENCODER,
    Net,
    P,
    encoder,
    linear,
    macs,
    tied,
)


def scripted(make):
    with warnings.catch_warnings(action="ignore"):  # scripts are deprecated, and in use
        return make()


@torch.no_grad()
def test_scripted_code_is_heard_kernel_by_kernel():
    layers = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(64, 5)).eval()
    expected = 2 * (16 * 12 * 9 + 64 * 5)
    for made in (
        scripted(lambda: torch.jit.script(layers)),
        scripted(lambda: torch.jit.trace(layers, torch.zeros(2, 3, 6, 6))),
    ):
        report = trace(made, (2, 3, 6, 6), convention="macs", strict=True)
        assert report.flops == expected
        assert [(row.name, row.params) for row in report.rows] == [("0", 112), ("1", 8), ("4", 325)]
        assert macs(Net(lambda net, x: net.a(x) + 1, a=made), (2, 3, 6, 6)) == expected
    assert macs(scripted(lambda: torch.jit.script(encoder())), (3, 5, 8)) == ENCODER
    product = scripted(lambda: torch.jit.script(lambda_of_matmul))
    assert macs(product, ((2, 3), (3, 4))) == macs(lambda x, y: product(x, y), ((2, 3), (3, 4))) == 24


def lambda_of_matmul(x, y):
    return torch.matmul(x, y)


@pytest.mark.parametrize(
    "target",
    [
        nn.Linear(3, 4).forward,
        functools.partial(nn.Linear(3, 4)),
        functools.partial(lambda layer, x: layer(x), nn.Linear(3, 4)),
        (lambda layer: lambda x: layer(x))(nn.Linear(3, 4)),
    ],
    ids=["method", "partial", "partial of a module", "closure"],
)
def test_callables(target):
    report = trace(target, (2, 3), convention="macs")
    assert (report.flops, report.params) == (24, 16)


@pytest.mark.parametrize(
    ("inputs", "described"),
    [
        ((2, 3), "2x3"),
        ("2x3", "2x3"),
        (torch.zeros(2, 3), "2x3"),
        (((2, 3), (2, 3)), "2x3, 2x3"),
        ({"x": (2, 3), "y": "2x3"}, "x=2x3, y=2x3"),
        ("2x3:int64", "2x3:int64"),
        ([(2, 3), torch.zeros(2, 3)], "[2x3, 2x3]"),
        (({"a": (2, 3)},), "{a: 2x3}"),
        (("scalar", None), "scalar, None"),
    ],
)
def test_inputs(inputs, described):
    seen = []
    report = trace(lambda x, y=None: seen.append(x), inputs)
    assert report.setting["input"] == described
    assert len(seen) == 1


def test_shapes_have_the_type_of_the_model():
    seen = []
    trace(Net(lambda net, x: seen.append(x.dtype), a=nn.Linear(3, 4).half()), (2, 3))
    trace(lambda x: seen.append(x.dtype), (2, 3), dtype="int64")
    assert seen == [torch.float16, torch.int64]


def test_examples_are_not_changed():
    def overwriting(xs, ids, named, hollow):
        xs[0] = xs.pop() + 1
        ids.add_(1)
        named.clear()
        hollow.unsqueeze_(0).add_(1)

    xs, ids, named, hollow = (
        [torch.zeros(2), torch.zeros(2)],
        torch.zeros(2, dtype=torch.int64),
        {"a": 1},
        torch.empty(2, device="meta"),
    )
    trace(overwriting, (xs, ids, named, hollow))
    assert len(xs) == 2
    assert not ids.any()
    assert named == {"a": 1}
    assert hollow.shape == (2,)
    assert not vars(hollow)


def snapshot(model):
    """All of a model that running it could change."""
    state = {
        name: (id(t), t._version, t.requires_grad, t.grad, dict(vars(t)), t.clone())
        for name, t in [*model.named_parameters(), *model.named_buffers()]
    }
    attributes = {
        name: {key: repr(value) for key, value in vars(module).items()} for name, module in model.named_modules()
    }
    return state, attributes


def world():
    """All that lies outside of a model."""
    registered = [
        len(value)
        for name, value in sorted(vars(hooks).items())
        if name.startswith("_global_") and hasattr(value, "__len__")
    ]
    switches = (
        torch.is_grad_enabled(),
        torch.is_inference_mode_enabled(),
        torch._C._len_torch_function_stack(),
        torch._C._len_torch_dispatch_stack(),
    )
    import numpy

    return (
        registered,
        switches,
        torch.get_rng_state().tolist(),
        random.getstate(),
        numpy.random.get_state()[1].tolist(),
        vars(torch.utils.checkpoint.CheckpointFunction).keys(),
    )


def busy(net, x):
    net.eval().train()
    net.calls.append(x)
    net.held["deep"].append(x)
    net.last = net.a(x)
    net.b.weight.requires_grad_(False)
    net.scale.mul_(2)
    net.scale = net.scale * 2
    net.b.bias.data = net.b.bias.data * 2
    net.b.bias.grad = torch.ones(4)
    net.new = nn.Linear(2, 2)
    net.register_forward_hook(lambda *args: None)
    torch.manual_seed(0)
    random.random()
    torch.rand(3)
    with torch.no_grad():
        net.b.weight.fill_(1)
        net.b.weight[0].zero_()
    return F.dropout(net.b(net.last.flatten(1)))


def broken(net, x):
    busy(net, x)
    with torch.no_grad():
        raise ValueError("later")


@pytest.mark.parametrize("fast", [True, False])
@pytest.mark.parametrize("run", [busy, broken])
def test_nothing_is_changed(run, fast):
    inner = nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), parametrizations.spectral_norm(nn.Conv2d(4, 4, 1)), nn.ReLU(True)
    )
    net = Net(run, a=inner, b=nn.Linear(64, 4))
    net.register_buffer("scale", torch.ones(1))
    net.calls, net.held, net.last = [], {"deep": []}, None
    before, around = snapshot(net), world()
    for backward in (False, True):
        if run is broken:
            with pytest.raises(CsncostError, match=r"(?s)ValueError.*later"):
                trace(net, (2, 3, 6, 6), fast=fast, backward=backward)
        else:
            trace(net, (2, 3, 6, 6), fast=fast, backward=backward)
    after = snapshot(net)
    assert after[1] == before[1]
    for name, (*_, tensor) in after[0].items():
        assert after[0][name][:-1] == before[0][name][:-1], name
        assert torch.equal(tensor, before[0][name][-1])
    assert world() == around


def test_no_activation_is_allocated():
    net = nn.Sequential(nn.Conv3d(3, 64, 3, padding=1), nn.BatchNorm3d(64), nn.ReLU(), nn.Conv3d(64, 64, 3, padding=1))
    report = trace(net, (1000, 3, 100, 1000, 1000))  # activations of 25 TB
    assert report.flops == 10**11 * (27 * 3 * 64 + 27 * 64 * 64)


def test_the_compiler_is_not_imported():
    code = """
import sys
from torch import nn
from csncost.pytorch.trace.trace import trace

trace(nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU()), (1, 3, 8, 8))
assert "torch._dynamo" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_names_and_what_a_module_counts_once():
    net = Net(
        lambda net, x: net.a(net.a(x)) @ net.w, a=nn.Sequential(nn.Conv2d(4, 4, 3, padding=1), nn.ReLU()), w=P(6, 3)
    )
    report = trace(net, (2, 4, 5, 6), convention="macs")
    rows = [(row.name, row.op, row.params, row.interactions, row.calls) for row in report.rows]
    assert rows == [("a.0", "conv", 4 * 4 * 9 + 4, 4 * 6, 2), ("w", "linear", 18, 3 * 15, 1)]
    assert (report.rows[0].kernel, report.rows[0].groups, report.rows[0].output) == ((3, 3), 1, (2, 4, 5, 6))
    assert dict(report.coverage.left_out) == {"act": 2}


def test_a_tied_weight_and_one_computed_count_once():
    report = trace(tied(), "3x5:int64", convention="macs")
    assert [(row.op, row.params) for row in report.rows] == [("embedding", 40), ("linear", 0)]
    assert [(row.op, row.params) for row in report.under("paper").rows] == [("linear", 40)]
    report = trace(parametrizations.weight_norm(nn.Conv2d(4, 6, 3)), (2, 4, 5, 6), convention="macs")
    assert [(row.op, row.params) for row in report.rows] == [("conv", 4 * 6 * 9 + 6), ("parameter", 6)]


def test_a_shared_weight_belongs_to_the_first_operation_that_counts_it():
    def run(net, i):
        x = net.table(i)
        return F.linear(x, net.table.weight[:6]), F.linear(x, net.table.weight), net.out(x)

    net = Net(run, table=nn.Embedding(10, 4), out=nn.Linear(4, 10))
    net.out.weight = net.table.weight
    report = trace(net, "3x5:int64")
    assert {row.name: row.params for row in report.rows} == {"table.linear": 24 + 16, "out": 0}
    assert report.under("thop").params == 40 + 10  # which counts modules by their class: the embedding has none
    assert report.under("macs").params == report.under("everything").params == 40 + 10
    only_bags = Convention("mine", "none", "tables", {"embedding": Rule(params={"weights": 1})})
    assert report.under(only_bags).params == 40
    found = explain(report, "thop", "flops")
    assert found.before.params == found.after.params
    assert not any("params" in note for note in found.notes())


def test_the_number_of_batches_seen_is_no_cost():
    net = nn.Sequential(nn.BatchNorm1d(4), nn.BatchNorm1d(4, momentum=None))
    report = trace(net, (3, 4), convention="everything")
    assert [(row.name, row.flops) for row in report.rows] == [("0", 12), ("1", 12)]
    assert report.coverage.free["add"] == 2
    scaled = Net(lambda net, x: x.add_(net.scale).mul_(net.scale + net.scale))
    scaled.register_buffer("scale", torch.ones(()))  # not a whole number
    assert trace(scaled, (2, 3), convention="everything").flops == 6 + 1 + 6


def test_coverage_has_three_states():
    net = Net(lambda net, x: torch.fft.fft(F.relu(net.a(x))).real.view(-1), a=nn.Linear(3, 4), b=nn.Linear(5, 5))
    report = trace(net, (2, 3))
    coverage = report.coverage
    assert (dict(coverage.counted), dict(coverage.left_out)) == ({"classifier": 1}, {"act": 1})
    assert coverage.free["view"] == 1
    assert [one.op for one in coverage.unknown] == ["aten::_fft_r2c"]
    assert dict(coverage.unused) == {"b": 30}
    with pytest.raises(CsncostError, match="_fft_r2c"):
        trace(net, (2, 3), strict=True)
    given = {"aten::_fft_r2c": lambda x, *args, output: 7}
    assert trace(net, (2, 3), strict=True, formulas=given).flops == 2 * 12 + 7


def test_the_classifier():
    net = linear(3, 4, 5)
    assert [trace(net, (2, 3), classifier=which).interactions for which in (True, False, "0")] == [12, 12 + 30, 30]
    with pytest.raises(CsncostError, match="nope"):
        trace(net, (2, 3), classifier="nope")


LOSSES = {
    "cross entropy": lambda net, x: F.cross_entropy(net.b(net.a(x).relu()), torch.zeros(2, dtype=torch.int64)),
    "mean squared error": lambda net, x: F.mse_loss(net.b(net.a(x)), torch.zeros(2, 5)),
    "by hand": lambda net, x: ((net.b(net.a(x)) - torch.zeros(2, 5)) ** 2).mean() / 2,
    "of probabilities": lambda net, x: -net.b(net.a(x)).log_softmax(-1)[:, 0].sum(),
    "of every item": lambda net, x: F.mse_loss(net.b(net.a(x)), torch.zeros(2, 5), reduction="none").sum(-1),
    "with the scores": lambda net, x: {
        "scores": (y := net.b(net.a(x))),
        "loss": 0.1 * F.cross_entropy(y, torch.zeros(2, dtype=torch.int64)),
    },
}


@pytest.mark.parametrize("name", LOSSES)
def test_the_classifier_before_a_loss(name):
    report = trace(Net(LOSSES[name], a=nn.Linear(4, 4), b=nn.Linear(4, 5)), (2, 4))
    assert (report.classes, report.interactions, report.coverage.remarks) == (5, 4 * 6, ())


@pytest.mark.parametrize(
    ("after", "kind"),
    [
        (lambda net, x: x + net.b(net.a(x)), "add"),
        (lambda net, x: (net.b(net.a(x)) @ x.t()).sum(), "matmul"),
        (lambda net, x: net.c(net.b(net.a(x))), "norm"),
    ],
)
def test_where_there_is_no_classifier_it_is_said(after, kind):
    net = Net(after, a=nn.Linear(4, 4), b=nn.Linear(4, 4), c=nn.LayerNorm(4))
    report = trace(net, (2, 4))
    assert (report.classes, report.interactions) == (None, 2 * 4 * 6)
    (remark,) = report.coverage.remarks
    assert f"layer, b, is not the output: {kind} follows" in remark
    assert remark in report.to_dict()["coverage"]["remarks"]
    assert remark in report.table().notes
    assert report.under("macs").coverage.remarks == ()  # which counts it as any other
    assert trace(net, (2, 4), classifier=False).coverage.remarks == ()
    assert trace(net, (2, 4), classifier="b").classes == 4
    assert trace(nn.Conv2d(3, 4, 3), (2, 3, 8, 8)).coverage.remarks == ()  # which has no candidate


def written(x):
    held = torch.zeros(3)
    held[1:].copy_(x[0, 1:])
    return x if (held * 2)[0] > 0 else -x


def failing(net, x):
    raise ValueError("the reason\nand more")


REFUSED = {
    "item": (lambda x: x.sum().item(), (2, 3), "reads the value of an activation"),
    "branch": (lambda x: x if x.sum() > 0 else -x, (2, 3), "reads the value"),
    "branch on what was written": (written, (2, 3), "reads the value"),
    "mask": (lambda x: x[x > 0], (2, 3), "selects by the values"),
    "mask of an axis": (lambda x: x[:, x[0] > 0], (2, 3), "selects by the values"),
    "nonzero": (lambda x: x.nonzero(), (2, 3), "selects by the values"),
    "where": (lambda x: torch.where(x > 0), (2, 3), "does not run"),
    "list": (lambda x: x.tolist(), (2, 3), "reads the value"),
    "array": (lambda x: x.detach().numpy(), (2, 3), "reads the value"),
    "size": (lambda x: torch.zeros(int(x.max())), (2, 3), "reads the value"),
    "channels": (
        nn.Conv2d(3, 4, 3),
        (1, 4, 8, 8),
        "Conv2d does not run on 1x4x8x8: RuntimeError: conv2d of 1x4x8x8 and 4x3x3x3",
    ),
    "features": (nn.Linear(3, 4), (1, 4), "does not run"),
    "too small": (nn.Conv2d(3, 4, 5), (1, 3, 4, 8), "Kernel size"),
    "in place": (lambda x, y: x.add_(y), ((2, 3), (4,)), "does not run"),
    "in place too large": (lambda x, y: x.add_(y), ((2, 3), (4, 2, 3)), "does not run"),
    "view": (lambda x: x.view(5), (2, 3), "does not run"),
    "one value": (nn.BatchNorm1d(4), (1, 4), "more than 1 value"),
    "arguments": (lambda x, y: x, (2, 3), "missing 1 required"),
    "raises": (
        nn.Sequential(nn.Linear(3, 3), nn.Sequential(Net(failing))),
        (2, 3),
        r"(?s)ValueError in 1\.0.*the reason",
    ),
    "lazy": (nn.Sequential(nn.LazyLinear(4)), (2, 3), "0.weight has no shape yet"),
    "number": (3, (2, 3), "int cannot be run"),
    "nothing": (None, (2, 3), "NoneType cannot be run"),
    "no forward": (nn.ModuleList([nn.Linear(3, 4)]), (2, 3), "ModuleList does not run"),
    "no shape": (nn.Linear(3, 4), "axb", "not the shape"),
    "negative": (nn.Linear(3, 4), (-1, 3), "absurd size"),
    "enormous": (nn.Linear(3, 4), (10**9, 10**9), "absurd size"),
    "no type": (nn.Linear(3, 4), "2x3:float99", "no type"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refusals(name):
    target, inputs, message = REFUSED[name]
    around = world()
    with pytest.raises(CsncostError, match=message):
        trace(target, inputs)
    assert world() == around


def random_net(draw):
    """A small network of random layers, and the shape of its input."""
    channels, size = draw.choice([4, 8]), draw.randint(6, 9)
    shape, layers = (draw.randint(1, 3), channels, size, size), []
    for _ in range(draw.randint(2, 6)):
        groups, out = draw.choice([1, 2, 4]), draw.choice([4, 8])
        layers.append(
            draw.choice(
                [
                    lambda c=channels, o=out, g=groups: nn.Conv2d(
                        c, o, draw.choice([1, 3]), draw.choice([1, 2]), 1, groups=g, bias=draw.random() < 0.5
                    ),
                    lambda c=channels, o=out, g=groups: nn.ConvTranspose2d(c, o, 2, draw.choice([1, 2]), groups=g),
                    lambda c=channels, o=out, g=groups: parametrizations.weight_norm(nn.Conv2d(c, o, 1, groups=g)),
                    lambda c=channels, o=out: Net(lambda net, x: torch.einsum("bchw,co->bohw", x, net.w), w=P(c, o)),
                    lambda c=channels, o=out: Net(
                        lambda net, x: net.a(x.flatten(2).transpose(1, 2)).transpose(1, 2).unflatten(2, x.shape[2:]),
                        a=nn.Linear(c, o),
                    ),
                ]
            )()
        )
        channels = out
        layers.append(
            draw.choice(
                [
                    lambda c=channels: nn.BatchNorm2d(c),
                    lambda c=channels: nn.GroupNorm(2, c),
                    lambda: nn.ReLU(inplace=True),
                    lambda: nn.MaxPool2d(2, 1, ceil_mode=True),
                    lambda: nn.Dropout(0.5),
                    lambda c=channels: nn.PReLU(c),
                    lambda: nn.AvgPool2d(2, 1, 1),
                    lambda c=channels: Net(
                        lambda net, x: x + net.a(x).mul_(net.p), a=nn.Conv2d(c, c, 3, padding=1, groups=2), p=P(c, 1, 1)
                    ),
                    lambda c=channels: Net(
                        lambda net, x: x * net.a(x.mean((2, 3), keepdim=True)).sigmoid(), a=nn.Conv2d(c, c, 1)
                    ),
                ]
            )()
        )
    net = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, 3))
    return net.train(draw.random() < 0.5), shape


@pytest.mark.parametrize("seed", range(40))
def test_fast_is_slow_and_every_parameter_counts(seed):
    net, shape = random_net(random.Random(seed))
    forward = macs(net, shape)
    with warnings.catch_warnings(action="ignore"), FlopCounterMode(display=False) as counter:
        net.eval()(torch.randn(shape))
    assert forward == counter.get_total_flops() // 2
    assert forward < macs(net, shape, backward=True) <= 3 * forward


def test_modules_that_nothing_holds_have_names_of_their_own():
    nets = [nn.Sequential(nn.Linear(8, 8), nn.Linear(8, 8)) for _ in range(3)]
    report = trace(lambda x: sum(net(x) for net in nets), (2, 8), convention="macs")
    assert report.params == 3 * 2 * 72
    assert report.flops == 3 * 2 * 2 * 64
    assert len({row.name for row in report.rows}) == len(report.rows)


@pytest.mark.parametrize("rows", [4, 40_000])
def test_what_activations_were_written_into_is_an_activation(rows):
    def padded(net, x):
        held = torch.zeros(rows, 4)
        held[:2] = x
        return held @ net.w

    report = trace(Net(padded, w=P(4, 3)), (2, 4), convention="macs")
    assert [(row.name, row.op, row.params, row.flops) for row in report.rows] == [("w", "linear", 12, rows * 12)]


def test_a_learned_query_is_broadcast():
    def pooled(net, x):
        return net.fc(nn.functional.scaled_dot_product_attention(net.query, x, x))

    net = Net(pooled, query=P(1, 4, 8), fc=nn.Linear(8, 8))
    assert macs(net, (16, 10, 8)) == 16 * 4 * 10 * (8 + 8) + 16 * 4 * 64


def test_no_gradient_goes_through_a_truth():
    net = Net(lambda net, x: net.a(x) * (net.b(x) > 0), a=nn.Linear(8, 8), b=nn.Linear(8, 8))
    assert trace(net, (2, 8), backward=True).backward_flops == 2 * 64


def test_a_model_cannot_swallow_what_it_cannot_know():
    def guarded(net, x):
        try:
            return net.small(x) if x.sum() > 0 else x
        except Exception:
            return net.big(x)

    net = Net(guarded, small=nn.Linear(8, 8), big=nn.Linear(8, 800))
    with pytest.raises(CsncostError, match="reads the value"):
        trace(net, (2, 8))


def test_vmap_over_parameters_is_refused():
    net = Net(lambda net, x: torch.vmap(lambda w: x @ w)(net.stack), stack=P(3, 8, 8))
    with pytest.raises(CsncostError, match="vmap"):
        trace(net, (2, 8))


def test_tensors_that_are_held_and_not_registered_stay_as_they_were():
    def counting(net, x):
        net.seen.add_(1)
        net.kept[0].mul_(2)
        return net.fc(x)

    net = Net(counting, fc=nn.Linear(8, 8))
    net.seen, net.kept = torch.zeros(3), [torch.ones(2)]
    trace(net, (2, 8))
    assert net.seen.tolist() == [0, 0, 0]
    assert net.kept[0].tolist() == [1, 1]
