"""A child that is killed on the way out is waited for, whatever the request to end has interrupted."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.operations.commands import Command
from engine.services.leaving import kill_with_descendants, reap


def interrupted(process: subprocess.Popen[bytes]) -> None:
    """As a handler leaves it that raises between Popen's taking its lock and its looking after the child."""
    process._waitpid_lock.acquire()  # type: ignore[attr-defined]


def ends(work: Callable[[], object]) -> bool:
    """Whether it returns; a thread that does not is left behind."""
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(20)
    return not thread.is_alive()


@pytest.fixture
def child() -> subprocess.Popen[bytes]:
    return subprocess.Popen(["sleep", "1000"])


def test_a_program_that_was_being_looked_after_is_killed_and_waited_for(child: subprocess.Popen[bytes]) -> None:
    interrupted(child)
    assert ends(lambda: kill_with_descendants(child))
    assert child.returncode == -signal.SIGKILL


def test_a_command_of_a_step_too(tmp_path: Path) -> None:
    command = Command(["sleep", "1000"], tmp_path, 60.0)
    interrupted(command._process)
    assert ends(command.kill)
    assert command._process.returncode == -signal.SIGKILL


def test_one_whose_end_was_taken_away_and_not_told_is_over(child: subprocess.Popen[bytes]) -> None:
    child.kill()
    os.waitpid(child.pid, 0)
    reap(child)
    assert child.returncode == -signal.SIGKILL


def test_one_that_ended_by_itself_keeps_its_code(child: subprocess.Popen[bytes]) -> None:
    child.terminate()
    assert child.wait() == -signal.SIGTERM
    reap(child)
    assert child.returncode == -signal.SIGTERM
