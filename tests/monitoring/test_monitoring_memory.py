"""Records that say what cannot be, and a memory that cannot be read: both are named, and nothing is good for them."""

from __future__ import annotations

import json
import math
import sqlite3
from typing import Any

import msgspec
import pytest
from a_night import Night, criterion
from watching import Watching, condition

from engine.monitoring import checkpoint, model
from engine.monitoring.finite import NotFinite
from engine.monitoring.reading import Missing, Value, sound
from engine.monitoring.runs import parse_run
from engine.state.reader import StateReader

GOOD = {
    "run_id": "abcdef0123",
    "release": "v2",
    "started": "2026-01-31T02:00:00.000000Z",
    "ended": "2026-01-31T02:00:01.000000Z",
    "rows": 1000,
    "errors": 3,
    "latency_ms": 0.65,
}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"errors": -1000000}, "errors in 1000 rows"),
        ({"errors": 1001}, "1001 errors in 1000 rows"),
        ({"rows": -1, "errors": 0}, "-1 rows"),
        ({"rows": 10**300}, "1e\\+300 rows"),
        ({"latency_ms": -5}, "a latency of -5 ms"),
        ({"latency_ms": 1e308, "rows": 1, "errors": 0}, "a latency of 1e\\+308 ms"),
        ({"latency_ms": 1e-300}, "a latency of 1e-300 ms"),
        ({"started": "2026-01-31T02:00:02.000000Z"}, "ended before it started"),
        ({"started": "1970-01-01T00:00:00.000000Z"}, "it took 20484 days"),
        ({"ended": "2026-01-31T02:00:01.000000"}, "no time zone"),
    ],
)
def test_a_run_record_that_says_what_no_run_can_have_done_is_damaged(changes: dict[str, Any], said: str) -> None:
    assert parse_run(GOOD).errors == 3
    with pytest.raises(ValueError, match=f"abcdef01 is damaged: .*{said}"):
        parse_run({**GOOD, **changes})


def test_negative_errors_hide_no_real_ones(watching: Watching) -> None:
    watching.cut_over()
    watching.tick(6, errors=500)
    watching.run(errors=-1_000_000)
    watching.tick(6, errors=500)
    after = watching.tick(1, runs_every=0)
    assert condition(after, "ERR").firing == "critical"
    assert any("errors in 1000 rows" in problem for problem in after.problems)


def test_while_the_newest_record_is_damaged_the_error_rate_is_missing_and_not_good(watching: Watching) -> None:
    watching.cut_over()
    watching.tick(6)
    watching.run(errors=-1)
    after = watching.tick(1, runs_every=0)
    assert (condition(after, "ERR").level, after.verdict.word) == ("missing", "UNKNOWN")
    assert "damaged" in condition(after, "ERR").reason
    assert condition(watching.tick(1), "ERR").level == "ok"


def test_no_gate_takes_damaged_records_for_good_ones(clock: Any, deployment: Any) -> None:
    night = Night(deployment, clock)
    night.begin()
    night.hours(0.5)
    assert criterion(night.ticks(1), "errors_below_0_1").status == "met"
    night.run(errors=-1)
    found = criterion(night.ticks(1), "errors_below_0_1")
    assert (found.status, "1 run record is damaged" in found.evidence) == ("unknown", True)
    assert criterion(night.ticks(1, restarts=True), "errors_below_0_1").status == "unknown", "a restart knows it still"
    night.monitor.stop()


def test_what_is_no_number_enters_no_sample() -> None:
    at = GOOD["started"]
    good = Value(1.0, at, 1.0, "")  # type: ignore[arg-type]
    assert sound((msgspec.structs.replace(good, value=math.inf), good)) == (good,)
    assert isinstance(sound((msgspec.structs.replace(good, value=math.nan),)), Missing)


def test_no_writer_of_the_watch_writes_null_for_what_is_no_number(watching: Watching) -> None:
    evaluation = watching.tick(3)
    trend = msgspec.structs.replace(evaluation.resources[0], trend=(1.0, math.inf))
    with pytest.raises(NotFinite, match=r"evaluation.resources\[0\].trend\[1\] is no number"):
        model.encode(msgspec.structs.replace(evaluation, resources=(trend,)))
    with pytest.raises(NotFinite, match=r"watch\.boot"):
        checkpoint.encode(checkpoint.Watch(boot=math.nan), "watch")


def test_a_judgement_with_what_is_no_number_says_so_and_nothing_else(watching: Watching) -> None:
    evaluation = watching.tick(3)
    notebook = watching.monitor._notebook
    trend = msgspec.structs.replace(evaluation.resources[0], trend=(math.nan,))
    said = notebook.write([], msgspec.structs.replace(evaluation, resources=(trend,)), {}, watching.clock.now())
    assert said == ["evaluation.resources[0].trend[0] is no number: this tick's judgement is not kept"]
    kept = watching.monitor._store.newest_evaluation()
    assert kept is not None
    assert (kept.verdict.word, kept.conditions) == ("UNKNOWN", ())


def spoil(watching: Watching, table: str, where: str, old: bytes | None = None, new: bytes = b"") -> None:
    """What was written down becomes something else; all of it without ``old``."""
    watching.monitor.stop()
    column = "evaluation" if table == "newest" else "data"
    with sqlite3.connect(watching.deployment.paths.samples) as connection:
        (data,) = connection.execute(f"SELECT {column} FROM {table} WHERE {where}").fetchone()
        assert old is None or old in data
        changed = new if old is None else data.replace(old, new)
        connection.execute(f"UPDATE {table} SET {column} = ? WHERE {where}", (changed,))
    connection.close()


