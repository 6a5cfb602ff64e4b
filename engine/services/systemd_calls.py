"""The edge to systemd: ``systemctl`` and ``journalctl`` by absolute path, without a shell, each with a deadline."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.errors import OpsError
from engine.records import harmless

BOOTED = Path("/run/systemd/system")
"""Is there exactly where systemd is the system's manager, see sd_booted(3)."""
SYSTEMCTL = (Path("/usr/bin/systemctl"), Path("/bin/systemctl"))
JOURNALCTL = (Path("/usr/bin/journalctl"), Path("/bin/journalctl"))
CALL_DEADLINE = 10.0
"""Seconds for one call. None of them waits for a service: what takes time is polled."""
RULE = "packaging/systemd/50-abaco-ops.rules"
_ENVIRONMENT = {"LC_ALL": "C", "PATH": "/usr/bin:/bin", "SYSTEMD_COLORS": "0", "SYSTEMD_PAGER": ""}
_REFUSALS = ("Access denied", "nteractive authentication required", "Permission denied", "Operation not permitted")
_AWAY = ("Failed to connect to bus", "Connection refused", "Transport endpoint is not connected")


class NoSystemd(OpsError):
    """systemd does not manage this machine, or it cannot be reached."""


class CallRefused(OpsError):
    """systemd, or its policy (polkit), said no."""


class CallHung(OpsError):
    """A call did not end within its deadline; the program was killed, what was asked for may still come."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a call ended with."""

    code: int
    out: bytes
    said: str
    """The last line of its error output."""


def systemctl(*words: str, deadline: float = CALL_DEADLINE) -> bytes:
    """What it prints. NoSystemd, CallHung; CallRefused for what may not be asked; OpsError for what else fails."""
    if not BOOTED.is_dir():
        raise NoSystemd(
            f"systemd does not run this machine: {BOOTED} is not there",
            "services.backend: embedded in config/console.yml needs no systemd",
        )
    answer = call(SYSTEMCTL, ["--no-pager", "--no-ask-password", *words], deadline)
    if answer.code != 0:
        raise _failed(answer, words)
    return answer.out


def journalctl(*words: str, deadline: float = CALL_DEADLINE) -> Answer:
    """The journal; a code that is not 0 is the caller's to judge. NoSystemd, CallHung."""
    return call(JOURNALCTL, ["--no-pager", "--quiet", *words], deadline)


def call(programs: Sequence[Path], words: Sequence[str], deadline: float) -> Answer:
    """Run the first of ``programs`` that is there. NoSystemd when none is; CallHung at the deadline (s)."""
    program = next((path for path in programs if path.exists()), None)
    if program is None:
        raise NoSystemd(f"{programs[0]} is not there", "install systemd, or set services.backend: embedded")
    try:
        process = subprocess.Popen(
            [str(program), *words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=_ENVIRONMENT,
            cwd="/",
        )
    except OSError as error:
        raise NoSystemd(f"{program} cannot be run: {error}", "see its permissions") from error
    with process:
        try:
            out, err = process.communicate(timeout=deadline)
        except subprocess.TimeoutExpired:
            process.kill()
            with contextlib.suppress(subprocess.TimeoutExpired):  # one that hangs in the kernel is left behind
                process.communicate(timeout=1.0)
            raise CallHung(
                f"{program.name} {_verb(words)} has not answered for {deadline:g} s, it was given up",
                f"see whether systemd is alive: {program} is-system-running; what was asked for may still come",
            ) from None
    return Answer(process.returncode, out, _last_line(err))


def _failed(answer: Answer, words: Sequence[str]) -> OpsError:
    said = answer.said or f"exit code {answer.code}"
    if any(mark in said for mark in _REFUSALS):
        return CallRefused(
            f"this account may not {_verb(words)} {words[-1]}: {said}",
            f"the polkit rule must name this unit, and a group that the account is in: {RULE}",
        )
    if any(mark in said for mark in _AWAY):
        return NoSystemd(f"systemd cannot be reached: {said}", "systemctl is-system-running; is the bus running?")
    return OpsError(f"systemctl {_verb(words)} {words[-1]} failed: {said}", f"systemctl status {words[-1]}")


def _verb(words: Sequence[str]) -> str:
    return next((word for word in words if not word.startswith("-")), "")


def _last_line(err: bytes) -> str:
    lines = [line.strip() for line in err.decode("utf-8", "replace").splitlines() if line.strip()]
    told = [line for line in lines if not line.startswith(("See ", "Hint:"))] or lines
    return harmless(told[-1]) if told else ""
