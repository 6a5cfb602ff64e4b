"""``abaco-ops snapshots [verify]``: what could be restored; ``verify`` reads and hashes every file."""

from __future__ import annotations

import argparse
import json
import sys

from engine.cli.frame import Context
from engine.clock import iso
from engine.errors import CHECK_FAILED, DONE
from engine.snapshots import Snapshot, list_snapshots, verify_snapshot
from engine.snapshots.catalogue import UNREADABLE


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command understands."""
    parser.add_argument("what", metavar="verify", nargs="?", choices=("verify",), help="exit 1 when one is damaged")
    parser.add_argument("--json", action="store_true")


def run(context: Context, options: argparse.Namespace) -> int:
    """List, every hash checked; with ``verify`` a damaged one makes the exit code 1."""
    found = [(snapshot, verify_snapshot(snapshot)) for snapshot in list_snapshots(context.deployment())]
    if options.json:
        sys.stdout.write(json.dumps([_as_json(snapshot, problem) for snapshot, problem in found]) + "\n")
    else:
        sys.stdout.write("\n".join(_row(snapshot, problem) for snapshot, problem in found) or "no snapshot yet")
        sys.stdout.write("\n")
        if options.what == "verify" and found:
            bad = sum(bool(problem) for _, problem in found)
            sys.stdout.write(f"every file of {len(found)} snapshots was read and hashed now; {bad} cannot be used\n")
    damaged = any(problem for _, problem in found)
    return CHECK_FAILED if options.what == "verify" and damaged else DONE


def _as_json(snapshot: Snapshot, problem: str) -> dict[str, object]:
    manifest = snapshot.manifest
    return {
        "id": snapshot.id,
        "release": manifest.release if manifest else None,
        "purpose": manifest.purpose if manifest else None,
        "operation": manifest.operation if manifest else None,
        "taken_at": iso(manifest.taken_at) if manifest else None,
        "files": len(manifest.files) if manifest else None,
        "bytes": manifest.bytes if manifest else None,
        "verified": not problem,
        "restorable": snapshot.restorable and not problem,
        "reason": problem or None,
    }


def _row(snapshot: Snapshot, problem: str) -> str:
    manifest = snapshot.manifest
    if manifest is None:
        return f"{snapshot.id}  NOT OFFERED  {problem}"
    word = "NOT READ" if problem.startswith(UNREADABLE) else "DAMAGED"
    mark = "verified" if not problem else f"{word}: {problem}"
    return (
        f"{snapshot.id}  {manifest.purpose:<8} {manifest.release:<4} {iso(manifest.taken_at)[:19]}  "
        f"{len(manifest.files):5} files {manifest.bytes:11} bytes  {mark}"
    )
