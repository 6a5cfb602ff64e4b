"""Looking into ``samples.db`` without leaving anything behind: no lock, no log, no file that bars its writer.

SQLite keeps a log and a map of it (``-wal``, ``-shm``) beside a database that is written to. Whoever opens it even to
read makes them where they are absent, and they are then the reader's: a console of another account would bar the
monitor. So the map is opened as it is and never made; where there is none nobody writes, and the file alone is read.
"""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

from engine.records.unchanged import Stamp, stamp_of

__all__ = ["Stamp", "look_into", "resting"]
_FEW_PAGES = "PRAGMA cache_size = -256"
"""KB that a reader keeps in memory: what it reads once more the system has at hand, and a console is open for weeks."""


def look_into(path: Path, *, timeout: float = 1.0) -> tuple[sqlite3.Connection, Stamp | None]:
    """A connection that only reads, to be used by any thread. sqlite3.Error when the file cannot be read.

    With a stamp it is one of a file to which nobody writes: it sees no later change, so it must not be used once
    :func:`resting` gives another stamp.
    """
    while True:
        stamp = resting(path)
        how = "readonly_shm=1" if stamp is None else "immutable=1"
        connection = sqlite3.connect(
            f"{path.absolute().as_uri()}?mode=ro&{how}",
            uri=True,
            timeout=timeout,
            isolation_level=None,
            check_same_thread=False,
        )
        try:
            connection.execute(_FEW_PAGES)
            connection.execute("SELECT 1 FROM sqlite_master").fetchone()  # SQLite opens the files only now
        except BaseException as error:
            connection.close()
            if isinstance(error, sqlite3.OperationalError) and (resting(path) is None) != (stamp is None):
                continue  # the writer came or went at this very moment
            raise
        return connection, stamp


def resting(path: Path) -> Stamp | None:
    """Which file it is, while nobody has it open to write; None while somebody may."""
    if os.path.lexists(f"{path}-shm"):
        return None
    try:
        return stamp_of(path.stat())
    except OSError:
        return (0, 0, 0, 0)
