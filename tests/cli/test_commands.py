"""The command line as a person uses it: outputs, exit codes, messages."""

import csv
import io
import json
import os
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest
from click.testing import CliRunner

import csncost as cc
from csncost.cli.main import main
from csncost.costs.report import LEVELS
from csncost.table import FORMATS

METRICS = ("params", "flops", "interactions", "activations")
COMMANDS = [
    ["analyze", "ir-CSN-26"], ["compare", "ResNet3D-26", "ir-CSN-26"], ["list"], ["reproduce", "fig6"],
    ["reproduce", "fig7"], *(["reproduce", f"table{i}"] for i in range(1, 7)),
]  # fmt: skip


def run(*args, stdin=None, code=0):
    result = CliRunner().invoke(main, list(args), input=stdin)
    assert result.exit_code == code, result.output
    assert "Traceback" not in result.output
    return result


def test_analyze_json_has_the_keys_that_others_rely_on():
    out = json.loads(run("analyze", "bottleneck-D-16", "--format", "json", "--views", "10").stdout)
    assert out["clip"] == {"channels": 3, "frames": 8, "height": 224, "width": 224}
    assert (out["spec"], out["name"], out["convention"], out["classes"], out["views"]) == (
        "bottleneck-D-16",
        "bottleneck-D-16",
        "paper",
        400,
        10,
    )
    assert out["aliases"] == ["ir-CSN-50"]
    assert (
        json.loads(
            run(
                "analyze", "ir-CSN-50@32x256(classes=10)", "--frames", "8", "--classes", "20", "--format", "json"
            ).stdout
        )["name"]
        == "bottleneck-D-16@8x256(classes=20)"
    )
    row = out["rows"][1]
    keys = ("name", "op", "stage", "block", "in_channels", "out_channels", "kernel", "stride", "groups", "output")
    assert {key: row[key] for key in keys} == {
        "name": "conv2_1.a", "op": "conv", "stage": "conv2", "block": "conv2_1", "in_channels": 64, "out_channels": 64,
        "kernel": [1, 1, 1], "stride": [1, 1, 1], "groups": 1, "output": [64, 8, 56, 56],
    }  # fmt: skip
    for metric in METRICS:
        assert sum(row[metric] for row in out["rows"]) == out["totals"][metric]
    assert out["totals"]["flops"] == 10 * out["per_view"]["flops"]


@pytest.mark.parametrize("level", LEVELS)
def test_every_level_adds_up(level):
    out = json.loads(
        run("analyze", "simple-D-8", "--by", level, "--format", "json", "--convention", "everything").stdout
    )
    for metric in METRICS:
        assert (
            sum(row[metric] for row in out["rows"])
            == out["totals"][metric]
            == getattr(cc.analyze("simple-D-8", convention="everything"), metric)
        )


def test_csv_is_exact_and_stamped():
    rows = list(csv.DictReader(io.StringIO(run("analyze", "ir-CSN-50@16x112", "--format", "csv").stdout)))
    report = cc.analyze("ir-CSN-50@16x112")
    assert [int(row["flops"]) for row in rows] == [row.flops for row in report.rows]
    assert {(row["convention"], row["clip"], row["classes"], row["views"]) for row in rows} == {
        ("paper", "3x16x112x112", "400", "1")
    }
    assert rows[3]["kernel"] == "1x1x1"


class _Balanced(HTMLParser):
    def __init__(self):
        super().__init__()
        self.open = []

    def handle_starttag(self, tag, attrs):
        self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
@pytest.mark.parametrize("form", FORMATS)
def test_every_format_of_every_command(command, form):
    out = run(*command, "--format", form).stdout
    if form == "json":
        json.loads(out)
    elif form == "csv":
        widths = {len(row) for row in csv.reader(io.StringIO(out))}
        assert len(widths) == 1
    elif form == "html":
        parser = _Balanced()
        parser.feed(out)
        assert parser.open == []
    elif form == "markdown":
        lines = [line for line in out.splitlines() if line.startswith("|")]
        assert len({line.replace("\\|", "").count("|") for line in lines}) == 1
    elif form == "latex":
        assert out.count(r"\begin{table}") == out.count(r"\end{table}") == 1
    else:
        assert max(map(len, out.splitlines())) <= 80
    if "table6" not in command and "table3" not in command and form != "json":
        assert "paper" in out


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("pdflatex"), reason="pdflatex is not installed")
def test_latex_compiles(tmp_path):
    parts = [run(*command, "--format", "latex").stdout for command in COMMANDS]
    parts += [
        run("analyze", "ir-CSN-26", "--by", level, "--format", "latex", "--convention", "everything").stdout
        for level in ("stage", "total")
    ]
    parts += [
        run("formula", spec, "--format", "latex", *more).stdout
        for spec, *more in (("bottleneck-G-16",), ("simple-8", "--free", "width", "--by", "total"))
    ]
    head = r"\documentclass{article}\usepackage{booktabs}\usepackage{amsmath}\begin{document}"
    (tmp_path / "all.tex").write_text(head + "\n" + "\n".join(parts) + "\n\\end{document}\n", "utf-8")
    done = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "all.tex"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:]


