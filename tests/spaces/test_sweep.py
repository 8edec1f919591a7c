"""A design space is what `analyze` says of each of its designs, and says so at once."""

import json
import random
import sys
from fractions import Fraction

import numpy as np
import pandas
import pytest
from click.testing import CliRunner

import csncost as cc
import csncost.errors
from csncost.cli.main import main
from csncost.costs.metrics import counted
from csncost.spaces import ranges

WRITTEN = """
input 3 x T x S x S
c1 3x7x7, 8*n / 1x2x2
p max 1x3x3 / 1x2x2
c2 [3x3x3, 16*n, groups=g / 2; 1x1x1, m] x b
avg avg
fc classes
"""
OPTIONAL = "input 4x8x16x16\na [1x1x1, n, optional, groups=g; 3x3x3, depthwise] x b\nfc 5"
FRACTIONS = "input 3x8x32x32\na 3x3x3, floor(n*w)\nb 3x3x3, round(n/m) / s\nc 3x3x3, max(n, 7*m), groups=m\nfc (5*m/3)"

KNOBS = {
    "frames": [1, 2, 7, 8, 16, 31, 32, 0],
    "size": [16, 33, 64, 112, 160, 224, 225, (64, 96), (112, 160), (1, 7)],
    "classes": [1, 10, 174, 400, 487],
    "G": [1, 2, 3, 4, 7, 8, 16, 32, 64, 65, 128, 0, -1],
    "width": [0.25, 0.5, 0.29, 1, 1.5, 2, 3, Fraction(1, 3), 1.0000001],
    "expansion": [1, 2, 3, 4, 0.5],
    "blocks": [4, 8, 16, 5, [1, 2, 1, 1], "[2,2,1,1]"],
    "kernel": [1, 3, 5, "1x3x3", "3x1x1"],
    "stem_width": [3, 32, 64],
    "in_channels": [1, 3, 4],
    "n": [1, 2, 3, 4, 8, 20_000],
    "m": [1, 3, 5, 8, 16, 64],
    "g": [1, 2, 3, 4, 16],
    "b": [1, 2, 3, 6, 300_000],
    "w": [0.29, 0.5, 1.5, Fraction(1, 3), 2],
    "s": [1, 2, 3, 40],
    "block": ["bottleneck", "bottleneck_D", "bottleneck_ip"],
    "T": [4, 5, 8],
    "S": [20, 32, 57],
}  # fmt: skip

PAPER = ("frames", "size", "classes", "width", "expansion", "blocks", "kernel", "stem_width", "in_channels")
SPECS = [
    (["bottleneck-G-16", "bottleneck-DG-8", "simple-G-8"], ("G", *PAPER), ("G",)),
    (["bottleneck-G-16", "bottleneck-DG-8"], ("G", *PAPER), ("G",)),
    (["simple-8", "bottleneck-D-16", "ip-CSN-26", "simple-D-8"], tuple(k for k in PAPER if k != "expansion"), ()),
    (["ir-CSN-50", "bottleneck-16"], ("block", *PAPER), ()),
    ([WRITTEN], ("n", "m", "g", "b", "classes", "T", "S"), ("n", "m", "g", "b")),
    ([WRITTEN], ("n", "m", "g", "b", "classes", "frames", "size"), ("n", "m", "g", "b")),
    ([OPTIONAL], ("n", "g", "b", "frames", "classes"), ("n", "g", "b")),
    ([FRACTIONS], ("n", "m", "w", "s", "frames", "size"), ("n", "m", "w", "s")),
]  # fmt: skip


def random_space(rng):
    specs, knobs, needed = rng.choice(SPECS)
    specs = rng.sample(specs, rng.randint(1, len(specs)))
    swept = {*needed, *rng.sample(knobs, rng.randint(1, min(4, len(knobs))))}
    values = {}
    for name in sorted(swept):
        values[name] = rng.sample(KNOBS[name], rng.randint(1, len(KNOBS[name])))
        if rng.random() < 0.2 and not isinstance(values[name][0], list):
            values[name] = values[name][0]
    return specs if len(specs) > 1 or rng.random() < 0.3 else specs[0], values


