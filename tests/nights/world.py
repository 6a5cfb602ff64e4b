"""The deployment of one night: real files, a clock moved by hand, a pipeline that is played.

What is played is what the monitor asks others for: service status, process tree, free disk, and the commands that it
starts. Run records, audit trail, monitoring log and samples are real files, written and read by the real code.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parents[1])]

from story import Fault, Story  # noqa: E402

from engine.clock import Instant, boot_id, iso  # noqa: E402
from engine.config import Deployment, load_deployment  # noqa: E402
from engine.config.templates import write_config  # noqa: E402
from engine.monitoring import disk, errands, monitor, process_source  # noqa: E402
from engine.monitoring import round as rounds  # noqa: E402
from engine.monitoring.children import Ended  # noqa: E402
from engine.monitoring.log import MonitoringLog  # noqa: E402
from engine.monitoring.surroundings import Active  # noqa: E402
from engine.monitoring.tree import Usage  # noqa: E402
from engine.notify.courier import Courier  # noqa: E402
from engine.notify.message import Notice  # noqa: E402
from engine.records import append_event, append_line, lines  # noqa: E402
from engine.services.protocol import Identity, ServiceStatus  # noqa: E402

TICKS = os.sysconf("SC_CLK_TCK")
CORES = os.cpu_count() or 1
KPIS = {"PAR30": 2.2, "PAR90": 0.3, "CollectionRate": 12.0, "PortfolioHealth": 9.0}
CHECKS = ("kpi_calculations", "data_integrity", "performance", "error_handling", "audit_trail")
LATENCY, MEMORY, CPU, FREE = 0.65, 105.0, 20.0, 50e9
TAKES = {rounds.VALIDATION: 21.0, rounds.AFRESH: 21.0, errands.PROOF: 9.0, errands.SHADOW: 6.0}
"""Seconds that a command takes."""


class HandClock:
    """Moved by the night alone. ``boot`` is true time; ``wall`` may be stepped."""

    def __init__(self, wall: datetime) -> None:
        self.boot = 100_000.0
        self.wall = wall

    def now(self) -> Instant:
        return Instant(self.wall, self.boot)

    def advance(self, seconds: float) -> None:
        self.boot = round(self.boot + seconds, 3)
        self.wall += timedelta(milliseconds=round(seconds * 1000))


@dataclass
class RunSeen:
    """One line of the run records, and whether its events are in the audit trail."""

    id: str
    release: str
    process: float
    started: datetime
    ended: datetime
    rows: int
    errors: int
    latency_ms: float
    ok: bool
    tape: str
    kpis: dict[str, float]
    events: int
    """0: none, 1: only one of both, 2: both."""


@dataclass
class Validated:
    """One finished validation as the audit trail has it."""

    at: datetime
    boot: float
    release: str
    status: str
    integrity: str
    tape: str
    loss: bool
    scheduled: bool
    occasion: str = ""


@dataclass
class World:
    """Everything that is played."""

    story: Story
    deployment: Deployment
    clock: HandClock
    luck: random.Random
    release: str = "v1"
    configured: str = "v1"
    state: str = "RUNNING"
    process: float = 0.0
    """Boot time of the start of the release's process."""
    since: datetime | None = None
    restarts: tuple[datetime, ...] = ()
    cpu_seconds: float = 0.0
    tape: str = "t1"
    runs: list[RunSeen] = field(default_factory=list)
    validations: list[Validated] = field(default_factory=list)
    shadows: list[str] = field(default_factory=list)
    """Tapes that the old release has computed aside."""
    zero: float = 0.0
    """Boot time of the cutover."""
    next_run: float = 0.0
    lost: str = ""
    """What of this sample is lost: ``process``, ``status``, or nothing."""
    done: set[int] = field(default_factory=set)
    children: dict[str, tuple[float, bool]] = field(default_factory=dict)
    orphans: list[tuple[float, str]] = field(default_factory=list)
    begun: list[tuple[str, float, datetime]] = field(default_factory=list)
    gone: set[str] = field(default_factory=set)
    """Gates that people decided go."""
    occasions: dict[str, str] = field(default_factory=dict)
    """Why each validation that runs was begun, as the monitor said."""

    # ---- what the monitor asks

    def active(self) -> Active:
        if self.state == "RUNNING" and self.lost != "status":
            return Active(self.configured, "", self.configured)
        return Active(None, f"{self.configured} is configured, none runs", self.configured)

    def status(self, release: str) -> ServiceStatus:
        if release != self.configured:
            return ServiceStatus(f"abaco-{release}", "STOPPED", None, None, (), True, "")
        if self.lost == "status":
            return ServiceStatus(f"abaco-{release}", "UNSURE", None, None, (), True, "it did not answer")
        runs = self.state == "RUNNING"
        identity = Identity(os.getpid(), round(self.process * TICKS), boot_id()) if runs else None
        state: Any = self.state
        return ServiceStatus(f"abaco-{release}", state, identity, self.since, self.restarts, True, "")

    def members(self, identity: Identity) -> Sequence[int]:
        return (1,)

    def operation(self) -> str:
        return ""

    def usage(self, pids: Sequence[int]) -> Usage | None:
        if self.memory is None:
            return None
        return Usage(self.memory, self.cpu_seconds, 1, 1, resident_mb=self.memory)

    def free(self, path: Path) -> int:
        if self.free_bytes is None:
            raise OSError(5, "Input/output error")
        return int(self.free_bytes)

    # ---- what is true now

    @property
    def age(self) -> float:
        """True seconds since the cutover."""
        return self.clock.boot - self.zero

    def fault(self, kind: str) -> Fault | None:
        return next((f for f in self.story.faults if f.kind == kind and f.begin <= self.age < f.end), None)

    def worst(self, kind: str, usual: float) -> float:
        found = [value for f in self.story.faults if f.kind == kind and (value := f.at(self.age, usual)) is not None]
        return max(found, default=usual)

    @property
    def memory(self) -> float | None:
        if self.lost == "process" or self.fault("no_process"):
            return None
        return self.worst("memory", MEMORY)

    @property
    def free_bytes(self) -> float | None:
        if self.fault("disk_unreadable"):
            return None
        found = self.fault("disk")
        return found.value if found else FREE

    # ---- time

    def advance(self, seconds: float) -> None:
        """Let time pass: runs end, commands end, the service crashes."""
        until = round(self.clock.boot + seconds, 3)
        while True:
            at, act = min(self._ahead(), key=lambda item: item[0], default=(until, None))
            if act is None or at > until:
                break
            self._to(max(at, self.clock.boot))
            act()
        self._to(until)

    def _to(self, boot: float) -> None:
        passed = boot - self.clock.boot
        if self.state == "RUNNING":
            self.cpu_seconds += self.worst("cpu", CPU) / 100 * CORES * passed
        self.clock.advance(passed)

    def suspend(self, seconds: float) -> None:
        """The machine sleeps: time passes, and nothing happens."""
        self.clock.advance(seconds)
        self.next_run = max(self.next_run, self.clock.boot + 1)

    def step(self, seconds: float) -> None:
        self.clock.wall += timedelta(milliseconds=round(seconds * 1000))

    def _ahead(self) -> Iterator[tuple[float, Any]]:
        yield self.next_run, self._run
        for name, (at, ended) in self.children.items():
            if not ended:
                yield at, lambda name=name: self._child_ends(name)
        for index, (at, name) in enumerate(self.orphans):
            yield at, lambda index=index, name=name: (self.orphans.pop(index), self._command_done(name))
        for number, fault in enumerate(self.story.faults):
            if self.release != "v2":
                break
            if fault.kind in ("crash", "gives_up", "stopped", "tape") and number not in self.done:
                yield self.zero + fault.begin, lambda number=number, fault=fault: self._strike(number, fault)
            if fault.kind in ("gives_up", "stopped") and number in self.done and -number - 1 not in self.done:
                yield self.zero + fault.end, lambda number=number: self._by_hand(number)

    def _strike(self, number: int, fault: Fault) -> None:
        self.done.add(number)
        if fault.kind == "tape":
            self.tape = f"t{number + 2}"
            self.deployment.tape.write_text(self.tape * (number + 2))
            return
        if self.state != "RUNNING":
            self.done.add(-number - 1)
            return
        if fault.kind == "crash":
            for back in range(int(fault.value) - 1):
                self.restarts = (*self.restarts, self.clock.wall - timedelta(seconds=5 * (back + 1)))
            self._start(restart=True)
        elif fault.kind == "gives_up":
            self.restarts = (*self.restarts, *(self.clock.wall for _ in range(5)))
            self.state = "FAILED"
        else:
            self.state = "STOPPED"

    def _by_hand(self, number: int) -> None:
        self.done.add(-number - 1)
        self.restarts = ()
        self._start(restart=False)

    def _start(self, *, restart: bool) -> None:
        if restart:
            self.restarts = tuple(sorted((*self.restarts, self.clock.wall)))
        self.state, self.since = "RUNNING", self.clock.wall
        self.process = self.clock.boot
        self.next_run = round(self.clock.boot + 7.0, 3)

    def cut_over(self) -> None:
        self.release = self.configured = "v2"
        self.zero = self.clock.boot
        self._start(restart=False)
        self.advance(8.0)
        self._validate(scheduled=False)
        self.event("operation.ended", kind="cutover", state="SUCCEEDED", seconds=4.0)

    # ---- the pipeline

    def _run(self) -> None:
        self.next_run = round(self.clock.boot + self.story.run_every, 3)
        if self.state != "RUNNING" or self.fault("no_runs"):
            return
        if self.luck.random() < self.story.loss and self.release == "v2":
            return
        rows = 2 if self.fault("low_volume") else 1000
        errors, audit, variance = self.fault("errors"), self.fault("audit"), self.fault("variance")
        kpis = dict(KPIS)
        if variance and self.release == "v2":
            kpis["CollectionRate"] = round(12.0 * (1 + variance.value / 100), 2)
        now = self.clock.wall
        seconds = self.worst("slow_run", 0.2)
        run = RunSeen(
            id=f"{len(self.runs) + 1:032x}",
            release=self.release,
            process=self.process,
            started=now - timedelta(seconds=seconds),
            ended=now,
            rows=rows,
            errors=min(round(errors.value * 1000), 1000) if errors else 0,
            latency_ms=self.worst("latency", LATENCY) * rows / 1000,
            ok=not self.fault("failing_runs"),
            tape=hashlib.sha256(self.tape.encode()).hexdigest(),
            kpis=kpis,
            events=2 - int(audit.value) if audit else 2,
        )
        if errors and errors.value < 0.001:
            run.rows, run.errors = 2000, 1
            run.latency_ms = self.worst("latency", LATENCY) * 2
        self._record(run)

    def _record(self, run: RunSeen) -> None:
        path = self.deployment.metrics / f"kpis_{run.release}_{len(self.runs) % 8}.json"
        shown = {name: {"value": value, "unit": "%", "reason": None} for name, value in run.kpis.items()}
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"run_id": run.id, "measurement_date": "2025-03-28", "kpis": shown, "by": []}))
        status = "ok" if run.ok else "failed"
        for kind in ("run.started", "run.finished")[: run.events]:
            self.event(kind, run_id=run.id, release=run.release, status=status)
        append_line(
            self.deployment.paths.runs,
            {
                "v": 1,
                "run_id": run.id,
                "release": run.release,
                "incarnation": {
                    "pid": os.getpid(),
                    "start_time": round(run.process * TICKS),
                    "boot_id": boot_id(),
                },
                "started": iso(run.started),
                "ended": iso(run.ended),
                "rows": run.rows,
                "errors": run.errors,
                "latency_ms": run.latency_ms,
                "tape_sha256": run.tape,
                "outputs": [{"path": path.relative_to(self.deployment.root).as_posix(), "sha256": "", "bytes": 1}],
                "audit_events": 2,
                "status": status,
                "error": None if run.ok else "it failed",
            },
            sync=False,
        )
        self.runs.append(run)

    def event(self, kind: str, /, **data: Any) -> None:
        append_event(self.deployment.paths.events, kind, data, source="night", actor="night", clock=self.clock)

    # ---- commands that the monitor starts

    def running(self, name: str) -> bool:
        return name in self.children

    def start(self, name: str, command: Sequence[str], *, until: float) -> None:
        if name in self.children:
            return
        self.children[name] = (round(self.clock.boot + TAKES.get(name, 1.0), 3), False)
        self.begun.append((name, self.clock.boot, self.clock.wall))
        if "--occasion" in command:
            self.occasions[name] = command[list(command).index("--occasion") + 1]

    def ended(self, now: float) -> list[Ended]:
        found = [name for name, (_, ended) in self.children.items() if ended]
        for name in found:
            del self.children[name]
        return [Ended(name, 0) for name in found]

    def stop(self) -> None:
        self.children.clear()

    def monitor_died(self) -> None:
        """Killed: what it had started goes on, and nobody waits for it."""
        self.orphans += [(at, name) for name, (at, ended) in self.children.items() if not ended]
        self.children.clear()

    def _child_ends(self, name: str) -> None:
        self.children[name] = (self.children[name][0], True)
        self._command_done(name)

    def _command_done(self, name: str) -> None:
        if name in (rounds.VALIDATION, rounds.AFRESH):
            self._validate(scheduled=True, occasion=self.occasions.get(name, ""))
        elif name == errands.PROOF:
            self.event("way_back.proven", ok=True, seconds=1.0, snapshot="0001", release="v1", reason="")
        elif name == errands.SHADOW:
            self._compute_aside()

    def _validate(self, *, scheduled: bool, occasion: str = "") -> None:
        fault = self.fault("validation")
        word = fault.word if fault and self.release == "v2" and scheduled else "PASS"
        loss, status = word == "LOSS", "FAIL" if word == "LOSS" else word
        integrity = status if loss or word in ("WARN", "ERROR") else "PASS"
        checks = dict.fromkeys(CHECKS, "PASS")
        checks["data_integrity"] = integrity
        checks["performance"] = status
        tape = hashlib.sha256(self.tape.encode()).hexdigest()
        now = self.clock.now()
        found = Validated(
            now.wall, round(now.boot, 3), self.configured, status, integrity, tape, loss, scheduled, occasion
        )
        self.validations.append(found)
        self.event(
            "validation.finished",
            status=status,
            release=self.configured,
            checks=checks,
            scheduled=scheduled,
            occasion=occasion,
            live=True,
            tape_sha256=tape,
            data_loss=loss,
            boot_id=boot_id(),
        )

    def _compute_aside(self) -> None:
        tape = hashlib.sha256(self.tape.encode()).hexdigest()
        record = {
            "v": 1,
            "at": iso(self.clock.wall),
            "release": "v1",
            "build": "b",
            "stamp": "",
            "tape_sha256": tape,
            "measurement_date": "2025-03-28",
            "values": KPIS,
            "unheld": KPIS,
            "reasons": {},
            "seconds": 1.0,
            "reason": "",
        }
        append_line(self.deployment.paths.shadow, record, sync=False)
        self.shadows.append(tape)


