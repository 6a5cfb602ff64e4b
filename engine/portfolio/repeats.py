"""How often an identity is repeated within a date, of a tape of any size: by hash, then confirmed by the texts.

A first pass keeps eight bytes a row. Only where two rows have the same hash does a second pass look at the texts of
those rows, so that no two identities are ever taken for one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from functools import reduce
from pathlib import Path
from typing import Any

import numpy as np

from engine.portfolio.arrow_columns import ids_of_batch
from engine.portfolio.key_hashes import Hashes, hashes_of, rows_among, seen_twice
from engine.portfolio.plan import Plan
from engine.portfolio.tape_pieces import How, OpenTape, naming, open_tape

Days = dict[str | None, Any]


def count_repeats(path: Path, plan: Plan, *, workers: int | None = None) -> dict[str | None, int] | None:
    """Per date, the rows whose identity stands in another row above; None when the tape has no identities.

    Rows without an identity repeat nothing; those without a readable date belong to no date. TapeUnreadable when it
    is no tape.
    """
    section = plan.config.tape
    with naming(path):
        tape = open_tape(path, section, set(), {section.id, section.date}, workers)
        if section.id not in tape.names:
            return None
        twice = _seen_twice(tape, plan)
        return (
            _confirmed(tape, plan, twice) if any(len(hashes) for hashes in twice.values()) else dict.fromkeys(twice, 0)
        )


def _seen_twice(tape: OpenTape, plan: Plan) -> dict[str | None, Hashes]:
    """Per date the hashes of more than one row, ascending."""

    def work(batches: Iterator[Any], how: How) -> Days:
        found: dict[str | None, list[Hashes]] = {}
        for batch in batches:
            for day, ids in ids_of_batch(batch, plan, how.day, words=how.words):
                found.setdefault(day, []).append(hashes_of(ids))
        return found

    parts = tape.each(work)
    days = dict.fromkeys(day for part in parts for day in part)
    return {day: _repeated([block for part in parts for block in part.pop(day, [])]) for day in days}


def _repeated(blocks: list[Hashes]) -> Hashes:
    hashes = np.concatenate(blocks)
    blocks.clear()
    hashes.sort()
    return seen_twice(hashes)


def _confirmed(tape: OpenTape, plan: Plan, twice: dict[str | None, Hashes]) -> dict[str | None, int]:
    """The texts behind the hashes, counted."""

    def work(batches: Iterator[Any], how: How) -> Counter[tuple[str | None, str]]:
        texts: Counter[tuple[str | None, str]] = Counter()
        for batch in batches:
            for day, ids in ids_of_batch(batch, plan, how.day, words=how.words):
                rows = rows_among(hashes_of(ids), twice[day])
                texts.update((day, ids[int(row)].as_py()) for row in rows)
        return texts

    counted: Counter[tuple[str | None, str]] = reduce(lambda one, two: one + two, tape.each(work), Counter())
    repeats: dict[str | None, int] = dict.fromkeys(twice, 0)
    for (day, _), count in counted.items():
        repeats[day] += count - 1
    return repeats
