"""What a validation is evidence of: DQ of the tape, VAL of the very process that runs, neither of another tape."""

from __future__ import annotations

from typing import Any

import pytest
from watching import Watching, condition, row

from engine.monitoring.round import AFRESH


def test_a_pass_from_before_the_cutover_is_no_evidence_after_the_way_back(watching: Watching) -> None:
    watching.tick(3)
    watching.validated("PASS")
    watching.tick(3)
    watching.cut_over()
    watching.tick(3)
    watching.tick(tape="doubled")
    watching.validated("FAIL", tape="doubled", data_integrity="FAIL")
    watching.tick(5, tape="doubled")
    watching.roll_back()
    evaluation = watching.tick(6, tape="doubled")
    assert evaluation.release == "v1"
    assert evaluation.verdict.word == "INVESTIGATE"
    assert condition(evaluation, "DQ").text == "FAIL"
    assert condition(evaluation, "VAL").reason == "not validated since v1 started"
    assert row(evaluation, "UNKNOWN").active
    watching.validated("PASS", tape="doubled")
    assert watching.tick(tape="doubled").verdict.word == "CONTINUE"


def test_after_the_way_back_it_is_unknown_until_the_monitors_own_validation_is_there(watching: Watching) -> None:
    watching.tick(3)
    watching.cut_over()
    watching.tick(3)
    assert AFRESH not in watching.started.commands  # the cutover itself validated V2
    watching.roll_back()
    evaluation = watching.tick(6)
    assert evaluation.verdict.word == "UNKNOWN"
    assert "not validated since v1 started" in evaluation.verdict.why
    watching.tick(60)
    assert watching.started.commands.count(AFRESH) == 1
    watching.validated("PASS")
    assert watching.tick().verdict.word == "CONTINUE"


def test_nothing_is_validated_while_an_operation_runs_or_before_the_first_run(watching: Watching) -> None:
    watching.tick(3)
    watching.stage.operating = "0001-rollback"
    watching.roll_back()
    watching.tick(3)
    watching.start("v1")
    watching.stage.operating = ""
    watching.tick(2, runs_every=0)
    assert AFRESH not in watching.started.commands
    watching.tick(1)
    assert watching.started.commands == [AFRESH]


def test_a_release_that_was_started_again_by_hand_is_validated_once(watching: Watching) -> None:
    watching.tick(3)
    watching.start("v1")
    evaluation = watching.tick(4)
    assert condition(evaluation, "VAL").needed
    assert evaluation.verdict.word == "UNKNOWN"
    assert watching.started.commands == [AFRESH]


def test_that_a_validation_runs_is_told_by_the_sample_that_began_it(
    watching: Watching, monkeypatch: pytest.MonkeyPatch
) -> None:
    def begin(name: str, *_: Any, **__: Any) -> None:
        watching.started.busy.add(name)

    watching.tick(3)
    monkeypatch.setattr(watching.started, "start", begin)
    watching.start("v1")
    assert watching.tick(1).validation_running
    kept = watching.monitor._store.newest_evaluation()
    assert kept is not None and kept.validation_running, "consoles read this one"
    watching.started.busy.clear()
    assert not watching.tick(1).validation_running


@pytest.mark.parametrize("validated", [False, True])
def test_a_deployment_that_was_never_operated_is_on_target(watching: Watching, validated: bool) -> None:
    watching.tick(3)
    if validated:
        watching.validated("PASS")
    assert watching.tick(3).verdict.word == "CONTINUE"
    assert watching.started.commands == []


def test_another_tape_makes_a_pass_stale_and_is_validated_once(watching: Watching) -> None:
    watching.tick(3)
    watching.validated("PASS")
    watching.tick(3)
    evaluation = watching.tick(30, tape="t2")
    assert evaluation.verdict.word == "UNKNOWN"
    for name in ("VAL", "DQ"):
        assert "since the tape changed" in str(condition(evaluation, name).reason)
    assert watching.started.commands == [AFRESH]
    watching.validated("PASS", tape="t2")
    assert watching.tick(3, tape="t2").verdict.word == "CONTINUE"


def test_a_fail_stays_one_when_the_tape_changes_until_a_validation_says_otherwise(watching: Watching) -> None:
    watching.tick(3)
    watching.validated("FAIL", data_integrity="FAIL")
    watching.tick(3)
    assert watching.tick(3, tape="t2").verdict.word == "INVESTIGATE"
    watching.validated("PASS", tape="t2")
    assert watching.tick(3, tape="t2").verdict.word == "CONTINUE"


def test_a_tape_that_changes_with_every_run_is_not_validated_without_end(watching: Watching) -> None:
    watching.tick(3)
    watching.validated("PASS")
    for number in range(6):
        watching.tick(5, tape=f"t{number}x")
    assert 1 <= watching.started.commands.count(AFRESH) <= 2


def test_a_bad_tape_found_twice_is_still_something_to_investigate(watching: Watching) -> None:
    watching.cut_over()
    watching.tick(3)
    for _ in range(2):
        watching.validated("FAIL", data_integrity="FAIL")
        evaluation = watching.tick(2)
    assert evaluation.verdict.word == "INVESTIGATE"
    assert condition(evaluation, "DQ").text == "FAIL"


def test_data_that_is_lost_in_two_validations_is_a_reason_to_roll_back(watching: Watching) -> None:
    watching.cut_over()
    watching.tick(3)
    words = []
    for _ in range(2):
        watching.validated("FAIL", data_loss=True, data_integrity="FAIL")
        words.append(watching.tick(2).verdict.word)
    assert words == ["INVESTIGATE", "ROLL BACK"]


# ---- while a release starts


def test_what_needs_a_first_run_waits_for_it_and_says_so(watching: Watching) -> None:
    watching.tick(5)
    watching.stage.operating = "0001-cutover"
    watching.start("v2")
    evaluation = watching.tick(3, runs_every=0)
    assert evaluation.verdict.word == "UNKNOWN"
    assert evaluation.verdict.why.startswith("0001-cutover runs; ")
    for name in ("LAT", "AUD", "RUN", "ERR"):
        assert condition(evaluation, name).reason == "waiting for v2's first run"
    watching.run()
    assert condition(watching.tick(runs_every=0), "AUD").reason == "waiting for v2's first run"
    assert condition(watching.tick(runs_every=0), "AUD").text == "continuous"


def test_no_error_row_is_written_while_an_operation_or_a_first_run_explains_what_is_missing(
    watching: Watching,
) -> None:
    watching.tick(5)
    watching.stage.operating = "0001-cutover"
    watching.tick(20, runs_every=0)
    watching.cut_over()
    watching.stage.operating = ""
    watching.tick(8, runs_every=0)
    watching.tick(3)
    assert [line for line in watching.log() if "| ERROR  |" in line] == []
    assert any("| NOT RUN" in line and "T+0" in line for line in watching.log())


def test_a_first_run_that_does_not_come_is_an_error_after_all(watching: Watching) -> None:
    watching.tick(5)
    watching.cut_over()
    evaluation = watching.tick(25, runs_every=0)
    assert evaluation.waiting == ""
    assert evaluation.verdict.word == "UNKNOWN"
    assert [line for line in watching.log() if "| ERROR  |" in line]
