"""Stopping: asked first, killed at the deadline, and then nothing of it is left."""

from __future__ import annotations

import signal
import subprocess
import threading
from collections.abc import Callable

import pytest
from service_at_work import Fake, eventually

from engine.records import FileLock
from engine.services import embedded
from engine.services.identity import identity_of, is_alive, read_stat, send_signal
from engine.services.processes import tree
from engine.services.remains import MARK_VARIABLE


def test_a_service_that_stops_when_asked_is_not_killed(fake: Callable[..., Fake]) -> None:
    one = fake()
    main = one.service.start().identity
    one.ready()
    result = one.service.stop()
    assert (result.stopped, result.killed, result.left) == (True, False, ())
    assert not is_alive(main)
    status = one.service.status()
    assert (status.state, status.identity, status.supervised) == ("STOPPED", None, False)


def test_a_service_that_ignores_sigterm_is_killed_at_the_deadline(fake: Callable[..., Fake]) -> None:
    one = fake("stubborn", stop_deadline=0.3)
    main = one.service.start().identity
    one.ready()
    result = one.service.stop()
    assert (result.stopped, result.killed) == (True, True)
    assert result.seconds >= 0.3
    assert not is_alive(main)


@pytest.mark.parametrize("mode", ["forks", "forks-marked"])
def test_what_the_service_forked_away_is_ended_too(fake: Callable[..., Fake], mode: str) -> None:
    one = fake(mode, stop_deadline=0.3)
    one.service.start()
    one.ready()
    adopted = [pid for pid in tree(one.supervisor()) if pid not in (one.main().pid, one.supervisor().pid)]
    assert len(adopted) == 1
    result = one.service.stop()
    assert (result.stopped, result.killed) == (True, True)
    stat = read_stat(adopted[0])
    assert stat is None or stat.dead


@pytest.mark.parametrize("supervised", [True, False])
def test_what_was_asked_for_from_inside_outlives_the_service(fake: Callable[..., Fake], supervised: bool) -> None:
    """A rollback that V2 asks for ends V2 and not its own worker, though that is the supervisor's child by then."""
    one = fake("asks")
    one.service.start()
    one.ready()
    (said,) = [line for line in one.service.last_lines(3) if line.startswith("asked ")]
    asked = identity_of(int(said.split()[1]))
    assert asked is not None and asked.pid in tree(one.supervisor())
    if not supervised:
        one.kill_supervisor()
    try:
        result = one.service.stop()
        assert (result.stopped, result.killed) == (True, False)
        assert is_alive(asked)
    finally:
        send_signal(asked, signal.SIGKILL)


def test_what_carries_a_mark_below_that_of_the_service_is_ended_too(fake: Callable[..., Fake]) -> None:
    """As where the service runs commands of abaco-ops, and what those had started has come away from everybody."""
    one = fake()
    one.service.start()
    stray = subprocess.Popen(["sleep", "300"], env={MARK_VARIABLE: f"{one.mark}/command 1"}, start_new_session=True)
    try:
        assert one.service.stop().stopped
        assert stray.wait(20) < 0
    finally:
        stray.kill()
        stray.wait()


def test_a_forked_away_process_is_found_by_its_mark_when_the_supervisor_is_gone(fake: Callable[..., Fake]) -> None:
    one = fake("forks-marked", stop_deadline=0.3)
    one.service.start()
    one.ready()
    one.kill_supervisor()
    assert len(one.everyone()) == 2
    assert one.service.stop().stopped
    assert one.everyone() == []
    assert one.service.status().state == "STOPPED"


def test_a_service_without_supervisor_can_be_stopped(fake: Callable[..., Fake]) -> None:
    one = fake()
    main = one.service.start().identity
    one.ready()
    one.kill_supervisor()
    result = one.service.stop()
    assert (result.stopped, result.killed) == (True, False)
    assert not is_alive(main)
    assert one.service.status().state == "STOPPED"


def test_who_stops_a_service_that_lost_its_supervisor_is_not_taken_for_one(fake: Callable[..., Fake]) -> None:
    """The next one who stops it asks the supervisor to end: that must not be a process of ours."""
    one = fake()
    one.service.start()
    one.ready()
    one.kill_supervisor()
    assert one.service.stop().stopped
    record = one.files.read_record()
    assert record is not None and record.supervisor is None


def test_a_suspended_service_gets_the_request(fake: Callable[..., Fake]) -> None:
    one = fake()
    one.service.start()
    one.ready()
    send_signal(one.main(), signal.SIGSTOP)
    result = one.service.stop()
    assert (result.stopped, result.killed) == (True, False)


def test_a_hung_supervisor_does_not_prevent_a_stop(fake: Callable[..., Fake], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "_SUPERVISOR_GRACE", 0.2)
    one = fake(stop_deadline=0.5)
    main = one.service.start().identity
    one.ready()
    send_signal(one.supervisor(), signal.SIGSTOP)
    assert one.service.stop().stopped
    assert not is_alive(main)


def test_stopping_what_is_stopped_is_no_error(fake: Callable[..., Fake]) -> None:
    one = fake()
    assert one.service.stop().stopped
    one.service.start()
    assert one.service.stop().stopped
    assert one.service.stop().stopped


def test_a_stop_while_waiting_for_a_restart_prevents_it(fake: Callable[..., Fake]) -> None:
    one = fake("dies")
    one.service.start()
    one.service.stop()
    restarts = len(one.record().restarts)
    assert one.service.status().state in ("STOPPED", "FAILED")
    assert one.everyone() == []
    assert len(one.record().restarts) == restarts


def test_a_lock_that_nobody_gives_back_is_named(fake: Callable[..., Fake], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "_SUPERVISOR_GRACE", 0.1)
    one = fake(stop_deadline=0.1)
    one.files.directory.mkdir(parents=True)
    with FileLock(one.files.lock) as lock:
        assert lock.acquire()
        result = one.service.stop()
    assert not result.stopped
    assert str(one.files.lock) in result.left[0]


def test_starts_and_stops_at_once_never_leave_two(fake: Callable[..., Fake]) -> None:
    one = fake(stop_deadline=2.0)
    most: list[int] = []
    done = threading.Event()

    def look() -> None:
        while not done.is_set():
            most.append(len(one.everyone()))

    watcher = threading.Thread(target=look)
    watcher.start()
    stoppers = []
    for _ in range(5):
        one.service.start()
        stoppers.append(threading.Thread(target=one.service.stop))
        stoppers[-1].start()
    for stopper in stoppers:
        stopper.join()
    one.service.stop()
    done.set()
    watcher.join()
    assert max(most) == 1
    eventually(lambda: one.service.status().state == "STOPPED")
