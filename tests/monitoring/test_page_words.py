"""What is told when an alert is over, goes up, or a rollback was performed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from watching import Watching

from engine.clock import Instant
from engine.monitoring import page_words
from engine.monitoring.alerts import Book, Firing
from engine.monitoring.escalation import Rules, advance
from engine.monitoring.facts import Facts

START = datetime(2026, 1, 31, 9, tzinfo=UTC)
HEAVY = Firing("MEM", "critical", "critical fires: memory 543 MB, above 500 for 10m")


def at(seconds: float) -> Instant:
    return Instant(START + timedelta(seconds=seconds), 1000.0 + seconds)


def texts(book: Book) -> list[str]:
    return [f"{one.head or one.kind}: {one.text}" for one in book.outbox]


@pytest.fixture
def rules(watching: Watching) -> Rules:
    return Rules.of(watching.deployment.monitoring, 1.0, ("v1", "v2"))


def test_what_is_over_says_the_value_now_the_limit_and_how_long_it_lasted(rules: Rules) -> None:
    book = advance(Book(seq=0), [HEAVY], [], at(0), rules, paging=True)
    besides = page_words.Besides(over={"MEM": "memory 63 MB now, limit 500 MB"})
    book = advance(book, [], [], at(26), rules, paging=True, besides=besides)
    assert texts(book)[-1] == "cleared: over after 26 s: memory 63 MB now, limit 500 MB"


def test_the_value_now_and_the_limit_of_the_heaviest_tier_are_measured(watching: Watching) -> None:
    evaluation = watching.tick(3)
    book = advance(Book(seq=0), [HEAVY], [], at(0), Rules.of(watching.deployment.monitoring, 1.0), paging=True)
    said = page_words.besides_of(watching.deployment, evaluation.conditions, book.alerts, Facts(), at(5)).over["MEM"]
    assert said.startswith("memory ")
    assert said.endswith(" MB now, limit 500 MB")
    assert "fires" not in said


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({"cutover_at": -60, "rolled_back_at": 20}, "ends with v2: rolled back, after 26 s"),
        ({"cutover_at": 20, "rolled_back_at": -60}, "ends with v1: v2 took over, after 26 s"),
        ({"cutover_at": -60}, "over after 26 s: validation not validated since v1 started"),
    ],
)
def test_an_alert_whose_value_went_with_its_release_says_so(
    watching: Watching, rules: Rules, facts: dict[str, int], said: str
) -> None:
    evaluation = watching.tick(3)
    switched = Facts(**{name: START + timedelta(seconds=seconds) for name, seconds in facts.items()})
    firing = Firing("VAL", "critical", "critical fires: validation FAIL")
    book = advance(Book(seq=0), [firing], [], at(0), rules, paging=True)
    readings = tuple(
        msgspec.structs.replace(one, value=None, reason="not validated since v1 started") if one.id == "VAL" else one
        for one in evaluation.conditions
    )
    besides = page_words.besides_of(watching.deployment, readings, book.alerts, switched, at(26))
    book = advance(book, [], [], at(26), rules, paging=True, besides=besides)
    assert texts(book)[-1] == f"cleared: {said}"


def test_values_that_came_back_are_told_as_such(watching: Watching) -> None:
    watching.tick(3)
    evaluation = watching.tick(3)
    silent = Firing("NODATA", "unknown", "warning fires: no fresh data 5 values, limit 1")
    book = advance(Book(seq=0), [silent], [], at(0), Rules.of(watching.deployment.monitoring, 1.0), paging=True)
    readings = tuple(
        msgspec.structs.replace(one, value=0.0, reason=None) if one.id == "NODATA" else one
        for one in evaluation.conditions
    )
    said = page_words.besides_of(watching.deployment, readings, book.alerts, Facts(), at(5)).over["NODATA"]
    assert said == "every value is fresh again"


def test_the_next_level_reads_first_for_how_long_nobody_acknowledged(rules: Rules) -> None:
    book = advance(Book(seq=0), [HEAVY], [], at(0), rules, paging=True)
    book = advance(book, [HEAVY], [], at(601), rules, paging=True)
    assert texts(book)[-1].startswith("ESCALATED: still stands after 10m")
    book = advance(book, [HEAVY], [], at(901), rules, paging=True)
    assert texts(book)[-1] == f"escalated: nobody acknowledged for 15m: {HEAVY.text}"


def ended(rules: Rules, asked: tuple[str, str], **data: Any) -> str:
    event = {"seq": 2, "at": "2026-01-31T09:00:00Z", "kind": "operation.ended", "operation": "0005-rollback"}
    event |= {"actor": "root@vm", "data": {"kind": "rollback", **data}}
    book = advance(Book(seq=1), [], [event], at(0), rules, paging=True, besides=page_words.Besides(asked=asked))
    return book.outbox[-1].text


def test_a_rollback_is_told_with_from_to_reason_outcome_seconds_and_what_is_next(rules: Rules) -> None:
    said = ended(rules, ("0005-rollback", "throughput halved"), state="SUCCEEDED", seconds=3.21)
    assert said == (
        "rolled back from v2 to v1: operation 0005-rollback by root@vm, reason: throughput halved; "
        "outcome SUCCEEDED after 3.2 s. Next: abaco-ops status, abaco-ops validate"
    )


def test_a_rollback_without_a_reason_says_so(rules: Rules) -> None:
    said = ended(rules, ("0004-cutover", "not of this one"), state="NEEDS_HUMAN", seconds=None)
    assert "reason: none given; outcome NEEDS YOU." in said
    assert said.startswith("the rollback from v2 to v1 NEEDS YOU")
    assert said.endswith("abaco-ops history shows the ways on")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, "ready, 34.0 s, proven 09:00Z"),
        ({"proven_ok": False}, "NOT READY when it was examined at 09:00Z; abaco-ops ready says why"),
        ({"proven_at": None}, "not proven yet"),
        ({"proven_at": START - timedelta(days=1)}, "34.0 s, proven 09:00Z, NOT SINCE"),
        ({"cutover_at": None}, "none: nothing was cut over"),
    ],
)
def test_the_way_back_in_a_page(watching: Watching, changes: dict[str, Any], said: str) -> None:
    facts = Facts(cutover_at=START, proven_at=START, proven_ok=True, proven_seconds=34.0)
    facts = msgspec.structs.replace(facts, **changes)
    assert page_words.way_back_words(watching.deployment, facts, at(5)) == said
