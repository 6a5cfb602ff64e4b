"""The threads that carry notices: one for each channel, so that one that hangs holds up no other, nor the tick.

Within a channel a message that fails waits out its pause alone; one that is refused for good is recorded and left.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from engine.clock import Clock
from engine.config import Deployment
from engine.notify.channels import DeliveryFailed, Sender
from engine.notify.message import Notice, message_of
from engine.notify.outage import Outage, Recorder
from engine.notify.waiting import Waiting

QUEUE = 400
"""Notices that wait for one channel at most, as many as the alert book keeps: a page never waits for room."""
STOP_WITHIN = 1.0
"""Seconds that deliveries under way get when the post is closed."""
_IDLE = 5.0


class Courier:
    """Delivers the notices of one channel, each until it is taken, refused for good or given up."""

    def __init__(
        self,
        name: str,
        deployment: Deployment,
        clock: Clock,
        recorder: Recorder,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.name = name
        self._deployment = deployment
        self._section = deployment.monitoring.notify
        self._sender = Sender(deployment, self._section.channels[name], environment)
        self._clock = clock
        self._recorder = recorder
        self.outage = Outage(name, recorder, clock)
        self._queue = Waiting(float(self._section.retry), float(self._section.retry_longest))
        self._held: set[str] = set()
        self._done: deque[str] = deque()
        self._work = threading.Event()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def offer(self, notices: Iterable[Notice]) -> None:
        """Everything that this channel has not delivered yet; what it knows already is not taken twice."""
        offered = list(notices)
        self._held &= {notice.id for notice in offered}
        fresh = [notice for notice in offered if notice.id not in self._held][: max(QUEUE - len(self._queue), 0)]
        self._held |= {notice.id for notice in fresh}
        self._queue.add(fresh)
        if fresh:
            self._work.set()
        if self._queue and (self._thread is None or not self._thread.is_alive()) and not self._stop.is_set():
            self._thread = threading.Thread(target=self._run, name=f"notify-{self.name}", daemon=True)
            self._thread.start()

    def done(self) -> list[str]:
        """The ids delivered or given up since the last call."""
        return [self._done.popleft() for _ in range(len(self._done))]

    def close(self) -> None:
        """Begin no further delivery."""
        self._stop.set()
        self._work.set()

    def join(self, seconds: float) -> None:
        """Wait for the delivery under way."""
        if self._thread is not None:
            self._thread.join(max(seconds, 0.0))

    def _run(self) -> None:
        while not self._stop.is_set():
            self._work.clear()
            notices = self._queue.next(time.monotonic())
            if notices:
                self._carry(notices)
                continue
            left = self._queue.seconds(time.monotonic())
            self._work.wait(_IDLE if left is None else min(left, _IDLE))
            self._recorder.again()

    def _carry(self, notices: Sequence[Notice]) -> None:
        """One attempt at one message; each notice keeps its own record."""
        try:
            detail = self._sender.deliver(message_of(self._deployment, *notices))
        except DeliveryFailed as error:
            self._failed(notices, str(error), refused=error.refused)
        except Exception as error:  # a mistake of our own costs an attempt, not the thread that tells people
            self._failed(notices, f"failed: {type(error).__name__}", refused=False)
        else:
            self._over(notices, ok=True, detail=self.outage.over(detail))

    def _failed(self, notices: Sequence[Notice], why: str, *, refused: bool) -> None:
        given_up = self._clock.now().boot - notices[0].boot >= self._section.give_up
        if refused:
            self.outage.refused(why)
            self._over(notices, ok=False, detail=f"REFUSED, not tried again: {why}")
            return
        self.outage.failed(why, _about(notices[0]))
        if given_up:
            self._over(notices, ok=False, detail=f"GIVEN UP: {why}")
        else:
            self._queue.failed(notices, time.monotonic())

    def _over(self, notices: Sequence[Notice], *, ok: bool, detail: str) -> None:
        self._queue.over(notices, works=ok)
        self._done.extend(notice.id for notice in notices)
        for notice in notices:
            self._recorder.record({**_about(notice), "channel": self.name, "ok": ok, "detail": detail})


def _about(notice: Notice) -> dict[str, Any]:
    return {"notice": notice.id, "alert": notice.alert, "about": notice.kind, "to": list(notice.to)}


class Post:
    """All couriers of a deployment. Nothing here blocks but :meth:`close`, and that briefly."""

    def __init__(
        self,
        deployment: Deployment,
        clock: Clock,
        environment: Mapping[str, str] | None = None,
        left: Iterable[dict[str, Any]] = (),
    ) -> None:
        self._recorder = Recorder(deployment, clock, left)
        self._couriers = {
            name: Courier(name, deployment, clock, self._recorder, environment)
            for name in deployment.monitoring.notify.channels
        }

    @property
    def recorder(self) -> Recorder:
        """Where deliveries are written down."""
        return self._recorder

    def offer(self, outbox: Iterable[Notice]) -> None:
        """Everything that is not delivered yet."""
        notices = list(outbox)
        for name, courier in self._couriers.items():
            courier.offer(notice for notice in notices if name in notice.channels)

    def done(self) -> list[tuple[str, str]]:
        """Notice and channel of what was delivered or given up since the last call."""
        return [(notice, name) for name, courier in self._couriers.items() for notice in courier.done()]

    def known(self, channel: str) -> bool:
        """Whether there is such a channel (now)."""
        return channel in self._couriers

    def troubles(self) -> list[str]:
        """What is wrong, a sentence for each channel."""
        words = [courier.outage.words for courier in self._couriers.values()]
        return [word for word in (*words, self._recorder.trouble) if word]

    def close(self) -> None:
        """Begin nothing new; what is under way gets a moment, and is kept by the book if it takes longer."""
        until = time.monotonic() + STOP_WITHIN
        for courier in self._couriers.values():
            courier.close()
        for courier in self._couriers.values():
            courier.join(until - time.monotonic())
