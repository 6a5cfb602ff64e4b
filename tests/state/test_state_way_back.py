"""Row 3: ready only on a fresh proof that is younger than the cutover."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from engine.config import Deployment
from engine.operations.model import Operation, OperationState, OperationStep
from engine.snapshots import COMPLETE
from engine.state.model import WayBackView
from engine.state.trail import Proof, Trail, extend
from engine.state.way_back import way_back

NOW = datetime(2026, 1, 31, 9, tzinfo=UTC)
CUTOVER = NOW - timedelta(hours=7)


def proof(minutes: float, *, ok: bool = True, reason: str = "") -> Proof:
    return Proof(ok, 2.1, "0004", "v1", reason, NOW - timedelta(minutes=minutes))


@pytest.mark.parametrize(
    ("given", "release", "ready", "reason"),
    [
        (proof(1), "v2", True, ""),
        (proof(1), None, True, ""),
        (None, "v2", False, "never proven"),
        (proof(1, ok=False, reason="snapshot 0004 is damaged"), "v2", False, "snapshot 0004 is damaged"),
        (proof(1, ok=False), "v2", False, "the last proof failed"),
        (proof(10), "v2", False, "last proven 10m ago"),
        (proof(60 * 8), "v2", False, "not proven since the cutover"),
        (proof(1), "v1", False, "v1 is live: nothing to go back from"),
    ],
)
def test_the_way_back_is_ready_only_when_that_was_just_shown(
    deployment: Deployment, given: Proof | None, release: str | None, ready: bool, reason: str
) -> None:
    view = way_back(deployment, given, NOW, release=release, cutover_at=CUTOVER, build="a41f09")
    assert view.ready is ready
    assert reason in view.reason
    assert view.stale is not ready or view.reason in ("", "snapshot 0004 is damaged", "the last proof failed")


def test_before_the_first_cutover_there_is_nothing_to_go_back_from(deployment: Deployment) -> None:
    view = way_back(deployment, None, NOW, release=None, cutover_at=None, build="")
    assert not view.ready
    assert "no cutover yet" in view.reason


def cutover(
    deployment: Deployment, *, state: OperationState = "NEEDS_HUMAN", past: bool = True, seal: bool = True
) -> Operation:
    """A cutover of this minute that took its final snapshot, sealed or not, and did not end well."""
    directory = deployment.paths.snapshots / "0007"
    directory.mkdir(parents=True)
    if seal:
        (directory / COMPLETE).write_text("seal")
    step = OperationStep("snapshot_final", "final snapshot", "3 shutdown", "done" if seal else "failed", 1.0, "")
    ends: dict[str, Any] = {"ended": None, "seconds": None, "actor": "", "origin": "", "reason": "", "pid": 1}
    told: dict[str, Any] = {"failure": "", "offers": (), "warnings": (), "output": (), "lock_lost_to": ""}
    return Operation(
        id="0003-cutover",
        kind="cutover",
        state=state,
        release_from="v1",
        release_to="v2",
        steps=(step,),
        started=NOW - timedelta(minutes=1),
        alive=state == "RUNNING",
        past_no_return=past,
        snapshot="0007",
        **ends,
        **told,
    )


@pytest.mark.parametrize("state", ["RUNNING", "INTERRUPTED", "NEEDS_HUMAN", "ABORTED"])
@pytest.mark.parametrize("before", [None, proof(600)])
def test_a_cutover_past_its_point_of_no_return_leaves_the_way_back_that_it_sealed(
    deployment: Deployment, state: OperationState, before: Proof | None
) -> None:
    found = cutover(deployment, state=state)
    view = way_back(deployment, before, NOW, release="v2", cutover_at=None, build="", unfinished=found)
    assert (view.ready, view.snapshot, view.reason, view.stale) == (True, "0007", "", False)


def test_a_snapshot_that_was_never_sealed_is_no_way_back(deployment: Deployment) -> None:
    found = cutover(deployment, seal=False)
    view = way_back(deployment, None, NOW, release="v2", cutover_at=None, build="", unfinished=found)
    assert not view.ready
    assert "0003-cutover has sealed no final snapshot" in view.reason


def test_a_seal_that_is_gone_from_the_disk_is_no_way_back(deployment: Deployment) -> None:
    found = cutover(deployment)
    (deployment.paths.snapshots / "0007" / COMPLETE).unlink()
    assert not way_back(deployment, None, NOW, release="v2", cutover_at=None, build="", unfinished=found).ready


def test_before_its_point_of_no_return_the_old_release_needs_no_way_back(deployment: Deployment) -> None:
    found = cutover(deployment, state="RUNNING", past=False, seal=False)
    view = way_back(deployment, None, NOW, release="v1", cutover_at=None, build="", unfinished=found)
    assert "v1 is live" in view.reason


def test_what_the_cutover_proved_itself_is_what_is_shown(deployment: Deployment) -> None:
    found = cutover(deployment)
    view = way_back(deployment, proof(0.5), NOW, release="v2", cutover_at=None, build="", unfinished=found)
    assert (view.ready, view.seconds) == (True, 2.1)


def test_a_new_release_that_nobody_cut_over_to_has_no_way_back_and_says_so(deployment: Deployment) -> None:
    view = way_back(deployment, None, NOW, release="v2", cutover_at=None, build="")
    assert not view.ready
    assert "no cutover yet" not in view.reason


def rehearsed(minutes: float, *, ok: bool = True, reason: str = "", own: bool = False) -> Proof:
    snapshot = None if own else "0004"
    return Proof(ok, 2.6, snapshot, "v1", reason, NOW - timedelta(minutes=minutes), "rehearsed", own)


def rolled_back(minutes: float) -> Proof:
    return Proof(True, 3.1, "0004", "v1", "", NOW - timedelta(minutes=minutes), "rolled back")


@pytest.mark.parametrize(
    ("found", "basis", "seconds"),
    [
        ((None, None, None), "", None),
        ((proof(1), None, None), "proven", 2.1),
        ((proof(3), rehearsed(1), None), "rehearsed", 2.6),
        ((proof(1), rehearsed(3), rolled_back(2)), "proven", 2.1),
        ((proof(3), rehearsed(2), rolled_back(1)), "rolled back", 3.1),
        ((proof(3), rehearsed(1, ok=False, reason="space: full"), None), "proven", 2.1),
    ],
)
@pytest.mark.parametrize("release", ["v1", "v2", None])
def test_seconds_and_age_are_those_of_the_newest_that_went_well_whatever_is_live(
    deployment: Deployment, found: tuple[Proof | None, ...], basis: str, seconds: float | None, release: str | None
) -> None:
    given, rehearsal, back = found
    view = way_back(
        deployment,
        given,
        NOW,
        release=release,
        cutover_at=CUTOVER,
        build="",
        rehearsal=rehearsal,
        rolled_back=back,
    )
    assert (view.basis, view.seconds) == (basis, seconds)
    newest = next((item for item in found if item is not None and item.how == basis), None)
    assert view.basis_at == (newest.at if newest else None)


def test_a_rehearsal_on_a_real_snapshot_is_a_proof_and_one_that_failed_is_none(deployment: Deployment) -> None:
    def judged(rehearsal: Proof, given: Proof | None = None) -> WayBackView:
        return way_back(deployment, given, NOW, release="v2", cutover_at=CUTOVER, build="", rehearsal=rehearsal)

    assert judged(rehearsed(1)).ready
    assert not judged(rehearsed(60)).ready
    failed = judged(rehearsed(1, ok=False, reason="staged: damaged"), proof(2))
    assert (failed.ready, failed.reason) == (False, "staged: damaged")
    hidden = judged(rehearsed(2, ok=False, reason="space: full"), proof(1))
    assert hidden.ready and "NOT READY: space: full" in hidden.note, "a lesser proof hides no failed rehearsal"
    assert judged(rehearsed(60 * 8, ok=False, reason="space: full"), proof(1)).note == "", "it was before the cutover"


def test_a_rehearsal_with_another_build_is_told(deployment: Deployment) -> None:
    def note(of: str, installed: str) -> str:
        given = msgspec.structs.replace(rehearsed(1), build=of)
        view = way_back(deployment, None, NOW, release="v1", cutover_at=None, build=installed, rehearsal=given)
        return view.note

    assert note("0f1e2d" * 8, "aabbcc") == "rehearsed with build 0f1e2d, not this one"
    assert note("0f1e2d" * 8, "0f1e2d") == note("", "aabbcc") == note("0f1e2d" * 8, "") == ""


def test_a_rehearsal_before_the_cutover_is_no_proof_of_a_snapshot(deployment: Deployment) -> None:
    own = rehearsed(1, own=True)
    for cutover_at in (CUTOVER, None):
        view = way_back(deployment, None, NOW, release="v2", cutover_at=cutover_at, build="", rehearsal=own)
        assert not view.ready
        assert (view.basis, view.seconds) == ("rehearsed", 2.6)


def test_what_a_good_proof_found_worth_knowing_is_a_note(deployment: Deployment) -> None:
    given = proof(1, reason="snapshot 0005 is newer and cannot be restored")
    view = way_back(deployment, given, NOW, release="v2", cutover_at=CUTOVER, build="")
    assert view.ready and view.reason == "" and "0005" in view.note


def test_the_fold_keeps_the_newest_rehearsal(deployment: Deployment) -> None:
    def event(seq: int, **data: Any) -> dict[str, Any]:
        head = {"seq": seq, "at": f"2026-01-31T08:0{seq}:00.000Z", "kind": "rollback.rehearsed", "actor": "a"}
        return {**head, "data": {"release": "v1", **data}}

    trail = extend(Trail(), [event(1, ok=False, seconds=1.0, reason="no room", snapshot=None, own_snapshot=True)])
    assert trail.rehearsal is not None
    assert (trail.rehearsal.ok, trail.rehearsal.reason, trail.rehearsal.own_snapshot) == (False, "no room", True)
    trail = extend(trail, [event(2, ok=True, seconds=2.5, reason="", snapshot="0004"), event(3)])
    assert (trail.rehearsal.seconds, trail.rehearsal.how, trail.proof) == (2.5, "rehearsed", None)
    assert trail.facts.rehearsed is not None and trail.facts.rehearsed.seconds is None, "a bare event is not READY"
    assert not trail.facts.rehearsed.ok
