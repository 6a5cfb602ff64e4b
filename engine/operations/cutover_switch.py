"""Phases 3 and 4 of a cutover: the old release stops, the configuration is switched, the new release starts."""

from __future__ import annotations

import msgspec

from engine.operations.configuration import activate, hash_of, release_in
from engine.operations.cutover_checks import CHECKED, CHECKED_BY, same_as_planned
from engine.operations.service_steps import (
    hold,
    running_identity,
    runs_as_started,
    start_surely,
    stop_surely,
    surely_stopped,
)
from engine.operations.step import Outcome, StepFailed
from engine.operations.work import Work
from engine.records import write_file
from engine.services.identity import started_at

_LAST_LINES = 200


def stop_old(work: Work) -> Outcome:
    """Stop it, be sure, and keep what it said last. Having to kill it, or finding that somebody else did since it was
    checked, is a WARN: it may have left half a run.
    """
    died = _died_meanwhile(work)
    stopped = stop_surely(work, work.old)
    lines = work.service(work.old).last_lines(_LAST_LINES)
    name = f"{work.old}_last_words.log"
    write_file(work.directory / name, ("\n".join(lines) + "\n").encode())
    killed = f"{work.old} did not stop by itself and was killed" if stopped.killed else ""
    warned = tuple(("stop_old", text) for text in (died, killed) if text)
    return Outcome(f"{stopped.detail}; its last {len(lines)} lines are in {name}", warned)


def _died_meanwhile(work: Work) -> str:
    if work.facts.get(CHECKED_BY) != work.me.pid:
        return ""  # an earlier worker looked: it may have run again since, and its last runs are in the final snapshot
    checked = work.facts.get(CHECKED)
    status = work.service(work.old).status()
    if not checked or (status.identity is not None and msgspec.to_builtins(status.identity) == checked):
        return ""
    now = f"pid {status.identity.pid} runs now" if status.identity else f"it is {status.state}"
    return f"{work.old} (pid {checked['pid']}) ended since it was checked, and not by this cutover: {now}"


def old_stopped(work: Work) -> bool:
    """Whether nothing of the old release runs."""
    return surely_stopped(work, work.old)


def start_old_again(work: Work) -> str:
    """Undo of the shutdown, and of the whole cutover: the old release runs, and stays up.

    It was live when the cutover was confirmed. Whatever ended it since, a reboot or a crash: in the end it runs.
    """
    status = work.service(work.old).status()
    if status.state == "RUNNING" and not status.reason:  # one that was asked to stop and cannot end does not count
        return f"{work.old} runs"
    detail = start_surely(work, work.old, work.new)
    hold(work, work.old, work.clock.now().boot)
    return detail


def switch_config(work: Work) -> Outcome:
    """The staged file, byte for byte, over the active one; only while neither release runs."""
    same_as_planned(work)
    for release in (work.old, work.new):
        if not surely_stopped(work, release):
            raise StepFailed(f"{release} is running", "the configuration is switched only while nothing runs")
    activate(work.deployment.active_config, work.deployment.paths.release(work.new).read_bytes())
    return Outcome(f"{work.plan.config_now[:6]} -> {work.plan.config_then[:6]}, {len(work.plan.changes)} keys differ")


def config_is_new(work: Work) -> bool:
    """Whether the planned configuration is active."""
    return hash_of(work.deployment.active_config) == work.plan.config_then


def config_must_be_new(work: Work) -> None:
    """StepFailed unless it is."""
    if not config_is_new(work):
        raise StepFailed("the active configuration is not the staged one", "someone wrote to it meanwhile")


def switch_config_back(work: Work) -> str:
    """Undo of the switch; one that somebody wrote meanwhile is left if it is the old release's, else kept aside."""
    active = work.deployment.active_config
    found = hash_of(active)
    if found == work.plan.config_now:
        return "the old configuration is active"
    if found and release_in(active.read_bytes()) == work.old:
        work.warn("the active configuration was edited meanwhile: left as it was found")
        return f"the configuration is {work.old}'s, as somebody edited it: {found[:6]}"
    backup = work.deployment.paths.rollback / str(work.facts["config_backup"])
    if hash_of(backup) != work.plan.config_now:
        raise StepFailed(f"{backup} is not the configuration that was active", "restore it from a snapshot")
    if found and found != work.plan.config_then:
        write_file(work.directory / "config_found.yml", active.read_bytes())
        work.warn("the active configuration was edited meanwhile: kept as config_found.yml beside the journal")
    activate(active, backup.read_bytes())
    return f"the old configuration {work.plan.config_now[:6]} is active again"


def start_new(work: Work) -> Outcome:
    """The new release's first start: the build and the configuration that were staged, and nothing beside it."""
    config_must_be_new(work)
    return Outcome(start_surely(work, work.new, work.old))


def new_runs(work: Work) -> bool:
    """Whether the new release runs as it was started."""
    return runs_as_started(work, work.new)


def hold_new(work: Work) -> Outcome:
    """The same process stays up for the configured time."""
    return Outcome(hold(work, work.new, started_at(running_identity(work, work.new))))
