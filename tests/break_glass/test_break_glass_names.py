"""RETURN.sh beside names that are hard to list: the old release comes back, and what was written is set aside."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from shell_site import ShellSite, bare_path

from engine.snapshots import list_snapshots, verify_snapshot

Sites = Callable[..., ShellSite]

NAMES = ("a -> b", "x\ny.csv", "of\nfiles/deep\n/one -> two.csv", "-n", "f -> ", " ends in lines\n\n")


def test_names_with_arrows_and_line_ends_are_set_aside_hashed_and_sealed(sites: Sites, bare: Path) -> None:
    site = sites(ended=False)
    site.await_runs("v2")
    metrics = site.root / "data/metrics"
    for name in NAMES:
        (metrics / name).parent.mkdir(parents=True, exist_ok=True)
        (metrics / name).write_text(f"what {name} holds")
    (metrics / "link -> of").symlink_to("/nowhere -> else\n")
    (metrics / "link\nof").symlink_to("/nowhere")
    ended = site.run("--yes", path=bare)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert ended.stderr == ""
    assert site.violations() == []
    side = list_snapshots(site.deployment)[-1]
    assert side.manifest is not None and verify_snapshot(side) == ""
    found = {entry.path.removeprefix("data/metrics/"): entry.target for entry in side.manifest.entries}
    assert set(NAMES) < set(found)
    assert (found["link -> of"], found["link\nof"]) == ("/nowhere -> else\n", "/nowhere")


def test_what_no_list_can_hold_stops_nothing_before_the_old_release_runs_again(sites: Sites, bare: Path) -> None:
    site = sites()
    site.await_runs("v2")
    os.mkfifo(site.root / "data/metrics/fifo")
    Path(os.fsdecode(os.fsencode(site.root / "data/metrics") + b"/\xff")).write_text("no text")
    stopped = site.run("--yes", path=bare)
    assert stopped.returncode == 4, stopped.stdout + stopped.stderr
    assert "WARNING 2 names are no text or no file" in stopped.stdout
    assert "everything is restored and v1 was started" in stopped.stdout
    assert "rename what is no text, move out what is no file" in stopped.stdout
    assert "What remains" in stopped.stdout and "abaco-ops rollback" in stopped.stdout
    assert len(site.running("v1")) == 1 and site.violations(settled=False) == []
    assert (site.root / "config/pipeline.yml").read_bytes() == site.old_config
    assert [record["kind"] for record in site.journal(site.rollbacks()[-1])][-2:] == ["failed", "ended"]
    aside = site.root / ".rollback/snapshots/0002/tree/data/metrics"
    (aside / "fifo").rename(site.root / "fifo")
    Path(os.fsdecode(os.fsencode(aside) + b"/\xff")).rename(aside / "a text")
    again = site.run("--yes", path=bare)
    assert again.returncode == 0, again.stdout
    assert site.violations() == []


VANISHING = """#!/bin/sh
# at the moment when this name is looked at, it is gone
case "$*" in *gone*) rm -f -- "$VANISHES" ;; esac
exec @REAL@ "$@"
"""


@pytest.mark.parametrize(("program", "name"), [("sha256sum", "gone.json"), ("stat", "gone.json"), ("stat", '"gone"')])
def test_what_vanishes_while_the_list_is_made_is_not_in_it(
    sites: Sites, tmp_path: Path, program: str, name: str
) -> None:
    site = sites()
    site.await_runs("v2")
    gone = site.root / "data/metrics" / name
    gone.write_text("soon gone")
    path = instead(bare_path(tmp_path / "vanishing", without=(program,)), program, VANISHING)
    ended = site.run("--yes", path=path, more={"VANISHES": str(gone)})
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert not gone.exists()
    assert site.violations() == []


def instead(path: Path, program: str, text: str) -> Path:
    """The PATH with this script as the program."""
    (path / program).write_text(text.replace("@REAL@", str(shutil.which(program))))
    (path / program).chmod(0o755)
    return path


def test_what_cannot_be_looked_at_fails_as_any_step_does(sites: Sites, tmp_path: Path) -> None:
    site = sites()
    site.await_runs("v2")
    (site.root / "data/metrics/v2_odd.json").write_text("cannot be looked at")
    blind = '#!/bin/sh\ncase "$*" in *v2_odd*) exit 1 ;; esac\nexec @REAL@ "$@"\n'
    path = instead(bare_path(tmp_path / "blind", without=("stat",)), "stat", blind)
    stopped = site.run("--yes", path=path)
    assert stopped.returncode == 4, stopped.stdout + stopped.stderr
    assert "v2_odd.json cannot be read" in stopped.stdout and "What remains" in stopped.stdout
    assert [record["kind"] for record in site.journal(site.rollbacks()[-1])][-2:] == ["failed", "ended"]
    again = site.run("--yes")
    assert again.returncode == 0, again.stdout
    assert site.violations() == []
