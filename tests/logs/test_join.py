"""Logged accuracies join the designs of a space by what the networks are, and what joins none is listed."""

import json
import math
import os
import random
import statistics
from dataclasses import replace

import pandas as pd
import pytest
from click.testing import CliRunner

import csncost as cc
from csncost.cli.main import main
from csncost.costs.metrics import counted
from csncost.errors import CsncostError
from csncost.logs.join import ACCURACY
from csncost.spaces.study import explore


@pytest.fixture
def log(tmp_path):
    def write(rows, header="spec,top1"):
        path = tmp_path / "log.csv"
        path.write_text("\n".join([header, *rows]) + "\n", "utf-8")
        return path

    return write


def joined(found):
    """What is joined to each design."""
    return {row["spec"]: row["accuracy"] for row in found if row["runs"]}


def test_any_spelling_finds_its_design_and_runs_are_counted(log):
    written = cc.show("bottleneck-DG2-8").replace('"', '""')
    path = log(
        [
            "ir-CSN-50,1,70.3",
            "bottleneck-D-16,2,70.9",
            "IR-csn-50@32x224,3,71.1",
            f'"{written}",,50.5',
            "ip-CSN-50,,70.8",
        ],
        "spec,seed,top1",
    )
    found = cc.study([1, 2, 4]).with_accuracy(path)
    assert joined(found) == {
        "bottleneck-D-16": pytest.approx(70.6),
        "bottleneck-DG1-16": pytest.approx(70.6),
        "bottleneck-DG2-8": 50.5,
    }
    row = next(row for row in found if row["spec"] == "bottleneck-D-16")
    assert (row["accuracy_spread"], row["runs"], row["seeds"]) == (
        pytest.approx(statistics.stdev([70.3, 70.9])),
        2,
        "1, 2",
    )
    assert any("ip-CSN-50" in note for note in found.notes)
    assert [result.spec for result in found.joined.elsewhere] == ["IR-csn-50@32x224", "ip-CSN-50"]


def test_the_paper_joins_its_own_study_as_specs_do_one_by_one():
    found = cc.study().with_accuracy("paper")
    paper = cc.read_log("paper")
    one_by_one = paper.join(found.columns["spec"])
    assert found.columns["accuracy"] == [
        one_by_one.found[i].mean if i in one_by_one.found else None for i in range(len(found))
    ]
    assert found.joined.setting == one_by_one.setting
    row = next(row for row in found if row["spec"] == "bottleneck-8")
    assert [row[name] for name in ACCURACY] == [65.3, None, 1, "", "Kinetics-400", "video@1", "", "3x8x224x224"]


SPACES = [
    (["bottleneck-G-16"], [1, 2, 3, 4], None, {"width": [0.5, 1], "frames": [8, 16]}),
    (["bottleneck-G-16"], [2, 4], None, {"size": [112, (112, 160)], "classes": 10, "convention": "fvcore"}),
    (["simple-8", "bottleneck-D-8(classes=10)"], None, [8, "[1,2,1,1]"], {"stem_width": [32, 64]}),
    (["ir-CSN-26"], None, None, {"block": ["bottleneck", "bottleneck_D"], "classes": [10, 400], "width": 0.5}),
    ([], [1, 2], [8], {"width": [0.5, 1], "size": [112]}),
    (["input 4x8x16x16\na 3x3x3, 4*n, groups=g\navg avg\nfc 5"], None, None, {"n": [1, 2], "g": [1, 2, 3]}),
    (["input 4 x T x S x S\na 3x3x3, 8\navg avg\nfc 5"], None, None, {"frames": [4, 8], "size": [16, 32]}),
    (["n = 3; bottleneck-G-8(width=n)"], [1, 2], None, {"n": [1, 2], "frames": [4, 8]}),
    (["simple-8", "bottleneck-D-8@16x112"], None, [8, "[1,2,1,1]"], {"size": [64, (64, 96)]}),
    (["simple-8"], None, None, {"T": [4, 8], "H": 64, "width": ["1/2", 1.25]}),
]  # fmt: skip


@pytest.mark.parametrize("space", range(len(SPACES)))
def test_the_spec_of_a_row_says_all_of_it(space):
    specs, groups, blocks, given = SPACES[space]
    found = explore(specs, groups, blocks, **given)
    assert len(found) > 1
    for i, row in enumerate(found):
        report = cc.analyze(row["spec"], convention=given.get("convention", "paper"))
        assert report.canonical == cc.analyze(found.specs[i], **found.arguments(i)).canonical
        assert [row[metric] for metric in counted()] == list(report.totals)


