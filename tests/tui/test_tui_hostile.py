"""Hostile text in anything that the console or a command shows reaches the terminal as visible harmless text only."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import states
from a_terminal import HERE, PlayedTerminal
from steering import foreign

from engine.cli import frame
from engine.clock import SystemClock
from engine.config import Deployment, load_deployment
from engine.records import append_event

EVIL = "\x1b]52;c;ZXZpbA==\x07\x9b2J\x1b[31mred\u202eder\u2066[bold]x[/]\r\x08\x7f"
LONG = "Z" * 5000
VIEWS = "123456789"


def test_the_sieve_lets_nothing_foreign_through() -> None:
    assert foreign(b"\x1b[1;31mok\x1b[0m\x1b[?2026h\x1b[2;3H text\r\n") == []
    assert foreign(b"\x1b]52;c;eA==\x07") == [], "copied text is judged like shown text"
    assert foreign(b"\x1b]52;c;G2M=\x07") != []
    for piece in ("\x1b]0;title\x07", "\x9b2J", "\x1b[5n", "\x1bc", "\u202e", "\x07", "\x1b[?47h", "\u200b"):
        assert foreign(f"text {piece} text".encode()), piece


@pytest.fixture
def terminals(tmp_path: Path) -> Iterator[list[PlayedTerminal]]:
    opened: list[PlayedTerminal] = []
    yield opened
    for terminal in opened:
        terminal.close()


@pytest.mark.parametrize(("columns", "rows"), [(80, 24), (200, 50)])
def test_whatever_field_of_the_state_is_hostile(
    terminals: list[PlayedTerminal], tmp_path: Path, columns: int, rows: int
) -> None:
    """Every text of the state carries it; every view, sheet and list is opened."""
    program = str(HERE / "on_hand_made_state.py")
    terminal = PlayedTerminal([program, "poisoned", str(tmp_path / "ended")], columns, rows)
    terminals.append(terminal)
    terminal.wait_for("Decision matrix")
    for keys in [*VIEWS, "1\r", "2\r", "6\r", "e", "3\r", "1R", "1C", "B", "D", "w", "u", "?", ":", "1/x\r", "1z"]:
        for key in keys:
            terminal.type(key)
            terminal.read(0.06)
        terminal.type("\x03\x03\x03")
    terminal.read(0.3)
    assert terminal.output.count(b"]52;c;ZXZpbA==") > 5, "it is shown, as text"
    assert foreign(terminal.output) == []


def test_the_poison_really_stands_in_the_states_that_are_shown() -> None:
    assert any(EVIL in text for text in states.texts(states.poisoned(states.WARNING, EVIL)))


@pytest.fixture
def poisoned_files(deployment: Deployment) -> Path:
    """A deployment whose notes, services, tapes, journal, logs and configuration were written by an enemy."""
    root = deployment.root
    clock = SystemClock()
    for kind, data in (
        ("note", {"text": EVIL}),
        ("ack", {"condition": EVIL, "reason": EVIL, "owner": EVIL, "until": EVIL}),
        ("watch.taken", {"holder": EVIL, "from": EVIL}),
        ("alert.opened", {"alert": EVIL, "condition": EVIL, "tier": EVIL, "text": EVIL, "priority": "P1", "to": EVIL}),
        (EVIL, {"what": EVIL}),
    ):
        append_event(deployment.paths.events, kind, data, source="operation", actor=EVIL, operation=EVIL, clock=clock)
    (root / "logs").mkdir(exist_ok=True)
    (root / "logs" / "monitoring.log").write_text(f"2026-01-31\n09:00 | {EVIL} | {LONG} |\n")
    operation = deployment.paths.operations / f"0001-{EVIL.replace('/', '_')[:20]}"
    operation.mkdir(parents=True)
    (operation / "journal.jsonl").write_text(json.dumps({"kind": EVIL, "step": EVIL}) + f"\n{EVIL}\n")
    config = root / "config" / "console.yml"
    text = config.read_text()
    title = next(line for line in text.splitlines() if line.strip().startswith("title:"))
    escaped = json.dumps(EVIL)
    config.write_text(text.replace(title, f"{title.split('title:')[0]}title: {escaped}"))
    return root


COMMANDS = [
    ("status",),
    ("status", "--json"),
    ("history",),
    ("checklist",),
    ("why",),
    ("ready",),
    ("doctor",),
    ("snapshots", "list"),
    ("audit",),
    ("watch", "handover"),
    ("update",),
    ("gate",),
    ("follow", "--once"),
    ("why", EVIL.replace("\0", "")),
    ("history", EVIL),
    ("resume", EVIL),
    (EVIL,),
    ("kpi", f"/no/such/{EVIL}.csv"),
    ("rules", "test", f"/no/such/{EVIL}.yml"),
    ("checklist", "tick", EVIL),
    ("ack", EVIL, "--reason", EVIL),
    ("gate", "go", EVIL),
    ("--root", f"/no/such/{EVIL}", "status"),
]


@pytest.mark.parametrize(
    "command", COMMANDS, ids=lambda command: " ".join(command)[:24].encode("ascii", "replace").decode()
)
def test_no_command_passes_hostile_text_on(
    poisoned_files: Path, command: tuple[str, ...], capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    with contextlib.suppress(SystemExit):  # a usage error
        frame.main(["--root", str(poisoned_files), *command], lambda *_: 0)
    said = b"".join(capfdbinary.readouterr())
    assert said and foreign(said) == []
    assert b"a mistake in abaco-ops itself" not in said


def test_the_console_on_an_enemys_files_shows_them_as_text(
    poisoned_files: Path, terminals: list[PlayedTerminal]
) -> None:
    assert load_deployment(poisoned_files).root == poisoned_files
    terminal = PlayedTerminal(["-m", "tui.main", "--root", str(poisoned_files), "--read-only"])
    terminals.append(terminal)
    terminal.wait_for("Decision matrix")
    for key in [*VIEWS, "\r", "?", "\x03", "\x03", "\x03", "q"]:
        terminal.type(key)
        terminal.read(0.1)
    assert terminal.ended(10) == 0
    assert foreign(terminal.output) == []
