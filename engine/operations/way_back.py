"""Could we go back now, and how long would it take: proven, not assumed, and written to the audit trail."""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from engine.clock import Clock, SystemClock, parse_iso
from engine.config import Deployment, load_deployment
from engine.errors import CHECK_FAILED, DONE, REFUSED, LockHeld, OpsError
from engine.operations.commands import Command, finish
from engine.operations.lock import holder
from engine.operations.reserve import keep_again, reserve_problem
from engine.records import FileLock, Record, append_event, harmless, make_directory
from engine.services.active import configured_release
from engine.services.leaving import leave_in_order
from engine.snapshots import (
    Remembered,
    Snapshot,
    choices,
    let_read,
    load_remembered,
    passed_over,
    staged_problem,
    unread,
    verify_snapshot,
)

EVENT = "way_back.proven"
_PAUSE = 0.02
_STORE_EVERY = 10.0


class WayBackProof(msgspec.Struct, frozen=True):
    """``seconds``: what the proof measured plus the time that a restored release is watched.

    What it did not read again counts with the time that reading it would have taken.
    """

    ok: bool
    seconds: float
    snapshot: str | None
    release: str
    reason: str
    at: datetime | None = None
    read_at: datetime | None = None
    """Every byte was read then or later; what was not read again is, by inode, size and times, unchanged since."""


def prove(
    deployment: Deployment,
    clock: Clock,
    *,
    wait: Callable[[], None] | None = None,
    remembered: Remembered | None = None,
) -> WayBackProof:
    """Examine the way back, and record the answer in the audit trail. OSError, EventsBusy, LockHeld.

    Reads everything, but what is ``remembered``; what was read is kept for the next proof. The space kept for a
    rollback is kept again where it is missing and there is room. Another proof is waited for first.
    """
    with _turn(deployment, wait or _sleep):
        return _proven(deployment, clock, wait or _sleep, remembered)


def _proven(
    deployment: Deployment, clock: Clock, wait: Callable[[], None], remembered: Remembered | None
) -> WayBackProof:
    if configured_release(deployment.active_config)[0] == deployment.console.releases.new:
        keep_again(deployment)
    reads = Remembered() if remembered is None else remembered
    proof = examine(deployment, wait, reads)
    _store(deployment, reads)
    data = msgspec.to_builtins(proof)
    del data["at"]
    append_event(deployment.paths.events, EVENT, data, source="way_back", clock=clock)
    return proof


def examine(deployment: Deployment, wait: Callable[[], None], remembered: Remembered | None = None) -> WayBackProof:
    """Hash the snapshot and the staged trees, and let the old release compute a tape; writes nothing.

    But for the reads that :func:`_keep` stores on the way: one that is killed at its deadline was not in vain.
    Newer snapshots that cannot be restored are named, whatever the answer: what only they hold would not come back.
    """
    began = time.monotonic()
    reads = Remembered() if remembered is None else remembered
    keep = _keep(deployment, reads)
    release = deployment.console.releases.old
    found = next(choices(deployment, release), None)
    if found is None:
        reason = "there is no snapshot to go back to"
    else:
        reason = verify_snapshot(found, keep, reads) or staged_problem(deployment, found, keep, remembered=reads)
    note = ""
    if found is not None and not reason:
        reason, note = computes(deployment, found, wait)
        if configured_release(deployment.active_config)[0] == deployment.console.releases.new:
            note = "; ".join(filter(None, (note, reserve_problem(deployment))))
    seconds = round(time.monotonic() - began + reads.would_take + deployment.console.cadence.verify_hold, 2)
    newer = passed_over(deployment, release, found)
    stops = unread(newer)
    if stops is not None and not reason:
        reason = f"a rollback stops at snapshot {stops.id}; {let_read(deployment, stops.id)}"
    return WayBackProof(
        ok=not reason,
        seconds=seconds,
        snapshot=found.id if found is not None else None,
        release=release,
        reason=harmless("; ".join(filter(None, (reason or note, *map(str, newer)))), 400),
        read_at=datetime.fromtimestamp(reads.oldest, UTC) if reads.oldest is not None else None,
    )


def read_way_back(events: list[Record]) -> WayBackProof | None:
    """The newest proof among these events."""
    for event in reversed(events):
        if event.get("kind") == EVENT:
            proof = msgspec.convert(event["data"], WayBackProof)
            return msgspec.structs.replace(proof, at=parse_iso(str(event["at"])))
    return None


