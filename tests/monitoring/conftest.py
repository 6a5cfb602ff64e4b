from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from watching import Watching, rescaled

from engine.config import Deployment


@pytest.fixture
def watching(deployment: Deployment, clock: Any) -> Iterator[Watching]:
    """A monitor on made-up surroundings, V1 in service; nothing it would start really starts."""
    found = Watching(deployment, clock)
    yield found
    found.monitor.stop()


@pytest.fixture
def fast(deployment: Deployment, clock: Any) -> Iterator[Watching]:
    """Holds and slots sixty times as fast: a minute is a second."""
    found = Watching(rescaled(deployment, 60), clock)
    yield found
    found.monitor.stop()
