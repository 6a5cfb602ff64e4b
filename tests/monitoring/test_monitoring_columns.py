"""The store thins a series as the pure rule does, single samples and minutes alike, and its gaps are torn."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from engine.clock import Instant
from engine.monitoring.columns import Stretch, in_columns
from engine.monitoring.store import RAW_KEPT, Measured, SampleStore
from engine.monitoring.stretch import StretchStore

BEGIN = datetime(2026, 1, 31, 2, 0, tzinfo=UTC)
LONGEST = 3.5


def filled(path: Path, seconds: list[int]) -> list[tuple[datetime, float]]:
    series = [(BEGIN + timedelta(seconds=at), float(at * 7919 % 263)) for at in seconds]
    store = SampleStore(path)
    store.append([Measured("memory_mb", value, Instant(at, at.timestamp()), "era") for at, value in series])
    store.close()
    return series


def test_the_store_thins_as_the_rule_does(tmp_path: Path) -> None:
    series = filled(tmp_path / "samples.db", [*range(0, 600), *range(700, 1000), 1400])
    stretch = Stretch(BEGIN, BEGIN + timedelta(seconds=1500), 60)
    store = StretchStore(tmp_path / "samples.db")
    found, ruled = store.columns("memory_mb", stretch, LONGEST), in_columns(series, stretch, LONGEST)
    store.close()
    assert [(one.index, one.low, one.high, one.torn) for one in found] == [
        (one.index, one.low, one.high, one.torn) for one in ruled
    ]
    assert [one.index for one in found if one.torn] == [28, 56]


def test_a_peak_survives_being_kept_by_the_minute(tmp_path: Path) -> None:
    path = tmp_path / "samples.db"
    series = filled(path, list(range(0, 1200)))
    store = SampleStore(path)
    store.thin(BEGIN + timedelta(seconds=RAW_KEPT + 1200))
    store.close()
    reader = StretchStore(path)
    found = reader.columns("memory_mb", Stretch(BEGIN, BEGIN + timedelta(seconds=1200), 4), LONGEST)
    reader.close()
    assert max(one.high for one in found) == max(value for _, value in series)
    assert min(one.low for one in found) == min(value for _, value in series)
    assert not any(one.torn for one in found), "a minute from one to the next is no gap"
