"""Source: the audit trail. Facts of the watch, the runs' events, and validations as levels."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from itertools import takewhile

import msgspec

from engine.clock import Instant
from engine.config import Deployment
from engine.errors import OpsError
from engine.monitoring.assembly import calendar_of
from engine.monitoring.audit import SeenEvents
from engine.monitoring.continuity import AUDIT, LOST_TRAIL, Known, Loss, acknowledged, known_of, missing
from engine.monitoring.facts import Facts, Validation, another_file, fold
from engine.monitoring.reading import Missing, Reading, Value
from engine.monitoring.running import Running
from engine.monitoring.schedule import Slot
from engine.records import Record, Tail, harmless

NOTHING_READ = Known()
READ_AT_START = 256 * 1024
PASS, WARN, FAIL, CONFIRMED = 0.0, 1.0, 2.0, 3.0
_LEVELS = {"PASS": PASS, "WARN": WARN, "FAIL": FAIL, "ERROR": FAIL}
INTEGRITY = "data_integrity"


class TrailSource:
    """Follows ``logs/events.jsonl``; goes on at ``offset`` with the ``facts`` of an earlier monitor."""

    def __init__(
        self,
        deployment: Deployment,
        facts: Facts,
        offset: int,
        *,
        handled: int = 0,
        known: Known = NOTHING_READ,
        loss: Loss | None = None,
    ) -> None:
        """``handled``: the last event that the monitor before acted on, where its facts are lost. ``known``, ``loss``:
        what it had read last, and what it knew of a trail that is lost.
        """
        self._deployment = deployment
        self._handled = handled
        self._path = path = deployment.paths.events
        self._condition = next((n for n, c in deployment.monitoring.conditions.items() if c.metric == AUDIT), "")
        self._first = True
        self._lost_after: Known | None = None
        self.known = known
        self.loss = loss
        self.lost_now = False
        """Whether the loss was found at this tick."""
        try:
            near_end = max(path.stat().st_size - READ_AT_START, 0)
        except OSError:
            near_end = 0
        # what it knew is skipped by sequence number; the runs' events of the end are wanted once more
        self._tail = Tail.from_offset(path, min(offset, near_end))
        self.facts = facts
        self.seen = SeenEvents()
        self.new: tuple[Record, ...] = ()

    @property
    def offset(self) -> int:
        """How far the trail was read."""
        return self._tail.offset

    @property
    def audit_floor(self) -> float:
        """The level that AUD is not better than."""
        return LOST_TRAIL if self.loss is not None and self.loss.stands else 0.0

    def follow(self, now: Instant) -> list[str]:
        """Read what is new, into ``facts``, ``seen`` and ``new``; the problems met."""
        problems: list[str] = []
        found: list[Record] = []
        self.lost_now = False
        try:
            self._look_back(missing(self._path, self.known), now)
            for _ in range(100):
                try:
                    self._take(self._tail.new_records(), found, now)
                    break
                except OpsError as error:
                    problems.append(f"audit trail: {harmless(error.what)}")
        except OSError as error:
            problems.append(f"audit trail: {harmless(error)}")
        self._first = False
        self._fold(found)
        self.loss = acknowledged(self.loss, self.new, self._condition)
        if self.loss is not None and self.loss.stands:
            problems.append(f"audit trail LOST: {self.loss.words}; abaco-ops ack {self._condition or 'AUD'}")
        return problems

    def _look_back(self, words: str, now: Instant) -> None:
        """The trail is not the one any more that was read: what is there is read, and what was known stays known."""
        if words:
            self.loss, self.lost_now = Loss(now.wall, words), True
            self._lost_after, self.known = self.known, Known()
            self._tail = Tail(self._path)

    def _take(self, got: list[Record], found: list[Record], now: Instant) -> None:
        if not got:
            return
        if got[0].get("seq") == 1 and self.known.offset and not self._first:  # put there since the look back
            read = f"{self.known.seq} records of it had been read"
            self._look_back(f"logs/{self._path.name} was replaced by another one; {read}", now)
            got = self._tail.new_records()
        if got:
            found += got
            self.known = known_of(got[-1], self._tail.offset)

    def _fold(self, found: list[Record]) -> None:
        numbered = [event for event in found if isinstance(event.get("seq"), int)]
        lost_after = self._lost_after
        if lost_after is not None and numbered:  # what is left of the old trail was known before
            self._lost_after = None
            found = [event for event in numbered if lost_after.before(event)]
            self.facts = msgspec.structs.replace(
                fold(msgspec.structs.replace(self.facts, seq=0), found), seq=numbered[-1]["seq"]
            )
            self.new = tuple(found)
        else:
            before = 0 if another_file(numbered, self.facts.seq) else self.facts.seq
            self.facts = fold(self.facts, found)
            self.new = tuple(event for event in numbered if event["seq"] > max(before, self._handled))
        self._handled = 0
        self.seen.add(found)

    def validations(self, release: str) -> tuple[Validation, ...]:
        """Those of one release, oldest first; of the new one only those after the last way back."""
        since = self.facts.rolled_back_at if release == self._deployment.console.releases.new else None
        return tuple(v for v in self.facts.validations if v.release == release and (since is None or v.at >= since))

    def data_loss(self, release: str) -> bool:
        """Whether the newest validation of a release found rows or published files lost or altered."""
        done = self.validations(release)
        return bool(done) and done[-1].data_loss

    def readings(self, running: Running, now: Instant, *, restarted: bool, doubt: str = "") -> dict[str, Reading]:
        """``validation_level``, about the release as it runs, and ``data_quality_level``, about the tape.

        ``restarted``: another process ran when this deployment was first watched. ``doubt``: why the KPIs published
        last may come of a damaged tape; then somebody has to look at it, also where nobody ever did.
        """
        # a deployment that was never operated nor validated has nothing that would have to be shown again
        needed = restarted or self.facts.operated or bool(self.facts.validations)
        return {
            "validation_level": self._validated(running, now, needed),
            "data_quality_level": self._quality(running, now, needed, doubt),
        }

    def _validated(self, running: Running, now: Instant, needed: bool) -> Reading:
        """Rests on a validation of this release that ended while this very process ran, on the tape it reads now."""
        done = self.validations(running.release)
        if running.identity is None:
            return Missing(f"{running.release} does not run", needed=needed, at_once=True)
        if not done or not running.began_before(done[-1].boot, done[-1].boot_id):
            said = (
                f"not validated since {running.release} started" if needed else f"{running.release} was not validated"
            )
            return Missing(said, needed=needed, at_once=True)
        if _of_another_tape(done[-1], running):
            return Missing(_changed(done[-1]), needed=needed, at_once=True)
        return _level(done[-1].status, self._confirmed(done, now), done[-1], now)

    def _quality(self, running: Running, now: Instant, needed: bool, doubt: str) -> Reading:
        """Rests on the newest validation of all, whichever release it judged: the tape is the same."""
        done = self.facts.validations
        if not done:
            said = "no validation has looked at the tape"
            return Missing(f"{doubt}: {said}" if doubt else said, needed=needed or bool(doubt), at_once=bool(doubt))
        if _of_another_tape(done[-1], running):
            return Missing(_changed(done[-1]), needed=needed, at_once=True)
        # a bad tape is bad however often one looks; lost or altered data, found twice, is a reason to roll back
        own = self.validations(done[-1].release)  # what was found before the way back was taken is no confirmation
        lost = len(own) > 1 and own[-2:] == done[-2:] and all(v.data_loss for v in own[-2:])
        return _level(done[-1].checks.get(INTEGRITY, "NOT RUN"), lost, done[-1], now)

    def _confirmed(self, done: tuple[Validation, ...], now: Instant) -> bool:
        """FAIL again at hour 1: the first gate's own validation and its re-run, neither by a person; until one passes
        or the gate is decided go.
        """
        failed = tuple(takewhile(lambda one: one.failed, reversed(done)))  # newest first
        again = next((n for n, one in enumerate(failed) if one.occasion == "again"), None)
        if again is None:
            return False
        calendar = calendar_of(self._deployment, self.facts, now.wall)
        slot = first_gate_slot(self._deployment, self.facts, calendar.validations() if calendar else ())
        return slot is not None and any(
            one.occasion == "slot" and slot.at <= one.at <= failed[again].at for one in failed[again + 1 :]
        )


def first_gate_slot(deployment: Deployment, facts: Facts, slots: Sequence[Slot]) -> Slot | None:
    """The slot of the validation that the first gate rests on; None once that gate is decided go."""
    points = sorted(deployment.checklist.decisions, key=lambda point: point.at)
    if facts.watching_since is None or not points or points[0].id in facts.gone:
        return None
    first = facts.watching_since + timedelta(seconds=points[0].at / deployment.console.time_scale)
    return next((slot for slot in slots if slot.at == first), None)


def _of_another_tape(done: Validation, running: Running) -> bool:
    """Whether it judged another tape than the newest run read; one that could not read its tape is no good news."""
    if running.tape_sha256 is None or (done.tape_sha256 is None and done.failed):
        return False
    return done.tape_sha256 != running.tape_sha256


def _changed(done: Validation) -> str:
    return f"not validated since the tape changed, last at {done.at:%H:%M:%S}Z"


def _level(status: str, confirmed: bool, last: Validation, now: Instant) -> Reading:
    level = _LEVELS.get(status)
    if level is None:
        return Missing(f"the last validation says {harmless(status, 20)}", at_once=True)
    boot = last.boot if last.boot <= now.boot else 0.0  # an earlier boot's time says nothing here
    return (Value(CONFIRMED if confirmed else level, last.at, boot, last.release),)
