"""Keeping one service up: start or adopt it, watch it, restart it within limits, end it when asked."""

from __future__ import annotations

import os
import select
import signal
import subprocess
from pathlib import Path
from types import FrameType

import msgspec

from engine.clock import SystemClock, iso
from engine.errors import REFUSED, OpsError
from engine.records import append_event, harmless
from engine.records.atomic import open_to_append
from engine.records.shared import is_shared
from engine.services.asking import heard, listen
from engine.services.ending import end_service, reap
from engine.services.identity import Stat, is_alive, own_identity, read_stat
from engine.services.protocol import Identity
from engine.services.record import ServiceFiles, ServiceRecord, ServiceSpec
from engine.services.remains import DETACHED_VARIABLE, Belonging, find_remains
from engine.services.restarts import restart_delay

_KEPT_RESTARTS = 50
_LARGEST_OUTPUT = 4_000_000


class Supervisor:
    """One service; whoever makes one holds the service's lock."""

    def __init__(self, files: ServiceFiles, spec: ServiceSpec) -> None:
        self._files = files
        self._spec = spec
        self._clock = SystemClock()
        self._stop_asked = False
        self._restart_moments: list[float] = []
        self._restart_at: float | None = None
        self._exit_codes: dict[int, int] = {}
        earlier = files.read_record()
        self._earlier = earlier
        # stopped on purpose, it begins anew: crashes of before stand in the audit trail, and are not held against it
        restarts = earlier.restarts if earlier and earlier.wanted == "up" else ()
        self._record = ServiceRecord("up", "starting", own_identity(), restarts=restarts)
        self._asked = listen(files.directory)
        self._wake_read, self._wake_write = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        signal.set_wakeup_fd(self._wake_write, warn_on_full_buffer=False)
        signal.signal(signal.SIGTERM, self._ask_to_stop)
        for number in (signal.SIGCHLD, signal.SIGHUP, signal.SIGINT):
            signal.signal(number, _only_wake)

    def bring_up(self) -> bool:
        """Adopt the service when an earlier supervisor left it running, else start it; False: it cannot start."""
        adopted = self._found_running()
        if adopted is not None:
            since = self._earlier.since if self._earlier else None
            self._write(stage="running", main=adopted, since=since, reason="")
            self._tell("service.adopted", pid=adopted.pid)
            return True
        if not self._clear_remains():
            return False
        return self._start()

    def watch(self) -> None:
        """Until it is stopped or given up."""
        while self._record.stage in ("running", "waiting"):
            self._sleep()
            self._exit_codes.update(reap())
            if self._stop_asked:
                self._stop()
            elif self._record.stage == "running" and not is_alive(self._record.main):
                self._ended()
            elif self._restart_at is not None and self._clock.now().boot >= self._restart_at:
                self._restart()

    def _found_running(self) -> Identity | None:
        """The main process of before; a half-done stop is not adopted but finished."""
        earlier = self._earlier
        if earlier is None or earlier.wanted == "down":
            return None
        if is_alive(earlier.main):
            return earlier.main
        leaders = [stat for stat in self._remains() if stat.pid == stat.session]
        return leaders[0].identity if earlier.stage == "starting" and len(leaders) == 1 else None

    def _clear_remains(self) -> bool:
        if not self._remains():
            return True
        result = end_service(self._belonging(), self._spec.stop_deadline)
        if not result.stopped:
            self._write(stage="failed", reason=f"processes of before cannot be ended: {', '.join(result.left)}")
        return result.stopped

    def _start(self) -> bool:
        self._write(stage="starting", main=None)
        try:
            main = self._spawn()
        except OSError as error:
            self._write(stage="failed", main=None, reason=harmless(f"{self._spec.command[0]} cannot start: {error}"))
            return False
        self._write(stage="running", main=main, since=iso(self._clock.now().wall), reason="")
        return True

    def _spawn(self) -> Identity:
        output = self._files.output
        if output.exists() and output.stat().st_size > _LARGEST_OUTPUT:
            output.replace(output.with_suffix(".1.log"))
        descriptor = open_to_append(output)
        try:
            process = subprocess.Popen(
                list(self._spec.command),
                cwd=Path(self._spec.root),
                env={k: v for k, v in os.environ.items() if k != DETACHED_VARIABLE} | self._spec.environment,
                stdin=subprocess.DEVNULL,
                stdout=descriptor,
                stderr=descriptor,
                start_new_session=True,
                close_fds=True,
                umask=0o007
                if is_shared(output.parent)
                else -1,  # where a group works, the pipeline's files are its too
            )
        finally:
            os.close(descriptor)
        process.returncode = 0  # reaped below, with whatever else the service leaves behind
        stat = read_stat(process.pid)
        assert stat is not None  # not reaped yet, so it is there at least as a zombie
        return stat.identity

    def _ended(self) -> None:
        """The main process ended without being asked to: clear what it left, then restart or give up."""
        main = self._record.main
        code = self._exit_codes.pop(main.pid, None) if main else None
        said = f"it ended by itself ({_exit_words(code)})"
        if not self._clear_remains():
            return
        delay = restart_delay(self._spec.restart, self._restart_moments, self._clock.now().boot)
        if code == REFUSED or delay is None:
            why = f"{said}: it refuses to run" if code == REFUSED else f"{said} again and again: given up"
            self._write(stage="failed", main=None, reason=why)
            self._tell("service.failed", reason=why)
            return
        self._restart_at = self._clock.now().boot + delay
        self._write(stage="waiting", main=None, reason=f"{said}, restarted in {delay:g} s")

    def _restart(self) -> None:
        now = self._clock.now()
        self._restart_at = None
        self._restart_moments.append(now.boot)
        restarts = (*self._record.restarts, iso(now.wall))[-_KEPT_RESTARTS:]
        reason = self._record.reason
        self._record = msgspec.structs.replace(self._record, restarts=restarts)
        if self._start() and self._record.main:
            self._tell("service.restarted", pid=self._record.main.pid, reason=reason)

    def _stop(self) -> None:
        self._write(wanted="down", stage="stopping")
        result = end_service(self._belonging(), self._spec.stop_deadline)
        reason = "" if result.stopped else f"still there: {', '.join(result.left)}"
        self._write(
            stage="stopped" if result.stopped else "failed",
            main=None if result.stopped else self._record.main,
            reason=reason,
            killed=result.killed,
            stop_seconds=result.seconds,
        )

    def _sleep(self) -> None:
        """Until a signal arrives, the main process ends, or the restart is due."""
        timeout = None
        if self._restart_at is not None:
            timeout = max(self._restart_at - self._clock.now().boot, 0.0)
        watched = [each for each in (self._wake_read, self._asked) if each is not None]
        main = _pidfd(self._record.main)
        if main is None and self._record.stage == "running":
            return
        if main is not None:
            watched.append(main)
        try:
            ready, _, _ = select.select(watched, [], [], timeout)
        finally:
            if main is not None:
                os.close(main)
        if self._wake_read in ready:
            os.read(self._wake_read, 4096)
        if self._asked is not None and heard(self._asked):
            self._stop_asked = True

    def _belonging(self) -> Belonging:
        return Belonging(self._spec.mark, self._record.main, os.getpid(), without_detached=True)

    def _remains(self) -> list[Stat]:
        return find_remains(self._belonging())

    def _write(self, **changes: object) -> None:
        self._record = msgspec.structs.replace(self._record, **changes)
        self._files.write_record(self._record)

    def _tell(self, kind: str, **data: object) -> None:
        """An audit event; the service does not depend on it, the restart stands in the record too."""
        named = {"service": self._spec.name, "release": self._spec.release, **data}
        try:
            append_event(Path(self._spec.events), kind, named, source="supervisor", clock=self._clock)
        except (OpsError, OSError) as error:
            print(f"{iso(self._clock.now().wall)} {kind} is not in the audit trail: {error}", flush=True)

    def _ask_to_stop(self, number: int, frame: FrameType | None) -> None:
        self._stop_asked = True


def _only_wake(number: int, frame: FrameType | None) -> None:
    """The wake-up descriptor says it all."""


def _pidfd(identity: Identity | None) -> int | None:
    if not is_alive(identity) or identity is None:
        return None
    try:
        return os.pidfd_open(identity.pid)
    except ProcessLookupError:
        return None


def _exit_words(code: int | None) -> str:
    if code is None:
        return "exit code unknown, it was adopted"
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
