"""Columns that are not there, each in a sentence that names the one that may be meant."""

from __future__ import annotations

from collections.abc import Iterable

from engine.errors import nearest
from engine.records import harmless


def missing_columns(wanted: Iterable[str], present: list[str]) -> dict[str, str]:
    """The sentence about each wanted column that is not among those present."""
    return {name: _missing(name, present) for name in wanted if name not in present}


def _missing(name: str, present: list[str]) -> str:
    folded = {other.lower(): other for other in present}
    near = nearest(name, folded, alike=0.8)
    hint = f" (there is {harmless(folded[near])!r})" if near else ""
    return f"the column {name} is missing{hint}"
