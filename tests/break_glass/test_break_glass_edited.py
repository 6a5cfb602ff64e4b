"""RETURN.sh while somebody edits what it works on: each content that was there is kept."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from shell_site import ShellSite, bare_path

from engine.operations import break_glass

EDITS_ONCE = """#!/bin/sh
case $(cat "$EDITED"/.rollback/operations/*-rollback/journal.jsonl 2>/dev/null) in
*'"kind":"intent"'*'"step":"@STEP@"'*)
    [ -f "$EDITED/edited" ] || { : >"$EDITED/edited"; cd "$EDITED/config"; @EDIT@; cd - >/dev/null; }
esac
exec @REAL@ "$@"
"""
EDIT = "echo '# edited meanwhile' >>pipeline.yml"


def editing(directory: Path, step: str, edit: str) -> Path:
    """A PATH on which the first hash in this step comes after an edit."""
    path = bare_path(directory, without=("sha256sum",))
    wrapper = path / "sha256sum"
    real = str(shutil.which("sha256sum"))
    wrapper.write_text(EDITS_ONCE.replace("@REAL@", real).replace("@STEP@", step).replace("@EDIT@", edit))
    wrapper.chmod(0o755)
    return path


def test_a_configuration_edited_after_it_was_listed_is_kept_beside_the_listed_one(
    sites: Callable[..., ShellSite], tmp_path: Path
) -> None:
    site = sites(ended=False)
    site.await_runs("v2")
    path = editing(tmp_path / "bin", "restore_config", EDIT)
    before = (site.root / "config/pipeline.yml").read_bytes()
    ended = site.run("--yes", path=path, more={"EDITED": str(site.root)})
    assert (site.root / "edited").exists(), "the edit did not come in between"
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert site.violations() == []
    (operation,) = site.rollbacks()
    journaled = site.root / ".rollback/operations" / operation
    kept = {item.read_bytes() for item in journaled.glob("config_displaced*.yml")}
    assert kept == {before, before + b"# edited meanwhile\n"}


def test_where_it_cannot_be_read_nothing_is_stopped_and_no_space_given_away(
    sites: Callable[..., ShellSite], bare: Path
) -> None:
    site = sites(ended=False)
    site.await_runs("v2")
    active, reserve = site.root / "config/pipeline.yml", site.root / ".rollback/reserve"
    reserve.write_bytes(b"kept")
    active.rename(active.with_name("away"))
    active.mkdir()
    for words in ("--dry-run", "--yes"):
        refused = site.run(words, path=bare)
        assert refused.returncode == 2 and "pipeline.yml cannot be read" in refused.stderr
    assert site.running("v2") and site.rollbacks() == [] and reserve.exists()


def test_a_directory_put_in_its_place_meanwhile_gives_no_space_away(
    sites: Callable[..., ShellSite], tmp_path: Path
) -> None:
    site = sites(ended=False)
    site.await_runs("v2")
    reserve = site.root / ".rollback/reserve"
    reserve.write_bytes(b"kept")
    path = editing(tmp_path / "bin", "restore_config", "mv pipeline.yml away && mkdir pipeline.yml")
    stopped = site.run("--yes", path=path, more={"EDITED": str(site.root)})
    assert stopped.returncode == 4 and "mv: cannot overwrite directory" in stopped.stdout
    assert reserve.exists() and "the disk is full" not in stopped.stdout


def test_what_remains_is_told_by_what_is_there_and_not_by_what_was_done(
    sites: Callable[..., ShellSite], tmp_path: Path
) -> None:
    """The configuration, restored and edited again, is among it; the tree that is in place is not."""
    site = sites(ended=False)
    site.await_runs("v2")
    path = editing(tmp_path / "bin", "restore_metrics", EDIT)
    stopped = site.run("--yes", path=path, more={"EDITED": str(site.root)})
    assert stopped.returncode == 4 and "what was restored is not in place" in stopped.stdout
    assert "cp -p --backup=numbered " in stopped.stdout
    assert " mv -T " not in stopped.stdout


@pytest.mark.parametrize(
    ("said", "given"),
    [
        ("cp: error writing '/srv/directory/denied/x': No space left on device", True),
        ("printf: I/O error", True),
        ("cp: cannot create regular file '/srv/x': Permission denied", False),
        ("mv: cannot overwrite directory '/srv/No space left on device' with non-directory", False),
        ("sh: 1: cannot create /srv/x: Read-only file system", False),
    ],
)
def test_the_space_kept_is_given_back_where_room_may_be_what_lacks(tmp_path: Path, said: str, given: bool) -> None:
    text = Path(break_glass.__file__).with_name(break_glass.NAME).read_text()
    make_room = text[text.index("make_room() {") :].partition("\n}\n")[0] + "\n}\n"
    (tmp_path / "reserve").touch()
    program = f"say() {{ :; }}\nROLLBACK=$1 SAID=$2\n{make_room}make_room || :"
    subprocess.run(["sh", "-c", program, "sh", str(tmp_path), said], check=True)
    assert (tmp_path / "reserve").exists() is not given
