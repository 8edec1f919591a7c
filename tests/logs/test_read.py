"""Logged accuracies: the formats that training leaves, the shipped log, and the join by what a network is."""

import csv
import json
from pathlib import Path

import pytest

import csncost as cc
from csncost.costs.identity import architecture
from csncost.errors import CsncostError, MissingExtra, SpecError
from csncost.logs.read import read_arguments, read_log
from csncost.logs.runs import Setting
from csncost.logs.unread import why_unread

PAPER = Path(cc.__file__).parent / "zoo" / "paper"

MMACTION = """\
{"lr": 0.01, "data_time": 0.019, "grad_norm": 3.75, "loss": 3.07, "top1_acc": 0.9, "top5_acc": 1.0, "loss_cls": 3.07, \
"time": 0.43, "epoch": 1, "iter": 15, "memory": 8164, "step": 15}
{"acc/top1": 0.61, "acc/top5": 0.84, "acc/mean1": 0.60, "data_time": 0.047, "time": 0.18, "step": 1}
{"lr": 0.01, "data_time": 0.019, "grad_norm": 3.75, "loss": 2.07, "top1_acc": 0.95, "top5_acc": 1.0, \
"loss_cls": 2.07, "time": 0.43, "epoch": 2, "iter": 15, "memory": 8164, "step": 30}
{"acc/top1": 0.703, "acc/top5": 0.90, "acc/mean1": 0.70, "data_time": 0.047, "time": 0.18, "step": 2}
{"acc/top1": 0.70, "acc/top5": 0.91, "acc/mean1": 0.70, "data_time": 0.047, "time": 0.18, "step": 3}
"""
MMPRETRAIN = """\
{"lr": 0.1, "data_time": 0.003, "loss": 2.29, "time": 0.010, "epoch": 1, "step": 150}
{"accuracy/top1": 23.98, "accuracy/top5": 66.05, "step": 1}
{"lr": 0.1, "data_time": 0.002, "loss": 2.25, "time": 0.014, "epoch": 2, "step": 619}
{"accuracy/top1": 41.82, "accuracy/top5": 81.26, "step": 2}
"""
LIGHTNING = """\
epoch,lr-SGD,step,train_loss_step,val_acc,val_loss,train_acc
,0.1,49,4.1,,,
0,,99,,0.4125,2.9,
0,,99,,,,0.52
,0.1,149,3.1,,,
1,,199,,0.7031,1.9,
2,,299,,0.6984,1.8,
"""
SLOWFAST = """\
[11/02 08:10:20][INFO] logging.py:  99: json_stats: {"_type": "train_iter", "dt": 0.4, "epoch": "1/196", \
"iter": "10/3766", "loss": 5.9, "lr": 0.1, "top1_err": 99.1, "top5_err": 97.0}
[11/02 09:10:20][INFO] logging.py:  99: json_stats: {"RAM": "30.2/251.6G", "_type": "train_epoch", "epoch": "1/196", \
"loss": 4.0, "lr": 0.1, "top1_err": 80.5}
[11/02 09:12:20][INFO] logging.py:  99: json_stats: {"RAM": "30.2/251.6G", "_type": "val_epoch", "epoch": "1/196", \
"gpu_mem": "9.67G", "min_top1_err": 70.25000, "min_top5_err": 45.0, "time_diff": 0.1, "top1_err": 70.25000, \
"top5_err": 45.0}
some other line
[11/03 09:12:20][INFO] logging.py:  99: json_stats: {"RAM": "30.2/251.6G", "_type": "val_epoch", "epoch": "2/196", \
"gpu_mem": "9.67G", "min_top1_err": 29.70000, "min_top5_err": 11.0, "time_diff": 0.1, "top1_err": 29.70000, \
"top5_err": 11.0}
[11/03 09:30:20][INFO] logging.py:  99: json_stats: {"split": "test_final", "top1_acc": "76.20", "top5_acc": "92.20"}
[11/03 09:30:21][INFO] logging.py:  99: json_stats: {"split": "test_final", "top
"""


