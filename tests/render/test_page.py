"""The interactive page: what stands on it, that nothing in it can break it, and that it works in a browser."""

import json
import shlex
import sys
from html.parser import HTMLParser

import pytest
from click.testing import CliRunner

import csncost as cc
from csncost.cli.main import main
from csncost.costs.metrics import METRICS, Metric
from csncost.errors import CsncostError, MissingExtra
from csncost.logs.read import read_log
from csncost.render.page.page import page
from csncost.spaces.designs import Designs
from csncost.spaces.legal import of_dataset
from csncost.spaces.study import explore
from tests.render import browser
from tests.render.records import design, designs_of

pytest.importorskip("plotly")

EVIL = "</script><script>window.evil=1</script><img src=x onerror='window.evil=1'>&lt;b&gt; $style {0} ' \" ]]>"


@pytest.fixture(scope="module")
def designs():
    found = []
    for family in ("simple", "bottleneck"):
        for blocks in (8, 16):
            found.append(design(f"{family}-{blocks}", family, blocks, "none"))
            found.append(design(f"{family}-G4-{blocks}", family, blocks, "G", 4))
            found.append(design(f"{family}-D-{blocks}", family, blocks, "D"))
    return [*found, design("bottleneck-DG2-16", "bottleneck", 16, "DG", 2)]


def named(spec, clip="3x8x224x224"):
    """A space of one design, called as is given."""
    stamp = {"convention": "paper", "clip": clip, "classes": 400, "views": 1}
    return Designs([spec], {"params": [1], "flops": [2], "interactions": [3], "activations": [4]}, stamp)


@pytest.fixture(scope="module")
def log(designs, tmp_path_factory):
    """Accuracies made up to be told apart, three runs each, of all but the last two designs."""
    path = tmp_path_factory.mktemp("log") / "log.csv"
    rows = [f"{d.spec},{s},{50 + i + s}" for i, d in enumerate(designs[:-2]) for s in (0, 1, 2)]
    path.write_text("spec,seed,top1\n" + "\n".join(rows))
    return read_log(path)


class Elements(HTMLParser):
    """The elements of a document, and the texts inside them."""

    def __init__(self, text):
        super().__init__()
        self.found, self.texts = [], {}
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data):
        if self.found:
            key = self.found[-1][1].get("id", self.found[-1][0])
            self.texts[key] = self.texts.get(key, "") + data


def data_of(text):
    """The two views of a page, their traces but the samples of the legend, and what is known of the designs."""
    decoder = json.JSONDecoder()
    traces, end = decoder.raw_decode(text, text.index("[", text.index('"figure",')))
    layout, _ = decoder.raw_decode(text, text.index("{", end))
    axes = (("x", "xaxis", "yaxis"), ("x2", "xaxis2", "yaxis3"))
    views = [
        {"data": [t for t in traces if t["xaxis"] == x and not t["showlegend"]], "x": layout[across], "y": layout[up]}
        for x, across, up in axes
    ]
    return {"views": views, "designs": layout["meta"]["designs"], "legend": [t for t in traces if t["showlegend"]]}


def places(view):
    """Design -> where it stands, and whether on the axis, where those are that are not logged."""
    return {
        i: (x, y, trace["yaxis"] in ("y2", "y4"))
        for trace in view["data"]
        if "customdata" in trace
        for i, x, y in zip(trace["customdata"], trace["x"], trace["y"], strict=True)
    }


def test_every_design_is_in_both_views(designs, log):
    data = data_of(page(designs_of(designs), log))
    means = {result.spec: result.mean for result in log.results}
    for view, cost in zip(data["views"], ("flops", "interactions"), strict=True):
        expected = {
            i: (getattr(d, cost), means[d.spec], False) if d.spec in means else (getattr(d, cost), 0, True)
            for i, d in enumerate(designs)
        }
        assert places(view) == expected
    assert [view["x"].get("type") for view in data["views"]] == [None, "log"]
    assert {view["y"]["title"]["text"] for view in data["views"]} == {"top1 (%)"}


def test_without_a_log_costs_are_shown(designs):
    data = data_of(page(designs_of(designs)))
    for view, x in zip(data["views"], ("flops", "params"), strict=True):
        assert places(view) == {i: (getattr(d, x), d.interactions, False) for i, d in enumerate(designs)}
    assert not any("accuracy" in label for d in data["designs"] for label, _, _ in d["facts"])


def test_the_legend_names_curves_and_the_marks_that_they_share(designs, log):
    named = [(trace["name"], "legendgroup" in trace) for trace in data_of(page(designs_of(designs), log))["legend"]]
    curves = ["simple-X-8", "bottleneck-X-8", "simple-X-16", "bottleneck-X-16"]
    marks = ["base", "bottleneck-D", "not logged"]
    assert named == [*((name, True) for name in curves), *((name, False) for name in marks)]


