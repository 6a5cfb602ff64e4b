"""Of operations that later ones have followed the console keeps little, and shows the same."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.clock import SystemClock
from engine.operations.journal import NAME, Journal, list_operations
from engine.operations.model import ENDED
from engine.state import doings
from engine.state.doings import OperationsReader, chosen

KINDS = st.sampled_from(["cutover", "rollback", "validate"])
ENDS = st.sampled_from(["SUCCEEDED", "ABORTED", "REFUSED", "NEEDS_HUMAN", ""])
STEP = {"name": "check_services", "title": "old release live", "phase": "0 pre-cutover"}


def begin(directory: Path, number: int, kind: str) -> Journal:
    place = directory / f"{number:04d}-{kind}"
    place.mkdir()
    journal = Journal(place, SystemClock())
    journal.write("planned", operation_kind=kind, release_from="v1", release_to="v2", steps=[STEP])
    (place / "output.log").write_text("said\n")
    return journal


def end(journal: Journal, state: str) -> None:
    if state == "REFUSED":
        journal.write("refused", reason="not now")
        return
    journal.write("worker", pid=2**22 - 1, start_time=1, boot_id="gone")
    journal.write("accepted")
    if state:
        journal.write("ended", state=state)


@settings(max_examples=25)  # each writes journals that are synced
@given(st.lists(st.tuples(KINDS, ENDS), max_size=6), st.randoms(use_true_random=False))
def test_what_is_shown_is_the_same_as_if_all_were_read_anew(plan: list[tuple[str, str]], chance: Any) -> None:
    """Whenever each of them ends, and however often it is looked meanwhile."""
    with tempfile.TemporaryDirectory() as place:
        directory, problems = Path(place), list[str]()
        reader = OperationsReader(directory)
        begun = [(begin(directory, number, kind), state) for number, (kind, state) in enumerate(plan)]
        chance.shuffle(begun)
        for journal, state in begun:
            end(journal, state)
            if chance.random() < 0.7:
                reader.read(problems)
        every = list_operations(directory)
        ended = [one for one in every if one.state in ENDED]
        assert reader.read(problems) == chosen([one for one in every if one not in ended], ended)
        assert problems == []


def test_only_what_is_shown_is_kept_whole(tmp_path: Path) -> None:
    for number, kind in enumerate(["cutover", "rollback", "cutover", "rollback", "cutover", "validate"]):
        end(begin(tmp_path, number, kind), "SUCCEEDED")
    reader = OperationsReader(tmp_path)
    found = reader.read([])
    assert found.last is not None and found.last.id == "0004-cutover"
    assert found.rolled_back is not None and found.rolled_back.id == "0003-rollback"
    assert [bool(one.steps and one.output) for _, one in sorted(reader._ended.items())] == [
        False,
        False,
        False,
        True,
        True,
        False,
    ]


def ended(directory: Path, *kinds: str) -> tuple[OperationsReader, list[Path]]:
    """Operations that have ended, and a reader that has seen them."""
    for number, kind in enumerate(kinds):
        end(begin(directory, number, kind), "SUCCEEDED")
    reader = OperationsReader(directory)
    reader.read([])
    return reader, sorted(directory.iterdir())


def test_an_ended_operation_whose_journal_is_cut_is_read_again(tmp_path: Path) -> None:
    reader, (_, rollback, cutover) = ended(tmp_path, "cutover", "rollback", "cutover")
    journal = cutover / NAME
    os.truncate(journal, journal.stat().st_size - 60)
    found = reader.read([])
    assert found.last is not None and found.last.id == rollback.name
    assert found.last.steps and found.last.output, "the one before it is shown whole"
    assert found.current is not None and found.current.id == cutover.name and found.current.ended is None
    assert found.cutover_at is not None, "the first one's"


def test_an_ended_operation_that_is_gone_is_no_more_shown(tmp_path: Path) -> None:
    directory, aside = tmp_path / "operations", tmp_path / "aside"
    directory.mkdir()
    reader, (cutover, rollback) = ended(directory, "cutover", "rollback")
    rollback.rename(aside)
    found = reader.read([])
    assert found.last is not None and (found.last.id, bool(found.last.steps)) == (cutover.name, True)
    assert (found.rolled_back, found.rolled_back_at) == (None, None)
    (cutover / NAME).unlink()
    assert reader.read([]).last is None
    aside.rename(rollback)
    back = reader.read([])
    assert back.last is not None and back.last == back.rolled_back


def test_the_journals_of_those_that_are_not_shown_are_looked_at_in_turn(tmp_path: Path) -> None:
    count = 3 * doings._IN_TURN
    reader, found = ended(tmp_path, *["cutover"] * count)
    journal = found[0] / NAME
    os.truncate(journal, journal.stat().st_size - 60)
    assert any(reader.read([]).current is not None for _ in range(3))


def test_what_has_ended_is_not_read_again_without_a_change(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reader, _ = ended(tmp_path, "cutover", "rollback", "cutover")
    monkeypatch.setattr(doings, "read_operation", lambda path: pytest.fail(f"{path.name} is read again"))
    first = reader.read([])
    assert reader.read([]) == first
