"""Operations with the time of each step, and the incident of a rollback with its proof."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from engine.clock import pretty_duration
from engine.operations.incident import people_to_tell
from engine.operations.model import Operation
from engine.operations.outcome import closed_later, state_word
from engine.records import Record, harmless
from engine.records.counted import counted
from engine.reports.document import Mark, Row, Section, Table
from engine.reports.found import Found
from engine.reports.trail import time_of
from engine.state.event_words import in_words

_STATES: dict[str, Mark] = {
    "SUCCEEDED": "ok",
    "NEEDS_HUMAN": "C",
    "INTERRUPTED": "C",
    "ROLLED_BACK": "W",
    "ABORTED": "W",
}
_STEPS: dict[str, Mark] = {"failed": "C", "aborted": "W", "undone": "W", "running": "?"}
FILES_LISTED = 200
MOMENTS = 120
VERDICT_MARKS: dict[str, Mark] = {"ROLL BACK": "C", "INVESTIGATE": "C", "UNKNOWN": "?", "WATCH": "W", "CONTINUE": ""}


def operations(found: Found) -> tuple[Operation, ...]:
    """Cutovers and rollbacks of the stretch, oldest first."""
    begin = found.span.begin
    return tuple(
        item for item in found.operations if item.kind != "validate" and item.started and item.started >= begin
    )


def section(found: Found) -> Section:
    """A line for each operation, then its steps."""
    done = operations(found)
    rows = tuple(
        Row(
            (
                item.id,
                state_word(item),
                f"{item.started:%d %b %H:%M:%SZ}" if item.started else "-",
                _took(item),
                f"{item.release_from} -> {item.release_to}",
                f"{item.actor} ({item.origin})",
                item.reason or (_reason(found, "") if item.id == found.span.incident else "not given"),
            ),
            "W" if item.by_hand else _STATES.get(item.state, "?"),
        )
        for item in done
    )
    columns = ("operation", "state", "began", "took", "from -> to", "who", "reason")
    tables = [Table(columns, rows, "no cutover or rollback in this stretch")]
    for item in done:
        tables.append(_steps(item))
        said = [*([item.failure] if item.failure else []), *item.warnings]
        if said:
            lines = tuple(Row((harmless(text, 600),), "W") for text in said)
            tables.append(Table((f"{item.id}: failure and warnings",), lines, ""))
    return Section(
        "operations",
        "Operations",
        f"{counted(len(done), 'cutover or rollback', 'cutovers and rollbacks')}.",
        tuple(tables),
    )


def _took(item: Operation) -> str:
    """How long its own worker was at it, and when it was closed where that came later."""
    at = f", closed {item.ended:%H:%M:%SZ}" if closed_later(item) and item.ended else ""
    return f"{_seconds(item.seconds)}{at}"


def _steps(item: Operation) -> Table:
    rows = tuple(
        Row((step.phase, step.title, step.state, _seconds(step.seconds), step.detail), _STEPS.get(step.state, ""))
        for step in item.steps
    )
    return Table(("phase", "step", "state", "took", "detail"), rows, "it began no step", f"Steps of {item.id}")


def incident(found: Found) -> tuple[Section, ...]:
    """The incident: what failed, what was restored, what was set aside; none for other reports."""
    if not found.span.incident:
        return ()
    facts = found.incident
    if facts is None:
        lead = f"{found.span.incident} has left no readable incident.json: nothing here is proven."
        return (Section("incident", "The incident", f"{lead} Reason: {_reason(found, '')}.", ()), _timeline(found))
    proof = facts.get("proof") if isinstance(facts.get("proof"), dict) else None
    return (
        Section("incident", "The incident", _lead(found, facts), (_restored(facts, proof),)),
        _timeline(found),
        _replay(facts, proof),
    )


def loss_word(facts: dict[str, Any] | None) -> tuple[str, Mark]:
    """What the proof says about loss, in a few words."""
    if facts is None:
        return "not proven: incident.json cannot be read", "?"
    proof = facts.get("proof")
    if not isinstance(proof, dict):
        return "the new release never started: its metrics were not touched", "ok"
    if proof.get("complete") is not True:
        return "NOT EVERYTHING IS THERE", "C"
    if facts.get("recorded_not_there"):
        return "nothing was lost by this rollback, but not everything was there when it began", "W"
    if facts.get("passed_over"):
        return "nothing is lost, but not everything is restored", "W"
    return "nothing is lost", "ok"


def _reason(found: Found, given: object) -> str:
    """As it was given with the rollback, and what was written about it later."""
    told = [harmless(given, 300)] if given else []
    for event in (*found.events, *found.later):
        data, at = event["data"], time_of(event)
        if event.get("kind") == "note" and data.get("operation") == found.span.incident and at is not None:
            who = harmless(event.get("actor") or "?", 60)
            told.append(f"{harmless(data.get('text') or '', 400)} (written by {who} at {at:%d %b %H:%M:%SZ})")
    return "; ".join(told) or f"not given yet (abaco-ops note --operation {found.span.incident} TEXT)"


def _lead(found: Found, facts: dict[str, Any]) -> str:
    source, target = _release(facts.get("from")), _release(facts.get("to"))
    who = f"{harmless(facts.get('actor') or '?', 60)} ({harmless(facts.get('origin') or '?', 60)})"
    return f"{who} went back from {source} to {target}. Reason: {_reason(found, facts.get('reason'))}."


def _release(item: object) -> str:
    data = item if isinstance(item, dict) else {}
    return f"{harmless(data.get('release') or '?', 40)} ({harmless(data.get('build') or '?', 12)[:6]})"


def _restored(facts: dict[str, Any], proof: dict[str, Any] | None) -> Table:
    word, mark = loss_word(facts)
    rows = [Row(("zero loss", word), mark)]
    if proof is not None:
        missing = [str(path) for path in proof.get("missing") or ()]
        rows += [
            Row(("files that were live", f"{proof.get('files', '?')} ({proof.get('bytes', '?')} bytes)")),
            Row(("found in the restored tree", str(proof.get("in_restored", "?")))),
            Row(
                (
                    "found in the side snapshot",
                    f"{proof.get('in_set_aside', '?')} (side snapshot {harmless(facts.get('side_snapshot'), 20)})",
                )
            ),
            Row(("only in the snapshot", str(len(proof.get("only_in_snapshot") or ())))),
            Row(
                ("found nowhere", str(len(missing)) + (f": {harmless(', '.join(missing), 600)}" if missing else "")),
                "C" if missing else "ok",
            ),
        ]
    config = [facts.get(side) for side in ("from", "to")]
    hashes = [str(item.get("config") or "?")[:6] if isinstance(item, dict) else "?" for item in config]
    covered = ", ".join(harmless(path, 80) for path in facts.get("not_covered") or ()) or "nothing"
    rows += [
        Row(("restored from snapshot", harmless(facts.get("snapshot") or "none", 20))),
        Row(("configuration", f"{harmless(hashes[0], 8)} -> {harmless(hashes[1], 8)}")),
        Row(("not covered by snapshots", covered)),
        Row(
            (
                "closes",
                harmless(", ".join(str(one) for one in facts.get("closes") or ()) or "no unfinished cutover", 200),
            )
        ),
    ]
    rows += [Row(("warning", harmless(text, 600)), "W") for text in facts.get("warnings") or ()]
    return Table(("", ""), tuple(rows), "")


def _timeline(found: Found) -> Section:
    """What happened up to the rollback's end, from trail and verdicts: what failed, what was done, who was told."""
    rows = []
    for event in told_once(found.events):
        at = time_of(event)
        if at is not None and at >= found.span.begin and not _quiet(event):
            rows.append((at, _moment(found, at, in_words(event)[9:], _event_mark(event))))
    before = ""
    for frame in found.frames:
        word = frame.verdict.word
        if word != before:
            said = harmless(f"verdict {word}: {frame.verdict.why}", 300)
            rows.append((frame.at, _moment(found, frame.at, said, VERDICT_MARKS[word])))
        before = word
    ordered = tuple(row for _, row in sorted(rows, key=lambda item: item[0])[-MOMENTS:])
    lead = "What failed, what was done, who was told; newest last. What ran as it should is left out."
    table = Table(("at", "before the end", "what"), ordered, "the audit trail says nothing")
    return Section("timeline", "What happened", lead, (table,))


