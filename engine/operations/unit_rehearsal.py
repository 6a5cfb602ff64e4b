"""A rehearsal that an operator asks for where units carry out the operations: an instance of their template does it.

The asker writes ``.rollback/rehearse/start-N.json``, and follows ``said-N.jsonl``, in which the instance
``rehearse.N`` writes each part when it is over, and its answer last.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from engine.clock import Clock
from engine.config import Deployment
from engine.config.may_write import name_of
from engine.errors import CHECK_FAILED, DONE, LockHeld, OperationFailed, OpsError, Refused
from engine.operations.rehearsal_parts import Part
from engine.operations.unit_worker import Start, UnitWorker, rehearsals, start_unit_worker
from engine.records.atomic import make_for_group, open_new
from engine.records.undecodable import UNDECODABLE

if TYPE_CHECKING:
    from engine.operations.rehearsal import Rehearsal

_LOOK = 0.05
_KEPT = 3600.0
"""Seconds: what nobody fetched is removed after this long."""


class _Refusal(msgspec.Struct, frozen=True):
    """Why there is no answer, and the exit code that goes with it."""

    what: str
    fix: str
    code: int


class _Line(msgspec.Struct, frozen=True):
    """One line of what the instance says: exactly one of these."""

    part: Part | None = None
    found: dict[str, Any] | None = None
    refusal: _Refusal | None = None


def begin(deployment: Deployment, *, actor: str, origin: str) -> UnitWorker:
    """Start it; it outlives the caller, and its answer stands in the audit trail. Refused when it may not start."""
    directory = rehearsals(deployment)
    make_for_group(directory)
    try:
        return start_unit_worker(
            str(deployment.console.services.operation_unit), directory, Start("run", actor, origin, force=False)
        )
    except OpsError as error:
        owner = name_of(deployment.active_config.parent.stat().st_uid)
        fix = f"install the polkit rule of this version (packaging/systemd), or: sudo -u {owner} abaco-ops rehearse"
        raise Refused(f"a rehearsal is done by the account of the operations: {error.what}", fix) from error


def ask(deployment: Deployment, *, actor: str, origin: str, tell: Callable[[Part], None] | None = None) -> Rehearsal:
    """Start it and follow it to its end; the answer, or the error that ended it. OperationFailed when it gave none."""
    from engine.operations.rehearsal import Rehearsal

    worker = begin(deployment, actor=actor, origin=origin)
    number = worker.unit.removesuffix(".service").rpartition(".")[2]
    said, read = _said(deployment, int(number)), 0
    while True:
        over = worker.ended()  # asked first: what it said before it ended is there then
        lines = _lines(said, read)
        read += len(lines)
        for line in lines:
            if line.part is not None and tell is not None:
                tell(line.part)
            if line.refusal is not None:
                _forget(deployment, int(number))
                raise _error(line.refusal)
            if line.found is not None:
                _forget(deployment, int(number))
                return msgspec.convert(line.found, Rehearsal)
        if over:
            raise OperationFailed(
                f"the rehearsal ended without an answer: {worker.why()}", f"journalctl -u {worker.unit}"
            )
        time.sleep(_LOOK)


def carry_out(deployment: Deployment, number: int, start: Start, clock: Clock) -> int:
    """What the instance does: rehearse, and say so line by line. Exit code as of ``abaco-ops rehearse``."""
    from engine.operations.rehearsal import rehearse

    _tidy(rehearsals(deployment))
    descriptor = open_new(_said(deployment, number))
    with os.fdopen(descriptor, "wb", buffering=0) as stream:
        try:
            found = rehearse(
                deployment, clock, actor=start.actor, tell=lambda part: _write(stream.fileno(), _Line(part=part))
            )
        except OpsError as error:
            _write(stream.fileno(), _Line(refusal=_Refusal(error.what, error.fix, error.exit_code)))
            return error.exit_code
        _write(stream.fileno(), _Line(found=msgspec.to_builtins(found)))
    return DONE if found.ok else CHECK_FAILED


def _write(descriptor: int, line: _Line) -> None:
    os.write(descriptor, msgspec.json.encode(line) + b"\n")


def _lines(path: Path, after: int) -> list[_Line]:
    """The whole lines after the first so many. OperationFailed when one cannot be understood."""
    try:
        whole = path.read_bytes().split(b"\n")[:-1]
    except OSError:
        return []
    try:
        return [msgspec.json.decode(line, type=_Line) for line in whole[after:]]
    except UNDECODABLE as error:
        raise OperationFailed(f"{path} cannot be understood: {error}", "abaco-ops history shows the answer") from error


def _error(refusal: _Refusal) -> OpsError:
    kinds: dict[int, type[OpsError]] = {2: Refused, 5: LockHeld}
    return kinds.get(refusal.code, OperationFailed)(refusal.what, refusal.fix)


def _said(deployment: Deployment, number: int) -> Path:
    return rehearsals(deployment) / f"said-{number}.jsonl"


def _forget(deployment: Deployment, number: int) -> None:
    for path in (_said(deployment, number), rehearsals(deployment) / f"start-{number}.json"):
        with contextlib.suppress(OSError):
            path.unlink()


def _tidy(directory: Path) -> None:
    """What earlier ones left whose asker went away."""
    for path in directory.iterdir():
        with contextlib.suppress(OSError):
            if path.stat().st_mtime < time.time() - _KEPT:
                path.unlink()
