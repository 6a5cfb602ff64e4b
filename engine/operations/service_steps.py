"""Stopping and starting a release so that one can be sure of it; shared by cutover and rollback."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from engine.errors import OpsError
from engine.operations.step import StepFailed
from engine.operations.work import Work
from engine.records import harmless
from engine.services.protocol import Identity, ServiceStatus


def surely_stopped(work: Work, release: str) -> bool:
    """Whether no process of the release's service is left; UNSURE is no."""
    status = work.service(release).status()
    return status.state in ("STOPPED", "FAILED") and status.identity is None and not status.supervised


_RESTART_TAKES = 2.0
"""A process that began within these seconds of its supervisor's newest restart is that restart."""


@dataclass(frozen=True, slots=True)
class Stopped:
    """How a release was stopped; ``killed`` when it did not stop by itself in time."""

    detail: str
    killed: bool


def stop_surely(work: Work, release: str) -> Stopped:
    """Stop the release and look that nothing of it is left. StepFailed names what is."""
    if surely_stopped(work, release) and work.service(release).status().state == "STOPPED":
        return Stopped(f"{release} was not running", killed=False)
    result = work.service(release).stop()
    if not result.stopped or result.left or not surely_stopped(work, release):
        left = ", ".join(result.left) or work.service(release).status().reason or "its state is not certain"
        raise StepFailed(f"{release} did not stop: {left}", "nothing else was started; end these processes, then go on")
    how = "killed after its deadline" if result.killed else "stopped by itself"
    return Stopped(f"{release} {how} in {result.seconds:.2f} s; no process is left", result.killed)


def runs_as_started(work: Work, release: str) -> bool:
    """Whether the release runs as it was started: the journaled process, or, where none is, one never restarted."""
    status = work.service(release).status()
    if status.state != "RUNNING":
        return False
    known = identity_fact(work, release)
    return status.identity == known if known is not None else not _is_a_restart(status)


def start_surely(work: Work, release: str, other: str) -> str:
    """Start the release, unless the other one might still run. StepFailed when it does not run then.

    One that crashed and is being restarted again and again is stopped first, and started as it is configured now.
    """
    if not surely_stopped(work, other):
        raise StepFailed(f"{other} may still be running", f"{release} is not started while that is unsure")
    if not runs_as_started(work, release):
        stop_surely(work, release)
    status = work.service(release).start()
    if status.state != "RUNNING" or status.identity is None:
        raise StepFailed(f"{release} did not start: {status.reason or status.state}", _last_words(work, release))
    work.fact(f"identity:{release}", msgspec.to_builtins(status.identity))
    return f"{release} runs, pid {status.identity.pid}"


def identity_fact(work: Work, release: str) -> Identity | None:
    """The process that :func:`start_surely` started."""
    known = work.facts.get(f"identity:{release}")
    return msgspec.convert(known, Identity) if known else None


def _is_a_restart(status: ServiceStatus) -> bool:
    if not status.restarts or status.since is None:
        return False
    return abs((status.since - status.restarts[-1]).total_seconds()) < _RESTART_TAKES


def running_identity(work: Work, release: str) -> Identity:
    """The release's process, which must be the one that was started. StepFailed when it died or was replaced."""
    status: ServiceStatus = work.service(release).status()
    known = identity_fact(work, release)
    if status.state != "RUNNING" or status.identity is None:
        raise StepFailed(
            f"{release} does not run any more: {status.reason or status.state}", _last_words(work, release)
        )
    if known is not None and status.identity != known:
        raise StepFailed(f"{release} died and was started again", _last_words(work, release))
    if not status.supervised:
        _give_supervisor(work, release)
    return status.identity


def _give_supervisor(work: Work, release: str) -> None:
    """Somebody ended the supervisor alone: a new one adopts the release that runs. Not to have one is a warning."""
    try:
        work.service(release).start()
    except OpsError as error:
        work.warn(f"{release} runs without a supervisor, and none can be started: {error.what}")
    else:
        work.warn(f"the supervisor of {release} was ended by somebody: a new one watches it")


def hold(work: Work, release: str, since: float) -> str:
    """Watch that the same process stays up until ``verify_hold`` after ``since`` (boot time)."""
    seconds = work.deployment.console.cadence.verify_hold
    while True:
        identity = running_identity(work, release)
        if work.clock.now().boot >= since + seconds:
            return f"{release} stayed up for {seconds:g} s, pid {identity.pid}"
        work.pause()


def _last_words(work: Work, release: str) -> str:
    lines = work.service(release).last_lines(3)
    return "its last words: " + harmless(" / ".join(lines)) if lines else f"abaco-ops service status {release}"
