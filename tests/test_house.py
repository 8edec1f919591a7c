"""The arrows of the house go one way, and a light command imports nothing heavy."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "csncost"

HOUSE = [  # each line may import only from lines above it
    "errors", "files", "numbers", "arithmetic", "formulas", "quantities", "ops", "network", "rules", "tools", "conventions", "lang.lexer", "lang.syntax", "lang.reader", "lang.parser", "lang.printer",
    "lang.evaluate", "lang.definitions", "lang.scope", "lang.expand", "lang.adapt", "lang.canonical", "lang.sizing",
    "lang.layers", "lang.lower", "counts", "coverage", "table", "report", "reading", "analyze", "comparison", "words", "explanation",
    "traced", "pytorch.layers", "pytorch.initial", "pytorch.layout", "pytorch.build", "pytorch.export", "pytorch.shapes", "pytorch.costs", "pytorch.elements", "pytorch.recurrent", "pytorch.table", "pytorch.formulas", "pytorch.names",
    "pytorch.hollow", "pytorch.dtypes", "pytorch.kept", "pytorch.scope", "pytorch.turns", "pytorch.gradients", "pytorch.marks", "pytorch.ledger", "pytorch.classifier", "pytorch.tracer", "pytorch.functions", "pytorch.inputs", "pytorch.snapshot", "pytorch.holders", "pytorch.reach", "pytorch.state", "pytorch.reasons", "pytorch.guests", "pytorch.trace", "pytorch.outline", "pytorch.target", "pytorch.verify",
    "closed_form", "symbolic", "axes", "factored", "parts", "structures", "blocks", "lazy", "space", "query", "designs", "paper", "listing",
    "ranges", "logs", "log_columns", "identity", "spelling", "records", "accuracy", "histories", "joining", "explored", "few", "paper_study", "paper_figures", "workers", "rows", "reduction", "streams", "store", "front", "inverse", "ranks", "correlation",
    "render.terminal", "render.output", "render.style", "render.stages", "render.series", "render.looks", "render.labels", "render.tradeoff", "render.curves", "render.traces", "render.legend", "render.page", "render.plots", "render.designs",
    "cli_options", "cli_explorer", "cli_search", "cli_torch", "cli_accuracy", "cli_paper", "cli_curves", "cli",
]  # fmt: skip

KEEPERS = {  # third-party packages, and the only places that may import them
    "rich": ("render.",), "matplotlib": ("render.",), "plotly": ("render.page",), "click": ("cli",), "torch": ("pytorch.",), "fvcore": ("pytorch.verify",), "onnx": ("pytorch.export",), "onnxscript": ("pytorch.export",),
    "sympy": ("arithmetic", "ops", "lang.sizing", "closed_form", "symbolic"), "pandas": ("table", "report", "comparison", "explanation", "records", "correlation", "explored", "front"), "numpy": ("ranks", "factored", "parts", "structures", "blocks", "rows", "reduction", "query", "front", "inverse"), "moocore": ("query",), "scipy": ("ranks",), "xarray": ("structures", "space", "explored", "front", "render.tradeoff", "render.page"), "dask": ("lazy",), "distributed": ("workers",), "zarr": ("store",), "pyarrow": ("streams",), "netCDF4": ("streams",), "tensorboard": ("logs",),
}  # fmt: skip

PACKAGES = ("csncost", "csncost.lang", "csncost.pytorch", "csncost.render")

HEAVY = (
    "torch",
    "numpy",
    "scipy",
    "pandas",
    "matplotlib",
    "xarray",
    "sympy",
    "dask",
    "distributed",
    "zarr",
    "plotly",
    "IPython",
)


def modules(root=PACKAGE):
    return {".".join(path.relative_to(root).with_suffix("").parts): path for path in root.rglob("*.py")}


def imports(source):
    """Every module that a source imports, also inside functions and `if TYPE_CHECKING`."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            found += (
                [f"{node.module}.{alias.name}" for alias in node.names] if node.module in PACKAGES else [node.module]
            )
        elif isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", "")) in (
            "import_module",
            "__import__",
        ):
            found += [argument.value for argument in node.args if isinstance(argument, ast.Constant)]
    return found


def wrong_arrows(name, source):
    rank = HOUSE.index(name)
    wrong = []
    for target in imports(source):
        package, _, inner = target.partition(".")
        if package == "csncost":
            if inner not in HOUSE or HOUSE.index(inner) >= rank:
                wrong.append(target)
        elif package in KEEPERS and not name.startswith(KEEPERS[package] or ("nowhere",)):
            wrong.append(target)
    return wrong


def test_every_module_has_its_place():
    rooms = {name for name in modules() if not name.endswith("__init__")}
    assert rooms == set(HOUSE)


@pytest.mark.parametrize("name", HOUSE)
def test_arrows_go_one_way(name):
    assert wrong_arrows(name, modules()[name].read_text()) == []


@pytest.mark.parametrize(("name", "source"), [
    ("errors", "import csncost.costs.report"), ("network", "def f():\n    from csncost.lang.parser import parse"), ("report", "from csncost import cli"),
    ("lang.parser", "if True:\n    import csncost.costs.count"), ("counts", "import torch"), ("cli", "from rich.table import Table"),
    ("errors", "import importlib\nimportlib.import_module('csncost.cli.main')"), ("analyze", "def f():\n    import numpy.random"),
])  # fmt: skip
def test_the_test_sees_wrong_arrows(name, source):
    assert wrong_arrows(name, source)


def heavy_modules(code):
    """Which heavy packages a fresh interpreter has loaded after running some code."""
    probe = f"import sys\n{code}\nprint(sorted({HEAVY!r} & sys.modules.keys()))".replace(repr(HEAVY), repr(set(HEAVY)))
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    return ast.literal_eval(done.stdout.splitlines()[-1])


def cli(*args):
    return f"from csncost.cli.main import main\nmain({list(args)!r}, standalone_mode=False)"


@pytest.mark.parametrize("code", [
    "import csncost", "import csncost\ncsncost.analyze('ir-CSN-152').by('stage').to_json()", cli("analyze", "bottleneck-D-16"),
    cli("analyze", "bottleneck-D-16", "--format", "json"), cli("compare", "ResNet3D-50", "ir-CSN-50"), cli("show", "ir-CSN-50"), cli("list"),
    cli("reproduce", "all"),
], ids=lambda code: code.splitlines()[-1][:60])  # fmt: skip
def test_nothing_heavy_is_imported(code):
    assert heavy_modules(code) == []


def test_that_test_can_fail():
    assert heavy_modules("import csncost\ncsncost.formula('simple-8')") == ["sympy"]
    assert heavy_modules("import csncost\ncsncost.analyze('simple-8').to_frame()") == ["numpy", "pandas"]


def test_a_missing_extra_is_named():
    code = "import sys\nsys.modules['sympy'] = None\nfrom csncost.cli.main import main\nmain(['formula', 'simple-8'])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert 'pip install "csncost[formula]"' in done.stderr
    assert "Traceback" not in done.stderr
