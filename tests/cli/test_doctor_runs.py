"""doctor: whether the live release's newest run says what ran, and whether its unit tells it."""

from __future__ import annotations

from typing import Any

import pytest

from engine.config import Deployment
from engine.doctor import Finding, runs, units
from engine.records import append_line
from engine.services.active import ActiveRelease
from engine.services.build import build_hash

EXEC = "{ path=/usr/bin/abaco-ops ; argv[]=/usr/bin/abaco-ops service exec v1 ; ignore_errors=no }"


def looked(deployment: Deployment) -> Finding:
    (finding,) = runs.examine_runs(deployment)
    return finding


def ran(deployment: Deployment, build: Any, release: str = "v1") -> None:
    times = {"started": "2026-01-31T02:00:00.000Z", "ended": "2026-01-31T02:00:01.000Z"}
    record = {"run_id": "r1", "release": release, **times, "status": "ok", "rows": 3, "build": build}
    append_line(deployment.paths.runs, record)


@pytest.fixture
def live(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> Deployment:
    """V1 is live."""
    monkeypatch.setattr(runs, "active_release", lambda _: ActiveRelease("v1", "", "v1", ("v1",)))
    return deployment


def test_a_release_that_has_just_begun_has_done_nothing_wrong(live: Deployment) -> None:
    assert (looked(live).status, looked(live).what) == ("ok", "v1 has finished no run yet")
    ran(live, "", release="v2")  # another one's run says nothing of this one
    assert looked(live).status == "ok"


def test_nothing_is_said_where_no_release_is_live(deployment: Deployment) -> None:
    ran(deployment, "")
    assert list(runs.examine_runs(deployment)) == []


def test_a_run_that_names_the_build_on_the_disk_is_fine(live: Deployment) -> None:
    ran(live, "")
    ran(live, build_hash(live, "v1"))
    assert looked(live).status == "ok"


@pytest.mark.parametrize("nothing", ["", None])
def test_a_run_that_names_no_build_fails_and_says_what_to_write(live: Deployment, nothing: str | None) -> None:
    ran(live, nothing)
    append_line(live.paths.runs, {"what": "is no run record"})
    found = looked(live)
    assert (found.status, found.what) == ("FAIL", "the runs of v1 name no build")
    assert "ABACO_OPS_BUILD of its environment as `build` into each run record" in found.fix


def test_a_run_of_another_build_is_a_warning(live: Deployment) -> None:
    ran(live, "c0ffee" + "0" * 58)
    found = looked(live)
    assert found.status == "WARN"
    assert found.what.startswith("build c0ffee of v1 runs, ")


OWN = {"ExecStart": "{ path=/opt/orders/run ; argv[]=/opt/orders/run --new ; }", "Environment": "A=1"}


def told(deployment: Deployment, unit: dict[str, str]) -> Finding:
    """Of V2's unit, beside a V1 that is as shipped."""
    return units.builds(
        deployment, {"abaco-pipeline-v1.service": {"ExecStart": EXEC}, "abaco-pipeline-v2.service": unit}
    )


def test_a_unit_with_a_command_of_its_own_is_named_before_any_cutover(deployment: Deployment) -> None:
    found = told(deployment, OWN)
    assert found.status == "WARN"
    assert found.what.startswith("no ABACO_OPS_BUILD from abaco-pipeline-v2.service: ")
    assert "in abaco-pipeline-v2.service: ExecStart=/usr/bin/abaco-ops service exec v2" in found.fix
    ran(deployment, "", release="v2")
    assert told(deployment, OWN).status == "WARN"


def test_one_whose_command_has_shown_that_it_knows_its_build_is_fine(deployment: Deployment) -> None:
    ran(deployment, "c0ffee", release="v2")
    assert told(deployment, OWN).status == "ok"


@pytest.mark.parametrize(
    "unit",
    [
        {"ExecStart": EXEC},
        {"ExecStart": "{ path=/opt/run ; }", "Environment": "A=1 ABACO_OPS_BUILD=c0ffee"},
        {"ExecStart": "{ path=/opt/run ; }", "EnvironmentFiles": "/etc/orders.env (ignore_errors=no)"},
    ],
)
def test_a_unit_that_hands_it_over_or_may_do_so_is_fine(deployment: Deployment, unit: dict[str, str]) -> None:
    assert told(deployment, unit).status == "ok"
