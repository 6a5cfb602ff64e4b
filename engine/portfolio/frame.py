"""The state of a pandas frame, and the checks of one."""

from __future__ import annotations

import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial, reduce

import numpy as np
import pandas as pd

from engine.portfolio.buckets import rows_found
from engine.portfolio.columns import Amounts, Dates
from engine.portfolio.frame_columns import amounts, dates, identities
from engine.portfolio.integrity import Integrity, examine
from engine.portfolio.key_hashes import Hashes
from engine.portfolio.keys import Keys
from engine.portfolio.outliers import Limits, count_beyond
from engine.portfolio.plan import Plan
from engine.portfolio.repeats import Alike, Repeats, alike, in_ranges, repeated, twice_of
from engine.portfolio.state import State, state_of_columns

_PIECE = 1 << 19
"""Rows whose identities are hashed together."""


def state_of(
    frame: pd.DataFrame, plan: Plan, *, first_row: int = 1, checks: bool = False, threads: int | None = None
) -> State:
    """The state of a frame's rows; ``first_row`` is the number of its first one in the tape."""
    present, dated = _columns(frame, plan)
    return state_of_columns(present, dated, len(frame), plan, first_row=first_row, checks=checks, threads=threads)


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


def _columns(frame: pd.DataFrame, plan: Plan) -> tuple[dict[str, Amounts], Dates | None]:
    section = plan.config.tape
    present = {name: amounts(frame[name]) for name in section.amounts if name in frame.columns}
    return present, dates(frame[section.date]) if section.date in frame.columns else None
