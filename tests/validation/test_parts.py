"""How a part is asked: one that breaks is ERROR and ends no other, and each finding weighs what was configured."""

from __future__ import annotations

import json

import msgspec
import pytest

from engine.validation.model import Findings, Part, Severity
from engine.validation.parts import Asked, NotRun, Question, answer, ask_all, complete


def broken() -> Asked:
    raise ZeroDivisionError("by \x1b[31mnought")


def not_run() -> Asked:
    raise NotRun("there is nothing to ask")


def found() -> Asked:
    return Asked("", "none", 3, 60, ("three rows",))


def asked(*questions: Question) -> Findings:
    findings = Findings()
    ask_all(questions, findings)
    return findings


def test_a_mistake_inside_one_question_is_an_error_and_ends_no_other() -> None:
    check = asked(Question("a", "first", "note", broken), Question("b", "second", "warn", found)).check("")
    assert [part.status for part in check.parts] == ["ERROR", "WARN"]
    assert check.status == "ERROR"  # whatever the severity: it has judged nothing
    said = "first: the check itself failed: ZeroDivisionError: by \\x1b[31mnought"
    assert check.issues == (said, "three rows")


@pytest.mark.parametrize(("severity", "status"), [("fail", "FAIL"), ("warn", "WARN"), ("note", "PASS")])
def test_a_finding_weighs_what_its_severity_says(severity: Severity, status: str) -> None:
    check = asked(Question("a", "first", severity, found)).check("")
    assert check.status == status
    assert check.parts[0].issues == ("three rows",)


def test_what_is_not_run_says_why_and_changes_nothing() -> None:
    check = asked(Question("a", "first", "fail", not_run)).check("all is well")
    assert (check.status, check.parts[0].status) == ("PASS", "NOT RUN")
    assert check.parts[0].summary == "there is nothing to ask"


def test_what_has_no_part_yet_is_completed() -> None:
    findings = asked(Question("a", "first", "fail", found))
    complete(findings, {"a": "first", "b": "second"}, "no run")
    assert [(part.name, part.status, part.summary) for part in findings.parts] == [
        ("a", "FAIL", "three rows"),
        ("b", "NOT RUN", "no run"),
    ]


def test_counts_have_their_percentage_in_the_json_too() -> None:
    part = answer(Question("a", "first", "fail", found))
    written = json.loads(msgspec.json.encode(part))
    assert (written["count"], written["of"], written["percent"]) == (3, 60, 5.0)
    assert msgspec.json.decode(msgspec.json.encode(part), type=Part) == part
    assert Part("a", "first", "PASS", "", count=0, of=0).percent is None
