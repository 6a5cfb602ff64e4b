"""What people did and left open: the checklist, waivers and overrides, notes and hand-overs."""

from __future__ import annotations

from collections import Counter
from datetime import datetime

from engine.monitoring.checklist import Moment, items
from engine.monitoring.criteria import words
from engine.monitoring.model import ChecklistItem
from engine.notify.message import DRILL_MARK
from engine.records import harmless
from engine.records.counted import counted
from engine.reports.criteria import decision_word, of_watch, two_names
from engine.reports.document import Mark, Row, Section, Table
from engine.reports.found import Found, of_kind

_STATES: dict[str, Mark] = {"done": "ok", "overridden": "W", "overdue": "W", "missed": "C", "due": "?", "later": ""}


def checklist(found: Found) -> Section:
    """Every line whose time had come: who answered it, when, and what was measured."""
    lines = [item for item in _lines(found) if item.state != "later"]
    counts = Counter(item.state for item in lines)
    said = ", ".join(f"{count} {state}" for state, count in counts.most_common()) or "no line was due"
    rows = tuple(
        Row(
            (group[0].slot, ", ".join(item.title for item in group), group[0].state, *_answer(found, group[0])),
            _STATES[group[0].state],
        )
        for group in _grouped([item for item in lines if not item.gate])
    )
    columns = ("slot", "task", "state", "measured", "at", "who", "note")
    return Section("checklist", "Checklist", f"{said}.", (Table(columns, rows, "no line was due"),))


def _lines(found: Found) -> tuple[ChecklistItem, ...]:
    facts, console = found.facts, found.deployment.console
    moment = Moment(
        now=found.span.end,
        since=facts.watching_since if found.span.at != "incident" else found.span.cutover_at,
        rolled_back_at=None if found.span.at == "incident" else facts.rolled_back_at,
        answers=facts.answers,
        evaluation=None,
        validations=found.validations,
        release=console.releases.new,
        time_scale=float(console.time_scale),
        proven=facts.proven,
        rehearsed=facts.rehearsed,
    )
    return items(found.deployment.checklist, moment)


def _grouped(lines: list[ChecklistItem]) -> list[list[ChecklistItem]]:
    """Lines of one slot that nobody answered and nothing was measured for share a row."""
    groups: list[list[ChecklistItem]] = []
    for item in lines:
        bare = not (item.who or item.measured or item.note)
        last = groups[-1][0] if groups else None
        alike = last is not None and (last.slot, last.state) == (item.slot, item.state)
        if bare and alike and last is not None and not (last.who or last.measured or last.note):
            groups[-1].append(item)
        else:
            groups.append([item])
    return groups


def _answer(found: Found, item: ChecklistItem) -> tuple[str, str, str, str]:
    """What was measured, when it was answered, by whom, with which words."""
    given = found.facts.answers.get(item.key, ())
    at = f"{given[-1].at:%d %b %H:%M:%SZ}" if given and item.who else ""
    return item.measured, at, item.who, item.note


def exceptions(found: Found) -> Section:
    """Every waiver, override, acceptance and forced step, with the names that stand for it."""
    rows = []
    for made in of_watch(found):
        rows += [
            _row(made.at, "waiver", f"{made.gate}: {words(one.criterion)}", two_names(one), one.reason)
            for one in made.waivers
        ]
    for at, event in of_kind(found, *_EXCEPTIONS):
        kind, what = _EXCEPTIONS[str(event["kind"])]
        data = event["data"]
        subject = data.get(what) or event.get("operation") or ""
        reason = data.get("note") or data.get("reason") or data.get("detail") or ""
        rows.append(_row(at, kind, subject, event.get("actor") or "?", reason))
    for operation in found.operations:
        if operation.by_hand and operation.ended and operation.ended >= found.span.begin:
            rows.append(_row(operation.ended, "closed by hand", operation.id, operation.actor, operation.by_hand))
    lead = f"{counted(len(rows), 'waiver, override or exception', 'waivers, overrides and exceptions')}."
    table = Table(("at", "what", "of", "who", "reason"), tuple(rows), "none")
    return Section("exceptions", "Waivers and overrides", lead, (table,))


def decided(found: Found) -> Section:
    """Every decision of the watch, whatever gate this report serves, with names, waivers and what was not met."""
    rows = []
    for made in of_watch(found):
        waived = "; ".join(f"{words(one.criterion)}: {two_names(one)}" for one in made.waivers) or "nothing"
        open_ones = [f"{words(name)} {status}" for name, status in made.criteria.items() if status != "met"]
        cells = (f"{made.at:%d %b %H:%M:%SZ}", made.gate, decision_word(made), made.by, waived)
        rows.append(
            Row(
                (*cells, ", ".join(open_ones) or "-", made.note),
                "C" if made.decision != "go" else "W" if made.waivers else "ok",
            )
        )
    lead = f"{counted(len(rows), 'decision')} of this watch."
    columns = ("at", "gate", "decision", "by", "waived", "not met then", "note")
    return Section("decisions", "Decisions", lead, (Table(columns, tuple(rows), "no gate was decided"),))


_EXCEPTIONS = {
    "checklist.overridden": ("override", "key"),
    "operation.forced": ("worker ended by force", "operation"),
    "silenced": ("silence", "condition"),
    "records.repaired": ("torn line cut off the audit trail", "sha256"),
}


def _row(at: datetime, kind: str, subject: object, who: object, reason: object) -> Row:
    cells = (f"{at:%d %b %H:%M:%SZ}", kind, harmless(subject, 80), harmless(who, 80), harmless(reason, 300))
    return Row(cells, "W")


def notes(found: Found) -> Section:
    """Notes and who held the watch, numbered as on the time line."""
    rows = tuple(
        Row((str(number), f"{at:%d %b %H:%M:%SZ}", found.span.named(at), harmless(who, 60), harmless(text, 400)))
        for number, (at, who, text) in enumerate(noted(found), start=1)
    )
    table = Table(("no.", "at", "", "who", "note"), rows, "nobody wrote a note")
    return Section(
        "notes", "Notes and hand-overs", f"{counted(len(rows), 'note or hand-over', 'notes and hand-overs')}.", (table,)
    )


def noted(found: Found) -> list[tuple[datetime, str, str]]:
    """Notes, hand-overs and drills of the stretch: when, who, what."""
    told = []
    for at, event in of_kind(found, "note", "watch.taken", "drill.started", "drill.ended"):
        data, kind = event["data"], str(event["kind"])
        text = str(data.get("text") or "")
        if kind == "watch.taken":
            after = f", from {data['from']}" if data.get("from") else ""
            text = f"took the watch{after}" + (f": {text}" if text else "")
        elif kind.startswith("drill"):
            text = f"{DRILL_MARK}: {data.get('drill') or '?'} {'begun' if kind == 'drill.started' else 'ended'}"
        told.append((at, str(data.get("holder") or event.get("actor") or "?"), text))
    return told


def holder(found: Found) -> str:
    """Who held the watch at the moment; empty: nobody."""
    taken = [event for event in found.events if event.get("kind") == "watch.taken"]
    return harmless(taken[-1]["data"].get("holder") or taken[-1].get("actor") or "", 60) if taken else ""