def test_a_console_names_a_state_that_it_cannot_understand(watching: Watching) -> None:
    watching.tick(3)
    spoil(watching, "newest", "id = 0", b'"trend":[', b'"trend":[null,')
    state = StateReader(watching.deployment, watching.clock).read()
    assert state.verdict.word == "UNKNOWN"
    assert "cannot be understood" in state.verdict.why
    assert any("cannot be understood" in problem for problem in state.problems)


def firing_night(deployment: Any, clock: Any) -> Night:
    """Two hours of a watch; then the errors are critical, and their row is written."""
    night = Night(deployment, clock)
    night.begin()
    night.hours(2)
    assert night.ticks(2, errors=900).verdict.word == "INVESTIGATE"
    return night


@pytest.mark.parametrize("all_of_it", [False, True])
def test_a_memory_that_cannot_be_read_is_named_kept_aside_and_known_again_from_the_records(
    deployment: Any, clock: Any, all_of_it: bool
) -> None:
    night = firing_night(deployment, clock)
    before, rows = night.deployment.paths.samples, night.log()
    part = (b'"ERR":{"release":"v2","newest":{"value":', b'"ERR":{"release":"v2","newest":{"value":null,"was":')
    spoil(night, "checkpoints", "name = 'watch'", *((None, b"\xff{") if all_of_it else part))
    night.monitor = night._new()
    after = night.ticks(1, runs=False)
    assert after.verdict.word == "INVESTIGATE", "what fired fires on"
    after = night.ticks(1, runs=False)
    lost = "all of it" if all_of_it else "lost: conditions.ERR"
    assert any("checkpoint watch cannot be understood" in said and lost in said for said in after.problems)
    assert not [row for row in night.log()[len(rows) :] if "MISSED" in row], "rows that are there are not missed"
    with sqlite3.connect(before) as connection:
        names = [name for (name,) in connection.execute("SELECT name FROM checkpoints")]
    connection.close()
    assert [name.startswith("watch.undecodable-") for name in names].count(True) == 1
    events = [json.loads(line) for line in night.deployment.paths.events.read_text().splitlines()]
    assert [event["data"]["lost"].keys() for event in events if event["kind"] == "monitor.memory_lost"] == [{"watch"}]
    night.monitor.stop()


@pytest.mark.parametrize("part", ["trail", "book", "standing", "output"])
def test_whatever_part_of_the_memory_cannot_be_read_nothing_is_told_twice_and_nothing_fired_is_forgotten(
    deployment: Any, clock: Any, part: str
) -> None:
    night = firing_night(deployment, clock)
    night.ticks(1, errors=900)
    cutover_at, rows = night.ticks(1, errors=900).cutover_at, night.log()
    spoil(night, "checkpoints", f"name = '{part}'", None, b"{")
    night.monitor = night._new()
    night.ticks(1, errors=900)
    after = night.ticks(1, errors=900)
    assert (after.verdict.word, after.cutover_at) == ("ROLL BACK", cutover_at), "the errors have held by now"
    assert any(f"checkpoint {part} cannot be understood" in said for said in after.problems)
    assert not [row for row in night.log()[len(rows) :] if "MISSED" in row or "validation 5/5" in row]
    events = [json.loads(line) for line in night.deployment.paths.events.read_text().splitlines()]
    assert [event["data"]["lost"] for event in events if event["kind"] == "monitor.memory_lost"] == [
        {part: ["all of it"]}
    ]
    night.monitor.stop()


def test_without_its_database_no_slot_that_has_its_row_is_said_to_be_missed(deployment: Any, clock: Any) -> None:
    night = Night(deployment, clock)
    night.begin()
    night.hours(2.5)
    rows = night.log()
    night.monitor.stop()
    for path in night.deployment.paths.logs.glob("samples.db*"):
        path.unlink()
    night.monitor = night._new()
    after = night.ticks(3)
    assert not [row for row in night.log()[len(rows) :] if "MISSED" in row]
    assert any("what the monitor remembered is gone" in said for said in after.problems)
    night.monitor.stop()


def test_a_run_record_with_an_absurd_latency_blinds_nobody(watching: Watching) -> None:
    watching.cut_over()
    watching.tick(6)
    watching.run(latency_ms=1e308, rows=1)
    watching.tick(3, runs_every=0)
    assert "monitor has measured nothing" not in StateReader(watching.deployment, watching.clock).read().verdict.why
    watching.restart()
    assert not any("cannot be understood" in said for said in watching.tick(2).problems)


def test_when_half_of_the_runs_fail_the_errors_are_critical_and_no_gate_calls_them_few(watching: Watching) -> None:
    watching.cut_over()
    watching.tick(4, runs_every=1)
    for _ in range(4):
        watching.tick(1)
        after = watching.tick(1, status="failed", rows=0, errors=0, latency_ms=None)
    assert (condition(after, "ERR").firing, after.verdict.word) == ("critical", "INVESTIGATE")
    found = criterion(watching.tick(1), "errors_below_0_1")
    assert (found.status, "4 runs failed: all rows in error" in found.evidence) == ("not met", True)
    assert condition(watching.tick(310), "ERR").firing == "", "what failed leaves the window of 5 min"


def test_one_run_of_many_that_fails_is_a_warning(watching: Watching) -> None:
    watching.cut_over()
    watching.tick(30, runs_every=1)
    watching.run(status="failed", rows=0, errors=0, latency_ms=None)
    after = watching.tick(1)
    assert (condition(after, "ERR").firing, after.verdict.word) == ("warning", "WATCH")
