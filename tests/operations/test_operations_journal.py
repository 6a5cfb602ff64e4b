from __future__ import annotations

from pathlib import Path

from bench_at_work import work_on
from hypothesis import given
from hypothesis import strategies as st

from engine.config import Deployment
from engine.operations.journal import Journal, fold, list_operations, read_operation
from engine.operations.model import TRANSITIONS


def record(kind: str, **data: object) -> dict[str, object]:
    return {"kind": kind, "at": "2026-01-31T02:00:00.000Z", "boot": 5.0, "boot_id": "b", "seq": 1, **data}


BEGUN = [
    record("planned", operation_kind="cutover", release_from="v1", release_to="v2", steps=[]),
    record("worker", pid=7, start_time=1, boot_id="b"),
    record("accepted"),
]


def test_a_worker_that_died_leaves_an_interrupted_operation_with_offers() -> None:
    operation = fold("0003-cutover", [*BEGUN, record("intent", step="a", title="a")], alive=False)
    assert operation.state == "INTERRUPTED" and operation.open
    assert operation.offers[0].startswith("abaco-ops rollback")
    assert any("abort 0003-cutover" in offer for offer in operation.offers)


def test_after_the_point_of_no_return_an_abort_is_not_offered() -> None:
    records = [*BEGUN, record("intent", step="start_new", title="start", no_return=True)]
    operation = fold("0003-cutover", records, alive=False)
    assert operation.past_no_return
    assert not any("abort" in offer for offer in operation.offers)


def test_a_worker_that_died_before_it_was_accepted_did_nothing() -> None:
    operation = fold("0003-cutover", BEGUN[:2], alive=False)
    assert operation.state == "ABORTED" and not operation.open


def test_a_running_operation_is_running() -> None:
    operation = fold("0003-cutover", BEGUN, alive=True)
    assert operation.state == "RUNNING" and operation.running and not operation.open


def test_a_rollback_closes_the_cutover_that_died() -> None:
    operation = fold("0003-cutover", [*BEGUN, record("closed", state="ROLLED_BACK", by="0004")], alive=False)
    assert operation.state == "ROLLED_BACK" and not operation.open


def test_a_record_that_cannot_follow_is_shown_and_not_obeyed() -> None:
    records = [*BEGUN, record("ended", state="SUCCEEDED"), record("closed", state="ROLLED_BACK")]
    operation = fold("0003-cutover", records, alive=False)
    assert operation.state == "SUCCEEDED"
    assert "cannot be" in operation.warnings[-1]


def test_seconds_are_counted_in_boot_time_and_not_across_a_reboot() -> None:
    ended = fold("1", [*BEGUN, record("ended", state="SUCCEEDED", boot=9.5)], alive=False)
    rebooted = fold("1", [*BEGUN, record("ended", state="SUCCEEDED", boot=1.0, boot_id="c")], alive=False)
    assert ended.seconds == 4.5
    assert rebooted.seconds == 0.0


def test_a_torn_last_line_is_forgiven_and_cut_off_by_the_next_record(deployment: Deployment, clock) -> None:  # type: ignore[no-untyped-def]
    work = work_on(deployment, clock)
    path = work.directory / "journal.jsonl"
    path.write_bytes(path.read_bytes() + b'{"kind":"ended","state":"SUCC')
    assert read_operation(work.directory).state == "RUNNING"
    Journal(work.directory, clock).write("ended", state="NEEDS_HUMAN")
    assert read_operation(work.directory).state == "NEEDS_HUMAN"


def test_operations_are_listed_in_order(tmp_path: Path, clock) -> None:  # type: ignore[no-untyped-def]
    for name in ("0010-rollback", "0002-cutover"):
        (tmp_path / name).mkdir()
        Journal(tmp_path / name, clock).write("planned", operation_kind=name[5:], steps=[])
    (tmp_path / ".last").write_text("10")
    (tmp_path / "0011-cutover").mkdir()
    assert [item.id for item in list_operations(tmp_path)] == ["0002-cutover", "0010-rollback"]


kinds = st.sampled_from(["worker", "accepted", "refused", "intent", "done", "failed", "undone", "yielded", "warning"])
ends = st.sampled_from(list(TRANSITIONS))
records = st.one_of(
    kinds.map(lambda kind: record(kind, step="a", title="a", pid=7, start_time=1, to="x", detail="d")),
    st.tuples(st.sampled_from(["ended", "closed", "state"]), ends).map(lambda pair: record(pair[0], state=pair[1])),
)


@given(st.lists(records, max_size=12), st.booleans())
def test_any_journal_folds_to_a_state_of_the_table(written: list[dict[str, object]], alive: bool) -> None:
    operation = fold("0001-cutover", [*BEGUN, *written], alive=alive)
    assert operation.state in TRANSITIONS
    assert not (operation.running and not alive)


@given(st.lists(records, max_size=12))
def test_what_has_ended_stays_ended(written: list[dict[str, object]]) -> None:
    finished = [*BEGUN, record("ended", state="SUCCEEDED")]
    assert fold("0001-cutover", [*finished, *written], alive=False).state == "SUCCEEDED"
