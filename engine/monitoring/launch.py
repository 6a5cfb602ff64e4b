"""Starting and stopping the one monitor of a deployment."""

from __future__ import annotations

import signal
import sys
import time
from pathlib import Path

from engine.clock import SystemClock
from engine.config import Deployment
from engine.config.looking import must_write
from engine.config.newer import newer_here
from engine.drills.order import read_order
from engine.errors import NeedsHuman
from engine.monitoring.holder import Holder, read_holder
from engine.records import is_locked, make_directory
from engine.services.detached import spawn_detached
from engine.services.identity import send_signal
from engine.services.remains import account_of
from engine.services.systemd_calls import systemctl

_POLL = 0.02
_UNIT_ENDS = 20.0
"""Seconds, beside the deadline: what TimeoutStopSec= of the monitor's unit may take."""
_UNIT_BEGINS = 20.0
"""Seconds until it has said READY=1: it reads all its records first."""


def monitor_running(deployment: Deployment) -> bool:
    """Whether a monitor holds the lock now."""
    try:
        return is_locked(deployment.paths.monitor_lock)
    except OSError:
        return False


def monitor_pid(deployment: Deployment) -> int | None:
    """The pid of the running monitor; None when none runs or it has not said who it is."""
    holder = read_holder(deployment)
    return holder.pid if holder is not None and holder.alive and monitor_running(deployment) else None


def ensure_monitor(deployment: Deployment) -> int | None:
    """Start a monitor unless one runs; its pid. None when the deployment may only be looked at, when a newer version
    works here, or when a drill wants none to run: then a person starts it.

    Two callers at once may start two: the lock lets one of them live. OSError when it cannot be started, OpsError when
    systemd does not start its unit.
    """
    if deployment.read_only or newer_here(deployment.paths):
        return None
    if monitor_running(deployment):
        return monitor_pid(deployment)
    if deployment.console.deployment.demo and _stopped_by_drill(deployment):
        return None
    unit = deployment.console.services.monitor_unit
    if unit is not None:
        systemctl("start", "--no-block", unit)
        return None
    make_directory(deployment.paths.logs)
    command = [sys.executable, "-m", "engine.monitoring", "--root", str(deployment.root)]
    return spawn_detached(command, cwd=deployment.root, output=deployment.paths.logs / "monitor.out")


def _stopped_by_drill(deployment: Deployment) -> bool:
    order = read_order(deployment.root)
    return order is not None and order.drill == "stop-monitor" and order.runs(SystemClock().now())


def restart_monitor(deployment: Deployment) -> int | None:
    """End the monitor that runs, a hanging one by SIGKILL, and start another; its pid. OpsError, OSError."""
    must_write(deployment, "another monitor")
    stop_monitor(deployment)
    unit = deployment.console.services.monitor_unit
    if unit is None:
        return ensure_monitor(deployment)
    systemctl("start", unit, deadline=_UNIT_BEGINS)
    return monitor_pid(deployment)


def _is_up(unit: str) -> bool:
    shown = systemctl("show", "-p", "ActiveState", unit).decode("ascii", "replace").strip()
    return shown not in ("ActiveState=inactive", "ActiveState=failed")


def _living(deployment: Deployment) -> Holder | None:
    """The monitor that is alive. One of an earlier version does not say of which deployment: it holds this one's lock,
    or it is that of the deployment from which this one was copied.
    """
    holder = read_holder(deployment)
    if holder is None or not holder.alive:
        return None
    return holder if holder.root or monitor_running(deployment) else None


def stop_monitor(deployment: Deployment, deadline: float = 5.0) -> bool:
    """Ask the monitor to stop, kill it at the deadline (seconds). True when one was ended, False when none ran.

    NeedsHuman when it does not end, or when the one that holds the lock has not said who it is.
    """
    unit = deployment.console.services.monitor_unit
    if unit is not None and _is_up(unit):
        systemctl("stop", unit, deadline=deadline + _UNIT_ENDS)  # it would start again where only its process ends
        if not monitor_running(deployment):
            return True
    holder, until = _living(deployment), time.monotonic() + deadline
    while holder is None and monitor_running(deployment) and time.monotonic() < until:
        time.sleep(_POLL)  # it has only just begun
        holder = _living(deployment)
    if holder is None:
        if monitor_running(deployment):
            raise NeedsHuman("a monitor runs and has not said who it is", f"fuser {deployment.paths.monitor_lock}")
        return False
    for number, wait in ((signal.SIGTERM, deadline), (signal.SIGKILL, 2.0)):
        try:
            send_signal(holder.identity, number)
        except PermissionError as error:
            whose = account_of(Path(f"/proc/{holder.pid}").stat().st_uid)
            raise NeedsHuman(
                f"the monitor (pid {holder.pid}) belongs to {whose}, and cannot be ended by you",
                f"as {whose}, or as root: the same command",
            ) from error
        until = time.monotonic() + wait
        while time.monotonic() < until:
            if not holder.alive:
                return True
            time.sleep(_POLL)
    raise NeedsHuman(f"the monitor (pid {holder.pid}) does not end", "end it by hand")
