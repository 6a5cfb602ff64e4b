"""What the console plots: one series over a stretch with its limits, and the alerts and operations beside it."""

from __future__ import annotations

import math
import sqlite3
import threading
from array import array
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import msgspec

from engine.config import Deployment
from engine.config.monitoring import Condition
from engine.config.prometheus import seconds_between
from engine.errors import DamagedRecord, Refused
from engine.monitoring.columns import Column, Stretch, in_columns
from engine.monitoring.kept import begin
from engine.monitoring.store import HISTORY_EVERY
from engine.monitoring.stretch import StretchStore
from engine.operations.journal import list_operations
from engine.operations.outcome import state_word, well
from engine.records import Record, Tail, harmless
from engine.records.undecodable import UNDECODABLE
from engine.state.fired import fired_of

BITE = 1 << 20


@dataclass(frozen=True, slots=True)
class PlotMark:
    """Something that happened, on the time axis."""

    kind: str
    """``alert`` or ``operation``."""
    name: str
    """The condition, or the operation's id."""
    text: str
    since: datetime
    until: datetime | None
    """None: it goes on."""
    loud: bool
    """Critical or worse; an operation that did not succeed."""


@dataclass(frozen=True, slots=True)
class Plotted:
    """One series over a stretch."""

    name: str
    title: str
    unit: str
    decimals: int
    stretch: Stretch
    columns: tuple[Column, ...]
    limits: tuple[tuple[str, float], ...]
    """``("warning", 200.0)``, lightest first; none where values are judged in % of a baseline."""
    worse_when: str
    """``higher`` or ``lower``."""
    from_zero: bool
    """Measured amounts begin at 0, so that nothing looks larger than it is."""
    longest: float
    """Seconds without a value after which something is missing."""
    source: str
    """What a value is, and how often there is one at best."""
    newest_at: datetime | None
    """When the newest value of the stretch was measured, to a column."""
    marks: tuple[PlotMark, ...]


def as_known_then(found: Plotted) -> Plotted:
    """As it was known at the end of the stretch: what ended later went on."""
    end = found.stretch.end
    marks = tuple(
        mark if mark.until is None or mark.until <= end else replace(mark, until=None, text="went on at this moment")
        for mark in found.marks
    )
    return replace(found, marks=marks)


class _Kpi(msgspec.Struct):
    id: str
    value: float | None = None
    stale: bool = False


class _Published(msgspec.Struct):
    kpis: list[_Kpi] = []


class _KpiValues:
    """The KPIs of the kept evaluations, minute by minute, read once and then followed."""

    def __init__(self) -> None:
        self._decode = msgspec.json.Decoder(_Published).decode
        self._times = array("d")
        self._values: dict[str, array[float]] = {}
        self._since = math.inf

    def read(self, store: StretchStore, since: float, until: float) -> None:
        """Hold what is kept from ``since`` on."""
        if since < self._since:
            self._times, self._values, self._since = array("d"), {}, since
        after = self._times[-1] if self._times else self._since - 1e-6
        for wall, data in store.packed_evaluations(after, until):
            try:
                published = self._decode(data)
            except UNDECODABLE:
                continue  # another version's
            for kpi in published.kpis:
                column = self._values.setdefault(kpi.id, array("d", [math.nan] * len(self._times)))
                column.append(math.nan if kpi.value is None or kpi.stale else kpi.value)
            self._times.append(wall)
            for column in self._values.values():
                if len(column) < len(self._times):
                    column.append(math.nan)

    def of(self, name: str) -> list[tuple[datetime, float]]:
        """The values of one KPI that were published and fresh, oldest first."""
        pairs = zip(self._times, self._values.get(name, ()), strict=False)
        return [(datetime.fromtimestamp(at, UTC), value) for at, value in pairs if not math.isnan(value)]


