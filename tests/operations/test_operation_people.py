"""Who operates, who watches, who is ended by force, and what comes too late: without any cutover."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from bench_at_work import plan, work_on

from engine.cli.history import _table as history_table
from engine.clock import SystemClock
from engine.config import Deployment
from engine.errors import LockHeld, Refused
from engine.operations import evidence, requests
from engine.operations.evidence import people
from engine.operations.force import Forcer, take_by_force
from engine.operations.journal import Journal, list_operations, read_operation, records_of
from engine.operations.lock import Holder, OperationLock, holder
from engine.operations.model import HOLDS as HOLDS_BEFORE
from engine.operations.planning import changed_since, plan_cutover
from engine.operations.steering import abort, resume, unanswered
from engine.operations.takeover import take_alone
from engine.operations.watchers import watchers, watching, watching_in_words
from engine.records import FileLock, make_directory, read_lines
from engine.services.active import ActiveRelease
from engine.services.identity import identity_of, is_alive, own_identity
from engine.services.protocol import Identity

ANNA = Forcer("anna@ops1", "10.0.0.7", "0002-rollback")


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    """A process that stands for somebody's worker or console."""
    process = subprocess.Popen(["sleep", "600"], start_new_session=True)
    yield process
    process.kill()
    process.wait()


def identity(process: subprocess.Popen[bytes]) -> Identity:
    found = identity_of(process.pid)
    assert found is not None
    return found


def at_work(deployment: Deployment, worker: Identity, *steps: str, name: str = "0001-cutover") -> Path:
    """The journal of an accepted operation with this worker, which has begun these steps."""
    directory = deployment.paths.operation(name)
    make_directory(directory / "requests")
    journal = Journal(directory, SystemClock())
    kind = name.partition("-")[2]
    journal.write("planned", operation_kind=kind, release_from="v1", release_to="v2", actor="tester", steps=[])
    journal.write("worker", pid=worker.pid, start_time=worker.start_time, boot_id=worker.boot_id)
    journal.write("accepted")
    for step in steps:
        journal.write("intent", step=step, title=step, no_return=step == "start_new")
    return directory


HOLDS = (
    "import sys, time; from pathlib import Path; from engine.records import FileLock; "
    "lock = FileLock(Path(sys.argv[1])); assert lock.acquire(5); print('held', flush=True); time.sleep(600)"
)


@pytest.fixture
def lock_holder(deployment: Deployment) -> Iterator[subprocess.Popen[bytes]]:
    """Another process that really holds the operation lock."""
    path = deployment.paths.operation_lock
    process = subprocess.Popen([sys.executable, "-c", HOLDS, path], stdout=subprocess.PIPE, start_new_session=True)
    assert process.stdout is not None and process.stdout.readline() == b"held\n"
    yield process
    process.kill()
    process.wait()


# --- who watches ---


def leave_console(deployment: Deployment, process: Identity, name: str, actor: str = "k.lee@ops1") -> Path:
    make_directory(deployment.paths.consoles)
    path = deployment.paths.consoles / name
    told = {"actor": actor, "origin": "10.0.0.7", "since": "2026-01-31T02:00:00Z", "process": identity_json(process)}
    path.write_text(json.dumps(told))
    return path


def identity_json(process: Identity) -> dict[str, object]:
    return {"pid": process.pid, "start_time": process.start_time, "boot_id": process.boot_id}


def test_an_open_console_is_seen_by_others_and_not_by_itself(
    deployment: Deployment, sleeper: subprocess.Popen[bytes]
) -> None:
    with watching(deployment, actor="anna@ops1", origin="local", clock=SystemClock()):
        assert len(list(deployment.paths.consoles.iterdir())) == 1
        assert watchers(deployment) == ()
        leave_console(deployment, identity(sleeper), "other.json")
        assert watching_in_words(watchers(deployment)) == "k.lee@ops1 from 10.0.0.7 is watching"
    assert [path.name for path in deployment.paths.consoles.iterdir()] == ["other.json"]


def test_a_console_that_was_killed_is_not_seen_and_the_next_one_clears_it_away(
    deployment: Deployment, sleeper: subprocess.Popen[bytes]
) -> None:
    gone = identity(sleeper)
    stale = leave_console(deployment, gone, "stale.json")
    later = leave_console(deployment, Identity(os.getppid(), 1, gone.boot_id), "reused-pid.json")
    sleeper.kill()
    sleeper.wait()
    assert watchers(deployment) == ()
    with watching(deployment, actor="anna@ops1", origin="local", clock=SystemClock()):
        assert not stale.exists() and not later.exists()


