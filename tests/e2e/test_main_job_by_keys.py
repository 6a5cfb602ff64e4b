"""The whole job in a real terminal: tmux, real keys, real processes, at 80x24."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Callable, Iterator

import pytest
from operator_at_work import COMMAND, Operator, corrupt
from terminal import Terminal
from what_remains import assert_nothing_is_lost, assert_records_are_complete, newest_snapshot

pytestmark = pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")


@pytest.fixture
def open_console(operator: Operator) -> Iterator[Callable[[], Terminal]]:
    """Opens consoles on the demo; all of them are closed at the end."""
    opened: list[Terminal] = []

    def start() -> Terminal:
        terminal = Terminal([*COMMAND, "--root", str(operator.root)], cwd=operator.root)
        opened.append(terminal)
        return terminal

    yield start
    for terminal in opened:
        terminal.close()


def cut_over(console: Terminal, reason: str) -> None:
    console.keys("C")
    console.wait_for(r"CUT OVER")
    console.wait_for(r"Changes")
    console.keys("Tab")
    console.type(reason)
    console.keys("Tab")
    press_until(console, "Enter", r"ACCEPTED")


def roll_back(console: Terminal) -> None:
    console.keys("R")
    console.wait_for(r"\barmed\b")
    console.type("v1")
    console.keys("Enter")
    console.wait_for(r"ACCEPTED")


def press_until(console: Terminal, key: str, pattern: str, timeout: float = 15) -> None:
    """Press a key that a sheet discards until it is armed, as a person does who reads what it says."""
    until = time.monotonic() + timeout
    while not re.search(pattern, console.screen()):
        assert time.monotonic() < until, console.screen()
        console.keys(key)
        time.sleep(0.2)


def test_validate_cut_over_meet_a_bad_tape_and_go_back_by_keys(
    operator: Operator, open_console: Callable[[], Terminal]
) -> None:
    console = open_console()
    console.wait_for(r"V1 LIVE")
    console.wait_for(r"CONTINUE +V1 LIVE")
    configuration = (operator.root / "config/pipeline.yml").read_bytes()

    console.keys("V")
    operator.until(lambda status: status["checks"]["status"] == "PASS")
    console.wait_for(r"PASS")
    console.keys("Escape")

    cut_over(console, "planned")
    console.wait_for(r"V2 LIVE", timeout=40)
    operator.until(lambda status: status["release"] == "v2" and status["operation"] is None)
    snapshot = newest_snapshot(operator)

    corrupt(operator.root / "data/raw/loan_tape.csv")
    console.keys("V")
    operator.until(lambda status: status["checks"]["status"] == "FAIL")
    console.wait_for(r"FAIL")

    roll_back(console)
    console.wait_for(r"V1 LIVE", timeout=40)
    operator.until(lambda status: status["release"] == "v1" and status["operation"] is None)
    assert (operator.root / "config/pipeline.yml").read_bytes() == configuration
    assert_nothing_is_lost(operator, snapshot)
    assert_records_are_complete(operator)
    log = (operator.root / "logs/monitoring.log").read_text()
    assert log.startswith("TIME (UTC) | LATENCY (ms) | ERROR RATE | MEMORY (MB) | CPU (%) | STATUS | NOTES")
    assert "| PASS " in log
    assert "| FAIL " in log


def test_a_console_that_dies_in_an_operation_changes_nothing_and_the_next_one_shows_it(
    operator: Operator, open_console: Callable[[], Terminal]
) -> None:
    console = open_console()
    console.wait_for(r"CONTINUE +V1 LIVE")

    cut_over(console, "planned")
    console.close()
    operator.until(lambda status: status["release"] == "v2" and status["operation"] is None)

    console = open_console()
    console.wait_for(r"V2 LIVE")
    roll_back(console)
    console.close()
    done = operator.until(lambda status: status["release"] == "v1" and status["operation"] is None)
    assert done["last_operation"]["kind"] == "rollback"
    assert done["last_operation"]["state"] == "SUCCEEDED"
    assert open_console().wait_for(r"V1 LIVE")
