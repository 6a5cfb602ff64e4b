"""The systemd backend: a service that is a unit of the system's manager."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from engine.clock import SystemClock
from engine.errors import OpsError, Refused
from engine.services import systemd_journal
from engine.services.control_group import members
from engine.services.ending import end_service
from engine.services.identity import Stat, identity_of, read_stat, started_at
from engine.services.protocol import Identity, ServiceStatus, StopResult
from engine.services.remains import Belonging, described, find_remains
from engine.services.systemd_calls import CALL_DEADLINE, CallRefused, systemctl
from engine.services.systemd_status import (
    PROPERTIES,
    Shown,
    ended_how,
    judged,
    not_startable,
    not_started,
    parse,
    was_killed,
)

_POLL = 0.03
_KILL_FOR = 5.0
"""How long SIGKILL is given: what stays after that hangs in the kernel."""
_SEEN_TWICE = 3
_NOTICED = 100
"""Restarts at most whose moments are kept as they were noticed."""
_READ_AGAIN = 2.0
"""Seconds until the journal is asked again for restarts that it did not tell: it may be behind."""


@dataclass(frozen=True, slots=True)
class UnitSpec:
    """All that the backend has to know about one release's unit."""

    name: str
    """The service's name, for people."""
    unit: str
    release: str
    build: str
    mark: str
    """What processes carry that the embedded backend started: they must be gone before systemd starts any."""
    stop_deadline: float
    settle: float
    """A start counts once the same process has stayed up for so many seconds."""
    call_deadline: float = CALL_DEADLINE
    up_within: float = 10.0
    """Seconds, beside the stop deadline, that it may take to come up, or to end what it was about."""


