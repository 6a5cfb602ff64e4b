"""The headless monitor: a tick per cadence until it is asked to stop; one per deployment."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from engine.clock import Clock, SystemClock, iso
from engine.config import Deployment, load_deployment
from engine.config.edited import stamp
from engine.config.newer import Watched, refuse_newer
from engine.config.problems import REFUSED_EDIT
from engine.errors import LockHeld, OpsError, Refused
from engine.monitoring.holder import read_holder, write_holder
from engine.monitoring.monitor import Monitor
from engine.monitoring.store import SampleStore
from engine.monitoring.surroundings import RealSurroundings
from engine.records import FileLock, harmless
from engine.services.sd_notify import ServiceManager, service_manager

LOCK_WAIT = 1.0
"""Seconds: a reader that looks whether the lock is held holds it for an instant itself."""


def watch(root: Path, stop: threading.Event, *, ticks: int | None = None) -> None:
    """Hold the monitor's lock and tick until ``stop``. LockHeld when another monitor runs; ConfigError; Refused where a
    newer version works. Where one begins to work meanwhile, this one ends, and the installed one goes on.
    """
    deployment = load_deployment(root)
    refuse_newer(deployment.paths, "a monitor")
    with FileLock(deployment.paths.monitor_lock) as lock:
        if not lock.acquire(LOCK_WAIT):
            holder = read_holder(deployment)
            raise LockHeld(
                f"a monitor runs already: pid {holder.pid if holder else '?'}", "one per deployment is enough"
            )
        named = _named(deployment)
        _say(f"monitor of {deployment.root}, a sample every {deployment.console.cadence.sample:g} s")
        manager = service_manager()
        manager.tell("READY=1")
        newer = _tick_on(deployment, stop, SystemClock(), ticks, manager, named=named)
        manager.tell("STOPPING=1")
        _say("monitor stopped")
    if newer:
        _give_over(newer, manager)


def _give_over(newer: str, manager: ServiceManager) -> None:
    """The same command, in this very process: since an upgrade it is the newer version's. Refused where it is not.

    Where systemd started this one, it starts the next one.
    """
    if not manager.listens:
        sys.stderr.flush()
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606 - our own command
    raise Refused(newer, "start the monitor of that version: abaco-ops monitor --restart")


def _named(deployment: Deployment) -> bool:
    """Whether it is written down who the monitor is: watching does not depend on it."""
    try:
        write_holder(deployment)
    except OSError as error:
        _say(f"who the monitor is cannot be written down, it watches all the same: {harmless(error)}")
        return False
    return True


def _tick_on(
    deployment: Deployment,
    stop: threading.Event,
    clock: Clock,
    ticks: int | None,
    manager: ServiceManager,
    *,
    named: bool = True,
) -> str:
    """Why it ended before ``stop``: a newer version has begun to work here; empty when it did not."""
    monitor, signature, newer = _monitor(deployment, clock), stamp(deployment), Watched(deployment.paths)
    due = time.monotonic()
    try:
        while not stop.is_set() and ticks != 0:
            if found := newer.look():
                _say(f"{found}: this monitor writes nothing more, the installed one is to go on")
                return found
            if _tick(monitor):
                manager.tell("WATCHDOG=1")  # ticks that fail again and again end in a new start
            named = named or _named(deployment)
            ticks = None if ticks is None else ticks - 1
            if (now := stamp(deployment)) != signature:
                signature = now
                monitor = _reloaded(monitor, clock)
            due = max(due + monitor.deployment.console.cadence.sample, time.monotonic())
            stop.wait(due - time.monotonic())
        return ""
    finally:
        monitor.stop()


def _tick(monitor: Monitor) -> bool:
    """A mistake of our own costs one tick and is written down; it does not end the watch. Whether there was none."""
    try:
        monitor.tick()
    except Exception:
        _say(f"this tick failed:\n{traceback.format_exc()}")
        return False
    return True


def _monitor(deployment: Deployment, clock: Clock) -> Monitor:
    return Monitor(deployment, RealSurroundings(deployment), SampleStore(deployment.paths.samples), clock)


def _reloaded(monitor: Monitor, clock: Clock) -> Monitor:
    """A monitor with the edited configuration; the one before goes on where the edit is a mistake."""
    try:
        deployment = load_deployment(monitor.deployment.root)
    except OpsError as error:
        _say(f"{REFUSED_EDIT}: {harmless(error, 2000)}")
        monitor.refused_edit = (f"{REFUSED_EDIT}: {harmless(error, 300)}",)
        return monitor
    _say("the configuration was edited and is used from now on")
    monitor.stop()
    return _monitor(deployment, clock)


@contextmanager
def stopping_on_signals() -> Iterator[threading.Event]:
    """An event that SIGTERM, SIGINT and SIGHUP set."""
    stop = threading.Event()
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)}
    for number in before:
        signal.signal(number, lambda *_: stop.set())
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _say(text: str) -> None:
    try:
        sys.stderr.write(f"{iso(SystemClock().now().wall)} {text}\n")
        sys.stderr.flush()
    except OSError:
        return  # the output is gone or full: the watch goes on
