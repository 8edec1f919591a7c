"""`csncost trace`: what is named on the command line, and what is said when it cannot be traced."""

import csv
import json
import subprocess
import sys
from typing import NamedTuple

import pytest
import torch
from click.testing import CliRunner

import csncost as cc
from csncost.cli.main import main
from csncost.render.terminal import table_text

MINE = '''
import torch
from torch import nn

print("a line that is no part of the report")

class Net(nn.Module):
    """A small video network of its own."""

    def __init__(self, classes=10, width=16):
        super().__init__()
        self.stem = nn.Conv3d(3, width, 3, padding=1, bias=False)
        self.head = nn.Linear(width, classes)

    def forward(self, clip):
        return self.head(torch.relu(self.stem(clip)).mean((2, 3, 4)))

class Reads(nn.Module):
    def forward(self, x):
        return x if x.sum() > 0 else -x

class Raises(nn.Module):
    def forward(self, x):
        raise KeyError("lost")

class NeedsValues(nn.Module):
    """Cannot be made without values: it asks for one."""

    def __init__(self):
        super().__init__()
        self.scale = float(torch.full((100, 100), 2.0).mean())
        self.fc = nn.Linear(4, 5)

    def forward(self, x):
        return self.fc(x) * self.scale

class Fails(nn.Module):
    def __init__(self):
        raise RuntimeError("no such luck")

class Yields(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(4, 5)

    def forward(self, x):
        for _ in range(3):
            yield self.fc(x)

class Leaves(nn.Module):
    def forward(self, x):
        raise SystemExit(3)

class Packs(nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn = nn.GRU(6, 8)

    def forward(self, x, lengths):
        return self.rnn(nn.utils.rnn.pack_padded_sequence(x, lengths, enforce_sorted=False))[0].data

def late(x):
    return Net()

fc = nn.Linear(3, 4)

def product(x, y):
    return x @ y

def make(classes):
    return Net(classes)

def two(clips, tokens):
    return clips[0] + clips[1], tokens

model = Net(7)
number = 3
FORMULAS = {"aten::fft_rfft": lambda x, output: 5}
'''


