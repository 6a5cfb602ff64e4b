"""A deployment of one account, in which root operates now and then: the account goes on seeing what is there."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from real_accounts import GROUP, People
from shared_site import SharedSite

from engine.config.templates import write_config

SERVICE = People.SERVICE


@pytest.fixture
def private(people: People) -> Iterator[SharedSite]:
    """No group shares it."""
    made = SharedSite(people, GROUP)
    made.root = people.place / "private"
    write_config(made.root, demo=True)
    people.root("chown", "-R", f"{SERVICE}:{GROUP}", str(made.root))
    people.root("chmod", "-R", "g-rwx,o-rwx", str(made.root))
    made.must(SERVICE, "demo", str(made.root), "--no-console")
    try:
        yield made
    finally:
        made.end()
        people.root("rm", "-r", str(made.root))


@pytest.mark.full
def test_after_roots_cutover_the_account_sees_proves_and_says_whose_the_service_is(private: SharedSite) -> None:
    assert private.operate("root", "cutover", "077")["state"] == "SUCCEEDED"
    seen = private.status(SERVICE)
    assert (seen["release"], seen["problems"]) == ("v2", [])
    assert "every file of 2 snapshots was read" in private.must(SERVICE, "snapshots", "verify")
    proof = ["-m", "engine.operations.way_back", "--root", str(private.root)]
    assert private.people.run(SERVICE, "python", *proof).stdout.startswith("proven: ")
    assert "0 to put right" in private.must(SERVICE, "doctor")
    stopped = private.on(SERVICE, "service", "stop", "v2")
    assert "(of root: as that account, or as root, kill " in stopped.stderr
    assert private.operate("root", "rollback", "077")["state"] == "SUCCEEDED"
    assert private.status(SERVICE)["release"] == "v1"


@pytest.mark.full
def test_after_the_way_back_without_python_as_root_the_account_sees_what_runs(private: SharedSite) -> None:
    assert private.operate(SERVICE, "cutover", "077")["state"] == "SUCCEEDED"
    script = str(private.root / ".rollback/RETURN.sh")
    back = private.people.run("root", "sh", script, "--yes", "--reason", "t", umask="077")
    assert back.returncode == 0, back.stdout + back.stderr
    seen = private.status(SERVICE)
    bare = "v1 runs without a supervisor: only root can end it, or give it one: abaco-ops service start v1"
    assert (seen["release"], seen["problems"]) == ("v1", [bare])
    assert "0002-rollback" in private.must(SERVICE, "history")
    assert "0 to put right" in private.must(SERVICE, "doctor")
