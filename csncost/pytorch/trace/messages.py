"""Messages of code that does not run: the reason in a line, and the place."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from csncost.units import shape

MEANINGS = (
    ("Nested", "nested tensors are not followed: pad them to one shape"),
    ("fake impl", "an operation has no kernel for tensors without data: give it one with torch.library.register_fake"),
    ("Could not run", "PyTorch has no kernel for tensors of this kind without data"),
    ("device meta", "PyTorch does not mix tensors without data with a constant here: make that from the input"),
    ("INTERNAL ASSERT", "a check within PyTorch fails on tensors without data"),
)
"""A word of a message that tells of PyTorch's inside, and the same for a person who can do something."""


def reason(error: BaseException) -> str:
    """The first line of what an error says; also of one that cannot say it."""
    try:
        text = str(error).strip().partition("\n")[0]
    except BaseException:  # its own __str__ fails
        return "it raises another error when asked what it says"
    return text[:300] or "no reason given"


def meaning(error: BaseException) -> str:
    """The same of an error of PyTorch, in the words of a user."""
    text = reason(error)
    return next((told for found, told in MEANINGS if found in text), text)


class Failures:
    """The last error that went through a model: the innermost module and the function that raised it."""

    def __init__(self) -> None:
        self._module: tuple[BaseException | None, str] = None, ""
        self._function: tuple[BaseException | None, str] = None, ""

    def pass_through(self, error: BaseException, path: str) -> None:
        """Remember the module that an error leaves first."""
        if error is not self._module[0]:
            self._module = error, path

    def blame(self, error: BaseException, function: str, args: Any) -> None:
        """Remember the function that raised an error first."""
        if error is not self._function[0]:
            sizes = [shape(arg.shape) or "scalar" for arg in args if isinstance(arg, Tensor)]
            self._function = error, f"{function.strip('_')} of {' and '.join(sizes[:2])}" if sizes else ""

    def place_of(self, error: BaseException) -> str:
        """The place of an error: ` in stem: conv3d of 1x4x8x8x8 and 16x3x3x3x3`."""
        path, function = (text if one is error else "" for one, text in (self._module, self._function))
        return (f" in {path}" if path else "") + (f": {function}" if function else "")