def values(accuracies):
    return [(record.spec, record.value, record.epoch) for record in accuracies.records]


def test_the_paper_log_holds_what_the_tables_print():
    paper = read_log("paper")
    printed = {}
    for table, column in (
        ("table2", "video@1"),
        ("table4", "video@1"),
        ("table4", "video@5"),
        ("table5", "vi@1"),
        ("table5", "vi@5"),
        ("table6", "video@1"),
    ):
        rows = list(csv.DictReader((PAPER / f"{table}.csv").read_text("utf-8").splitlines()))
        printed[table] = printed.get(table, 0) + len(rows)
        ours = [row for row in rows if row["spec"]]
        source = f"Table {table[-1]}"
        metric = "video@1" if column.endswith("1") else "video@5"
        found = [r for r in paper.records if r.source == source and r.setting.metric == metric]
        assert [(r.spec, r.value) for r in found] == [(row["spec"], float(row[column])) for row in ours]
    listed = [one.source for one in paper.unread]
    assert len(paper.records) + len(listed) == sum(printed.values()) + 1  # and the one of section 4.2
    assert all(r.setting.dataset and r.setting.clip for r in paper.records)
    assert any("69.7" in one.text and one.source == "section 4.2" for one in paper.unread)


@pytest.mark.parametrize(
    ("spec", "method", "pretrain", "value"),
    [
        ("ir-CSN-152@32x256", "video@1", "IG-65M", 82.6),
        ("ip-CSN-152@32x256", "video@1", "Sports1M", 79.2),
        ("ip-CSN-152@32x224(classes=174)", "video@1", "IG-65M", 53.3),
        ("ip-CSN-152@32x224(classes=487)", "video@5", "", 92.8),
        ("ResNet3D-101", "video@1", "", 70.6),
    ],
)
def test_figures_read_from_the_paper_by_hand(spec, method, pretrain, value):
    found = [
        r
        for r in read_log("paper").records
        if (r.spec, r.setting.metric, r.setting.pretrain) == (spec, method, pretrain)
    ]
    assert [r.value for r in found] == [value]


def test_any_spelling_of_a_network_is_that_network(log):
    rows = [("bottleneck-D-16", 70.3), ("IR-csn-50", 70.5), (cc.show("ip-CSN-26"), 64.6)]
    path = log("".join(json.dumps({"spec": spec, "acc": value}) + "\n" for spec, value in rows), "log.jsonl")
    accuracies = read_log(path)
    joined = accuracies.join(["ip-CSN-26", "ir-CSN-50", "simple-8"])
    assert {i: (r.mean, r.n) for i, r in joined.found.items()} == {0: (64.6, 1), 1: (pytest.approx(70.4), 2)}
    assert joined.found[1].spread == pytest.approx(0.1414, abs=1e-4)
    assert joined.found[0].spread is None
    assert joined.elsewhere == ()


def test_a_clip_that_the_log_states_must_be_that_of_the_design(log):
    accuracies = read_log(log("spec,clip,top1\nir-CSN-50,8x224,70\nir-CSN-26@32x256,,60\nResNet3D-26,,65\n"))
    assert [r.setting.clip for r in accuracies.results] == ["3x8x224x224", "3x32x256x256", ""]
    designs = ["ir-CSN-50", "ir-CSN-26", "ResNet3D-26"]
    assert accuracies.only(clip="3x8x224x224").join(designs, frames=32, size=256).found == {}
    assert set(accuracies.only(clip="3x32x256x256").join(designs, frames=32, size=256).found) == {1}
    assert set(accuracies.only(clip="").join(designs, frames=16).found) == {2}


