"""Deployments of shell services, right after their cutover, that leave no process behind."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from shell_site import ShellSite, bare_path


@pytest.fixture
def sites(tmp_path: Path) -> Iterator[Callable[..., ShellSite]]:
    """Makes sites; see :meth:`ShellSite.make`. The first one's name is hard on a shell."""
    made: list[ShellSite] = []

    def make(*, how_old: str = "", how_new: str = "", **options: bool) -> ShellSite:
        site = ShellSite(tmp_path / f"it's a \"deployment\" $HOME {len(made)}", how_old=how_old, how_new=how_new)
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
def gone_back(tmp_path_factory: pytest.TempPathFactory, bare: Path) -> Iterator[tuple[ShellSite, str]]:
    """A deployment that has gone back with the script, and what the script said."""
    site = ShellSite(tmp_path_factory.mktemp("gone") / "it's \"gone\" $back")
    try:
        site.make(ended=False)
        site.await_runs("v2")
        ended = site.run("--yes", "--reason", 'it\'s "bad"', path=bare)
        assert ended.returncode == 0, ended.stdout + ended.stderr
        yield site, ended.stdout
    finally:
        site.end()