def test_a_spec_comes_from_a_name_a_file_or_standard_input(tmp_path):
    shown = run("show", "ir-CSN-26").stdout
    path = tmp_path / "mine.csn"
    path.write_text(shown)
    by_name = run("analyze", "ir-CSN-26", "--format", "csv").stdout
    assert run("analyze", str(path), "--format", "csv").stdout == by_name
    assert run("analyze", "-", "--format", "csv", stdin=shown).stdout == by_name
    assert run("analyze", shown, "--format", "csv").stdout == by_name
    assert "mine.csn" in run("analyze", str(path)).stdout.replace("\n", "")  # however long the path is


def test_options_override_the_spec():
    out = json.loads(
        run(
            "analyze",
            "ir-CSN-50@32x256(classes=487)",
            "--frames",
            "8",
            "--size",
            "224x320",
            "--classes",
            "174",
            "--format",
            "json",
        ).stdout
    )
    assert (out["clip"]["frames"], out["clip"]["height"], out["clip"]["width"], out["classes"]) == (8, 224, 320, 174)
    assert out["totals"]["flops"] == cc.analyze("ir-CSN-50", size=(224, 320), classes=174).flops
    shown = run("show", "ir-CSN-50@32x256(classes=487)").stdout
    assert (
        json.loads(
            run(
                "analyze",
                "-",
                "--classes",
                "174",
                "--frames",
                "8",
                "--size",
                "224x320",
                "--format",
                "json",
                stdin=shown,
            ).stdout
        )["rows"]
        == out["rows"]
    )


def test_names_are_given_with_p():
    assert "bottleneck-G4-16" in run("analyze", "bottleneck-G-16", "-p", "G=4").stdout
    assert run("analyze", "bottleneck-G-16", "-p", "G=[4,4,2,2]", "-p", "width=0.5", "--by", "total").stdout
    assert "width=w" in run("formula", "bottleneck-16", "-p", "width=w").stdout


def test_a_file_takes_a_clip_and_parameters_as_a_name_does(tmp_path):
    path = tmp_path / "mine.csn"
    path.write_text("n = 2\ninput 3 x T x H x W\na 3x3x3, 8*w / 2\nb [3x3x3, 8*w] x n\nfc 10\n")
    found = json.loads(run("analyze", f"{path}@4x32(n=3, w=2)", "--format", "json").stdout)
    text = path.read_text().replace("n = 2", "n = 3")
    assert found["totals"]["flops"] == cc.analyze(text, frames=4, size=32, w=2).flops
    run("compare", f"{path}(w=1)", f"{path}(w=2)", "ir-CSN-26")
    assert "nothing uses it" in run("analyze", f"{path}(w=1, q=2)", code=2).stderr
    assert "mine.csn(w=2)" in run("compare", f"{path}(w=1)", f"{path}(w=2)", "--format", "csv").stdout
    broken = run("analyze", f"{path}@4x32(w=2", code=2).stderr.splitlines()
    assert broken[1:] == [f"  {path}@4x32(w=2", " " * (2 + len(f"{path}@4x32(w=2")) + "^"] or len(str(path)) > 60
    named = tmp_path / "named.csn"
    named.write_text("ir-CSN-26\n")
    assert (
        json.loads(run("analyze", f"{named}@4x32(width=2)", "--format", "json").stdout)["name"]
        == "bottleneck-D-8@4x32(width=2)"
    )


def test_compare_says_how_much_cheaper_and_where():
    out = run("compare", "ResNet3D-50", "ir-CSN-50").stdout
    assert "ir-CSN-50 has 0.36x the FLOPs of ResNet3D-50: 18.88 G less (conv2 -8.19 G, conv3 -5.51 G," in " ".join(
        out.split()
    )
    dearer = " ".join(run("compare", "ir-CSN-50", "ResNet3D-50").stdout.split())
    assert "ResNet3D-50 has 2.79x the FLOPs of ir-CSN-50: 18.88 G more (conv2 +8.19 G, conv3 +5.51 G," in dearer
    for level in LEVELS:
        run("compare", "ResNet3D-26", "ir-CSN-26", "simple-D-8", "--by", level)
    differing = run("compare", "ir-CSN-50", "ir-CSN-50@32x224").stdout
    assert "clip 3x32x224x224" in differing


def test_reproduce_marks_agreement_and_the_paper_s_contradictions():
    out = run("reproduce", "all").stdout
    assert out.count("contradiction:") == 5
    assert "27 of 27 figures agree" in out
    assert "27.3 M params" in out


def test_reproduce_fails_on_a_mismatch(monkeypatch):
    from csncost import files

    rows = [dict(row) for row in files.published("table2")]
    rows[0]["flops"] = "14.4"
    monkeypatch.setattr(files, "_read", lambda name, read=files._read: rows if name == "table2" else read(name))
    assert "\u2717" in run("reproduce", "table2", code=1).stdout
    run("reproduce", "fig6", code=1)
    run("reproduce", "fig7")
    run("reproduce", "table4")
    table1 = [dict(row) for row in files.published("table1")]
    table1[3]["bottleneck"] = "9x9x9 9; 9x9x9 9; 9x9x9 9"
    monkeypatch.setattr(files, "_read", lambda name, read=files._read: table1 if name == "table1" else read(name))
    run("reproduce", "table1", code=1)


