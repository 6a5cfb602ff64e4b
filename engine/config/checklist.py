"""``config/checklist.yml``: what is checked when, counted from the cutover, and the decision points."""

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
    keep: str | None = None
    """A window whose tasks go on at its own cadence until this point is decided go; null: none does."""


class ScheduleSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the monitor runs by itself."""

    validation_every: Duration
    validation_for: Duration
    late_after: Duration
    """A slot that nobody served this long after its time is overdue."""
    tests_before: Duration | None = None
    """The release's test command runs this long before a gate that asks for it; null: 15 minutes."""
    log_error: str = r"\b(ERROR|CRITICAL|FATAL)\b|^Traceback "
    """A regular expression: a line of the service's log that matches tells of an error."""

    @property
    def tests_early(self) -> float:
        """Seconds before a gate at which its tests run."""
        return 900.0 if self.tests_before is None else float(self.tests_before)


class CompareSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Hourly medians against hour 1, and runs against the baseline: what counts as a difference."""

    percent: float = 5.0
    """Medians further apart than this differ; a criterion may name another percentage."""
    memory_percent: float = 10.0
    """The criterion ``memory_within_10_percent``."""
    ignore_latency_ms: float = 5.0
    ignore_memory_mb: float = 10.0
    ignore_cpu_points: float = 5.0
    """Smaller differences than these do not count."""
    baseline_percent: float = 20.0
    """A latency that is this much above the old release's median is told."""


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
    compare: CompareSection = CompareSection()
