"""Times, ages and numbers as the screen says them."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.state.model import WayBackView


def age(seconds: float) -> str:
    """A time that has passed, in at most four cells where it can be: ``2s``, ``12m``, ``7h05``, ``3d04h``."""
    whole = max(int(seconds), 0)
    if whole < 120:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m"
    if whole < 86400:
        return f"{whole // 3600}h{whole % 3600 // 60:02d}"
    return f"{whole // 86400}d{whole % 86400 // 3600:02d}h"


def age_stays(seconds: float) -> float:
    """For how many more seconds :func:`age` says the same."""
    if seconds < 0:
        return 1.0 - seconds
    step = 1 if seconds < 120 else 60 if seconds < 86400 else 3600
    return step - seconds % step


def ago(moment: datetime | None, now: datetime) -> str:
    """``3m ago``, or ``never``."""
    return "never" if moment is None else f"{age((now - moment).total_seconds())} ago"


def due_in(moment: datetime, now: datetime) -> str:
    """``in 48m``, ``now``, or ``10m over``."""
    left = (moment - now).total_seconds()
    if left >= 1:
        return f"in {age(left)}"
    return "now" if left > -60 else f"{age(-left)} over"


def due_stays(left: float) -> float:
    """For how many more seconds :func:`due_in` says the same, where ``left`` are left."""
    if left < 1:
        return left + 60 if left > -60 else age_stays(-left)
    step = 1 if left < 121 else 60 if left < 86400 else 3600
    return min(left % step, left - 1) if left % step else 0.0


def clock(moment: datetime) -> str:
    """``09:12:04Z``."""
    return moment.astimezone(UTC).strftime("%H:%M:%SZ")


def hour(moment: datetime | None) -> str:
    """``09:12``, or ``--:--``."""
    return "--:--" if moment is None else moment.astimezone(UTC).strftime("%H:%M")


def stamp(moment: datetime | None) -> str:
    """``01-31 09:12:04Z``, or ``-``."""
    return "-" if moment is None else moment.astimezone(UTC).strftime("%m-%d %H:%M:%SZ")


def number(value: float, decimals: int) -> str:
    """A number with its decimals, never ``-0.00``."""
    text = f"{value:,.{decimals}f}"
    return text.lstrip("-") if not text.strip("-0.,") else text


def change(value: float | None, decimals: int) -> str:
    """``+.01``, ``-.03``, ``+1.20``; ``=`` when nothing changed at these decimals; empty when not known."""
    if value is None:
        return ""
    text = f"{value:+.{decimals}f}"
    if not text.strip("+-0."):
        return "="
    return text.replace("+0.", "+.").replace("-0.", "-.")


def rests_on(way: WayBackView, ago: Callable[[datetime], str]) -> str:
    """``rehearsed 2.1 s, 3m ago``: what says how long the way back takes; ``never rehearsed`` when nothing does."""
    if way.seconds is None or way.basis_at is None:
        return "never rehearsed"
    return f"{way.basis} {seconds(way.seconds)}, {ago(way.basis_at)}"


def seconds(value: float | None) -> str:
    """``2.1 s``, ``48 s``, ``12m``; ``-`` when not known."""
    if value is None:
        return "-"
    if value < 10:
        return f"{max(value, 0.0):.1f} s"
    return f"{value:.0f} s" if value < 120 else age(value)


def initials(name: str) -> str:
    """``A. Moreno`` -> ``AM``; a login name keeps its first four letters."""
    name = re.sub(r" \(.*?\)", "", name)  # kim (sudo) is kim
    parts = [part for part in name.replace(".", " ").split() if part]
    if len(parts) > 1:
        return "".join(part[0] for part in parts[:3]).upper()
    return name.split("@")[0][:4]


def amount(count: int) -> str:
    """A size for people: ``18 MB``."""
    size = float(count)
    for unit in ("B", "KB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" or size >= 10 else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"
