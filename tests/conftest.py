"""Golden files and random draws.

`pytest --regenerate` writes the golden files anew from what the code says now; look at the diff. Hypothesis draws the
same examples in every run, so that a change is judged by what it does; `pytest --hypothesis-profile anew` draws others.
"""

from pathlib import Path

import pytest
from hypothesis import settings

GOLDEN = Path(__file__).parent / "golden"

settings.register_profile("same", derandomize=True, deadline=None)
settings.register_profile("anew", derandomize=False, deadline=None)
settings.load_profile("same")


def pytest_addoption(parser):
    parser.addoption("--regenerate", action="store_true", help="write the golden files anew")
    parser.addoption("--examples", type=int, default=500, help="random networks built, run and counted by fvcore")


@pytest.fixture(scope="module")
def one_thread():
    """Small tensors gain nothing from threads, which wait for one another where the machine is busy."""
    torch = pytest.importorskip("torch")
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def log(tmp_path):
    """Write a log file, and give its path."""

    def write(text, name="log.csv"):
        path = tmp_path / name
        path.write_text(text, "utf-8")
        return path

    return write


@pytest.fixture
def golden(request):
    """Compare a text with a golden file."""

    def compare(name: str, text: str) -> None:
        path = GOLDEN / name
        if request.config.getoption("--regenerate"):
            path.write_text(text, "utf-8")
        assert text == path.read_text("utf-8"), f"{name} differs; see `pytest --regenerate`"

    return compare
