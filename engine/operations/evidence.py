"""What speaks for and against a plan: the lines that a person decides on, and those that refuse it."""

from __future__ import annotations

import contextlib
import shutil
from datetime import datetime

import msgspec

from engine.clock import SystemClock, pretty_duration
from engine.config import Deployment
from engine.errors import OpsError, Refused
from engine.operations.journal import NAME as JOURNAL
from engine.operations.journal import facts_of, list_operations, records_of
from engine.operations.lock import Holder, holder
from engine.operations.model import Operation, state_in_words
from engine.operations.plan import LIVE, Evidence
from engine.operations.preflight import preflight
from engine.operations.rehearsed import last_rehearsal
from engine.operations.requests import ANSWERS_WITHIN
from engine.operations.reserve import reserve_problem
from engine.operations.room import size
from engine.operations.watchers import watchers, watching_in_words
from engine.records import existing, harmless
from engine.records.regular import special
from engine.records.undecodable import UNDECODABLE
from engine.services import open_service
from engine.services.active import ActiveRelease, active_release
from engine.services.build import build_hash
from engine.services.logout import ended_at_logout
from engine.snapshots import PassedOver, Snapshot, let_read, passed_over, staged_path, trees, unread


def cutover_evidence(deployment: Deployment, operations: list[Operation]) -> list[Evidence]:
    """Of a cutover: releases, unfinished operations, tape, validation, rehearsal, room."""
    old, new = deployment.console.releases.old, deployment.console.releases.new
    active = active_release(deployment)
    status = open_service(deployment, new).status()
    found = [_old_is_live(old, active)]
    if status.state in ("STOPPED", "FAILED"):
        found.append(Evidence("ok", "new", f"{new} is stopped"))
    elif active.name != new:  # else it was just said
        found.append(Evidence("no", "new", f"{new} is {status.state} already"))
    for item in operations:
        if item.open:
            text = f"{item.id} stopped half-way: roll back, resume or resolve it first"
            found.append(Evidence("no", "unfinished", text))
    found.append(_tape(deployment))
    found.append(_validated(deployment))
    found.append(_rehearsed(deployment))
    return [*found, *_logout(deployment), *_space(deployment)]


def _old_is_live(old: str, active: ActiveRelease) -> Evidence:
    if active.name == old:
        return Evidence("ok", LIVE, f"{old} is live")
    why = f"{active.name} is live already" if active.name else f"{old} is not live: {active.reason}"
    return Evidence("no", LIVE, why)


def rollback_evidence(
    deployment: Deployment, operations: list[Operation], chosen: Snapshot | None, started: bool, *, named: bool = False
) -> list[Evidence]:
    """Of a rollback: whether there is anything to go back from, the snapshot, its staged tree, what ends first.

    ``named``: a person chose the snapshot. Else a newer one that this account cannot read stops it: it may be whole.
    """
    old = deployment.console.releases.old
    found: list[Evidence] = []
    unfinished = [item for item in operations if item.open or item.running]
    needless = active_release(deployment).name == old and not started and not unfinished
    if needless:
        found.append(Evidence("no", LIVE, f"{old} is live and nothing is unfinished: nothing to roll back"))
    passed = _passed_over(deployment, chosen, unfinished) if started else []
    if chosen is None and started:
        why = "".join(f"; {item.id}: {item.reason}" for item in passed)
        found.append(Evidence("no", "snapshot", f"there is no sealed snapshot to go back to{why}"))
    elif chosen is not None and chosen.manifest is not None:
        files = len(chosen.manifest.files)
        found.append(Evidence("ok", "snapshot", f"{chosen.id} sealed, {files} files; every hash is checked first"))
        newer = None if named else unread(passed)
        if newer is not None:
            why = f"snapshot {newer.id} is newer, and {newer.reason}; {let_read(deployment, newer.id)}"
            found.append(Evidence("no", "snapshot", why))
        found.extend(Evidence("--", "refused", f"{item}. {chosen.id} is restored instead") for item in passed)
        found.append(_staged(deployment, chosen))
    ends = [item for item in unfinished if item.open or item.kind == "cutover"]
    found.extend(
        Evidence("--", "takes over", f"{item.id} is {state_in_words(item.state)} and ends first") for item in ends
    )
    if not started and not needless:
        found.append(Evidence("--", "metrics", f"{deployment.console.releases.new} never started: metrics stay"))
    return [*found, *_logout(deployment), _space_to_go_back(deployment)]


def _logout(deployment: Deployment) -> list[Evidence]:
    ended = ended_at_logout(deployment)
    return [Evidence("--", "log-out", ended.what)] if ended else []


def _passed_over(deployment: Deployment, chosen: Snapshot | None, unfinished: list[Operation]) -> list[PassedOver]:
    """Newer snapshots that cannot be restored; what an unfinished rollback is setting aside is none of them."""
    aside = set()
    for item in unfinished:
        with contextlib.suppress(OSError, OpsError):  # a damaged journal must not stop the way back
            aside.add(str(facts_of(records_of(deployment.paths.operation(item.id))).get("side")))
    return passed_over(deployment, deployment.console.releases.old, chosen, but=frozenset(aside))