def main(arguments: list[str]) -> int:
    """``python -m engine.operations.way_back --root DIR``: exit 0 when it stands, 1 when not; else nobody knows."""
    parser = argparse.ArgumentParser(prog="way_back")
    parser.add_argument("--root", required=True)
    options = parser.parse_args(arguments)
    try:
        deployment = load_deployment(Path(options.root))
        with _turn(deployment, _sleep):
            if holder(deployment) is not None:  # an operation moves what would be looked at
                sys.stdout.write("not now: an operation is running\n")
                return DONE
            not_before = time.time() - deployment.console.cadence.reread_every
            reads = load_remembered(deployment.paths.proven_reads, not_before)
            proof = _proven(deployment, SystemClock(), _sleep, reads)
    except OpsError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    except OSError as error:
        sys.stderr.write(f"the proof could not be made or recorded: {error}\n")
        return REFUSED
    sys.stdout.write(f"{'proven' if proof.ok else 'NOT PROVEN'}: {proof.seconds} s, {proof.reason or proof.snapshot}\n")
    return DONE if proof.ok else CHECK_FAILED


@contextlib.contextmanager
def _turn(deployment: Deployment, wait: Callable[[], None]) -> Iterator[None]:
    """One looks, and records, after the other: so the newest record tells of the newest look. LockHeld, OSError.

    Waits for half of the time that the monitor gives a proof: one that hangs is then named, and not waited for.
    """
    path, longest = deployment.paths.proof_lock, deployment.console.operations.budgets.rollback / 2
    make_directory(path.parent)
    with FileLock(path) as lock:
        until = time.monotonic() + longest
        while not lock.take():
            if time.monotonic() >= until:
                raise LockHeld(
                    f"another proof of the way back has not ended within {longest:g} s, so none was made",
                    f"see whether it gets on, or end it: fuser -v {path}",
                )
            wait()
        yield


def _keep(deployment: Deployment, reads: Remembered) -> Callable[[], None]:
    """Called between files and blocks: stores what was read so far, every few seconds."""
    last = time.monotonic()

    def keep() -> None:
        nonlocal last
        if time.monotonic() - last > _STORE_EVERY:
            last = time.monotonic()
            _store(deployment, reads, so_far=True)

    return keep


def _store(deployment: Deployment, reads: Remembered, *, so_far: bool = False) -> None:
    """Where it cannot be written, the next proof reads everything again; that disproves nothing."""
    with contextlib.suppress(OSError):
        reads.store(deployment.paths.proven_reads, so_far=so_far)


def computes(deployment: Deployment, snapshot: Snapshot | None, wait: Callable[[], None]) -> tuple[str, str]:
    """Why the old release's KPI program cannot compute; and what is worth knowing when it can."""
    release = deployment.console.releases.old
    tapes = [deployment.tape]
    if snapshot and snapshot.manifest and snapshot.manifest.probe:
        tapes.append(snapshot.path / snapshot.manifest.probe.path)
    command = deployment.command(deployment.old.programs.kpi, release)
    deadline = deployment.console.cadence.command_deadline
    try:
        running = Command([*command, *map(str, tapes)], deployment.root, deadline)
    except OpsError as error:
        return error.what, ""
    result = finish([running], wait)[0]
    if not result.passed:
        return f"{release}'s KPI program failed, {result.said}", ""
    problems = [_problem(line) for line in result.out.splitlines() if line.strip()]
    if len(problems) != len(tapes):
        return f"{release}'s KPI program answered {len(problems)} of {len(tapes)} tapes", ""
    if not problems[0]:
        return "", ""
    if len(problems) > 1 and not problems[1]:
        return "", f"the live tape cannot be computed ({problems[0]}); proven on the snapshot's tape"
    return f"{release} cannot compute a tape: {problems[-1]}", ""


def _problem(line: str) -> str:
    """Why an answer is none; empty when every KPI has a value."""
    try:
        answer: Any = json.loads(line)
        kpis: dict[str, Any] = answer["kpis"]
        undefined = [f"{name}: {kpi.get('reason')}" for name, kpi in kpis.items() if kpi.get("value") is None]
    except (ValueError, KeyError, TypeError, AttributeError):
        return "the answer is no KPI table"
    if answer.get("error"):
        return harmless(answer["error"])
    return harmless("; ".join(undefined)) if undefined or not kpis else ""


def _sleep() -> None:
    time.sleep(_PAUSE)


if __name__ == "__main__":
    leave_in_order()
    raise SystemExit(main(sys.argv[1:]))
