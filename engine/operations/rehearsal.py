"""A rehearsal: everything of a rollback but the swap, on the live deployment, timed, discarded and remembered.

It is a plain process and no operation: it changes nothing, so there is nothing to resume, to abort or to be held
against. It takes no lock of an operation; when one begins it looks up and leaves.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from engine.clock import Clock, SystemClock, iso
from engine.config import Deployment, load_deployment
from engine.config.looking import must_write
from engine.config.may_write import left_to_units
from engine.errors import CHECK_FAILED, DONE, LockHeld, OpsError, Refused
from engine.operations.journal import list_operations
from engine.operations.lock import holder
from engine.operations.rehearsal_parts import Part, Rehearsing
from engine.operations.rehearsal_place import Place
from engine.operations.rehearsed import EVENT
from engine.operations.watchers import origin_here
from engine.records import FileLock, append_event, harmless, is_locked, make_directory, whoami
from engine.services.detached import spawn_detached
from engine.services.leaving import in_order_when_asked

_OPERATES = ("-cutover", "-rollback")
_LOOK_EVERY = 0.05
_PAUSE = 0.02
_LAST = 19


class Rehearsal(msgspec.Struct, frozen=True):
    """What it found. ``seconds``: what a rollback would take, the time that the old release is watched included."""

    ok: bool
    seconds: float
    release: str
    build: str
    snapshot: str | None
    """None: there was none to restore, and one of its own was taken for the rehearsal."""
    own_snapshot: bool
    exchange: str
    """How the trees would be swapped on this file system; empty when that could not be tried."""
    reason: str
    """Why it is not ready; empty when it is."""
    note: str
    """What is worth knowing all the same."""
    parts: tuple[Part, ...]


class GaveWay(LockHeld):
    """An operation began: nothing is said about the way back."""


def rehearse(
    deployment: Deployment, clock: Clock, *, actor: str | None = None, tell: Callable[[Part], None] | None = None
) -> Rehearsal:
    """Rehearse, discard, and record the answer in the audit trail.

    LockHeld while an operation or another rehearsal runs, GaveWay (the same) when one begins meanwhile; Refused while
    a rollback is unfinished. An audit trail that cannot be written makes the answer NOT READY.
    """
    must_write(deployment, "a rehearsal")
    watch = _Watch(deployment)
    _must_be_possible(deployment)
    place = Place(deployment)
    done = Rehearsing(deployment, place, clock, watch.look, watch.wait, tell or (lambda _part: None))
    left = ""
    # asked to end or hung up, it discards the copies too
    with FileLock(deployment.paths.rollback / "rehearsal.lock") as lock, in_order_when_asked():
        try:
            if not lock.acquire():
                raise LockHeld("a rehearsal is running already", "wait for its end")
        except OSError as error:
            done.cannot_begin(f"{deployment.paths.rollback} cannot be written to: {error}")
        else:
            left = _run(done, place, watch)
    found = _result(deployment, done, left)
    try:
        _record(deployment, found, clock, actor)
    except (OSError, OpsError) as error:
        lost = f"the audit trail cannot be written: {harmless(error)}"
        found = msgspec.structs.replace(found, ok=False, reason="; ".join(filter(None, (found.reason, lost))))
    return found


def _run(done: Rehearsing, place: Place, watch: _Watch) -> str:
    """All of it, and its copies discarded whatever happens; what could not be discarded."""
    left = place.discard_leftovers()
    try:
        done.run()
        watch.look(at_once=True)
    except GaveWay:
        os.setpriority(os.PRIO_PROCESS, 0, _LAST)  # what is still to do must not be felt by the rollback
        raise
    finally:
        left = place.discard() or left
    return left


def start(deployment: Deployment) -> str:
    """Start a rehearsal that outlives the caller; its unit, or ``pid 4711``. The answer stands in the audit trail."""
    must_write(deployment, "a rehearsal")
    _must_be_possible(deployment)
    if done_by_unit(deployment):
        from engine.operations.unit_rehearsal import begin

        return begin(deployment, actor=whoami(), origin=origin_here()).unit
    make_directory(deployment.paths.logs)
    command = [sys.executable, "-P", "-m", "engine.operations.rehearsal", "--root", str(deployment.root)]
    pid = spawn_detached(command, cwd=deployment.root, output=deployment.paths.logs / "rehearsal.out")
    return f"pid {pid}"


def done_by_unit(deployment: Deployment) -> bool:
    """Whether this account cannot write beside what it would restore, and a unit has to rehearse for it."""
    return left_to_units(deployment, deployment.active_config.parent)


def main(arguments: list[str]) -> int:
    """``python -m engine.operations.rehearsal --root DIR``: exit 0 READY, 1 NOT READY."""
    parser = argparse.ArgumentParser(prog="rehearsal")
    parser.add_argument("--root", required=True)
    options = parser.parse_args(arguments)
    clock = SystemClock()
    try:
        found = rehearse(load_deployment(Path(options.root)), clock)
    except OpsError as error:
        sys.stderr.write(f"{iso(clock.now().wall)} {error}\n")
        return error.exit_code
    sys.stdout.write(f"{iso(clock.now().wall)} {'READY' if found.ok else 'NOT READY: ' + found.reason}\n")
    return DONE if found.ok else CHECK_FAILED


class _Watch:
    """Looks whether an operation begins: a directory of its own comes first, its lock later; neither is touched."""

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment
        self._known = self._names()
        self._looked = 0.0

    def look(self, *, at_once: bool = False) -> None:
        """GaveWay when one has begun. Called often."""
        now = time.monotonic()
        if now - self._looked < _LOOK_EVERY and not at_once:
            return
        self._looked = now
        begun = sorted(self._names() - self._known)
        if begun or is_locked(self._deployment.paths.operation_lock):
            raise GaveWay(f"gave way to {begun[0] if begun else 'an operation'}", "rehearse again after its end")

    def wait(self) -> None:
        """A moment, then a look."""
        time.sleep(_PAUSE)
        self.look()

    def _names(self) -> set[str]:
        try:
            names = os.listdir(self._deployment.paths.operations)  # noqa: PTH208 - names alone, twenty times a second
        except FileNotFoundError:
            return set()
        return {name for name in names if name.endswith(_OPERATES)}


def _must_be_possible(deployment: Deployment) -> None:
    held = holder(deployment)
    if held is not None:
        raise LockHeld(f"an operation is running: {held}", "rehearse after its end")
    for operation in list_operations(deployment.paths.operations):
        if operation.kind == "rollback" and operation.open:
            raise Refused(f"{operation.id} stopped half-way: there is a real one to finish", "abaco-ops rollback")


def _result(deployment: Deployment, done: Rehearsing, left: str) -> Rehearsal:
    failed = [f"{part.name}: {part.detail}" for part in done.parts if not part.ok]
    spent = sum(part.seconds * part.times for part in done.parts)
    notes = [*done.notes, *([left] if left else [])]
    return Rehearsal(
        ok=not failed,
        seconds=round(spent + deployment.console.cadence.verify_hold, 2),
        release=deployment.console.releases.old,
        build=done.build,
        snapshot=done.snapshot.id if done.snapshot is not None and not done.own_snapshot else None,
        own_snapshot=done.own_snapshot,
        exchange=done.exchange,
        reason=harmless("; ".join(failed), 400),
        note=harmless("; ".join(notes), 400),
        parts=tuple(done.parts),
    )


def _record(deployment: Deployment, found: Rehearsal, clock: Clock, actor: str | None) -> None:
    data = msgspec.to_builtins(found)
    data["parts"] = {part.name: part.seconds for part in found.parts}
    append_event(deployment.paths.events, EVENT, data, source="rehearsal", actor=actor, clock=clock)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
