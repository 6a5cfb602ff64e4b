"""A real demo deployment for the tests of cutover and rollback: real services, real workers, real validation."""

from __future__ import annotations

import contextlib
import ctypes
import hashlib
import json
import os
import re
import select
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

from in_this_process import here

from engine.cli import demo
from engine.clock import SystemClock
from engine.config import Deployment, load_deployment
from engine.monitoring.launch import ensure_monitor, stop_monitor
from engine.monitoring.store import SampleStore
from engine.operations.journal import read_operation, records_of, worker_of
from engine.operations.launch import Accepted, launch, plan_cutover, plan_rollback
from engine.operations.model import Operation
from engine.records import read_lines, sound_records
from engine.services import open_service
from engine.services.active import active_release

COMMAND = [sys.executable, "-m", "tui.main"]
PATIENCE = 60.0
_IN_MODIFY = 2


def abaco(*words: str, timeout: float = 90) -> subprocess.CompletedProcess[str]:
    """The command line, as an operator uses it."""
    return subprocess.run([*COMMAND, *words], capture_output=True, text=True, timeout=timeout, check=False)


def await_that(what: Callable[[], Any], seconds: float = PATIENCE) -> Any:
    """The first true answer; fails when there is none in time. To look takes a fifth of a core at most: what is waited
    for needs the machine itself.
    """
    until = time.monotonic() + seconds
    while True:
        before = time.thread_time()
        if answer := what():
            return answer
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(min(max(0.002, 4 * (time.thread_time() - before)), 0.1))


def _done(*words: str) -> None:
    ended = here(*words)
    assert ended.returncode == 0, ended.stdout + ended.stderr


def await_end(pid: int, until: float) -> None:
    """Wait until this process has ended, or until that moment (monotonic, s)."""
    with contextlib.suppress(ProcessLookupError):
        handle = os.pidfd_open(pid)
        try:
            select.select([handle], [], [], max(until - time.monotonic(), 0))
        finally:
            os.close(handle)


@contextlib.contextmanager
def grown(path: Path, seconds: float = PATIENCE) -> Iterator[Iterator[bytes]]:
    """What the file holds: now, and whenever somebody has written to it, within a few microseconds (inotify)."""
    libc = ctypes.CDLL(None, use_errno=True)
    watch = libc.inotify_init1(os.O_CLOEXEC | os.O_NONBLOCK)
    until = time.monotonic() + seconds

    def contents() -> Iterator[bytes]:
        while True:
            yield path.read_bytes()
            if not select.select([watch], [], [], max(until - time.monotonic(), 0))[0]:
                return
            os.read(watch, 1 << 16)

    try:
        assert watch >= 0 and libc.inotify_add_watch(watch, os.fsencode(path), _IN_MODIFY) >= 0, os.strerror(
            ctypes.get_errno()
        )
        yield contents()
    finally:
        os.close(watch)


