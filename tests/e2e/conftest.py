"""A demo deployment, alive, for the tests that play the whole job."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from operator_at_work import COMMAND, Operator


@pytest.fixture
def operator(tmp_path: Path) -> Iterator[Operator]:
    """The person in front of a fresh demo with V1 running; every process of it is ended afterwards."""
    root = tmp_path / "demo"
    made = subprocess.run(
        [*COMMAND, "demo", str(root), "--no-console"], capture_output=True, text=True, timeout=60, check=False
    )
    assert made.returncode == 0, made.stdout + made.stderr
    try:
        yield Operator(root)
    finally:
        subprocess.run([*COMMAND, "demo", str(root), "--stop"], capture_output=True, timeout=60, check=False)