def test_the_setting_that_covers_most_is_joined_and_the_rest_is_listed():
    joined = read_log("paper").join(["bottleneck-8", "bottleneck-D-8", "bottleneck-16", "bottleneck-D-16", "simple-8"])
    assert joined.setting == Setting("Kinetics-400", "video@1", "3x8x224x224", "")
    assert {i: r.mean for i, r in joined.found.items()} == {0: 65.3, 1: 62.4, 2: 69.4, 3: 70.3}
    assert len(joined.elsewhere) == len(read_log("paper").results) - 4
    assert len(read_log("paper").only(dataset="Kinetics-400", pretrain="IG-65M").records) == 4
    for wanted in ({"dataset": "UCF"}, {"colour": "red"}):
        with pytest.raises(CsncostError):
            read_log("paper").only(**wanted)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("spec,seed,Top-1\nir-CSN-50,1,70.1\nir-CSN-50,2,70.5%\n", "log.csv"),
        ("spec\tseed\tval/acc\nir-CSN-50\t1\t0.701\nir-CSN-50\t2\t0.705\n", "log.tsv"),
        ("\ufeffspec;seed;video@1\r\nir-CSN-50;1;70.1\r\nir-CSN-50;2;70.5\r\n", "log.txt"),
        (
            '{"spec": "ir-CSN-50", "seed": 1, "accuracy": 70.1}\n\n'
            '{"spec": "ir-CSN-50", "seed": 2, "accuracy": 70.5}\n',
            "x",
        ),
        (
            '[{"spec": "ir-CSN-50", "seed": 1, "top1_err": 29.9}, {"spec": "ir-CSN-50", "seed": 2, "top1_err": 29.5}]',
            "x.json",
        ),
    ],
)
def test_tables_and_json_lines(log, text, name):
    accuracies = read_log(log(text, name))
    assert [(r.value, r.seed) for r in accuracies.records] == [(70.1, "1"), (70.5, "2")]
    (result,) = accuracies.results
    assert (result.n, result.mean, result.name) == (2, pytest.approx(70.3), "bottleneck-D-16")


def test_quoted_specs_may_hold_commas_and_lines(log):
    network = cc.show("ir-CSN-26").replace('"', '""')
    accuracies = read_log(log(f'spec,acc\n"bottleneck-16(width=2, classes=10)",50\n"{network}",62.4\n'))
    assert [r.name for r in accuracies.records] == ["bottleneck-16(classes=10, width=2)", ""]
    assert accuracies.results[1].label == "a network written out"
    assert accuracies.results[1].architecture == architecture("bottleneck-D-8")


@pytest.mark.parametrize(("text", "expected"), [
    (LIGHTNING, {"best": [(70.31, 1)], "last": [(69.84, 2)], 0: [(41.25, 0)]}),
    (MMACTION, {"best": [(70.3, 2)], "last": [(70.0, 3)], 1: [(61.0, 1)]}),
    (MMPRETRAIN, {"best": [(41.82, 2)], "last": [(41.82, 2)], 1: [(23.98, 1)]}),
    (SLOWFAST, {"best": [(70.3, 2)], "last": [(70.3, 2)], 1: [(29.75, 1)]}),
], ids=["lightning", "mmaction", "mmpretrain", "pyslowfast"])  # fmt: skip
@pytest.mark.parametrize("select", ["best", "last", 0, 1])
def test_logs_that_training_leaves(log, text, expected, select):
    path = log(text)
    if select in expected:
        accuracies = read_log(path, spec="ir-CSN-50", select=select)
        assert values(accuracies) == [("ir-CSN-50", *one) for one in expected[select]]
        assert read_log({path: "ir-CSN-50"}, select=select).records == accuracies.records


