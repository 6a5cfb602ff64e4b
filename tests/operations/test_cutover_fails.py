"""Whatever fails before the new release's first start leaves everything as it was; after it, a person decides."""

from __future__ import annotations

import pytest
from in_this_process import here
from site_at_work import Site

from engine.operations.journal import list_operations
from engine.operations.model import Operation

FAIL = ["{python}", "-c", "raise SystemExit('broken on purpose')"]


def touch(code: str) -> list[str]:
    """A test command that passes, and does something to the deployment meanwhile."""
    return ["{python}", "-c", f"import os, pathlib; root = pathlib.Path('{{root}}'); {code}"]


def newest(site: Site) -> Operation:
    return list_operations(site.deployment.paths.operations)[-1]


BEFORE = {
    "phase 0, the old release is not well": ("v1", "verify", FAIL, "check_health"),
    "phase 2, the new release's tests fail": ("v2", "test", FAIL, "test_new"),
    "phase 2, the new release's KPI program is broken": ("v2", "kpi", FAIL, "stage_new"),
    "phase 2, tests that never end": ("v2", "test", ["sleep", "600"], "test_new"),
    "phase 3, the final snapshot cannot be taken": (
        "v2",
        "test",
        touch("os.mkfifo(root / 'data/metrics/pipe')"),
        "snapshot_final",
    ),
    "phase 4, the staged configuration was edited meanwhile": (
        "v2",
        "test",
        touch("(root / 'config/releases/v2.yml').open('a').write('# edited')"),
        "switch_config",
    ),
}


@pytest.mark.parametrize(("release", "key", "command", "step"), BEFORE.values(), ids=BEFORE.keys())
def test_before_the_point_of_no_return_everything_is_undone(
    trying: Site, release: str, key: str, command: list[str], step: str
) -> None:
    site, ran = trying, trying.written_by("v2")
    site.edit_console("command_deadline: 10s", "command_deadline: 4s")
    site.edit_release(release, key, command)
    config, metrics = site.config(), site.metrics()
    failed = here("--root", str(site.root), "cutover", "--yes", "--reason", "test")
    assert failed.returncode == 3, failed.stdout + failed.stderr
    operation = newest(site)
    assert operation.state == "ABORTED"
    assert not operation.past_no_return
    assert next(item.name for item in operation.steps if item.state == "failed") == step
    assert operation.failure in failed.stdout
    (site.root / "data/metrics/pipe").unlink(missing_ok=True)
    site.assert_back_on_v1(config, metrics)
    assert site.written_by("v2") == ran
    ended = site.events("operation.ended")[-1]
    assert (ended["operation"], ended["data"]["state"]) == (operation.id, "ABORTED")


def test_an_active_configuration_edited_meanwhile_is_not_overwritten(site: Site) -> None:
    site.edit_release("v2", "test", touch("(root / 'config/pipeline.yml').open('a').write('# mine')"))
    operation = site.cutover()
    assert operation.state == "ABORTED"
    assert site.config().endswith(b"# mine")
    assert site.live() == "v1"


def test_after_a_failed_cutover_a_mended_one_succeeds(site: Site) -> None:
    site.edit_release("v2", "test", FAIL)
    assert site.cutover().state == "ABORTED"
    site.fast_staging()
    assert site.cutover().state == "SUCCEEDED"
    assert site.live() == "v2"


AFTER = {
    "it dies at once": ("command", ["{python}", "-c", "raise SystemExit(1)"]),
    "it never finishes a run": ("command", ["sleep", "600"]),
    "its own check fails": ("verify", FAIL),
}


@pytest.mark.parametrize(("key", "command"), AFTER.values(), ids=AFTER.keys())
def test_after_the_point_of_no_return_a_person_decides_and_the_way_back_works(
    trying: Site, key: str, command: list[str]
) -> None:
    site = trying
    site.edit_console("first_run: 20s", "first_run: 3s")
    site.edit_release("v2", key, command)
    config, metrics = site.config(), site.metrics()
    failed = here("--root", str(site.root), "cutover", "--yes", "--reason", "test")
    assert failed.returncode == 4, failed.stdout + failed.stderr
    operation = newest(site)
    assert operation.state == "NEEDS_HUMAN"
    assert operation.past_no_return
    assert operation.offers[0].startswith("abaco-ops rollback")
    assert "NEEDS YOU" in failed.stdout and operation.offers[0] in failed.stdout
    assert site.config() == (site.root / "config/releases/v2.yml").read_bytes()
    refused = here("--root", str(site.root), "cutover", "--yes")
    assert refused.returncode == 2

    back = site.rollback()
    assert back.state == "SUCCEEDED", back
    assert site.operation(operation.id).state == "ROLLED_BACK"
    site.assert_back_on_v1(config, metrics)


def test_an_operation_put_right_by_hand_is_closed_by_what_is_live(site: Site) -> None:
    site.fast_staging()
    site.edit_release("v2", "verify", FAIL)
    assert site.cutover().state == "NEEDS_HUMAN"
    closed = here("--root", str(site.root), "resolve", "1", "--reason", "checked by hand")
    assert (closed.returncode, "0001-cutover is CLOSED BY HAND: V2 is live; found: " in closed.stdout) == (0, True)
    assert site.operation("0001-cutover").state == "SUCCEEDED"
    assert "CLOSED BY HAND" in (row := here("--root", str(site.root), "history").stdout) and "SUCCEEDED" not in row


def test_a_cutover_that_needed_a_person_can_be_resumed(site: Site) -> None:
    site.fast_staging()
    marker = site.root / "mended"
    check = ["{python}", "-c", "import pathlib; raise SystemExit(0 if pathlib.Path('{root}/mended').exists() else 1)"]
    site.edit_release("v2", "verify", check)
    assert site.cutover().state == "NEEDS_HUMAN"
    pid = site.pid("v2")
    marker.touch()
    assert here("--root", str(site.root), "resume", "1").returncode == 0
    assert site.operation("0001-cutover").state == "SUCCEEDED"
    assert site.pid("v2") == pid, "what runs was probed, not started again"
