"""The states of the pictures: whole and free of contradictions, as the engine would hand them over on a real night."""

from __future__ import annotations

from datetime import timedelta

import states
from msgspec.structs import replace
from states import NOW

from engine.monitoring.model import ChecklistItem, MatrixRow
from engine.state.alert_views import AlertView
from engine.state.model import MonitorView, State, VerdictView

_OLD = NOW - timedelta(seconds=41)
_RULES: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "ROLL BACK": (
        "a roll-back tier has held, or data loss, audit trail lost, repeated crashes, leak confirmed",
        "roll back now; the console recommends, a person confirms",
        ("vp_engineering", "engineering_lead", "on_call"),
    ),
    "INVESTIGATE": (
        "a critical tier that is no reason to roll back yet",
        "page; look into logs, processes, disk I/O; the 15 min clock runs",
        ("on_call", "engineering_lead"),
    ),
    "UNKNOWN": ("a value that the verdict needs is missing or stale", "restore monitoring", ("on_call",)),
    "WATCH": ("a warning", "follow the trend, write it down", ("data_ops",)),
    "CONTINUE": ("everything on target", "keep the cadence", ()),
}
_CONTACTS = {
    "vp_engineering": "VP Engineering: VP Engineering, phone list",
    "engineering_lead": "Engineering Lead: Engineering Lead, #engineering",
    "on_call": "on-call operations engineer: on call, #incidents",
    "data_ops": "Data Ops: Data Ops, #data-ops",
}
_QUIET = {
    "ROLL BACK": "no tier held, 0 near",
    "INVESTIGATE": "nothing critical",
    "UNKNOWN": "all 14 needed values fresh",
    "WATCH": "no warning",
    "CONTINUE": "not on target",
}


def _matrix(word: str, why: str, *, judged: bool = True, **others: str) -> tuple[MatrixRow, ...]:
    """The rows where ``word`` holds because of ``why``; ``judged``: whether the others were looked at."""
    return tuple(
        MatrixRow(
            verdict,  # type: ignore[arg-type]
            verdict == word,
            why if verdict == word else others.get(verdict, _QUIET[verdict]) if judged else "not judged",
            2.0 if judged else None,
            *_RULES[verdict],
        )
        for verdict in _RULES
    )


def _line(hour: int, title: str, state: str, **more: object) -> ChecklistItem:
    due = states.CUTOVER_AT + timedelta(hours=hour)
    return states.item(f"T+{hour}", title, state, **{"due_at": due, "key": f"hourly/{hour * 3600}/{title}", **more})


def _hour(hour: int) -> tuple[ChecklistItem, ...]:
    done = {"who": "A. Moreno", "measured_ok": True}
    return (
        _line(hour, "validation", "done", measured="5/5", **done),
        _line(hour, "comparison with hour 1", "done", measured="3 of 3 within 10 %", **done),
        _line(hour, "leak check", "done", measured="+0.4 %/h", **done),
        _line(hour, "nulls and duplicates", "done", measured="0, 0", **done),
    )


def _checklist(growth: str, fails: str, *, integrity: str = "0, 0") -> tuple[ChecklistItem, ...]:
    done = {"who": "A. Moreno", "measured_ok": True}
    gate = "GATE fails on: " + fails if fails else "GATE: all criteria met"
    return (
        *(_hour(5) + _hour(6)),
        _line(7, "validation", "done", measured="5/5", **done),
        _line(
            7, "comparison with hour 1", "overridden", measured="1 of 3 beyond 10 %", measured_ok=False, who="K. Lee"
        ),
        _line(7, "leak check", "due", measured=growth, measured_ok=not fails),
        _line(7, "nulls and duplicates", "due", measured=integrity, measured_ok=integrity == "0, 0"),
        _line(7, "output channels", "due"),
        _line(8, "validation", "later"),
        _line(8, "comparison with hour 1", "later"),
        _line(8, gate, "later", measured_ok=not fails, gate=True, key="gate/hour-8"),
    )


def _late(one: ChecklistItem) -> ChecklistItem:
    """What was measured and not yet confirmed, as the engine marks it when nothing is measured any more."""
    if not one.measured or one.state != "due":
        return one
    return replace(one, measured=f"STALE 41s: {one.measured}", measured_ok=None, stale=True)


_LOG = tuple(
    f"{hour:02}:00      | 0.6{hour % 10} | 0.0{hour % 3}% | {150 + 2 * hour:<11} | 2{hour % 7}%     | PASS   |"
    for hour in range(2, 9)
)
_EVENTS = (
    "01:58:11Z operation.accepted 0003-cutover by a.moreno",
    "02:00:04Z operation.ended 0003-cutover SUCCEEDED 4.1 s",
    *(f"{hour:02}:00:02Z validation.finished PASS 5/5" for hour in range(3, 10)),
    "09:08:40Z way_back.proven ok 2.1 s snapshot 0004",
)


def _with(state: State, growth: str, fails: str, log: tuple[str, ...], **more: str) -> State:
    return replace(
        state,
        checklist=replace(state.checklist, items=_checklist(growth, fails, **more)),
        log=(*states.LOG[:3], *_LOG, *log),
        contacts=_CONTACTS,
        events=_EVENTS,
    )


