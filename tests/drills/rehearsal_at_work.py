"""A real demo on which a night takes seconds: V2 live, short cadences, and a time scale that divides every hold."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
from in_this_process import here

from engine.clock import SystemClock
from engine.config import Deployment, load_deployment
from engine.config.templates import write_config
from engine.drills.ending import end
from engine.drills.order import Order, write_order
from engine.monitoring.drilling import begin
from engine.records import read_lines
from engine.services.remains import processes_of
from engine.state import State, StateReader

PATIENCE = 25.0
TIME_SCALE = 480
LOANS = 60


def abaco(*words: str) -> subprocess.CompletedProcess[str]:
    """The command line, as an operator uses it."""
    return subprocess.run(
        [sys.executable, "-m", "tui.main", *words],
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
        stdin=subprocess.DEVNULL,
    )


def await_that(what: Callable[[], Any], said: Callable[[], object] = lambda: "it did not happen in time") -> Any:
    """The first true answer; fails when there is none in time."""
    until = time.monotonic() + PATIENCE
    while not (answer := what()):
        assert time.monotonic() < until, said()
        time.sleep(0.02)
    return answer


class Night:
    """One demo, made so that it can be rehearsed on quickly."""

    def __init__(self, root: Path) -> None:
        write_config(root, demo=True)
        self.root = root
        self._edit("console.yml", r"^time_scale: 1 ", f"time_scale: {TIME_SCALE} ")
        self._edit(
            "console.yml",
            r"^  demo:\n    sample: 1s\n    pipeline_run: 5s",
            "  demo:\n    sample: 200ms\n    pipeline_run: 500ms",
        )
        self._edit("releases/v2.yml", r"run_every: 5s", "run_every: 500ms")
        self._edit("console.yml", r"first_run: 20s", "first_run: 3s")
        self._edit("monitoring.yml", r"window: 15m ", "window: 3h ")
        # other programs of this machine take their share of its cores: a smaller share has to be enough
        self._edit("monitoring.yml", r"enter: 90, hold: 10m", "enter: 10, hold: 10m")
        self._edit("monitoring.yml", r"critical: \{enter: 80, hold: 10m", "critical: {enter: 9, hold: 10m")
        self._edit("monitoring.yml", r"warning: \{enter: 50, hold: 10m", "warning: {enter: 8, hold: 10m")
        (root / "config/pipeline.yml").write_bytes((root / "config/releases/v2.yml").read_bytes())
        self.deployment: Deployment = load_deployment(root)
        self._write_tape()
        made = here("demo", str(root), "--no-console")
        assert made.returncode == 0, made.stdout + made.stderr
        assert here("--root", str(root), "validate").returncode == 0
        self.reader = StateReader(self.deployment, SystemClock())

    def _edit(self, name: str, old: str, new: str) -> None:
        path = self.root / "config" / name
        text, count = re.subn(old, new, path.read_text(), flags=re.MULTILINE)
        assert count == 1, f"{old} stands {count} times in {path}"
        path.write_text(text)

    def _write_tape(self) -> None:
        """The demo's book with fewer loans: slow runs stay shorter than the time between two."""
        from engine.pipeline.sample_tapes import write_live_book

        write_live_book(self.deployment.tape)
        header, *rows = self.deployment.tape.read_text().splitlines()
        kept = [row for row in rows if int(row[1:6]) <= LOANS]
        self.deployment.tape.write_text("\n".join([header, *kept]) + "\n")

    def state(self) -> State:
        return self.reader.read()

    def shows(self, verdict: str, condition: str = "", tier: str = "") -> State:
        """Wait for the verdict, and for the condition that has to bring it about."""
        found: list[State] = []

        def there() -> bool:
            found[:] = [self.state()]
            return found[0].verdict.word == verdict and (not condition or self._fires(found[0], condition, tier))

        await_that(there, lambda: (found[0].verdict, self.events("drill.started")[-1:], found[0].events[-12:]))
        return found[0]

    @staticmethod
    def _fires(state: State, condition: str, tier: str) -> bool:
        return any(item.id == condition and item.firing == tier for item in state.conditions)

    def begin(self, drill: str, seconds: float = 300.0) -> Order:
        return begin(self.deployment, drill, seconds=seconds, actor="tester", clock=SystemClock())

    def let_time_pass(self, order: Order) -> None:
        """The drill's time is over: as if it had been begun so long ago."""
        write_order(self.root, msgspec.structs.replace(order, until_boot=order.begun_boot))

    def end(self) -> None:
        ended = end(self.deployment, "test", actor="tester", clock=SystemClock())
        assert ended is not None and ended.ok, ended

    def events(self, kind: str) -> list[dict[str, Any]]:
        return [event for event in read_lines(self.deployment.paths.events) if event["kind"] == kind]

    def kill(self, words: str) -> int:
        """SIGKILL every process of this demo that is called so; how many."""
        found = [identity.pid for identity, line in processes_of(self.root) if words in line]
        for pid in found:
            os.kill(pid, signal.SIGKILL)
        return len(found)

    def close(self) -> None:
        stopped = here("demo", str(self.root), "--stop")
        assert stopped.returncode == 0, stopped.stderr
        assert processes_of(self.root) == []
