"""The journal of one operation: what was intended, what was done, fsynced; and its fold into a state.

Records: ``planned`` (the steps), ``refused``, ``accepted``, ``worker`` (who is at it), ``intent``/``done``/``failed``
of a step, ``progress`` (how far it is), ``undo``/``undone``/``undo_failed``, ``fact`` (what recovery has to know),
``child`` (a command's process), ``warning``, ``go`` (ends a hold), ``yielded``, ``forced`` (its worker was ended by a
person), ``ended``, ``closed`` (by a rollback or by a person).
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from engine.clock import Clock, boot_id, iso, parse_iso
from engine.config.newer import newer_words
from engine.errors import DamagedRecord
from engine.operations.model import ENDED, HOLD_STEP, TRANSITIONS, Operation, OperationState, OperationStep, StepState
from engine.records import Record, append_line, read_lines
from engine.records.form import VERSION, version_of
from engine.records.harmless import harmless, one_line
from engine.services.identity import is_alive
from engine.services.origin import origin_of
from engine.services.protocol import Identity

NAME = "journal.jsonl"
_STEP_STATES: dict[str, StepState] = {
    "intent": "running",
    "done": "done",
    "failed": "failed",
    "skipped": "skipped",
    "undo": "running",
    "undone": "undone",
    "undo_failed": "failed",
}


class Journal:
    """Appends to one operation's journal; a record that cannot be written is OSError, never forgotten."""

    def __init__(self, directory: Path, clock: Clock) -> None:
        self._path = directory / NAME
        self._clock = clock
        self._seq = len(read_lines(self._path))

    def write(self, kind: str, **data: Any) -> int:
        """Append one record, fsynced; returns its sequence number (the first is 1)."""
        now = self._clock.now()
        append_line(
            self._path,
            {
                **data,
                "v": VERSION,
                "seq": self._seq + 1,
                "at": iso(now.wall),
                "boot": round(now.boot, 4),
                "boot_id": boot_id(),
                "kind": kind,
            },
        )
        self._seq += 1  # only now: a record that could not be written has no number
        return self._seq


def records_of(directory: Path) -> list[Record]:
    """The whole records of the journal in an operation's directory.

    Of a copy: whom the original's journal names belongs to no boot, so that nobody takes it for alive, or ends it.
    """
    records = read_lines(directory / NAME)
    places = {str(record["written_in"]) for record in records if "written_in" in record}
    elsewhere = {place for place in places if _copied(place, directory)}
    if not elsewhere:
        return records
    return [{**each, "boot_id": ""} if str(each.get("written_in")) in elsewhere else each for each in records]


def _copied(written_in: str, here: Path) -> bool:
    origin = origin_of(written_in, here)
    return origin is not None and origin.copied


def facts_of(records: list[Record]) -> dict[str, Any]:
    """What the steps left for later steps and for recovery; a later record of the same name wins."""
    return {str(record["name"]): record.get("value") for record in records if record["kind"] == "fact"}


def read_operation(path: Path) -> Operation:
    """Fold the operation whose directory is ``path``. DamagedRecord when its journal is, or is not understood."""
    records = records_of(path)
    return fold(path.name, records, alive=_alive(records), output=_last_lines(path / "output.log"))


def list_operations(operations: Path) -> list[Operation]:
    """Every operation below this directory, oldest first.

    One whose journal is damaged is listed as such, never started: an old record must not stop the way back.
    """
    if not operations.is_dir():
        return []
    found = [_read_or_damaged(path) for path in operations.iterdir() if (path / NAME).is_file()]
    return sorted(found, key=lambda operation: operation.id)


def _read_or_damaged(path: Path) -> Operation:
    try:
        return read_operation(path)
    except (OSError, DamagedRecord) as error:
        damaged = fold(path.name, [], alive=False)
        why = harmless(f"its journal cannot be read: {error.what if isinstance(error, DamagedRecord) else error}")
        return msgspec.structs.replace(damaged, state="NEEDS_HUMAN", failure=why)


class _Fold(msgspec.Struct):
    state: OperationState = "PLANNED"
    steps: dict[str, OperationStep] = msgspec.field(default_factory=dict)
    started: datetime | None = None
    ended: datetime | None = None
    boot_start: tuple[str, float] | None = None
    seconds: float | None = None
    newest: float = 0.0
    """When the newest record was written (boot time)."""
    unattended: float = 0.0
    begun: bool = False
    """A worker has been at it."""
    head: Record = msgspec.field(default_factory=dict)
    pid: int | None = None
    failure: str = ""
    past: bool = False
    offers: tuple[str, ...] = ()
    warnings: list[str] = msgspec.field(default_factory=list)
    snapshot: str | None = None
    lost_to: str = ""
    by_hand: str = ""
    told_go: bool = False
    version: int = 1

    def move(self, state: OperationState) -> None:
        """Follow the transition table; a record that does not fit is shown as a warning, not obeyed."""
        if state == self.state:
            return
        if state in TRANSITIONS[self.state]:
            self.state = state
        else:
            self.warnings.append(f"the journal says {state} after {self.state}, which cannot be")


