"""What is documented of the reference tape is compared before anything begins, and without the new release."""

from __future__ import annotations

from typing import Any

import pytest
from production import Production, statuses

from engine.config import load_deployment
from engine.doctor import Finding
from engine.doctor.deployment import EXAMINATIONS
from engine.pipeline.sample_tapes import write_reference
from engine.validation.reference import reference_tape


@pytest.fixture
def documented(production: Production) -> Production:
    write_reference(reference_tape(production.deployment))
    return production


def edit(production: Production, old: str, new: str) -> None:
    path = production.deployment.paths.config / "kpis.yml"
    assert path.read_text().count(old) == 1
    path.write_text(path.read_text().replace(old, new))
    production.deployment = load_deployment(production.deployment.root)


def part(production: Production) -> Any:
    parts = production.validate().checks["kpi_calculations"].parts
    return next(part for part in parts if part.name == "reference")


def doctor(production: Production) -> Finding:
    (finding,) = EXAMINATIONS["reference"](production.deployment)
    return finding


def test_a_right_expectation_passes(documented: Production) -> None:
    assert statuses(documented.validate()) == {}
    assert (part(documented).status, part(documented).summary) == ("PASS", "4 KPIs as documented, 500 rows")
    assert doctor(documented).status == "ok"


def test_a_wrong_expectation_is_a_warning_of_the_validation_and_fails_in_the_doctor(documented: Production) -> None:
    edit(documented, "PAR30: 11.58,", "PAR30: 11.65,")
    report = documented.validate()
    assert statuses(report) == {"kpi_calculations": "WARN"}
    assert report.checks["kpi_calculations"].summary == "PAR30 of the reference is 11.5824, 11.65 is documented"
    assert (part(documented).count, part(documented).of) == (1, 4)
    found = doctor(documented)
    assert found.status == "FAIL"
    assert found.what.startswith("PAR30 of the reference is 11.5824, 11.65 is documented: a cutover would come to noth")
    assert "reference.expected in kpis.yml" in found.fix


def test_a_tape_that_leaves_a_kpi_undefined_is_no_reference(documented: Production) -> None:
    tape = reference_tape(documented.deployment)
    tape.write_text(tape.read_text().splitlines()[0] + "\n")
    assert statuses(documented.validate()) == {"kpi_calculations": "WARN"}
    assert doctor(documented).status == "FAIL"


def test_without_a_reference_tape_it_is_not_asked_and_the_doctor_fails(production: Production) -> None:
    assert statuses(production.validate()) == {}
    assert part(production).status == "NOT RUN"
    found = doctor(production)
    assert found.status == "FAIL"
    assert "loan_tape.csv is not there" in found.what


def test_a_reference_that_cannot_be_read_is_told(production: Production) -> None:
    reference_tape(production.deployment).mkdir(parents=True)
    assert statuses(production.validate()) == {"kpi_calculations": "WARN"}
    assert doctor(production).status == "FAIL"
