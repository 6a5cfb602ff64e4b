"""Blows at the moments at which an operation is in certain phases, told by its journal."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

PATIENCE = 60.0

Blow = tuple[int, Callable[[], None]]
"""The number of a phase, and what happens in it."""


class Strikes(threading.Thread):
    """Waits for the next operation of ``kind``; as each phase begins, strikes while the worker is held there.

    Begin it before the operation: some phases last a few hundredths of a second.
    """

    def __init__(self, root: Path, kind: str, blows: Sequence[Blow]) -> None:
        super().__init__(daemon=True)
        self._operations = root / ".rollback" / "operations"
        self._kind, self._blows = kind, blows
        self._before = self._names()
        self._first = threading.Event()
        self.operation = ""
        """The operation that was struck."""
        self.late: list[str] = []
        """Phases that were over before the blow fell, each with the one in which it did."""
        self.problem: Exception | None = None

    def run(self) -> None:
        """In its own thread."""
        try:
            for phase, blow in self._blows:
                self._strike(str(phase), blow)
        except Exception as error:  # told where the test looks
            self.problem = error
        finally:
            self._first.set()

    def begun(self) -> bool:
        """Whether the first blow has fallen, or never will."""
        return self._first.is_set()

    def _strike(self, phase: str, blow: Callable[[], None]) -> None:
        journal = self._journal(phase)
        worker = next(int(record["pid"]) for record in _records(journal) if record["kind"] == "worker")
        with contextlib.suppress(ProcessLookupError):  # so late that it has ended
            os.kill(worker, signal.SIGSTOP)
        try:
            where = _phase(_records(journal))
            if not where.startswith(phase):
                self.late.append(f"{phase}: {where}")
            blow()
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.kill(worker, signal.SIGCONT)
            self._first.set()

    def _journal(self, phase: str) -> Path:
        """The journal of the operation, once its worker has come to this phase."""
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            for name in self._names() - self._before:
                journal = self._operations / name / "journal.jsonl"
                if _phase(_records(journal)) >= phase:
                    self.operation = name
                    return journal
            time.sleep(0.001)
        raise AssertionError(f"no {self._kind} came to phase {phase} in {PATIENCE:.0f} s")

    def _names(self) -> set[str]:
        with contextlib.suppress(FileNotFoundError):
            return {path.name for path in self._operations.iterdir() if path.name.endswith(f"-{self._kind}")}
        return set()


def _phase(records: list[dict[str, Any]]) -> str:
    """The phase of the step that began last, as the plan names it; empty before the first one."""
    phases = {step["name"]: step["phase"] for record in records for step in record.get("steps", ())}
    begun = [record["step"] for record in records if record["kind"] == "intent"]
    return str(phases[begun[-1]]) if begun else ""


def _records(journal: Path) -> list[dict[str, Any]]:
    try:
        lines = journal.read_bytes().split(b"\n")[:-1]
    except FileNotFoundError:
        return []
    return [json.loads(line) for line in lines]
