"""The gate of a report as the monitor judged it, as near to the moment as that can be."""

from __future__ import annotations

from datetime import datetime

from engine.monitoring.model import Evaluation, Gate
from engine.monitoring.stretch import StretchStore
from engine.reports.span import Span
from engine.reports.tried import tried

_NOTHING: tuple[Evaluation, ...] = ()


def judged_gate(
    store: StretchStore,
    span: Span,
    served: datetime | None,
    state: Evaluation | None,
    until: datetime,
    problems: list[str],
) -> Gate | None:
    """First what the monitor said once it had read that the slot of the moment was served; else what it said last
    before ``until``; else what it said at the moment, in ``state``.
    """
    if span.gate is None:
        return None
    found = [
        (one, gate)
        for one in tried(lambda: _after(store, span, until), _NOTHING, problems, "samples.db")
        if (gate := _of(one, span.gate.id)) is not None
    ]
    after = next((gate for one, gate in found if served is not None and _has_read(one, served)), None)
    return after or (found[-1][1] if found else None) or (_of(state, span.gate.id) if state is not None else None)


def _has_read(evaluation: Evaluation, event_at: datetime) -> bool:
    """Whether an event of that time was in the trail when the tick began that read it."""
    return (evaluation.at - event_at).total_seconds() >= evaluation.cadence


def _after(store: StretchStore, span: Span, until: datetime) -> tuple[Evaluation, ...]:
    """The states of the time in which the slot of the moment is served; the newest of all with them."""
    kept = tuple(one for one in store.evaluations(span.end, until) if one.at < until)
    newest = store.newest_evaluation()
    return (*kept, newest) if newest is not None and span.end <= newest.at < until else kept


def _of(evaluation: Evaluation, gate: str) -> Gate | None:
    return next((one for one in evaluation.gates if one.id == gate), None)
