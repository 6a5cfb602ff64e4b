"""Source: the service's process tree. Memory, its growth, CPU, threads, open files, disk I/O, restarts."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Sequence
from datetime import timedelta

from engine.clock import Instant
from engine.config import Deployment
from engine.monitoring.growth import BUCKETS, percent_per_hour
from engine.monitoring.reading import Missing, Reading, Value
from engine.monitoring.tree import Shares, Usage, bytes_per_second, cpu_percent, usage
from engine.services.protocol import Identity, ServiceStatus

Earlier = Callable[[str, str, float], Sequence[tuple[float, float]]]
"""(metric, era, since boot) -> boot seconds and values that an earlier monitor measured."""

MEMORY, CPU, GROWTH = "memory_mb", "cpu_percent", "memory_growth_percent_per_hour"
THREADS, FILES = "threads", "open_files"
RESIDENT = "resident_memory_mb"
"""The series that growth and comparisons rest on; no condition of the shipped ones judges its level."""
READ, WRITTEN = "disk_read_bytes_per_second", "disk_written_bytes_per_second"
PROCESS_METRICS = (MEMORY, RESIDENT, CPU, GROWTH, THREADS, FILES, READ, WRITTEN)
"""What belongs to one process: its values are of its era, and a restart begins anew."""
_TICKS = os.sysconf("SC_CLK_TCK")


class ProcessSource:
    """Remembers the reading before, since CPU is a difference."""

    def __init__(
        self,
        deployment: Deployment,
        members: Callable[[Identity], Sequence[int]],
        earlier: Earlier,
        before: tuple[str, float, Usage] | None = None,
    ) -> None:
        self._scale = deployment.console.time_scale
        self._growth = deployment.monitoring.growth
        self._restarts = deployment.monitoring.restarts
        self._members = members
        self._earlier = earlier
        self.before = before
        """The reading before: era, boot time, usage."""
        self._era = ""
        self._resident: deque[tuple[float, float]] = deque()
        self._slope: tuple[float, float | None] = (-1e18, None)
        self._shares = Shares()
        self.memory_note = ""
        """What the memory is: ``PSS of 3 processes``."""

    def look(self, release: str, status: ServiceStatus, now: Instant) -> dict[str, Reading]:
        """The readings of this tick."""
        readings = {"restarts": self._count_restarts(release, status, now)}
        identity = status.identity
        if status.state != "RUNNING" or identity is None:
            said = f"{status.name} is {status.state}" + (f": {status.reason}" if status.reason else "")
            return readings | self._nothing(said)
        found = usage(self._members(identity), shares=self._shares, now=now.boot)
        if found is None:
            return readings | self._nothing(f"no process of {status.name} could be read")
        self.memory_note = f"{found.memory_kind} of {found.processes} process{'' if found.processes == 1 else 'es'}"
        era = f"{release}:{identity.boot_id}:{identity.pid}:{identity.start_time}"
        before, self.before = self.before, (era, now.boot, found)

        def value(number: float) -> Reading:
            return (Value(float(number), now.wall, now.boot, era),)

        readings[MEMORY], readings[RESIDENT] = value(found.memory_mb), value(found.resident_mb)
        readings[CPU] = self._cpu(before, found, era, now)
        readings[GROWTH] = self._grown(found, era, identity, now)
        readings[THREADS] = value(found.threads)
        files = found.open_files
        readings[FILES] = Missing(found.files_refused, needed=False) if files is None else value(files)
        readings[READ], readings[WRITTEN] = self._moved(before, found, era, now)
        return readings

    def _nothing(self, reason: str) -> dict[str, Reading]:
        """A dead source is missing, with its reason; what no verdict has to wait for is not needed."""
        self.memory_note = ""
        needed = (MEMORY, CPU)
        return {name: Missing(reason, needed=name in needed) for name in PROCESS_METRICS}

    def _moved(
        self, before: tuple[str, float, Usage] | None, found: Usage, era: str, now: Instant
    ) -> tuple[Reading, Reading]:
        rates = None
        if before is not None and before[0] == era:
            rates = bytes_per_second(before[2], found, now.boot - before[1])
        if rates is None:
            missing = Missing(found.moved_refused or "a rate is a difference: known at the next sample", needed=False)
            return missing, missing
        read, written = ((Value(rate, now.wall, now.boot, era),) for rate in rates)
        return read, written

    def _cpu(self, before: tuple[str, float, Usage] | None, found: Usage, era: str, now: Instant) -> Reading:
        if before is None or before[0] != era:
            return Missing("CPU is a difference: known at the next sample")
        percent = cpu_percent(before[2], found, now.boot - before[1], os.cpu_count() or 1)
        if percent is None:
            return Missing("no time has passed since the last sample")
        return (Value(percent, now.wall, now.boot, era),)

    def _grown(self, found: Usage, era: str, identity: Identity, now: Instant) -> Reading:
        """Of the resident set: the proportional one grows when another process that shares pages ends."""
        window, warm = self._growth.window / self._scale, identity.start_time / _TICKS + self._growth.skip / self._scale
        if era != self._era:
            self._era = era
            self._resident = deque(self._earlier(RESIDENT, era, max(warm, now.boot - window)))
            self._slope = (-1e18, None)
        if now.boot >= warm:
            self._resident.append((now.boot, found.resident_mb))
        while self._resident and self._resident[0][0] < now.boot - window:
            self._resident.popleft()
        if now.boot - self._slope[0] >= window / BUCKETS:
            slope = percent_per_hour(self._resident, window)
            # an hour of a rehearsal is as short as its window: else noise of seconds would be taken for a leak
            self._slope = (now.boot, None if slope is None else slope / self._scale)
        growth = self._slope[1]
        if growth is None:
            return Missing(f"needs {window / 60:g} min of one warm process", needed=False)
        return (Value(growth, now.wall, now.boot, era),)

    def _count_restarts(self, release: str, status: ServiceStatus, now: Instant) -> Reading:
        if status.state == "UNSURE":
            return Missing(status.reason or f"{status.name} is UNSURE")
        # a service that gave up restarts no more: its last restarts do not become history by waiting
        until = status.restarts[-1] if status.state == "FAILED" and status.restarts else now.wall
        begin = until - timedelta(seconds=self._restarts.window / self._scale)
        count = sum(1 for at in status.restarts if at > begin)
        # those whose moments are not known all came before this process: an older one than the window had none in it
        old = status.state == "RUNNING" and status.since is not None and status.since <= begin
        if status.restarts_unread and not count and not old:
            return Missing(status.restarts_unread)
        return (Value(float(count), now.wall, now.boot, release),)