MMACTION_0 = """\
{"env_info": "sys.platform: linux", "config": "..."}
{"mode": "train", "epoch": 1, "iter": 20, "lr": 0.01, "memory": 900, "top1_acc": 0.3, "loss": 2.0}
{"mode": "val", "epoch": 1, "iter": 22, "lr": 0.01, "top1_acc": 0.41, "top5_acc": 0.7}
{"mode": "train", "epoch": 2, "iter": 20, "lr": 0.01, "memory": 900, "top1_acc": 0.5, "loss": 1.0}
{"mode": "val", "epoch": 2, "iter": 22, "lr": 0.01, "top1_acc": 0.62, "top5_acc": 0.8}
"""
WANDB = """\
{"_step": 0, "train/loss": 1.0, "lr": 0.1, "epoch": 0}
{"_step": 1, "val/acc": 0.6, "epoch": 0}
{"_step": 2, "train/loss": 0.5, "lr": 0.1, "val/acc": 0.7, "epoch": 1}
"""
TRAINER = """\
{
  "best_metric": 0.71,
  "log_history": [
    {"epoch": 0.5, "grad_norm": 1.0, "learning_rate": 0.0001, "loss": 1.0, "step": 5},
    {"epoch": 1.0, "eval_accuracy": 0.66, "eval_loss": 0.9, "step": 10},
    {"epoch": 1.5, "learning_rate": 0.0001, "loss": 0.5, "step": 15},
    {"epoch": 2.0, "eval_accuracy": 0.71, "eval_loss": 0.8, "step": 20}
  ]
}"""
YOLO = "            epoch, metrics/accuracy_top1, metrics/accuracy_top5\n   1, 0.41, 0.80\n   2, 0.55, 0.88\n"
DEIT = """\
{"train_lr": 0.1, "train_loss": 6.9, "test_loss": 6, "test_acc1": 0.5, "test_acc5": 2.0, "epoch": 0}
{"train_lr": 0.1, "train_loss": 6.9, "test_loss": 6, "test_acc1": 20.5, "test_acc5": 42.0, "epoch": 1}
"""
KERAS = """\
epoch,accuracy,learning_rate,loss,val_accuracy,val_loss
0,0.80,0.001,0.5,0.60,0.9
1,0.90,0.001,0.3,0.65,0.8
2,0.99,0.001,0.1,0.63,0.9
"""
TIMM = "epoch,train_loss,eval_loss,eval_top1,eval_top5,lr\n0,6.9,6.8,0.12,0.5,0.1\n1,6.5,6.2,0.95,3.1,0.1\n"
RESUMED = "epoch,step,val_acc\n0,9,0.30\n1,19,0.50\n2,29,0.55\n1,19,0.40\n2,29,0.45\n3,39,0.52\n"


@pytest.mark.parametrize(("text", "value", "epoch", "validation", "training"), [
    (MMACTION_0, 62, 2, [59, 38], [70, 50]), (WANDB, 70, 1, [40, 30], []), (TRAINER, 71, 2, [34, 29], []),
    (YOLO, 55, 2, [59, 45], []), (DEIT, 20.5, 1, [99.5, 79.5], []), (KERAS, 65, 1, [40, 35, 37], [20, 10, 1]),
    (TIMM, 0.95, 1, [99.88, 99.05], []), (RESUMED, 52, 3, [70, 60, 55, 48], []),
    ("epoch;val_acc\n1;50,5\n2;60,5\n", 60.5, 2, [49.5, 39.5], []),
], ids=["mmaction 0", "wandb", "trainer", "yolo", "deit", "keras", "timm", "resumed", "decimal commas"])  # fmt: skip
def test_accuracies_and_curves_read_the_same_columns(log, text, value, epoch, validation, training):
    path = log(text)
    assert values(read_log(path, spec="simple-8")) == [("simple-8", value, epoch)]
    curves = {"validation": [], "training": []}
    curves |= {one.part: [pytest.approx(y) for _, y in one.points] for one in cc.read_histories([path])}
    assert curves == {"validation": validation, "training": training}


def test_a_metric_of_one_part_of_the_data_is_of_that_part(log):
    def losses(metric):
        return {one.part: [y for _, y in one.points] for one in cc.read_histories([log(KERAS)], metric=metric)}

    assert losses("val_loss") == {"validation": [0.9, 0.8, 0.9]}
    assert losses("loss") == {"training": [0.5, 0.3, 0.1], "validation": [0.9, 0.8, 0.9]}
    with pytest.raises(CsncostError, match='no column "top1_acc"'):  # which is of training there
        read_log(log(MMACTION), spec="simple-8", metric="top1_acc")
    assert values(read_log(log(MMACTION), spec="simple-8", metric="train/top1_acc")) == [("simple-8", 95, 2)]


