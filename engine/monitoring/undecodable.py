"""What the monitor wrote down and nobody can read back: it is named, and never taken for nothing."""

from __future__ import annotations

import sqlite3

from engine.monitoring import model
from engine.monitoring.model import Evaluation
from engine.records import harmless
from engine.records.undecodable import UNDECODABLE


class Undecodable(sqlite3.Error):
    """Bytes of ``logs/samples.db`` that are whole, and say nothing that is understood here."""


def undecodable(what: str, error: Exception) -> Undecodable:
    """The error for ``what``: damaged, or written by another version."""
    said = harmless(error, 120)
    return Undecodable(f"{what} cannot be understood ({said}): it is damaged, or another version wrote it")


def decoded(data: bytes) -> Evaluation:
    """The evaluation. Undecodable."""
    try:
        return model.decode(data)
    except UNDECODABLE as error:
        raise undecodable("the state that the monitor wrote", error) from error
