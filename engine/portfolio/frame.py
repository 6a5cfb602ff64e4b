"""The state of a pandas frame, its exact KPIs, and its checks: for who holds one, see ``docs/frames.md``."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from functools import partial, reduce

import numpy as np
import pandas as pd

from engine.portfolio.buckets import rows_found
from engine.portfolio.columns import Amounts, Dates
from engine.portfolio.finalise import finalise
from engine.portfolio.frame_columns import amounts, dates, identities
from engine.portfolio.integrity import Integrity, examine
from engine.portfolio.key_hashes import Hashes
from engine.portfolio.keys import Keys
from engine.portfolio.missing import missing_columns
from engine.portfolio.outliers import Limits, count_beyond
from engine.portfolio.plan import Plan
from engine.portfolio.repeats import Alike, Repeats, alike, in_ranges, repeated, twice_of
from engine.portfolio.results import TapeKpis
from engine.portfolio.state import State, state_of_columns

ENGINE = "pandas"
_PIECE = 1 << 19
"""Rows whose identities are hashed together."""


def state_of(
    frame: pd.DataFrame,
    plan: Plan,
    *,
    columns: Sequence[str] | None = None,
    first_row: int = 1,
    checks: bool = False,
    threads: int | None = None,
) -> State:
    """The state of a frame's rows, of these ``columns`` of money (None: all that are configured).

    ``first_row`` is the number of its first row in the tape.
    """
    present, dated = _columns(frame, plan, columns)
    return state_of_columns(present, dated, len(frame), plan, first_row=first_row, checks=checks, threads=threads)


def kpis_of_frame(
    frame: pd.DataFrame,
    plan: Plan,
    *,
    by_date: bool = False,
    pooled: bool = False,
    columns: Sequence[str] | None = None,
) -> TapeKpis:
    """The exact KPIs of a frame, as of a tape; duplicates are not sought. Refused: ``by_date`` without dates.

    With ``columns`` only these are read: nulls are known of them alone.
    """
    missing = missing_columns(plan.needed, list(frame.columns))
    state = state_of(frame, plan, columns=columns)
    return finalise(state, plan, missing, lambda day, rows: None, ENGINE, by_date=by_date, pooled=pooled)


def examine_frame(frame: pd.DataFrame, plan: Plan, *, threads: int | None = None) -> Integrity:
    """Every fact about the soundness of a tape in memory: the same as for one on disk."""
    present, dated = _columns(frame, plan)
    state = state_of_columns(present, dated, len(frame), plan, checks=True, threads=threads)
    repeats = None
    if plan.config.tape.id in frame.columns:
        texts = identities(frame[plan.config.tape.id])
        named = np.asarray(texts.is_valid()) if texts.null_count else None
        keys = Keys(texts, named, dated)
        repeats = _repeats(keys)
        if named is not None:
            state = replace(state, unnamed=rows_found(~named, lambda place: place + 1))

    def count(limits: Mapping[str, Limits]) -> Mapping[str, int]:
        where = slice(None) if dated is None or not dated.days else dated.of_row == len(dated.days) - 1
        return {name: count_beyond(present[name].numbers[where], beyond) for name, beyond in limits.items()}

    return examine(state, repeats, plan.config, count)


def _repeats(keys: Keys) -> Repeats:
    """As of a tape whose pieces these rows are."""
    pieces = [keys.part(at, _PIECE) for at in range(0, len(keys.texts), _PIECE)]
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        twice = twice_of(list(pool.map(lambda piece: in_ranges([piece.hashes()]), pieces)))
        rounds = [repeated(list(pool.map(partial(_alike, wanted), pieces))) for wanted in twice.rounds()]
    return reduce(Repeats.merge, rounds, Repeats())


def _alike(wanted: Hashes, piece: Keys) -> Alike:
    return alike(iter([piece]), wanted)


def _columns(
    frame: pd.DataFrame, plan: Plan, names: Sequence[str] | None = None
) -> tuple[dict[str, Amounts], Dates | None]:
    """Those of the columns that are there; to ask first would take as long as to take them."""
    section, present, dated = plan.config.tape, dict[str, Amounts](), None
    for name in section.amounts:
        if names is None or name in names:
            with suppress(KeyError):
                present[name] = amounts(frame[name])
    with suppress(KeyError):
        dated = dates(frame[section.date])
    return present, dated
