"""What a service prints, read once and in its order: from its output file, or from the system's journal."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Protocol

from engine.config import Deployment
from engine.errors import OpsError
from engine.records.atomic import open_to_read
from engine.services import systemd_journal
from engine.services.record import ServiceFiles

_LOG_BITE = 1 << 20


class ServiceOutput(Protocol):
    """A place in it is two numbers; what they are is its own business."""

    @property
    def name(self) -> str:
        """What it is called, for people."""
        ...

    def end(self) -> tuple[int, int]:
        """The place after what is there now."""
        ...

    def new_lines(self, inode: int, offset: int) -> tuple[list[str], int, int]:
        """Whole lines since that place, and the place after them. OSError, OpsError when it cannot be read."""
        ...


def service_output(deployment: Deployment, release: str) -> ServiceOutput:
    """Where the service of a release prints."""
    service = deployment.releases[release].service
    if deployment.console.services.backend == "systemd":
        return JournalOutput(service.unit_name)
    return FileOutput(ServiceFiles(deployment.paths.services / service.name).output)


class JournalOutput:
    """A unit's lines in the journal; a place is a moment in microseconds since 1970."""

    def __init__(self, unit: str) -> None:
        self._unit = unit
        self._readable = False

    @property
    def name(self) -> str:
        """The journal, of this unit."""
        return f"journal of {self._unit}"

    def end(self) -> tuple[int, int]:
        """Now."""
        return 0, time.time_ns() // 1000

    def new_lines(self, inode: int, offset: int) -> tuple[list[str], int, int]:
        """What came since. OpsError too when this account sees only entries of its own: then nothing is no news."""
        lines, offset = systemd_journal.lines_since(self._unit, offset)
        if not lines and not self._readable:
            why = systemd_journal.unreadable()
            if why:
                raise OpsError(why, "usermod -aG systemd-journal the account that runs the monitor")
            self._readable = True
        return lines, 0, offset


class FileOutput:
    """A file that may be turned over; a place is its inode and an offset in it."""

    def __init__(self, log: Path) -> None:
        self._log = log

    @property
    def name(self) -> str:
        """The file's name."""
        return self._log.name

    def end(self) -> tuple[int, int]:
        """Its size; the beginning where it is not there yet."""
        try:
            status = self._log.stat()
        except OSError:
            return 0, 0
        return status.st_ino, status.st_size

    def new_lines(self, inode: int, offset: int) -> tuple[list[str], int, int]:
        """Whole lines since ``offset``, and the next place; a file turned over is read to its end first."""
        lines: list[str] = []
        turned = self._log.with_suffix(".1.log")
        with open_to_read(self._log) as stream:
            status = os.fstat(stream.fileno())
            if inode and status.st_ino != inode:
                if turned.exists() and turned.stat().st_ino == inode:
                    with open_to_read(turned) as old:
                        lines += _rest(old.fileno(), offset)[0]
                offset = 0
            elif status.st_size < offset:
                offset = 0
            new, offset = _rest(stream.fileno(), offset)
            return [*lines, *new], status.st_ino, offset


def _rest(descriptor: int, offset: int) -> tuple[list[str], int]:
    data = os.pread(descriptor, _LOG_BITE, offset)
    end = data.rfind(b"\n") + 1
    if not end and len(data) == _LOG_BITE:
        end = len(data)  # one line without an end must not stop the scan for ever
    return data[:end].decode("utf-8", "replace").splitlines(), offset + end