def test_a_metric_may_be_named(log):
    assert values(read_log(log(SLOWFAST), spec="ir-CSN-50", metric="top1_acc")) == [("ir-CSN-50", 76.2, None)]
    assert values(read_log(log(MMACTION), spec="ir-CSN-50", metric="acc/top5")) == [("ir-CSN-50", 91.0, 3)]
    path = log("spec,train_acc,val_acc,test_acc\nsimple-8,90,60,58\n")
    assert read_log(path).records[0].value == 60
    assert "test_acc is not" in read_log(path).notes[0]
    assert read_log(path, metric="TEST_ACC").records[0].value == 58
    assert {r.setting.metric for r in read_log("paper", metric="video@5").records} == {"video@5"}


def test_errors_by_any_name_are_turned_round_and_losses_refused(log):
    assert values(read_log(log(SLOWFAST), spec="ir-CSN-50", metric="min_top5_err")) == [("ir-CSN-50", 89.0, 2)]
    assert read_log(log("spec,val_error_rate\nsimple-8,0.4\n"), metric="val_error_rate").records[0].value == 60
    with pytest.raises(CsncostError, match=r'"val_loss" of .* is no accuracy'):
        read_log(log(LIGHTNING), spec="ir-CSN-50", metric="val_loss")


def test_a_cut_line_is_listed(log):
    (cut,) = read_log(log(SLOWFAST), spec="ir-CSN-50").unread
    assert (cut.source, cut.why) == ("log.csv:7", "no JSON: the line is cut")
    accuracies = read_log(log('{"spec": "simple-8", "acc": 60}\n{"spec": "simp', "log.jsonl"))
    assert [one.source for one in accuracies.unread] == ["log.jsonl:2"]


def test_rows_that_give_no_accuracy_are_listed_with_the_reason(log):
    rows = [
        "simple-8,60",
        "simple-9999999999999,60",
        "nonsense,61",
        "simple-D-8,",
        "simple-16,n/a",
        ",70",
        "simple-8,170",
        "simple-8,nan",
        "bottleneck-G-16,60",
        "a,b,c",
    ]
    accuracies = read_log(log("spec,acc\n" + "\n".join(rows)))
    assert [r.spec for r in accuracies.records] == ["simple-8"]
    assert [one.source for one in accuracies.unread] == [f"log.csv:{i}" for i in (11, *range(3, 11))]
    reasons = " ".join(why_unread(accuracies.unread))
    for reason in (
        'unknown network "nonsense"',
        "acc is empty",
        "acc is no number",
        "no spec",
        "no percentage",
        "cells under 2 columns",
    ):
        assert reason in reasons


def test_runs_without_the_epoch_asked_for_are_listed(log):
    text = "spec,epoch,seed,acc\nsimple-8,1,a,50\nsimple-8,2,a,55\nsimple-8,1,b,51\n"
    accuracies = read_log(log(text), select=2)
    assert [(r.seed, r.value) for r in accuracies.records] == [("a", 55)]
    assert [one.why for one in accuracies.unread] == ["it has no epoch 2"]
    assert [r.value for r in read_log(log(text)).records] == [55, 51]


def test_several_logs(log):
    first, second = log(LIGHTNING, "a=1.csv"), log(MMACTION, "b.json")
    accuracies = read_arguments(["paper", f"{second}=ir-CSN-50", f"{first}=ir-CSN-26"])
    assert {r.source.partition(":")[0] for r in accuracies.records} >= {"Table 2", "b.json"}
    assert len(read_log(["paper", log("spec,acc\nsimple-8,50\n")]).records) == len(read_log("paper").records) + 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("spec,acc\n", "holds no entries"),
        ("a,b\n1,2\n", "has no column of accuracies"),
        ("acc,b\n1,2\n", 'no column "spec"'),
        ("spec,acc,acc\nsimple-8,1,2\n", "two columns"),
        ("spec,val_acc,val_top1\nsimple-8,1,2\n", "several columns"),
        ("spec,acc\nnonsense,2\n", "unknown network"),
        ("[1, 2", "is no JSON"),
        ("{\n", "holds no entries"),
        ("[" * 100000, "is no JSON"),
        ("[]", "holds no entries"),
        (f'"{"x" * 200000}",acc\n', "no line of a table"),
    ],
)
def test_broken_files_are_one_clear_error(log, text, message):
    with pytest.raises(CsncostError, match=message):
        read_log(log(text))


