"""Requests, lock, service steps, remaining commands: each part by itself."""

from __future__ import annotations

import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from bench_at_work import HandService, work_on

from engine.config import Deployment
from engine.operations import requests
from engine.operations.commands import Command, CommandNotStarted, finish
from engine.operations.configuration import activate, changes, release_in
from engine.operations.cutover_switch import start_old_again
from engine.operations.force import end_commands
from engine.operations.lock import Holder, OperationLock, holder
from engine.operations.remaining import remaining_commands
from engine.operations.reserve import keep_reserve, release_reserve
from engine.operations.service_steps import hold, running_identity, start_surely, stop_surely
from engine.operations.step import StepFailed
from engine.operations.work import Work
from engine.services.identity import end_process, identity_of, is_alive
from engine.services.protocol import Identity, StopResult
from engine.snapshots import Origin, take_snapshot


@pytest.fixture
def work(deployment: Deployment, clock) -> Work:  # type: ignore[no-untyped-def]
    return work_on(deployment, clock, kind="rollback")


def services(work: Work, **made: HandService) -> None:
    work._services.update(made)  # type: ignore[arg-type]


def test_a_request_for_another_worker_or_operation_is_set_aside_unanswered(work: Work) -> None:
    stranger = Identity(work.me.pid, work.me.start_time + 1, work.me.boot_id)
    requests.ask(work.directory, stranger, "abort")
    (work.directory / "requests/abort-junk.json").write_text("{")
    assert requests.take(work.directory, work.me) is None
    assert len(list((work.directory / "requests/used").iterdir())) == 2


def test_a_request_is_used_once_and_its_author_is_the_owner_of_the_file(work: Work) -> None:
    path = requests.ask(work.directory, work.me, "abort", "why not")
    taken = requests.take(work.directory, work.me)
    assert taken is not None
    assert (taken[0].reason, taken[1]) == ("why not", Path(path.parent).owner())
    assert requests.take(work.directory, work.me) is None


def test_abort_is_taken_before_what_came_earlier(work: Work) -> None:
    for want in ("go", "yield", "abort"):
        requests.ask(work.directory, work.me, want)  # type: ignore[arg-type]
    wanted = [found[0].want for _ in range(3) if (found := requests.take(work.directory, work.me))]
    assert wanted == ["abort", "yield", "go"]


def test_the_lock_says_who_holds_it_and_a_loser_changes_nothing(work: Work) -> None:
    deployment = work.deployment
    winner, loser = OperationLock(deployment), OperationLock(deployment)
    assert holder(deployment) is None
    assert winner.acquire(0)
    winner.tell(Holder("0001-cutover", "anna", "10.0.0.7", "stop", work.clock.now().wall, "planned", 1))
    assert not loser.acquire(0)
    loser.release()
    assert "anna from 10.0.0.7 with 0001-cutover" in str(holder(deployment))
    winner.release()
    assert holder(deployment) is None
    assert deployment.paths.operation_lock.exists()


def test_a_service_with_processes_left_is_not_stopped(work: Work) -> None:
    left = StopResult(False, True, 3.0, ("python (77)",))
    services(work, v2=HandService(state="RUNNING", stop_result=left))
    with pytest.raises(StepFailed, match=r"python \(77\)"):
        stop_surely(work, "v2")


@pytest.mark.parametrize("state", ["RUNNING", "UNSURE"])
def test_the_other_release_never_starts_while_the_first_is_unsure(work: Work, state: str) -> None:
    old = HandService()
    services(work, v1=old, v2=HandService(state=state))
    with pytest.raises(StepFailed, match="may still be running"):
        start_surely(work, "v1", "v2")
    assert old.started == 0


def test_a_crashed_service_that_is_still_supervised_is_not_stopped(work: Work) -> None:
    old = HandService()
    services(work, v1=old, v2=HandService(state="FAILED", supervised=True))
    with pytest.raises(StepFailed):
        start_surely(work, "v1", "v2")
    assert old.started == 0


def test_a_service_that_does_not_start_is_a_failure_with_its_last_words(work: Work) -> None:
    services(work, v1=HandService(starts_as="FAILED"), v2=HandService())
    with pytest.raises(StepFailed, match="did not start") as error:
        start_surely(work, "v1", "v2")
    assert "said this last" in error.value.fix


def test_a_service_that_dies_or_is_replaced_during_the_hold_has_failed(work: Work, clock) -> None:  # type: ignore[no-untyped-def]
    service = HandService()
    services(work, v1=service, v2=HandService())
    start_surely(work, "v1", "v2")
    began = clock.now().boot
    clock.advance(5)
    assert "stayed up" in hold(work, "v1", began)
    work.fact("identity:v1", {"pid": 1, "start_time": 2, "boot_id": "other"})
    with pytest.raises(StepFailed, match="started again"):
        running_identity(work, "v1")
    service.state = "FAILED"
    with pytest.raises(StepFailed, match="does not run any more"):
        hold(work, "v1", began)


