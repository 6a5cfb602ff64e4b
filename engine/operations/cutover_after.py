"""Phase 5 of a cutover: the new release really works, and the way back stands open."""

from __future__ import annotations

from engine.operations.cutover_backup import write_break_glass
from engine.operations.cutover_checks import passed, validated
from engine.operations.run_records import FirstRun, verify_published
from engine.operations.service_steps import running_identity
from engine.operations.step import Outcome, StepFailed
from engine.operations.way_back import prove
from engine.operations.work import Work
from engine.records import Record, read_lines
from engine.services.build import build_hash
from engine.snapshots import Origin, prune, read_snapshot, stage
from engine.snapshots.manifest import sha256_of
from engine.snapshots.staging import discard_staged
from engine.validation.named_build import how_to_name_it


def first_run(work: Work) -> Outcome:
    """The process that was started has finished a run, its output is there, its audit events are there."""
    limit = work.deployment.console.cadence.first_run
    first = FirstRun(work, work.new)
    if not work.until(lambda: first.arrived(running_identity(work, work.new)), limit):
        raise StepFailed(f"{work.new} has finished no run within {limit:g} s", f"abaco-ops service status {work.new}")
    run = first.record or {}
    if run.get("status") != "ok":
        raise StepFailed(f"{work.new}'s first run is {run.get('status')}: {run.get('error')}", "look at its output")
    planned = work.plan.build_to
    if run.get("build") != planned:
        named = str(run.get("build") or "")[:6]
        if not named:
            raise StepFailed("its run records name no build", how_to_name_it(work.deployment, work.new))
        raise StepFailed(f"build {named} runs, {planned[:6]} was staged", "find who changed it")
    _outputs_there(work, run)
    _events_there(work, run)
    return Outcome(f"run {str(run['run_id'])[:8]}: {run.get('rows')} rows, {len(run['outputs'])} files, events written")


def verify_new(work: Work) -> Outcome:
    """The new release's verify command passes, and it still is the same process."""
    outcome = passed(verify_published(work, work.deployment.new), f"{work.new}'s verify command")
    running_identity(work, work.new)
    return outcome


def validate_new(work: Work) -> Outcome:
    """The five checks on what the new release really published, recomputed independently."""
    return validated(work, "run", work.new, f"{work.new} runs on; look at the report, or roll back")


def prepare_way_back(work: Work) -> Outcome:
    """Stage the tree that an emergency swaps in, verify it, prove the way back, and only then drop old copies."""
    snapshot = read_snapshot(work.deployment, work.deployment.paths.snapshots / str(work.facts["final_snapshot"]))
    if snapshot.manifest is None:
        raise StepFailed(f"snapshot {snapshot.id}: {snapshot.problem}", "abaco-ops snapshots verify")
    origin = Origin(
        "salvaged", work.orders.operation, work.new, build_hash(work.deployment, work.new), work.clock.now().wall
    )
    stage(work.deployment, snapshot, origin, work.checkpoint)
    write_break_glass(work)
    proof = prove(work.deployment, work.clock, wait=work.pause)
    if not proof.ok:
        raise StepFailed(f"the way back is not proven: {proof.reason}", "it is offered all the same, from the snapshot")
    for left in discard_staged(work.deployment, snapshot.id):
        work.warn(left)
    removed = prune(work.deployment, frozenset({snapshot.id}), work.checkpoint)
    tidy = f"; removed snapshots {', '.join(removed)}" if removed else ""
    return Outcome(f"snapshot {snapshot.id} staged and proven, back in about {proof.seconds:.1f} s{tidy}")


def _outputs_there(work: Work, run: Record) -> None:
    outputs = run.get("outputs") or []
    if not outputs:
        raise StepFailed(f"{work.new}'s first run wrote no output", "look at its output")
    for output in outputs:
        path = work.deployment.root / str(output["path"])
        if not path.is_file() or sha256_of(path) != output["sha256"]:
            raise StepFailed(f"{output['path']} is not what the run says it wrote", "find who writes there")


def _events_there(work: Work, run: Record) -> None:
    wanted = run["run_id"]
    kinds = {
        event["kind"]
        for event in read_lines(work.deployment.paths.events)
        if isinstance(event.get("data"), dict) and event["data"].get("run_id") == wanted
    }
    if not {"run.started", "run.finished"} <= kinds:
        raise StepFailed(f"run {wanted} left no trace in the audit trail", "abaco-ops audit verify")
