"""Which deployment a snapshot is of: a random identity of its own, for every deployment's name may be the same."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import secrets
from datetime import datetime
from pathlib import Path

from engine.clock import parse_iso
from engine.config import Deployment
from engine.errors import OpsError
from engine.records import read_lines
from engine.records.atomic import make_directory, sync_directory, write_file
from engine.snapshots.manifest import SnapshotProblem, unsafe

_NAME = "deployment.id"
_FORM = re.compile(r"[0-9a-f]{32}")
_MACHINE = Path("/etc/machine-id")


def identity_file(deployment: Deployment) -> Path:
    """Where the identity stands."""
    return deployment.paths.rollback / _NAME


def identity_of_deployment(deployment: Deployment) -> str:
    """32 hex digits; empty when there is none yet, or none that can be read."""
    try:
        found = identity_file(deployment).read_bytes().decode("ascii", "replace").strip()
    except OSError:
        return ""
    return found if _FORM.fullmatch(found) else ""


def give_identity(deployment: Deployment) -> str:
    """The identity; one is made when there is none, whole and only once. SnapshotProblem when what is there is none."""
    path = identity_file(deployment)
    if not os.path.lexists(path):
        make_directory(path.parent)
        new = path.with_name(f".{_NAME}.{secrets.token_hex(4)}")
        write_file(new, secrets.token_hex(16).encode() + b"\n", 0o640)
        try:
            with contextlib.suppress(FileExistsError):  # another one was first: its identity is the one
                path.hardlink_to(new)
        finally:
            new.unlink()
        sync_directory(path.parent)
    found = identity_of_deployment(deployment)
    if not found:
        raise SnapshotProblem(
            f"{path} is no identity of a deployment", "write back the `identity` of a manifest of its snapshots"
        )
    return found


def machine_identity() -> str:
    """sha256 of this machine's id, which itself is confidential; empty where it has none."""
    try:
        return hashlib.sha256(_MACHINE.read_bytes().strip()).hexdigest()
    except OSError:
        return ""


def root_hash(deployment: Deployment) -> str:
    """sha256 of the deployment's absolute path."""
    return hashlib.sha256(os.fsencode(deployment.root)).hexdigest()


def foreign(deployment: Deployment, identity: str) -> str:
    """Why a snapshot with this identity is of another deployment; empty when it is of this one."""
    own = identity_of_deployment(deployment)
    if not identity:
        return "it does not say of which deployment it is"
    if not own:
        return f"it is of deployment {identity[:8]}, and this one has no identity ({identity_file(deployment)})"
    if identity != own:
        return f"it is of another deployment: {identity[:8]}, this is {own[:8]}"
    return ""


def taken_here(deployment: Deployment, operation: str, snapshot: str, taken_at: datetime) -> bool:
    """Whether this deployment's own journal tells that it took this snapshot, at that moment.

    The first releases wrote no identity into a manifest: what they sealed is known again by the step that took it.
    """
    if unsafe(operation) or "/" in operation:
        return False
    try:
        records = read_lines(deployment.paths.operation(operation) / "journal.jsonl")
        began, named = taken_at, False
        for record in records:
            kind, step = record.get("kind"), str(record.get("step", "")).startswith("snapshot_")
            if kind == "intent" and step:
                began, named = parse_iso(str(record["at"])), False
            elif kind == "fact" and record.get("value") == snapshot:
                named = True
            elif kind == "done" and step and named and began <= taken_at <= parse_iso(str(record["at"])):
                return True
    except (OSError, OpsError, KeyError, ValueError):
        return False
    return False
