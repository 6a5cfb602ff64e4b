"""The criteria of the decision that a report serves, as they were recorded with it or as the monitor judged them.

No rule stands here: what is met, not met or unknown is said by :mod:`engine.monitoring.criteria` alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from engine.monitoring.criteria import words
from engine.monitoring.facts import Decided, Facts, Waiver, fold
from engine.monitoring.gates import asked_again
from engine.monitoring.model import Criterion, Gate
from engine.records import Record
from engine.reports.document import Mark, Row, Section, Table
from engine.reports.found import Found

Status = Literal["met", "not met", "unknown"]
MET: Status = "met"
NOT_MET: Status = "not met"
UNKNOWN: Status = "unknown"
_MARKS: dict[Status, Mark] = {MET: "ok", NOT_MET: "C", UNKNOWN: "?"}


@dataclass(frozen=True, slots=True)
class Answered:
    """One criterion of the gate, and what waives it."""

    criterion: Criterion
    waiver: str = ""

    @property
    def open(self) -> bool:
        """Whether it stands in the way: not met or unknown, and nobody waived it."""
        return self.criterion.status != MET and not self.waiver


def decisions(found: Found) -> tuple[Decided, ...]:
    """Every decision about this report's gate, made before its moment or after it, oldest first."""
    gate = found.span.gate
    return tuple(one for one in of_watch(found) if gate is not None and one.gate == gate.id)


def of_watch(found: Found) -> tuple[Decided, ...]:
    """Every decision of this watch up to the moment, whatever gate it is about, and those that answer this report."""
    since = found.span.cutover_at
    events: list[Record] = [one for one in (*found.events, *found.later) if one.get("kind") == "gate.decided"]
    return tuple(one for one in fold(Facts(), events).decided if since is None or one.at >= since)


def decided(found: Found) -> Decided | None:
    """The newest of them."""
    return next(reversed(decisions(found)), None)


def decision_word(made: Decided) -> str:
    """``GO`` or ``NO-GO``."""
    return made.decision.upper()


def two_names(waiver: Waiver) -> str:
    """Who waived, and who agreed to it."""
    return waiver.names


def criteria(found: Found) -> tuple[Answered, ...]:
    """Every criterion of the gate: as recorded with the newest decision, what that does not name as the monitor judged
    it; what neither says is unknown.
    """
    gate, made = found.span.gate, decided(found)
    if gate is None:
        return ()
    waived = {one.criterion: one for one in made.waivers} if made else {}
    judged = {one.id: one for one in found.judged.criteria} if found.judged is not None else {}
    names = dict.fromkeys((*gate.go_if, *(made.criteria if made else ()), *judged))
    return tuple(Answered(_criterion(name, made, judged.get(name)), _waived(waived.get(name))) for name in names)


def _criterion(name: str, made: Decided | None, judged: Criterion | None) -> Criterion:
    if made is not None and name in made.criteria:
        status = next((word for word in _MARKS if word == made.criteria[name]), UNKNOWN)
        said = made.evidence.get(name, "nothing was recorded with it")
        return Criterion(name, words(name), status, said, made.at)
    return judged or Criterion(name, words(name), UNKNOWN, "the monitor judged nothing near this moment", None)


def _waived(waiver: Waiver | None) -> str:
    return f"waived by {two_names(waiver)}: {waiver.reason or 'no reason'}" if waiver is not None else ""


def extended_to(found: Found, made: Decided) -> datetime | None:
    """When a gate that was decided no-go is asked again; None after a go."""
    gate, since = found.span.gate, found.span.cutover_at
    if made.decision == "go" or gate is None or since is None:
        return None
    return max(asked_again(found.deployment.checklist, gate, since, made.at, found.span.scale), found.span.end)


def section(found: Found) -> Section | None:
    """The chapter about the gate; None for a report that serves no gate."""
    gate = found.span.gate
    if gate is None:
        return None
    answers = criteria(found)
    table = Table(
        ("criterion", "answer", "evidence", "observed", "waiver"),
        tuple(_row(one) for one in answers),
        "this gate asks for nothing",
    )
    statuses = [one.criterion.status for one in answers]
    met, failed, unknown = (statuses.count(word) for word in (MET, NOT_MET, UNKNOWN))
    lead = f"{met} of {len(answers)} met, {failed} not met, {unknown} unknown."
    lead += " What is unknown is not met." if unknown else ""
    lead += f" They stand {_basis(decided(found), found.judged)}."
    return Section("criteria", f"Criteria of the {gate.title}", lead, (table, *_made(found)))


def _row(answer: Answered) -> Row:
    one = answer.criterion
    so_far = one.so_far and one.status == MET
    mark = "W" if answer.waiver and one.status != MET else _MARKS[one.status]
    at = f"{one.at:%d %b %H:%M:%SZ}" if one.at is not None else "-"
    return Row((one.title, f"{one.status}{' so far' if so_far else ''}", one.evidence, at, answer.waiver), mark)


def _basis(made: Decided | None, judged: Gate | None) -> str:
    if made is not None and made.criteria:
        return f"as recorded with the decision of {made.at:%d %b %H:%M:%SZ}"
    return "as the monitor judged them" if judged is not None else "unjudged: nothing was kept near this moment"


def _made(found: Found) -> tuple[Table, ...]:
    """Every decision with its names, what was waived, and to when a no-go extended the watch."""
    rows = []
    for one in decisions(found):
        waived = "; ".join(f"{words(waiver.criterion)}: {two_names(waiver)}" for waiver in one.waivers) or "nothing"
        again = extended_to(found, one)
        after = f"the watch is extended, asked again {again:%d %b %H:%M:%SZ}" if again else ""
        cells = (f"{one.at:%d %b %H:%M:%SZ}", decision_word(one), one.by, waived, one.note, after)
        rows.append(Row(cells, "C" if again else "W" if one.waivers else "ok"))
    if not rows:
        return ()
    return (Table(("at", "decision", "by", "waived", "note", "then"), tuple(rows), "", "Decisions"),)
