from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from night_on_record import Night

from engine.config import Deployment


@pytest.fixture(autouse=True)
def _no_power_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    """A night is many records: here none of them has to survive a power cut."""
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)


@pytest.fixture
def night(deployment: Deployment, clock: Any) -> Night:
    """A deployment before its cutover; the test writes what happens."""
    return Night(deployment, clock)
