"""The embedded backend: a service under a small supervising daemon of its own, without any service manager."""

from __future__ import annotations

import os
import signal
import sys
import time
from datetime import datetime

from engine.clock import boot_id, parse_iso
from engine.errors import OpsError, Refused
from engine.records import FileLock, harmless, is_locked, make_directory
from engine.services.asking import ask_to_end
from engine.services.detached import spawn_detached
from engine.services.ending import end_service
from engine.services.identity import is_alive, send_signal
from engine.services.processes import tree
from engine.services.protocol import UNSUPERVISED, Identity, ServiceStatus, StopResult
from engine.services.record import LOCK_HELD, NOT_STARTED, STARTED, ServiceFiles, ServiceRecord, ServiceSpec
from engine.services.remains import Belonging, account_of, described, find_remains, in_words, owner_of

_POLL = 0.005
_START_WAIT = 10.0
"""How long a start waits for a supervisor that is just ending or just starting."""
_SUPERVISOR_GRACE = 8.0
"""What a supervisor gets beyond the stop deadline before it is taken for hung."""
_TAIL = 65536


class EmbeddedService:
    """See :class:`engine.services.protocol.Service`."""

    def __init__(self, files: ServiceFiles, spec: ServiceSpec) -> None:
        self._files = files
        self._spec = spec

    @property
    def name(self) -> str:
        """The service's name."""
        return self._spec.name

    def status(self) -> ServiceStatus:
        """How it is now."""
        supervised = is_locked(self._files.lock)
        record = self._files.read_record()
        if record is None and self._files.barred():
            owner = self._files.owner()
            who = account_of(owner) if owner is not None else "another account"
            unread = f"{who} started or stopped it last, and {self._files.directory}/state.json cannot be read by you"
            return ServiceStatus(self.name, "UNSURE", None, None, (), supervised, unread)
        if record is None:
            return self._without_main("STOPPED", (), supervised, "")
        restarts = tuple(parse_iso(moment) for moment in record.restarts)
        if record.main is not None and is_alive(record.main):
            if moved := self._moved(record):
                return ServiceStatus(self.name, "UNSURE", None, None, restarts, supervised, moved)
            reason = "it is being stopped" if record.wanted == "down" else ""
            since = parse_iso(record.since) if record.since else None
            supervised = supervised or is_locked(self._files.lock)  # it was just being started
            return ServiceStatus(self.name, "RUNNING", record.main, since, restarts, supervised, reason)
        return self._ended(record, restarts, supervised)

    def sign(self) -> tuple[object, ...]:
        """Its record, and whether anybody holds its lock."""
        return self._files.stamp(), is_locked(self._files.lock)

    def start(self) -> ServiceStatus:
        """Start it, or find it running, or give a running one its supervisor back. OpsError when it cannot start."""
        try:
            return self._start()
        except OSError as error:
            raise OpsError(
                f"{self.name} cannot be started: {error}", f"see to {self._files.directory}: space, permissions"
            ) from error

    def _start(self) -> ServiceStatus:
        until = time.monotonic() + _START_WAIT + self._spec.stop_deadline
        make_directory(self._files.directory)
        if not self._spec.build:
            raise Refused(f"the build files of {self._spec.release} cannot be read", "see build.files of the release")
        while True:
            status = self.status()
            if status.state == "RUNNING" and status.supervised and not status.reason:
                return status
            if self._files.barred():
                raise OpsError(f"{self.name} cannot be started: {status.reason}", "as that account, or as root")
            if moved := self._moved(self._files.read_record()):
                raise OpsError(
                    f"{self.name} cannot be started: {moved}",
                    f"stop it first: abaco-ops service stop {self._spec.release}",
                )
            code = self._launch(until) if not is_locked(self._files.lock) else LOCK_HELD
            if code == STARTED:
                return self.status()
            if code != LOCK_HELD:
                raise OpsError(
                    f"{self.name} cannot be started: {self._why()}", f"see the last lines of {self._files.output}"
                )
            if time.monotonic() > until:
                raise OpsError(
                    f"{self.name} has a supervisor, but does not run: {self.status().reason or 'it is being stopped'}",
                    f"see the last lines of {self._files.output}, then stop it and start it again",
                )
            time.sleep(_POLL)

    def stop(self) -> StopResult:
        """Stop it and everything it started; the supervisor does it, or this process where there is none."""
        began = time.monotonic()
        try:
            return self._stop(began)
        except OSError as error:
            remains = described(find_remains(Belonging(self._spec.mark)))
            return StopResult(False, False, time.monotonic() - began, (f"not sure, for {error}", *remains))

    def _stop(self, began: float) -> StopResult:
        until = began + self._spec.stop_deadline + _SUPERVISOR_GRACE
        make_directory(self._files.directory)
        asked: set[int] = set()
        lock = FileLock(self._files.lock)
        if not lock.take():  # where it cannot even be opened, nothing has been asked to end yet
            self._ask_supervisor(asked, signal.SIGTERM)
        while not _taken(lock):
            late = time.monotonic() > until
            self._ask_supervisor(set() if late else asked, signal.SIGKILL if late else signal.SIGTERM)
            if time.monotonic() > until + _SUPERVISOR_GRACE:
                return StopResult(False, False, time.monotonic() - began, (self._holds_on(),))
            time.sleep(_POLL)
        with lock:
            return self._finish_stop(began, bool(asked))

    def _ask_supervisor(self, asked: set[int], number: signal.Signals) -> None:
        """Signal the supervisor that the record names, if it is alive and none of those asked already."""
        record = self._files.read_record()
        supervisor = record.supervisor if record else None
        if supervisor is not None and supervisor.pid not in asked and is_alive(supervisor):
            asked.add(supervisor.pid)
            try:
                send_signal(supervisor, number)
            except PermissionError:  # another account's: it can be asked, not killed
                ask_to_end(self._files.directory)

    def _holds_on(self) -> str:
        record = self._files.read_record()
        if record is not None and record.supervisor is not None and is_alive(record.supervisor):
            return f"its supervisor, {in_words(record.supervisor.pid)}"
        return f"whoever holds {self._files.lock}"

    def last_lines(self, count: int) -> list[str]:
        """The last lines of its output, made harmless."""
        try:
            with self._files.output.open("rb") as stream:
                stream.seek(max(os.fstat(stream.fileno()).st_size - _TAIL, 0))
                text = stream.read().decode("utf-8", "replace")
        except OSError:
            return []
        return [harmless(line) for line in text.splitlines()[-count:]] if count > 0 else []

    def obstacle(self) -> str:
        """It runs without a supervisor that could be asked to end it, and is another account's process."""
        record = self._files.read_record()
        main = record.main if record else None
        if main is None or not is_alive(main) or is_locked(self._files.lock):
            return ""
        owner = owner_of(main.pid)
        if not os.geteuid() or owner in (None, os.geteuid()):
            return ""
        who = f"{account_of(owner)} or root" if owner else "root"
        ask = f"abaco-ops service start {self._spec.release}"
        return f"it {UNSUPERVISED}: only {who} can end it, or give it one: {ask}"

    def refusal(self) -> str:
        """None: what could be in the way is an :meth:`obstacle`."""
        return ""

    def members(self, identity: Identity) -> list[int]:
        """The main process and everything that descends from it."""
        return tree(identity)

    def _finish_stop(self, began: float, asked: bool) -> StopResult:
        """Under the lock: what the supervisor did, or what it could not do any more."""
        record = self._files.read_record()
        belonging = Belonging(self._spec.mark, record.main if record else None, without_detached=True)
        remains = find_remains(belonging)
        if not remains and asked and record is not None and record.stage == "stopped":
            return StopResult(True, record.killed, time.monotonic() - began)
        result = end_service(belonging, self._spec.stop_deadline)
        if result.stopped and record is not None and (unseen := self._unseen(record)):
            return StopResult(False, result.killed, time.monotonic() - began, (unseen,))
        if result.stopped:
            restarts = record.restarts if record else ()
            # no supervisor: whoever stops it is none, and must not be asked to end by the next one who stops it
            self._files.write_record(ServiceRecord("down", "stopped", None, restarts=restarts))
        return StopResult(result.stopped, result.killed, time.monotonic() - began, result.left)

    def _launch(self, until: float) -> int:
        """Start a supervisor and wait for its first word."""
        self._disown()
        self._files.write_spec(self._spec)
        command = [sys.executable, "-m", "engine.services.daemon", str(self._files.directory)]
        pid = spawn_detached(command, cwd=self._files.directory, output=self._files.supervisor_output)
        while True:
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                return os.waitstatus_to_exitcode(status)
            if time.monotonic() > until:
                return NOT_STARTED
            time.sleep(_POLL)

    def _disown(self) -> None:
        """A record that came with a copy is replaced before anything else of the service is written."""
        if self._files.copied_from() is None:
            return
        with FileLock(self._files.lock) as lock:
            if lock.acquire() and self._files.copied_from() is not None:  # nobody was faster
                self._files.write_record(ServiceRecord("down", "stopped", None))

    def _moved(self, record: ServiceRecord | None) -> str:
        """That it runs on from before the deployment was moved, with the names of then; empty when it does not."""
        if record is None or not is_alive(record.main) or record.main is None:
            return ""
        origin = self._files.origin(record)
        if origin is None:
            return ""
        return f"pid {record.main.pid} of it was started in {origin.place}, before the deployment was moved here"

    def _why(self) -> str:
        record = self._files.read_record()
        if record is not None and record.stage == "failed" and record.reason:
            return record.reason
        return f"its supervisor did not start, see {self._files.supervisor_output}"

    def _ended(self, record: ServiceRecord, restarts: tuple[datetime, ...], supervised: bool) -> ServiceStatus:
        """No main process: stopped as wanted, crashed, or something in between."""
        if record.stage == "starting" and supervised:
            return ServiceStatus(self.name, "UNSURE", None, None, restarts, supervised, "it is being started")
        if record.wanted == "down" and record.stage == "stopped":
            return self._without_main("STOPPED", restarts, supervised, "")
        if record.main is not None and record.main.boot_id != boot_id():
            return self._without_main("STOPPED", restarts, supervised, "the machine was restarted")
        reason = record.reason or "its main process has ended"
        if not supervised and (unseen := self._unseen(record)):
            return ServiceStatus(self.name, "UNSURE", None, None, restarts, supervised, unseen)
        if not supervised and record.stage != "failed":
            reason = f"its supervisor and its main process are gone; {reason}"
        return self._without_main("FAILED", restarts, supervised, reason)

    def _unseen(self, record: ServiceRecord) -> str:
        """Why something of it may be left that this account cannot see; empty when it can, or nothing can be left.

        Another account's processes do not show their mark. What their supervisor saw end, has ended; where it did not
        see that, only they, or root, can look.
        """
        process = record.main or record.supervisor
        clean = record.stage in ("stopped", "waiting") or (record.stage == "failed" and record.main is None)
        owner = self._files.owner()
        if (
            clean
            or process is None
            or process.boot_id != boot_id()
            or owner in (None, os.geteuid())
            or not os.geteuid()
        ):
            return ""
        return f"{account_of(owner)} started it, and only that account, or root, can see whether anything of it is left"

    def _without_main(self, state: str, restarts: tuple[datetime, ...], supervised: bool, reason: str) -> ServiceStatus:
        """STOPPED or FAILED, unless processes that carry the service's mark say otherwise."""
        remains = find_remains(Belonging(self._spec.mark))
        if remains:
            known = f"processes of it are there: {', '.join(described(remains))}"
            return ServiceStatus(self.name, "UNSURE", None, None, restarts, supervised, known)
        settled = "FAILED" if state == "FAILED" else "STOPPED"
        return ServiceStatus(self.name, settled, None, None, restarts, supervised, reason)  # type: ignore[arg-type]


def _taken(lock: FileLock) -> bool:
    """Once a service has been asked to end, an error on the way to its lock must not leave it half-asked."""
    try:
        return lock.acquire()
    except OSError:
        return lock.held
