"""Which processes belong to a service: its children, its session, and whoever carries its mark."""

from __future__ import annotations

import itertools
import os
import pwd
import secrets
from collections.abc import Collection
from pathlib import Path

import msgspec

from engine.records import harmless
from engine.services.identity import Stat, command_line, read_proc, read_stat
from engine.services.protocol import Identity

MARK_VARIABLE = "ABACO_OPS_SERVICE"
"""Inherited by whatever a process starts. Who is marked already marks what it starts below its own mark."""
DETACHED_VARIABLE = "ABACO_OPS_DETACHED"
"""Inherited in the same way from whatever outlives everyone: a worker or a monitor that was asked for from inside a
service is the supervisor's child in the end, and yet none of the service."""

_DETACHED = f"{DETACHED_VARIABLE}=".encode()


class Belonging(msgspec.Struct, frozen=True):
    """How processes of one service are recognised."""

    mark: str
    """The value of the environment variable that every process of it inherits, or the beginning of a mark below it."""
    main: Identity | None = None
    supervisor: int | None = None
    """Pid of the supervisor: whatever descends from it belongs to the service."""
    without_detached: bool = False
    """What outlives everyone is none of it: a rollback may be asked for from inside the service that it ends."""


def new_mark(kind: str) -> str:
    """A mark that no other process carries, below the one of this process where it has one."""
    own, mark = os.environ.get(MARK_VARIABLE), f"{kind} {secrets.token_hex(8)}"
    return f"{own}/{mark}" if own else mark


def find_remains(belonging: Belonging) -> list[Stat]:
    """Every live process of the service, the supervisor itself left out."""
    stats = _living()
    members = _descendants(belonging, stats)
    entry = _entry(belonging.mark)
    spared = {os.getpid(), belonging.supervisor}
    for stat in stats:
        if stat.pid in spared or stat.pid in members:
            continue
        if _in_session(stat, belonging.main) or _carries(stat.pid, entry):
            members[stat.pid] = stat
    return [stat for pid, stat in sorted(members.items()) if pid not in spared]


def marked(marks: Collection[str]) -> list[Stat]:
    """Every live process that carries one of these marks, or one below it; this one left out."""
    entries = [_entry(mark) for mark in marks]
    return [stat for stat in _living() if entries and stat.pid != os.getpid() and _carries(stat.pid, *entries)]


def descended(main: Identity) -> list[Stat]:
    """Every live process that descends from this one, itself left out."""
    members = _descendants(Belonging("", main), _living())
    return [stat for pid, stat in sorted(members.items()) if pid != main.pid]


def processes_of(root: Path) -> list[tuple[Identity, str]]:
    """Every other process of abaco-ops that works on the deployment at ``root``: identity and command line.

    They are recognised by how they are called: ``-m engine.<room>`` with the root as an argument of its own.
    """
    found = []
    for stat in map(read_stat, _pids()):
        if stat is None or stat.dead or stat.pid == os.getpid():
            continue
        words = _words(stat.pid)
        if str(root) in words and any(a == "-m" and b.startswith("engine.") for a, b in itertools.pairwise(words)):
            found.append((stat.identity, harmless(command_line(stat.pid), 120)))
    return found


def _words(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode("utf-8", "replace").split("\0")
    except OSError:
        return []


def described(stats: list[Stat]) -> tuple[str, ...]:
    """Each process in words, for people."""
    return tuple(in_words(stat.pid) for stat in stats)


def in_words(pid: int) -> str:
    """``4711 python -m pipeline``, and whose it is where that is another account: then only it, or root, can end it."""
    owner = owner_of(pid)
    ours = owner in (None, os.geteuid())
    whose = "" if ours else f" (of {account_of(owner)}: as that account, or as root, kill {pid})"
    return f"{pid} {harmless(command_line(pid), 120)}{whose}"


def owner_of(pid: int) -> int | None:
    """The account whose process it is; None when it is gone."""
    try:
        return Path(f"/proc/{pid}").stat().st_uid
    except OSError:
        return None


def account_of(uid: int | None) -> str:
    """The name of an account, or its number."""
    try:
        return harmless(pwd.getpwuid(uid or 0).pw_name)
    except KeyError:
        return str(uid)


def _living() -> list[Stat]:
    return [stat for stat in map(read_stat, _pids()) if stat is not None and not stat.dead]


def _descendants(belonging: Belonging, stats: list[Stat]) -> dict[int, Stat]:
    parents: dict[int, list[Stat]] = {}
    for stat in stats:
        parents.setdefault(stat.parent, []).append(stat)

    def children(pid: int) -> list[Stat]:
        found = parents.get(pid, [])
        return [one for one in found if not _detached(one.pid)] if belonging.without_detached else found

    members: dict[int, Stat] = {}
    main = belonging.main
    queue = [stat for stat in stats if main and stat.pid == main.pid and stat.start_time == main.start_time]
    if belonging.supervisor is not None:
        queue += children(belonging.supervisor)
    while queue:
        stat = queue.pop()
        if stat.pid not in members:
            members[stat.pid] = stat
            queue += children(stat.pid)
    return members


def _detached(pid: int) -> bool:
    try:
        return any(one.startswith(_DETACHED) for one in read_proc(pid, "environ").split(b"\0"))
    except OSError:
        return False


def _in_session(stat: Stat, main: Identity | None) -> bool:
    """The main process leads a session of its own; its number is not given away while anyone is in it."""
    return main is not None and stat.session == main.pid and stat.start_time >= main.start_time


def _entry(mark: str) -> bytes:
    return f"{MARK_VARIABLE}={mark}".encode()


def _carries(pid: int, *entries: bytes) -> bool:
    try:
        environment = read_proc(pid, "environ")
    except OSError:
        return False  # another user's, or just gone
    return any(one == entry or one.startswith(entry + b"/") for one in environment.split(b"\0") for entry in entries)


def _pids() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]  # noqa: PTH208 - 3x faster than Path