def fold(operation_id: str, records: list[Record], *, alive: bool, output: tuple[str, ...] = ()) -> Operation:
    """The operation that these records tell of; a pure function. DamagedRecord when they are not understood."""
    try:
        return _folded(operation_id, records, alive=alive, output=output)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        newer = newer_words(max(map(version_of, records)))
        why = newer or f"a record says what no journal does ({type(error).__name__}: {error})"
        what = harmless(f"{operation_id}/{NAME} is not understood: {why}")
        raise DamagedRecord(what, "use that version" if newer else "keep the file; nothing repairs it") from error


def _folded(operation_id: str, records: list[Record], *, alive: bool, output: tuple[str, ...]) -> Operation:
    view = _Fold()
    for record in records:
        kind = str(record.get("kind"))
        view.version = max(view.version, version_of(record))
        if kind in _STEP_STATES:
            _fold_step(view, kind, record)
        else:
            _fold_other(view, kind, record)
        _fold_time(view, record)
    if not alive and view.pid is not None:
        _fold_death(view)
    head = view.head
    return Operation(
        id=operation_id,
        kind=str(head.get("operation_kind", operation_id.partition("-")[2])),
        state=view.state,
        release_from=str(head.get("release_from", "")),
        release_to=str(head.get("release_to", "")),
        steps=tuple(view.steps.values()),
        started=view.started,
        ended=view.ended,
        seconds=view.seconds,
        unattended=round(view.unattended, 3),
        actor=harmless(head.get("actor", "")),
        origin=harmless(head.get("origin", "")),
        reason=harmless(head.get("reason", "")),
        pid=view.pid,
        alive=alive,
        failure=view.failure,
        past_no_return=view.past,
        offers=view.offers
        if view.offers or view.state not in ("INTERRUPTED", "HOLDING")
        else _offers(operation_id, view),
        warnings=tuple(view.warnings),
        output=output,
        snapshot=view.snapshot,
        lock_lost_to=view.lost_to,
        by_hand=view.by_hand,
        version=view.version,
    )


def _fold_death(view: _Fold) -> None:
    """Nobody is at it any more, and no record says how it ended."""
    if view.state == "PLANNED":
        view.state = "ABORTED"
        view.failure = view.failure or "its worker died before it began; nothing was done"
    elif view.state in ("RUNNING", "HOLDING", "ABORTING"):
        view.state = "INTERRUPTED"
        view.failure = view.failure or "its worker died; nothing was decided since"


def _offers(operation_id: str, view: _Fold) -> tuple[str, ...]:
    if str(view.head.get("operation_kind")) == "validate":
        return ("abaco-ops validate",)
    if view.state == "HOLDING":
        return (
            f"abaco-ops go {operation_id}    (the switch begins)",
            f"abaco-ops abort {operation_id}    (undoes what was prepared)",
            "abaco-ops rollback    (ends it too; the old release runs on)",
        )
    held = view.steps.get(HOLD_STEP)
    holds_again = held is not None and held.state == "running" and not view.told_go
    return offers(operation_id, past_no_return=view.past, holds_again=holds_again)


def offers(operation_id: str, *, past_no_return: bool, holds_again: bool = False) -> tuple[str, ...]:
    """What a person can do about an operation that stopped half-way, the way back first."""
    kind = operation_id.partition("-")[2]
    then = "holds again" if holds_again else "goes on"
    if kind == "rollback":
        return (
            f"abaco-ops rollback    (goes on with {operation_id} from where it stopped)",
            f"abaco-ops resolve {operation_id} --reason TEXT    (after you have put it right by hand)",
        )
    back = "abaco-ops rollback    (the old release runs again, nothing the new one wrote is lost)"
    return (
        back,
        f"abaco-ops resume {operation_id}    (probes what has happened, then {then})",
        *(() if past_no_return else (f"abaco-ops abort {operation_id}    (undoes what was done so far)",)),
        f"abaco-ops resolve {operation_id} --reason TEXT    (after you have put it right by hand)",
    )


def _fold_step(view: _Fold, kind: str, record: Record) -> None:
    name = str(record.get("step"))
    before = view.steps.get(name)
    if before is not None and before.state in ("failed", "aborted") and kind in ("undo", "undone"):
        return  # what a person has to see is that it failed, and why; that it was undone goes without saying
    title, phase = (before.title, before.phase) if before else (str(record.get("title", name)), "")
    seconds = record.get("seconds")
    detail = harmless(one_line(record.get("detail", before.detail if before and kind != "intent" else "")))
    view.steps[name] = OperationStep(name, title, phase, _step_state(kind, record), seconds, detail)
    if kind == "intent" and record.get("no_return"):
        view.past = True
    if kind in ("failed", "undo_failed"):
        view.failure = detail if record.get("aborted") is True else f"{title}: {detail}"


