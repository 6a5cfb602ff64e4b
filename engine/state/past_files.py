"""Files for people as they stood at any moment: the monitoring log, the validation report, the shadow run."""

from __future__ import annotations

import os
from bisect import bisect_right
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import get_args

from engine.config import Deployment
from engine.monitoring.facts import Validation
from engine.monitoring.shadow import shadow_of
from engine.records import Record, harmless, records_from_end
from engine.records.atomic import open_to_read
from engine.records.unchanged import Stamp, stamp_of
from engine.records.undecodable import UNDECODABLE
from engine.state.model import CheckStatus, CheckView, ShadowView
from engine.state.written import LOG_BYTES, LOG_ROWS, Report, parse_report


class PastLog:
    """The monitoring log. How long it was is noted with each evaluation; where it was not, a row tells its minute
    alone: it is shown from that minute's end on.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stamp: Stamp | None = None
        self._times: list[datetime] = []
        self._rows: list[str] = []

    def first(self, size: int | None, inode: int | None) -> tuple[str, ...] | None:
        """The last rows of the first ``size`` bytes (None: of all), as a console of then showed them; None: the file
        of that inode is not there any more. OSError.
        """
        if inode is None:
            return () if size == 0 else None
        path = self._path
        if path.exists() and path.stat().st_ino != inode:  # it was rotated since
            others = (one for one in self._path.parent.glob(f"{self._path.stem}*") if one.stat().st_ino == inode)
            found = next(others, None)
            if found is None:
                return None
            path = found
        try:
            with open_to_read(path) as stream:
                there = os.fstat(stream.fileno()).st_size
                end = there if size is None else min(size, there)
                stream.seek(max(end - LOG_BYTES, 0))
                lines = stream.read(min(end, LOG_BYTES)).decode("utf-8", "replace").splitlines()
        except FileNotFoundError:
            return ()
        return tuple(harmless(line) for line in lines[-LOG_ROWS:])

    def at(self, moment: datetime) -> tuple[str, ...]:
        """The last rows that were written until then. OSError."""
        try:
            with open_to_read(self._path) as stream:
                stamp = stamp_of(os.fstat(stream.fileno()))
                if stamp != self._stamp:
                    self._index(stream.read().decode("utf-8", "replace").splitlines())
                    self._stamp = stamp
        except FileNotFoundError:
            return ()
        end = bisect_right(self._times, moment)
        return tuple(self._rows[max(end - LOG_ROWS, 0) : end])

    def _index(self, lines: list[str]) -> None:
        """Each line with the moment from which it certainly stood there."""
        known: list[datetime | None] = []
        day: datetime | None = None
        for line in lines:
            day = _day(line) or day
            known.append(_minute(line, day) if day is not None and _day(line) is None else None)
        times: list[datetime] = []
        following = datetime.max.replace(tzinfo=UTC)
        for moment, line in zip(reversed(known), reversed(lines), strict=True):
            # a missed slot is written down when the monitor is back; a date or header line with its first row
            if moment is not None and "| MISSED:" not in line:
                following = min(following, moment + timedelta(minutes=1))
            times.append(following)
        self._times = list(reversed(times))
        self._rows = [harmless(line) for line in lines]


def _day(line: str) -> datetime | None:
    try:
        return datetime.strptime(line.strip(), "%Y-%m-%d").replace(tzinfo=UTC) if len(line.strip()) == 10 else None
    except ValueError:
        return None


def _minute(line: str, day: datetime) -> datetime | None:
    hours, colon, minutes = line[:5].partition(":")
    if not colon or not (hours.isdigit() and minutes.isdigit()):
        return None
    return day + timedelta(hours=int(hours), minutes=int(minutes))


class PastReports:
    """The kept validation reports; one is read once."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._read: dict[str, Report | None] = {}

    def of(self, event: Record | None, validation: Validation | None) -> Report | None:
        """The report that an event names; of one that is gone, what the event itself tells."""
        if event is None or validation is None:
            return None
        name = Path(str(event["data"].get("report") or "")).name
        if name not in self._read:
            self._read[name] = self._kept(name)
        found = self._read[name]
        return found if found is not None and found.at <= validation.at else _of_event(validation)

    def _kept(self, name: str) -> Report | None:
        try:
            with open_to_read(self._root / "logs" / name) as stream:
                return parse_report(stream.read())
        except (OSError, ValueError, *UNDECODABLE):
            return None


def _of_event(validation: Validation) -> Report:
    checks = tuple(CheckView(name, _status(status), "") for name, status in validation.checks.items())
    return Report(_status(validation.status), validation.release, validation.at, checks, validation.issues)


def _status(text: str) -> CheckStatus:
    return text if text in get_args(CheckStatus) else "ERROR"  # type: ignore[return-value]


def past_shadow(deployment: Deployment, moment: datetime, problems: list[str]) -> ShadowView | None:
    """The newest shadow run until then; whether it was of the tape of then is not recorded, and not claimed."""
    try:
        for record in records_from_end(deployment.paths.shadow):
            found = shadow_of(record) if record else None
            if found is not None and found.at <= moment:
                return ShadowView(found.release, found.at, found.values, found.reason, current=False)
    except (OSError, ValueError) as error:
        problems.append(harmless(f"{deployment.paths.shadow.name}: {error}"))
    return None
