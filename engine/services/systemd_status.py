"""What ``systemctl show`` says about a unit, and what follows from it. Nothing here asks anyone anything."""

from __future__ import annotations

import signal
from collections.abc import Sequence
from dataclasses import dataclass

from engine.records import harmless
from engine.services.control_group import group_of
from engine.services.protocol import ServiceState

PROPERTIES = (
    "Id",
    "LoadState",
    "ActiveState",
    "SubState",
    "UnitFileState",
    "Result",
    "MainPID",
    "ExecMainCode",
    "ExecMainStatus",
    "NRestarts",
    "InvocationID",
    "ControlGroup",
    "Slice",
    "Job",
)
_CLD_EXITED = 1
"""``ExecMainCode`` is a ``si_code`` of waitid(2): 1 exited, 2 killed, 3 dumped."""


@dataclass(frozen=True, slots=True)
class Shown:
    """One unit, as systemd knows it at one moment."""

    unit: str
    load: str
    active: str
    sub: str
    file_state: str
    result: str
    main_pid: int
    exit_code: int
    exit_status: int
    restarts: int
    invocation: str
    group: str
    job: bool

    @property
    def down(self) -> bool:
        """Nothing runs and nothing is about to: it will stay so until somebody starts it."""
        return self.active in ("inactive", "failed") and not self.job

    @property
    def restarting(self) -> bool:
        """It ended by itself and waits for its next start."""
        return self.active == "activating" and self.sub.startswith("auto-restart")

    @property
    def moving(self) -> bool:
        """On its way up or down: what it becomes is not known yet."""
        return (self.active in ("activating", "deactivating") and not self.restarting) or (
            self.job and self.active in ("inactive", "failed")
        )


def parse(text: str, unit: str) -> Shown:
    """From the lines ``Name=value`` of one unit; what is not there is empty or 0."""
    told = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)

    def number(name: str) -> int:
        word = told.get(name, "")
        return int(word) if word.isdigit() else 0

    return Shown(
        unit=unit,
        load=told.get("LoadState", ""),
        active=told.get("ActiveState", ""),
        sub=told.get("SubState", ""),
        file_state=told.get("UnitFileState", ""),
        result=told.get("Result", ""),
        main_pid=number("MainPID"),
        exit_code=number("ExecMainCode"),
        exit_status=number("ExecMainStatus"),
        restarts=number("NRestarts"),
        invocation=told.get("InvocationID", ""),
        # released with the last process; where the unit is down and processes are left, it is where they are
        group=told.get("ControlGroup", "") or group_of(told.get("Slice", ""), unit),
        job=number("Job") > 0,
    )


def not_startable(shown: Shown) -> tuple[str, str]:
    """Why systemd could not start it at all, and what to do; empty when it could."""
    unit = shown.unit
    if shown.load == "not-found":
        return (
            f"systemd knows no unit {unit}",
            "install its unit file, then systemctl daemon-reload; or mend service.unit",
        )
    if shown.load == "masked":
        return f"{unit} is masked: systemd may not start it", f"systemctl unmask {unit}, if that was not meant"
    if shown.load in ("bad-setting", "error"):
        return f"the unit file of {unit} cannot be used ({shown.load})", f"systemd-analyze verify {unit}"
    return "", ""


def judged(shown: Shown, main_alive: bool, left: Sequence[str]) -> tuple[ServiceState, str]:
    """State and reason. ``left``: processes of the service beside its main one, in words."""
    if shown.active in ("active", "reloading") and main_alive:
        return "RUNNING", ""
    if shown.active == "deactivating":
        return ("RUNNING" if main_alive else "UNSURE"), "it is being stopped"
    if shown.restarting:
        return ("UNSURE" if left else "FAILED"), f"{ended_how(shown)}, systemd starts it again"
    if shown.moving:
        return "UNSURE", "it is being started"
    if shown.active in ("active", "reloading"):
        why = "has no main process: its Type= must be one that has (exec, simple, notify)"
        return "UNSURE", why if shown.main_pid == 0 else "its main process is gone, and systemd has not noticed"
    if shown.active not in ("inactive", "failed"):
        return "UNSURE", f"systemd says {shown.active}/{shown.sub}, which is not understood"
    if left:
        return "UNSURE", f"processes of it are there: {', '.join(left)}"
    problem = not_startable(shown)[0]
    if problem:
        return "FAILED", problem
    if shown.active == "failed":
        return "FAILED", ended_how(shown)
    return "STOPPED", ""


def ended_how(shown: Shown) -> str:
    """How its last end was, in words."""
    if shown.result == "timeout":
        return "it did not stop, or not start, within systemd's time and was killed"
    if shown.result == "start-limit-hit":
        return "it ended by itself again and again: systemd has given up"
    if shown.result == "watchdog":
        return "it did not answer systemd's watchdog and was ended"
    if shown.result == "oom-kill":
        return "the machine had no memory left: the kernel ended it"
    if shown.result == "resources":
        return "systemd had no means to start it: memory, permissions or a missing file"
    if shown.result == "exec-condition":
        return "its ExecCondition said no"
    if shown.result == "protocol":
        return "it did not do what its Type= says: no READY=1, or no pid file"
    return f"it ended by itself ({exit_words(shown)})"


def exit_words(shown: Shown) -> str:
    """The main process's exit, in words."""
    if shown.exit_code == 0:
        return harmless(shown.result or "how is not known", 60)
    if shown.exit_code == _CLD_EXITED:
        return f"exit code {shown.exit_status}" + (f", {_SYSTEMD_CODES[shown.exit_status]}" if _known(shown) else "")
    try:
        return f"signal {signal.Signals(shown.exit_status).name}"
    except ValueError:
        return f"signal {shown.exit_status}"


def was_killed(shown: Shown) -> bool:
    """Whether the end of a stop was SIGKILL, although ``systemctl stop`` says 0."""
    return shown.result == "timeout" or (
        shown.result in ("signal", "core-dump")
        and shown.exit_code != _CLD_EXITED
        and shown.exit_status == signal.SIGKILL
    )


def not_started(before: Shown, now: Shown) -> str:
    """Why a start has left the unit down. What systemd forgets with the unit stands in the journal only."""
    if now.active == "inactive" and now.invocation in ("", before.invocation):
        return "systemd left it down, for a condition of its unit file or for something that it requires"
    return ended_how(now)


_SYSTEMD_CODES = {
    200: "its WorkingDirectory cannot be entered",
    203: "its program cannot be run",
    209: "its standard output cannot be opened",
    216: "its Group does not exist",
    217: "its User does not exist",
    226: "its sandbox cannot be set up",
}
"""Exit codes that systemd itself gives a process that it could not make, see systemd.exec(5)."""


def _known(shown: Shown) -> bool:
    return shown.exit_status in _SYSTEMD_CODES
