"""What a drawing needs to know besides the state: the time, the marks, what the reader of the screen may do."""

from __future__ import annotations

import math
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace as replace_fields

from engine.state.watch_time import since_cutover, since_stays
from tui.glyphs import Glyphs
from tui.lines import Line, Role, put
from tui.words import age, age_stays, ago, clock, due_in, due_stays

if TYPE_CHECKING:
    from engine.monitoring.model import MatrixRow
    from engine.state.model import State

STATE_STALE_CADENCES = 2.0
_LEAST_PATIENCE = 3.0
LATE_CADENCES, _LEAST_LATE = 2.0, 2.0
"""Sample cadences, and seconds at least, after which the age of the data is loud."""


class Stays:
    """For how long a drawing says what is true; every word about a time makes it shorter."""

    __slots__ = ("clock", "seconds")

    def __init__(self) -> None:
        self.seconds = math.inf
        self.clock: Line = ()
        """The time of day as it stands in the drawing."""

    def at_most(self, seconds: float) -> None:
        """Something in the drawing is another after so many seconds."""
        self.seconds = min(self.seconds, seconds)


class Look(msgspec.Struct, frozen=True, eq=False):
    """How to draw. ``cursor`` is the row under the cursor, or None where the panel is not the one in hand."""

    glyphs: Glyphs
    at: datetime
    """The time of the drawing. Drawings ask :attr:`now`, or for words about a time."""
    read_only: bool = False
    cursor: int | None = None
    replay: str = ""
    """What says that the past is shown, and how fast: ``REPLAY x10``; empty: it is now."""

    window: str = ""
    """How much time the trends show: ``6 h``; empty: the newest values, as they came."""

    stays: Stays = msgspec.field(default_factory=Stays)
    """For how long the drawing made with it says what is true."""

    @property
    def now(self) -> datetime:
        """The time of the drawing; whoever asks for it may say another thing at any other moment."""
        self.stays.at_most(0.0)
        return self.at

    def age(self, moment: datetime) -> str:
        """How long ago that was: ``12m``."""
        passed = (self.at - moment).total_seconds()
        self.stays.at_most(age_stays(passed))
        return age(passed)

    def ago(self, moment: datetime | None) -> str:
        """``12m ago``, or ``never``."""
        if moment is not None:
            self.stays.at_most(age_stays((self.at - moment).total_seconds()))
        return ago(moment, self.at)

    def since_cutover(self, moment: datetime, scale: float) -> str:
        """``T+07:12``."""
        self.stays.at_most(since_stays((self.at - moment).total_seconds(), scale))
        return since_cutover(moment, self.at, scale)

    def clock(self, role: Role = "text") -> Line:
        """The time of day. It alone does not make a drawing stay shorter: who keeps that moves the clock on."""
        self.stays.clock = put(clock(self.at), role)
        return self.stays.clock

    def due_in(self, moment: datetime) -> str:
        """``in 48m``, ``now``, or ``10m over``."""
        self.stays.at_most(due_stays((moment - self.at).total_seconds()))
        return due_in(moment, self.at)

    def at_row(self, cursor: int | None) -> Look:
        """The same with the cursor on another row, for a drawing of its own."""
        return replace_fields(self, cursor=cursor, stays=Stays())


def honest(state: State, now: datetime, *, waited: float = 0.0, stands: float = 0.0, confirmed: float = 0.0) -> State:
    """The state as it may be shown at ``now``: one that was read too long ago says nothing any more.

    The clock goes on while the thread that reads is stuck; then every value is stale and the verdict UNKNOWN.
    ``waited``: seconds since it arrived or was last found to be so still, by a clock that nobody sets; ``confirmed``:
    seconds from the one to the other; ``stands``: for so long the time of day has stood still, and then no age can be
    told.
    """
    late = max((now - state.at).total_seconds() - confirmed, waited)
    if stands > max(LATE_CADENCES * state.sample_cadence, _LEAST_LATE):
        why = f"this machine's clock has stood still for {age(stands)}: no age can be told"
        return _nothing_known(state, f"{why}; last seen: {state.verdict.word}", "when the clock goes on")
    if late <= patience(state):
        return state
    why = f"this console has read nothing for {age(late)}; last seen: {state.verdict.word}"
    return _nothing_known(state, why, "when it can read the records again")


def patience(state: State) -> float:
    """Seconds after which a state that was read says nothing any more."""
    return max(STATE_STALE_CADENCES * state.sample_cadence, _LEAST_PATIENCE)


def late_data(state: State, look: Look) -> bool:
    """Whether the newest sample is late, though not yet too old: seen within two cadences."""
    if state.monitor.observed_at is None:
        return False
    left = max(LATE_CADENCES * state.sample_cadence, _LEAST_LATE)
    left -= (look.at - state.monitor.observed_at).total_seconds()
    if left >= 0:
        look.stays.at_most(left)
    return left < 0


def _nothing_known(state: State, why: str, clears: str) -> State:
    """Every value as it was, marked; what rested on them rests on nothing now."""
    from engine.state.model import VerdictView  # the first picture comes before any state

    verdict = VerdictView("UNKNOWN", why, clears, "", state.verdict.observed_at, True)
    return replace_fields(
        state,
        verdict=verdict,
        matrix=tuple(_without_ground(row, why) for row in state.matrix),
        way_back=replace_fields(state.way_back, stale=True),
        watch=replace_fields(state.watch, stale=True),
        kpis=tuple(replace_fields(item, stale=True) for item in state.kpis),
        resources=tuple(replace_fields(item, stale=True) for item in state.resources),
        unjudged=tuple(replace_fields(item, stale=True) for item in state.unjudged),
        conditions=tuple(replace_fields(item, stale=True) for item in state.conditions),
        checks=replace_fields(state.checks, stale=True),
        checklist=replace_fields(state.checklist, stale=True),
        shadow=replace_fields(state.shadow, stale=True) if state.shadow is not None else None,
        monitor=replace_fields(state.monitor, stale=True),
    )


def _without_ground(row: MatrixRow, why: str) -> MatrixRow:
    """A row of the matrix when nothing is known: UNKNOWN holds, and no other was judged."""
    unknown = row.verdict == "UNKNOWN"
    return replace_fields(row, active=unknown, evidence=why if unknown else "not judged", conditions=(), age=None)
