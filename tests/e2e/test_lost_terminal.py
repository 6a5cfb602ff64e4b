"""Terminal, SSH connection or tmux server die during an operation: it does not notice, and whoever comes back sees it.

One round is a cutover and a rollback on one lasting demo. In the full matrix each is struck in one phase, at the
terminal from which it was started: every killer x phase x way of starting, by
``python -m pytest -m full tests/e2e/test_lost_terminal.py``. The suite plays two rounds. In the first the operation is
followed in one more window for each further phase, and each of these is lost in its phase; in the second all of them
are connections to a real sshd.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from itertools import product
from pathlib import Path

import psutil
import pytest
from operator_at_work import COMMAND, Operator
from strike import Strikes
from terminal import Terminal
from ways_in import SSH, SSHD, OverSsh, Pty, Sshd, programs_of

ENV = {
    "LANG": "C.UTF-8",
    "TERM": "xterm-256color",
    "PATH": os.environ.get("PATH", ""),
    "PYTHONPATH": os.environ.get("PYTHONPATH", ""),
}
KILLERS = ("terminal", "ssh client", "ssh session", "ssh line", "tmux server")
STARTERS = ("keys", "command")
ROUNDS = [(number % 6, number) for number in range(7)]
"""Phases of the cutover (0 to 5) and of the rollback (0 to 6) that are struck in one round."""
SHORT = {
    "keys": (
        ("tmux server", "terminal", "ssh client", "ssh session", "ssh line", "terminal"),
        ("ssh client", "tmux server", "ssh session", "terminal", "ssh line", "tmux server", "terminal"),
    ),
    "command": (("ssh session", "ssh client") * 3, ("ssh client", "ssh session") * 3 + ("ssh client",)),
}
"""By way of starting: who kills in phase 0, 1 ... of the cutover and of the rollback; the first kills the starter."""
GONE_WITHIN = 15.0
"""Seconds that a program may take, on a busy machine, to end when its terminal is gone."""
TRIES = 3

Window = Pty | Terminal


@dataclass
class Place:
    """One demo for many rounds, an sshd beside it, and what is open on it."""

    operator: Operator
    ssh: Path
    sshd: Sshd | None = None
    open: list[Window] = field(default_factory=list)

    def window(self, killer: str, words: list[str]) -> Window:
        """The program in the kind of window that this killer ends."""
        command = [*COMMAND, "--root", str(self.operator.root), *words]
        if killer == "tmux server":
            window: Window = Terminal(command, cwd=self.operator.root, env=ENV)
        elif killer.startswith("ssh"):
            window = OverSsh(self._sshd(), command, cwd=self.operator.root, env=ENV)
        else:
            window = Pty(command, cwd=self.operator.root, env=ENV)
        self.open.append(window)
        return window

    def _sshd(self) -> Sshd:
        if self.sshd is None:
            self.sshd = Sshd(self.ssh)
        return self.sshd

    def close_all(self) -> None:
        """No window stays."""
        while self.open:
            self.open.pop().close()


@pytest.fixture(scope="module")
def lasting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    root = tmp_path_factory.mktemp("lost") / "demo"
    operator = Operator(root)
    operator.run("demo", str(root), "--no-console")
    make_quick(root)
    made = Place(operator, tmp_path_factory.mktemp("sshd"))
    try:
        yield made
    finally:
        made.close_all()
        if made.sshd is not None:
            made.sshd.close()
        operator.run("demo", str(root), "--stop")


@pytest.fixture
def place(lasting: Place) -> Iterator[Place]:
    """The lasting demo; no window of one test stays open in the next."""
    yield lasting
    lasting.close_all()


def make_quick(root: Path) -> None:
    """What is not tested here takes no time, and on a busy machine is given it.

    That is the new release's own tests, the second that a release is watched, and the demo's short deadlines.
    """
    console, release = root / "config/console.yml", root / "config/releases/v2.yml"
    for path, old, new in (
        (console, "verify_hold: 1s", "verify_hold: 200ms"),
        (console, "command_deadline: 10s", "command_deadline: 60s"),
        (console, "first_run: 20s", "first_run: 60s"),
        (release, next_line(root, "  test: "), '  test: ["{python}", "-c", "pass"]'),
    ):
        text = path.read_text()
        assert text.count(old) == 1, f"{old} in {path}"
        path.write_text(text.replace(old, new))


def next_line(root: Path, start: str) -> str:
    return next(line for line in (root / "config/releases/v2.yml").read_text().splitlines() if line.startswith(start))


@pytest.mark.parametrize("starter", STARTERS)
def test_an_operation_outlives_the_terminals_at_which_it_is_started_and_followed(place: Place, starter: str) -> None:
    """Where the machine is so slow that a phase is over before the blow falls, it falls in the next one."""
    needs(*KILLERS)
    bring_back(place.operator)
    cutover, rollback = SHORT[starter]
    strike(place, starter, "cutover", list(enumerate(cutover)), "v2")
    strike(place, starter, "rollback", list(enumerate(rollback)), "v1")


@pytest.mark.full
@pytest.mark.parametrize(("phases", "killer", "starter"), list(product(ROUNDS, KILLERS, STARTERS)))
def test_an_operation_outlives_every_terminal_in_every_phase(
    place: Place, phases: tuple[int, int], killer: str, starter: str
) -> None:
    """Played again where a phase was over before the blow fell, at most three times."""
    needs(killer)
    bring_back(place.operator)
    cutover, rollback = phases
    for _ in range(TRIES):
        late = strike(place, starter, "cutover", [(cutover, killer)], "v2")
        late += strike(place, starter, "rollback", [(rollback, killer)], "v1")
        if not late:
            return
    pytest.fail(f"the operations ended well, but no blow fell in its phase in {TRIES} rounds: {late}")


def test_a_validation_that_was_asked_for_over_ssh_outlives_the_connection(place: Place) -> None:
    """The first part of the job: cutover and rollback are lost in each of their phases above."""
    needs("ssh client")
    bring_back(place.operator)
    operations = place.operator.root / ".rollback/operations"
    before = {path.name for path in operations.glob("*-validate")}

    def asked_for() -> str:
        for path in operations.glob("*-validate"):
            journal = path / "journal.jsonl"
            if path.name in before or not journal.exists() or b'"kind":"accepted"' not in journal.read_bytes():
                continue
            if not json.loads((path / "plan.json").read_bytes())["scheduled"]:
                return path.name
        return ""

    window = place.window("ssh client", [])
    assert isinstance(window, OverSsh)
    window.wait_for(r"V1 LIVE")
    window.keys("V")
    until = time.monotonic() + 30
    while not (name := asked_for()):
        assert time.monotonic() < until, window.screen()
        time.sleep(0.01)
    window.kill_client()
    while json.loads((done := place.operator.run("history", name, "--json")).out)["state"] == "RUNNING":
        assert time.monotonic() < until + 60, done.out
        time.sleep(0.1)
    nothing_is_left_at_the_terminal(place)
    assert f"PASS {name}" in place.operator.run("history", name).out


def needs(*killers: str) -> None:
    if "tmux server" in killers and shutil.which("tmux") is None:
        pytest.skip("tmux is not installed")
    if any(killer.startswith("ssh") for killer in killers) and not (SSHD and SSH):
        pytest.skip("openssh-server and openssh-client are not installed")


def bring_back(operator: Operator) -> None:
    """Whatever an earlier round left: the old release is live."""
    operator.until(lambda seen: seen["operation"] is None)
    if operator.status()["release"] != "v1":
        operator.run("rollback", "--yes", "--reason", "an earlier round")
    operator.until(lambda seen: seen["release"] == "v1" and seen["operation"] is None)


def strike(place: Place, starter: str, kind: str, killers: list[tuple[int, str]], release: str) -> list[str]:
    """Start it, kill in each phase one window, the starter's first; look. Says which phases were over too soon."""
    others = [place.window(killer, ["follow"]) for _, killer in killers[1:]]
    for window in others:
        window.wait_for(r"state: ")
    start = [] if starter == "keys" else [kind, "--yes", "--reason", "planned"]
    windows: list[Window | None] = [None, *others]  # a command begins at once, so the strikes must be there before it

    def blow(number: int) -> None:
        while (window := windows[number]) is None:
            time.sleep(0.001)
        kill(window, killers[number][1])

    strikes = Strikes(
        place.operator.root, kind, [(phase, partial(blow, number)) for number, (phase, _) in enumerate(killers)]
    )
    strikes.start()
    windows[0] = first = place.window(killers[0][1], start)
    try:
        if starter == "keys":
            press(first, kind, strikes)
    except (OSError, RuntimeError, AssertionError):
        if not strikes.begun():
            raise
    strikes.join()
    if strikes.problem is not None:
        raise strikes.problem
    done = place.operator.until(lambda seen: seen["operation"] is None and seen["release"] == release, timeout=90)
    last = done["last_operation"]
    assert (last["id"], last["kind"], last["state"]) == (strikes.operation, kind, "SUCCEEDED")
    nothing_is_left_at_the_terminal(place)
    assert_told(place, strikes.operation, starter, release)
    return strikes.late


