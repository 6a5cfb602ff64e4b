"""Status updates: hourly to hour 8, then every four hours, each once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from engine.config.notify import UpdatesSection
from engine.monitoring.updates import update_due

SINCE = datetime(2026, 1, 31, 2, tzinfo=UTC)
SECTION = UpdatesSection()


def at(hours: float) -> datetime:
    return SINCE + timedelta(hours=hours)


def test_the_slots_are_those_of_the_operating_documents() -> None:
    found, now = [], at(0)
    while (following := update_due(SECTION, SINCE, now, 1.0, None)[1]) is not None and len(found) < 13:
        found.append((following - SINCE).total_seconds() / 3600)
        now = following
    assert found == [1, 2, 3, 4, 5, 6, 7, 8, 12, 16, 20, 24, 28]


@pytest.mark.parametrize(
    ("now", "sent", "due"),
    [(0.5, None, None), (1, None, 1), (1.5, 1.2, None), (2, 1.2, 2), (11.9, None, 8), (12, 8.1, 12), (5.5, None, 5)],
)
def test_one_is_due_from_its_slot_until_it_is_sent(now: float, sent: float | None, due: float | None) -> None:
    found, _ = update_due(SECTION, SINCE, at(now), 1.0, None if sent is None else at(sent))
    assert found == (None if due is None else at(due))


def test_after_the_last_day_none_follows() -> None:
    assert update_due(SECTION, SINCE, at(28 * 24), 1.0, at(28 * 24)) == (None, None)


def test_a_rehearsals_time_scale_divides_them() -> None:
    assert update_due(SECTION, SINCE, at(1 / 60), 60.0, None) == (at(1 / 60), at(2 / 60))
