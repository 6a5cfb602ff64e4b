"""Starting: quick, once, outliving whoever started it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from service_at_work import Fake, eventually

from engine.errors import OpsError
from engine.records import FileLock
from engine.services import daemon
from engine.services.identity import is_alive, send_signal
from engine.services.record import ServiceRecord

STARTER = """
import sys, msgspec
from pathlib import Path
from engine.services.embedded import EmbeddedService
from engine.services.record import ServiceFiles, ServiceSpec
spec = msgspec.json.decode(Path(sys.argv[1]).read_bytes(), type=ServiceSpec)
service = EmbeddedService(ServiceFiles(Path(spec.root) / "services" / "fake"), spec)
sys.stdin.readline()
print(service.start().identity.pid, flush=True)
sys.stdin.readline()
"""


def starter(one: Fake) -> subprocess.Popen[str]:
    """A process of its own that starts the service when told to."""
    command = [sys.executable, "-c", STARTER, str(one.write_spec_file())]
    return subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True, cwd="/"
    )


def told(process: subprocess.Popen[str]) -> int:
    assert process.stdin
    assert process.stdout
    process.stdin.write("go\n")
    process.stdin.flush()
    return int(process.stdout.readline())


def test_a_started_service_runs_under_a_supervisor(fake: Callable[..., Fake]) -> None:
    one = fake()
    assert one.service.status().state == "STOPPED"
    status = one.service.start()
    assert (status.state, status.supervised, status.name) == ("RUNNING", True, "fake")
    assert is_alive(status.identity)
    assert status.since is not None


def test_the_build_reaches_the_service(fake: Callable[..., Fake]) -> None:
    one = fake()
    pid = one.service.start().identity
    one.ready()
    assert pid is not None
    assert f"ok {pid.pid} b1" in one.service.last_lines(5)


def test_a_second_start_finds_the_first(fake: Callable[..., Fake]) -> None:
    one = fake()
    assert one.service.start().identity == one.service.start().identity
    assert len(one.everyone()) == 1


def test_concurrent_starts_make_one_service(fake: Callable[..., Fake]) -> None:
    one = fake()
    starters = [starter(one) for _ in range(6)]
    try:
        for process in starters:
            assert process.stdin
            process.stdin.write("go\n")
            process.stdin.flush()
        pids = {int(process.stdout.readline()) for process in starters if process.stdout}
    finally:
        for process in starters:
            process.communicate("\n", timeout=30)
    assert pids == {one.main().pid}
    assert one.everyone() == [one.main().pid]


def test_a_supervisor_that_does_not_get_the_lock_starts_nothing(fake: Callable[..., Fake]) -> None:
    one = fake()
    one.files.directory.mkdir(parents=True)
    one.files.write_spec(one.spec)
    with FileLock(one.files.lock) as lock:
        assert lock.acquire()
        command = [sys.executable, "-m", "engine.services.daemon", str(one.files.directory)]
        assert subprocess.run(command, timeout=30, check=False).returncode == daemon.LOCK_HELD
    assert one.files.read_record() is None
    assert one.everyone() == []


def test_a_service_outlives_its_starter_and_the_whole_session(fake: Callable[..., Fake]) -> None:
    one = fake()
    process = starter(one)
    pid = told(process)
    os.killpg(process.pid, signal.SIGHUP)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    status = one.service.status()
    assert (status.state, status.supervised) == ("RUNNING", True)
    assert one.main().pid == pid


def test_the_supervisor_leaves_no_zombie_with_its_starter(fake: Callable[..., Fake]) -> None:
    before = {child.pid for child in psutil.Process().children()}
    one = fake()
    one.service.start()
    one.service.stop()
    assert {child.pid for child in psutil.Process().children()} <= before


def test_a_program_that_is_not_there_is_said_so(fake: Callable[..., Fake]) -> None:
    one = fake(command=("/no/such/program",))
    with pytest.raises(OpsError, match="/no/such/program"):
        one.service.start()
    status = one.service.status()
    assert (status.state, status.supervised) == ("FAILED", False)


def test_a_supervisor_killed_alone_is_replaced_and_the_service_adopted(fake: Callable[..., Fake]) -> None:
    one = fake()
    before = one.service.start().identity
    one.kill_supervisor()
    orphan = one.service.status()
    assert (orphan.state, orphan.identity, orphan.supervised) == ("RUNNING", before, False)
    adopted = one.service.start()
    assert (adopted.state, adopted.identity, adopted.supervised) == ("RUNNING", before, True)
    assert adopted.since == orphan.since


def test_an_adopted_service_is_still_restarted(fake: Callable[..., Fake]) -> None:
    one = fake()
    before = one.service.start().identity
    one.kill_supervisor()
    one.service.start()
    assert before is not None
    send_signal(before, signal.SIGKILL)
    eventually(lambda: one.service.status().state == "RUNNING" and one.main() != before)
    assert len(one.service.status().restarts) == 1


def test_a_service_that_lost_its_supervisor_while_starting_is_adopted(fake: Callable[..., Fake]) -> None:
    """Killed between the program's start and the note of its pid: the mark in its environment finds it."""
    one = fake()
    before = one.service.start().identity
    one.kill_supervisor()
    one.files.write_record(ServiceRecord("up", "starting", one.supervisor()))
    assert one.service.status().state == "UNSURE"
    assert one.service.start().identity == before


