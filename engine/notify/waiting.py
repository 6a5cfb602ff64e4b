"""What waits for one channel, and what goes next: a message that fails holds up none that came after it."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from engine.notify.message import Notice, together

LIGHTEST = "P9"
"""Stands for a notice without a priority."""


@dataclass(slots=True)
class _Waits:
    notice: Notice
    number: int
    """The order in which they were offered."""
    tries: int = 0
    due: float = 0.0
    """Seconds of a clock that only goes on, before which it is not tried again."""


class Waiting:
    """The notices of one channel. Those that were not tried yet go first, then by priority, then in their order;
    each one has its own pause after a failure.
    """

    def __init__(self, first_pause: float, longest_pause: float) -> None:
        self._first, self._longest = first_pause, longest_pause
        self._all: list[_Waits] = []
        self._number = 0
        self._turn = threading.Lock()

    def __len__(self) -> int:
        return len(self._all)

    def add(self, notices: Iterable[Notice]) -> None:
        """Due at once; all of them in one go, so that those of one tick leave together."""
        with self._turn:
            for notice in notices:
                self._number += 1
                self._all.append(_Waits(notice, self._number))

    def next(self, now: float) -> list[Notice]:
        """What is told in the next message; it goes on waiting until it is :meth:`over`. Empty: nothing is due."""
        with self._turn:
            due = [one for one in self._all if one.due <= now and not self._behind_its_own(one)]
            if not due:
                return []
            best = min(due, key=_rank)
            found = [best.notice]
            for other in sorted(due, key=lambda one: one.number):
                if (other.tries > 0) == (best.tries > 0) and all(together(one, other.notice) for one in found):
                    found.append(other.notice)
            return found

    def seconds(self, now: float) -> float | None:
        """Until something is due; None: nothing waits."""
        with self._turn:
            return max(min(one.due for one in self._all) - now, 0.0) if self._all else None

    def failed(self, notices: Sequence[Notice], now: float) -> None:
        """They are tried again, later each time."""
        with self._turn:
            for one in self._of(notices):
                one.due = now + min(self._first * 2.0 ** min(one.tries, 30), self._longest)
                one.tries += 1

    def over(self, notices: Sequence[Notice], *, works: bool) -> None:
        """They wait no more. ``works``: the channel took them, so whatever waits for it is due now."""
        with self._turn:
            gone = {id(one) for one in self._of(notices)}
            self._all = [one for one in self._all if id(one) not in gone]
            if works:
                for one in self._all:
                    one.due = 0.0

    def _of(self, notices: Sequence[Notice]) -> list[_Waits]:
        names = {notice.id for notice in notices}
        return [one for one in self._all if one.notice.id in names]

    def _behind_its_own(self, one: _Waits) -> bool:
        """Nobody hears that something is over before hearing that it began."""
        if one.notice.kind != "cleared":
            return False
        return any(other.notice.alert == one.notice.alert and other.number < one.number for other in self._all)


def _rank(one: _Waits) -> tuple[bool, str, int]:
    return one.tries > 0, one.notice.priority or LIGHTEST, one.number
