"""States made by hand, one for each thing the screen has to show."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import get_type_hints

from msgspec import Struct
from msgspec.structs import replace

from engine.monitoring.model import ChecklistItem, ConditionReading, Gate, KpiReading, MatrixRow, ResourceReading
from engine.operations.model import Operation, OperationStep
from engine.state.alert_views import AlertView
from engine.state.model import (
    ChecklistView,
    CheckView,
    MonitorView,
    ReleaseView,
    ShadowView,
    State,
    ValidationView,
    VerdictView,
    WatchView,
    WayBackView,
)

NOW = datetime(2026, 1, 31, 9, 12, 4, tzinfo=UTC)
FRESH = NOW - timedelta(seconds=2)
CUTOVER_AT = NOW - timedelta(hours=7, minutes=12)


def kpi(kpi_id: str, title: str, value: float | None, change: float, trend: tuple[float, ...], **more) -> KpiReading:
    fields = {
        "id": kpi_id,
        "title": title,
        "value": value,
        "unheld": None,
        "unit": "%",
        "decimals": 2,
        "status": "ok",
        "warning": 5.0,
        "critical": 8.0,
        "worse_when": "higher",
        "change": change,
        "change_from": "V1",
        "trend": trend,
        "owner": "CRO",
        "reason": None,
        "observed_at": NOW - timedelta(minutes=12),
        "stale": False,
    }
    return KpiReading(**{**fields, **more})


KPIS = (
    kpi("PAR30", "PAR30", 2.21, 0.01, (2.1, 2.1, 2.15, 2.2, 2.3, 2.15, 2.2, 2.21)),
    kpi("PAR90", "PAR90", 0.32, 0.02, (0.3, 0.3, 0.31, 0.3, 0.32, 0.31, 0.32, 0.32), warning=3.0, critical=5.0),
    kpi(
        "CollectionRate",
        "Collection",
        11.97,
        -0.03,
        (12.1, 12.0, 12.05, 11.9, 12.0, 12.1, 11.98, 11.97),
        warning=1.5,
        critical=1.0,
        worse_when="lower",
        owner="CFO",
    ),
    kpi(
        "PortfolioHealth",
        "Health",
        10.0,
        0.0,
        (10.0,) * 8,
        unheld=11.7,
        unit="score",
        warning=5.0,
        critical=3.0,
        worse_when="lower",
    ),
)


def gauge(gauge_id: str, text: str, fraction: float | None, trend: tuple[float, ...], **more) -> ResourceReading:
    fields = {
        "id": gauge_id,
        "label": gauge_id,
        "value": 1.0,
        "text": text,
        "fraction": fraction,
        "trend": trend,
        "level": "ok",
        "limit": "roll back > 500",
        "reason": None,
        "observed_at": FRESH,
        "stale": False,
    }
    return ResourceReading(**{**fields, **more})


RESOURCES = (
    gauge("LAT", "0.7 ms", 0.001, (0.6, 0.65, 0.7, 0.68, 0.66, 0.7), limit="roll back > 500 ms for 15m"),
    gauge("ERR", "0.02 %", 0.004, (0.0, 0.01, 0.0, 0.02, 0.02, 0.02), limit="roll back > 5 % for 5m"),
    gauge("MEM", "204 MB", 0.41, (150, 160, 170, 181, 190, 204), level="W", limit="roll back > 500 MB for 10m"),
    gauge("CPU", "27 %", 0.3, (20, 25, 27, 30, 24, 27), limit="roll back > 90 % for 10m"),
    gauge("DISK", "41 GB free", None, (), limit="warning < 3 x what a rollback needs"),
)


def condition(name: str, title: str, text: str, **more) -> ConditionReading:
    fields = {
        "id": name,
        "title": title,
        "level": "ok",
        "firing": "",
        "pending": "",
        "value": 1.0,
        "text": text,
        "held": 0.0,
        "hold": 0.0,
        "evidence": f"{text}; 12 of 12 samples on the good side",
        "clears": "",
        "look_at": "CPU and disk I/O of the service, size of the tape, other load on the host",
        "run": ("abaco-ops status", "top", "iostat -x 5 3"),
        "call": "Data Ops, #data-ops",
        "observed_at": FRESH,
        "stale": False,
    }
    return ConditionReading(**{**fields, **more})


CONDITIONS = (
    condition("LAT", "KPI latency", "0.7 ms"),
    condition("E2E", "whole run", "0.2 s"),
    condition("THR", "throughput", "98 % of baseline"),
    condition("ERR", "error rate", "0.02 %"),
    condition(
        "MEM",
        "memory",
        "204 MB",
        level="W",
        firing="warning",
        held=720.0,
        hold=600.0,
        evidence="204 MB, above 200 for 12m (144 of 144 samples); slope +9.1 %/h",
        clears="below 190 for 10m",
    ),
    condition("CPU", "CPU", "27 %"),
    condition("DQ", "data quality", "all pass"),
    condition("AUD", "audit trail", "continuous"),
    condition("CRASH", "restarts", "0"),
    condition("VAL", "validation", "PASS"),
    condition("RUN", "pipeline ran", "on schedule"),
    condition("DISK", "free disk", "310 x"),
)


def row(verdict, evidence: str, active: bool = False, age: float | None = 2.0) -> MatrixRow:
    action = {
        "ROLL BACK": "roll back now; the console recommends, a person confirms",
        "INVESTIGATE": "page; look into logs, processes, disk I/O; the 15 min clock runs",
        "UNKNOWN": "restore monitoring",
        "WATCH": "follow the trend, write it down",
        "CONTINUE": "keep the cadence",
    }[verdict]
    return MatrixRow(verdict, active, evidence, age, "when it holds", action, ("on call",))


MATRIX = (
    row("ROLL BACK", "no tier held, 0 near"),
    row("INVESTIGATE", "nothing critical"),
    row("UNKNOWN", "all 14 fresh, 2s"),
    row("WATCH", "MEM warning, held 12m", active=True),
    row("CONTINUE", "on target"),
)


def item(slot: str, title: str, state, **more) -> ChecklistItem:
    fields = {
        "key": f"hourly/25200/{title.split()[0]}",
        "slot": slot,
        "title": title,
        "state": state,
        "due_at": NOW - timedelta(minutes=12),
        "measured": "",
        "measured_ok": None,
        "who": "",
        "note": "",
        "gate": False,
    }
    return ChecklistItem(**{**fields, **more})


CHECKLIST = ChecklistView(
    hourly_passed=7,
    hourly_due=7,
    items=(
        item("T+7", "validation", "done", measured="5/5", measured_ok=True, who="A. Moreno"),
        item("T+7", "nulls and duplicates", "done", measured="0, 0", measured_ok=True, who="A. Moreno"),
        item("T+7", "leak check", "due", measured="+9.1 %/h", measured_ok=False),
        item("T+8", "comparison with hour 1", "later", due_at=NOW + timedelta(minutes=48)),
        item(
            "T+8",
            "hour-8 gate",
            "later",
            due_at=NOW + timedelta(minutes=48),
            measured="fails on: memory growth",
            measured_ok=False,
            gate=True,
        ),
    ),
)

LOG = (
    "TIME (UTC) | LATENCY (ms) | ERROR RATE | MEMORY (MB) | CPU (%) | STATUS | NOTES",
    "-----------|--------------|------------|-------------|---------|--------|------",
    "2026-01-31",
    "07:00      | 0.65         | 0%         | 165         | 25%     | PASS   |",
    "08:00      | 0.66         | 0.01%      | 181         | 26%     | PASS   |",
    "09:00      | 0.68         | 0.02%      | 198         | 27%     | PASS   |",
    "09:10      | 0.68         | 0.02%      | 203         | 27%     | WARN   | MEM held 10m; Data Ops told 09:10:03",
)
EVENTS = (
    "01:58:11Z operation.accepted 0003-cutover by a.moreno",
    "02:00:04Z operation.ended 0003-cutover SUCCEEDED 4.1 s",
    "08:00:02Z validation.finished PASS 5/5",
    "09:00:02Z validation.finished PASS 5/5",
    "09:08:40Z way_back.proven ok 2.1 s snapshot 0004",
)
CHECKS = ValidationView(
    status="PASS",
    observed_at=NOW - timedelta(minutes=12),
    stale=False,
    checks=(
        CheckView("kpi_calculations", "PASS", "4 KPIs of run 7f3a agree with a recomputation of 12,000 rows"),
        CheckView("data_integrity", "PASS", "0 nulls, 0 duplicates, all amounts in range"),
        CheckView("performance", "PASS", "0.7 ms per 1,000 rows, target < 100"),
        CheckView("error_handling", "PASS", "9 of 9 edge cases answered as documented"),
        CheckView("audit_trail", "PASS", "chain of 412 events verified; last run left 2"),
    ),
    issues=(),
    report="logs/validation_20260131_090002.json",
    running=False,
)

SHADOW = ShadowView("v1", NOW - timedelta(seconds=12), {"PAR30": 2.2, "PAR90": 0.3}, "", True)
NORMAL = State(
    at=NOW,
    root="/srv/abaco",
    deployment="abaco",
    title="Abaco Loans Analytics",
    environment="PROD",
    demo=False,
    time_scale=1.0,
    sample_cadence=1.0,
    user="abaco",
    host="ops1",
    release="v2",
    release_reason="",
    releases=(
        ReleaseView("v1", "a41f09", "7c1e22", "abaco-pipeline-v1", "STOPPED", None, 1),
        ReleaseView("v2", "c03d77", "19be40", "abaco-pipeline-v2", "RUNNING", 4123, 2),
    ),
    phase="BAKE",
    cutover_at=CUTOVER_AT,
    verdict=VerdictView("CONTINUE", "everything on target", "", "", FRESH, False),
    way_back=WayBackView(
        "v1", "a41f09", True, "", 2.1, NOW - timedelta(minutes=3), "0004", False, "proven", NOW - timedelta(minutes=3)
    ),
    watch=WatchView("A. Moreno", NOW - timedelta(hours=3)),
    next_gate=Gate("hour-8", "hour-8 gate", NOW + timedelta(minutes=48, seconds=20), (), ()),
    kpis=KPIS,
    kpis_at=NOW - timedelta(minutes=12),
    resources=tuple(replace(each, level="ok") if each.id == "MEM" else each for each in RESOURCES),
    conditions=tuple(replace(each, level="ok", firing="", held=0.0) for each in CONDITIONS),
    matrix=(*MATRIX[:3], replace(MATRIX[3], active=False, evidence="no warning"), replace(MATRIX[4], active=True)),
    checks=CHECKS,
    checklist=CHECKLIST,
    operation=None,
    last_operation=None,
    alerts=(),
    log=LOG,
    events=EVENTS,
    monitor=MonitorView(True, 3977, FRESH, False, ""),
    problems=(),
    shadow=SHADOW,
)

WARNING = replace(
    NORMAL,
    verdict=VerdictView(
        "WATCH", "MEM 204 MB, above 200 for 12m", "clears <190", "roll back >500, in ~10h at +9%/h", FRESH, False
    ),
    next_gate=replace(NORMAL.next_gate, would_fail_on=("memory growth",)),
    resources=RESOURCES,
    conditions=CONDITIONS,
    matrix=MATRIX,
    alerts=(AlertView("MEM", "W", "MEM 204 MB, above 200 for 12m", NOW - timedelta(minutes=12), None),),
)

CRITICAL = replace(
    WARNING,
    verdict=VerdictView(
        "ROLL BACK", "ERR 7.40 %, above 5 for 6m", "clears <4.75", "told: VP Engineering, on call", FRESH, False
    ),
    kpis=(replace(KPIS[0], value=8.42, status="CRITICAL", change=6.22), *KPIS[1:]),
    resources=(
        RESOURCES[0],
        replace(RESOURCES[1], text="7.40 %", fraction=1.0, level="C", trend=(0.0, 0.1, 2.0, 5.0, 6.0, 7.4)),
        *RESOURCES[2:],
    ),
    matrix=(
        replace(MATRIX[0], active=True, evidence="ERR roll-back tier held 6m"),
        *MATRIX[1:3],
        replace(MATRIX[3], active=False),
        MATRIX[4],
    ),
    checks=replace(
        CHECKS,
        status="FAIL",
        checks=(
            replace(CHECKS.checks[0], status="FAIL", summary="PAR30 published 2.21, recomputed 8.42"),
            replace(CHECKS.checks[1], status="FAIL", summary="40 duplicates of (loan_id, measurement_date)"),
            *CHECKS.checks[2:],
        ),
        issues=(
            "kpi_calculations: PAR30 published 2.21, recomputed 8.42 (tolerance 0.005)",
            "data_integrity: loan L-00117, 2026-01-31 stands 2 times (40 such)",
        ),
    ),
    alerts=(AlertView("ERR", "C", "ERR 7.40 %, above 5 for 6m", NOW - timedelta(minutes=6), "A. Moreno"),),
)

STALE = replace(
    NORMAL,
    verdict=VerdictView(
        "UNKNOWN", "no sample for 41s; last CONTINUE", "when the monitor samples again", "", FRESH, True
    ),
    way_back=replace(
        NORMAL.way_back, stale=True, proven_at=NOW - timedelta(minutes=41), basis_at=NOW - timedelta(minutes=41)
    ),
    kpis=(
        *(replace(each, stale=True, observed_at=NOW - timedelta(minutes=44)) for each in KPIS[:3]),
        replace(KPIS[3], value=None, status="undefined", reason="no run for 44m"),
    ),
    resources=(
        *(replace(each, stale=True, observed_at=NOW - timedelta(seconds=41)) for each in RESOURCES[:4]),
        replace(RESOURCES[4], value=None, text="", level="missing", reason="cannot read the disk"),
    ),
    conditions=tuple(replace(each, stale=True) for each in CONDITIONS),
    matrix=(
        *MATRIX[:2],
        replace(MATRIX[2], active=True, evidence="14 of 14 stale, 41s"),
        replace(MATRIX[3], active=False),
        MATRIX[4],
    ),
    checks=replace(CHECKS, stale=True),
    monitor=MonitorView(False, None, NOW - timedelta(seconds=41), True, "the monitor does not run"),
    problems=("logs/samples.db: disk I/O error",),
)

_PHASES = (
    ("environment", "environment and configuration", "0 pre-cutover"),
    ("health_tests", "health tests of both releases", "0 pre-cutover"),
    ("backup_config", "configuration backed up", "1 backup"),
    ("snapshot", "metrics snapshot taken and verified", "1 backup"),
    ("release_tests", "v2's own tests", "2 staging"),
    ("stage_kpis", "v2's KPIs on production data", "2 staging"),
    ("stop_old", "v1 stopped, final logs kept", "3 shutdown"),
    ("final_snapshot", "final snapshot taken and verified", "3 shutdown"),
    ("switch_config", "v2's configuration activated", "4 activation"),
    ("start_new", "v2 started, verified running", "4 activation"),
    ("first_run", "v2 ran, wrote output and audit events", "5 post-cutover"),
    ("stage_way_back", "way back staged and verified", "5 post-cutover"),
)


def steps(done: int, now: str = "running") -> tuple[OperationStep, ...]:
    made = []
    for index, (name, title, phase) in enumerate(_PHASES):
        state = "done" if index < done else now if index == done else "waiting"
        spent = 0.1 + 0.2 * (index % 4) if index < done else None
        made.append(OperationStep(name, title, phase, state, spent, "212 of 212 hashes" if name == "snapshot" else ""))
    return tuple(made)


OPERATION = Operation(
    id="0003-cutover",
    kind="cutover",
    state="RUNNING",
    release_from="v1",
    release_to="v2",
    steps=steps(7),
    started=NOW - timedelta(seconds=3),
    ended=None,
    seconds=None,
    actor="a.moreno",
    origin="10.0.4.7",
    reason="planned release 2.0",
    pid=5120,
    alive=True,
    failure="",
    past_no_return=False,
    offers=("roll back: R, v1, Enter", "abort: x"),
    warnings=(),
    output=(
        "v1: Ran 29 tests in 0.412s OK",
        "snapshot 0004: 212 files, 18 MB, 212 of 212 hashes",
        "v1 stopped in 0.3 s",
    ),
    snapshot=None,
    lock_lost_to="",
)

RUNNING = replace(
    NORMAL,
    phase="CUTOVER",
    release=None,
    release_reason="a cutover is running",
    cutover_at=None,
    next_gate=None,
    operation=OPERATION,
)
NEEDS_HUMAN = replace(
    RUNNING,
    operation=replace(
        OPERATION,
        state="NEEDS_HUMAN",
        steps=steps(10, "failed"),
        alive=False,
        failure="first_run: v2 wrote no run record within 20 s",
        past_no_return=True,
        seconds=24.2,
        ended=NOW - timedelta(seconds=5),
        offers=(
            "roll back to v1: press R, or abaco-ops rollback --yes",
            "close it: abaco-ops resolve 0003-cutover --reason ...",
        ),
        warnings=("v2 is left as found",),
    ),
)
ROLLED_BACK = replace(
    NORMAL,
    phase="BACK ON V1",
    release="v1",
    cutover_at=None,
    next_gate=None,
    way_back=WayBackView(
        "v1",
        "a41f09",
        False,
        "v1 is live: nothing to roll back",
        2.2,
        None,
        "0004",
        False,
        "rolled back",
        NOW - timedelta(minutes=1),
    ),
    last_operation=replace(
        OPERATION,
        id="0004-rollback",
        kind="rollback",
        state="SUCCEEDED",
        release_from="v2",
        release_to="v1",
        seconds=2.2,
        ended=NOW - timedelta(minutes=1),
        steps=tuple(replace(step, state="done", seconds=0.2) for step in steps(0)[:6]),
    ),
)
BEFORE = replace(
    NORMAL,
    phase="BEFORE",
    release="v1",
    environment="DEMO",
    demo=True,
    cutover_at=None,
    next_gate=None,
    watch=WatchView(None, None),
    way_back=WayBackView("v1", "a41f09", False, "v1 is live: nothing to roll back", None, None, None, False),
    checks=replace(CHECKS, status="NOT RUN", checks=(), observed_at=None, report=""),
)
BEFORE_CHECKED = replace(BEFORE, checks=replace(CHECKS, release="v1"))

ALL = {
    "normal": NORMAL,
    "warning": WARNING,
    "critical": CRITICAL,
    "stale": STALE,
    "running": RUNNING,
    "needs-human": NEEDS_HUMAN,
    "rolled-back": ROLLED_BACK,
    "before": BEFORE,
}

EVIL = "\x1b]52;c;ZXZpbA==\x07\x9b2J\x1b[31mred\u202e[bold]x[/]"
HOSTILE = replace(
    WARNING,
    title=EVIL,
    host=EVIL,
    log=(EVIL, f"09:10 | 0.68 | 0.02% | 203 | 27% | WARN | {EVIL}"),
    events=(EVIL,),
    problems=(EVIL,),
    kpis=tuple(replace(each, title=EVIL) for each in KPIS),
    conditions=tuple(replace(each, evidence=EVIL, look_at=EVIL) for each in CONDITIONS),
    matrix=tuple(replace(each, evidence=EVIL) for each in MATRIX),
    checks=replace(CHECKS, issues=(EVIL,), checks=tuple(replace(each, summary=EVIL) for each in CHECKS.checks)),
    checklist=replace(CHECKLIST, items=tuple(replace(each, title=EVIL, note=EVIL) for each in CHECKLIST.items)),
    last_operation=replace(OPERATION, reason=EVIL, failure=EVIL, output=(EVIL,), offers=(EVIL,), state="ABORTED"),
    watch=WatchView(EVIL, NOW),
)


def poisoned(part, poison: str = EVIL):  # type: ignore[no-untyped-def]
    """The same with every free text ending in ``poison``; words of a closed set stay as they are."""
    hints = get_type_hints(type(part))
    made = {}
    for name in part.__struct_fields__:
        value, hint = getattr(part, name), hints[name]
        if isinstance(value, str) and hint in (str, str | None):
            made[name] = value + poison
        elif isinstance(value, Struct):
            made[name] = poisoned(value, poison)
        elif isinstance(value, tuple):
            free = hint == tuple[str, ...]
            made[name] = tuple(
                poisoned(each, poison) if isinstance(each, Struct) else each + poison if free else each
                for each in value
            )
    return replace(part, **made)


def texts(part) -> list[str]:  # type: ignore[no-untyped-def]
    """Every text in it, at any depth."""
    if isinstance(part, str):
        return [part]
    if isinstance(part, Struct):
        return [text for name in part.__struct_fields__ for text in texts(getattr(part, name))]
    return [text for each in part for text in texts(each)] if isinstance(part, tuple) else []
