"""A full disk: the monitor starts on it, watches and tells people, and all of it is recorded once there is room."""

from __future__ import annotations

import errno
import os
import sqlite3
import threading
from pathlib import Path
from typing import Any

import pytest
from test_monitoring_paging import (
    crash,
    events,
    failing,
    here,  # noqa: F401 - a fixture, as the three below
    said,
    shipped,  # noqa: F401
    until,
    watch_with,  # noqa: F401
    web,  # noqa: F401
)
from watching import Watching

from engine.clock import Instant, SystemClock
from engine.config import Deployment
from engine.monitoring import holder, log, loop
from engine.monitoring.answered import Answered
from engine.monitoring.reserve import HALF, Reserve
from engine.monitoring.store import SampleStore
from engine.records import lines
from engine.state import measured


def refuse(*_: Any, **__: Any) -> Any:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def fill(disk: pytest.MonkeyPatch) -> None:
    """Nothing that grows is taken, neither by the records nor by SQLite; what is written over in place is."""

    def store_refuses(*_: Any, **__: Any) -> Any:
        raise sqlite3.OperationalError("database or disk is full")

    disk.setattr(lines, "_write_all", refuse)
    disk.setattr(SampleStore, "append", store_refuses)
    disk.setattr(SampleStore, "keep", store_refuses)


# ---- what must not be forgotten


def test_the_reserve_gives_back_what_was_written_last_and_nothing_once_cleared(tmp_path: Path) -> None:
    reserve = Reserve(tmp_path / "r")
    reserve.make()
    for number in (1, 2, 3):
        reserve.write({"book": b"%d" % number})
        assert Reserve(tmp_path / "r").parts() == {"book": b"%d" % number}
    Reserve(tmp_path / "r").clear()
    assert Reserve(tmp_path / "r").parts() == {}


def test_the_room_of_the_reserve_is_taken_beforehand_and_writing_takes_no_more(tmp_path: Path) -> None:
    reserve = Reserve(tmp_path / "r")
    reserve.make()
    before = (tmp_path / "r").stat()
    assert before.st_blocks * 512 >= 2 * HALF
    reserve.write({"book": b"x" * 100_000})
    after = (tmp_path / "r").stat()
    assert (after.st_size, after.st_blocks) == (before.st_size, before.st_blocks)


def test_a_reserve_that_was_torn_gives_back_the_half_before(tmp_path: Path) -> None:
    reserve = Reserve(tmp_path / "r")
    reserve.make()
    reserve.write({"book": b"1"})
    reserve.write({"book": b"2"})
    with (tmp_path / "r").open("r+b") as stream:
        stream.seek(20)
        stream.write(b"torn")  # the second one stands in the first half
    assert Reserve(tmp_path / "r").parts() == {"book": b"1"}


def test_what_does_not_fit_is_refused_and_what_was_there_stays(tmp_path: Path) -> None:
    reserve = Reserve(tmp_path / "r")
    reserve.make()
    reserve.write({"book": b"1"})
    with pytest.raises(OSError, match="no room"):
        reserve.write({"book": os.urandom(HALF)})
    assert Reserve(tmp_path / "r").parts() == {"book": b"1"}


# ---- the watch goes on


