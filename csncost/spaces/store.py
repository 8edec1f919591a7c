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
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from importlib.metadata import version
from math import prod
from pathlib import Path
from typing import Any, TextIO

from csncost.costs.count import COSTS, METRICS
from csncost.errors import CsncostError, MissingExtra
from csncost.lang.given import read
from csncost.lang.printer import print_spec
from csncost.spaces.chunks import Chunks, Source, chunk_lengths, chunks_of
from csncost.spaces.lazy import lazily
from csncost.spaces.lowering import Space
from csncost.spaces.parts import Columns, Plan, lengths, spread_out
from csncost.spaces.products import Chunk
from csncost.spaces.sweep import dataset
from csncost.spaces.workers import Advance, team

Recipe = dict[str, str]
"""What a store is made of, each item as a digest."""


def write_zarr(path: Path, space: Space, chunks: Chunks, scheduler: str | None, advance: Advance) -> None:
    """Write a sweep, or what is missing of it, to a store of the Dataset that `sweep` gives; `recipe` is added to its
    attributes.

    Raises CsncostError where another sweep stands there, whole or begun, MissingExtra without Zarr, OSError where it
    cannot be written: what is done is kept.
    """
    try:
        import zarr
    except ImportError:
        raise MissingExtra("zarr", "dask") from None
    cut = chunk_lengths(space, chunks)
    recipe = recipe_of(space, cut)
    part = path.with_name(f"{path.name}.part")
    if path.exists():
        _refuse_other(path, json.loads(str(zarr.open_group(path, mode="r").attrs.get("recipe", "{}"))), recipe)
        shutil.rmtree(part, ignore_errors=True)
        return advance(prod(space.shape), prod(space.shape))
    source, variables, attributes = lazily(space, cut)
    if not part.exists():
        _begin(part, recipe, dataset(space, variables, {**attributes, "recipe": json.dumps(recipe)}))
    _refuse_other(part, json.loads((part / "recipe.json").read_text("utf-8")), recipe)
    with _done(part) as (done, file):
        _go_on(zarr.open_group(part / "data", mode="r+"), space, source, cut, done, file, scheduler, advance)
        zarr.consolidate_metadata(part / "data")
        os.rename(part / "data", path)
    shutil.rmtree(part, ignore_errors=True)


def recipe_of(space: Space, cut: tuple[int, ...]) -> Recipe:
    """What makes two sweeps the same, chunk by chunk."""
    items: dict[str, Any] = {
        "version of csncost": version("csncost"),
        "spec": [print_spec(read(spec)) for spec in space.specs],
        "convention": str(space.convention),
        "size of the chunks": cut,
        "names": [one.name for one in space.axes],
        "names that are fixed": sorted((name, str(value)) for name, value in space.fixed.items()),
        **{one.name: one.labels for one in space.axes},
    }
    return {name: sha256(repr(item).encode()).hexdigest() for name, item in items.items()}


def _refuse_other(path: Path, found: Recipe, wanted: Recipe) -> None:
    """Raise CsncostError where a store is not of this sweep."""
    if other := [name for name in wanted if found.get(name) != wanted[name]]:
        raise CsncostError(
            f"{path} holds another sweep: it has another {other[0]}", "name another file, or remove that one"
        )


def _begin(part: Path, recipe: Recipe, found: Any) -> None:
    """A store without its chunks, there as a whole or not at all."""
    new = Path(tempfile.mkdtemp(dir=part.parent, prefix=".csncost-"))
    try:
        found.to_zarr(new / "data", compute=False, zarr_format=2, consolidated=False)
        (new / "recipe.json").write_text(json.dumps(recipe), "utf-8")
        os.rename(new, part)
    finally:
        shutil.rmtree(new, ignore_errors=True)


@contextmanager
def _done(part: Path) -> Iterator[tuple[set[int], TextIO]]:
    """Which chunks are done, and a file for the numbers of more. Raises CsncostError where another run has it."""
    with (part / "done").open("a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CsncostError(f"another run is writing {part}", "wait for it, or end it") from None
        file.seek(0)
        lines = file.read().split("\n")
        if lines[-1]:  # the end of a line that a killed run began
            file.write("\n")
        yield {int(line) for line in lines[:-1] if line.isdecimal()}, file


def _go_on(
    group: Any, space: Space, source: Source, cut: tuple[int, ...], done: set[int], file: TextIO, scheduler: str | None,
    advance: Advance,
) -> None:  # fmt: skip
    """Write the chunks that are not done."""
    names = METRICS if isinstance(source, Plan) else COSTS
    first = slice(None) if space.labels is not None else 0
    chunks = list(enumerate(chunks_of(space.shape, cut)))
    total = prod(space.shape)
    advance(sum(prod(lengths(at)) for i, at in chunks if i in done), total)
    with team(scheduler) as workers:
        given = workers.share(source)
        tasks = (((i, at), (_columns, given, at, names)) for i, at in chunks if i not in done)
        for (i, at), columns in workers.results(tasks):
            for name, values in columns.items():
                group[name][at if space.labels is not None else at[1:]] = values[first]
            _note(i, file)
            advance(prod(lengths(at)), total)


def _note(number: int, file: TextIO) -> None:
    """Add a chunk to those that are done."""
    file.write(f"{number}\n")
    file.flush()


def _columns(source: Source, chunk: Chunk, names: tuple[str, ...]) -> Columns:
    return spread_out(source.parts(chunk), lengths(chunk), names)
