"""Requirements for a network to exist: an error for ints, a mask for arrays, an assumption for symbols."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from csncost.network.sizes import Truth, everywhere, is_symbolic


class Fault(Exception):
    """A requirement that a concrete network does not meet; `aspect` names the part of the operation at fault."""

    def __init__(self, aspect: str, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.aspect, self.message, self.hint = aspect, message, hint


@dataclass(slots=True)
class Checks:
    """Conditions for a network to exist: an error for ints, a mask for arrays, an assumption for symbols."""

    masks: dict[Any, Truth] = field(default_factory=dict)
    """Masks over arrays, those over the same dimensions together: each is small, what all of them span may not be."""
    assumptions: list[Any] = field(default_factory=list)

    def require(self, truth: Truth, aspect: str, say: Callable[[], tuple[str, str]]) -> None:
        """Insist on `truth`; `say` gives the message and the hint if it fails for ints."""
        if truth is True:
            return
        if truth is False:
            raise Fault(aspect, *say())
        if is_symbolic(truth):
            if truth == False:  # noqa: E712 - SymPy's false is not Python's
                raise Fault(aspect, *say())
            if truth not in self.assumptions and truth != True:  # noqa: E712
                self.assumptions.append(truth)
            return
        self.mask(truth)

    def mask(self, truth: Truth) -> None:
        """Mask out the designs where an array of truths does not hold."""
        if not everywhere(truth):
            over = getattr(truth, "dims", ())
            self.masks[over] = self.masks[over] & truth if over in self.masks else truth

    @contextmanager
    def only_where(self, truth: Truth) -> Iterator[None]:
        """Require what is required meanwhile only of the designs where `truth` holds."""
        if isinstance(truth, bool) or is_symbolic(truth):
            yield
            return
        outer, self.masks = self.masks, {}
        try:
            yield
        finally:
            inner, self.masks = self.masks, outer
        for mask in inner.values():
            self.mask(mask | ~truth)
