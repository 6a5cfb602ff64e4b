"""The monitor's hand on the alert book: what fires goes in; events, notices and pings go out, and nothing waits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from engine.clock import Clock, Instant
from engine.config import Deployment
from engine.errors import OpsError
from engine.monitoring import checkpoint as saved
from engine.monitoring.alerts import VERDICT, Book, Firing, Standing, delivered, rebased
from engine.monitoring.escalation import Rules, advance, due_at
from engine.monitoring.facts import Facts
from engine.monitoring.gate_notice import overdue_told
from engine.monitoring.judgement import NO_DATA
from engine.monitoring.model import Alert, Evaluation
from engine.monitoring.page_words import besides_of
from engine.monitoring.stopped import Stopped, stopped_told
from engine.notify.courier import Post
from engine.notify.dead_man import DeadMan
from engine.notify.message import Notice, channels_for
from engine.records import Record, append_event, harmless

_NO_FACTS = Facts()
RINGING = ("P1", "P2")
WRITTEN_AT_ONCE = 50
"""Events that one tick writes at most; the rest follows at the next."""


def going_on(book: Book, watch: saved.Watch, boot_id: str, now: Instant) -> Book:
    """The book as the monitor before left it; of another boot with its deadlines moved by what the wall clock says."""
    if not watch.boot_id or watch.boot_id == boot_id or watch.wall is None:
        return book
    passed = max((now.wall - watch.wall).total_seconds(), 0.0)
    return rebased(book, now.boot - watch.boot - passed)


class Paging:
    """One deployment's alerts. :meth:`judge` decides, what it decided is written down, then :meth:`tell` acts."""

    def __init__(
        self,
        deployment: Deployment,
        clock: Clock,
        book: Book,
        environment: Mapping[str, str] | None = None,
        left: saved.Deliveries = saved.NO_DELIVERIES,
    ) -> None:
        self._deployment = deployment
        self._clock = clock
        self._rules = Rules.of(
            deployment.monitoring,
            float(deployment.console.time_scale),
            (deployment.console.releases.old, deployment.console.releases.new),
        )
        self._post = Post(deployment, clock, environment, left.unwritten)
        section = deployment.monitoring.dead_man
        self._dead_man = DeadMan(section, clock, self._post.recorder, environment) if section else None
        self._stopped = Stopped(deployment.paths.operations)
        self._handed: set[tuple[str, str, int]] = set()
        """Happenings that were written and that the trail has not shown yet."""
        self.book = book

    @property
    def deliveries(self) -> saved.Deliveries:
        """What was delivered, or failed, and is in no record yet."""
        return saved.Deliveries(self._post.recorder.waiting())

    def judge(
        self, evaluation: Evaluation, events: Sequence[Record], now: Instant, *, settled: bool, facts: Facts = _NO_FACTS
    ) -> Evaluation:
        """The evaluation with its alerts as the book has them, and with what is wrong about telling people."""
        book = self.book
        for notice, channel in self._post.done():
            book = delivered(book, notice, channel)
        book = self._without_lost_channels(book)
        book = self._identified(book, evaluation, now, settled)
        firing = self._firing(evaluation, book, now)
        besides = besides_of(self._deployment, evaluation.conditions, book.alerts, facts, now)
        book = advance(book, firing, events, now, self._rules, paging=evaluation.paging, besides=besides)
        if evaluation.paging:
            book = overdue_told(book, evaluation.gates, now, self._rules)
        operating, live = bool(evaluation.operation), evaluation.release
        self.book = stopped_told(book, self._stopped.look(), now, self._rules, live=live, operating=operating)
        problems = (*evaluation.problems, *self._troubles())
        return msgspec.structs.replace(evaluation, alerts=self._views(evaluation, now), problems=problems)

    def tell(self, now: Instant) -> list[str]:
        """Write the events, hand the notices over, ping. The problems met. Called once what was decided is kept."""
        problems: list[str] = []
        waiting = {one.key for one in self.book.unrecorded}
        self._handed &= waiting
        for one in [one for one in self.book.unrecorded if one.key not in self._handed][:WRITTEN_AT_ONCE]:
            try:
                append_event(self._deployment.paths.events, one.kind, one.data, source="monitor", clock=self._clock)
            except (OpsError, OSError) as error:
                problems.append(f"audit trail: {harmless(error)}")
                break
            self._handed.add(one.key)
        if self._post.recorder.waiting():
            self._post.recorder.again()
        self._post.offer(self.book.outbox)
        if self._dead_man is not None:
            self._dead_man.beat(now)
        return problems

    def close(self) -> None:
        """Stop telling; what is not delivered stays in the book."""
        if self._dead_man is not None:
            self._dead_man.close()
        self._post.close()

    # ---- what fires

    def _identified(self, book: Book, evaluation: Evaluation, now: Instant, settled: bool) -> Book:
        """Since when no release can be identified, with nothing that explains it."""
        lost = evaluation.release is None and not evaluation.operation and not evaluation.waiting and settled
        since = (now.boot if book.unidentified is None else book.unidentified) if lost else None
        return book if since == book.unidentified else msgspec.structs.replace(book, unidentified=since)

    def _firing(self, evaluation: Evaluation, book: Book, now: Instant) -> list[Firing]:
        metrics = {name: condition.metric for name, condition in self._deployment.monitoring.conditions.items()}
        rolls = any(row.verdict == "ROLL BACK" and row.active for row in evaluation.matrix)
        found = []
        for one in evaluation.conditions:
            tier = one.firing
            if tier == "rollback" and not rolls:
                tier = "critical"  # on the old release there is nothing to roll back
            if tier == "warning" and metrics.get(one.id) == NO_DATA:
                tier = "unknown"
            if tier:
                found.append(Firing(one.id, tier, one.evidence, one.hold, one.flapping))
        own = next((name for name, metric in metrics.items() if metric == NO_DATA), "")
        console = self._deployment.console
        patience = console.cadence.sample * console.stale_after
        lost = book.unidentified is not None and now.boot - book.unidentified >= patience
        if own and lost and all(one.condition != own for one in found):
            found.append(Firing(own, "unknown", evaluation.release_reason or "no release can be identified"))
        return found

    def _without_lost_channels(self, book: Book) -> Book:
        """A channel that is configured no more delivers nothing: what was meant for it would wait for ever."""
        for notice in book.outbox:
            for channel in notice.channels:
                if not self._post.known(channel):
                    book = delivered(book, notice.id, channel)
        return book

    def _troubles(self) -> list[str]:
        troubles = self._post.troubles()
        if self._dead_man is not None and self._dead_man.outage.words:
            troubles.append(self._dead_man.outage.words)
        return [harmless(trouble) for trouble in troubles]

    # ---- what is shown

    def _views(self, evaluation: Evaluation, now: Instant) -> tuple[Alert, ...]:
        shown = [self._view(alert, self.book.alerts.get(alert.condition), now) for alert in evaluation.alerts]
        known = {alert.condition for alert in shown}
        for standing in self.book.alerts.values():
            if standing.condition not in known:
                level: str = "W" if standing.tier in ("warning", "unknown") else "C"
                bare = Alert(standing.condition, "W" if level == "W" else "C", standing.text, standing.opened)
                shown.append(self._view(bare, standing, now))
        return tuple(shown)

    def _view(self, alert: Alert, standing: Standing | None, now: Instant) -> Alert:
        silence = self.book.silences.get(alert.condition)
        if silence is not None:
            alert = msgspec.structs.replace(
                alert, silenced_by=silence.by, silenced_until=silence.until, silenced_reason=silence.reason
            )
        if standing is None:
            return alert
        tier = standing.peak or standing.tier
        priority, taken = self._rules.priority(tier), standing.taken
        due = due_at(standing, now, self._rules) if silence is None else None
        return msgspec.structs.replace(
            alert,
            id=standing.id,
            tier=standing.tier,
            priority=priority,
            called=self._role(self._rules.level(standing.level)),
            told=tuple(self._role(contact) for contact in standing.told),
            told_at=standing.told_at,
            escalates_at=due,
            escalates_to=self._role(self._rules.level(standing.level + 1)) if due is not None else "",
            taken_by=taken.owner if taken else "",
            taken_until=taken.until if taken else None,
            taken_reason=taken.reason if taken else "",
            rings=priority in RINGING and taken is None and silence is None and self._bell(standing, priority),
        )

    def _bell(self, standing: Standing, priority: str) -> bool:
        if not standing.told:
            return False
        probe = Notice(
            standing.id,
            "opened",
            "",
            standing.told,
            standing.opened,
            0.0,
            condition=standing.condition,
            tier=standing.peak,
            priority=priority,
            verdict=VERDICT[standing.peak or standing.tier],
        )
        channels = self._deployment.monitoring.notify.channels
        return any(channels[name].kind == "bell" for name in channels_for(self._rules.notify, probe))

    def _role(self, contact: str) -> str:
        found = self._deployment.monitoring.contacts.get(contact)
        return harmless(found.role if found else contact, 60)
