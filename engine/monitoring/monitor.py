"""One monitor: looks, judges, writes down. Each :meth:`Monitor.tick` is whole in itself."""

from __future__ import annotations

import sqlite3
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from engine.clock import Clock, Instant, boot_id, pretty_duration
from engine.config import Deployment
from engine.errors import OpsError
from engine.monitoring import checkpoint as saved
from engine.monitoring.alerts import Book
from engine.monitoring.assembly import Seen, evaluation_of
from engine.monitoring.back_fill import BackFill
from engine.monitoring.continuity import AUDIT, LOST_TRAIL
from engine.monitoring.disk import DiskSource
from engine.monitoring.exposed import Exposed
from engine.monitoring.grounds import on_disk
from engine.monitoring.interruption import interruption
from engine.monitoring.judgement import Circumstances, judge
from engine.monitoring.kept import KeptTrail
from engine.monitoring.marks import marks, new_values
from engine.monitoring.model import ConditionReading, Evaluation, ResourceReading
from engine.monitoring.notebook import Notebook
from engine.monitoring.paging import Paging, going_on
from engine.monitoring.process_source import ProcessSource
from engine.monitoring.prometheus_source import PrometheusSource
from engine.monitoring.reading import Reading, Value, sound
from engine.monitoring.recalled import ALL, recalled
from engine.monitoring.reserve import Reserve
from engine.monitoring.round import Round
from engine.monitoring.run_source import RunSource
from engine.monitoring.running import RUN_LEVEL, FirstRuns, Running, awaiting
from engine.monitoring.standing import Standing
from engine.monitoring.standing_source import StandingSource
from engine.monitoring.store import Measured, SampleStore
from engine.monitoring.surroundings import Active, Surroundings
from engine.monitoring.trail_source import TrailSource
from engine.monitoring.unjudged import Unjudged
from engine.monitoring.watched import Watched, after_break
from engine.records import harmless
from engine.services.build import build_hash
from engine.services.protocol import ServiceStatus

PROBLEM_SHOWN = 300.0
TREND_POINTS = 40
BUILD_EVERY = 60.0


