"""What the monitor started ends with it, and a release's own program that hangs ends too: it outlives nobody."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.config import Deployment
from engine.monitoring import children
from engine.monitoring.children import Children, Ended
from engine.services.identity import identity_of, is_alive, send_signal
from engine.services.protocol import Identity
from engine.snapshots import Origin, read_snapshot, stage, take_snapshot
from engine.validation.program import KpiProgram, ProgramFailed

HANGS = """#!/bin/sh
trap '' TERM
sleep 600 &
echo $$ $! > told && mv told hanging
wait
wait
"""
"""A release's program that does not end when it is asked, and a process that it has started itself."""
ERRANDS = {
    "proof": ["engine.operations.way_back"],
    "shadow": ["engine.monitoring.shadow"],
    "tests": ["engine.monitoring.release_tests", "--scheduled"],
    "validation": ["engine.validation", "run", "--scheduled"],
}
MONITOR = """
import sys, time, pathlib
from engine.monitoring.children import Children
root, *command = sys.argv[1:]
Children(pathlib.Path(root), pathlib.Path(root, "monitor.out")).start("errand", command, until=1e9)
time.sleep(600)
"""


@pytest.fixture
def root(deployment: Deployment, clock: Any) -> Path:
    """After a cutover: a snapshot, its staged tree, a tape; every program of both releases hangs."""
    deployment.metrics.mkdir(parents=True)
    (deployment.metrics / "kpis.json").write_text("{}")
    deployment.tape.parent.mkdir(parents=True, exist_ok=True)
    deployment.tape.write_text("loan_id\nL1\n")
    origin = Origin("final", "0001-cutover", "v1", "b", clock.now().wall)
    taken = take_snapshot(deployment, origin)
    stage(deployment, read_snapshot(deployment, deployment.paths.snapshots / taken.id), origin)
    program = deployment.root / "hangs"
    program.write_text(HANGS)
    program.chmod(0o755)
    for release in ("v1", "v2"):
        path = deployment.paths.config / f"releases/{release}.yml"
        lines = path.read_text().splitlines()
        kept = [
            line.split(": ")[0] + ': ["./hangs"]' if line.startswith(("  kpi:", "  test:")) else line for line in lines
        ]
        path.write_text("\n".join(kept) + "\n")
    return deployment.root


@pytest.fixture
def hanging(root: Path) -> Iterator[Callable[[], list[Identity]]]:
    """Waits until the program hangs; the processes of it. None is left behind, whatever a test finds."""
    found: list[Identity] = []

    def wait() -> list[Identity]:
        _await((root / "hanging").exists)
        now = [who for pid in (root / "hanging").read_text().split() if (who := identity_of(int(pid)))]
        found.extend(now)
        assert len(now) == 2
        return now

    yield wait
    for identity in found:
        send_signal(identity, signal.SIGKILL)


def _await(what: Callable[[], object]) -> None:
    until = time.monotonic() + 20
    while not what():
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.02)


def command(root: Path, errand: str) -> list[str]:
    return [sys.executable, "-m", *ERRANDS[errand], "--root", str(root)]


def _as_from_a_terminal() -> None:
    """Whoever runs the tests may have hang-ups ignored, and so would what they start."""
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)


def gone(processes: list[Identity]) -> bool:
    return not any(map(is_alive, processes))


@pytest.mark.parametrize("errand", ERRANDS)
def test_a_stop_of_the_monitor_ends_the_program_that_hangs(
    root: Path, hanging: Callable[[], list[Identity]], errand: str
) -> None:
    started = Children(root, root / "monitor.out")
    started.start(errand, command(root, errand), until=1e9)
    processes = hanging()
    started.stop()
    _await(lambda: gone(processes))


@pytest.mark.parametrize("errand", ERRANDS)
def test_so_does_a_monitor_that_is_killed(root: Path, hanging: Callable[[], list[Identity]], errand: str) -> None:
    monitor = subprocess.Popen([sys.executable, "-c", MONITOR, str(root), *command(root, errand)])
    processes = hanging()
    monitor.kill()
    monitor.wait()
    _await(lambda: gone(processes))


