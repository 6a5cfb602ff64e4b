"""From everything that was read to one State; pure."""

from __future__ import annotations

from datetime import datetime

import msgspec

from engine.config import Deployment
from engine.monitoring.model import Gate
from engine.monitoring.updates import update_due
from engine.notify.message import person
from engine.operations.lock import Holder
from engine.operations.model import Operation
from engine.operations.watchers import Watcher
from engine.state.alert_views import UpdateView
from engine.state.doings import Doings
from engine.state.gate_standing import GateStanding
from engine.state.measured import Measured
from engine.state.model import (
    ChecklistView,
    HandOver,
    Phase,
    ShadowView,
    State,
    ValidationView,
    VerdictView,
    WayBackView,
)
from engine.state.releases import Releases
from engine.state.silences import silence_lines
from engine.state.trail import Proof, Trail, phase_ends, phase_of
from engine.state.way_back import way_back
from engine.state.written import Report, validation_view

WATCHED: frozenset[Phase] = frozenset({"BAKE", "STABILISE", "STEADY"})
"""Phases that have decision points ahead; the monitor's last evaluation may be from before."""


class Found(msgspec.Struct, frozen=True):
    """What the readers found at one moment."""

    now: datetime
    user: str
    host: str
    trail: Trail
    doings: Doings
    releases: Releases
    measured: Measured
    checklist: ChecklistView
    report: Report | None
    shadow: ShadowView | None
    log: tuple[str, ...]
    cutover_at: datetime | None
    rolled_back_at: datetime | None
    problems: tuple[str, ...]
    gates: tuple[GateStanding, ...] = ()
    holder: Holder | None = None
    watchers: tuple[Watcher, ...] = ()
    past: bool = False
    """Whether ``now`` is a moment of the past: then records alone are asked, never the disk of now."""


def assemble(deployment: Deployment, found: Found) -> State:
    """The State at ``found.now``."""
    console = deployment.console
    seen = found.measured
    phase = _phase(deployment, found)
    return State(
        at=found.now,
        root=str(deployment.root),
        deployment=console.deployment.name,
        title=console.deployment.title,
        environment=console.deployment.environment,
        demo=console.deployment.demo,
        time_scale=float(console.time_scale),
        sample_cadence=float(console.cadence.sample),
        user=found.user,
        host=found.host,
        release=found.releases.live,
        release_reason=found.releases.reason,
        releases=found.releases.views,
        active_hash=found.releases.active_hash,
        phase=phase,
        cutover_at=found.cutover_at,
        verdict=_over(seen.verdict, found.doings),
        way_back=_way_back(deployment, found),
        watch=found.trail.watch,
        next_gate=_next_gate(found) if phase in WATCHED else None,
        kpis=seen.kpis,
        kpis_at=seen.kpis_at,
        resources=seen.resources,
        conditions=seen.conditions,
        matrix=seen.matrix,
        checks=_checks(deployment, found),
        checklist=found.checklist,
        operation=found.doings.current,
        last_operation=found.doings.last,
        alerts=seen.alerts,
        log=found.log,
        events=found.trail.told.lines,
        monitor=seen.monitor,
        problems=found.problems + seen.problems,
        holder=found.holder,
        watchers=found.watchers,
        shadow=found.shadow,
        update=_update(deployment, found) if phase in WATCHED else None,
        contacts={name: person(deployment.monitoring.contacts, name) for name in deployment.monitoring.contacts},
        unjudged=seen.unjudged,
        gates=found.gates,
        hand_over=_hand_over(found),
        drill=found.trail.drill,
    )


def _over(verdict: VerdictView, doings: Doings) -> VerdictView:
    """Without the monitor's word for an operation that has ended since its last sample."""
    runs = f"{doings.last.id} runs; " if doings.last is not None else ""
    if doings.current is None and runs and verdict.why.startswith(runs):
        return msgspec.structs.replace(verdict, why=verdict.why.removeprefix(runs))
    return verdict


def _way_back(deployment: Deployment, found: Found) -> WayBackView:
    return way_back(
        deployment,
        found.trail.proof,
        found.now,
        release=found.releases.live,
        cutover_at=found.cutover_at,
        build=found.releases.views[0].build,
        unfinished=_unfinished_cutover(found.doings, new_is_live=found.releases.live == deployment.new.release),
        rehearsal=found.trail.rehearsal,
        rolled_back=_rolled_back(found.doings.rolled_back),
        past=found.past,
    )


def _hand_over(found: Found) -> HandOver:
    trail = found.trail
    lines = f"{trail.ticked} line{'' if trail.ticked == 1 else 's'} of the checklist confirmed"
    done = (lines, *trail.done) if trail.ticked else trail.done
    return HandOver(trail.notes, done, silence_lines(trail.answered.silenced(found.now)))


def _update(deployment: Deployment, found: Found) -> UpdateView | None:
    """Which status update is due, and which went out last."""
    if found.cutover_at is None:
        return None
    sent = found.trail.updated
    section, scale = deployment.monitoring.updates, float(deployment.console.time_scale)
    due, following = update_due(section, found.cutover_at, found.now, scale, sent[0] if sent else None)
    ours = sent is not None and sent[0] >= found.cutover_at
    return UpdateView(due, following, sent[0] if sent and ours else None, sent[1] if sent and ours else "")


def _next_gate(found: Found) -> Gate | None:
    """The one that the monitor judged, unless somebody has decided it since."""
    gate = found.measured.next_gate
    standing = next((one for one in found.gates if gate is not None and one.id == gate.id), None)
    if gate is None or standing is None:
        return gate
    if standing.state == "go":
        ahead = next((one for one in found.gates if one.state != "go"), None)
        return Gate(ahead.id, ahead.title, ahead.due_at, (), (), (), ahead.state) if ahead else None
    return msgspec.structs.replace(gate, due_at=standing.due_at, state=standing.state)


def _phase(deployment: Deployment, found: Found) -> Phase:
    current = found.doings.current
    gone = {gate.id for gate in found.gates if gate.state == "go"}
    bake, stabilise = phase_ends(deployment.checklist, gone, float(deployment.console.time_scale))
    return phase_of(
        found.cutover_at,
        found.rolled_back_at,
        found.now,
        bake=bake,
        stabilise=stabilise,
        cutover_runs=current is not None and current.kind == "cutover",
        rollback_open=current is not None and current.kind == "rollback",
    )


def _rolled_back(done: Operation | None) -> Proof | None:
    """The last real rollback, as what the way back rests on; one that a person closed was not measured."""
    if done is None or done.ended is None or done.by_hand:
        return None
    return Proof(True, done.seconds, done.snapshot, done.release_to, "", done.ended, "rolled back")


def _unfinished_cutover(doings: Doings, *, new_is_live: bool) -> Operation | None:
    """The cutover that is the newest word on what runs, and that has not succeeded.

    One that was closed without success still is where a new release that is live came from.
    """
    newest = doings.current if doings.current is not None and doings.current.kind != "validate" else doings.last
    if newest is None or newest.kind != "cutover" or newest.state in ("SUCCEEDED", "ROLLED_BACK"):
        return None
    return newest if newest is doings.current or new_is_live else None


def _checks(deployment: Deployment, found: Found) -> ValidationView:
    schedule = deployment.checklist.schedule
    return validation_view(
        found.report,
        deployment.paths.validation_report,
        found.now,
        release=found.releases.live,
        good_for=(schedule.validation_every + schedule.late_after) / float(deployment.console.time_scale),
        running=found.doings.validating or found.measured.validating,
    )
