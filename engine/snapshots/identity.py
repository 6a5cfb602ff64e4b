"""Which deployment a snapshot is of: a random identity of its own, for every deployment's name may be the same."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import secrets
from pathlib import Path

from engine.config import Deployment
from engine.records.atomic import make_directory, sync_directory, write_file
from engine.snapshots.manifest import SnapshotProblem

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
