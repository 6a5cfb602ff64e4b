"""A deployment that the first release made and cut over opens in this one, and goes back in this one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

HERE = Path(__file__).parent
Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def root(tmp_path: Path) -> Iterator[Path]:
    """A copy of it, elsewhere than it was made: a deployment may move."""
    with tarfile.open(HERE / "first_release.tar.xz") as frozen:
        frozen.extractall(tmp_path, filter="tar")  # the modes and the link as they were
    yield tmp_path / "abaco-demo"
    command(tmp_path / "abaco-demo")("demo", str(tmp_path / "abaco-demo"), "--stop")


def command(root: Path) -> Run:
    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "tui.main", "--root", str(root), *words],
            cwd=HERE.parents[1],
            env={**os.environ, "ABACO_OPS_TRACEBACK": "1"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
        )

    return run


def test_what_it_recorded_can_be_read(root: Path) -> None:
    run = command(root)
    state = json.loads(run("status", "--json").stdout)
    assert (state["deployment"], state["release"], state["newer"]) == ("abaco", None, "")
    assert (state["last_operation"]["id"], state["last_operation"]["state"]) == ("0001-cutover", "SUCCEEDED")
    assert state["cutover_at"].startswith("2026-11-26T07:16:3")
    assert state["watch"]["holder"] == "root@vm"
    assert state["checks"]["status"] == "PASS"
    assert state["problems"] == []
    assert "0001-cutover    2026-11-26T07:16:29  SUCCEEDED" in run("history").stdout
    assert run("audit", "verify").returncode == 0
    assert run("snapshots", "verify").stdout.splitlines()[-1].endswith("; 0 cannot be used")


def test_doctor_finds_nothing_wrong_with_it(root: Path) -> None:
    found = command(root)("doctor")
    assert found.returncode == 0, found.stdout
    assert "FAIL" not in found.stdout


def test_it_goes_back_and_nothing_is_lost(root: Path) -> None:
    run = command(root)
    before = {path.name: path.read_bytes() for path in (root / "data/metrics").iterdir()}
    assert run("service", "start", "v2").returncode == 0
    done = run("rollback", "--yes", "--reason", "back with the newer one")
    assert done.returncode == 0, done.stdout + done.stderr
    assert (root / "config/pipeline.yml").read_bytes() == (root / "config/releases/v1.yml").read_bytes()
    assert "v1 live" in run("status").stdout
    kept = {path.name: path.read_bytes() for path in root.glob(".rollback/snapshots/*/tree/data/metrics/*")}
    assert before.items() <= {**kept, **{p.name: p.read_bytes() for p in (root / "data/metrics").iterdir()}}.items()


def test_its_monitor_is_followed_by_one_of_now_that_remembers_all_of_it(root: Path) -> None:
    run = command(root)
    before = json.loads(run("status", "--json").stdout)
    run("demo", str(root), "--no-console")
    end = time.monotonic() + 60
    while (state := json.loads(run("status", "--json").stdout))["stale"]:
        assert time.monotonic() < end, state["verdict_detail"]
    trail = (root / "logs/events.jsonl").read_text()
    assert "monitor.memory_lost" not in trail and "trail_lost" not in trail
    assert state["cutover_at"] == before["cutover_at"]
    assert run("audit", "verify").returncode == 0
    assert (root / "logs/monitoring.log").read_text().startswith("TIME (UTC)")


def test_a_snapshot_that_its_journal_does_not_tell_of_is_not_taken_for_its_own(root: Path) -> None:
    """Its manifests do not say of which deployment they are; the journal is what knows them again."""
    journal = root / ".rollback/operations/0001-cutover/journal.jsonl"
    lines = journal.read_text().splitlines(keepends=True)
    journal.write_text("".join(line for line in lines if '"value":"0002"' not in line))
    listed = command(root)("snapshots").stdout
    assert "0001  live     v1" in listed
    assert "0002  NOT OFFERED  it does not say of which deployment it is" in listed


def test_one_that_was_taken_at_another_moment_is_not_either(root: Path) -> None:
    journal = root / ".rollback/operations/0001-cutover/journal.jsonl"
    journal.write_text(journal.read_text().replace('"at":"2026-11-26T07:16:', '"at":"2026-11-26T07:17:'))
    listed = command(root)("snapshots").stdout
    assert listed.count("NOT OFFERED  it does not say of which deployment it is") == 2
