"""After the night: every row, slot and page that must be in the records, once, and nothing besides."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pages import found_in
from slots import CHECKED, checked, name_of

from engine.monitoring import round as rounds

if TYPE_CHECKING:
    from night import Night

_ROW = re.compile(r"^(\d\d:\d\d) +\|.*\| (PASS|WARN|FAIL|ERROR|NOT RUN) +\| ?(.*)$")
_SLOT = re.compile(r"^(MISSED: )?(T\+\d+(?::\d\d)?|day \d+)(?:[,:;]|$)")
_CHANGE = re.compile(r"^(?:(ROLL BACK|INVESTIGATE|UNKNOWN|WATCH|CONTINUE) -> |monitor started, )([A-Z ]+?)(?:[:;]|$)")
_MISSED = re.compile(r"^MISSED: (T\+\d+(?::\d\d)?|day \d+) validation,")


def check(night: Night) -> None:
    """All of it, into the night's result."""
    lines = night.world.deployment.paths.events.read_text().splitlines()
    events = [json.loads(line) for line in lines]
    rows = _rows(night.world.deployment.paths.monitoring_log)
    _check_rows(night, rows)
    _check_schedule(night, events, rows)
    _check_pages(night, events)


# ---- rows


def _check_rows(night: Night, rows: list[tuple[str, str]]) -> None:
    result = night.result
    found: dict[str, list[tuple[bool, str]]] = {}
    changes: list[str] = []
    validations = 0
    chain = ""
    for status, notes in rows:
        if (match := _SLOT.match(notes)) is not None:
            found.setdefault(match[2], []).append((match[1] is not None, status))
        elif (change := _CHANGE.match(notes)) is not None:
            if change[1] and change[1] != chain:
                result.said(f"the log says {notes!r} after {chain}")
            chain = change[2]
            changes.append(chain)
        validations += bool(re.match(r"(scheduled )?validation \d/5", notes))
    for name, (missed, status) in checked(night.people.course, night.looked, _patience(night)).items():
        result.rows += 1
        have = found.pop(name, [])
        good = len(have) == 1 and have[0][0] == missed and have[0][1] in status
        if not good:
            result.rows_lost += 1
            result.said(f"slot {name}: one row {'MISSED' if missed else status} expected, the log has {have}")
    for name, have in found.items():
        result.said(f"slot {name} was not due, and the log has {have}")
    last = night.judged[-1]
    due = [v for v in night.world.validations if v.at <= last.wall or v.boot <= last.boot]
    result.rows += len(due)
    if validations != len(due):
        result.rows_lost += abs(len(due) - validations)
        result.said(f"{len(due)} validations ended, the log has {validations} rows of one")
    _check_changes(night, changes)


def _check_changes(night: Night, changes: list[str]) -> None:
    """Every change of the verdict has its row; UNKNOWN only once it has stood, so it is left aside."""
    words = _collapsed(j.word for j in night.judged if j.word != "UNKNOWN")
    told = _collapsed(word for word in changes if word != "UNKNOWN")
    if told[-len(words) :] != words:
        night.result.rows_lost += 1
        night.result.said(f"changes of the verdict: {words} expected, the log has {told}")


# ---- pages


def _check_pages(night: Night, events: list[dict[str, Any]]) -> None:
    """Opened, escalated and cleared: each at its sample, none besides, none twice; and people were told, once."""
    result, expected, found = night.result, Counter(night.oracle.pages.given), found_in(events)
    pages = [page for page in expected if page.kind != "alert.cleared"]
    result.pages += len(pages)
    for page in expected - found:
        result.missed += 1
        result.said(f"not in the audit trail: {page}")
    for page, count in (found - expected).items():
        result.false += count
        result.said(f"{'twice' if page in expected else 'for nothing'} in the audit trail: {page}")
    notified = [e["data"] for e in events if e["kind"] == "notified" and e["data"].get("ok")]
    for (notice, channel), count in Counter((one["notice"], one["channel"]) for one in notified).items():
        if count > 1:
            result.false += 1
            result.said(f"{notice} was told {count} times by {channel}")
    for kind in ("opened", "escalated"):
        told = Counter(one["alert"] for one in notified if one["about"] == kind and one["channel"] == "log")
        due = {(e["data"]["alert"], e["data"]["n"]) for e in events if e["kind"] == f"alert.{kind}" and e["data"]["to"]}
        for alert, count in Counter(alert for alert, _ in due).items():
            if told[alert] < count:
                result.missed += 1
                result.said(f"{alert} was {kind} {count} times, people were told of that {told[alert]} times")


