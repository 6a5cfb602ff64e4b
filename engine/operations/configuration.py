"""The active configuration: which release it is of, how two differ, and replacing it in one step."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

import yaml

from engine.operations.plan import KeyChange
from engine.records import harmless, write_file

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def hash_of(path: Path) -> str:
    """sha256 of a file; empty when it is not there."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except FileNotFoundError:
        return ""


def release_in(data: bytes) -> str | None:
    """The release that a configuration is of; None when it does not say."""
    release = parsed(data).get("release")
    return release if isinstance(release, str) else None


def parsed(data: bytes) -> dict[str, Any]:
    """A configuration's keys; none when it is no YAML mapping."""
    try:
        found = yaml.load(data, Loader=_LOADER)  # noqa: S506 - a safe loader, in C where there is one
    except yaml.YAMLError:
        return {}
    return found if isinstance(found, dict) else {}


def changes(now: bytes, then: bytes) -> tuple[KeyChange, ...]:
    """The keys that differ, in dotted form."""
    before, after = _flat(parsed(now)), _flat(parsed(then))
    differing = sorted(key for key in before.keys() | after.keys() if before.get(key) != after.get(key))
    return tuple(KeyChange(key, before.get(key), after.get(key)) for key in differing)


def activate(path: Path, data: bytes) -> None:
    """Put a configuration in place, wholly; it keeps its mode, and as root its owner. OSError leaves the old one."""
    before = path.stat() if path.exists() else None
    write_file(path, data, before.st_mode & 0o777 if before else 0o640)
    if before is not None and os.geteuid() == 0:
        os.chown(path, before.st_uid, before.st_gid)  # whoever of the service reads it goes on to


def _flat(value: Any, prefix: str = "") -> dict[str, str]:
    if isinstance(value, dict) and value:
        flat: dict[str, str] = {}
        for key, inner in value.items():
            flat.update(_flat(inner, f"{prefix}.{key}" if prefix else str(key)))
        return flat
    return {prefix: harmless(value)}
