"""What a command line names to be traced: `package.module:callable(arguments)` or `file.py:callable(arguments)`."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import inspect
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from torch import nn

from csncost.costs.report import Report
from csncost.errors import CsncostError, did_you_mean
from csncost.pytorch.guests import guest
from csncost.pytorch.outline import Outline
from csncost.pytorch.trace.inputs import from_texts
from csncost.pytorch.trace.messages import reason
from csncost.pytorch.trace.trace import trace

EXAMPLE = "for instance torchvision.models:resnet50, \"timm:create_model('resnet50')\" or mine.py:Net(classes=10)"


def load(text: str, train: bool = False) -> Callable[..., Any]:
    """What a target names, made if it has to be made, in eval mode unless `train`.

    A class, a call written out, or a function that takes no arguments is called, and what it returns is the target; a
    module, or a function on tensors, is the target itself. Parameters are made without values. What the code prints
    goes to standard error. Raises CsncostError for what cannot be found, imported or made.
    """
    place, attribute, arguments = _parsed(text)
    with guest(f'"{text[:80]}"'), _importable():
        found = _attribute(_module(place), attribute, place)
        if arguments is not None or _is_factory(found):
            found = _called(found, arguments or ((), {}), text)
        if isinstance(found, nn.Module):
            _made_whole(found, text)
            found.train(train)
            return found
    if not callable(found):
        raise CsncostError(f'"{text[:80]}" is {_a(type(found).__name__)}, not a model', EXAMPLE)
    target: Callable[..., Any] = found
    return target


def _made_whole(module: nn.Module, text: str) -> None:
    """Refuse a module whose constructor did not call that of torch.nn.Module."""
    if "_modules" not in module.__dict__:
        raise CsncostError(
            f'"{text[:80]}" was not initialised as a module', "call super().__init__() in its constructor"
        )


def trace_target(
    text: str, inputs: Sequence[str], *, train: bool = False, formulas: str | None = None, **options: Any
) -> Report:
    """The report of what a command line names, on inputs written as there; `formulas` is `file.py:NAME`, a dict."""
    target = load(text, train)
    if not inputs and (needed := _required(_signature(getattr(target, "forward", target)))):
        raise CsncostError(f'"{text[:80]}" takes {", ".join(needed)}: give --input', "for instance --input 1x3x224x224")
    known = _named(formulas) if formulas else None
    with guest(f'"{text[:80]}"'), _or_a_factory(target, text):
        report = trace(target, from_texts(inputs), formulas=known, **options)
    return replace(report, spec=text)


@contextmanager
def _or_a_factory(target: Any, text: str) -> Iterator[None]:
    """Where a function does not run on tensors, say how it is called if it is one that makes a model."""
    try:
        yield
    except CsncostError as error:
        names = [] if isinstance(target, nn.Module) else _required(_signature(target))
        if not names or "(" in text:
            raise
        raise CsncostError(error.message, f"{error.hint}; if it makes a model, write {_call(text, names)}") from error


def _call(text: str, names: Sequence[str]) -> str:
    """How arguments are given in a target."""
    return f"{text.partition('(')[0]}({', '.join(f'{name}=...' for name in names)})"


def _named(text: str) -> Any:
    """The formulas that a place names. Raises CsncostError where there are none."""
    if ":" not in text:
        raise CsncostError(f'"{text[:80]}" names no formulas', "write FILE.py:NAME, or package.module:NAME")
    place, attribute, _ = _parsed(text)
    with guest(f'"{text[:80]}"'), _importable():
        found = _attribute(_module(place), attribute, place)
    if not isinstance(found, Mapping):
        raise CsncostError(
            f'"{text[:80]}" is {_a(type(found).__name__)}, not a dict of formulas', 'for instance {"mylib::op": f}'
        )
    return found


def _parsed(text: str) -> tuple[str, str, tuple[tuple[Any, ...], dict[str, Any]] | None]:
    """The module or file, the dotted name in it, and the arguments of a call if one is written."""
    head, bracket, rest = text.partition("(")
    place, colon, attribute = head.rpartition(":")
    if not (colon and place.strip() and all(part.isidentifier() for part in attribute.strip().split("."))):
        python = colon or head.endswith(".py")
        also = EXAMPLE if python else "or give a spec to analyze, or to explain without --input"
        hint = f"write package.module:callable or file.py:callable, {also}"
        raise CsncostError(f'"{text[:80]}" names nothing to trace', hint)
    return place.strip(), attribute.strip(), _arguments(bracket + rest, text) if bracket else None


def _arguments(written: str, text: str) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Literal arguments; nothing is evaluated."""
    try:
        call = ast.parse(f"f{written}", mode="eval").body
        if not isinstance(call, ast.Call) or any(word.arg is None for word in call.keywords):
            raise ValueError
        args = tuple(map(ast.literal_eval, call.args))
        return args, {str(word.arg): ast.literal_eval(word.value) for word in call.keywords}
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        raise CsncostError(
            f'the arguments in "{text[:80]}" cannot be read', "they are literals: numbers, texts, lists, True, None"
        ) from None