# ---- the schedule


def _check_schedule(night: Night, events: list[dict[str, Any]], rows: list[tuple[str, str]]) -> None:
    missed = Counter(e["data"]["name"] for e in events if e["kind"] == "schedule.missed")
    late = Counter(e["data"]["name"] for e in events if e["kind"] == "schedule.late")
    said = Counter(match[1] for _, notes in rows if (match := _MISSED.match(notes)) is not None)
    killed = any(how == "inside" for _, _, how in night.story.restarts)
    begun = [wall for name, _, wall in night.world.begun if name == rounds.VALIDATION]
    last = max(j.wall for j in night.judged)
    cadence, names = night.story.cadence, set()
    for offset, at, until in night.people.course.validations(last):
        name = name_of(offset)
        names.add(name)
        seen = next((j for j in night.judged if j.wall >= at), None)
        if seen is None or seen.wall > last - timedelta(seconds=120 + 4 * cadence):
            continue
        first = seen.wall
        starts = [wall for wall in begun if at <= wall < until]
        night.result.rows += 1
        ended = [v.at for v in night.world.validations if at <= v.at < until and v.release == "v2"]
        if first >= until:  # a clock put back later may bring a validation into a slot that was missed by then
            own = [v for v in night.world.validations if v.release == "v2" and at <= v.at < until]
            known = any(v.boot <= seen.boot for v in own)
            good = bool(missed[name]) != known and (known or not late[name])
        else:
            room = (until - first).total_seconds() < 60 + 3 * cadence
            cut_short = _cut_short(night, at, until, starts, missed[name])
            good = (bool(starts) and not missed[name]) or room or cut_short
            if starts:
                said_late = bool(late[name]) == ((starts[0] - at).total_seconds() > _patience(night))
                good = good and (said_late or killed) and _ended(night, at, until, starts)
        own_row = said[name] == (missed[name] if offset not in CHECKED else 0) or night.people.course.kept_row(offset)
        if not good or missed[name] > 1 or not own_row:
            night.result.rows_lost += 1
            night.result.said(
                f"validation slot {name}: first sample {first:%d %H:%M:%S}, late {late[name]}, missed "
                f"{missed[name]}, rows of that {said[name]}, begun {[f'{s:%H:%M:%S}' for s in starts]}, "
                f"ended {[f'{s:%H:%M:%S}' for s in ended]}"
            )
    for name in [name for name in (*missed, *late) if name not in names]:
        night.result.said(f"{name} is no slot of a validation, and the trail has it as missed or late")


def _cut_short(night: Night, at: datetime, until: datetime, starts: list[datetime], missed: int) -> bool:
    """Begun, ended with its monitor, and the slot was over before there was another one."""
    return bool(starts) and missed >= 1 and not any(at <= v.at < until for v in night.world.validations)


def _ended(night: Night, at: datetime, until: datetime, starts: list[datetime]) -> bool:
    """A validation that was begun in a slot ends in it, unless time itself was moved or the slot was over."""
    if any(at <= v.at < until for v in night.world.validations if v.release == "v2"):
        return True
    moved = night.story.suspends or night.story.steps
    return bool(moved) or (until - starts[-1]).total_seconds() < 60 or _cut_short(night, at, until, starts, 1)


def _patience(night: Night) -> float:
    return 3.5 * night.story.cadence


def _collapsed(words: Iterable[str]) -> list[str]:
    found: list[str] = []
    for word in words:
        if not found or found[-1] != word:
            found.append(word)
    return found


def _rows(path: Path) -> list[tuple[str, str]]:
    lines = path.read_text().splitlines() if path.exists() else []
    return [(match[2], match[3]) for line in lines if (match := _ROW.match(line))]
