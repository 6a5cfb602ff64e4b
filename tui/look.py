"""What a drawing needs to know besides the state: the time, the marks, what the reader of the screen may do."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

import msgspec

from engine.state.model import State, VerdictView
from tui.glyphs import Glyphs
from tui.words import age

STATE_STALE_CADENCES = 3.5
_LEAST_PATIENCE = 3.0


@dataclass(frozen=True, slots=True)
class Look:
    """How to draw. ``cursor`` is the row under the cursor, or None where the panel is not the one in hand."""

    glyphs: Glyphs
    now: datetime
    read_only: bool = False
    cursor: int | None = None
    replay: str = ""
    """What says that the past is shown, and how fast: ``REPLAY x10``; empty: it is now."""

    window: str = ""
    """How much time the trends show: ``6 h``; empty: the newest values, as they came."""

    def at_row(self, cursor: int | None) -> Look:
        """The same with the cursor on another row."""
        return replace(self, cursor=cursor)


def honest(state: State, now: datetime) -> State:
    """The state as it may be shown at ``now``: one that was read too long ago says nothing any more.

    The clock goes on while the thread that reads is stuck; then every value is stale and the verdict UNKNOWN.
    """
    late = (now - state.at).total_seconds()
    if late <= max(STATE_STALE_CADENCES * state.sample_cadence, _LEAST_PATIENCE):
        return state
    verdict = VerdictView(
        word="UNKNOWN",
        why=f"this console has read nothing for {age(late)}; last seen: {state.verdict.word}",
        clears="when it can read the records again",
        worsens="",
        observed_at=state.verdict.observed_at,
        stale=True,
    )
    return msgspec.structs.replace(
        state,
        verdict=verdict,
        way_back=msgspec.structs.replace(state.way_back, stale=True),
        kpis=tuple(msgspec.structs.replace(item, stale=True) for item in state.kpis),
        resources=tuple(msgspec.structs.replace(item, stale=True) for item in state.resources),
        unjudged=tuple(msgspec.structs.replace(item, stale=True) for item in state.unjudged),
        conditions=tuple(msgspec.structs.replace(item, stale=True) for item in state.conditions),
        checks=msgspec.structs.replace(state.checks, stale=True),
        monitor=msgspec.structs.replace(state.monitor, stale=True),
    )
