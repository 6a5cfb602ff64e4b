"""The console in a real terminal that is taken away: it ends at once, and leaves the screen as it was."""

from __future__ import annotations

import os
import random
import re
import signal
import termios
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from a_terminal import HERE, PlayedTerminal

DEADLINE = 8.0  # the bar is 2 s; a loaded machine gets more


@pytest.fixture
def console(tmp_path: Path) -> Iterator[Callable[..., PlayedTerminal]]:
    opened: list[PlayedTerminal] = []

    def run(state: str = "normal", **more: str) -> PlayedTerminal:
        terminal = PlayedTerminal([str(HERE / "on_hand_made_state.py"), state, str(tmp_path / "ended")], **more)
        opened.append(terminal)
        terminal.wait_for("Decision matrix")
        return terminal

    yield run
    for terminal in opened:
        terminal.close()


def restored(terminal: PlayedTerminal) -> bool:
    end = terminal.output[-200:]
    return b"\x1b[?1049l" in end and b"\x1b[?25h" in end


def test_q_leaves_and_restores_the_screen(console: Callable[..., PlayedTerminal]) -> None:
    terminal = console()
    terminal.type("q")
    assert terminal.ended(DEADLINE) == 0
    assert restored(terminal)


def test_a_termination_signal_restores_the_screen(console: Callable[..., PlayedTerminal]) -> None:
    terminal = console()
    terminal.signal(signal.SIGTERM)
    assert terminal.ended(DEADLINE) == 128 + signal.SIGTERM
    assert restored(terminal)
    assert terminal.modes() & termios.ECHO
    assert terminal.modes() & termios.ICANON


def test_a_hang_up_signal_ends_it(console: Callable[..., PlayedTerminal]) -> None:
    terminal = console()
    terminal.signal(signal.SIGHUP)
    assert terminal.ended(DEADLINE) == 128 + signal.SIGHUP


def test_a_cut_line_ends_it(console: Callable[..., PlayedTerminal]) -> None:
    terminal = console()
    terminal.hang_up()
    assert terminal.ended(DEADLINE, reading=False) == 128 + signal.SIGHUP


def test_a_cut_line_ends_it_although_hang_ups_are_ignored(tmp_path: Path) -> None:
    program = HERE / "on_hand_made_state.py"
    code = (
        "import runpy, signal, sys; import tui.guard as g; "
        "g.signal.SIGHUP = signal.SIGUSR2; signal.signal(signal.SIGHUP, signal.SIG_IGN); "
        f"sys.argv = [{str(program)!r}, 'normal', {str(tmp_path / 'ended')!r}]; "
        f"runpy.run_path({str(program)!r}, run_name='__main__')"
    )
    terminal = PlayedTerminal(["-c", code])
    try:
        terminal.wait_for("Decision matrix")
        terminal.hang_up()
        assert terminal.ended(DEADLINE, reading=False) is not None
    finally:
        terminal.close()


def test_a_terminal_that_nobody_reads_does_not_hold_it(console: Callable[..., PlayedTerminal]) -> None:
    terminal = console()
    until = time.monotonic() + 3
    while time.monotonic() < until:  # repaint until nothing more goes into the terminal
        terminal.type("\x0c")
        time.sleep(0.02)
    terminal.signal(signal.SIGTERM)
    assert terminal.ended(DEADLINE, reading=False) == 128 + signal.SIGTERM
    assert terminal.modes() & termios.ICANON


def test_ctrl_c_does_not_end_it(console: Callable[..., PlayedTerminal]) -> None:
    terminal = console()
    terminal.type("\x03")
    terminal.signal(signal.SIGINT)
    terminal.type("5")
    terminal.wait_for("Space confirms")
    os.kill(terminal.pid, 0)


def test_it_survives_five_hundred_sizes_in_two_seconds_and_one_cell(console: Callable[..., PlayedTerminal]) -> None:
    terminal = console()
    sizes = random.Random(500)
    for _ in range(500):
        terminal.resize(sizes.randint(1, 220), sizes.randint(1, 60))
        terminal.read(0.004, drawn=False)
    terminal.resize(1, 1)
    terminal.read(0.5, drawn=False)
    terminal.resize(120, 36)
    terminal.type("5")
    terminal.wait_for("Space confirms")
    terminal.type("1")
    terminal.wait_for("Decision matrix")
    assert "CONTINUE" in terminal.screen.display[0] and "WAY BACK" in terminal.screen.display[2]


def test_hostile_text_leaves_the_terminal_alone(console: Callable[..., PlayedTerminal]) -> None:
    terminal = console("hostile")
    for key in "2345678911?":
        terminal.type(key)
        terminal.read(0.3)
    terminal.type("q")
    terminal.read(0.3)
    assert b"]52;c;ZXZpbA==" in terminal.output.replace(b"\\x1b", b"")  # it was shown, as text
    assert b"\x1b]52" not in terminal.output
    assert b"\x07" not in terminal.output.replace(b"\x1b]22;default\x07", b"")  # Textual's own: the pointer's shape
    assert "\x9b".encode() not in terminal.output
    assert "\u202e".encode() not in terminal.output


def test_without_colour_none_is_sent(console: Callable[..., PlayedTerminal]) -> None:
    terminal = console("critical", NO_COLOR="1")
    terminal.type("q")
    assert terminal.ended(DEADLINE) == 0
    styles = re.findall(rb"\x1b\[([\d;]*)m", terminal.output)
    assert [style for style in styles if re.search(rb"(^|;)[34][0-8](;|$)", style)] == []