def test_rubbish_among_the_consoles_is_nobody(deployment: Deployment, sleeper: subprocess.Popen[bytes]) -> None:
    place = leave_console(deployment, identity(sleeper), "other.json", actor="\x1b[31mk.lee").parent
    (place / "junk.json").write_text("{")
    (place / "link.json").symlink_to("other.json")
    (place / "large.json").write_text(" " * 5000)
    assert watching_in_words(watchers(deployment)) == "\\x1b[31mk.lee from 10.0.0.7 is watching"


def test_where_it_cannot_be_written_down_a_console_opens_all_the_same(deployment: Deployment) -> None:
    make_directory(deployment.paths.rollback)
    deployment.paths.consoles.write_text("no directory")
    with watching(deployment, actor="anna@ops1", origin="local", clock=SystemClock()):
        assert watchers(deployment) == ()
    assert deployment.paths.consoles.read_text() == "no directory"


def test_a_console_that_opens_waits_for_no_disk(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    make_directory(deployment.paths.consoles)
    waits: list[int] = []
    monkeypatch.setattr(os, "fsync", waits.append)
    with watching(deployment, actor="anna@ops1", origin="local", clock=SystemClock()):
        (one,) = deployment.paths.consoles.iterdir()
        assert json.loads(one.read_bytes())["actor"] == "anna@ops1"
    assert not waits


# --- who holds the lock ---


def test_the_holder_is_told_with_place_step_age_and_reason(deployment: Deployment) -> None:
    now = SystemClock().now().wall
    held = Holder("0001-cutover", "k.lee@ops1", "10.0.0.7", "v1 stopped", now - timedelta(minutes=3), "release 2", 1)
    assert held.told(now) == "k.lee@ops1 from 10.0.0.7 with 0001-cutover, at: v1 stopped, for 3m (release 2)"


def test_what_an_earlier_holder_left_is_not_told_of_the_present_one(
    deployment: Deployment, lock_holder: subprocess.Popen[bytes]
) -> None:
    gone = Identity(lock_holder.pid, 1, identity(lock_holder).boot_id)
    now = SystemClock().now().wall
    OperationLock(deployment).tell(Holder("0001-cutover", "k.lee", "local", "", now, "", gone.pid, gone))
    found = holder(deployment)
    assert found is not None and found.actor == "someone"


RACES = """
import os, sys, time
from pathlib import Path
from engine.records import FileLock
lock, guard = FileLock(Path(sys.argv[1])), Path(sys.argv[2])
won = 0
while won < int(sys.argv[3]):
    if lock.acquire(20):
        os.close(os.open(guard, os.O_CREAT | os.O_EXCL))
        won += 1
        time.sleep(0.001)
        guard.unlink()
        if won == int(sys.argv[4]):
            os.kill(os.getpid(), 9)
        lock.release()
"""


def test_among_many_racers_one_holds_it_at_a_time_though_holders_are_killed(
    deployment: Deployment, tmp_path: Path
) -> None:
    """Each one that holds it makes a file that must not be there; the killed ones let go without a word."""
    path, guard = deployment.paths.operation_lock, tmp_path / "inside"
    make_directory(path.parent)
    command = [sys.executable, "-c", RACES, str(path), str(guard), "25"]
    racers = [subprocess.Popen([*command, str(5 if number < 3 else 0)]) for number in range(8)]
    codes = [racer.wait(60) for racer in racers]
    assert codes == [-signal.SIGKILL] * 3 + [0] * 5
    assert path.exists() and not guard.exists()


def test_a_removed_lock_file_lets_no_second_operation_begin(
    deployment: Deployment, sleeper: subprocess.Popen[bytes]
) -> None:
    directory = at_work(deployment, identity(sleeper), "stop_old")
    lock = OperationLock(deployment)
    assert not take_alone(deployment, lock, "0002-cutover", 0.0), "its worker is at work, whoever removed the file"
    assert holder(deployment) is None, "and who was turned away holds nothing"
    Journal(directory, SystemClock()).write("ended", state="ABORTED")
    assert take_alone(deployment, lock, "0002-cutover", 0.0)


def test_a_lock_file_that_cannot_be_used_is_said_with_what_to_do(deployment: Deployment) -> None:
    make_directory(deployment.paths.operation_lock)
    with pytest.raises(Refused, match=r"operation lock .* cannot be used") as error:
        OperationLock(deployment).acquire(0.0)
    assert "ls -ld" in error.value.fix


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become another user")
def test_a_lock_file_of_another_owner_turns_away_and_stays_as_it_is() -> None:
    with tempfile.TemporaryDirectory() as place:
        Path(place).chmod(0o777)
        path = Path(place) / "operation.lock"
        mine = FileLock(path)
        assert mine.acquire()
        path.chmod(0o600)
        os.seteuid(65534)
        try:
            with pytest.raises(PermissionError):
                FileLock(path).acquire()
        finally:
            os.seteuid(0)
        found = path.stat()
        assert (found.st_uid, found.st_mode & 0o777) == (0, 0o600)
        assert not FileLock(path).acquire(), "it is still held by its owner"
        mine.release()


# --- force ---


def test_force_ends_the_verified_worker_and_its_commands_and_is_on_record(
    deployment: Deployment, lock_holder: subprocess.Popen[bytes], sleeper: subprocess.Popen[bytes]
) -> None:
    directory = at_work(deployment, identity(lock_holder), "stop_old")
    command = identity(sleeper)
    Journal(directory, SystemClock()).write("child", **identity_json(command))
    lock = OperationLock(deployment)

    told = take_by_force(deployment, lock, ANNA, SystemClock())

    assert lock_holder.wait(10) == -signal.SIGKILL and sleeper.wait(10) == -signal.SIGKILL
    assert f"0001-cutover (pid {lock_holder.pid}) was ended by force by anna@ops1 from 10.0.0.7" in told
    assert f"its commands too: pid {command.pid}" in told
    assert holder(deployment) is not None, "the lock is ours"
    record = records_of(directory)[-1]
    assert (record["kind"], record["by"], record["for"]) == ("forced", "anna@ops1", "0002-rollback")
    left = read_operation(directory)
    assert left.state == "INTERRUPTED" and "ended by force by anna@ops1" in left.failure
    event = read_lines(deployment.paths.events)[-1]
    assert (event["kind"], event["operation"]) == ("operation.forced", "0001-cutover")


def test_a_holder_that_no_journal_names_is_not_touched(
    deployment: Deployment, lock_holder: subprocess.Popen[bytes]
) -> None:
    later = Identity(lock_holder.pid, identity(lock_holder).start_time + 1, identity(lock_holder).boot_id)
    at_work(deployment, later, "stop_old")  # the same pid, and another process
    with pytest.raises(LockHeld, match="nothing was touched") as error:
        take_by_force(deployment, OperationLock(deployment), ANNA, SystemClock())
    assert "fuser -v" in error.value.fix
    assert is_alive(identity(lock_holder))


def test_force_where_nobody_holds_it_ends_nobody(deployment: Deployment, sleeper: subprocess.Popen[bytes]) -> None:
    Journal(at_work(deployment, identity(sleeper)), SystemClock()).write("ended", state="SUCCEEDED")
    assert take_by_force(deployment, OperationLock(deployment), ANNA, SystemClock()) == ""
    assert is_alive(identity(sleeper))


# --- abort and resume, too late and unanswered ---


def test_a_worker_that_does_not_answer_an_abort_is_named_with_the_way_to_end_it(
    deployment: Deployment, sleeper: subprocess.Popen[bytes]
) -> None:
    at_work(deployment, identity(sleeper), "stop_old")
    asked = abort(deployment, "1", actor="anna")
    assert isinstance(asked, Path)
    told = unanswered(deployment, "0001-cutover", asked, 0.1)
    assert told.startswith("0001-cutover has not answered for 0 s: abaco-ops abort 0001-cutover --force")
    assert f"pid {sleeper.pid}, at: stop_old" in told


def test_an_abort_that_is_taken_needs_no_words(deployment: Deployment) -> None:
    directory = at_work(deployment, own_identity(), "stop_old")
    asked = abort(deployment, "1", actor="anna")
    assert isinstance(asked, Path)
    taker = threading.Timer(0.05, lambda: requests.take(directory, own_identity()))
    taker.start()
    assert unanswered(deployment, "0001-cutover", asked, 20.0) == ""
    taker.join()


@pytest.mark.parametrize("force", [False, True])
def test_a_cutover_past_its_point_of_no_return_is_not_aborted(
    deployment: Deployment, sleeper: subprocess.Popen[bytes], force: bool
) -> None:
    at_work(deployment, identity(sleeper), "start_new")
    with pytest.raises(Refused, match="may have run"):
        abort(deployment, "1", actor="anna", force=force)
    assert is_alive(identity(sleeper))


def test_a_running_operation_is_not_resumed_without_force(
    deployment: Deployment, sleeper: subprocess.Popen[bytes]
) -> None:
    directory = at_work(deployment, identity(sleeper), "stop_old")
    (directory / "plan.json").touch()
    with pytest.raises(LockHeld, match=str(sleeper.pid)):
        resume(deployment, "1", actor="anna")


def test_a_worker_that_comes_after_the_end_does_nothing(deployment: Deployment, clock) -> None:  # type: ignore[no-untyped-def]
    """Two people at once: one resumed it to its end, the other's worker gets the lock only then."""
    work = work_on(deployment, clock)
    (work.directory / "plan.json").write_bytes(orders_of(work))
    work.record("ended", state="SUCCEEDED")
    before = records_of(work.directory)
    for mode in ("abort", "resume"):
        command = [sys.executable, "-m", "engine.operations.worker", "--root", str(deployment.root)]
        command += ["--operation", "0001-cutover", "--mode", mode]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert (done.returncode, f"0001-cutover is SUCCEEDED: nothing to {mode}" in done.stderr) == (2, True), done
    assert records_of(work.directory) == before


def orders_of(work) -> bytes:  # type: ignore[no-untyped-def]
    import msgspec

    return msgspec.json.encode(work.orders)


# --- a plan that is out of date ---


def test_what_has_changed_since_a_plan_was_made_is_named(deployment: Deployment) -> None:
    made = plan_cutover(deployment)
    assert changed_since(deployment, made, "9999") == []
    staged = deployment.paths.release("v2")
    staged.write_text(staged.read_text() + "# edited\n")
    assert changed_since(deployment, made, "9999") == ["the staged configuration of v2"]
    deployment.active_config.write_text(deployment.active_config.read_text() + "# edited\n")
    assert changed_since(deployment, made, "9999") == ["the active configuration", "the staged configuration of v2"]


def test_another_operation_meanwhile_is_named(deployment: Deployment, sleeper: subprocess.Popen[bytes]) -> None:
    directory = at_work(deployment, identity(sleeper), "stop_old")
    Journal(directory, SystemClock()).write("yielded", to="nobody")
    made = plan_cutover(deployment)
    Journal(directory, SystemClock()).write("closed", state="ROLLED_BACK")
    assert changed_since(deployment, made, "9999") == ["the last operation"], "the same one, and it went on"


def test_a_plan_without_parts_is_still_held_to_its_hash(deployment: Deployment) -> None:
    assert changed_since(deployment, plan(basis="another"), "9999") == ["what it was made from"]


def test_a_plan_names_who_operates_and_who_watches(
    deployment: Deployment, lock_holder: subprocess.Popen[bytes]
) -> None:
    leave_console(deployment, identity(lock_holder), "other.json")
    evidence = {item.name: (item.mark, item.text) for item in plan_cutover(deployment).evidence}
    assert evidence["operates"][0] == "no" and "someone with an operation" in evidence["operates"][1]
    assert evidence["watching"] == ("--", "k.lee@ops1 from 10.0.0.7 is watching")
    assert "someone" in plan_cutover(deployment).lock_holder
    lock_holder.kill()
    lock_holder.wait()
    until = time.monotonic() + 10
    while holder(deployment) is not None:
        assert time.monotonic() < until
    evidence = {item.name: (item.mark, item.text) for item in plan_cutover(deployment).evidence}
    assert evidence["nobody operates"] == ("ok", "no other console is open")


def told_of(deployment: Deployment, worker: Identity, step: str = "v1 stopped") -> str:
    """What a plan says of somebody with this worker, at this step."""
    directory = at_work(deployment, worker, "stop_old")
    now = SystemClock().now().wall
    lock = OperationLock(deployment)
    assert lock.acquire(1)
    lock.tell(Holder(directory.name, "a.moreno", "10.0.4.7", step, now, "release 2.0", worker.pid, worker))
    try:
        return next(item.text for item in people(deployment, None) if item.name == "operates")
    finally:
        lock.release()


def test_who_operates_comes_first_and_force_is_named_only_when_the_worker_is_silent(
    deployment: Deployment, sleeper: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    told = told_of(deployment, identity(sleeper))
    assert told.startswith("a.moreno") and "v1 stopped" in told and "--force" not in told
    monkeypatch.setattr(evidence, "ANSWERS_WITHIN", -1.0)
    silent = told_of(deployment, identity(sleeper))
    assert silent.startswith("a.moreno") and "if it hangs: abaco-ops rollback --force" in silent
    assert "--force" not in told_of(deployment, identity(sleeper), HOLDS_BEFORE), "a hold is silent and well"


def test_where_nothing_is_to_be_rolled_back_nothing_else_is_claimed(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evidence, "active_release", lambda _: ActiveRelease("v1", "", "v1", ("v1",)))
    found = evidence.rollback_evidence(deployment, [], None, started=False)
    assert [item.name for item in found] == ["live", "disk"]
    monkeypatch.setattr(evidence, "active_release", lambda _: ActiveRelease(None, "no release runs", "v1", ()))
    assert "metrics" in [item.name for item in evidence.rollback_evidence(deployment, [], None, started=False)]


def test_what_its_worker_refused_is_no_operation_that_ran(deployment: Deployment) -> None:
    directory = deployment.paths.operation("0005-rollback")
    make_directory(directory)
    journal = Journal(directory, SystemClock())
    journal.write("planned", operation_kind="rollback", release_from="v2", release_to="v1", actor="tester", steps=[])
    journal.write("refused", detail="the last operation changed since it was planned")
    told = history_table(list_operations(deployment.paths.operations), [])
    assert "REFUSED" in told and "ABORTED" not in told
    assert "refused before it began: the last operation changed since it was planned" in told
