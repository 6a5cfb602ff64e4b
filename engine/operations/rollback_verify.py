"""The end of a rollback: the old release runs, stays up, really ran, and agrees with the tape."""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec

from engine.config import Deployment
from engine.errors import OpsError
from engine.operations.commands import Command, CommandResult
from engine.operations.cutover_checks import judged
from engine.operations.rollback_prepare import chosen
from engine.operations.rollback_restore import config_is_old, metrics_in_place
from engine.operations.run_records import FirstRun, Published, tape_moved_on, verify_published
from engine.operations.service_steps import hold, running_identity, runs_as_started, start_surely
from engine.operations.step import Outcome, StepFailed
from engine.operations.work import Work
from engine.records import Record, harmless
from engine.records.counted import counted
from engine.services.identity import started_at
from engine.services.protocol import Identity

UNRECORDED = "unrecorded"
"""Marks a run that is known only by what it published."""
VERIFIED = "verified"
"""The fact that names the process of the old release that was verified."""


def start_old(work: Work) -> Outcome:
    """Only where configuration and metrics are both old, and nothing of the new release is left."""
    if not (config_is_old(work) and metrics_in_place(work)):
        raise StepFailed("configuration and metrics are not both restored", "while they differ, no service runs")
    return Outcome(start_surely(work, work.old, work.new))


def old_runs(work: Work) -> bool:
    """Whether the old release runs as it was started, under a supervisor: one that ``RETURN.sh`` started has none."""
    return runs_as_started(work, work.old) and work.service(work.old).status().supervised


def verify_old(work: Work) -> Outcome:
    """It stays up for the configured time; meanwhile its KPIs are compared, and its own check runs."""
    identity = running_identity(work, work.old)
    outcome = _verified(work, identity)
    work.fact(VERIFIED, msgspec.to_builtins(identity))
    return outcome


def old_is_verified(work: Work) -> bool:
    """Whether the process that runs now is the one that was verified: another start is another release to look at."""
    identity = work.service(work.old).status().identity
    return identity is not None and work.facts.get(VERIFIED) == msgspec.to_builtins(identity)


def _verified(work: Work, identity: Identity) -> Outcome:
    agree = work.start(agree_command(work.deployment, work.old, None))
    try:
        run = _first_run(work)
        verify = work.start(work.deployment.command(work.deployment.old.programs.verify, work.old))
    except BaseException:
        agree.kill()
        raise
    agreed, verified = _finish_beside_hold(work, agree, verify, started_at(identity))
    problem = disagreement(agreed)
    ran = run.get("status") == "ok"
    if ran and not problem:
        return _judged(work, run, verified)
    if not problem:
        return _judged(work, *_after_a_failed_run(work, run))
    return _on_probe_tape(work, problem)


def _after_a_failed_run(work: Work, failed: Record) -> tuple[Record, CommandResult]:
    """The tape can be computed, so the run failed for a reason of its own, which may pass: wait for one that is ok."""
    why = harmless(failed.get("error"))
    work.warn(f"{work.old}'s first run failed, and not for the tape: {why}; waiting for the next one")
    first = FirstRun(work, work.old, only_ok=True)
    if not work.until(
        lambda: first.arrived(running_identity(work, work.old)), work.deployment.console.cadence.first_run
    ):
        raise StepFailed(
            f"{work.old} runs and publishes nothing: {why}", "mend that, then go on; the tape can be computed"
        )
    return first.record or {}, verify_published(work, work.deployment.old)


def _judged(work: Work, run: dict[str, object], verified: CommandResult) -> Outcome:
    """It ran and its KPIs agree with the tape; its own check has the last word, if it can judge this tape."""
    rows = f"up, ran ({run.get('rows')} rows)"
    if verified.passed or verify_published(work, work.deployment.old).passed:
        running_identity(work, work.old)
        return Outcome(f"{rows}, its check passed, KPIs agree with the tape")
    if run.get(UNRECORDED):
        text = f"{work.old}'s run is not recorded, so its own check cannot judge it: {verified.said}"
        return Outcome(f"{rows}, KPIs agree with the tape", (("verify_old", text),))
    if tape_moved_on(work, work.old):
        text = f"a newer tape came after {work.old}'s run: its own check cannot judge it before the next run"
        return Outcome(f"{rows}, KPIs agree with the tape", (("verify_old", text),))
    raise StepFailed(f"{work.old}'s verify command failed, {verified.said}", " ".join(verified.command))


def _first_run(work: Work) -> dict[str, object]:
    limit = work.deployment.console.cadence.first_run
    first, published = FirstRun(work, work.old), Published(work, work.old)

    def there() -> bool:
        identity = running_identity(work, work.old)
        return first.arrived(identity) or (published.records_blocked and published.arrived(identity))

    try:
        arrived = work.until(there, limit) or published.arrived(running_identity(work, work.old))
    except StepFailed:
        raise
    except (OSError, OpsError) as error:
        raise StepFailed(f"the run records cannot be read: {error}", "look at logs/runs.jsonl") from error
    if not arrived:
        raise StepFailed(f"{work.old} has finished no run within {limit:g} s", f"abaco-ops service status {work.old}")
    if first.damaged:
        lines = counted(first.damaged, "damaged line")
        work.warn(f"{lines} of {work.deployment.paths.runs.name}: passed over")
    if first.record is None:
        work.warn(f"{work.old}'s run stands in no run record; judged by what it published, {published.path}")
    return first.record or {**(published.record or {}), UNRECORDED: True}


def _finish_beside_hold(
    work: Work, agree: Command, verify: Command, since: float
) -> tuple[CommandResult, CommandResult]:
    agreed, verified = work.finish([agree, verify])
    hold(work, work.old, since)
    return agreed, verified


def _on_probe_tape(work: Work, problem: str) -> Outcome:
    """The live tape cannot be computed: the release shows on the snapshot's tape that it is whole."""
    snapshot = chosen(work) if work.facts["snapshot"] else None
    probe = snapshot.manifest.probe if snapshot and snapshot.manifest else None
    if snapshot is None or probe is None:
        raise StepFailed(f"{harmless(problem)}, and no snapshot holds a probe tape", "mend the tape, then resume")
    agreed = work.finish([work.start(agree_command(work.deployment, work.old, snapshot.path / probe.path))])[0]
    again = disagreement(agreed)
    if again:
        raise StepFailed(f"{work.old} does not agree with the probe tape either: {again}", "call its owner")
    running_identity(work, work.old)
    text = f"the live tape cannot be computed ({harmless(problem)}); verified on snapshot {snapshot.id}'s tape"
    return Outcome(f"{work.old} is up and agrees with the probe tape", (("verify_old", text),))


def agree_command(deployment: Deployment, release: str, tape: Path | None) -> list[str]:
    """The comparison of a release's KPIs with a tape, recomputed independently; None: with the live one."""
    command = [sys.executable, "-m", "engine.validation", "agree", "--root", str(deployment.root)]
    return [*command, "--release", release, *(["--tape", str(tape)] if tape else []), "--json"]


def disagreement(result: CommandResult) -> str:
    """Why the KPIs do not agree; empty when they do. No answer is no agreement."""
    try:
        answer = judged(result, "the comparison with the tape")
    except StepFailed as error:
        return error.what
    if answer["status"] in ("PASS", "WARN"):
        return ""
    return harmless("; ".join(str(issue) for issue in answer.get("issues", ())) or f"it says {answer['status']}")