def _tape(deployment: Deployment) -> Evidence:
    if deployment.tape.exists():
        if kind := special(deployment.tape):
            return Evidence("no", "tape", f"{deployment.console.paths.tape} is {kind}, no regular file")
        return Evidence("ok", "tape", f"{deployment.console.paths.tape} is there")
    return Evidence("no", "tape", f"the tape {deployment.console.paths.tape} is missing")


def _validated(deployment: Deployment) -> Evidence:
    """The newest validation report, with its age: evidence for a person, no condition."""
    path = deployment.paths.validation_report
    try:
        report = msgspec.json.decode(path.read_bytes(), type=dict[str, object])
        age = SystemClock().now().wall.timestamp() - path.stat().st_mtime
    except (OSError, *UNDECODABLE):
        return Evidence("--", "validation", "no validation report")
    status = str(report.get("status"))
    text = f"{status} of {report.get('release')}, {pretty_duration(age)} ago"
    return Evidence("ok" if status == "PASS" else "--", "validation", text)


def _rehearsed(deployment: Deployment) -> Evidence:
    """The newest rehearsal of the way back, with its age; one of another build proves nothing about this one."""
    found = last_rehearsal(deployment)
    if found is None:
        return Evidence("--", "rehearsal", "the rollback was never rehearsed: abaco-ops rehearse")
    age = pretty_duration(SystemClock().now().wall.timestamp() - found.at.timestamp())
    if not found.ok and _rolled_back_since(deployment, found.at):
        return Evidence("--", "rehearsal", f"not rehearsed since the last rollback (NOT READY {age} ago, before it)")
    if not found.ok:
        return Evidence("--", "rehearsal", f"rehearsed {age} ago, NOT READY: {found.reason}")
    if found.build != build_or_nothing(deployment, deployment.console.releases.old):
        return Evidence("--", "rehearsal", f"rehearsed {age} ago, with build {found.build[:6]}: not the one of now")
    return Evidence("ok", "rehearsal", f"rollback rehearsed {age} ago, {found.seconds:.1f} s")


def _rolled_back_since(deployment: Deployment, moment: datetime) -> bool:
    done = [item for item in list_operations(deployment.paths.operations) if item.kind == "rollback"]
    return any(item.state == "SUCCEEDED" and item.ended is not None and item.ended > moment for item in done)


def _space(deployment: Deployment) -> list[Evidence]:
    """Room and places for a cutover, only looked at. A place is refused by the worker, who may be another user."""
    try:
        found = preflight(deployment, probing=False)
    except (OSError, OpsError) as error:
        return [Evidence("--", "disk", harmless(f"cannot be measured: {error}"))]
    disk = Evidence("no", "disk", "; ".join(found.lacking)) if found.lacking else Evidence("ok", "disk", found.room)
    return [disk, *(Evidence("--", "places", harmless(problem)) for problem in found.refused[:2])]


def _space_to_go_back(deployment: Deployment) -> Evidence:
    """A rollback is never refused for want of room: its records have some kept back, and the staged tree is there."""
    free = shutil.disk_usage(existing(deployment.paths.rollback)).free
    missing = reserve_problem(deployment)
    return Evidence("--" if missing else "ok", "disk", f"{size(free)} free" + (f"; {missing}" if missing else ""))


def _staged(deployment: Deployment, chosen: Snapshot) -> Evidence:
    missing = [
        covered
        for covered in trees(deployment, chosen)
        if chosen.manifest
        and chosen.manifest.below(covered)
        and not staged_path(deployment, chosen.id, covered).exists()
    ]
    if missing:
        return Evidence("--", "staged", f"{', '.join(missing)} is not staged: it is copied first")
    return Evidence("ok", "staged", "ready to be swapped in, same file system")


def people(deployment: Deployment, takes_over: str | None, *, force: bool = False) -> list[Evidence]:
    """Who operates and who watches: nobody meets another by surprise."""
    watching = watching_in_words(watchers(deployment))
    found = [Evidence("--", "watching", watching)] if watching else []
    held = holder(deployment)
    if held is None:
        return [Evidence("ok", "nobody operates", watching or "no other console is open")]
    told = held.told(SystemClock().now().wall)
    if force:
        return [Evidence("--", "force", f"ends the worker of {told}"), *found]
    if takes_over:
        return [Evidence("--", "operates", told), *found]
    return [Evidence("no", "operates", f"{told}{_if_it_hangs(deployment, held)}"), *found]


def _if_it_hangs(deployment: Deployment, held: Holder) -> str:
    """What to do about its worker, once that has written nothing for longer than an answer may take; a hold is none."""
    directory = deployment.paths.operation(held.operation)
    newest = 0.0
    for name in (JOURNAL, "output.log"):
        with contextlib.suppress(OSError):
            newest = max(newest, (directory / name).stat().st_mtime)
    spent = SystemClock().now().wall.timestamp() - newest
    if held.holds or spent <= ANSWERS_WITHIN:
        return ""
    silent = f"silent for {pretty_duration(spent)}, " if newest else ""
    return f"; {silent}if it hangs: abaco-ops rollback --force"


def build_or_nothing(deployment: Deployment, release: str) -> str:
    """The build, or nothing where its files cannot be read: no reason to refuse a way back."""
    try:
        return build_hash(deployment, release)
    except Refused:
        return ""
