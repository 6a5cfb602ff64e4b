"""A rule test played: the monitor's own pure functions on written series, with a clock of its own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import msgspec

from engine.clock import Instant, pretty_duration
from engine.config import Deployment
from engine.monitoring.decision import Situation, decide
from engine.monitoring.growth import percent_per_hour
from engine.monitoring.interruption import interruption
from engine.monitoring.judgement import NO_DATA, Circumstances, judge
from engine.monitoring.model import ConditionReading
from engine.monitoring.process_source import GROWTH, MEMORY, PROCESS_METRICS
from engine.monitoring.reading import Missing, Nothing, Reading, Value
from engine.monitoring.rule_files import Case, Expectation
from engine.monitoring.rule_series import Happening
from engine.monitoring.run_source import ERRORS, RUN_METRICS
from engine.monitoring.runs import Run, error_rate
from engine.monitoring.watched import Watched, after_break, after_reboot

_START = datetime(2026, 1, 31, 2, 0, tzinfo=UTC)
_BOOT = 100_000.0
"""The machine runs for a day already when a test begins."""
_BOOTING = 30.0
_NONE = "none"
_AROUND = 3
"""Samples shown before and after the moment of an expectation that was not met."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What stood after one tick."""

    time: float
    conditions: dict[str, ConditionReading]
    verdict: str
    why: str


@dataclass(frozen=True, slots=True)
class Unmet:
    """An expectation that was not met."""

    line: int
    what: str
    """``MEM at 12m: firing``."""
    expected: str
    found: str
    around: str


def play(deployment: Deployment, case: Case) -> tuple[Unmet, ...]:
    """What was expected and not found; empty when all was."""
    stage = _Stage(deployment, case)
    unmet: list[Unmet] = []
    waiting = list(case.expect)
    last = stage.tick(0.0)
    for time in stage.times(waiting[-1][1].at):
        while waiting and waiting[0][1].at < time:
            line, wanted = waiting.pop(0)
            unmet += _compare(stage, line, wanted, last)
        last = stage.tick(time)
    for line, wanted in waiting:
        unmet += _compare(stage, line, wanted, last)
    return tuple(unmet)


