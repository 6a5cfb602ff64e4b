"""Keys typed while the console starts: not echoed, not lost; and whatever ends the start, the terminal echoes again."""

from __future__ import annotations

import os
import pty
import signal
import sys
import termios
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from a_terminal import PlayedTerminal
from textual.drivers.linux_driver import LinuxDriver

from engine.cli import frame
from engine.config import Deployment
from tui import main, unechoed
from tui.terminal import Modes
from tui.typed import PatientDriver

START = """
import os, sys
from tui import main, unechoed
fifo, hold = sys.argv.pop(), unechoed.hold

def hold_and_wait():
    hold()
    os.write(1, b"HELD")
    open(fifo).read()  # the test does something meanwhile, and goes on

unechoed.hold = hold_and_wait
main.main()
"""
ALT_SCREEN = b"\x1b[?1049h"
Starts = Callable[..., PlayedTerminal]


@pytest.fixture
def go_on(tmp_path: Path) -> Path:
    os.mkfifo(tmp_path / "go_on")
    return tmp_path / "go_on"


@pytest.fixture
def starts(deployment: Deployment, go_on: Path) -> Iterator[Starts]:
    opened: list[PlayedTerminal] = []

    def start(*words: str, **environment: str) -> PlayedTerminal:
        arguments = ["-c", START, *words, "--read-only", "--root", str(deployment.root), str(go_on)]
        opened.append(PlayedTerminal(arguments, **environment))
        opened[0].wait_for("HELD")
        return opened[0]

    yield start
    for terminal in opened:
        terminal.close()


def echoes(terminal: PlayedTerminal) -> bool:
    return bool(terminal.modes() & termios.ECHO)


@pytest.mark.parametrize("words", [(), ("wall",)], ids=str)
def test_a_key_before_the_picture_is_not_echoed_and_counts(starts: Starts, go_on: Path, words: tuple[str]) -> None:
    terminal = starts(*words)
    assert not echoes(terminal)
    terminal.type("?")
    terminal.read(0.05, drawn=False)
    go_on.write_text("")
    terminal.wait_for("Esc back")
    assert b"?" not in terminal.output.partition(ALT_SCREEN)[0]
    terminal.type("\x1b")
    terminal.read_until(lambda: "Esc back" not in "\n".join(terminal.screen.display))
    terminal.type("q")
    assert terminal.ended(20) == 0
    assert echoes(terminal)


def test_a_refusal_gives_the_echo_back(starts: Starts, go_on: Path) -> None:
    terminal = starts(TERM="dumb")
    assert not echoes(terminal)
    go_on.write_text("")
    assert terminal.ended(20) == 2
    assert b"cannot draw a screen" in terminal.output
    assert echoes(terminal)


@pytest.mark.parametrize(
    ("number", "code"),
    [(signal.SIGTERM, -15), (signal.SIGHUP, -1), (signal.SIGQUIT, -3), (signal.SIGINT, 130)],
    ids=str,
)
def test_a_signal_gives_the_echo_back_and_ends_the_start_as_ever(starts: Starts, number: int, code: int) -> None:
    terminal = starts()
    terminal.signal(number)
    assert terminal.ended(20) == code
    assert echoes(terminal)
    assert b"Traceback" not in terminal.output


def test_stopped_by_ctrl_z_the_shell_has_its_echo(starts: Starts, go_on: Path) -> None:
    terminal = starts()
    terminal.signal(signal.SIGTSTP)
    terminal.read_until(lambda: echoes(terminal))
    terminal.signal(signal.SIGCONT)
    go_on.write_text("")
    terminal.wait_for("READ-ONLY")


def test_ended_by_a_signal_later_it_echoes_too(starts: Starts, go_on: Path) -> None:
    terminal = starts()
    go_on.write_text("")
    terminal.wait_for("READ-ONLY")
    terminal.signal(signal.SIGTERM)
    assert terminal.ended(20) == 128 + signal.SIGTERM
    assert echoes(terminal)


def test_modes_that_are_read_meanwhile_are_those_of_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """The guard gives these back where Textual cannot."""
    outer, inner = pty.openpty()
    try:
        modes = termios.tcgetattr(inner)
        modes[3] &= ~termios.ECHO
        termios.tcsetattr(inner, termios.TCSANOW, modes)
        monkeypatch.setattr(unechoed, "_held", True)
        kept = Modes(inner)
        monkeypatch.setattr(unechoed, "_held", False)
        kept.restore()
        assert termios.tcgetattr(inner)[3] & termios.ECHO
    finally:
        os.close(outer)
        os.close(inner)


def test_what_textual_gives_back_is_what_was_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """It reads the modes when the echo is off already; where it stops for Ctrl-Z, the shell has its echo."""

    def without_echo(driver: LinuxDriver) -> None:
        driver.attrs_before = [0, 0, 0, termios.ICANON, 0, 0, []]

    monkeypatch.setattr(LinuxDriver, "start_application_mode", without_echo)
    monkeypatch.setattr(unechoed, "_held", True)
    driver = PatientDriver.__new__(PatientDriver)
    driver.start_application_mode()
    assert driver.attrs_before == [0, 0, 0, termios.ICANON | termios.ECHO, 0, 0, []]
    assert not unechoed._held


@pytest.mark.parametrize(("words", "held"), [([], 1), (["wall"], 1), (["--version"], 1), (["status"], 0), (["go"], 0)])
def test_only_what_opens_the_console_is_without_echo(
    words: list[str], held: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A command that asks something has to echo the answer."""
    done: list[str] = []
    monkeypatch.setattr(sys, "argv", ["abaco-ops", *words])
    monkeypatch.setattr(unechoed, "hold", lambda: done.append("hold"))
    monkeypatch.setattr(main.gc, "disable", lambda: None)
    monkeypatch.setattr(frame, "main", lambda *_: 0)
    with pytest.raises(SystemExit):
        main.main()
    assert len(done) == held


def test_where_there_is_no_terminal_nothing_is_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    changed: list[object] = []
    monkeypatch.setattr(os, "isatty", lambda number: number == 0)
    monkeypatch.setattr(termios, "tcsetattr", lambda *_: changed.append(1))
    unechoed.hold()
    assert not changed and not unechoed._held


def test_behind_the_shell_nothing_is_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    """It would stop the process."""
    changed: list[object] = []
    monkeypatch.setattr(os, "isatty", lambda _: True)
    monkeypatch.setattr(os, "tcgetpgrp", lambda _: os.getpgrp() + 1)
    monkeypatch.setattr(termios, "tcsetattr", lambda *_: changed.append(1))
    unechoed.hold()
    assert not changed and not unechoed._held
