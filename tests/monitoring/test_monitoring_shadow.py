"""Shadow runs: when the monitor starts one, and what variance and change make of what it kept."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from watching import KPIS, Watching, condition

from engine.clock import iso
from engine.config import Deployment, load_deployment
from engine.monitoring.errands import SHADOW
from engine.monitoring.shadow import run_shadow, shadow_of, tape_stamp
from engine.records import append_line, read_lines
from engine.state import StateReader


def write_tape(deployment: Deployment, text: str = "a\n1\n") -> None:
    deployment.tape.parent.mkdir(parents=True, exist_ok=True)
    deployment.tape.write_text(text)


def shadow(watching: Watching, tape: str, **changes: Any) -> None:
    """A line as the shadow run writes it."""
    record = {
        "at": iso(watching.clock.now().wall),
        "release": "v1",
        "build": "",
        "stamp": tape_stamp(watching.deployment.tape),
        "tape_sha256": hashlib.sha256(tape.encode()).hexdigest(),
        "measurement_date": "2025-03-28",
        "values": KPIS,
        "unheld": {},
        "reasons": {},
        "seconds": 0.3,
        "reason": "",
    }
    append_line(watching.deployment.paths.shadow, {**record, **changes})


def begun(watching: Watching) -> int:
    return watching.started.commands.count(SHADOW)


def test_a_changed_tape_is_computed_once_after_the_cutover_and_not_more_often_than_configured(
    watching: Watching,
) -> None:
    write_tape(watching.deployment)
    watching.tick(15)
    assert begun(watching) == 0, "on V1 there is nothing to shadow"
    watching.cut_over()
    watching.tick(15)
    assert begun(watching) == 1
    write_tape(watching.deployment, "a\n1\n2\n")
    watching.tick(2)
    assert begun(watching) == 2
    write_tape(watching.deployment, "a\n1\n2\n3\n")
    watching.tick(5)
    assert begun(watching) == 2, "ten seconds have not passed"
    watching.tick(6)
    assert begun(watching) == 3


def test_a_configuration_from_before_shadow_runs_is_good_and_they_come_as_often_as_the_proof(
    deployment: Deployment,
) -> None:
    path = deployment.paths.config / "console.yml"
    kept = [line for line in path.read_text().splitlines() if not line.strip().startswith("shadow:")]
    path.write_text("\n".join(kept) + "\n")
    cadence = load_deployment(deployment.root).console.cadence
    assert cadence.shadow_every == cadence.prove_way_back == 60


def test_no_shadow_run_begins_during_an_operation_or_beside_another(watching: Watching) -> None:
    write_tape(watching.deployment)
    watching.cut_over()
    watching.stage.operating = "0002-rollback"
    watching.tick(3)
    assert begun(watching) == 0
    watching.stage.operating = ""
    watching.started.busy.add(SHADOW)
    watching.tick(3)
    assert begun(watching) == 0
    watching.started.busy.clear()
    watching.tick()
    assert begun(watching) == 1


def test_variance_and_change_rest_on_the_shadow_run_of_the_same_tape(watching: Watching) -> None:
    watching.tick(3)
    watching.cut_over()
    evaluation = watching.tick(2, tape="t2", runs_every=0)
    watching.run(tape="t2", kpis={**KPIS, "PAR30": 2.5})
    evaluation = watching.tick(runs_every=0)
    assert condition(evaluation, "KPIV").reason == "v1 has not computed this tape"
    shadow(watching, "t1")
    assert condition(watching.tick(runs_every=0), "KPIV").reason == "v1 has not computed this tape"
    shadow(watching, "t2")
    evaluation = watching.tick(runs_every=0)
    assert round(condition(evaluation, "KPIV").value) == 14
    assert condition(evaluation, "KPIV").firing == "", "two runs are needed, and this is one, however often looked at"
    watching.clock.step_wall(-0.01)  # clocks are never in step to the last digit
    assert condition(watching.tick(2, runs_every=0), "KPIV").firing == ""
    assert (evaluation.kpis[0].change, evaluation.kpis[0].change_from) == (0.3, "V1")
    evaluation = watching.tick(runs_every=1, tape="t2", kpis={**KPIS, "PAR30": 2.5})
    assert condition(evaluation, "KPIV").firing == "critical"


def test_what_is_rounding_is_no_variance_in_the_shadow_either(watching: Watching) -> None:
    watching.cut_over()
    shadow(watching, "t2", values={**KPIS, "PAR30": 2.2})
    evaluation = watching.tick(runs_every=1, tape="t2", kpis={**KPIS, "PAR30": 2.27})
    assert condition(evaluation, "KPIV").value == 0
    evaluation = watching.tick(runs_every=1, tape="t2", kpis={**KPIS, "PAR30": 2.28})
    assert condition(evaluation, "KPIV").value > 1


def test_a_shadow_run_that_gave_nothing_is_missing_with_its_reason(watching: Watching) -> None:
    watching.cut_over()
    shadow(watching, "t2", values={}, reason="the KPI program gave no answer in 10 s")
    evaluation = watching.tick(runs_every=1, tape="t2")
    assert condition(evaluation, "KPIV").reason == "v1 cannot compute this tape: the KPI program gave no answer in 10 s"


def test_a_damaged_line_is_a_problem_and_hides_no_other(watching: Watching) -> None:
    watching.cut_over()
    shadow(watching, "t2", values="rubbish")
    shadow(watching, "t2")
    evaluation = watching.tick(runs_every=1, tape="t2")
    assert condition(evaluation, "KPIV").value == 0
    assert any("shadow" in problem for problem in evaluation.problems)


@pytest.mark.parametrize("code", ["raise SystemExit('no licence')", "print('no table')"])
def test_a_program_that_fails_is_kept_with_the_reason(deployment: Deployment, clock: Any, code: str) -> None:
    write_tape(deployment)
    deployment.old.programs.kpi[:] = ["{python}", "-c", code]
    found = run_shadow(deployment, clock)
    assert found.reason and found.values == {}
    (line,) = read_lines(deployment.paths.shadow)
    assert shadow_of(line) == found
    view = StateReader(deployment, clock).read().shadow
    assert view is not None and view.reason == found.reason and view.current
    write_tape(deployment, "another tape\n")
    view = StateReader(deployment, clock).read().shadow
    assert view is not None and not view.current