def points(rng, specs, values, count):
    """Random designs of a space: where each value is in its list, the spec, and what `analyze` takes."""
    for _ in range(count):
        at = {name: rng.randrange(len(some)) for name, some in values.items() if isinstance(some, list)}
        given = {name: some[at[name]] if name in at else some for name, some in values.items()}
        spec = specs
        if isinstance(specs, list):
            at["spec"] = rng.randrange(len(specs))
            spec = specs[at["spec"]]
        yield at, spec, given


def analysed(spec, given, convention):
    try:
        return list(cc.analyze(spec, convention=convention, **given).totals)
    except cc.SpecError:
        return None


def check_space(seed, count=40):
    """Check random designs of a random space; return how many were legal and how many not."""
    rng = random.Random(seed)
    specs, values = random_space(rng)
    convention = rng.choice(["paper", "paper", "everything", "thop"])
    try:
        found = cc.sweep(specs, convention=convention, **values)
    except cc.SpecError:
        several = specs if isinstance(specs, list) else [specs]
        none = [all(analysed(s, g, convention) is None for _, _, g in points(rng, s, values, count)) for s in several]
        assert any(none), (specs, values)
        return 0, count
    arrays = {str(name): values.values for name, values in found.items()}
    seen = [0, 0]
    for at, spec, given in points(rng, specs, values, count):
        here = {name: values[tuple(at[str(dim)] for dim in found[name].dims)] for name, values in arrays.items()}
        said = analysed(spec, given, convention)
        assert here["valid"] == (said is not None), (spec, given)
        assert [here[metric] for metric in counted()] == (said or [0, 0, 0, 0]), (spec, given)
        seen[said is None] += 1
    return tuple(seen)


@pytest.mark.slow
@pytest.mark.parametrize("part", range(7))
def test_random_designs_of_random_spaces_are_what_analyze_says(part):
    legal = illegal = 0
    for seed in range(40):
        a, b = check_space(1000 * part + seed)
        legal, illegal = legal + a, illegal + b
    assert legal + illegal >= 1_500
    assert legal >= 200


def test_a_list_is_a_dimension_and_any_other_value_is_fixed():
    found = cc.sweep("bottleneck-G-16", G=[1, 2, 4, 3], frames=[8, 16], size=(112, 160), blocks="[1,2,1,1]")
    assert dict(found.sizes) == {"G": 4, "frames": 2}
    assert found["G"].values.tolist() == [1, 2, 4, 3]
    assert all(found[metric].dtype == "int64" for metric in counted())
    assert found["valid"].dtype == bool
    assert not found["valid"].sel(G=3).any()
    same = cc.analyze("bottleneck-G4-[1,2,1,1]", frames=16, size=(112, 160))
    assert int(found["flops"].sel(G=4, frames=16)) == same.flops


@pytest.mark.parametrize("values", [range(1, 5), (1, 2, 3, 4), np.arange(1, 5, dtype=np.int8)])
def test_values_may_come_in_any_sequence(values):
    assert cc.sweep("simple-G-8", G=values)["params"].equals(cc.sweep("simple-G-8", G=[1, 2, 3, 4])["params"])


def test_several_specs_are_a_dimension_too():
    found = cc.sweep(["simple-8", "bottleneck-8"], frames=[8, 16])
    assert found["spec"].values.tolist() == ["simple-8", "bottleneck-8"]
    assert int(found["flops"].sel(spec="bottleneck-8", frames=8)) == cc.analyze("bottleneck-8").flops


def test_sizes_may_be_pairs_and_structures_words():
    found = cc.sweep("ir-CSN-26", size=[112, (112, 160)], block=["bottleneck", "bottleneck_D"])
    assert found["size"].values.tolist() == ["112x112", "112x160"]
    assert (
        int(found["flops"].sel(size="112x160", block="bottleneck")) == cc.analyze("bottleneck-8", size=(112, 160)).flops
    )


def test_how_it_was_counted_is_stamped():
    found = cc.sweep("simple-G-8", G=[1, 2], size=[112, 224], convention="flops", classes=10)
    assert found.attrs["convention"] == "flops"
    assert (found.attrs["clip"], found.attrs["classes"], found.attrs["views"]) == ("3x8xsizexsize", 10, 1)
    assert cc.sweep(["simple-8", "simple-8@16x64"]).attrs["clip"] == "varies"


