"""A number and what it counts, in words."""

from __future__ import annotations


def counted(number: int, one: str, many: str = "") -> str:
    """``1 gap``, ``2 gaps``."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"
