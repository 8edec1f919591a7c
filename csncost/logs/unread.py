"""Lines of logs that give nothing, and the reasons, as people are told them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Unread:
    """A line that gives no accuracy of a network, and why."""

    source: str
    text: str
    why: str


def why_unread(unread: Iterable[Unread], most: int = 12) -> list[str]:
    """A line for each reason why lines of logs were left out, with where they stand."""
    by_reason: dict[str, list[Unread]] = {}
    for one in unread:
        by_reason.setdefault(one.why, []).append(one)
    lines = [_lines_left_out(why, found) for why, found in by_reason.items()]
    return lines[:most] + ([f"and {len(lines) - most} other reasons"] if len(lines) > most else [])


def _lines_left_out(why: str, found: Sequence[Unread]) -> str:
    shown = ", ".join(f"{one.source} {' '.join(one.text.split())[:30]}".strip() for one in found[:6])
    more = f" and {len(found) - 6} more" if len(found) > 6 else ""
    return f"left out, {why}: {shown}{more}"