def told_once(events: Sequence[Record]) -> list[Record]:
    """Deliveries of one alert, a line for each channel in the trail, as one; a failed one stays by itself."""
    told: list[Record] = []
    places: dict[tuple[str, str], int] = {}
    for event in events:
        data = event["data"]
        if event.get("kind") != "notified" or data.get("ok") is not True:
            told.append(event)
            continue
        key = (str(data.get("about") or ""), str(data.get("alert") or data.get("condition") or ""))
        if key not in places:
            places[key] = len(told)
            told.append(event)
        else:
            before = told[places[key]]
            merged = {
                name: list(dict.fromkeys([*_names(before["data"].get(name)), *_names(data.get(name))]))
                for name in ("channel", "to")
            }
            told[places[key]] = {**before, "data": {**before["data"], **merged}}
    return told


def _names(names: object) -> list[str]:
    return [str(one) for one in names] if isinstance(names, list | tuple) else [str(names)] if names else []


def _quiet(event: dict[str, Any]) -> bool:
    """Whether it says only that something went as it should."""
    kind, data = event.get("kind"), event["data"]
    if kind == "validation.finished":
        return bool(data.get("scheduled")) and data.get("status") == "PASS"
    return kind in ("run.started", "report.written") or (
        kind in ("run.finished", "way_back.proven") and (data.get("status") == "ok" or data.get("ok") is True)
    )


