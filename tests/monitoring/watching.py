"""A monitor on made-up surroundings: services and runs as a test wants them, real files, a clock moved by hand."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from engine.clock import boot_id, iso
from engine.config import Deployment, load_deployment
from engine.monitoring.model import Evaluation
from engine.monitoring.monitor import Monitor
from engine.monitoring.store import SampleStore
from engine.monitoring.surroundings import Active
from engine.records import append_event, append_line
from engine.services.protocol import Identity, ServiceStatus


@cache
def a_small_process() -> int:
    """A pid to measure that stays as it is: the process of the tests grows with every test. It ends with its pipe."""
    return subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL).pid


KPIS = {"PAR30": 2.2, "PAR90": 0.3, "CollectionRate": 12.0, "PortfolioHealth": 10.0}


@dataclass
class Stage:
    """What the monitor meets: one release that runs, measured on a small process, or does not."""

    release: str | None = "v1"
    configured: str = "v1"
    state: str = "RUNNING"
    reason: str = ""
    restarts: tuple[datetime, ...] = ()
    since: datetime | None = None
    operating: str = ""
    pids: Sequence[int] = field(default_factory=lambda: (a_small_process(),))
    start_time: int = 100

    def active(self) -> Active:
        return Active(
            self.release, "" if self.release else f"{self.configured} is configured, none runs", self.configured
        )

    def status(self, release: str) -> ServiceStatus:
        runs = self.state == "RUNNING" and release == self.configured
        identity = Identity(os.getpid(), self.start_time, boot_id()) if runs else None
        state: Any = self.state if release == self.configured else "STOPPED"
        return ServiceStatus(f"abaco-{release}", state, identity, self.since, self.restarts, True, self.reason)

    def members(self, identity: Identity) -> Sequence[int]:
        return self.pids

    def operation(self) -> str:
        return self.operating


class Started:
    """In place of real children: what would have been started."""

    def __init__(self) -> None:
        self.commands: list[str] = []
        self.busy: set[str] = set()

    def running(self, name: str) -> bool:
        return name in self.busy

    def start(self, name: str, command: Sequence[str], *, until: float) -> None:
        self.commands.append(name)

    def ended(self, now: float) -> list[Any]:
        return []

    def stop(self) -> None:
        pass


class Watching:
    """One deployment under watch."""

    def __init__(self, deployment: Deployment, clock: Any) -> None:
        self.deployment = deployment
        self.clock = clock
        self.stage = Stage(since=clock.now().wall)
        self.runs = 0
        self.started = Started()
        self.monitor = self._new()

    def _new(self) -> Monitor:
        monitor = Monitor(self.deployment, self.stage, SampleStore(self.deployment.paths.samples), self.clock)
        monitor.round.errands.children = self.started  # type: ignore[assignment]
        return monitor

    def restart(self) -> None:
        self.monitor.stop()
        self.monitor = self._new()

    def run(
        self, *, kpis: dict[str, float | None] = KPIS, tape: str = "t1", events: bool = True, **changes: Any
    ) -> str:
        """One run of the pipeline that ends now: its output, its events, its record."""
        self.runs += 1
        run_id, release, now = f"{self.runs:032x}", self.stage.configured, self.clock.now().wall
        path = self.deployment.metrics / f"kpis_{release}_{self.runs:06d}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        shown = {
            name: {"value": value, "unit": "%", "reason": None if value is not None else "empty"}
            for name, value in kpis.items()
        }
        by = [{"measurement_date": f"2025-{month:02d}-28", "rows": 500, "kpis": shown} for month in (1, 2, 3)]
        path.write_text(json.dumps({"run_id": run_id, "measurement_date": "2025-03-28", "kpis": shown, "by": by}))
        if events:
            for kind in ("run.started", "run.finished"):
                self.event(kind, run_id=run_id, release=release)
        record = {
            "v": 1,
            "run_id": run_id,
            "release": release,
            "incarnation": {"pid": os.getpid(), "start_time": self.stage.start_time, "boot_id": boot_id()},
            "started": iso(now - timedelta(seconds=0.2)),
            "ended": iso(now),
            "rows": 1000,
            "errors": 0,
            "latency_ms": 0.65,
            "tape_sha256": hashlib.sha256(tape.encode()).hexdigest(),
            "outputs": [{"path": path.relative_to(self.deployment.root).as_posix(), "sha256": "", "bytes": 1}],
            "audit_events": 2,
            "status": "ok",
            "error": None,
        }
        self.deployment.paths.runs.parent.mkdir(parents=True, exist_ok=True)
        append_line(self.deployment.paths.runs, {**record, **changes})
        return run_id

    def event(self, kind: str, /, **data: Any) -> None:
        append_event(self.deployment.paths.events, kind, data, source="test", actor="A. Moreno", clock=self.clock)

    def validated(
        self,
        status: str = "PASS",
        *,
        tape: str = "t1",
        live: bool = True,
        data_loss: bool = False,
        occasion: str = "",
        issues: Sequence[str] = (),
        **checks: str,
    ) -> None:
        names = ("kpi_calculations", "data_integrity", "performance", "error_handling", "audit_trail")
        self.event(
            "validation.finished",
            status=status,
            release=self.stage.configured,
            checks={name: checks.get(name, "PASS") for name in names},
            scheduled=bool(occasion),
            occasion=occasion,
            live=live,
            tape_sha256=hashlib.sha256(tape.encode()).hexdigest(),
            data_loss=data_loss,
            issues=list(issues),
            boot_id=boot_id(),
        )

    def cut_over(self, *, validated: bool = True) -> None:
        """A cutover validates the new release before it ends."""
        self.start("v2")
        if validated:
            self.validated()
        self.event("operation.ended", kind="cutover", state="SUCCEEDED", seconds=4.0)

    def roll_back(self) -> None:
        self.start("v1")
        self.event("operation.ended", kind="rollback", state="SUCCEEDED", seconds=2.0)

    def start(self, release: str) -> None:
        """Another process of this release runs, its configuration active."""
        self.clock.advance(0.1)
        self.stage.release = self.stage.configured = release
        self.stage.start_time = int(self.clock.now().boot * os.sysconf("SC_CLK_TCK"))
        self.stage.since = self.clock.now().wall

    def tick(self, count: int = 1, *, runs_every: int = 5, **run: Any) -> Evaluation:
        """``count`` ticks a second apart; a run in each fifth of them (0: none)."""
        evaluation = None
        for number in range(count):
            self.clock.advance(1.0)
            if runs_every and number % runs_every == 0:
                self.run(**run)
            evaluation = self.monitor.tick()
        assert evaluation is not None
        return evaluation

    def log(self) -> list[str]:
        path: Path = self.deployment.paths.monitoring_log
        return path.read_text().splitlines() if path.exists() else []


def rescaled(deployment: Deployment, scale: float) -> Deployment:
    """The same deployment with another ``time_scale``: holds and slots divided by it."""
    path = deployment.paths.config / "console.yml"
    text = path.read_text()
    assert "time_scale: 1 " in text
    path.write_text(text.replace("time_scale: 1 ", f"time_scale: {scale:g} "))
    return load_deployment(deployment.root)


def condition(evaluation: Evaluation, name: str) -> Any:
    return next(reading for reading in evaluation.conditions if reading.id == name)


def row(evaluation: Evaluation, verdict: str) -> Any:
    return next(found for found in evaluation.matrix if found.verdict == verdict)
