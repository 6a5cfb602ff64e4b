"""What stands in for the slow start of programs, so that a case takes tenths of a second.

The supervisor is the real one, forked from this process, which has it loaded, in place of a new interpreter. The
validator, which needs pandas and has tests of its own, answers PASS at once: what is tested here is what happens to
files, processes and records. Nothing of the operations themselves is replaced.
"""

from __future__ import annotations

import os
import stat
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from engine.services import daemon, embedded

_PYTHON = """#!/bin/sh
case "$*" in
*"-m engine.validation "*) echo '{"status":"PASS","checks":{"all":{"status":"PASS"}},"issues":[]}' ;;
*) exec %s "$@" ;;
esac
"""


on_supervisor: list[Callable[[], None]] = []
"""What the next supervisor that starts does first, in its own process; each is called once."""


def install() -> None:
    """From now on in this process and its forks."""
    directory = Path(tempfile.mkdtemp(prefix="stand-in-"))
    python = directory / "python"
    python.write_text(_PYTHON % sys.executable)
    python.chmod(python.stat().st_mode | stat.S_IXUSR)
    sys.executable = str(python)
    embedded.spawn_detached = _forked  # type: ignore[attr-defined]
    daemon._adopt_orphans = _begin_supervisor


def _forked(command: Sequence[str], *, cwd: Path, output: Path, env: Mapping[str, str] | None = None) -> int:
    """As ``spawn_detached``, for ``python -m engine.services.daemon``."""
    assert command[1:3] == ["-m", "engine.services.daemon"], command
    descriptor = os.open(output, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640)
    pid = os.fork()
    if pid == 0:
        try:
            become_detached(cwd, descriptor)
            os._exit(daemon.main(list(command[3:])))
        finally:
            os._exit(1)
    on_supervisor.clear()
    os.close(descriptor)
    return pid


_really_adopt_orphans = daemon._adopt_orphans


def _begin_supervisor() -> None:
    _really_adopt_orphans()
    while on_supervisor:
        on_supervisor.pop()()


kept_open: list[int] = []
"""Descriptors that stay open in a detached process: the breaker's log."""


def become_detached(cwd: Path, output: int) -> None:
    """A session of its own, stdin null, output to a file, no other descriptor: as every worker starts."""
    os.setsid()
    os.chdir(cwd)
    null = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((null, 0), (output, 1), (output, 2)):
        os.dup2(source, target)
    keep = {0, 1, 2, *kept_open}
    for name in os.listdir("/proc/self/fd"):  # noqa: PTH208
        if int(name) not in keep:
            try:
                os.close(int(name))
            except OSError:
                continue
    sys.stdout = os.fdopen(1, "w", buffering=8192, closefd=False)
    sys.stderr = os.fdopen(2, "w", buffering=1, closefd=False)