@pytest.mark.parametrize("space", range(len(SPACES)))
def test_a_log_of_written_out_designs_joins_each_to_itself(space, log):
    """Every second design, written out; equal designs share an accuracy, and a clip that is stated must be met."""
    specs, groups, blocks, given = SPACES[space]
    found = explore(specs, groups, blocks, **given)
    canonical = [cc.analyze(row["spec"]).canonical for row in found]
    chosen = random.Random(space).sample(sorted(set(canonical)), (len(set(canonical)) + 1) // 2)
    path = log([f'"{text}",{10 + i}' for i, text in enumerate(chosen)])
    rows = list(found.with_accuracy(path))
    same = {text: 10 + i for i, text in enumerate(chosen)}
    if "classes" in given and isinstance(given["classes"], list):  # classes do not tell networks apart
        assert all(row["accuracy"] is not None for row, text in zip(rows, canonical, strict=True) if text in same)
    else:
        assert [row["accuracy"] for row in rows] == [same.get(text) for text in canonical]


def test_a_clip_that_a_log_leaves_out_is_any(log):
    found = explore(["bottleneck-G-16"], [2, 4], None, frames=[8, 16]).with_accuracy(log(["bottleneck-G4-16,60"]))
    assert joined(found) == {"bottleneck-G4-16@8x224": 60, "bottleneck-G4-16@16x224": 60}
    assert found.notes[-1] == "logged without a clip, so taken for every clip: bottleneck-G4-16"
    found = found.with_accuracy(log(["bottleneck-G4-16@16x224,61", "bottleneck-G4-16,60", "bottleneck-G2-16@8x112,50"]))
    assert joined(found) == {"bottleneck-G4-16@8x224": 60, "bottleneck-G4-16@16x224": 61}
    assert found.joined.setting.clip == ""  # it varies
    assert [result.spec for result in found.joined.elsewhere] == ["bottleneck-G2-16@8x112"]


def test_classes_that_a_log_states_are_a_setting_of_their_own(log):
    path = log(["ir-CSN-50(classes=174),50", "ir-CSN-50,70", "bottleneck-D-8(classes=174),40"])
    assert [(result.mean, result.setting.classes) for result in cc.read_log(path).results] == [
        (50, "174"),
        (70, ""),
        (40, "174"),
    ]
    assert joined(cc.study([1], [16]).with_accuracy(path)) == {"bottleneck-D-16": 70, "bottleneck-DG1-16": 70}
    assert joined(explore(["ir-CSN-50"], None, None, classes=[174, 400]).with_accuracy(path)) == {
        "bottleneck-D-16(classes=174)": 50,
        "bottleneck-D-16": 70,
    }
    both = joined(cc.study([1], [8, 16]).with_accuracy(path))  # of one class count, most designs
    assert both == {"bottleneck-D-8": 40, "bottleneck-DG1-8": 40, "bottleneck-D-16": 50, "bottleneck-DG1-16": 50}


@pytest.mark.parametrize("space", range(len(SPACES)))
@pytest.mark.parametrize("brief", [False, True])
def test_a_sweep_is_a_log_of_its_designs(space, brief, tmp_path):
    """A table of designs with accuracies written into it joins the same space, each row to its own design."""
    specs, groups, blocks, given = SPACES[space]
    found = explore(specs, groups, blocks, **given)
    found = replace(found, brief=brief)
    path = tmp_path / "designs.csv"
    with path.open("w", newline="") as file:
        found.write_csv(file)
    frame = pd.read_csv(path)
    frame["top1"] = range(10, 10 + len(frame))
    frame.to_csv(path, index=False)
    log = cc.read_log(path)
    assert not log.unread
    assert len(log.records) == len({row["spec"] for row in found}) == len(found)
    rows = list(found.with_accuracy(path))
    alike = {}  # networks with two names in a study share their runs
    for row, text in zip(rows, [cc.analyze(row["spec"]).canonical for row in rows], strict=True):
        alike.setdefault(text, []).append(row)
    for group in alike.values():
        assert {row["accuracy"] for row in group} == {statistics.mean(10 + rows.index(row) for row in group)}


def test_columns_of_a_log_that_are_parameters_are_applied(log):
    rows = [
        "bottleneck-G-16,2,8,112,0.5,50",
        "bottleneck-G-16,4,16,112x160,,60",
        "bottleneck-G-16,4,16,large,,60",
        "bottleneck-G-16,4,8,112,x,60",
        "bottleneck-G4-16@8x112,4,8,112,1,61",
    ]
    found = cc.read_log(log(rows, "spec,groups,frames,size,width,top1"))
    assert [(r.spec, r.setting.clip, r.mean) for r in found.results] == [
        ("bottleneck-G2-16@8x112(width=0.5)", "3x8x112x112", 50),
        ("bottleneck-G4-16@16x112x160", "3x16x112x160", 60),
        ("bottleneck-G4-16@8x112", "3x8x112x112", 61),
    ]
    other = cc.read_log(log(["simple-8,x,3,50", "simple-8,,3,51"], "spec,block,loss,top1"))  # a loss is no parameter
    assert ([r.mean for r in other.results], [line.why for line in other.unread]) == (
        [51],
        ['expected a size, not "x"'],
    )
    assert [line.why for line in found.unread] == ["size is no whole number, nor HxW", 'expected a size, not "x"']


def test_a_network_without_classes_joins_none_of_another_count(log):
    text = "input 3x8x32x32\na 3x3x3, 8*n\n"
    found = explore([text], None, None, n=[1, 2]).with_accuracy(
        log(["simple-8,20", f'"{text}fc 5",30', f'"{text.replace("8*n", "16")}",40'])
    )
    assert found.columns["accuracy"] == [None, 40]


@pytest.mark.parametrize("specs", [[], ["bottleneck-G-16"]], ids=["study", "space"])
def test_files_hold_the_accuracies(specs, tmp_path, log):
    pandas, xarray = pytest.importorskip("pandas"), pytest.importorskip("xarray")
    path = log(["bottleneck-G4-16,70", "bottleneck-G4-16,72", "ip-CSN-26,60"])
    outputs = [tmp_path / f"out.{suffix}" for suffix in ("csv", "json", "nc", "parquet")]
    for output in outputs:
        done = CliRunner().invoke(
            main, ["sweep", *specs, "--groups", "1,3,4", "--accuracy", str(path), "-o", str(output)]
        )
        assert done.exit_code == 0, done.output
        assert "ip-CSN-26" in done.stderr
    frames = [
        pandas.read_csv(outputs[0]),
        pandas.DataFrame(json.loads(outputs[1].read_text())["designs"]),
        pandas.read_parquet(outputs[3]),
    ]
    for frame in frames:
        found = frame[frame.accuracy.notna()]
        assert found.accuracy.tolist() == [71]
        assert found.accuracy_spread.tolist() == [pytest.approx(math.sqrt(2))]
        assert found.runs.tolist() == [2]
        assert len(frame) > 1
    assert json.loads(outputs[1].read_text())["unmatched"][0]["spec"] == "ip-CSN-26"
    with xarray.open_dataset(outputs[2]) as dataset:
        assert dataset.accuracy.sum() == 71
        assert dataset.accuracy.count() == 1
        assert (
            dataset.accuracy.sel(G=4) if specs else dataset.accuracy[dataset.spec == "bottleneck-G4-16"]
        ).max() == 71


def test_people_see_accuracies_and_the_spread_only_where_there_is_one(log):
    one = cc.study([2], [8]).with_accuracy("paper").table()
    assert [c.title for c in one.shown][-1] == "accuracy %"
    several = cc.study([2], [8]).with_accuracy(log(["simple-8,50", "simple-8,52"])).table()
    assert several.texts(several.rows[0])[-3:] == ["51.0", "1.4", "2"]


@pytest.mark.parametrize(
    "arguments",
    [
        ["--accuracy", "missing.csv"],
        ["--accuracy", "paper", "--metric", "speed"],
        ["--accuracy", "paper", "--select", "worst"],
        ["--accuracy", "paper=simple-8"],
        ["--accuracy", ""],
        ["--accuracy", "/"],
    ],
)
def test_a_log_that_is_none_is_one_clear_error(arguments, tmp_path):
    done = CliRunner().invoke(main, ["sweep", "--groups", "2", *arguments, "-o", str(tmp_path / "out.csv")])
    assert done.exit_code == 2, done.output
    assert done.stderr.startswith("error: ")
    assert list(tmp_path.iterdir()) == []


def test_a_log_of_other_networks_joins_nothing(log):
    found = cc.study([2], [8]).with_accuracy(log(["ir-CSN-152,70"]))
    assert set(found.columns["accuracy"]) == {None}
    assert any("0 of 7 designs" in note for note in found.notes), found.notes
    with pytest.raises(CsncostError):
        found.with_accuracy(7)


def test_a_file_that_was_changed_is_spelt_as_it_is_now(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for frames in (8, 16):
        (tmp_path / "mine.csn").write_text(f"input 3x{frames}x32x32\na 3x3x3, 8*n\navg avg\nfc 5\n", "utf-8")
        os.utime("mine.csn", ns=(frames, frames))
        found = explore(["mine.csn"], None, None, n=[1, 2], size=[32, 64])
        assert found.columns["spec"][-1] == f"mine.csn@{frames}x64(n=2)"
        assert [cc.analyze(row["spec"]).flops for row in found] == [row["flops"] for row in found]
