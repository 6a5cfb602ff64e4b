"""The one way in which monitor, operation workers and service daemons are started: they outlive everyone."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from engine.records.atomic import open_to_append
from engine.services.remains import DETACHED_VARIABLE, MARK_VARIABLE


def spawn_detached(command: Sequence[str], *, cwd: Path, output: Path, env: Mapping[str, str] | None = None) -> int:
    """Start ``command`` in a session of its own and return its pid.

    No controlling terminal, stdin null, stdout and stderr appended to ``output``, no other descriptor kept, and no mark
    of the command or service by which it is started: it does not belong to them.
    The caller need not wait for it; a caller that lives on should reap it (``os.waitpid``) or ignore SIGCHLD.
    OSError when the program cannot be started.
    """
    descriptor = open_to_append(output)
    try:
        process = subprocess.Popen(
            list(command),
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=descriptor,
            stderr=descriptor,
            start_new_session=True,
            close_fds=True,
            env={name: value for name, value in (env or os.environ).items() if name != MARK_VARIABLE}
            | {DETACHED_VARIABLE: "1"},
        )
    finally:
        os.close(descriptor)
    process.returncode = 0  # nobody waits for it: keeps Popen from warning when it is collected
    return process.pid