class PlotReader:
    """Reads series and marks for one console; keeps what it has read. May be asked from several threads in turn."""

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment
        self._kpis = _KpiValues()
        self._alerts: list[Record] = []
        self._tail: Tail | None = None
        self._turn = threading.Lock()

    def read(self, name: str, stretch: Stretch) -> Plotted:
        """A condition's metric or a KPI over a stretch. Refused where there is no such series, or none can be read."""
        paths = self._deployment.paths
        with self._turn:
            store = StretchStore(paths.samples)
            try:
                if not paths.samples.exists():
                    raise Refused(f"{paths.samples.name} is not there: nothing has been measured", "abaco-ops monitor")
                marks = self._marks(store, stretch)
                if name in self._deployment.kpis.kpis:
                    return self._kpi(store, name, stretch, marks)
                return self._condition(store, name, stretch, marks)
            except sqlite3.Error as error:
                raise Refused(f"{paths.samples.name}: {harmless(error)}", "try again") from error
            finally:
                store.close()

    def _condition(self, store: StretchStore, name: str, stretch: Stretch, marks: tuple[PlotMark, ...]) -> Plotted:
        condition = self._deployment.monitoring.conditions.get(name)
        if condition is None:
            raise Refused(f"nothing is measured by the name of {harmless(name, 40)!r}", "2 shows what is")
        pace, said = self._pace(condition)
        longest = pace * float(self._deployment.console.stale_after)
        columns = store.columns(condition.metric, stretch, longest)
        limits = [] if condition.of_baseline else _limits(condition)
        return Plotted(
            name=name,
            title=condition.title,
            unit=condition.unit,
            decimals=condition.decimals,
            stretch=stretch,
            columns=columns,
            limits=tuple(limits),
            worse_when=condition.worse_when,
            from_zero=True,
            longest=longest,
            source=said,
            newest_at=_newest(columns, stretch),
            marks=marks,
        )

    def _pace(self, condition: Condition) -> tuple[float, str]:
        cadence = self._deployment.console.cadence
        if condition.per == "sample":
            every = seconds_between(self._deployment.monitoring, condition, float(cadence.sample))
            return every, f"sampled every {every:g} s"
        if condition.per == "run":
            return float(cadence.pipeline_run or 3600.0), "a value from each run"
        return math.inf, "a value from each event"

    def _kpi(self, store: StretchStore, name: str, stretch: Stretch, marks: tuple[PlotMark, ...]) -> Plotted:
        definition = self._deployment.kpis.kpis[name]
        self._kpis.read(store, stretch.begin.timestamp(), stretch.end.timestamp())
        console = self._deployment.console
        longest = HISTORY_EVERY + 2 * float(console.cadence.sample * console.stale_after)
        columns = in_columns(self._kpis.of(name), stretch, longest)
        limits = (("warning", definition.warning), ("critical", definition.critical))
        return Plotted(
            name=name,
            title=definition.title,
            unit=definition.unit,
            decimals=definition.decimals,
            stretch=stretch,
            columns=columns,
            limits=tuple((word, float(limit)) for word, limit in limits if limit is not None),
            worse_when=definition.worse_when,
            from_zero=False,
            longest=longest,
            source="as published, looked at every minute",
            newest_at=_newest(columns, stretch),
            marks=marks,
        )

    def _marks(self, store: StretchStore, stretch: Stretch) -> tuple[PlotMark, ...]:
        """Alerts and operations that touch the stretch, in order of time."""
        self._follow(store)
        found = [
            PlotMark("alert", one.condition, one.text, one.since, one.until, one.level == "C")
            for one in fired_of(self._alerts)
        ]
        for item in list_operations(self._deployment.paths.operations):
            if item.kind != "validate" and item.started is not None:
                said = f"{item.release_from} to {item.release_to} {state_word(item)}"
                ended = item.ended if item.ended is not None or item.alive else item.started
                loud = not well(item) and item.state not in ("RUNNING", "HOLDING")
                found.append(PlotMark("operation", item.id, said, item.started, ended, loud))
        seen = [one for one in found if one.since <= stretch.end and (one.until is None or one.until >= stretch.begin)]
        return tuple(sorted(seen, key=lambda one: (one.since, one.name)))

    def _follow(self, store: StretchStore) -> None:
        """Alerts of the trail, as far as it stands now; what is damaged tells of none."""
        if self._tail is None:
            begun = begin(self._deployment.paths.events, store)
            self._tail, self._alerts = begun.tail, [one for one in begun.records if _of_alert(one)]
        while True:
            try:
                new = self._tail.new_records(BITE)
            except DamagedRecord:
                continue
            except OSError as error:
                raise Refused(f"audit trail: {harmless(error)}", "try again") from error
            if not new:
                return
            self._alerts += [one for one in new if _of_alert(one)]


def _limits(condition: Condition) -> list[tuple[str, float]]:
    tiers = (("warning", condition.warning), ("critical", condition.critical), ("roll back", condition.rollback))
    return [(word, tier.enter) for word, tier in tiers if tier is not None]


def _of_alert(record: Record) -> bool:
    return str(record.get("kind")).startswith("alert.")


def _newest(columns: tuple[Column, ...], stretch: Stretch) -> datetime | None:
    if not columns:
        return None
    return min(stretch.begin + timedelta(seconds=stretch.step * (columns[-1].index + 1)), stretch.end)
