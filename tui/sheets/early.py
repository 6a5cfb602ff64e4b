"""Keys pressed before the eyes were there: discarded with the rest of the same burst, and counted."""

from __future__ import annotations

ARM_AFTER = 0.7
"""Seconds before a sheet or a form takes a key: what was typed before the eyes were here does not count."""
PAUSE = 0.3
"""Seconds without a key that end a burst: the end of a word whose beginning was discarded is no answer."""


def in_burst(discarded: int, now: float, last: float) -> bool:
    """Whether a key pressed ``now`` belongs to the keys that were discarded, the last of them at ``last`` (s)."""
    return discarded > 0 and now - last < PAUSE


def said(discarded: int, then: str, *, waits: bool) -> str:
    """What is said of them; ``then``: what to do, empty where there is nothing; ``waits``: not at this moment."""
    keys = "1 key" if discarded == 1 else f"{discarded} keys"
    if not then:
        return f"{keys} discarded"
    return f"{keys} discarded: pause, then {then}" if waits else f"{keys} discarded: {then} now"