class _Stage:
    """The made-up machine: its clocks, its processes, and what the monitor remembers."""

    def __init__(self, deployment: Deployment, case: Case) -> None:
        self.case = case
        self.deployment = _paced(deployment, case)
        self._conditions = self.deployment.monitoring.conditions
        self._gap = case.interval * deployment.console.stale_after
        self._watched: dict[str, Watched] = {}
        self._release = case.release
        self._process = 1
        self._born = _BOOT
        self._boot_of = (0.0, _BOOT)
        self._step = 0.0
        self._data_loss = False
        self._last: Instant | None = None
        self._grace = 0.0
        self._settled = _BOOT + float(self.deployment.console.cadence.first_run)
        self._fed = -1
        self._memory: list[tuple[float, float]] = []
        self._runs: list[Run] = []
        self._events = list(case.events)
        self._quiet = _quiet_times(case.events)
        self.shown: dict[str, list[tuple[float, float | None]]] = {}

    def times(self, until: float) -> Iterator[float]:
        """The ticks after the first one, up to ``until``; none while the machine sleeps or no monitor runs."""
        number = 1
        while (time := number * self.case.interval) <= until:
            if not any(begin < time < end for begin, end in self._quiet):
                yield time
            number += 1

    def tick(self, time: float) -> Seen:
        """One tick of the monitor."""
        while self._events and self._events[0].at <= time:
            self._happens(self._events.pop(0))
        now = self._now(time)
        self._look_at_the_clocks(now)
        readings = self._readings(time, now)
        circumstances = Circumstances(
            now, self._release, self.case.run_every, now.boot >= self._grace, now.boot >= self._settled, self._data_loss
        )
        self._watched, read = judge(self.deployment, self._watched, readings, circumstances)
        old = self.deployment.console.releases.old
        situation = Situation(read, self._release, "", self._release == old, old, now.wall)
        verdict, _ = decide(self.deployment.monitoring.matrix, situation)
        self._last = now
        return Seen(time, {reading.id: reading for reading in read}, verdict.word, verdict.why)

    # ---- time

    def _now(self, time: float) -> Instant:
        since, boot = self._boot_of
        return Instant(_START + timedelta(seconds=time + self._step), boot + time - since)

    def _look_at_the_clocks(self, now: Instant) -> None:
        if self._last is None:
            return
        passed = now.boot - self._last.boot
        if interruption(passed, (now.wall - self._last.wall).total_seconds(), self._gap) is not None:
            self._watched = {name: after_break(one) for name, one in self._watched.items()}
            self._grace = now.boot + self.deployment.monitoring.sustained.grace

    def _happens(self, event: Happening) -> None:
        if event.kind == "step":
            self._step += event.seconds
        elif event.kind == "release":
            self._release = event.name
            self._new_process(event.at)
        elif event.kind == "restart":
            self._new_process(event.at)
        elif event.kind == "reboot":
            self._boot_of = (event.at, _BOOTING)
            self._watched = {name: after_reboot(one) for name, one in self._watched.items()}
            self._last, self._grace = None, 0.0
            self._new_process(event.at)
        elif event.kind in ("monitor restart", "monitor down"):
            packed = msgspec.json.encode(self._watched)  # what a monitor leaves to the next one, and nothing else
            self._watched = msgspec.json.decode(packed, type=dict[str, Watched])
            self._last = None
            self._settle(event.at + event.seconds)
        elif event.kind == "operation":
            self._settle(event.at + event.seconds)
        elif event.kind in ("data loss", "data whole"):
            self._data_loss = event.kind == "data loss"

    def _new_process(self, at: float) -> None:
        self._process += 1
        self._born = self._now(at).boot
        self._memory.clear()
        self._settle(at)

    def _settle(self, at: float) -> None:
        """A start or an operation explains for a while why values are missing."""
        self._settled = self._now(at).boot + float(self.deployment.console.cadence.first_run)

    # ---- what is measured

    def _readings(self, time: float, now: Instant) -> dict[str, Reading]:
        runs = self._runs_until(time)
        readings: dict[str, Reading] = {}
        for name, condition in self._conditions.items():
            if condition.metric in self.case.series:
                steps = runs if condition.per == "run" else [round(time / self.case.interval)]
                readings[condition.metric] = self._given(name, steps, now, time)
        if MEMORY in self.case.series and GROWTH not in self.case.series:
            readings[GROWTH] = self._grown(readings.get(MEMORY), now)
        if "rows" in self.case.series:
            readings[ERRORS] = self._errors(runs, now, time)
        return readings

    def _runs_until(self, time: float) -> list[int]:
        """Numbers of the runs that ended since the last tick. Those while the machine slept never took place."""
        last = int(time / self.case.run_every + 1e-9)
        asleep = [(e.at, e.at + e.seconds) for e in self.case.events if e.kind == "suspend"]
        new = [
            number
            for number in range(self._fed + 1, last + 1)
            if not any(begin < number * self.case.run_every < end for begin, end in asleep)
        ]
        self._fed = last
        return new

    def _given(self, name: str, steps: list[int], now: Instant, time: float) -> Reading:
        condition = self._conditions[name]
        every = self.case.run_every if condition.per == "run" else self.case.interval
        values = []
        for step in steps:
            value = self.case.series[condition.metric].at(step)
            self.shown.setdefault(condition.metric, []).append((step * every, value))
            if value is not None:
                values.append(self._value(condition.metric, value, now, time - step * every))
        if values:
            return tuple(values)
        return Nothing() if condition.per != "sample" else Missing("the test gives no sample")

    def _value(self, metric: str, value: float, now: Instant, ago: float) -> Value:
        own = f"{self._release}:{self._process}"
        era = own if metric in (*PROCESS_METRICS, *RUN_METRICS) else self._release
        return Value(value, now.wall - timedelta(seconds=ago), now.boot - ago, era)

    def _grown(self, reading: Reading | None, now: Instant) -> Reading:
        growth = self.deployment.monitoring.growth
        if isinstance(reading, tuple) and now.boot >= self._born + growth.skip:
            self._memory += [(value.boot, value.value) for value in reading]
        self._memory = [point for point in self._memory if point[0] >= now.boot - growth.window]
        slope = percent_per_hour(self._memory, growth.window)
        if slope is None:
            return Missing(f"needs {growth.window / 60:g} min of one warm process", needed=False)
        self.shown.setdefault(GROWTH, []).append((self._time(now), round(slope, 3)))
        return (self._value(GROWTH, slope, now, 0.0),)

    def _errors(self, runs: list[int], now: Instant, time: float) -> Reading:
        rules = self.deployment.monitoring.errors
        values: list[Value] = []
        low_volume = ""
        for number in runs:
            rows, errors = self.case.series["rows"].at(number), self.case.series["errors"].at(number)
            if rows is None or errors is None:
                continue
            value = self._value(ERRORS, 0.0, now, time - number * self.case.run_every)
            self._runs.append(Run("", self._release, value.wall, value.wall, rows=int(rows), errors=int(errors)))
            found = error_rate(self._runs, value.wall, rules.window, rules.minimum_attempts)
            low_volume = found if isinstance(found, str) else ""
            if isinstance(found, float):
                values.append(msgspec.structs.replace(value, value=found))
                self.shown.setdefault(ERRORS, []).append((number * self.case.run_every, round(found, 4)))
        if low_volume:
            return Missing(low_volume, at_once=True)
        return tuple(values) if values else Nothing()

    def _time(self, now: Instant) -> float:
        since, boot = self._boot_of
        return now.boot - boot + since