def test_a_metric_of_the_list_is_said(monkeypatch):
    monkeypatch.setitem(METRICS, "reads", Metric("reads", "reads of weights", "reads", terms={"weights": 2}))
    first, *_ = data_of(page(cc.study([1], [8])))["designs"]
    assert first["facts"][-1][0] == "reads of weights"
    assert first["facts"][-1][2] == f"{2 * cc.analyze('simple-8').params:,}"


def test_what_is_said_of_a_design(designs, log):
    first, *_, last = data_of(page(designs_of(designs), log))["designs"]
    assert first["label"] == "simple-8"
    assert first["command"] == "csncost analyze simple-8"
    values = {label: (value, more) for label, value, more in first["facts"]}
    report = cc.analyze("simple-8")
    assert values["FLOPs"][1] == f"{report.flops:,}"
    assert values["parameters"][1] == f"{report.params:,}"
    assert values["accuracy"][0] == "51.0 \u00b1 1.0 %"
    assert values["accuracy"][1].startswith("3 runs: 50 (log.csv:2, seed 0), 51 (")
    assert last["facts"][-1] == ["accuracy", "not logged", ""]


def test_marks_and_bars(designs, log):
    (view, _) = data_of(page(designs_of(designs), log))["views"]
    marks = {}
    for trace in view["data"]:
        if trace.get("customdata") and trace["yaxis"] == "y":
            assert trace["error_y"]["array"] == [pytest.approx(1)] * len(trace["x"])
            marks |= dict.fromkeys(trace["customdata"], (trace["marker"]["symbol"], trace["marker"]["color"]))
    bases = [marks[i] for i, d in enumerate(designs) if d.kind == "none"]
    assert {symbol for symbol, _ in bases} == {"hexagram"}
    assert len({colour for _, colour in bases}) == len(bases) == 4  # each of the colour of its curve
    of_base = {(d.family, d.blocks): marks[i][1] for i, d in enumerate(designs) if d.kind == "none"}
    assert marks[8] == ("star", of_base[designs[8].family, designs[8].blocks])
    assert len({marks[i] for i, d in enumerate(designs) if d.kind == "G"}) == 4  # a mark and a colour for each curve


def test_one_network_has_one_mark_and_a_design_alone_has_an_axis():
    data = data_of(page(cc.study([1, 2], [8])))
    names = [said["label"] for said in data["designs"]]
    drawn = {names[i] for i in places(data["views"][0])}
    assert set(names) - drawn == {"simple-G1-8", "bottleneck-G1-8", "bottleneck-DG1-8"}
    at = {said["label"]: names[said["at"]] for said in data["designs"]}
    assert {name: at[name] for name in set(names) - drawn} == {
        "simple-G1-8": "simple-8",
        "bottleneck-G1-8": "bottleneck-8",
        "bottleneck-DG1-8": "bottleneck-D-8",
    }
    assert all(at[name] == name for name in drawn)
    text = page(cc.study([1], [8]).take([0]))
    assert "<h1>1 design: costs</h1>" in text
    many = data_of(page(explore([f"simple-D-[1,1,1,{i}]" for i in range(1, 11)], None, None)))
    assert {text for trace in many["views"][0]["data"] for text in trace.get("text", [])} == {""}  # hovering names them
    assert not [trace for trace in many["views"][0]["data"] if trace["mode"] == "lines" and trace["x"]]
    low, high = data_of(text)["views"][0]["x"]["range"]
    flops = cc.analyze("simple-8").flops
    assert low < 0.9 * flops < 1.1 * flops < high


def test_the_page_is_the_same_each_time_and_says_how_it_counts(designs, log):
    text = page(designs_of(designs), log)
    assert text == page(designs_of(designs), log)
    assert "convention paper (1 FLOP = 1 multiply-add), clip 3x8x224x224, classes 400, views 1" in text
    text = page(cc.study([1], [8], convention="flops", frames=16))
    assert "convention flops (2 FLOPs = 1 multiply-add), clip 3x16x224x224" in text
    assert data_of(text)["designs"][0]["command"] == "csncost analyze simple-8@16x224 --convention flops"


def test_commands_say_what_was_counted():
    pytest.importorskip("xarray")
    space = of_dataset(cc.sweep("bottleneck-G-16", G=[2, 4], size=[112, (128, 160)], blocks=8))  # fmt: skip
    data = data_of(page(space))
    assert data["designs"][2]["label"] == "bottleneck-G-16 G=4 size=112x112"
    for row, said in zip(space, data["designs"], strict=True):
        result = CliRunner().invoke(main, [*shlex.split(said["command"])[1:], "--format", "json"])
        assert result.exit_code == 0, result.output
        assert json.loads(result.output)["totals"]["flops"] == row["flops"]


