"""Earlier validations for the screen."""

from __future__ import annotations

import pytest

from engine.config import Deployment
from engine.errors import Refused
from engine.state.past_validations import past_validations, whole_validation
from engine.validation.model import Check, Part, Report
from engine.validation.reports import report_json

NAME = "logs/validation_20260101_020000.json"


def test_a_report_is_shown_with_its_issues_and_what_was_not_run(deployment: Deployment) -> None:
    parts = (
        Part("stated", "what the tape states", "FAIL", "x", count=3, of=60, issues=("it does \x1b[31mnot follow",)),
        Part("volume", "about as many rows", "NOT RUN", "0 earlier tapes"),
        Part("nulls", "no amount is missing", "PASS", "all are there"),
    )
    check = Check("FAIL", "it does not follow", {}, ("it does \x1b[31mnot follow",), parts)
    report = Report("2026-01-01T02:00:00.000Z", "FAIL", "v2", None, "t", None, None, False, 1.0,
                    {"data_integrity": check}, ())  # fmt: skip
    deployment.paths.logs.mkdir(exist_ok=True)
    (deployment.root / NAME).write_bytes(report_json(report))
    facts = whole_validation(deployment, NAME)
    assert ("issue", "it does \\x1b[31mnot follow") in facts
    assert ("  FAIL", "what the tape states; 3 of 60, 5 %") in facts
    assert ("  NOT RUN", "about as many rows: 0 earlier tapes") in facts
    assert not any("no amount is missing" in text for _, text in facts)


def test_what_cannot_be_read_is_refused_in_words(deployment: Deployment) -> None:
    with pytest.raises(Refused, match="there is no report"):
        whole_validation(deployment, NAME)
    deployment.paths.validations.mkdir(parents=True)
    with pytest.raises(Refused, match=r"validations\.jsonl cannot be read"):
        past_validations(deployment)
