"""Phases 0 and 2 of a cutover: what must be right before anything is touched."""

from __future__ import annotations

import json
import sys
from typing import Any

import msgspec

from engine.errors import Refused
from engine.operations.commands import CommandResult
from engine.operations.configuration import hash_of
from engine.operations.preflight import preflight
from engine.operations.reserve import keep_reserve
from engine.operations.run_records import verify_published
from engine.operations.service_steps import surely_stopped
from engine.operations.step import Outcome, StepFailed
from engine.operations.work import Work
from engine.records import harmless
from engine.records.regular import special
from engine.services.active import active_release
from engine.services.build import build_hash
from engine.validation.named_build import unit_that_tells_no_build

CHECKED = "checked_process"
CHECKED_BY = "checked_by"
"""Fact: the old release's process when it was checked."""
COVERED_NAMES = "covered_names"
"""Fact: how many files, directories and links the snapshots cover; the kept space is sized by it."""


def check_environment(work: Work) -> Outcome:
    """The tape is there, each place can be written to, and there is room for every copy."""
    deployment = work.deployment
    if not deployment.tape.exists():
        raise StepFailed(f"the tape {deployment.tape} is missing", "see paths.tape in config/console.yml")
    if kind := special(deployment.tape):
        raise StepFailed(
            f"the tape {deployment.tape} is {kind}, no regular file", "deliver a CSV or Parquet file there"
        )
    reference = deployment.root / deployment.console.paths.reference_tape
    if not reference.exists():  # phase 2 would find that out too, minutes and a snapshot later
        raise StepFailed(f"the reference tape {reference} is missing", "see paths.reference_tape in config/console.yml")
    found = preflight(deployment, probing=True)
    if found.refused:
        raise StepFailed("; ".join(found.refused[:3]), "mend that; nothing was changed")
    if found.lacking:
        raise StepFailed("; ".join(found.lacking), "make room; nothing was changed")
    same_as_planned(work)
    work.fact(COVERED_NAMES, found.names)
    keep_reserve(deployment, found.names)
    return Outcome(f"{found.room}; every place can be written to")


def check_services(work: Work) -> Outcome:
    """The old release is the active one and runs; nothing of the new one does."""
    active = active_release(work.deployment)
    if active.name != work.old:
        why = f"{active.name} is live already" if active.name else f"{work.old} is not live: {active.reason}"
        raise StepFailed(why, "a cutover begins from the old release")
    if not surely_stopped(work, work.new):
        status = work.service(work.new).status()
        raise StepFailed(f"{work.new} is {status.state} already", f"abaco-ops service stop {work.new}")
    for release in (work.new, work.old):  # the old one too: the way back starts it again
        obstacle, why = work.service(release).obstacle(), "started or ended" if release == work.old else "started"
        if obstacle:
            raise StepFailed(f"{release} could not be {why}: {obstacle}", "see abaco-ops doctor; nothing was touched")
    for release in (work.new, work.old):
        if refused := work.service(release).refusal():
            raise StepFailed(f"{release} could not be started and ended: {refused}", "nothing was touched")
    silent = unit_that_tells_no_build(work.deployment, work.new)
    identity = work.service(work.old).status().identity
    work.fact(CHECKED, msgspec.to_builtins(identity) if identity else None)
    work.fact(CHECKED_BY, work.me.pid)
    said = f"{work.old} is live, {work.new} is stopped"
    return Outcome(said, (("build", silent),)) if silent else Outcome(said)


def check_health(work: Work) -> Outcome:
    """The old release's verify command passes."""
    return passed(verify_published(work, work.deployment.old), f"{work.old}'s verify command")


def test_new(work: Work) -> Outcome:
    """The new release's test command passes, on the build that will be activated."""
    same_as_planned(work)
    result = work.run(work.deployment.new.programs.test, work.new)
    return passed(result, f"{work.new}'s test command")


def validate_old(work: Work) -> Outcome:
    """The five checks on what the old release really published, recomputed independently."""
    return validated(work, "run", work.old, "the cutover has touched nothing yet")


def stage_new(work: Work) -> Outcome:
    """The new release's KPI program answers live, reference and odd tapes rightly, compared with the old one's."""
    return validated(work, "stage", work.new, f"{work.new} was not started")


def validated(work: Work, mode: str, release: str, so: str) -> Outcome:
    """What ``python -m engine.validation MODE`` says of a release. StepFailed unless PASS or WARN; a WARN is kept
    by the name of its check, and stops the cutover unless that name was accepted.
    """
    command = [sys.executable, "-m", "engine.validation", mode, "--root", str(work.deployment.root)]
    result = work.finish([work.start([*command, "--release", release, "--json"])])[0]
    answer = judged(result, f"validation ({mode})")
    statuses = {name: str(check.get("status")) for name, check in answer["checks"].items()}
    sound = sum(status == "PASS" for status in statuses.values())
    names = ", ".join(f"{name} {status}" for name, status in statuses.items() if status != "PASS")
    names = f"{sound} of {len(statuses)} PASS" + (f", {names}" if names else "")
    issues = "; ".join(str(issue) for issue in answer.get("issues", ()))
    if answer["status"] == "WARN":
        warned = [name for name, status in statuses.items() if status == "WARN"]
        return Outcome(harmless(names), tuple((name, harmless(issues)) for name in warned or [mode]))
    if answer["status"] != "PASS":
        raise StepFailed(harmless(f"validation of {release} says {answer['status']}: {issues or names}"), so)
    return Outcome(harmless(names))


def same_as_planned(work: Work) -> None:
    """Configurations and builds are those that were confirmed. StepFailed names the one that is not."""
    problem = not_as_planned(work)
    if problem:
        raise StepFailed(problem, "look at the change, then start a new cutover")


def not_as_planned(work: Work) -> str:
    """The configuration or build that is not the one that was confirmed; empty when all are."""
    deployment, plan = work.deployment, work.plan
    try:
        now = {
            "the active configuration": (hash_of(deployment.active_config), plan.config_now),
            f"the staged configuration of {work.new}": (hash_of(deployment.paths.release(work.new)), plan.config_then),
            f"the build of {work.old}": (build_hash(deployment, work.old), plan.build_from),
            f"the build of {work.new}": (build_hash(deployment, work.new), plan.build_to),
        }
    except (Refused, OSError) as error:
        return f"what was confirmed cannot be read any more: {error}"
    for what, (found, planned) in now.items():
        if found != planned:
            return f"{what} has changed since it was confirmed ({planned[:6]} -> {found[:6] or 'missing'})"
    return ""


def judged(result: CommandResult, what: str) -> dict[str, Any]:
    """The JSON that a validation program printed. StepFailed when it gave no answer: that is no PASS."""
    try:
        answer = json.loads(result.out)
    except ValueError:
        answer = None
    if not isinstance(answer, dict) or not isinstance(answer.get("checks"), dict) or "status" not in answer:
        raise StepFailed(f"{what} gave no answer: {result.said}", "run it by hand: " + " ".join(result.command))
    if result.code is None:
        raise StepFailed(f"{what} {result.said}", "see command_deadline in config/console.yml")
    if (result.code == 0) != (answer["status"] in ("PASS", "WARN")):
        raise StepFailed(f"{what} contradicts itself: {answer['status']} with {result.said}", "report this")
    return answer


def passed(result: CommandResult, what: str) -> Outcome:
    """Exit 0 in time, or StepFailed with what it said last."""
    if not result.passed:
        raise StepFailed(f"{what} failed, {result.said}", "by hand: " + " ".join(result.command))
    return Outcome(f"{what} passed in {result.seconds:.1f} s")
