"""The code of others on the command line: what it writes and what it raises."""

import json
import subprocess
import sys

import pytest
from click.testing import CliRunner

from csncost.cli.main import main

LOUD = """
import os
import signal
import subprocess
import sys
from torch import nn


def shout(place):
    print(f"print at {place}")
    os.write(1, f"write at {place}\\n".encode())
    subprocess.run([sys.executable, "-Sc", f"print('program at {place}')"], check=True)


class Loud(nn.Module):
    def __init__(self):
        super().__init__()
        shout("constructor")
        self.fc = nn.Linear(4, 5)

    def forward(self, x):
        shout("forward")
        return self.fc(x)


class Own(BaseException):
    pass


class Unsayable(Exception):
    def __str__(self):
        raise RuntimeError("no text")

    __repr__ = __str__


class UnsayableBase(BaseException):
    def __str__(self):
        raise KeyboardInterrupt

    __repr__ = __str__


ERRORS = {error.__name__: error for error in (SystemExit, GeneratorExit, Own, Unsayable, UnsayableBase)}


class Raises(nn.Module):
    def __init__(self, name):
        super().__init__()
        self.name = name

    def forward(self, x):
        raise ERRORS[self.name]()


def make(name):
    raise ERRORS[name]()


class Pressed(nn.Module):
    def forward(self, x):
        os.kill(os.getpid(), signal.SIGINT)
        return x
"""


@pytest.fixture
def loud(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "loud.py").write_text(LOUD + "\nif os.environ.get('SHOUT'):\n    shout('import')\n")
    (tmp_path / "raises.py").write_text("import os\nfrom loud import ERRORS\nraise ERRORS[os.environ['RAISES']]()\n")
    monkeypatch.setitem(sys.modules, "loud", None)
    monkeypatch.delitem(sys.modules, "loud")


@pytest.mark.usefixtures("loud")
def test_what_code_writes_is_no_part_of_the_report(capfd, monkeypatch):
    monkeypatch.setenv("SHOUT", "1")
    done = CliRunner().invoke(main, ["trace", "loud.py:Loud", "--input", "2x4", "--format", "json"])
    assert json.loads(done.stdout)["totals"]["flops"] == 2 * 4 * 5
    written = capfd.readouterr()
    assert written.out == ""
    for place in ("import", "constructor", "forward"):
        assert f"print at {place}" in done.stderr
        assert f"write at {place}" in written.err
        assert f"program at {place}" in written.err


CLOSED = """
import os
from csncost.pytorch.foreign import foreign
for closed in ([], [1], [2], [1, 2], [0, 1, 2]):
    child = os.fork()
    if child:
        assert os.waitpid(child, 0)[1] == 0, closed
        continue
    for one in closed:
        os.close(one)
    with foreign("code"):
        os.write(1, b"within")
    for one in (0, 1, 2):
        try:
            os.fstat(one)
        except OSError:
            assert one in closed
        else:
            assert one not in closed
    if 1 not in closed:
        os.write(1, b"without")
    os._exit(0)
"""


def test_descriptors_are_as_they_were():
    """With standard output, standard error, both and all three closed."""
    done = subprocess.run([sys.executable, "-c", CLOSED], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "without" * 2), done.stderr
    assert done.stderr == "within" * 2


@pytest.mark.usefixtures("loud")
@pytest.mark.parametrize("name", ["SystemExit", "GeneratorExit", "Own", "Unsayable", "UnsayableBase"])
@pytest.mark.parametrize("target", ["loud.py:Raises({!r})", "loud.py:make({!r})", "raises.py:x"])
def test_whatever_code_raises_is_one_message(target, name, monkeypatch):
    monkeypatch.setenv("RAISES", name)
    done = CliRunner().invoke(main, ["trace", target.format(name), "--input", "2x4"])
    assert done.exit_code == 2
    assert done.stderr.startswith("error: ")
    assert name in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


@pytest.mark.usefixtures("loud")
def test_a_person_can_interrupt():
    done = CliRunner().invoke(main, ["trace", "loud.py:Pressed", "--input", "2x4"])
    assert done.exit_code == 1
    assert "Aborted" in done.stderr
