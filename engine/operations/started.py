"""Whether the new release may have started since the old one was last in charge: decides what a rollback restores."""

from __future__ import annotations

from datetime import datetime

from engine.clock import parse_iso
from engine.config import Deployment
from engine.operations.model import Operation
from engine.records import Record, sound_records
from engine.services import open_service


def since_last_rollback(operations: list[Operation]) -> tuple[list[Operation], datetime | None]:
    """The cutovers after the last rollback that succeeded, and when that one ended."""
    rollbacks = [item for item in operations if item.kind == "rollback" and item.state == "SUCCEEDED"]
    last = rollbacks[-1] if rollbacks else None
    cutovers = [item for item in operations if item.kind == "cutover" and (last is None or item.id > last.id)]
    return cutovers, last.ended if last else None


def new_release_started(deployment: Deployment, operations: list[Operation]) -> bool:
    """True when a journal, the service or a run says so; a doubt counts as yes, for then nothing is left out."""
    new = deployment.console.releases.new
    cutovers, since = since_last_rollback(operations)
    if any(cutover.past_no_return for cutover in cutovers):
        return True
    if open_service(deployment, new).status().state in ("RUNNING", "UNSURE"):
        return True
    try:
        records, damaged = sound_records(deployment.paths.runs)
    except OSError:
        return True
    if damaged:
        return True
    return any(record.get("release") == new and _after(record.get("started"), since) for record in records)


def runs_of(deployment: Deployment) -> list[Record] | None:
    """The run records that are sound; None when the file cannot be read."""
    try:
        return sound_records(deployment.paths.runs)[0]
    except OSError:
        return None


def _after(started: object, since: datetime | None) -> bool:
    if since is None:
        return True
    try:
        return parse_iso(str(started)) > since
    except ValueError:
        return True
