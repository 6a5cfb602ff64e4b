"""What is found when an operation stopped half-way: what runs, and whose configuration and metrics are live."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import msgspec

from engine.config import Deployment
from engine.errors import OpsError
from engine.operations.journal import facts_of, records_of
from engine.operations.model import Operation
from engine.operations.started import runs_of
from engine.records import Record, harmless
from engine.services.active import active_release
from engine.snapshots import Snapshot, Swap, choices, entries_of, newest_first, swapped, trees

_LOOKS = 3
_BETWEEN = 0.3
"""A run under way has published files that no run record names yet: look again after this long (s)."""


@dataclass(frozen=True, slots=True)
class Found:
    """What is live now; ``agree`` is whether configuration and metrics are of one release."""

    live: str | None
    agree: bool
    says: str
    """One line for people and records."""


@dataclass(frozen=True, slots=True)
class _Metrics:
    """Whose metrics are live (empty: nobody can tell), why, and whether a rollback has swapped them."""

    release: str
    why: str
    swapped: bool = False


def find_state(deployment: Deployment, operation: Operation) -> Found:
    """Look at services, active configuration and metrics; the journal and the snapshot say whose metrics are live.

    DamagedRecord or OSError when the operation's journal cannot be read.
    """
    facts = facts_of(records_of(deployment.paths.operation(operation.id)))
    metrics = _metrics(deployment, operation, facts)
    for _ in range(_LOOKS - 1):
        if metrics.release:
            break
        time.sleep(_BETWEEN)
        metrics = _metrics(deployment, operation, facts)
    active = active_release(deployment)
    runs = f"{' and '.join(active.running)} runs" if active.running else "no release runs"
    configuration = f"configuration of {harmless(active.configured, 40)}" if active.configured else active.reason
    whose = f"metrics of {metrics.release}" if metrics.release else "metrics of nobody knows whom"
    agree = _agree(deployment, active.configured, metrics)
    apart = "" if agree else "THEY DIFFER: "
    return Found(active.name, agree, f"{apart}{runs}, {configuration}, {whose} ({metrics.why})")


def _agree(deployment: Deployment, configured: str | None, metrics: _Metrics) -> bool:
    """The new release goes on with the old one's metrics; the old one must never run on the new one's."""
    releases = deployment.console.releases
    if configured == releases.old:
        return metrics.release == releases.old
    return configured == releases.new and not metrics.swapped


def _metrics(deployment: Deployment, operation: Operation, facts: dict[str, Any]) -> _Metrics:
    old, new = deployment.console.releases.old, deployment.console.releases.new
    if facts.get("abort_only") or (operation.kind == "cutover" and not operation.past_no_return):
        return _Metrics(old, f"{new} had not started")
    snapshot = _snapshot(deployment, facts)
    if snapshot is None or snapshot.manifest is None:
        return _Metrics("", "there is no snapshot to compare them with")
    swaps = [facts.get(f"swap:{covered}") for covered in trees(deployment, snapshot)]
    if swaps and all(swap and swapped(msgspec.convert(swap, Swap)) for swap in swaps):
        return _Metrics(old, f"snapshot {snapshot.id} was swapped in", swapped=True)
    return _compared(deployment, snapshot)


def _compared(deployment: Deployment, snapshot: Snapshot) -> _Metrics:
    """What stands there and is neither in the snapshot nor an output of the old release's runs."""
    old, new = deployment.console.releases.old, deployment.console.releases.new
    kept = {(entry.path, entry.sha256) for entry in (snapshot.manifest.files if snapshot.manifest else ())}
    try:
        live = entries_of(deployment.root, trees(deployment, snapshot), passing=[])
    except (OSError, OpsError) as error:
        return _Metrics("", harmless(f"they cannot be read: {error}"))
    written = _written(runs_of(deployment) or [])
    more = {
        entry.sha256
        for entry in live
        if entry.type == "file" and (entry.path, entry.sha256) not in kept and not entry.path.endswith(".tmp")
    } - written.get(old, set())
    if not more:
        return _Metrics(old, f"nothing but {old}'s own stands beside what snapshot {snapshot.id} holds")
    of_new = len(more & written.get(new, set()))
    if of_new:
        return _Metrics(new, f"{of_new} files that {new} published are among them")
    return _Metrics("", f"{len(more)} files are among them that neither snapshot {snapshot.id} nor a run record names")


def _written(runs: list[Record]) -> dict[str, set[str]]:
    """The hashes that the runs of each release recorded."""
    written: dict[str, set[str]] = {}
    for run in runs:
        outputs = run.get("outputs")
        for output in outputs if isinstance(outputs, list) else ():
            if isinstance(output, dict):
                written.setdefault(str(run.get("release")), set()).add(str(output.get("sha256")))
    return written


def _snapshot(deployment: Deployment, facts: dict[str, Any]) -> Snapshot | None:
    known = facts.get("snapshot") or facts.get("final_snapshot")
    named = next((item for item in newest_first(deployment) if item.id == known), None)
    return named or next(choices(deployment, deployment.console.releases.old), None)
