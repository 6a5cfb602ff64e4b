"""A worker's hold on an operation without any process: steps and services are made by hand."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime

from engine.clock import Clock
from engine.config import Deployment
from engine.operations.plan import Orders, Plan
from engine.operations.work import Work
from engine.records import make_directory
from engine.services.protocol import Identity, ServiceStatus, StopResult

ME = Identity(4_000_000, 1, "a boot")


def plan(kind: str = "cutover", **changes: object) -> Plan:
    fields: dict[str, object] = {
        "kind": kind,
        "release_from": "v1" if kind == "cutover" else "v2",
        "release_to": "v2" if kind == "cutover" else "v1",
        "build_from": "a" * 64,
        "build_to": "b" * 64,
        "config_now": "c" * 64,
        "config_then": "d" * 64,
        "changes": (),
        "snapshot": None,
        "snapshot_at": None,
        "snapshot_files": 0,
        "snapshot_bytes": 0,
        "sets_aside_runs": 0,
        "sets_aside_files": 0,
        "sets_aside_bytes": 0,
        "not_covered": (),
        "steps": (),
        "evidence": (),
        "expected_seconds": None,
        "basis": "",
        "made_at": datetime(2026, 1, 31, tzinfo=UTC),
    }
    return Plan(**{**fields, **changes})  # type: ignore[arg-type]


def work_on(
    deployment: Deployment, clock: Clock, kind: str = "cutover", accept_warn: tuple[str, ...] = (), **changes: object
) -> Work:
    """An operation that has just been accepted."""
    name = f"0001-{kind}"
    make_directory(deployment.paths.operation(name) / "requests")
    orders = Orders(name, plan(kind, **changes), "tester", "local", "because", accept_warn)
    work = Work(deployment, orders, clock, lambda _text: None)
    work.record("planned", operation_kind=kind, release_from="v1", release_to="v2", actor="tester", steps=[])
    work.record("worker", pid=work.me.pid, start_time=work.me.start_time, boot_id=work.me.boot_id)
    work.record("accepted")
    return work


@dataclass
class HandService:
    """A service whose every answer is set by the test."""

    name: str = "service"
    state: str = "STOPPED"
    supervised: bool = False
    reason: str = ""
    stop_result: StopResult = field(default_factory=lambda: StopResult(True, False, 0.1))
    starts_as: str = "RUNNING"
    started: int = 0

    def status(self) -> ServiceStatus:
        identity = ME if self.state == "RUNNING" else None
        return ServiceStatus(self.name, self.state, identity, None, (), self.supervised, self.reason)  # type: ignore[arg-type]

    def start(self) -> ServiceStatus:
        self.started += 1
        self.state = self.starts_as
        return self.status()

    def stop(self) -> StopResult:
        if self.stop_result.stopped:
            self.state = "STOPPED"
        return self.stop_result

    def obstacle(self) -> str:
        return ""

    def refusal(self) -> str:
        return ""

    def last_lines(self, count: int) -> list[str]:
        return ["said this last"][:count]
