"""``abaco-ops demo`` and ``abaco-ops service`` on real services; first called as a person calls them."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from in_this_process import here
from service_at_work import eventually

from engine.config import load_deployment
from engine.records import FileLock, read_lines
from engine.services import open_service
from engine.services.active import active_release
from engine.services.remains import processes_of

Call = Callable[..., subprocess.CompletedProcess[str]]


def program(*words: str) -> subprocess.CompletedProcess[str]:
    """As a program of its own."""
    return subprocess.run(
        [sys.executable, "-m", "tui.main", *words],
        capture_output=True,
        text=True,
        timeout=60,
        stdin=subprocess.DEVNULL,
        check=False,
    )


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Path]:
    """Where a demo goes; whatever of it runs is ended afterwards, and nothing is left."""
    root = tmp_path / "demo"
    yield root
    if (root / "config" / "console.yml").exists():
        stopped = here("demo", str(root), "--stop")
        assert stopped.returncode == 0, stopped.stderr
    assert processes_of(root) == []


def make(root: Path, call: Call = here) -> str:
    made = call("demo", str(root), "--no-console")
    assert made.returncode == 0, made.stdout + made.stderr
    return made.stdout


def test_a_fresh_demo_runs_v1_and_has_published(demo: Path) -> None:
    said = make(demo, program)
    deployment = load_deployment(demo)
    assert active_release(deployment).name == "v1"
    run = read_lines(deployment.paths.runs)[0]
    assert (run["release"], run["status"]) == ("v1", "ok")
    assert all((demo / output["path"]).exists() for output in run["outputs"])
    assert (demo / "data/reference/loan_tape.csv").exists()
    assert "--stop" in said
    assert "v1 running" in said


def test_a_second_call_finds_it_and_starts_nothing(demo: Path) -> None:
    make(demo)
    service = open_service(load_deployment(demo), "v1")
    before = service.status().identity
    make(demo)
    assert service.status().identity == before


def test_stop_ends_every_process_and_the_demo_can_be_opened_again(demo: Path) -> None:
    make(demo)
    assert len(processes_of(demo)) >= 1
    assert program("demo", str(demo), "--stop").returncode == 0
    assert processes_of(demo) == []
    assert "nothing was running" in here("demo", str(demo), "--stop").stdout
    make(demo)
    assert active_release(load_deployment(demo)).name == "v1"


def test_it_opens_again_on_the_release_that_is_configured(demo: Path) -> None:
    make(demo)
    here("demo", str(demo), "--stop")
    shutil.copyfile(demo / "config/releases/v2.yml", demo / "config/pipeline.yml")
    assert "v2 running" in make(demo)


def test_a_half_made_demo_is_finished(demo: Path) -> None:
    (demo / "config" / "releases").mkdir(parents=True)
    (demo / "logs").mkdir()
    assert "v1 running" in make(demo)


def test_a_lost_tape_is_made_again(demo: Path) -> None:
    make(demo)
    here("demo", str(demo), "--stop")
    (demo / "data/raw/loan_tape.csv").unlink()
    assert "failed" not in make(demo)


def test_a_directory_with_somebodys_files_is_refused(demo: Path) -> None:
    demo.mkdir()
    (demo / "thesis.txt").write_text("mine")
    refused = here("demo", str(demo), "--no-console")
    assert refused.returncode == 2
    assert [entry.name for entry in demo.iterdir()] == ["thesis.txt"]


@pytest.mark.parametrize("words", [["--no-console"], ["--stop"]])
def test_a_deployment_that_is_no_demo_is_left_alone(demo: Path, words: list[str]) -> None:
    assert here("init", str(demo)).returncode == 0
    refused = here("demo", str(demo), *words)
    assert refused.returncode == 2
    assert "demo" in refused.stderr
    shutil.rmtree(demo)


def test_a_service_by_hand(demo: Path) -> None:
    make(demo)
    status = json.loads(here("service", "status", "v1", "--json", "--root", str(demo)).stdout)
    assert (status["state"], status["supervised"]) == ("RUNNING", True)
    assert here("service", "stop", "v1", "--root", str(demo)).returncode == 0
    assert open_service(load_deployment(demo), "v1").status().state == "STOPPED"
    started = here("service", "start", "v1", "--root", str(demo))
    assert (started.returncode, "RUNNING" in started.stdout) == (0, True)
    kinds = [event["kind"] for event in read_lines(demo / "logs/events.jsonl")]
    assert {"service.stop", "service.start"} <= set(kinds)


def test_no_second_release_is_started_by_hand(demo: Path) -> None:
    make(demo)
    refused = here("service", "start", "v2", "--root", str(demo))
    assert refused.returncode == 2
    assert "v1 is RUNNING" in refused.stderr
    assert active_release(load_deployment(demo)).running == ("v1",)


@pytest.mark.parametrize("action", ["start", "stop"])
def test_no_service_is_touched_while_an_operation_runs_or_when_read_only(demo: Path, action: str) -> None:
    make(demo)
    deployment = load_deployment(demo)
    with FileLock(deployment.paths.operation_lock) as lock:
        assert lock.acquire()
        assert here("service", action, "v1", "--root", str(demo)).returncode == 5
    assert here("--read-only", "service", action, "v1", "--root", str(demo)).returncode == 2
    eventually(lambda: active_release(deployment).name == "v1")
