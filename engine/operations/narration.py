"""The log of an operation for people: ``cutover_<ts>.log`` and ``rollback.log``, one line for each thing done."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from pathlib import Path

from engine.clock import Clock, compact, iso
from engine.config import Deployment
from engine.operations.cutover_backup import write_new
from engine.operations.work import Work
from engine.records import harmless, make_directory
from engine.records.atomic import open_to_append

_FACT = "log"


class Narration:
    """Appends lines; after :meth:`open` a line that cannot be written stops nothing here, for the journal has it."""

    def __init__(self, deployment: Deployment, operation: str, kind: str, clock: Clock) -> None:
        self._deployment = deployment
        self._operation = operation
        self._kind = kind
        self._clock = clock
        self._path: Path | None = None

    def open(self, work: Work) -> str:
        """Choose and create the file; why it cannot be written, or an empty text."""
        logs = self._deployment.paths.logs
        try:
            make_directory(logs)
            if self._kind == "rollback":
                path = self._deployment.paths.rollback_log
            elif self._kind == "validate":
                return ""
            elif _FACT in work.facts:
                path = logs / str(work.facts[_FACT])
            else:
                path = write_new(logs, f"cutover_{compact(self._clock.now().wall)}", ".log", b"")
                work.fact(_FACT, path.name)
            _append(path, "")
        except OSError as error:
            return f"the log of this operation cannot be written: {error}"
        self._path = path
        return ""

    def say(self, text: str) -> str:
        """One line, with the time and the operation's name; why it could not be written, or an empty text."""
        line = f"{iso(self._clock.now().wall)} {self._operation} {harmless(text, 2000)}\n"
        with contextlib.suppress(OSError):
            sys.stdout.write(line)
            sys.stdout.flush()
        if self._path is not None:
            try:
                _append(self._path, line)
            except OSError as error:
                return str(error)
        return ""


def _append(path: Path, line: str) -> None:
    descriptor = open_to_append(path)
    try:
        data = line.encode()
        if os.write(descriptor, data) < len(data):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
    finally:
        os.close(descriptor)
