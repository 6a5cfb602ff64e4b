"""Who is told, who has it, who to call now; and the bell, once for each new page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.state.alerts import attention
from tui.words import age, due_in, hour

if TYPE_CHECKING:
    from engine.monitoring.model import ConditionReading
    from engine.state.alert_views import AlertView
    from engine.state.model import State
    from tui.app import ConsoleApp


def leading(state: State) -> AlertView | None:
    """The alert that says most about the verdict: the heaviest; of equals one that nobody has taken."""
    weight = {"rollback": 0, "critical": 1, "unknown": 2, "warning": 3}
    known = [alert for alert in state.alerts if alert.id]
    return min(known, key=lambda alert: (weight.get(alert.tier, 4), bool(alert.acknowledged_by)), default=None)


def brief(alert: AlertView | None) -> str:
    """In at most some fifteen cells: ``A. Moreno acked``, ``no ack, up 09:25``, ``silenced 09:40``."""
    if alert is None:
        return ""
    if alert.silenced_until is not None:
        return f"silenced {hour(alert.silenced_until)}"
    if alert.acknowledged_by:
        return f"{alert.acknowledged_by.split('@')[0]} acked"
    if alert.escalates_at is not None:
        return f"no ack, up {hour(alert.escalates_at)}"
    return "no ack yet" if alert.told else ""


def told(alert: AlertView | None) -> str:
    """``told Data Ops 09:10, A. Moreno acked``; empty when there is no alert that anybody was told of."""
    return attention(alert) if alert is not None and (alert.told or alert.silenced_until) else ""


def who_to_call(state: State | None, contacts: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """For the present verdict whom, at which level, when it goes up; then everybody."""
    if state is None:
        return contacts
    lines: list[tuple[str, str]] = []
    row = next((row for row in state.matrix if row.verdict == state.verdict.word), None)
    people = [state.contacts.get(name, name.replace("_", " ")) for name in row.told] if row is not None else []
    back = _rolled_back(state)
    nobody = "nobody has to be told of the verdict" if back else "nobody has to be told"
    lines.append((f"NOW {state.verdict.word}", "; ".join(people) or nobody))
    if row is not None:
        lines.append(("", row.action))
    lines += back
    for alert in state.alerts:
        lines.append((f"{alert.priority} {alert.condition}".strip(), attention(alert)))
        if alert.called:
            up = ""
            if alert.escalates_at is not None:
                verb = "is asked of" if alert.escalates_to in alert.told else "goes up to"
                up = f"; {verb} {alert.escalates_to} {due_in(alert.escalates_at, state.at)}"
            lines.append(("", f"at the level of {alert.called}{up}"))
    return [*lines, ("", ""), *contacts]


def _rolled_back(state: State) -> list[tuple[str, str]]:
    """Whom the rollback that ended last has named, for as long as nothing else was operated since."""
    last = state.last_operation
    if state.operation is not None or last is None or last.kind != "rollback":
        return []
    return [(last.id, step.detail) for step in last.steps if step.name == "tell_people" and step.detail]


def call_words(state: State, item: ConditionReading) -> str:
    """Both whom: of this condition, and of the verdict where that rests on it."""
    row = next((row for row in state.matrix if row.verdict == state.verdict.word), None)
    if row is None or not row.told or item.id not in row.conditions:
        return item.call
    roles = [state.contacts.get(name, name.replace("_", " ")).partition(":")[0] for name in row.told]
    return f"{item.call} (this condition); the verdict {state.verdict.word}: {', '.join(roles)}"


def facts(state: State, condition: str) -> list[tuple[str, str]]:
    """What the evidence of a condition says about people; nothing where no alert stands."""
    alert = next((alert for alert in state.alerts if alert.condition == condition), None)
    if alert is None:
        return []
    lines = [("told", attention(alert))]
    if alert.acknowledged_reason:
        lines.append(("taken", f"{alert.acknowledged_by}: {alert.acknowledged_reason}"))
    if alert.silenced_reason:
        lines.append(("silenced", alert.silenced_reason))
    if alert.priority:
        lines.append(
            ("alert", f"{alert.id}, {alert.priority}, open for {age((state.at - alert.since).total_seconds())}")
        )
    return lines


class Bell:
    """Rings once for each page that is new to this console."""

    def __init__(self) -> None:
        self._rung: set[tuple[str, str]] = set()

    def hear(self, app: ConsoleApp, state: State) -> None:
        """Ring where a P1 or P2 stands that nobody has taken and that was not rung for."""
        wanted = {(alert.id, alert.tier) for alert in state.alerts if alert.rings}
        if wanted - self._rung:
            app.bell()
        self._rung |= wanted
