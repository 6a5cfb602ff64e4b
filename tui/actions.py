"""The one place where the console asks the engine to do something. Nothing else in ``tui`` writes.

Every method may block and is called off the event loop; it raises OpsError with a sentence for the screen.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from engine.clock import SystemClock
from engine.config import Deployment
from engine.monitoring import answers
from engine.records import whoami

if TYPE_CHECKING:
    from engine.monitoring.facts import Waiver
    from engine.monitoring.trace import Trace
    from engine.operations.plan import Plan
    from engine.operations.prospects import WaysOn
    from engine.state.kept_screen import Shot
    from engine.state.readiness import ReadyLine


@runtime_checkable
class AcceptedView(Protocol):
    """An operation that was accepted and runs by itself."""

    @property
    def id(self) -> str:
        """Its id."""
        ...

    @property
    def pid(self) -> int:
        """Its worker."""
        ...


class Actions(Protocol):
    """What the console can ask for."""

    def plan_rollback(self) -> Plan:
        """What a rollback would do now."""
        ...

    def plan_cutover(self) -> Plan:
        """What a cutover would do now."""
        ...

    def launch(self, plan: Plan, reason: str, *, hold: bool = False) -> AcceptedView:
        """Start the planned operation; returns when its worker has accepted it. ``hold``: it waits before phase 3."""
        ...

    def validate(self) -> AcceptedView:
        """Start a validation of the running release."""
        ...

    def rehearse(self) -> str:
        """Start a rehearsal of the rollback; the process or unit that does it."""
        ...

    def go(self, operation: str, reason: str) -> None:
        """Tell a held cutover to go on with the switch; returns when its worker has taken it."""
        ...

    def abort(self, operation: str) -> AcceptedView | str:
        """Ask a running operation to stop and undo: a sentence when it does not answer. Or undo an interrupted one."""
        ...

    def ways_on(self, operation: str) -> WaysOn:
        """What can be done about an operation that stopped half-way."""
        ...

    def resume(self, operation: str) -> AcceptedView:
        """Go on with an operation that stopped half-way."""
        ...

    def resolve(self, operation: str, reason: str) -> str:
        """Close an operation that was put right by hand; says as what."""
        ...

    def tick(self, key: str, measured: str, note: str) -> None:
        """Confirm a checklist item."""
        ...

    def override(self, key: str, reason: str) -> None:
        """Answer a checklist item against its measurement."""
        ...

    def note(self, text: str) -> None:
        """Write a note into the audit trail."""
        ...

    def acknowledge(self, condition: str, reason: str, *, owner: str = "", lasts: float | None = None) -> None:
        """Take an alert, for somebody else (``owner``) or for a while (``lasts`` seconds) where that is given."""
        ...

    def silence(self, condition: str, lasts: float, reason: str) -> None:
        """Page nobody about a condition for ``lasts`` seconds."""
        ...

    def update_channels(self) -> tuple[str, ...]:
        """Where a status update goes; none: somebody pastes it. Only looks, and at once."""
        ...

    def send_update(self) -> str:
        """Send the status update, or record that it was pasted; says which."""
        ...

    def take_watch(self) -> list[str]:
        """Take the watch; what happened since, in plain lines."""
        ...

    def decide(self, gate: str, decision: str, note: str, waivers: Sequence[Waiver]) -> None:
        """Record go or no-go at a gate."""
        ...

    def readiness(self) -> tuple[ReadyLine, ...]:
        """What blocks a cutover."""
        ...

    def report(self) -> str:
        """Write the report that is due now; a sentence that says where it is."""
        ...

    def drill(self, fault: str) -> str:
        """Begin a drill on a demo; says until when."""
        ...

    def end_drill(self) -> str:
        """End the drill that runs; says what was put right."""
        ...

    def ensure_monitor(self) -> int | None:
        """Start the monitor when none runs; its pid, or None when one ran already."""
        ...

    def restart_monitor(self) -> int | None:
        """End the monitor that hangs and start another; its pid."""
        ...

    def trace(self, condition: str) -> Trace:
        """The samples behind a condition; only looks."""
        ...

    def since_left(self) -> list[str]:
        """What happened since this person was last seen at a console, in plain lines; only looks."""
        ...

    def remember_here(self) -> None:
        """Note that this person has a console open now."""
        ...

    def keep_screen(self, shot: Shot) -> str:
        """Keep a screen as evidence; says where. Where only looking is allowed, among the person's own files."""
        ...


