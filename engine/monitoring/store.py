"""``logs/samples.db``: measured series and evaluations, one writer (the monitor), any number of readers."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from msgspec.structs import replace

from engine.clock import Instant, compact
from engine.monitoring import model
from engine.monitoring.differing import NOTHING_KEPT, Kept, apart, joined, reason_of
from engine.monitoring.model import Evaluation
from engine.monitoring.onlooker import Stamp, look_into, resting
from engine.monitoring.undecodable import decoded
from engine.records import make_directory
from engine.records.atomic import open_to_append

RAW_KEPT = 48 * 3600.0
"""Seconds that single samples are kept; older ones live on as one row per minute."""
ALL_KEPT = 40 * 86400.0
"""Seconds that anything is kept: the watch of 28 days and some."""
HISTORY_EVERY = 60.0
"""One evaluation in this many seconds is kept whole, and each that changed its verdict; the others as what differs
from it, for RAW_KEPT: for longer only where the reason changed, or the monitor fell silent.
"""

_SCHEMA = """
BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS metrics (id INTEGER PRIMARY KEY, name TEXT UNIQUE NOT NULL);
CREATE TABLE IF NOT EXISTS eras (id INTEGER PRIMARY KEY, name TEXT UNIQUE NOT NULL);
CREATE TABLE IF NOT EXISTS samples (
  seq INTEGER PRIMARY KEY, metric INTEGER NOT NULL, era INTEGER NOT NULL,
  wall REAL NOT NULL, boot REAL NOT NULL, value REAL NOT NULL);
