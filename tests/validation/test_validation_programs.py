"""``python -m engine.validation``: what operations and monitor call."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from production import Production, loans

from engine.pipeline.sample_tapes import write_reference
from engine.validation.program import KpiProgram, ProgramFailed


@pytest.fixture
def staged(production: Production) -> Production:
    production.use_program("one-decimal", "v1")
    write_reference(production.deployment.root / production.deployment.console.paths.reference_tape)
    return production


def validation(production: Production, *words: object) -> tuple[int, Any, str]:
    command = [sys.executable, "-m", "engine.validation", str(words[0]), "--root", str(production.deployment.root)]
    done = subprocess.run(
        [*command, *map(str, words[1:]), "--json"], capture_output=True, text=True, timeout=60, check=False
    )
    return done.returncode, json.loads(done.stdout) if done.stdout else None, done.stderr


def test_agree_passes_when_the_program_computes_what_the_tape_gives(staged: Production) -> None:
    code, answer, _ = validation(staged, "agree", "--release", "v1")
    assert (code, answer["status"], answer["issues"]) == (0, "PASS", [])
    assert answer["checks"]["kpi_calculations"]["status"] == "PASS"


def test_agree_fails_when_it_does_not(staged: Production) -> None:
    staged.use_program("wrong-par30", "v1")
    code, answer, _ = validation(staged, "agree", "--release", "v1")
    assert (code, answer["status"]) == (1, "FAIL")
    assert "PAR30" in answer["issues"][0]


def test_agree_fails_when_the_program_crashes(staged: Production) -> None:
    staged.use_program("crash", "v1")
    code, answer, _ = validation(staged, "agree", "--release", "v1")
    assert (code, answer["status"]) == (1, "FAIL")
    assert "no figures today" in answer["issues"][0]


@pytest.mark.parametrize("word", ["NaN", "Infinity", "-Infinity"])
def test_an_answer_with_a_number_that_is_none_names_the_tape_and_says_null(tmp_path: Path, word: str) -> None:
    tape = tmp_path / "zero_denominators.csv"
    answer = f'{{"tape": "{tape}", "kpis": {{"PAR30": {{"value": {word}}}}}}}'
    program = KpiProgram([sys.executable, "-c", f"print({answer!r})"], [tape], tmp_path, 20.0)
    with pytest.raises(ProgramFailed, match=r"zero_denominators\.csv.*NaN and Infinity are no JSON: answer null"):
        program.answers()


def test_an_answer_that_is_otherwise_no_json_names_the_tape_alone(tmp_path: Path) -> None:
    program = KpiProgram([sys.executable, "-c", "print('{PAR30')"], [tmp_path / "sound.csv"], tmp_path, 20.0)
    with pytest.raises(ProgramFailed, match=r"no JSON for sound\.csv") as failed:
        program.answers()
    assert "NaN" not in failed.value.what


def test_agree_has_not_run_on_a_tape_that_cannot_be_computed(staged: Production, tmp_path: Path) -> None:
    staged.tape.write_text("loan_id,measurement_date\nL1\n")
    code, answer, _ = validation(staged, "agree", "--release", "v1")
    assert (code, answer["status"]) == (1, "NOT RUN")
    probe = staged.write_tape(loans(4), tmp_path / "probe.csv")
    assert validation(staged, "agree", "--release", "v1", "--tape", probe)[1]["status"] == "PASS"


def test_agree_warns_where_a_kpi_is_undefined_on_both_sides(staged: Production) -> None:
    staged.write_tape([{**row, "total_eligible_usd": "0"} for row in loans()])
    code, answer, _ = validation(staged, "agree", "--release", "v1")
    assert (code, answer["status"]) == (0, "WARN")
    assert "sum(total_eligible_usd) is 0" in answer["issues"][0]


def test_stage_passes_a_release_that_computes_rightly(staged: Production) -> None:
    code, answer, _ = validation(staged, "stage", "--release", "v2")
    assert (code, answer["issues"]) == (0, [])
    assert set(answer["checks"]) == {"live_tape", "reference_tape", "error_handling", "variance"}
    assert {check["status"] for check in answer["checks"].values()} == {"PASS"}


@pytest.mark.parametrize(
    ("fault", "failing"),
    [
        ("wrong-par30", {"live_tape", "reference_tape", "error_handling", "variance"}),
        ("zero-is-zero", {"error_handling"}),
        ("crash", {"kpi_program"}),
    ],
)
def test_stage_fails_a_release_that_does_not(staged: Production, fault: str, failing: set[str]) -> None:
    staged.use_program(fault, "v2")
    code, answer, _ = validation(staged, "stage", "--release", "v2")
    assert (code, answer["status"]) == (1, "FAIL")
    assert {name for name, check in answer["checks"].items() if check["status"] == "FAIL"} == failing


def test_stage_fails_without_the_reference_tape(staged: Production) -> None:
    (staged.deployment.root / staged.deployment.console.paths.reference_tape).unlink()
    code, answer, _ = validation(staged, "stage", "--release", "v2")
    assert (code, answer["checks"]["reference_tape"]["status"]) == (1, "FAIL")


def test_stage_warns_when_the_old_release_cannot_be_asked(staged: Production) -> None:
    staged.use_program("crash", "v1")
    code, answer, _ = validation(staged, "stage", "--release", "v2")
    assert (code, answer["status"], answer["checks"]["variance"]["status"]) == (0, "WARN", "WARN")


def test_run_says_when_no_release_runs(production: Production) -> None:
    code, report, told = validation(production, "run", "--scheduled")
    assert (code, report["status"]) == (1, "NOT RUN")
    assert report["scheduled"] is True
    progress = [json.loads(line) for line in told.splitlines()]
    assert progress[0] == {"check": "kpi_calculations", "state": "running"}
    assert progress[-1] == {"check": "audit_trail", "state": "NOT RUN"}


@pytest.mark.parametrize("program", ["run", "stage", "agree"])
def test_an_unknown_release_is_refused(production: Production, program: str) -> None:
    code, answer, told = validation(production, program, "--release", "v9")
    assert (code, answer) == (2, None)
    assert "there is no release 'v9'" in told


def test_what_operations_and_monitor_import_loads_no_pandas() -> None:
    code = (
        "import sys, engine.validation, engine.validation.model, engine.validation.program, engine.validation.runs\n"
        "import engine.validation.agree, engine.validation.run, engine.portfolio.formula\n"
        "print([name for name in ('pandas', 'numpy', 'pyarrow') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
