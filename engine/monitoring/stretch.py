"""What ``logs/samples.db`` tells of a whole stretch: for reports, replay and the hand-over of the watch."""

from __future__ import annotations

import contextlib
import zlib
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from engine.monitoring.columns import Column, Stretch
from engine.monitoring.model import Evaluation
from engine.monitoring.store import SampleStore
from engine.monitoring.undecodable import Undecodable, decoded


class StretchStore(SampleStore):
    """Read only. sqlite3.Error when the file cannot be read."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, read_only=True)

    def evaluations(self, since: datetime, until: datetime, every: float = 0.0) -> Iterator[Evaluation]:
        """The kept evaluations of a stretch, oldest first; ``every``: at most one in so many seconds, beside each that
        changed the verdict.
        """
        if self._read_only and not self._there():
            return
        step = max(every, 0.001)
        rows = self._open().execute(
            "SELECT packed FROM evaluations WHERE seq IN (SELECT seq FROM"
            " (SELECT seq, verdict, CAST(wall / ? AS INTEGER) AS step,"
            " LAG(verdict) OVER w AS before, LAG(CAST(wall / ? AS INTEGER)) OVER w AS last"
            " FROM evaluations WHERE wall BETWEEN ? AND ? WINDOW w AS (ORDER BY wall, seq))"
            " WHERE verdict IS NOT before OR step IS NOT last) ORDER BY wall, seq",
            (step, step, since.timestamp(), until.timestamp()),
        )
        for (packed,) in rows:
            with contextlib.suppress(Undecodable):  # what stands around it is not lost
                yield decoded(zlib.decompress(packed))

    def gaps(self, since: datetime, until: datetime, longest: float) -> list[tuple[datetime, datetime]]:
        """Stretches in which nothing was sampled for more than ``longest`` seconds; for what is kept by the minute a
        minute more. A stretch before the first or after the last sample is none: that is for the caller to see.
        """
        if self._read_only and not self._there():
            return []
        rows = self._open().execute(
            "SELECT before, wall FROM (SELECT wall, slack, LAG(wall) OVER (ORDER BY wall) AS before FROM"
            " (SELECT wall, 0.0 AS slack FROM samples WHERE wall BETWEEN ?1 AND ?2"
            " UNION ALL SELECT DISTINCT minute * 60.0, 60.0 FROM minutes WHERE minute * 60.0 BETWEEN ?1 AND ?2))"
            " WHERE wall - before > ?3 + slack",
            (since.timestamp(), until.timestamp(), longest),
        )
        return [(datetime.fromtimestamp(a, UTC), datetime.fromtimestamp(b, UTC)) for a, b in rows]

    def columns(self, metric: str, stretch: Stretch, longest: float) -> tuple[Column, ...]:
        """A metric over a stretch, thinned to columns; what is kept by the minute counts with its extremes.

        ``longest``: seconds without a value after which something is missing; a minute more for what is kept so.
        """
        if self._read_only and not self._there():
            return ()
        begin, end = stretch.begin.timestamp(), stretch.end.timestamp()
        rows = self._open().execute(
            "SELECT min(CAST((wall - ?2) / ?4 AS INTEGER), ?5 - 1) AS place, min(low), max(high), sum(total) / sum(n),"
            " coalesce(max(silent), 0) > ?6 FROM"
            " (SELECT wall, low, high, total, n, wall - LAG(wall) OVER (ORDER BY wall) - slack AS silent FROM"
            " (SELECT s.wall, s.value AS low, s.value AS high, s.value AS total, 1 AS n, 0.0 AS slack"
            " FROM samples s JOIN metrics m ON m.id = s.metric WHERE m.name = ?1 AND s.wall BETWEEN ?2 AND ?3"
            " UNION ALL SELECT t.minute * 60.0, t.low, t.high, t.mean * t.count, t.count, 60.0"
            " FROM minutes t JOIN metrics m ON m.id = t.metric"
            " WHERE m.name = ?1 AND t.minute * 60.0 BETWEEN ?2 AND ?3))"
            " GROUP BY place ORDER BY place",
            (metric, begin, end, stretch.step, stretch.count, longest),
        )
        return tuple(Column(int(index), low, high, mean, bool(torn)) for index, low, high, mean, torn in rows)

    def packed_evaluations(self, since: float, until: float) -> Iterator[tuple[float, bytes]]:
        """Unix time and JSON of each evaluation that is kept whole, in order: after ``since``, up to ``until``."""
        if self._read_only and not self._there():
            return
        rows = self._open().execute(
            "SELECT wall, packed FROM evaluations WHERE wall > ? AND wall <= ? ORDER BY wall, seq", (since, until)
        )
        for wall, packed in rows:
            yield float(wall), zlib.decompress(packed)

    def counts(self, since: datetime, until: datetime) -> dict[str, int]:
        """How many values of each metric a stretch holds; those that live on by the minute count as they were."""
        if self._read_only and not self._there():
            return {}
        rows = self._open().execute(
            "SELECT m.name, sum(n) FROM metrics m JOIN"
            " (SELECT metric, count(*) AS n FROM samples WHERE wall BETWEEN ?1 AND ?2 GROUP BY metric"
            " UNION ALL SELECT metric, sum(count) FROM minutes WHERE minute * 60.0 BETWEEN ?1 AND ?2 GROUP BY metric) s"
            " ON s.metric = m.id GROUP BY m.name ORDER BY m.name",
            (since.timestamp(), until.timestamp()),
        )
        return {str(name): int(count) for name, count in rows}

    def verdicts(self, since: datetime, until: datetime) -> list[tuple[datetime, str]]:
        """Each change of the verdict between two moments, oldest first; the first is what it was at ``since``."""
        if self._read_only and not self._there():
            return []
        before = self._open().execute(
            "SELECT wall, verdict FROM evaluations WHERE wall <= ? ORDER BY wall DESC, seq DESC LIMIT 1",
            (since.timestamp(),),
        )
        later = self._open().execute(
            "SELECT wall, verdict FROM evaluations WHERE wall > ? AND wall <= ? ORDER BY wall, seq",
            (since.timestamp(), until.timestamp()),
        )
        found: list[tuple[datetime, str]] = []
        for wall, word in [*before.fetchall(), *later.fetchall()]:
            if not found or found[-1][1] != word:
                found.append((datetime.fromtimestamp(wall, UTC), word))
        return found

    def sampled(self, metric: str, moment: datetime) -> tuple[datetime, datetime] | None:
        """Times of the oldest single sample of a metric, and of its newest at or before ``moment``; None: neither."""
        row = (
            self._open()
            .execute(
                "SELECT (SELECT min(wall) FROM samples WHERE metric = m.id),"
                " (SELECT max(wall) FROM samples WHERE metric = m.id AND wall <= ?) FROM metrics m WHERE m.name = ?",
                (moment.timestamp(), metric),
            )
            .fetchone()
        )
        if row is None or row[0] is None or row[1] is None:
            return None
        return datetime.fromtimestamp(row[0], UTC), datetime.fromtimestamp(row[1], UTC)

    def verdict_change(self, moment: datetime, *, later: bool) -> datetime | None:
        """When the kept verdict next became another one after ``moment``, or last did before it; None: never."""
        sign, order = (">", "ASC") if later else ("<", "DESC")
        rows = self._open().execute(
            f"SELECT wall, verdict FROM evaluations WHERE wall {sign} ? ORDER BY wall {order}, seq {order}",  # noqa: S608 - our own two words
            (moment.timestamp(),),
        )
        before: tuple[float, str] | None = None
        if later:
            row = (
                self._open()
                .execute(
                    "SELECT wall, verdict FROM evaluations WHERE wall <= ? ORDER BY wall DESC, seq DESC LIMIT 1",
                    (moment.timestamp(),),
                )
                .fetchone()
            )
            before = (row[0], row[1]) if row else (0.0, "")
        for wall, verdict in rows:
            if before is not None and verdict != before[1]:
                return datetime.fromtimestamp(wall if later else before[0], UTC)
            before = (wall, verdict)
        return datetime.fromtimestamp(before[0], UTC) if before is not None and not later else None

    def extent(self) -> tuple[datetime, datetime] | None:
        """Times of the oldest and the newest kept evaluation; None when there is none."""
        row = self._open().execute("SELECT min(wall), max(wall) FROM evaluations").fetchone()
        return (datetime.fromtimestamp(row[0], UTC), datetime.fromtimestamp(row[1], UTC)) if row and row[0] else None


def touching(gaps: Iterable[tuple[datetime, datetime]]) -> list[tuple[datetime, datetime]]:
    """Gaps in order, those that touch as one: a single sample between does not part them."""
    found: list[tuple[datetime, datetime]] = []
    for since, until in gaps:
        if found and since <= found[-1][1]:
            found[-1] = (found[-1][0], until)
        else:
            found.append((since, until))
    return found
