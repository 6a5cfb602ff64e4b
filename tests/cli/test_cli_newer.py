"""Records of a newer version: what can be read is shown, nothing is written, and the way back without this is named."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path

import msgspec
import pytest
from test_cli_read_only import asked_of_the_engine, contents, run

import engine
from engine import __version__
from engine.clock import SystemClock
from engine.config import Deployment, load_deployment
from engine.config.looking import must_write
from engine.config.newer import newer_here
from engine.config.paths import Paths
from engine.errors import Refused
from engine.monitoring import checkpoint as saved
from engine.monitoring.facts import Facts, fold
from engine.monitoring.holder import read_holder
from engine.monitoring.launch import ensure_monitor
from engine.monitoring.loop import watch
from engine.monitoring.monitor import Monitor
from engine.monitoring.store import SampleStore
from engine.operations.journal import Journal, read_operation
from engine.operations.requests import ask, take
from engine.records import append_event, is_locked, read_lines
from engine.records.lines import encode
from engine.services.protocol import Identity
from engine.state.reader import StateReader

SAID = f"a newer abaco-ops works here: its records are of version 2, {__version__} knows 1"
PLACES = ("audit trail", "journal", "state of the monitor")
WRITES = """
rollback --yes
cutover --yes --reason x
resolve 0001 --reason x
monitor
monitor --restart
service stop v1
checklist tick before/0/team
note something
ack MEM
validate
archive
"""
VIEWS = """
status
status --json
follow --for 0
doctor
history
history 0001
snapshots
ready
why MEM
gate
checklist
watch
audit verify
cutover --dry-run
rollback --dry-run
report -o - --format md
"""


@pytest.fixture
def root(deployment: Deployment) -> Path:
    """The demo's configuration; nothing runs."""
    return deployment.root


def lines(table: str) -> list[str]:
    return table.split("\n")[1:-1]


def written(root: Path) -> dict[str, str]:
    """Everything but what SQLite makes for whoever reads."""
    return {name: found for name, found in contents(root).items() if not name.endswith(("-shm", "-wal"))}


def raise_the_version(root: Path, where: str, *, strange: bool = True) -> Path:
    """One record of version 2; ``strange``: with a content that only version 2 understands."""
    paths = Paths(root)
    if where == "audit trail":
        append_event(paths.events, "note", {"text": "by the newer one"}, source="people", actor="kim@ops1")
        _raise(paths.events)
        append_event(paths.events, "note", {"text": "by an older one"}, source="people", actor="kim@ops1")
    elif where == "journal":
        directory = paths.operations / "0001-cutover"
        directory.mkdir(parents=True)
        journal = Journal(directory, SystemClock())
        steps = ["first", "second"] if strange else [{"name": "a", "title": "A", "phase": "0"}]
        journal.write("planned", operation_kind="cutover", release_from="v1", release_to="v2", steps=steps)
        _raise(directory / "journal.jsonl")
    else:
        store = SampleStore(paths.samples)
        store.append([])
        store.close()
        with closing(sqlite3.connect(paths.samples)) as connection:
            connection.execute("UPDATE newest SET evaluation = ?", (b'{"v": 2, "verdicts": ["CONTINUE"]}',))
            connection.commit()
    return root


def _raise(path: Path) -> None:
    text = path.read_text()
    assert '"v":1' in text
    path.write_text(text.replace('"v":1', '"v":2'))


def with_a_way_back(root: Path) -> Path:
    script = root / ".rollback/RETURN.sh"
    script.parent.mkdir(exist_ok=True)
    script.write_text("#!/bin/sh\n")
    return script


