"""Work on chunks: by threads of this process, or by the workers of a Dask scheduler, with few tasks under way."""

from __future__ import annotations

import asyncio
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import CancelledError, Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager
from importlib.metadata import version
from itertools import islice
from math import prod
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from csncost.errors import CsncostError, MissingExtra
from csncost.spaces.counting.chunks import Chunk, shape_of

if TYPE_CHECKING:
    from distributed import Client

T = TypeVar("T")

Advance: TypeAlias = Callable[[int, int], None]
"""Is told how many more designs are done, and how many there are in all."""

Task: TypeAlias = tuple[Chunk, Callable[..., Any], Any]
"""A chunk, and a function of what all tasks share, of the chunk, and of one thing more."""

_Team: TypeAlias = tuple[Executor, int, Callable[[Any], Any]]
"""An executor, the number of its threads, and a way to give it what all tasks share."""

PATIENCE = 5
"""Seconds until a scheduler or its first worker is given up."""


def ignored(more: int, total: int) -> None:
    """Progress that nobody watches."""


def chunk_by_chunk(
    shared: Any, tasks: Iterable[Task], shape: Sequence[int], scheduler: str | None = None, advance: Advance = ignored
) -> Iterator[tuple[Chunk, Any]]:
    """The chunks of a space of that shape and the results of their tasks, in order.

    A task is made when its turn comes, so it may go by what earlier ones found. `scheduler` is the address of a Dask
    scheduler. Raises CsncostError where there is none, or no worker that counts as this process does.
    """
    with _threads() if scheduler is None else _cluster(scheduler) as (executor, threads, share):
        given = share(shared)
        waiting = iter(tasks)
        running: deque[tuple[Chunk, Future[Any]]] = deque()
        try:
            while True:
                for chunk, function, more in islice(waiting, 2 * threads - len(running)):
                    running.append((chunk, executor.submit(function, given, chunk, more)))
                if not running:
                    return
                yield running[0][0], running[0][1].result()
                chunk, _ = running.popleft()
                advance(prod(shape_of(chunk)), prod(shape))
        finally:
            for _, future in running:
                future.cancel()


@contextmanager
def _threads() -> Iterator[_Team]:
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    with ThreadPoolExecutor(count) as threads:
        yield threads, count, lambda value: value


@contextmanager
def _cluster(address: str) -> Iterator[_Team]:
    client = _connected(address)
    from distributed.comm import CommClosedError
    from distributed.scheduler import KilledWorker

    try:
        threads = _threads_of(client, address)
        yield client.get_executor(pure=False), threads, lambda value: client.submit(_itself, value, pure=False)
    except KilledWorker as error:
        raise CsncostError(f"workers of {address} die of this work: {error!s:.150}", "give smaller chunks") from None
    except (CancelledError, CommClosedError):
        raise CsncostError(f"the scheduler at {address} was lost", "start it again, and this") from None
    finally:
        client.close()


def _itself(value: T) -> T:
    """A task whose result can be had again when the worker that holds it is lost."""
    return value


def _connected(address: str) -> Client:
    """A client of a scheduler. Raises CsncostError where none answers, MissingExtra without distributed."""
    try:
        from distributed import Client
        from distributed.core import rpc
    except ImportError:
        raise MissingExtra("distributed", "dask") from None

    async def kind_at(address: str) -> Any:  # a client waits for ever for a port that is silent
        async with rpc(address, timeout=PATIENCE) as there:
            return (await asyncio.wait_for(there.identity(), PATIENCE))["type"]

    try:
        kind = asyncio.run(kind_at(address))
        if kind != "Scheduler":
            raise CsncostError(f"at {address} there is a {kind}", "give the address of the scheduler")
        return Client(address, timeout=PATIENCE, set_as_default=False)
    except CsncostError:
        raise
    except Exception as error:  # distributed raises any kind for what is no scheduler
        reason = f": {error!s:.100}" if isinstance(error, (OSError, ValueError)) and str(error) else ""
        hint = "start one with dask scheduler, and give its address tcp://host:port"
        raise CsncostError(f'no Dask scheduler answers at "{address:.60}"{reason}', hint) from None


def _threads_of(client: Client, address: str) -> int:
    """The number of tasks that the workers do at a time.

    Raises CsncostError where there are no workers, or they would count otherwise.
    """
    try:
        client.wait_for_workers(1, timeout=PATIENCE)
    except TimeoutError:
        raise CsncostError(f"the scheduler at {address} has no workers", f"start some: dask worker {address}") from None
    try:
        versions = set(client.run(_version).values())
    except Exception as error:  # of whatever module cannot be imported there
        hint = f"install csncost {_version()} there: {error!s:.100}"
        raise CsncostError(f"workers of {address} cannot import csncost", hint) from None
    if others := versions - {_version()}:
        raise CsncostError(
            f"workers of {address} have csncost {others.pop()}, and here it is {_version()}",
            "install one version everywhere",
        )
    return sum(worker["nthreads"] for worker in client.scheduler_info(n_workers=-1)["workers"].values())


def _version() -> str:
    return version("csncost")
