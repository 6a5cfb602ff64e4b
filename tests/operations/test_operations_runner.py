from __future__ import annotations

import os
import pwd
from collections.abc import Callable
from pathlib import Path

import pytest
from bench_at_work import work_on

from engine.config import Deployment
from engine.operations.journal import read_operation, records_of
from engine.operations.lock import OperationLock
from engine.operations.requests import ask
from engine.operations.runner import run_steps, undo_steps
from engine.operations.step import Kept, Outcome, Step, StepFailed
from engine.operations.takeover import take_lock
from engine.operations.work import JournalLost, Work


class World:
    """What the steps of a test change."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    def step(self, name: str, **changes: object) -> Step:
        def do(_work: Work) -> Outcome:
            self.calls.append(f"do {name}")
            return Outcome("as it should be")

        def undo(_work: Work) -> str:
            self.calls.append(f"undo {name}")
            return "as before"

        fields: dict[str, object] = {"name": name, "title": name, "phase": "1", "do": do, "undo": undo}
        fields["budget"] = lambda _budgets: 60.0
        return Step(**{**fields, **changes})  # type: ignore[arg-type]


def fails(_work: Work) -> Outcome:
    raise StepFailed("broken", "mend it")


def nothing(_step: Step) -> None:
    return None


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def work(deployment: Deployment, clock) -> Work:  # type: ignore[no-untyped-def]
    return work_on(deployment, clock)


def states(work: Work) -> dict[str, str]:
    return {step.name: step.state for step in read_operation(work.directory).steps}


def test_each_step_is_journaled_before_and_after_it_acts(work: Work, world: World) -> None:
    def look(_work: Work) -> Outcome:
        assert records_of(work.directory)[-1]["kind"] == "intent"
        return Outcome("looked")

    assert run_steps(work, [world.step("a", do=look), world.step("b")], nothing) == "SUCCEEDED"
    kinds = [(record["kind"], record.get("step")) for record in records_of(work.directory)[3:]]
    assert kinds == [("intent", "a"), ("done", "a"), ("intent", "b"), ("done", "b")]


def test_a_failure_undoes_backwards_what_has_acted_and_only_that(work: Work, world: World) -> None:
    steps = [world.step("a"), world.step("b"), world.step("c", do=fails), world.step("d")]
    assert run_steps(work, steps, nothing) == "ABORTED"
    assert world.calls == ["do a", "do b", "undo c", "undo b", "undo a"]
    assert states(work) == {"a": "undone", "b": "undone", "c": "failed"}
    assert read_operation(work.directory).failure == "c: broken (mend it)"


def test_from_the_point_of_no_return_nothing_is_undone(work: Work, world: World) -> None:
    steps = [world.step("a"), world.step("b", no_return=True, do=fails)]
    assert run_steps(work, steps, nothing) == "NEEDS_HUMAN"
    assert world.calls == ["do a"]


def test_a_step_that_cannot_be_verified_has_failed(work: Work, world: World) -> None:
    def verify(_work: Work) -> None:
        raise StepFailed("it is not there")

    assert run_steps(work, [world.step("a", verify=verify)], nothing) == "ABORTED"
    assert states(work) == {"a": "failed"}


def test_what_cannot_be_undone_needs_a_person(work: Work, world: World) -> None:
    def stuck(_work: Work) -> str:
        raise StepFailed("stuck")

    steps = [world.step("a"), world.step("b", undo=stuck), world.step("c", do=fails)]
    assert run_steps(work, steps, nothing) == "NEEDS_HUMAN"
    assert "undo a" not in world.calls


def test_an_unexpected_error_is_a_failure_like_any_other(work: Work, world: World) -> None:
    def bug(_work: Work) -> Outcome:
        raise ZeroDivisionError("division by zero")

    assert run_steps(work, [world.step("a"), world.step("b", do=bug)], nothing) == "ABORTED"
    assert "unexpected: ZeroDivisionError" in read_operation(work.directory).failure


def warns(_work: Work) -> Outcome:
    return Outcome("went on", (("variance", "3 % apart"),))


def test_a_warning_stops_a_cutover(work: Work, world: World) -> None:
    assert run_steps(work, [world.step("a", do=warns)], nothing) == "ABORTED"
    assert "--accept-warn variance" in read_operation(work.directory).failure


def test_a_warning_accepted_by_name_is_said_and_lets_it_pass(deployment: Deployment, clock, world: World) -> None:  # type: ignore[no-untyped-def]
    work = work_on(deployment, clock, accept_warn=("variance",))
    assert run_steps(work, [world.step("a", do=warns)], nothing) == "SUCCEEDED"
    assert read_operation(work.directory).warnings == ("variance: 3 % apart",)


def test_accepting_one_warning_accepts_no_other(deployment: Deployment, clock, world: World) -> None:  # type: ignore[no-untyped-def]
    work = work_on(deployment, clock, accept_warn=("performance",))
    assert run_steps(work, [world.step("a", do=warns)], nothing) == "ABORTED"


def test_a_warning_never_stops_a_rollback(deployment: Deployment, clock, world: World) -> None:  # type: ignore[no-untyped-def]
    work = work_on(deployment, clock, kind="rollback")
    assert run_steps(work, [world.step("a", do=warns)], nothing) == "SUCCEEDED"
    assert read_operation(work.directory).warnings == ("variance: 3 % apart",)


def test_a_phase_that_takes_too_long_stops_a_cutover_and_only_warns_in_a_rollback(
    deployment: Deployment,
    clock,  # type: ignore[no-untyped-def]
    world: World,
) -> None:
    def slow(work: Work) -> Outcome:
        clock.advance(100)
        work._looked = 0.0
        work.checkpoint()
        return Outcome("late")

    assert run_steps(work_on(deployment, clock), [world.step("a", do=slow)], nothing) == "ABORTED"
    rollback = work_on(deployment, clock, kind="rollback")
    assert run_steps(rollback, [world.step("a", do=slow)], nothing) == "SUCCEEDED"
    assert "longer than its budget" in read_operation(rollback.directory).warnings[0]


def interrupted(work: Work, world: World, probe: Callable[[Work], bool], done: bool) -> list[str]:
    """A step that an earlier worker began, and perhaps finished; what a second one does about it."""
    work.record("intent", step="a", title="a")
    if done:
        work.record("done", step="a", seconds=0.1)
    assert run_steps(work, [world.step("a", probe=probe), world.step("b")], nothing) == "SUCCEEDED"
    return world.calls


@pytest.mark.parametrize("done", [True, False])
def test_recovery_does_not_repeat_what_it_finds_done(work: Work, world: World, done: bool) -> None:
    assert interrupted(work, world, lambda _work: True, done) == ["do b"]


@pytest.mark.parametrize("done", [True, False])
def test_recovery_does_again_what_it_finds_gone(work: Work, world: World, done: bool) -> None:
    assert interrupted(work, world, lambda _work: False, done) == ["do a", "do b"]


def test_a_request_to_abort_undoes(work: Work, world: World) -> None:
    def waits(_work: Work) -> Outcome:
        ask(work.directory, work.me, "abort", "not today")
        work.until(lambda: False, 5)
        return Outcome("never")

    assert run_steps(work, [world.step("a"), world.step("b", do=waits)], nothing) == "ABORTED"
    assert world.calls == ["do a", "undo b", "undo a"]
    assert "not today" in read_operation(work.directory).failure


def test_abort_beats_every_other_request(work: Work, world: World) -> None:
    def waits(_work: Work) -> Outcome:
        ask(work.directory, work.me, "go")
        ask(work.directory, work.me, "yield", "rollback 0002")
        ask(work.directory, work.me, "abort")
        work.until(lambda: False, 5)
        return Outcome("never")

    def slowly(_work: Work) -> str:
        work._looked = 0.0
        work.checkpoint()  # what else was asked for is answered by the abort
        return "undone"

    assert run_steps(work, [world.step("a", do=waits, undo=slowly)], nothing) == "ABORTED"
    assert read_operation(work.directory).failure == f"aborted by {_owner()}"


def _owner() -> str:
    return pwd.getpwuid(os.getuid()).pw_name


def test_an_abort_by_a_person_is_no_failure_of_the_step_it_came_in(work: Work, world: World) -> None:
    def waits(_work: Work) -> Outcome:
        ask(work.directory, work.me, "abort", "not today", actor=f"{_owner()}@ops1")
        work.until(lambda: False, 5)
        return Outcome("never")

    assert run_steps(work, [world.step("a"), world.step("b", do=waits)], nothing) == "ABORTED"
    assert read_operation(work.directory).failure == f"aborted by {_owner()}@ops1: not today"
    assert states(work) == {"a": "undone", "b": "aborted"}
    assert world.calls == ["do a", "undo b", "undo a"], "what it may have done is undone"


def test_a_name_that_the_requests_owner_does_not_bear_stands_beside_his(work: Work, world: World) -> None:
    def waits(_work: Work) -> Outcome:
        ask(work.directory, work.me, "abort", actor="somebody@ops1")
        work.until(lambda: False, 5)
        return Outcome("never")

    run_steps(work, [world.step("a", do=waits)], nothing)
    assert read_operation(work.directory).failure == f"aborted by {_owner()} (somebody@ops1)"


def test_what_an_undo_leaves_as_it_is_was_not_undone(work: Work, world: World) -> None:
    steps = [world.step("a", undo=lambda _work: Kept("sealed, kept: 0004")), world.step("b", do=fails)]
    assert run_steps(work, steps, nothing) == "ABORTED"
    kept = read_operation(work.directory).steps[0]
    assert (kept.state, kept.detail) == ("done", "sealed, kept: 0004")


def test_giving_way_undoes_nothing(work: Work, world: World) -> None:
    def waits(_work: Work) -> Outcome:
        ask(work.directory, work.me, "yield", "rollback 0002")
        work.until(lambda: False, 5)
        return Outcome("never")

    assert run_steps(work, [world.step("a"), world.step("b", do=waits)], nothing) == "INTERRUPTED"
    assert world.calls == ["do a"]
    assert read_operation(work.directory).failure == "gave way to rollback 0002"


def test_an_abort_that_comes_too_late_is_said_and_the_cutover_goes_on(work: Work, world: World) -> None:
    asked = []

    def waits(_work: Work) -> Outcome:
        if not asked:
            asked.append(ask(work.directory, work.me, "abort"))
            work.until(lambda: False, 5)
        return Outcome("went on")

    steps = [world.step("a", no_return=True), world.step("b", do=waits)]
    assert run_steps(work, steps, nothing) == "SUCCEEDED"
    assert "too late to abort" in read_operation(work.directory).warnings[0]


def test_a_journal_that_cannot_be_written_stops_before_the_next_step(work: Work, world: World) -> None:
    journal = work.directory / "journal.jsonl"

    def loses_it(_work: Work) -> Outcome:
        journal.rename(journal.with_name("elsewhere"))
        journal.mkdir()
        return Outcome("done")

    with pytest.raises(JournalLost, match="the journal of 0001-cutover"):
        run_steps(work, [world.step("a", do=loses_it), world.step("b")], nothing)
    assert world.calls == []


def test_undoing_can_be_repeated(work: Work, world: World) -> None:
    steps = [world.step("a"), world.step("b", do=fails)]
    assert run_steps(work, steps, nothing) == "ABORTED"
    world.calls.clear()
    assert undo_steps(work, steps, nothing) == "ABORTED"
    assert world.calls == ["undo b", "undo a"]


def test_the_undo_of_the_first_step_is_that_of_the_whole(work: Work, world: World) -> None:
    """Even where no step has begun: a reboot may have ended what ran when the cutover was confirmed."""
    assert undo_steps(work, [world.step("a"), world.step("b")], nothing) == "ABORTED"
    assert world.calls == ["undo a"]


def test_commands_of_a_stopped_step_are_ended(work: Work, world: World, tmp_path: Path) -> None:
    def waits(_work: Work) -> Outcome:
        running = work.start(["sleep", "600"])
        work.fact("pid", running.identity.pid if running.identity else 0)
        ask(work.directory, work.me, "abort")
        work.finish([running])
        return Outcome("never")

    assert run_steps(work, [world.step("a", do=waits)], nothing) == "ABORTED"
    with pytest.raises(ProcessLookupError):
        os.kill(work.facts["pid"], 0)


def test_the_same_warning_is_said_once_and_on_one_line(deployment: Deployment, clock) -> None:  # type: ignore[no-untyped-def]
    work = work_on(deployment, clock, kind="rollback")
    told: list[str] = []
    work._narrate = told.append
    for _ in range(3):
        work.warn("the trail is locked\n  -> see who writes")
    again = Work(work.deployment, work.orders, work.clock, told.append)
    again.warn("the trail is locked (see who writes)")
    assert read_operation(work.directory).warnings == ("the trail is locked (see who writes)",)
    assert told[0] == "WARNING the trail is locked (see who writes)" and len(told) == 2


def test_who_takes_the_lock_removes_what_killed_writers_left(work: Work) -> None:
    left = work.deployment.paths.rollback / ".operation.holder.json.24d0480c.tmp"
    left.write_bytes(b"{")
    os.utime(left, (0, 0))
    lock = OperationLock(work.deployment)
    assert take_lock(work, lock)
    lock.release()
    assert not left.exists()