def test_at_its_deadline_an_errand_is_asked_to_end_and_its_program_ends_too(
    root: Path, hanging: Callable[[], list[Identity]]
) -> None:
    started = Children(root, root / "monitor.out")
    started.start("shadow", command(root, "shadow"), until=50.0)
    processes = hanging()
    ended: list[Ended] = []
    _await(lambda: ended.extend(started.ended(50.0)) or ended)
    assert ended == [Ended("shadow", None)]
    _await(lambda: gone(processes))
    assert not started.running("shadow")


def test_one_that_does_not_end_when_asked_is_killed_with_all_that_descends_from_it(
    root: Path, hanging: Callable[[], list[Identity]], monkeypatch: pytest.MonkeyPatch
) -> None:
    started = Children(root, root / "monitor.out")
    started.start("errand", ["./hangs"], until=50.0)
    processes = hanging()
    assert started.ended(50.0) == started.ended(51.9) == []
    assert started.ended(52.0) == [Ended("errand", None)]
    _await(lambda: gone(processes))

    (root / "hanging").unlink()
    started.start("errand", ["./hangs"], until=1e9)
    processes = hanging()
    monkeypatch.setattr(children, "_STOP_WITHIN", 0.1)
    started.stop()
    _await(lambda: gone(processes))


@pytest.mark.parametrize("errand", ERRANDS)
def test_an_errand_that_was_killed_for_want_of_memory_leaves_no_program(
    root: Path, hanging: Callable[[], list[Identity]], errand: str
) -> None:
    started = Children(root, root / "monitor.out")
    started.start(errand, command(root, errand), until=1e9)
    processes = hanging()
    os.kill(started._running[errand].process.pid, signal.SIGKILL)
    ended: list[Ended] = []
    _await(lambda: ended.extend(started.ended(1.0)) or ended)
    assert ended == [Ended(errand, -signal.SIGKILL)]
    _await(lambda: gone(processes))


@pytest.mark.parametrize("words", [("gate", "test"), ("validate",)], ids=" ".join)
@pytest.mark.parametrize(
    "asked",
    [
        (signal.SIGTERM,),
        (signal.SIGHUP,),
        (signal.SIGINT,),
        (signal.SIGTERM, signal.SIGHUP),
        (signal.SIGINT, signal.SIGINT),
    ],
    ids=lambda asked: " ".join(one.name for one in asked),
)
def test_the_program_of_a_release_ends_with_the_command_that_a_person_gave(
    root: Path, hanging: Callable[[], list[Identity]], words: tuple[str, ...], asked: tuple[signal.Signals, ...]
) -> None:
    """However often and however fast it is asked: a second request does not cut the first one's way out short."""
    command = [sys.executable, "-m", "tui.main", "--root", str(root), *words]
    person = subprocess.Popen(command, preexec_fn=_as_from_a_terminal)
    processes = hanging()
    for one in asked:
        person.send_signal(one)
    by_handler = [128 + one for one in asked]
    at_the_very_end = [-one for one in asked[1:]]  # Python itself is ending by then, and no one's handler is there
    # an interrupt that went through an exec of text, as of a dataclass being imported, ends Python by that signal
    # whatever is made of it: 130 to a shell, as the other
    by_python = [-one for one in asked if one == signal.SIGINT]
    assert person.wait() in [*by_handler, *at_the_very_end, *by_python]
    _await(lambda: gone(processes))


def test_below_nohup_a_hang_up_ends_no_command(root: Path, hanging: Callable[[], list[Identity]]) -> None:
    command = [sys.executable, "-m", "tui.main", "--root", str(root), "gate", "test"]
    person = subprocess.Popen(["nohup", *command], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    processes = hanging()
    person.send_signal(signal.SIGHUP)
    with pytest.raises(subprocess.TimeoutExpired):
        person.wait(0.3)
    assert not gone(processes)
    person.terminate()
    assert person.wait() == 128 + signal.SIGTERM


def test_a_kpi_program_that_was_killed_leaves_nothing_that_it_started(root: Path, tmp_path: Path) -> None:
    told = tmp_path / "told"
    command = ["/bin/sh", "-c", f"sleep 600 & echo $! > {told}; kill -9 $$", "kpi"]
    with pytest.raises(ProgramFailed, match="exit code -9"):
        KpiProgram(command, [root / "tape.csv"], root, 30.0).answers()
    left = identity_of(int(told.read_text()))
    _await(lambda: left is None or not is_alive(left))
