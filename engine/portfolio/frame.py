"""The state of a pandas frame."""

from __future__ import annotations

import pandas as pd

from engine.portfolio.frame_columns import amounts, dates
from engine.portfolio.plan import Plan
from engine.portfolio.state import State, state_of_columns


def state_of(
    frame: pd.DataFrame, plan: Plan, *, first_row: int = 1, buckets: bool = False, threads: int | None = None
) -> State:
    """The state of a frame's rows; ``first_row`` is the number of its first one in the tape."""
    section = plan.config.tape
    present = {name: amounts(frame[name]) for name in section.amounts if name in frame.columns}
    dated = dates(frame[section.date]) if section.date in frame.columns else None
    return state_of_columns(present, dated, len(frame), plan, first_row=first_row, buckets=buckets, threads=threads)
