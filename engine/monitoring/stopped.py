"""A cutover that stopped half-way, or a rollback whose worker died, is told at once and once; then how it went on.

Its journal says so, not the audit trail: a worker that was killed writes nothing into either.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from engine.clock import Instant, iso
from engine.config.notify import NoticeKind
from engine.errors import OpsError
from engine.monitoring.alerts import Book
from engine.monitoring.escalation import Rules, sent
from engine.notify.message import Notice
from engine.operations.journal import NAME, read_operation
from engine.operations.model import ENDED, Operation, state_in_words
from engine.operations.outcome import state_word
from engine.records import harmless

PRIORITY, VERDICT = "P1", "ROLL BACK"
_LONGEST_WHY = 200


@dataclass(frozen=True, slots=True)
class Found:
    """The operations that have not ended, as their journals are now."""

    stopped: Sequence[Operation] = ()
    """Those that wait for a person."""
    others: Mapping[str, Operation | None] = field(default_factory=dict)
    """All others by id; None where its journal cannot be read now."""
    whole: bool = True
    """False: the directory could not be listed, so what is in neither is not gone."""


class Stopped:
    """Looks at the operations of one deployment; one that has ended is not read again."""

    def __init__(self, operations: Path) -> None:
        self._operations = operations
        self._ended: dict[str, Operation] = {}
        self._dead: frozenset[str] = frozenset()

    def look(self) -> Found:
        """As it is now. A worker that was found dead counts at the second look: another may be taking its place."""
        try:
            with os.scandir(self._operations) as entries:
                names = sorted(entry.name for entry in entries)
        except FileNotFoundError:
            return Found()
        except OSError:
            return Found(whole=False)
        stopped: list[Operation] = []
        others: dict[str, Operation | None] = dict(self._ended)
        dead: set[str] = set()
        for name in names:
            if name in self._ended or not (self._operations / name / NAME).is_file():
                continue
            operation = self._one(name)
            others[name] = operation
            if operation is None:
                continue
            if operation.state in ENDED:
                self._ended[name] = msgspec.structs.replace(operation, steps=(), output=())
            elif operation.open and operation.state == "INTERRUPTED":
                dead.add(name)
                if name in self._dead:
                    stopped.append(operation)
            elif operation.open and operation.kind == "cutover":  # a rollback's own end is told from the trail
                stopped.append(operation)
        self._dead = frozenset(dead)
        return Found(stopped, {name: others[name] for name in names if name in others})

    def _one(self, name: str) -> Operation | None:
        try:
            return read_operation(self._operations / name)
        except (OSError, OpsError):
            return None


def stopped_told(book: Book, found: Found, now: Instant, rules: Rules, *, live: str | None, operating: bool) -> Book:
    """The book with a page for each operation that stopped since, and a word for each that was told and goes on.

    ``live``: the release that is identified; ``operating``: one is under way, which sees to what stopped.
    """
    waiting = {one.id: one for one in found.stopped}
    for name in [name for name in book.stopped if name not in waiting]:
        if name in found.others:
            operation = found.others[name]
            if operation is None or operation.state == "INTERRUPTED":
                continue  # not known now, or not known for long enough
            how = state_word(operation) if operation.state in ENDED else f"goes on, {state_in_words(operation.state)}"
        elif found.whole:
            how = "its records are gone"
        else:
            continue
        book = _cleared(book, name, how, now, rules)
    for operation in waiting.values():
        mark = iso(operation.ended) if operation.ended is not None else operation.state
        if operating or book.stopped.get(operation.id) == mark:
            continue
        book = msgspec.structs.replace(book, stopped={**book.stopped, operation.id: mark})
        book = _notice(book, "opened", operation.id, page(operation, live), now, rules)
    return book


def page(operation: Operation, live: str | None) -> str:
    """Which, how, why, what is live, and what to do first."""
    went = f" from {operation.release_from} to {operation.release_to}" if operation.release_to else ""
    why = f": {harmless(operation.failure, _LONGEST_WHY)}" if operation.failure else ""
    first = " ".join(operation.offers[0].split()) if operation.offers else "abaco-ops rollback"
    return (
        f"{operation.kind} {operation.id}{went} by {operation.actor or '?'} stopped half-way, "
        f"{state_in_words(operation.state)} (it waits for a person){why}; "
        f"{f'{live} is live' if live else 'NO RELEASE IS LIVE'}. "
        f"First: {first}. All ways on: abaco-ops history {operation.id}"
    )


def _cleared(book: Book, name: str, how: str, now: Instant, rules: Rules) -> Book:
    book = _notice(book, "cleared", name, f"{name} waits for nobody any more: {how}", now, rules)
    return msgspec.structs.replace(book, stopped={one: mark for one, mark in book.stopped.items() if one != name})


def _notice(book: Book, kind: NoticeKind, name: str, text: str, now: Instant, rules: Rules) -> Book:
    """To those whom a rollback that needs a person is told, and to who is on call."""
    section = rules.escalation
    people = (
        rules.level(0),
        *(section.rolled_back or rules.row("rollback")),
        *(section.rollback_failed or section.levels[-1:]),
    )
    notice = Notice(
        f"stopped-{name}-{book.stopped[name]}-{kind}",
        kind,
        harmless(text, 600),
        tuple(dict.fromkeys(one for one in people if one)),
        now.wall,
        now.boot,
        alert=f"stopped-{name}-{book.stopped[name]}",
        priority=PRIORITY,
        verdict=VERDICT,
        drill=book.drill,
        head="STOPPED HALF-WAY" if kind == "opened" else "",
    )
    return sent(book, notice, rules)