CREATE INDEX IF NOT EXISTS samples_by_metric ON samples (metric, wall);
CREATE TABLE IF NOT EXISTS minutes (
  metric INTEGER NOT NULL, minute INTEGER NOT NULL, count INTEGER NOT NULL,
  mean REAL NOT NULL, low REAL NOT NULL, high REAL NOT NULL,
  PRIMARY KEY (metric, minute)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS evaluations (
  seq INTEGER PRIMARY KEY, wall REAL NOT NULL, verdict TEXT NOT NULL, packed BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS evaluations_by_wall ON evaluations (wall);
CREATE TABLE IF NOT EXISTS differing (
  seq INTEGER PRIMARY KEY, wall REAL NOT NULL, whole INTEGER NOT NULL, lasting INTEGER NOT NULL, packed BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS differing_by_wall ON differing (wall);
CREATE TABLE IF NOT EXISTS newest (id INTEGER PRIMARY KEY CHECK (id = 0), evaluation BLOB);
CREATE TABLE IF NOT EXISTS kept (id INTEGER PRIMARY KEY, kind TEXT NOT NULL, record BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS checkpoints (name TEXT PRIMARY KEY, data BLOB NOT NULL) WITHOUT ROWID;
INSERT OR IGNORE INTO newest (id) VALUES (0);
COMMIT;
"""


class Measured(msgspec.Struct, frozen=True):
    """One value of one metric. ``era`` names what it belongs to (boot, release, process): runs do not cross it."""

    metric: str
    value: float
    at: Instant
    era: str


class SampleStore:
    """Measured series and evaluations. sqlite3.Error when the file cannot be read or written."""

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        self._path = path
        self._read_only = read_only
        self._ids: dict[tuple[str, str], int] = {}
        self._seen_version = -1
        self._seen: Evaluation | None = None
        self._kept = NOTHING_KEPT
        self._connection: sqlite3.Connection | None = None
        self._inode: int | None = None
        self._stamp: Stamp | None = None  # of a file that nobody wrote to when it was opened to look

    @property
    def path(self) -> Path:
        """The file."""
        return self._path

    def close(self) -> None:
        """Close the file; a later call opens it again."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        self._stamp = None
        self._ids.clear()
        self._seen_version, self._seen, self._kept = -1, None, NOTHING_KEPT

    def append(
        self,
        samples: Iterable[Measured],
        evaluation: Evaluation | None = None,
        checkpoints: Mapping[str, bytes] | None = None,
    ) -> None:
        """One tick, as one transaction: all of it is there afterwards, or nothing."""
        connection = self._open()
        connection.execute("BEGIN IMMEDIATE")
        try:
            rows = [self._row(connection, sample) for sample in samples]
            connection.executemany("INSERT INTO samples (metric, era, wall, boot, value) VALUES (?,?,?,?,?)", rows)
            if evaluation is not None:
                self._append_evaluation(connection, evaluation)
            for item in (checkpoints or {}).items():
                connection.execute("INSERT OR REPLACE INTO checkpoints (name, data) VALUES (?,?)", item)
            connection.execute("COMMIT")
        except BaseException:
            self._ids.clear()  # ids given out in a transaction that is undone are nobody's
            self._kept = NOTHING_KEPT
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise

    def newest_evaluation(self) -> Evaluation | None:
        """The last evaluation; None when there is none yet. The same object while nothing was written. Undecodable."""
        if self._read_only and not self._there():
            return None
        connection = self._open()
        version = int(connection.execute("PRAGMA data_version").fetchone()[0])
        if version != self._seen_version or not self._read_only:
            row = connection.execute("SELECT evaluation FROM newest WHERE id = 0").fetchone()
            self._seen = decoded(row[0]) if row and row[0] else None
            self._seen_version = version
        return self._seen

    def checkpoint(self, name: str) -> bytes | None:
        """What the monitor wrote down under this name to go on where it was."""
        row = self._open().execute("SELECT data FROM checkpoints WHERE name = ?", (name,)).fetchone()
        return bytes(row[0]) if row else None

    def keep_aside(self, name: str, data: bytes) -> None:
        """Keep what was found under a name that the next tick writes anew."""
        self._open().execute("INSERT OR IGNORE INTO checkpoints (name, data) VALUES (?,?)", (name, data))

    def keep(
        self, records: Iterable[tuple[str, bytes]], mark: bytes, *, anew: bool, instead_of_last: bool, without: str
    ) -> None:
        """More of the audit trail (kind, record), as one transaction; see :mod:`engine.monitoring.kept`.

        ``anew``: it belongs to another file than what is there. ``instead_of_last``: the first of them stands for the
        last one too. ``without``: a kind of which only the newest is kept.
        """
        connection = self._open()
        connection.execute("BEGIN IMMEDIATE")
        try:
            if anew:
                connection.execute("DELETE FROM kept")
            if instead_of_last:
                connection.execute("DELETE FROM kept WHERE id = (SELECT max(id) FROM kept)")
            if without:
                connection.execute("DELETE FROM kept WHERE kind = ?", (without,))
            connection.executemany("INSERT INTO kept (kind, record) VALUES (?,?)", records)
            connection.execute("INSERT OR REPLACE INTO checkpoints (name, data) VALUES ('kept', ?)", (mark,))
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise

    def kept(self) -> list[bytes]:
        """What is kept of the audit trail, in its order."""
        return [bytes(row[0]) for row in self._open().execute("SELECT record FROM kept ORDER BY id")]

    def of_era(self, metric: str, era: str, since_boot: float) -> list[tuple[float, float]]:
        """Boot seconds and values of one metric in one era, oldest first."""
        rows = self._open().execute(
            "SELECT s.boot, s.value FROM samples s JOIN metrics m ON m.id = s.metric JOIN eras e ON e.id = s.era"
            " WHERE m.name = ? AND e.name = ? AND s.boot >= ? ORDER BY s.boot",
            (metric, era, since_boot),
        )
        return [(float(boot), float(value)) for boot, value in rows]

    def series(self, metric: str, since: datetime, until: datetime | None = None) -> list[tuple[datetime, float]]:
        """A metric's values from ``since`` on, oldest first: single samples, before them means by the minute."""
        if self._read_only and not self._there():
            return []
        connection = self._open()
        begin, end = since.timestamp(), until.timestamp() if until else 1e18
        raw = connection.execute(
            "SELECT s.wall, s.value FROM samples s JOIN metrics m ON m.id = s.metric"
            " WHERE m.name = ? AND s.wall BETWEEN ? AND ? ORDER BY s.wall, s.seq",
            (metric, begin, end),
        ).fetchall()
        first_raw = raw[0][0] if raw else end
        coarse = connection.execute(
            "SELECT t.minute * 60.0, t.mean FROM minutes t JOIN metrics m ON m.id = t.metric"
            " WHERE m.name = ? AND t.minute * 60.0 >= ? AND t.minute * 60.0 < ? ORDER BY t.minute",
            (metric, begin, min(first_raw, end)),
        ).fetchall()
        return [(datetime.fromtimestamp(wall, UTC), value) for wall, value in [*coarse, *raw]]

    @contextlib.contextmanager
    def at_one_moment(self) -> Iterator[None]:
        """What is read inside belongs together: the writer may go on meanwhile."""
        connection = self._open()
        connection.execute("BEGIN")
        try:
            yield
        finally:
            connection.execute("COMMIT")

    def newest_samples(self, metric: str, count: int, beside: Sequence[str] = ()) -> tuple[list[Measured], bool]:
        """The last ``count`` samples of a metric as they were written, oldest first, and those of the metrics
        ``beside`` it since then; and whether there are no older single samples.
        """
        connection = self._open()
        found = connection.execute(
            "SELECT s.seq FROM samples s JOIN metrics m ON m.id = s.metric WHERE m.name = ?"
            " ORDER BY s.seq DESC LIMIT ?",
            (metric, count),
        ).fetchall()
        whole = len(found) < count
        names = (metric, *beside)
        rows = connection.execute(
            "SELECT m.name, s.value, s.wall, s.boot, e.name FROM samples s JOIN metrics m ON m.id = s.metric"  # noqa: S608 - places only
            f" JOIN eras e ON e.id = s.era WHERE m.name IN ({','.join('?' * len(names))}) AND s.seq >= ?"
            " ORDER BY s.seq",
            (*names, 0 if whole else found[-1][0]),
        )
        samples = [
            Measured(name, value, Instant(datetime.fromtimestamp(wall, UTC), boot), era)
            for name, value, wall, boot, era in rows
        ]
        return samples, whole

    def thinned(self, metric: str) -> bool:
        """Whether older samples of a metric are kept by the minute only."""
        row = self._open().execute(
            "SELECT 1 FROM minutes t JOIN metrics m ON m.id = t.metric WHERE m.name = ? LIMIT 1", (metric,)
        )
        return row.fetchone() is not None

    def evaluation_at(self, moment: datetime) -> Evaluation | None:
        """The last kept evaluation at or before ``moment``. Undecodable."""
        return self._beside("wall <= ? ORDER BY wall DESC, seq DESC LIMIT 1", moment)

    def evaluation_after(self, moment: datetime) -> Evaluation | None:
        """The first kept evaluation after ``moment``."""
        return self._beside("wall > ? ORDER BY wall, seq LIMIT 1", moment)

    def _beside(self, where: str, moment: datetime) -> Evaluation | None:
        """The evaluation nearest to a moment on one side of it, whole or as what differs from a whole one."""
        connection, wall = self._open(), moment.timestamp()
        found = connection.execute(f"SELECT wall, packed FROM evaluations WHERE {where}", (wall,)).fetchone()  # noqa: S608 - our own words
        if not self._has_differing():
            return decoded(zlib.decompress(found[1])) if found else None
        other = connection.execute(f"SELECT wall, packed, whole FROM differing WHERE {where}", (wall,)).fetchone()  # noqa: S608
        if found is None or (other is not None and abs(other[0] - wall) < abs(found[0] - wall)):
            whole = other and connection.execute("SELECT packed FROM evaluations WHERE seq = ?", (other[2],)).fetchone()
            if whole:
                return decoded(joined(other[1], zlib.decompress(whole[0])))
        return decoded(zlib.decompress(found[1])) if found else None

    def _has_differing(self) -> bool:
        """A file of before has whole ones alone, until a monitor opens it."""
        return self._open().execute("SELECT 1 FROM sqlite_master WHERE name = 'differing'").fetchone() is not None

    def thin(self, now: datetime) -> None:
        """Fold samples older than RAW_KEPT into minutes and drop what is older than ALL_KEPT."""
        connection = self._open()
        edge = (now.timestamp() - RAW_KEPT) // 60 * 60
        oldest = now.timestamp() - ALL_KEPT
        connection.execute("BEGIN IMMEDIATE")
        try:
            connection.execute(
                "INSERT OR REPLACE INTO minutes SELECT metric, CAST(wall / 60 AS INTEGER), count(*), avg(value),"
                " min(value), max(value) FROM samples WHERE wall < ? GROUP BY 1, 2",
                (edge,),
            )
            connection.execute("DELETE FROM samples WHERE wall < ?", (edge,))
            connection.execute("DELETE FROM minutes WHERE minute < ?", (oldest / 60,))
            connection.execute(
                "DELETE FROM differing WHERE wall < ? AND (NOT lasting OR wall < ?)"
                " AND seq < (SELECT max(seq) FROM differing)",
                (edge, oldest),
            )
            connection.execute("DELETE FROM evaluations WHERE wall < ?", (oldest,))
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise

    def set_aside(self, now: datetime) -> Path:
        """Move a damaged file out of the way; its new name. Nothing of it is removed."""
        self.close()
        aside = self._path.with_name(f"{self._path.name}.damaged-{compact(now)}")
        for suffix in ("", "-wal", "-shm"):
            part = self._path.with_name(self._path.name + suffix)
            if part.exists():
                part.rename(aside.with_name(aside.name + suffix))
        return aside

    def there(self) -> bool:
        """Whether there is something to read: a writer makes the file itself."""
        return not self._read_only or self._there()

    def _there(self) -> bool:
        """Whether a writer has made the file and its tables: for a moment there is the one without the other."""
        if self._connection is not None and not self._removed():
            return True
        if not self._path.exists():
            return False
        row = self._open().execute("SELECT 1 FROM sqlite_master WHERE name = 'newest'").fetchone()
        if row is None:
            self.close()
        return row is not None

    def _open(self) -> sqlite3.Connection:
        if self._connection is not None and (self._removed() or self._stamp not in (None, resting(self._path))):
            self.close()  # SQLite would go on in a file that nobody can find any more, or that somebody writes to now
        if self._connection is not None:
            return self._connection
        if self._read_only:
            self._connection, self._stamp = look_into(self._path)
            self._inode = self._inode_now()
            return self._connection
        make_directory(self._path.parent)
        self._part_from_leftovers()
        os.close(open_to_append(self._path))  # made here where it is absent: SQLite gives its log and map the same mode
        connection = sqlite3.connect(
            f"{self._path.absolute().as_uri()}?mode=rwc",
            uri=True,
            timeout=1.0,
            isolation_level=None,
            check_same_thread=False,
        )
        try:
            self._prepare(connection)
        except BaseException:
            connection.close()
            raise
        self._connection, self._inode = connection, self._inode_now()
        return connection

    def _part_from_leftovers(self) -> None:
        """A log without its database belongs to one that was removed: it must not be read into the new one."""
        if self._path.exists():
            return
        for suffix in ("-wal", "-shm"):
            part = self._path.with_name(self._path.name + suffix)
            with contextlib.suppress(FileNotFoundError):
                part.rename(part.with_name(part.name + ".left"))

    def _removed(self) -> bool:
        """Whether another file, or none, stands where the open one stood."""
        return self._inode_now() != self._inode

    def _inode_now(self) -> int | None:
        try:
            return self._path.stat().st_ino
        except FileNotFoundError:
            return None

    def _prepare(self, connection: sqlite3.Connection) -> None:
        with closing(connection.execute("PRAGMA journal_mode = WAL")) as answer:
            answer.fetchone()
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA cache_size = -2000")
        connection.executescript(_SCHEMA)

    def _row(self, connection: sqlite3.Connection, sample: Measured) -> tuple[int, int, float, float, float]:
        metric = self._id(connection, "metrics", sample.metric)
        era = self._id(connection, "eras", sample.era)
        return metric, era, sample.at.wall.timestamp(), sample.at.boot, sample.value

    def _id(self, connection: sqlite3.Connection, table: str, name: str) -> int:
        known = self._ids.get((table, name))
        if known is None:
            connection.execute(f"INSERT OR IGNORE INTO {table} (name) VALUES (?)", (name,))  # noqa: S608 - our own two names
            known = int(connection.execute(f"SELECT id FROM {table} WHERE name = ?", (name,)).fetchone()[0])  # noqa: S608
            self._ids[(table, name)] = known
        return known

    def _append_evaluation(self, connection: sqlite3.Connection, evaluation: Evaluation) -> None:
        data = model.encode(evaluation)
        connection.execute("UPDATE newest SET evaluation = ? WHERE id = 0", (data,))
        kept, word, reason = self._kept, evaluation.verdict.word, reason_of(evaluation)
        wall = evaluation.at.timestamp()
        if kept is NOTHING_KEPT:  # what the monitor before saw last tells when it fell silent
            connection.execute("UPDATE differing SET lasting = 1 WHERE seq = (SELECT max(seq) FROM differing)")
        if word != kept.word or abs(evaluation.boot - kept.boot) >= HISTORY_EVERY:
            added = connection.execute(
                "INSERT INTO evaluations (wall, verdict, packed) VALUES (?,?,?)", (wall, word, zlib.compress(data))
            )
            self._kept = Kept(evaluation.boot, word, reason, added.lastrowid or 0, data)
            return
        connection.execute(
            "INSERT INTO differing (wall, whole, lasting, packed) VALUES (?,?,?,?)",
            (wall, kept.seq, reason != kept.reason, apart(data, kept.data)),
        )
        self._kept = replace(kept, reason=reason)
