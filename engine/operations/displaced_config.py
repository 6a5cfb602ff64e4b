"""The configuration that a rollback replaces: kept beside its journal, each content of it, and never deleted."""

from __future__ import annotations

from engine.operations.configuration import hash_of
from engine.operations.work import Work
from engine.records import write_file

DISPLACED_CONFIG = "config_displaced.yml"


def keep_active_config(work: Work) -> str:
    """Keep what is active now, and what an earlier attempt kept, if that is another one. Returns the newest's hash.

    It is kept when what is live is listed, and once more when it is replaced: somebody may edit it in between, and
    then both contents are to be found at the end.
    """
    active, kept = work.deployment.active_config, work.directory / DISPLACED_CONFIG
    if active.exists() and hash_of(kept) != hash_of(active):
        if kept.exists():
            kept.rename(work.directory / f"{kept.stem}_{hash_of(kept)[:12]}.yml")
        write_file(kept, active.read_bytes())
    return hash_of(kept)


def displaced_configs(work: Work) -> list[str]:
    """Every configuration that was replaced, kept beside the journal."""
    return sorted(path.name for path in work.directory.glob(f"{DISPLACED_CONFIG.removesuffix('.yml')}*.yml"))
