"""The rehearsal: everything of a rollback but the swap. It can fail in every part, and it touches nothing live."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from in_this_process import here
from kept_at_work import CutOver
from site_at_work import COMMAND, Site, abaco, await_that, hashes

from engine.clock import SystemClock
from engine.errors import LockHeld, Refused
from engine.operations import rehearsal, rehearsal_parts
from engine.operations.launch import plan_cutover, plan_rollback
from engine.operations.lock import OperationLock
from engine.operations.rehearsal import GaveWay, Rehearsal, rehearse
from engine.snapshots import list_snapshots
from engine.snapshots.exchange import CannotExchange

ONE_TOO_MUCH = """
import json, subprocess, sys
real = [sys.executable, "-m", "engine.pipeline", "kpi", "--release", "v2", *sys.argv[1:]]
for line in subprocess.run(real, capture_output=True, text=True, check=True).stdout.splitlines():
    answer = json.loads(line)
    if "/reference/" in answer["tape"]:
        answer["kpis"]["PAR30"]["value"] += 1
    print(json.dumps(answer))
"""
"""A KPI program that is wrong about the reference tape alone."""
NOT_LIVE = (".rollback/rehearsal.lock", ".rollback/deployment.id", "logs/")


def rehearsed(site: Site) -> tuple[int, dict[str, Any]]:
    done = abaco("--root", str(site.root), "rehearse", "--json")
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


def now(site: Site) -> Rehearsal:
    return rehearse(site.deployment, SystemClock(), actor="tester")


def left_by_a_rehearsal(site: Site) -> list[Path]:
    return [path for path in site.root.rglob("*") if "rehearsal-" in path.name or path.parent.name == "rehearsal"]


def untouched(site: Site) -> dict[str, str]:
    """Everything but the audit trail and what the rehearsal keeps for its own turn."""
    return {name: value for name, value in hashes(site.root).items() if not name.startswith(NOT_LIVE)}


def damage_staged(site: Site) -> Path:
    staged = site.deployment.paths.staged / str(plan_rollback(site.deployment).snapshot)
    return next(path for path in (staged / "data/metrics").iterdir() if path.is_file())


@contextmanager
def kpi_program(site: Site, release: str, code: str) -> Iterator[None]:
    """A release's KPI program is another one for a while."""
    path = site.root / f"config/releases/{release}.yml"
    as_it_is = path.read_bytes()
    site.edit_release(release, "kpi", ["{python}", "-c", code])
    try:
        yield
    finally:
        path.write_bytes(as_it_is)


