"""Figures: what stands on them, that labels do not overlap, and the files they become."""

import itertools
import math

import pytest
from click.testing import CliRunner

import csncost as cc
from csncost.cli.main import main
from csncost.costs.metrics import METRICS, Metric
from csncost.errors import CsncostError, MissingExtra
from csncost.logs.curves import History
from csncost.logs.read import read_log
from csncost.render import plots
from csncost.render.figures import sheet, style
from csncost.render.figures.series import view
from csncost.render.figures.style import LOOKS
from csncost.spaces.legal import of_dataset
from csncost.spaces.study import explore
from tests.render.records import design, designs_of

pytest.importorskip("matplotlib")


@pytest.fixture(scope="module")
def designs():
    found = []
    for blocks, family in itertools.product((8, 16), ("simple", "bottleneck")):
        found.append(design(f"{family}-{blocks}", family, blocks, "none"))
        found += [design(f"{family}-G{g}-{blocks}", family, blocks, "G", g) for g in (2, 4, 8, 16, 32)]
        found.append(design(f"{family}-D-{blocks}", family, blocks, "D"))
        if family == "bottleneck":
            found += [design(f"{family}-DG{g}-{blocks}", family, blocks, "DG", g) for g in (2, 4, 8, 16, 32)]
    return found


@pytest.fixture(scope="module")
def log(designs, tmp_path_factory):
    path = tmp_path_factory.mktemp("log") / "log.csv"
    rows = [f"{d.spec},{s},{40 + i / 2 + s}" for i, d in enumerate(designs) for s in (0, 1, 2)]
    path.write_text("spec,seed,top1\n" + "\n".join(rows))
    return read_log(path)


def points(axes, marker):
    """The places of marks of a kind, but for those of the legend."""
    return [
        (float(x), float(y)) for line in axes.get_lines() if line.get_marker() == marker for x, y in line.get_xydata()
    ]


HEXAGRAM, STAR, OPEN = (6, 1, 0), "*", "d"


def test_figure_6_has_a_panel_for_each_depth(designs, log):
    figure = plots.tradeoff(designs_of(designs), log, x="flops")
    assert figure.get_size_inches()[0] == pytest.approx(2 * plots.COLUMN)
    accuracy = {r.spec: r.mean for r in log.results}
    for axes, blocks in zip(figure.axes, (8, 16), strict=True):
        own = [d for d in designs if d.blocks == blocks]
        assert sorted(points(axes, HEXAGRAM)) == sorted((d.flops, accuracy[d.spec]) for d in own if d.kind == "none")
        assert points(axes, STAR) == [(d.flops, accuracy[d.spec]) for d in own if d.spec == f"bottleneck-D-{blocks}"]
        assert points(axes, OPEN) == []
        bars = [bar for _, _, (bars,) in axes.containers for bar in bars.get_segments()]
        assert len(bars) == len(own)  # there are three runs of each
        assert axes.get_xlabel() == "FLOPs (multiply-adds)"
    assert figure.axes[0].get_ylabel() == "top1 (%)"
    assert [axes.get_title("left") for axes in figure.axes] == ["(a) 8 blocks", "(b) 16 blocks"]
    assert figure.get_supxlabel() == "convention paper, clip 3x8x224x224, 400 classes, accuracies: log.csv"


def test_figure_7_has_all_depths_on_a_logarithmic_axis(designs, log):
    figure = plots.tradeoff(designs_of(designs), log, x="interactions")
    (axes,) = figure.axes
    assert axes.get_xscale() == "log"
    assert len(points(axes, HEXAGRAM)) == 4
    assert legend_of(figure)[:4] == ["simple-X-8", "bottleneck-X-8", "simple-X-16", "bottleneck-X-16"]


