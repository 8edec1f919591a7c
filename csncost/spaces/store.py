"""A sweep as a Zarr store, written chunk by chunk: killed and started again it goes on where it was.

Until all is there the store stands in a folder beside it, `NAME.part`, with a list of the chunks that are done; only
then does it get its name. So a store that has its name is whole.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from importlib.metadata import version
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

from csncost.errors import CsncostError, MissingExtra
from csncost.lang.given import read
from csncost.lang.printer import print_spec
from csncost.spaces.counting.chunks import Chunk, Chunks, chunks_of, shape_of
from csncost.spaces.counting.evaluate import Columns, Evaluator
from csncost.spaces.counting.space import Space
from csncost.spaces.counting.workers import Advance, chunk_by_chunk
from csncost.spaces.sweep import lazy

if TYPE_CHECKING:
    from xarray import Dataset

Recipe = dict[str, str]
"""The ingredients of a store, each as a digest."""


def write_zarr(path: Path, space: Space, chunks: Chunks, scheduler: str | None, advance: Advance) -> None:
    """Write a sweep, or what is missing of it, to a store of the Dataset that `sweep` gives; `recipe` is added to its
    attributes.

    Raises CsncostError where another sweep stands there, whole or begun, MissingExtra without Zarr, OSError where it
    cannot be written: what is done is kept.
    """
    try:
        from zarr import consolidate_metadata, open_group
    except ImportError:
        raise MissingExtra("zarr", "dask") from None
    lengths = space.chunk_lengths(chunks)
    recipe = recipe_of(space, lengths)
    part = path.with_name(f"{path.name}.part")
    if path.exists():
        _refuse_other(path, path, recipe)
        shutil.rmtree(part, ignore_errors=True)
        return advance(prod(space.shape), prod(space.shape))
    evaluator, dataset = lazy(space, lengths)
    if not part.exists():
        _begin(part, dataset.assign_attrs(recipe=json.dumps(recipe)))
    _refuse_other(part, part / "data", recipe)
    with _done(part) as (done, note):
        todo = {i: at for i, at in enumerate(chunks_of(space.shape, lengths)) if i not in done}
        advance(prod(space.shape) - sum(prod(shape_of(at)) for at in todo.values()), prod(space.shape))
        names = [str(name) for name, values in dataset.items() if name != "valid" and values.chunks]
        tasks = ((at, Evaluator.arrays, names) for at in todo.values())
        work = chunk_by_chunk(evaluator, tasks, space.shape, scheduler, advance)
        group: Any = open_group(part / "data", mode="r+")
        for number, (at, columns) in zip(todo, work, strict=True):
            _write(group, at, columns)
            note(number)
        consolidate_metadata(part / "data")
        os.rename(part / "data", path)
    shutil.rmtree(part, ignore_errors=True)


def _write(group: Any, at: Chunk, columns: Columns) -> None:
    """Write a chunk of each variable; a single spec is no dimension of theirs."""
    for name, values in columns.items():
        first = values.ndim - group[name].ndim
        group[name][at[first:]] = values.reshape(values.shape[first:])


def recipe_of(space: Space, lengths: tuple[int, ...]) -> Recipe:
    """The ingredients that two sweeps share when every chunk of them is the same."""
    items: dict[str, Any] = {
        "version of csncost": version("csncost"),
        "spec": [print_spec(read(spec)) for spec in space.specs],
        "convention": str(space.convention),
        "size of the chunks": lengths,
        "names": [one.name for one in space.axes],
        "names that are fixed": sorted((name, str(value)) for name, value in space.fixed.items()),
        **{one.name: one.labels for one in space.axes},
    }
    return {name: sha256(repr(item).encode()).hexdigest() for name, item in items.items()}


def _refuse_other(path: Path, store: Path, wanted: Recipe) -> None:
    """Raise CsncostError where a store at a path is not of this sweep."""
    from zarr import open_group

    found = json.loads(str(open_group(store, mode="r").attrs.get("recipe", "{}")))
    if other := [name for name in wanted if found.get(name) != wanted[name]]:
        raise CsncostError(
            f"{path} holds another sweep: it has another {other[0]}", "name another file, or remove that one"
        )


def _begin(part: Path, dataset: Dataset) -> None:
    """Make a store without its chunks, there as a whole or not at all."""
    new = Path(tempfile.mkdtemp(dir=part.parent, prefix=".csncost-"))
    try:
        dataset.to_zarr(new / "data", compute=False, zarr_format=2, consolidated=False)
        os.rename(new, part)
    finally:
        shutil.rmtree(new, ignore_errors=True)


@contextmanager
def _done(part: Path) -> Iterator[tuple[set[int], Callable[[int], None]]]:
    """The numbers of the chunks that are done, and a way to note more. Raises CsncostError where another run has it."""
    with (part / "done").open("a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CsncostError(f"another run is writing {part}", "wait for it, or end it") from None
        file.seek(0)
        lines = file.read().split("\n")
        if lines[-1]:  # the end of a line that a killed run began
            file.write("\n")
        yield (
            {int(line) for line in lines[:-1] if line.isdecimal()},
            lambda number: print(number, file=file, flush=True),
        )
