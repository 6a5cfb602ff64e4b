"""Copying: which way holds where, how large is too large, and that it is said; a real tmux proves its own way."""

from __future__ import annotations

import base64
import os
import shutil
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import states
from a_terminal import HERE, PlayedTerminal
from test_tui_keys import shows, until

from tui.app import ConsoleApp
from tui.copying import LARGEST, copy

Make = Callable[..., ConsoleApp]
PLAIN = {"TERM": "xterm-256color"}


def test_a_plain_terminal_gets_osc_52() -> None:
    copied = copy("MEM 204 MB", PLAIN, states.NOW)
    assert copied.sequence == f"\x1b]52;c;{base64.b64encode(b'MEM 204 MB').decode()}\x07"
    assert copied.said == "sent to the terminal's clipboard (OSC 52)"


def test_what_cannot_be_asked_but_may_be_a_tmux_gets_it_both_ways() -> None:
    for environment in ({"TERM": "tmux-256color"}, {"TERM": "screen", "TMUX": "/nowhere,1,0", "PATH": "/nowhere"}):
        copied = copy("x", environment, states.NOW)
        assert copied.sequence == "\x1b]52;c;eA==\x07\x1bPtmux;\x1b\x1b]52;c;eA==\x07\x1b\\"
        assert "set-clipboard on" in copied.said


def test_a_screen_passes_it_on_in_pieces_and_one_that_cannot_be_asked_gets_nothing_it_would_show() -> None:
    inside = copy("x" * 300, {"TERM": "screen", "STY": "1.pts"}, states.NOW).sequence
    pieces = inside.removesuffix("\x1b\\").split("\x1b\\")
    assert all(piece.startswith("\x1bP") and len(piece) <= 258 for piece in pieces)
    assert "".join(piece[2:] for piece in pieces) == copy("x" * 300, PLAIN, states.NOW).sequence
    around = copy("x", {"TERM": "screen-256color"}, states.NOW)
    assert around.sequence == "\x1b]52;c;eA==\x07"
    assert "set-clipboard on" in around.said


def test_nothing_of_the_text_can_end_the_sequence_or_act_when_it_is_pasted() -> None:
    copied = copy("a\x1b]0;evil\x07b\u202e\nc", PLAIN, states.NOW)
    inner = base64.b64decode(copied.sequence[7:-1]).decode()
    assert inner == "a\\x1b]0;evil\\x07b\\u202e\nc"


def test_what_is_too_large_goes_into_a_file_that_only_its_owner_reads(tmp_path: Path) -> None:
    most = LARGEST // 4 * 3
    assert copy("x" * most, PLAIN, states.NOW).sequence
    copied = copy("x" * (most + 1), {**PLAIN, "XDG_STATE_HOME": str(tmp_path)}, states.NOW)
    (path,) = (tmp_path / "abaco-ops/copied").iterdir()
    assert copied.sequence == ""
    assert copied.said == f"too large for a clipboard: written to {path}"
    assert path.read_text() == "x" * (most + 1) + "\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


async def test_a_file_that_cannot_be_written_is_said(
    make_app: Make, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "abaco-ops").write_text("in the way")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.delenv("TMUX", raising=False)
    app = make_app()
    async with app.run_test(size=(120, 24)) as pilot:
        await shows(pilot, "WATCH")
        monkeypatch.setattr(app.frame, "line_in_hand", lambda: "x" * LARGEST)
        await pilot.press("y")
        await shows(pilot, "not copied: too large for a clipboard, and")


async def test_where_there_is_no_line_that_is_said(make_app: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    app = make_app()
    async with app.run_test(size=(120, 24)) as pilot:
        await shows(pilot, "WATCH")
        monkeypatch.setattr(app.frame, "line_in_hand", lambda: "")
        await pilot.press("y")
        await shows(pilot, "no line to copy here")


async def test_the_keys_copy_and_say_how(make_app: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TMUX", raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await shows(pilot, "Checklist")
        sent: list[str] = []
        monkeypatch.setattr(app, "send_to_terminal", sent.append)
        for number, key in enumerate(("y", "u", "H"), 1):
            await pilot.press(key)
            await until(pilot, lambda number=number: len(sent) == number, key)
            await shows(pilot, "sent to the terminal's clipboard (OSC 52)")


async def test_a_console_that_is_ending_writes_nothing_more(make_app: Make) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await shows(pilot, "WATCH")
        written: list[str] = []
        app._driver.write = written.append  # type: ignore[union-attr, method-assign]
        app.send_to_terminal("\x1b]52;c;eA==\x07")
        assert written == ["\x1b]52;c;eA==\x07"]
        app.exit()
        app.send_to_terminal("\x1b]52;c;eA==\x07")
        assert len(written) == 1


def test_in_a_plain_terminal_the_bytes_come_out(tmp_path: Path) -> None:
    terminal = PlayedTerminal([str(HERE / "on_hand_made_state.py"), "warning", str(tmp_path / "e")], TMUX="")
    try:
        terminal.wait_for("Decision matrix")
        terminal.type("u")
        terminal.wait_for("sent to the terminal's clipboard")
        assert b"\x1b]52;c;" in terminal.output
    finally:
        terminal.close()


@pytest.fixture
def tmux(tmp_path: Path) -> Iterator[Callable[..., str]]:
    """A tmux of its own; its arguments in, its words out."""
    if shutil.which("tmux") is None:
        pytest.skip("no tmux on this machine")
    own = ["tmux", "-S", str(tmp_path / "tmux"), "-f", "/dev/null"]

    def ask(*words: str) -> str:
        return subprocess.run([*own, *words], capture_output=True, text=True, timeout=20, check=False).stdout

    yield ask
    ask("kill-server")


@pytest.mark.parametrize("setting", ["external", "off"])
def test_in_a_real_tmux_the_buffer_holds_it(tmux: Callable[..., str], tmp_path: Path, setting: str) -> None:
    """``external`` is the default of tmux: there OSC 52 alone does nothing."""
    found = os.pathsep.join(filter(None, (str(HERE), os.environ.get("PYTHONPATH"))))
    program = [sys.executable, str(HERE / "on_hand_made_state.py"), "warning", str(tmp_path / "ended")]
    tmux("new-session", "-d", "-x", "100", "-y", "30", "-e", f"PYTHONPATH={found}", "-e", "PYTHONUTF8=1")
    tmux("set", "-s", "set-clipboard", setting)
    tmux("respawn-pane", "-k", "-e", f"PYTHONPATH={found}", "-e", "PYTHONUTF8=1", *program)
    eventually(lambda: "Decision matrix" in tmux("capture-pane", "-p"), lambda: tmux("capture-pane", "-p"))
    tmux("send-keys", "u")
    eventually(lambda: "copied into tmux's buffer" in tmux("capture-pane", "-p"), lambda: tmux("capture-pane", "-p"))
    assert "WATCH" in tmux("show-buffer")


def eventually(wanted: Callable[[], Any], seen: Callable[[], str]) -> None:
    until = time.monotonic() + 20
    while not wanted():
        if time.monotonic() > until:
            raise AssertionError(seen())
        time.sleep(0.05)