def keep_screen(deployment: Deployment, shot: Shot) -> str:
    """Keep a screen as evidence; says where."""
    from engine.operations.watchers import origin_here
    from engine.state import kept_screen

    kept = kept_screen.keep_screen(deployment, shot, actor=whoami(), origin=origin_here(), clock=SystemClock())
    return str(kept)


class EngineActions:
    """The engine itself. Its rooms are imported when they are first needed: the console starts without them."""

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment

    def take_up(self, deployment: Deployment) -> None:
        """What is asked for from now on is asked of this configuration: it was edited."""
        self._deployment = deployment

    def plan_rollback(self) -> Plan:
        """What a rollback would do now."""
        from engine.operations.launch import plan_rollback

        return plan_rollback(self._deployment)

    def plan_cutover(self) -> Plan:
        """What a cutover would do now."""
        from engine.operations.launch import plan_cutover
        from engine.state import StateReader
        from engine.state.readiness import with_readiness

        plan = plan_cutover(self._deployment)
        return with_readiness(self._deployment, plan, StateReader(self._deployment, SystemClock()).read)

    def launch(self, plan: Plan, reason: str, *, hold: bool = False) -> AcceptedView:
        """Start the planned operation; returns when its worker has accepted it."""
        from engine.operations.launch import launch, origin_here
        from engine.operations.planning import arranged

        plan = arranged(plan, hold=True) if hold else plan
        return launch(self._deployment, plan, reason=reason, actor=whoami(), origin=origin_here())

    def validate(self) -> AcceptedView:
        """Start a validation of the running release."""
        from engine.operations.launch import launch_validation, origin_here

        return launch_validation(self._deployment, actor=whoami(), origin=origin_here())

    def rehearse(self) -> str:
        """Start a rehearsal of the rollback; the process or unit that does it."""
        from engine.operations.rehearsal import start

        return start(self._deployment)

    def go(self, operation: str, reason: str) -> None:
        """Tell a held cutover to go on with the switch; returns when its worker has taken it."""
        from engine.operations.steering import go

        go(self._deployment, operation, actor=whoami(), reason=reason)

    def abort(self, operation: str) -> AcceptedView | str:
        """Ask a running operation to stop and undo, or undo an interrupted one."""
        from engine.operations.steering import abort, unanswered

        asked = abort(self._deployment, operation, actor=whoami())
        return unanswered(self._deployment, operation, asked) if isinstance(asked, Path) else asked

    def ways_on(self, operation: str) -> WaysOn:
        """What can be done about an operation that stopped half-way."""
        from engine.operations.probing import ways_on
        from engine.operations.steering import find

        return ways_on(self._deployment, find(self._deployment, operation))

    def resume(self, operation: str) -> AcceptedView:
        """Go on with an operation that stopped half-way."""
        from engine.operations.steering import resume

        return resume(self._deployment, operation, actor=whoami())

    def resolve(self, operation: str, reason: str) -> str:
        """Close an operation that was put right by hand."""
        from engine.operations.steering import resolve

        closed = resolve(self._deployment, operation, reason=reason, actor=whoami())
        return f"{operation} is closed ({closed.state}); found: {closed.found.says}"

    def tick(self, key: str, measured: str, note: str) -> None:
        """Confirm a checklist item with what was measured."""
        answers.tick(self._deployment, key, measured=measured, note=note, actor=whoami())

    def override(self, key: str, reason: str) -> None:
        """Answer a checklist item against its measurement."""
        answers.override(self._deployment, key, reason=reason, actor=whoami())

    def note(self, text: str) -> None:
        """Write a note into the audit trail."""
        answers.note(self._deployment, text, actor=whoami())

    def acknowledge(self, condition: str, reason: str, *, owner: str = "", lasts: float | None = None) -> None:
        """Take an alert."""
        answers.acknowledge(self._deployment, condition, reason=reason, owner=owner, lasts=lasts, actor=whoami())

    def silence(self, condition: str, lasts: float, reason: str) -> None:
        """Page nobody about a condition for a while."""
        answers.silence(self._deployment, condition, reason=reason, lasts=lasts, actor=whoami())

    def update_channels(self) -> tuple[str, ...]:
        """Where a status update goes."""
        return tuple(self._deployment.monitoring.updates.channels)

    def send_update(self) -> str:
        """Send the status update, or record that it was pasted."""
        from engine.clock import SystemClock
        from engine.state.sending import record_sent, send_update

        channels = self._deployment.monitoring.updates.channels
        if not channels:
            record_sent(self._deployment, [], actor=whoami(), clock=SystemClock())
            return "no channel is configured for updates: recorded as pasted by you"
        results = send_update(self._deployment, channels, actor=whoami(), clock=SystemClock())
        said = ", ".join(f"{name} {'ok' if ok else f'FAILED: {detail}'}" for name, (ok, detail) in results.items())
        return f"status update: {said}"

    def take_watch(self) -> list[str]:
        """Take the watch; what happened since, in plain lines."""
        from engine.state.hand_over import take

        return take(self._deployment, actor=whoami())

    def decide(self, gate: str, decision: str, note: str, waivers: Sequence[Waiver]) -> None:
        """Record go or no-go at a gate."""
        from engine.monitoring.deciding import decide

        decide(self._deployment, gate, decision, actor=whoami(), note=note, waivers=waivers)

    def readiness(self) -> tuple[ReadyLine, ...]:
        """What blocks a cutover."""
        from engine.clock import SystemClock
        from engine.state import StateReader
        from engine.state.readiness import readiness

        return readiness(self._deployment, StateReader(self._deployment, SystemClock()).read())

    def report(self) -> str:
        """Write the report that is due now."""
        from engine.clock import SystemClock
        from engine.reports.publish import write_report

        done = write_report(self._deployment, SystemClock(), None)
        places = " and ".join(path.name for path in done.paths)
        return f"{done.found.span.title} report: logs/reports/{places}" + "".join(f"; {text}" for text in done.warnings)

    def trace(self, condition: str) -> Trace:
        """The samples behind a condition."""
        from engine.monitoring.trace_sources import traced

        return traced(self._deployment, condition)

    def since_left(self) -> list[str]:
        """What happened since this person was last seen at a console."""
        from engine.state.left import since_left

        return since_left(self._deployment, actor=whoami(), clock=SystemClock())

    def remember_here(self) -> None:
        """Note that this person has a console open now."""
        from engine.state.left import remember

        remember(self._deployment, actor=whoami(), clock=SystemClock())

    def keep_screen(self, shot: Shot) -> str:
        """Keep a screen as evidence."""
        return keep_screen(self._deployment, shot)

    def drill(self, fault: str) -> str:
        """Begin a drill on a demo."""
        from engine.monitoring.drilling import begin

        order = begin(self._deployment, fault.strip(), seconds=None, actor=whoami(), clock=SystemClock())
        return f"DRILL {order.drill} of {order.release} has begun, ends by itself at {order.until[11:19]}Z"

    def end_drill(self) -> str:
        """End the drill that runs."""
        from engine.config.looking import must_write
        from engine.drills.ending import end

        must_write(self._deployment, "the end of a drill")  # the drill's own guard ends it all the same
        ended = end(self._deployment, "ended from the console", actor=whoami(), clock=SystemClock())
        if ended is None:
            return "no drill runs"
        return "; ".join([f"the drill {ended.order.drill} has ended", *ended.said])

    def ensure_monitor(self) -> int | None:
        """Start the monitor when none runs."""
        from engine.monitoring.launch import ensure_monitor

        return ensure_monitor(self._deployment)

    def restart_monitor(self) -> int | None:
        """End the monitor that hangs, by SIGKILL if need be, and start another."""
        from engine.monitoring.launch import restart_monitor

        return restart_monitor(self._deployment)
