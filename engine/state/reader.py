"""Reads everything a deployment records, incrementally, and makes one State of it."""

from __future__ import annotations

import sqlite3

import msgspec
from msgspec.structs import replace

from engine.clock import Clock, Instant, pretty_duration
from engine.config import Deployment
from engine.config.newer import newer_words
from engine.errors import DamagedRecord, OpsError
from engine.monitoring.disk import full
from engine.monitoring.kept import begin
from engine.monitoring.model import Evaluation
from engine.monitoring.store import SampleStore
from engine.monitoring.undecodable import OfNewer
from engine.operations.lock import Holder, holder
from engine.operations.watchers import watchers
from engine.records import Tail, harmless, is_locked, whoami
from engine.state.assemble import Found, assemble
from engine.state.doings import OperationsReader
from engine.state.gates import gates_of
from engine.state.measured import age_of, measured
from engine.state.model import State
from engine.state.releases import ReleasesReader
from engine.state.slots import ChecklistReader
from engine.state.trail import Trail, extend
from engine.state.written import LastRows, NewestReport, NewestShadow

BITE = 1 << 20
"""Bytes of the audit trail read at once: a trail of many days is folded in pieces, not held whole."""
DAMAGE_SHOWN = 5


def _late(evaluation: Evaluation | None, now: Instant) -> str:
    """How old an evaluation is, in words; empty where there is none."""
    if evaluation is None:
        return ""
    old = age_of(evaluation, now)
    return "since before this boot" if old is None else pretty_duration(old)


class StateReader:
    """Keeps what it has read, so that each further :meth:`read` pays only for what is new.

    One reader belongs to one thread.
    """

    def __init__(self, deployment: Deployment, clock: Clock) -> None:
        self._deployment = deployment
        self._clock = clock
        self._events: Tail | None = None
        self._trail = Trail()
        self._damage: tuple[str, ...] = ()
        self._operations = OperationsReader(deployment.paths.operations)
        self._releases = ReleasesReader(deployment, clock)
        self._store = SampleStore(deployment.paths.samples, read_only=True)
        self._unreadable = ""
        """Why what the monitor judged last cannot be read; empty when it can."""
        self._newer = ""
        """The same, where a newer monitor judged it."""
        self._checklist = ChecklistReader(deployment)
        self._log = LastRows(deployment.paths.monitoring_log)
        self._report = NewestReport(deployment.paths.validation_report)
        self._shadow = NewestShadow(deployment)
        self._user, _, self._host = whoami().partition("@")

    def read(self) -> State:
        """The state now. Never raises for what the records hold: what cannot be read stands in ``problems``."""
        now = self._clock.now()
        problems = full((self._deployment.paths.rollback, self._deployment.paths.logs))
        trail = self._trail_now(problems)
        doings = self._operations.read(problems)
        # the journal wins over the event that it should have left
        cutover_at = doings.cutover_at or trail.facts.cutover_at
        rolled_back_at = doings.rolled_back_at or trail.facts.rolled_back_at
        evaluation = self._evaluation(problems)
        newer = newer_words(max(trail.version, self._operations.version)) or self._newer
        problems += [newer] if newer and newer not in problems else []
        runs = self._monitor_runs(problems)
        back = rolled_back_at is not None and (cutover_at is None or rolled_back_at >= cutover_at)
        since = None if back else cutover_at
        seen = measured(
            self._deployment, evaluation, now, runs=runs, answered=trail.answered, unreadable=self._unreadable
        )
        releases = self._releases.read(problems)
        found = Found(
            now=now.wall,
            user=self._user,
            host=self._host,
            trail=trail,
            doings=doings,
            releases=releases,
            measured=seen,
            gates=gates_of(
                self._deployment,
                since,
                now.wall,
                tuple(one for one in trail.facts.decided if since is not None and one.at >= since),
                evaluation,
                stale=seen.monitor.stale,
                unjudged=seen.monitor.reason,
            ),
            checklist=self._checklist.read(
                now.wall,
                trail.facts,
                evaluation,
                cutover_at=cutover_at,
                rolled_back_at=rolled_back_at,
                late=_late(evaluation, now) if seen.monitor.stale else "",
                build=releases.views[0].build,
            ),
            report=self._report.read(problems),
            shadow=self._shadow.read(problems),
            log=self._log.read(problems),
            cutover_at=cutover_at,
            rolled_back_at=rolled_back_at,
            problems=(),
            holder=self._holder(problems),
            watchers=watchers(self._deployment),
        )
        state = assemble(self._deployment, replace(found, problems=(*problems, *self._damage)))
        return msgspec.structs.replace(state, newer=newer) if newer else state

    def close(self) -> None:
        """Let go of what is open. It may be read again all the same."""
        self._store.close()

    def _trail_now(self, problems: list[str]) -> Trail:
        """What the trail says; where it cannot be read, who holds the watch is only who held it."""
        unread = len(problems)
        self._read_events(problems)
        if len(problems) == unread:
            return self._trail
        return replace(self._trail, watch=msgspec.structs.replace(self._trail.watch, stale=True))

    def _read_events(self, problems: list[str]) -> None:
        if self._events is None:  # what the monitor has kept of the trail, then what it has not
            begun = begin(self._deployment.paths.events, self._store)
            self._events, self._damage = begun.tail, begun.damage
            self._trail = extend(self._trail, begun.records)
        while True:
            try:
                events = self._events.new_records(BITE)
            except DamagedRecord as error:  # told once by the tail, shown as long as this reader lives
                self._damage = (*self._damage, harmless(f"audit trail: {error.what}"))[-DAMAGE_SHOWN:]
                continue
            except OSError as error:
                problems.append(harmless(f"audit trail: {error}"))
                return
            if not events:
                return
            self._trail = extend(self._trail, events)

    def _evaluation(self, problems: list[str]) -> Evaluation | None:
        self._unreadable = self._newer = ""
        try:
            return self._store.newest_evaluation()
        except OfNewer as error:
            self._store.close()
            self._unreadable = self._newer = str(error)
            return None
        except (sqlite3.Error, OSError) as error:
            self._store.close()
            self._unreadable = harmless(f"{self._deployment.paths.samples.name}: {error}")
            problems.append(self._unreadable)
            return None

    def _holder(self, problems: list[str]) -> Holder | None:
        try:
            return holder(self._deployment)
        except OpsError as error:
            problems.append(harmless(error.what))
            return None

    def _monitor_runs(self, problems: list[str]) -> bool:
        try:
            return is_locked(self._deployment.paths.monitor_lock)
        except (OSError, OpsError) as error:
            problems.append(harmless(f"monitor lock: {error}"))
            return False