def test_both_figures_stand_below_each_other_and_look_alike(designs, log):
    figure = plots.tradeoff(designs_of(designs), log)
    assert [axes.get_title("left") for axes in figure.axes] == ["(a) 8 blocks", "(b) 16 blocks", "(c) 8 and 16 blocks"]
    assert [axes.get_xscale() for axes in figure.axes] == ["linear", "linear", "log"]
    (a, b, c) = (
        {line.get_color() for line in axes.get_lines() if line.get_linestyle() != "None"} for axes in figure.axes
    )
    assert a | b == c
    assert not a & b


def test_curves_go_from_the_base_over_groups_to_depthwise_whatever_the_order(designs):
    (axes, _) = plots.tradeoff(designs_of(designs[::-1])).axes
    blue = [line for line in axes.get_lines() if line.get_color() == style.BLUE and line.get_linestyle() == "--"]
    expected = [[d.flops, d.interactions] for d in designs if (d.family, d.blocks) == ("simple", 8)]
    assert [line.get_xydata().tolist() for line in blue] == [expected]


def test_designs_without_accuracy_are_open_ticks_on_the_axis(designs):
    figure = plots.tradeoff(designs_of(designs), read_log("paper"), x="flops")
    for axes, blocks in zip(figure.axes, (8, 16), strict=True):
        logged = {f"bottleneck-{blocks}", f"bottleneck-D-{blocks}"}
        missing = sorted(d.flops for d in designs if d.blocks == blocks and d.spec not in logged)
        assert sorted(x for x, _ in points(axes, OPEN)) == missing
        assert {y for _, y in points(axes, OPEN)} == {0}
        assert axes.get_ylim()[0] > 60  # the ticks stand on the axis, whatever the accuracies are
    assert figure.axes[0].get_ylabel() == "Kinetics-400 video@1 (%)"


def test_the_axis_says_that_logged_errors_were_turned_round(tmp_path):
    (tmp_path / "log.csv").write_text("spec,top1_err\nsimple-8,40\nbottleneck-8,35\n")
    found = cc.study([2], [8]).with_accuracy(str(tmp_path / "log.csv"))
    figure = plots.tradeoff(found, x="flops")
    assert [round(y) for _, y in points(figure.axes[0], HEXAGRAM)] == [60, 65]
    assert figure.axes[0].get_ylabel() == "100 \u2212 top1_err (%)"


@pytest.mark.parametrize(
    ("convention", "title"), [("macs", "FLOPs (multiply-adds)"), ("flops", "FLOPs"), ("everything", "FLOPs")]
)
def test_the_unit_of_flops_is_that_of_the_convention(convention, title):
    drawn = plots.tradeoff(cc.study([1], [8], convention=convention))
    bars = plots.stage_bars([cc.analyze("simple-8", convention=convention)])
    for figure, panel in ((drawn, 0), (bars, 1)):
        assert figure.axes[panel].get_xlabel() == title
        assert ("1 multiply-add" in figure.get_supxlabel().replace("\n", " ")) == (title == "FLOPs")


def test_a_metric_of_the_list_has_an_axis(monkeypatch):
    reads = Metric("reads", "reads of weights", "reads", unit="words", terms={"weights": 2}, log_axis=True)
    monkeypatch.setitem(METRICS, "reads", reads)
    found = cc.study([2, 4], [8])
    (axes,) = plots.tradeoff(found, x="reads", y="depth").axes
    assert (axes.get_xlabel(), axes.get_xscale()) == ("reads of weights (words)", "log")
    assert (axes.get_ylabel(), axes.get_yscale()) == ("depth (layers)", "linear")
    assert sorted(x for x, _ in points(axes, HEXAGRAM)) == [
        2 * cc.analyze(f"{kind}-8").params for kind in ("bottleneck", "simple")
    ]
    (axes,) = plots.stage_bars([cc.analyze("simple-8")], ["reads"]).axes
    assert axes.get_xlabel() == "reads of weights (words)"


