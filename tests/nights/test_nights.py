"""A few random nights in the suite, and proof that the oracle would notice: see nights.py for a thousand."""

from __future__ import annotations

import contextlib
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from night import Killed, Night, ground, killed, play
from people import People
from story import Fault, Story, draw

from engine.monitoring import paging, sustained
from engine.monitoring import round as rounds
from engine.records import append_event

ESCALATED = "alert.escalated"
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


def played(story: Story) -> Night:
    """The whole night, with what the oracle has written down."""
    with tempfile.TemporaryDirectory(prefix="abaco-night-", dir=ground()) as directory:
        night = Night(story, Path(directory) / "deployment")
        night.play()
    return night


@pytest.mark.parametrize("seed", (7, 12))
def test_a_random_night_has_every_verdict_page_and_row_that_it_should(seed: int) -> None:
    found = play(draw(seed, cadence=120.0, hours=8))
    assert found.wrong == []
    assert (found.missed, found.false, found.rows_lost) == (0, 0, 0)
    assert found.verdicts > 100


def test_a_fault_that_holds_is_a_page() -> None:
    found = play(a_night(SLOW))
    assert found.wrong == []
    assert found.pages >= 2
    assert found.words["ROLL BACK"] > 10


@pytest.mark.parametrize(("end", "rolls"), [(4500.0, True), (3650.0, False)])
def test_only_hour_1_failing_twice_is_a_reason_to_roll_back(end: float, rolls: bool) -> None:
    found = play(a_night(Fault("validation", 3500.0, end, word="FAIL")))
    assert found.wrong == []
    assert found.words["INVESTIGATE"] > 0
    assert bool(found.words["ROLL BACK"]) is rolls


def test_the_oracle_notices_a_monitor_that_pages_too_early(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sustained, "_full", lambda run, limit, clearing: run is not None and run.count >= 2)
    found = play(a_night(SLOW, hours=1.25))
    assert found.false > 0


def test_the_oracle_notices_a_monitor_that_pages_too_late(monkeypatch: pytest.MonkeyPatch) -> None:
    full = sustained._full
    monkeypatch.setattr(
        sustained,
        "_full",
        lambda run, limit, clearing: full(run, limit, clearing=clearing) and (clearing or run.count > limit.need + 3),
    )
    found = play(a_night(SLOW, hours=1.25))
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


def test_an_alert_that_nobody_takes_goes_up_level_by_level_over_restarts_and_kills(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(People, "hear", lambda people: None)
    kills = tuple((900.0 + 700.0 * number, 60.0, "inside") for number in range(6))
    night = played(a_night(replace(SLOW, end=5800.0), hours=1.7, restarts=kills))
    assert night.result.wrong == []
    levels = [page.level for page in night.oracle.pages.given if (page.kind, page.condition) == (ESCALATED, "LAT")]
    assert levels == ["engineering_lead", "vp_engineering", "cto"]


@pytest.mark.parametrize("kind", (ESCALATED, "alert.cleared"))
def test_the_oracle_notices_a_page_that_is_not_told(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    tell = paging.append_event
    silent = lambda path, what, *rest, **more: what != kind and tell(path, what, *rest, **more)  # noqa: E731
    monkeypatch.setattr(paging, "append_event", silent)
    assert played(a_night(SLOW, hours=1.25)).result.missed > 0


def test_the_oracle_notices_a_page_that_is_told_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    tell = paging.append_event

    def twice(*parts: Any, **more: Any) -> None:
        tell(*parts, **more)
        tell(*parts, **more)

    monkeypatch.setattr(paging, "append_event", twice)
    found = played(a_night(SLOW, hours=1.25)).result
    assert found.missed == 0
    assert found.false > 0


def test_the_oracle_notices_what_a_killed_sample_told_and_did_not_keep(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def too_early(round_: rounds.Round, kind: str, data: dict[str, Any]) -> None:
        append_event(round_._deployment.paths.events, kind, data, source="monitor", clock=round_._clock)

    monkeypatch.setattr(rounds.Round, "announce", too_early)
    night = Night(a_night(hours=5.0, restarts=((8000.0, 9000.0, "asked"),)), tmp_path / "deployment")
    kill = night._restart

    def killed_before(seconds: float, how: str) -> None:
        kill(seconds, how)
        with killed("before"), contextlib.suppress(Killed):
            night.monitor.tick()
        kill(60.0, "killed")

    monkeypatch.setattr(night, "_restart", killed_before)
    assert any("missed 2" in line for line in night.play().wrong)
