"""What the documents show is what the tool does."""

import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner

from csncost.cli.main import main

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text("utf-8")
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


def shown_commands():
    blocks = re.findall(r"```(?:sh|console)\n(.*?)```", README, re.DOTALL)
    lines = (line.removeprefix("$ ").partition("  #")[0] for block in blocks for line in block.splitlines())
    return [line for line in lines if line.startswith("csncost ")]


@pytest.mark.parametrize("command", shown_commands())
def test_the_commands_of_the_readme_run(command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    runner = CliRunner()
    (tmp_path / "mine.csn").write_text(runner.invoke(main, ["show", "ir-CSN-50"]).output)
    (tmp_path / "mine.py").write_text("import csncost\n\n\ndef Net():\n    return csncost.build('simple-8')\n")
    result = runner.invoke(main, shlex.split(command.partition(">")[0])[1:])
    assert result.exit_code == 0, result.output


def test_the_outputs_of_the_readme_are_real():
    for block in re.findall(r"```console\n(.*?)```", README, re.DOTALL):
        first, *lines = block.splitlines()
        output = (
            CliRunner().invoke(main, shlex.split(first.removeprefix("$ ").partition(">")[0])[1:]).output.splitlines()
        )
        for line in lines:
            assert line == "..." or line.startswith("$ ") or line in output, line


def test_the_python_of_the_readme_runs():
    for block in re.findall(r"```python\n(.*?)```", README, re.DOTALL):
        exec(block, {})


def test_the_readme_fits():
    assert len(README.splitlines()) < 150


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
@pytest.mark.filterwarnings("default")
def test_notebooks_run_and_say_what_they_say(path):
    nbclient = pytest.importorskip("nbclient")
    nbformat = pytest.importorskip("nbformat")
    kept = nbformat.read(path, as_version=4)
    fresh = nbformat.read(path, as_version=4)
    nbclient.NotebookClient(fresh, timeout=120).execute()
    for before, after in zip(kept.cells, fresh.cells, strict=True):
        assert texts(before) == texts(after), before.source


def texts(cell):
    """What a cell put out, as text; tables of other libraries carry ids that differ."""
    found = [output.get("text") or output.get("data", {}).get("text/plain", "") for output in cell.get("outputs", [])]
    return [text for text in found if " at 0x" not in text]
