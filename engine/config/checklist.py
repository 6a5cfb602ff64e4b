"""``config/checklist.yml``: what is checked when, counted from the cutover, and the decision points."""

from __future__ import annotations

from typing import Literal

import msgspec

from engine.config.quantities import Duration, Size

RECORDED = (
    "baseline",
    "rehearsed",
    "free_space",
    "backups",
    "cutover_run",
    "phases",
    "active_config",
    "duration",
    "cutover_log",
    "assets",
    "channels",
)
"""Measures that rest on records and files, not on the newest sample: they can still be taken later."""


class Task(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One line of the checklist."""

    id: str
    title: str
    measure: str | None = None
    """What the console fills in by itself: a condition id, ``validation``, ``kpis``, one of RECORDED, or null."""
    least: Size | None = None
    """For ``free_space``: how much; null: ``min_free`` of the profile."""


class Window(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Slots that share their tasks: ``at`` single offsets, or ``start`` to ``end`` every ``every``."""

    id: str
    title: str
    tasks: list[Task]
    before: bool = False
    """True: before the cutover, once."""
    at: list[Duration] = []
    start: Duration | None = None
    end: Duration | None = None
    every: Duration | None = None


class DecisionPoint(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A gate: go or no-go, on evidence."""

    id: str
    title: str
    at: Duration
    go_if: list[str]
    """Criteria by id; each is checked from the records."""
    otherwise: str


class ScheduleSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the monitor runs by itself."""

    validation_every: Duration
    validation_for: Duration
    late_after: Duration
    """A slot that nobody served this long after its time is overdue."""


class ChecklistConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole of ``config/checklist.yml``."""

    version: Literal[1]
    schedule: ScheduleSection
    windows: list[Window]
    decisions: list[DecisionPoint]
    signatures: list[str]
    """Who signs off."""
    waiver_by: str
    """Whose second name a waiver needs."""
