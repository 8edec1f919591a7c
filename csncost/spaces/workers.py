"""Who works on chunks: threads of this process, or the workers of a Dask scheduler; with few tasks under way."""

from __future__ import annotations

import asyncio
import os
import warnings
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import CancelledError, Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from csncost.errors import CsncostError, MissingExtra

if TYPE_CHECKING:
    from distributed import Client

T = TypeVar("T")

Advance: TypeAlias = Callable[[int, int], None]
"""Is told how many more designs are done, and how many there are in all."""

PATIENCE = 5
"""Seconds until a scheduler or its first worker is given up."""


@dataclass(frozen=True)
class Team:
    """An executor, how many tasks it should have at a time, and how it is given what all tasks share."""

    executor: Executor
    under_way: int
    share: Callable[[Any], Any]

    def results(self, tasks: Iterable[tuple[T, tuple[Any, ...]]]) -> Iterator[tuple[T, Any]]:
        """The results of tasks in their order, each with its name; a task is a name, and a function with arguments.

        A task is made when its turn comes, so it may go by what earlier ones found.
        """
        waiting = iter(tasks)
        running: deque[tuple[T, Future[Any]]] = deque()
        try:
            while True:
                for name, (function, *given) in islice(waiting, self.under_way - len(running)):
                    running.append((name, self.executor.submit(function, *given)))
                if not running:
                    return
                yield running[0][0], running[0][1].result()
                running.popleft()
        finally:
            for _, future in running:
                future.cancel()


@contextmanager
def team(scheduler: str | None = None) -> Iterator[Team]:
    """Threads of this process, or the workers of a scheduler. Raises CsncostError where there is none."""
    if scheduler is not None:
        with _cluster(scheduler) as found:
            yield found
        return
    count = os.process_cpu_count() if hasattr(os, "process_cpu_count") else len(os.sched_getaffinity(0))
    with ThreadPoolExecutor(count or 1) as threads:
        yield Team(threads, 2 * (count or 1), lambda value: value)


@contextmanager
def _cluster(address: str) -> Iterator[Team]:
    client = _connected(address)
    from distributed.comm import CommClosedError
    from distributed.scheduler import KilledWorker

    try:
        threads = _threads(client, address)
        executor = client.get_executor(pure=False)
        yield Team(executor, 2 * threads, lambda value: client.submit(_itself, value, pure=False))
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
        from distributed.versions import VersionMismatchWarning
    except ImportError:
        raise MissingExtra("distributed", "dask") from None

    async def who() -> Any:
        async with rpc(address, timeout=PATIENCE) as there:
            return await asyncio.wait_for(there.identity(), PATIENCE)

    try:
        kind = asyncio.run(who())["type"]
        if kind != "Scheduler":
            raise CsncostError(f"at {address} there is a {kind}", "give the address of the scheduler")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", VersionMismatchWarning)  # told of below
            return Client(address, timeout=PATIENCE, set_as_default=False)
    except CsncostError:
        raise
    except Exception as error:  # whatever may listen there
        reason = f": {error!s:.100}" if isinstance(error, (OSError, ValueError)) and str(error) else ""
        hint = "start one with dask scheduler, and give its address tcp://host:port"
        raise CsncostError(f'no Dask scheduler answers at "{address:.60}"{reason}', hint) from None


def _threads(client: Client, address: str) -> int:
    """How many tasks the workers do at a time. Raises CsncostError where there are none, or would count otherwise."""
    try:
        client.wait_for_workers(1, timeout=PATIENCE)
    except TimeoutError:
        raise CsncostError(f"the scheduler at {address} has no workers", f"start some: dask worker {address}") from None
    try:
        client.get_versions(check=True)
    except ValueError as error:
        raise CsncostError(f"at {address} there are other versions: {error}", "install the same everywhere") from None
    try:
        versions = set(client.run(_version).values())
    except Exception as error:  # what cannot be read there comes back as text
        hint = f"install csncost {_version()} there: {error!s:.100}"
        raise CsncostError(f"workers of {address} cannot import csncost", hint) from None
    if others := versions - {_version()}:
        raise CsncostError(
            f"workers of {address} have csncost {others.pop()}, and here it is {_version()}",
            "install one version everywhere",
        )
    return sum(worker["nthreads"] for worker in client.scheduler_info(n_workers=-1)["workers"].values())


def ignored(more: int, total: int) -> None:
    """Progress that nobody watches."""


def _version() -> str:
    return version("csncost")
