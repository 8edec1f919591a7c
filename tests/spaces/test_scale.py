"""Work that takes long survives: a worker that dies, a run that is killed, a disk that is full."""

import json
import signal
import socket
import subprocess
import sys

import pandas
import pytest
import xarray
import zarr
from click.testing import CliRunner

import csncost as cc
from csncost.cli.main import main

pytest.importorskip("distributed")
pytest.importorskip("zarr")

SPEC = "bottleneck-G-8"
GIVEN = ["--groups", "1..8", "--width", "0.5,1,2", "--frames", "4,8", "--size", "32,64x48"]
VALUES = {"G": range(1, 9), "width": [0.5, 1, 2], "frames": [4, 8], "size": [32, (64, 48)]}


def run(*args):
    return CliRunner().invoke(main, list(args))


def python(code, *args):
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, args)], capture_output=True, text=True, timeout=120, check=False
    )


# -- files


def stored(path):
    with xarray.open_zarr(path, consolidated=False) as found:
        found = found.load()
    del found.attrs["recipe"]
    return found


def in_memory():
    return cc.sweep(SPEC, **VALUES)


def sweep_to(path, *more):
    return run("sweep", SPEC, *GIVEN, "--chunks", "10", "-o", str(path), *more)


def test_a_store_is_the_sweep_in_memory(tmp_path):
    path = tmp_path / "x.zarr"
    done = sweep_to(path)
    assert done.exit_code == 0, done.output
    xarray.testing.assert_identical(stored(path)[list(in_memory())], in_memory())
    assert [entry.name for entry in tmp_path.iterdir()] == ["x.zarr"]
    assert sweep_to(path).exit_code == 0  # nothing is left to do
    other = run("sweep", SPEC, *GIVEN[:-1], "32", "--chunks", "10", "-o", str(path))
    assert other.exit_code == 2
    assert "holds another sweep" in other.stderr


KILLED = """
import os, signal, sys
from csncost.cli.main import main
from csncost.spaces import store
write_zarr = store.write_zarr
def killed(path, space, chunks, scheduler, advance):
    calls = []
    def kill(more, total):
        calls.append(more)
        if len(calls) == 4:  # of which the first says what was done before
            os.kill(os.getpid(), signal.SIGKILL)
    write_zarr(path, space, chunks, scheduler, kill)
store.write_zarr = killed
main(sys.argv[1:])
"""


@pytest.mark.slow
def test_a_killed_run_goes_on_where_it_was(tmp_path):
    from csncost.spaces.counting.space import space_of
    from csncost.spaces.store import write_zarr

    path, part = tmp_path / "x.zarr", tmp_path / "x.zarr.part"
    killed = python(KILLED, "sweep", SPEC, *GIVEN, "--chunks", "10", "-o", path)
    assert killed.returncode == -signal.SIGKILL
    assert not path.exists()
    done = (part / "done").read_text().split()
    assert done == ["0", "1", "2"]
    last = ".".join(str(n - 1) for n in zarr.open_array(part / "data" / "flops", mode="r").cdata_shape)
    (part / "data" / "flops" / last).write_bytes(b"half")  # of a chunk that nothing says is done
    with (part / "done").open("a") as file:
        file.write("1")  # and the beginning of a line
    other = run("sweep", SPEC, *GIVEN, "--chunks", "20", "-o", str(path))
    assert other.exit_code == 2
    assert "another size of the chunks" in other.stderr
    advanced = []
    write_zarr(path, space_of(SPEC, "paper", VALUES), 10, None, lambda more, total: advanced.append(more))
    assert advanced == [8 + 4 + 8, 4, *[8, 4] * 6]  # chunks of one G and two widths, and of one G and one width
    assert not part.exists()
    xarray.testing.assert_identical(stored(path)[list(in_memory())], in_memory())


def test_two_runs_do_not_write_one_store(tmp_path):
    import fcntl

    path = tmp_path / "x.zarr"
    python(KILLED, "sweep", SPEC, *GIVEN, "--chunks", "10", "-o", path)
    with (tmp_path / "x.zarr.part" / "done").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        refused = sweep_to(path)
    assert refused.exit_code == 2
    assert "another run is writing" in refused.stderr


FULL = """
import resource, signal, sys
from csncost.cli.main import main
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
import xarray, dask.array, zarr, pyarrow.parquet, netCDF4
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]), int(sys.argv[1])))
main(sys.argv[2:])
"""


@pytest.mark.slow
@pytest.mark.parametrize("name", ["x.zarr", "x.csv", "x.parquet", "x.nc"])
def test_a_full_disk_is_said_and_leaves_nothing_that_looks_whole(tmp_path, name):
    many = ["--frames", "1..300", "--chunks", "2000"]
    full = python(FULL, 2000, "sweep", SPEC, *GIVEN, *many, "-o", tmp_path / name)
    assert full.returncode in (1, 2), full.stderr
    assert "Traceback" not in full.stderr
    assert "cannot write" in full.stderr
    assert not (tmp_path / name).exists()
    assert run("sweep", SPEC, *GIVEN, *many, "-o", str(tmp_path / name)).exit_code == 0


