"""A person at a real terminal: tmux runs the program, keys are typed, the screen is read."""

from __future__ import annotations

import re
import shlex
import subprocess
import time
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path


class Terminal:
    """One tmux server of its own with one window of ``columns`` x ``rows`` running ``command``."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        cwd: Path,
        columns: int = 80,
        rows: int = 24,
        env: Mapping[str, str] | None = None,
    ) -> None:
        self._socket = f"abaco-{uuid.uuid4().hex[:8]}"
        settings = {"LANG": "C.UTF-8", "TERM": "xterm-256color", **(env or {})}
        words = ["env", *(f"{key}={value}" for key, value in settings.items()), *command]
        shell = f"exec {shlex.join(words)}"
        size = ["-x", str(columns), "-y", str(rows)]
        self._tmux("-f", "/dev/null", "new-session", "-d", *size, "-s", "t", "-c", str(cwd), shell)
        self._tmux("set-option", "-g", "remain-on-exit", "on")
        self._tmux("set-option", "-g", "status", "off")

    def _tmux(self, *words: str, check: bool = True) -> str:
        done = subprocess.run(
            ["tmux", "-L", self._socket, *words], capture_output=True, text=True, timeout=30, check=False
        )
        if check and done.returncode:
            raise RuntimeError(f"tmux {words[0]}: {done.stderr.strip()}")
        return done.stdout

    def keys(self, *names: str) -> None:
        """Press keys, by tmux name (``Enter``, ``Escape``) or as themselves."""
        for name in names:
            self._tmux("send-keys", "-t", "t", name)

    def type(self, text: str) -> None:
        """Type a text, key by key."""
        self._tmux("send-keys", "-t", "t", "-l", text)

    def screen(self, *, colours: bool = False) -> str:
        """What is on the screen now, as text; with its colours as escape sequences if asked."""
        return self._tmux("capture-pane", "-p", *(["-e", "-N"] if colours else []), "-t", "t")

    def pid(self) -> int:
        """The pid of the program in the window."""
        return int(self._tmux("display-message", "-p", "-t", "t", "#{pane_pid}").strip())

    def alive(self) -> bool:
        """Whether the program still runs."""
        return self._tmux("display-message", "-p", "-t", "t", "#{pane_dead}", check=False).strip() == "0"

    def wait_for(self, pattern: str, timeout: float = 30.0) -> str:
        """Wait until the screen matches; the screen is returned. AssertionError shows the last screen."""
        until = time.monotonic() + timeout
        while True:
            screen = self.screen()
            if re.search(pattern, screen):
                return screen
            if time.monotonic() > until:
                raise AssertionError(f"{pattern!r} did not appear in {timeout:.0f} s:\n{screen}")
            time.sleep(0.05)

    def close(self) -> None:
        """Kill the whole tmux server: what a closed laptop does to the terminal."""
        self._tmux("kill-server", check=False)