_ON_TARGET = "09:00      | 0.68         | 0.02%      | 181         | 26%     | PASS   |"
_WARNS = (
    "09:10      | 0.68         | 0.02%      | 203         | 27%     | WARN   | MEM held 10m; Data Ops told 09:10:03"
)
_FAILS = "09:10      | 0.71         | 7.40%      | 203         | 27%     | FAIL   | ERR held 6m; VP Engineering told"
_MEMORY = replace(states.NORMAL.resources[2], text="181 MB", fraction=0.36, trend=(176, 178, 181, 179, 180, 181))
NORMAL = replace(
    _with(states.NORMAL, "+0.4 %/h", "", (_ON_TARGET,)),
    matrix=_matrix("CONTINUE", "everything on target"),
    resources=(*states.NORMAL.resources[:2], _MEMORY, *states.NORMAL.resources[3:]),
    conditions=tuple(
        replace(one, text="181 MB", evidence="181 MB; 144 of 144 samples on the good side") if one.id == "MEM" else one
        for one in states.NORMAL.conditions
    ),
)
_MEM = AlertView(
    "MEM",
    "W",
    "MEM 204 MB, above 200 for 12m",
    NOW - timedelta(minutes=12),
    None,
    id="0006",
    tier="warning",
    priority="P3",
    called="Data Ops",
    told=("Data Ops",),
    told_at=NOW - timedelta(minutes=2),
)
WARNING = replace(
    _with(states.WARNING, "+9.1 %/h", "memory growth", (_ON_TARGET, _WARNS)),
    matrix=_matrix("WATCH", "MEM warning, held 12m"),
    alerts=(_MEM,),
)
_ERR = replace(
    states.CONDITIONS[3],
    level="C",
    firing="rollback",
    text="7.40 %",
    held=360.0,
    hold=300.0,
    evidence="7.40 %, above 5 for 6m (72 of 72 samples)",
    clears="below 4.75 for 5m",
    look_at="the newest lines of the pipeline's log, the tape's arrival",
)
CRITICAL = replace(
    _with(states.CRITICAL, "+9.1 %/h", "no critical event", (_ON_TARGET, _FAILS), integrity="0, 40"),
    verdict=replace(states.CRITICAL.verdict, worsens=""),
    matrix=_matrix("ROLL BACK", "ERR 7.40 %, held 6m", WATCH="MEM warning, held 12m"),
    next_gate=replace(states.CRITICAL.next_gate, would_fail_on=("no critical event",)),
    kpis=(replace(states.CRITICAL.kpis[0], trend=(2.1, 2.1, 2.2, 2.2, 4.3, 6.1, 7.2, 8.42)), *states.CRITICAL.kpis[1:]),
    conditions=tuple(_ERR if one.id == "ERR" else one for one in states.CRITICAL.conditions),
    alerts=(
        AlertView(
            "ERR",
            "C",
            "ERR 7.40 %, above 5 for 6m",
            NOW - timedelta(minutes=6),
            "A. Moreno",
            id="0007",
            tier="rollback",
            priority="P1",
            called="on-call operations engineer",
            told=("VP Engineering", "on call"),
            told_at=NOW - timedelta(minutes=5),
        ),
        _MEM,
    ),
)
_SILENT = "no monitor runs; it was CONTINUE"
STALE = replace(
    _with(states.STALE, "+0.4 %/h", "", (_ON_TARGET,)),
    kpis_at=NOW - timedelta(minutes=44),
    verdict=VerdictView("UNKNOWN", _SILENT, "abaco-ops monitor", "", _OLD, True),
    matrix=_matrix("UNKNOWN", "no monitor runs", judged=False),
    resources=tuple(one if one.level == "missing" else replace(one, level="stale") for one in states.STALE.resources),
    conditions=tuple(replace(one, stale=True, level="stale", observed_at=_OLD) for one in NORMAL.conditions),
    checklist=replace(states.STALE.checklist, items=tuple(map(_late, _checklist("+0.4 %/h", ""))), stale=True),
    monitor=MonitorView(False, None, _OLD, True, "no monitor runs"),
    shadow=replace(states.SHADOW, stale=True),
)
_BEFORE = tuple(
    states.item("before", title, state, measured=measured, measured_ok=ok, who=who, due_at=None)
    for title, state, measured, ok, who in (
        ("dashboards reachable", "done", "", None, "K. Lee"),
        ("alert channels tested", "done", "records: all 4 today", True, "A. Moreno"),
        ("baseline recorded", "done", "records: 01-30", True, "A. Moreno"),
        ("team briefed", "done", "", None, "A. Moreno"),
        ("rollback rehearsed", "overridden", "records: never", False, "A. Moreno"),
    )
)
RUNNING = replace(
    _with(states.RUNNING, "+0.4 %/h", "", (_ON_TARGET,)),
    checklist=replace(states.CHECKLIST, hourly_passed=0, hourly_due=0, items=_BEFORE),
    matrix=NORMAL.matrix,
    resources=NORMAL.resources,
)
_NOTHING_LIVE = "0003-cutover stopped half-way"
FAILED = replace(
    _with(states.NEEDS_HUMAN, "+0.4 %/h", "", (_ON_TARGET,)),
    release_reason=_NOTHING_LIVE,
    releases=tuple(replace(one, service_state="STOPPED", pid=None) for one in states.NORMAL.releases),
    verdict=VerdictView("UNKNOWN", _NOTHING_LIVE, "", "", states.FRESH, False),
    matrix=_matrix("UNKNOWN", _NOTHING_LIVE),
    checklist=RUNNING.checklist,
    resources=NORMAL.resources,
)
BEFORE = states.BEFORE_CHECKED
