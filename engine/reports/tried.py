"""Reading what may be damaged or missing: the reason becomes a line of the report, never its end."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import TypeVar

from engine.errors import OpsError
from engine.records import Record, harmless

T = TypeVar("T")
NO_RECORDS: tuple[list[Record], int] = ([], 0)
"""What is read of a file that cannot be: no record, no damaged line."""


def tried(read: Callable[[], T], otherwise: T, problems: list[str], what: str) -> T:
    """What ``read`` answers, or ``otherwise`` and a line in ``problems`` that begins with ``what``."""
    try:
        return read()
    except (OSError, sqlite3.Error, OpsError, ValueError) as error:
        problems.append(harmless(f"{what}: {error.what if isinstance(error, OpsError) else error}"))
        return otherwise
