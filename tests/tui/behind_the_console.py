"""Who stands behind the console in its tests: a reader of made states, and actions that only note what was asked."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from plans import CUTOVER, ROLLBACK, WAYS_ON

from engine.errors import OpsError, Refused
from engine.monitoring.trace import Trace
from engine.operations.plan import Plan
from engine.operations.prospects import WaysOn
from engine.state.kept_screen import Shot
from engine.state.model import State
from engine.state.readiness import ReadyLine


@dataclass
class FakeReader:
    """Gives the state it was handed last."""

    state: State

    def read(self) -> State:
        return self.state


@dataclass(frozen=True)
class FakeAccepted:
    id: str
    pid: int


@dataclass
class FakeActions:
    """Notes every request; ``refuse`` makes the next launch fail with it."""

    asked: list[tuple[Any, ...]] = field(default_factory=list)
    refuse: OpsError | None = None
    rollback: Plan = ROLLBACK
    cutover: Plan = CUTOVER
    channels: tuple[str, ...] = ("log",)
    """Where a status update goes."""
    hangs: str = ""
    """What an abort answers when the worker does not."""
    traces: dict[str, Trace] = field(default_factory=dict)
    since: tuple[str, ...] = ()
    """What happened since, told to who takes the watch."""
    ready: tuple[ReadyLine, ...] = ()
    left: tuple[str, ...] = ()
    """What happened since the last console."""
    remembered: int = 0
    """How often it was noted that a console is open."""

    def plan_rollback(self) -> Plan:
        return self.rollback

    def plan_cutover(self) -> Plan:
        return self.cutover

    def launch(self, plan: Plan, reason: str, *, hold: bool = False) -> FakeAccepted:
        self.asked.append(("launch", plan.kind, reason, "hold") if hold else ("launch", plan.kind, reason))
        if self.refuse is not None:
            raise self.refuse
        return FakeAccepted(f"0004-{plan.kind}", 5120)

    def validate(self) -> FakeAccepted:
        self.asked.append(("validate",))
        return FakeAccepted("0005-validate", 5121)

    def rehearse(self) -> str:
        self.asked.append(("rehearse",))
        return "pid 5122"

    def go(self, operation: str, reason: str) -> None:
        self.asked.append(("go", operation, reason))

    def abort(self, operation: str) -> str:
        self.asked.append(("abort", operation))
        return self.hangs

    def ways_on(self, operation: str) -> WaysOn:
        self.asked.append(("ways_on", operation))
        return WAYS_ON

    def resume(self, operation: str) -> FakeAccepted:
        self.asked.append(("resume", operation))
        return FakeAccepted(operation, 5122)

    def resolve(self, operation: str, reason: str) -> str:
        self.asked.append(("resolve", operation, reason))
        return f"{operation} is closed (SUCCEEDED)"

    def tick(self, key: str, measured: str, note: str) -> None:
        self.asked.append(("tick", key, measured, note))

    def override(self, key: str, reason: str) -> None:
        self.asked.append(("override", key, reason))

    def note(self, text: str) -> None:
        self.asked.append(("note", text))

    def acknowledge(self, condition: str, reason: str, *, owner: str = "", lasts: float | None = None) -> None:
        more = (owner, lasts) if owner or lasts else ()
        self.asked.append(("acknowledge", condition, reason, *more))

    def silence(self, condition: str, lasts: float, reason: str) -> None:
        self.asked.append(("silence", condition, lasts, reason))

    def update_channels(self) -> tuple[str, ...]:
        return self.channels

    def send_update(self) -> str:
        self.asked.append(("send_update",))
        return "status update: log ok"

    def take_watch(self) -> list[str]:
        self.asked.append(("take_watch",))
        return list(self.since)

    def decide(self, gate: str, decision: str, note: str, waivers: Any) -> None:
        self.asked.append(("decide", gate, decision, note, tuple((one.criterion, one.second) for one in waivers)))

    def readiness(self) -> tuple[ReadyLine, ...]:
        return self.ready

    def report(self) -> str:
        self.asked.append(("report",))
        return "Hour 8 report: logs/reports/report_8h_20260131_100004.md"

    def trace(self, condition: str) -> Trace:
        self.asked.append(("trace", condition))
        if condition not in self.traces:
            raise Refused(f"{condition} has not been judged yet", "wait")
        return self.traces[condition]

    def since_left(self) -> list[str]:
        return list(self.left)

    def remember_here(self) -> None:
        self.remembered += 1

    def keep_screen(self, shot: Shot) -> str:
        self.asked.append(("keep_screen", shot))
        return "evidence: /srv/abaco/logs/evidence/x"

    def drill(self, fault: str) -> str:
        self.asked.append(("drill", fault))
        return f"DRILL {fault} has begun"

    def end_drill(self) -> str:
        self.asked.append(("end_drill",))
        return "the drill has ended"

    def restart_monitor(self) -> int | None:
        self.asked.append(("restart_monitor",))
        return 4712

    def ensure_monitor(self) -> int | None:
        self.asked.append(("ensure_monitor",))
        return None
