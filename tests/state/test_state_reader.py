"""The fold: honest about what is missing, incremental, and never stopped by a damaged record."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from engine.clock import boot_id
from engine.config import Deployment
from engine.monitoring.model import (
    Alert,
    ConditionReading,
    Evaluation,
    Hourly,
    KpiReading,
    MatrixRow,
    ResourceReading,
    Verdict,
)
from engine.monitoring.store import SampleStore
from engine.records import append_event, append_line
from engine.state import State, StateReader
from engine.state.exported import as_json
from engine.state.gates import gates_of
from engine.state.trail import phase_of


def evaluation(clock: Any, **changes: Any) -> Evaluation:
    now = clock.now()
    base = Evaluation(
        v=1,
        at=now.wall,
        boot=now.boot,
        boot_id=boot_id(),
        pid=4711,
        cadence=1.0,
        release="v1",
        release_reason="",
        verdict=Verdict("CONTINUE", "on target", "", ""),
        conditions=(
            ConditionReading(
                "MEM", "memory", "ok", "", "", 105.0, "105 MB", 0.0, 600.0, "105 MB", "", "", (), "", now.wall, False
            ),
        ),
        matrix=(MatrixRow("CONTINUE", True, "on target", 0.0, "", "", ()),),
        kpis=(
            KpiReading(
                "PAR30", "PAR30", 2.2, 2.2, "%", 1, "ok", 5.0, 8.0, "higher", None, "", (), "CRO", None, now.wall, False
            ),
        ),
        kpis_at=now.wall,
        measurement_date="2026-01-31",
        resources=(
            ResourceReading("MEM", "MEM", 105.0, "105 MB", 0.2, (), "ok", "< 200", None, now.wall, False),
            ResourceReading("CPU", "CPU", None, "-", None, (), "missing", "< 50", "no process", None, False),
        ),
        next_gate=None,
        hourly=Hourly(0, 0, 24, None),
        alerts=(),
        baseline=None,
        cutover_at=None,
        paging=True,
        validation_running=False,
        problems=(),
    )
    return msgspec.structs.replace(base, **changes)


@pytest.fixture
def store(deployment: Deployment) -> Any:
    opened = SampleStore(deployment.paths.samples)
    yield opened
    opened.close()


def event(deployment: Deployment, clock: Any, kind: str, /, **data: Any) -> None:
    append_event(deployment.paths.events, kind, data, source="test", actor="a.moreno@ops1", clock=clock)


def read(deployment: Deployment, clock: Any) -> State:
    return StateReader(deployment, clock).read()


def test_an_empty_deployment_is_unknown_and_says_why(deployment: Deployment, clock: Any) -> None:
    state = read(deployment, clock)
    assert state.verdict.word == "UNKNOWN"
    assert "no monitor runs" in state.verdict.why
    assert state.release is None and state.release_reason
    assert not state.way_back.ready and state.way_back.reason
    assert state.checks.status == "NOT RUN"
    assert [kpi.value for kpi in state.kpis] == [None] * 4
    assert [row.verdict for row in state.matrix if row.active] == ["UNKNOWN"]
    assert state.problems == ()


def test_a_fresh_evaluation_is_the_verdict(deployment: Deployment, clock: Any, store: SampleStore) -> None:
    store.append([], evaluation(clock))
    state = read(deployment, clock)
    assert state.verdict.word == "CONTINUE" and not state.verdict.stale
    assert not state.kpis[0].stale
    assert state.resources[0].level == "ok"


def test_an_old_evaluation_is_no_verdict_and_its_values_look_stale(
    deployment: Deployment, clock: Any, store: SampleStore
) -> None:
    store.append([], evaluation(clock))
    clock.advance(3.6)
    state = read(deployment, clock)
    assert state.verdict.word == "UNKNOWN" and "it was CONTINUE" in state.verdict.why
    assert state.kpis[0].stale and state.kpis[0].value == 2.2
    assert [item.level for item in state.resources] == ["stale", "missing"]
    assert state.conditions[0].level == "stale"
    assert [row.verdict for row in state.matrix if row.active] == ["UNKNOWN"]


def test_a_jump_of_the_wall_clock_makes_nothing_stale(deployment: Deployment, clock: Any, store: SampleStore) -> None:
    store.append([], evaluation(clock))
    clock.step_wall(86400)
    assert read(deployment, clock).verdict.word == "CONTINUE"


def test_an_evaluation_of_another_boot_is_stale(deployment: Deployment, clock: Any, store: SampleStore) -> None:
    store.append([], evaluation(clock, boot_id="another"))
    assert "before the last start of this machine" in read(deployment, clock).verdict.why


def test_an_acknowledged_alert_names_who_took_it_until_it_fires_again(
    deployment: Deployment, clock: Any, store: SampleStore
) -> None:
    event(deployment, clock, "ack", condition="MEM", reason="")
    before, after = clock.wall - timedelta(minutes=1), clock.wall + timedelta(minutes=1)
    for since, taken in ((before, "a.moreno@ops1"), (after, None)):
        store.append([], evaluation(clock, alerts=(Alert("MEM", "W", "204 MB", since),)))
        assert read(deployment, clock).alerts[0].acknowledged_by == taken


def test_the_watch_is_held_by_the_last_who_took_it(deployment: Deployment, clock: Any) -> None:
    event(deployment, clock, "watch.taken", holder="k.lee")
    event(deployment, clock, "watch.taken", holder="a.moreno")
    assert read(deployment, clock).watch.holder == "a.moreno"


def test_the_phase_follows_cutover_and_way_back(deployment: Deployment, clock: Any) -> None:
    reader = StateReader(deployment, clock)
    phases = [reader.read().phase]
    event(deployment, clock, "operation.ended", kind="cutover", state="SUCCEEDED", seconds=4.1)
    phases.append(reader.read().phase)
    for hours, gate in ((25, "hour-24"), (24 * 28, "day-28")):
        clock.advance(hours * 3600)
        phases.append(reader.read().phase)
        event(deployment, clock, "gate.decided", gate=gate, decision="go", by="A. Moreno")
        phases.append(reader.read().phase)
    event(deployment, clock, "operation.ended", kind="rollback", state="SUCCEEDED", seconds=2.0)
    phases.append(reader.read().phase)
    assert phases == ["BEFORE", "BAKE", "BAKE", "STABILISE", "STABILISE", "STEADY", "BACK ON V1"]


def test_a_gate_that_nobody_judges_says_that_no_monitor_runs(deployment: Deployment, clock: Any) -> None:
    event(deployment, clock, "operation.ended", kind="cutover", state="SUCCEEDED", seconds=4.1)
    (first, *_) = read(deployment, clock).gates
    assert first.criteria and all("no monitor runs" in one.evidence for one in first.criteria)
    gates = gates_of(deployment, clock.wall, clock.wall, (), None, stale=False, unjudged="no monitor runs")
    assert {one.evidence for one in gates[0].criteria} == {"judged when its turn comes"}


def test_until_a_rollback_has_succeeded_the_old_release_is_not_back() -> None:
    now = datetime(2026, 1, 31, 9, tzinfo=UTC)
    earlier, cutover = now - timedelta(hours=2), now - timedelta(hours=1)

    def phase(cutover_at: datetime | None, back_at: datetime | None, *, going: bool) -> str:
        return phase_of(cutover_at, back_at, now, bake=86400, stabilise=1e9, cutover_runs=False, rollback_open=going)

    assert phase(None, earlier, going=True) == phase(None, None, going=True) == "GOING BACK TO V1"
    assert phase(None, earlier, going=False) == "BACK ON V1"
    assert phase(cutover, earlier, going=True) == "BAKE", "the time of the watch goes on"


def test_an_operation_that_failed_moves_no_phase(deployment: Deployment, clock: Any) -> None:
    event(deployment, clock, "operation.ended", kind="cutover", state="ABORTED", seconds=4.1)
    assert read(deployment, clock).phase == "BEFORE"


def test_a_running_operation_and_the_last_one_are_shown(deployment: Deployment, clock: Any) -> None:
    directory = deployment.paths.operation("0001-cutover")
    directory.mkdir(parents=True)
    head = {"boot": 1.0, "boot_id": boot_id(), "at": "2026-01-31T02:00:00.000Z"}
    steps = [{"name": "stop", "title": "stop V1", "phase": "3"}]
    planned = {"kind": "planned", "operation_kind": "cutover", "release_from": "v1", "release_to": "v2", "steps": steps}
    append_line(directory / "journal.jsonl", {**head, "seq": 1, **planned})
    append_line(
        directory / "journal.jsonl",
        {**head, "seq": 2, "kind": "worker", "pid": 1, "start_time": 1, "boot_id": "gone"},
    )
    append_line(directory / "journal.jsonl", {**head, "seq": 3, "kind": "accepted"})
    reader = StateReader(deployment, clock)
    state = reader.read()
    assert state.operation is not None
    assert (state.operation.state, state.phase) == ("INTERRUPTED", "CUTOVER")
    assert state.operation.offers[0].startswith("abaco-ops rollback")
    append_line(directory / "journal.jsonl", {**head, "seq": 4, "kind": "closed", "state": "ROLLED_BACK"})
    state = reader.read()
    assert state.operation is None
    assert state.last_operation is not None and state.last_operation.state == "ROLLED_BACK"


def test_damaged_records_are_problems_and_hide_nothing_else(deployment: Deployment, clock: Any) -> None:
    event(deployment, clock, "watch.taken", holder="k.lee")
    with deployment.paths.events.open("ab") as stream:
        stream.write(b"nonsense\n")
    event(deployment, clock, "watch.taken", holder="a.moreno")
    deployment.paths.samples.write_bytes(b"no database at all, but long enough to be taken for one" * 40)
    deployment.paths.validation_report.write_text("{")
    broken = deployment.paths.operation("0001-cutover")
    broken.mkdir(parents=True)
    (broken / "journal.jsonl").write_bytes(b"nonsense\n")
    reader = StateReader(deployment, clock)
    for _ in range(2):
        state = reader.read()
        assert state.watch.holder == "a.moreno"
        told = "\n".join(state.problems)
        for thing in ("audit trail", "samples.db", "production_validation_report.json", "0001-cutover"):
            assert thing in told


def test_each_read_pays_only_for_what_is_new(
    deployment: Deployment, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(50):
        event(deployment, clock, "note", text=str(number))
    reader = StateReader(deployment, clock)
    assert len(reader.read().events) == 50
    seen: list[Path] = []
    monkeypatch.setattr("engine.records.tail.decode", lambda line: seen.append(line) or {})
    reader.read()
    assert seen == []


def test_text_from_outside_is_harmless_in_the_state(deployment: Deployment, clock: Any) -> None:
    event(deployment, clock, "note", text="\x1b[2J\u202egone")
    deployment.paths.monitoring_log.write_text("09:00 | \x1b[31m0.7 |\n")
    state = read(deployment, clock)
    assert all(line.isprintable() for line in (*state.events, *state.log))


def test_routine_events_leave_room_for_the_others(deployment: Deployment, clock: Any) -> None:
    event(deployment, clock, "note", text="remember this")
    for number in range(100):
        event(deployment, clock, "run.finished", run_id=str(number), release="v1", status="ok")
    noted, runs = read(deployment, clock).events
    assert "remember this" in noted and "v1 published 100 runs" in runs


def test_the_checklist_before_a_cutover_is_what_comes_before_it(deployment: Deployment, clock: Any) -> None:
    before = read(deployment, clock).checklist
    assert {item.slot for item in before.items} == {"before"}
    event(deployment, clock, "checklist.done", key=before.items[0].key, measured="", note="seen")
    item = read(deployment, clock).checklist.items[0]
    assert (item.state, item.who, item.note) == ("done", "a.moreno@ops1", "seen")


def test_the_state_is_json_with_the_keys_that_scripts_rely_on(
    deployment: Deployment, clock: Any, store: SampleStore
) -> None:
    store.append([], evaluation(clock))
    plain = msgspec.json.decode(msgspec.json.encode(as_json(read(deployment, clock))))
    for key in ("release", "phase", "verdict", "kpis", "resources", "checks", "checklist", "operation", "alerts"):
        assert key in plain
    assert plain["verdict"] == "CONTINUE"
    assert plain["verdict_detail"]["why"] == "on target"
    for value in (plain["kpis"]["PAR30"], plain["resources"]["MEM"], plain["checks"], plain["checklist"], plain):
        assert {"observed_at", "stale"} <= set(value)


def test_a_state_is_never_changed_after_it_was_made(deployment: Deployment, clock: Any) -> None:
    with pytest.raises((AttributeError, dataclasses.FrozenInstanceError)):
        read(deployment, clock).phase = "STEADY"  # type: ignore[misc]


def test_a_service_that_is_dear_to_ask_is_not_asked_at_each_read(
    deployment: Deployment, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from engine.services.protocol import ServiceStatus
    from engine.state import releases

    asked: list[str] = []

    class Dear:
        def __init__(self, name: str) -> None:
            self.name = name

        def status(self) -> ServiceStatus:
            asked.append(self.name)
            clock.advance(0.05)
            return ServiceStatus(self.name, "UNSURE", None, None)

        def sign(self) -> tuple[object, ...]:
            return ()

    monkeypatch.setattr(releases, "open_service", lambda _, name: Dear(name))
    reader = StateReader(deployment, clock)
    for _ in range(5):
        reader.read()
    assert asked == ["v1", "v2"]
    clock.advance(2)
    reader.read()
    assert asked == ["v1", "v2", "v1", "v2"]
