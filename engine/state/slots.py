"""The checklist as views; folded again only when something in it can have changed."""

from __future__ import annotations

from datetime import datetime
from operator import attrgetter

import msgspec

from engine.config import Deployment
from engine.monitoring.checklist import Item, Moment, items, of_facts
from engine.monitoring.facts import Facts
from engine.monitoring.grounds import Grounds, GroundsReader
from engine.monitoring.model import Evaluation
from engine.state.model import ChecklistItemView, ChecklistView

_fields_of = attrgetter(*(name for name in ChecklistItemView.__struct_fields__ if name != "stale"))
_Basis = tuple[Facts, Evaluation | None, datetime | None, datetime | None, int, bool]


class ChecklistReader:
    """Keeps the last fold: the list is long, and between two seconds or samples nothing in it moves."""

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment
        self._grounds = GroundsReader(deployment)
        self._basis: _Basis | None = None
        self._view = ChecklistView(0, 0, ())

    def read(
        self,
        now: datetime,
        facts: Facts,
        evaluation: Evaluation | None,
        *,
        cutover_at: datetime | None,
        rolled_back_at: datetime | None,
        late: str = "",
    ) -> ChecklistView:
        """All lines in order of time. After the way back, what comes before a cutover is asked anew.

        ``late``: how old the evaluation is, where it says nothing about now any more; what rests on it is marked.
        """
        basis = (facts, evaluation, cutover_at, rolled_back_at, int(now.timestamp()), bool(late))
        if self._basis is None or any(
            new is not old and new != old for new, old in zip(basis, self._basis, strict=True)
        ):
            self._basis = basis
            grounds, switched = self._grounds.read(), (cutover_at, rolled_back_at)
            self._view = view_at(self._deployment, now, facts, evaluation, grounds, switched, late=late)
        return self._view


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
    view = _fold(deployment, now, facts, evaluation, grounds, switched)
    if not late:
        return view
    return marked_late(view, _fold(deployment, now, facts, None, grounds, switched), late)


def _fold(
    deployment: Deployment,
    now: datetime,
    facts: Facts,
    evaluation: Evaluation | None,
    grounds: Grounds | None,
    switched: tuple[datetime | None, datetime | None],
) -> ChecklistView:
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
    moment = Moment(
        **fields,  # type: ignore[arg-type]
        now=now,
        evaluation=evaluation,
        release=deployment.new.release,
        time_scale=float(deployment.console.time_scale),
        grounds=grounds,
        change_percent=float(deployment.kpis.anomaly.change_percent),
    )
    hourly = evaluation.hourly if evaluation else None
    return ChecklistView(
        hourly_passed=hourly.passed if hourly else 0,
        hourly_due=hourly.due if hourly else 0,
        items=tuple(line_view(item) for item in items(deployment.checklist, moment)),
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


def line_view(item: Item) -> ChecklistItemView:
    """One line as the screen shows it."""
    return ChecklistItemView(*_fields_of(item))
