"""Threads, open files, disk I/O and shared memory of real processes; what cannot be read is missing, never 0."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from watching import Watching

from engine.cli.frame import main
from engine.config import load_deployment
from engine.monitoring.tree import Shares, Usage, bytes_per_second, usage

BODY = """
import os, sys, threading
for line in sys.stdin:
    exec(line)
    print("done", flush=True)
"""


class Child:
    """A process that does what it is told, one line at a time."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", BODY], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.pid = self.process.pid
        self.tell("pass")

    def tell(self, line: str) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline() == "done\n"

    def used(self) -> Usage:
        found = usage([self.pid])
        assert found is not None
        return found


@pytest.fixture
def child() -> Iterator[Child]:
    made = Child()
    yield made
    made.process.kill()
    made.process.communicate()


def test_open_files_and_threads_are_counted(child: Child) -> None:
    before = child.used()
    child.tell("kept = [open('/dev/null') for _ in range(7)]")
    child.tell("go = threading.Event(); [threading.Thread(target=go.wait, daemon=True).start() for _ in range(3)]")
    after = child.used()
    assert before.open_files is not None
    assert after.open_files == before.open_files + 7
    assert after.threads == before.threads + 3


def test_memory_is_the_proportional_set_and_says_so(child: Child) -> None:
    alone = child.used()
    resident = int(Path(f"/proc/{child.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6
    assert alone.memory_kind == "PSS"
    assert 0 < alone.memory_mb <= resident


def test_pages_that_two_processes_share_count_once(child: Child) -> None:
    child.tell("data = bytearray(b'x') * 40_000_000")
    child.tell("pid = os.fork() or threading.Event().wait()")
    forked = int(Path(f"/proc/{child.pid}/task/{child.pid}/children").read_text())
    try:
        both = usage([child.pid, forked])
        assert both is not None
        assert both.processes == 2
        assert 40 < both.memory_mb < 75
    finally:
        os.kill(forked, 9)


def test_disk_io_is_a_rate_of_what_went_to_the_disk(child: Child, tmp_path: Path) -> None:
    before = child.used()
    if before.moved is None:
        pytest.skip("this kernel counts no disk I/O")
    path = tmp_path / "written"
    child.tell(f"f = open({str(path)!r}, 'wb', 0); f.write(bytes(1_000_000)); os.fsync(f.fileno())")
    after = child.used()
    rates = bytes_per_second(before, after, 2.0)
    assert rates is not None
    assert rates[1] in (0, pytest.approx(500_000, rel=0.1))  # 0 on a file system without a disk
    assert bytes_per_second(before, after, 0.0) is None


def test_a_process_that_came_counts_and_one_that_went_takes_nothing_back() -> None:
    before = Usage(1, 1, 2, 2, moved={"1:1": (100, 1000), "2:1": (0, 5000)})
    after = Usage(1, 1, 2, 2, moved={"1:1": (150, 1000), "3:9": (0, 60)})
    assert bytes_per_second(before, after, 10.0) == (5.0, 6.0)
    assert bytes_per_second(before, Usage(1, 1, 1, 1), 10.0) is None


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become someone else")
def test_another_users_process_is_missing_with_its_reason(child: Child) -> None:
    os.seteuid(65534)
    try:
        found = usage([child.pid])
    finally:
        os.seteuid(0)
    assert found is not None
    assert (found.open_files, found.moved, found.memory_kind) == (None, None, "RSS")
    assert found.memory_mb > 1
    assert f"open files of pid {child.pid} cannot be read: it belongs to another user" == found.files_refused
    assert f"disk I/O of pid {child.pid} cannot be read: it belongs to another user" == found.moved_refused


def a_process(proc: Path, pid: int, resident_pages: int, pss_kb: int | None) -> Path:
    directory = proc / str(pid)
    (directory / "fd").mkdir(parents=True, exist_ok=True)
    stat = ["S", *["0"] * 10, "1", "1", "0", "0", "20", "0", "1", "0", "77", "0", str(resident_pages), *["0"] * 20]
    (directory / "stat").write_text(f"{pid} (x) {' '.join(stat)}")
    (directory / "io").write_text("read_bytes: 0\nwrite_bytes: 0\n")
    rollup = directory / "smaps_rollup"
    rollup.unlink(missing_ok=True)
    if pss_kb is not None:
        rollup.write_text(f"Pss: {pss_kb} kB\n")
    return directory


def test_the_shared_part_is_read_once_in_a_while_and_growth_shows_at_once(tmp_path: Path) -> None:
    """Walking every page at every sample would cost more of a core than the monitor may take."""
    page = os.sysconf("SC_PAGE_SIZE")
    shares = Shares()

    def memory(now: float) -> float:
        found = usage([7], tmp_path, shares=shares, now=now)
        assert found is not None
        assert found.memory_kind == "PSS"
        return found.memory_mb * 1e6

    shared = 1000 * page - 1_024_000
    a_process(tmp_path, 7, 1000, 1000)
    assert memory(100) == 1_024_000
    a_process(tmp_path, 7, 1040, 1)  # not read: the resident set moved by 4 %
    assert memory(105) == 1040 * page - shared
    assert memory(161) == 1024  # a minute later it is
    a_process(tmp_path, 7, 2000, 1500)  # nor is it waited for when much has changed
    assert memory(166) == 1500 * 1024


def test_a_process_that_is_gone_is_forgotten(tmp_path: Path) -> None:
    shares = Shares()
    a_process(tmp_path, 7, 1000, 1000)
    usage([7], tmp_path, shares=shares, now=1.0)
    a_process(tmp_path, 8, 1000, 1000)
    usage([8], tmp_path, shares=shares, now=2.0)
    assert [pid for pid, _ in shares._known] == [8]


def test_threads_and_open_files_stand_beside_the_conditions_with_their_growth(
    watching: Watching, child: Child, capsys: pytest.CaptureFixture[str]
) -> None:
    watching.stage.pids = (child.pid,)
    first = {gauge.id: gauge for gauge in watching.tick(1).unjudged}
    assert first["FILES"].level == "ok"
    assert first["READ"].reason == "a rate is a difference: known at the next sample"
    child.tell("kept = [open('/dev/null') for _ in range(9)]")
    watching.tick(1)
    watching.restart()  # the next monitor still knows how the process began
    seen = watching.tick(2)
    files = {gauge.id: gauge for gauge in seen.unjudged}["FILES"]
    assert files.text == f"{first['FILES'].value + 9:.0f}, +9 since 02:00Z"
    assert files.trend[-2:] == (first["FILES"].value, first["FILES"].value + 9)
    assert next(gauge.note for gauge in seen.resources if gauge.id == "MEM") == "PSS of 1 process"
    assert main(["--root", str(watching.deployment.root), "status", "--json"], lambda *_: 99) == 0
    assert json.loads(capsys.readouterr().out)["resources"]["FILES"]["value"] == files.value


def test_of_a_service_that_does_not_run_they_are_missing_with_the_reason(watching: Watching) -> None:
    watching.tick(2)
    watching.stage.state, watching.stage.reason = "FAILED", "exit code 9"
    for gauge in watching.tick(1, runs_every=0).unjudged:
        assert (gauge.value, gauge.level) == (None, "missing")
        assert gauge.reason == "abaco-v1 is FAILED: exit code 9"


def test_a_condition_of_ones_own_may_judge_one_of_them(watching: Watching, child: Child) -> None:
    path = watching.deployment.paths.config / "monitoring.yml"
    own = """conditions:
  FILES:
    title: open files
    metric: open_files
    unit: files
    worse_when: higher
    per: sample
    target: few
    warning: {enter: 1}
"""
    path.write_text(path.read_text().replace("conditions:\n", own, 1))
    again = Watching(load_deployment(watching.deployment.root), watching.clock)
    try:
        again.stage.pids = (child.pid,)
        seen = again.tick(1)
        assert next(one for one in seen.conditions if one.id == "FILES").firing == "warning"
        assert "FILES" not in {gauge.id for gauge in seen.unjudged}
    finally:
        again.monitor.stop()
