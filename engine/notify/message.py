"""What people are told: a notice as it is decided and kept, and the message that a channel carries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from engine.clock import iso
from engine.config import Deployment
from engine.config.monitoring import Contact
from engine.config.notify import NoticeKind, NotifySection
from engine.records import harmless

TEST_MARK = "TEST, nothing is wrong"
DRILL_MARK = "DRILL, not real"
HIGHER = "ESCALATED"
PLAYBOOKS = 3
"""Conditions whose playbook a message that tells of several gives."""


class Notice(msgspec.Struct, frozen=True):
    """One thing that people are told; kept until every channel has delivered it."""

    id: str
    """Stable over restarts: the same id twice is the same message."""
    kind: NoticeKind
    text: str
    to: tuple[str, ...]
    """Contacts, by the name in the configuration."""
    at: datetime
    boot: float
    """When it was decided; how long it is tried counts from here."""
    channels: tuple[str, ...] = ()
    """Those that have not delivered it yet."""
    alert: str = ""
    condition: str = ""
    tier: str = ""
    priority: str = ""
    verdict: str = ""
    level: str = ""
    """The level of escalation, a contact."""
    drill: str = ""
    """The drill that it belongs to; empty: it is real."""
    since: datetime | None = None
    """When the alert was opened."""
    way_back: str = ""
    """Whether we could go back, and in how many seconds; where going back is recommended."""
    release: str = ""
    """The release that it is about."""
    head: str = ""
    """What the subject calls it; empty: as its kind is called."""


class Message(msgspec.Struct, frozen=True):
    """A notice with everything a channel needs to say it."""

    notice: Notice
    subject: str
    body: str
    people: tuple[str, ...]
    """Role, name and how to reach them, one text each."""
    environment: str
    deployment: str
    notices: tuple[Notice, ...] = ()
    """All that it tells of, the heaviest first; ``notice`` is that one."""

    @property
    def text(self) -> str:
        """What it tells, in one line."""
        told = self.notices or (self.notice,)
        return told[0].text if len(told) == 1 else "; ".join(f"{one.condition}: {one.text}" for one in told)

    def as_json(self) -> dict[str, Any]:
        """For machines; ``text`` is what chat systems show."""
        notice = self.notice
        return {
            "id": notice.id,
            "kind": notice.kind,
            "test": notice.kind == "test",
            "drill": notice.drill,
            "deployment": self.deployment,
            "environment": self.environment,
            "subject": self.subject,
            "text": self.body,
            "alert": notice.alert,
            "condition": notice.condition,
            "tier": notice.tier,
            "priority": notice.priority,
            "verdict": notice.verdict,
            "level": notice.level,
            "to": list(notice.to),
            "people": list(self.people),
            "at": iso(notice.at),
            "since": iso(notice.since) if notice.since else "",
            "conditions": [one.condition for one in self.notices or (notice,) if one.condition],
            "alerts": [one.alert for one in self.notices or (notice,) if one.alert],
        }


def together(first: Notice, other: Notice) -> bool:
    """Whether two notices are one message: alerts of the same tick, told to the same people."""
    if "" in (first.condition, other.condition) or first.condition == other.condition:
        return False
    one, two = ((n.kind, n.head, n.to, n.boot, n.drill) for n in (first, other))
    return one == two


def message_of(deployment: Deployment, *notices: Notice) -> Message:
    """The message of a notice, or of several that are told :func:`together`; made harmless."""
    section = deployment.console.deployment
    told = tuple(sorted(notices, key=lambda one: (one.tier != "rollback", one.priority)))
    notice, conditions = told[0], list(dict.fromkeys(one.condition for one in told if one.condition))
    people = tuple(person(deployment.monitoring.contacts, name) for name in notice.to)
    marks = [
        DRILL_MARK if notice.drill else "",
        section.environment,
        section.name,
        notice.priority,
        notice.head or _HEADS[notice.kind],
        ", ".join(conditions),
    ]
    subject = harmless(" ".join(mark for mark in marks if mark), 120)
    if notice.kind == "update":
        lines = [notice.text]
    elif len(told) == 1:
        lines = [f"{subject}: {harmless(notice.text, 2000)}"]
    else:
        lines = [f"{subject}:", *(f"  {one.priority} {one.condition}: {harmless(one.text, 600)}" for one in told)]
    if notice.drill and notice.kind != "update":  # an update says so itself
        lines.insert(0, f"{DRILL_MARK}: {harmless(notice.drill, 80)}. Nothing has to be done on a real deployment.")
    first = min((one.since for one in told if one.since is not None), default=None)
    if first is not None and notice.kind != "cleared":
        lines.append(f"since: {first:%Y-%m-%d %H:%M:%SZ}")
    if people:
        lines.append(f"told: {'; '.join(people)}")
    if notice.kind in ("opened", "escalated") and conditions:
        lines += _next(deployment, notice, conditions)
    return Message(notice, subject, "\n".join(lines), people, section.environment, section.name, told)


def _next(deployment: Deployment, notice: Notice, conditions: Sequence[str]) -> list[str]:
    """What to do, in the order in which it is done."""
    taken = "--all" if len(conditions) > 1 else conditions[0]
    lines = [
        f"acknowledge: abaco-ops ack {taken} --reason TEXT",
        f"look: {'; '.join(f'abaco-ops why {name}' for name in conditions)}",
    ]
    lines += [words for name in conditions[:PLAYBOOKS] for words in _playbook(deployment, notice, name)]
    if notice.tier == "rollback":
        lines.append(
            f"way back: {harmless(notice.way_back, 120) or 'abaco-ops ready says'}; go back: abaco-ops rollback"
        )
    return lines


def _playbook(deployment: Deployment, notice: Notice, name: str) -> list[str]:
    """What to look at, and what to run: who is woken has no console at hand."""
    condition = deployment.monitoring.conditions.get(name)
    if condition is None or condition.playbook is None:
        return []
    playbook = condition.playbook
    run = "; ".join(playbook.run).replace("{release}", notice.release or "RELEASE")
    return [harmless(f"{name}: look at {playbook.look_at}" + (f"; run {run}" if run else ""), 400)]


def person(contacts: Mapping[str, Contact], name: str) -> str:
    """``Engineering Lead: A. Moreno, #engineering``."""
    contact = contacts.get(name)
    return harmless(f"{contact.role}: {contact.name}, {contact.reach}" if contact else name, 160)


def channels_for(section: NotifySection, notice: Notice) -> tuple[str, ...]:
    """The channels of every route that fits, each once, in the order of the configuration."""
    found = [
        name
        for route in section.routes
        if _fits(route.conditions, [notice.condition])
        and _fits(route.priorities, [notice.priority])
        and _fits(route.verdicts, [notice.verdict])
        and _fits(route.kinds, [notice.kind])
        and _fits(route.contacts, notice.to)
        for name in route.channels
    ]
    return tuple(name for name in section.channels if name in found)


def _fits(wanted: Sequence[str], have: Sequence[str]) -> bool:
    return not wanted or any(item in wanted for item in have)


_HEADS: dict[str, str] = {
    "opened": "ALERT",
    "escalated": HIGHER,
    "cleared": "CLEARED",
    "rollback": "ROLLBACK",
    "update": "status update",
    "gate": "GATE",
    "test": TEST_MARK,
}
