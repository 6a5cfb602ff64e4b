"""A worker as an instance of an installed template unit: with a fixed user, and outside of everyone's login.

What it is asked for stands in a file beside the plan, ``start-N.json``; the instance says which: ``0003-cutover.N``.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

import msgspec

from engine.config import Deployment
from engine.config.units import instance
from engine.errors import OperationFailed, Refused
from engine.records.atomic import open_new, sync_directory
from engine.records.undecodable import UNDECODABLE
from engine.services.systemd_calls import systemctl

Mode = Literal["run", "resume", "abort"]
REHEARSE = "rehearse"
"""Stands for an operation's name in the instance of a rehearsal, which is none: ``rehearse.1``."""
_MOST = 10_000


class Start(msgspec.Struct, frozen=True):
    """What one worker is started for."""

    mode: Mode
    actor: str
    origin: str
    force: bool


class UnitWorker:
    """One started instance, as whoever started it sees it."""

    def __init__(self, unit: str) -> None:
        self.unit = unit

    def ended(self) -> bool:
        """Whether nothing of it runs, or is about to. OpsError when systemd does not say."""
        shown = systemctl("show", "-p", "ActiveState,Job", self.unit).decode("utf-8", "replace")
        told = dict(line.split("=", 1) for line in shown.splitlines() if "=" in line)
        return told.get("ActiveState") in ("inactive", "failed") and not told.get("Job")

    def why(self) -> str:
        """What systemd and the worker said last, in words; empty when nothing is known."""
        from engine.services.systemd_journal import last_lines, manager_lines

        return " / ".join([*manager_lines(self.unit, 2), *last_lines(self.unit, 2)])


def start_unit_worker(template: str, directory: Path, start: Start) -> UnitWorker:
    """Write what is asked for, then start the instance. CallRefused and the like: nothing was started or changed."""
    try:
        number = _write(directory, start)
    except OSError as error:
        raise OperationFailed(f"what the worker is to do cannot be written: {error}", f"see {directory}") from error
    worker = UnitWorker(instance(template, f"{directory.name}.{number}"))
    systemctl("start", "--no-block", worker.unit)
    return worker


def read_start(deployment: Deployment, name: str) -> tuple[str, Start]:
    """The operation and what is asked for, from an instance's name. Refused when there is no such thing."""
    operation, _, number = name.rpartition(".")
    if not operation or not number.isdigit() or "/" in name or operation.startswith("."):
        raise Refused(f"{name!r} names no start of an operation", "it is 0003-cutover.1: the unit's instance name")
    place = rehearsals(deployment) if operation == REHEARSE else deployment.paths.operation(operation)
    path = _path(place, int(number))
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
        with os.fdopen(descriptor, "rb") as stream:
            return operation, msgspec.json.decode(stream.read(1 << 16), type=Start)
    except OSError as error:
        raise Refused(f"{path} cannot be read: {error.strerror}", "operations are started by abaco-ops") from error
    except UNDECODABLE as error:
        raise Refused(f"{path} cannot be understood: {error}", "ask for the operation again") from error


def rehearsals(deployment: Deployment) -> Path:
    """Where rehearsals are asked for, and where they answer."""
    return deployment.paths.rollback / REHEARSE


def _write(directory: Path, start: Start) -> int:
    """A file of its own for each start: a later one changes nothing about what an earlier one was asked for."""
    for number in range(1, _MOST):
        try:
            descriptor = open_new(_path(directory, number))
        except FileExistsError:
            continue
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(msgspec.json.encode(start))
            stream.flush()
            os.fsync(stream.fileno())
        sync_directory(directory)
        return number
    raise OSError(f"{directory} holds {_MOST} starts")


def _path(directory: Path, number: int) -> Path:
    return directory / f"start-{number}.json"
