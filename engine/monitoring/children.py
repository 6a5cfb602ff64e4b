"""Commands that the monitor starts and does not wait for: each once at a time, each with a deadline."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.records.atomic import open_to_append
from engine.services.leaving import kill_marked, kill_with_descendants
from engine.services.remains import MARK_VARIABLE, new_mark

_STOP_WITHIN = 2.0
"""Seconds that one has to end by itself, and what it has started with it; then all of that is killed."""


@dataclass(frozen=True, slots=True)
class Ended:
    """One that has ended: its exit code, or None when it was killed at its deadline."""

    name: str
    code: int | None


@dataclass(slots=True)
class _Running:
    process: subprocess.Popen[bytes]
    until: float
    mark: str
    asked: bool = False
    """To end: it is over its deadline."""


class Children:
    """At most one running command of each name."""

    def __init__(self, cwd: Path, output: Path) -> None:
        self._cwd = cwd
        self._output = output
        self._running: dict[str, _Running] = {}

    def running(self, name: str) -> bool:
        """Whether one of this name has not ended yet."""
        return name in self._running

    def start(self, name: str, command: Sequence[str], *, until: float) -> None:
        """Start it; it is ended when the boot clock passes ``until``. OSError when it cannot be started."""
        if name in self._running:
            return
        mark = new_mark("errand")
        with os.fdopen(open_to_append(self._output), "ab") as output:
            process = subprocess.Popen(
                list(command),
                cwd=self._cwd,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env={**os.environ, MARK_VARIABLE: mark},
            )
        self._running[name] = _Running(process, until, mark)

    def ended(self, now: float) -> list[Ended]:
        """Those that ended since the last call. What is over its deadline is asked to end, then killed."""
        found = []
        for name, child in list(self._running.items()):
            code = child.process.poll()
            if code is None and now >= child.until and not child.asked:
                child.asked = True
                child.process.terminate()
            if code is None and now < child.until + _STOP_WITHIN:
                continue
            if code is None:
                kill_with_descendants(child.process)
            elif code < 0:
                kill_marked(child.mark)  # it was killed, perhaps for want of memory, and could end nothing itself
            del self._running[name]
            found.append(Ended(name, None if child.asked else code))
        return found

    def stop(self) -> None:
        """End all of them: asked, then killed; who waits for the monitor does not wait for each in turn."""
        for child in self._running.values():
            child.process.terminate()
        until = time.monotonic() + _STOP_WITHIN
        for child in self._running.values():
            try:
                child.process.wait(max(until - time.monotonic(), 0.0))
            except subprocess.TimeoutExpired:
                kill_with_descendants(child.process)
        self._running.clear()
