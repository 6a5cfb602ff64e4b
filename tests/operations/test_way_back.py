from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from in_this_process import here
from kept_at_work import CutOver
from site_at_work import Site, await_that

from engine.clock import SystemClock
from engine.config import Deployment, load_deployment
from engine.config.templates import write_config
from engine.errors import LockHeld
from engine.operations import way_back
from engine.operations.launch import launch_validation
from engine.operations.way_back import examine, main, prove, read_way_back
from engine.records import FileLock, append_event, read_lines
from engine.snapshots import load_remembered


def proof_command(site: Site) -> subprocess.CompletedProcess[str]:
    """The proof as the monitor orders it; what it wrote stands in a failed assertion."""
    command = [sys.executable, "-m", "engine.operations.way_back", "--root", str(site.root)]
    return subprocess.run(command, check=False, capture_output=True, text=True)


def newest(site: Site):  # type: ignore[no-untyped-def]
    proof = read_way_back(read_lines(site.deployment.paths.events))
    assert proof is not None and proof.at is not None
    return proof


def test_the_way_back_is_proven_and_disproven_by_what_is_there(cut_over: CutOver) -> None:
    deployment = cut_over.deployment
    said = proof_command(cut_over)
    assert said.returncode == 0, said
    good = newest(cut_over)
    assert good.ok and good.seconds > 0 and good.release == "v1"

    staged = next((deployment.paths.staged / str(good.snapshot) / "data/metrics").iterdir())
    kept = staged.read_bytes()
    staged.write_bytes(b"damaged")
    said = proof_command(cut_over)
    assert said.returncode == 1 and "NOT PROVEN" in said.stdout, said
    assert not newest(cut_over).ok, said
    assert "another content" in newest(cut_over).reason
    staged.write_bytes(kept)

    tape = deployment.tape.read_bytes()
    deployment.tape.write_bytes(b"this is no tape\n")
    proof = prove(deployment, SystemClock())
    deployment.tape.write_bytes(tape)
    assert proof.ok and "proven on the snapshot's tape" in proof.reason


@pytest.fixture
def resting(tmp_path: Path) -> Deployment:
    """A deployment in which nothing runs."""
    write_config(tmp_path, demo=True)
    return load_deployment(tmp_path)


def test_a_proof_looks_only_after_the_one_before_it_has_recorded(
    resting: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the newest record could say "ok" after a newer look has said "NOT PROVEN"."""
    earlier = FileLock(resting.paths.proof_lock)
    assert earlier.acquire()

    def records_its_own() -> None:
        append_event(resting.paths.events, way_back.EVENT, {"ok": True}, source="the earlier one")
        earlier.release()

    def looks(*_: object) -> way_back.WayBackProof:
        assert not earlier.held, "the earlier one has recorded"
        assert not FileLock(resting.paths.proof_lock).take(), "a later one waits"
        return way_back.WayBackProof(ok=False, seconds=1.0, snapshot=None, release="v1", reason="damaged")

    monkeypatch.setattr(way_back, "examine", looks)
    assert not prove(resting, SystemClock(), wait=records_its_own).ok
    assert [event["data"]["ok"] for event in read_lines(resting.paths.events)] == [True, False]
    assert FileLock(resting.paths.proof_lock).take(), "let go"


def test_a_proof_that_hangs_is_named_and_not_waited_for_without_end(
    resting: Deployment, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    late = iter([0.0, 1000.0])
    monkeypatch.setattr("time.monotonic", lambda: next(late))
    with FileLock(resting.paths.proof_lock) as hanging:
        assert hanging.take()
        assert main(["--root", str(resting.root)]) == LockHeld.exit_code
    said = capsys.readouterr().err
    assert "another proof of the way back has not ended within 150 s" in said
    assert f"fuser -v {resting.paths.proof_lock}" in said
    assert read_lines(resting.paths.events) == [], "what nobody looked at is not recorded"


def test_the_next_proof_reads_only_what_changed_and_says_since_when_every_byte_is_known(cut_over: CutOver) -> None:
    reads = cut_over.deployment.paths.proven_reads
    await_that(lambda: proof_command(cut_over).returncode == 0 and settled(reads))
    first = newest(cut_over)
    said = proof_command(cut_over)
    assert said.returncode == 0, said
    second = newest(cut_over)
    assert second.at != first.at
    assert first.read_at is not None and second.read_at is not None
    assert second.read_at <= first.at, "nothing was read again"

    victim = next((cut_over.deployment.paths.staged / str(first.snapshot) / "data/metrics").iterdir())
    before, kept = victim.stat(), victim.read_bytes()
    victim.write_bytes(bytes(len(kept)))
    os.utime(victim, ns=(before.st_atime_ns, before.st_mtime_ns))
    said = proof_command(cut_over)
    assert said.returncode == 1 and "NOT PROVEN" in said.stdout, said
    assert "another content" in newest(cut_over).reason
    victim.write_bytes(kept)


def settled(reads: Path) -> bool:
    """Whether a proof has remembered every file: none of them is too new any more."""
    known = load_remembered(reads, 0.0)
    snapshot = next(reversed(sorted(reads.parent.glob("snapshots/*"))))
    files = [path for path in (snapshot / "tree").rglob("*") if path.is_file()]
    return all(known.find(path.stat()) for path in files)


def test_a_newer_snapshot_that_is_refused_is_named_by_the_proof(cut_over: CutOver) -> None:
    path = cut_over.deployment.paths.snapshots / str(newest(cut_over).snapshot)
    seal = (path / "COMPLETE").read_bytes()
    (path / "COMPLETE").unlink()
    try:
        found = examine(cut_over.deployment, lambda: None)
    finally:
        (path / "COMPLETE").write_bytes(seal)
    assert found.snapshot is not None and found.snapshot < path.name
    assert f"snapshot {path.name} is newer and cannot be restored" in found.reason and "never sealed" in found.reason


def test_without_a_snapshot_there_is_no_way_back(site: Site) -> None:
    proof = prove(site.deployment, SystemClock())
    assert not proof.ok and "no snapshot" in proof.reason


def test_a_validation_runs_as_an_operation_without_the_lock(site: Site) -> None:
    begun = launch_validation(site.deployment, actor="tester", origin="local")
    operation = site.settled(begun.id)
    assert operation.kind == "validate"
    assert operation.state == "SUCCEEDED", operation.failure
    assert [step.state for step in operation.steps] == ["done"] * 5
    assert (site.root / "production_validation_report.json").exists()


def test_a_validation_that_fails_says_which_check_and_blocks_nothing(site: Site) -> None:
    site.deployment.tape.write_bytes(b"this is no tape\n")
    operation = site.settled(launch_validation(site.deployment, actor="tester", origin="local").id)
    assert operation.state == "SUCCEEDED", "it did its job"
    assert operation.failure.startswith("validation says FAIL")
    line = next(line for line in here("--root", str(site.root), "history").stdout.splitlines() if operation.id in line)
    assert "validation says FAIL" in line and "ABORTED" not in line
    assert any(step.state == "failed" for step in operation.steps)
    assert not operation.open
