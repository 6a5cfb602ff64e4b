"""Source: the audit trail. Facts of the watch, the runs' events, and validations as levels."""

from __future__ import annotations

from datetime import datetime, timedelta

from engine.clock import Instant
from engine.config import Deployment
from engine.errors import OpsError
from engine.monitoring.audit import SeenEvents
from engine.monitoring.facts import Facts, Validation, fold
from engine.monitoring.reading import Missing, Reading, Value
from engine.records import Record, Tail, harmless

READ_AT_START = 256 * 1024
PASS, WARN, FAIL, CONFIRMED = 0.0, 1.0, 2.0, 3.0
_LEVELS = {"PASS": PASS, "WARN": WARN, "FAIL": FAIL, "ERROR": FAIL}
INTEGRITY = "data_integrity"


class TrailSource:
    """Follows ``logs/events.jsonl``; goes on at ``offset`` with the ``facts`` of an earlier monitor."""

    def __init__(self, deployment: Deployment, facts: Facts, offset: int) -> None:
        self._deployment = deployment
        path = deployment.paths.events
        try:
            near_end = max(path.stat().st_size - READ_AT_START, 0)
        except OSError:
            near_end = 0
        # what it knew is skipped by sequence number; the runs' events of the end are wanted once more
        self._tail = Tail.from_offset(path, min(offset, near_end))
        self.facts = facts
        self.seen = SeenEvents()
        self.new: tuple[Record, ...] = ()

    @property
    def offset(self) -> int:
        """How far the trail was read."""
        return self._tail.offset

    def follow(self) -> list[str]:
        """Read what is new, into ``facts``, ``seen`` and ``new``; the problems met."""
        problems: list[str] = []
        found: list[Record] = []
        for _ in range(100):
            try:
                found += self._tail.new_records()
                break
            except OSError as error:
                problems.append(f"audit trail: {harmless(error)}")
                break
            except OpsError as error:
                problems.append(f"audit trail: {harmless(error.what)}")
        before = self.facts.seq
        self.facts = fold(self.facts, found)
        self.new = tuple(event for event in found if int(event.get("seq") or 0) > before)
        self.seen.add(found)
        return problems

    def validations(self, release: str) -> tuple[Validation, ...]:
        """Those of one release, oldest first; of the new one only those after the last way back."""
        since = self.facts.rolled_back_at if release == self._deployment.console.releases.new else None
        return tuple(v for v in self.facts.validations if v.release == release and (since is None or v.at >= since))

    def readings(self, release: str, now: Instant) -> dict[str, Reading]:
        """``validation_level`` and ``data_quality_level``, from the newest validations of ``release``."""
        done = self.validations(release)
        needed = self._needed(release, now.wall)
        if not done:
            missing = Missing(f"{release} was not validated yet", needed=needed)
            return {"validation_level": missing, "data_quality_level": missing}
        return {
            "validation_level": _level(done[-1].status, self._confirmed(done), done[-1], now),
            "data_quality_level": _level(
                done[-1].checks.get(INTEGRITY, "NOT RUN"),
                len(done) > 1 and all(_failed(v.checks.get(INTEGRITY, "")) for v in done[-2:]),
                done[-1],
                now,
            ),
        }

    def _needed(self, release: str, now: datetime) -> bool:
        """A validation is needed once the first scheduled one is overdue."""
        since = self.facts.watching_since
        if since is None or release != self._deployment.console.releases.new:
            return False
        schedule = self._deployment.checklist.schedule
        wait = (schedule.validation_every + schedule.late_after) / self._deployment.console.time_scale
        return now >= since + timedelta(seconds=wait)

    def _confirmed(self, done: tuple[Validation, ...]) -> bool:
        """FAIL again, after one re-run, at the first decision point or later."""
        since = self.facts.watching_since
        points = [point.at for point in self._deployment.checklist.decisions]
        if since is None or not points or len(done) < 2:
            return False
        first = since + timedelta(seconds=min(points) / self._deployment.console.time_scale)
        return done[-1].at >= first and done[-1].failed and done[-2].failed


def _failed(status: str) -> bool:
    return _LEVELS.get(status, PASS) >= FAIL


def _level(status: str, confirmed: bool, last: Validation, now: Instant) -> Reading:
    level = _LEVELS.get(status)
    if level is None:
        return Missing(f"the last validation says {harmless(status, 20)}", at_once=True)
    boot = last.boot if last.boot <= now.boot else 0.0  # an earlier boot's time says nothing here
    return (Value(CONFIRMED if confirmed else level, last.at, boot, last.release),)