@pytest.fixture
def without_computing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where another part is looked at, the one that takes longest is left out."""
    monkeypatch.setattr(rehearsal_parts.Rehearsing, "_compute", lambda _self: "")


@pytest.fixture
def on_new(lasting: Site) -> Site:
    """The lasting demo with the new release live and nothing unfinished: a rehearsal leaves it so."""
    if lasting.live() != "v2":
        operation = lasting.cutover()
        assert operation.state == "SUCCEEDED", operation.failure
    return lasting


def part(found: Rehearsal, name: str) -> Any:
    return next(item for item in found.parts if item.name == name)


def test_before_any_cutover_it_works_on_a_snapshot_of_its_own_and_changes_nothing(round_trip: Site) -> None:
    site, snapshots = round_trip, list_snapshots(round_trip.deployment)
    site.freeze()
    try:
        before = untouched(site)
        code, told = rehearsed(site)
        assert untouched(site) == before
    finally:
        site.let_go_on()
    assert (code, told["ok"], told["own_snapshot"], told["snapshot"], told["note"]) == (0, True, True, None, "")
    assert left_by_a_rehearsal(site) == [] and list_snapshots(site.deployment) == snapshots
    assert site.live() == "v1"
    event = site.events("rollback.rehearsed")[-1]
    measured = site.deployment.console.cadence.verify_hold + event["data"]["parts"]["compute"]
    assert event["data"]["ok"] is True and event["data"]["seconds"] >= round(measured, 2) - 0.01
    assert {"verify", "verify copy", "configuration", "exchange", "compute"} <= event["data"]["parts"].keys()
    status = json.loads(here("--root", str(site.root), "status", "--json").stdout)["way_back"]
    assert (status["basis"], status["seconds"], status["ready"]) == ("rehearsed", told["seconds"], False)
    (said,) = [item for item in plan_cutover(site.deployment).evidence if item.name == "rehearsal"]
    assert said.mark == "ok" and "rehearsed" in said.text and f"{told['seconds']:.1f} s" in said.text
    assert "rehearsed" in here("--root", str(site.root), "status", "--update").stdout
    board = here("--root", str(site.root), "checklist").stdout
    assert "READY" in next(line for line in board.splitlines() if "rollback rehearsed" in line)


def test_an_old_release_that_cannot_compute_is_not_ready(round_trip: Site) -> None:
    site = round_trip
    with kpi_program(site, "v1", "raise SystemExit('no licence')"):
        code, told = rehearsed(site)
    assert code == 1 and "no licence" in told["reason"]
    assert left_by_a_rehearsal(site) == []
    (said,) = [item for item in plan_cutover(site.deployment).evidence if item.name == "rehearsal"]
    assert said.mark == "--" and "NOT READY" in said.text


def test_what_the_new_release_makes_of_the_reference_is_said_before_a_cutover_asks_and_bars_no_way_back(
    round_trip: Site,
) -> None:
    with kpi_program(round_trip, "v2", ONE_TOO_MUCH):
        code, told = rehearsed(round_trip)
    assert (code, told["ok"]) == (0, True), "the way back is V1's"
    assert "a cutover would stop in phase 2, v2 on data/reference/loan_tape.csv: " in told["note"]
    assert "PAR30 is given as 12.58" in told["note"]
    assert left_by_a_rehearsal(round_trip) == []


def test_after_a_cutover_it_works_on_what_a_rollback_would_restore_and_changes_nothing(on_new: Site) -> None:
    on_new.freeze()
    try:
        before = untouched(on_new)
        code, told = rehearsed(on_new)
        assert untouched(on_new) == before
    finally:
        on_new.let_go_on()
    assert (code, told["ok"], told["own_snapshot"]) == (0, True, False)
    assert told["snapshot"] == plan_rollback(on_new.deployment).snapshot
    assert left_by_a_rehearsal(on_new) == []


def test_a_damaged_snapshot_is_not_ready_and_the_one_a_rollback_would_take_is_named(on_new: Site) -> None:
    newest = str(plan_rollback(on_new.deployment).snapshot)
    tree = on_new.deployment.paths.snapshots / newest / "tree/data/metrics"
    victim = next(path for path in tree.iterdir() if path.is_file())
    whole = victim.read_bytes()
    victim.write_bytes(b"damaged")
    done = abaco("--root", str(on_new.root), "rehearse")
    victim.write_bytes(whole)
    assert done.returncode == 1
    last = done.stdout.splitlines()[-1]
    assert last.startswith("NOT READY") and newest in last and "another content" in last and "instead" in last


def test_a_damaged_staged_tree_is_not_ready(on_new: Site) -> None:
    staged = damage_staged(on_new)
    whole = staged.read_bytes()
    staged.write_bytes(b"damaged")
    code, told = rehearsed(on_new)
    staged.write_bytes(whole)
    assert code == 1 and "staged" in told["reason"] and "another content" in told["reason"]
    assert rehearsed(on_new)[0] == 0


@pytest.mark.usefixtures("without_computing")
def test_a_full_place_is_not_ready(on_new: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(rehearsal_parts, "copy_tree", full)
        found = now(on_new)
    assert not found.ok and not part(found, "stage").ok and "No space left" in found.reason
    usage = os.statvfs(on_new.root)
    with monkeypatch.context() as patch:
        patch.setattr(rehearsal_parts, "RECORDS", usage.f_bavail * usage.f_frsize * 2)
        found = now(on_new)
    assert not found.ok and not part(found, "space").ok and "needed" in found.reason
    assert not any(item.name == "stage" for item in found.parts), "no copy is begun without room for it"


@pytest.mark.skipif(os.geteuid() != 0, reason="a file system of its own size needs root")
def test_a_disk_that_is_really_full_is_not_ready_and_the_command_says_so(tmp_path: Path) -> None:
    room = tmp_path / "room"
    room.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(room)], check=False)
    if mounted.returncode != 0:
        pytest.skip("no file system can be mounted here")
    site = Site(room / "demo")
    try:
        site.make()
        assert rehearsed(site)[0] == 0
        (room / "filler").write_bytes(b"x" * (16 << 20))
        code, told = rehearsed(site)
        assert code == 1 and told["reason"].startswith("space: ")
        assert left_by_a_rehearsal(site) == []
    finally:
        (room / "filler").unlink(missing_ok=True)
        site.end()
        subprocess.run(["umount", str(room)], check=True)


def test_a_place_that_cannot_be_written_to_is_not_ready(on_new: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*_: object) -> bool:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(rehearsal.FileLock, "acquire", forbidden)
    monkeypatch.setattr(rehearsal, "append_event", lambda *_, **__: {})
    found = now(on_new)
    assert not found.ok and "Read-only file system" in found.reason


@pytest.mark.usefixtures("without_computing")
def test_an_audit_trail_that_cannot_be_written_is_not_ready(on_new: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(rehearsal, "append_event", full)
    found = now(on_new)
    assert not found.ok and "audit trail" in found.reason


@pytest.mark.usefixtures("without_computing")
def test_a_file_system_without_exchange_is_known_beforehand(on_new: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    assert now(on_new).exchange == "exchanged in one step"

    def cannot(*_: object) -> None:
        raise CannotExchange("Invalid argument")

    monkeypatch.setattr(rehearsal_parts, "exchange", cannot)
    found = now(on_new)
    assert found.ok and found.exchange == "two renames (Invalid argument)"
    monkeypatch.setattr(rehearsal_parts, "exchange", lambda *_: None)
    assert "did not happen" in now(on_new).reason


@pytest.mark.usefixtures("without_computing")
def test_a_copy_that_differs_from_its_snapshot_is_not_ready(on_new: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    really = rehearsal_parts.copy_tree

    def badly(source: Path, target: Path, covered: str, **more: Any) -> Any:
        copied = really(source, target, covered, **more)
        next(path for path in target.rglob("*") if path.is_file()).write_bytes(b"another content")
        return copied

    monkeypatch.setattr(rehearsal_parts, "copy_tree", badly)
    found = now(on_new)
    assert not part(found, "verify copy").ok and "the copy is wrong" in found.reason


@pytest.mark.usefixtures("without_computing")
def test_a_pipe_of_the_new_release_does_not_bar_the_way_back(on_new: Site) -> None:
    pipe = on_new.deployment.metrics / "pipe"
    os.mkfifo(pipe)
    try:
        found = now(on_new)
    finally:
        pipe.unlink()
    assert part(found, "inventory").ok and found.ok


@pytest.mark.usefixtures("without_computing")
def test_a_configuration_that_cannot_be_written_is_not_ready(on_new: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rehearsal_parts.Place, "configuration", lambda _self: on_new.root / "not there" / "x")
    found = now(on_new)
    assert [item.name for item in found.parts if not item.ok] == ["configuration"] and not found.ok


def test_it_is_refused_while_an_operation_or_another_rehearsal_runs(on_new: Site) -> None:
    lock = OperationLock(on_new.deployment)
    assert lock.acquire(1.0)
    try:
        with pytest.raises(LockHeld, match="an operation is running"):
            now(on_new)
    finally:
        lock.release()
    other = rehearsal.FileLock(on_new.deployment.paths.rollback / "rehearsal.lock")
    assert other.acquire(1.0)
    try:
        assert abaco("--root", str(on_new.root), "rehearse").returncode == 5
    finally:
        other.release()


@pytest.mark.usefixtures("without_computing")
def test_what_look_raises_ends_it_and_nothing_is_left(on_new: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rehearsal.os, "setpriority", lambda *_: None)

    def begin(_self: object) -> str:
        (on_new.deployment.paths.operations / "9999-rollback").mkdir(parents=True)
        return ""

    monkeypatch.setattr(rehearsal_parts.Rehearsing, "_exchange", begin)
    try:
        with pytest.raises(GaveWay, match="9999-rollback"):
            now(on_new)
    finally:
        (on_new.deployment.paths.operations / "9999-rollback").rmdir()
    assert left_by_a_rehearsal(on_new) == []


def end_all(words: str) -> None:
    """End every process whose command line has these words."""
    for path in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if os.fsencode(words) in (path / "cmdline").read_bytes() and int(path.name) != os.getpid():
                os.kill(int(path.name), signal.SIGKILL)


def test_a_rollback_that_begins_is_given_way_to_and_not_disturbed(cut_over: CutOver, tmp_path: Path) -> None:
    """The rehearsal hangs in the old release's program; the rollback begins, and the rehearsal leaves at once."""
    tree = cut_over.deployment.paths.snapshots / str(plan_rollback(cut_over.deployment).snapshot) / "tree"
    config, metrics = (tree / "config/pipeline.yml").read_bytes(), hashes(tree / "data/metrics")
    hanging = tmp_path / "hanging"
    recorded = len(cut_over.events("rollback.rehearsed"))
    with kpi_program(cut_over, "v1", f"import pathlib, time; pathlib.Path({str(hanging)!r}).touch(); time.sleep(600)"):
        running = subprocess.Popen(
            [*COMMAND, "--root", str(cut_over.root), "rehearse"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        await_that(lambda: hanging.exists() or running.poll() is not None)
    try:
        begun = cut_over.begin_rollback()
        _, said = running.communicate(timeout=30)
    finally:
        running.kill()
        end_all(str(hanging))  # the monitor's proof and shadow run hang in it too
    assert running.returncode == 5 and "gave way to" in said
    assert left_by_a_rehearsal(cut_over) == []
    operation = cut_over.settled(begun.id)
    assert operation.state == "SUCCEEDED", operation.failure
    assert not [text for text in operation.warnings if "rehearsal" in text]
    cut_over.assert_back_on_v1(config, metrics)
    assert len(cut_over.events("rollback.rehearsed")) == recorded, "it has found out nothing"


def test_one_that_was_killed_is_in_nobodys_way_and_the_next_one_removes_what_it_left(cut_over: CutOver) -> None:
    program = (
        "import os, signal, sys\n"
        "from engine.operations import rehearsal, rehearsal_parts\n"
        "die = lambda *_: os.kill(os.getpid(), signal.SIGKILL)\n"
        "rehearsal_parts.Rehearsing._compute = die\n"
        "rehearsal_parts.Path.unlink = lambda *_, **__: None\n"
        "rehearsal.main(['--root', sys.argv[1]])\n"
    )
    ended = subprocess.run([sys.executable, "-c", program, str(cut_over.root)], check=False)
    assert ended.returncode == -signal.SIGKILL
    left = left_by_a_rehearsal(cut_over)
    assert {path.parent.name for path in left} >= {"rehearsal", "data", "config"}, left
    others = [cut_over.root / "data/.abaco-rehearsal-notes", cut_over.root / "config/.pipeline.yml.mine"]
    for path in others:
        path.write_text("somebody's")
    assert cut_over.rollback().state == "SUCCEEDED"
    assert now(cut_over).ok
    assert [path for path in left_by_a_rehearsal(cut_over) if path not in others] == []
    for path in others:
        assert path.read_text() == "somebody's"
        path.unlink()


def test_it_is_refused_while_a_rollback_is_unfinished(cut_over: CutOver) -> None:
    begun = cut_over.begin_rollback()
    cut_over.kill_worker_at(begun, "restore_config")
    with pytest.raises(Refused, match=begun.id):
        now(cut_over)
