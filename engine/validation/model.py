"""What a check finds and what a validation reports; WARN is never PASS, and what did not run is neither."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Literal

import msgspec

Status = Literal["PASS", "WARN", "FAIL", "ERROR", "NOT RUN"]
Severity = Literal["fail", "warn", "note"]
"""What a finding of a part makes of its check: FAIL, WARN, or nothing, where it is only told."""
CheckName = Literal["kpi_calculations", "data_integrity", "performance", "error_handling", "audit_trail"]
CHECKS: tuple[CheckName, ...] = (
    "kpi_calculations",
    "data_integrity",
    "performance",
    "error_handling",
    "audit_trail",
)
_WEIGHT: dict[Status, int] = {"PASS": 0, "WARN": 1, "NOT RUN": 2, "FAIL": 3, "ERROR": 4}

Progress = Callable[[str, str], None]
"""Called with the name of a check and its state: ``running``, then its status."""


class Sample(msgspec.Struct, frozen=True):
    """One of the rows, or KPIs, that a part found wanting."""

    text: str
    row: int | None = None
    """Of the tape, counted from 1 below the header; None where it is no row."""
    name: str = ""
    """Its identity, and its date, as far as it has them."""


class Part(msgspec.Struct, frozen=True):
    """One question of a check: what was asked, by which limit, of how much, and what was found."""

    name: str
    title: str
    status: Status
    summary: str
    """What was found, or why it was not run."""
    severity: Severity = "fail"
    limit: str = ""
    """What must hold, in words."""
    count: int | None = None
    """How many of ``of`` do not hold to it."""
    of: int | None = None
    issues: tuple[str, ...] = ()
    """What the check is told of; none where it tells of it itself."""
    rows: tuple[Sample, ...] = ()
    """The first of them."""

    percent: float | None = None
    """How many of a hundred do not hold to it; worked out where it is not given, None where that says nothing."""

    def __post_init__(self) -> None:
        if self.percent is None and self.count is not None and self.of:
            msgspec.structs.force_setattr(self, "percent", 100 * self.count / self.of)

    @property
    def share(self) -> str:
        """``3 of 60, 5 %``; empty where nothing was counted."""
        if self.count is None or not self.of:
            return "" if self.count is None else f"{self.count:,}"
        return f"{self.count:,} of {self.of:,}" + (f", {self.percent:.3g} %" if self.percent else "")


class Check(msgspec.Struct, frozen=True):
    """One check: its status, a sentence for people, its figures, every issue it found, and what it is made of."""

    status: Status
    summary: str
    figures: dict[str, Any]
    issues: tuple[str, ...] = ()
    parts: tuple[Part, ...] = ()


class Report(msgspec.Struct, frozen=True):
    """The validation report, as written to disk and printed."""

    timestamp: str
    status: Status
    release: str | None
    build: str | None
    tape: str
    tape_sha256: str | None
    measurement_date: str | None
    scheduled: bool
    seconds: float
    checks: dict[str, Check]
    issues: tuple[str, ...]
    live: bool = True
    """False: a trial on another tape than the live one, which says nothing about production."""
    occasion: str = ""
    """Why the monitor began it: ``slot``, ``again`` (a slot's re-run), ``change``; empty: a person or an operation."""


class Findings:
    """Collects what one check finds. Without a finding the check is PASS."""

    def __init__(self) -> None:
        self.figures: dict[str, Any] = {}
        self._found: list[tuple[Status, str]] = []
        self.parts: list[Part] = []

    def fail(self, issue: str) -> None:
        """Something is wrong."""
        self._found.append(("FAIL", issue))

    def warn(self, issue: str) -> None:
        """Something is not as it should be, or could not be judged fully."""
        self._found.append(("WARN", issue))

    def not_run(self, reason: str) -> None:
        """There is nothing to judge."""
        self._found.append(("NOT RUN", reason))

    def part(self, part: Part) -> None:
        """What one question of the check found; one that could not be asked is told and changes nothing."""
        self.parts.append(part)
        if part.status in ("WARN", "FAIL", "ERROR") and (part.severity != "note" or part.status == "ERROR"):
            self._found += [(part.status, issue) for issue in part.issues]

    def check(self, passed: str) -> Check:
        """The check, with ``passed`` as its sentence when nothing was found."""
        if not self._found:
            return Check("PASS", passed, self.figures, (), tuple(self.parts))
        ordered = sorted(self._found, key=lambda found: -_WEIGHT[found[0]])
        more = f" (and {len(ordered) - 1} more)" if len(ordered) > 1 else ""
        issues = tuple(issue for _, issue in ordered)
        return Check(ordered[0][0], ordered[0][1] + more, self.figures, issues, tuple(self.parts))


def errored(what: str) -> Check:
    """A check that could not be carried out."""
    return Check("ERROR", what, {}, (what,))


def worst(statuses: Iterable[Status]) -> Status:
    """The heaviest status; of none at all it is NOT RUN."""
    return max(statuses, key=_WEIGHT.__getitem__, default="NOT RUN")


def all_issues(checks: dict[str, Check]) -> tuple[str, ...]:
    """Every issue with the name of its check in front."""
    return tuple(f"{name}: {issue}" for name, check in checks.items() for issue in check.issues)


def passes(status: str) -> bool:
    """Whether a script may go on: PASS, or WARN, which is said."""
    return status in ("PASS", "WARN")
