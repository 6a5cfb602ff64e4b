"""The processes of a running service, for whoever measures them."""

from __future__ import annotations

from pathlib import Path

from engine.services.identity import is_alive
from engine.services.protocol import Identity


def tree(identity: Identity) -> list[int]:
    """Pids of the process and of everything that descends from it, itself first; empty when it is gone.

    Reads only the children lists of its own processes, never the whole process table.
    """
    if not is_alive(identity):
        return []
    pids = [identity.pid]
    for pid in pids:
        pids.extend(child for child in _children(pid) if child not in pids)
    return pids


def _children(pid: int) -> list[int]:
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            found += [int(word) for word in task.read_bytes().split()]
        except OSError:
            continue  # that thread has just ended
    return found
