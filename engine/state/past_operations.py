"""The operations as they stood at any moment: each journal cut there, and folded."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path

from engine.clock import parse_iso
from engine.errors import OpsError
from engine.operations.journal import NAME, facts_of, fold, records_of, worker_of
from engine.operations.model import ENDED, Operation
from engine.records import Record, harmless
from engine.records.unchanged import Stamp, stamp_of
from engine.services.identity import is_alive
from engine.state.doings import Doings, chosen

_OUTPUT_BYTES = 1 << 20
_OUTPUT_LINES = 16


class PastOperations:
    """Keeps the journals below one directory; one is read again only when it changed."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._journals: dict[str, tuple[Stamp, list[Record]]] = {}

    def at(self, moment: datetime, problems: list[str]) -> Doings:
        """All operations as their journals stood at ``moment``."""
        unfinished: list[Operation] = []
        ended: list[Operation] = []
        for name in self._names():
            try:
                operation = self._one(name, moment)
            except (OSError, OpsError, KeyError, TypeError, ValueError) as error:
                problems.append(harmless(f"operation {name}: {error}"))
                continue
            if operation is not None:
                (ended if operation.state in ENDED else unfinished).append(operation)
        return chosen(unfinished, ended)

    def newest_cutover(self, moment: datetime) -> tuple[Operation, str] | None:
        """The newest cutover that had begun by then, and the log that its journal names."""
        for name in reversed(self._names()):
            if not name.endswith("-cutover"):
                continue
            try:
                operation = self._one(name, moment)
                if operation is not None and operation.started is not None:
                    return operation, str(facts_of(self._records(self._directory / name)).get("log") or "")
            except (OSError, OpsError, KeyError, TypeError, ValueError):
                continue
        return None

    def _names(self) -> list[str]:
        try:
            with os.scandir(self._directory) as entries:
                return sorted(entry.name for entry in entries if entry.is_dir(follow_symlinks=False))
        except FileNotFoundError:
            return []

    def _one(self, name: str, moment: datetime) -> Operation | None:
        path = self._directory / name
        records = self._records(path)
        then = [record for record in records if parse_iso(str(record["at"])) <= moment]
        if not then:
            return None
        return fold(name, then, alive=_was_alive(then, records), output=_output(path / "output.log", moment))

    def _records(self, path: Path) -> list[Record]:
        try:
            stamp = stamp_of((path / NAME).stat())
        except FileNotFoundError:
            return []
        known = self._journals.get(path.name)
        if known is None or known[0] != stamp:
            known = self._journals[path.name] = (stamp, records_of(path))
        return known[1]


def _was_alive(then: list[Record], records: list[Record]) -> bool:
    """Whether the worker of then lived: it wrote something later, or lives still."""
    worker = worker_of(then)
    if worker is None:
        return False
    later = records[len(then) :]
    own = next((index for index, record in enumerate(later) if record.get("kind") == "worker"), len(later))
    wrote = any(record.get("kind") not in ("closed", "forced") for record in later[:own])
    return wrote or (not later and is_alive(worker))


def _output(path: Path, moment: datetime) -> tuple[str, ...]:
    """The last lines that were printed until then; each begins with its time, or belongs to the one before it."""
    try:
        with path.open("rb") as stream:
            lines = stream.read(_OUTPUT_BYTES).decode("utf-8", "replace").splitlines()
    except OSError:
        return ()
    kept: list[str] = []
    for line in lines:
        try:
            if parse_iso(line.partition(" ")[0]) > moment:
                break
        except ValueError:
            if not kept:
                continue
        kept.append(line)
    return tuple(harmless(line) for line in kept[-_OUTPUT_LINES:])
