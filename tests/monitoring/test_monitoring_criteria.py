"""Criteria of the later gates, judged on what a test wrote down: no monitor, no clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from engine.config import Deployment
from engine.monitoring import facts
from engine.monitoring.criteria import judged, words
from engine.monitoring.evidence import Asked, Evidence
from engine.monitoring.facts import Validation
from engine.monitoring.schedule import DAY, Calendar
from engine.monitoring.standing import Happened, Hour, Standing

SINCE = datetime(2026, 1, 1, 2, 0, tzinfo=UTC)
NAMES = ("kpi_calculations", "data_integrity", "performance", "error_handling", "audit_trail")
CHECKS = dict.fromkeys(NAMES, "PASS")


@pytest.fixture
def month(deployment: Deployment) -> Evidence:
    """Twenty-eight clean days, every gate before passed."""
    now = SINCE + timedelta(days=28, minutes=5)
    gone = {gate: SINCE + timedelta(hours=hours) for gate, hours in (("hour-8", 8), ("hour-24", 24), ("day-7", 168))}
    calendar = Calendar(deployment.checklist, SINCE, 1.0, now, gone)
    done = tuple(
        Validation(slot.at + timedelta(seconds=20), "PASS", "v2", CHECKS, True) for slot in calendar.validations()
    )
    standing = Standing(since=SINCE, at=now, first=Hour(1, 0.6, 100.0, 5.0), hours=(Hour(671, 0.7, 104.0, 6.0),))
    return Evidence(
        calendar=calendar,
        release="v2",
        build="b1",
        conditions={},
        kpis=(),
        validations=done,
        standing=standing,
        tested=None,
        open_lines=lambda after, to: [],
        monitoring=deployment.monitoring,
    )


def at(evidence: Evidence, gate: str) -> Asked:
    points = sorted(evidence.calendar.config.decisions, key=lambda point: point.at)
    number = next(n for n, point in enumerate(points) if point.id == gate)
    before = points[number - 1].at if number else 0.0
    return Asked(points[number], evidence.calendar.at(points[number].at), before)


def status(evidence: Evidence, name: str, gate: str = "day-28") -> tuple[str, str]:
    found = judged(name, evidence, at(evidence, gate))
    return found.status, found.evidence


def changed(evidence: Evidence, **changes: Any) -> Evidence:
    return replace(evidence, standing=msgspec.structs.replace(evidence.standing, **changes))


def test_a_clean_month_is_stable(month: Evidence) -> None:
    assert status(month, "stable")[0] == "met"


@pytest.mark.parametrize("day", [3, 20])
def test_a_critical_tier_before_day_seven_does_not_count_again(month: Evidence, day: int) -> None:
    then = SINCE + timedelta(days=day)
    seen = changed(month, criticals=(Happened(then, "ERR 7 %"),), critical_count=1)
    assert status(seen, "stable")[0] == ("met" if day < 7 else "not met")
    assert status(seen, "no_critical_event")[0] == "not met"


def test_a_daily_validation_that_is_missing_or_failed_is_not_stable(month: Evidence) -> None:
    lost = tuple(v for v in month.validations if v.at.date() != (SINCE + timedelta(days=12)).date())
    assert "day 12 MISSED" in status(replace(month, validations=lost), "stable")[1]
    worse = tuple(
        msgspec.structs.replace(v, status="WARN") if v.at > SINCE + timedelta(days=27, hours=12) else v
        for v in month.validations
    )
    found = status(replace(month, validations=worse), "stable")
    assert (found[0], "day 28 WARN" in found[1]) == ("not met", True)


def test_the_newest_daily_validation_is_awaited_and_not_taken_for_passed(month: Evidence) -> None:
    without = month.validations[:-1]
    assert status(replace(month, validations=without), "stable")[0] == "unknown"


def test_memory_away_from_hour_one_is_not_stable_and_unmeasured_is_unknown(month: Evidence) -> None:
    assert status(changed(month, hours=(Hour(671, 0.7, 130.0, 6.0),)), "stable")[0] == "not met"
    assert status(changed(month, hours=(Hour(671, 0.7, None, 6.0),)), "stable")[0] == "unknown"
    assert status(changed(month, hours=(Hour(671, 0.7, 130.0, 6.0),)), "memory_within_10_percent")[0] == "not met"


def test_a_critical_tier_counts_though_the_clock_was_set_back_before_the_cutover_since(month: Evidence) -> None:
    then = SINCE - timedelta(hours=1)
    seen = changed(month, criticals=(Happened(then, "ERR 7 %"),), critical_count=1)
    assert status(seen, "no_critical_event")[0] == "not met"


def test_nobody_watching_for_long_leaves_criticals_unknown(month: Evidence) -> None:
    assert status(changed(month, longest_unwatched=599.0), "no_critical_event")[0] == "met"
    assert status(changed(month, longest_unwatched=3600.0), "no_critical_event")[0] == "unknown"


@pytest.mark.parametrize(
    ("hours_before", "build", "ok", "wanted"),
    [
        (0.2, "b1", True, "met"),
        (0.2, "b1", False, "not met"),
        (0.2, "b2", True, "unknown"),
        (30, "b1", True, "unknown"),
    ],
)
def test_tests_count_when_they_ran_for_this_gate_on_this_build(
    month: Evidence, hours_before: float, build: str, ok: bool, wanted: str
) -> None:
    when = at(month, "day-28").due - timedelta(hours=hours_before)
    tested = facts.Tested(when, "v2", build, ok, "1 failed")
    assert status(replace(month, tested=tested), "tests_pass")[0] == wanted


def test_lines_that_wait_stop_day_seven(month: Evidence) -> None:
    assert status(month, "checklist_done", "day-7")[0] == "met"
    seen: list[tuple[float, float]] = []

    def waiting(after: float, to: float) -> list[str]:
        seen.append((after, to))
        return ["week1/100800/cpu"]

    found = status(replace(month, open_lines=waiting), "checklist_done", "day-7")
    assert (found[0], "week1/100800/cpu" in found[1]) == ("not met", True)
    assert seen == [(DAY, 7 * DAY)]


def test_names_are_read_as_people_say_them() -> None:
    assert words("errors_below_0_1") == "errors below 0.1"
    assert words("hourly_24_of_24") == "hourly 24 of 24"


@pytest.mark.parametrize(("seconds", "wanted"), [(-60, "met"), (5, "unknown"), (40, "met")])
def test_an_hour_whose_validation_still_runs_is_unknown_once_the_gate_is_due(
    month: Evidence, seconds: float, wanted: str
) -> None:
    now = SINCE + timedelta(hours=8, seconds=seconds)
    done = tuple(v for v in month.validations if v.at <= now)
    seen = replace(month, validations=done, calendar=replace(month.calendar, now=now, gone={}))
    assert status(seen, "hourly_8_of_8", "hour-8")[0] == wanted


def test_medians_of_less_than_all_hours_are_met_so_far_and_unknown_at_the_gate(month: Evidence) -> None:
    hours = tuple(Hour(number, 0.6, 100.0, 5.0) for number in range(2, 8))
    early = replace(month, calendar=replace(month.calendar, now=SINCE + timedelta(hours=7.5)))
    assert status(changed(early, hours=hours), "medians_within_5_percent_of_hour_1", "hour-8")[0] == "met"
    due = replace(month, calendar=replace(month.calendar, now=SINCE + timedelta(hours=8.1)))
    assert status(changed(due, hours=hours), "medians_within_5_percent_of_hour_1", "hour-8")[0] == "unknown"
