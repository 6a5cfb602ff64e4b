"""The gate of a report as the monitor judged it, as near to the moment as that can be."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from engine.monitoring.criteria import rests_on_the_slot
from engine.monitoring.model import Evaluation, Gate
from engine.monitoring.store import HISTORY_EVERY
from engine.monitoring.stretch import StretchStore
from engine.reports.span import Span
from engine.reports.tried import tried


def judged_gate(
    store: StretchStore,
    span: Span,
    served: datetime | None,
    state: Evaluation | None,
    until: datetime,
    problems: list[str],
) -> Gate | None:
    """What the monitor said when it first saw that the moment had come, else what it said last before, in ``state``.

    What waits for the validation of the moment's slot stands as the monitor said it once it had read that one; nothing
    else that was found after the moment is told.
    """
    if span.gate is None:
        return None
    first = tried(lambda: _at(store, span, until), None, problems, "samples.db") or state
    gate = _of(first, span.gate.id)
    after = tried(lambda: _read(store, served, until), None, problems, "samples.db") if served is not None else None
    later = _of(after, span.gate.id)
    if gate is None or later is None:
        return gate or later
    known = {one.id: one for one in later.criteria}
    found = tuple(known.get(one.id, one) if rests_on_the_slot(one.id) else one for one in gate.criteria)
    return msgspec.structs.replace(gate, criteria=found)


def _at(store: StretchStore, span: Span, until: datetime) -> Evaluation | None:
    """The first state at the moment or after it; None where none is near."""
    near = min(until, span.end + timedelta(seconds=2 * HISTORY_EVERY))
    found = _after(store, span.end - timedelta(milliseconds=1))
    return found if found is not None and found.at < near else None


def _read(store: StretchStore, event_at: datetime, until: datetime) -> Evaluation | None:
    """The first state whose tick began when an event of that time was in the trail."""
    found = _after(store, event_at)
    while found is not None and (found.at - event_at).total_seconds() < found.cadence:
        found = _after(store, found.at)
    return found if found is not None and found.at < until else None


def _after(store: StretchStore, moment: datetime) -> Evaluation | None:
    """The newest state of all is kept apart, and may be the only one."""
    found = store.evaluation_after(moment)
    newest = store.newest_evaluation() if found is None else None
    return newest if newest is not None and newest.at > moment else found


def _of(evaluation: Evaluation | None, gate: str) -> Gate | None:
    return next((one for one in evaluation.gates if one.id == gate), None) if evaluation is not None else None
