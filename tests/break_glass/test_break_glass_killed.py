"""RETURN.sh killed: run again it goes on, and so does the engine; and it goes on with what the engine left.

A part of the sweep; the whole of it is ``python tests/break_glass/sweep.py``.
"""

from __future__ import annotations

import os
import random
import select
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from shell_site import ShellSite, tree_of
from sweep import NEVER, Sweep

from engine.operations.journal import read_operation, records_of, worker_of
from engine.operations.launch import launch, plan_rollback
from engine.operations.model import Operation
from engine.pipeline import sample_tapes
from engine.records import verify_chain
from engine.services import open_service

PART = 2


@pytest.fixture(scope="module")
def sweep(in_memory: Path) -> Sweep:
    place = in_memory / "sweep"
    place.mkdir()
    return Sweep(place)


@pytest.fixture(scope="module")
def calls(sweep: Sweep) -> int:
    return sweep.calls()


@pytest.mark.parametrize("part", range(PART))
def test_killed_at_any_command_it_goes_on_when_run_again(sweep: Sweep, calls: int, part: int) -> None:
    """Another place each day the code changes: chosen by the commit, so that a failure can be had again."""
    commit = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=False).stdout
    at = random.Random(f"{commit}{part}").randint(calls * part // PART + 1, calls * (part + 1) // PART)
    assert sweep.case(at) == [], f"killed at command {at} of {calls}"


def test_the_sweep_sees_what_is_lost(sweep: Sweep) -> None:
    site = sweep.site()
    try:
        sweep.run(site, NEVER)
        assert site.violations() == []
        for path in site.root.glob(".rollback/snapshots/*/tree/data/metrics/v2_*"):
            path.unlink()
        (site.root / "data/metrics/v1_1.json").write_text("another")
        found = " ".join(site.violations())
        assert "files that v2 wrote are nowhere" in found and "not those of the snapshot" in found
    finally:
        site.end()


@pytest.fixture
def computing(sites: Callable[..., ShellSite]) -> ShellSite:
    """A site whose old release also has a tape and a KPI program, so that the engine can verify it."""
    site = sites(ended=False)
    for tape in (site.deployment.tape, site.root / site.deployment.console.paths.reference_tape):
        tape.parent.mkdir(parents=True, exist_ok=True)
    sample_tapes.write_live_book(site.deployment.tape)
    site.await_runs("v2")
    return site


def settled(site: ShellSite, operation: str) -> Operation:
    directory = site.deployment.paths.operation(operation)
    worker = worker_of(records_of(directory))
    assert worker is not None
    handle = os.pidfd_open(worker.pid) if read_operation(directory).alive else -1
    if handle >= 0:
        assert select.select([handle], [], [], 60)[0], "its worker does not end"
        os.close(handle)
    return read_operation(directory)


@pytest.mark.parametrize("step", ["restore_metrics", "set_aside"])
def test_the_engine_goes_on_with_one_that_was_killed(computing: ShellSite, bare: Path, step: str) -> None:
    site = computing
    kill_at_record(site, step)
    (name,) = site.rollbacks()
    assert site.end_states()[name] == "nothing"
    accepted = launch(site.deployment, plan_rollback(site.deployment), reason="", actor="tester", origin="local")
    assert accepted.id == name, "it goes on with the same operation"
    operation = settled(site, name)
    assert operation.state == "SUCCEEDED", operation.failure
    assert site.violations() == []
    assert open_service(site.deployment, "v1").status().supervised
    assert verify_chain(site.deployment.paths.events).intact
    again = site.run("--yes", path=bare)
    assert (again.returncode, again.stdout) == (2, ""), "what the engine has ended is nothing to go back from"


@pytest.mark.parametrize("step", ["restore_metrics", "start_old"])
def test_it_goes_on_with_a_rollback_of_the_engine_that_died(computing: ShellSite, bare: Path, step: str) -> None:
    site = computing
    accepted = launch(site.deployment, plan_rollback(site.deployment), reason="", actor="tester", origin="local")
    directory = site.deployment.paths.operation(accepted.id)
    wanted = f'"kind":"intent","no_return":{"true" if step == "stop_new" else "false"}'
    while not any(wanted in line and f'"step":"{step}"' in line for line in journal_lines(directory)):
        assert read_operation(directory).alive, read_operation(directory)
    os.kill(accepted.pid, signal.SIGKILL)
    settled(site, accepted.id)
    ended = site.run("--yes", path=bare)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert site.rollbacks() == [accepted.id]
    assert site.violations() == [], ended.stdout
    assert tree_of(site.root / "data/metrics").items() >= site.old_metrics.items()


def journal_lines(directory: Path) -> list[str]:
    return (directory / "journal.jsonl").read_text().splitlines()


def kill_at_record(site: ShellSite, step: str) -> None:
    """Run the script and kill its process group as soon as its journal shows this step's intent."""
    process = subprocess.Popen(
        ["/bin/sh", site.script, "--yes"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        process_group=0,
    )
    while not any(
        '"kind":"intent"' in line and f'"step":"{step}"' in line
        for name in site.rollbacks()
        for line in journal_lines(site.root / ".rollback/operations" / name)
    ):
        assert process.poll() is None, "it ended before that"
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
