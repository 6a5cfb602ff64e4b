"""Reads everything a deployment records, incrementally, and makes one State of it."""

from __future__ import annotations

import sqlite3
from datetime import datetime

from engine.clock import Clock, Instant
from engine.config import Deployment
from engine.errors import DamagedRecord, OpsError
from engine.monitoring.model import Evaluation
from engine.monitoring.store import SampleStore
from engine.records import Tail, harmless, is_locked, whoami
from engine.state.doings import Doings, OperationsReader, view_of
from engine.state.measured import Measured, measured
from engine.state.model import ChecklistView, State
from engine.state.releases import Releases, ReleasesReader
from engine.state.trail import Trail, extend, phase_of
from engine.state.way_back import way_back
from engine.state.written import LastRows, NewestReport, validation_view

BITE = 1 << 20


class StateReader:
    """Keeps what it has read, so that each further :meth:`read` pays only for what is new.

    One reader belongs to one thread.
    """

    def __init__(self, deployment: Deployment, clock: Clock) -> None:
        self._deployment = deployment
        self._clock = clock
        self._events = Tail(deployment.paths.events)
        self._trail = Trail()
        self._damage: tuple[str, ...] = ()
        self._operations = OperationsReader(deployment.paths.operations)
        self._releases = ReleasesReader(deployment, clock)
        self._store = SampleStore(deployment.paths.samples, read_only=True)
        self._log = LastRows(deployment.paths.monitoring_log)
        self._report = NewestReport(deployment.paths.validation_report)
        self._user, _, self._host = whoami().partition("@")

    def read(self) -> State:
        """The state now. Never raises for what the records hold: what cannot be read stands in ``problems``."""
        now = self._clock.now()
        problems: list[str] = []
        self._read_events(problems)
        doings = self._operations.read(problems)
        releases = self._releases.read(problems)
        seen = measured(
            self._deployment,
            self._evaluation(problems),
            now,
            runs=self._monitor_runs(problems),
            acknowledged=self._trail.acknowledged,
        )
        return self._assemble(now, doings, releases, seen, problems)

    def _read_events(self, problems: list[str]) -> None:
        while True:
            try:
                events = self._events.new_records(BITE)
            except DamagedRecord as error:  # told once by the tail, shown as long as this reader lives
                self._damage = (*self._damage, harmless(f"audit trail: {error.what}"))
                continue
            except OSError as error:
                problems.append(harmless(f"audit trail: {error}"))
                break
            if not events:
                break
            self._trail = extend(self._trail, events)
        problems.extend(self._damage)

    def _evaluation(self, problems: list[str]) -> Evaluation | None:
        try:
            return self._store.newest_evaluation()
        except (sqlite3.Error, OSError) as error:
            self._store.close()
            problems.append(harmless(f"{self._deployment.paths.samples.name}: {error}"))
            return None

    def _monitor_runs(self, problems: list[str]) -> bool:
        try:
            return is_locked(self._deployment.paths.monitor_lock)
        except (OSError, OpsError) as error:
            problems.append(harmless(f"monitor lock: {error}"))
            return False

    def _assemble(self, now: Instant, doings: Doings, releases: Releases, seen: Measured, problems: list[str]) -> State:
        console = self._deployment.console
        schedule = self._deployment.checklist.schedule
        scale = float(console.time_scale)
        trail = self._trail
        cutover_at = doings.cutover_at or trail.cutover_at  # the journal wins
        rolled_back_at = doings.rolled_back_at or trail.rolled_back_at
        return State(
            at=now.wall,
            root=str(self._deployment.root),
            deployment=console.deployment.name,
            title=console.deployment.title,
            environment=console.deployment.environment,
            demo=console.deployment.demo,
            time_scale=scale,
            sample_cadence=float(console.cadence.sample),
            user=self._user,
            host=self._host,
            release=releases.live,
            release_reason=releases.reason,
            releases=releases.views,
            phase=phase_of(
                cutover_at,
                rolled_back_at,
                now.wall,
                bake=schedule.validation_for / scale,
                stabilise=self._last_decision() / scale,
                cutover_runs=doings.current is not None and doings.current.kind == "cutover",
            ),
            cutover_at=cutover_at,
            verdict=seen.verdict,
            way_back=way_back(
                self._deployment,
                trail.proof,
                now.wall,
                release=releases.live,
                cutover_at=cutover_at,
                build=releases.views[0].build,
            ),
            watch=trail.watch,
            next_gate=seen.next_gate,
            kpis=seen.kpis,
            kpis_at=seen.kpis_at,
            resources=seen.resources,
            conditions=seen.conditions,
            matrix=seen.matrix,
            checks=validation_view(
                self._report.read(problems),
                self._deployment.paths.validation_report,
                now.wall,
                release=releases.live,
                good_for=(schedule.validation_every + schedule.late_after) / scale,
                running=doings.validating,
            ),
            checklist=self._checklist(now, cutover_at, seen),
            operation=view_of(doings.current),
            last_operation=view_of(doings.last),
            alerts=seen.alerts,
            log=self._log.read(problems),
            events=trail.last,
            monitor=seen.monitor,
            problems=tuple(problems) + seen.problems,
        )

    def _last_decision(self) -> float:
        checklist = self._deployment.checklist
        return max((point.at for point in checklist.decisions), default=checklist.schedule.validation_for)

    def _checklist(self, now: Instant, cutover_at: datetime | None, seen: Measured) -> ChecklistView:
        return ChecklistView(0, 0, ())