def _moment(found: Found, at: datetime, words: str, mark: Mark) -> Row:
    return Row((f"{at:%d %b %H:%M:%SZ}", pretty_duration(max((found.span.end - at).total_seconds(), 0.0)), words), mark)


def _event_mark(event: dict[str, Any]) -> Mark:
    data = event["data"]
    if event.get("kind") in ("service.failed", "schedule.missed"):
        return "C"
    bad = str(data.get("status") or data.get("state") or "") in ("FAIL", "ERROR", "NEEDS_HUMAN", "failed")
    return "C" if bad or data.get("ok") is False else ""


def _replay(facts: dict[str, Any], proof: dict[str, Any] | None) -> Section:
    """What only the new release wrote: in the side snapshot, to be replayed if it is wanted."""
    paths = [harmless(path, 200) for path in (proof or {}).get("only_set_aside") or ()]
    side = harmless(facts.get("side_snapshot") or "?", 20)
    rows = tuple(Row((path,)) for path in paths[:FILES_LISTED])
    if len(paths) > FILES_LISTED:
        rows = (*rows, Row((f"and {len(paths) - FILES_LISTED} more: see incident.json",), "W"))
    release = facts.get("from")
    name = harmless(release.get("release") if isinstance(release, dict) else "the new release", 40)
    lead = f"{counted(len(paths), 'file')} that only {name} wrote, kept below .rollback/snapshots/{side}/tree."
    return Section("replay", "For replay", lead, (Table(("path",), rows, f"{name} left nothing that is not live"),))


def told_whom(found: Found) -> str:
    """Whom the rollback told, or has to tell."""
    told = [event for event in found.events if event.get("kind") == "rollback.tell"]
    return harmless(told[-1]["data"].get("text") or "", 300) if told else people_to_tell(found.deployment)[1]


def _seconds(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds:.2f} s" if seconds < 10 else pretty_duration(seconds)