def test_a_page_on_a_full_disk_is_recorded_and_cleared_by_the_monitor_that_follows_one_that_was_killed(
    watch_with: Any,  # noqa: F811
    web: Any,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    watching: Watching = watch_with(web.url)
    fill(monkeypatch)
    failing(watching, 2, runs_every=0)
    until(lambda: said(web) == ["opened CRASH"])
    until(lambda: watching.monitor.paging.deliveries.unwritten)
    failing(watching, 1, runs_every=0)
    crash(watching)
    failing(watching, 2, runs_every=0)
    assert said(web) == ["opened CRASH"]  # the one that follows knows that it was told
    assert events(watching, "alert.opened") == []
    monkeypatch.undo()
    failing(watching, 2)
    (opened,) = events(watching, "alert.opened")
    assert opened["condition"] == "CRASH"
    assert [one["ok"] for one in events(watching, "notified")] == [True]
    assert Reserve(watching.deployment.paths.monitor_reserve).parts() == {}
    watching.stage.restarts = ()
    watching.tick(120)
    assert [one["alert"] for one in events(watching, "alert.cleared")] == [opened["alert"]]


def test_a_monitor_that_cannot_open_its_store_goes_on_from_what_the_one_before_wrote_down(
    watch_with: Any,  # noqa: F811
    web: Any,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    watching: Watching = watch_with(web.url)
    failing(watching, 2)
    until(lambda: said(web) == ["opened CRASH"])
    watching.tick()
    watching.monitor.paging.close()
    watching.monitor._store.close()

    def no_room(*_: Any) -> Any:
        raise sqlite3.OperationalError("disk I/O error")

    with monkeypatch.context() as patched:
        patched.setattr(SampleStore, "_open", no_room)
        watching.monitor = watching._new()
    assert "CRASH" in watching.monitor.paging.book.alerts


# ---- starting


def test_on_a_full_disk_the_monitor_writes_who_it_is_over_what_the_one_before_wrote(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    deployment.paths.rollback.mkdir(parents=True, exist_ok=True)
    holder.write_holder(deployment)
    before = holder.read_holder(deployment)
    monkeypatch.setattr(holder, "write_file", refuse)
    monkeypatch.setattr(holder, "whoami", lambda: "the-next-one")
    holder.write_holder(deployment)
    now = holder.read_holder(deployment)
    assert before is not None and now is not None
    assert (now.who, now.pid) == ("the-next-one", os.getpid())


def test_a_monitor_that_cannot_write_who_it_is_holds_its_lock_watches_and_writes_it_when_there_is_room(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    ticked: list[bool] = []
    stop = threading.Event()

    class Ticks:
        def __init__(self) -> None:
            self.deployment = deployment

        def tick(self) -> None:
            ticked.append(loop.FileLock(deployment.paths.monitor_lock).acquire())
            assert holder.read_holder(deployment) is None
            patched.undo()
            stop.set()

        def stop(self) -> None:
            pass

    with monkeypatch.context() as patched:
        patched.setattr(holder, "write_file", refuse)
        monkeypatch.setattr(loop, "_monitor", lambda *_: Ticks())
        loop.watch(deployment.root, stop)
    assert ticked == [False]
    assert holder.read_holder(deployment) is not None
    assert "it watches all the same: [Errno 28]" in capfd.readouterr().err


# ---- what is said


def test_a_full_disk_is_named_where_the_monitor_does_not_get_on(
    watching: Watching, monkeypatch: pytest.MonkeyPatch
) -> None:
    evaluation = watching.tick(3)
    later = Instant(watching.clock.now().wall, watching.clock.now().boot + 60)

    def seen() -> measured.Measured:
        return measured.measured(watching.deployment, evaluation, later, runs=True, answered=Answered())

    assert "does not get on" in seen().verdict.why
    assert seen().problems == evaluation.problems
    monkeypatch.setattr(measured, "free_bytes", lambda _: 0)
    assert "the disk is full, 0 KiB are free" in seen().verdict.why
    assert "the disk is full" in seen().problems[0]
    assert seen().verdict.clears == "room on the disk"


def test_a_row_that_a_disk_takes_half_of_is_taken_back_and_due_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = log.MonitoringLog(tmp_path / "monitoring.log")
    row = log.Row(SystemClock().now().wall, 0.65, 0.0, 105.0, 25.0, "PASS", "")
    written.append(row)
    before = (tmp_path / "monitoring.log").read_bytes()
    whole = os.write
    with monkeypatch.context() as patched:
        patched.setattr(log.os, "write", lambda descriptor, data: whole(descriptor, data[: len(data) // 2]))
        with pytest.raises(OSError, match="No space left"):
            written.append(row)
    assert (tmp_path / "monitoring.log").read_bytes() == before
