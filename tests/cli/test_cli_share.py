"""``init --share``: a deployment whose files are a group's, new or there already."""

from __future__ import annotations

import grp
import os
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from engine.cli.frame import main
from engine.config import load_deployment
from engine.operations import shared_files
from engine.operations.shared_files import not_shared

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


def test_what_an_access_list_withholds_from_the_group_is_given_and_until_then_named(root: Path) -> None:
    """Where there is a list, the mode's group bits are its mask: they may say rw where the group has only r."""
    main(["init", str(root), "--share", MINE], lambda *_: 0)
    for path in (root, *root.rglob("*")):
        path.chmod(0o750 if path.is_dir() else 0o640)
    setfacl("-R", "-m", "u:1:rX,d:u:1:rX", str(root))
    for path in (root, *root.rglob("*")):
        path.chmod(0o2770 if path.is_dir() else 0o660)
    deployment, group = load_deployment(root), grp.getgrnam(MINE).gr_gid
    assert "whose access list (getfacl) gives that group less" in next(not_shared(deployment, group)).why
    assert share(root, MINE) == 0
    assert list(not_shared(deployment, group)) == []
    shown = ["getfacl", "-nEp", str(root / "logs"), str(root / "config/console.yml")]
    listed = subprocess.run(shown, capture_output=True, text=True, check=True).stdout.split()
    assert "group::rwx" in listed and "default:group::rwx" in listed and "group::rw-" in listed
    assert "user:1:r-x" in listed and "user:1:r--" in listed, "what others have stays as it was"


def test_what_somebody_puts_into_the_way_meanwhile_is_not_given_away(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As root, following a link that a member of the group has just made would hand over whatever it leads to."""
    share(root, MINE)
    secret = tmp_path / "elsewhere/secret"
    for path in (secret, root / "logs/some/secret", root / "logs/gone"):
        path.parent.mkdir(exist_ok=True)
        path.write_text("x")
        path.chmod(0o600)

    def exchanged_afterwards(*found: object, **how: object) -> object:
        looked_at = list(not_shared(*found, **how))  # type: ignore[arg-type]
        (root / "logs/some").rename(tmp_path / "aside")
        (root / "logs/some").symlink_to(secret.parent)
        (root / "logs/gone").unlink()
        return looked_at

    monkeypatch.setattr(shared_files, "not_shared", exchanged_afterwards)
    assert share(root, MINE) == 4
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    said = capsys.readouterr().err
    assert "2 could not be given" in said and "logs/some/secret" in said and "gone" not in said


def test_a_directory_that_is_a_link_is_named(root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    share(root, MINE)
    (root / "logs").rename(tmp_path / "elsewhere")
    (root / "logs").symlink_to(tmp_path / "elsewhere")
    assert share(root, MINE) == 0
    assert (
        f"not followed: {root}/logs is a link; that {MINE} may write in {tmp_path}/elsewhere" in capsys.readouterr().out
    )


def test_a_tree_however_deep_is_given(root: Path) -> None:
    share(root, MINE)
    here = Path.cwd()
    try:
        os.chdir(root / "logs")
        for _ in range(1100):
            os.mkdir("d", 0o750)  # noqa: PTH102 - from where one stands: below is too deep for whole names
            os.chdir("d")
        assert share(root, MINE) == 0
        assert stat.S_IMODE(Path().stat().st_mode) == 0o2770
    finally:
        os.chdir(here)
        subprocess.run(["rm", "-r", str(root / "logs")], check=True)


def setfacl(*words: str) -> None:
    if shutil.which("setfacl") is None:
        pytest.skip("needs setfacl")
    tried = subprocess.run(["setfacl", *words], capture_output=True, text=True, check=False)
    if tried.returncode:
        pytest.skip(f"no access lists here: {tried.stderr.strip()}")
