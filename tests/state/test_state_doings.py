"""Of operations that later ones have followed the console keeps little, and shows the same."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.clock import SystemClock
from engine.operations.journal import Journal, list_operations
from engine.operations.model import ENDED
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
