"""The checklist as views; folded again only when something in it can have changed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
from msgspec.structs import replace

from engine.config import Deployment
from engine.monitoring.checklist import Moment, items, next_turn, of_facts
from engine.monitoring.disk import size_words
from engine.monitoring.facts import Facts
from engine.monitoring.grounds import Grounds, GroundsReader
from engine.monitoring.model import Evaluation
from engine.state.model import ChecklistView

_Basis = tuple[Facts, Evaluation | None, datetime | None, datetime | None, Grounds]
AGAIN = timedelta(seconds=60)
"""Folded again after so long whatever seems to be the same."""


class ChecklistReader:
    """Keeps the last fold: the list is long, and between two samples and two of its times nothing in it moves."""

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment
        self._grounds = GroundsReader(deployment)
        self._limits = _limits(deployment)
        self._basis: _Basis | None = None
        self._folded_at = self._until = datetime.min.replace(tzinfo=UTC)
        self._fold = self._bare = self._view = ChecklistView(0, 0, ())
        """The fold; the same without the evaluation, where that is late; and what was given last."""
        self._late: str | None = None

    def read(
        self,
        now: datetime,
        facts: Facts,
        evaluation: Evaluation | None,
        *,
        cutover_at: datetime | None,
        rolled_back_at: datetime | None,
        late: str = "",
        build: str = "",
    ) -> ChecklistView:
        """All lines in order of time. After the way back, what comes before a cutover is asked anew.

        ``late``: how old the evaluation is, where it says nothing about now any more; what rests on it is marked.
        ``build``: of the old release, its first digits, as it is installed.
        """
        grounds, switched = self._grounds.read(build), (cutover_at, rolled_back_at)
        basis = (facts, evaluation, *switched, grounds)
        if self._moved(now, basis):
            moment = _moment(self._deployment, now, facts, evaluation, grounds, switched)
            turn = next_turn(self._deployment.checklist, moment)
            self._basis, self._folded_at = basis, now
            self._until = min(turn, now + AGAIN) if turn is not None else now + AGAIN
            self._fold = _fold(self._deployment, moment)
            self._late = None
        if late != self._late:
            if late and not self._late:
                self._bare = _fold(self._deployment, _moment(self._deployment, now, facts, None, grounds, switched))
            self._view = marked_late(self._fold, self._bare, late) if late else self._fold
            self._late = late
        return self._view

    def _moved(self, now: datetime, basis: _Basis) -> bool:
        """Whether anything that the list rests on is other than when it was folded."""
        if self._basis is None or not self._folded_at <= now < self._until:
            return True
        if any(new is not old and new != old for new, old in zip(basis[:-1], self._basis[:-1], strict=True)):
            return True
        return _as_said(basis[-1], self._limits) != _as_said(self._basis[-1], self._limits)


def _limits(deployment: Deployment) -> tuple[int, ...]:
    """Every size that free space is compared with."""
    tasks = [task for window in deployment.checklist.windows for task in window.tasks]
    return tuple(
        {int(deployment.console.cadence.min_free), *(int(task.least) for task in tasks if task.least is not None)}
    )


def _as_said(grounds: Grounds, limits: tuple[int, ...]) -> tuple[object, ...]:
    """Grounds as far as a line says them: free space moves with each byte, its words seldom."""
    free = grounds.free
    said = None if free is None else (size_words(free), *(free >= limit for limit in limits))
    return said, replace(grounds, free=None)


def view_at(
    deployment: Deployment,
    now: datetime,
    facts: Facts,
    evaluation: Evaluation | None,
    grounds: Grounds | None,
    switched: tuple[datetime | None, datetime | None],
    *,
    late: str = "",
) -> ChecklistView:
    """The checklist at one moment, live or replayed. ``switched``: cutover and rollback, by the journals.

    ``late``: how old the evaluation is, where it says nothing about ``now`` any more; what rests on it is marked.
    """
    view = _fold(deployment, _moment(deployment, now, facts, evaluation, grounds, switched))
    if not late:
        return view
    return marked_late(view, _fold(deployment, _moment(deployment, now, facts, None, grounds, switched)), late)


def _moment(
    deployment: Deployment,
    now: datetime,
    facts: Facts,
    evaluation: Evaluation | None,
    grounds: Grounds | None,
    switched: tuple[datetime | None, datetime | None],
) -> Moment:
    cutover_at, rolled_back_at = switched
    back = rolled_back_at is not None and (cutover_at is None or rolled_back_at >= cutover_at)
    fields = {
        **of_facts(facts),
        # the journals win over the events
        "since": None if back else cutover_at,
        "rolled_back_at": rolled_back_at,
        "closed_since": cutover_at if back else None,
        "decisions": tuple(one for one in facts.decided if cutover_at is not None and one.at >= cutover_at),
    }
    return Moment(
        **fields,  # type: ignore[arg-type]
        now=now,
        evaluation=evaluation,
        release=deployment.new.release,
        time_scale=float(deployment.console.time_scale),
        grounds=grounds,
        change_percent=float(deployment.kpis.anomaly.change_percent),
    )


def _fold(deployment: Deployment, moment: Moment) -> ChecklistView:
    hourly = moment.evaluation.hourly if moment.evaluation else None
    return ChecklistView(
        hourly_passed=hourly.passed if hourly else 0,
        hourly_due=hourly.due if hourly else 0,
        items=items(deployment.checklist, moment),
    )


def marked_late(view: ChecklistView, without: ChecklistView, late: str) -> ChecklistView:
    """``view``, what in it rests on the evaluation marked as stale: it is not what it would be ``without`` one."""
    bare = {item.key: item.measured for item in without.items}
    items = tuple(
        msgspec.structs.replace(item, measured=f"STALE {late}: {item.measured}", measured_ok=None, stale=True)
        if item.measured and item.state not in ("done", "overridden", "closed") and bare.get(item.key) != item.measured
        else item
        for item in view.items
    )
    return msgspec.structs.replace(view, items=items, stale=True)
