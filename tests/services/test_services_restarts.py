"""What ends by itself is started again, within limits, and all of it is recorded."""

from __future__ import annotations

import signal
from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st
from service_at_work import QUICK, Fake, eventually

from engine.records import read_lines, verify_chain
from engine.services.identity import send_signal
from engine.services.processes import tree
from engine.services.restarts import RestartPolicy, restart_delay


def test_a_crashed_service_runs_again_and_the_restart_is_recorded(fake: Callable[..., Fake]) -> None:
    one = fake()
    first = one.service.start().identity
    assert first is not None
    send_signal(first, signal.SIGSEGV)
    eventually(lambda: one.service.status().state == "RUNNING" and one.main() != first)
    status = one.service.status()
    assert len(status.restarts) == 1
    assert status.since is not None
    assert status.restarts[0] <= status.since
    eventually(lambda: any(event["kind"] == "service.restarted" for event in read_lines(one.events)))
    told = next(event for event in read_lines(one.events) if event["kind"] == "service.restarted")
    assert told["data"]["pid"] == one.main().pid
    assert "SIGSEGV" in told["data"]["reason"]
    assert verify_chain(one.events).intact


def test_a_service_that_dies_at_once_is_given_up(fake: Callable[..., Fake]) -> None:
    one = fake("dies")
    one.service.start()
    eventually(lambda: not one.service.status().supervised)
    status = one.service.status()
    assert status.state == "FAILED"
    assert "exit code 3" in status.reason
    assert "given up" in status.reason
    assert len(status.restarts) == QUICK.most


def test_a_service_that_was_given_up_can_be_started_by_hand(fake: Callable[..., Fake]) -> None:
    one = fake("dies")
    one.service.start()
    eventually(lambda: not one.service.status().supervised)
    one.service.start()
    eventually(lambda: len(one.service.status().restarts) == 2 * QUICK.most)


def test_crashes_of_before_a_deliberate_stop_are_not_held_against_the_next_start(fake: Callable[..., Fake]) -> None:
    one = fake()
    first = one.service.start().identity
    assert first is not None
    send_signal(first, signal.SIGSEGV)
    eventually(lambda: one.service.status().state == "RUNNING" and one.main() != first)
    one.service.stop()
    assert one.service.start().restarts == ()


def test_a_service_that_refuses_to_run_is_not_started_again(fake: Callable[..., Fake]) -> None:
    one = fake("refuses")
    one.service.start()
    eventually(lambda: not one.service.status().supervised)
    status = one.service.status()
    assert (status.state, status.restarts) == ("FAILED", ())
    assert "refuses" in status.reason


def test_a_service_that_leaves_children_behind_leaves_none(fake: Callable[..., Fake]) -> None:
    one = fake("leaves", stop_deadline=0.1)
    one.service.start()
    eventually(lambda: not one.service.status().supervised)
    assert one.service.status().state == "FAILED"
    assert one.everyone() == []


def test_waiting_for_a_restart_is_failed_and_supervised(fake: Callable[..., Fake]) -> None:
    one = fake(restart=RestartPolicy(first=60, longest=60, most=3, window=900))
    first = one.service.start().identity
    assert first is not None
    send_signal(first, signal.SIGKILL)
    eventually(lambda: one.record().stage == "waiting")
    status = one.service.status()
    assert (status.state, status.supervised) == ("FAILED", True)
    assert "SIGKILL" in status.reason
    assert one.service.stop().stopped


def test_output_of_the_service_is_shown_harmless(fake: Callable[..., Fake]) -> None:
    one = fake()
    one.files.directory.mkdir(parents=True)
    one.files.output.write_bytes(b"first\nev\x1b[2Jil \xff\nlast\n")
    assert one.service.last_lines(2) == ["ev\\x1b[2Jil \ufffd", "last"]
    assert one.service.last_lines(0) == []


def test_the_process_tree_is_empty_when_the_process_is_another(fake: Callable[..., Fake]) -> None:
    one = fake()
    main = one.service.start().identity
    assert main is not None
    assert tree(main) == [main.pid]
    assert tree(main.__class__(main.pid, main.start_time + 1, main.boot_id)) == []


@given(st.lists(st.floats(0, 1e6), max_size=30), st.floats(0, 1e6))
def test_restarts_never_exceed_the_limit_within_the_window(moments: list[float], now: float) -> None:
    policy = RestartPolicy(first=0.2, longest=10, most=5, window=900)
    delay = restart_delay(policy, moments, now)
    recent = [moment for moment in moments if now - moment < policy.window]
    assert (delay is None) == (len(recent) >= policy.most)
    assert delay is None or policy.first <= delay <= policy.longest