def press(window: Window, kind: str, strikes: Strikes) -> None:
    """The keys of a person who cuts over, or goes back."""
    if kind == "rollback":
        window.wait_for(r"V2 LIVE")
        window.keys("R")
        window.wait_for(r"\barmed\b")
        window.type("v1")
        window.keys("Enter")
        return
    window.wait_for(r"V1 LIVE")
    window.keys("C")
    window.wait_for(r"CUT OVER")
    window.wait_for(r"Changes")
    window.keys("Tab")
    window.type("planned")
    window.keys("Tab")
    until = time.monotonic() + 20
    while not strikes.begun() and "ACCEPTED" not in window.screen():
        assert time.monotonic() < until, window.screen()
        window.keys("Enter")  # discarded until the sheet is armed
        time.sleep(0.2)


def kill(window: Window, killer: str) -> None:
    if isinstance(window, OverSsh):
        {"ssh client": window.kill_client, "ssh session": window.kill_session, "ssh line": window.cut_line}[killer]()
    elif isinstance(window, Pty):
        window.hang_up()
    else:
        window.close()


def nothing_is_left_at_the_terminal(place: Place) -> None:
    """Neither console nor command stays behind, idle or burning a core.

    A line that was cut told nobody, and sshd may notice only when the kernel gives the connection up, which takes a
    quarter of an hour: the operation has ended long before, so that end is played here.
    """
    for window in place.open:
        if isinstance(window, OverSsh):
            window.time_out()
    until = time.monotonic() + GONE_WITHIN
    while left := list(programs_of(place.operator.root)):
        if time.monotonic() > until:
            pytest.fail("; ".join(in_words(process) for process in left))
        time.sleep(0.05)
    place.close_all()


