"""What the monitor holds of the audit trail: slots of weeks ago, and a trail that took the place of another."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any

from watching import Watching

from engine.clock import iso
from engine.config import Deployment
from engine.monitoring import answers
from engine.monitoring.facts import VALIDATIONS_KEPT, Facts, fold
from engine.monitoring.schedule import Calendar, served

CUTOVER = datetime(2026, 1, 31, 2, 0, tzinfo=UTC)


def events(*, by_hand: tuple[timedelta, ...], scheduled: bool = True) -> list[dict[str, Any]]:
    """A cutover, its 24 hourly validations, and some by hand, in order of time."""
    found = [(CUTOVER, "operation.ended", {"kind": "cutover", "state": "SUCCEEDED"})]
    said = {"status": "PASS", "release": "v2", "checks": {"performance": "PASS"}}
    if scheduled:
        found += [
            (CUTOVER + timedelta(hours=hour, seconds=5), "validation.finished", {**said, "scheduled": True})
            for hour in range(1, 25)
        ]
    found += [(CUTOVER + after, "validation.finished", {**said, "status": "WARN"}) for after in by_hand]
    found.sort(key=lambda one: one[0])
    return [{"seq": seq, "kind": kind, "at": iso(at), "data": data} for seq, (at, kind, data) in enumerate(found, 1)]


def slots_passed(deployment: Deployment, facts: Facts) -> list[str]:
    now = CUTOVER + timedelta(days=28)
    hours = Calendar(deployment.checklist, CUTOVER, 1.0, now, {"hour-24": CUTOVER + timedelta(hours=24)}).hours()
    return [done.status if (done := served(slot, facts.validations, "v2")) else "-" for slot in hours]


def test_the_first_days_slots_stand_however_often_people_validate_afterwards(deployment: Deployment) -> None:
    later = tuple(timedelta(days=2, minutes=number) for number in range(3 * VALIDATIONS_KEPT))
    facts = fold(Facts(), events(by_hand=later))
    assert slots_passed(deployment, facts) == ["PASS"] * 24
    assert len(facts.validations) < VALIDATIONS_KEPT + 24 + 30, "of those by hand no more than one an hour is added"


def test_a_slot_that_a_person_served_stands_too_and_with_the_last_word_in_it(deployment: Deployment) -> None:
    first = (timedelta(hours=3, minutes=10), timedelta(hours=3, minutes=50))
    later = tuple(timedelta(days=2, minutes=number) for number in range(2 * VALIDATIONS_KEPT))
    facts = fold(Facts(), events(by_hand=(*first, *later), scheduled=False))
    assert slots_passed(deployment, facts) == ["-", "-", "WARN", *["-"] * 21]
    assert slots_passed(deployment, fold(Facts(), events(by_hand=(*first, *later))))[2] == "WARN"


def test_what_is_kept_does_not_depend_on_how_the_trail_was_read(deployment: Deployment) -> None:
    told = events(by_hand=tuple(timedelta(minutes=7 * number) for number in range(2 * VALIDATIONS_KEPT)))
    piecewise = Facts()
    for start in range(0, len(told), 33):
        piecewise = fold(piecewise, told[start : start + 33])
    assert piecewise == fold(Facts(), told)


def replaced(watching: Watching) -> None:
    """The trail is moved away; what is written next begins another, shorter one.

    Not before the two channels have recorded that they told: their threads would begin the other one in between.
    """
    path = watching.deployment.paths.events
    until = time.monotonic() + 10
    while path.read_text().count('"kind":"notified"') < 2:
        assert time.monotonic() < until, path.read_text()
        time.sleep(0.01)
    path.rename(path.with_name("events.old"))


def test_what_people_write_into_a_trail_that_took_the_place_of_another_is_heard(watching: Watching) -> None:
    watching.stage.release = watching.stage.configured = "v2"
    watching.tick(20)
    watching.stage.restarts = (watching.clock.now().wall,) * 3
    assert [alert.taken_by for alert in watching.tick(3).alerts if alert.condition == "CRASH"] == [""]
    replaced(watching)
    answers.acknowledge(
        watching.deployment, "CRASH", reason="looking", owner="K. Lee", actor="K. Lee", clock=watching.clock
    )
    watching.validated("WARN")
    after = watching.tick(2, runs_every=0)
    assert [alert.taken_by for alert in after.alerts if alert.condition == "CRASH"] == ["K. Lee"]
    assert sum("| validation 5/5" in line for line in watching.log()) == 1, "its row is written, and once"
