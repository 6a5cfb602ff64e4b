"""What a page says beside the level of a condition: which checks failed, and that nothing is live. Pure."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from engine.config.monitoring import Condition
from engine.monitoring.facts import Validation
from engine.monitoring.model import ConditionReading
from engine.records import harmless

INTEGRITY = "data_integrity"
_NAMED = 2
"""Issues that are told; more are counted."""


def naming_causes(
    conditions: dict[str, Condition],
    readings: Sequence[ConditionReading],
    validations: Sequence[Validation],
    *,
    nothing_live: str,
    old: str,
    on_old: bool,
) -> tuple[ConditionReading, ...]:
    """The readings, each that fires with its cause in its evidence. ``nothing_live``: why no release is; else empty."""
    newest = validations[-1] if validations else None

    def cause(reading: ConditionReading) -> str:
        metric = conditions[reading.id].metric if reading.id in conditions else ""
        if not reading.firing:
            return ""
        if metric in ("restarts", "run_level") and nothing_live:
            return f"NO RELEASE IS LIVE: {nothing_live}"
        if newest is None or reading.reason is not None:
            return ""
        if metric == "validation_level":
            return _failed(newest, tuple(newest.checks))
        if metric == "data_quality_level":
            same = "" if on_old or newest.data_loss else f"; {old} reads the same tape: going back does not mend it"
            return f"{_failed(newest, (INTEGRITY,))}{same}".removeprefix("; ")
        return ""

    return tuple(
        msgspec.structs.replace(one, evidence=f"{one.evidence}; {said}") if (said := cause(one)) else one
        for one in readings
    )


def _failed(done: Validation, checks: Sequence[str]) -> str:
    """``data_integrity FAIL: cash_available_usd is missing (and 2 more)``; empty when they passed."""
    bad = [name for name in checks if done.checks.get(name, "PASS") != "PASS"]
    issues = [one for one in done.issues if any(one.startswith(f"{name}: ") for name in bad)]
    told = [one.partition(": ")[2] for one in issues[:_NAMED]] if len(bad) == 1 else issues[:_NAMED]
    more = f" and {len(issues) - _NAMED} more" if len(issues) > _NAMED else ""
    head = ", ".join(f"{name} {done.checks[name]}" for name in bad)
    return harmless(f"{head}: {'; '.join(told)}{more}" if told else head, 360)