@pytest.mark.parametrize(("spec", "values", "message"), [
    ("simple-8", {"frames": []}, "frames has no values"), ("simple-G-8", {"G": [1, 1]}, "G has 1 twice"),
    ("simple-G-8", {"G": {1: 2}}, "a list of values"),
    ("simple-8", {"frames": [8.0]}, "whole numbers"), ("simple-8", {"size": [(1, 2, 3)]}, "pairs"),
    ("simple-8", {"frames": range(2**40)}, "too many"),
    ("simple-G-8", {"G": iter([1])}, "a list of values"), ([], {}, "takes a spec"),
    (["simple-8", "simple-8"], {}, "given twice"), ("simple-8", {"G": [1, 2]}, "no effect"),
    ("simple-8", {"wdth": [1, 2]}, "no parameter"), ("simple-G-8", {"frames": [8]}, "needs a value"),
    ("simple-8", {"blocks": [5, 6]}, "blocks cannot be 5"),
    ("input 3x8x8x8\nc 3x3x3, valid\nfc 4", {"valid": [1]}, "name of the result"),
    ("simple-8", {"width": range(1, 2**14), "frames": range(1, 2**15)}, "designs"),
    ("simple-8", {"width": [1, 10**5], "size": [10**6]}, "more than 64-bit integers hold"),
    ("simple-8", {"block": ["simple", "("]}, "expected"),
    ("simple-8", {"G": [1], "convention": "x"}, "unknown convention"),
])  # fmt: skip
def test_what_cannot_be_swept_is_said(spec, values, message):
    with pytest.raises(cc.CsncostError, match=message.replace("(", r"\(")):
        cc.sweep(spec, **values)


def test_no_total_wraps_around_up_to_the_last_bit():
    spec = "input 1x1x1x1\nfc n, bias=no"
    most = 2**31 - 1
    assert int(cc.sweep(spec, n=[most])["params"][0]) == most
    for size, frames, fits in ((2**20, 2**20, True), (2**21, 2**21, False)):
        values = {"w": [1, 2], "frames": [1, frames], "size": [1, size]}
        text = "input 1 x T x S x S\nc 1x1x1, w\navg avg\nfc 1"
        if fits:
            found = cc.sweep(text, **values)
            assert int(found["flops"][1, 1, 1]) == cc.analyze(text, w=2, frames=frames, size=size).flops
        else:
            with pytest.raises(cc.CsncostError, match="64-bit"):
                cc.sweep(text, **values)


def test_intermediate_sizes_do_not_wrap_around():
    text = "input 3x8x8x8\nc 3x3x3, n*n*n*n*n % 1000 + 1\nfc 5"
    assert not cc.sweep(text, n=[2**31 - 1])["valid"].any()  # a number of absurd size, as analyze says
    with pytest.raises(cc.SpecError):
        cc.analyze(text, n=2**31 - 1)


def test_a_big_space_is_spread_once():
    found = cc.sweep(
        "bottleneck-G-16", G=range(1, 65), width=range(1, 9), frames=range(1, 41), size=list(range(32, 72))
    )
    assert found["flops"].size == 819_200
    rng = random.Random(5)
    for at, spec, given in points(
        rng, "bottleneck-G-16", {name: found[name].values.tolist() for name in found.dims}, 200
    ):
        said = analysed(spec, given, "paper")
        assert [int(found[metric].isel(at)) for metric in counted()] == (said or [0] * 4)


def test_a_space_is_written_to_files(tmp_path):
    xarray = pytest.importorskip("xarray")
    found = cc.sweep(["simple-G-8", "bottleneck-G-8"], G=[1, 2, 3], size=[64, (64, 96)])
    frame = found.to_dataframe()
    assert len(frame) == 12
    frame.to_csv(tmp_path / "x.csv")
    pytest.importorskip("netCDF4")
    found.to_netcdf(tmp_path / "x.nc", engine="netcdf4")
    with xarray.open_dataset(tmp_path / "x.nc", engine="netcdf4") as again:
        assert again["flops"].equals(found["flops"])
        assert again["valid"].dtype == bool


