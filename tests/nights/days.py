"""Many days in one piece: the same oracle, and whether the monitor's memory, time and files stay what they are."""

from __future__ import annotations

import gc
import sqlite3
import sys
import tempfile
import time
import types
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any

from night import Night, Result, ground
from story import draw_weeks

CADENCE = 60.0
KEPT_DAYS = 2.0
"""Single samples are kept for so long; until then the database grows as it should."""
GROWTH = 1.2
"""What the last week may take of the first one's memory and time."""


@dataclass
class Week:
    """What the monitor took at one moment."""

    day: float
    held: int
    """Bytes that the monitor's own objects take."""
    tick: float
    """Seconds of CPU per sample, median of the time since the one before."""
    sizes: dict[str, int]


@dataclass
class Taken:
    """Called after each sample."""

    every: float
    weeks: list[Week] = field(default_factory=list)
    ticks: list[float] = field(default_factory=list)
    due: float = 0.0

    def __call__(self, night: Night, _evaluation: object) -> None:
        day = night.world.age / 86400
        self.ticks.append(night.tick_seconds)
        if day < self.due:
            return
        self.due = max(self.due, day) + self.every
        self.weeks.append(Week(day, _held(night), median(self.ticks), _sizes(night)))
        self.ticks = []


def _held(night: Night) -> int:
    """Bytes of everything that can be reached from the monitor, without what all programs share and what is played."""
    seen = {id(thing) for thing in (night.world, night.world.clock, night.world.deployment, night.story)}
    waiting: list[Any] = [night.monitor]
    total = 0
    while waiting:
        thing = waiting.pop()
        if id(thing) in seen or isinstance(thing, type | types.ModuleType | types.FunctionType | types.CodeType):
            continue
        seen.add(id(thing))
        total += sys.getsizeof(thing)
        waiting += gc.get_referents(thing)
    return total


def _sizes(night: Night) -> dict[str, int]:
    path = night.world.deployment.paths.samples
    with sqlite3.connect(path) as connection:
        found = {
            name: int(connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0])
            for name in ("samples", "minutes", "evaluations", "kept")
        }
    wal = path.with_name(path.name + "-wal")
    found["wal_kb"] = wal.stat().st_size // 1024 if wal.exists() else 0
    found["database_kb"] = path.stat().st_size // 1024
    found["events_kb"] = night.world.deployment.paths.events.stat().st_size // 1024
    return found


def make_records(root: Path, days: float, seed: int = 0, *, taken: Taken | None = None) -> Result:
    """The records of a watch of so many days that ends now, in ``root``; judged by the oracle on the way."""
    story = draw_weeks(seed, cadence=CADENCE, days=days)
    night = Night(replace(story, begins=datetime.now(UTC).replace(microsecond=0) - timedelta(days=days)), root)
    night.every_tick = taken
    return night.play()


def weeks(days: float, seed: int) -> int:
    """Print the figures; 1 when a verdict, page, row or gate differs, or when something grows that should not."""
    began, taken = time.monotonic(), Taken(every=min(1.0, days / 4))
    with tempfile.TemporaryDirectory(prefix="abaco-days-", dir=ground()) as directory:
        found = make_records(Path(directory) / "deployment", days, seed, taken=taken)
    for line in found.wrong:
        print(f"  {line}")
    print("   day  monitor holds  CPU per sample  " + "  ".join(f"{name:>12}" for name in taken.weeks[0].sizes))
    shown = taken.weeks[:: max(len(taken.weeks) // 8, 1)]
    for week in [*shown, *([] if shown[-1] is taken.weeks[-1] else [taken.weeks[-1]])]:
        sizes = "  ".join(f"{value:>12}" for value in week.sizes.values())
        print(f"{week.day:6.1f} {week.held / 1e6:10.2f} MB {week.tick * 1000:12.2f} ms  {sizes}")
    print(f"days {days:g} at a sample every {CADENCE:g} s, seed {seed}: faults {found.faults}  samples {found.samples}")
    print(f"verdicts checked {found.verdicts} {dict(found.words)}")
    print(f"gates decided {found.gates}  criteria checked {found.criteria}")
    print(f"pages {found.pages}  missed pages {found.missed}  false pages {found.false}")
    print(f"rows and slots {found.rows}  rows lost {found.rows_lost}  differences {len(found.wrong)}")
    grown = _grown(taken.weeks)
    print("\n".join(grown) or "nothing grew beyond what is kept")
    print(f"seconds {time.monotonic() - began:.0f}")
    return 1 if found.wrong or found.missed or found.false or found.rows_lost or grown else 0


def _grown(found: list[Week]) -> list[str]:
    """Compared with the first days after single samples have begun to be folded into minutes."""
    settled = [week for week in found if week.day > KEPT_DAYS + 1]
    if len(settled) < 8:
        return []
    first, last = settled[: len(settled) // 4], settled[-(len(settled) // 4) :]
    measures = {
        "memory": lambda week: float(week.held),
        "CPU per sample": lambda week: week.tick,
        "single samples": lambda week: float(week.sizes["samples"]),
    }
    return [
        f"{name} grew from {before:.6g} to {after:.6g}"
        for name, measure in measures.items()
        if (after := median(measure(week) for week in last)) > GROWTH * (before := median(map(measure, first)))
    ]
