from __future__ import annotations

import json
import re

import pytest
from in_this_process import here
from kept_at_work import CutOver
from site_at_work import Site, abaco, await_that, hashes

from engine.clock import SystemClock
from engine.errors import Refused
from engine.operations.launch import launch, plan_cutover
from engine.records import verify_chain
from engine.snapshots import choices, staged_problem, verify_snapshot
from engine.state import StateReader
from engine.state.model import State
from engine.state.readiness import with_readiness


def test_a_cutover_does_its_six_phases_and_leaves_what_the_runbooks_name(site: Site) -> None:
    before, config = site.metrics(), site.config()
    done = abaco("--root", str(site.root), "cutover", "--yes", "--reason", "planned", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads(done.stdout)
    assert done.stderr.startswith("ACCEPTED 0001-cutover, runs without you")
    assert "\nWARNING NOT READY: " in done.stderr, "nobody looked at the checklist, and that is said and kept"
    kept = json.loads((site.root / ".rollback/operations/0001-cutover/plan.json").read_text())["plan"]["evidence"]
    assert [item["text"].startswith("NOT READY: ") for item in kept if item["name"] == "ready"] == [True]
    assert (told["operation"], told["kind"], told["state"]) == ("0001-cutover", "cutover", "SUCCEEDED")
    assert {step["state"] for step in told["steps"]} == {"done"}
    assert [step["phase"][0] for step in told["steps"]] == sorted(step["phase"][0] for step in told["steps"])
    assert site.live() == "v2"
    assert site.config() == (site.root / "config/releases/v2.yml").read_bytes()
    assert_left_behind(site, before, config)
    assert_recorded(site)


def assert_left_behind(site: Site, before: dict[str, str], config: bytes) -> None:
    rollback = site.root / ".rollback"
    (backup,) = rollback.glob("pipeline_backup_????????_??????.yml")
    assert backup.read_bytes() == config
    assert "RUNNING" in (rollback / "v1_status_before.log").read_text()
    link = rollback / "metrics_backup"
    assert not link.readlink().is_absolute()
    assert before.items() <= hashes(link.resolve()).items()
    chosen = next(choices(site.deployment, "v1"))
    assert chosen.manifest is not None and chosen.manifest.purpose == "final"
    assert verify_snapshot(chosen) == ""
    assert staged_problem(site.deployment, chosen) == ""


def assert_recorded(site: Site) -> None:
    (log,) = (site.root / "logs").glob("cutover_????????_??????.log")
    assert "SUCCEEDED" in log.read_text()
    (ended,) = site.events("operation.ended")
    assert (ended["operation"], ended["data"]["kind"], ended["data"]["state"]) == (
        "0001-cutover",
        "cutover",
        "SUCCEEDED",
    )
    assert site.events("operation.accepted")[0]["data"]["reason"] == "planned"
    proof = site.events("way_back.proven")[0]  # the monitor may have proven it again by now
    assert proof["data"]["ok"] is True
    assert verify_chain(site.deployment.paths.events).intact


def test_a_dry_run_shows_the_plan_and_changes_nothing(site: Site) -> None:
    site.freeze()
    before = hashes(site.root)
    shown = here("--root", str(site.root), "cutover", "--dry-run", "--json")
    plan = json.loads(shown.stdout)
    assert shown.returncode == 0
    assert plan["release_to"] == "v2" and plan["refusals"] == []
    assert {change["key"] for change in plan["changes"]} >= {"release", "pipeline.decimals"}
    assert "point of no return" in here("--root", str(site.root), "cutover", "--dry-run").stdout
    assert hashes(site.root) == before
    assert not (site.root / ".rollback/operations").exists()


def test_a_second_cutover_is_refused_while_the_new_release_is_live(cut_over: CutOver) -> None:
    refused = here("--root", str(cut_over.root), "cutover", "--yes")
    assert refused.returncode == 2
    assert "v2 is live already" in refused.stderr
    assert cut_over.live() == "v2"


def test_without_a_terminal_and_without_yes_nothing_is_done(site: Site) -> None:
    refused = abaco("--root", str(site.root), "cutover")
    assert refused.returncode == 2
    assert "--yes" in refused.stderr
    assert not (site.root / ".rollback/operations").exists()


def test_a_read_only_console_starts_nothing(site: Site) -> None:
    refused = abaco("--root", str(site.root), "--read-only", "cutover", "--yes")
    assert refused.returncode == 2
    assert not (site.root / ".rollback/operations").exists()


def test_a_plan_that_is_out_of_date_when_confirmed_is_refused(site: Site) -> None:
    plan = plan_cutover(site.deployment)
    staged = site.root / "config/releases/v2.yml"
    staged.write_text(staged.read_text() + "# edited\n")
    with pytest.raises(Refused, match="changed since it was planned"):
        launch(site.deployment, plan, reason="", actor="tester", origin="local")
    assert site.live() == "v1"
    assert plan_cutover(site.deployment).refusals == ()


def test_detached_it_goes_on_by_itself(site: Site) -> None:
    site.fast_staging()
    begun = abaco("--root", str(site.root), "cutover", "--yes", "--detach")
    assert begun.returncode == 0
    assert site.settled("0001-cutover").state == "SUCCEEDED"
    shown = here("--root", str(site.root), "history", "1")
    assert "start_new" in shown.stdout and "SUCCEEDED" in shown.stdout


def test_a_dry_run_that_would_be_refused_says_why_and_exits_so(cut_over: CutOver) -> None:
    root = ("--root", str(cut_over.root))
    shown = here(*root, "cutover", "--dry-run")
    assert shown.returncode == 2
    assert shown.stdout.splitlines()[-1] == "would be refused: v2 is live already"
    refused = here(*root, "cutover", "--yes")
    assert refused.returncode == 2 and "refused: v2 is live already" in refused.stderr
    assert cut_over.rollback().state == "SUCCEEDED"
    back = here(*root, "rollback", "--dry-run")
    assert back.returncode == 2 and "would be refused: v1 is live" in back.stdout.splitlines()[-1]


def test_whether_it_is_ready_is_said_in_the_plan_and_changes_nothing_that_the_plan_is_held_to(site: Site) -> None:
    plan = plan_cutover(site.deployment)
    told = with_readiness(site.deployment, plan, StateReader(site.deployment, SystemClock()).read)
    assert re.fullmatch(r"NOT READY: \d+ of \d+ lines, abaco-ops ready", told.unready)
    assert (told.basis, told.rests_on, told.refusals) == (plan.basis, plan.rests_on, plan.refusals)

    def said_alike() -> bool:
        """Both look at what the monitor says: between two of its first words they may differ."""
        now = with_readiness(site.deployment, plan, StateReader(site.deployment, SystemClock()).read)
        return now.unready in here("--root", str(site.root), "cutover", "--dry-run").stdout

    await_that(said_alike)

    def damaged() -> State:
        raise Refused("the records are damaged", "")

    assert with_readiness(site.deployment, plan, damaged).unready == (
        "NOT READY: it cannot be told: the records are damaged"
    )
