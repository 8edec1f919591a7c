"""A model that a command line names, `package.module:callable(arguments)` or `file.py:callable(arguments)`, traced."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import inspect
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any, TypeAlias

import torch
from torch import nn

from csncost.costs.report import Report
from csncost.errors import CsncostError, did_you_mean
from csncost.pytorch.build.initial import WithoutValues
from csncost.pytorch.foreign import foreign
from csncost.pytorch.trace.inputs import from_texts
from csncost.pytorch.trace.messages import reason
from csncost.pytorch.trace.trace import trace

EXAMPLE = "for instance torchvision.models:resnet50, \"timm:create_model('resnet50')\" or mine.py:Net(classes=10)"

Arguments: TypeAlias = tuple[tuple[Any, ...], dict[str, Any]]


def trace_target(
    text: str, inputs: Sequence[str], *, train: bool = False, formulas: str | None = None, **options: Any
) -> Report:
    """The report of a target on inputs written as on a command line; `formulas` is `file.py:NAME`, a dict.

    A class, a call written out, or a function that takes no arguments is called, and what it returns is traced; a
    module, or a function on tensors, is traced itself. Modules are in eval mode unless `train`, their parameters made
    without values. Raises CsncostError for what cannot be found, imported, made or traced.
    """
    target = Target.parsed(text)
    with foreign(target.shown), _importable(target.folder):
        model = _model(target, train)
        if not inputs and (needed := _required(_signature(getattr(model, "forward", model)))):
            raise target.refused(f"takes {', '.join(needed)}: give --input", "for instance --input 1x3x224x224")
        known = _formulas(formulas) if formulas else None
        with _or_a_factory(model, target):
            report = trace(model, from_texts(inputs), formulas=known, **options)
    return replace(report, spec=text)


@dataclass(frozen=True, slots=True)
class Target:
    """A text that names something in Python: a module or file, a dotted name in it, the arguments of a call if any."""

    text: str
    place: str
    attribute: str
    arguments: Arguments | None

    @staticmethod
    def parsed(text: str) -> Target:
        """A text as a target; arguments are literals, and nothing is evaluated. Raises CsncostError for another."""
        head, bracket, rest = text.partition("(")
        place, colon, attribute = (part.strip() for part in head.rpartition(":"))
        if not (colon and place and all(part.isidentifier() for part in attribute.split("."))):
            python = colon or head.endswith(".py")
            also = EXAMPLE if python else "or give a spec to analyze, or to explain without --input"
            hint = f"write package.module:callable or file.py:callable, {also}"
            raise CsncostError(f'"{text[:80]}" names nothing to trace', hint)
        return Target(text, place, attribute, _arguments(bracket + rest, text) if bracket else None)

    @property
    def shown(self) -> str:
        """The text as messages quote it."""
        return f'"{self.text[:80]}"'

    @property
    def folder(self) -> Path:
        """The folder of its file, from which that imports its neighbours; for a module the current one."""
        return Path(self.place).resolve().parent if self.in_a_file else Path.cwd()

    @property
    def in_a_file(self) -> bool:
        """Tell a file from a module."""
        return self.place.endswith(".py") or "/" in self.place

    def refused(self, what: str, hint: str) -> CsncostError:
        """The error that says what is wrong with this target."""
        return CsncostError(f"{self.shown} {what}", hint)

    def call(self, names: Sequence[str]) -> str:
        """The same target with arguments of these names."""
        return f"{self.text.partition('(')[0]}({', '.join(f'{name}=...' for name in names)})"


def _arguments(written: str, text: str) -> Arguments:
    try:
        call = ast.parse(f"f{written}", mode="eval").body
        if not isinstance(call, ast.Call) or any(word.arg is None for word in call.keywords):
            raise ValueError
        args = tuple(map(ast.literal_eval, call.args))
        return args, {str(word.arg): ast.literal_eval(word.value) for word in call.keywords}
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        hint = "they are literals: numbers, texts, lists, True, None"
        raise CsncostError(f'the arguments in "{text[:80]}" cannot be read', hint) from None


# -- finding it


@contextmanager
def _importable(folder: Path) -> Iterator[None]:
    """Modules of a folder and of the current one can be imported, as `python -m` would."""
    here = [str(folder), str(Path.cwd())]
    sys.path[:0] = here
    try:
        yield
    finally:
        for one in here:
            if one in sys.path:
                sys.path.remove(one)


def _found(target: Target) -> Any:
    """The object that a target names. Raises CsncostError where there is none."""
    found: Any = _file(Path(target.place)) if target.in_a_file else _module(target.place)
    for part in target.attribute.split("."):
        try:
            found = getattr(found, part)
        except AttributeError:
            near = did_you_mean(part, [name for name in dir(found) if not name.startswith("_")])
            raise CsncostError(f'{target.place[:80]} has no "{target.attribute[:80]}"', near) from None
    return found


def _module(place: str) -> ModuleType:
    package = place.partition(".")[0]
    with _foreign_errors(f"{place[:80]} cannot be imported"):
        if importlib.util.find_spec(package) is not None:
            return importlib.import_module(place)
    raise CsncostError(f'there is no package "{package[:80]}"', "install it, or name a file: mine.py:Net")


def _file(path: Path) -> ModuleType:
    if not path.is_file():
        raise CsncostError(f"there is no file {str(path)[:120]}", "write file.py:callable, or package.module:callable")
    name = f"{path.stem} of {path.resolve().parent}"  # which no other module has
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise CsncostError(f"{str(path)[:120]} is no Python file", "its name ends in .py")
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    with _foreign_errors(f"{str(path)[:80]} cannot be imported"):
        spec.loader.exec_module(module)
    return module


@contextmanager
def _foreign_errors(message: str) -> Iterator[None]:
    """Make one error of any that the code of others raises, while it is imported or makes a model."""
    try:
        yield
    except (Exception, SystemExit) as error:
        raise CsncostError(message, f"{type(error).__name__}: {reason(error)}") from error


def _formulas(text: str) -> Mapping[Any, Any]:
    """The formulas that a text names. Raises CsncostError where there are none."""
    if ":" not in text:
        raise CsncostError(f'"{text[:80]}" names no formulas', "write FILE.py:NAME, or package.module:NAME")
    target = Target.parsed(text)
    with _importable(target.folder):
        found = _found(target)
    if not isinstance(found, Mapping):
        raise target.refused(f"is {_a(found)}, not a dict of formulas", 'for instance {"mylib::op": f}')
    return found


# -- making it


def _model(target: Target, train: bool) -> Callable[..., Any]:
    """The module or function that a target is, made if it has to be made."""
    found = _found(target)
    if target.arguments is not None or _is_factory(found):
        found = _made(found, target)
    if isinstance(found, nn.Module):
        if "_modules" not in found.__dict__:
            raise target.refused("was not initialised as a module", "call super().__init__() in its constructor")
        return found.train(train)
    if not callable(found):
        raise target.refused(f"is {_a(found)}, not a model", EXAMPLE)
    made: Callable[..., Any] = found
    return made


def _is_factory(found: Any) -> bool:
    """Tell whether something is to be called for a model, and is not the model itself."""
    if inspect.isclass(found):
        return True
    if isinstance(found, nn.Module) or not callable(found):
        return False
    parameters = _signature(found)
    return parameters is not None and not _required(parameters)


def _made(found: Any, target: Target) -> Any:
    """A model whose parameters have no values; made in full if its constructor cannot do with that."""
    args, kwargs = target.arguments or ((), {})
    if not callable(found):
        raise target.refused("calls what cannot be called", EXAMPLE)
    try:
        inspect.signature(found).bind(*args, **kwargs)
    except TypeError as error:
        raise target.refused(f"cannot be called like this: {error}", _usage(found, target)) from None
    except ValueError:  # no signature to be seen
        pass
    random = torch.get_rng_state()
    try:
        with WithoutValues():
            return found(*args, **kwargs)
    except (Exception, SystemExit):  # a constructor of others that reads the values of what it made: give it values
        torch.set_rng_state(random)
    with _foreign_errors(f"{target.shown} cannot be made"):
        return found(*args, **kwargs)


def _usage(found: Any, target: Target) -> str:
    """The arguments of something that is to be called, and a way to write them."""
    parameters = _signature(found) or ()
    if not parameters:
        return "it takes no arguments"
    every, needed = ", ".join(str(p.replace(annotation=p.empty)) for p in parameters), _required(parameters)
    return f"it takes {every}" + (f": write {target.call(needed)}" if needed else "")


@contextmanager
def _or_a_factory(model: Any, target: Target) -> Iterator[None]:
    """If a function does not run on tensors, say also how it is called if it is one that makes a model."""
    try:
        yield
    except CsncostError as error:
        names = [] if isinstance(model, nn.Module) else _required(_signature(model))
        if not names or target.arguments is not None:
            raise
        hint = f"{error.hint}; if it makes a model, write {target.call(names)}"
        raise CsncostError(error.message, hint) from error


def _signature(found: Any) -> Sequence[inspect.Parameter] | None:
    """The parameters of a function; None for a builtin that does not tell, such as torch.relu."""
    try:
        return list(inspect.signature(found).parameters.values())
    except (TypeError, ValueError):
        return None


def _required(parameters: Sequence[inspect.Parameter] | None) -> list[str]:
    """The names of those that have to be given."""
    every = parameters or ()
    return [p.name for p in every if p.default is p.empty and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]


def _a(found: Any) -> str:
    """The type of an object with its article."""
    noun = type(found).__name__
    return f"{'an' if noun[:1].lower() in 'aeiou' else 'a'} {noun}"
