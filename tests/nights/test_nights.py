"""A few random nights in the suite, and proof that the oracle would notice: see nights.py for a thousand."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from night import Night, play
from story import Fault, Story, draw

from engine.monitoring import round as rounds
from engine.monitoring import sustained

SLOW = Fault("latency", 600.0, 4000.0, 600.0)


def a_night(*faults: Fault, hours: float = 2.0, **changes: Any) -> Story:
    """Calm but for these faults, at a sample every minute."""
    calm = replace(
        draw(1, cadence=60.0, hours=hours, faults=0),
        loss=0.0,
        grace=60,
        suspends=(),
        steps=(),
        restarts=(),
        run_every=120.0,
        jitter=0.0,
        faults=faults,
    )
    return replace(calm, **changes)


@pytest.mark.parametrize("seed", (3, 7))
def test_a_random_night_has_every_verdict_page_and_row_that_it_should(seed: int) -> None:
    found = play(draw(seed, cadence=120.0, hours=12))
    assert found.wrong == []
    assert (found.missed, found.false, found.rows_lost) == (0, 0, 0)
    assert found.verdicts > 200


def test_a_fault_that_holds_is_a_page() -> None:
    found = play(a_night(SLOW))
    assert found.wrong == []
    assert found.pages >= 2
    assert found.words["ROLL BACK"] > 10


def test_the_oracle_notices_a_monitor_that_pages_too_early(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sustained, "_full", lambda run, limit, clearing: run is not None and run.count >= 2)
    found = play(a_night(SLOW))
    assert found.false > 0


def test_the_oracle_notices_a_monitor_that_pages_too_late(monkeypatch: pytest.MonkeyPatch) -> None:
    full = sustained._full
    monkeypatch.setattr(
        sustained,
        "_full",
        lambda run, limit, clearing: full(run, limit, clearing=clearing) and (clearing or run.count > limit.need + 3),
    )
    found = play(a_night(SLOW))
    assert found.missed > 0


def test_the_oracle_notices_a_row_that_is_lost_and_one_that_is_doubled(monkeypatch: pytest.MonkeyPatch) -> None:
    write = rounds.MonitoringLog.append
    rows: list[object] = []

    def forgetful(log: rounds.MonitoringLog, row: Any) -> None:
        rows.append(row)
        for _ in range({3: 0, 4: 2}.get(len(rows), 1)):
            write(log, row)

    monkeypatch.setattr(rounds.MonitoringLog, "append", forgetful)
    assert play(a_night(hours=3.0)).rows_lost == 2


def test_rows_that_the_disk_refuses_are_written_when_it_takes_them_again() -> None:
    full = Fault("log_full", 1700.0, 6000.0)
    found = play(a_night(full, hours=2.5, restarts=((3000.0, 60.0, "asked"), (4000.0, 60.0, "inside"))))
    assert found.wrong == []
    assert found.rows_lost == 0


def test_alerts_in_the_audit_trail_are_compared_with_what_fires(tmp_path: Path) -> None:
    night = Night(a_night(SLOW), tmp_path / "deployment")
    told: list[str] = []

    def wrong_alert(_night: Night, _evaluation: object) -> None:
        if not told:
            told.append("MEM")
            night.world.event("alert.opened", condition="MEM", tier="critical", alert="a1")

    night.every_tick = wrong_alert
    found = night.play()
    assert any("no alert is open for LAT critical" in line for line in found.wrong)
    assert any("an alert was opened for MEM critical" in line for line in found.wrong)