def test_without_a_log_interactions_are_shown(designs):
    figure = plots.tradeoff(designs_of(designs))
    assert figure.axes[0].get_ylabel() == "channel interactions (pairs)"
    for axes in figure.axes:
        assert axes.get_yscale() == "log"
        assert len(points(axes, HEXAGRAM)) == 2
    assert plots.tradeoff(designs_of(designs), x="interactions").axes[0].get_ylabel() == "FLOPs (multiply-adds)"
    assert plots.tradeoff(designs_of(designs), x="params", y="activations").axes[0].get_xlabel() == "parameters"


@pytest.mark.parametrize("x", [None, "params"])
def test_labels_do_not_overlap_and_are_inside(designs, log, x):
    for accuracies in (None, log):
        figure = plots.tradeoff(designs_of(designs), accuracies, x=x)
        figure.canvas.draw()
        for axes in figure.axes:
            boxes = [text.get_window_extent() for text in axes.texts]
            assert len(boxes) >= 8
            frame = axes.get_window_extent().padded(6)
            assert all(frame.x0 < b.x0 and b.x1 < frame.x1 and frame.y0 < b.y0 for b in boxes)
            for a, b in itertools.combinations(boxes, 2):
                assert a.x1 <= b.x0 or b.x1 <= a.x0 or a.y1 <= b.y0 + 2 or b.y1 <= a.y0 + 2
        edges = figure.legends[0].get_window_extent()
        assert edges.x0 >= 0
        assert edges.x1 <= figure.bbox.width
        assert edges.y0 >= max(axes.get_tightbbox().y1 for axes in figure.axes) - 1
        foot = figure._supxlabel.get_window_extent()
        assert foot.y1 <= min(axes.get_tightbbox().y0 for axes in figure.axes) + 1


def test_a_label_is_nearest_to_its_own_point(designs, log):
    sizes = explore(["bottleneck-D-16"], None, None, size=range(112, 257, 16))
    for figure in (plots.tradeoff(designs_of(designs), log), plots.tradeoff(sizes)):
        figure.canvas.draw()
        for axes in figure.axes:
            assert axes.texts
            marked = [xy for marker in (HEXAGRAM, STAR, *(look.mark for look in LOOKS)) for xy in points(axes, marker)]
            spots = axes.transData.transform(marked).tolist()
            for text in axes.texts:
                (own,) = axes.transData.transform([text.xy]).tolist()
                nearest = min(distance(spot, text.get_window_extent()) for spot in spots)
                assert distance(own, text.get_window_extent()) <= nearest + 1


def distance(spot, box):
    x, y = spot
    return math.hypot(max(box.x0 - x, 0, x - box.x1), max(box.y0 - y, 0, y - box.y1))


def test_curves_differ_in_more_than_colour():
    looks = [(look.mark, str(look.line)) for look in LOOKS]
    assert len({mark for mark, _ in looks}) == len({line for _, line in looks}) == len(looks)


@pytest.mark.parametrize("arguments", [
    {"x": "speed"}, {"x": "accuracy"}, {"x": "flops", "y": "flops"}, {"y": "accuracy"}, {"y": None, "designs": []},
])  # fmt: skip
def test_what_cannot_be_drawn_is_an_error(designs, arguments):
    with pytest.raises(CsncostError):
        plots.tradeoff(**{"designs": designs_of(designs), **arguments})


def test_bars_stack_to_the_totals():
    reports = [cc.analyze(spec) for spec in ("ResNet3D-50", "ir-CSN-50")]
    figure = plots.stage_bars(reports)
    for axes, metric in zip(figure.axes, ("params", "flops", "interactions"), strict=True):
        ends = [max(bar.get_x() + bar.get_width() for c in axes.containers for bar in [c[i]]) for i in range(2)]
        assert ends == [getattr(report, metric) for report in reports]
        assert axes.get_xlim()[1] > max(ends)
    assert [tick.get_text() for tick in figure.axes[0].get_yticklabels()] == ["ResNet3D-50", "ir-CSN-50"]
    assert legend_of(figure) == [row.name for row in reports[0].by("stage").rows]
    with pytest.raises(CsncostError):
        plots.stage_bars([])


