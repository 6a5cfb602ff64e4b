"""The final snapshot of a cutover is what was live when the old release stopped for good."""

from __future__ import annotations

import pytest
from bench_at_work import work_on
from sabotage_at_work import dying
from site_at_work import Site, abaco, await_that

from engine.config import Deployment
from engine.operations import cutover
from engine.operations.configuration import hash_of
from engine.operations.cutover_backup import final_snapshot_good, snapshot_final
from engine.operations.step import StepFailed
from engine.operations.work import Work
from engine.services import open_service


@pytest.fixture
def work(deployment: Deployment, clock) -> Work:  # type: ignore[no-untyped-def]
    """A cutover that has taken its final snapshot."""
    deployment.metrics.mkdir(parents=True)
    (deployment.metrics / "kpis_v1_1.json").write_text("1")
    work = work_on(deployment, clock, config_then=hash_of(deployment.paths.release("v2")))
    snapshot_final(work)
    return work


def test_what_the_old_release_published_since_makes_it_stale(work: Work) -> None:
    assert final_snapshot_good(work)
    (work.deployment.metrics / "kpis_v1_2.json").write_text("2")
    assert not final_snapshot_good(work)
    first = work.facts["final_snapshot"]
    snapshot_final(work)
    assert work.facts["final_snapshot"] > first
    assert final_snapshot_good(work)


def test_the_switched_configuration_does_not_make_it_stale(work: Work) -> None:
    work.deployment.active_config.write_bytes(work.deployment.paths.release("v2").read_bytes())
    assert final_snapshot_good(work)
    (work.deployment.metrics / "more").write_text("more")
    assert not final_snapshot_good(work)
    with pytest.raises(StepFailed, match="v2's configuration is active already"):
        snapshot_final(work)


def test_once_the_new_release_may_have_run_it_is_never_taken_again(work: Work) -> None:
    work.record("intent", step="start_new", no_return=True)
    (work.deployment.metrics / "kpis_v2_3.json").write_text("3")
    assert final_snapshot_good(work)


def test_break_glass_is_written_with_it_and_so_before_the_new_release_first_starts(work: Work) -> None:
    script = work.deployment.paths.rollback / "RETURN.sh"
    assert f"SNAPSHOT={work.facts['final_snapshot']}\n" in script.read_text()
    names = [step.name for step in cutover.STEPS]
    assert names.index("snapshot_final") < names.index("start_new")


def test_where_break_glass_cannot_be_written_the_cutover_does_not_go_on(work: Work) -> None:
    script = work.deployment.paths.rollback / "RETURN.sh"
    script.unlink()
    script.mkdir()
    with pytest.raises(OSError):
        snapshot_final(work)


def test_an_old_release_that_ran_again_before_the_cutover_went_on_loses_nothing_by_a_rollback(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.fast_staging()
    begun = dying(monkeypatch, site.begin_cutover, "switch_config", "before")
    assert site.settled(begun.id).state == "INTERRUPTED"
    assert b"release: v1" in site.config()
    had = set(site.metrics())
    open_service(site.deployment, "v1").start()
    await_that(lambda: len(site.metrics()) > len(had))
    resumed = abaco("--root", str(site.root), "resume", begun.id)
    assert resumed.returncode == 0, resumed.stdout + resumed.stderr
    published = site.written_by("v1")
    assert site.rollback().state == "SUCCEEDED"
    assert published <= set(site.metrics().values())
