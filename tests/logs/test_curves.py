"""Learning curves: every epoch of the logs that training leaves, training and validation, and their figure."""

import csv
import io
import json
import math

import pytest
from click.testing import CliRunner

import csncost as cc
from csncost.cli.main import main
from csncost.errors import CsncostError, SpecError
from csncost.logs.curves import read_histories
from tests.logs.test_read import LIGHTNING, MMACTION, SLOWFAST


def near(points):
    return [(x, pytest.approx(y)) for x, y in points]


FORMATS = [
    (LIGHTNING, {"validation": [(0, 58.75), (1, 29.69), (2, 30.16)], "training": [(0, 48)]}),
    (MMACTION, {"training": [(1, 10), (2, 5)], "validation": [(1, 39), (2, 29.7), (3, 30)]}),
    (SLOWFAST, {"training": [(1, 80.5)], "validation": [(1, 70.25), (2, 29.7)]}),
    (
        "spec,epoch,train_error,val_top1\nir-CSN-50,1,90,20\nir-CSN-50,2,80,30\n",
        {"training": [(1, 90), (2, 80)], "validation": [(1, 80), (2, 70)]},
    ),
    (
        "step,Accuracy/train,Accuracy/val\n10,0.5,0.4\n20,0.75,\n",
        {"training": [(10, 50), (20, 25)], "validation": [(10, 60)]},
    ),
]


@pytest.mark.parametrize("sample", range(len(FORMATS)))
def test_every_epoch_of_each_format_is_read(sample, log):
    text, expected = FORMATS[sample]
    histories = read_histories({log(text): "ir-CSN-50"} if "spec" not in text else [log(text)])
    assert {h.part: list(h.points) for h in histories} == {part: near(points) for part, points in expected.items()}
    assert {(h.network, h.of) for h in histories} == {("ir-CSN-50", "error (%)")}


def test_iterations_of_a_validation_are_those_its_epoch_ended_with(log):
    found = read_histories({log(MMACTION): "ir-CSN-50"}, by="iteration")
    assert {h.part: [x for x, _ in h.points] for h in found} == {"training": [15, 30], "validation": [15, 30]}


def test_event_files(tmp_path):
    pytest.importorskip("tensorboard")
    from torch.utils.tensorboard import SummaryWriter

    writer = SummaryWriter(str(tmp_path / "run"))
    for epoch in range(3):
        writer.add_scalar("val/acc", 0.25 * epoch, epoch)
        writer.add_scalar("train/acc", 0.5 + 0.125 * epoch, epoch)
        writer.add_scalar("train/loss", 3 - epoch, epoch)
    writer.close()
    found = read_histories([tmp_path / "run"])
    assert {h.part: list(h.points) for h in found} == {
        "validation": near([(0, 100), (1, 75), (2, 50)]),
        "training": near([(0, 50), (1, 37.5), (2, 25)]),
    }
    assert {h.network for h in found} == {"run"}
    (loss,) = read_histories([tmp_path / "run"], metric="loss")
    assert loss.points == ((0, 3), (1, 2), (2, 1))


def test_several_networks_and_seeds_of_one_table_and_several_values_of_an_epoch(log):
    rows = [
        f"{spec},{seed},{epoch},{10 * epoch + seed}"
        for spec in ("simple-8", "simple-D-8")
        for seed in (0, 1)
        for epoch in (1, 1, 2)
    ]
    found = read_histories([log("\n".join(["spec,seed,epoch,train_err", *rows, "simple-8,1,2,31"]))])
    assert [(h.network, h.seed) for h in found] == [
        ("simple-8", "0"),
        ("simple-8", "1"),
        ("simple-D-8", "0"),
        ("simple-D-8", "1"),
    ]
    assert found[1].points == ((1, 11), (2, 26))
    assert (found[1].last, found[1].lowest) == (26, 11)