class Monitor:
    """Watches one deployment; made anew, it goes on from what the one before wrote down."""

    def __init__(self, deployment: Deployment, surroundings: Surroundings, store: SampleStore, clock: Clock) -> None:
        self._deployment = deployment
        self._around = surroundings
        self._store = store
        self._clock = clock
        self._boot_id = boot_id()
        self._began = clock.now().boot
        self._problems: deque[tuple[float, str]] = deque(maxlen=20)
        self._first = True
        self.refused_edit: tuple[str, ...] = ()
        """Why an edited configuration is not used, as long as it is not."""
        self._notebook = Notebook(store, clock, Reserve(deployment.paths.monitor_reserve))
        kept = self._notebook.part(saved.WATCH, saved.Watch)
        self._watch, book = saved.of_this_boot(kept, self._boot_id), self._notebook.part(saved.BOOK, Book)
        trail = self._notebook.part(saved.TRAIL, saved.Trail, piecemeal=False)
        output = self._notebook.part(saved.OUTPUT, saved.Output)
        handled = book.seq or 0 if saved.TRAIL in self._notebook.lost else 0
        self._trail = TrailSource(
            deployment, trail.facts, trail.offset, handled=handled, known=kept.trail_known, loss=kept.trail_loss
        )
        self._runs = RunSource(
            deployment,
            last_fed=dict(self._watch.last_fed),
            published=dict(output.published),
            baseline=output.baseline,
            audit_lost=self._watch.audit_lost,
            kpis=self._notebook.kpi_watch(deployment, output.kpis),
            to_audit=self._watch.to_audit,
            compared=self._watch.compared,
        )
        self._disk = DiskSource(deployment)
        self._process = ProcessSource(deployment, surroundings.members, self._notebook.earlier, self._watch.cpu_before)
        self._unjudged = Unjudged(deployment, self._notebook.earlier)
        self._first_runs = FirstRuns(deployment, self._watch.ran)
        standing = self._notebook.part(saved.STANDING, Standing, piecemeal=False)
        self._standing = StandingSource(deployment, standing, self._notebook.series)
        self._build: tuple[float, str] = (-1e18, "")
        self._kept = KeptTrail(deployment.paths.events, store)
        self._back_fill = BackFill(deployment, clock)
        self._trends: dict[str, deque[float]] = {}
        self.round = Round(deployment, clock)
        left = self._notebook.part(saved.DELIVERIES, saved.Deliveries)
        self.paging = Paging(deployment, clock, going_on(book, kept, self._boot_id, clock.now()), left=left)
        self._exposed = Exposed(deployment)
        self._prometheus = PrometheusSource(deployment, clock)

    @property
    def deployment(self) -> Deployment:
        """What it watches."""
        return self._deployment

    def tick(self) -> Evaluation:
        """Look, judge, write down. Never raises for what a file, a service or the disk can do wrong."""
        now = self._clock.now()
        self._note(now, [*self._trail.follow(now), *self._runs.follow()])
        if self._trail.lost_now:
            self._trail_lost()
        active = self._around.active()
        if self._first:
            self._recalled(now, active.name or active.configured)
        watch = self._watch_at(now)
        release = active.name or active.configured or watch.release or self._deployment.console.releases.old
        if release not in self._deployment.releases:
            self._note(now, [f"config/pipeline.yml names {harmless(release, 40)}, which this deployment does not know"])
            release = watch.release or self._deployment.console.releases.old
        operation = self._around.operation()
        status = self._around.status(release)
        last, interval = self._runs.last(release), self._runs.interval(release)
        running = self._first_runs.look(release, status, last, now, interval=interval, busy=bool(operation))
        watch = self._settling(watch, running, now, bool(operation))
        readings = self._look(running, status, watch, now)
        conditions, read = judge(
            self._deployment,
            watch.conditions,
            readings,
            Circumstances(
                now,
                release,
                self._runs.interval(release),
                now.boot >= watch.grace_until,
                now.boot >= watch.settled_at,
                self._trail.data_loss(release),
            ),
        )
        samples = [*marks(self._watch, watch, now, release), *self._samples(watch.conditions, conditions, readings)]
        watch = self._remember(watch, conditions, read, release, now)
        unjudged, more = self._unjudged.look(readings, now)
        self._note(
            now,
            self._standing.look(
                self._trail.facts.watching_since, now, status, running, read, self._trail.new, self._trail.loss
            ),
        )
        evaluation = self._evaluate(now, active, running, read, watch, operation, unjudged)
        settled = now.boot >= watch.settled_at
        evaluation = self.paging.judge(evaluation, self._trail.new, now, settled=settled, facts=self._trail.facts)
        samples += [*more, *self._kpi_samples(now)]
        watch = self.round.after(evaluation, watch, self._trail, now, self._note, running)
        evaluation = msgspec.structs.replace(evaluation, validation_running=self.round.validating)  # it began just now
        self._write(samples, evaluation, watch, now)
        watch = self.round.tell(self.round.write_rows(watch, now, self._note), now, self._note)
        self._keep_trail(now)
        self._note(now, self.paging.tell(now))
        self._note(now, self._exposed.show(evaluation))
        self._watch, self._first = watch, False
        return evaluation

    def stop(self) -> None:
        """End what it started, close the store."""
        self.round.stop()
        self.paging.close()
        self._exposed.close()
        self._prometheus.close()
        self._store.close()

    # ---- going on

    def _trail_lost(self) -> None:
        """The trail is not the one any more that was read: that is told in the one that is there, and kept."""
        self.round.announce("audit.trail_lost", {"what": self._trail.loss.words if self._trail.loss else ""})
        self.paging.book = msgspec.structs.replace(self.paging.book, seq=0)  # what is new is told by the source

    def _recalled(self, now: Instant, release: str | None) -> None:
        """What was remembered is lost, all of it or a part: log, trail and alert book tell some of it again."""
        before, facts, parts = self._watch, self._trail.facts, self._notebook.lost
        if before.wall is None or saved.WATCH in parts:
            self._watch = recalled(self._deployment, before, facts, self.paging.book, release or "", now)
        if before.wall is None and self._watch.slot_at is not None:
            self._note(now, ["what the monitor remembered is gone: slots are known again from the log and the trail"])
            parts.setdefault(saved.WATCH, (ALL,))
        if parts:
            self.round.announce("monitor.memory_lost", {"lost": {name: list(lost) for name, lost in parts.items()}})
        self._notebook.lost = {}

    def _build_of_new(self, now: Instant) -> str:
        """The new release's build as installed, looked at once a minute."""
        if now.boot - self._build[0] >= BUILD_EVERY:
            try:
                self._build = (now.boot, build_hash(self._deployment, self._deployment.new.release))
            except (OSError, OpsError):
                self._build = (now.boot, "")
        return self._build[1]

    # ---- time

    def _watch_at(self, now: Instant) -> saved.Watch:
        """The memory as of now: a suspend or a step of the clock breaks every run and gives grace."""
        watch, rules = self._watch, self._deployment.monitoring.sustained
        scale = self._deployment.console.time_scale
        gap = self._deployment.console.cadence.sample * self._deployment.console.stale_after
        if watch.wall is None:
            return watch
        same_boot = bool(watch.boot) and watch.boot_id == self._boot_id
        passed = now.boot - watch.boot if same_boot else (now.wall - watch.wall).total_seconds()
        if self._first and passed > gap:
            self.round.announce("monitor.absent", {"seconds": round(passed, 3)})
        if not same_boot:
            return watch
        found = interruption(passed, (now.wall - watch.wall).total_seconds(), gap)
        if found is None or (self._first and not found.stepped):
            return watch  # the time that no monitor ran is no suspend
        if found.stepped:
            self._tell(now, "clock.stepped", {"seconds": round(found.stepped, 3)})
        if found.suspended and not self._first:
            self._tell(now, "monitor.suspended", {"seconds": round(found.suspended, 3)})
        conditions = {name: after_break(one) for name, one in watch.conditions.items()}
        return msgspec.structs.replace(watch, conditions=conditions, grace_until=now.boot + rules.grace / scale)

    def _settling(self, watch: saved.Watch, running: Running, now: Instant, operating: bool) -> saved.Watch:
        """A start, an operation, another process or another tape explains for a while why values are missing."""
        if not watch.first_process:
            watch = msgspec.structs.replace(watch, first_process=running.process)
        gap = self._deployment.console.cadence.sample * self._deployment.console.stale_after
        fresh = self._first and (watch.wall is None or now.boot - watch.boot > gap)  # after a pause, not a restart
        if not (operating or running.release != watch.release or running.basis != watch.basis or fresh):
            return watch
        until = now.boot + self._deployment.console.cadence.first_run
        return msgspec.structs.replace(watch, release=running.release, basis=running.basis, settled_at=until)

    # ---- looking

    def _look(self, running: Running, status: ServiceStatus, watch: saved.Watch, now: Instant) -> dict[str, Reading]:
        release = running.release
        self._keep_baseline(release, now)
        readings = self._process.look(release, status, now)
        from_runs, problems = self._runs.feed(release, now, self._trail.seen, self._trail.audit_floor)
        self._note(now, problems)
        readings |= from_runs
        readings["run_level"] = self._runs.schedule(
            release, now, serves=status.state == "RUNNING", since=status.since if status.state == "RUNNING" else None
        )
        readings["disk_ratio"] = self._disk.look(release, now)
        readings |= self._prometheus.look(release, now)
        if running.waiting:
            per_run = {c.metric for c in self._deployment.monitoring.conditions.values() if c.per == "run"}
            readings |= {
                name: awaiting(reading, running.waiting)
                for name, reading in readings.items()
                if name in per_run or name == RUN_LEVEL
            }
        if self._trail.lost_now and not isinstance(readings[AUDIT], tuple):  # no run is waited for
            readings[AUDIT] = (Value(LOST_TRAIL, now.wall, now.boot, release),)
        restarted = running.process not in ("", watch.first_process)
        readings |= self._trail.readings(running, now, restarted=restarted, doubt=self._runs.doubt(running.release))
        return {name: sound(reading) for name, reading in readings.items()}

    def _keep_baseline(self, release: str, now: Instant) -> None:
        """The baseline moves with the old release until a cutover, and then stands."""
        since = self._trail.facts.watching_since
        recorded = self._runs.baseline.recorded_at if self._runs.baseline else None
        if since is None and release == self._deployment.console.releases.old:
            self._runs.record_baseline(now.wall)
        elif since is not None and (recorded is None or recorded < since):
            self._runs.record_baseline(now.wall, before=since)

    # ---- writing

    def _samples(
        self, before: Mapping[str, Watched], after: Mapping[str, Watched], readings: Mapping[str, Reading]
    ) -> list[Measured]:
        found: list[Measured] = []
        for name, watched in after.items():
            metric = self._deployment.monitoring.conditions[name].metric
            for value in new_values(before.get(name), watched, readings.get(metric)):
                found.append(Measured(metric, value.value, Instant(value.wall, value.boot), value.era))
                self._trends.setdefault(metric, deque(maxlen=TREND_POINTS)).append(value.value)
        return found

    def _kpi_samples(self, now: Instant) -> list[Measured]:
        """The KPIs of this tick's runs; what is conspicuous about them is told once."""
        for anomaly in self._runs.kpis.taken():
            owner = self._deployment.kpis.kpis[anomaly.kpi].owner
            self._tell(now, "kpi.anomaly", {**msgspec.to_builtins(anomaly), "owner": owner})
        samples, self._runs.kpi_samples = self._runs.kpi_samples, []
        return samples

    def _remember(
        self,
        watch: saved.Watch,
        conditions: dict[str, Watched],
        read: Sequence[ConditionReading],
        release: str,
        now: Instant,
    ) -> saved.Watch:
        critical = any(reading.firing in ("critical", "rollback") for reading in read)
        return msgspec.structs.replace(
            watch,
            boot_id=self._boot_id,
            boot=now.boot,
            wall=now.wall,
            release=release,
            conditions=conditions,
            critical_at=now.wall if critical else watch.critical_at,
            audit_lost=self._runs.audit_lost,
            to_audit=self._runs.to_audit,
            compared=self._runs.compared,
            last_fed=dict(self._runs.last_fed),
            cpu_before=self._process.before,
            ran=self._first_runs.ran,
            trail_known=self._trail.known,
            trail_loss=self._trail.loss,
        )

    def _evaluate(
        self,
        now: Instant,
        active: Active,
        running: Running,
        read: tuple[ConditionReading, ...],
        watch: saved.Watch,
        operation: str,
        unjudged: tuple[ResourceReading, ...],
    ) -> Evaluation:
        release = running.release
        while self._problems and now.boot - self._problems[0][0] > PROBLEM_SHOWN:
            self._problems.popleft()
        before, named = self._runs.change_from(release)
        seen = Seen(
            now=now,
            boot_id=self._boot_id,
            active=active,
            release=release,
            conditions=read,
            published=self._runs.published.get(release),
            before=before,
            before_name=named,
            run_interval=self._runs.interval(release),
            trends=self._trends,
            free=self._disk.free,
            facts=self._trail.facts,
            validations=self._trail.validations(release),
            baseline=self._runs.baseline,
            critical_at=watch.critical_at,
            operation=operation,
            waiting=running.waiting,
            validation_running=self.round.validating,
            problems=(*self.refused_edit, *(text for _, text in self._problems)),
            standing=self._standing.now,
            build=self._build_of_new(now) if self._trail.facts.watching_since is not None else "",
            data_loss=self._trail.data_loss(release),
            unjudged=unjudged,
            memory_note=self._process.memory_note,
            against=self._runs.against(release),
        )
        made = evaluation_of(self._deployment, seen)
        size, inode = self.round.log_now
        return msgspec.structs.replace(
            made,
            log_size=size,
            log_inode=inode,
            on_disk=on_disk(self._deployment),
            monitor_since=self._began,
        )

    def _write(self, samples: list[Measured], evaluation: Evaluation, watch: saved.Watch, now: Instant) -> None:
        parts = {
            saved.WATCH: watch,
            saved.OUTPUT: saved.Output(dict(self._runs.published), self._runs.baseline, self._runs.kpis.memory),
            saved.BOOK: self.paging.book,
            saved.DELIVERIES: self.paging.deliveries,
            saved.STANDING: self._standing.now,
            saved.TRAIL: saved.Trail(self._trail.offset, self._trail.facts),
        }
        self._note(now, self._notebook.write(samples, evaluation, parts, now))

    def _keep_trail(self, now: Instant) -> None:
        try:
            self._kept.follow()
        except (sqlite3.Error, OSError) as error:
            self._note(now, [f"audit trail: {harmless(error)}"])
        self._note(now, self._back_fill.look(now, self._kept))

    def _note(self, now: Instant, problems: Sequence[str]) -> None:
        """Remember a problem; one that comes again is not said twice while it still stands."""
        known = {text for _, text in self._problems}
        self._problems.extend((now.boot, text) for text in problems if text not in known)

    def _tell(self, now: Instant, kind: str, data: dict[str, Any]) -> None:
        if "seconds" in data:
            self._note(now, [f"{kind}: {pretty_duration(abs(data['seconds']))}"])
        self.round.announce(kind, data)
