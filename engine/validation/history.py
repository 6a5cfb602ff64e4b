"""Every validation in one line: ``logs/validations.jsonl``, from which later ones and the trend are told.

The line is made from the report alone. What is pruned is pruned with the report it names, and said in the audit trail;
what a decision or a snapshot rests on is kept longer: see :mod:`engine.validation.relied`.
"""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from engine.clock import parse_iso
from engine.config.kpis import HistorySection
from engine.config.paths import Paths
from engine.records import FileLock, Record, append_line, records_from_end, write_file
from engine.records.lines import decode
from engine.records.sound import lines_from_end
from engine.validation.model import Report, Status

LOOKED_AT = 500
"""Earlier validations that a new one is set against, at most."""
_WAIT = 2.0
"""Seconds that a validation waits for another one that writes its line."""
FIGURES: dict[str, tuple[str, str]] = {
    "rows": ("data_integrity", "rows"),
    "latest_rows": ("data_integrity", "latest_rows"),
    "null_percent": ("data_integrity", "null_percent"),
    "duplicates": ("data_integrity", "duplicates"),
    "outliers": ("data_integrity", "outlying_values"),
    "largest_difference": ("kpi_calculations", "largest_difference"),
    "latency_ms_per_1000_rows": ("performance", "latency_ms_per_1000_rows"),
    "run_seconds": ("performance", "run_seconds"),
    "rows_per_second": ("performance", "rows_per_second"),
    "error_rate_percent": ("error_handling", "error_rate_percent"),
    "audit_records": ("audit_trail", "records"),
}
"""Figures that are kept of each validation: their check, and their name there."""


class Kept(msgspec.Struct, frozen=True):
    """One validation, in its line."""

    timestamp: str
    status: Status
    release: str | None
    build: str | None
    tape: str
    tape_sha256: str | None
    measurement_date: str | None
    scheduled: bool
    occasion: str
    live: bool
    seconds: float
    checks: dict[str, Status]
    issues: int
    report: str
    """The report's file, below the deployment's root."""
    figures: dict[str, float] = {}
    """See FIGURES; only those that were measured."""
    kpis: dict[str, float] = {}
    """Recomputed from the tape; only those that are defined."""
    columns: dict[str, str] = {}
    """The tape's columns and their kinds."""

    @property
    def at(self) -> datetime:
        """When it began."""
        return parse_iso(self.timestamp)


@dataclass(frozen=True, slots=True)
class History:
    """The validations that are kept, oldest first."""

    kept: tuple[Kept, ...]
    damaged: int = 0
    """Lines that are none."""

    @property
    def live(self) -> tuple[Kept, ...]:
        """Those of the live tape."""
        return tuple(one for one in self.kept if one.live)


def kept_of(report: Report, path: str) -> Kept:
    """The line of a report that stands at ``path``."""
    checks = report.checks
    found = {name: checks[check].figures.get(key) for name, (check, key) in FIGURES.items() if check in checks}
    kpis: Any = checks["kpi_calculations"].figures.get("recomputed") if "kpi_calculations" in checks else {}
    columns: Any = checks["data_integrity"].figures.get("columns") if "data_integrity" in checks else {}
    return Kept(
        timestamp=report.timestamp,
        status=report.status,
        release=report.release,
        build=report.build,
        tape=report.tape,
        tape_sha256=report.tape_sha256,
        measurement_date=report.measurement_date,
        scheduled=report.scheduled,
        occasion=report.occasion,
        live=report.live,
        seconds=report.seconds,
        checks={name: check.status for name, check in checks.items()},
        issues=len(report.issues),
        report=path,
        figures=_finite(found),
        kpis=_finite(kpis or {}),
        columns=dict(columns or {}),
    )


_HUGE = 1e308
"""NaN is no less than it, either."""
_WHATEVER_THEIR_AGE = 20


