"""What may start by itself, as after a reboot: only what is live, and nothing while that is a person's to decide."""

from __future__ import annotations

import pytest

from engine.config import Deployment
from engine.operations.may_start import answer, judged
from engine.operations.model import Operation
from engine.records import FileLock


def operation(kind: str, state: str = "INTERRUPTED", *, past_no_return: bool = False) -> Operation:
    return Operation(
        id=f"0007-{kind}",
        kind=kind,
        state=state,  # type: ignore[arg-type]
        release_from="v1",
        release_to="v2",
        steps=(),
        started=None,
        ended=None,
        seconds=None,
        actor="",
        origin="",
        reason="",
        pid=None,
        alive=False,
        failure="",
        past_no_return=past_no_return,
        offers=(),
        warnings=(),
        output=(),
        snapshot=None,
        lock_lost_to="",
    )


@pytest.mark.parametrize(
    ("release", "configured", "unfinished", "may"),
    [
        ("v1", "v1", [], True),
        ("v2", "v1", [], False),
        ("v2", "v2", [], True),
        ("v1", None, [], False),
        ("v1", "v1", [operation("cutover")], True),
        ("v2", "v2", [operation("cutover")], False),
        ("v2", "v2", [operation("cutover", "NEEDS_HUMAN", past_no_return=True)], True),
        ("v1", "v1", [operation("cutover", "NEEDS_HUMAN", past_no_return=True)], False),
        ("v1", "v1", [operation("rollback")], False),
        ("v2", "v2", [operation("rollback")], False),
        ("v2", "v2", [operation("cutover", "NEEDS_HUMAN", past_no_return=True), operation("rollback")], False),
    ],
)
def test_only_what_is_live_for_sure(
    deployment: Deployment, release: str, configured: str | None, unfinished: list[Operation], may: bool
) -> None:
    why = judged(deployment, release, configured, "" if configured else "it cannot be read", unfinished)
    assert (why == "") is may, why


def test_before_its_first_start_the_new_release_waits_for_a_person(deployment: Deployment) -> None:
    why = judged(deployment, "v2", "v2", "", [operation("cutover")])
    assert why.startswith("0007-cutover stopped half-way (INTERRUPTED)") and "a person decides" in why


def test_whoever_operates_decides(deployment: Deployment) -> None:
    assert "the active configuration is that of v1" in answer(deployment, "v2")
    with FileLock(deployment.paths.operation_lock) as lock:
        assert lock.acquire()
        assert answer(deployment, "v2") == ""


def test_what_cannot_be_read_starts_nothing(deployment: Deployment) -> None:
    deployment.active_config.write_text("release: [\n")
    assert "cannot be read" in answer(deployment, "v1")
