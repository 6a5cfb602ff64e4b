"""Commands that the monitor starts and does not wait for: each once at a time, each with a deadline."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.records.atomic import open_to_append

_STOP_WITHIN = 2.0


@dataclass(frozen=True, slots=True)
class Ended:
    """One that has ended: its exit code, or None when it was killed at its deadline."""

    name: str
    code: int | None


class Children:
    """At most one running command of each name."""

    def __init__(self, cwd: Path, output: Path) -> None:
        self._cwd = cwd
        self._output = output
        self._running: dict[str, tuple[subprocess.Popen[bytes], float]] = {}

    def running(self, name: str) -> bool:
        """Whether one of this name has not ended yet."""
        return name in self._running

    def start(self, name: str, command: Sequence[str], *, until: float) -> None:
        """Start it; it is killed when the boot clock passes ``until``. OSError when it cannot be started."""
        if name in self._running:
            return
        with os.fdopen(open_to_append(self._output), "ab") as output:
            process = subprocess.Popen(
                list(command), cwd=self._cwd, stdin=subprocess.DEVNULL, stdout=output, stderr=output
            )
        self._running[name] = (process, until)

    def ended(self, now: float) -> list[Ended]:
        """Those that ended since the last call; what is over its deadline is killed and counts as ended."""
        found = []
        for name, (process, until) in list(self._running.items()):
            code = process.poll()
            if code is None and now < until:
                continue
            if code is None:
                process.kill()
                process.wait()
            del self._running[name]
            found.append(Ended(name, code))
        return found

    def stop(self) -> None:
        """End all of them: asked, then killed."""
        for process, _ in self._running.values():
            process.terminate()
        for process, _ in self._running.values():
            try:
                process.wait(_STOP_WITHIN)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._running.clear()
