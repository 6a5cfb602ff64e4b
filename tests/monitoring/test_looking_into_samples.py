"""A reader of the samples leaves nothing behind, whoever writes or has written."""

from __future__ import annotations

import os
import signal
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from engine.clock import Instant
from engine.monitoring.onlooker import look_into, resting
from engine.monitoring.store import Measured, SampleStore

AT = Instant(datetime(2026, 1, 31, tzinfo=UTC), 1000.0)


def measured(value: float) -> Measured:
    return Measured("m", value, AT, "e")


def count(reader: SampleStore) -> int:
    return int(reader._open().execute("SELECT count(*) FROM samples").fetchone()[0])


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "samples.db"


def beside(path: Path) -> list[str]:
    return sorted(each.name for each in path.parent.iterdir() if each != path)


def test_looking_at_samples_to_which_nobody_writes_makes_no_file(path: Path) -> None:
    writer = SampleStore(path)
    writer.append([measured(1.0)])
    writer.close()
    reader = SampleStore(path, read_only=True)
    assert count(reader) == 1
    assert beside(path) == []
    reader.close()
    assert beside(path) == []


def test_a_reader_that_is_open_sees_what_a_writer_that_came_later_wrote(path: Path) -> None:
    writer = SampleStore(path)
    writer.append([measured(1.0)])
    writer.close()
    reader = SampleStore(path, read_only=True)
    assert count(reader) == 1
    writer.append([measured(2.0)])
    assert count(reader) == 2
    writer.close()
    assert count(reader) == 2
    writer.append([measured(3.0)])
    writer.close()
    assert count(reader) == 3
    reader.close()


def test_what_a_killed_writer_left_is_read_and_stays_as_it_is(path: Path) -> None:
    SampleStore(path).append([measured(1.0)])
    child = os.fork()
    if child == 0:
        SampleStore(path).append([measured(2.0)])
        os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)
    left = beside(path)
    assert left == ["samples.db-shm", "samples.db-wal"]
    reader = SampleStore(path, read_only=True)
    assert count(reader) == 2
    reader.close()
    assert beside(path) == left


def test_a_log_without_its_map_is_not_given_one_by_a_reader(path: Path) -> None:
    writer = SampleStore(path)
    writer.append([measured(1.0)])
    log = path.with_name("samples.db-wal")
    kept = log.read_bytes()
    writer.close()
    log.write_bytes(kept)
    connection, stamp = look_into(path)
    with closing(connection):
        assert stamp == resting(path) is not None
        connection.execute("SELECT count(*) FROM samples").fetchone()
    assert beside(path) == ["samples.db-wal"]


def test_log_and_map_are_the_groups_where_a_group_works(path: Path) -> None:
    path.parent.chmod(0o2770)
    writer = SampleStore(path)
    writer.append([measured(1.0)])
    assert {each.stat().st_mode & 0o777 for each in path.parent.iterdir()} == {0o660}
    writer.close()
