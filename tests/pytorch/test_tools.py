"""The conventions of other counters, beside these counters themselves: equal to the last integer."""

import importlib
import random

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence

import csncost as cc
from csncost.costs.conventions.tools import TOOLS
from tests.pytorch.counters import COUNTERS, counted
from tests.pytorch.real_models import import_torchvision
from tests.pytorch.traced_modules import tied

trace = pytest.importorskip("csncost.pytorch.trace.trace").trace

pytestmark = pytest.mark.usefixtures("one_thread")


class Run(nn.Module):
    """A function as a module, with modules of its own."""

    def __init__(self, function, *modules):
        super().__init__()
        self.function = function
        self.held = nn.ModuleList(modules)

    def forward(self, *inputs):
        return self.function(*self.held, *inputs)


class Residual(nn.Module):
    """A bottleneck of a video network; the sum is an operator."""

    def __init__(self, channels, depthwise=True):
        super().__init__()
        middle = channels // 2
        self.a = nn.Conv3d(channels, middle, 1, bias=False)
        self.a_bn = nn.BatchNorm3d(middle)
        self.b = nn.Conv3d(middle, middle, 3, padding=1, groups=middle if depthwise else 1, bias=False)
        self.b_bn = nn.BatchNorm3d(middle)
        self.c = nn.Conv3d(middle, channels, 1, bias=False)
        self.c_bn = nn.BatchNorm3d(channels)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x):
        y = self.relu(self.a_bn(self.a(x)))
        y = self.relu(self.b_bn(self.b(y)))
        return self.relu(self.c_bn(self.c(y)) + x)


