"""The lines of the checklist that the console fills in from the records; a person still confirms them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from watching import Watching

from engine.clock import boot_id, iso
from engine.config import Deployment
from engine.monitoring.at_hand import at_hand, older_open
from engine.monitoring.board import read_board
from engine.monitoring.checklist import Moment, items
from engine.monitoring.grounds import Grounds, recorded
from engine.monitoring.model import ChecklistItem
from engine.records import append_line
from engine.services.build import build_hash
from engine.state.reader import StateReader

LOG = "cutover_20260131_020000.log"


def cutover(watching: Watching, *, state: str = "SUCCEEDED", log: bool = True) -> None:
    """What a cutover leaves: journal, log, configuration, proof of the way back, event."""
    deployment, clock = watching.deployment, watching.clock
    directory = deployment.paths.operation("0001-cutover")
    directory.mkdir(parents=True)

    def write(kind: str, **data: Any) -> None:
        now = clock.now()
        head = {"seq": 1, "at": iso(now.wall), "boot": now.boot, "boot_id": boot_id(), "kind": kind}
        append_line(directory / "journal.jsonl", {**data, **head})

    steps = [{"name": name, "title": name, "phase": "0"} for name in ("backup", "start_new")]
    write("planned", operation_kind="cutover", release_from="v1", release_to="v2", steps=steps)
    write("accepted")
    write("fact", name="log", value=LOG)
    clock.advance(4)
    for step in steps if state == "SUCCEEDED" else steps[:1]:
        write("done", step=step["name"], seconds=2.0)
    watching.event("way_back.proven", ok=True, seconds=1.1, snapshot="0002", release="v1", reason="")
    write("warning", detail="one")
    write("ended", state=state)
    deployment.paths.logs.mkdir(exist_ok=True)
    if log:
        (deployment.paths.logs / LOG).write_text("a line\n")
    deployment.active_config.write_bytes(deployment.paths.release("v2").read_bytes())
    watching.cut_over()


def board(watching: Watching) -> dict[str, ChecklistItem]:
    return {item.key: item for item in read_board(watching.deployment, watching.clock)}


def test_before_a_cutover_the_console_says_what_it_knows(watching: Watching) -> None:
    for _ in range(3):
        watching.run()
        watching.clock.advance(5)
    watching.tick(2)
    found = board(watching)
    assert {item.state for item in found.values()} == {"due"}
    baseline, disk = found["before/0/baseline"], found["before/0/disk"]
    assert baseline.measured.startswith("monitor: ") and " runs of v1 at " in baseline.measured
    assert baseline.measured_ok is True
    assert disk.measured.startswith("disk: ") and "5.0 GB needed" in disk.measured
    for task in ("rehearsed", "backups"):
        assert found[f"before/0/{task}"].measured_ok is False
    assert found["before/0/briefed"].measured == ""


def test_after_a_cutover_its_lines_are_filled_in_from_its_journal_and_still_wait_for_a_person(
    watching: Watching,
) -> None:
    watching.tick(3)
    cutover(watching)
    watching.tick(3)
    found = board(watching)
    told = {key.split("/")[2]: item for key, item in found.items() if key.startswith("cutover/")}
    assert {item.state for item in told.values()} == {"due"}
    assert {item.measured_ok for item in told.values()} == {True}
    assert told["run"].measured == "0001-cutover SUCCEEDED, 4.0 s"
    assert told["phases"].measured == "0001-cutover: 2 of 2 steps done"
    assert told["recorded"].measured == "0001-cutover: 1 warning, 4.0 s"
    assert told["log"].measured == f"logs/{LOG}, 7 bytes"
    assert told["active"].measured.startswith("active v2 ")
    assert told["assets"].measured.startswith("way back proven at ")


def test_what_is_not_as_it_should_be_is_measured_as_such(watching: Watching) -> None:
    watching.tick(3)
    cutover(watching, state="NEEDS_HUMAN", log=False)
    config = watching.deployment.active_config
    config.write_bytes(config.read_bytes() + b"# edited\n")
    found = board(watching)
    for task in ("run", "phases", "active", "log"):
        assert found[f"cutover/0/{task}"].measured_ok is False, task


def test_a_line_that_was_measured_is_never_missed_only_not_confirmed(watching: Watching) -> None:
    watching.tick(3)
    cutover(watching)
    watching.clock.advance(3 * 3600)
    found = board(watching)
    assert found["cutover/0/run"].state == "overdue"
    assert found["cutover/0/run"].measured_ok is True
    assert found["before/0/backups"].state == "overdue"
    assert found["before/0/backups"].measured.startswith("snapshot 0002 verified at ")
    assert found["before/0/briefed"].state == "missed"
    assert found["watch/5400/memory"].state == "missed"


def test_what_was_not_confirmed_earlier_does_not_hide_what_is_due_now(watching: Watching) -> None:
    watching.tick(3)
    cutover(watching)
    watching.clock.advance(2.1 * 3600)
    lines = read_board(watching.deployment, watching.clock)
    at = at_hand(lines)
    assert at is not None
    assert lines[at].slot == "T+2"
    assert older_open(lines) > 3


def test_where_what_is_due_now_is_answered_the_next_line_is_at_hand_and_not_an_old_open_one() -> None:
    def line(state: Any, hours: float | None) -> ChecklistItem:
        due = None if hours is None else datetime(2026, 1, 31, tzinfo=UTC) + timedelta(hours=hours)
        return ChecklistItem("k", "s", "t", state, due, "", None, "", "")

    before, old = [line("overdue", None)] * 5, [line("overdue", 2), line("missed", 20)]
    for now, at in (
        ([line("done", 24), line("due", 24), line("later", 28)], 8),
        ([line("done", 24), line("later", 28)], 8),
    ):
        assert at_hand([*before, *old, *now]) == at
        assert older_open([*before, *old, *now]) == 6
    assert at_hand([*before, line("closed", 1)]) == 0
    assert at_hand([line("done", 1)]) is None


@pytest.mark.parametrize(("least", "ok"), [(None, True), (5_000_000_000, False)])
def test_free_space_is_bytes_against_the_line_or_else_the_profile(least: int | None, ok: bool) -> None:
    grounds = Grounds(2_000_000_000, 100_000_000, None, "", "", "")
    said, met = recorded("free_space", grounds, least=least, proven=None, back=None)
    assert said.startswith("disk: 2.0 GB free, ")
    assert met is ok


def test_a_rollback_that_succeeded_is_a_rehearsal(deployment: Deployment, clock: Any) -> None:
    now = clock.now().wall
    grounds = Grounds(None, 0, None, "", "", "")
    said, met = recorded("rehearsed", grounds, least=None, proven=(now - timedelta(1), False, "0001"), back=now)
    assert (said, met) == ("journal: a rollback succeeded at 02:00:00Z", True)
    assert items(deployment.checklist, _moment(now))[0].measured == ""


def test_the_newer_of_rehearsal_and_rollback_fills_in_the_line_and_a_proof_does_not(watching: Watching) -> None:
    watching.tick(2)
    watching.event("way_back.proven", ok=True, seconds=1.1, snapshot="0002", release="v1", reason="")
    assert board(watching)["before/0/rehearsed"].measured_ok is False
    watching.event("rollback.rehearsed", ok=True, seconds=2.1, snapshot=None, release="v1", reason="")
    line = board(watching)["before/0/rehearsed"]
    assert (line.measured, line.measured_ok, line.state) == ("rehearsed 31 Jan 02:00:02Z: READY, 2.1 s", True, "due")
    watching.event("rollback.rehearsed", ok=False, seconds=2.1, snapshot=None, release="v1", reason="space: full")
    line = board(watching)["before/0/rehearsed"]
    assert (line.measured, line.measured_ok) == ("rehearsed 31 Jan 02:00:02Z: NOT READY, space: full", False)
    watching.clock.advance(1)
    watching.roll_back()
    assert board(watching)["before/0/rehearsed"].measured_ok is True


def test_a_rehearsal_with_another_build_says_nothing_about_the_one_installed(watching: Watching) -> None:
    watching.tick(2)
    old = {"ok": True, "seconds": 2.1, "snapshot": None, "release": "v1", "reason": ""}
    watching.event("rollback.rehearsed", **old, build="0f1e2d" * 10)
    line = board(watching)["before/0/rehearsed"]
    assert line.measured_ok is False
    assert line.measured.startswith("rehearsed 31 Jan 02:00:02Z with build 0f1e2d, not with ")
    build = build_hash(watching.deployment, "v1")
    watching.event("rollback.rehearsed", **old, build=build)
    assert board(watching)["before/0/rehearsed"].measured_ok is True
    state = StateReader(watching.deployment, watching.clock).read()
    (line,) = [item for item in state.checklist.items if item.key == "before/0/rehearsed"]
    assert line.measured_ok is True, "and the console says what the command line says"


def test_before_the_first_cutover_a_rehearsal_verifies_the_backups(watching: Watching) -> None:
    watching.tick(2)
    assert board(watching)["before/0/backups"].measured_ok is False
    watching.event("rollback.rehearsed", ok=False, seconds=2.1, snapshot=None, release="v1", reason="space: full")
    assert board(watching)["before/0/backups"].measured_ok is False
    watching.event("rollback.rehearsed", ok=True, seconds=2.1, snapshot=None, release="v1", reason="")
    assert board(watching)["before/0/backups"].measured_ok is True


def _moment(now: Any) -> Any:
    return Moment(now, None, None, {}, None, (), "v2", 1.0)
