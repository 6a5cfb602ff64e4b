"""A disk that fills up in the middle of a rollback: the space kept back is given when it is needed, once."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest
from bench_at_work import ME, work_on
from kept_at_work import CutOver

from engine.clock import Clock
from engine.config import Deployment
from engine.errors import OpsError
from engine.operations import rollback_verify
from engine.operations.journal import read_operation, records_of
from engine.operations.launch import continue_operation
from engine.operations.reserve import keep_reserve
from engine.operations.runner import run_steps
from engine.operations.step import Outcome, Step, StepFailed
from engine.operations.work import RESERVE_USED, JournalLost, Work
from engine.records import append_line


def reserve(deployment: Deployment) -> Path:
    return deployment.paths.rollback / "reserve"


def no_room() -> OSError:
    return OSError(errno.ENOSPC, "No space left on device")


def needs_room(work: Work) -> Outcome:
    """A step on a disk whose last bytes are the reserve."""
    if reserve(work.deployment).exists():
        raise no_room()
    return Outcome("written")


def wraps(work: Work) -> Outcome:
    try:
        return needs_room(work)
    except OSError as error:
        raise OpsError("the tree cannot be written") from error


def step(do: object) -> Step:
    return Step(name="a", title="a", phase="1", do=do, budget=lambda _budgets: 60.0, no_return=True)  # type: ignore[arg-type]


@pytest.mark.parametrize("do", [needs_room, wraps])
def test_a_step_of_a_rollback_that_meets_a_full_disk_is_done_with_the_space_kept(
    deployment: Deployment,
    clock: Clock,
    do: object,
) -> None:
    work = work_on(deployment, clock, kind="rollback")
    keep_reserve(deployment)
    assert run_steps(work, [step(do)], lambda _step: None) == "SUCCEEDED"
    assert read_operation(work.directory).warnings == (RESERVE_USED,)


def test_a_disk_that_stays_full_is_a_failure(deployment: Deployment, clock: Clock) -> None:
    def full(_work: Work) -> Outcome:
        raise no_room()

    work = work_on(deployment, clock, kind="rollback")
    keep_reserve(deployment)
    assert run_steps(work, [step(full)], lambda _step: None) == "NEEDS_HUMAN"


def test_a_cutover_leaves_the_space_to_the_rollback(deployment: Deployment, clock: Clock) -> None:
    work = work_on(deployment, clock)
    keep_reserve(deployment)
    assert run_steps(work, [step(needs_room)], lambda _step: None) == "NEEDS_HUMAN"
    assert reserve(deployment).exists()


def test_a_journal_on_a_full_disk_goes_on_with_the_space_kept(
    deployment: Deployment,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    work, really = work_on(deployment, clock, kind="rollback"), append_line

    def append(path: Path, record: dict[str, object]) -> None:
        if reserve(deployment).exists():
            raise no_room()
        really(path, record)

    monkeypatch.setattr("engine.operations.journal.append_line", append)
    with monkeypatch.context() as without:
        without.setattr("engine.operations.journal.append_line", lambda path, record: (_ for _ in ()).throw(no_room()))
        with pytest.raises(JournalLost):
            work.record("fact", name="x", value=1)
    keep_reserve(deployment)
    work.record("fact", name="x", value=2)
    numbers = [record["seq"] for record in records_of(work.directory)]
    assert numbers == list(range(1, len(numbers) + 1)), "a record that was not written has no number"


def test_a_rollback_that_goes_on_finds_the_space_given_back(cut_over: CutOver, monkeypatch: pytest.MonkeyPatch) -> None:
    begun = cut_over.begin_rollback()
    cut_over.kill_worker_at(begun, "restore_config")
    asked: list[Deployment] = []
    monkeypatch.setattr("engine.operations.launch.release_reserve", asked.append)
    continue_operation(cut_over.deployment, begun.id, "resume", actor="tester", origin="local")
    assert asked
    assert cut_over.settled(begun.id).state == "SUCCEEDED"


class _Ended:
    """A command's end that is as good as needed."""

    passed, code, said, command = True, 0, "exit 0", ("true",)
    out = '{"status": "PASS", "checks": {}, "issues": []}'

    def kill(self) -> None:
        return None


@pytest.mark.parametrize("publishes_then", [True, False])
def test_a_first_run_that_failed_for_its_own_reason_is_not_laid_on_the_tape(
    deployment: Deployment,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
    publishes_then: bool,
) -> None:
    class Runs:
        damaged = 0

        def __init__(self, _work: Work, _release: str, *, only_ok: bool = False) -> None:
            self.record = {"status": "ok", "rows": 3} if only_ok else {"status": "failed", "error": "no space left"}
            self._there = publishes_then or not only_ok

        def arrived(self, _identity: object) -> bool:
            return self._there

    work = work_on(deployment, clock, kind="rollback")
    for name, value in {
        "FirstRun": Runs,
        "running_identity": lambda _work, _release: ME,
        "hold": lambda _work, _release, _since: "",
        "verify_published": lambda _work, _release: _Ended(),
    }.items():
        monkeypatch.setattr(rollback_verify, name, value)
    monkeypatch.setattr(work, "start", lambda *_words: _Ended())
    monkeypatch.setattr(work, "finish", lambda commands: [_Ended() for _ in commands])
    monkeypatch.setattr(work, "until", lambda arrived, _seconds: arrived())
    if publishes_then:
        assert rollback_verify.verify_old(work).warnings == ()
        assert "not for the tape: no space left" in read_operation(work.directory).warnings[0]
    else:
        with pytest.raises(StepFailed, match="publishes nothing: no space left"):
            rollback_verify.verify_old(work)