@pytest.fixture
def mine(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delitem(sys.modules, "mine", raising=False)  # of another folder
    (tmp_path / "mine.py").write_text(MINE)


def run(*args):
    return CliRunner().invoke(main, list(args))


def traced(*args):
    done = run("trace", *args, "--format", "json")
    assert done.exit_code == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.usefixtures("mine")
@pytest.mark.parametrize(("target", "inputs", "flops"), [
    ("mine.py:Net", ["2x3x4x8x8"], 2 * (16 * 3 * 27 * 256 + 160)),
    ("mine.py:Net(classes=20, width=8)", ["1x3x4x8x8"], 8 * 3 * 27 * 256 + 160),
    ("mine.py:Net(20, 8)", ["clip=1x3x4x8x8"], 8 * 3 * 27 * 256 + 160),
    ("mine:Net", ["1x3x4x8x8"], 16 * 3 * 27 * 256 + 160),
    ("mine.py:model", ["1x3x4x8x8"], 16 * 3 * 27 * 256 + 112),
    ("mine.py:model.stem", ["1x3x4x8x8"], 16 * 3 * 27 * 256),
    ("mine.py:make(9)", ["1x3x4x8x8"], 16 * 3 * 27 * 256 + 144),
    ("mine.py:product", ["2x3x4", "2x4x5"], 2 * 3 * 4 * 5),
    ("mine.py:product", ["x=2x3x4", "y=2x4x5:float64"], None),
    ("mine.py:two", ["[1x2, 1x2]", "1x16:int64"], 0),
    ("mine.py:NeedsValues", ["3x4"], 60),
    ("mine.py:Yields", ["2x4"], 3 * 2 * 20),
    ("torch.nn:Flatten", ["1x3x8x8"], 0),
    ("torch.nn:Conv1d(4, 6, 3, groups=2)", ["2x4x10"], 2 * 6 * 2 * 3 * 8),
    ("torch:relu", ["3"], 0),
    ("mine.py:Packs", ["5x3x6", "lengths=5,3,2"], 10 * 336),
    ("mine.py:Packs", ["5x1x6", "lengths=4,"], 4 * 336),
    ("mine.py:Packs", ["5x3x6", "lengths=2, 3, 5:int32"], 10 * 336),
])  # fmt: skip
def test_targets(target, inputs, flops):
    args = [target, *(part for one in inputs for part in ("--input", one))]
    if flops is None:
        assert run("trace", *args).exit_code == 2  # float32 times float64
    else:
        found = traced(*args)
        assert found["totals"]["flops"] == flops
        assert found["spec"] == target
        assert sum(row["flops"] for row in found["rows"]) == flops


@pytest.mark.usefixtures("mine")
@pytest.mark.parametrize(("args", "says"), [
    (["no_such_package:model"], 'no package "no_such_package"'),
    (["mine.py:Nett"], "did you mean Net?"),
    (["other.py:Net"], "no file other.py"),
    (["mine.py:number"], "is an int, not a model"),
    (["mine.py"], "mine.py:Net(classes=10)"),
    (["ir-CSN-50"], "give a spec to analyze"),
    (["mine.py:Net(classes=unknown)"], "literals"),
    (["mine.py:Net("], "literals"),
    (["mine.py:Net(colours=3)"], "colours"),
    (["mine.py:Net", "--input", "1x3x8x8"], "does not run on 1x3x8x8"),
    (["mine.py:Net", "--input", "1x3xx"], "not the shape"),
    (["mine.py:Net", "--input", "1x4x8x8x8"], "in stem: conv3d of 1x4x8x8x8 and 16x3x3x3x3"),
    (["mine.py:Net"], "--input"),
    (["mine.py:Reads", "--input", "3"], "value of an activation"),
    (["mine.py:Raises", "--input", "3"], "KeyError"),
    (["mine.py:Leaves", "--input", "3"], "SystemExit"),
    (["mine.py:Fails", "--input", "3"], "no such luck"),
    (["mine.py:Net", "--input", "1x3x9999999999999x8x8"], "absurd"),
    (["mine.py:Net", "--input", "1x3x4x8x8", "--classifier", "stem"], "head"),
    (["mine.py:Net", "--input", "1x3x4x8x8", "--convention", "papr"], "did you mean paper?"),
    (["mine.py:Net", "--input", "1x3x4x8x8:floot"], "no type"),
    (["mine.py:Net", "--input", "1x3x4x8x8", "--views", "0"], "views"),
    (["torch.nn:Linear", "--input", "3"], "in_features"),
    (["mine.py:Net", "--input", "1x3x4x8x8", "--formulas", "mine.py:number"], "not a dict"),
    (["mine.py:Net", "--input", "1x3x4x8x8", "--formulas", "mine"], "write FILE.py:NAME"),
    (["mine.py:make", "--input", "3"], "if it makes a model, write mine.py:make(classes=...)"),
    (["mine.py:late", "--input", "3"], "returned a model, Net"),
    (["mine.py:make()", "--input", "3"], "it takes classes: write mine.py:make(classes=...)"),
    (["mine.py:Net(colours=3)"], "it takes classes=10, width=16"),
    (["mine.py:Net", "--input", "1x3x4x8x8", "--classifier", "heat"], "did you mean head?"),
    (["mine.py:fc", "--input", "3", "--classifier", "fc"], "those that ran: the model itself"),
    (["mine.py:Packs", "--input", "5x3x6", "--input", "lengths=3:int64"], "--input lengths=5,4,2"),
    (["mine.py:Packs", "--input", "5x3x6", "--input", "lengths=9,:whole"], "no type"),
    (["mine.py:Packs", "--input", "5x3x6", "--input", f"lengths=5,{'9' * 30}"], "does not fit a tensor of int64"),
    (["mine.py:Net(1,)*2", "--input", "3"], "literals"),
    (["torch.nn:Conv2d(3, 8, 3, groups=2)", "--input", "1x3x8x8"], "cannot be made"),
])  # fmt: skip
def test_what_cannot_be_traced_is_said_once_and_clearly(args, says):
    done = run("trace", *args)
    assert done.exit_code == 2
    assert says in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


@pytest.mark.usefixtures("mine")
@pytest.mark.parametrize("command", ["analyze", "explain", "verify", "formula", "show"])
@pytest.mark.parametrize("target", ["mine.py:Net", "mine.py:Net(classes=3)", "torchvision.models:resnet50", "mine.py"])
def test_a_target_in_the_place_of_a_spec(command, target):
    done = run(command, target)
    assert done.exit_code == 2
    assert "looks like a PyTorch model" in done.stderr
    assert f"csncost trace {target}" in done.stderr
    assert "explain takes it with --input" in done.stderr


def test_values_that_a_run_goes_by_stand_in_its_report():
    packs = torch.nn.utils.rnn.pack_sequence([torch.rand(3, 6), torch.rand(2, 6)])
    report = cc.trace(torch.nn.GRU(6, 8), packs)
    assert report.flops == 5 * 336
    assert report.setting["input"] == "[5x6, 2,2,1, None, None]"


@pytest.mark.parametrize("give", [cc.analyze, cc.verify, cc.show, cc.build, lambda model: cc.compare(model, model)])
def test_a_model_in_the_place_of_a_spec(give):
    for model, name in ((torch.nn.Linear(2, 3), "Linear"), (torch.nn.Linear, "the class Linear")):
        with pytest.raises(cc.SpecError, match=f"not {name}\n.*trace") as caught:
            give(model)
        assert "explain and compare take that" in caught.value.hint


def test_what_is_traced_is_a_model():
    with pytest.raises(cc.CsncostError, match=r"make one first: Linear\(\.\.\.\)"):
        cc.trace(torch.nn.Linear, (1, 3))
    with pytest.raises(cc.CsncostError, match="analyze counts a spec"):
        cc.trace("ir-CSN-50", (1, 3, 8, 224, 224))


def test_an_argument_with_named_parts():
    class Pair(NamedTuple):
        left: torch.Tensor
        right: torch.Tensor

    def product(pair):
        return pair.left @ pair.right

    assert cc.trace(product, Pair(torch.rand(2, 3), torch.rand(3, 4))).flops == 24


@pytest.mark.usefixtures("mine")
def test_options_of_trace():
    base = ["mine.py:Net", "--input", "1x3x4x8x8"]
    stem, head = 16 * 3 * 27 * 256, 160
    assert traced(*base, "--views", "10")["totals"]["flops"] == 10 * (stem + head)
    assert traced(*base, "--convention", "flops")["totals"]["flops"] == 2 * (stem + head)
    assert traced(*base, "--backward")["totals"]["flops"] == 2 * stem + 3 * head  # no gradient of the clip
    assert traced(*base, "--backward")["backward_flops"] == stem + 2 * head
    assert traced(*base, "--train")["mode"] == "train"
    assert traced(*base)["mode"] == "eval"
    assert traced(*base)["totals"]["interactions"] == 16 * 3
    assert traced(*base, "--classifier", "none")["totals"]["interactions"] == 16 * 3 + 10 * 120
    assert traced(*base)["clip"] == {"channels": 3, "frames": 4, "height": 8, "width": 8}
    assert [row["name"] for row in traced(*base, "--depth", "1")["rows"]] == ["stem", "head"]
    assert traced(*base, "--formulas", "mine.py:FORMULAS", "--strict")["coverage"]["unknown"] == []
    for form in ("table", "csv", "markdown", "latex", "html"):
        done = run("trace", *base, "--format", form)
        assert done.exit_code == 0
        assert "no part of the report" not in done.stdout


@pytest.mark.usefixtures("mine")
def test_what_ran_more_than_once_is_marked():
    args = ["trace", "mine.py:Yields", "--input", "2x4"]
    for level in ("layer", "stage"):
        fc, total = run(*args, "--by", level).stdout.splitlines()[3:6:2]
        assert "\u00d73" in fc
        assert "\u00d7" not in total
        assert "$\\times$3" in run(*args, "--by", level, "--format", "latex").stdout
    assert [row["calls"] for row in csv.DictReader(run(*args, "--format", "csv").stdout.splitlines())] == ["3"]
    once = ["trace", "mine.py:Net", "--input", "1x3x4x8x8"]
    assert "calls" not in run(*once).stdout.splitlines()[1]
    assert {row["calls"] for row in csv.DictReader(run(*once, "--format", "csv").stdout.splitlines())} == {"1"}
    assert json.loads(run(*args, "--by", "total", "--format", "json").stdout)["rows"][0]["calls"] == 1


def test_long_names_are_broken_where_a_terminal_is_narrow():
    name = "a_name_of_forty_characters_and_some_more"
    inner = torch.nn.Sequential(torch.nn.Conv2d(512, 512, (3, 5), stride=2, groups=8))
    model = torch.nn.ModuleDict({name: torch.nn.ModuleDict({name: inner})})
    report = cc.trace(lambda x: model[name][name](x), (16, 512, 224, 224))
    for level in ("layer", "block", "stage"):
        lines = table_text(report.by(level).table(), 80).splitlines()
        assert max(map(len, lines)) <= 80
        assert "96.02 G" in "".join(lines)  # 16 clips x 512 x 111 x 110 x 64 x 15
    broken = "".join(line.split("  ")[0].strip() for line in table_text(report.table(), 80).splitlines()[3:6])
    assert broken.startswith(f"model.{name}.{name}.0")


@pytest.mark.parametrize(
    "args", [("trace", "mine.py:Net", "--input", "1x3x4x8x8"), ("verify", "bottleneck-D-8", "--no-fvcore")]
)
def test_the_compiler_is_not_imported(args, tmp_path):
    """It takes longer to import than everything else."""
    (tmp_path / "mine.py").write_text(MINE)
    run = f"from csncost.cli.main import main\nmain({list(args)!r}, standalone_mode=False)"
    code = f"import sys\n{run}\nprint('torch._dynamo' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert done.stdout.splitlines()[-1] == "False"


@pytest.mark.parametrize("args", [["trace", "x:y"], ["verify", "simple-8"], ["export", "simple-8", "-o", "x.pt2"]])
def test_without_pytorch_the_extra_is_named(args):
    code = f"import sys\nsys.modules['torch'] = None\nfrom csncost.cli.main import main\nmain({args!r})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert 'pip install "csncost[torch]"' in done.stderr


def test_a_trace_costs_nothing_like_a_forward_pass():
    """152 layers on a clip whose activations would take gigabytes."""
    module = cc.build("ir-CSN-152", device="meta", initialise=False)
    assert cc.trace(module, (64, 3, 128, 448, 448)).activations > 10**11


def test_a_module_without_its_base_is_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bare.py").write_text(
        "from torch import nn\n\n\nclass Bare(nn.Module):\n    def __init__(self):\n        self.n = 3\n"
    )
    done = run("trace", "bare.py:Bare", "--input", "3")
    assert done.exit_code == 2
    assert "super().__init__()" in done.stderr