class SystemdService:
    """See :class:`engine.services.protocol.Service`."""

    def __init__(self, spec: UnitSpec) -> None:
        self._spec = spec
        self._restarts: tuple[tuple[str, int], tuple[datetime, ...], str] = (("", 0), (), "")
        """Invocation and number of the restarts, their moments, why these are fewer: read again when there are more,
        and after a while when there were fewer.
        """
        self._restarts_at = 0.0
        self._noticed: tuple[int | None, tuple[datetime, ...]] = (None, ())
        """The number at the look before, and when looks found it higher: what is known without the journal."""
        self._group = ""
        """The unit's control group, as it was last told: the unit has it whenever it runs."""

    @property
    def name(self) -> str:
        """The service's name."""
        return self._spec.name

    def status(self) -> ServiceStatus:
        """How it is now. What systemd does not answer in time is UNSURE."""
        try:
            return self._status(self._show())
        except (OpsError, OSError) as error:
            what = error.what if isinstance(error, OpsError) else str(error)
            return ServiceStatus(self.name, "UNSURE", None, None, reason=what)

    def sign(self) -> tuple[object, ...]:
        """The processes in its control group: systemd itself need not be asked for them."""
        return tuple(members(self._group))

    def start(self) -> ServiceStatus:
        """Start it, or find it running. OpsError names what kept it from running, or what ended it at once."""
        spec = self._spec
        if not spec.build:
            raise Refused(f"the build files of {spec.release} cannot be read", "see build.files of the release")
        until = time.monotonic() + spec.up_within + spec.stop_deadline
        before = self._at_rest(until)
        problem, fix = not_startable(before)
        if problem and before.down:
            raise Refused(f"{self.name} cannot be started: {problem}", fix)
        status = self._status(before)
        if status.state == "RUNNING":
            return self._settled(before, until)
        if status.state == "UNSURE":
            raise OpsError(f"{self.name} cannot be started: {status.reason}", f"abaco-ops service stop {spec.release}")
        self._forget_failure()  # it counts starts that people ask for too, and refuses one too many
        self._call("start", "--no-block", spec.unit)
        return self._settled(before, until)

    def stop(self) -> StopResult:
        """Stop it and everything it started: systemd asks it, kills it at the deadline; then it is looked for."""
        began = time.monotonic()
        try:
            return self._stop(began)
        except (OpsError, OSError) as error:
            said = str(error).replace("\n  -> ", "; ")
            return StopResult(False, False, time.monotonic() - began, (f"not sure, for {said}", *self._known_left()))

    def last_lines(self, count: int) -> list[str]:
        """The last lines of its output, from the journal."""
        return systemd_journal.last_lines(self._spec.unit, count, self._spec.call_deadline)

    def obstacle(self) -> str:
        """An unknown, masked or unusable unit, or a systemd that does not answer."""
        try:
            return not_startable(self._show())[0]
        except OpsError as error:
            return error.what

    def refusal(self) -> str:
        """What polkit says to a stop of what does not run, or to a start of what does: both do nothing. Nobody is asked
        while it is in between, where systemd waits to start it again: there either would do something.
        """
        try:
            shown = self._show()
            if not shown.down and shown.active != "active":
                return ""
            verb = "stop" if shown.down else "start"
            self._call(verb, "--no-block", "--job-mode=ignore-dependencies", self._spec.unit)
        except CallRefused as refused:
            return f"{refused.what}; {refused.fix}; root may"
        except OpsError:
            return ""  # whatever it is, it is none of this: an obstacle
        return ""

    def members(self, identity: Identity) -> Sequence[int]:
        """Every process in the unit's control group, the main one first; empty when that is gone."""
        if identity_of(identity.pid) != identity:
            return ()
        found = members(self._show().group)
        return [identity.pid, *(pid for pid in found if pid != identity.pid)]

    # --- looking ---

    def _show(self) -> Shown:
        unit = self._spec.unit
        text = systemctl("show", "-p", ",".join(PROPERTIES), unit, deadline=self._spec.call_deadline)
        shown = parse(text.decode("utf-8", "replace"), unit)
        self._group = shown.group
        return shown

    def _status(self, shown: Shown) -> ServiceStatus:
        for _ in range(_SEEN_TWICE):
            main = identity_of(shown.main_pid) if shown.main_pid else None
            if main is not None or shown.main_pid == 0:
                break
            time.sleep(_POLL)  # it has just ended: systemd learns of that at once
            shown = self._show()
        left = [] if main is not None else self._left(shown)
        state, reason = judged(shown, main is not None, described(left))
        running = main if state == "RUNNING" else None
        since = _wall_time(running) if running is not None else None
        supervised = shown.active in ("active", "reloading") or shown.restarting
        moments, unread = self._restarted(shown)
        return ServiceStatus(self.name, state, running, since, moments, supervised, reason, shown.restarts, unread)

    def _left(self, shown: Shown) -> list[Stat]:
        """Processes of the unit, and those that the embedded backend, or a person, started beside systemd."""
        stats = (read_stat(pid) for pid in members(shown.group))
        inside = [stat for stat in stats if stat is not None and not stat.dead]
        pids = {stat.pid for stat in inside}
        return inside + [stat for stat in find_remains(Belonging(self._spec.mark)) if stat.pid not in pids]

    def _restarted(self, shown: Shown) -> tuple[tuple[datetime, ...], str]:
        key, now = (shown.invocation, shown.restarts), time.monotonic()
        before, noticed = self._noticed
        if before is not None and shown.restarts != before:
            kept = noticed if shown.restarts > before else ()  # a start on purpose counts anew
            new = shown.restarts - before if shown.restarts > before else shown.restarts
            noticed = (*kept, *[SystemClock().now().wall] * new)[-_NOTICED:]
        self._noticed = (shown.restarts, noticed)
        known, moments, unread = self._restarts
        if known != key or (unread and now - self._restarts_at >= _READ_AGAIN):
            unit, count = self._spec.unit, shown.restarts
            moments, unread = systemd_journal.restart_moments(unit, count, self._spec.call_deadline)
            self._restarts, self._restarts_at = (key, moments, unread), now
        if len(noticed) > len(moments):
            return noticed, unread if len(noticed) < shown.restarts else ""
        return moments, unread

    def _known_left(self) -> tuple[str, ...]:
        try:
            return described(self._left(self._show()))
        except (OpsError, OSError):
            return described(find_remains(Belonging(self._spec.mark)))

    # --- starting ---

    def _at_rest(self, until: float) -> Shown:
        """What it is once it is neither on its way up nor down. OpsError when it does not get there."""
        while (shown := self._show()).moving:
            if time.monotonic() > until:
                raise OpsError(
                    f"{self.name} cannot be started: systemd says {shown.active}/{shown.sub}, and that does not end",
                    f"systemctl status {self._spec.unit}; then stop it and start it again",
                )
            time.sleep(_POLL)
        return shown

    def _settled(self, before: Shown, until: float) -> ServiceStatus:
        """Wait until the unit is up, and until its process has stayed up. OpsError when it has not."""
        first: Identity | None = None
        while True:
            shown = self._show()
            status = self._status(shown)
            if status.state == "RUNNING" and status.identity is not None and not status.reason:
                if first is not None and status.identity != first:
                    raise self._died(f"it ended{self._after(first)}, and systemd started it again")
                first = status.identity
                if SystemClock().now().boot - started_at(first) >= self._spec.settle:
                    return status
            elif shown.down or shown.restarting:
                why = not_started(before, shown) if first is None else ended_how(shown)
                comes_back = ", systemd starts it again" if shown.restarting else ""
                raise self._died(f"{why}{self._after(first) if first else ''}{comes_back}")
            if time.monotonic() > until:
                raise self._died(f"systemd says {shown.active}/{shown.sub}, and it does not come up")
            time.sleep(_POLL)

    def _after(self, main: Identity) -> str:
        return f" within {SystemClock().now().boot - started_at(main):.1f} s of its start"

    def _died(self, why: str) -> OpsError:
        spec = self._spec
        lines = self.last_lines(3)
        said = f"; its last words: {' / '.join(lines)}" if lines else ""
        words = systemd_journal.manager_lines(spec.unit, 2, spec.call_deadline)
        said += f"; systemd says: {' / '.join(words)}" if words else ""
        return OpsError(f"{self.name} cannot be started: {why}{said}", f"journalctl -u {spec.unit} -n 30")

    def _forget_failure(self) -> None:
        """What systemd remembers against it. Not to be allowed to is no reason not to try."""
        try:
            self._call("reset-failed", self._spec.unit)
        except OpsError:
            return

    # --- stopping ---

    def _stop(self, began: float) -> StopResult:
        spec = self._spec
        until = began + spec.stop_deadline
        before = self._show()
        ran = not before.down
        if ran:
            self._call("stop", "--no-block", spec.unit)
        after = self._await(lambda shown: shown.down, until)
        killed = not after.down
        if killed:
            self._call("kill", "--signal=SIGKILL", spec.unit)
            after = self._await(lambda shown: shown.down, time.monotonic() + _KILL_FOR)
        killed = killed or (ran and was_killed(after))
        killed = self._end_left(after, until) or killed
        left = self._left(after)
        if after.active == "failed" and ran and not left:
            self._forget_failure()  # it was stopped on purpose: how it ended stands in the answer
        undone = () if after.down else (f"systemd says {after.active}/{after.sub}",)
        return StopResult(not left and after.down, killed, time.monotonic() - began, described(left) or undone)

    def _end_left(self, shown: Shown, until: float) -> bool:
        """End what a KillMode= of the unit's has spared, and what systemd never had; whether one had to be killed."""
        if not self._left(shown):
            return False
        spec = self._spec
        if members(shown.group):
            self._call("kill", "--signal=SIGTERM", spec.unit)
            while members(shown.group) and time.monotonic() < until:
                time.sleep(_POLL)
        killed = bool(members(shown.group))
        if killed:
            self._call("kill", "--signal=SIGKILL", spec.unit)
            end = time.monotonic() + _KILL_FOR
            while members(shown.group) and time.monotonic() < end:
                time.sleep(_POLL)
        return end_service(Belonging(spec.mark), spec.stop_deadline).killed or killed

    def _await(self, there: Callable[[Shown], bool], until: float) -> Shown:
        while not there(shown := self._show()) and time.monotonic() < until:
            time.sleep(_POLL)
        return shown

    def _call(self, *words: str) -> None:
        systemctl(*words, deadline=self._spec.call_deadline)


def _wall_time(main: Identity) -> datetime:
    now = SystemClock().now()
    return now.wall - timedelta(seconds=now.boot - started_at(main))
