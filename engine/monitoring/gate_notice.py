"""A decision point that is overdue is told once to who is on call, and again only when it was decided and is late anew.

Pure.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from engine.clock import Instant, iso
from engine.monitoring.alerts import Book, Happening
from engine.monitoring.escalation import Rules, sent
from engine.monitoring.model import Gate
from engine.notify.message import Notice
from engine.records import harmless

EVENT = "gate.overdue"
_REMEMBERED = 40
PRIORITY = "P2"


def overdue_told(book: Book, gates: Sequence[Gate], now: Instant, rules: Rules) -> Book:
    """The book with a notice and an event for each gate that became overdue since."""
    for gate in gates:
        name = f"{gate.id}-overdue-{iso(gate.due_at)}"
        if gate.state == "overdue" and name not in book.overdue:
            book = msgspec.structs.replace(book, overdue=(*book.overdue, name)[-_REMEMBERED:])
            book = _told(book, gate, name, now, rules)
    return book


def _told(book: Book, gate: Gate, name: str, now: Instant, rules: Rules) -> Book:
    against = [*gate.would_fail_on, *(f"{one} unknown" for one in gate.unknown)]
    stands = f"it would fail on: {', '.join(against)}" if against else "all criteria met"
    text = harmless(
        f"{gate.title} is overdue since {gate.due_at:%d %b %H:%M:%SZ}, nobody decided it; {stands}; "
        f"abaco-ops gate show {gate.id}",
        600,
    )
    to = tuple(one for one in (rules.level(0),) if one)
    data = {"alert": name, "n": 1, "gate": gate.id, "due": iso(gate.due_at), "to": list(to), "text": text}
    book = msgspec.structs.replace(book, unrecorded=(*book.unrecorded, Happening(EVENT, data)))
    notice = Notice(name, "gate", text, to, now.wall, now.boot, priority=PRIORITY, drill=book.drill)
    return sent(book, notice, rules) if to else book