def test_the_command_line_writes_nothing_and_says_why_in_one_sentence(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    raise_the_version(root, "audit trail")
    script = with_a_way_back(root)
    before = written(root)
    for line in lines(WRITES):
        assert run(root, line) == 2, line
        said = capsys.readouterr().err
        assert f"writes, and {SAID}" in said, line
        assert f"the way back without this program: sh {script}" in said, line
    assert written(root) == before


@pytest.mark.parametrize("where", PLACES)
def test_the_engine_writes_nothing_whatever_asked_and_wherever_it_is_seen(root: Path, where: str) -> None:
    deployment = load_deployment(raise_the_version(root, where))
    before = written(root)
    for name, request in asked_of_the_engine(deployment):
        with pytest.raises(Refused, match="a newer abaco-ops works here"):
            request()
            raise AssertionError(name)
    assert ensure_monitor(deployment) is None
    assert written(root) == before


def test_a_newer_record_is_not_forgotten_when_many_of_this_version_came_after_it(root: Path) -> None:
    """The pipelines write two events a run: within minutes what a person wrote stands far from the trail's end."""
    paths = Paths(root)
    raise_the_version(root, "audit trail")
    read = fold(Facts(), read_lines(paths.events))
    read = fold(read, [{**read_lines(paths.events)[-1], "seq": 3}])
    store = SampleStore(paths.samples)
    store.append([], checkpoints={saved.TRAIL: msgspec.json.encode(saved.Trail(0, read))})
    store.close()
    with paths.events.open("ab") as trail:
        trail.write(encode({"v": 1, "kind": "run.started", "padding": "x" * 1000}) * 300)
    with pytest.raises(Refused, match="a newer abaco-ops works here"):
        must_write(load_deployment(root), "a note")


def test_no_monitor_starts_where_a_newer_one_has_judged(root: Path) -> None:
    with pytest.raises(Refused, match=f"a monitor writes, and {SAID.split(':')[0]}"):
        watch(raise_the_version(root, "state of the monitor"), threading.Event(), ticks=1)


class Replaced(Exception):
    """By another program: what os.execv does."""


@pytest.mark.parametrize("where", ["audit trail", "journal"])
def test_a_monitor_that_runs_already_writes_nothing_more_and_the_installed_one_takes_its_place(
    root: Path, where: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """An upgrade below a running monitor: what runs goes on with the code it began with, until then."""
    commands: list[list[str]] = []

    def execv(program: str, command: list[str]) -> None:
        assert not is_locked(Paths(root).monitor_lock), "the next one finds the place free"
        commands.append([program, *command])
        raise Replaced

    monkeypatch.setattr(os, "execv", execv)
    monkeypatch.setattr(sys, "orig_argv", ["python3", "-m", "engine.monitoring", "--root", str(root)])
    with pytest.raises(Replaced):
        _watch_until(root, where, monkeypatch)
    assert commands == [[sys.executable, sys.executable, "-m", "engine.monitoring", "--root", str(root)]]
    assert f"{SAID}: this monitor writes nothing more, the installed one is to go on" in capsys.readouterr().err


def test_under_systemd_it_ends_and_systemd_starts_the_installed_one(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
    with pytest.raises(Refused, match=SAID) as ended:
        _watch_until(root, "audit trail", monkeypatch)
    assert ended.value.fix == "start the monitor of that version: abaco-ops monitor --restart"


def test_where_the_installed_one_is_older_too_none_runs_and_the_next_says_why(root: Path) -> None:
    """The real processes: the one that takes over is of this version again, and refuses."""
    path = root / "config/console.yml"
    path.write_text(path.read_text().replace("sample: 1s", "sample: 100ms"))
    command = [sys.executable, "-m", "engine.monitoring", "--root", str(root)]
    running = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        assert running.stderr is not None
        assert "a sample every" in running.stderr.readline()
        raise_the_version(root, "audit trail")
        said = running.communicate(timeout=30)[1]
    finally:
        running.kill()
    assert running.returncode == 2
    assert f"{SAID}: this monitor writes nothing more" in said
    assert f"a monitor writes, and {SAID}" in said


def test_an_upgrade_below_a_running_monitor_is_taken_up_by_the_same_process(root: Path, tmp_path: Path) -> None:
    """The real processes, of an installation that is replaced by a newer version while its monitor runs."""
    installed = tmp_path / "site-packages/engine"
    shutil.copytree(Path(engine.__file__).parent, installed, ignore=shutil.ignore_patterns("__pycache__"))
    surroundings = {**os.environ, "PYTHONPATH": str(installed.parent), "PYTHONDONTWRITEBYTECODE": "1"}
    path = root / "config/console.yml"
    path.write_text(path.read_text().replace("sample: 1s", "sample: 100ms"))
    command = [sys.executable, "-m", "engine.monitoring", "--root", str(root)]
    running = subprocess.Popen(command, cwd=root, env=surroundings, stderr=subprocess.PIPE, text=True)
    late = threading.Timer(30, running.kill)  # a line that does not come
    late.start()
    try:
        assert running.stderr is not None
        assert "a sample every" in running.stderr.readline()
        form = installed / "records/form.py"
        form.write_text(form.read_text().replace("VERSION = 1", "VERSION = 2"))
        raise_the_version(root, "audit trail")
        said = [running.stderr.readline() for _ in range(3)]
        assert "this monitor writes nothing more" in said[0]
        assert "monitor stopped" in said[1]
        assert "a sample every" in said[2], "it watches on, and knows the newer records"
        holder = read_holder(load_deployment(root))
        assert holder is not None and holder.pid == running.pid and holder.alive
    finally:
        late.cancel()
        running.kill()
        running.communicate()


def _watch_until(root: Path, where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A monitor of this version; after its second tick a newer one has written, and there is no third."""
    ticks: list[Monitor] = []
    stop, tick = threading.Event(), Monitor.tick

    def ticked(monitor: Monitor) -> object:
        ticks.append(monitor)
        found = tick(monitor)
        if len(ticks) == 2:
            raise_the_version(root, where)
        return found

    monkeypatch.setattr(Monitor, "tick", ticked)
    monkeypatch.setattr(stop, "wait", lambda _: None)
    try:
        watch(root, stop, ticks=4)
    finally:
        assert len(ticks) == 2


def test_what_can_be_read_is_shown(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for where in PLACES:
        raise_the_version(root, where)
    before = written(root)
    for line in lines(VIEWS):
        run(root, line)
        said = capsys.readouterr()
        assert said.out or said.err.startswith(f"abaco-ops: {SAID}"), f"{line}: {said.err}"
        assert "a mistake in abaco-ops itself" not in said.err, line
    assert written(root) == before


@pytest.mark.parametrize("where", PLACES)
def test_the_state_says_so_and_no_newer_judgement_is_guessed_at(root: Path, where: str) -> None:
    state = StateReader(load_deployment(raise_the_version(root, where)), SystemClock()).read()
    assert state.newer == SAID
    assert SAID in state.problems
    assert state.verdict.word == "UNKNOWN"
    if where == "state of the monitor":
        assert SAID in state.verdict.why
        assert state.verdict.clears == "a console of that version"


def test_a_journal_that_is_understood_all_the_same_is_shown(root: Path) -> None:
    raise_the_version(root, "journal", strange=False)
    operation = read_operation(root / ".rollback/operations/0001-cutover")
    assert (operation.release_to, operation.version) == ("v2", 2)


def test_doctor_says_so(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    raise_the_version(root, "journal")
    run(root, "doctor")
    assert f"FAIL  records        {SAID}" in capsys.readouterr().out


def test_a_request_of_a_newer_version_is_set_aside_unanswered(tmp_path: Path) -> None:
    directory = tmp_path / "0001-cutover"
    worker = Identity(1, 2, "boot")
    _raise(ask(directory, worker, "go"))
    assert take(directory, worker) is None
    ask(directory, worker, "go")
    assert take(directory, worker) is not None


@pytest.mark.parametrize("version", ['"2"', "true", "null", "[2]", "1", "0", "-7"])
def test_what_is_no_newer_version_is_none(root: Path, version: str) -> None:
    paths = Paths(root)
    append_event(paths.events, "note", {"text": "x"}, source="people", actor="kim@ops1")
    paths.events.write_text(paths.events.read_text().replace('"v":1', f'"v":{version}'))
    assert newer_here(paths) == ""
