"""What is offered for an operation that stopped half-way, and that looking changes nothing."""

from __future__ import annotations

import msgspec
import pytest
from bench_at_work import work_on

from engine.config import Deployment
from engine.operations import cutover, rollback
from engine.operations.journal import read_operation
from engine.operations.model import Operation
from engine.operations.probing import look
from engine.operations.prospects import Choice, Seen, prospects
from engine.services.protocol import Identity

NOTHING_RUNS = Seen("no release runs", agree=True, running=(), new_started=False)


def stopped(deployment: Deployment, clock, kind: str, *done: str, at: str = "") -> Operation:  # type: ignore[no-untyped-def]
    """An operation whose worker has died: these steps done, and one begun."""
    work = work_on(deployment, clock, kind)
    steps = cutover.STEPS if kind == "cutover" else rollback.STEPS
    names = {"v1": "v2"} if kind == "cutover" else {"v2": "v1"}
    (old, new), *_ = names.items()
    named = [{"name": step.name, "title": step.title, "phase": step.phase} for step in steps]
    work.record("planned", operation_kind=kind, release_from=old, release_to=new, actor="tester", steps=named)
    for step in steps:
        if step.name in (*done, at):
            work.record("intent", step=step.name, title=step.title, no_return=step.no_return)
        if step.name in done:
            work.record("done", step=step.name, seconds=0.1)
    gone = Identity(work.me.pid, 1, work.me.boot_id)
    work.record("worker", pid=gone.pid, start_time=gone.start_time, boot_id=gone.boot_id)
    found = read_operation(work.directory)
    assert found.state == "INTERRUPTED"
    return found


def by_key(choices: tuple[Choice, ...]) -> dict[str, Choice]:
    return {choice.key: choice for choice in choices}


BEFORE = ("check_environment", "check_services", "stop_old")


def test_before_the_new_release_started_it_is_abort_resume_resolve_or_leave(deployment: Deployment, clock) -> None:  # type: ignore[no-untyped-def]
    operation = stopped(deployment, clock, "cutover", *BEFORE, at="switch_config")
    choices = prospects(operation, Seen("x", True, (), False, undoes=("old release stops",)))
    assert [choice.key for choice in choices] == ["abort", "resume", "resolve", "leave"]
    ways = by_key(choices)
    assert ways["resume"].ends == "v2" and "Finds 3 of 17 steps done" in ways["resume"].does
    assert ways["abort"].ends == "v1" and "Undoes: old release stops." in ways["abort"].does
    assert "Metrics are not touched" in ways["abort"].does and "No metric changes" in ways["resume"].does
    assert "no cutover may begin" in ways["leave"].does and "(no release runs)" in ways["leave"].does
    assert ways["resume"].command == "abaco-ops resume 0001-cutover" and ways["leave"].command == ""


def test_once_the_new_release_may_have_run_it_is_roll_back_instead_of_abort(deployment: Deployment, clock) -> None:  # type: ignore[no-untyped-def]
    operation = stopped(deployment, clock, "cutover", *BEFORE, at="start_new")
    choices = prospects(operation, Seen("x", True, ("v2",), True))
    assert [choice.key for choice in choices] == ["rollback", "resume", "resolve", "leave"], "the way back first"
    assert choices[0].command == operation.offers[0].split("    ")[0], "as the record of it offers them"
    ways = by_key(choices)
    assert ways["rollback"].ends == "v1" and "set aside, nothing is lost" in ways["rollback"].does
    assert "(v2 runs)" in ways["leave"].does


def test_a_new_release_that_was_started_by_hand_is_rolled_back_too(deployment: Deployment, clock) -> None:  # type: ignore[no-untyped-def]
    operation = stopped(deployment, clock, "cutover", *BEFORE)
    assert "rollback" in by_key(prospects(operation, Seen("x", True, ("v2",), new_started=True)))


def test_a_rollback_only_goes_forward(deployment: Deployment, clock) -> None:  # type: ignore[no-untyped-def]
    operation = stopped(deployment, clock, "rollback", "choose_snapshot", "stop_new", at="restore_config")
    choices = prospects(operation, Seen("x", False, (), True, there=frozenset({"restore_config"})))
    assert [choice.key for choice in choices] == ["rollback", "resolve", "leave"]
    assert "Finds 3 of 10 steps done" in choices[0].does, "what was begun and is there counts"
    assert choices[0].ends == "v1" and "Refused now" in choices[1].does


def test_what_stands_no_longer_is_done_again_and_what_was_not_looked_at_is_said(deployment: Deployment, clock) -> None:  # type: ignore[no-untyped-def]
    operation = stopped(deployment, clock, "cutover", *BEFORE)
    seen = Seen("x", True, (), False, gone=frozenset({"stop_old"}), unsure=frozenset({"check_services"}))
    does = by_key(prospects(operation, seen))["resume"].does
    assert "Finds 2 of 17" in does and "Done again, as it stands no longer: old release stops" in does
    assert "Looked at once more first: old release live, new one not running" in does


def test_one_that_stopped_while_undoing_goes_on_undoing(deployment: Deployment, clock) -> None:  # type: ignore[no-untyped-def]
    operation = stopped(deployment, clock, "cutover", *BEFORE)
    resumed = by_key(prospects(operation, Seen("x", True, (), False, undoing=True)))["resume"]
    assert (resumed.name, resumed.ends) == ("undo on", "v1")


@pytest.mark.parametrize("state", ["RUNNING", "SUCCEEDED", "ABORTED", "ROLLED_BACK"])
def test_nothing_is_offered_for_what_runs_or_has_ended(deployment: Deployment, clock, state: str) -> None:  # type: ignore[no-untyped-def]
    operation = msgspec.structs.replace(stopped(deployment, clock, "cutover"), state=state)
    assert prospects(operation, NOTHING_RUNS) == ()


def test_looking_finds_what_is_there_and_changes_nothing(deployment: Deployment, clock) -> None:  # type: ignore[no-untyped-def]
    operation = stopped(deployment, clock, "cutover", *BEFORE, "back_up_config", at="snapshot_final")
    directory = deployment.paths.operation(operation.id)
    (directory / "requests/abort-1.json").write_text("{}")  # of a worker that is gone: not ours to set aside
    orders = work_on_orders(operation)
    (directory / "plan.json").write_bytes(orders)
    before = {path: path.read_bytes() for path in deployment.root.rglob("*") if path.is_file()}
    seen = look(deployment, operation)
    assert {path: path.read_bytes() for path in deployment.root.rglob("*") if path.is_file()} == before
    assert "stop_old" not in seen.gone, "nothing of the old release runs"
    assert "back_up_config" in seen.gone | seen.unsure, "there is no backup"
    assert seen.running == () and not seen.new_started
    assert seen.undoes[:2] == ("final snapshot, for a rollback", "old release stops, its words kept")


def work_on_orders(operation: Operation) -> bytes:
    from bench_at_work import plan

    from engine.operations.plan import Orders

    return msgspec.json.encode(Orders(operation.id, plan("cutover"), "tester", "local", ""))


def test_what_cannot_be_probed_is_said_to_be_unsure(deployment: Deployment, clock) -> None:  # type: ignore[no-untyped-def]
    operation = stopped(deployment, clock, "cutover", *BEFORE, "snapshot_live")
    (deployment.paths.operation(operation.id) / "plan.json").write_text("{")
    assert {"stop_old", "snapshot_live"} <= look(deployment, operation).unsure
