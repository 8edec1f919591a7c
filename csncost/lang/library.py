"""Definitions of blocks, templates and named networks: those of a text, and of the package's `zoo/*.csn` files."""

from __future__ import annotations

from functools import cache
from itertools import chain

from csncost.errors import Source, SpecError, did_you_mean
from csncost.lang.catalogue import files, files_offering, fit, pattern_text, unknown
from csncost.lang.parser import parse
from csncost.lang.syntax import (
    BlockDefinition,
    Expr,
    Import,
    Name,
    NetworkDefinition,
    Reference,
    Spec,
    Template,
    of_kind,
)
from csncost.lang.values import LIBRARY


class Definitions:
    """Definitions of one text and those that it imports by name; no others of a file are known outside of it.

    The networks of the package are known everywhere; their files are read when one of their names is asked for.
    """

    def __init__(self, spec: Spec) -> None:
        self.networks = of_kind(spec.items, NetworkDefinition)
        self._own: dict[str, BlockDefinition | Template] = {}
        self._imported: dict[str, tuple[Name, Name]] = {}
        for item in spec.items:
            if isinstance(item, (BlockDefinition, Template)):
                self._once(item.name, item)
                self._own[item.name] = item
            elif isinstance(item, Import):
                for name in item.names:
                    self._once(name.id, name)
                    self._imported[name.id] = item.file, name
        for network in self.networks:
            if any(network.pattern == other.pattern for other in self.networks if other is not network):
                raise SpecError(f'"{pattern_text(network.pattern)[:40]}" is defined twice', network.span)

    def _once(self, name: str, at: BlockDefinition | Template | Name) -> None:
        if name in self._own or name in self._imported:
            raise SpecError(f'"{name[:40]}" is defined twice', at.span)

    def __bool__(self) -> bool:
        return bool(self._own or self._imported or self.networks)

    def get(self, name: str) -> tuple[BlockDefinition | Template | None, Definitions]:
        """The definition that a name stands for here, and the definitions that it is among."""
        if name not in self._imported:
            return self._own.get(name), self
        file, at = self._imported[name]
        home = package(file.id)
        if home is None:
            hint = did_you_mean(file.id, list(files())) or f"files are {', '.join(files())}"
            raise SpecError(f'the package has no file "{file.id[:40]}"', file.span, hint=hint)
        if name not in home._own:
            hint = did_you_mean(name, list(home._own)) or f"it has {', '.join(home._own)}"
            raise SpecError(f'{file.id} defines no "{name[:40]}"', at.span, hint=hint)
        return home._own[name], home

    def check_imports(self) -> None:
        """Refuse imports of what there is not."""
        for name in self._imported:
            self.get(name)

    def block(self, name: str) -> BlockDefinition | None:
        """The block of that name."""
        found, _ = self.get(name)
        return found if isinstance(found, BlockDefinition) else None

    def template(self, name: str) -> tuple[Template, Definitions] | None:
        """The template of that name, and the definitions that it stands among."""
        found, home = self.get(name)
        return (found, home) if isinstance(found, Template) else None

    def blocks(self) -> list[str]:
        """The names of blocks."""
        return [name for name in (*self._own, *self._imported) if self.block(name)]

    def network(self, reference: Reference) -> tuple[NetworkDefinition, dict[str, Expr], Definitions]:
        """The definition that a name fits, what stands in its holes, and the definitions that it stands among."""
        for home in chain([self], filter(None, map(package, files_offering(reference)))):
            for network in home.networks:
                holes = fit(network.pattern, reference)
                if holes is not None:
                    return network, holes, home
        raise unknown(reference, [network.pattern for network in self.networks])


NONE = Definitions(Spec(()))


@cache
def package(file: str) -> Definitions | None:
    """Definitions of a file of the package, read once; None where there is no such file."""
    path = files().get(file)
    return Definitions(parse(Source(path.read_text("utf-8"), LIBRARY + path.name))) if path else None


def where_defined(block: str) -> str:
    """A hint at the place that a block of that name can be had from."""
    found = [file for file in files() if (home := package(file)) and block in home.blocks()]
    return f"from {found[0]} import {block}" if found else "blocks are defined, or imported from the package's files"
