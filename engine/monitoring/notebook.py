"""What the monitor has written down: read when it begins, written once a tick. No failure of the file stops a tick."""

from __future__ import annotations

import contextlib
import hashlib
import math
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import TypeVar

import msgspec

from engine.clock import Clock, Instant
from engine.config import Deployment
from engine.monitoring import checkpoint as saved
from engine.monitoring.finite import NotFinite, require_finite
from engine.monitoring.kpi_watch import KpiMemory, KpiWatch
from engine.monitoring.model import Evaluation, Verdict
from engine.monitoring.recalled import ALL, salvaged
from engine.monitoring.reserve import Reserve
from engine.monitoring.store import Measured, SampleStore
from engine.monitoring.undecodable import Undecodable
from engine.records import harmless

T = TypeVar("T", bound=msgspec.Struct)
THIN_EVERY = 3600.0
TRAIL_BYTES = 64 * 1024
"""How far the audit trail may have been read beyond what is written down of it."""


class Notebook:
    """The store as the monitor uses it; a damaged one is set aside, and what was met is told with the next tick."""

    def __init__(self, store: SampleStore, clock: Clock, reserve: Reserve) -> None:
        self._store = store
        self._reserve = reserve
        self._clock = clock
        self._written: dict[str, object] = {}
        self._thinned = -1e18
        self._reserve_made = False
        self._met: list[str] = []
        self.lost: dict[str, tuple[str, ...]] = {}
        """Parts that could not be read back, and what of each is lost."""
        self._make_reserve()

    def part(self, name: str, kind: type[T], *, piecemeal: bool = True) -> T:
        """What the monitor before remembered. What cannot be read is kept aside under a name, and told.

        ``piecemeal``: its fields mean something one by one; else all of it is found again from the records, or unknown.
        """
        data = self.checkpoint(name)
        try:
            return saved.decode(data, kind)
        except Undecodable as error:
            assert data is not None
            part, lost = salvaged(data, kind) if piecemeal else (kind(), (ALL,))
            self.lost[name] = lost
            self._met.append(f"{error}; {self._kept_aside(name, data)}; lost: {', '.join(lost)}")
            return part

    def _kept_aside(self, name: str, data: bytes) -> str:
        aside = f"{name}.undecodable-{hashlib.sha256(data).hexdigest()[:8]}"
        try:
            self._store.keep_aside(aside, data)
        except sqlite3.Error as error:
            return f"it cannot be kept aside: {harmless(error)}"
        return f"kept as {aside} in logs/samples.db"

    def checkpoint(self, name: str) -> bytes | None:
        """What the monitor before wrote down under this name; None when there is nothing that can be read."""
        if (kept := self._reserve.parts().get(name)) is not None:
            return kept  # the disk was full when it was written: what the store has is older
        try:
            return self._store.checkpoint(name)
        except sqlite3.DatabaseError as error:
            self._failed(error, self._clock.now())
            return None if _is_damage(error) else self._alone(name)

    def _alone(self, name: str) -> bytes | None:
        with contextlib.suppress(sqlite3.Error):
            return _read_alone(self._store.path, name)
        return None

    def kpi_watch(self, deployment: Deployment, memory: KpiMemory) -> KpiWatch:
        """The KPIs of the runs before, as far as they can be read."""
        try:
            return KpiWatch(deployment, memory, self._store)
        except sqlite3.Error as error:
            self._failed(error, self._clock.now())
            return KpiWatch(deployment, memory, None)

    def earlier(self, metric: str, era: str, since: float) -> Sequence[tuple[float, float]]:
        """Boot seconds and values of one era; empty when they cannot be read."""
        try:
            return self._store.of_era(metric, era, since)
        except sqlite3.Error:
            return ()

    def series(self, metric: str, begin: datetime, end: datetime) -> Sequence[tuple[datetime, float]]:
        """Times and values of a stretch; empty when they cannot be read."""
        try:
            return self._store.series(metric, begin, end)
        except sqlite3.Error:
            return ()

    def write(
        self, samples: list[Measured], evaluation: Evaluation, parts: Mapping[str, object], now: Instant
    ) -> list[str]:
        """One tick, as one transaction, with the parts that changed; the problems met, in words."""
        met: list[str] = []
        sound = [sample for sample in samples if math.isfinite(sample.value)]
        met += [f"{one.metric}: {one.value} is no number, and is not kept" for one in samples if one not in sound]
        changed = {name: part for name, part in parts.items() if self._moved(name, part)}
        packed = _packed(changed, met)
        try:
            self._store.append(sound, _told(evaluation, met), packed)
            self._written |= {name: changed[name] for name in packed}
            if now.boot - self._thinned >= THIN_EVERY:
                self._thinned = now.boot
                self._store.thin(now.wall)
        except sqlite3.Error as error:
            self._failed(error, now)
            self._to_reserve(parts)
        else:
            self._from_reserve()
        met, self._met = [*met, *self._met], []
        return met

    # ---- a full disk

    def _make_reserve(self) -> None:
        try:
            self._reserve.make()
            self._reserve_made = True
        except OSError as error:
            self._reserve_made = False
            self._met.append(f"logs/monitor.reserve: {error.strerror}: a monitor that ends now forgets what it told")

    def _to_reserve(self, parts: Mapping[str, object]) -> None:
        """What the store did not take: a monitor that is killed meanwhile leaves it to the next one."""
        try:
            self._reserve.write(_packed(parts, []))
        except OSError as error:
            self._met.append(f"logs/monitor.reserve: {error.strerror}")

    def _from_reserve(self) -> None:
        """The store has all of it, whatever was in the reserve."""
        try:
            self._reserve.clear()
        except OSError as error:
            self._met.append(f"logs/monitor.reserve: {error.strerror}")
        if not self._reserve_made:
            self._make_reserve()

    def _moved(self, name: str, part: object) -> bool:
        """The trail's part is written when a fact changed, or when a restart would have much to read again."""
        before = self._written.get(name)
        if not (isinstance(before, saved.Trail) and isinstance(part, saved.Trail)):
            return before != part
        same = msgspec.structs.replace(part.facts, seq=0) == msgspec.structs.replace(before.facts, seq=0)
        return not same or part.offset - before.offset > TRAIL_BYTES

    def _failed(self, error: sqlite3.Error, now: Instant) -> None:
        self._met.append(f"logs/samples.db: {harmless(error)}")
        if not _is_damage(error):
            return  # full or busy: tried again at the next tick
        try:
            aside = self._store.set_aside(now.wall)
            self._written.clear()
            self._met.append(f"logs/samples.db was damaged; it was set aside as {aside.name}")
        except OSError as failed:
            self._met.append(f"logs/samples.db cannot be set aside: {harmless(failed)}")


