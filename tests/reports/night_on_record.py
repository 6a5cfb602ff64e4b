"""A night after a cutover as its records would have it: 24 hours of the schedule in one real hour (time_scale 24)."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from msgspec.structs import replace

from engine.clock import Instant, boot_id, iso
from engine.config import Deployment, load_deployment
from engine.monitoring.evidence import Evidence
from engine.monitoring.facts import Facts, fold
from engine.monitoring.gates import courses, open_gates
from engine.monitoring.model import (
    Alert,
    ConditionReading,
    Evaluation,
    Hourly,
    KpiReading,
    MatrixRow,
    ResourceReading,
    Verdict,
)
from engine.monitoring.schedule import Calendar
from engine.monitoring.standing import Hour, Standing, began, fired
from engine.monitoring.store import Measured, SampleStore
from engine.operations.journal import Journal
from engine.records import Tail, append_event, append_line

SCALE = 24.0
HOUR = 3600.0 / SCALE
"""Real seconds of one hour of the schedule."""
CHECKS = ("kpi_calculations", "data_integrity", "performance", "error_handling", "audit_trail")


def scaled(deployment: Deployment) -> Deployment:
    path = deployment.paths.config / "console.yml"
    path.write_text(path.read_text().replace("time_scale: 1 ", f"time_scale: {SCALE:g} "))
    return load_deployment(deployment.root)


class Night:
    """Writes one; every hour of the schedule can be told what went wrong in it."""

    def __init__(self, deployment: Deployment, clock: Any) -> None:
        self.deployment = scaled(deployment)
        self.clock = clock
        self.paths = self.deployment.paths
        self.cutover_at: datetime = clock.now().wall
        self.store = SampleStore(self.paths.samples)
        self.facts = Facts()
        self.standing = Standing()
        self._tail = Tail.from_offset(self.paths.events, 0)

    def event(self, kind: str, /, operation: str | None = None, **data: Any) -> None:
        append_event(
            self.paths.events, kind, data, source="test", actor="A. Moreno", operation=operation, clock=self.clock
        )

    def raw(self, kind: str, data: dict[str, Any]) -> None:
        """Any event at all."""
        append_event(self.paths.events, kind, data, source="test", actor="A. Moreno", clock=self.clock)

    def begin(self, name: str, steps: tuple[str, ...]) -> Journal:
        """An operation that has been accepted and has done nothing yet."""
        kind = name.partition("-")[2]
        way = ("v1", "v2") if kind == "cutover" else ("v2", "v1")
        directory = self.paths.operation(name)
        directory.mkdir(parents=True)
        journal = Journal(directory, self.clock)
        planned = [{"name": step, "title": step.replace("_", " "), "phase": "3 switch"} for step in steps]
        fields = {"operation_kind": kind, "release_from": way[0], "release_to": way[1]}
        journal.write("planned", steps=planned, actor="A. Moreno", origin="10.0.4.7", reason="release 2.0", **fields)
        journal.write("accepted")
        self.event("operation.accepted", operation=name, kind=kind, reason="release 2.0")
        return journal

    def operate(self, name: str, *, steps: tuple[str, ...] = ("stop_old", "start_new"), seconds: float = 4.0) -> None:
        """One operation that succeeds: its journal and its events."""
        journal = self.begin(name, steps)
        for step in steps:
            journal.write("intent", step=step, title=step.replace("_", " "))
            self.clock.advance(seconds / len(steps))
            journal.write(
                "done", step=step, title=step.replace("_", " "), seconds=seconds / len(steps), detail="as planned"
            )
        journal.write("ended", state="SUCCEEDED")
        self.event("operation.ended", operation=name, kind=name.partition("-")[2], state="SUCCEEDED", seconds=seconds)

    def cut_over(self) -> None:
        self.measure(2 * HOUR, release="v1")
        self.operate("0001-cutover")
        self.cutover_at = self.clock.now().wall

    def validate(self, status: str = "PASS", *, scheduled: bool = True, occasion: str = "", **checks: str) -> None:
        self.event(
            "validation.finished",
            status=status,
            release="v2",
            checks={name: checks.get(name, "PASS") for name in CHECKS},
            scheduled=scheduled,
            occasion=occasion,
            live=True,
            report="logs/validation_x.json",
            boot_id=boot_id(),
        )

    def hour(self, status: str | None = "PASS", *, sampled: bool = True, **state: Any) -> None:
        """An hour of the watch, then the validation that is due at its end."""
        self.measure(HOUR, sampled=sampled, **state)
        if status is not None:
            self.clock.advance(0.3)
            self.validate(status)

    def whole(self) -> None:
        """24 hours in which nothing was wrong, and the moment after them."""
        self.cut_over()
        for _ in range(24):
            self.hour()
        self.measure(30.0)

    def measure(self, seconds: float, *, sampled: bool = True, **state: Any) -> None:
        """Samples every 3 s and a state of the console every 30 s."""
        until = self.clock.now().boot + seconds
        while self.clock.now().boot < until:
            samples = []
            for _ in range(min(10, int((until - self.clock.now().boot) / 3.0) + 1)):
                self.clock.advance(min(3.0, max(until - self.clock.now().boot, 0.001)))
                samples += [self._sample(metric, value) for metric, value in _VALUES.items()]
            if sampled:
                self.store.append(samples, self.evaluation(**state))

    def _sample(self, metric: str, value: float) -> Measured:
        now = self.clock.now()
        return Measured(metric, value + (now.boot % 7) / 100, Instant(now.wall, now.boot), "e")

    def evaluation(
        self, *, word: str = "CONTINUE", release: str = "v2", why: str = "everything on target", **more: Any
    ) -> Evaluation:
        now = self.clock.now()
        since = self.cutover_at if release == "v2" else None
        hours = int((now.wall - self.cutover_at).total_seconds() / HOUR) if since else 0
        made = Evaluation(
            v=1,
            at=now.wall,
            boot=now.boot,
            boot_id=boot_id(),
            pid=4711,
            cadence=1.0,
            release=release,
            release_reason="",
            verdict=Verdict(word, why, "", ""),  # type: ignore[arg-type]
            conditions=tuple(_condition(name, now.wall) for name in self.deployment.monitoring.conditions),
            matrix=tuple(
                MatrixRow(row.verdict, row.verdict == word, "so it was", 2.0, row.when, row.action, ())
                for row in self.deployment.monitoring.matrix
            ),
            kpis=tuple(_kpi(name, value, now.wall) for name, value in KPIS.items()),
            kpis_at=now.wall,
            measurement_date="2026-01-31",
            resources=(
                ResourceReading("MEM", "MEM", 105.0, "105 MB", 0.2, (), "ok", "< 200", None, now.wall, False),
                ResourceReading("LAT", "LAT", 0.6, "0.6 ms", 0.0, (), "ok", "< 100", None, now.wall, False),
            ),
            next_gate=None,
            hourly=Hourly(hours, hours, 24, None),
            alerts=(),
            baseline=None,
            cutover_at=since,
            paging=True,
            validation_running=False,
            problems=(),
        )
        return self._judged(replace(made, **more)) if since else replace(made, **more)

    def _judged(self, made: Evaluation) -> Evaluation:
        """With every open gate as the monitor judges it: nothing was wrong but what the test told of."""
        checklist, console = self.deployment.checklist, self.deployment.console
        self.facts = fold(self.facts, self._tail.new_records())
        self.standing = fired(self._watched(made.at), made.conditions, made.at)
        evidence = Evidence(
            calendar=Calendar(checklist, self.cutover_at, SCALE, made.at, self.facts.gone),
            release="v2",
            build="",
            conditions={one.id: one for one in made.conditions},
            kpis=made.kpis,
            validations=self.facts.validations,
            standing=self.standing,
            tested=self.facts.tested,
            open_lines=lambda _after, _until: (),
            unknown=made.verdict.why if made.verdict.word == "UNKNOWN" else "",
            monitoring=self.deployment.monitoring,
        )
        found = courses(checklist, self.cutover_at, made.at, float(console.time_scale), self.facts.decisions)
        gates = open_gates(found, evidence)
        return replace(made, gates=gates, next_gate=gates[0] if gates else None, standing=self.standing)

    def _watched(self, now: datetime) -> Standing:
        """A service that is up, whose runs all left their events, and whose hours are as the first."""
        before = self.standing if self.standing.since == self.cutover_at else began(self.cutover_at)
        passed = (now - self.cutover_at).total_seconds()
        hours = tuple(Hour(number, 0.6, 105.0, 25.0) for number in range(1, int(passed / HOUR) + 1))
        return replace(
            before,
            at=now,
            up=passed,
            runs=9,
            rows=9000,
            audited=9,
            log_from=self.cutover_at,
            first=hours[0] if hours else None,
            hours=hours[1:][-24:],
        )

    def incident(self, **changes: Any) -> None:
        """A rollback and the record that it leaves."""
        self.operate("0002-rollback", steps=("stop_new", "restore_metrics", "start_old"))
        facts = {
            "operation": "0002-rollback",
            "actor": "A. Moreno",
            "origin": "10.0.4.7",
            "reason": "PAR30 is wrong",
            "from": {"release": "v2", "build": "c03d77aa", "config": "19be40aa"},
            "to": {"release": "v1", "build": "a41f09aa", "config": "7c1e22aa"},
            "snapshot": "0002",
            "side_snapshot": "0003",
            "not_covered": [],
            "recorded_not_there": [],
            "passed_over": [],
            "warnings": [],
            "closes": [],
            "proof": {
                "files": 60,
                "bytes": 4096,
                "in_restored": 18,
                "in_set_aside": 42,
                "missing": [],
                "only_set_aside": ["data/metrics/kpis_v2_000001.json"],
                "only_in_snapshot": [],
                "complete": True,
            },
        }
        path = self.paths.operation("0002-rollback") / "incident.json"
        path.write_text(json.dumps({**facts, **changes}))

    def shadow(self) -> None:
        """V1 computed the tape in the shadow."""
        plain = {"unheld": {}, "reasons": {}, "seconds": 0.2, "reason": "", "stamp": "s", "tape_sha256": None}
        values = {name: round(value - 0.01, 2) for name, value in KPIS.items()}
        record = {"v": 1, "release": "v1", "build": "a41f09", "measurement_date": None, "values": values, **plain}
        append_line(self.paths.shadow, {**record, "at": iso(self.clock.now().wall)})


KPIS = {"PAR30": 2.21, "PAR90": 0.32, "CollectionRate": 11.97, "PortfolioHealth": 10.0}
_VALUES = {"kpi_latency_ms_per_1000_rows": 0.6, "error_rate_percent": 0.0, "memory_mb": 105.0, "cpu_percent": 25.0}


def alert(name: str, since: datetime) -> Alert:
    return Alert(name, "C", f"critical fires: {name} beyond its limit", since)


def fires(name: str, conditions: tuple[ConditionReading, ...]) -> tuple[ConditionReading, ...]:
    """The same conditions, one of them critical."""
    return tuple(replace(one, level="C", firing="critical") if one.id == name else one for one in conditions)


def _condition(name: str, at: datetime) -> ConditionReading:
    return ConditionReading(
        name, name.lower(), "ok", "", "", 1.0, "as it should be", 0.0, 0.0, "", "", "", (), "", at, False
    )


def _kpi(name: str, value: float, at: datetime) -> KpiReading:
    return KpiReading(
        name, name, value, value, "%", 2, "ok", 5.0, 8.0, "higher", None, "", (), "CRO", None, at, False, in_range=True
    )
