"""One list of metrics: one that is added in memory arrives wherever costs are shown, swept, asked for and drawn."""

import json

import pytest
from click.testing import CliRunner

import csncost as cc
from csncost.cli.main import main
from csncost.costs.metrics import METRICS, Counts, Metric, counted, find_metric

READS = Metric("reads", "elements read", "reads", "elements", terms={"reads": 1}, predicts=True)


@pytest.fixture
def reads(monkeypatch):
    """A metric that no convention has a rule for: the elements that counted operations read."""
    monkeypatch.setitem(METRICS, "reads", READS)


def run(*args):
    result = CliRunner().invoke(main, list(args))
    assert result.exit_code == 0, result.output
    return result.stdout


def read_by_modules(spec, shape):
    """Elements that the convolutions and fully connected layers of a network are given when it runs."""
    torch = pytest.importorskip("torch")
    given = []
    model = cc.build(spec).eval()
    for module in model.modules():
        if isinstance(module, (torch.nn.Conv3d, torch.nn.Linear)):
            module.register_forward_pre_hook(lambda module, inputs: given.append(inputs[0].numel()))
    with torch.no_grad():
        model(torch.zeros(shape))
    return given


def test_the_list_says_what_is_counted():
    assert counted() == ("params", "flops", "interactions", "activations")
    assert find_metric("flops").axis == "FLOPs (multiply-adds)"
    with pytest.raises(cc.CsncostError, match="unknown metric"):
        find_metric("flop s")
    counts = Counts((1, 2, 3, 4))
    assert (counts.params, counts.flops, counts.times(3).flops, counts.times(3).params) == (1, 2, 6, 1)
    with pytest.raises(AttributeError):
        counts.depth  # noqa: B018 - a whole network has it


def test_analyze_and_trace_count_a_metric_that_is_added(reads):
    spec = "simple-D-8@4x32(width=0.5)"
    given = read_by_modules(spec, (1, 3, 4, 32, 32))
    report = cc.analyze(spec)
    assert [row.reads for row in report.rows] == given
    assert report.reads == sum(given)
    traced = cc.trace(cc.build(spec).eval(), (1, 3, 4, 32, 32))
    assert [row.reads for row in traced.rows] == given


def test_commands_show_it(reads):
    report = cc.analyze("simple-D-8@4x32")
    assert json.loads(run("analyze", "simple-D-8@4x32", "--format", "json"))["totals"]["reads"] == report.reads
    assert "reads" in run("analyze", "simple-D-8@4x32")
    assert "reads" in run("compare", "simple-8", "simple-D-8", "--format", "csv").splitlines()[0]


def test_a_sweep_has_it_as_a_variable(reads):
    space = cc.sweep("bottleneck-G-8", G=[1, 4], frames=[4, 8])
    assert int(space["reads"].sel(G=4, frames=8)) == cc.analyze("bottleneck-G-8", G=4, frames=8).reads
    rows = json.loads(run("sweep", "bottleneck-G-8", "--groups", "1,4", "--format", "json"))["designs"]
    assert [row["reads"] for row in rows] == [cc.analyze(row["spec"]).reads for row in rows]


def test_a_search_minimises_and_bounds_it(reads):
    rows = json.loads(run("search", "--minimize", "reads", "--top", "1", "--format", "json"))["designs"]
    every = json.loads(run("sweep", "--format", "json"))["designs"]
    assert rows[0]["reads"] == min(row["reads"] for row in every)


def test_a_figure_has_its_axis(reads):
    pytest.importorskip("matplotlib")
    figure = cc.plot.tradeoff(cc.study(groups=[1, 2, 4]), x="flops", y="reads")
    assert figure.axes[0].get_ylabel() == "elements read (elements)"


def test_a_correlation_takes_it_and_a_formula_states_it(reads):
    pytest.importorskip("scipy")
    found = cc.correlate("paper", metrics=["reads"])
    assert {rank.predictor for rank in found.ranks} == {"reads"}
    form = cc.formula("bottleneck-G-8", G=4)
    values = dict(zip(form.axes, (8, 224, 224), strict=True))
    assert int(form.reads.subs(values)) == cc.analyze("bottleneck-G-8", G=4).reads


def test_without_it_nothing_of_it_is_left():
    assert "reads" not in cc.analyze("simple-8").to_dict()["totals"]
    with pytest.raises(AttributeError):
        cc.analyze("simple-8").reads  # noqa: B018
