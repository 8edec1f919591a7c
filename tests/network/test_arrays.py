"""One arithmetic: the same lines run on labelled arrays, and agree with ints element by element."""

import itertools

import numpy as np
import pytest
import xarray as xr

import csncost as cc
from csncost.costs.conventions.named import convention
from csncost.costs.count import tally
from csncost.costs.metrics import counted


def axis(name, values):
    return xr.DataArray(values, dims=name, coords={name: values})


def totals(spec, how="paper", **sizes):
    network = cc.to_network(spec, **sizes)
    return tally(network.graph, convention(how)), network.valid


CASES = [
    ("bottleneck-G-16", {"G": [1, 2, 3, 4, 7, 64, 128]}, {"frames": [1, 7, 8], "size": [33, 112, 225]}),
    ("simple-G-8", {"G": [1, 5, 64], "width": [0.5, 1, 1.3, 2]}, {"frames": [5, 16]}),
    ("simple-D-8", {"width": [1, 2, 3]}, {"classes": [10, 400]}),
    ("bottleneck-DG-8(expansion=e)", {"G": [1, 2, 64], "e": [1, 2, 4]}, {}),
    ("bottleneck-D-[b,2,c,1]", {"b": [1, 2, 5], "c": [1, 3]}, {"size": [64, 100]}),
    ("ip-CSN-26(stem_width=n)", {"n": [32, 64, 65]}, {}),
]


@pytest.mark.parametrize(("spec", "names", "setting"), CASES)
@pytest.mark.parametrize("how", ["paper", "everything"])
def test_arrays_agree_with_ints_element_by_element(spec, names, setting, how):
    swept = names | setting
    found, valid = totals(spec, how, **{name: axis(name, values) for name, values in swept.items()})
    valid = xr.DataArray(valid)
    seen = {True: 0, False: 0}
    for combination in itertools.product(*swept.values()):
        point = dict(zip(swept, combination, strict=True))
        here = bool(valid.sel({k: v for k, v in point.items() if k in valid.dims}))
        seen[here] += 1
        try:
            report = cc.analyze(spec, convention=how, **point)
        except cc.SpecError:
            assert not here, point
            continue
        assert here, point
        for metric, values in zip(counted(), found, strict=True):
            values = xr.DataArray(values)
            value = values.sel({k: v for k, v in point.items() if k in values.dims}).item()
            assert value == getattr(report, metric), (point, metric)
    assert seen[True]


ANYWHERE = [  # an array in every place where a size may stand
    "c 3x3x3, 8 / s",
    "c [3x3x3, 8 / s; 3x3x3, 8] x 2",
    "c [3x3x3, 8; 3x3x3, 8] x s",
    "c 3x3x3, 8, pad=s",
    "c 3x3x3, 8, dilation=s",
    "c (s)x3x3, 8",
    "c 3x3x3, 8, pad=same / s",
    "p max 3x3x3, ceil / s",
    "p max (s)x2x2 / s",
    "c 3x3x3, 6*s, groups=s",
    "c 3x3x3, 6*s, depthwise",
    "c [1x1x1, 3*s, optional; 3x3x3, depthwise / 2] x 2",
    "c 3x3x3, 8 / s x 1 x s",
    "c [3x3x3, 8*s, pad=0], shortcut=[3x3x3, 8*s, pad=0]",
    "p avg\nf 7*s",
    "c [3x3x3, s; 3x3x3, s] x 2, [3x3x3, 4 / s]",
    "c [3x3x3, 8*s], shortcut=projection",
    "c [3x3x3, 3*s] x 3, shortcut=[1x1x1, 3*s]",
    "c [3x3x3, 3*s / s] x 2, shortcut=[max s, pad=0; 1x1x1, 3*s]",
]


