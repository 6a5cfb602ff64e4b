"""What happens in one night: faults, losses, suspends, steps of the clock, restarts; drawn from a seed."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

HOUR = 3600.0
KINDS = (
    "latency",
    "slow_run",
    "memory",
    "cpu",
    "errors",
    "low_volume",
    "failing_runs",
    "crash",
    "gives_up",
    "validation",
    "audit",
    "variance",
    "disk",
    "disk_unreadable",
    "no_process",
    "no_runs",
    "stopped",
    "log_full",
    "tape",
)


@dataclass(frozen=True)
class Fault:
    """Begins and ends at seconds of true time since the cutover."""

    kind: str
    begin: float
    end: float
    value: float = 0.0
    ramp: bool = False
    """The value is reached at the end only, in a straight line."""
    word: str = ""

    def at(self, now: float, usual: float) -> float | None:
        """The value now; None while it does not last."""
        if not self.begin <= now < self.end:
            return None
        share = (now - self.begin) / (self.end - self.begin) if self.ramp else 1.0
        return usual + (self.value - usual) * share


@dataclass(frozen=True)
class Story:
    """One night."""

    seed: int
    cadence: float
    run_every: float
    hours: float
    grace: int
    loss: float
    faults: tuple[Fault, ...]
    suspends: tuple[tuple[float, float], ...]
    """(when, seconds)"""
    steps: tuple[tuple[float, float], ...]
    restarts: tuple[tuple[float, float, str], ...]
    """(when, seconds without a monitor, how: ``asked``, ``killed`` between two samples, ``inside`` one)"""
    jitter: float = 0.0
    begins: datetime = datetime(2026, 1, 31, 2, 0, tzinfo=UTC)


def draw(seed: int, *, cadence: float, hours: float = 24.0, faults: int | None = None) -> Story:
    """The night of this seed."""
    luck = random.Random(seed)
    end = hours * HOUR
    count = luck.randint(2, 7) if faults is None else faults
    return Story(
        seed=seed,
        cadence=cadence,
        run_every=luck.choice((120.0, 300.0, 300.0, 600.0)),
        hours=hours,
        grace=luck.choice((60, 180, 420)) if cadence > 20 else 60,
        loss=luck.choice((0.0, 0.02, 0.05, 0.1)),
        faults=tuple(sorted((_fault(luck, end) for _ in range(count)), key=lambda fault: fault.begin)),
        suspends=_moments(luck, end, 2, lambda: luck.choice((300.0, 1800.0, 2 * HOUR)) * luck.uniform(0.7, 1.3)),
        steps=_moments(
            luck,
            end,
            1,
            lambda: luck.choice((-1, 1)) * luck.choice((3.0, 90.0, 900.0, 2 * HOUR)) * luck.uniform(1, 1.3),
        ),
        restarts=tuple(
            (luck.uniform(600, end), luck.choice((0.0, 0.0, 120.0, 900.0, 2 * HOUR)) * luck.uniform(0.5, 1.2), how)
            for how in luck.choices(("asked", "killed", "inside"), k=luck.randint(1, 6))
        ),
        jitter=luck.choice((0.0, 0.1)),
    )


def draw_weeks(seed: int, *, cadence: float, days: float) -> Story:
    """Many days, with two or three faults each."""
    luck = random.Random(seed)
    end = days * 24 * HOUR
    one = draw(seed, cadence=cadence, hours=days * 24, faults=max(round(days * 2.5), 1))
    return replace(
        one,
        run_every=300.0,
        loss=0.05,
        suspends=_moments(luck, end, max(round(days / 3), 1), lambda: luck.uniform(300, 2 * HOUR)),
        steps=_moments(luck, end, max(round(days / 6), 1), lambda: luck.choice((-1, 1)) * luck.uniform(5, 2 * HOUR)),
        restarts=tuple(
            (luck.uniform(600, end), luck.choice((0.0, 60.0, 900.0, 2 * HOUR)), how)
            for how in luck.choices(("asked", "killed", "inside"), k=max(round(days), 1))
        ),
    )


def _moments(luck: random.Random, end: float, count: int, length: Any) -> tuple[tuple[float, float], ...]:
    return tuple(sorted((luck.uniform(1800, end), round(length(), 3)) for _ in range(count)))


def _fault(luck: random.Random, end: float) -> Fault:
    kind = luck.choice(KINDS)
    begin = luck.uniform(300, end * 0.95)
    length = luck.choice((30.0, 90.0, 180.0, 600.0, 900.0, 1500.0, 2400.0, 1.5 * HOUR)) * luck.uniform(0.8, 1.25)
    values: dict[str, tuple[float, ...]] = {
        "latency": (90.0, 97.0, 150.0, 600.0, 2000.0),
        "slow_run": (25.0, 40.0, 80.0),
        "memory": (150.0, 195.0, 230.0, 480.0, 560.0),
        "cpu": (48.5, 60.0, 85.0, 95.0),
        "errors": (0.0005, 0.01, 0.2),
        "crash": (1.0, 2.0, 3.0, 4.0),
        "audit": (1.0, 2.0, 2.0),
        "variance": (0.5, 3.0, 14.0),
        "disk": (20.0, 130e6, 30e6),
    }
    return Fault(
        kind,
        round(begin, 3),
        round(begin + length, 3),
        luck.choice(values.get(kind, (1.0,))),
        ramp=kind in ("latency", "memory", "cpu") and luck.random() < 0.4,
        word=luck.choice(("FAIL", "FAIL", "WARN", "ERROR", "LOSS")) if kind == "validation" else "",
    )
