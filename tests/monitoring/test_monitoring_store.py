from __future__ import annotations

import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from engine.clock import Instant
from engine.monitoring.model import WEIGHT, Evaluation, Hourly, Verdict
from engine.monitoring.store import RAW_KEPT, Measured, SampleStore

START = datetime(2026, 1, 31, 2, 0, tzinfo=UTC)


def evaluation(second: float = 0.0, word: str = "CONTINUE") -> Evaluation:
    assert word in WEIGHT
    return Evaluation(
        v=1,
        at=START + timedelta(seconds=second),
        boot=1000.0 + second,
        boot_id="b",
        pid=1,
        cadence=1.0,
        release="v1",
        release_reason="",
        verdict=Verdict(word, "why", "", ""),  # type: ignore[arg-type]
        conditions=(),
        matrix=(),
        kpis=(),
        kpis_at=None,
        measurement_date=None,
        resources=(),
        next_gate=None,
        hourly=Hourly(0, 0, 24, None),
        alerts=(),
        baseline=None,
        cutover_at=None,
        paging=True,
        validation_running=False,
        problems=(),
    )


def measured(second: float, value: float, metric: str = "memory_mb") -> Measured:
    return Measured(metric, value, Instant(START + timedelta(seconds=second), 1000.0 + second), "era")


def test_a_reader_sees_the_newest_evaluation_and_decodes_it_once(tmp_path: Path) -> None:
    writer, reader = SampleStore(tmp_path / "s.db"), SampleStore(tmp_path / "s.db", read_only=True)
    assert reader.newest_evaluation() is None
    writer.append([measured(0, 1.0)], evaluation(0), {"watch": b"c"})
    first = reader.newest_evaluation()
    assert first == evaluation(0)
    assert reader.newest_evaluation() is first
    writer.append([], evaluation(1, "WATCH"))
    second = reader.newest_evaluation()
    assert second is not None
    assert second.verdict.word == "WATCH"
    assert SampleStore(tmp_path / "s.db").checkpoint("watch") == b"c"


def test_series_come_back_in_order_of_time(tmp_path: Path) -> None:
    store = SampleStore(tmp_path / "s.db")
    store.append([measured(second, float(second)) for second in (3, 1, 2)])
    store.append([measured(9, 99.0, "other")])
    assert [value for _, value in store.series("memory_mb", START)] == [1.0, 2.0, 3.0]
    assert [value for _, value in store.series("memory_mb", START + timedelta(seconds=2))] == [2.0, 3.0]
    assert store.series("unheard of", START) == []


def test_a_failed_transaction_leaves_nothing_and_the_next_one_works(tmp_path: Path) -> None:
    store = SampleStore(tmp_path / "s.db")
    with pytest.raises(sqlite3.Error):
        store.append([measured(0, 1.0), measured(1, float("nan"), "second")])  # NaN is NULL, which is refused
    assert store.series("memory_mb", START) == []
    store.append([measured(2, 5.0, "second")])
    assert [value for _, value in store.series("second", START)] == [5.0]


def test_old_samples_live_on_by_the_minute_and_the_file_is_bounded(tmp_path: Path) -> None:
    store = SampleStore(tmp_path / "s.db")
    store.append([measured(float(second), float(second % 60)) for second in range(600)])
    now = START + timedelta(seconds=600 + RAW_KEPT)
    store.append([measured(600 + RAW_KEPT, 7.0)])
    store.thin(now)
    store.thin(now)
    values = [value for _, value in store.series("memory_mb", START)]
    assert values == [29.5] * 10 + [7.0]
    store.thin(START + timedelta(days=100))
    assert store.series("memory_mb", START) == []


def test_evaluations_are_kept_by_the_minute_and_at_each_change_of_verdict(tmp_path: Path) -> None:
    store = SampleStore(tmp_path / "s.db")
    for second in range(100):
        store.append([], evaluation(second, "WATCH" if second == 30 else "CONTINUE"))
    for second, word in ((29, "CONTINUE"), (30, "WATCH"), (31, "CONTINUE")):
        then = store.evaluation_at(START + timedelta(seconds=second))
        assert then is not None
        assert then.verdict.word == word
    assert store.evaluation_at(START - timedelta(seconds=1)) is None
    count = sqlite3.connect(tmp_path / "s.db").execute("SELECT count(*) FROM evaluations").fetchone()[0]
    assert count == 4


def test_a_damaged_file_is_set_aside_not_removed(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    path.write_bytes(b"this is no database, and long enough to be read as a header" * 40)
    store = SampleStore(path)
    with pytest.raises(sqlite3.DatabaseError):
        store.append([measured(0, 1.0)])
    aside = store.set_aside(START)
    store.append([measured(0, 1.0)])
    assert aside.read_bytes().startswith(b"this is no database")
    assert len(store.series("memory_mb", START)) == 1


def test_a_file_without_its_tables_has_no_evaluation_yet(tmp_path: Path) -> None:
    sqlite3.connect(tmp_path / "s.db").execute("PRAGMA journal_mode = WAL")
    reader = SampleStore(tmp_path / "s.db", read_only=True)
    assert reader.newest_evaluation() is None
    assert reader.series("memory_mb", START) == []
    SampleStore(tmp_path / "s.db").append([], evaluation(0))
    assert reader.newest_evaluation() == evaluation(0)


@pytest.mark.parametrize("suffixes", [("", "-wal", "-shm"), ("",)])
def test_a_file_that_is_removed_meanwhile_is_made_anew_and_readers_follow(
    tmp_path: Path, suffixes: tuple[str, ...]
) -> None:
    path = tmp_path / "s.db"
    writer, reader = SampleStore(path), SampleStore(path, read_only=True)
    writer.append([measured(0, 1.0)], evaluation(0))
    assert reader.newest_evaluation() == evaluation(0)
    for suffix in suffixes:
        path.with_name(path.name + suffix).unlink()
    assert reader.newest_evaluation() is None, "what was read from a file that is gone is no answer"
    writer.append([measured(1, 2.0)], evaluation(1))
    assert path.exists()
    assert reader.newest_evaluation() == evaluation(1)
    assert [value for _, value in reader.series("memory_mb", START - timedelta(hours=1))] == [2.0]