@contextmanager
def _importable() -> Iterator[None]:
    """Modules of the current folder can be imported, as `python -m` would."""
    here = str(Path.cwd())
    sys.path.insert(0, here)
    try:
        yield
    finally:
        if here in sys.path:
            sys.path.remove(here)


def _module(place: str) -> ModuleType:
    if place.endswith(".py") or "/" in place:
        return _file(Path(place))
    try:
        return importlib.import_module(place)
    except ModuleNotFoundError as error:
        if error.name and (place == error.name or place.startswith(f"{error.name}.")):
            raise CsncostError(
                f'there is no package "{error.name[:80]}"', "install it, or name a file: mine.py:Net"
            ) from None
        raise _unimportable(place, error) from error
    except (Exception, SystemExit) as error:  # whatever the code of others raises while it is imported
        raise _unimportable(place, error) from error


def _file(path: Path) -> ModuleType:
    if not path.is_file():
        raise CsncostError(f"there is no file {str(path)[:120]}", "write file.py:callable, or package.module:callable")
    name = f"{path.stem} of {path.resolve().parent}"  # which no other module has
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise CsncostError(f"{str(path)[:120]} is no Python file", "its name ends in .py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    sys.path.insert(0, str(path.resolve().parent))
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:  # whatever the code of others raises while it is imported
        raise _unimportable(str(path), error) from error
    finally:
        sys.path.pop(0)
    return module


def _unimportable(place: str, error: BaseException) -> CsncostError:
    return CsncostError(f"{place[:80]} cannot be imported", f"{type(error).__name__}: {reason(error)}")


def _attribute(module: ModuleType, attribute: str, place: str) -> Any:
    found: Any = module
    for part in attribute.split("."):
        try:
            found = getattr(found, part)
        except AttributeError:
            known = [name for name in dir(found) if not name.startswith("_")]
            raise CsncostError(f'{place[:80]} has no "{attribute[:80]}"', did_you_mean(part, known)) from None
    return found


def _is_factory(found: Any) -> bool:
    """Whether something is to be called for a model, and is not the model itself."""
    if inspect.isclass(found):
        return True
    if isinstance(found, nn.Module) or not callable(found):
        return False
    parameters = _signature(found)
    return parameters is not None and not _required(parameters)


def _signature(found: Any) -> list[inspect.Parameter] | None:
    """The parameters of a function; None for a builtin that does not tell, such as torch.relu."""
    try:
        return list(inspect.signature(found).parameters.values())
    except (TypeError, ValueError):
        return None


def _required(parameters: Sequence[inspect.Parameter] | None) -> list[str]:
    """The names of those that have to be given."""
    parameters = parameters or ()
    return [p.name for p in parameters if p.default is p.empty and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]


def _how(found: Any, text: str) -> str:
    """What something takes that is to be called, and how that is written."""
    parameters = _signature(found) or ()
    needed = _required(parameters)
    if not parameters:
        return "it takes no arguments"
    every = ", ".join(str(p.replace(annotation=p.empty)) for p in parameters)
    return f"it takes {every}" + (f": write {_call(text, needed)}" if needed else "")


def _called(found: Any, arguments: tuple[tuple[Any, ...], dict[str, Any]], text: str) -> Any:
    """A model without parameters' values; made in full if its constructor cannot do with that."""
    args, kwargs = arguments
    if not callable(found):
        raise CsncostError(f'"{text[:80]}" calls what cannot be called', EXAMPLE)
    try:
        inspect.signature(found).bind(*args, **kwargs)
    except TypeError as error:
        raise CsncostError(f'"{text[:80]}" cannot be called like this: {error}', _how(found, text)) from None
    except ValueError:  # no signature to be seen
        pass
    random = torch.get_rng_state()
    try:
        with Outline():
            return found(*args, **kwargs)
    except (Exception, SystemExit):  # a constructor that reads the values of what it made: give it values
        torch.set_rng_state(random)
    try:
        return found(*args, **kwargs)
    except (Exception, SystemExit) as error:  # whatever the code of others raises
        raise CsncostError(f'"{text[:80]}" cannot be made', f"{type(error).__name__}: {reason(error)}") from error


def _a(noun: str) -> str:
    return f"{'an' if noun[:1].lower() in 'aeiou' else 'a'} {noun}"
