"""Every drill: what it does, and which verdict of the matrix it leads to, after how long."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from engine.config import Deployment
from engine.config.monitoring import Tier, Verdict

SPARE = 1.3
"""A drill lasts this many times what its last verdict needs, unless told otherwise ..."""
LEAST = 60.0
"""... and at least this many seconds."""
LEAK_RAMP = 60.0
"""Seconds (divided by the time scale) in which a leak grows to its full size."""
LEAK_MB = 480
"""What a leak holds at its full size, in MB: with the pipeline's own memory beyond every limit that is shipped."""


@dataclass(frozen=True, slots=True)
class Expected:
    """One verdict that a drill leads to."""

    verdict: Verdict
    condition: str
    """The condition that brings it about; empty: none does, values are missing."""
    tier: Literal["warning", "critical", "rollback", ""] = ""
    runs: float = 0
    """Runs of the pipeline that it takes besides the tier's hold."""
    samples: float = 0
    seconds: float = 0.0
    """What it takes besides, whatever the time scale."""
    ramp: bool = False


@dataclass(frozen=True, slots=True)
class Fault:
    """One drill."""

    name: str
    does: str
    expects: tuple[Expected, ...]
    """In the order in which they come about; the last one stands to the end."""


_ALL = (
    Fault(
        "latency",
        "computing the KPIs takes 700 ms per 1,000 rows",
        (
            Expected("INVESTIGATE", "LAT", "critical", runs=3),
            Expected("ROLL BACK", "THR", "rollback", runs=3),
            Expected("ROLL BACK", "LAT", "rollback", runs=3),
        ),
    ),
    Fault(
        "errors",
        "half of the rows are rejected",
        (Expected("INVESTIGATE", "ERR", "critical", runs=2), Expected("ROLL BACK", "ERR", "rollback", runs=3)),
    ),
    Fault(
        "leak",
        f"memory grows by {LEAK_MB} MB",
        (Expected("ROLL BACK", "MEM", "rollback", samples=3, ramp=True),),
    ),
    Fault(
        "cpu",
        "every core is kept busy; where other programs take their share of it, less comes of it",
        (Expected("ROLL BACK", "CPU", "rollback", samples=3),),
    ),
    Fault(
        "crash",
        "the process ends with exit code 70 as often as it is started",
        (
            Expected("WATCH", "CRASH", "warning", seconds=2),
            Expected("INVESTIGATE", "CRASH", "critical", seconds=5),
            Expected("ROLL BACK", "CRASH", "rollback", seconds=12),
        ),
    ),
    Fault(
        "hang",
        "the process lives and does nothing",
        (Expected("UNKNOWN", "", runs=3.5, samples=1), Expected("INVESTIGATE", "NODATA", "critical", runs=3.5)),
    ),
    Fault(
        "corrupt-tape",
        "two columns of the live tape lose their names; the original is kept, and put back at the end",
        (Expected("INVESTIGATE", "DQ", "critical", runs=4, seconds=5),),
    ),
    Fault(
        "lost-audit",
        "finished runs leave no events in the audit trail",
        (
            Expected("INVESTIGATE", "AUD", "critical", runs=2, samples=1),
            Expected("ROLL BACK", "AUD", "rollback", runs=3, samples=1),
        ),
    ),
    Fault(
        "stop-monitor",
        "the monitor is stopped",
        (Expected("UNKNOWN", "", samples=2),),
    ),
)
FAULTS: dict[str, Fault] = {fault.name: fault for fault in _ALL}
"""The drills by name."""


def after(deployment: Deployment, expected: Expected) -> float | None:
    """Seconds from the beginning of the drill to the verdict, about; None when this deployment does not judge it."""
    console = deployment.console
    hold = 0.0
    if expected.condition:
        condition = deployment.monitoring.conditions.get(expected.condition)
        tier: Tier | None = getattr(condition, expected.tier, None) if condition is not None else None
        if tier is None:
            return None
        hold = float(tier.hold)
    ramp = LEAK_RAMP if expected.ramp else 0.0
    every = float(console.cadence.pipeline_run or 0.0)
    fixed = expected.seconds + expected.runs * every + expected.samples * float(console.cadence.sample)
    return (hold + ramp) / float(console.time_scale) + fixed


def lasts(deployment: Deployment, fault: Fault) -> float:
    """How long a drill runs when nobody says how long, in seconds: its last verdict is seen, and stands a while."""
    known = [seconds for item in fault.expects if (seconds := after(deployment, item)) is not None]
    return max(max(known, default=0.0) * SPARE, LEAST)
