"""Who works on blocks: threads of this process, or the workers of a Dask scheduler. A few tasks are under way at a time."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

import csncost
from csncost.errors import CsncostError, MissingExtra

if TYPE_CHECKING:
    from distributed import Client

T = TypeVar("T")

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
    try:
        from distributed import Client
        from distributed.scheduler import KilledWorker
    except ImportError:
        raise MissingExtra("distributed", "dask") from None
    client = _connected(Client, address)
    try:
        _check_workers(client, address)
        threads = sum(worker["nthreads"] for worker in client.scheduler_info(n_workers=-1)["workers"].values())
        executor = client.get_executor(pure=False)
        yield Team(executor, 2 * threads, lambda value: client.submit(_itself, value, pure=False))
    except KilledWorker as error:
        raise CsncostError(f"the workers of {address} die at this: {error}", "give smaller chunks") from None
    finally:
        client.close()


def _itself(value: T) -> T:
    """A task whose result can be had again when the worker that holds it is lost."""
    return value


def _connected(client: type[Client], address: str) -> Client:
    try:
        return client(address, timeout=PATIENCE, set_as_default=False)
    except (OSError, ValueError, TypeError) as error:
        raise CsncostError(
            f"no Dask scheduler answers at {address}", "start one with dask scheduler, or leave out the scheduler"
        ) from error


def _check_workers(client: Client, address: str) -> None:
    """Refuse a cluster without workers, and workers that would count otherwise."""
    try:
        client.wait_for_workers(1, timeout=PATIENCE)
    except TimeoutError:
        raise CsncostError(f"the scheduler at {address} has no workers", f"start some: dask worker {address}") from None
    try:
        versions = client.run(_version)
    except ImportError:
        raise CsncostError(f"the workers of {address} lack csncost", f"install csncost {csncost.__version__} there") from None
    if others := {version for version in versions.values() if version != csncost.__version__}:
        raise CsncostError(
            f"the workers of {address} have csncost {others.pop()}, and here it is {csncost.__version__}", "install one version"
        )


def _version() -> str:
    return csncost.__version__
