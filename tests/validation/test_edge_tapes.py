"""A validation leaves nothing in the temporary directory, whatever became of it."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest

from engine.validation.edge_tapes import place_of_tapes


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_the_place_is_gone_when_the_validation_ends(temporary: Path) -> None:
    with place_of_tapes() as place:
        assert place.parent == temporary
        (place / "nulls.csv").write_text("x")
    assert list(temporary.iterdir()) == []


def test_what_a_killed_one_left_is_removed_by_a_later_one_and_what_runs_is_not(temporary: Path) -> None:
    left, runs, foreign = (temporary / name for name in ("abaco-edge-left", "abaco-edge-runs", "other"))
    for directory in (left, runs, foreign):
        directory.mkdir()
        (directory / "nulls.csv").write_text("x")
    for directory in (left, foreign):
        os.utime(directory, (0, 0))
    (temporary / "abaco-edge-link").symlink_to(foreign)
    os.utime(temporary / "abaco-edge-link", (0, 0), follow_symlinks=False)
    with place_of_tapes():
        assert not left.exists()
        assert (runs / "nulls.csv").exists() and (foreign / "nulls.csv").exists()
