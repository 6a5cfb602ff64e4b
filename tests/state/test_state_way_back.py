"""Row 3: ready only on a fresh proof that is younger than the cutover."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from engine.config import Deployment
from engine.state.trail import Proof
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
