"""A cutover that stopped half-way is told at once, once over restarts of the monitor, and again when it goes on."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from watching import Watching

from engine.clock import boot_id
from engine.notify.message import Notice, message_of
from engine.operations.journal import Journal, offers
from engine.records import make_directory
from engine.services.identity import own_identity

CUTOVER = "0004-cutover"
Told = Callable[..., list[Notice]]


@pytest.fixture
def told(watching: Watching) -> Told:
    """What is newly told by ``count`` ticks."""
    known: set[str] = set()
    watching.tick(3)

    def after(count: int = 1) -> list[Notice]:
        new: list[Notice] = []
        for _ in range(count):
            watching.tick()
            found = [one for one in watching.monitor.paging.book.outbox if one.id not in known]
            known.update(one.id for one in found)
            new += [one for one in found if one.condition == ""]
        return new

    return after


def begun(watching: Watching, name: str = CUTOVER, *, alive: bool = True) -> Journal:
    directory = watching.deployment.paths.operation(name)
    make_directory(directory)
    journal = Journal(directory, watching.clock)
    journal.write(
        "planned",
        operation_kind=name.partition("-")[2],
        actor="A. Moreno",
        release_from="v1",
        release_to="v2",
        steps=[],
    )
    me = own_identity()
    journal.write("worker", pid=me.pid, start_time=me.start_time if alive else 1, boot_id=boot_id())
    journal.write("accepted", plan="p")
    return journal


def stops(journal: Journal, name: str = CUTOVER) -> None:
    ways = list(offers(name, past_no_return=True))
    journal.write("ended", state="NEEDS_HUMAN", failure="start v2: v2 did not start", offers=ways)


def kinds(notices: list[Notice]) -> list[str]:
    return [one.kind for one in notices]


def test_a_cutover_that_needs_a_person_with_nothing_live_pages_at_the_next_tick(watching: Watching, told: Told) -> None:
    journal = begun(watching)
    assert told(3) == []
    stops(journal)
    watching.stage.release = None
    (page,) = told()
    assert (page.kind, page.priority, page.verdict) == ("opened", "P1", "ROLL BACK")
    assert page.to == ("on_call", "vp_engineering", "on_call_manager", "incidents", "cto")
    assert page.text == (
        "cutover 0004-cutover from v1 to v2 by A. Moreno stopped half-way, NEEDS YOU (it waits for a person): "
        "start v2: v2 did not start; NO RELEASE IS LIVE. "
        "First: abaco-ops rollback (the old release runs again, nothing the new one wrote is lost). "
        "All ways on: abaco-ops history 0004-cutover"
    )
    assert "P1 STOPPED HALF-WAY" in message_of(watching.deployment, page).subject


def test_it_is_told_once_however_often_the_monitor_is_started_again(watching: Watching, told: Told) -> None:
    stops(begun(watching))
    assert kinds(told()) == ["opened"]
    for _ in range(3):
        watching.restart()
        assert told(3) == []


@pytest.mark.parametrize(
    ("state", "more", "words"),
    [
        ("ROLLED_BACK", {"by": "0005-rollback"}, "ROLLED BACK"),
        ("ABORTED", {"by": "a person", "found": "v1 runs"}, "CLOSED BY HAND"),
    ],
)
def test_who_was_told_hears_once_that_it_is_closed(
    watching: Watching, told: Told, state: str, more: dict[str, str], words: str
) -> None:
    journal = begun(watching)
    stops(journal)
    (page,) = told()
    watching.restart()
    journal.write("closed", state=state, failure="", **more)
    (over,) = told()
    assert (over.kind, over.alert, over.to) == ("cleared", page.alert, page.to)
    assert over.text == f"0004-cutover waits for nobody any more: {words}"
    watching.restart()
    assert told(3) == []


def test_one_that_is_resumed_is_cleared_and_told_anew_when_it_stops_again(watching: Watching, told: Told) -> None:
    journal = begun(watching)
    stops(journal)
    assert kinds(told()) == ["opened"]
    me = own_identity()
    journal.write("worker", pid=me.pid, start_time=me.start_time, boot_id=boot_id())
    (over,) = told()
    assert over.text.endswith("goes on, RUNNING")
    stops(journal)
    assert kinds(told(2)) == ["opened"]
    journal.write("worker", pid=me.pid, start_time=me.start_time, boot_id=boot_id())
    watching.clock.advance(0.5)
    stops(journal)
    assert kinds(told(2)) == ["opened"], "it went on and stopped again between two ticks"


@pytest.mark.parametrize("name", [CUTOVER, "0005-rollback"])
def test_one_whose_worker_died_is_told_once_that_has_lasted_for_two_ticks(
    watching: Watching, told: Told, name: str
) -> None:
    begun(watching, name, alive=False)
    assert told() == []
    (page,) = told()
    assert page.kind == "opened"
    assert f"{name} from v1 to v2 by A. Moreno stopped half-way, INTERRUPTED" in page.text
    assert "First: abaco-ops rollback (" in page.text
    watching.restart()
    assert told(3) == []


def test_while_a_rollback_sees_to_it_nobody_is_paged(watching: Watching, told: Told) -> None:
    journal = begun(watching)
    stops(journal)
    watching.stage.operating = "0005-rollback"
    assert told(3) == []
    journal.write("closed", state="ROLLED_BACK", failure="", by="0005-rollback")
    watching.stage.operating = ""
    assert told(3) == []


def test_a_journal_that_cannot_be_read_clears_nothing(watching: Watching, told: Told) -> None:
    stops(begun(watching))
    assert kinds(told()) == ["opened"]
    path = watching.deployment.paths.operation(CUTOVER) / "journal.jsonl"
    whole = path.read_bytes()
    path.write_bytes(b"damaged\n" + whole)
    assert told(3) == []
    path.write_bytes(whole)
    assert told(3) == []


def test_a_rollback_that_needs_a_person_and_a_validation_that_died_are_not_told_here(
    watching: Watching, told: Told
) -> None:
    stops(begun(watching, "0005-rollback"), "0005-rollback")
    begun(watching, "0006-validate", alive=False)
    assert told(4) == []