class Gate(nn.Module):
    """Squeeze-and-excitation."""

    def __init__(self, channels):
        super().__init__()
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.fc1 = nn.Conv2d(channels, channels // 4, 1)
        self.fc2 = nn.Conv2d(channels // 4, channels, 1)
        self.act = nn.SiLU()

    def forward(self, x):
        return x * torch.sigmoid(self.fc2(self.act(self.fc1(self.pool(x)))))


class Functional(nn.Module):
    """A network that calls functions."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(8, 3, 3, 3))
        self.fc = nn.Linear(8, 5)

    def forward(self, x):
        x = F.max_pool2d(F.relu(F.conv2d(x, self.weight, padding=1)), 2)
        x = F.avg_pool2d(F.gelu(x), 2)
        return F.softmax(self.fc(F.adaptive_avg_pool2d(x, 1).flatten(1)), dim=-1)


def video(depthwise):
    return nn.Sequential(
        nn.Conv3d(3, 16, (3, 7, 7), stride=(1, 2, 2), padding=(1, 3, 3), bias=False), nn.BatchNorm3d(16), nn.ReLU(),
        nn.MaxPool3d((1, 3, 3), (1, 2, 2), (0, 1, 1)), Residual(16, depthwise), Residual(16, depthwise),
        nn.AdaptiveAvgPool3d(1), nn.Flatten(), nn.Linear(16, 10),
    )  # fmt: skip


def image():
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, bias=True), nn.BatchNorm2d(8), nn.ReLU6(),
        nn.Conv2d(8, 16, 3, 2, groups=4), nn.GroupNorm(4, 16), nn.SiLU(), Gate(16), nn.AvgPool2d(2),
        nn.Conv2d(16, 16, 3, padding=1, groups=16), nn.InstanceNorm2d(16, affine=True), nn.LeakyReLU(),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 7), nn.Softmax(dim=-1),
    )  # fmt: skip


def packed(rnn):
    """A recurrent layer on three sequences, padded to the longest and packed."""
    lengths = torch.tensor([3, 5, 2])
    return Run(lambda rnn, x: rnn(pack_padded_sequence(x, lengths, rnn.batch_first, enforce_sorted=False))[0].data, rnn)


def lambdas(**functions):
    return {name: (lambda f=function: Run(f), shapes) for name, (function, *shapes) in functions.items()}


CASES = {
    **{
        f"conv{n}d": (lambda n=n: getattr(nn, f"Conv{n}d")(6, 8, 3, stride=2, padding=1), [(1, 6, *(9,) * n)])
        for n in (1, 2, 3)
    },
    **{
        f"conv{n}d_nobias_grouped": (
            lambda n=n: getattr(nn, f"Conv{n}d")(6, 9, 3, groups=3, dilation=2, bias=False), [(1, 6, *(9,) * n)]
        )
        for n in (1, 2, 3)
    },
    **{
        f"deconv{n}d": (
            lambda n=n: getattr(nn, f"ConvTranspose{n}d")(6, 8, 3, stride=2, padding=1), [(1, 6, *(5,) * n)]
        )
        for n in (1, 2, 3)
    },
    "deconv_nobias": (lambda: nn.ConvTranspose2d(6, 8, 3, stride=2, bias=False), [(1, 6, 5, 4)]),
    "deconv_grouped": (lambda: nn.ConvTranspose2d(6, 9, 3, stride=2, groups=3, bias=False), [(1, 6, 5, 4)]),
    "depthwise": (lambda: nn.Conv3d(8, 8, 3, padding=1, groups=8, bias=False), [(1, 8, 4, 5, 6)]),
    "same": (lambda: nn.Conv2d(4, 8, 3, padding="same"), [(1, 4, 7, 7)]),
    **{f"batch_norm{n}d": (lambda n=n: getattr(nn, f"BatchNorm{n}d")(4), [(1, 4, *(5,) * n)]) for n in (1, 2, 3)},
    "batch_norm_plain": (lambda: nn.BatchNorm2d(4, affine=False), [(1, 4, 5, 6)]),
    "batch_norm_unseen": (lambda: nn.BatchNorm2d(4, track_running_stats=False), [(1, 4, 5, 6)]),
    "batch_norm_train": (lambda: nn.BatchNorm2d(4).train(), [(1, 4, 5, 6)]),
    "layer_norm": (lambda: nn.LayerNorm(6), [(1, 4, 6)]),
    "layer_norm_plain": (lambda: nn.LayerNorm(6, elementwise_affine=False), [(1, 4, 6)]),
    "layer_norm_nobias": (lambda: nn.LayerNorm(6, bias=False), [(1, 4, 6)]),
    "group_norm": (lambda: nn.GroupNorm(2, 4), [(1, 4, 5, 6)]),
    "group_norm_plain": (lambda: nn.GroupNorm(2, 4, affine=False), [(1, 4, 5, 6)]),
    "instance_norm": (lambda: nn.InstanceNorm2d(4), [(1, 4, 5, 6)]),
    "instance_norm_affine": (lambda: nn.InstanceNorm3d(4, affine=True), [(1, 4, 5, 6, 3)]),
    "rms_norm": (lambda: nn.RMSNorm(6), [(1, 4, 6)]),
    **{
        name: (getattr(nn, name), [(1, 4, 5, 6)])
        for name in ("ReLU", "ReLU6", "LeakyReLU", "PReLU", "ELU", "GELU", "SiLU", "Sigmoid", "Tanh", "Hardswish",
                     "Mish", "Softplus", "SELU", "Hardtanh")
    },
    "Softmax": (lambda: nn.Softmax(dim=1), [(1, 4, 5)]),
    "LogSoftmax": (lambda: nn.LogSoftmax(dim=1), [(2, 4, 5)]),
    **{
        f"{name}{n}d": (lambda name=name, n=n: getattr(nn, f"{name}{n}d")(3, 2, 1), [(1, 4, *(8,) * n)])
        for name in ("MaxPool", "AvgPool") for n in (1, 2, 3)
    },
    **{
        f"Adaptive{name}{n}d": (lambda name=name, n=n: getattr(nn, f"Adaptive{name}{n}d")(2), [(1, 4, *(6,) * n)])
        for name in ("MaxPool", "AvgPool") for n in (1, 2, 3)
    },
    "LPPool2d": (lambda: nn.LPPool2d(2, 2), [(1, 4, 6, 6)]),
    "linear": (lambda: nn.Linear(6, 5), [(1, 6)]),
    "linear_nobias": (lambda: nn.Linear(6, 5, bias=False), [(1, 6)]),
    "linear_tokens": (lambda: nn.Linear(6, 5), [(1, 7, 6)]),
    "linear_tokens_nobias": (lambda: nn.Linear(6, 5, bias=False), [(1, 7, 6)]),
    "linear_deep": (lambda: nn.Linear(6, 5), [(1, 2, 7, 6)]),
    "bilinear": (lambda: nn.Bilinear(3, 4, 5), [(1, 3), (1, 4)]),
    "identity": (lambda: nn.Sequential(nn.Linear(3, 4), nn.Identity(), nn.Dropout(), nn.Flatten()), [(1, 3)]),
    "lstm": (lambda: nn.LSTM(6, 8, 2, batch_first=True), [(1, 5, 6)]),
    "lstm_both": (lambda: nn.LSTM(6, 8, 2, batch_first=True, bidirectional=True, bias=False), [(1, 5, 6)]),
    "gru": (lambda: nn.GRU(6, 8, 2, batch_first=True, bidirectional=True), [(1, 5, 6)]),
    "rnn": (lambda: nn.RNN(6, 8, batch_first=True), [(1, 5, 6)]),
    "lstm_double": (lambda: nn.LSTM(6, 8, batch_first=True).double(), [(1, 5, 6)]),
    "lstm_projected": (lambda: nn.LSTM(6, 8, 2, batch_first=True, proj_size=3), [(1, 5, 6)]),
    "lstm_packed": (lambda: packed(nn.LSTM(6, 8, 2, bidirectional=True)), [(5, 3, 6)]),
    "lstm_packed_nobias": (lambda: packed(nn.LSTM(6, 8, bias=False, batch_first=True)), [(3, 5, 6)]),
    "gru_packed": (lambda: packed(nn.GRU(6, 8, 2)), [(5, 3, 6)]),
    "rnn_packed": (lambda: packed(nn.RNN(6, 8, bidirectional=True)), [(5, 3, 6)]),
    "lstm_cell": (lambda: nn.LSTMCell(6, 8), [(1, 6)]),
    "gru_cell": (lambda: nn.GRUCell(6, 8), [(1, 6)]),
    "rnn_cell": (lambda: nn.RNNCell(6, 8, bias=False), [(1, 6)]),
    **{
        f"upsample_{mode}": (lambda mode=mode: nn.Upsample(scale_factor=2, mode=mode), [(1, 4, *(5,) * n)])
        for mode, n in (("nearest", 2), ("bilinear", 2), ("bicubic", 2), ("linear", 1), ("trilinear", 3))
    },
    "upsample_size": (lambda: nn.Upsample(size=(9, 7)), [(1, 4, 5, 5)]),
    "upsample_old": (lambda: nn.UpsamplingBilinear2d(scale_factor=2), [(1, 4, 5, 5)]),
    "attention": (
        lambda: Run(lambda a, x: a(x, x, x)[0], nn.MultiheadAttention(8, 2, batch_first=True)), [(1, 5, 8)]
    ),
    "attention_fused": (
        lambda: Run(lambda a, x: a(x, x, x, need_weights=False)[0], nn.MultiheadAttention(8, 2, batch_first=True)),
        [(1, 5, 8)],
    ),
    "sdpa": (lambda: Run(F.scaled_dot_product_attention), [(1, 2, 5, 4), (1, 2, 6, 4), (1, 2, 6, 3)]),
    "functional": (Functional, [(1, 3, 16, 16)]),
    "gate": (lambda: Gate(8), [(1, 8, 5, 5)]),
    "image": (image, [(1, 3, 32, 32)]),
    "video": (lambda: video(False), [(1, 3, 4, 32, 32)]),
    "video_depthwise": (lambda: video(True), [(1, 3, 4, 32, 32)]),
    "shared": (lambda: Run(lambda conv, x: conv(conv(x)), nn.Conv2d(4, 4, 3, padding=1)), [(1, 4, 6, 6)]),
    **lambdas(
        matmul=(lambda x, y: torch.matmul(x, y), (2, 3, 4), (2, 4, 5)),
        matmul_broadcast=(lambda x, y: torch.matmul(x, y), (2, 3, 4), (4, 5)),
        matmul_left_broadcast=(lambda x, y: torch.matmul(x, y), (3, 4), (2, 4, 5)),
        operator=(lambda x, y: x @ y, (2, 3, 4), (2, 4, 5)),
        mm=(lambda x, y: torch.mm(x, y), (3, 4), (4, 5)),
        bmm=(lambda x, y: torch.bmm(x, y), (2, 3, 4), (2, 4, 5)),
        addmm=(lambda x, y, z: torch.addmm(x, y, z), (3, 5), (3, 4), (4, 5)),
        addmm_broadcast=(lambda x, y, z: torch.addmm(x, y, z), (5,), (3, 4), (4, 5)),
        baddbmm=(lambda x, y, z: torch.baddbmm(x, y, z), (2, 3, 5), (2, 3, 4), (2, 4, 5)),
        einsum=(lambda x, y: torch.einsum("bik,bkj->bij", x, y), (2, 3, 4), (2, 4, 5)),
        einsum_heads=(lambda x, y: torch.einsum("bihk,bjhk->bhij", x, y), (2, 3, 2, 4), (2, 5, 2, 4)),
        add=(lambda x, y: torch.add(x, y), (2, 3), (2, 3)),
        add_broadcast=(lambda x, y: torch.add(x, y), (2, 3), (3,)),
        plus=(lambda x, y: x + y, (2, 3), (3,)),
        add_in_place=(lambda x, y: x.clone().add_(y), (2, 3), (3,)),
        mul=(lambda x, y: torch.mul(x, y), (2, 3), (2, 3)),
        times=(lambda x, y: x * y, (2, 3), (2, 3)),
        halve=(lambda x: x / 2 - 1, (2, 3)),
        mean=(lambda x: x.mean((2, 3)), (2, 3, 4, 5)),
        pools=(lambda x: F.adaptive_avg_pool3d(F.avg_pool3d(F.max_pool3d(x, 2), 2), 1), (1, 3, 8, 8, 8)),
        pools1=(lambda x: F.adaptive_max_pool1d(F.avg_pool1d(F.max_pool1d(x, 2), 2), 1), (1, 3, 8)),
        relus=(lambda x: F.relu6(F.silu(F.elu(F.leaky_relu(F.relu(x))))), (1, 3, 8)),
        norms=(lambda x: F.group_norm(F.layer_norm(x, (8,)), 3), (2, 3, 8)),
        interpolate=(lambda x: F.interpolate(x, scale_factor=2, mode="bilinear"), (1, 3, 8, 8)),
        interpolate_nearest=(lambda x: F.interpolate(x, scale_factor=2), (1, 3, 8, 8)),
        sample=(lambda x, grid: F.grid_sample(x, grid, align_corners=False), (1, 3, 8, 8), (1, 5, 5, 2)),
    ),
}  # fmt: skip

TAKES_THE_MODE = {"fvcore", "flopcounter", "torchprofile"}
"""Tools that run the module in the mode that it is in; the others set it to eval."""

FEW_ITEMS = {"ptflops"}
"""Tools that divide by the batch, some of their counts and not others: one item at a time."""

_MODE_OF_PADDING = "a graph has another operation for padding by name, which the tool does not know"
_EINSUM = "einsum runs bmm below what the tool replaces, and looks like bmm to the trace"
_ALIGNED_LEFT = "the tool aligns the axes of a broadcast from the left"
_DECONV_BIAS = "the tool takes the output of a transposed convolution for that of a convolution on the same input"
_DECONV_GROUPS = "the tool divides or multiplies by the groups of a transposed convolution once too often"
_CELL = "the tool multiplies the parameters of a cell by the channels of its output"
_PACKED = ("lstm_packed", "lstm_packed_nobias", "gru_packed", "rnn_packed")
_FALLS_OVER = "the tool looks for the shape of what is packed, and raises"
_PACKED_WIDTH = "the tool takes the channels of packed data for an axis of positions"
_PROJECTION = "the tool overlooks the projection"
_DEAD_CODE = "a graph has no part that is not used, and products of sizes, each a multiply-add to the tool"

LEFT_OUT = {
    ("fvcore", "same"): _MODE_OF_PADDING,
    ("torchprofile", "same"): _MODE_OF_PADDING,
    ("torchprofile", "deconv_grouped"): _DECONV_GROUPS,
    ("calflops", "deconv_grouped"): _DECONV_GROUPS,
    ("calflops-flops", "deconv_grouped"): _DECONV_GROUPS,
    **{("calflops-flops", f"deconv{axes}d"): _DECONV_BIAS for axes in (1, 2, 3)},
    ("torchprofile", "attention"): _DEAD_CODE,
    ("torchprofile", "attention_fused"): _DEAD_CODE,
    **{("torchinfo", case): _CELL for case in ("lstm_cell", "gru_cell", "rnn_cell")},
    **{(tool, case): _FALLS_OVER for tool in ("ptflops", "calflops", "calflops-flops") for case in _PACKED},
    **{("torchinfo", case): _PACKED_WIDTH for case in _PACKED},
    **{("torchprofile", case): _PACKED_WIDTH for case in ("lstm_packed", "lstm_packed_nobias")},
    **{(tool, "lstm_projected"): _PROJECTION for tool in ("ptflops", "thop", "calflops-flops", "torchprofile")},
    ("torchinfo", "functional"): "the tool sees modules only, the convention functions too, as classes are open to it",
    ("ptflops-aten", "sdpa"): "the tool has no fused attention; a CPU takes this one apart, but not each",
    **{(tool, case): _EINSUM for tool in ("ptflops", "calflops-flops") for case in ("einsum", "einsum_heads")},
    **{(tool, "add_broadcast"): _ALIGNED_LEFT for tool in ("ptflops", "calflops-flops")},
    ("calflops-flops", "upsample_size"): "the tool forgets channels where it is given a size",
}
"""Counts that a convention does not reproduce, with the reason."""


class Subject:
    """A module that is traced once in each mode, and run once by each counter."""

    def __init__(self, module, *inputs, training=False):
        self.module, self.inputs, self.training = module, inputs, training
        self.found = {}

    def report(self, tool):
        """The trace under the convention of a tool."""
        self.module.train(mode := self.training and tool in TAKES_THE_MODE)
        return self._once(("trace", mode), lambda: trace(self.module, self.inputs)).under(tool)

    def agree(self, tool):
        """The count of a tool is that of a trace under the convention of its name."""
        report = self.report(tool)
        flops, params = self._once(COUNTERS[tool], lambda: counted(COUNTERS[tool], self.module, self.inputs))[tool]
        assert report.flops == flops
        assert params is None or report.params == params

    def _once(self, key, find):
        if key not in self.found:
            self.found[key] = find()
        return self.found[key]


@pytest.fixture(scope="module", params=CASES)
def case(request):
    """A case by name, and its module."""
    make, shapes = CASES[request.param]
    inputs = [torch.rand(shape, dtype=torch.float64 if "double" in request.param else None) for shape in shapes]
    return request.param, Subject(make(), *inputs, training=request.param == "batch_norm_train")


@pytest.mark.parametrize("tool", COUNTERS)
def test_a_tool_and_its_convention_agree(tool, case):
    name, subject = case
    if (reason := LEFT_OUT.get((tool, name))) is not None:
        # a reason that has gone is told
        with pytest.raises((TypeError, AttributeError) if reason is _FALLS_OVER else AssertionError):
            subject.agree(tool)
    else:
        subject.agree(tool)


@pytest.mark.parametrize("convention", ["paper", "macs", "torchprofile", "flopcounter"])
def test_padding_is_no_cost(convention):
    """Three sequences of 10 steps in all, padded to 15: only thop counts the padding."""
    module, whole = packed(nn.GRU(6, 8)), nn.GRU(6, 8)
    count = trace(module, (5, 3, 6), convention=convention).flops
    assert count == trace(whole, (10, 1, 6), convention=convention).flops
    assert trace(module, (5, 3, 6), convention="thop").flops == trace(whole, (15, 1, 6), convention="thop").flops


def test_what_is_left_out_is_a_case():
    assert {tool for tool, _ in LEFT_OUT} <= COUNTERS.keys()
    assert {case for _, case in LEFT_OUT} <= CASES.keys()


def test_every_tool_has_a_convention():
    assert [tool.name for tool in TOOLS] == list(COUNTERS)
    assert all(cc.CONVENTIONS[tool.name] is tool for tool in TOOLS)


BATCHES = ("conv3d", "linear", "linear_tokens", "layer_norm", "lstm", "image", "video", "AdaptiveAvgPool2d")


@pytest.fixture(scope="module", params=BATCHES)
def batch(request):
    """Three items of a case."""
    make, shapes = CASES[request.param]
    return Subject(make(), *(torch.rand(3, *shape[1:]) for shape in shapes))


@pytest.mark.parametrize("tool", [name for name in COUNTERS if name not in FEW_ITEMS])
def test_a_batch_counts_as_each_tool_counts_it(tool, batch):
    batch.agree(tool)


@pytest.mark.parametrize("tool", ["thop", "fvcore", "calflops"])
def test_a_tied_embedding_counts_once(tool):
    Subject(tied(), torch.zeros(3, 5, dtype=torch.int64)).agree(tool)


def test_an_embedding_is_looked_up():
    words = Subject(nn.Sequential(nn.Embedding(10, 4), nn.Linear(4, 3)), torch.zeros(1, 5, dtype=torch.int64))
    for tool in COUNTERS:
        words.agree(tool)


def random_net(seed):
    """Some layers that fit together, over 1 to 3 axes."""
    chance = random.Random(seed)
    axes, channels = chance.randint(1, 3), chance.choice([2, 4, 6])
    start = channels
    layers = []

    def of(name):
        return getattr(nn, f"{name}{axes}d")

    for _ in range(chance.randint(2, 6)):
        match chance.randrange(6):
            case 0:
                wider = chance.choice([2, 4, 6, 8])
                groups = chance.choice([1, 2, channels if wider % channels == 0 else 1])
                layers.append(of("Conv")(channels, wider, chance.choice([1, 3]), chance.choice([1, 2]), 1,
                                         groups=groups, bias=chance.random() < 0.5))  # fmt: skip
                channels = wider
            case 1:
                affine = chance.random() < 0.5
                norms = [of("BatchNorm")(channels, affine=affine), nn.GroupNorm(2, channels, affine=affine),
                         of("InstanceNorm")(channels, affine=affine)]  # fmt: skip
                layers.append(chance.choice(norms))
            case 2:
                layers.append(chance.choice([nn.ReLU, nn.SiLU, nn.GELU, nn.LeakyReLU, nn.PReLU, nn.ELU, nn.Tanh])())
            case 3:
                layers.append(of(chance.choice(["MaxPool", "AvgPool"]))(3, chance.choice([1, 2]), 1))
            case 4:
                layers.append(of("ConvTranspose")(channels, channels, 2, 2, bias=False))
            case _:
                layers.append(nn.Dropout())
    layers += [of(f"Adaptive{chance.choice(['Avg', 'Max'])}Pool")(1), nn.Flatten(), nn.Linear(channels, 3)]
    return Subject(nn.Sequential(*layers), torch.rand(1, start, *(8,) * axes))


@pytest.fixture(scope="module")
def random_nets():
    return list(map(random_net, range(25)))


@pytest.mark.parametrize("tool", COUNTERS)
def test_random_nets(tool, random_nets):
    for net in random_nets:
        net.agree(tool)


MODELS = {
    "resnet18": (1, 3, 32, 32),
    "mobilenet_v2": (1, 3, 32, 32),
    "squeezenet1_1": (1, 3, 64, 64),
    "video.r3d_18": (1, 3, 4, 32, 32),
    "video.mc3_18": (1, 3, 4, 32, 32),
}


@pytest.fixture(scope="module", params=MODELS)
def model(request):
    """A model of torchvision."""
    import_torchvision()
    package, _, name = f"torchvision.models.{request.param}".rpartition(".")
    module = getattr(importlib.import_module(package), name)()
    return Subject(module, torch.rand(MODELS[request.param]))


@pytest.mark.parametrize("tool", COUNTERS)
def test_models_of_torchvision(tool, model):
    model.agree(tool)


FACTS = {
    "paper": 10_577_744_384, "calflops": 10_577_744_384, "ptflops-aten": 10_577_744_784, "torchinfo": 10_577_797_904,
    "torchprofile": 10_638_986_240, "fvcore": 10_700_224_000, "ptflops": 10_818_689_936, "thop": 10_822_806_016,
    "flopcounter": 21_155_488_768,
}  # fmt: skip
"""Reports of the tools on ir-CSN-50 on a clip 3x8x224x224."""


@pytest.mark.parametrize("tool", FACTS)
def test_a_written_network_counts_as_the_tool_counts_a_module(tool):
    assert cc.analyze("ir-CSN-50", convention=tool).flops == FACTS[tool]


@pytest.fixture(scope="module", params=["ir-CSN-26", "simple-G4-8", "ip-CSN-26"])
def built(request):
    """A spec, and its module."""
    return request.param, Subject(cc.build(request.param, frames=4, size=32), torch.rand(1, 3, 4, 32, 32))


@pytest.mark.parametrize("tool", COUNTERS)
def test_written_built_and_counted_agree(tool, built):
    spec, subject = built
    subject.agree(tool)
    written, traced = cc.analyze(spec, frames=4, size=32, convention=tool), subject.report(tool)
    assert (written.flops, written.params, written.interactions) == (traced.flops, traced.params, traced.interactions)
