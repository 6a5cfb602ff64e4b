"""Where an operation's journal and the audit trail differ, the journal wins: what the trail lacks is written into it.

An operation goes on when ``logs/events.jsonl`` cannot be written. Its journal has everything, under the sequence
numbers that the trail's events carry; the monitor writes what is missing there once it can, marked as such.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from engine.clock import Clock, Instant, boot_id
from engine.config import Deployment
from engine.errors import OpsError
from engine.monitoring.kept import KeptTrail
from engine.operations.journal import NAME, fold, records_of
from engine.operations.outcome import state_word
from engine.records import Record, append_event, harmless
from engine.records.unchanged import Stamp, stamp_of

LOOK_EVERY = 30.0
"""Seconds between two looks at the journals."""
SETTLED = 15.0
"""Seconds that whoever wrote into a journal has to write the event itself: it waits one second for the trail's lock."""
AT_ONCE = 20
"""Events written in one tick, at most: a sample must not wait for them."""
_Event = tuple[int, str, dict[str, Any], str]
"""Sequence number, kind, data, actor."""


class BackFill:
    """Compares journals with the trail; a journal that is complete there is not read again until it changes."""

    def __init__(self, deployment: Deployment, clock: Clock) -> None:
        self._deployment = deployment
        self._clock = clock
        self._complete: dict[str, Stamp] = {}
        self._looked = -1e18

    def look(self, now: Instant, kept: KeptTrail) -> list[str]:
        """Write what is missing; the problems met. Nothing is written before the whole trail is known."""
        if not kept.caught_up or now.boot - self._looked < LOOK_EVERY:
            return []
        self._looked = now.boot
        problems: list[str] = []
        left = AT_ONCE
        for path in _journals(self._deployment.paths.operations):
            try:
                left -= self._one(path, now, kept, left)
            except (OSError, OpsError, KeyError, TypeError, ValueError) as error:
                said = error.what if isinstance(error, OpsError) else error
                problems.append(f"audit trail: {path.name} cannot be back-filled now: {harmless(said, 200)}")
            if left <= 0:
                self._looked = -1e18  # goes on at the next tick
                break
        return problems

    def _one(self, path: Path, now: Instant, kept: KeptTrail, at_most: int) -> int:
        stamp = stamp_of((path / NAME).stat())
        if self._complete.get(path.name) == stamp:
            return 0
        records = records_of(path)
        if any(_young(record, now) for record in records[-1:]):
            return 0
        written = 0
        for number, kind, data, actor in events_of(self._deployment, path.name, records):
            if (path.name, number) in kept.operations:
                continue
            if written >= at_most:
                return written
            append_event(
                self._deployment.paths.events,
                kind,
                data,
                source="journal",
                actor=actor,
                operation=path.name,
                operation_seq=number,
                clock=self._clock,
            )
            kept.operations.add((path.name, number))
            written += 1
        self._complete[path.name] = stamp
        return written


def events_of(deployment: Deployment, operation: str, records: list[Record]) -> Iterator[_Event]:
    """The events that these journal records must have in the audit trail, each with the journal's own time."""
    head = next((record for record in records if record.get("kind") == "planned"), {})
    kind = str(head.get("operation_kind") or operation.partition("-")[2])
    tellers: dict[str, Callable[[Record, list[Record]], tuple[str, dict[str, Any]] | None]] = {
        "accepted": lambda record, before: ("operation.accepted", {"reason": str(head.get("reason") or "")}),
        "state": lambda record, before: ("operation.holding", {}) if record.get("state") == "HOLDING" else None,
        "go": lambda record, before: ("operation.go", {}),
        "ended": lambda record, before: ("operation.ended", _ending(operation, record, before)),
        "closed": lambda record, before: ("operation.ended", _ending(operation, record, before)),
        "tell": lambda record, before: ("rollback.tell", _told(deployment, record)),
    }
    for index, record in enumerate(records):
        tell = tellers.get(str(record.get("kind")))
        found = tell(record, records[: index + 1]) if tell else None
        if found is None or not isinstance(record.get("seq"), int):
            continue
        name, data = found
        own = {} if name == "rollback.tell" else {"kind": kind}
        actor = harmless(record.get("actor") or head.get("actor") or "?", 60)
        yield record["seq"], name, {**own, **data, "back_filled": True, "journal_at": record["at"]}, actor


def _ending(operation: str, record: Record, before: list[Record]) -> dict[str, Any]:
    rests = fold(operation, before, alive=False)
    by = {"by": harmless(record["by"], 60)} if record.get("by") else {}
    if rests.by_hand:
        by = {"resolved": harmless(record.get("reason") or "", 400), "found": rests.by_hand}
    elif rests.kind == "validate":
        by = {"found": state_word(rests)}
    return {"state": str(record["state"]), "seconds": rests.seconds, **by}


def _told(deployment: Deployment, record: Record) -> dict[str, Any]:
    from engine.operations.incident import people_to_tell  # and all of a rollback with it: seldom wanted here

    return {"contacts": people_to_tell(deployment)[0], "text": harmless(record.get("detail") or "", 400)}


def _young(record: Record, now: Instant) -> bool:
    """Whether its writer may still be about to tell the trail."""
    return record.get("boot_id") == boot_id() and now.boot - float(record.get("boot") or 0.0) < SETTLED


def _journals(operations: Path) -> list[Path]:
    try:
        with os.scandir(operations) as entries:
            found = [Path(entry.path) for entry in entries if entry.is_dir(follow_symlinks=False)]
    except OSError:
        return []
    return sorted(path for path in found if (path / NAME).is_file())
