"""What a step has at hand: the deployment, its orders, its journal, and the ways to wait and to run commands."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from engine.clock import Clock
from engine.config import Deployment
from engine.errors import DamagedRecord, OpsError
from engine.operations import requests
from engine.operations.commands import Command, CommandResult, finish
from engine.operations.journal import Journal, facts_of, read_operation, records_of
from engine.operations.model import Operation
from engine.operations.places import logs_of, not_appendable
from engine.operations.plan import Orders
from engine.operations.reserve import disk_is_full, give_back, release_reserve
from engine.records import append_event
from engine.records.harmless import harmless, one_line
from engine.services import open_service
from engine.services.identity import identity_of
from engine.services.protocol import Identity, Service
from engine.snapshots.remembered import Remembered

Done = TypeVar("Done")
RESERVE_USED = "the disk is (nearly) full: the space kept for a rollback was given back; make room"
Narrate = Callable[[str], str | None]
"""Writes one line for people, and says why it could not."""
_LOOK_EVERY = 0.05
_PAUSE = 0.02


class AbortRequested(OpsError):
    """A person asked for the operation to be undone."""

    def __init__(self, by: str, reason: str) -> None:
        why = f": {reason}" if reason else ""
        super().__init__(f"{by} asked to abort{why}")
        self.by = f"{by}{why}"
        self.obeyed = f"aborted by {by}{why}"
        """What came of it, where it was not too late."""


class YieldRequested(OpsError):
    """A rollback takes over: let go at once, undo nothing."""


@dataclass(frozen=True, slots=True)
class Go:
    """A person told a held cutover to go: who (the request's owner), from where, why."""

    by: str
    origin: str
    reason: str
    nonce: str


class DeadlinePassed(OpsError):
    """A step took longer than its phase may."""


class LogLost(OpsError):
    """A log for people or the audit trail cannot be written: a cutover does not go on without."""


class JournalLost(OpsError):
    """The journal cannot be written: nothing more may be done, because nobody could know it afterwards."""


class Work:
    """One worker's hold on one operation."""

    def __init__(
        self, deployment: Deployment, orders: Orders, clock: Clock, narrate: Callable[[str], str | None]
    ) -> None:
        self.deployment = deployment
        self.orders = orders
        self.plan = orders.plan
        self.directory: Path = deployment.paths.operation(orders.operation)
        self.clock = clock
        self._narrate = narrate
        self._log_lost = ""
        self._journal = Journal(self.directory, clock)
        self._services: dict[str, Service] = {}
        self._looked = 0.0
        self._deadline: float | None = None
        self.me = _myself()
        self.remembered = Remembered()
        """What this worker has read itself: a worker that goes on after another one begins with nothing."""
        self.undoing = False
        self.awaits_go = False
        self.go: Go | None = None
        self._warned: set[str] = set()
        self.facts = facts_of(records_of(self.directory))
        self.done_steps = {step.name for step in self.operation().steps if step.state in ("done", "skipped")}
        """Kept in memory too: when the journal is lost, a person is told what remains."""

    # --- records -----------------------------------------------------------------------------------------------

    def record(self, kind: str, **data: Any) -> int:
        """Write to the journal, fsynced. JournalLost when that fails: the operation must not go on."""
        try:
            return self.with_room(lambda: self._journal.write(kind, **data))
        except OSError as error:
            raise JournalLost(
                f"the journal {self.directory / 'journal.jsonl'} cannot be written: {error}",
                "make room or mount it writable; no further step was begun",
            ) from error

    def record_process(self, kind: str, who: Identity, **data: Any) -> None:
        """One that works on this operation, and in which directory: a copy of the journal names it, too."""
        place = str(self.directory)
        self.record(kind, pid=who.pid, start_time=who.start_time, boot_id=who.boot_id, written_in=place, **data)

    def operation(self) -> Operation:
        """The operation as its journal tells it. JournalLost when it cannot be read."""
        try:
            return read_operation(self.directory)
        except (OSError, DamagedRecord) as error:
            raise JournalLost(f"the journal of {self.directory.name} cannot be read: {error}", "keep it") from error

    def fact(self, name: str, value: Any) -> None:
        """Keep what later steps, or a recovery, have to know."""
        self.record("fact", name=name, value=value)
        self.facts[name] = value

    def warn(self, text: str) -> None:
        """Something a person must read, that stops nothing; the same thing is said once."""
        text = one_line(text)
        if text in self._warned:
            return
        self._warned.add(text)
        self.record("warning", detail=text)
        self.narrate(f"WARNING {text}")

    def narrate(self, text: str) -> None:
        """One line of the log that people read; losing it stops nothing here. See :meth:`must_be_logged`."""
        lost = self._narrate(text)
        if lost:
            self._log_lost = lost
            if self.goes_back:
                self.warn(f"the log of this operation cannot be written: {lost}")

    def must_be_logged(self) -> None:
        """Before the new release's first start a cutover stops when a log cannot be written any more (LogLost); later
        it only warns.
        """
        if self.plan.kind != "cutover" or self.undoing:
            return
        lost = self._log_lost or "; ".join(filter(None, map(not_appendable, logs_of(self.deployment))))
        if lost and self.operation().past_no_return:
            self.warn(f"a log cannot be written any more: {lost}")
        elif lost:
            raise LogLost(f"a log cannot be written any more: {lost}", "make room, mount it writable, or chattr -i it")

    def event(self, kind: str, data: dict[str, Any], seq: int, actor: str = "") -> None:
        """Append to the audit trail. OSError or OpsError when it cannot be written."""
        self.with_room(
            lambda: append_event(
                self.deployment.paths.events,
                kind,
                data,
                source="operation",
                actor=actor or self.orders.actor,
                operation=self.orders.operation,
                operation_seq=seq,
                clock=self.clock,
            )
        )

    def with_room(self, act: Callable[[], Done]) -> Done:
        """Do it. Where the disk is full, a rollback, or the undo of a cutover, gives the kept space back and does it
        once more.
        """
        try:
            return act()
        except (OSError, OpsError) as error:
            if not (self.goes_back and disk_is_full(error) and give_back(self.deployment)):
                raise
        self.warn(RESERVE_USED)
        return act()

    def make_room(self) -> None:
        """Give the kept space back where the disk is nearly full: before a service of ours meets it."""
        if release_reserve(self.deployment):
            self.warn(RESERVE_USED)

    # --- releases ----------------------------------------------------------------------------------------------

    def service(self, release: str) -> Service:
        """The service of a release."""
        if release not in self._services:
            self._services[release] = open_service(self.deployment, release)
        return self._services[release]

    @property
    def goes_back(self) -> bool:
        """Whether it leads to the old release: a rollback, or a cutover that undoes itself."""
        return self.plan.kind == "rollback" or self.undoing

    @property
    def old(self) -> str:
        """The release that rollbacks return to."""
        return self.deployment.console.releases.old

    @property
    def new(self) -> str:
        """The release that cutovers activate."""
        return self.deployment.console.releases.new

    # --- waiting -----------------------------------------------------------------------------------------------

    def begin_step(self, budget: float) -> None:
        """From now on :meth:`checkpoint` raises after this many seconds."""
        self._deadline = self.clock.now().boot + budget
        if self.plan.kind == "rollback":
            self.make_room()

    def end_step(self) -> None:
        """No deadline until the next step."""
        self._deadline = None

    def checkpoint(self, *, at_once: bool = False) -> None:
        """Called often: raises when someone asks for an end, or when the step's time is over."""
        now = time.monotonic()
        if now - self._looked < _LOOK_EVERY and not at_once:
            return
        self._looked = now
        if self._deadline is not None and self.clock.now().boot > self._deadline:
            self._late()
        if self.plan.kind != "rollback":
            self._answer_requests()

    def pause(self) -> None:
        """Wait a moment, answering requests."""
        time.sleep(_PAUSE)
        self.checkpoint()

    def until(self, arrived: Callable[[], bool], seconds: float) -> bool:
        """Wait until it is so, at most this long; answers requests meanwhile."""
        end = time.monotonic() + seconds
        while not arrived():
            if time.monotonic() >= end:
                return False
            self.pause()
        return True

    def run(self, template: list[str], release: str, *more: str) -> CommandResult:
        """One of the release's configured programs, to its end."""
        return self.finish([self.start(self.deployment.command(template, release), *more)])[0]

    def start(self, command: Sequence[str], *more: str, deadline: float | None = None) -> Command:
        """Start a command with this deadline (s), else the configured one.

        Its process is journaled before the command begins, so that recovery can end it.
        """
        limit = self.deployment.console.cadence.command_deadline if deadline is None else deadline
        return Command([*command, *more], self.deployment.root, limit, self._journal_child)

    def _journal_child(self, child: Identity, mark: str) -> None:
        self.record_process("child", child, mark=mark)

    def finish(self, commands: Sequence[Command]) -> list[CommandResult]:
        """Wait for commands, in parallel."""
        return finish(commands, self.pause)

    def _late(self) -> None:
        """A cutover stops; a rollback goes on and says so, for half a rollback helps nobody."""
        self._deadline = None
        what = "the phase takes longer than its budget"
        if self.plan.kind != "rollback":
            raise DeadlinePassed(what, "see operations.budgets in config/console.yml")
        self.warn(what)

    def _answer_requests(self) -> None:
        asked = requests.take(self.directory, self.me)
        if asked is None:
            return
        request, author = asked
        if request.want == "abort" and not self.undoing:
            raise AbortRequested(request.by(author), harmless(one_line(request.reason)))
        if request.want == "yield":
            raise YieldRequested(request.reason or "a rollback")
        if request.want == "go" and self.awaits_go:
            origin, reason = harmless(one_line(request.origin), 80), harmless(one_line(request.reason))
            self.go = Go(author, origin or "local", reason, request.nonce)
        elif request.want == "go":
            self.warn(f"{author} gave the go while nothing waited for it: not obeyed")


def _myself() -> Identity:
    identity = identity_of(os.getpid())
    if identity is None:
        raise OpsError("this process cannot find itself in /proc", "mount /proc")
    return identity
