"""Is the audit trail still the one that was read? A chain cannot show that its end is gone: who has read it can.

The monitor remembers the newest record that it has read and where that ended. A trail that is gone, shorter, or another
one at that place is lost; that stands, over restarts, until somebody acknowledges it.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

import msgspec

from engine.config import Deployment
from engine.monitoring.store import SampleStore
from engine.records import Record, harmless
from engine.records.atomic import open_to_read
from engine.records.lines import decode
from engine.records.undecodable import UNDECODABLE

AUDIT = "audit_level"
LOST_TRAIL = 2.5
"""The level of AUD while the trail is lost: beyond critical, and no more than that."""
_NEAR, _LONGEST = 1 << 12, 1 << 17
"""Bytes before a place in which its record is looked for, first and at most."""


class Known(msgspec.Struct, frozen=True):
    """The newest record that was read."""

    offset: int = 0
    """Where it ends, in bytes; 0: none was read."""
    hash: str = ""
    seq: int = 0
    at: str = ""
    boot: float = 0.0

    def before(self, event: Record) -> bool:
        """Whether an event was written later than this one, by either clock."""
        return str(event.get("at")) > self.at or float(event.get("boot") or 0.0) > self.boot


class Loss(msgspec.Struct, frozen=True):
    """What became of the trail, in words; ``acknowledged``: by whom."""

    at: datetime
    words: str
    acknowledged: str = ""

    @property
    def stands(self) -> bool:
        """Whether nobody has acknowledged it."""
        return not self.acknowledged


class _Remembered(msgspec.Struct, frozen=True):
    """Of the monitor's memory, what concerns the trail."""

    trail_known: Known = Known()
    trail_loss: Loss | None = None


def known_of(event: Record, offset: int) -> Known:
    """The memory of an event that ends at ``offset``."""
    boot = event.get("boot")
    seq = event.get("seq")
    return Known(
        offset,
        str(event.get("hash")),
        seq if isinstance(seq, int) else 0,
        str(event.get("at")),
        float(boot) if isinstance(boot, int | float) else 0.0,
    )


def missing(events: Path, known: Known) -> str:
    """What became of the trail since ``known`` was read; empty when it stands where it stood. OSError."""
    if not known.offset:
        return ""
    read = f"{known.seq} records of it had been read"
    try:
        stream = open_to_read(events)
    except FileNotFoundError:
        return f"logs/{events.name} is gone; {read}"
    with stream:
        size = os.fstat(stream.fileno()).st_size
        if size < known.offset:
            return f"logs/{events.name} ends at byte {size}; {read}, up to byte {known.offset}: its end is gone"
        if _hash_before(stream.fileno(), known.offset) != known.hash:
            return f"logs/{events.name} is not what it was: {read}, and the last of them is not there any more"
    return ""


def _hash_before(descriptor: int, offset: int) -> str:
    """The hash of the record that ends at ``offset``; empty when none does."""
    for back in (_NEAR, _LONGEST):
        begin = max(offset - back, 0)
        data = os.pread(descriptor, offset - begin, begin)
        _, newline, line = data[:-1].rpartition(b"\n")
        if not data.endswith(b"\n"):
            return ""
        if newline or begin == 0:
            try:
                return str(decode(line).get("hash"))
            except ValueError:
                return ""
    return ""


def acknowledged(loss: Loss | None, events: Iterable[Record], condition: str) -> Loss | None:
    """The loss after these events: whoever acknowledges the condition that tells of it has taken note of it."""
    for event in events:
        data = event.get("data")
        taken = event.get("kind") == "ack" and isinstance(data, dict) and data.get("condition") == condition
        if loss is not None and loss.stands and taken:
            loss = msgspec.structs.replace(loss, acknowledged=harmless(event.get("actor") or "?", 60))
    return loss


def lost_now(deployment: Deployment) -> str:
    """What the monitor knows of a trail that is lost, for those who only look; empty when it knows nothing."""
    store = SampleStore(deployment.paths.samples, read_only=True)
    try:
        data = store.checkpoint("watch") if store.there() else None
        kept = msgspec.json.decode(data, type=_Remembered) if data is not None else _Remembered()
        if kept.trail_loss is not None and kept.trail_loss.stands:
            return kept.trail_loss.words
        return missing(deployment.paths.events, kept.trail_known)
    except (sqlite3.Error, OSError, *UNDECODABLE):
        return ""
    finally:
        store.close()
