"""``init --share``: a deployment whose files are a group's, new or there already."""

from __future__ import annotations

import grp
import os
import stat
from pathlib import Path

import pytest

from engine.cli.frame import main

MINE = grp.getgrgid(os.getgid()).gr_name


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "mine"


def share(root: Path, group: str) -> int:
    return main(["init", str(root), "--share", group], lambda *_: 0)


def modes(root: Path) -> set[tuple[bool, int]]:
    return {(path.is_dir(), stat.S_IMODE(path.stat().st_mode)) for path in (root, *root.rglob("*"))}


def test_a_new_deployment_is_the_groups_and_says_so(root: Path) -> None:
    assert share(root, MINE) == 0
    assert f"group: {MINE} " in (root / "config/console.yml").read_text()
    assert modes(root) == {(True, 0o2770), (False, 0o660)}


def test_one_that_is_there_is_given_to_the_group_that_its_configuration_names(root: Path) -> None:
    share(root, MINE)
    for path in (root / "logs", root / "config/console.yml"):
        path.chmod(0o700 if path.is_dir() else 0o600)
    assert share(root, MINE) == 0
    assert stat.S_IMODE((root / "logs").stat().st_mode) == 0o2770
    assert stat.S_IMODE((root / "config/console.yml").stat().st_mode) == 0o660


def test_another_group_than_the_configurations_is_refused(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["init", str(root)], lambda *_: 0)
    before = modes(root)
    assert share(root, MINE) == 2
    assert f"says group: null\n  -> write group: {MINE} there first" in capsys.readouterr().err
    assert modes(root) == before


def test_a_group_that_does_not_exist_is_refused_before_anything_is_written(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert share(root, "no-such-group") == 2
    assert "there is no group 'no-such-group'" in capsys.readouterr().err
    assert not root.exists()


def test_links_are_not_followed_and_a_second_name_is_left_alone(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    share(root, MINE)
    for name in ("elsewhere", "other"):
        (tmp_path / name).write_text("x")
        (tmp_path / name).chmod(0o600)
    (root / "logs/link").symlink_to(tmp_path / "elsewhere")
    (root / "logs/second").hardlink_to(tmp_path / "other")
    assert share(root, MINE) == 4
    assert "logs/second: has a second name" in capsys.readouterr().err
    assert {stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("elsewhere", "other")} == {0o600}
