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


class Message(msgspec.Struct, frozen=True):
    """A notice with everything a channel needs to say it."""

    notice: Notice
    subject: str
    body: str
    people: tuple[str, ...]
    """Role, name and how to reach them, one text each."""
    environment: str
    deployment: str

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
        }


def message_of(deployment: Deployment, notice: Notice) -> Message:
    """The message of a notice, made harmless."""
    section = deployment.console.deployment
    people = tuple(person(deployment.monitoring.contacts, name) for name in notice.to)
    marks = [
        DRILL_MARK if notice.drill else "",
        section.environment,
        section.name,
        notice.priority,
        _HEADS[notice.kind],
        notice.condition,
    ]
    subject = harmless(" ".join(mark for mark in marks if mark), 120)
    lines = [f"{subject}: {harmless(notice.text, 2000)}" if notice.kind != "update" else notice.text]
    if notice.drill and notice.kind != "update":  # an update says so itself
        lines.insert(0, f"{DRILL_MARK}: {harmless(notice.drill, 80)}. Nothing has to be done on a real deployment.")
    if people:
        lines.append(f"told: {'; '.join(people)}")
    if notice.kind in ("opened", "escalated") and notice.condition:
        lines.append(f"acknowledge: abaco-ops ack {notice.condition} --reason TEXT")
    return Message(notice, subject, "\n".join(lines), people, section.environment, section.name)


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
    "escalated": "ESCALATED",
    "cleared": "CLEARED",
    "rollback": "ROLLBACK",
    "update": "status update",
    "gate": "GATE",
    "test": TEST_MARK,
}
