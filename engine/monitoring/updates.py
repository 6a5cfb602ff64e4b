"""When a status update is due, counted from the cutover. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta

from engine.config.notify import UpdatesSection


def update_due(
    section: UpdatesSection, since: datetime, now: datetime, scale: float, sent: datetime | None
) -> tuple[datetime | None, datetime | None]:
    """The slot whose update is not sent yet, None when none is due; and the next slot, None after the last.

    Only the newest slot counts: what was not sent an hour ago is not sent twice now.
    """
    passed = (now - since).total_seconds() * scale
    newest, following = _slots(section, passed)
    at = None if newest is None else since + timedelta(seconds=newest / scale)
    if at is not None and sent is not None and sent >= at:
        at = None
    return at, None if following is None else since + timedelta(seconds=following / scale)


def _slots(section: UpdatesSection, passed: float) -> tuple[float | None, float | None]:
    """The last slot at or before ``passed`` and the first after it, in unscaled seconds from the cutover."""
    dense = int(section.until / section.every + 1e-9)
    sparse = int(max(section.last - dense * section.every, 0.0) / section.then + 1e-9)

    def slot(number: int) -> float:
        return number * section.every if number <= dense else dense * section.every + (number - dense) * section.then

    end = dense * section.every
    number = int(min(passed, end) / section.every + 1e-9) + int(max(passed - end, 0.0) / section.then + 1e-9)
    number = min(max(number, 0), dense + sparse)
    return (slot(number) if number else None), (slot(number + 1) if number < dense + sparse else None)
