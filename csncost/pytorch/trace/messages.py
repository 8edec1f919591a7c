"""Why code does not run, in a line: what an error says, or what an error of PyTorch means here."""

from __future__ import annotations

MEANINGS = (
    ("Nested", "nested tensors are not followed: pad them to one shape"),
    ("fake impl", "an operation has no kernel for tensors without data: give it one with torch.library.register_fake"),
    ("Could not run", "PyTorch has no kernel for tensors of this kind without data"),
    ("device meta", "PyTorch does not mix tensors without data with a constant here: make that from the input"),
    ("INTERNAL ASSERT", "a check within PyTorch fails on tensors without data"),
)
"""What is found in a message that tells of PyTorch's inside, and what a person can do."""


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
