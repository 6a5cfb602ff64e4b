"""The parts of a check: each is asked by itself, so that one that breaks ends no other, and none is silent."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from engine.errors import OpsError
from engine.records import harmless
from engine.validation.model import Findings, Part, Sample, Severity, Status

_STATUS: dict[Severity, Status] = {"fail": "FAIL", "warn": "WARN", "note": "WARN"}


class NotRun(Exception):
    """A part cannot be asked; the text is the reason that people are told."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a part found: ``issues`` empty means that it holds, and ``passed`` says so."""

    passed: str
    limit: str = ""
    count: int | None = None
    of: int | None = None
    issues: tuple[str, ...] = ()
    rows: tuple[Sample, ...] = ()
    told: str = ""
    """The sentence of a part whose issues others tell; empty: its issues."""
    status: Status | None = None
    """Where the finding itself has a weight; None: by the part's severity."""


@dataclass(frozen=True, slots=True)
class Question:
    """One part: its name, its title for people, what a finding means, and how it is asked."""

    name: str
    title: str
    severity: Severity
    ask: Callable[[], Asked]


def ask_all(questions: Iterable[Question], findings: Findings, *, not_run: str = "") -> None:
    """Ask every question and put what each found into ``findings``; ``not_run``: why none can be asked."""
    for question in questions:
        findings.part(_unasked(question, not_run) if not_run else answer(question))


def answer(question: Question) -> Part:
    """What one question found. A mistake of this program is ERROR: it has judged nothing."""
    try:
        found = question.ask()
    except NotRun as reason:
        return _unasked(question, str(reason))
    except OpsError as error:
        return _broken(question, error.what)
    except Exception as error:  # one part that breaks must hide none of the others
        return _broken(question, f"{type(error).__name__}: {harmless(error)}")
    status: Status = (found.status or _STATUS[question.severity]) if found.issues or found.told else "PASS"
    return Part(
        name=question.name,
        title=question.title,
        status=status,
        summary=found.told or in_short(found.issues) or found.passed,
        severity=question.severity,
        limit=found.limit,
        count=found.count,
        of=found.of,
        issues=found.issues,
        rows=found.rows,
    )


def complete(findings: Findings, titles: Mapping[str, str], reason: str) -> None:
    """Whatever of ``titles`` has no part yet was not run, for this reason."""
    there = {part.name for part in findings.parts}
    for name, title in titles.items():
        if name not in there:
            findings.part(Part(name, title, "NOT RUN", reason))


def in_short(issues: Sequence[str]) -> str:
    """The first issue, and how many more there are; empty without one."""
    more = f" (and {len(issues) - 1} more)" if len(issues) > 1 else ""
    return f"{issues[0]}{more}" if issues else ""


def _unasked(question: Question, reason: str) -> Part:
    return Part(question.name, question.title, "NOT RUN", reason, question.severity)


def _broken(question: Question, what: str) -> Part:
    said = f"{question.title}: the check itself failed: {what}"
    return Part(question.name, question.title, "ERROR", said, question.severity, issues=(said,))
