"""The past, as it was: nothing later than the moment, nothing of now, and a gap is told as a gap."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from test_state_reader import evaluation

from engine.clock import Instant, iso, parse_iso
from engine.config import Deployment, load_deployment
from engine.config.templates import write_config
from engine.errors import Refused
from engine.monitoring.model import Alert, Criterion, Gate, ResourceReading, Verdict
from engine.monitoring.shadow import Shadow
from engine.monitoring.store import Measured, SampleStore
from engine.operations.journal import Journal
from engine.records import append_event, append_line, write_file
from engine.state import State, StateReader
from engine.state.exported import as_json
from engine.state.playback import Playback, moment_of
from engine.state.replayed import ReplayReader

AHEAD = {"due_at", "ends_at", "next_at"}
"""What was planned then lies ahead of the moment; everything else was seen."""
MINUTE = timedelta(minutes=1)


class Past:
    """Two hours of records, a minute apart, with a gap of twenty minutes and a cutover between."""

    def __init__(self, deployment: Deployment, clock: Any) -> None:
        self.deployment, self.clock = deployment, clock
        self.begin: datetime = clock.wall
        self.store = SampleStore(deployment.paths.samples)
        for minute in range(120):
            self._minute(minute)
            clock.advance(60.0)
        self.end: datetime = clock.wall
        self.store.close()
        self.reader = ReplayReader(deployment, lambda: self.end)

    def _minute(self, minute: int) -> None:
        if minute == 10:
            self.event("watch.taken", holder="A. Moreno")
        if minute == 30:
            self._cutover()
        if minute in (45, 100):
            self._shadow()
        if 60 <= minute < 80:
            return
        if minute in (40, 100):
            self.event(
                "validation.finished", status="PASS" if minute == 40 else "FAIL", release="v2", checks={"a": "PASS"}
            )
        self.event("run.finished", run_id=f"{minute}", release="v2", build="c0ffee00", status="ok")
        word = "ROLL BACK" if 50 <= minute < 60 else "CONTINUE"
        values = evaluation(self.clock)
        self.store.append([], msgspec.structs.replace(values, verdict=Verdict(word, "why", "", ""), release="v2"))
        self._row(minute)

    def event(self, kind: str, /, **data: Any) -> None:
        append_event(self.deployment.paths.events, kind, data, source="test", actor="a.moreno@ops1", clock=self.clock)

    def _cutover(self) -> None:
        directory = self.deployment.paths.operation("0001-cutover")
        directory.mkdir(parents=True)
        journal = Journal(directory, self.clock)
        steps = [{"name": "one", "title": "one", "phase": "1"}, {"name": "two", "title": "two", "phase": "2"}]
        journal.write("planned", operation_kind="cutover", release_from="v1", release_to="v2", steps=steps)
        journal.write("worker", pid=1, start_time=1, boot_id="another boot")
        journal.write("accepted")
        for step in ("one", "two"):
            journal.write("intent", step=step, title=step)
            self.clock.advance(10.0)
            journal.write("done", step=step, title=step, seconds=10.0)
        journal.write("state", state="SUCCEEDED")
        journal.write("ended", state="SUCCEEDED")
        self.event("operation.ended", kind="cutover", state="SUCCEEDED")

    def _shadow(self) -> None:
        now = self.clock.wall
        found = Shadow(now, "v1", "b", "s", None, None, {"PAR30": float(now.minute)}, {}, {}, 0.1, "")
        append_line(self.deployment.paths.shadow, msgspec.to_builtins(found))

    def _row(self, minute: int) -> None:
        path = self.deployment.paths.monitoring_log
        before = path.read_text() if path.exists() else f"{self.clock.wall:%Y-%m-%d}\n"
        path.write_text(
            f"{before}{self.clock.wall:%H:%M}      | 0.65 | 0% | 105 | 25% | PASS | {iso(self.clock.wall)}\n"
        )

    def at(self, minutes: float) -> State:
        return self.reader.at(self.begin + timedelta(minutes=minutes))


class HandClock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.wall, self.boot = datetime(2026, 1, 31, 2, 0, tzinfo=UTC), 1000.0

    def now(self) -> Instant:
        return Instant(self.wall, self.boot)

    def advance(self, seconds: float) -> None:
        self.wall, self.boot = self.wall + timedelta(seconds=seconds), self.boot + seconds


@pytest.fixture(scope="module")
def past(tmp_path_factory: pytest.TempPathFactory) -> Past:
    root = tmp_path_factory.mktemp("past") / "deployment"
    write_config(root, demo=True)
    return Past(load_deployment(root), HandClock())


def times(value: Any, name: str = "") -> list[datetime]:
    """Every time that stands in a state, but for what was only planned then."""
    if isinstance(value, dict):
        return [found for key, inner in value.items() for found in times(inner, str(key))]
    if isinstance(value, list | tuple):
        return [found for inner in value for found in times(inner, name)]
    if isinstance(value, str) and name not in AHEAD and len(value) >= 20 and value[4:5] == "-" and "T" in value:
        return [datetime.fromisoformat(value)]
    return []


def test_nothing_in_a_state_is_later_than_its_moment(past: Past) -> None:
    for tenths in range(-5, 1220, 7):
        state = past.at(tenths / 10)
        found = times(msgspec.to_builtins(as_json(state)))
        assert found and max(found) <= state.at, (state.at, max(found))
        written = [parse_iso(row.rpartition(" ")[2]) for row in state.log if "| PASS |" in row]
        assert all(at <= state.at for at in written)
        clocks = [line[:8] for line in state.events]
        assert all(text <= f"{state.at:%H:%M:%S}" for text in clocks)


def test_going_back_shows_what_was_shown_before(past: Past) -> None:
    forth = [past.at(minute) for minute in range(0, 120, 5)]
    assert [past.at(minute) for minute in reversed(range(0, 120, 5))] == list(reversed(forth))
    fresh = ReplayReader(past.deployment, lambda: past.end)
    assert fresh.at(past.begin + 50 * MINUTE) == past.at(50)


def test_the_verdict_is_the_one_that_stood_then(past: Past) -> None:
    assert [past.at(minute).verdict.word for minute in (45, 51, 81)] == ["CONTINUE", "ROLL BACK", "CONTINUE"]
    assert past.at(51).release == "v2" and past.at(51).releases[1].build == "c0ffee"


def test_a_stretch_without_records_is_a_gap_and_says_since_when(past: Past) -> None:
    state = past.at(70)
    assert state.verdict.word == "UNKNOWN"
    assert state.verdict.why == "no fresh sample for 10m: the monitor does not get on; it was ROLL BACK"
    assert state.release == "v2" and state.monitor.stale  # nothing tells that it ended
    assert all(kpi.stale for kpi in state.kpis)
    assert "no fresh sample" not in past.at(81).verdict.why
    before = past.reader.at(past.begin - MINUTE)
    assert before.verdict.why == "nothing was recorded before this moment"


def test_single_samples_tell_when_the_monitor_fell_silent(past: Past) -> None:
    last = past.end - MINUTE  # when the last evaluation was kept
    store = SampleStore(past.deployment.paths.samples)
    for second in range(11):
        at = Instant(last + timedelta(seconds=second), 9000.0 + second)
        store.append([Measured("sources_without_data", 0.0, at, "e"), Measured("memory_mb", 200.0 + second, at, "e")])
    store.close()
    for second in (5, 10):
        seen = past.reader.at(last + timedelta(seconds=second + 0.5))
        assert seen.verdict.word == "CONTINUE"
        assert (seen.resources[0].text, seen.resources[0].value) == (f"{200 + second} MB", 200.0 + second)
    assert past.reader.at(last + timedelta(seconds=20)).verdict.word == "UNKNOWN"


def test_an_operation_is_shown_as_far_as_it_had_come(past: Past) -> None:
    running = past.at(30 + 15 / 60).operation
    assert running is not None and running.state == "RUNNING" and running.alive
    assert [step.state for step in running.steps] == ["done", "running"]
    assert past.at(30 + 15 / 60).phase == "CUTOVER"
    after = past.at(35)
    assert after.operation is None and after.last_operation is not None and after.last_operation.state == "SUCCEEDED"
    assert past.at(29).last_operation is None and past.at(29).cutover_at is None


def test_who_watched_and_what_was_validated_are_of_then(past: Past) -> None:
    assert past.at(9).watch.holder is None and past.at(11).watch.holder == "A. Moreno"
    assert [past.at(minute).checks.status for minute in (39, 45, 110)] == ["NOT RUN", "PASS", "FAIL"]


def test_the_shadow_run_is_the_newest_of_then(past: Past) -> None:
    assert past.at(44).shadow is None
    seen = [past.at(minute).shadow for minute in (46, 101)]
    assert [view.values["PAR30"] for view in seen if view is not None] == [45.0, 40.0]
    assert not [view for view in seen if view is None or view.current]


def test_what_is_of_now_is_not_shown_as_of_then(past: Past) -> None:
    write_file(past.deployment.paths.validation_report, b"{}")
    state = past.at(45)
    assert state.holder is None and state.watchers == ()
    assert {view.pid for view in state.releases} == {None}
    assert not [item for item in state.checklist.items if "disk" in item.measured]
    assert state.problems == ()


def test_a_drill_stands_until_it_was_ended(deployment: Deployment, clock: Any) -> None:
    begun = clock.wall
    data = {"drill": "latency", "release": "v2", "until": iso(begun + 2 * MINUTE), "expected": "INVESTIGATE"}
    append_event(deployment.paths.events, "drill.started", data, source="drill", actor="me", clock=clock)
    live = StateReader(deployment, clock).read().drill
    assert live is not None and live.ends_at == begun + 2 * MINUTE
    clock.advance(60)
    append_event(deployment.paths.events, "drill.ended", data, source="drill", actor="me", clock=clock)
    reader = ReplayReader(deployment, lambda: begun)
    drill = reader.at(begun + timedelta(seconds=30)).drill
    assert drill is not None and drill.drill == "latency"
    assert reader.at(begun + timedelta(seconds=61)).drill is None


def test_the_next_event_is_another_verdict_or_what_somebody_did(past: Past) -> None:
    def after(minute: float, later: bool = True) -> float:
        found = past.reader.next_event(past.begin + timedelta(minutes=minute), later=later)
        assert found is not None
        return round((found - past.begin).total_seconds() / 60)

    assert after(1) == 10 and after(11) == 30
    assert after(41) == 50 and after(51) == 80
    assert after(59.5, later=False) == 50


def test_the_playback_pauses_seeks_and_stops_at_its_end(clock: Any) -> None:
    begin = clock.wall
    passed = [0.0]
    playback = Playback(begin, begin + timedelta(hours=1), speed=10.0, ticking=lambda: passed[0])
    passed[0] = 6.0
    assert playback.moment() == begin + MINUTE
    playback.toggle()
    passed[0] = 60.0
    assert playback.paused and playback.moment() == begin + MINUTE
    playback.toggle()
    playback.faster(1)
    passed[0] = 61.0
    assert playback.speed == 30.0 and playback.moment() == begin + timedelta(seconds=90)
    playback.seek(-7200)
    assert playback.moment() == begin
    playback.seek(7200)
    assert playback.moment() == playback.end and playback.paused


@pytest.mark.parametrize(
    ("text", "hours"),
    [
        ("T+7h", 7.0),
        ("T+7:30", 7.5),
        ("T+7h30", 7.5),
        ("T+7h30m", 7.5),
        ("-1h30", -1.5),
        ("-8h", -8.0),
        ("-90m", -1.5),
        ("2026-01-31T03:00Z", 1.0),
    ],
)
def test_a_moment_is_named_as_people_name_it(clock: Any, text: str, hours: float) -> None:
    assert moment_of(text, now=clock.wall, cutover_at=clock.wall, scale=1.0) == clock.wall + timedelta(hours=hours)


def test_watch_time_is_counted_as_the_rehearsal_counts_it(clock: Any) -> None:
    found = moment_of("T+5h50", now=clock.wall, cutover_at=clock.wall, scale=60.0)
    assert found == clock.wall + timedelta(minutes=5, seconds=50)


@pytest.mark.parametrize("text", ["yesterday", "T+", "-", "T+7x", "8h", "T+5h75"])
def test_what_is_no_moment_is_refused_with_the_forms(clock: Any, text: str) -> None:
    with pytest.raises(Refused, match="is no moment"):
        moment_of(text, now=clock.wall, cutover_at=clock.wall, scale=1.0)


def test_a_moment_after_a_cutover_needs_one(clock: Any) -> None:
    with pytest.raises(Refused, match="no cutover is recorded"):
        moment_of("T+1h", now=clock.wall, cutover_at=None, scale=1.0)


def test_gates_alerts_notes_and_what_nothing_judges_are_of_the_moment(deployment: Deployment, clock: Any) -> None:
    def event(kind: str, /, **data: Any) -> None:
        append_event(deployment.paths.events, kind, data, source="test", actor="a.moreno@ops1", clock=clock)

    store, begun = SampleStore(deployment.paths.samples), clock.wall
    event("operation.ended", kind="cutover", state="SUCCEEDED")
    point = deployment.checklist.decisions[0]
    judged = tuple(Criterion(name, name, "met", "as it was", begun) for name in point.go_if)
    threads = ResourceReading("THREADS", "threads", 12.0, "12", None, (), "ok", "not judged", None, begun, False)
    since, clock.wall = clock.wall, clock.wall + timedelta(seconds=float(point.at) + 60)
    for _ in range(4):
        gate = Gate(point.id, point.title, since, (), (), judged, "due")
        alerts = (Alert("MEM", "C", "MEM 520 MB", since, id="MEM-1", tier="critical"),)
        made = msgspec.structs.replace(
            evaluation(clock), gates=(gate,), alerts=alerts, unjudged=(threads,), release="v2"
        )
        store.append([], made)
        clock.advance(60)
    store.close()
    clock.wall -= timedelta(seconds=150)
    event("watch.taken", holder="K. Lee")
    event("note", text="memory grows")
    event("ack", condition="MEM", owner="K. Lee", reason="on it")
    event("gate.decided", gate=point.id, decision="no-go", by="K. Lee")
    moment = clock.wall
    clock.advance(30)
    event("ack", condition="MEM", owner="A. Moreno", reason="mine now")
    event("gate.decided", gate=point.id, decision="go", by="A. Moreno")
    event("note", text="later")
    reader = ReplayReader(deployment, lambda: moment)

    def shown(at: datetime) -> tuple[Any, ...]:
        state = reader.at(at)
        (alert,) = state.alerts
        own = next(gate for gate in state.gates if gate.id == point.id)
        return alert.acknowledged_by, own.decision, own.by, len(state.hand_over.notes), state.unjudged[0].text

    assert shown(moment - timedelta(seconds=1)) == (None, "", "", 0, "12")
    assert shown(moment + timedelta(seconds=1)) == ("K. Lee", "no-go", "K. Lee", 1, "12")
    assert shown(moment + timedelta(seconds=31)) == ("A. Moreno", "go", "A. Moreno", 2, "12")


@pytest.mark.parametrize("anew", [False, True])
def test_where_the_samples_were_lost_the_replay_says_so_and_shows_what_trail_and_log_have(
    deployment: Deployment, anew: bool
) -> None:
    past = Past(deployment, HandClock())
    past.store.close()
    for name in ("", "-wal", "-shm"):
        deployment.paths.samples.with_name(deployment.paths.samples.name + name).unlink(missing_ok=True)
    if anew:
        past.clock.advance(3600)
        past.store.append([], evaluation(past.clock))
    state = past.at(30)
    assert "the samples of this moment are gone from samples.db" in state.verdict.why
    assert state.log
    assert "nothing was recorded before this moment" in past.at(-600).verdict.why or not anew
