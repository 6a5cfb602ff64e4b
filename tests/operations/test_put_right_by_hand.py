"""A rollback that stopped prints the commands that remain: run literally, they end on V1, and delete nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from live_at_work import new_release_goes_live
from sabotage_at_work import JOURNAL_READ_ONLY, sabotage, writable_again
from site_at_work import Site, hashes

from engine.operations.remaining import BY_HAND


def by_hand(lines: list[str]) -> list[str]:
    """The commands below the line that says so."""
    texts = [line.strip() for line in lines]
    assert BY_HAND in "\n".join(texts), texts
    start = max(number for number, text in enumerate(texts) if BY_HAND in text)
    return [text[text.find("abaco-ops") :] if "abaco-ops" in text else _plain(text) for text in texts[start + 1 :]]


def _plain(text: str) -> str:
    return text[min(at for word in ("cp -", "mv -") if (at := text.find(word)) >= 0) :]


def run_literally(site: Site, commands: list[str], tmp_path: Path) -> None:
    program = tmp_path / "bin" / "abaco-ops"
    program.parent.mkdir(exist_ok=True)
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m tui.main "$@"\n')
    program.chmod(0o755)
    environment = {**os.environ, "PATH": f"{program.parent}:{os.environ['PATH']}"}
    ended = subprocess.run(
        ["bash", "-e", "-c", "\n".join(commands)], capture_output=True, text=True, check=False, env=environment
    )
    assert ended.returncode == 0, "\n".join(commands) + ended.stdout + ended.stderr


LOST, FAILS = "the journal is lost", "the step fails"
STOPS = [
    ("stop_new", "inside", LOST),
    ("take_inventory", "inside", FAILS),
    ("restore_config", "inside", LOST),
    ("restore_metrics", "inside", LOST),
    ("restore_metrics", "after", FAILS),
    ("start_old", "inside", LOST),
    ("set_aside", "inside", FAILS),
    ("verify_old", "inside", LOST),
    ("record_incident", "inside", FAILS),
    ("tell_people", "after", LOST),
]


@pytest.mark.parametrize(("step", "when", "how"), STOPS)
def test_the_commands_that_a_stopped_rollback_prints_end_on_the_old_release(
    round_trip: Site, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, step: str, when: str, how: str
) -> None:
    site = round_trip
    if how == LOST and os.geteuid() != 0:
        pytest.skip("needs root")
    config, metrics = site.config(), site.metrics()
    new_release_goes_live(site)
    edited = site.config()
    sabotage(
        monkeypatch, step, when, run=JOURNAL_READ_ONLY if how == LOST else (), fail="on purpose" if how == FAILS else ""
    )
    stopped = site.rollback()
    operation = site.deployment.paths.operation(stopped.id)
    if how == LOST:
        writable_again(operation / "journal.jsonl")
        assert stopped.state == "INTERRUPTED"
        lines = (operation / "output.log").read_text().splitlines()
        assert any("STOPPED" in line and "journal" in line for line in lines)
    else:
        assert stopped.state == "NEEDS_HUMAN"
        lines = list(stopped.offers)
    commands = by_hand(lines)
    assert not [word for command in commands for word in command.split() if word in ("rm", "rmdir", "unlink", ">")]

    run_literally(site, commands, tmp_path)

    assert site.live() == "v1"
    assert site.state("v2") == "STOPPED"
    assert site.config() == config
    assert {name: site.metrics().get(name) for name in metrics} == metrics
    assert not [name for name in site.metrics() if "_v2_" in name]
    after = set(hashes(site.root).values())
    assert site.written_by("v2") <= after
    assert {value for name, value in hashes(site.deployment.paths.snapshots).items() if "/tree/" in name} <= after
    assert any(path.read_bytes() == edited for path in site.root.rglob("*.y*ml*") if path.is_file())
    assert not site.operation(stopped.id).open
