"""What an operator is told when something is refused or fails, and the exit code that goes with it."""

from __future__ import annotations

from collections.abc import Iterable

DONE = 0
CHECK_FAILED = 1
REFUSED = 2
FAILED_AND_BACK = 3
NEEDS_HUMAN = 4
LOCK_HELD = 5


class OpsError(Exception):
    """Names the thing, what is wrong with it, and what to do.

    Everything a person can cause reaches them as one of these, never as a traceback.
    """

    exit_code = REFUSED

    def __init__(self, what: str, fix: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.fix = fix

    def __str__(self) -> str:
        return f"{self.what}\n  -> {self.fix}" if self.fix else self.what


class Refused(OpsError):
    """The request is well understood and not done: wrong moment, wrong target, read-only."""


class OperationFailed(OpsError):
    """An operation failed and the system is back where it was before it."""

    exit_code = FAILED_AND_BACK


class NeedsHuman(OpsError):
    """An operation stopped half-way: a person decides what happens next."""

    exit_code = NEEDS_HUMAN


class LockHeld(OpsError):
    """Someone else holds the lock that this needs."""

    exit_code = LOCK_HELD


class DamagedRecord(OpsError):
    """A record file is damaged where no crash could have damaged it; nothing is repaired."""

    exit_code = NEEDS_HUMAN


def nearest(name: str, known: Iterable[str], *, alike: float = 0.6) -> str:
    """The known name that is most like it; empty when none is ``alike`` (0 to 1)."""
    import difflib  # no start waits for what only a mistake needs

    return next(iter(difflib.get_close_matches(name, list(known), n=1, cutoff=alike)), "")


def meant(name: str, known: Iterable[str], otherwise: str = "one of", *, alike: float = 0.6) -> str:
    """``did you mean ...?``, or all that there is."""
    names = list(known)
    near = nearest(name, names, alike=alike)
    return f"did you mean {near}?" if near else f"{otherwise}: {', '.join(names)}"
