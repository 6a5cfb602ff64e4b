"""Source: ``logs/runs.jsonl``. Latency, duration, throughput, error rate, schedule, and what was published."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from statistics import median

from engine.clock import Instant
from engine.config import Deployment
from engine.errors import OpsError
from engine.monitoring.audit import SeenEvents
from engine.monitoring.kpi_watch import SERIES, Against, KpiWatch, medians
from engine.monitoring.kpis import Published, doubtful, largest_variance, read_published
from engine.monitoring.model import Baseline
from engine.monitoring.reading import Missing, Nothing, Reading, Value
from engine.monitoring.runs import Run, error_rate, parse_run, run_level, run_metrics, run_patience, usual_interval
from engine.monitoring.shadow import Shadow, shadow_of
from engine.monitoring.store import Measured
from engine.records import Record, Tail, harmless

READ_AT_START = 512 * 1024
"""Bytes at the end of the file that are read again after a start: some hundred runs."""
REMEMBERED = 64
"""Runs remembered per release, once those that came without a monitor are judged."""
WAITING = 2000
"""Runs that wait to be judged, per release: more than the end that is read again holds, so none of it is dropped."""
ERRORS = "error_rate_percent"
RUN_METRICS = ("kpi_latency_ms_per_1000_rows", "run_seconds", "rows_per_second", ERRORS)


class RunSource:
    """Follows the run records; ``last_fed`` and ``published`` come from an earlier monitor, if there was one."""

    def __init__(
        self,
        deployment: Deployment,
        *,
        last_fed: dict[str, str],
        published: dict[str, Published],
        baseline: Baseline | None,
        audit_lost: bool,
        kpis: KpiWatch,
        to_audit: Sequence[str] = (),
        compared: str = "",
    ) -> None:
        self._deployment = deployment
        self._tail = tail_of(deployment.paths.runs, READ_AT_START)
        self._shadows = tail_of(deployment.paths.shadow, READ_AT_START)
        self._shadow: Shadow | None = None
        self._recent: dict[str, deque[Run]] = {}
        self._waiting: dict[str, deque[Run]] = {}
        self._damaged: dict[str, str] = {}
        """Releases whose newest run record is damaged, and how."""
        self._to_audit: list[Run] = []
        self._first = True
        self._of_runs: dict[str, Published | None] = {}
        self._baseline_of: tuple[str, datetime | None] = ("", None)
        self.last_fed = last_fed
        self.published = published
        self.baseline = baseline
        self.audit_lost = audit_lost
        self.kpis = kpis
        self.kpi_samples: list[Measured] = []
        """The KPIs of the runs of this tick, to be stored."""
        self.to_audit = tuple(to_audit)
        """Runs that were fed and whose events are looked for at the next tick."""
        self.compared = compared
        """The last run whose KPIs were compared with the old release's."""

    def follow(self) -> list[str]:
        """Read what is new; the problems met, in words."""
        problems: list[str] = []
        for record in readable_records(self._tail, problems):
            try:
                run = parse_run(record)
            except ValueError as error:
                problems.append(harmless(error))
                self._damaged[str(record.get("release"))] = harmless(error)
                continue
            self._damaged.pop(run.release, None)
            self._recent.setdefault(run.release, deque()).append(run)
            self._waiting.setdefault(run.release, deque(maxlen=WAITING)).append(run)
        for record in readable_records(self._shadows, problems):
            try:
                self._shadow = shadow_of(record)
            except ValueError as error:
                problems.append(harmless(error))
        if self._first:
            self._first = False
            self._skip_what_was_fed()
        return problems

    def last(self, release: str) -> Run | None:
        """The newest run of a release."""
        runs = self._recent.get(release)
        return runs[-1] if runs else None

    def interval(self, release: str) -> float | None:
        """Seconds between two runs: configured, else as observed."""
        configured = self._deployment.console.cadence.pipeline_run
        return configured if configured is not None else usual_interval(tuple(self._recent.get(release, ())))

    def feed(
        self, release: str, now: Instant, seen: SeenEvents, audit_floor: float = 0.0
    ) -> tuple[dict[str, Reading], list[str]]:
        """The readings that the new runs of ``release`` give, and the problems met. ``audit_floor``: no run's audit
        level is better than that.
        """
        waiting = self._waiting.get(release)
        new = list(waiting) if waiting else []
        if waiting:
            waiting.clear()
        readings: dict[str, Reading] = {name: self._values(name, new, now) for name in RUN_METRICS}
        if release in self._damaged and not isinstance(readings[ERRORS], tuple):
            readings[ERRORS] = Missing(self._damaged[release], at_once=True)  # how many rows went wrong, nobody knows
        readings["rows_per_second"] = self._against_baseline(readings["rows_per_second"], release)
        readings["audit_level"] = self._audit(release, new, now, seen, audit_floor)
        problems = self._publish(new, now)
        readings["kpi_variance_percent"] = self._variance(release, now)
        if new:
            self.last_fed[release] = new[-1].run_id
        for runs in self._recent.values():
            while len(runs) > REMEMBERED:
                runs.popleft()
        return readings, problems

    def schedule(self, release: str, now: Instant, *, serves: bool, since: datetime | None) -> Reading:
        """Whether the pipeline runs as it should."""
        last, interval = self.last(release), self.interval(release)
        spoke = [moment for moment in (last.ended if last else None, since) if moment is not None]
        silent = (now.wall - max(spoke)).total_seconds() if spoke else None
        patience = run_patience(interval, self._deployment.console.stale_after) if interval else None
        level = run_level(last, serves=serves, silent_for=silent, patience=patience)
        if level is None:
            return Missing("no run yet")
        return (Value(level, now.wall, now.boot, release),)

    def doubt(self, release: str) -> str:
        """Why what a release published last may be a damaged tape's doing; empty when nothing speaks for it."""
        own = self.published.get(release)
        return doubtful(self._deployment.kpis, own) if own is not None else ""

    def change_from(self, release: str) -> tuple[Published | None, str]:
        """What the KPIs' change is counted from: the old release on the same tape, else the last tape's values."""
        now, old = self.published.get(release), self._deployment.console.releases.old
        other = self._old_on(now.tape_sha256) if now and release != old else None
        if other is not None:
            return other, old.upper()
        return self.kpis.memory.before.get(release), "last run"

    def against(self, release: str) -> Against:
        """What the KPIs of a release are set against."""
        pair = (self._deployment.old, self._deployment.new)
        own = self.published.get(release)
        compares = release == pair[1].release and own is not None
        old = self._old_on(own.tape_sha256) if compares and own is not None else None
        return Against(
            memory=self.kpis.memory,
            runs=self.kpis.runs,
            baseline=self.baseline,
            old=old,
            old_name=pair[0].release,
            why_not=self._no_shadow(own.tape_sha256) if own is not None and compares and old is None else "",
            absolute=self._deployment.monitoring.variance.absolute,
            decimals=(pair[0].decimals, pair[1].decimals),
        )

    def _no_shadow(self, tape_sha256: str | None) -> str:
        """Why nothing of the old release can be compared with this tape."""
        shadow, old = self._shadow_on(tape_sha256), self._deployment.old.release
        if tape_sha256 is None:
            return f"the tape has no hash, so {old} cannot be shown to have computed the same one"
        return f"{old} cannot compute this tape: {shadow.reason}" if shadow else f"{old} has not computed this tape"

    def _old_on(self, tape_sha256: str | None) -> Published | None:
        """What the old release made of this very tape: as it published it, or as it computed it in the shadow."""
        old = self.published.get(self._deployment.old.release)
        if old is not None and tape_sha256 is not None and old.tape_sha256 == tape_sha256:
            return old
        shadow = self._shadow_on(tape_sha256)
        if shadow is None or not shadow.values:
            return None
        return Published(
            run_id="",
            release=shadow.release,
            at=shadow.at,
            tape_sha256=shadow.tape_sha256,
            measurement_date=shadow.measurement_date,
            values=shadow.values,
            unheld=shadow.unheld,
            reasons=shadow.reasons,
            trend={},
        )

    def _shadow_on(self, tape_sha256: str | None) -> Shadow | None:
        same = self._shadow is not None and tape_sha256 is not None and self._shadow.tape_sha256 == tape_sha256
        return self._shadow if same else None

    def record_baseline(self, now: datetime, before: datetime | None = None) -> None:
        """Medians of the old release's last runs; kept as it is when there are too few of them."""
        config, release = self._deployment.monitoring.baseline, self._deployment.console.releases.old
        runs = [run for run in self._recent.get(release, ()) if run.ok and (before is None or run.ended <= before)]
        runs = runs[-config.runs :]
        if len(runs) < config.least or (runs[-1].run_id, before) == self._baseline_of:
            return
        self._baseline_of = (runs[-1].run_id, before)
        collected: dict[str, list[float]] = {}
        for run in runs:
            for name, value in run_metrics(run).items():
                collected.setdefault(name, []).append(value)
        values = {name: median(found) for name, found in collected.items()}
        kpis = medians(found for run in runs if (found := self._output_of(run)) is not None)
        self.baseline = Baseline(release, len(runs), values, now, kpis)

    def _output_of(self, run: Run) -> Published | None:
        """What a run published, read once; None where it cannot be read any more."""
        if run.run_id not in self._of_runs:
            try:
                self._of_runs[run.run_id] = read_published(self._deployment.root, run)
            except ValueError:
                self._of_runs[run.run_id] = None
            while len(self._of_runs) > 2 * REMEMBERED:
                del self._of_runs[next(iter(self._of_runs))]
        return self._of_runs[run.run_id]

    def _skip_what_was_fed(self) -> None:
        known = {run.run_id: run for runs in self._waiting.values() for run in runs}
        # read by the monitor before, which had no further tick to look for their events in
        self._to_audit = [known[run_id] for run_id in self.to_audit if run_id in known]
        for release, runs in self._waiting.items():
            fed = self.last_fed.get(release)
            if any(run.run_id == fed for run in runs):
                while runs.popleft().run_id != fed:
                    pass
        # the trail's end may not reach back to every one of these: only the newest is judged by it
        self._audit_from = {release: runs[-1].run_id for release, runs in self._waiting.items() if runs}

    def _values(self, name: str, new: Sequence[Run], now: Instant) -> Reading:
        values = []
        low_volume = ""
        for run in new:
            found = self._metric(name, run)
            boot = _boot_of(run, now)
            if isinstance(found, str):
                low_volume = found
            elif found is not None and boot > 0:
                low_volume = ""
                values.append(Value(found, run.ended, boot, f"{run.release}:{run.process}"))
        if low_volume:
            return Missing(low_volume, at_once=True)
        return tuple(values) if values else Nothing()

    def _metric(self, name: str, run: Run) -> float | str | None:
        if name != ERRORS:
            return run_metrics(run).get(name)
        errors = self._deployment.monitoring.errors
        window = errors.window / self._deployment.console.time_scale
        same = [other for other in self._recent[run.release] if other.process == run.process]
        return error_rate(same, run.ended, window, errors.minimum_attempts)

    def _against_baseline(self, reading: Reading, release: str) -> Reading:
        usual = self.baseline.values.get("rows_per_second") if self.baseline else None
        if usual is None:
            old, least = self._deployment.console.releases.old, self._deployment.monitoring.baseline.least
            return Missing(f"no baseline: it needs {least} runs of {old}", needed=False)
        if isinstance(reading, tuple):
            return tuple(Value(v.value / usual * 100, v.wall, v.boot, v.era) for v in reading)
        return reading if isinstance(reading, Missing) else Nothing()

    def _audit(self, release: str, new: Sequence[Run], now: Instant, seen: SeenEvents, floor: float) -> Reading:
        """The runs of the tick before: their events had the time to arrive. None is charged to another release."""
        values = []
        for run in self._to_audit:
            if run.release != release:
                continue
            level = seen.level(run.run_id, self.audit_lost)
            self.audit_lost = level >= 2.0
            values.append(Value(max(level, floor), run.ended, max(_boot_of(run, now), 0.0), run.release))
        from_run = self._audit_from.pop(new[0].release, None) if new else None
        ids = [run.run_id for run in new]
        self._to_audit = list(new[ids.index(from_run) :] if from_run in ids else new)
        self.to_audit = tuple(run.run_id for run in self._to_audit)
        return tuple(values) if values else Nothing()

    def _publish(self, new: Iterable[Run], now: Instant) -> list[str]:
        problems = []
        for run in (run for run in new if run.ok):
            try:
                found = self._of_runs[run.run_id] = read_published(self._deployment.root, run)
            except ValueError as error:
                problems.append(harmless(error))
                continue
            own = self.published.get(run.release)
            if own is not None and own.tape_sha256 != found.tape_sha256:
                self.kpis.tape_changed(run.release, own)
            last = max(self.published.values(), key=lambda one: one.at, default=None)
            self.kpis.published(found, last)
            self.published[run.release] = found
            at, era = Instant(run.ended, _boot_of(run, now)), f"{run.release}:{run.process}"
            known = ((name, value) for name, value in found.values.items() if value is not None)
            self.kpi_samples += [Measured(SERIES + name, value, at, era) for name, value in known]
        return problems[-1:]

    def _variance(self, release: str, now: Instant) -> Reading:
        pair = (self._deployment.old, self._deployment.new)
        if release != pair[1].release:
            return Missing(f"{release} runs: nothing to compare it with", needed=False)
        own = self.published.get(release)
        old = self._old_on(own.tape_sha256) if own is not None else None
        if old is None or own is None:
            said = self._no_shadow(own.tape_sha256) if own else f"{release} has not published anything yet"
            return Missing(said, needed=False, at_once=True)
        # a shadow run ends after the run that it is compared with: that run is judged then, and once
        runs = [run for run in self._recent.get(release, ()) if run.run_id == own.run_id]
        if not runs or own.run_id == self.compared:
            return Nothing(needed=False)
        self.compared = own.run_id
        found = largest_variance(
            old.values,
            own.values,
            tuple(self._deployment.kpis.kpis),
            absolute=self._deployment.monitoring.variance.absolute,
            decimals=(pair[0].decimals, pair[1].decimals),
        )
        if found is None:
            return Missing("no KPI is defined in both releases", needed=False, at_once=True)
        return (Value(found, runs[-1].ended, _boot_of(runs[-1], now), release),)


def tail_of(path: Path, keep: int) -> Tail:
    """A tail that begins ``keep`` bytes before the file's present end."""
    try:
        size = path.stat().st_size
    except OSError:
        size = 0
    return Tail.from_offset(path, max(size - keep, 0))


def readable_records(tail: Tail, problems: list[str]) -> Iterable[Record]:
    """Every readable record; a damaged line is a problem, what stands around it is not lost."""
    for _ in range(100):
        try:
            yield from tail.new_records()
            return
        except (OSError, OpsError) as error:
            problems.append(harmless(error))
            if isinstance(error, OSError):
                return


def _boot_of(run: Run, now: Instant) -> float:
    """Boot time at which a run ended: its record carries wall time alone."""
    return now.boot - max((now.wall - run.ended).total_seconds(), 0.0)
