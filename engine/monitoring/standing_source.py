"""Follows what a whole watch is judged on: runs and their events, the service's log, hours of samples."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from statistics import median

import msgspec

from engine.clock import Instant, boot_id
from engine.config import Deployment
from engine.errors import OpsError
from engine.monitoring import standing as fold
from engine.monitoring.continuity import Loss
from engine.monitoring.model import ConditionReading
from engine.monitoring.process_source import RESIDENT
from engine.monitoring.running import Running
from engine.monitoring.runs import Run, parse_run
from engine.monitoring.service_output import service_output
from engine.monitoring.standing import Happened, Hour, Standing
from engine.records import Record, Tail, harmless, records_from_end
from engine.services.protocol import ServiceStatus

Series = Callable[[str, datetime, datetime], Sequence[tuple[datetime, float]]]
"""(metric, from, to) -> times and values."""
LATENCY, CPU = "kpi_latency_ms_per_1000_rows", "cpu_percent"
_READ_AGAIN = 256 * 1024
"""Bytes at the end of the run records that are looked through for the last one that was counted."""


class StandingSource:
    """Goes on from ``kept``, whatever happened to the monitor before."""

    def __init__(self, deployment: Deployment, kept: Standing, series: Series) -> None:
        self._deployment = deployment
        self._series = series
        self._scale = float(deployment.console.time_scale)
        self._patience = float(deployment.console.cadence.sample * deployment.console.stale_after)
        self._error = re.compile(deployment.checklist.schedule.log_error)
        self._output = service_output(deployment, deployment.new.release)
        self._runs = _near_end(deployment.paths.runs)
        self._skip_to = ""
        self._resumes = kept.since is not None
        self.now = kept

    def look(
        self,
        since: datetime | None,
        now: Instant,
        status: ServiceStatus,
        running: Running,
        conditions: Sequence[ConditionReading],
        events: Sequence[Record],
        loss: Loss | None = None,
    ) -> list[str]:
        """One tick; the problems met. ``since``: the cutover that is watched; ``events``: the trail's new ones."""
        problems: list[str] = []
        if since is None:
            self.now = Standing() if self.now.since is not None else self.now
            return problems
        if self.now.since != since:
            self._begin(since, now, problems)
        standing, new = self.now, self._deployment.new.release
        missed = self._back_to(since, standing.last_run, problems) if self._resumes else []
        self._resumes = False
        up = {"RUNNING": True, "STOPPED": False, "FAILED": False}.get(status.state)
        if running.release != new:
            up = False  # another release runs: the watched one does not
        restarts = sum(1 for at in status.restarts if at > since)
        if status.restarts_unread and running.release == new:
            restarts = max(restarts, status.restarts_counted)  # counted since the cutover started it, or later
        standing = fold.time_passed(
            standing, now, boot_id(), up=up, process=running.process, restarts=restarts, longest=self._patience
        )
        standing = _counted(standing, [*missed, *self._new_runs(problems)], new)
        standing = fold.events_seen(standing, _finished(events, new), now.wall, self._patience)
        standing = fold.fired(standing, conditions, now.wall)
        if loss is not None and loss.at >= since:
            standing = msgspec.structs.replace(standing, trail_lost=loss.words)
        self.now = self._read_log(self._hours(standing, now.wall), now.wall)
        return problems

    def _begin(self, since: datetime, now: Instant, problems: list[str]) -> None:
        """Another cutover: counted from its end on, as far back as the records reach."""
        runs = self._back_to(since, "", problems)
        standing = _counted(fold.began(since), runs, self._deployment.new.release)
        self.now, self._resumes = self._from_now(standing, now.wall), False

    # ---- runs

    def _back_to(self, since: datetime, last: str, problems: list[str]) -> list[Run | None]:
        """Every run since the cutover, or since the one that was counted ``last``; oldest first. None: damaged."""
        runs: list[Run | None] = []
        try:
            for record in records_from_end(self._deployment.paths.runs):
                run = _run(record, problems)
                if run is not None and (run.ended < since or run.run_id == last):
                    break
                runs.append(run)
        except OSError as error:
            problems.append(harmless(error))
        # what is followed from now on begins behind the newest of these
        newest = next((run.run_id for run in runs if run is not None), last)
        self._runs, self._skip_to = _near_end(self._deployment.paths.runs), newest
        return runs[::-1]

    def _new_runs(self, problems: list[str]) -> list[Run | None]:
        found: list[Run | None] = []
        for _ in range(100):
            try:
                found += [_run(record, []) for record in self._runs.new_records()]  # the run source names damaged ones
                break
            except OSError as error:
                problems.append(harmless(error))
                break
            except OpsError:
                found.append(None)
        if self._skip_to:
            ids = [run.run_id if run is not None else "" for run in found]
            if self._skip_to in ids:
                found = found[ids.index(self._skip_to) + 1 :]
            self._skip_to = ""
        return found

    # ---- hours

    def _hours(self, standing: Standing, now: datetime) -> Standing:
        length = 3600.0 / self._scale
        assert standing.since is not None
        while (number := fold.next_hour(standing)) * length <= (now - standing.since).total_seconds():
            complete = int((now - standing.since).total_seconds() / length)
            number = max(number, complete - fold.HOURS_KEPT) if standing.first is not None else number
            begin = standing.since + timedelta(seconds=(number - 1) * length)
            standing = fold.hour_over(standing, self._hour(number, begin, begin + timedelta(seconds=length)))
        return standing

    def _hour(self, number: int, begin: datetime, end: datetime) -> Hour:
        least = self._deployment.monitoring.sustained
        expected = (end - begin).total_seconds() / float(self._deployment.console.cadence.sample)
        needed = max(least.least_samples, int(least.least_share * expected))

        def of(metric: str, count: int) -> float | None:
            values = [value for at, value in self._series(metric, begin, end) if begin <= at < end]
            return median(values) if len(values) >= count else None

        return Hour(number, of(LATENCY, least.least_samples), of(RESIDENT, needed), of(CPU, needed))

    # ---- the service's log

    def _from_now(self, standing: Standing, now: datetime) -> Standing:
        """What it has printed already was printed before the watch."""
        inode, offset = self._output.end()
        return msgspec.structs.replace(standing, log_from=now, log_inode=inode, log_offset=offset)

    def _read_log(self, standing: Standing, now: datetime) -> Standing:
        found, changes = [], {"log_problem": ""}
        more: dict[str, object] = {}
        try:
            lines, inode, offset = self._output.new_lines(standing.log_inode, standing.log_offset)
            more = {"log_inode": inode, "log_offset": offset}
            found = [Happened(now, harmless(line, 160)) for line in lines if self._error.search(line)]
        except (OSError, OpsError) as error:
            said = error.what if isinstance(error, OpsError) else error.strerror
            changes["log_problem"] = harmless(f"{self._output.name}: {said}", 160)
        if found:
            more["log_errors"] = (*standing.log_errors, *found)[-fold.LISTED :]
            more["log_error_count"] = standing.log_error_count + len(found)
        return msgspec.structs.replace(standing, **changes, **more)


def _counted(standing: Standing, runs: Sequence[Run | None], release: str) -> Standing:
    standing = fold.runs_ended(standing, [run for run in runs if run is not None], release)
    return fold.records_damaged(standing, sum(run is None for run in runs))


def _near_end(path: Path) -> Tail:
    try:
        size = path.stat().st_size
    except OSError:
        size = 0
    return Tail.from_offset(path, max(size - _READ_AGAIN, 0))


def _run(record: Record | None, problems: list[str]) -> Run | None:
    try:
        return parse_run(record) if record is not None else None
    except ValueError as error:
        problems.append(harmless(error))
        return None


def _finished(events: Sequence[Record], release: str) -> list[str]:
    found = []
    for event in events:
        data = event.get("data")
        if event.get("kind") == "run.finished" and isinstance(data, dict) and data.get("release") == release:
            found.append(str(data.get("run_id")))
    return found
