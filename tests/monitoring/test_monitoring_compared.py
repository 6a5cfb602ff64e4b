"""Checklist lines that the console fills in by comparing: with hour 1, the baseline, the log and the KPIs of before."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from a_night import HOUR, Night

from engine.config import Deployment
from engine.errors import Refused
from engine.monitoring.checklist import Moment, find, items, of_facts
from engine.monitoring.deciding import facts_now
from engine.monitoring.model import ChecklistItem, Evaluation
from engine.monitoring.standing import Hour


@pytest.fixture
def night(deployment: Deployment, clock: Any) -> Any:
    found = Night(deployment, clock)
    found.begin()
    yield found
    found.monitor.stop()


def board(night: Night, evaluation: Evaluation | None = None) -> tuple[ChecklistItem, ...]:
    fields: dict[str, Any] = of_facts(facts_now(night.deployment))
    scale = float(night.deployment.console.time_scale)
    moment = Moment(**fields, now=night.clock.now().wall, evaluation=evaluation, release="v2", time_scale=scale)
    return items(night.deployment.checklist, moment)


def line(night: Night, key: str, evaluation: Evaluation) -> ChecklistItem:
    return next(item for item in board(night, evaluation) if item.key == key)


def seen(evaluation: Evaluation, **changes: Any) -> Evaluation:
    assert evaluation.standing is not None
    return msgspec.structs.replace(evaluation, standing=msgspec.structs.replace(evaluation.standing, **changes))


def test_the_log_scan_counts_what_came_since_the_slot_before(night: Night) -> None:
    evaluation = night.hours(0.6)
    found = line(night, "hour1/1800/logs", evaluation)
    assert (found.measured_ok, "no error line" in found.measured) == (True, True)
    with night.log_file.open("a") as stream:
        stream.write("ERROR the cache is away\nall is well\n")
    evaluation = night.hours(0.5)
    found = line(night, "hour1/3600/logs", evaluation)
    assert found.measured_ok is False
    assert found.measured.endswith("1 error line, newest: ERROR the cache is away")
    evaluation = night.hours(1)
    assert line(night, "watch/7200/logs", evaluation).measured_ok is True


def test_a_log_that_was_turned_over_is_read_to_its_end(night: Night) -> None:
    night.ticks(1)
    with night.log_file.open("a") as stream:
        stream.write("CRITICAL last words\n")
    night.log_file.replace(night.log_file.with_suffix(".1.log"))
    night.log_file.write_text("a new life\nTraceback (most recent call last):\n")
    standing = night.ticks(1).standing
    assert standing is not None
    assert [one.text for one in standing.log_errors] == ["CRITICAL last words", "Traceback (most recent call last):"]


@pytest.mark.parametrize(
    ("memory", "ok", "said"),
    [(104.0, True, "memory 100 -> 104 MB"), (109.0, True, "memory"), (115.0, False, "memory 115 MB in hour 5")],
)
def test_an_hour_is_compared_with_hour_one_and_small_differences_do_not_count(
    night: Night, memory: float, ok: bool, said: str
) -> None:
    first, later = Hour(1, 0.6, 100.0, 10.0), Hour(5, 0.9, memory, 13.0)
    evaluation = seen(night.hours(0.2), first=first, hours=(later,))
    night.clock.advance(5 * HOUR)
    found = line(night, "hourly/18000/compare", evaluation)
    assert (found.measured_ok, said in found.measured) == (ok, True)


def test_without_hour_one_nothing_is_compared(night: Night) -> None:
    evaluation = seen(night.hours(0.2), first=Hour(1), hours=(Hour(5, 1.0, 1.0, 1.0),))
    night.clock.advance(5 * HOUR)
    found = line(night, "hourly/18000/compare", evaluation)
    assert (found.measured_ok, "memory of hour 1 unknown" in found.measured) == (False, True)


def test_the_baseline_is_compared_and_a_much_slower_run_is_told(night: Night) -> None:
    evaluation = night.hours(0.2)
    night.clock.advance(10 * HOUR)
    found = line(night, "afternoon/36000/baseline", evaluation)
    assert (found.measured_ok, "+0 % of v1's 0.65" in found.measured) == (True, True)
    slow = night.ticks(1, latency_ms=40.0)
    found = line(night, "afternoon/36000/baseline", slow)
    assert (found.measured_ok, "+6054 % of v1's" in found.measured) == (False, True)


def test_anomalies_are_kpis_that_jumped_and_tiers_that_fired_since(night: Night) -> None:
    calm = night.ticks(1)
    kpi = msgspec.structs.replace(calm.kpis[0], value=3.0, change=0.8, change_from="last run")
    odd = msgspec.structs.replace(calm, kpis=(kpi, *calm.kpis[1:]))
    night.clock.advance(20 * HOUR)
    assert line(night, "day1/72000/anomalies", calm).measured.startswith("none at ")
    found = line(night, "day1/72000/anomalies", odd)
    assert (found.measured_ok, "PAR30 +36 % from last run" in found.measured) == (False, True)


def test_a_rollback_closes_the_list_and_says_why(night: Night) -> None:
    night.go("hour-8")
    evaluation = night.hours(0.6)
    night.start("v1")
    for kind, data in (
        ("operation.accepted", {"reason": "latency"}),
        ("operation.ended", {"kind": "rollback", "state": "SUCCEEDED", "seconds": 2.0}),
    ):
        _of_operation(night, kind, data)
    night.clock.advance(60)
    found = line(night, "hour1/1800/logs", evaluation)
    assert found.state == "closed"
    assert found.note.startswith("closed: rolled back 31 Jan ")
    assert found.note.endswith("operation 0002-rollback, latency")


def test_a_closed_list_holds_what_was_due_and_no_slot_that_a_passed_gate_would_have_kept(night: Night) -> None:
    night.ticks(1)
    night.go("hour-1")
    night.clock.advance(8 * HOUR)
    night.go("hour-8")
    night.clock.advance(2 * HOUR)
    night.roll_back()
    night.clock.advance(20 * HOUR)
    closed = {item.slot for item in board(night) if item.state == "closed"}
    assert {"T+8", "T+10"} <= closed
    assert not closed & {"T+8:30", "T+9", "T+12"}
    with pytest.raises(Refused, match="T\\+8 nulls and duplicates is closed: rolled back"):
        find(board(night), "hourly/28800/integrity")


def _of_operation(night: Night, kind: str, data: dict[str, Any]) -> None:
    from engine.records import append_event

    append_event(night.deployment.paths.events, kind, data, source="t", operation="0002-rollback", clock=night.clock)
