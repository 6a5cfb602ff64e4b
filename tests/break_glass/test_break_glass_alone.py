"""RETURN.sh never goes on with what somebody works on, whatever the lock says."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from shell_site import WAITS, ShellSite, bare_path, boot

from engine.clock import SystemClock
from engine.operations.journal import Journal
from engine.operations.plan import OwnStep
from engine.records import make_directory, verify_chain
from engine.services.identity import identity_of

Sites = Callable[..., ShellSite]

WAITING = OwnStep(
    name="waits",
    title="waits",
    operation="rollback",
    before=1,
    after=None,
    do=WAITS,
    precheck=(),
    verify=(),
    undo=(),
    deadline=60.0,
    needed=True,
)


@pytest.mark.parametrize("how", ["its lock file was removed", "flock is not here"])
def test_a_second_one_beside_a_living_one_is_refused_and_names_it(sites: Sites, tmp_path: Path, how: str) -> None:
    site = sites(own=(WAITING,))
    path = bare_path(tmp_path / "path", without=("flock",) if how == "flock is not here" else ())
    with site.waiting(path) as script:
        (site.root / ".rollback/operation.lock").unlink(missing_ok=True)
        (name,) = site.rollbacks()
        before = site.journal(name)
        second = site.run("--yes", path=path)
        assert second.returncode == 5, second.stdout
        assert f"somebody else operates: {name} is worked on by process {script.pid} " in second.stderr
        assert site.journal(name) == before and site.rollbacks() == [name]
        (site.root / "go-on").touch()
        assert script.wait(60) == 0
    assert site.violations() == [] and verify_chain(site.deployment.paths.events).intact


@pytest.mark.parametrize("kind", ["cutover", "rollback"])
def test_beside_a_living_worker_of_the_engine_it_is_refused(sites: Sites, bare: Path, kind: str) -> None:
    site = sites()
    name = f"0002-{kind}"
    with subprocess.Popen(["sleep", "600"]) as worker:
        try:
            me = identity_of(worker.pid)
            assert me is not None
            directory = site.deployment.paths.operation(name)
            make_directory(directory)
            journal = Journal(directory, SystemClock())
            journal.write("worker", pid=me.pid, start_time=me.start_time, boot_id=me.boot_id)
            journal.write("accepted", plan="")
            refused = site.run("--yes", path=bare)
        finally:
            worker.kill()
    assert refused.returncode == 5, refused.stdout
    assert f"{name} is worked on by process {worker.pid} sleep 600" in refused.stderr
    assert site.running("v2") and len(site.journal(name)) == 2


def test_a_number_that_another_process_has_now_is_no_living_worker(sites: Sites, bare: Path) -> None:
    site = sites()
    site.await_runs("v2")
    directory = site.deployment.paths.operation("0002-rollback")
    make_directory(directory)
    journal = Journal(directory, SystemClock())
    journal.write("worker", pid=os.getpid(), start_time=1, boot_id=boot())
    journal.write("accepted", plan="")
    assert site.run("--yes", path=bare).returncode == 0
    assert site.rollbacks() == ["0002-rollback"] and site.violations() == []
