from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import threading
from pathlib import Path

import pytest
from in_this_process import here
from kept_at_work import CutOver
from site_at_work import Site, abaco, await_that, hashes

from engine.errors import Refused
from engine.operations.journal import records_of
from engine.operations.launch import plan_rollback
from engine.records import verify_chain
from engine.services import open_service
from engine.snapshots import list_snapshots, verify_snapshot


@pytest.fixture
def cut_over(watched_cut_over: CutOver) -> CutOver:
    """Here the monitor looks on, whatever becomes of the rollback."""
    return watched_cut_over


def after_cutover(site: Site) -> tuple[bytes, dict[str, str]]:
    """The new release live, with a run of its own; what was there before."""
    config, metrics = site.config(), site.metrics()
    operation = site.cutover()
    assert operation.state == "SUCCEEDED", operation.failure
    return config, metrics


def test_from_a_healthy_new_release_nothing_is_lost(cut_over: CutOver) -> None:
    done = abaco("--root", str(cut_over.root), "rollback", "--yes", "--reason", "test", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads(done.stdout)
    assert (told["operation"], told["state"]) == ("0002-rollback", "SUCCEEDED")
    aside = next(step["detail"] for step in told["steps"] if step["name"] == "set_aside")
    assert re.fullmatch(
        r"side snapshot \d+: \d+ files of v2's own, \d+ KB; besides \d+ files, \d+ KB, that snapshot \d+ has too", aside
    )
    assert {step["state"] for step in told["steps"]} == {"done"}
    cut_over.assert_back()
    assert_incident(cut_over)
    assert "SUCCEEDED" in (cut_over.root / "logs/rollback.log").read_text()
    assert [event["operation"] for event in cut_over.events("operation.ended")] == ["0001-cutover", "0002-rollback"]
    assert verify_chain(cut_over.deployment.paths.events).intact
    refused = here("--root", str(cut_over.root), "rollback", "--yes")
    assert refused.returncode == 2 and "nothing to roll back" in refused.stderr


def assert_incident(site: Site) -> None:
    incident = site.incident("0002-rollback")
    proof = incident["proof"]
    assert proof["complete"] and proof["missing"] == []
    assert proof["files"] == proof["in_restored"] + proof["in_set_aside"]
    assert any("_v2_" in path for path in proof["only_set_aside"])
    side = next(found for found in list_snapshots(site.deployment) if found.id == incident["side_snapshot"])
    assert verify_snapshot(side) == ""
    assert side.manifest is not None and side.manifest.purpose == "side"
    assert "by sha256" in (site.deployment.paths.operation("0002-rollback") / "incident.md").read_text()


def test_a_dry_run_changes_nothing(cut_over: CutOver) -> None:
    cut_over.freeze()
    try:
        before = hashes(cut_over.root)
        shown = here("--root", str(cut_over.root), "rollback", "--dry-run", "--json")
        assert shown.returncode == 0
        plan = json.loads(shown.stdout)
        assert plan["sets_aside_runs"] >= 1
        assert hashes(cut_over.root) == before
    finally:
        cut_over.let_go_on()
    assert cut_over.live() == "v2"


def test_from_a_new_release_that_hangs(cut_over: CutOver) -> None:
    os.kill(cut_over.pid("v2"), signal.SIGSTOP)
    assert cut_over.rollback().state == "SUCCEEDED"
    cut_over.assert_back()


def test_from_a_new_release_that_crashed(cut_over: CutOver) -> None:
    os.kill(cut_over.pid("v2"), signal.SIGKILL)
    assert cut_over.rollback().state == "SUCCEEDED"
    cut_over.assert_back()


def test_with_a_tape_that_nobody_can_compute_the_snapshots_tape_proves_the_old_release(cut_over: CutOver) -> None:
    tape = cut_over.deployment.tape
    good = tape.read_bytes()
    tape.write_bytes(b"this is no tape\n")
    try:
        operation = cut_over.rollback()
    finally:
        tape.write_bytes(good)
    assert operation.state == "SUCCEEDED", operation.failure
    assert any("the live tape cannot be computed" in warning for warning in operation.warnings)
    cut_over.assert_back()
    await_that(lambda: cut_over.runs()[-1]["rows"] > 0)


def test_with_a_damaged_snapshot_the_next_verified_one_is_restored(cut_over: CutOver) -> None:
    plan = plan_rollback(cut_over.deployment)
    final = cut_over.deployment.paths.snapshots / str(plan.snapshot)
    victim = next(path for path in (final / "tree/data/metrics").iterdir() if path.is_file())
    victim.write_bytes(b"damaged")
    operation = cut_over.rollback()
    assert operation.state == "SUCCEEDED", operation.failure
    assert operation.snapshot is not None and operation.snapshot != plan.snapshot
    assert any(f"snapshot {plan.snapshot} is damaged" in warning for warning in operation.warnings)
    others = {name: value for name, value in cut_over.metrics_before.items() if name != victim.name}
    cut_over.assert_back_on_v1(cut_over.config_before, others)
    assert cut_over.written_by("v1") <= cut_over.kept_hashes()


def test_without_any_good_snapshot_nothing_is_touched(cut_over: CutOver) -> None:
    for path in cut_over.deployment.paths.snapshots.glob("*/tree/data/metrics/*"):
        path.write_bytes(b"damaged")
    pid = cut_over.pid("v2")
    failed = here("--root", str(cut_over.root), "rollback", "--yes")
    assert failed.returncode == 3, failed.stdout
    assert "no snapshot can be restored" in failed.stdout
    assert cut_over.live() == "v2" and cut_over.pid("v2") == pid


def test_a_damaged_staged_tree_is_staged_again_and_kept(cut_over: CutOver) -> None:
    staged = cut_over.deployment.paths.staged / str(plan_rollback(cut_over.deployment).snapshot)
    (staged / "data/metrics/precious").write_text("only here")
    operation = cut_over.rollback()
    assert operation.state == "SUCCEEDED", operation.failure
    cut_over.assert_back()
    assert "precious" not in cut_over.metrics()
    kept = cut_over.deployment.paths.snapshots.glob("*/tree/data/metrics/precious")
    assert [path.read_text() for path in kept] == ["only here"]


def test_an_unknown_snapshot_is_refused(cut_over: CutOver) -> None:
    with pytest.raises(Refused, match="no snapshot 0999"):
        plan_rollback(cut_over.deployment, "0999")


def test_an_older_snapshot_can_be_named(cut_over: CutOver) -> None:
    restorable = [found.id for found in list_snapshots(cut_over.deployment) if found.restorable]
    operation = cut_over.rollback(restorable[-2])
    assert operation.state == "SUCCEEDED", operation.failure
    assert operation.snapshot == restorable[-2]
    assert cut_over.live() == "v1" and cut_over.config() == cut_over.config_before
    assert cut_over.written_by("v2") <= cut_over.kept_hashes()


def test_during_a_running_cutover_it_takes_over_and_leaves_the_metrics_alone(trying: Site) -> None:
    site = trying
    site.edit_release("v2", "test", ["sleep", "8"])
    config, metrics = site.config(), site.metrics()
    begun = site.begin_cutover()
    await_that(lambda: any(step.name == "test_new" and step.state == "running" for step in steps(site, begun.id)))
    operation = site.rollback()
    assert operation.state == "SUCCEEDED", operation.failure
    assert operation.seconds is not None
    cutover = site.settled(begun.id)
    assert cutover.state == "ROLLED_BACK"
    assert "gave way" in cutover.failure
    site.assert_back_on_v1(config, metrics)
    assert site.incident(operation.id)["new_release_started"] is False


def test_a_cutover_whose_worker_hangs_is_ended_and_taken_over(trying: Site) -> None:
    site = trying
    site.edit_release("v2", "test", ["sleep", "611"])
    config, metrics = site.config(), site.metrics()
    begun = site.begin_cutover()
    await_that(lambda: "child" in kinds_since(site, begun.id, "test_new") and running(["sleep", "611"]))
    os.kill(begun.pid, signal.SIGSTOP)
    operation = site.rollback()
    assert operation.state == "SUCCEEDED", operation.failure
    assert any("left a command running" in warning for warning in operation.warnings), operation.warnings
    assert site.operation(begun.id).state == "ROLLED_BACK"
    site.assert_back_on_v1(config, metrics)


def running(command: list[str]) -> bool:
    """Whether the command itself runs: on record it stands before it begins."""
    line = b"\0".join(word.encode() for word in command) + b"\0"
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            if path.read_bytes() == line:
                return True
    return False


def kinds_since(site: Site, operation: str, step: str) -> list[str]:
    """The kinds of the records that follow the beginning of this step."""
    records = records_of(site.deployment.paths.operation(operation))
    began = [at for at, record in enumerate(records) if record.get("step") == step]
    return [str(record["kind"]) for record in records[began[0] :]] if began else []


def steps(site: Site, operation: str):  # type: ignore[no-untyped-def]
    return site.operation(operation).steps


def test_two_operators_at_once_make_one_operation(round_trip: Site) -> None:
    ends: list[tuple[int, str]] = []

    def operate() -> None:
        done = abaco("--root", str(round_trip.root), "cutover", "--yes")
        ends.append((done.returncode, done.stderr))

    threads = [threading.Thread(target=operate) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    codes = sorted(code for code, _ in ends)
    assert codes in ([0, 5], [0, 2]), ends
    assert round_trip.live() == "v2"


def test_someone_who_comes_second_is_told_who_operates(trying: Site) -> None:
    site = trying
    site.edit_release("v2", "test", ["sleep", "3"])
    begun = site.begin_cutover()
    await_that(lambda: any(step.name == "test_new" and step.state == "running" for step in steps(site, begun.id)))
    second = here("--root", str(site.root), "cutover", "--yes")
    assert second.returncode == 5
    assert "tester" in second.stderr and begun.id in second.stderr
    assert site.settled(begun.id).state == "SUCCEEDED"


def test_a_running_cutover_is_aborted_on_request(trying: Site) -> None:
    site = trying
    site.edit_release("v2", "test", ["sleep", "600"])
    config, metrics = site.config(), site.metrics()
    begun = site.begin_cutover()
    await_that(lambda: any(step.name == "test_new" and step.state == "running" for step in steps(site, begun.id)))
    ended = here("--root", str(site.root), "abort", begun.id, "--reason", "not today")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert site.operation(begun.id).state == "ABORTED"
    assert "not today" in site.operation(begun.id).failure
    site.assert_back_on_v1(config, metrics)


def test_when_the_old_release_does_not_start_a_person_is_told_what_remains_and_it_can_go_on(cut_over: CutOver) -> None:
    good = (cut_over.root / "config/releases/v1.yml").read_text()
    cut_over.edit_release("v1", "command", ["{python}", "-c", "raise SystemExit('no')"])
    failed = here("--root", str(cut_over.root), "rollback", "--yes")
    assert failed.returncode == 4, failed.stdout + failed.stderr
    operation = cut_over.operation("0002-rollback")
    assert operation.state == "NEEDS_HUMAN"
    assert any(f"--root {cut_over.root} service start v1" in offer for offer in operation.offers)
    assert not any(" mv " in f" {offer}" for offer in operation.offers), "metrics are restored already"
    assert cut_over.state("v2") == "STOPPED"
    assert here("--root", str(cut_over.root), "cutover", "--yes").returncode == 2

    (cut_over.root / "config/releases/v1.yml").write_text(good)
    again = here("--root", str(cut_over.root), "rollback", "--yes")
    assert again.returncode == 0, again.stdout + again.stderr
    assert cut_over.operation("0002-rollback").state == "SUCCEEDED"
    cut_over.assert_back()


def test_damaged_records_of_the_past_do_not_stop_it(cut_over: CutOver) -> None:
    for path in (
        cut_over.deployment.paths.operation("0001-cutover") / "journal.jsonl",
        cut_over.deployment.paths.events,
        cut_over.deployment.paths.rollback / "operation.holder.json",
    ):
        path.write_bytes(b"rubbish\n" + path.read_bytes()[9:])
    damage_run_records(cut_over)
    operation = cut_over.rollback()
    assert operation.state == "SUCCEEDED", operation.failure
    assert "1 damaged line of runs.jsonl: passed over" in operation.warnings
    cut_over.assert_back()


def damage_run_records(site: Site) -> None:
    """One line that is no JSON, before all the others."""
    runs = site.deployment.paths.runs
    runs.write_bytes(b'{"garbage\n' + runs.read_bytes())


def test_logs_that_nobody_can_write_to_only_warn_in_a_rollback(cut_over: CutOver) -> None:
    paths = cut_over.deployment.paths
    logs = [paths.logs, *(path for path in paths.logs.iterdir() if path.is_file())]
    if not immutable(logs, "+i"):
        pytest.skip("needs root and a file system with chattr")
    try:
        operation = cut_over.rollback()
        words = open_service(cut_over.deployment, "v1").last_lines(40)
        cut_over.assert_back()
    finally:
        assert immutable(logs, "-i")
    assert operation.state == "SUCCEEDED", operation.failure
    assert any("stands in no run record" in warning for warning in operation.warnings)
    assert len(set(operation.warnings)) == len(operation.warnings), operation.warnings
    assert any("is not recorded" in line for line in words) and not any("Traceback" in line for line in words)


def immutable(paths: list[Path], how: str) -> bool:
    """``chattr +i`` stops root too."""
    found = shutil.which("chattr")
    return bool(found) and subprocess.run([str(found), how, *paths], capture_output=True, check=False).returncode == 0


def test_logs_that_cannot_be_written_only_warn_in_a_rollback(cut_over: CutOver) -> None:
    (cut_over.root / "logs/rollback.log").mkdir()
    operation = cut_over.rollback()
    assert operation.state == "SUCCEEDED", operation.failure
    assert any("log of this operation cannot be written" in warning for warning in operation.warnings)
    cut_over.assert_back()


def test_a_new_release_whose_files_are_gone_can_still_be_left(site: Site) -> None:
    site.fast_staging()
    build = site.root / "v2.build"
    build.write_text("one")
    site.edit_release("v2", "files", ["{root}/v2.build"])
    config, metrics = after_cutover(site)
    build.unlink()
    operation = site.rollback()
    assert operation.state == "SUCCEEDED", operation.failure
    site.assert_back_on_v1(config, metrics)
    refused = here("--root", str(site.root), "cutover", "--yes")
    assert refused.returncode == 2 and "build files" in refused.stderr
