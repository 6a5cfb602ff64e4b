"""Fake services, and a check that nothing of them is left."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from service_at_work import Fake


@pytest.fixture
def fake(tmp_path: Path) -> Iterator[Callable[..., Fake]]:
    """Makes fake services; whatever a test leaves running is ended, and must be endable."""
    made: list[Fake] = []

    def make(mode: str = "ok", **changes: object) -> Fake:
        made.append(Fake(tmp_path / str(len(made)), mode, **changes))
        return made[-1]

    yield make
    for one in made:
        one.service.stop()
        assert one.everyone() == []