def delivered_at_once(courier: Courier, notices: Iterable[Notice]) -> None:
    """In place of a thread, which a night cannot wait for: each notice is delivered when it is offered, and once."""
    offered = list(notices)
    courier._held &= {notice.id for notice in offered}
    fresh = [notice for notice in offered if notice.id not in courier._held]
    courier._held |= {notice.id for notice in fresh}
    courier._queue.add(fresh)
    while found := courier._queue.next(0.0):
        courier._carry(found)


def make(story: Story, root: Path) -> World:
    """A fresh deployment below ``root`` with the cadences of this night."""
    write_config(root, demo=False)
    path = root / "config" / "console.yml"
    text = path.read_text()
    for old, new in (
        ("sample: 5s", f"sample: {story.cadence:g}s"),
        ("pipeline_run: null", f"pipeline_run: {story.run_every:g}s"),
    ):
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    path.write_text(text)
    path = root / "config" / "monitoring.yml"
    text = path.read_text()
    assert text.count("grace: 60s") == 1
    path.write_text(text.replace("grace: 60s", f"grace: {story.grace}s"))
    deployment = load_deployment(root)
    deployment.tape.parent.mkdir(parents=True, exist_ok=True)
    deployment.tape.write_text("t1")
    deployment.paths.logs.mkdir(parents=True, exist_ok=True)
    clock = HandClock(story.begins)
    world = World(story, deployment, clock, random.Random(story.seed + 1), since=clock.wall, process=clock.boot)
    world.next_run = clock.boot + 5
    return world


@contextmanager
def played(world: World) -> Iterator[None]:
    """The process tree, the free disk and a full log, as this world has them; records are not forced to the disk."""
    real_append, real_sync = MonitoringLog.append, os.fsync

    def append(log: MonitoringLog, row: Any) -> None:
        if world.fault("log_full"):
            raise OSError(28, "No space left on device")
        real_append(log, row)

    saved = process_source.usage, disk.free_bytes, Courier.offer, monitor.build_hash
    process_source.usage = lambda pids, **_: world.usage(pids)  # type: ignore[assignment]
    disk.free_bytes = lambda path: world.free(path)  # type: ignore[assignment]
    MonitoringLog.append = append  # type: ignore[method-assign]
    Courier.offer = delivered_at_once  # type: ignore[method-assign]
    monitor.build_hash = lambda deployment, release: "b"  # type: ignore[attr-defined]
    lines.os.fsync = lambda descriptor: None  # type: ignore[attr-defined]
    try:
        yield
    finally:
        process_source.usage, disk.free_bytes, Courier.offer, monitor.build_hash = saved  # type: ignore
        MonitoringLog.append = real_append  # type: ignore[method-assign]
        os.fsync = real_sync