@pytest.mark.parametrize("suffix", ["csv", "parquet", "nc"])
def test_a_file_written_in_chunks_is_that_written_at_once(tmp_path, suffix):
    pytest.importorskip({"nc": "netCDF4", "parquet": "pyarrow"}.get(suffix, "xarray"))
    here, there = tmp_path / f"a.{suffix}", tmp_path / f"b.{suffix}"
    done = sweep_to(here)
    assert done.exit_code == 0, done.output
    again = run("sweep", SPEC, *GIVEN, "-o", str(there))
    if suffix == "nc":
        with xarray.open_dataset(here, engine="netcdf4") as one, xarray.open_dataset(there, engine="netcdf4") as two:
            xarray.testing.assert_identical(one, two)
    elif suffix == "csv":
        assert here.read_text() == there.read_text()
        assert again.stderr.startswith(done.stderr.rstrip("\n"))  # in memory the reason is known, too
    else:
        pandas.testing.assert_frame_equal(pandas.read_parquet(here), pandas.read_parquet(there))


@pytest.mark.parametrize("args", [
    ["-o", "x.json"], [], ["--chunks", "0"], ["--chunks", "x"], ["--chunks", "1.5"],
    ["--chunks", "10", "--accuracy", "paper", "-o", "x.csv"], ["--scheduler", "tcp://127.0.0.1:9", "-o", "x.nc"],
])  # fmt: skip
def test_what_cannot_be_done_in_chunks_is_said(args):
    done = run(
        "sweep", SPEC, *GIVEN, *(args if "--chunks" in args or "--scheduler" in args else ["--chunks", "10", *args])
    )
    assert done.exit_code == 2
    assert "Traceback" not in done.output


def test_a_store_where_nothing_can_be_written_is_said(tmp_path):
    done = sweep_to(tmp_path / "no" / "x.zarr")
    assert done.exit_code == 1
    assert "cannot write" in done.stderr


# -- a cluster


def search(*more):
    return run("search", SPEC, *GIVEN, "--format", "json", *more)


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:9", "nonsense", "tcp://127.0.0.1:99999", "http://127.0.0.1:80"])
def test_where_no_scheduler_is_that_is_said(address, monkeypatch):
    monkeypatch.setattr("csncost.spaces.counting.workers.PATIENCE", 0.5)
    done = search("--scheduler", address)
    assert done.exit_code == 2
    assert "no Dask scheduler answers" in done.stderr
    assert "Traceback" not in done.output


def test_what_is_no_scheduler_is_said(monkeypatch):
    monkeypatch.setattr("csncost.spaces.counting.workers.PATIENCE", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        done = search("--scheduler", f"tcp://127.0.0.1:{silent.getsockname()[1]}")
    assert done.exit_code == 2
    assert "no Dask scheduler answers" in done.stderr


@pytest.fixture
def cluster(tmp_path):
    """A scheduler on loopback and a way to start workers of it, all of them ended with the test."""
    from distributed import LocalCluster

    running = []
    with LocalCluster(n_workers=0, host="127.0.0.1", protocol="tcp", dashboard_address=None) as scheduler:
        address = scheduler.scheduler_address

        def worker(*more):
            command = [
                sys.executable,
                "-m",
                "dask",
                "worker",
                address,
                "--no-nanny",
                "--nthreads",
                "1",
                "--no-dashboard",
            ]
            folder = ["--local-directory", str(tmp_path)]
            log = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
            running.append(subprocess.Popen([*command, *folder, *more], **log))
            return running[-1]

        yield address, worker
        for process in running:
            process.kill()
            process.wait()


def workers(address, count):
    from distributed import Client

    with Client(address, timeout=30, set_as_default=False) as client:
        client.wait_for_workers(count, timeout=60)


@pytest.mark.slow
def test_a_worker_that_is_killed_changes_nothing(cluster):
    address, worker = cluster
    both = [worker(), worker()]
    workers(address, 2)
    values = dict(VALUES)
    values["groups"] = values.pop("G")
    seen = []

    def one_dies(more, total):
        if not seen:
            both[0].send_signal(signal.SIGKILL)
            both[0].wait()
        seen.append(more)

    here = cc.search(SPEC, **values)
    there = cc.search(SPEC, chunks=4, scheduler=address, advance=one_dies, **values)
    assert there.rows == here.rows
    assert sum(seen) == 96
    assert len(seen) > 20
    assert json.loads(search("--chunks", "10", "--scheduler", address).stdout) == json.loads(search().stdout)


@pytest.mark.slow
def test_workers_that_cannot_count_are_said(cluster, monkeypatch):
    address, worker = cluster
    monkeypatch.setattr("csncost.spaces.counting.workers.PATIENCE", 1)
    done = search("--scheduler", address)
    assert done.exit_code == 2
    assert "has no workers" in done.stderr
    worker("--preload", "import sys; sys.modules['csncost'] = None")
    workers(address, 1)
    done = search("--scheduler", address)
    assert done.exit_code == 2
    assert "cannot import csncost" in done.stderr