def _paced(deployment: Deployment, case: Case) -> Deployment:
    """The deployment at the pace of the test: holds as they are written, and only what has a series is judged."""
    console, monitoring = deployment.console, deployment.monitoring
    profile = msgspec.structs.replace(console.cadence, sample=case.interval, pipeline_run=case.run_every)
    console = msgspec.structs.replace(console, profiles={console.profile: profile}, time_scale=1.0)
    given = {*case.series, NO_DATA}
    if MEMORY in given:
        given.add(GROWTH)
    if "rows" in given:
        given.add(ERRORS)
    conditions = {name: one for name, one in monitoring.conditions.items() if one.metric in given}
    return replace(deployment, console=console, monitoring=msgspec.structs.replace(monitoring, conditions=conditions))


def _quiet_times(events: tuple[Happening, ...]) -> list[tuple[float, float]]:
    return [(e.at, e.at + e.seconds) for e in events if e.kind in ("suspend", "monitor down")]


def _compare(stage: _Stage, line: int, wanted: Expectation, seen: Seen) -> Iterator[Unmet]:
    at = f"at {said(wanted.at)}"
    reading = seen.conditions.get(wanted.condition) if wanted.condition is not None else None
    if wanted.condition is not None and reading is None:
        yield Unmet(line, f"{wanted.condition} {at}", "a series for it", "none in the test's input", "")
    if reading is not None:
        around = _samples_around(stage, reading.id, seen.time)
        for name, expected, found in _differences(wanted, reading):
            yield Unmet(line, f"{reading.id} {at}: {name}", expected, f"{found} ({reading.evidence})", around)
    if wanted.verdict is not None and wanted.verdict != seen.verdict:
        around = _samples_around(stage, wanted.condition, seen.time) if wanted.condition else ""
        yield Unmet(line, f"verdict {at}", wanted.verdict, f"{seen.verdict} ({seen.why})", around)


def _differences(wanted: Expectation, reading: ConditionReading) -> Iterator[tuple[str, str, str]]:
    pairs = (
        ("firing", wanted.firing, reading.firing or _NONE),
        ("pending", wanted.pending, reading.pending or _NONE),
        ("level", wanted.level, reading.level),
        ("flapping", wanted.flapping, reading.flapping),
    )
    for name, expected, found in pairs:
        if expected is not None and expected != found:
            yield name, _word(expected), _word(found)
    if wanted.held is not None and abs(wanted.held - reading.held) > 0.001:
        yield "held", said(wanted.held), said(reading.held)


def _samples_around(stage: _Stage, condition: str, time: float) -> str:
    metric = stage.deployment.monitoring.conditions[condition].metric
    known = stage.shown.get(metric, [])
    before = [one for one in known if one[0] <= time][-_AROUND:]
    rest = []
    series = stage.case.series.get(metric)
    if series is not None:
        per = stage.deployment.monitoring.conditions[condition].per
        every = stage.case.run_every if per == "run" else stage.case.interval
        first = int(time / every + 1e-9) + 1
        rest = [(k * every, series.at(k)) for k in range(first, first + _AROUND)]
    shown = [f"{said(at)} {'_' if value is None else f'{value:g}'}" for at, value in [*before, *rest]]
    return " | ".join(shown)


def said(seconds: float) -> str:
    """A moment of a test as it is written there: ``12m``, ``1h30m``, ``55s``."""
    if seconds != int(seconds):
        return pretty_duration(seconds)
    hours, rest = divmod(int(seconds), 3600)
    minutes, left = divmod(rest, 60)
    parts = [(hours, "h"), (minutes, "m"), (left, "s")]
    return "".join(f"{number}{unit}" for number, unit in parts if number) or "0s"


def _word(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