def test_the_commands_that_remain_for_a_person_restore_everything(work: Work, deployment: Deployment) -> None:
    (deployment.metrics / "sub").mkdir(parents=True)
    (deployment.metrics / "sub/old").write_text("old")
    config = deployment.active_config.read_bytes()
    when = work.clock.now().wall
    manifest = take_snapshot(deployment, Origin("final", "0001-cutover", "v1", "b", when))
    (deployment.metrics / "new").write_text("new")
    deployment.active_config.write_text("release: v2\n")
    work.fact("abort_only", False)
    work.fact("snapshot", manifest.id)

    commands = remaining_commands(work)

    assert "service stop v2" in commands[0] and "service stop v1" in commands[1] and "service start v1" in commands[-3]
    for command in commands:
        if not command.startswith("abaco-ops"):
            subprocess.run(shlex.split(command), check=True)
    assert deployment.active_config.read_bytes() == config
    assert [path.name for path in deployment.metrics.rglob("*")] == ["sub", "old"]
    replaced = deployment.active_config.with_name(f"{deployment.active_config.name}.~1~")
    assert replaced.read_text() == "release: v2\n"
    (kept,) = deployment.metrics.parent.glob("metrics.of-v2-*")
    assert (kept / "new").read_text() == "new"


def test_the_reserve_is_really_allocated_and_given_back_only_in_need(deployment: Deployment) -> None:
    keep_reserve(deployment)
    path = deployment.paths.rollback / "reserve"
    assert path.stat().st_blocks * 512 >= 8 << 20
    release_reserve(deployment)
    assert path.exists()


def test_before_anything_was_chosen_nobody_is_told_to_start_the_old_release(work: Work) -> None:
    assert remaining_commands(work) == []


def test_a_configuration_is_replaced_wholly_with_its_mode(deployment: Deployment) -> None:
    deployment.active_config.chmod(0o600)
    activate(deployment.active_config, b"release: v2\n")
    assert release_in(deployment.active_config.read_bytes()) == "v2"
    assert deployment.active_config.stat().st_mode & 0o777 == 0o600


def test_differing_keys_are_named_in_dotted_form() -> None:
    found = changes(b"a: 1\nb: {c: 2, d: 3}\n", b"a: 1\nb: {c: 5}\ne: [1]\n")
    assert [(item.key, item.now, item.then) for item in found] == [
        ("b.c", "2", "5"),
        ("b.d", "3", None),
        ("e", None, "[1]"),
    ]


def test_a_command_that_never_ends_is_killed_with_everything_it_started(tmp_path: Path) -> None:
    script = (
        "import subprocess, time; p = subprocess.Popen(['sleep', '600']); print(p.pid, flush=True); time.sleep(600)"
    )
    (result,) = finish([Command([sys.executable, "-c", script], tmp_path, 1.0)], lambda: None)
    assert result.code is None and not result.passed
    assert "did not end in time" in result.said
    grandchild = identity_of(int(result.out))
    until = time.monotonic() + 10
    while is_alive(grandchild):  # it was killed, and the kernel takes its time
        assert time.monotonic() < until
        time.sleep(0.01)


@pytest.mark.parametrize("keeps_environment", [True, False], ids=["orphaned", "own environment"])
def test_a_command_that_is_killed_takes_along_what_it_forked_away(tmp_path: Path, keeps_environment: bool) -> None:
    """Orphaned into a session of its own it is known by its environment, without that by its parent."""
    away = "start_new_session=True" + ("" if keeps_environment else ", env={}")
    script = f"import subprocess, time; p = subprocess.Popen(['sleep', '600'], {away}); print(p.pid, flush=True)"
    if keeps_environment:  # the parent in between ends
        script = f"import subprocess, sys, time; subprocess.run([sys.executable, '-c', {script!r}])"
    (result,) = finish([Command([sys.executable, "-c", f"{script}; time.sleep(600)"], tmp_path, 2.0)], lambda: None)
    assert result.code is None
    forked = identity_of(int(result.out))
    until = time.monotonic() + 10
    while is_alive(forked):
        assert time.monotonic() < until
        time.sleep(0.01)


