"""The threads that carry notices: one for each channel, so that one that hangs holds up no other, nor the tick."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from engine.clock import Clock
from engine.config import Deployment
from engine.notify.channels import DeliveryFailed, Refused, Sender
from engine.notify.message import Notice, message_of, together
from engine.notify.outage import Outage, Recorder

QUEUE = 100
"""Notices that wait for one channel at most; more stay where they are kept, and are offered again."""
STOP_WITHIN = 1.0
"""Seconds that deliveries under way get when the post is closed."""
_IDLE = 5.0


class Courier:
    """Delivers the notices of one channel in their order, each until it is taken or given up.

    One that is not taken keeps its place, and the next one is tried meanwhile: a single message that the other side
    does not take holds up no later one. One that is refused for what it says is given up at once.
    """

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
        self._queue: deque[Notice] = deque()
        self._turn = threading.Lock()
        self._tried: set[str] = set()
        """Not taken since the last delivery: the others come first."""
        self._pause = float(self._section.retry)
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
        with self._turn:
            self._queue.extend(fresh)  # at once: those of one tick leave together
        if self._queue:
            self._work.set()
            if self._thread is None or not self._thread.is_alive():
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
            if not self._queue:
                self._work.clear()
                if not self._queue:
                    self._work.wait(_IDLE)
                self._recorder.again()
                continue
            if not self._carry(self._next()):
                self._stop.wait(self._pause)
                self._pause = min(self._pause * 2, float(self._section.retry_longest))

    def _next(self) -> list[Notice]:
        """What is told next; it stays in the queue until that is over."""
        with self._turn:
            waiting = list(self._queue)
        start = next((at for at, notice in enumerate(waiting) if notice.id not in self._tried), None)
        if start is None:
            self._tried.clear()
        return leaving(deque(waiting[start or 0 :]))

    def _carry(self, notices: Sequence[Notice]) -> bool:
        """One attempt at one message; each notice keeps its own record. False when it was not taken, and is kept."""
        try:
            detail = self._sender.deliver(message_of(self._deployment, *notices))
        except Refused as error:
            self.outage.failed(str(error), _about(notices[0]))
            self._over(notices, ok=False, detail=f"REFUSED, given up: {error}")
        except Exception as error:  # whatever it is, this thread goes on
            said = str(error) if isinstance(error, DeliveryFailed) else f"failed: {type(error).__name__}"
            self.outage.failed(said, _about(notices[0]))
            if self._clock.now().boot - notices[0].boot < self._section.give_up:
                self._tried |= {notice.id for notice in notices}
                return False
            self._over(notices, ok=False, detail=f"GIVEN UP: {said}")
        else:
            self._pause = float(self._section.retry)
            self._tried.clear()
            self._over(notices, ok=True, detail=self.outage.over(detail))
        return True

    def _over(self, notices: Sequence[Notice], *, ok: bool, detail: str) -> None:
        over = {notice.id for notice in notices}
        with self._turn:
            self._queue = deque(notice for notice in self._queue if notice.id not in over)
        self._done.extend(notice.id for notice in notices)
        for notice in notices:
            self._recorder.record({**_about(notice), "channel": self.name, "ok": ok, "detail": detail})


def leaving(queue: deque[Notice]) -> list[Notice]:
    """Taken from the front of a queue that is not empty: what is told in one message."""
    notices = [queue.popleft()]
    while queue and all(together(one, queue[0]) for one in notices):
        notices.append(queue.popleft())
    return notices


def _about(notice: Notice) -> dict[str, Any]:
    return {"notice": notice.id, "alert": notice.alert, "about": notice.kind, "to": list(notice.to)}


class Post:
    """All couriers of a deployment. Nothing here blocks but :meth:`close`, and that briefly."""

    def __init__(self, deployment: Deployment, clock: Clock, environment: Mapping[str, str] | None = None) -> None:
        self._recorder = Recorder(deployment, clock)
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
