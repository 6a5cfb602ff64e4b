"""The present stint of a release: since the cutover or rollback that last brought it into service first started it.

What the release did before that another stint is judged by. A service that crashed and was started again, by its
supervisor, by hand or by an operation that was gone on with, is still in the same stint: its errors stay counted.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from engine.clock import parse_iso
from engine.config import Deployment
from engine.errors import DamagedRecord
from engine.records import Record, read_lines
from engine.validation.runs import Run

_STARTS = {"cutover": "start_new", "rollback": "start_old"}
"""Kind of operation -> its step that starts the release it leads to."""
_SLACK = 0.05
"""Seconds: the kernel counts a process's start in hundredths."""


@dataclass(frozen=True, slots=True)
class Stint:
    """When it began: by the wall clock, and by the time since the boot, which no step of the clock moves."""

    at: datetime
    boot: float
    boot_id: str

    def holds(self, run: Run) -> bool:
        """Whether a run belongs to it: by its process where that is of the same boot, else by the wall clock."""
        who = run.incarnation or {}
        ticks = who.get("start_time")
        if who.get("boot_id") == self.boot_id and isinstance(ticks, int | float):
            return ticks / os.sysconf("SC_CLK_TCK") >= self.boot - _SLACK
        return run.started >= self.at


def present_stint(deployment: Deployment, release: str) -> Stint | None:
    """The newest one that the journals tell of; None when no operation ever started the release: then all counts.

    A journal that is damaged or cannot be read is passed over: counting too much hides nothing.
    """
    kind = "cutover" if release == deployment.console.releases.new else "rollback"
    try:
        found = sorted(deployment.paths.operations.glob(f"*-{kind}"), reverse=True)
    except OSError:
        return None
    for path in found:
        stint = _begun(path / "journal.jsonl", _STARTS[kind])
        if stint is not None:
            return stint
    return None


def of_stint(runs: Sequence[Run], stint: Stint | None) -> list[Run]:
    """The runs that belong to it, in their order."""
    return list(runs) if stint is None else [run for run in runs if stint.holds(run)]


def _begun(journal: Path, step: str) -> Stint | None:
    """Where the operation first began to start the release: a later attempt of the same operation begins no other."""
    try:
        records = read_lines(journal)
    except (OSError, DamagedRecord):
        return None
    if any(_is_fact(record, "abort_only") and record.get("value") is True for record in records):
        return None  # the new release never started: the old one's stint goes on
    begun = next((one for one in records if one.get("kind") == "intent" and one.get("step") == step), None)
    if begun is None:
        return None
    try:
        return Stint(parse_iso(str(begun["at"])), float(begun["boot"]), str(begun["boot_id"]))
    except (KeyError, TypeError, ValueError):
        return None


def _is_fact(record: Record, name: str) -> bool:
    return record.get("kind") == "fact" and record.get("name") == name
