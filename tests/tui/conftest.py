"""A console on hand-made states, with an engine that only notes what it was asked."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pytest
import states
from plans import CUTOVER, ROLLBACK

from engine.errors import OpsError
from engine.operations.plan import Plan
from engine.state.model import State
from tui.app import ConsoleApp
from tui.glyphs import UNICODE


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
    go: threading.Event = field(default_factory=threading.Event)

    def plan_rollback(self) -> Plan:
        return self.rollback

    def plan_cutover(self) -> Plan:
        return self.cutover

    def launch(self, plan: Plan, reason: str) -> FakeAccepted:
        self.asked.append(("launch", plan.kind, reason))
        if self.refuse is not None:
            raise self.refuse
        return FakeAccepted(f"0004-{plan.kind}", 5120)

    def validate(self) -> FakeAccepted:
        self.asked.append(("validate",))
        return FakeAccepted("0005-validate", 5121)

    def rehearse(self) -> int:
        self.asked.append(("rehearse",))
        return 5122

    def abort(self, operation: str) -> None:
        self.asked.append(("abort", operation))

    def tick(self, key: str, measured: str, note: str) -> None:
        self.asked.append(("tick", key, measured, note))

    def override(self, key: str, reason: str) -> None:
        self.asked.append(("override", key, reason))

    def note(self, text: str) -> None:
        self.asked.append(("note", text))

    def acknowledge(self, condition: str, reason: str) -> None:
        self.asked.append(("acknowledge", condition, reason))

    def take_watch(self) -> None:
        self.asked.append(("take_watch",))

    def ensure_monitor(self) -> int | None:
        self.asked.append(("ensure_monitor",))
        return None


@pytest.fixture
def actions() -> FakeActions:
    return FakeActions()


@pytest.fixture
def make_app(actions: FakeActions) -> Iterator[Callable[..., ConsoleApp]]:
    """Build a console on a state; its clock stands still at the state's time."""

    def make(state: State = states.WARNING, **more: Any) -> ConsoleApp:
        now: Callable[[], datetime] = more.pop("now", lambda: states.NOW)
        fields = {"root": "/srv/abaco", "target": "v1", "glyphs": UNICODE, "now": now, **more}
        return ConsoleApp(make_reader=lambda: FakeReader(state), actions=actions, **fields)

    yield make