def test_what_cannot_be_read_is_one_clear_error(log, tmp_path):
    (tmp_path / "binary").write_bytes(b"\x80\x81\xff" * 10)
    for path in (tmp_path / "missing.csv", tmp_path / "binary", "", "x\0y", 7, []):
        with pytest.raises(CsncostError):
            read_log(path)
    good = log("spec,acc\nsimple-8,50\n")
    for arguments in ({"select": "first"}, {"select": -1}, {"select": True}, {"metric": "ac"}):
        with pytest.raises(CsncostError):
            read_log(good, **arguments)
    with pytest.raises(SpecError):
        read_log(good, spec="nonsense-7")


def test_event_files_need_their_extra(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "tensorboard", None)
    monkeypatch.setitem(__import__("sys").modules, "tensorboard.backend.event_processing.event_file_loader", None)
    with pytest.raises(MissingExtra, match="tensorboard"):
        read_log(tmp_path / "events.out.tfevents.1.host", spec="simple-8")


def test_views_of_a_log(log):
    accuracies = read_log(log("spec,acc\nsimple-8,50\nsimple-8,52\n"))
    out = json.loads(accuracies.to_json())
    assert out["results"][0] | {"spread": 1.414} == {
        "spec": "simple-8",
        "name": "simple-8",
        "mean": 51.0,
        "spread": 1.414,
        "n": 2,
        "dataset": "",
        "metric": "acc",
        "clip": "",
        "pretrain": "",
        "classes": "",
    }
    assert list(accuracies.to_frame()["value"]) == [50, 52]
    assert "| simple-8 | simple-8 | 51.0 | 1.4 | 2 |" in str(accuracies)
    assert "2 runs of 1 design>" in repr(accuracies)
    assert "<table" in accuracies._repr_html_()


@pytest.fixture
def events(tmp_path):
    """An event file as PyTorch writes it: three accuracies and three losses."""
    writer = pytest.importorskip("torch.utils.tensorboard").SummaryWriter(str(tmp_path / "run"))
    for epoch, value in enumerate([0.4, 0.7031, 0.69]):
        writer.add_scalar("val/acc", value, epoch)
        writer.add_scalar("train/loss", 3 - epoch, epoch)
    writer.close()
    (file,) = (tmp_path / "run").iterdir()
    return file


def test_event_files(events):
    for path in (events.parent, events):
        read = read_log(path, spec="ir-CSN-50")
        assert (values(read), read.unread) == ([("ir-CSN-50", 70.31, 1)], ())
        assert values(read_log(path, spec="ir-CSN-50", select="last")) == [("ir-CSN-50", 69.0, 2)]


def test_event_files_as_tensorflow_2_writes_them(tmp_path):
    """Scalars are tensors without axes there; texts and vectors are none, and a second file goes on after the first."""
    writers = pytest.importorskip("tensorboard.summary.writer.event_file_writer")
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary
    from tensorboard.util.tensor_util import make_tensor_proto

    for part, values in enumerate([[0.25, 0.5], [0.75]]):
        writer = writers.EventFileWriter(str(tmp_path), filename_suffix=f".{part}")
        for step, value in enumerate(values, 2 * part):
            for tag, content in (("val/acc", value), ("text", b"words"), ("vector", [1.0, 2.0])):
                one = Summary.Value(tag=tag, tensor=make_tensor_proto(content))
                writer.add_event(Event(step=step, summary=Summary(value=[one])))
        writer.close()
    (curve,) = cc.read_histories([tmp_path])
    assert curve.points == ((0, 75), (1, 50), (2, 25))


