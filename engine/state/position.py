"""Where the records stand: how far the audit trail and the samples had come at a moment, to find it again later."""

from __future__ import annotations

import os
import sqlite3
from datetime import datetime
from pathlib import Path

import msgspec

from engine.config import Deployment
from engine.monitoring.store import SampleStore
from engine.records.atomic import open_to_read
from engine.records.lines import decode

_BLOCK = 1 << 16


class TrailPosition(msgspec.Struct, frozen=True):
    """The end of the audit trail."""

    seq: int
    """Of the last whole record; 0 when there is none, -1 when it cannot be read."""
    hash: str
    offset: int
    """Bytes up to and with that record."""


class RecordPosition(msgspec.Struct, frozen=True):
    """The end of what is recorded."""

    events: TrailPosition
    last_sample: datetime | None


def record_position(deployment: Deployment) -> RecordPosition:
    """How far the records have come. A record that cannot be read is said as such, never an error."""
    return RecordPosition(trail_position(deployment.paths.events), _last_sample(deployment))


def trail_position(path: Path) -> TrailPosition:
    """The last whole record of an audit trail, and where it ends; what stands behind it is still being written."""
    try:
        stream = open_to_read(path)
    except FileNotFoundError:
        return TrailPosition(0, "", 0)
    except OSError:
        return TrailPosition(-1, "", 0)
    with stream:
        start = end = os.fstat(stream.fileno()).st_size
        data = b""
        while start > 0 and data.count(b"\n") < 2:
            start = max(start - _BLOCK, 0)
            stream.seek(start)
            data = stream.read(end - start)
    whole = data[: data.rfind(b"\n") + 1]
    if not whole:
        return TrailPosition(0, "", 0)
    offset = start + len(whole)
    try:
        record = decode(whole[:-1].rpartition(b"\n")[2])
        return TrailPosition(int(record["seq"]), str(record["hash"]), offset)
    except (KeyError, TypeError, ValueError):
        return TrailPosition(-1, "", offset)


def _last_sample(deployment: Deployment) -> datetime | None:
    store = SampleStore(deployment.paths.samples, read_only=True)
    try:
        newest = store.newest_evaluation()
    except sqlite3.Error:
        return None
    finally:
        store.close()
    return newest.at if newest is not None else None
