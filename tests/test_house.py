"""The rooms import only from rooms above them, none runs in circles, and a light command imports nothing heavy."""

import ast
import subprocess
import sys
from collections import Counter
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "csncost"

ROOMS = [
    "errors",
    "files",
    "units",
    "table",
    "network",
    "lang",
    "costs",
    "logs",
    "spaces",
    "zoo",
    "pytorch",
    "render",
    "cli",
]
"""Each may import from itself and from those before it. A file of the ground is a room of its own."""

KEEPERS = {  # third-party packages, and the only places that may import them
    "rich": ("render",),
    "matplotlib": ("render",),
    "plotly": ("render.page",),
    "click": ("cli",),
    "torch": ("pytorch",),
    "fvcore": ("pytorch.verify",),
    "onnx": ("pytorch.build.export",),
    "onnxscript": ("pytorch.build.export",),
    "sympy": ("network", "lang.lower", "costs.formula", "costs.formula_text"),
    "numpy": ("network.sizes", "logs", "spaces"),
    "pandas": ("table", "costs", "logs", "spaces"),
    "moocore": ("spaces.query",),
    "scipy": ("logs",),
    "xarray": ("spaces", "render"),
    "dask": ("spaces",),
    "distributed": ("spaces.counting.workers",),
    "zarr": ("spaces.store",),
    "pyarrow": ("spaces.export",),
    "netCDF4": ("spaces.export",),
    "tensorboard": ("logs.formats",),
}

SHARED_NAMES = {  # names of modules in several rooms, with the one thing that they mean in all of them
    "curves": "learning curves",
    "designs": "the designs of a space, one below the other",
    "figures": "the figures of a paper",
    "analyze": "the command, and what it calls",
    "search": "the command, and what it calls",
    "sweep": "the command, and what it calls",
    "rows": "rows of a table",
    "costs": "what operations cost",
    "logs": "logs that training leaves",
    "zoo": "named networks and published figures",
    "layers": "layers of a network",
    "stages": "stages of a network",
    "formula": "closed forms",
    "export": "files that other programs read",
    "torch": "PyTorch",
    "pytorch": "PyTorch",
}

MOST_FOLDERS, MOST_FILES = 9, 6

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


def modules():
    """Every module of the package but the packages' own docstrings, by its name within csncost."""
    found = {".".join(path.relative_to(PACKAGE).with_suffix("").parts): path for path in PACKAGE.rglob("*.py")}
    return {name: path for name, path in found.items() if not name.endswith("__init__")}


MODULES = modules()


def room(name):
    return name.split(".")[0]


def imports(source):
    """Every module that a source imports, also inside functions and `if TYPE_CHECKING`."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            whole = [f"{node.module}.{alias.name}" for alias in node.names]
            found += [one if one.removeprefix("csncost.") in MODULES else node.module for one in whole]
        elif isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", "")) in (
            "import_module",
            "__import__",
        ):
            found += [argument.value for argument in node.args if isinstance(argument, ast.Constant)]
    return found


def wrong_arrows(name, source):
    wrong = []
    for target in imports(source):
        package, _, inner = target.partition(".")
        if package == "csncost" and (inner or room(name) != "cli"):  # the door calls what everyone calls
            if room(inner) not in ROOMS or ROOMS.index(room(inner)) > ROOMS.index(room(name)):
                wrong.append(target)
        elif package in KEEPERS and not any(f"{name}.".startswith(f"{keeper}.") for keeper in KEEPERS[package]):
            wrong.append(target)
    return wrong


def circle(sources):
    """Modules that import one another in a circle, by name -> source; None where there is none."""
    inner = {name: {target.removeprefix("csncost.") for target in imports(source)} for name, source in sources.items()}
    try:
        TopologicalSorter({name: targets & inner.keys() for name, targets in inner.items()}).prepare()
    except CycleError as error:
        return error.args[1]


@pytest.mark.parametrize("name", MODULES)
def test_arrows_go_one_way(name):
    assert wrong_arrows(name, MODULES[name].read_text()) == []


def test_no_module_is_in_a_circle():
    assert circle({name: path.read_text() for name, path in MODULES.items()}) is None


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("errors", "import csncost.costs.report"),
        ("network.graph", "def f():\n    from csncost.lang.parser import parse"),
        ("costs.report", "from csncost.cli import main"),
        ("lang.parser", "if True:\n    import csncost.costs.count"),
        ("costs.count", "import torch"),
        ("cli.main", "from rich.table import Table"),
        ("errors", "import importlib\nimportlib.import_module('csncost.cli.main')"),
        ("costs.analyze", "def f():\n    import numpy.random"),
    ],
)
def test_the_test_sees_wrong_arrows(name, source):
    assert wrong_arrows(name, source)


def test_the_test_sees_circles():
    there, back = "from csncost.costs import report", "def f():\n    from csncost.costs.analyze import analyze"
    assert set(circle({"costs.analyze": there, "costs.report": back})) == {"costs.analyze", "costs.report"}


def test_the_rooms_are_few_and_say_what_they_are_for():
    shown = [path for path in PACKAGE.iterdir() if path.name != "__pycache__"]
    folders = [path for path in shown if path.is_dir()]
    assert {path.stem for path in shown} == {*ROOMS, "__init__", "py"}
    assert len(folders) <= MOST_FOLDERS
    assert len(shown) - len(folders) <= MOST_FILES
    assert all((path.parent / "__init__.py").is_file() for path in PACKAGE.rglob("*.py"))  # or it is in no wheel
    for path in PACKAGE.rglob("__init__.py"):
        assert ast.get_docstring(ast.parse(path.read_text())), path


def test_names_mean_one_thing_and_shadow_nothing():
    places = {(room(name), part) for name in MODULES for part in name.split(".")}
    twice = {part for part, rooms in Counter(part for _, part in places).items() if rooms > 1}
    assert twice <= SHARED_NAMES.keys()
    assert {part for _, part in places} & sys.stdlib_module_names == {"trace"}  # the package's own verb


def heavy_modules(code):
    """Which heavy packages a fresh interpreter has loaded after running some code."""
    probe = f"import sys\n{code}\nprint(sorted({HEAVY!r} & sys.modules.keys()))".replace(repr(HEAVY), repr(set(HEAVY)))
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    return ast.literal_eval(done.stdout.splitlines()[-1])


def cli(*args):
    return f"from csncost.cli.main import main\nmain({list(args)!r}, standalone_mode=False)"


@pytest.mark.parametrize(
    "code",
    [
        "import csncost",
        "import csncost\ncsncost.analyze('ir-CSN-152').by('stage').to_json()",
        cli("analyze", "bottleneck-D-16"),
        cli("analyze", "bottleneck-D-16", "--format", "json"),
        cli("compare", "ResNet3D-50", "ir-CSN-50"),
        cli("show", "ir-CSN-50"),
        cli("list"),
        cli("reproduce", "all"),
    ],
    ids=lambda code: code.splitlines()[-1][:60],
)
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