def test_both_gone_is_failed_and_a_start_begins_anew(fake: Callable[..., Fake]) -> None:
    one = fake()
    before = one.service.start().identity
    one.kill_supervisor()
    assert before is not None
    send_signal(before, signal.SIGKILL)
    eventually(lambda: not is_alive(before))
    assert one.service.status().state == "FAILED"
    assert one.service.start().identity != before


def test_a_lost_state_file_is_unsure_and_a_start_makes_it_one_service_again(fake: Callable[..., Fake]) -> None:
    one = fake()
    before = one.service.start().identity
    one.kill_supervisor()
    (one.files.directory / "state.json").write_text("{ half a")
    unsure = one.service.status()
    assert unsure.state == "UNSURE"
    assert before is not None
    assert str(before.pid) in unsure.reason
    after = one.service.start().identity
    assert after is not None
    assert one.everyone() == [after.pid]


def test_a_pid_that_now_belongs_to_someone_else_is_not_taken_for_the_service(fake: Callable[..., Fake]) -> None:
    one = fake()
    one.service.start()
    one.service.stop()
    someone = subprocess.Popen(["sleep", "300"])
    try:
        record = one.record()
        stranger = one.supervisor().__class__(someone.pid, 1, one.supervisor().boot_id)
        one.files.write_record(ServiceRecord("up", "running", record.supervisor, stranger))
        assert one.service.status().state == "FAILED"
        assert one.service.stop().stopped
        assert someone.poll() is None
    finally:
        someone.kill()
        someone.wait()


def test_where_another_accounts_record_cannot_be_read_it_is_unsure_and_is_not_started_beside(
    fake: Callable[..., Fake], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may run: processes of another account do not show what they belong to."""
    one = fake()
    one.service.start()
    running = one.main()
    record = one.files.directory / "state.json"
    read = Path.read_bytes

    def barred(path: Path) -> bytes:
        if path == record:
            raise PermissionError(13, "Permission denied", str(path))
        return read(path)

    with monkeypatch.context() as closed:
        closed.setattr(Path, "read_bytes", barred)
        closed.setattr("engine.services.embedded.find_remains", lambda _: [])
        closed.setattr("engine.services.embedded.is_locked", lambda _: False)
        status = one.service.status()
        assert status.state == "UNSURE"
        assert f"started or stopped it last, and {record} cannot be read by you" in status.reason
        with pytest.raises(OpsError, match=r"cannot be started: .* started or stopped it last"):
            one.service.start()
    assert one.main() == running
