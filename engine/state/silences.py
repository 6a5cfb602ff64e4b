"""What is silenced, as a line for whoever takes the watch."""

from __future__ import annotations

from collections.abc import Mapping

from engine.monitoring.alerts import Silence


def silence_lines(silences: Mapping[str, Silence]) -> tuple[str, ...]:
    """``MEM until 04:00Z by K. Lee: restart planned``, one line each."""
    return tuple(
        f"{name} until {one.until:%H:%M}Z by {one.by}: {one.reason or 'no reason'}"
        for name, one in sorted(silences.items())
    )
