"""A held cutover on the command line: who follows is told what it waits for; go is refused where nothing holds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from engine.cli.following import _news
from engine.cli.frame import main
from engine.clock import SystemClock
from engine.config import Deployment
from engine.operations.journal import Journal, fold, records_of
from engine.operations.model import HOLD_STEP, HOLDS, Operation
from engine.records import make_directory


@pytest.fixture
def say(deployment: Deployment, capsys: pytest.CaptureFixture[str]) -> Any:
    """Run one command line; what it printed to both streams, and its exit code."""

    def run(*words: str) -> tuple[int, str, str]:
        code = main(["--root", str(deployment.root), *words], lambda _root, _read_only: 0)
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return run


@pytest.fixture
def directory(deployment: Deployment) -> Path:
    """The journal of a cutover that holds; nobody works on it."""
    directory = deployment.paths.operation("0001-cutover")
    make_directory(directory)
    journal = Journal(directory, SystemClock())
    journal.write("planned", operation_kind="cutover", release_from="v1", release_to="v2", steps=[])
    journal.write("worker", pid=4_000_000, start_time=1, boot_id="a boot")
    journal.write("accepted")
    journal.write("intent", step=HOLD_STEP, title=HOLDS)
    journal.write("state", state="HOLDING")
    return directory


def held(directory: Path) -> Operation:
    return fold(directory.name, records_of(directory), alive=True)


def test_who_follows_is_told_once_what_it_waits_for_and_what_can_be_done(directory: Path) -> None:
    told: dict[str, str] = {}
    lines = _news(held(directory), told)
    assert lines[0] == f"HOLDING 0001-cutover {HOLDS}; Ctrl-C leaves it holding. You can:"
    for offer, line in zip(("go 0001-cutover", "abort 0001-cutover", "rollback"), lines[1:], strict=True):
        assert line.strip().startswith(f"abaco-ops {offer}")
    assert _news(held(directory), told) == []


def test_who_follows_is_told_again_when_another_worker_holds(directory: Path) -> None:
    told: dict[str, str] = {}
    _news(held(directory), told)
    journal = Journal(directory, SystemClock())
    journal.write("worker", pid=4_000_001, start_time=1, boot_id="a boot")
    journal.write("state", state="HOLDING")
    assert _news(held(directory), told)[0].startswith("HOLDING 0001-cutover")


def test_go_is_refused_where_nothing_holds_and_for_a_worker_that_is_dead(say: Any, directory: Path) -> None:
    assert say("go")[0] == 2
    code, _, err = say("go", "0001-cutover")
    assert code == 2 and "0001-cutover does not hold: it is INTERRUPTED" in err
    assert say("go", "0009")[0] == 2
    assert not list(directory.glob("requests/*"))


def test_go_writes_so_a_console_that_only_looks_may_not_give_it(say: Any) -> None:
    code, _, err = say("--read-only", "go")
    assert code == 2 and "writes" in err


def test_the_dry_run_of_a_held_cutover_shows_where_it_waits(say: Any) -> None:
    _, out, _ = say("cutover", "--hold", "--dry-run")
    steps = [line.split()[2] for line in out.splitlines() if line.startswith(("    2 staging", "    3 shutdown"))]
    assert steps == ["test_new", "stage_new", HOLD_STEP, "stop_old", "snapshot_final"]
    assert HOLDS in out
    assert HOLDS not in say("cutover", "--dry-run")[1]
