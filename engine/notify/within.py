"""Work that may hang, waited for no longer than its deadline."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class StillHangs(Exception):
    """It did not end in time, or the one before it still has not."""


class Within(Generic[T]):
    """One piece of work at a time. A server that drips, a name that is never resolved: the thread is left behind, and
    as long as it is stuck no second one is started.
    """

    def __init__(self) -> None:
        self._stuck: threading.Thread | None = None

    def run(self, seconds: float, work: Callable[[], T]) -> T:
        """The result, or what ``work`` raised. StillHangs at the deadline."""
        if self._stuck is not None and self._stuck.is_alive():
            raise StillHangs("the attempt before has not ended yet")
        found: list[T] = []
        failed: list[Exception] = []

        def attempt() -> None:
            try:
                found.append(work())
            except Exception as error:
                failed.append(error)

        thread = threading.Thread(target=attempt, name="notify-attempt", daemon=True)
        thread.start()
        thread.join(seconds)
        if thread.is_alive():
            self._stuck = thread
            raise StillHangs(f"no answer within {seconds:g} s")
        self._stuck = None
        if failed:
            raise failed[0]
        return found[0]
