"""Traces of real models beside counts that are not ours: PyTorch's FlopCounterMode, fvcore, `numel()`."""

import warnings
from dataclasses import replace
from math import prod

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from csncost.pytorch.trace.trace import trace
from tests.pytorch.real_models import import_timm, import_torchvision

torchvision = import_torchvision()
timm = import_timm()
models = torchvision.models
segmentation, video = models.segmentation, models.video


def hollow(make):
    """A model without values, made without noise."""
    with warnings.catch_warnings(action="ignore"), torch.device("meta"):
        return make()


def of_timm(name):
    return lambda: timm.create_model(name, pretrained=False)


def transformer():
    return nn.Transformer(64, 4, 2, 2, 128, batch_first=True)


def encoder():
    return nn.TransformerEncoder(nn.TransformerEncoderLayer(64, 4, 128, batch_first=True), 3)


def image(size, batch=2):
    return (batch, 3, size, size)


def clip(frames, size):
    return (1, 3, frames, size, size)


VIDEO = {
    "r3d_18": (lambda: video.r3d_18(weights=None), clip(8, 112)),
    "mc3_18": (lambda: video.mc3_18(weights=None), clip(8, 112)),
    "r2plus1d_18": (lambda: video.r2plus1d_18(weights=None), clip(8, 112)),
    "s3d": (lambda: video.s3d(weights=None), clip(16, 224)),
    "mvit_v2_s": (lambda: video.mvit_v2_s(weights=None), clip(16, 224)),
    "swin3d_t": (lambda: video.swin3d_t(weights=None), clip(8, 224)),
}

IMAGE = {
    "resnet50": (lambda: models.resnet50(weights=None), image(224)),
    "mobilenet_v3": (lambda: models.mobilenet_v3_small(weights=None), image(224)),
    "shufflenet": (lambda: models.shufflenet_v2_x0_5(weights=None), image(224)),
    "efficientnet": (lambda: models.efficientnet_b0(weights=None), image(224)),
    "densenet": (lambda: models.densenet121(weights=None), image(224)),
    "vit_b_16": (lambda: models.vit_b_16(weights=None), image(224)),
    "swin_v2_t": (lambda: models.swin_v2_t(weights=None), image(256)),
    "convnext_tiny": (lambda: models.convnext_tiny(weights=None), image(224)),
    "maxvit": (lambda: models.maxvit_t(weights=None), image(224)),
    "googlenet": (lambda: models.googlenet(weights=None, init_weights=False), image(224)),
    "inception": (lambda: models.inception_v3(weights=None, init_weights=False), image(299)),
    "segmentation": (
        lambda: segmentation.deeplabv3_resnet50(weights=None, weights_backbone=None, aux_loss=True),
        image(64),
    ),
    "lraspp": (lambda: segmentation.lraspp_mobilenet_v3_large(weights=None, weights_backbone=None), image(64)),
    "pyramid": (
        lambda: models.detection.backbone_utils.resnet_fpn_backbone(backbone_name="resnet18", weights=None),
        image(128),
    ),
}

OF_TIMM = {
    name: (of_timm(name), image(size))
    for name, size in {
        "resnet50": 224,
        "resnext26ts": 256,
        "regnety_002": 224,
        "mobilenetv3_small_050": 224,
        "mobilenetv4_conv_small": 224,
        "efficientnet_b0": 224,
        "convnext_atto": 224,
        "test_nfnet": 160,
        "resnetv2_50": 224,
        "resnetv2_50x1_bit": 224,
        "vit_tiny_patch16_224": 224,
        "swin_tiny_patch4_window7_224": 224,
        "mixer_s32_224": 224,
        "cait_xxs24_224": 224,
        "xcit_nano_12_p16_224": 224,
        "coat_tiny": 224,
        "coatnet_nano_rw_224": 224,
        "levit_128s": 224,
        "maxvit_pico_rw_256": 256,
        "botnet26t_256": 256,
        "lambda_resnet26t": 256,
        "poolformer_s12": 224,
        "edgenext_xx_small": 256,
    }.items()
}

OF_TORCH = {
    "Transformer": (transformer, ((2, 11, 64), (2, 7, 64))),
    "TransformerEncoder": (encoder, (2, 9, 64)),
}

ALL = {**VIDEO, **IMAGE, **{f"timm {name}": one for name, one in OF_TIMM.items()}, **OF_TORCH}


def grouped_backward(
    grad, x, weight, bias, stride, padding, dilation, transposed, pad, groups, wanted, out_shape=None, **_
):
    """FLOPs of a convolution's gradients; FlopCounterMode's own formula forgets groups."""
    places = x if transposed else grad
    return 2 * prod(weight) * places[0] * prod(places[2:]) * sum(wanted[:2])


