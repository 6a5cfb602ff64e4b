"""RETURN.sh where records came with a copy of a deployment: whom they name is not ended."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from shell_site import ShellSite

from engine.services.identity import identity_of

Sites = Callable[..., ShellSite]


@pytest.fixture
def stranger() -> Iterator[subprocess.Popen[bytes]]:
    """The release of the original, or a command of one of its operations."""
    process = subprocess.Popen(["sleep", "600"], start_new_session=True)
    yield process
    process.kill()
    process.wait()


def test_it_ends_what_carries_the_mark_and_not_what_a_copied_record_names(
    sites: Sites, bare: Path, stranger: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    site = sites(ended=False)
    site.await_runs("v2")
    named = identity_of(stranger.pid)
    assert named is not None
    who = {"pid": named.pid, "start_time": named.start_time, "boot_id": named.boot_id}
    copied = {"written_in": str(tmp_path)}
    state = site.root / ".rollback/services/abaco-pipeline-v2/state.json"
    record = json.loads(state.read_text())
    state.write_text(json.dumps({**record, "main": who, "supervisor": who, **copied}, separators=(",", ":")))
    journal = site.root / ".rollback/operations/0001-cutover/journal.jsonl"
    lines = journal.read_text().splitlines()
    child = {**who, "kind": "child", **copied}
    journal.write_text("\n".join([*lines, json.dumps(child, separators=(",", ":")), ""]))
    ran = site.run("--yes", path=bare)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert stranger.poll() is None
    assert site.running("v2") == []