@pytest.mark.parametrize(("stamp", "said"), [
    ({"convention": "paper", "clip": "3x8x224x224", "classes": 400, "views": 1},
     "convention paper, clip 3x8x224x224, 400 classes"),
    ({"convention": "flops", "clip": "3xframesxsizexsize", "classes": "varies", "views": 30},
     "convention flops (2 FLOPs = 1 multiply-add), clip 3 x frames x size x size, classes varies, 30 views"),
    ({"clip": "varies", "log": "a/one.csv, b/two.csv"}, "clip varies, accuracies: one.csv, two.csv"),
    ({"clip": "3x8x224x224 / 3x32x256x256", "log": ", ".join(f"a_long_name_{k}.csv" for k in range(5))},
     "clip 3x8x224x224 / 3x32x256x256, accuracies: 5 logs"),
    ({"input": "1x3x224x224", "log": "x" * 300}, f"input 1x3x224x224, accuracies: {'x' * 26}…{'x' * 13}"),
    ({}, ""),
])  # fmt: skip
def test_the_stamp_is_whole_and_within_the_figure(stamp, said):
    figure = sheet.new_figure(sheet.COLUMN, 2)
    sheet.stamp_figure(figure, stamp)
    assert figure.get_supxlabel().replace("\n", " ") == said
    if said:
        figure.draw_without_rendering()
        edges = figure._supxlabel.get_window_extent()
        assert edges.x0 >= 0
        assert edges.x1 <= figure.bbox.width


def test_bars_of_many_stages_are_told_apart_within_a_page():
    written = "input 3 x T x S x S\n" + "\n".join(f"conv{i} 1x1x1, 64" for i in range(1, 31))
    reports = [cc.analyze(written, size=32)] * 2
    figure = plots.stage_bars(reports)
    figure.canvas.draw()
    assert figure.bbox.width == pytest.approx(2 * sheet.COLUMN * figure.dpi)
    edges = figure.legends[0].get_window_extent()
    assert edges.x0 >= 0
    assert edges.x1 <= figure.bbox.width
    assert legend_of(figure) == [*(f"conv{i}" for i in range(1, 24)), "7 others"]
    bars = [container[0] for container in figure.axes[0].containers]
    assert len({(bar.get_facecolor(), bar.get_hatch()) for bar in bars}) == len(bars) == 24
    assert bars[-1].get_x() + bars[-1].get_width() == reports[0].params
    labels = [tick.get_text() for tick in figure.axes[0].get_yticklabels()]
    assert len(set(labels)) == 2
    assert figure.axes[0].get_window_extent().height > 0.4 * figure.dpi


def test_bars_of_several_clips_say_them_all():
    figure = plots.stage_bars([cc.analyze("ir-CSN-26"), cc.analyze("ir-CSN-26@32x256(classes=101)")])
    assert figure.get_supxlabel() == "convention paper, clip 3x8x224x224 / 3x32x256x256, classes 400 / 101"


@pytest.mark.parametrize(
    ("suffix", "start"), [(".png", b"\x89PNG"), (".pdf", b"%PDF"), (".svg", b"<?xml"), (".PNG", b"\x89PNG")]
)
def test_files(designs, tmp_path, suffix, start):
    path = tmp_path / f"figure{suffix}"
    cc.plot.save(cc.plot.tradeoff(designs_of(designs)), path)
    assert path.read_bytes().startswith(start)
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("name", ["figure", "figure.jpg", "missing/figure.png", ".png/x"])
def test_files_that_cannot_be_are_one_clear_error(designs, tmp_path, name):
    with pytest.raises(CsncostError):
        plots.save(plots.tradeoff(designs_of(designs)), tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_written_where_drawing_fails(designs, tmp_path, monkeypatch):
    figure = plots.tradeoff(designs_of(designs))
    monkeypatch.setattr(figure, "savefig", lambda *a, **k: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        plots.save(figure, tmp_path / "x.png")
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def full_disk():
    """No file grows beyond 4 KB."""
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))  # Python ignores the signal: writing raises OSError
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("suffix", [".png", ".pdf", ".svg", ".html"])
def test_a_full_disk_is_one_clear_error_and_keeps_what_was_there(suffix, tmp_path, full_disk):
    if suffix == ".html":
        pytest.importorskip("plotly")
    path = tmp_path / f"figure{suffix}"
    path.write_text("before")
    result = CliRunner().invoke(main, ["sweep", "--groups", "2", "--plot", str(path)])
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == f"error: cannot write {path}: File too large\n  make room, or name a file elsewhere\n"
    assert [(p.name, p.read_text()) for p in tmp_path.iterdir()] == [(path.name, "before")]


