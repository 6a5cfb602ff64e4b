"""Disks that fill up or turn read-only while an operation runs: it undoes itself, goes back, or says what to do."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator

import pytest
from live_at_work import new_release_goes_live
from mounts_at_work import fill, immutable, small_disk, use_up_names
from sabotage_at_work import JOURNAL_READ_ONLY, sabotage, writable_again
from site_at_work import Site, abaco, await_that

from engine.operations.reserve import reserve_problem
from engine.operations.work import RESERVE_USED


def has_run(site: Site) -> None:
    """The old release as it runs now has finished a run, so that its own check can judge it."""
    pid = site.pid("v1")
    await_that(lambda: any(run["incarnation"]["pid"] == pid for run in site.runs() if "incarnation" in run))


@pytest.fixture
def on_v1(round_trip: Site) -> Site:
    """Watched, as in life: where logs refuse what is written to them, the monitor has its part in what follows."""
    if not round_trip.watched:
        round_trip.watch()
    has_run(round_trip)
    return round_trip


ONLY_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="needs root: it mounts, or makes files immutable")


@pytest.fixture(scope="module")
def on_small_disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A demo on a disk of its own, which a test may fill."""
    place = tmp_path_factory.mktemp("small")
    with small_disk(place, "size=64m,nr_inodes=2k"):
        made = Site(place / "demo")
        try:
            made.make()
            made.fast_staging()
            made.edit_console("verify_hold: 1s", "verify_hold: 200ms")
            made.edit_console("min_free: 100 MB", "min_free: 1 MB")
            yield made
        finally:
            made.end()


def test_a_cutover_that_meets_a_full_disk_after_the_old_release_stopped_undoes_itself(
    on_small_disk: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    site, filler = on_small_disk, on_small_disk.root / "filler"
    config, metrics = site.config(), site.metrics()
    sabotage(monkeypatch, "stop_old", "after", run=("sh", "-c", f"cat /dev/zero > {filler}; true"))
    operation = site.cutover()
    try:
        assert operation.state == "ABORTED", operation
        assert "No space left" in operation.failure
        assert RESERVE_USED in operation.warnings
        site.assert_back_on_v1(config, metrics)
    finally:
        filler.unlink()


def test_a_rollback_on_a_disk_without_a_block_and_without_an_inode_succeeds(on_small_disk: Site) -> None:
    site = on_small_disk
    has_run(site)
    config, metrics = site.config(), site.metrics()
    assert site.cutover().state == "SUCCEEDED"
    assert reserve_problem(site.deployment) == ""
    (site.root / "logs/filler").touch()
    use_up_names(site.root)
    fill(site.root / "logs")
    try:
        operation = site.rollback()
        site.assert_back_on_v1(config, metrics)
    finally:
        for path in (site.root / "logs/filler", *site.root.glob("name-*")):
            path.unlink(missing_ok=True)
    assert operation.state == "SUCCEEDED", operation.failure
    assert any("is missing: make room" in warning for warning in operation.warnings)
    doctor = abaco("--root", str(site.root), "doctor")
    assert "FAIL" not in doctor.stdout, doctor.stdout


CUTOVER_LOSES_ITS_JOURNAL = [("stop_old", "after"), ("switch_config", "after"), ("start_new", "after")]


@ONLY_ROOT
@pytest.mark.parametrize(("step", "when"), CUTOVER_LOSES_ITS_JOURNAL)
def test_a_cutover_whose_journal_cannot_be_written_stops_before_its_next_step_and_says_what_to_do(
    on_v1: Site, monkeypatch: pytest.MonkeyPatch, step: str, when: str
) -> None:
    site = on_v1
    config, metrics = site.config(), site.metrics()
    sabotage(monkeypatch, step, when, run=JOURNAL_READ_ONLY)
    begun = site.begin_cutover()
    stopped = site.settled(begun.id)
    told = abaco("--root", str(site.root), "history", begun.id)
    writable_again(site.deployment.paths.operation(begun.id) / "journal.jsonl")
    assert stopped.state == "INTERRUPTED"
    names = [item.name for item in stopped.steps]
    after = {item.state for item in stopped.steps[names.index(step) + 1 :]}
    assert after == {"waiting"}
    words = "\n".join(stopped.output)
    assert "STOPPED" in words and "journal" in words and "Read-only" in words, words
    past = step == "start_new"
    assert ("abaco-ops abort" in words) != past
    assert (f"abaco-ops --root {site.root} service start v1" in words) != past
    assert "abaco-ops rollback" in words and "STOPPED" in told.stdout
    way = ("rollback", "--yes") if past else ("abort", begun.id)
    assert abaco("--root", str(site.root), *way).returncode == 0
    site.assert_back_on_v1(config, metrics)


@ONLY_ROOT
def test_an_audit_trail_that_turns_immutable_in_the_middle_of_a_cutover_undoes_it(
    on_v1: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = on_v1
    config, metrics = site.config(), site.metrics()
    with immutable(site.deployment.paths.events):
        refused = site.cutover()
        assert refused.state == "ABORTED"
        assert [step.name for step in refused.steps if step.state == "failed"] == ["check_environment"]
    has_run(site)
    events = site.deployment.paths.events
    sabotage(monkeypatch, "snapshot_final", "inside", run=("chattr", "+i", events))
    try:
        operation = site.cutover()
        site.assert_back_on_v1(config, metrics)
    finally:
        subprocess.run(["chattr", "-i", str(events)], check=True)
    assert operation.state == "ABORTED"
    assert "a log cannot be written any more" in operation.failure
    assert not operation.past_no_return


@ONLY_ROOT
def test_logs_on_another_disk_that_is_full_refuse_a_cutover_and_only_warn_in_a_rollback(on_v1: Site) -> None:
    site = on_v1
    config, metrics = site.config(), site.metrics()
    with small_disk(site.deployment.paths.logs, "size=64m") as logs:
        new_release_goes_live(site)
        with site.deployment.paths.rollback_log.open("ab") as log:
            log.write(b"\n" * (-log.tell() % 4096))  # the block it has is full as well
        filler = fill(logs)
        back = site.rollback()
        site.assert_back_on_v1(config, metrics)
        pid = site.pid("v1")
        refused = abaco("--root", str(site.root), "cutover", "--yes")
        filler.unlink()
    assert back.state == "SUCCEEDED", back.failure
    assert any("No space left" in warning for warning in back.warnings), back.warnings
    assert refused.returncode in (2, 3)
    assert "free" in refused.stderr + refused.stdout or "No space left" in refused.stderr + refused.stdout
    assert site.pid("v1") == pid, "it was not touched"
