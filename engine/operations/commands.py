"""External commands of a step: argument lists, a deadline each, a process group of their own, no shell."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from engine.errors import OpsError
from engine.records.harmless import harmless
from engine.services.identity import identity_of, send_signal
from engine.services.leaving import reap
from engine.services.protocol import Identity
from engine.services.remains import MARK_VARIABLE, Belonging, find_remains, new_mark

_PIECE = 1 << 16
_GATE = ("/bin/sh", "-c", 'read -r go && exec "$@" </dev/null', "sh")
"""Becomes the command, in the same process, once it is told to; at the end of its input it ends without it."""


@dataclass(frozen=True, slots=True)
class CommandResult:
    """How a command ended. ``code`` is None when the deadline passed and it was killed."""

    command: tuple[str, ...]
    code: int | None
    out: str
    err: str
    seconds: float

    @property
    def passed(self) -> bool:
        """Exit 0, in time."""
        return self.code == 0

    @property
    def said(self) -> str:
        """The last line of what it said, for a person; its error output first. What to do follows the cause."""
        lines = [line.strip() for line in (self.err or self.out).splitlines() if line.strip()]
        how = "did not end in time and was killed" if self.code is None else f"exit {self.code}"
        if len(lines) > 1 and lines[-1].startswith("->"):
            lines = [f"{lines[-2]} ({lines[-1].removeprefix('->').strip()})"]
        return harmless(f"{how}: {lines[-1]}" if lines else how)


class CommandNotStarted(OpsError):
    """There is no such program, or it may not be run."""


class Command:
    """One running command; its whole process group is ended when it has to be.

    ``announce`` is told its process, and the mark of what it starts, before the command itself begins. When it raises,
    or this process dies in it, the command never begins: there is none that runs without being on record.
    """

    def __init__(
        self,
        command: Sequence[str],
        cwd: Path,
        deadline: float,
        announce: Callable[[Identity, str], None] | None = None,
    ) -> None:
        self._command = tuple(command)
        self._began = time.monotonic()
        self._deadline = self._began + deadline
        self._out: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the result
        self._err: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the result
        self._seen = 0
        self._mark = new_mark("command")
        _check_program(command[0], cwd)
        try:
            self._process: subprocess.Popen[bytes] = subprocess.Popen(
                [*_GATE, *command],
                cwd=cwd,
                stdin=subprocess.PIPE,
                stdout=self._out,
                stderr=self._err,
                process_group=0,
                close_fds=True,
                env={**os.environ, MARK_VARIABLE: self._mark},
            )
        except OSError as error:
            raise _not_started(command[0], error) from error
        self._group = self._process.pid  # its own process group, by process_group=0
        self.identity = identity_of(self._process.pid)
        """Its process; None when it was over at once."""
        self._open_gate(announce)

    def _open_gate(self, announce: Callable[[Identity, str], None] | None) -> None:
        try:
            if announce is not None and self.identity is not None:
                announce(self.identity, self._mark)
            assert self._process.stdin is not None
            with contextlib.suppress(BrokenPipeError), self._process.stdin as gate:  # it may have been killed
                gate.write(b"go\n")
        except BaseException:
            self.kill()
            raise

    def poll(self) -> CommandResult | None:
        """The result once it has ended, or has been killed at its deadline."""
        if self._process.poll() is None:
            if time.monotonic() < self._deadline:
                return None
            self.kill()
            return self._result(None)
        if self._process.returncode < 0:
            self.kill()  # it was killed, perhaps for want of memory, and could end nothing that it had started
        else:
            self._kill_group()  # what it left behind
        return self._result(self._process.returncode)

    def new_errors(self) -> list[str]:
        """The whole lines of its error output since the last call, while it runs.

        Read at an offset of our own: the file's position belongs to the command that writes it.
        """
        data = os.pread(self._err.fileno(), _PIECE, self._seen)
        end = data.rfind(b"\n") + 1
        self._seen += end
        return data[:end].decode("utf-8", "replace").splitlines()

    def ask_to_end(self) -> None:
        """Tell its process group to end; whether it does, :meth:`poll` says."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._group, signal.SIGTERM)

    def kill(self) -> None:
        """End it now, with its process group and what it forked away into sessions of their own."""
        forked_away = find_remains(Belonging(self._mark, self.identity))
        self._kill_group()
        reap(self._process)
        for stat in forked_away:
            with contextlib.suppress(OSError):
                send_signal(stat.identity, signal.SIGKILL)

    def _kill_group(self) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._group, signal.SIGKILL)

    def _result(self, code: int | None) -> CommandResult:
        out, err = (_content(stream) for stream in (self._out, self._err))
        return CommandResult(self._command, code, out, err, time.monotonic() - self._began)


def finish(commands: Sequence[Command], wait: Callable[[], None]) -> list[CommandResult]:
    """Wait for all of them, calling ``wait`` in between; if that raises, none is left running."""
    results: dict[int, CommandResult] = {}
    try:
        while True:
            for index, command in enumerate(commands):
                if index not in results and (result := command.poll()) is not None:
                    results[index] = result
            if len(results) == len(commands):
                return [results[index] for index in range(len(commands))]
            wait()
    except BaseException:
        for index, command in enumerate(commands):
            if index not in results:
                command.kill()
        raise


def _content(stream: IO[bytes], limit: int = 1 << 20) -> str:
    stream.seek(0)
    text = stream.read(limit).decode("utf-8", "replace")
    stream.close()
    return text


def _check_program(program: str, cwd: Path) -> None:
    """The gate would only say so in its own words."""
    path = str(cwd / program) if "/" in program else shutil.which(program)
    if path is None or not Path(path).exists():
        raise _not_started(program, FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), program))
    if Path(path).is_dir() or not os.access(path, os.X_OK):
        raise _not_started(program, PermissionError(errno.EACCES, os.strerror(errno.EACCES), program))


def _not_started(program: str, error: OSError) -> CommandNotStarted:
    return CommandNotStarted(f"{program} cannot be started: {error}", "see programs in config/releases")
