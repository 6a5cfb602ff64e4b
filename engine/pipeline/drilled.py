"""What a drill makes a sample pipeline do wrong. In a real deployment there is none of it: see :func:`drilled`."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import BinaryIO

import yaml

from engine.clock import Clock
from engine.drills.order import Order, order_file, read_order
from engine.pipeline.figures import Figures, Program
from engine.pipeline.settings import Settings
from engine.pipeline.stop_request import StopRequest

CRASH_CODE = 70
_MB = 1_000_000
_SLOW_MS_PER_ROW = 0.7
_REJECTED = 0.5
_LOOK = 0.2


def drilled(settings: Settings, clock: Clock, say: Callable[[str], None]) -> Drilled | None:
    """The part that obeys drills; None unless the deployment says of itself that it is a demo."""
    try:
        text = (settings.root / "config" / "console.yml").read_bytes()
        loaded = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - the safe one
        demo = loaded["deployment"]["demo"] is True
    except (OSError, yaml.YAMLError, KeyError, TypeError):
        return None
    return Drilled(settings, clock, say) if demo else None


class Drilled:
    """Looks for an order, and obeys it while it is its time."""

    def __init__(self, settings: Settings, clock: Clock, say: Callable[[str], None]) -> None:
        self._settings = settings
        self._clock = clock
        self._say = say
        self._seen: tuple[object, Order | None] = (None, None)
        self._leak: list[bytearray] = []
        self._burning: threading.Event | None = None

    @property
    def loses_events(self) -> bool:
        """Whether the run of now is to leave no events."""
        return self._drill() == "lost-audit"

    def turn(self, stop: StopRequest) -> bool:
        """One turn of the service's loop; True when it has nothing else to do in it. May end the process."""
        order, drill = self._order(), self._drill()
        if drill == "crash":
            self._say("drill: this process ends now, exit code 70")
            os._exit(CRASH_CODE)
        if drill == "leak" and order is not None:
            self._grow(order)
        else:
            self._leak.clear()
        if drill == "cpu":
            self._burn()
        elif self._burning is not None:
            self._burning.set()
            self._burning = None
        if drill == "hang":
            stop.wait(_LOOK)
            return True
        return False

    def spoilt(self, program: Program, stop: StopRequest) -> Program:
        """The program as the drill of now makes it."""
        drill = self._drill()
        return Spoilt(program, drill, stop) if drill in ("latency", "errors") else program

    def _drill(self) -> str:
        """The drill that is to be obeyed now; empty: none."""
        order = self._order()
        active = order is not None and order.active(self._settings.release, self._settings.root, self._clock.now())
        return order.drill if order is not None and active else ""

    def _order(self) -> Order | None:
        """The order on disk, read again only when it changed."""
        try:
            status = order_file(self._settings.root).stat()
        except OSError:
            return None
        stamp = (status.st_ino, status.st_size, status.st_mtime_ns)
        if self._seen[0] != stamp:
            self._seen = (stamp, read_order(self._settings.root))
        return self._seen[1]

    def _grow(self, order: Order) -> None:
        """Hold as much as the drill's age asks for; written to, so that it is real memory."""
        age = self._clock.now().boot - order.begun_boot
        wanted = int(order.leak_mb * min(age / order.ramp, 1.0)) if order.ramp > 0 else order.leak_mb
        while len(self._leak) < wanted // 10:
            self._leak.append(bytearray(b"\xa5") * (10 * _MB))

    def _burn(self) -> None:
        if self._burning is not None:
            return
        self._burning = threading.Event()
        for _ in range(os.cpu_count() or 1):
            threading.Thread(target=_hash_on, args=(self._burning, self), daemon=True).start()

    def still(self, drill: str) -> bool:
        """Whether this drill is to be obeyed at this moment."""
        return self._drill() == drill


def _hash_on(over: threading.Event, ordered: Drilled) -> None:
    """Keep one core busy: hashing large blocks needs no turn of the interpreter."""
    block = bytes(8 * _MB)
    while not over.is_set() and ordered.still("cpu"):
        hashlib.sha256(block)


class Spoilt:
    """A release's program, slow or with rejected rows."""

    def __init__(self, program: Program, drill: str, stop: StopRequest) -> None:
        self.name, self.decimals = program.name, program.decimals
        self._program = program
        self._drill = drill
        self._stop = stop

    def compute(self, tape: BinaryIO, name: str, *, decimals: int, between: Callable[[], None]) -> Figures:
        """See :class:`engine.pipeline.figures.Program`."""
        figures = self._program.compute(tape, name, decimals=decimals, between=between)
        if self._drill == "errors":
            return replace(figures, errors=max(figures.errors, int(figures.rows * _REJECTED)))
        slow = figures.rows * _SLOW_MS_PER_ROW / 1000
        self._stop.wait(slow)
        between()
        return replace(figures, compute_seconds=figures.compute_seconds + slow)