def counted(model, inputs, backward=False):
    """Multiply-adds that PyTorch dispatches."""
    formulas = {torch.ops.aten.convolution_backward: grouped_backward}
    shapes = inputs if isinstance(inputs[0], tuple) else (inputs,)
    with warnings.catch_warnings(action="ignore"), FlopCounterMode(display=False, custom_mapping=formulas) as counter:
        output = model(*(torch.empty(shape, device="meta") for shape in shapes))
        if backward:
            sum(one.sum() for one in outputs(output)).backward()
            model.zero_grad()
    return counter.get_total_flops() // 2


def outputs(value):
    if isinstance(value, torch.Tensor):
        return [value]
    return [
        one
        for part in (value.values() if isinstance(value, dict) else value)
        if part is not None
        for one in outputs(part)
    ]


def numel(model):
    return sum(p.numel() for p in model.parameters())


@pytest.mark.parametrize("name", ALL)
def test_inference(name):
    make, inputs = ALL[name]
    model = hollow(make).eval().requires_grad_(False)  # FlopCounterMode follows modules by their gradients
    report = trace(model, inputs, convention="macs", strict=True)
    assert report.flops == counted(model, inputs)
    assert report.params == report.under("everything").params == numel(model)


@pytest.mark.parametrize(
    "name",
    [
        "r2plus1d_18",
        "mobilenet_v3",
        "googlenet",
        "inception",
        "segmentation",
        "pyramid",
        "timm resnext26ts",
        "timm test_nfnet",
        "timm swin_tiny_patch4_window7_224",
        "timm levit_128s",
        "Transformer",
    ],
)
def test_training(name):
    make, inputs = ALL[name]
    model = hollow(make).train()
    report = trace(model, inputs, convention="macs", strict=True, backward=True)
    assert report.flops == counted(model, inputs, backward=True)
    assert report.params == numel(model)
    assert report.rows == trace(model, inputs, convention="macs", fast=False, backward=True).rows


@pytest.mark.parametrize(
    "name",
    [
        "s3d",
        "mvit_v2_s",
        "convnext_tiny",
        "densenet",
        "timm resnetv2_50x1_bit",
        "timm xcit_nano_12_p16_224",
        "timm botnet26t_256",
        "TransformerEncoder",
    ],
)
def test_fast_is_slow(name):
    make, inputs = ALL[name]
    model = hollow(make).eval()
    fast, slow = (trace(model, inputs, convention="everything", fast=which) for which in (True, False))
    assert (fast.totals, fast.rows) == (slow.totals, slow.rows)
    assert replace(fast.coverage, free={}) == replace(slow.coverage, free={})


def test_parameters_that_nothing_uses_are_named():
    model = hollow(IMAGE["googlenet"][0]).eval()
    unused = trace(model, image(224)).coverage.unused
    assert set(unused) == {
        name for name, module in model.named_modules() if name.startswith("aux") and module._parameters
    }
    assert not trace(model.train(), image(224)).coverage.unused


@pytest.mark.parametrize("name", ["resnet50", "mobilenet_v3", "convnext_tiny"])
def test_fvcore_counts_the_same_convolutions(name):
    fvcore = pytest.importorskip("fvcore.nn")
    make, _ = IMAGE[name]
    with warnings.catch_warnings(action="ignore"), torch.no_grad():
        model = make().eval()
        analysis = fvcore.FlopCountAnalysis(model, torch.zeros(1, 3, 64, 64)).unsupported_ops_warnings(False)
        theirs = analysis.by_operator()
    report = trace(model, (1, 3, 64, 64), convention="macs")
    ours = {kind: sum(row.flops for row in report.rows if row.op == kind) for kind in ("conv", "linear")}
    assert ours == {"conv": theirs["conv"], "linear": theirs["linear"]}


def test_a_model_with_values_counts_as_one_without():
    make, inputs = IMAGE["mobilenet_v3"]
    assert trace(make(), inputs).rows == trace(hollow(make), inputs).rows


@pytest.mark.slow
@pytest.mark.parametrize("module", timm.list_modules()[::2])
def test_a_model_of_every_second_family(module):
    """The one with the shortest name among the smallest; all of timm takes half an hour."""
    sizes = ("atto", "femto", "pico", "nano", "tiny", "xxs", "small", "mini", "18", "_b0", "26")
    known = timm.list_models(module=module)
    if not known or module == "sequencer":  # whose recurrent layers take the other counter a quarter of a minute
        pytest.skip("no model, or a slow one")
    name = min(known, key=lambda one: (min([i for i, size in enumerate(sizes) if size in one] or [99]), len(one), one))
    model = hollow(of_timm(name)).eval().requires_grad_(False)
    inputs = (1, *model.pretrained_cfg.get("input_size", (3, 224, 224)))
    report = trace(model, inputs, convention="macs", strict=True)
    assert report.flops == counted(model, inputs)
    assert report.params == numel(model)
