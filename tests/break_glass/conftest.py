"""Deployments of shell services, right after their cutover, that leave no process behind."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from shell_site import ShellSite, bare_path

from engine.operations.plan import OwnStep


@pytest.fixture(scope="session")
def in_memory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where deployments stand: in memory where that can be, for each step waits for the disk several times."""
    memory = Path("/dev/shm")
    if not os.access(memory, os.W_OK):
        yield tmp_path_factory.mktemp("sites")
        return
    with tempfile.TemporaryDirectory(dir=memory) as place:
        yield Path(place)


@pytest.fixture
def sites(in_memory: Path) -> Iterator[Callable[..., ShellSite]]:
    """Makes sites; see :meth:`ShellSite.make`. Their names are hard on a shell."""
    made: list[ShellSite] = []
    place = Path(tempfile.mkdtemp(dir=in_memory))

    def make(*, how_old: str = "", how_new: str = "", own: tuple[OwnStep, ...] = (), **options: bool) -> ShellSite:
        root = place / f'it\'s a "deployment" $HOME {len(made)}'
        site = ShellSite(root, how_old=how_old, how_new=how_new, own=own)
        made.append(site)
        return site.make(**options)

    try:
        yield make
    finally:
        for site in made:
            site.end()


@pytest.fixture(scope="session")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A PATH on which there is no Python."""
    return bare_path(tmp_path_factory.mktemp("path") / "bare")


@pytest.fixture(scope="module")
def gone_back(in_memory: Path, bare: Path) -> Iterator[tuple[ShellSite, str]]:
    """A deployment that has gone back with the script, and what the script said."""
    site = ShellSite(in_memory / 'it\'s "gone" $back')
    try:
        site.make(ended=False)
        site.await_runs("v2")
        ended = site.run("--yes", "--reason", 'it\'s "bad"', path=bare)
        assert ended.returncode == 0, ended.stdout + ended.stderr
        yield site, ended.stdout
    finally:
        site.end()