def _finite(values: Mapping[str, Any]) -> dict[str, float]:
    """Those that a line can hold: JSON has no infinity."""
    numbers = {name: value for name, value in values.items() if isinstance(value, int | float) and abs(value) < _HUGE}
    return {name: float(value) for name, value in numbers.items()}


def read_history(paths: Paths, most: int | None = None) -> History:
    """The newest ``most`` validations (None: all). What is no line of ours is counted, not followed. OSError."""
    kept: list[Kept] = []
    damaged = 0
    for record in records_from_end(paths.validations):
        line = _line(record)
        if line is None:
            damaged += 1
        else:
            kept.append(line)
        if most is not None and len(kept) >= most:
            break
    return History(tuple(reversed(kept)), damaged)


def _line(record: Record | None) -> Kept | None:
    try:
        line = msgspec.convert(record, Kept)
        parse_iso(line.timestamp)
    except (msgspec.ValidationError, ValueError):
        return None
    return line


def keep(paths: Paths, line: Kept) -> None:
    """Append the line. OSError when it cannot be written."""
    with _turn(paths):
        append_line(paths.validations, msgspec.to_builtins(line))


def prune(
    paths: Paths, rules: HistorySection, now: datetime, relied: Callable[[Sequence[Kept]], frozenset[str]]
) -> tuple[Kept, ...]:
    """Remove the lines, and the reports they name, that are too many or too old; returns what was removed. OSError.

    ``relied`` gives the reports that something rests on. Nothing is removed from a history with a damaged line:
    a person looks at that first. Lines that stay keep their bytes: another version may say more in them.
    """
    with _turn(paths):
        lines = [(raw, _line(_decoded(raw))) for raw in lines_from_end(paths.validations)][::-1]
        kept = tuple(line for _, line in lines if line is not None)
        if len(kept) < len(lines) or not (gone := dispensable(kept, rules, now, relied)):
            return ()
        for one in gone:  # before its line: what is interrupted here is removed the next time
            place = _report(paths, one)
            if place is not None:
                place.unlink(missing_ok=True)
        write_file(paths.validations, b"".join(raw + b"\n" for raw, line in lines if line not in gone))
    return gone


def damaged_lines(paths: Paths) -> tuple[int, ...]:
    """The numbers of the lines that are no validation. OSError."""
    lines = list(lines_from_end(paths.validations))[::-1]
    return tuple(number for number, raw in enumerate(lines, start=1) if _line(_decoded(raw)) is None)


def _decoded(raw: bytes) -> Record | None:
    with contextlib.suppress(ValueError):
        return decode(raw)
    return None


def dispensable(
    kept: Sequence[Kept], rules: HistorySection, now: datetime, relied: Callable[[Sequence[Kept]], frozenset[str]]
) -> tuple[Kept, ...]:
    """Of validations, oldest first: those beyond the configured number or age that nothing rests on.

    The newest few are kept whatever their age: a clock that was wrong once must not remove all there is.
    """
    oldest, last = now - timedelta(days=rules.days), len(kept)
    beyond = [
        one
        for place, one in enumerate(kept)
        if place < last - rules.runs or (one.at < oldest and place < last - _WHATEVER_THEIR_AGE)
    ]
    if not beyond:
        return ()
    needed = relied(kept)
    return tuple(one for one in beyond if one.report not in needed)


def _report(paths: Paths, one: Kept) -> Path | None:
    """The report's file, where its line names one of ours."""
    place = paths.root / one.report
    ours = place.parent == paths.logs and place.name.startswith("validation_") and place.suffix == ".json"
    return place if ours and ".." not in place.parts else None


@contextlib.contextmanager
def _turn(paths: Paths) -> Iterator[None]:
    """Writers take turns; a rewritten file is another one, so the file itself cannot be what they lock."""
    lock = FileLock(paths.validations.with_name(paths.validations.name + ".lock"))
    with lock:
        if not lock.acquire(_WAIT):
            raise OSError(errno.EAGAIN, "another validation keeps it locked", str(paths.validations))
        yield