def _step_state(kind: str, record: Record) -> StepState:
    """A person's word is no failure of the step it came in; what its undo left as it was is done still."""
    if kind == "failed" and record.get("aborted") is True:
        return "aborted"
    return "done" if kind == "undone" and record.get("kept") is True else _STEP_STATES[kind]


def _fold_other(view: _Fold, kind: str, record: Record) -> None:
    if kind in ("planned", "refused", "accepted", "worker"):
        _fold_beginning(view, kind, record)
    elif kind == "state":
        view.move(record["state"])
    elif kind == "progress":
        _fold_progress(view, record)
    elif kind == "warning":
        _fold_warning(view, harmless(one_line(record.get("detail", ""))))
    elif kind == "fact" and record.get("name") in ("snapshot", "final_snapshot"):
        view.snapshot = str(record["value"]) if record.get("value") else None
    elif kind == "go":
        view.told_go = True
        view.move("RUNNING")
    elif kind == "forced":
        view.failure = harmless(one_line(record.get("detail", "its worker was ended by force")))
    elif kind == "yielded":
        view.move("INTERRUPTED")
        view.failure = f"gave way to {harmless(record.get('to', 'a rollback'))}"
    elif kind in ("ended", "closed"):
        _fold_end(view, kind, record)


def _fold_progress(view: _Fold, record: Record) -> None:
    step = view.steps.get(str(record.get("step")))
    if step is not None and step.state == "running":
        detail = harmless(one_line(record.get("detail", "")))
        view.steps[step.name] = msgspec.structs.replace(step, detail=detail, percent=record.get("percent"))


def _fold_warning(view: _Fold, text: str) -> None:
    if text not in view.warnings:  # each worker that goes on may meet the same thing again
        view.warnings.append(text)


def _fold_beginning(view: _Fold, kind: str, record: Record) -> None:
    if kind == "planned":
        view.head = record
        for step in record.get("steps", ()):
            view.steps[step["name"]] = OperationStep(step["name"], step["title"], step["phase"], "waiting", None, "")
    elif kind == "refused":
        view.move("ABORTED")
        view.failure = harmless(record.get("detail", ""))
        view.lost_to = harmless(record.get("lock_lost_to", ""))
    elif kind == "accepted":
        view.started = parse_iso(str(record["at"]))
        view.move("RUNNING")
    else:
        view.pid = int(record["pid"])
        view.offers, view.failure, view.ended = (), "", None
        if view.state in ("INTERRUPTED", "NEEDS_HUMAN", "HOLDING"):
            view.move("RUNNING")


def _fold_end(view: _Fold, kind: str, record: Record) -> None:
    if kind == "closed" and view.state in ("PLANNED", "RUNNING", "HOLDING", "ABORTING"):
        view.move("INTERRUPTED")  # others close only what its own worker left behind without a word
    view.move(record["state"])
    view.failure = harmless(one_line(record.get("failure", view.failure)), 2000)
    view.by_hand = harmless(record.get("found", ""), 2000)
    view.offers = tuple(harmless(offer) for offer in record.get("offers", ()))
    view.ended = parse_iso(str(record["at"])) if view.state in ENDED or view.state == "NEEDS_HUMAN" else None


def _fold_time(view: _Fold, record: Record) -> None:
    if record.get("kind") == "accepted":
        view.boot_start = (str(record["boot_id"]), float(record["boot"]))
    if view.boot_start and record.get("kind") == "worker" and record.get("boot_id") == view.boot_start[0]:
        view.unattended += float(record["boot"]) - view.newest if view.begun else 0.0
        view.begun = True
    view.newest = float(record.get("boot") or 0.0)
    if view.boot_start and record.get("kind") != "closed" and record.get("boot_id") == view.boot_start[0]:
        view.seconds = round(float(record["boot"]) - view.boot_start[1], 3)


def worker_of(records: list[Record]) -> Identity | None:
    """The newest worker that was at it."""
    found: Mapping[str, Any] | None = None
    for record in records:
        if record.get("kind") == "worker":
            found = record
    return Identity(int(found["pid"]), int(found["start_time"]), str(found["boot_id"])) if found else None


def _alive(records: list[Record]) -> bool:
    try:
        worker = worker_of(records)
    except (KeyError, TypeError, ValueError):
        return False  # the fold says what is wrong with it
    return worker is not None and is_alive(worker)


def _last_lines(path: Path, count: int = 16) -> tuple[str, ...]:
    try:
        with path.open("rb") as stream:
            stream.seek(0, os.SEEK_END)
            stream.seek(max(stream.tell() - 8192, 0))
            lines = stream.read().decode("utf-8", "replace").splitlines()
    except OSError:
        return ()
    return tuple(harmless(line) for line in lines[-count:])