def in_words(process: psutil.Process) -> str:
    with contextlib.suppress(psutil.Error):
        return f"{process.pid} {' '.join(process.cmdline())} still runs, {process.cpu_percent(1.0):.0f} % of a core"
    return ""


def assert_told(place: Place, operation: str, starter: str, release: str) -> None:
    """A console, or a command, that comes later shows what happened."""
    if starter == "command":
        history = place.operator.run("history", operation)
        assert history.code == 0, history.err
        assert f"SUCCEEDED {operation}" in history.out
        return
    window = place.window("terminal", [])
    window.wait_for(rf"{release.upper()} LIVE")
    place.close_all()


def test_a_terminal_that_nobody_reads_does_not_hold_up_an_operation(place: Place) -> None:
    """A pipe that is full and a stopped terminal look alike to the command: only it waits, not the worker."""
    bring_back(place.operator)
    command = [*COMMAND, "--root", str(place.operator.root), "cutover", "--yes", "--reason", "planned"]
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(writing, b"x" * 4096)
    os.set_blocking(writing, True)
    stuck = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=writing, stderr=writing)
    try:
        place.operator.until(lambda seen: seen["release"] == "v2" and seen["operation"] is None, timeout=60)
        assert stuck.poll() is None, "it waits for a reader"
    finally:
        stuck.kill()
        stuck.wait()
        os.close(reading)
        os.close(writing)
