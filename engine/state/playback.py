"""The clock of a replay: which moment is shown, how fast it goes on, and the words people name moments by."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta

from engine.clock import parse_iso
from engine.config.quantities import Duration
from engine.errors import Refused

SPEEDS = (1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3600.0)
FORMS = "a time such as 2026-01-31T02:00Z, T+7h or T+5h50 after the cutover, -8h before now, or now"

_HOURS_AND_MINUTES = re.compile(r"(?P<hours>[0-9]{1,4})(:|h)(?P<minutes>[0-5]?[0-9])m?")


class Playback:
    """A moment that goes on by itself between ``begin`` and ``end``. Safe to use from several threads."""

    def __init__(
        self,
        begin: datetime,
        end: datetime,
        *,
        speed: float,
        ticking: Callable[[], float] = time.monotonic,
    ) -> None:
        self.begin, self.end = begin, end
        self._ticking = ticking
        self._lock = threading.Lock()
        self._moment = begin
        self._since = ticking()
        self._speed = speed
        self._paused = False

    def moment(self) -> datetime:
        """The moment that is shown now."""
        with self._lock:
            return self._now()

    @property
    def speed(self) -> float:
        """Seconds of then in a second of now."""
        return self._speed

    @property
    def paused(self) -> bool:
        """Whether it stands still; at its end it does."""
        return self._paused or self.moment() >= self.end

    def toggle(self) -> None:
        """Pause, or go on."""
        with self._lock:
            self._hold(self._now())
            self._paused = not self._paused

    def pause(self) -> None:
        """Stand still."""
        with self._lock:
            self._hold(self._now())
            self._paused = True

    def faster(self, steps: int) -> None:
        """The next speed up, or down for a negative number."""
        with self._lock:
            self._hold(self._now())
            near = min(range(len(SPEEDS)), key=lambda index: abs(SPEEDS[index] - self._speed))
            self._speed = SPEEDS[max(min(near + steps, len(SPEEDS) - 1), 0)]

    def seek(self, seconds: float) -> None:
        """So many seconds of then forth, or back for a negative number."""
        with self._lock:
            self._hold(self._now() + timedelta(seconds=seconds))

    def go_to(self, moment: datetime) -> None:
        """To this moment, or to the nearest that is shown."""
        with self._lock:
            self._hold(moment)

    def _now(self) -> datetime:
        if self._paused:
            return self._moment
        passed = max(self._ticking() - self._since, 0.0) * self._speed
        left = (self.end - self._moment).total_seconds()
        return self.end if passed >= left else self._moment + timedelta(seconds=passed)

    def _hold(self, moment: datetime) -> None:
        self._moment = min(max(moment, self.begin), self.end)
        self._since = self._ticking()


def moment_of(text: str, *, now: datetime, cutover_at: datetime | None, scale: float) -> datetime:
    """The moment that a person names; ``T+7h`` is watch time, as ``scale`` (``time_scale``) counts it. Refused when it
    is none, or counts from a cutover that was not.
    """
    word = text.strip()
    try:
        if word == "now":
            return now
        if word[:2] in ("T+", "t+"):
            if cutover_at is None:
                raise Refused(f"{word} counts from the cutover, and no cutover is recorded", f"give {FORMS}")
            return cutover_at + timedelta(seconds=_seconds(word[2:]) / scale)
        if word.startswith("-"):
            return now - timedelta(seconds=_seconds(word[1:]))
        return parse_iso(word)
    except (ValueError, OverflowError) as error:
        raise Refused(f"{text!r} is no moment", f"give {FORMS}") from error


def _seconds(text: str) -> float:
    """``7h``, ``90m``; ``7:30``, ``7h30`` and ``7h30m`` as hours and minutes."""
    found = _HOURS_AND_MINUTES.fullmatch(text)
    if found is not None:
        return int(found["hours"]) * 3600.0 + int(found["minutes"]) * 60.0
    return float(Duration.parse(text))
