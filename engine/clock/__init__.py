"""Time: wall time as a label, boot time for durations, both injected wherever they are needed."""

from engine.clock.instant import (
    Clock,
    Instant,
    SystemClock,
    boot_id,
    compact,
    iso,
    parse_iso,
    pretty_duration,
)

__all__ = [
    "Clock",
    "Instant",
    "SystemClock",
    "boot_id",
    "compact",
    "iso",
    "parse_iso",
    "pretty_duration",
]
