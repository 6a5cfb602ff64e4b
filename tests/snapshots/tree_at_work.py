"""A deployment with something to keep, without any process."""

from __future__ import annotations

import hashlib
import os
from datetime import UTC, datetime
from pathlib import Path

from engine.config import Deployment
from engine.snapshots import Origin, Snapshot, list_snapshots, take_snapshot

WHEN = datetime(2026, 1, 31, 2, 0, tzinfo=UTC)


def origin(purpose: str = "final", operation: str = "0001-cutover") -> Origin:
    return Origin(purpose, operation, "v1", "b" * 64, WHEN)  # type: ignore[arg-type]


def furnish(deployment: Deployment) -> None:
    """Metrics with a subdirectory, a link and odd names; a reference tape."""
    metrics = deployment.metrics
    (metrics / "by date").mkdir(parents=True)
    (metrics / "kpis_v1.json").write_text('{"PAR30": 2.2}')
    (metrics / "by date" / "ünï\tcode.csv").write_text("a,b\n")
    (metrics / "empty").write_bytes(b"")
    (metrics / "latest").symlink_to("kpis_v1.json")
    (metrics / "kpis_v1.json").chmod(0o600)
    os.utime(metrics / "kpis_v1.json", ns=(1_700_000_000_000_000_000, 1_700_000_000_123_456_789))
    reference = deployment.root / deployment.console.paths.reference_tape
    reference.parent.mkdir(parents=True)
    reference.write_text("loan_id\n1\n")


def taken(deployment: Deployment, purpose: str = "final") -> Snapshot:
    """A sealed snapshot of what is there now."""
    manifest = take_snapshot(deployment, origin(purpose))
    return next(found for found in list_snapshots(deployment) if found.id == manifest.id)


def fingerprint(path: Path) -> dict[str, str]:
    """Every name below a directory and what it holds."""
    found = {}
    for each in sorted(path.rglob("*")):
        if each.is_symlink():
            found[str(each.relative_to(path))] = f"-> {each.readlink()}"
        elif each.is_file():
            found[str(each.relative_to(path))] = hashlib.sha256(each.read_bytes()).hexdigest()
        else:
            found[str(each.relative_to(path))] = "directory"
    return found
