"""What a console looks at in its tests: series, snapshots and a trail made by hand."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from states import EVENTS, NOW

from engine.clock import iso
from engine.errors import Refused
from engine.monitoring.columns import Column, Stretch
from engine.state.kept_snapshots import KeptFile, KeptSnapshot, Verified
from engine.state.plotted import PlotMark, Plotted
from engine.state.trail_pages import Filter, TrailLine, TrailPage
from engine.validation.history import History, Kept
from engine.validation.model import CHECKS

FILES = tuple(KeptFile(f"data/metrics/kpis_{number}.csv", 3300, f"{number:064x}") for number in range(3))


def snapshot(snapshot_id: str, **more: Any) -> KeptSnapshot:
    fields: dict[str, Any] = {
        "id": snapshot_id,
        "purpose": "final",
        "release": "v1",
        "build": "a41f09",
        "operation": "0003-cutover",
        "taken_at": NOW - timedelta(hours=7),
        "files": len(FILES),
        "bytes": 9900,
        "absent": (),
        "problem": "",
        "restorable": True,
        "chosen": False,
        "staged": "not staged",
    }
    return KeptSnapshot(**{**fields, **more})


SNAPSHOTS = (
    snapshot("0005", problem="it is of another deployment: elsewhere", files=0, restorable=False, taken_at=None),
    snapshot("0004", chosen=True, staged="staged"),
    snapshot("0003", purpose="live"),
)
MARKS = (
    PlotMark("operation", "0003-cutover", "v1 to v2 SUCCEEDED", NOW - timedelta(minutes=14), NOW, False),
    PlotMark("alert", "MEM", "204 MB, above 200", NOW - timedelta(minutes=10), NOW - timedelta(minutes=5), False),
    PlotMark("alert", "ERR", "7.4 %, above 5", NOW - timedelta(minutes=3), None, True),
)


def plotted(name: str, stretch: Stretch, columns: tuple[Column, ...] | None = None, **more: Any) -> Plotted:
    """A saw of values with a hole in its middle."""
    count = stretch.count
    hole = range(count // 3, count // 2)
    made = tuple(
        Column(index, 150 + index % 20, 160 + index % 20, 155 + index % 20, index == count // 2)
        for index in range(count)
        if index not in hole
    )
    fields: dict[str, Any] = {
        "name": name,
        "title": "memory",
        "unit": "MB",
        "decimals": 0,
        "stretch": stretch,
        "columns": made if columns is None else columns,
        "limits": (("warning", 200.0), ("critical", 500.0), ("roll back", 500.0)),
        "worse_when": "higher",
        "from_zero": True,
        "longest": 3.5,
        "source": "sampled every 1 s",
        "newest_at": stretch.end,
        "marks": MARKS,
    }
    return Plotted(**{**fields, **more})


def validation(number: int, **more: Any) -> Kept:
    """One so many hours before the last."""
    at = NOW - timedelta(hours=number)
    fields: dict[str, Any] = {
        "timestamp": iso(at),
        "status": "PASS",
        "release": "v2",
        "build": None,
        "tape": "data/raw/loan_tape.csv",
        "tape_sha256": "a" * 64,
        "measurement_date": "2025-12-31",
        "scheduled": True,
        "occasion": "slot",
        "live": True,
        "seconds": 0.6,
        "checks": dict.fromkeys(CHECKS, "PASS"),
        "issues": 0,
        "report": f"logs/validation_{number}.json",
        "kpis": {"PAR30": 2.0 + number / 10},
    }
    return Kept(**{**fields, **more})


VALIDATIONS = (
    validation(3),
    validation(2, status="FAIL", checks={**dict.fromkeys(CHECKS, "PASS"), "data_integrity": "FAIL"}, issues=2),
    validation(1, live=False),
    validation(0),
)


@dataclass
class FakeLooks:
    """Notes what was looked at."""

    asked: list[tuple[Any, ...]] = field(default_factory=list)
    verified: dict[str, str] = field(default_factory=dict)
    """Snapshot to what is wrong with it."""
    trail: tuple[TrailLine, ...] = tuple(TrailLine("2026-01-31", f"event {text}") for text in EVENTS)
    older: tuple[TrailLine, ...] = (TrailLine("2026-01-30", "23:00:00 the day before"),)

    def plotted(self, name: str, stretch: Stretch) -> Plotted:
        self.asked.append(("plotted", name, (stretch.end - stretch.begin).total_seconds(), stretch.end))
        return plotted(name, stretch)

    def snapshots(self) -> tuple[KeptSnapshot, ...]:
        return SNAPSHOTS

    def files(self, snapshot: str) -> tuple[KeptFile, ...]:
        return FILES

    def verify(self, snapshot: str) -> Verified:
        self.asked.append(("verify", snapshot))
        return Verified(NOW, 0.2, self.verified.get(snapshot, ""), "")

    def trail_before(self, before: int | None, wanted: Filter) -> TrailPage:
        self.asked.append(("trail", before, wanted))
        if before is None:
            found = tuple(line for line in self.trail if wanted.text in line.text)
            return TrailPage(found, 500, 1000, 0, "2026-01-31T00:00")
        return TrailPage(self.older, 0, before, 1, "2026-01-30T23:00")

    def trail_after(self, after: int, wanted: Filter) -> TrailPage:
        return TrailPage((), after, after, 0, "")

    def check(self, name: str) -> tuple[tuple[str, str], ...]:
        if name != "data_integrity":
            raise Refused(f"the newest report has no check {name}", "V")
        return (("status", "FAIL"), ("issue 1", "40 duplicates"), ("duplicates first_rows", "117, 240, 1933"))

    def validations(self) -> History:
        return History(VALIDATIONS)

    def validation(self, name: str) -> tuple[tuple[str, str], ...]:
        return (("verdict", "FAIL"), ("of", name))

    def output(self, operation: str) -> tuple[str, ...]:
        return tuple(f"2026-01-31T09:12:0{number % 10}.000Z {operation} line {number}" for number in range(60))
