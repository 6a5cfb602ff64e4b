"""``init --share`` and what ``doctor`` says of files, by people who own them, who do not, and who are in no group."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from real_accounts import GROUP, People
from shared_site import SharedSite

ALICE, BOB, OLGA, SERVICE = People.ALICE, People.BOB, People.OLGA, People.SERVICE


@pytest.fixture
def place(people: People) -> Iterator[Path]:
    """A directory in which everybody may make one."""
    made = people.place / "anywhere"
    made.mkdir()
    made.chmod(0o777)
    yield made
    people.root("rm", "-r", str(made))


@pytest.fixture
def made(people: People, place: Path) -> SharedSite:
    """A deployment of the service's account: shared in its configuration, and not yet in its files."""
    shared = SharedSite(people, GROUP)
    shared.root = place / "theirs"
    assert shared.on(SERVICE, "init", str(shared.root)).returncode == 0
    console = shared.root / "config/console.yml"
    console.write_text(console.read_text().replace("group: null ", f"group: {GROUP} "))
    people.root("chmod", "-R", "o+rX", str(shared.root))
    return shared


def test_an_owner_who_is_in_the_group_shares_without_root(made: SharedSite) -> None:
    told = made.on(SERVICE, "doctor").stdout
    assert f"-> abaco-ops init {made.root} --share {GROUP}\n" in told
    assert made.on(SERVICE, "init", str(made.root), "--share", GROUP).returncode == 0
    assert made.not_the_groups() == []


def test_an_owner_who_is_not_in_the_group_is_told_before_anything_is_written(people: People, place: Path) -> None:
    site = SharedSite(people, GROUP)
    refused = site.on(OLGA, "init", str(place / "new"), "--share", GROUP)
    assert refused.returncode == 2
    assert f"olga is not in {GROUP}, and only root may give files to a group of others" in refused.stderr
    assert f"as root: usermod -aG {GROUP} olga, then log in anew" in refused.stderr
    assert not (place / "new").exists()


def test_another_operator_is_sent_to_the_files_owner(made: SharedSite) -> None:
    told = made.on(BOB, "doctor").stdout
    assert f"-> as {SERVICE}, whose files they are, or as root: abaco-ops init {made.root} --share {GROUP}" in told
    refused = made.on(BOB, "init", str(made.root), "--share", GROUP)
    assert refused.returncode == 4
    assert f"as {SERVICE}, whose files they are, or as root: abaco-ops init" in refused.stderr


def test_who_cannot_edit_the_configuration_is_told_who_can(made: SharedSite) -> None:
    people = made.people
    people.root("chmod", "g+w", *(str(made.root / name) for name in ("logs", ".rollback")))
    assert (
        f"bob operates; config/ is edited, and .rollback/RETURN.sh run, by {SERVICE} or root"
        in made.on(BOB, "doctor").stdout
    )
    assert (
        f"others do; config/ is edited, and .rollback/RETURN.sh run, by {SERVICE} or root"
        in made.on(OLGA, "doctor").stdout
    )
    assert "config/ is edited" not in made.on(SERVICE, "doctor").stdout


def test_root_needs_no_as_root(made: SharedSite) -> None:
    told = made.on("root", "doctor").stdout
    assert f"-> abaco-ops init {made.root} --share {GROUP}" in told
