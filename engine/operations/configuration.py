"""The active configuration: which release it is of, how two differ, and replacing it in one step."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

import yaml

from engine.errors import Refused
from engine.operations.plan import KeyChange
from engine.records import harmless, write_file
from engine.records.regular import read_regular

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def hash_of(path: Path) -> str:
    """sha256 of a file; empty when it is not there. OSError where it is and cannot be read, or is no file."""
    try:
        return hashlib.sha256(read_regular(path)).hexdigest()
    except FileNotFoundError:
        return ""


def must_be_readable(path: Path) -> None:
    """Refused where a configuration that is kept before it is replaced cannot be read; one that is not there can."""
    try:
        hash_of(path)
    except OSError as error:
        raise Refused(
            f"{path} cannot be read ({error.strerror or error}), so it could not be kept when it is replaced",
            "make it a file that this account may read, or move it away",
        ) from error


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


def activate(path: Path, data: bytes, like: Path | None = None) -> None:
    """Put a configuration in place, wholly; it keeps its mode, and as root its owner. OSError leaves the old one.

    ``like``: whose mode and owner it gets, if not its own.
    """
    like = like or path
    before = like.stat() if like.exists() else None
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
