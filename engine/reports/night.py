"""The night in one block: every state of the console that was kept, as texts told once and changes from one to the
next, and the events in words. The report's script shows it at any moment; without it nothing of the report is lost.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from engine.clock import iso
from engine.monitoring.model import Evaluation
from engine.records import Record, harmless
from engine.reports.found import Found
from engine.reports.gaps import silences
from engine.reports.measured import FRAMES
from engine.reports.phases import phase_at
from engine.reports.trail import time_of
from engine.state.event_words import in_words

QUIET = frozenset({"run.started", "run.finished"})
EVENTS = 3000
"""Events that are told at most: the newest."""


def fields(found: Found) -> tuple[str, ...]:
    """What one state consists of, in the order of :func:`texts`."""
    monitoring, kpis = found.deployment.monitoring, found.deployment.kpis.kpis
    names = ["verdict", "why", "clears", "worsens", "release", "phase", "hourly", "gate", "seen"]
    for name in kpis:
        names += [f"kpi:{name}", f"kpi:{name}:status"]
    for name in gauges(found):
        names += [f"res:{name}", f"res:{name}:level"]
    for row in monitoring.matrix:
        names += [f"row:{row.verdict}", f"row:{row.verdict}:active"]
    return tuple(names)


def gauges(found: Found) -> tuple[str, ...]:
    """The gauges that the console showed in this stretch."""
    seen: dict[str, None] = {}
    for frame in (*found.frames[:1], *found.frames[-1:]):
        seen |= dict.fromkeys(item.id for item in frame.resources)
    return tuple(seen)


def texts(found: Found, frame: Evaluation) -> dict[str, str]:
    """One state of the console as texts."""
    verdict, gate, due = frame.verdict, frame.next_gate, frame.hourly
    shown = {
        "verdict": verdict.word,
        "why": verdict.why,
        "clears": f"clears {verdict.clears.removeprefix('clears ')}" if verdict.clears else "",
        "worsens": verdict.worsens,
        "release": f"{frame.release.upper()} LIVE" if frame.release else "NO RELEASE LIVE",
        "phase": phase_at(found, frame.at),
        "hourly": f"{due.passed} of {due.due} hourly PASS" if due.due else "no hourly validation was due yet",
        "gate": _gate(found, frame) if gate else "",
        "seen": f"as the monitor kept it at {frame.at:%H:%M:%SZ}",
    }
    for kpi in frame.kpis:
        value = "-" if kpi.value is None else f"{kpi.value:,.{kpi.decimals}f}{' %' if kpi.unit == '%' else ''}"
        shown[f"kpi:{kpi.id}"] = value
        shown[f"kpi:{kpi.id}:status"] = "stale" if kpi.stale else kpi.status
    for item in frame.resources:
        shown[f"res:{item.id}"] = item.text or "-"
        shown[f"res:{item.id}:level"] = item.level
    for row in frame.matrix:
        shown[f"row:{row.verdict}"] = row.evidence
        shown[f"row:{row.verdict}:active"] = "1" if row.active else ""
    return {name: harmless(text, 300) for name, text in shown.items()}


def _gate(found: Found, frame: Evaluation) -> str:
    gate = frame.next_gate
    assert gate is not None
    fails = [*gate.would_fail_on, *(f"{name} unknown" for name in gate.unknown)]
    return f"{gate.title} {found.span.named(gate.due_at)}: " + (
        f"would fail on {', '.join(fails)}" if fails else "all met"
    )


def told(found: Found) -> list[tuple[datetime, Record, str]]:
    """The events of the stretch in words; runs, and proofs of the way back that stood, are left out."""
    words = []
    for event in found.events:
        at, kind = time_of(event), event.get("kind")
        proven = kind == "way_back.proven" and event["data"].get("ok") is True
        if at is not None and at >= found.span.begin and kind not in QUIET and not proven:
            words.append((at, event, in_words(event)[9:]))
    return words[-EVENTS:]


def block(found: Found) -> str:
    """As JSON that may stand inside a script element; see :func:`safe`."""
    names = fields(found)
    index = {name: number for number, name in enumerate(names)}
    strings: dict[str, int] = {"": 0}
    frames: list[list[float]] = []
    before = [0] * len(names)
    begin = found.span.begin
    for frame in found.frames:
        after = [0] * len(names)
        for name, text in texts(found, frame).items():
            if name in index:
                after[index[name]] = strings.setdefault(text, len(strings))
        changes = [part for number, text in enumerate(after) if text != before[number] for part in (number, text)]
        frames.append([_seconds(begin, frame.at), *changes])
        before = after
    content: dict[str, Any] = {
        "begin": iso(begin),
        "seconds": _seconds(begin, found.span.end),
        "cutover": _seconds(begin, found.span.cutover_at) if found.span.cutover_at else None,
        "scale": found.span.scale,
        "patience": found.patience + (found.span.end - begin).total_seconds() / FRAMES,
        "fields": names,
        "strings": list(strings),
        "frames": frames,
        "events": [[_seconds(begin, at), words] for at, _, words in told(found)],
        "gaps": [[_seconds(begin, since), _seconds(begin, until)] for since, until in silences(found)],
    }
    return safe(msgspec.json.encode(content).decode())


def safe(json: str) -> str:
    """JSON whose text cannot end the script element that holds it, nor begin another, whatever stands in it."""
    for character in "<>&\u2028\u2029":
        json = json.replace(character, f"\\u{ord(character):04x}")
    return json


def _seconds(begin: datetime, at: datetime) -> float:
    return round((at - begin).total_seconds(), 1)