def test_several_depths_and_knobs_have_curves_of_their_own():
    data = data_of(page(cc.study([2], [4, 8, 16], width=[1, 2])))
    lines = [trace for trace in data["views"][0]["data"] if trace["mode"] == "lines" and trace["x"]]
    assert len(lines) == len({trace["legendgroup"] for trace in lines}) == 12
    assert len({(trace["line"]["color"], trace["line"]["dash"]) for trace in lines}) == 8


def test_a_page_from_the_command_line(tmp_path):
    path = tmp_path / "designs.html"
    result = CliRunner().invoke(main, ["sweep", "--groups", "2", "--accuracy", "paper", "--plot", str(path)])
    assert result.exit_code == 0, result.output
    assert path.read_text("utf-8") == page(cc.study([2]), read_log("paper"))


def test_nothing_comes_from_elsewhere(designs):
    found = Elements(page(designs_of(designs))).found
    assert not [
        (tag, attrs) for tag, attrs in found if tag in ("link", "img", "iframe") or {"src", "href"} & attrs.keys()
    ]
    (policy,) = [a["content"] for _, a in found if a.get("http-equiv") == "Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "http" not in policy


def test_names_are_only_text():
    plain, evil = page(named("simple-8")), page(named(EVIL, clip=EVIL))
    assert [tag for tag, _ in Elements(evil).found] == [tag for tag, _ in Elements(plain).found]
    (said,) = data_of(evil)["designs"]
    assert said["label"] == " ".join(EVIL.split())[:39] + "…" + EVIL[-20:]
    shown = [text for trace in data_of(evil)["views"][0]["data"] for text in trace.get("hovertext", [])]
    assert shown
    assert all("<" not in text.replace("<br>", "") for text in shown)


def test_what_cannot_be_drawn_is_an_error(designs, monkeypatch):
    with pytest.raises(CsncostError, match="no designs"):
        page([])
    monkeypatch.setitem(sys.modules, "plotly.graph_objects", None)
    with pytest.raises(MissingExtra, match="plotly") as error:
        page(designs_of(designs))
    assert "csncost[html]" in str(error.value)


# -- in a browser ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def chromium():
    if not browser.executable():
        pytest.skip("there is no Chromium here")
    tab = browser.Browser()
    yield tab
    tab.close()


@pytest.fixture
def show(chromium, tmp_path):
    """Open a page, and wait until it is drawn."""

    def opened(text):
        path = tmp_path / "page.html"
        path.write_text(text, "utf-8")
        chromium.open(path)
        chromium.until("document.documentElement.dataset.ready === 'yes'")
        return chromium

    yield opened
    chromium.scheme("light")


WHERE = """(() => {{
  const figure = document.getElementById("figure"), edge = figure.getBoundingClientRect(), x = ["x", "x2"][{view}];
  const trace = figure.data.find((one) => one.xaxis === x && one.customdata?.includes({design}));
  const k = trace.customdata.indexOf({design}), layout = figure._fullLayout;
  const [across, up] = [layout[x.replace("x", "xaxis")], layout[trace.yaxis.replace("y", "yaxis")]];
  return [edge.left + across._offset + across.d2p(trace.x[k]), edge.top + up._offset + up.d2p(trace.y[k])];
}})()"""
ARROWS = """[...document.querySelectorAll("#figure .annotation")].map((arrow) => {
  const box = arrow.querySelector(".annotation-arrow-g").getBoundingClientRect();
  return [arrow.textContent, box.left, box.right, box.top, box.bottom];
})"""
POINTS = """["xy", "x2y3"].map((view) => document.querySelectorAll(`#figure .${view} .scatterlayer .point`).length)"""
LABEL = "document.querySelector('#figure .hovertext')?.textContent"


def text_of(tab, name):
    return tab.run(f"document.getElementById('{name}').textContent")


def arrows_at(tab, view, number, spec):
    """True where one arrow ends close to where a design stands in a view, and names it."""
    x, y = tab.run(WHERE.format(view=view, design=number))
    named = [edges for name, *edges in tab.run(ARROWS) if name == spec]
    ends = [left - 9 < x < right + 9 and top < y < bottom + 9 for left, right, top, bottom in named]
    return ends.count(True) == 1


@pytest.mark.slow
def test_the_views_are_linked(designs, log, show):
    tab = show(page(designs_of(designs), log))
    assert tab.run(POINTS) == [len(designs)] * 2
    assert tab.run(ARROWS) == []
    for view, number in ((0, 7), (1, 0), (0, len(designs) - 1)):  # the last is a tick on the axis
        spec = designs[number].spec
        tab.mouse(*tab.run(WHERE.format(view=view, design=number)))
        tab.until(f"document.getElementById('spec').textContent === {spec!r}")
        tab.until(f"{LABEL}?.startsWith({spec!r})")
        assert len(tab.run(ARROWS)) == 1
        assert arrows_at(tab, 1 - view, number, spec)
        assert f"{designs[number].flops:,}" in text_of(tab, "facts")
    tab.mouse(5, 5)
    tab.until(f"{ARROWS}.length === 0")
    assert tab.run("document.getElementById('about').hidden")
    assert (tab.messages, [url.partition(":")[0] for url in tab.requests]) == ([], ["file"])
    buttons = tab.run("[...document.querySelectorAll('.modebar-btn')].map((button) => button.dataset.title).join()")
    assert "cloud" not in buttons.lower()


@pytest.mark.slow
def test_clicks_keep_a_design_and_give_its_command(designs, show):
    tab = show(page(designs_of(designs)))
    tab.mouse(*tab.run(WHERE.format(view=0, design=1)), click=True)
    tab.until("document.getElementById('copied').textContent !== ''")
    assert text_of(tab, "code") == "csncost analyze simple-G4-8"
    tab.mouse(5, 5)
    tab.until(f"{ARROWS}.length === 2")
    assert all(arrows_at(tab, view, 1, "simple-G4-8") for view in (0, 1))
    tab.mouse(*tab.run(LEGEND), click=True)
    tab.until(f"{POINTS}.join() === '{len(designs) - 3},{len(designs) - 3}'")
    tab.until(f"{ARROWS}.length === 0")
    tab.run("document.querySelectorAll('tbody tr')[6].click()")
    tab.until("document.getElementById('code').textContent === 'csncost analyze bottleneck-8'")
    assert tab.messages == []


LEGEND = """(() => {
  const box = document.querySelector("#figure .legend .traces .legendtoggle").getBoundingClientRect();
  return [(box.left + box.right) / 2, (box.top + box.bottom) / 2];
})()"""


@pytest.mark.slow
def test_a_design_that_is_the_same_network_is_shown_where_that_stands(show):
    tab = show(page(cc.study([1], [8])))
    row = "[...document.querySelectorAll('tbody tr')].find((row) => row.textContent.startsWith('bottleneck-G1-8'))"
    tab.run(f"{row}.click()")
    tab.until("document.getElementById('code').textContent === 'csncost analyze bottleneck-G1-8'")
    tab.until(f"{ARROWS}.length === 2")
    assert tab.messages == []


@pytest.mark.slow
def test_dark_and_narrow(designs, log, show):
    tab = show(page(designs_of(designs), log))
    for scheme, paper in (("dark", "rgb(22, 24, 27)"), ("light", "rgb(255, 255, 255)")):
        tab.scheme(scheme)
        tab.until(f"document.querySelector('#figure .main-svg').style.background.includes('{paper}')")
        assert tab.run("getComputedStyle(document.body).backgroundColor") == paper
    tab.send("Emulation.setDeviceMetricsOverride", width=380, height=800, deviceScaleFactor=1, mobile=False)
    tab.until("document.querySelector('#figure .main-svg').getBoundingClientRect().width < 380")
    assert tab.run("document.documentElement.scrollWidth <= innerWidth")
    below = (
        "['xy', 'x2y3'].map((view) => document.querySelector(`#figure .${view} .scatterlayer`).getBoundingClientRect())"
    )
    tab.until(f"(([a, b]) => b.top > a.top + 300)({below})")
    tab.send("Emulation.setDeviceMetricsOverride", width=1300, height=900, deviceScaleFactor=1, mobile=False)
    tab.until(f"(([a, b]) => b.left > a.left + 300)({below})")
    assert tab.messages == []


@pytest.mark.slow
def test_a_long_legend_leaves_the_views_their_height(show):
    found = explore(["bottleneck-G-16"], [1, 2], None, width=[0.5, 1, 1.5, 2], frames=[8, 9, 10, 11, 12, 13])
    tab = show(page(found))
    assert tab.run("document.querySelectorAll('#figure .legend .traces').length") == 24
    ticks = tab.run("[...document.querySelectorAll('#figure .ytick')].map((tick) => tick.getBoundingClientRect().top)")
    assert max(ticks) - min(ticks) > 250
    assert tab.messages == []


@pytest.mark.slow
def test_names_do_nothing_in_a_browser(show):
    tab = show(page(named(EVIL)))
    tab.mouse(*tab.run(WHERE.format(view=0, design=0)), click=True)
    tab.until("document.getElementById('copied').textContent !== ''")
    assert tab.run("[window.evil, document.images.length, document.querySelectorAll('script').length]") == [None, 0, 3]
    assert tab.run("document.querySelector('.hovertext').textContent").startswith("</script><script>window.evil=1")
    assert EVIL.split()[-1] in text_of(tab, "code")
    assert tab.messages == []