def test_the_figure_shows_every_point_and_tells_networks_and_parts_apart(log):
    pytest.importorskip("matplotlib")
    first, second = log(LIGHTNING, "a.csv"), log(MMACTION, "b.json")
    figure = cc.plot.curves({first: "ip-CSN-101", second: "ResNet3D-101"})
    (axes,) = figure.axes
    histories = read_histories({first: "ip-CSN-101", second: "ResNet3D-101"})
    assert [list(map(tuple, line.get_xydata())) for line in axes.get_lines()] == [list(h.points) for h in histories]
    looks = [(line.get_color(), line.get_marker(), line.get_linestyle()) for line in axes.get_lines()]
    assert len(set(looks)) == 4
    assert len({mark for _, mark, _ in looks}) == len({colour for colour, _, _ in looks}) == 2
    assert [text.get_text() for text in figure.legends[0].get_texts()] == [
        "ip-CSN-101",
        "ResNet3D-101",
        "validation",
        "training",
    ]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("epoch", "error (%)")
    assert figure.legends[0].get_window_extent().x0 >= 0


def test_from_the_command_line(log, tmp_path):
    pytest.importorskip("matplotlib")
    arguments = ["curves", f"{log(LIGHTNING)}=ir-CSN-50"]
    done = CliRunner().invoke(main, [*arguments, "--plot", str(tmp_path / "x.pdf"), "--format", "csv"])
    assert done.exit_code == 0, done.output
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    assert [(row["part"], float(row["epoch"]), float(row["value"])) for row in rows] == [
        ("validation", 0, 58.75),
        ("validation", 1, 29.69),
        ("validation", 2, 30.16),
        ("training", 0, 48),
    ]
    assert (tmp_path / "x.pdf").read_bytes().startswith(b"%PDF")
    assert len(json.loads(CliRunner().invoke(main, [*arguments, "--format", "json"]).stdout)) == 4
    shown = CliRunner().invoke(main, arguments).stdout
    assert "29.69" in shown
    assert math.isclose(float(rows[0]["value"]), 58.75)


@pytest.mark.parametrize(
    "arguments",
    [
        ["missing.csv"],
        ["."],
        ["log.csv=nonsense-9"],
        ["log.csv", "--metric", "speed"],
        ["log.csv", "--by", "iteration"],
        ["log.csv", "--plot", "x.gif"],
        ["log.csv", "--plot", "/no/x.png"],
        ["empty.csv"],
        [],
    ],
)
def test_logs_without_curves_are_one_clear_error(arguments, tmp_path, monkeypatch):
    (tmp_path / "log.csv").write_text("epoch,val_acc\n1,50\n")
    (tmp_path / "empty.csv").write_text("epoch,val_acc\n1,\n")
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(main, ["curves", *arguments])
    assert done.exit_code == 2, done.output
    assert done.stdout == ""
    assert sorted(path.name for path in tmp_path.iterdir()) == ["empty.csv", "log.csv"]


def test_what_cannot_be_drawn_is_an_error(log):
    rows = [f"simple-8(width={i + 1}),1,50" for i in range(9)]
    many = log("\n".join(["spec,epoch,val_acc", *rows]))
    with pytest.raises(CsncostError, match="9 networks"):
        cc.plot.curves([many])
    with pytest.raises(CsncostError):
        cc.plot.curves([])
    with pytest.raises(SpecError):
        read_histories({many: "nonsense-9"})
    with pytest.raises(CsncostError, match="different"):
        cc.plot.curves([*read_histories([log(LIGHTNING)]), *read_histories([log(LIGHTNING)], metric="loss")])


def test_lines_that_cannot_be_read_are_said(log):
    text = '{"epoch": 1, "val_acc": 0.5}\n{"epoch": 2, "val_acc": 0.6}\n{"epoch": 3, "val_'
    done = CliRunner().invoke(main, ["curves", f"{log(text, 'killed.json')}=simple-8"])
    assert done.exit_code == 0
    assert done.stderr.startswith("left out, no JSON")
    assert 'killed.json:3 {"epoch": 3' in done.stderr