def test_a_command_that_something_else_killed_leaves_nothing_behind_either(tmp_path: Path) -> None:
    """As for want of memory: what it had started in a session of its own knows nothing of that."""
    script = (
        "import os, signal, subprocess; p = subprocess.Popen(['sleep', '600'], start_new_session=True); "
        "print(p.pid, flush=True); os.kill(os.getpid(), signal.SIGKILL)"
    )
    (result,) = finish([Command([sys.executable, "-c", script], tmp_path, 20.0)], lambda: None)
    assert result.code == -9
    started = identity_of(int(result.out))
    until = time.monotonic() + 10
    while started is not None and is_alive(started):
        assert time.monotonic() < until
        time.sleep(0.01)


def test_what_a_dead_workers_command_moved_into_a_session_of_its_own_is_ended_too(work: Work, tmp_path: Path) -> None:
    """Before what it did is undone: or it would go on doing it."""
    told = tmp_path / "told"
    script = f"setsid sleep 600 & echo $! > {told}.new; mv {told}.new {told}; sleep 600"
    command = work.start(["/bin/sh", "-c", script])
    until = time.monotonic() + 20
    while not told.exists():
        assert time.monotonic() < until
        time.sleep(0.01)
    moved = identity_of(int(told.read_text()))
    ended = end_commands(work.deployment, work.directory.name)
    assert command.identity is not None and moved is not None
    assert ended == [f"pid {command.identity.pid}", f"pid {moved.pid}"]
    while is_alive(moved):
        assert time.monotonic() < until
        time.sleep(0.01)
    assert finish([command], lambda: None)[0].code is not None


def test_a_command_that_cannot_be_put_on_record_never_begins(tmp_path: Path) -> None:
    def refuse(_: Identity, _mark: str) -> None:
        raise OSError("no space left")

    with pytest.raises(OSError, match="no space left"):
        Command(["touch", "begun"], tmp_path, 10.0, refuse)
    assert not (tmp_path / "begun").exists()


def test_a_command_whose_worker_dies_before_it_is_on_record_never_begins(tmp_path: Path) -> None:
    """Nobody could end it afterwards: what recovery ends is what the journal names."""
    script = (
        "import os, sys, pathlib; from engine.operations.commands import Command\n"
        "def die(child, mark):\n    print(child.pid, flush=True)\n    os.kill(os.getpid(), 9)\n"
        "Command(['touch', 'begun'], pathlib.Path(sys.argv[1]), 10.0, die)\n"
    )
    dead = subprocess.run([sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=False)
    assert dead.returncode == -signal.SIGKILL, dead.stderr
    until = time.monotonic() + 10
    while (child := identity_of(int(dead.stdout))) is not None and is_alive(child):
        assert time.monotonic() < until
        time.sleep(0.01)
    assert not (tmp_path / "begun").exists()


def test_an_announced_command_runs_as_the_announced_process_with_an_empty_input(tmp_path: Path) -> None:
    told: list[Identity] = []
    script = "import os, sys; print(os.getpid(), repr(sys.stdin.read()), sys.argv[1:])"
    (result,) = finish(
        [Command([sys.executable, "-c", script, "a b", "$x"], tmp_path, 10.0, lambda who, _: told.append(who))],
        lambda: None,
    )
    assert result.out.split(maxsplit=2) == [str(told[0].pid), "''", "['a b', '$x']\n"]


@pytest.mark.parametrize("program", ["/no/such/lb", "no-such-lb", "./plain", "/"])
def test_a_program_that_is_none_is_refused_before_anything_begins(tmp_path: Path, program: str) -> None:
    (tmp_path / "plain").write_text("not executable")
    with pytest.raises(CommandNotStarted, match=f"{program} cannot be started"):
        Command([program], tmp_path, 10.0)


def test_an_old_release_that_was_asked_to_stop_and_cannot_end_is_not_taken_for_running(work: Work) -> None:
    """Undoing a cutover: ABORTED would say that all is as before."""
    services(work, v1=HandService(state="RUNNING", reason="it is being stopped", starts_as="UNSURE"), v2=HandService())
    with pytest.raises(StepFailed):
        start_old_again(work)


def test_exactly_the_named_process_is_ended() -> None:
    child = subprocess.Popen(["sleep", "600"])
    try:
        identity = identity_of(child.pid)
        assert identity is not None
        other = Identity(identity.pid, identity.start_time + 1, identity.boot_id)
        assert end_process(other, group=False)
        assert is_alive(identity), "a later process with the same pid is not touched"
        assert end_process(identity, group=False)
    finally:
        child.kill()
        child.wait()


def test_a_command_that_failed_says_why_and_then_what_to_do(tmp_path: Path) -> None:
    script = "import sys; sys.stderr.write('loading\\nthe file is damaged\\n  -> keep it\\n'); sys.exit(2)"
    (result,) = finish([Command([sys.executable, "-c", script], tmp_path, 10.0)], lambda: None)
    assert result.said == "exit 2: the file is damaged (keep it)"
