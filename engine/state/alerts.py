"""Alerts as everyone sees them: as the monitor left them, and what people wrote since on top."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from engine.state.alert_views import AlertView

if TYPE_CHECKING:  # a screen says who has an alert before it knows of any
    from engine.monitoring.answered import Answered
    from engine.monitoring.model import Alert


def alert_view(
    alert: Alert, seen_at: datetime, answered: Answered, now: datetime, *, reaches: bool = True
) -> AlertView:
    """The view at ``now`` of an alert as the monitor saw it at ``seen_at``; what was written since counts at once.

    ``reaches``: whether what is told leaves this machine.
    """
    taken = answered.taken.get(alert.condition)
    owner, until, reason = alert.taken_by, alert.taken_until, alert.taken_reason
    fresh = taken is not None and taken.at >= alert.since and (taken.at >= seen_at or not alert.id)
    if taken is not None and fresh:
        owner, until, reason = taken.owner, taken.until, taken.reason
    if until is not None and until <= now:
        owner, until, reason = "", None, ""
    by, silent_until, why = _silence(alert, seen_at, answered, now)
    quiet = bool(owner or by)
    return AlertView(
        condition=alert.condition,
        level=alert.level,
        text=alert.text,
        since=alert.since,
        acknowledged_by=owner or None,
        id=alert.id,
        tier=alert.tier,
        priority=alert.priority,
        called=alert.called,
        told=alert.told,
        told_at=alert.told_at,
        reached=reaches,
        escalates_at=None if quiet else alert.escalates_at,
        escalates_to="" if quiet else alert.escalates_to,
        acknowledged_until=until,
        acknowledged_reason=reason,
        silenced_by=by,
        silenced_until=silent_until,
        silenced_reason=why,
        rings=alert.rings and not quiet,
    )


def _silence(alert: Alert, seen_at: datetime, answered: Answered, now: datetime) -> tuple[str, datetime | None, str]:
    by, until, why = alert.silenced_by, alert.silenced_until, alert.silenced_reason
    written = answered.silences.get(alert.condition)
    if written is not None and written[0] >= seen_at:
        by, until, why = written[1].by, written[1].until, written[1].reason
    return (by, until, why) if until is not None and until > now else ("", None, "")


def attention(alert: AlertView) -> str:
    """Who was told and who has it: ``told Data Ops 09:10, A. Moreno acked``; silenced alerts say so first."""
    if alert.silenced_until is not None:
        return f"silenced until {alert.silenced_until:%H:%M}Z by {alert.silenced_by}"
    verb = "told" if alert.reached else "only logged for"
    told = (
        f"{verb} {', '.join(alert.told)} {alert.told_at:%H:%M}" if alert.told and alert.told_at else "nobody told yet"
    )
    if alert.acknowledged_by:
        until = f" until {alert.acknowledged_until:%H:%M}" if alert.acknowledged_until else ""
        return f"{told}, {alert.acknowledged_by} acked{until}"
    verb = "is asked of" if alert.escalates_to in alert.told else "goes up to"
    goes_up = f", {verb} {alert.escalates_to} at {alert.escalates_at:%H:%M}" if alert.escalates_at else ""
    return f"{told}, nobody has taken it{goes_up}"