@pytest.mark.parametrize("layers", ANYWHERE)
@pytest.mark.parametrize("how", ["paper", "everything"])
def test_an_array_may_stand_wherever_a_size_may(layers, how):
    text = f"input 3x5x17x13\n{layers}\nfc 5"
    found, valid = totals(text, how, s=axis("s", [1, 2, 3]))
    for i, s in enumerate((1, 2, 3)):
        here = bool(np.broadcast_to(np.asarray(valid), 3)[i])
        try:
            report = cc.analyze(text, convention=how, s=s)
        except cc.SpecError:
            assert not here
            continue
        assert here
        assert [int(np.broadcast_to(np.asarray(values), 3)[i]) for values in found] == list(report.totals)


FLOATS = [0.1, 0.3, 0.5, 0.7, 1.1, 2.675, 4.35]  # floats times which comes out beside a whole number, or short of one

EXACT = [  # texts in which floats would lose what fractions keep
    "c 1x1x1, floor(10*w) + 1",
    "c 1x1x1, floor(100*w) + 1",
    "c 1x1x1, 1000*w",
    "c 1x1x1, ceil(200*w/2)",
    "c 1x1x1, 1 + w*1000 // 1",
    "c 1x1x1, 1 + 1000*w % 7",
    "c 1x1x1, round(10*w + (1/2))",
    "c 1x1x1, max(1, floor(3*w*(1/3)*10))",
    "c 1x1x1, (10 / (w*10) * w*20)",
    "c 1x1x1, floor((w + w + w) * 10)",
]


@pytest.mark.parametrize("layer", EXACT)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_floats_are_the_decimals_that_they_are_written_as(layer, dtype):
    text = f"input 3x4x6x6\n{layer}\nfc 5"
    array = axis("w", np.array(FLOATS, dtype))
    found, valid = totals(text, w=array)
    valid = np.broadcast_to(np.asarray(valid), len(FLOATS))
    for i, w in enumerate(array.values):
        try:
            params = cc.analyze(text, w=w).params
        except cc.SpecError:
            assert not valid[i]
        else:
            assert valid[i]
            assert xr.DataArray(found.params).broadcast_like(array).values[i] == params


def test_sizes_may_be_whole_floats_and_nothing_but_numbers():
    found, _ = totals("simple-8", frames=axis("frames", [4.0, 8.0]))
    assert found.flops.values.tolist() == [cc.analyze("simple-8", frames=n).flops for n in (4, 8)]
    with pytest.raises(cc.SpecError, match="not all finite"):
        totals("simple-8", width=axis("width", [0.5, np.nan]))
    with pytest.raises(cc.SpecError, match="an array of bool, not of numbers"):
        totals("simple-8", width=axis("width", [True, False]))


def test_what_ints_refuse_is_masked():
    _, valid = totals("bottleneck-G-16", G=axis("G", [1, 2, 3, 64, 65, 128]))
    assert valid.values.tolist() == [True, True, False, True, False, False]
    _, valid = totals("simple-8", width=axis("width", [0.3, 0.5]))
    assert valid.values.tolist() == [False, True]


def test_a_projection_that_only_some_designs_need_counts_only_there():
    text = "input 4x8x16x16\na [3x3x3, n; 3x3x3, n]\nfc 5"
    found, _ = totals(text, n=axis("n", [2, 4, 8]))
    assert found.params.values.tolist() == [cc.analyze(text, n=n).params for n in (2, 4, 8)]
    optional = "input 4x8x16x16\na [1x1x1, n, optional; 3x3x3, depthwise], shortcut=none\nfc 5"
    found, _ = totals(optional, n=axis("n", [2, 4, 8]))
    assert found.params.values.tolist() == [cc.analyze(optional, n=n).params for n in (2, 4, 8)]


def test_numpy_scalars_are_numbers_and_do_not_overflow():
    report = cc.analyze("simple-8", frames=np.int32(8), size=np.int16(224), classes=np.uint8(200), width=np.int64(2))
    assert type(report.flops) is int
    assert report.flops == cc.analyze("simple-8", classes=200, width=2).flops
    big = cc.analyze("simple-8", width=np.int32(2000), size=np.int32(10_000))
    assert big.flops == cc.analyze("simple-8", width=2000, size=10_000).flops > 2**63
