"""Two people at one running deployment, and one reboot: real services, real workers."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from in_this_process import here
from kept_at_work import CutOver
from site_at_work import COMMAND, Site, abaco, await_that, grown

from engine.operations import steering
from engine.operations.journal import records_of
from engine.operations.launch import Accepted
from engine.records import FileLock


def held_still(site: Site, begun: Accepted, step: str) -> None:
    """Stop the worker in this step, or as soon after as can be."""
    wanted = f'"step":"{step}"'.encode()
    with grown(site.deployment.paths.operation(begun.id) / "journal.jsonl") as contents:
        assert any(wanted in content for content in contents), f"{step} did not begin"
    os.kill(begun.pid, signal.SIGSTOP)


@pytest.mark.parametrize("step", ["check_health", "snapshot_live", "stage_new", "stop_old"])
def test_a_cutover_is_aborted_from_elsewhere_in_each_phase(round_trip: Site, step: str) -> None:
    """Asked for by another process than the one that began it, while the worker stands in the phase."""
    config, metrics = round_trip.config(), round_trip.metrics()
    begun = round_trip.begin_cutover()
    held_still(round_trip, begun, step)
    asked = steering.abort(round_trip.deployment, begun.id, actor="k.lee@ops1", reason=f"in {step}")
    os.kill(begun.pid, signal.SIGCONT)
    ended = round_trip.settled(begun.id)
    assert ended.state == "ABORTED", ended
    assert f"in {step}" in ended.failure and not ended.past_no_return
    assert isinstance(asked, Path) and not asked.exists()
    round_trip.assert_back_on_v1(config, metrics)


def test_a_worker_that_hangs_is_named_and_ended_by_force(round_trip: Site) -> None:
    config, metrics = round_trip.config(), round_trip.metrics()
    root = ("--root", str(round_trip.root))
    begun = round_trip.begin_cutover()
    held_still(round_trip, begun, "stage_new")
    waiting = subprocess.Popen([*COMMAND, *root, "abort", begun.id], stderr=subprocess.PIPE, text=True)
    try:
        assert waiting.stderr is not None
        said = waiting.stderr.readline()
        assert f"{begun.id} has not answered for 5 s: abaco-ops abort {begun.id} --force" in said
        forced = abaco(*root, "abort", begun.id, "--force")
    finally:
        waiting.kill()
        waiting.wait()
    assert forced.returncode == 0, forced.stdout + forced.stderr
    ended = round_trip.operation(begun.id)
    assert ended.state == "ABORTED" and any("was ended by force by" in text for text in ended.warnings)
    kinds = [record["kind"] for record in records_of(round_trip.deployment.paths.operation(begun.id))]
    assert "forced" in kinds and "forced_others" in kinds
    assert round_trip.events("operation.forced")[-1]["operation"] == begun.id
    round_trip.assert_back_on_v1(config, metrics)


def test_a_rollback_that_hangs_is_taken_over_by_force_and_goes_on(cut_over: CutOver) -> None:
    root = ("--root", str(cut_over.root))
    begun = cut_over.begin_rollback()
    held_still(cut_over, begun, "restore_metrics")

    second = here(*root, "rollback", "--yes")
    assert second.returncode == 5 and f"tester with {begun.id}, at: " in second.stderr and ", for " in second.stderr
    refused = here(*root, "cutover", "--yes")
    assert refused.returncode == 5
    assert f"operating: tester with {begun.id}" in here(*root, "history").stdout
    assert f"operating: tester with {begun.id}" in here(*root, "status").stdout

    forced = here(*root, "rollback", "--yes", "--force")
    assert forced.returncode == 0, forced.stdout + forced.stderr
    assert f"ACCEPTED {begun.id}" in forced.stdout, "it is the same rollback that goes on"
    cut_over.assert_back()
    assert cut_over.incident(begun.id)["proof"]["complete"]


def test_of_resume_and_rollback_at_once_one_works_and_nothing_is_damaged(round_trip: Site) -> None:
    config, metrics = round_trip.config(), round_trip.metrics()
    root = ("--root", str(round_trip.root))
    begun = round_trip.begin_cutover()
    round_trip.kill_worker_at(begun, "switch_config")
    ends: dict[str, subprocess.CompletedProcess[str]] = {}

    def operate(*words: str) -> None:
        ends[words[0]] = abaco(*root, *words)

    threads = [threading.Thread(target=operate, args=words) for words in (("resume", begun.id), ("rollback", "--yes"))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    codes = {word: done.returncode for word, done in ends.items()}
    works = [word for word, code in codes.items() if code == 0]
    took_over = codes == {"resume": 4, "rollback": 0}  # the resumed cutover was running by then, and gave way
    assert took_over or (len(works) == 1 and set(codes.values()) - {0} <= {2, 5}), {
        w: d.stderr for w, d in ends.items()
    }
    if works == ["resume"]:
        assert round_trip.live() == "v2"
        assert round_trip.rollback().state == "SUCCEEDED"
    round_trip.assert_back_on_v1(config, metrics)


def test_a_removed_lock_file_does_not_make_two_operations_of_one(round_trip: Site) -> None:
    begun = round_trip.begin_cutover()
    held_still(round_trip, begun, "stage_new")
    lock = round_trip.deployment.paths.operation_lock
    lock.unlink()
    second = here("--root", str(round_trip.root), "cutover", "--yes")
    os.kill(begun.pid, signal.SIGCONT)
    assert second.returncode == 5 and f"tester with {begun.id}" in second.stderr, second.stderr
    assert round_trip.settled(begun.id).state == "SUCCEEDED"
    assert FileLock(lock).acquire(), "the winner's lock file is whole"


REBOOTED = 'mount --bind "$0" /proc/sys/kernel/random/boot_id && exec "$@"'


class Rebooted:
    """The same machine after a reboot: every process is gone, and the kernel calls this boot by another name."""

    def __init__(self, site: Site, boot: Path) -> None:
        self._site = site
        self._boot = boot
        boot.write_text("11111111-2222-4333-8444-555555555555\n")
        for path in Path("/proc").iterdir():
            try:
                if path.name.isdigit() and os.fsencode(str(site.root)) in (path / "cmdline").read_bytes():
                    os.kill(int(path.name), signal.SIGKILL)
            except OSError:
                continue
        await_that(lambda: not site.processes())

    def abaco(self, *words: str) -> subprocess.CompletedProcess[str]:
        command = ["unshare", "-m", "--propagation", "private", "sh", "-c", REBOOTED, str(self._boot), *COMMAND]
        command += ["--root", str(self._site.root), *words]
        return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


@pytest.fixture
def rebooted(site: Site, tmp_path: Path) -> Iterator[tuple[Site, Rebooted]]:
    """A cutover that was interrupted between the two releases, and then the machine went down."""
    if subprocess.run(["unshare", "-m", "true"], capture_output=True, check=False).returncode:
        pytest.skip("needs root: a private mount namespace")
    site.fast_staging()
    begun = site.begin_cutover()
    site.kill_worker_at(begun, "switch_config")
    boot = Rebooted(site, tmp_path / "boot_id")
    yield site, boot
    boot.abaco("demo", str(site.root), "--stop")


def test_after_a_reboot_nothing_happens_by_itself_and_each_way_on_works(rebooted: tuple[Site, Rebooted]) -> None:
    site, boot = rebooted
    journal = site.deployment.paths.operation("0001-cutover") / "journal.jsonl"
    before = journal.read_bytes()

    shown = boot.abaco("history", "1").stdout

    assert "INTERRUPTED 0001-cutover" in shown and "resume" in shown and "(no release runs)" in shown
    assert "no release live" in boot.abaco("status").stdout
    assert journal.read_bytes() == before and not site.processes(), "looking starts nothing"

    resumed = boot.abaco("resume", "1")
    assert resumed.returncode == 0, resumed.stdout + resumed.stderr
    assert "v2 live" in boot.abaco("status").stdout

    back = boot.abaco("rollback", "--yes")
    assert back.returncode == 0, back.stdout + back.stderr
    assert "v1 live" in boot.abaco("status").stdout
