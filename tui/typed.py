"""What a person types, whatever the line does to it: odd bytes are dropped, and a paste that is cut off ends.

Textual's own reading thread ends the application on bytes that are no UTF-8 and on numbers that are too large, and
waits for ever for the end of a paste.
"""

from __future__ import annotations

import os
import selectors
import threading
from codecs import getincrementaldecoder
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import partial
from time import monotonic
from typing import Any

from textual._xterm_parser import BRACKETED_PASTE_END, BRACKETED_PASTE_START, XTermParser
from textual.drivers.linux_driver import LinuxDriver
from textual.message import Message

from tui import unechoed

PASTE_ENDS_AFTER = 1.0
"""Seconds without input after which a paste is over: its end was lost on the way."""
PASTE_AT_MOST = 1 << 20
"""Characters of one paste; what comes after them is no part of it."""
_CHUNK = 4096
_LOOK = 0.1
_UNDER_WAY = PASTE_ENDS_AFTER + 2 * _LOOK
"""Seconds after the last byte in which something may be due because nothing came: then the thread just waits."""


class Typed:
    """Bytes of a terminal into events. Nothing that comes from outside makes it raise."""

    def __init__(self) -> None:
        self._decode = getincrementaldecoder("utf-8")(errors="replace").decode
        self._parser = XTermParser()
        self._tail = ""
        self._pasted: int | None = None
        """Characters of the paste that is open; None: none is."""
        self.last = 0.0
        """When bytes came last."""

    def feed(self, data: bytes, now: float) -> Iterator[Message]:
        """The events of these bytes; ``now``: seconds of a clock that only goes on."""
        self.last = now
        for character in self._decode(data):
            yield from self._one(character)

    def tick(self, now: float) -> Iterator[Message]:
        """What is due because nothing came: a lone Escape, the end of a paste whose own was lost."""
        if self._pasted is not None and now - self.last >= PASTE_ENDS_AFTER:
            yield from self._end_paste()
        yield from self._parsed(self._parser.tick)

    def _one(self, character: str) -> Iterator[Message]:
        self._tail = (self._tail + character)[-len(BRACKETED_PASTE_START) :]
        yield from self._parsed(partial(self._parser.feed, character))
        if self._tail == BRACKETED_PASTE_END:
            self._pasted = None
        elif self._pasted is not None:
            self._pasted += 1
            if self._pasted >= PASTE_AT_MOST:
                yield from self._end_paste()
        elif self._tail == BRACKETED_PASTE_START:
            self._pasted = 0

    def _end_paste(self) -> Iterator[Message]:
        self._pasted, self._tail = None, ""
        for character in BRACKETED_PASTE_END:
            yield from self._parsed(partial(self._parser.feed, character))

    def _parsed(self, parse: Callable[[], Iterable[Message]]) -> Iterator[Message]:
        try:
            found = list(parse())
        except (ValueError, OverflowError, StopIteration, RuntimeError):  # a sequence with numbers that cannot be
            self._parser, self._pasted = XTermParser(), None
            return
        yield from found


class _Ending(threading.Event):
    """The driver's sign that reading ends, which wakes whoever waits for a key, too."""

    def __init__(self) -> None:
        super().__init__()
        self.woken, self._wake = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)

    def set(self) -> None:
        super().set()
        with suppress(BlockingIOError):
            os.write(self._wake, b".")

    def clear(self) -> None:
        super().clear()
        with suppress(BlockingIOError):
            os.read(self.woken, _CHUNK)


class PatientDriver(LinuxDriver):
    """Textual's driver with a reading thread that outlives whatever is typed, and sleeps while nothing is."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.exit_event = self._ending = _Ending()

    def start_application_mode(self) -> None:
        """Take the terminal over; it is given back with the echo that it had before the start."""
        super().start_application_mode()  # type: ignore[no-untyped-call]
        if self.attrs_before is not None:
            self.attrs_before = unechoed.take_over(self.attrs_before)

    def run_input_thread(self) -> None:
        """Read until the application ends."""
        typed = Typed()
        with selectors.SelectSelector() as selector:
            selector.register(self.fileno, selectors.EVENT_READ)
            selector.register(self._ending.woken, selectors.EVENT_READ)
            while not self.exit_event.is_set():
                wait = _LOOK if monotonic() - typed.last < _UNDER_WAY else None
                if any(key.fd == self.fileno for key, _ in selector.select(wait)):
                    data = os.read(self.fileno, _CHUNK)
                    if not data:
                        self.exit_event.wait(_LOOK)  # the end of input; the guard sees to it
                    for message in typed.feed(data, monotonic()):
                        self.process_message(message)
                for message in typed.tick(monotonic()):
                    self.process_message(message)