def test_every_row_of_the_paper_study_is_a_spec():
    found = cc.study(range(1, 5), frames=[8, 16], size=[64, (64, 96)], width=[1, Fraction(1, 2), 0.3], classes=10)
    assert len(found) == 2 * 2 * 2 * 2 * (2 * (1 + 3 + 1) + 3)
    for row in found:
        report = cc.analyze(row["spec"])
        assert list(report.totals) == [row[metric] for metric in counted()]
        assert report.name == row["spec"]
    lists = cc.study([2], ["[3,4,6,3]", [1, 2, 1, 1]], classes=[10, 20])
    assert [row["spec"] for row in lists][:2] == ["simple-16(classes=10)", "simple-16(classes=20)"]
    assert all(cc.analyze(row["spec"]).name == row["spec"] for row in lists)
    assert found.refused
    assert "do not divide into 3 groups" in found.notes[0]


def run(*args):
    return CliRunner().invoke(main, ["sweep", *args])


def test_the_command_sweeps_the_paper_study():
    done = run("--groups", "1..8", "--format", "json")
    assert done.exit_code == 0
    designs = json.loads(done.stdout)["designs"]
    assert [d["spec"] for d in designs if d["blocks"] == 8][:6] == [
        "simple-8",
        "simple-G1-8",
        "simple-G2-8",
        "simple-G4-8",
        "simple-G8-8",
        "simple-D-8",
    ]
    assert {(d["family"], d["kind"]) for d in designs} >= {("simple", "D"), ("bottleneck", "DG")}
    assert all(d["flops"] == cc.analyze(d["spec"]).flops for d in designs)
    assert done.stderr.count("left out groups 3, 5, 6, 7") == 1


@pytest.mark.parametrize("args", [
    ["--groups", "9..3"], ["--groups", ""], ["--groups", ","], ["--groups", "1..2,"], ["--groups", "1..999999999999"],
    ["--groups", "1..4:0"], ["--groups", "1.."], ["--groups", "-3"],
    ["--frames", "0"], ["--frames", "8.5"], ["--size", "12x"], ["--width", "0.3"], ["--blocks", "5"],
    ["-p", "G=1..4"], ["-p", "G"], ["-p", "=3"], ["-p", "wdth=1,2"], ["simple-8", "--groups", "1..4"],
    ["bottleneck-G-16", "--groups", "3"], ["botleneck-8"], ["--format", "netcdf"], ["--convention", "x"],
    ["--groups", "1..1000000", "--frames", "1..1000000"], ["-p", "frames=3"],
])  # fmt: skip
def test_what_cannot_be_read_or_swept_is_one_clear_error(args):
    done = run(*args)
    assert done.exit_code == 2, done.output
    assert "Traceback" not in done.output
    assert "error" in done.stderr.lower()


def test_specs_are_swept_over_what_is_given():
    done = run(
        "bottleneck-G-16",
        "--groups",
        "1..4",
        "--frames",
        "8,16",
        "--size",
        "112..160:16,112x160",
        "-p",
        "stem_width=32,64",
        "--format",
        "csv",
    )
    assert done.exit_code == 0
    lines = done.stdout.splitlines()
    assert (
        lines[0]
        == "spec,G,stem_width,frames,size,params,flops,interactions,activations,depth,convention,clip,classes,views"
    )
    assert len(lines) == 1 + 3 * 2 * 2 * 5
    same = cc.analyze("bottleneck-G2-16", frames=16, size=(112, 160), stem_width=32)
    numbers = ",".join(map(str, [*same.totals, same.depth]))
    name = "bottleneck-G2-16@16x112x160(stem_width=32)"
    assert f"{name},2,32,16,112x160,{numbers},paper,3x16x112x160,400" in done.stdout


@pytest.mark.parametrize("suffix", ["csv", "json", "nc", "parquet", "md", "tex", "html", "txt"])
@pytest.mark.parametrize("spec", [[], ["bottleneck-G-8"]])
def test_a_file_holds_every_design(tmp_path, suffix, spec):
    pytest.importorskip({"nc": "netCDF4", "parquet": "pyarrow"}.get(suffix, "xarray"))
    path = tmp_path / f"x.{suffix}"
    done = run(*spec, "--groups", "1..64", "--frames", "8,16", "-o", str(path))
    assert done.exit_code == 0, done.output
    assert path.stat().st_size > 500
    assert list(tmp_path.iterdir()) == [path]
    if suffix == "csv":
        assert len(path.read_text().splitlines()) == 1 + (14 if spec else 100)
    if suffix == "parquet":
        assert len(pandas.read_parquet(path)) == (14 if spec else 100)