WRONG = [
    ["analyze", "bottleneck-G3-16"], ["analyze", ""], ["analyze", "botleneck-D-16"],
    ["analyze", "bottleneck\u2013D\u201316"], ["analyze", "no/such/file.csn"], ["analyze", "missing.csn"],
    ["analyze", "/"], ["analyze", "ir-CSN-50", "--frames", "0"], ["analyze", "ir-CSN-50", "--frames", "-8"],
    ["analyze", "ir-CSN-50", "--frames", "eight"], ["analyze", "ir-CSN-50", "--size", "224x"],
    ["analyze", "ir-CSN-50", "--size", "1x2x3"], ["analyze", "ir-CSN-50", "--size", "9" * 40],
    ["analyze", "ir-CSN-50", "--classes", "0"], ["analyze", "ir-CSN-50", "--views", "0"],
    ["analyze", "ir-CSN-50", "--views", "1" + "0" * 30], ["analyze", "ir-CSN-50", "--convention", "papr"],
    ["analyze", "ir-CSN-50", "--by", "stag"], ["analyze", "ir-CSN-50", "--format", "xml"],
    ["analyze", "ir-CSN-50", "-p", "G"], ["analyze", "ir-CSN-50", "-p", "G=4"], ["analyze", "bottleneck-G-16"],
    ["analyze", "bottleneck-G-16", "-p", "G=4", "-p", "G=8"], ["analyze", "bottleneck-G-16", "-p", "G="],
    ["analyze", "bottleneck-G-16", "-p", "G=4;5"], ["analyze", "ir-CSN-50", "-p", "classes=10"],
    ["analyze", "ir-CSN-50", "-o", "/no/such/folder/x"], ["analyze", "ir-CSN-50", "-o", "/"], ["analyze"],
    ["compare", "ir-CSN-50"], ["compare", "ir-CSN-50", "nope"], ["reproduce", "table7"], ["reproduce", "tabel2"],
    ["analyse", "ir-CSN-50"], ["formula", "bottleneck-X"], ["formula", "ir-CSN-50", "--free", "G"],
    ["show", "x" * 100_000], ["show", "(" * 100_000], ["analyze", "input 3x8x9x9\nc 3x3x3, 9223372036854775808"],
]  # fmt: skip


@pytest.mark.parametrize("args", WRONG, ids=lambda args: " ".join(args)[:60])
def test_wrong_input_is_one_message_and_exit_code_2(args):
    result = run(*args, code=2)
    assert result.stdout == ""
    assert 0 < len(result.stderr) < 2500


def test_binary_files_and_folders_are_refused(tmp_path):
    binary = tmp_path / "binary.csn"
    binary.write_bytes(bytes(range(256)))
    folder = tmp_path / "folder.csn"
    folder.mkdir()
    for path in (binary, folder):
        assert str(path) in " ".join(run("analyze", str(path), code=2).stderr.split())
    assert "not text" in run("analyze", "-", stdin=bytes(range(128, 256)), code=2).stderr
    assert "U+0000" in run("analyze", "-", stdin=b"\0\0", code=2).stderr


def test_files_are_written_whole_or_not_at_all(tmp_path):
    target = tmp_path / "out.json"
    target.write_text("before")
    run("analyze", "bottleneck-G3-16", "--format", "json", "-o", str(target), code=2)
    assert target.read_text() == "before"
    assert run("analyze", "ir-CSN-26", "--format", "json", "-o", str(target)).stdout == ""
    assert json.loads(target.read_text())["name"] == "bottleneck-D-8"
    link = tmp_path / "link"
    link.symlink_to(target)
    run("show", "ir-CSN-26", "-o", str(link))
    assert link.is_symlink()
    assert target.read_text().startswith("# bottleneck-D-8")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link", "out.json"]


def executable():
    return str(Path(sys.executable).parent / "csncost")


def test_a_full_disk_and_a_closed_input_are_told():
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [executable(), "analyze", "ir-CSN-26", "--format", "csv"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    closed = subprocess.run(f"{executable()} analyze - <&-", shell=True, capture_output=True, text=True, check=False)
    assert closed.returncode == 2
    assert "Traceback" not in closed.stderr


def test_a_terminal_without_unicode_gets_something():
    env = os.environ | {"PYTHONIOENCODING": "ascii"}
    for command in (["formula", "simple-8"], ["reproduce", "table2"]):
        done = subprocess.run([executable(), *command], capture_output=True, text=True, env=env, check=False)
        assert done.returncode == 0, done.stderr


def test_a_reader_that_leaves_early_is_no_fault():
    done = subprocess.run(f"{executable()} list | head -1", shell=True, capture_output=True, text=True, check=False)
    assert "Traceback" not in done.stderr
