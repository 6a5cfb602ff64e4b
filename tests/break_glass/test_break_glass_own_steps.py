"""One's own steps in RETURN.sh: in their place, looked for before they are done again, undone if V2 never ran."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

from shell_site import WAITS, ShellSite

from engine.operations.journal import list_operations
from engine.operations.plan import OwnStep

Sites = Callable[..., ShellSite]


def noted(text: str, then: str = "true") -> tuple[str, ...]:
    """A command that notes that it was called."""
    return ("/bin/sh", "-c", f"echo {text} >>own.log; echo {text}; {then}", "it's")


def step(name: str, **more: Any) -> OwnStep:
    fields: dict[str, Any] = {"title": f"{name} it's done", "operation": "rollback", "before": None, "after": 4}
    fields |= {"do": noted(f"do-{name}"), "precheck": (), "verify": (), "undo": (), "deadline": 5.0, "needed": True}
    return OwnStep(name=name, **{**fields, **more})


_SEEN = "while read -r line; do [ $line != do-first ] || exit 0; done <own.log; exit 1"


def log(site: ShellSite) -> list[str]:
    path = site.root / "own.log"
    return path.read_text().split() if path.exists() else []


def test_they_run_in_their_place_with_every_command(sites: Sites, bare: Path) -> None:
    drained = step("main", before=1, after=None, precheck=noted("ask-main"), verify=noted("see-main"))
    site = sites(own=(drained, step("filled"), step("theirs", operation="cutover", after=2)))
    site.await_runs("v2")
    done = site.run("--yes", path=bare)
    assert done.returncode == 0, done.stdout + done.stderr
    assert log(site) == ["ask-main", "do-main", "see-main", "do-filled"]
    back = list_operations(site.deployment.paths.operations)[-1]
    names = [item.name for item in back.steps]
    assert names.index("main") < names.index("stop_new") < names.index("set_aside") < names.index("filled")
    assert {item.name: item.detail for item in back.steps}["filled"] == "do-filled"
    assert site.violations() == []


def test_a_needed_one_that_fails_stops_for_a_person_and_is_gone_on_with(sites: Sites, bare: Path) -> None:
    first = step("first", before=1, after=None, verify=("/bin/sh", "-c", _SEEN))
    once = step("once", before=1, after=None)
    fails = step("fails", before=2, after=None, do=noted("do-fails", "test -e mended"))
    site = sites(own=(first, once, fails))
    site.await_runs("v2")
    stopped = site.run("--yes", path=bare)
    assert stopped.returncode == 4
    assert "own step fails: its do command failed, exit 1: do-fails" in stopped.stdout
    assert "echo do-fails" in stopped.stdout.split("What remains")[1], "its command is among those that remain"
    assert site.running("v1") == [] and site.running("v2") == []
    (site.root / "mended").touch()
    again = site.run("--yes", path=bare)
    assert again.returncode == 0, again.stdout
    assert log(site) == ["do-first", "do-once", "do-fails", "do-fails"]
    assert site.violations() == []


def test_one_that_is_not_needed_warns_and_the_way_back_goes_on(sites: Sites, bare: Path) -> None:
    site = sites(own=(step("cache", needed=False, do=("/bin/sh", "-c", "exit 7")),))
    site.await_runs("v2")
    done = site.run("--yes", path=bare)
    assert done.returncode == 0, done.stdout
    back = list_operations(site.deployment.paths.operations)[-1]
    assert {item.name: item.state for item in back.steps}["cache"] == "skipped"
    assert any("cache: own step cache: its do command failed, exit 7" in warning for warning in back.warnings)


def test_one_that_hangs_is_killed_at_its_deadline(sites: Sites, bare: Path) -> None:
    site = sites(own=(step("hangs", deadline=0.2, do=("/bin/sleep", "60")),))
    site.await_runs("v2")
    stopped = site.run("--yes", path=bare)
    assert stopped.returncode == 4
    assert "own step hangs: its do command failed, exit 137" in stopped.stdout


def test_what_a_cutover_did_is_undone_where_the_new_release_never_started(sites: Sites, bare: Path) -> None:
    mine = (
        step("drained", operation="cutover", after=2, undo=noted("undo-drained")),
        step("moved", operation="cutover", after=3, undo=noted("undo-moved")),
    )
    site = sites(own=mine, started=False, ended=False)
    done = site.run("--yes", path=bare)
    assert done.returncode == 0, done.stdout
    assert log(site) == ["undo-moved", "undo-drained"]
    assert site.violations() == []


def test_what_one_leaves_running_keeps_no_lock(sites: Sites, bare: Path) -> None:
    program = "setsid /bin/sh -c 'echo $$ >left.pid; exec sleep 601' & until test -s left.pid; do sleep 0.01; done"
    leaves = step("leaves", do=("/bin/sh", "-c", program))
    site = sites(own=(leaves,))
    site.await_runs("v2")
    done = site.run("--yes", path=bare)
    assert done.returncode == 0, done.stdout
    pid = int((site.root / "left.pid").read_text())
    try:
        held = [path.readlink() for path in Path(f"/proc/{pid}/fd").iterdir()]
        assert [path for path in held if "lock" in path.name] == []
        assert site.run("--yes", path=bare).returncode == 2, "nothing to go back from, and nobody operates"
    finally:
        os.kill(pid, signal.SIGKILL)


def test_while_one_runs_nobody_else_gets_the_lock_even_if_the_script_is_gone(sites: Sites, bare: Path) -> None:
    site = sites(own=(step("waits", before=1, after=None, do=WAITS, deadline=60.0),))
    with site.waiting(bare) as script:
        os.kill(script.pid, signal.SIGKILL)
        script.wait()
        assert site.run("--yes", path=bare).returncode == 5
