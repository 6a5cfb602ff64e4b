"""A tape of any size, examined: its KPIs and every fact about its soundness, from one pass over its rows.

Memory stays flat but for eight bytes a row, for the identities. A second look takes only the columns that need one:
identities, where two rows share a hash; amounts, where the order of the rows hid an outlier.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import Event
from typing import Any

import numpy as np

from engine.portfolio.arrow_columns import arrow_amounts, dates_of_batch
from engine.portfolio.finalise import finalise
from engine.portfolio.integrity import Integrity, examine
from engine.portfolio.missing import missing_columns
from engine.portfolio.outliers import Limits, count_beyond
from engine.portfolio.plan import Plan
from engine.portfolio.repeats import Repeats, repeats_in, twice_of
from engine.portfolio.results import TapeKpis
from engine.portfolio.state import State
from engine.portfolio.stream import fold_tape
from engine.portfolio.tape_pieces import How, Told, naming, open_tape
from engine.portfolio.unreadable import check_place
from engine.records.regular import open_regular

ENGINE = "arrow"
_PIECE = 1 << 20
"""Bytes hashed at once."""


@dataclass(frozen=True, slots=True)
class Examined:
    """What is known of a tape after it was read."""

    path: Path
    sha256: str | None
    """Of the file; None for a directory."""
    missing: dict[str, str]
    """Configured columns of money that are not there, each with the sentence that says so."""
    state: State
    """Per date and column: exact sums, counts, extremes."""
    found: Integrity
    kpis: TapeKpis
    named: bool
    """Whether its rows have identities."""

    @property
    def rows(self) -> int:
        """Of all dates, and those without."""
        return self.state.rows


def examine_tape(
    path: Path, plan: Plan, *, workers: int | None = None, told: Told | None = None, hashed: bool = True
) -> Examined:
    """Read and examine the tape at ``path``. TapeUnreadable when it is none; what is wrong inside is kept and told."""
    section = plan.config.tape
    interrupted = Event()
    with naming(path):
        check_place(path)
    with naming(path), ThreadPoolExecutor(1) as beside:
        hashing = beside.submit(_sha256, path, told, interrupted) if hashed and not path.is_dir() else None
        try:
            tape = open_tape(path, section, set(section.amounts), {section.id, section.date}, workers)
            state, hashes = fold_tape(tape, plan, section.amounts, checks=True, told=told)
            repeats = repeats_in(tape, plan, twice_of(hashes)) if section.id in tape.names else None
            found = examine(state, repeats, plan.config, partial(_beyond, path, plan, state, workers))
            sha256 = hashing.result() if hashing is not None else None
        finally:
            interrupted.set()
    missing = missing_columns(section.amounts, tape.names)
    kpis = finalise(state, plan, missing, _by_day(repeats), ENGINE, sha256, by_date=state.dated)
    return Examined(path, sha256, missing, state, found, kpis, repeats is not None)


def _by_day(repeats: Repeats | None) -> Any:
    def known(day: str | None, rows: int) -> int | None:
        if repeats is None:
            return 0 if day is not None and rows <= 1 else None
        return repeats.by_day.get(day, 0) if rows else 0

    return known


def _beyond(
    path: Path, plan: Plan, state: State, workers: int | None, limits: Mapping[str, Limits]
) -> Mapping[str, int]:
    """How many values of the latest date lie beyond the limits of their columns."""
    section = plan.config.tape
    latest = state.days[-1] if state.days else None

    def work(batches: Iterator[Any], how: How) -> dict[str, int]:
        counts = dict.fromkeys(limits, 0)
        for batch in batches:
            dated = dates_of_batch(batch, plan, how.day)
            if latest is not None and (dated is None or latest not in dated.days):
                continue
            for name, beyond in limits.items():
                numbers = arrow_amounts(batch.column(name)).numbers
                if dated is not None and latest is not None:
                    numbers = numbers[dated.of_row == dated.days.index(latest)]
                counts[name] += count_beyond(numbers, beyond)
        return counts

    tape = open_tape(path, section, set(limits), {section.date}, workers)
    pieces = tape.each(work)
    return {name: int(np.sum([piece[name] for piece in pieces])) for name in limits}


def _sha256(path: Path, told: Told | None, interrupted: Event) -> str:
    """Of the file; it says from time to time that it is at work."""
    digest = hashlib.sha256()
    with open_regular(path) as file:
        while data := file.read(_PIECE):
            if interrupted.is_set():
                break
            digest.update(data)
            if told is not None:
                told(0, 0.0)
    return digest.hexdigest()
