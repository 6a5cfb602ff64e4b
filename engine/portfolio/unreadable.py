"""The one error for a tape from which nothing can be computed."""

from __future__ import annotations

from engine.errors import OpsError
from engine.records import harmless


class TapeUnreadable(OpsError):
    """The file as a whole is no tape; the reader puts its name in front."""


def check_names(header: list[str]) -> None:
    """TapeUnreadable when a column is there twice."""
    twice = sorted({name for name in header if header.count(name) > 1})
    if twice:
        raise TapeUnreadable(f"has the column {harmless(twice[0])!r} twice", "one column, one name")