class Site:
    """One demo, and what a test does to it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.began = SystemClock().now().wall
        self.watched = True
        """A monitor runs beside it."""

    # --- making and ending ---

    def make(self) -> None:
        """V1 has finished a run, and the monitor begins; nothing waits for its first word, a second later."""
        self.began = SystemClock().now().wall
        with patch.object(demo, "_JUDGED_WITHIN", 0.0):
            _done("demo", str(self.root), "--no-console")

    def watch(self) -> None:
        """From now on a monitor runs beside it: it begins with judging all anew."""
        self.began, self.watched = SystemClock().now().wall, True
        ensure_monitor(self.deployment)

    def unwatch(self) -> None:
        """Nobody watches it any more."""
        self.watched = False
        stop_monitor(self.deployment)

    def end(self) -> None:
        self.let_go_on()
        _done("demo", str(self.root), "--stop")
        assert await_that(lambda: not self.processes(), 10)

    def processes(self) -> list[str]:
        """Every process whose command line names this site."""
        found = []
        for path in Path("/proc").iterdir():
            if not path.name.isdigit() or int(path.name) == os.getpid():
                continue
            try:
                words = (path / "cmdline").read_bytes()
            except OSError:
                continue
            if os.fsencode(str(self.root)) in words:
                found.append(words.replace(b"\0", b" ").decode())
        return found

    def freeze(self) -> None:
        """Services, supervisors and monitor stand still: whatever changes now, they did not do it.

        Not before the monitor has judged: while it begins it holds what whoever only looks has to wait for.
        """
        if self.watched:
            await_that(self._judged)
        self._signal_all(signal.SIGSTOP)

    def _judged(self) -> bool:
        try:
            newest = SampleStore(self.deployment.paths.samples, read_only=True).newest_evaluation()
        except sqlite3.Error:
            return False
        return newest is not None and newest.at >= self.began

    def let_go_on(self) -> None:
        """Nothing that a test stopped may stay stopped."""
        self._signal_all(signal.SIGCONT)

    def _signal_all(self, number: signal.Signals) -> None:
        for path in Path("/proc").iterdir():
            try:
                if path.name.isdigit() and os.fsencode(str(self.root)) in (path / "cmdline").read_bytes():
                    os.kill(int(path.name), number)
            except OSError:
                continue

    # --- configuration, as an operator would write it ---

    def edit_release(self, release: str, key: str, command: list[str]) -> None:
        """Replace one program of a release; before anything runs on it."""
        path = self.root / f"config/releases/{release}.yml"
        text, count = re.subn(rf"(?m)^(  {key}: ).*$", lambda found: found[1] + json.dumps(command), path.read_text())
        assert count == 1, f"{key} stands {count} times in {path}"
        path.write_text(text)

    def edit_console(self, old: str, new: str) -> None:
        """Change one figure of the demo's profile."""
        path = self.root / "config/console.yml"
        text = path.read_text()
        assert text.count(old) == 1, f"{old} stands {text.count(old)} times in {path}"
        path.write_text(text.replace(old, new))

    def fast_staging(self) -> None:
        """The new release's own tests are not what is tested here."""
        self.edit_release("v2", "test", ["{python}", "-c", "pass"])

    # --- operating ---

    @property
    def deployment(self) -> Deployment:
        return load_deployment(self.root)

    def begin_cutover(self, accept_warn: tuple[str, ...] = ()) -> Accepted:
        plan = plan_cutover(self.deployment)
        return launch(self.deployment, plan, reason="test", actor="tester", origin="local", accept_warn=accept_warn)

    def begin_rollback(self, snapshot: str | None = None) -> Accepted:
        plan = plan_rollback(self.deployment, snapshot)
        return launch(self.deployment, plan, reason="test", actor="tester", origin="local")

    def cutover(self, **options: Any) -> Operation:
        return self.settled(self.begin_cutover(**options).id)

    def rollback(self, snapshot: str | None = None) -> Operation:
        return self.settled(self.begin_rollback(snapshot).id)

    def settled(self, operation: str) -> Operation:
        """The operation after its worker has left."""
        path = self.deployment.paths.operation(operation)
        until = time.monotonic() + PATIENCE
        while (found := read_operation(path)).alive:
            worker = worker_of(records_of(path))
            assert worker is not None and time.monotonic() < until, f"{operation} does not end"
            await_end(worker.pid, until)
        return found

    def operation(self, operation: str) -> Operation:
        return read_operation(self.deployment.paths.operation(operation))

    def kill_worker_at(self, accepted: Accepted, step: str, kind: str = "intent") -> None:
        """SIGKILL the worker as soon as its journal shows this step's record."""
        directory = self.deployment.paths.operation(accepted.id)
        wanted = f'"kind":"{kind}"'.encode(), f'"step":"{step}"'.encode()
        with grown(directory / "journal.jsonl") as contents:
            for content in contents:
                if any(all(part in line for part in wanted) for line in content.splitlines()):
                    break
            else:
                raise AssertionError(f"{step} did not begin: {read_operation(directory)}")
        worker = worker_of(records_of(directory))
        assert worker is not None
        os.kill(worker.pid, signal.SIGKILL)
        self.settled(accepted.id)

    # --- looking ---

    def live(self) -> str | None:
        return active_release(self.deployment).name

    def state(self, release: str) -> str:
        return open_service(self.deployment, release).status().state

    def pid(self, release: str) -> int:
        status = await_that(lambda: open_service(self.deployment, release).status().identity)
        return int(status.pid)

    def config(self) -> bytes:
        return self.deployment.active_config.read_bytes()

    def metrics(self) -> dict[str, str]:
        """Published files by name, with their hashes."""
        return hashes(self.deployment.metrics)

    def kept_hashes(self) -> set[str]:
        """Every content that is live or in a sealed snapshot."""
        kept = set(self.metrics().values())
        for path in self.deployment.paths.snapshots.glob("*"):
            if (path / "COMPLETE").is_file():
                kept |= set(hashes(path / "tree").values())
        return kept

    def runs(self) -> list[dict[str, Any]]:
        return sound_records(self.deployment.paths.runs)[0]

    def written_by(self, release: str) -> set[str]:
        """The hashes of all that the runs of a release say they wrote."""
        return {output["sha256"] for run in self.runs() if run["release"] == release for output in run["outputs"]}

    def events(self, kind: str) -> list[dict[str, Any]]:
        return [event for event in read_lines(self.deployment.paths.events) if event["kind"] == kind]

    def incident(self, operation: str) -> dict[str, Any]:
        path = self.deployment.paths.operation(operation) / "incident.json"
        return json.loads(path.read_text())  # type: ignore[no-any-return]

    def assert_back_on_v1(self, config: bytes, metrics: dict[str, str]) -> None:
        """The old release is live with its configuration and every metric it had; the new one is stopped."""
        assert self.live() == "v1"
        assert self.state("v2") in ("STOPPED", "FAILED")
        assert self.config() == config
        now = self.metrics()
        assert {name: now.get(name) for name in metrics} == metrics
        assert not [name for name in now if "_v2_" in name]
        assert self.written_by("v2") <= self.kept_hashes()


def hashes(directory: Path) -> dict[str, str]:
    """Relative name to sha256 of every file below a directory; a file that goes meanwhile is left out."""
    found = {}
    for path in sorted(directory.rglob("*")):
        try:
            if path.is_file() and not path.name.endswith(".tmp"):
                found[str(path.relative_to(directory))] = hashlib.sha256(path.read_bytes()).hexdigest()
        except FileNotFoundError:
            continue
    return found
