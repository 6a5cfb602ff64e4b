"""What the monitor wrote down and nobody can read back: it is named, and never taken for nothing."""

from __future__ import annotations

import sqlite3

import msgspec

from engine.config.newer import newer_words
from engine.monitoring import model
from engine.monitoring.model import Evaluation
from engine.records import harmless
from engine.records.undecodable import UNDECODABLE


class _Version(msgspec.Struct):
    v: int = 1


class Undecodable(sqlite3.Error):
    """Bytes of ``logs/samples.db`` that are whole, and say nothing that is understood here."""


class OfNewer(Undecodable):
    """A newer version wrote them: what they say here may not be what they mean."""


def undecodable(what: str, error: Exception) -> Undecodable:
    """The error for ``what``: damaged, or written by another version."""
    said = harmless(error, 120)
    return Undecodable(f"{what} cannot be understood ({said}): it is damaged, or another version wrote it")


def decoded(data: bytes) -> Evaluation:
    """The evaluation. Undecodable; that of a newer version is not guessed at."""
    try:
        newer = newer_words(msgspec.json.decode(data, type=_Version).v)
        found = model.decode(data) if not newer else None
    except UNDECODABLE as error:
        raise undecodable("the state that the monitor wrote", error) from error
    if found is None:
        raise OfNewer(newer)
    return found
