"""Which colours and marks a terminal gets, why, and that nothing else comes out."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from a_terminal import HERE, PlayedTerminal

from engine.cli import frame
from engine.cli.paint import painted
from engine.doctor import examine_machine
from engine.errors import Refused
from engine.tiers import COLORS, THEME_VARIABLE, tiers

XTERM = {"TERM": "xterm-256color"}
MILLIONS = {"COLORTERM": "truecolor"}


@pytest.mark.parametrize(
    ("environment", "colors"),
    [
        ({**XTERM, **MILLIONS}, "truecolor"),
        ({"TERM": "xterm-kitty"}, "truecolor"),
        ({"TERM": "alacritty-direct"}, "truecolor"),
        (XTERM, "256"),
        ({"TERM": "tmux-256color", "TMUX": "/tmp/tmux"}, "256"),
        ({"TERM": "tmux-256color", "TMUX": "/tmp/tmux", **MILLIONS}, "truecolor"),
        ({"TERM": "screen-256color", "TMUX": "/tmp/tmux", **MILLIONS}, "truecolor"),
        ({"TERM": "screen-256color", "STY": "1.tty", **MILLIONS}, "256"),  # GNU screen would show nonsense
        ({"TERM": "screen", "STY": "1.tty", **MILLIONS}, "16"),
        ({"TERM": "xterm"}, "16"),
        ({"TERM": "linux", **MILLIONS}, "16"),
        ({"TERM": "vt220"}, "none"),
        ({**XTERM, **MILLIONS, "NO_COLOR": "1"}, "none"),
        ({**XTERM, "NO_COLOR": ""}, "256"),  # no-color.org: set and not empty
        ({**XTERM, "NO_COLOR": "1", "ABACO_OPS_COLORS": "16"}, "16"),
        ({"TERM": "linux", "ABACO_OPS_COLORS": "truecolor"}, "truecolor"),
    ],
)
def test_colours_are_chosen_from_the_environment(environment: dict[str, str], colors: str) -> None:
    chosen = tiers(environment)
    assert chosen.colors == colors
    assert chosen.colors_why


@pytest.mark.parametrize(
    ("environment", "marks"),
    [
        (XTERM, "unicode"),
        ({"TERM": "linux"}, "ascii"),
        ({"TERM": "vt100"}, "ascii"),
        ({**XTERM, "ABACO_OPS_GLYPHS": "ascii"}, "ascii"),
        ({"TERM": "linux", "ABACO_OPS_GLYPHS": "unicode"}, "unicode"),
    ],
)
def test_marks_are_chosen_from_the_environment(environment: dict[str, str], marks: str) -> None:
    assert tiers(environment).marks == marks


@pytest.mark.parametrize("variable", ["ABACO_OPS_COLORS", "ABACO_OPS_GLYPHS"])
def test_a_tier_that_there_is_not_is_refused_with_those_that_there_are(variable: str) -> None:
    with pytest.raises(Refused) as refused:
        tiers({**XTERM, variable: "many"})
    assert variable in str(refused.value) and "one of: " in str(refused.value)


def test_the_doctor_says_which_and_why(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("COLORTERM", "NO_COLOR", "ABACO_OPS_COLORS", "ABACO_OPS_GLYPHS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "linux")
    said = {finding.name: finding.what for finding in examine_machine()}
    assert said["colours"].startswith("16: the Linux text console has no more")
    assert said["glyphs"].startswith("ascii: ")
    assert "--colors" in said["colours"] and "--glyphs" in said["glyphs"]
    monkeypatch.setenv("ABACO_OPS_COLORS", "lots")
    assert [finding.status for finding in examine_machine() if finding.name == "tiers"] == ["FAIL"]


@pytest.mark.parametrize("order", ["before", "after"])
def test_the_wall_command_only_looks_and_options_stand_above_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, order: str
) -> None:
    for name, value in {"ABACO_OPS_THEME": "dark", "ABACO_OPS_COLORS": "256", "ABACO_OPS_GLYPHS": "ascii"}.items():
        monkeypatch.setenv(name, value)
    opened: list[tuple[Any, ...]] = []

    def open_console(root: Path, read_only: bool, *, wall: bool = False) -> int:
        chosen = tiers(os.environ)
        opened.append((root, read_only, wall, os.environ[THEME_VARIABLE], chosen.colors, chosen.marks))
        return 0

    options = ["--root", str(tmp_path), "--theme", "light", "--colors", "16", "--glyphs", "unicode"]
    words = [*options, "wall"] if order == "before" else ["wall", *options]
    assert frame.main(words, open_console) == 0
    assert opened == [(tmp_path.resolve(), True, True, "light", "16", "unicode")]


def test_words_of_the_command_line_have_colours_only_where_they_may(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    for name in ("NO_COLOR", "ABACO_OPS_COLORS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert painted("x", "FAIL") != "x"
    monkeypatch.setenv("ABACO_OPS_COLORS", "none")
    assert painted("x", "FAIL") == "x"


@pytest.fixture
def console(tmp_path: Path) -> Iterator[Callable[..., bytes]]:
    """Everything that the console sends from its start to its end, the wall and another theme in between."""
    opened: list[PlayedTerminal] = []

    def run(**environment: str) -> bytes:
        program = [str(HERE / "on_hand_made_state.py"), "critical", str(tmp_path / "ended")]
        terminal = PlayedTerminal(program, **environment)
        opened.append(terminal)
        terminal.wait_for("Decision matrix")
        terminal.type(":theme\r")
        terminal.wait_for("Esc leaves it")
        terminal.type("j")
        terminal.read(0.1)
        terminal.type("\r:wall\r")
        terminal.wait_for("limit > 500 ms")
        terminal.type("q")
        terminal.wait_for("Decision matrix")
        terminal.type("q")
        assert terminal.ended(8.0) == 0
        return terminal.output

    yield run
    for terminal in opened:
        terminal.close()


def codes(output: bytes) -> set[str]:
    """What was sent to choose colours, each with its arguments: ``38;5;233``, ``97``, ``1``."""
    found: set[str] = set()
    for sequence in re.findall(rb"\x1b\[([\d;:]*)m", output):
        parts = sequence.decode().replace(":", ";").split(";")
        while parts:
            size = {"2": 5, "5": 3}.get(parts[1] if len(parts) > 1 else "", 1) if parts[0] in ("38", "48") else 1
            found.add(";".join(parts[:size]))
            del parts[:size]
    return found


PLAIN_CODES = {"", "0", "1", "2", "4", "7", "22", "24", "27", "39", "49"}
"""Attributes, and the terminal's own colours."""


@pytest.mark.parametrize("tier", COLORS)
def test_only_the_codes_of_the_tier_come_out_whatever_the_terminal_claims(
    console: Callable[..., bytes], tier: str
) -> None:
    claims = {"TERM": "xterm", "COLORTERM": ""} if tier == "truecolor" else {"COLORTERM": "truecolor"}
    sent = codes(console(ABACO_OPS_COLORS=tier, **claims)) - PLAIN_CODES
    allowed = {
        "truecolor": r"[34]8;2;\d+;\d+;\d+",
        "256": r"[34]8;5;(1[6-9]|[2-9]\d|[12]\d\d)",
        "16": r"3[0-7]|9[0-7]|4[0-7]|10[0-7]",
        "none": r"none",
    }[tier]
    assert [code for code in sent if not re.fullmatch(allowed, code)] == []
    assert sent or tier == "none"
