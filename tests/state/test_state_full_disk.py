"""A disk that takes nothing more is named to whoever looks."""

from __future__ import annotations

import pytest

from engine.clock import SystemClock
from engine.config import Deployment
from engine.state import StateReader


def test_a_full_disk_is_named(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    deployment.paths.logs.mkdir(exist_ok=True)
    deployment.paths.rollback.mkdir(exist_ok=True)
    reader = StateReader(deployment, SystemClock())
    assert not [problem for problem in reader.read().problems if "is full" in problem]
    monkeypatch.setattr("engine.monitoring.disk.free_bytes", lambda path: 0 if path.name == "logs" else 1)
    (problem,) = (problem for problem in reader.read().problems if "is full" in problem)
    assert str(deployment.paths.logs) in problem
