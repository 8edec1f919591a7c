"""Traces beside and within each other, and models that run threads of their own."""

import asyncio
import multiprocessing.dummy
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.checkpoint import checkpoint

from csncost.errors import CsncostError
from csncost.pytorch.trace.trace import trace
from tests.pytorch.traced_modules import Net, linear, macs


def deep(layers=60):
    return linear(*[8] * (layers + 1))


def test_traces_in_several_threads_are_all_right():
    shared = deep()
    nets = [shared, deep(50), shared, deep(70), deep(40)]
    with ThreadPoolExecutor(len(nets)) as pool:
        reports = list(pool.map(lambda net: trace(net, (2, 8), convention="macs", backward=True), nets))
    assert [report.flops for report in reports] == [
        trace(net, (2, 8), convention="macs", backward=True).flops for net in nets
    ]
    assert [len(report.rows) for report in reports] == [60, 50, 60, 70, 40]


def test_models_that_run_elsewhere_are_neither_counted_nor_changed():
    other, done, seen = deep(3), threading.Event(), []

    def work():
        while not done.is_set():
            out = checkpoint(other, torch.ones(2, 8, requires_grad=True), use_reentrant=True)
            with ThreadPoolExecutor(1) as pool:
                pool.submit(other, out).result()
            seen.append((out.is_meta, type(out.grad_fn).__name__, vars(out)))

    worker = threading.Thread(target=work)
    worker.start()
    while not seen:
        pass
    try:
        before = len(seen)
        found = {trace(deep(), (2, 8), convention="macs").flops for _ in range(5)}
    finally:
        done.set()
        worker.join()
    assert found == {60 * 2 * 64}
    assert len(seen) > before
    assert {repr(one) for one in seen} == {repr((False, "CheckpointFunctionBackward", {}))}


def within(net, x):
    net.inner = trace(net.b, x, convention="macs", strict=True).flops
    return net.a(net.a(x))


def test_a_trace_within_a_trace(capsys):
    net = Net(within, a=nn.Linear(8, 8), b=nn.Sequential(nn.Linear(8, 16), nn.BatchNorm1d(16)))
    report = trace(net, (2, 8), convention="macs")
    assert (report.flops, dict(report.coverage.unused)) == (2 * 2 * 64, {"b.0": 8 * 16 + 16, "b.1": 32})
    net = linear(8, 8, 4)
    net[0].register_forward_hook(lambda module, args, out: print(macs(net[1], out)))
    assert macs(net, (2, 8)) == 2 * (64 + 32)
    assert set(capsys.readouterr().out.split()) == {"64"}


IDLE = ThreadPoolExecutor(1)
IDLE.submit(int).result()  # its thread runs already


def in_thread(function, *args):
    worker = threading.Thread(target=function, args=args)
    worker.start()
    worker.join()


def ignored(net, x):
    try:
        IDLE.submit(net.a, x).result()
    except Exception:
        return x


def pooled(net, x):
    with multiprocessing.dummy.Pool(1) as pool:
        return pool.map(net.a, [x])


APART = {
    "pool": lambda net, x: IDLE.submit(net.a, x).result(),
    "new pool": lambda net, x: sum(ThreadPoolExecutor(2).map(net.a, [x, x])),
    "swallowed": ignored,
    "thread": lambda net, x: in_thread(net.a, x),
    "two threads": lambda net, x: (in_thread(net.a, x), in_thread(net.a, x)),
    "event loop": lambda net, x: asyncio.run(asyncio.to_thread(net.a, x)),
    "pool of threads": pooled,
}  # fmt: skip


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.parametrize("name", APART)
def test_layers_in_threads_of_the_model_are_refused(name):
    net = Net(APART[name], a=nn.Linear(8, 8))
    with pytest.raises(CsncostError, match="of its own, which is not followed"):
        trace(net, (2, 8))
    assert IDLE.submit(net.a, torch.ones(2, 8)).result().shape == (2, 8)


def test_weights_that_only_functions_in_threads_use_are_unused():
    with torch.device("meta"):
        net = Net(
            lambda net, x: net.b(IDLE.submit(F.linear, x, net.a.weight).result()), a=nn.Linear(8, 8), b=nn.Linear(8, 8)
        )
    assert dict(trace(net, (2, 8)).coverage.unused) == {"a": 72}


def test_threads_that_compute_nothing_are_left_alone():
    def logging(net, x):
        in_thread(net.log.append, x.shape)
        assert IDLE.submit(len, net.log).result() == 1
        return net.a(x)

    net = Net(logging, a=nn.Linear(8, 8))
    net.log = []
    assert macs(net, (2, 8)) == 128
    assert net.log == []


def test_a_thread_that_outlives_the_trace_computes_as_ever():
    go, out = threading.Event(), []

    def later():
        go.wait(10)
        out.append(F.linear(torch.ones(1, 2), torch.ones(3, 2)))

    workers = []

    def starting(net, x):
        workers.append(threading.Thread(target=later))
        workers[-1].start()
        return x

    trace(lambda x: starting(None, x), (2, 8))
    go.set()
    for worker in workers:
        worker.join()
    assert [one.tolist() for one in out] == [[[2.0, 2.0, 2.0]]]
