"""A machine with a real systemd, booted once for each file of tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from a_systemd import Machine, missing


@pytest.fixture(scope="module")
def new_machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """Not booted yet: a test's own fixture installs what it needs, and boots it."""
    reason = missing()
    if reason:
        pytest.skip(reason)
    place: Path = tmp_path_factory.mktemp("machine")
    machine = Machine(place)
    yield machine
    machine.down()