def test_a_file_that_cannot_be_written_is_said(tmp_path):
    assert run("--groups", "1..4", "-o", str(tmp_path / "no" / "x.nc")).exit_code == 2


@pytest.mark.parametrize(("text", "found"), [
    ("1..4", [1, 2, 3, 4]), ("4", [4]), ("112..160:16", [112, 128, 144, 160]),
    ("1..4,8,4..12:4", [1, 2, 3, 4, 8, 12]), ("0.5..1.5:0.5", [Fraction(1, 2), 1, Fraction(3, 2)]),
    (" 1 .. 3 , 7 ", [1, 2, 3, 7]), ("1..10:4", [1, 5, 9]), ("3..3", [3]),
])  # fmt: skip
def test_ranges(text, found):
    assert ranges.values(text, "x") == found
    assert ranges.sizes(text, "x") == found
    assert ranges.anything(text, "x") == found


def test_lists_and_words_are_values_too():
    assert ranges.anything("8,[3,4,6,3],1x3x3,bottleneck_D", "x") == [8, "[3,4,6,3]", "1x3x3", "bottleneck_D"]
    assert ranges.sizes("112,128x171", "x") == [112, (128, 171)]


def test_without_xarray_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "xarray", None)
    with pytest.raises(cc.errors.MissingExtra, match=r"csncost\[arrays\]"):
        cc.sweep("simple-8", frames=[8])
    assert run("simple-G-8", "--groups", "1..4").exit_code == 2
    assert run("--groups", "1..4").exit_code == 0  # few designs are counted one by one


@pytest.mark.parametrize("study", [
    {"groups": range(1, 65)}, {"groups": [3, 4, 0, -1, 2**40], "blocks": [8, 5, [1, 2, 1, 1]]},
    {"groups": [2], "width": [0.5, 1, "1/3"], "convention": "fvcore"},
    {"groups": [2, 4], "frames": [8, 16]}, {"groups": [1], "size": (112, 160), "classes": 7}, {"groups": [7]},
    {"groups": [1], "classes": [5]}, {"groups": [2, 2**70], "width": [1, 1e300]},
])  # fmt: skip
def test_few_designs_one_by_one_are_what_arrays_say(study, monkeypatch):
    one_by_one = cc.study(**study)
    monkeypatch.setattr("csncost.spaces.one_by_one.FEW", 0)
    arrays = cc.study(**study)
    assert (one_by_one.rows, one_by_one.stamp) == (arrays.rows, arrays.stamp)
    assert (one_by_one.refused, one_by_one.notes) == (arrays.refused, arrays.notes)


@pytest.mark.parametrize("study", [
    {"groups": [2, 2]}, {"blocks": [5]}, {"width": ["1/3"]}, {"groups": ["x"]}, {"nonsense": [1]},
    {"groups": [2], "block": ["simple", "bottleneck"]},
])  # fmt: skip
def test_few_designs_are_refused_as_many_are(study, monkeypatch):
    def outcome():
        try:
            return cc.study(**study).rows
        except cc.CsncostError as error:
            return str(error)

    one_by_one = outcome()
    monkeypatch.setattr("csncost.spaces.one_by_one.FEW", 0)
    assert one_by_one == outcome()


def test_groups_of_a_spec_are_its_free_name_too():
    named, option = run("bottleneck-G-16", "-p", "G=1..4"), run("bottleneck-G-16", "--groups", "1..4")
    assert (named.exit_code, named.stdout) == (0, option.stdout)
    for given in (["-p", "G=1..4"], ["bottleneck-G-16", "-p", "G=1..4", "--groups", "2"]):
        refused = run(*given)
        assert (refused.exit_code, refused.stderr) == (2, "error: -p does not set G\n  use --groups\n")


def test_a_combination_that_is_no_network_is_named_with_the_reason():
    refused = run("bottleneck-G-16", "--groups", "1..4", "--width", "0.5,1").stderr
    instance = "for instance G=3, width=0.5: 32 channels do not divide into 3 groups"
    assert refused == f"left out as no network: 2 of 8 combinations, {instance}\n"
