"""The operations of a deployment, read again only where something can still change."""

from __future__ import annotations

import contextlib
import os
from datetime import datetime
from pathlib import Path

import msgspec

from engine.errors import OpsError
from engine.operations.journal import NAME, read_operation, records_of
from engine.operations.model import ENDED, Operation
from engine.records import harmless
from engine.records.form import version_of
from engine.records.unchanged import Stamp, stamp_of

_IN_TURN = 16
"""Of the ended operations that are not shown, so many are looked at in one read: all of them, after a while."""


class Doings(msgspec.Struct, frozen=True):
    """Which operation runs or waits for a person, and what the finished ones left behind."""

    current: Operation | None
    """A cutover or rollback that runs, else one that is unresolved, else a running validation."""
    last: Operation | None
    """The newest cutover or rollback that has ended."""
    validating: bool
    cutover_at: datetime | None
    rolled_back_at: datetime | None
    rolled_back: Operation | None
    """The newest rollback that succeeded."""


class OperationsReader:
    """Follows the journals below one directory; an operation that has ended is read again only when its journal is
    another one than it was, and one that is gone is no more told of.

    Of those that later ones have followed it keeps no steps and no output: there may be hundreds, and they are history.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._ended: dict[str, Operation] = {}
        self._whole: dict[str, Operation] = {}
        """Those of them that are shown."""
        self._stamps: dict[str, Stamp | None] = {}
        """Of the journals of those that have ended."""
        self._turn = 0
        self.version = 1
        """The newest version of a record in any journal."""

    def read(self, problems: list[str]) -> Doings:
        """All operations as they are now; a journal that cannot be read is a problem, not an end."""
        unfinished: list[Operation] = []
        names = self._names()
        self._look_back(names)
        for name in names:
            if name in self._ended:
                continue
            stamp = self._stamp(name)  # before it is read: what is written meanwhile makes it another one
            operation = self._one(name, problems)
            if operation is None:
                continue
            if operation.state in ENDED:
                self._keep(name, operation)
                self._stamps[name] = stamp
            else:
                unfinished.append(operation)
        return chosen(unfinished, sorted(self._ended.values(), key=lambda operation: operation.id))

    def _look_back(self, names: list[str]) -> None:
        """Where one that has ended is gone or changed, somebody's hand was in it: then all are read again, for another
        may be the last one now, and of that only a part was kept.
        """
        looked = set(self._whole)
        for _ in range(min(_IN_TURN, len(names))):
            self._turn = (self._turn + 1) % len(names)
            looked.add(names[self._turn])
        kept = self._stamps
        if kept.keys() <= set(names) and all(self._stamp(name) == kept[name] for name in looked if name in kept):
            return
        for each in (self._ended, self._whole, self._stamps):
            each.clear()

    def _stamp(self, name: str) -> Stamp | None:
        try:
            return stamp_of(os.stat(f"{self._directory}/{name}/{NAME}"))  # noqa: PTH116 - several at each read
        except OSError:
            return None

    def _keep(self, name: str, operation: Operation) -> None:
        self._ended[name] = operation
        whole = {**self._whole, name: operation}
        found = chosen([], sorted(whole.values(), key=lambda one: one.id))
        self._whole = {name: one for name, one in whole.items() if one in (found.last, found.rolled_back)}
        self._ended |= {name: without_steps(whole[name]) for name in whole.keys() - self._whole.keys()}

    def _names(self) -> list[str]:
        try:
            with os.scandir(self._directory) as entries:
                return sorted(entry.name for entry in entries)
        except FileNotFoundError:
            return []

    def _one(self, name: str, problems: list[str]) -> Operation | None:
        path = self._directory / name
        try:
            operation = read_operation(path) if (path / NAME).is_file() else None
        except (OSError, OpsError, KeyError, TypeError, ValueError) as error:
            problems.append(harmless(f"operation {name}: {error}"))
            with contextlib.suppress(OSError, OpsError):  # what is not understood may be of a newer version
                self.version = max([self.version, *map(version_of, records_of(path))])
            return None
        self.version = max(self.version, operation.version if operation is not None else 1)
        return operation


def without_steps(operation: Operation) -> Operation:
    """What is told of an operation that a later one has followed."""
    return msgspec.structs.replace(operation, steps=(), output=())


def chosen(unfinished: list[Operation], ended: list[Operation]) -> Doings:
    """What of all operations matters at one moment; both lists oldest first."""
    acting = [operation for operation in unfinished if operation.kind != "validate"]
    running = [operation for operation in acting if operation.running]
    validations = [operation for operation in unfinished if operation.kind == "validate" and operation.running]
    waiting = [operation for operation in acting if operation.open]
    candidates = running or waiting or validations
    # one that was refused never started: it is history, not the last thing that happened
    finished = [operation for operation in ended if operation.kind != "validate" and operation.started]
    return Doings(
        current=candidates[-1] if candidates else None,
        last=finished[-1] if finished else None,
        validating=bool(validations),
        cutover_at=_newest(finished, "cutover"),
        rolled_back_at=_newest(finished, "rollback"),
        rolled_back=next((item for item in reversed(finished) if _succeeded(item, "rollback")), None),
    )


def _newest(finished: list[Operation], kind: str) -> datetime | None:
    return max((item.ended for item in finished if item.ended and _succeeded(item, kind)), default=None)


def _succeeded(item: Operation, kind: str) -> bool:
    return item.kind == kind and item.state == "SUCCEEDED"