def test_event_files_that_are_cut_or_damaged_are_read_up_to_there(events):
    content = events.read_bytes()
    at = content.rindex(b"val/acc")
    for broken in (content[: at + 5], content[:at] + b"X" + content[at + 1 :]):
        events.write_bytes(broken)
        for path in (events.parent, events):
            read = read_log(path, spec="ir-CSN-50", select="last")
            assert values(read) == [("ir-CSN-50", 70.31, 1)]
            (left_out,) = read.unread
            assert (left_out.source, len(content) > int(left_out.why.split()[4].replace(",", "")) > 0) == (
                events.name,
                True,
            )


def test_event_files_without_a_whole_record_are_one_clear_error(events):
    for content in (b"x" * 100, b""):
        events.write_bytes(content)
        with pytest.raises(
            CsncostError, match="no scalars.*: it is cut or damaged after 0" if content else "no scalars"
        ):
            read_log(events, spec="ir-CSN-50")


def test_logs_of_one_measurement_that_call_it_differently_are_comparable_once_that_is_said(log):
    paths = [log("spec,top1\nir-CSN-50,70\n", "a.csv"), log("spec,val_acc\nir-CSN-50,71\nir-CSN-26,62\n", "b.csv")]
    read = read_log(paths)
    assert [r.mean for r in read.results] == [70, 71, 62]
    assert [(r.spec, r.mean, r.n) for r in read.labelled(metric="top-1").results] == [
        ("ir-CSN-50", 70.5, 2),
        ("ir-CSN-26", 62, 1),
    ]
    assert read.labelled(dataset="mine", pretrain="none").records[0].setting == Setting("mine", "top1", "", "none")
    for wrong in ("clip", "colour"):
        with pytest.raises(CsncostError, match=wrong):
            read.labelled(**{wrong: "x"})


def test_a_lone_fraction_among_percentages_is_left_out(tmp_path):
    path = tmp_path / "log.csv"
    path.write_text("spec,top1\nsimple-8,70.1\nsimple-16,0.59\nsimple-D-8,0.5%\n", "utf-8")
    found = cc.read_log(path)
    assert [result.mean for result in found.results] == [70.1, 0.5]
    assert [line.why for line in found.unread] == ["top1 is 0.59 where others are percentages (write 0.59% to mean it)"]
    path.write_text("spec,epoch,top1\nsimple-8,1,0.4\nsimple-8,2,52\n", "utf-8")  # chance, at first
    assert [record.value for record in cc.read_log(path, select=1).records] == [0.4]


def test_the_folder_of_a_run_is_read_as_the_log_in_it(tmp_path):
    (tmp_path / "run").mkdir()
    with pytest.raises(CsncostError, match="a folder without a log"):
        cc.read_log(tmp_path / "run", spec="simple-8")
    (tmp_path / "run" / "metrics.csv").write_text("epoch,val_acc\n0,0.5\n1,0.6\n", "utf-8")
    assert cc.read_log(tmp_path / "run", spec="simple-8").results[0].mean == pytest.approx(60)
    (tmp_path / "run" / "scalars.json").write_text('{"val_acc": 1}', "utf-8")
    with pytest.raises(CsncostError, match=r"several logs: metrics\.csv, scalars\.json"):
        cc.read_log(tmp_path / "run", spec="simple-8")


def test_a_column_of_models_is_one_of_specs(tmp_path):
    path = tmp_path / "log.csv"
    path.write_text("model,acc\nsimple-8,50\nresnet,60\n", "utf-8")
    assert [result.spec for result in cc.read_log(path).results] == ["simple-8"]
    assert [line.text for line in cc.read_log(path).unread] == ["resnet"]


@pytest.mark.parametrize("device", ["/dev/zero", "/dev/urandom"])
def test_what_never_ends_is_no_log(device):
    with pytest.raises(CsncostError, match="is not a text file"):
        cc.read_log(device)