def test_the_missing_extra_is_named(designs, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "matplotlib", None)
    with pytest.raises(MissingExtra, match="plot"):
        plots.tradeoff(designs_of(designs))


@pytest.mark.parametrize(
    "command", [["analyze", "ir-CSN-26"], ["compare", "ResNet3D-26", "ir-CSN-26"]], ids=lambda c: c[0]
)
def test_plots_from_the_command_line(command, tmp_path):
    path = tmp_path / "x.png"
    result = CliRunner().invoke(main, [*command, "--plot", str(path)])
    assert result.exit_code == 0, result.output
    assert path.read_bytes().startswith(b"\x89PNG")
    assert "conv2" in result.stdout
    assert result.stderr == f"drawn: {path}\n"


@pytest.mark.parametrize(
    "command",
    [["analyze", "simple-8"], ["compare", "simple-8", "simple-16"], ["curves", "log.csv"]],
    ids=lambda c: c[0],
)
def test_commands_without_a_page_say_which_files_they_draw(command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "log.csv").write_text("spec,epoch,top1\nsimple-8,1,50\n")
    help_text = CliRunner().invoke(main, [command[0], "--help"]).stdout
    assert "or .svg" in help_text
    assert ".html" not in help_text
    for name, more in (("x.html", "; pages are drawn of designs, by sweep and reproduce"), ("x.gif", "")):
        result = CliRunner().invoke(main, [*command, "--plot", name])
        assert (result.exit_code, result.stdout) == (2, "")
        assert result.stderr.endswith(f"\n  name it x.png, .pdf or .svg{more}\n")
    result = CliRunner().invoke(main, ["sweep", "--groups", "2", "--plot", "x.gif"])
    assert result.stderr.endswith("\n  name it x.png, .pdf, .svg or .html\n")


SPACES = [
    ([], {"groups": [2], "frames": [8, 16]}, 4, 8),
    ([], {"groups": [2], "blocks": [8, 4, 16]}, 3, 6),
    (["bottleneck-G-16", "simple-G-8"], {"groups": [1, 2, 4], "frames": [8, 16]}, 2, 4),
    (["bottleneck-G-16"], {"groups": [1, 2], "width": [0.5, 1, 2], "size": [112, (128, 160)], "frames": 8}, 2, 6),
    (["bottleneck-G-16"], {"groups": [1, 2, 4, 8]}, 1, 1),
]


@pytest.mark.parametrize("space", range(len(SPACES)))
def test_any_swept_space_has_panels_of_curves(space):
    specs, given, panels, curves = SPACES[space]
    found = explore(specs, **{"groups": None, "blocks": None, **given})
    shown = view(found.given_rows, "flops", "interactions").panels
    assert [len(shown), sum(len(panel.curves) for panel in shown)] == [panels, curves]
    points = [point for panel in shown for curve in panel.curves for point in curve.points]
    assert sorted((p.x, p.y) for p in points) == sorted((row["flops"], row["interactions"]) for row in found)
    assert len({panel.title for panel in shown}) == panels