def _told(evaluation: Evaluation, met: list[str]) -> Evaluation:
    """The evaluation as it can be written: one with a value that is no number says nothing but that."""
    try:
        require_finite(evaluation, "evaluation")
    except NotFinite as error:
        met.append(f"{error}: this tick's judgement is not kept")
        verdict = Verdict("UNKNOWN", str(error), "a tick without it", "")
        nothing = {"conditions": (), "kpis": (), "resources": (), "unjudged": (), "gates": (), "alerts": ()}
        return msgspec.structs.replace(
            evaluation, verdict=verdict, matrix=(), next_gate=None, baseline=None, standing=None, **nothing
        )
    return evaluation


def _packed(parts: Mapping[str, object], met: list[str]) -> dict[str, bytes]:
    """As they are kept; one with a value that is no number stays as it was."""
    packed: dict[str, bytes] = {}
    for name, part in parts.items():
        try:
            packed[name] = saved.encode(part, name)
        except NotFinite as error:
            met.append(f"{error}: this part of the monitor's memory is as it was")
    return packed


def _is_damage(error: sqlite3.Error) -> bool:
    """Whether the file is broken, not full or busy."""
    return isinstance(error, sqlite3.DatabaseError) and not isinstance(error, sqlite3.OperationalError)


def _read_alone(path: Path, name: str) -> bytes | None:
    """A checkpoint where the disk has no room for what SQLite shares between processes: that is kept in memory, which
    only works while nobody else has the file open. sqlite3.Error.
    """
    uri = f"{path.absolute().as_uri()}?mode=rw"
    with closing(sqlite3.connect(uri, uri=True, timeout=1.0, isolation_level=None)) as connection:
        connection.execute("PRAGMA locking_mode = EXCLUSIVE").fetchall()
        row = connection.execute("SELECT data FROM checkpoints WHERE name = ?", (name,)).fetchone()
        return bytes(row[0]) if row else None
