"""Parameters in scope: values that are given, defaults for the rest, and which of them anything asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial

from csncost.errors import NoParameter, Span, SpecError, Undecided, did_you_mean
from csncost.lang.catalogue import free_in
from csncost.lang.printer import print_value
from csncost.lang.syntax import NOWHERE, Assignment, Expr, List, Name, Number
from csncost.lang.values import Evaluator, ids

MAX_PARAMETER_CHAIN = 50


class Scope:
    """Parameters with their defaults, some of them given; evaluated when first asked for, so that use can be told."""

    def __init__(self, assignments: list[Assignment], given: Mapping[str, Expr]) -> None:
        self.given = dict(given)
        self.used: set[str] = set()
        self.evaluate = Evaluator(self.lookup)
        self._defaults = {item.name: item for item in assignments}
        if len(self._defaults) < len(assignments):
            twice = next(item for item in assignments if self._defaults[item.name] is not item)
            raise SpecError(f'"{twice.name[:40]}" is defined twice', twice.span)
        self._values: dict[str, Expr] = {}
        self._depth = 0

    def lookup(self, name: Name) -> Expr | None:
        """The value of a parameter; None for a name that is not one."""
        self.used.add(name.id)
        if name.id in self._values:
            return self._values[name.id]
        item = self._defaults.get(name.id)
        if item is None:
            return self.given.get(name.id)
        if self._depth >= MAX_PARAMETER_CHAIN:
            raise SpecError(f'"{item.name[:40]}" is defined through itself, or through too many others', item.span)
        self._depth += 1
        value = self.given[name.id] if name.id in self.given else self.evaluate(item.value)
        if item.choices:
            value = self._chosen(item, value)
        self._depth -= 1
        self._values[name.id] = value
        return value

    def _chosen(self, item: Assignment, value: Expr) -> Expr:
        choices = [(self.evaluate(key), self.evaluate(chosen)) for key, chosen in item.choices]
        for key, chosen in choices:
            if key == value:
                return replace(chosen, span=value.span)
        length = len(choices[0][1].items) if choices and isinstance(choices[0][1], List) else 0
        if length and isinstance(value, List) and len(value.items) == length:
            return value
        keys = ", ".join(print_value(key) for key, _ in choices)
        like = f", or a list of {length} such as {print_value(choices[0][1])}" if length else ""
        fault = SpecError if isinstance(value, Number) else partial(Undecided, names=ids(value))
        raise fault(f"{item.name} cannot be {print_value(value)[:60]}", value.span, hint=f"it is one of {keys}{like}")

    def with_arguments(self, arguments: Mapping[str, Expr]) -> Evaluator:
        """An evaluator that knows a block's arguments before these parameters."""
        return Evaluator(
            lambda name: arguments[name.id] if name.id in arguments else self.lookup(name), self.evaluate.budget
        )

    @property
    def assigned(self) -> set[str]:
        """The names that have defaults."""
        return set(self._defaults)

    def default(self, name: str) -> Expr | None:
        """The value that a parameter would have if it were not given."""
        others = {key: value for key, value in self.given.items() if key != name}
        return Scope(list(self._defaults.values()), others).lookup(Name(name))

    def as_choice(self, name: str, value: Expr) -> Expr:
        """The key of a parameter's choice that stands for `value`, or the value itself."""
        choices = self._defaults[name].choices if name in self._defaults else ()
        return next((key for key, chosen in choices if self.evaluate(chosen) == value), value)

    def check_defaults_used(self) -> None:
        """Refuse a definition that nothing asked for."""
        for name, item in self._defaults.items():
            if name not in self.used:
                raise SpecError(
                    f'"{name[:40]}" is defined, but nothing uses it',
                    item.span,
                    hint=f"a parameter is set by ({name[:40]}=...)",
                )

    def check_known(self, whole: str, at: Span, free: set[str]) -> None:
        """Refuse a given value for what is neither a parameter nor a free name."""
        for name, value in self.given.items():
            if name not in self._defaults and name not in free:
                hint = did_you_mean(name, list(self._defaults)) or f"its parameters are {', '.join(self._defaults)}"
                span = at if value.span is NOWHERE else value.span
                raise NoParameter(f'{whole} has no parameter "{name[:40]}"', span, hint=hint)

    def check_used(self, whole: str, free: Sequence[str]) -> None:
        """Refuse a given value that nothing asked for: it would change nothing in silence."""
        for name, value in self.given.items():
            if name not in self.used and name not in free:
                span = None if value.span is NOWHERE else value.span
                hint = "nothing in it depends on that name"
                if free := free_in(name, whole):
                    hint += f"; {name} is free in names such as {free}"
                raise NoParameter(f'"{name[:40]}" has no effect on {whole}', span, hint=hint)