def test_a_space_is_drawn_from_the_command_line(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(main, ["sweep", "bottleneck-G-16", "--groups", "1..64", "--plot"])
    assert result.exit_code == 0, result.output
    assert "drawn: sweep.png" in result.stderr
    assert (tmp_path / "sweep.png").read_bytes().startswith(b"\x89PNG")


def legend_of(figure):
    return [text.get_text() for text in figure.legends[0].get_texts()]


def lines_of(figure):
    return [line for axes in figure.axes for line in axes.get_lines() if line.get_linestyle() != "None"]


def test_networks_without_an_order_are_not_joined():
    named = [
        "simple-8",
        "ir-CSN-26",
        "bottleneck-D-[3,4,23,3](width=2, classes=487)",
        "bottleneck-D-[3,4,36,3](width=2, classes=487)",
    ]
    figure = plots.tradeoff(explore(named, None, None))
    assert lines_of(figure) == []
    assert legend_of(figure)[:2] == named[:2]
    assert len(set(legend_of(figure))) == 4
    (axes,) = figure.axes
    assert len({(line.get_marker(), line.get_color()) for line in axes.get_lines()}) == 4
    named = [f"{kind}-{depth}" for kind in ("ResNet3D", "ir-CSN", "ip-CSN") for depth in (26, 50, 101)]
    figure = plots.tradeoff(explore(named, None, None))
    assert lines_of(figure) == []
    assert legend_of(figure) == ["9 networks"]
    texts = [text.get_text() for text in figure.axes[0].texts]
    assert len(texts) > 5
    assert set(texts) <= set(named)
    row = plots.tradeoff(explore([f"simple-D-[1,1,1,{i}]" for i in range(1, 11)], None, None))
    assert [text.get_text() for text in row.axes[0].texts] == []  # each would be as near to the points beside its own
    figure = plots.tradeoff(explore(["simple-8", "ir-CSN-26", "ip-CSN-26"], None, None, frames=[8, 16]))
    assert (legend_of(figure), len(lines_of(figure))) == (["simple-8", "ir-CSN-26", "ip-CSN-26"], 3)


def test_one_network_has_one_mark():
    figure = plots.tradeoff(cc.study([1, 2], [8]))  # bottleneck-G1-8 is bottleneck-8, bottleneck-DG1-8 bottleneck-D-8
    (axes,) = figure.axes
    assert (len(points(axes, HEXAGRAM)), len(points(axes, STAR)), len(lines_of(figure))) == (2, 1, 2)


def test_a_space_without_interactions_has_an_axis_from_zero():
    figure = plots.tradeoff(explore(["input 3 x T x S x S\nconv1 3x3x3, 3, depthwise"], None, None, frames=[8, 16]))
    low, high = figure.axes[0].get_ylim()
    assert -0.5 < low < 0 < high
    assert [tick for tick in figure.axes[0].get_yticks() if low <= tick <= high] == [0, 1]


def test_short_names_differ():
    long = "a" * 60
    assert style.short_names(["b", long]) == ["b", "a" * 18 + "…" + "a" * 9]
    assert style.short_names([f"{'a' * 22}{i}{'b' * 20}" for i in (1, 2)]) == [
        f"{'a' * 22}{i}{'b' * 20}" for i in (1, 2)
    ]
    assert style.short_names([f"{long}{i}{long}" for i in (1, 2)])[1].startswith("2 aaa")


@pytest.mark.parametrize("name", ["run {}", "bottleneck-D-[3,4,{},3](width=2, classes=487)"])
def test_a_long_legend_is_inside_and_leaves_room(name):
    figure = plots.curves(
        [History(name.format(i), "", "training", "error (%)", "epoch", ((1, 2), (2, i)), "") for i in range(8)]
    )
    figure.canvas.draw()
    edges = figure.legends[0].get_window_extent()
    assert edges.x0 >= 0
    assert edges.x1 <= figure.bbox.width
    assert len(set(legend_of(figure))) == 9
    assert figure.axes[0].get_window_extent().height > 1.5 * figure.dpi


def test_the_curves_of_a_space_go_along_its_groups():
    figure = plots.tradeoff(explore(["bottleneck-G-16"], [4, 1, 2], None))
    (axes,) = figure.axes
    assert sorted(text.get_text() for text in axes.texts) == ["1", "2", "4"]
    assert figure.legends[0].get_title().get_text() == "numbers at the points: G"
    assert figure.get_supxlabel() == "convention paper, clip 3x8x224x224, 400 classes"


@pytest.mark.parametrize("arguments", [
    ["--plot", "x.gif"], ["--plot", "figure"], ["--plot", "bottleneck-16"], ["--plot", "/no/such/x.png"],
    ["--plot", ""], ["--plot", "x\0.png"], ["--plot", "n" * 300 + ".png"],
    ["--frames", "8,9,10,11,12,13,14", "--plot"],
    ["bottleneck-G-16", "--width", "1..9", "--frames", "8,16,32,64", "--plot"],
    ["bottleneck-G-16", "--size", "64..112:2", "--frames", "8,16", "--plot", "-p", "stem_width=32,64"],
    ["--accuracy", "none.csv", "--plot"], ["--groups", "3", "--blocks", "5", "--plot"],
])  # fmt: skip
def test_a_space_that_cannot_be_drawn_is_one_clear_error(arguments, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    given = [] if "--groups" in arguments else ["--groups", "1,2"]
    result = CliRunner().invoke(main, ["sweep", *given, *arguments])
    assert result.exit_code == 2, result.output
    assert "error: " in result.stderr
    assert result.stdout == ""
    assert list(tmp_path.iterdir()) == []


def test_a_log_of_one_point_and_one_of_none(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for spec, height in (("ir-CSN-50", "accuracy"), ("ir-CSN-152", "interactions")):
        (tmp_path / "log.csv").write_text(f"spec,top1\n{spec},70\n")
        found = cc.study([2]).with_accuracy("log.csv")
        figure = plots.tradeoff(found)
        below = ["channel interactions (pairs)"] if height == "accuracy" else []
        assert [axes.get_xlabel() for axes in figure.axes] == ["FLOPs (multiply-adds)"] * 2 + below
        plots.save(figure, "x.svg")
    (tmp_path / "log.csv").write_text("spec,top1\nsimple-8,70\n")  # no design of a panel is known
    figure = plots.tradeoff(cc.study([2], [8, 16]).with_accuracy("log.csv"))
    assert len(points(figure.axes[1], OPEN)) == 2 * 3 + 1
    assert [text.get_text() for text in figure.axes[1].texts] == ["no accuracy is logged"]
    assert figure.axes[1].get_yticks().tolist() == []
    assert legend_of(figure) == ["simple-X-8", "bottleneck-X-8", "simple-X-16", "bottleneck-X-16", "base", "not logged"]


def drawn_curves(found):
    """The curves of a space with the texts at their points."""
    (panel,) = view(found.given_rows, "flops", "interactions").panels
    return [(curve.name, [point.text for point in curve.points]) for curve in panel.curves]


def test_what_sweep_gives_is_drawn_as_what_is_drawn_of_the_command_line():
    space = cc.sweep("bottleneck-G-16", G=[1, 2, 3, 4], width=[0.5, 1])
    curves = drawn_curves(of_dataset(space))
    assert curves == [("width 0.5", ["1", "2", "4"]), ("width 1", ["1", "2", "4"])]
    assert plots.tradeoff(space).axes[0].get_xlabel().startswith("FLOPs")
    with pytest.raises(CsncostError, match="no designs to draw"):
        plots.tradeoff([{"spec": "simple-8"}])


def test_names_are_drawn_as_they_are(tmp_path):
    """Also such as would be broken mathematics."""
    path = tmp_path / "$x_1^{$.csv"
    path.write_text("spec,$x_1^{$,dataset\nsimple-8,50,$\\\\frac$\nsimple-16,51,$\\\\frac$\n", "utf-8")
    figure = plots.tradeoff(cc.study([1]).with_accuracy(path, metric="$x_1^{$"))
    plots.save(figure, str(tmp_path / "figure.png"))
    assert "$x_1^{$" in figure.axes[0].get_ylabel()
