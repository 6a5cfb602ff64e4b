"""The configuration that a rollback replaces: kept beside its journal, each content of it, and never deleted."""

from __future__ import annotations

import os
from pathlib import Path

from engine.operations.configuration import activate, hash_of
from engine.operations.work import Work
from engine.records import sync_directory, write_file
from engine.records.regular import read_regular
from engine.snapshots.exchange import CannotExchange, exchange

DISPLACED_CONFIG = "config_displaced.yml"


def keep_active_config(work: Work) -> str:
    """Keep what is active now, and what an earlier attempt kept, if that is another one. Returns the newest's hash.

    It is kept when what is live is listed, and once more when it is replaced: somebody may edit it in between, and
    then both contents are to be found at the end. OSError where it cannot be read.
    """
    active, kept = work.deployment.active_config, work.directory / DISPLACED_CONFIG
    if active.exists() and hash_of(kept) != hash_of(active):
        if kept.exists():
            kept.rename(_beside(work, hash_of(kept)))
        write_file(kept, read_regular(active))
    return hash_of(kept)


def replace_active_config(work: Work, data: bytes) -> str:
    """Put ``data`` in the place of what is active, which is kept first. Returns the hash of what was there.

    The two change places in one step: what somebody saved in the moment before comes out of it, and is kept too.
    """
    active = work.deployment.active_config
    displaced = keep_active_config(work)
    keep_what_came_out(work, data)
    if not os.path.lexists(active):
        activate(active, data)
        return displaced
    activate(_came_out(work), data, like=active)
    try:
        exchange(_came_out(work), active)
    except CannotExchange:
        activate(active, data)
    keep_what_came_out(work, data)
    return displaced


def keep_what_came_out(work: Work, data: bytes) -> None:
    """Keep what an exchange, of this attempt or of one that died, has left beside the active configuration, unless
    it is ``data``, which is what it put there.
    """
    left = _came_out(work)
    if not left.exists():
        return
    content = read_regular(left)
    if content != data and hash_of(left) not in {hash_of(work.directory / name) for name in displaced_configs(work)}:
        write_file(_beside(work, hash_of(left)), content)
    left.unlink()
    sync_directory(left.parent)


def displaced_configs(work: Work) -> list[str]:
    """Every configuration that was replaced, kept beside the journal."""
    return sorted(path.name for path in work.directory.glob(f"{DISPLACED_CONFIG.removesuffix('.yml')}*.yml"))


def _beside(work: Work, digest: str) -> Path:
    return work.directory / f"{DISPLACED_CONFIG.removesuffix('.yml')}_{digest[:12]}.yml"


def _came_out(work: Work) -> Path:
    active = work.deployment.active_config
    return active.with_name(f".{active.name}.{work.orders.operation}")
