"""The pipeline's run records: what each run says about itself, and the metrics that follow from it."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import msgspec

from engine.records import Record


class Output(msgspec.Struct, frozen=True):
    """One file that a run wrote."""

    path: str
    sha256: str = ""


class Run(msgspec.Struct, frozen=True):
    """One line of ``logs/runs.jsonl``, as far as the watch needs it."""

    run_id: str
    release: str
    started: datetime
    ended: datetime
    rows: int = 0
    errors: int = 0
    latency_ms: float | None = None
    build: str = ""
    incarnation: dict[str, Any] | None = None
    tape_sha256: str | None = None
    measurement_date: str | None = None
    outputs: tuple[Output, ...] = ()
    audit_events: int = 0
    status: str = "ok"
    error: str | None = None

    @property
    def ok(self) -> bool:
        """Whether it did what a run does."""
        return self.status == "ok"

    @property
    def seconds(self) -> float:
        """The whole run, from started to ended."""
        return max((self.ended - self.started).total_seconds(), 0.0)

    @property
    def process(self) -> str:
        """What tells its process apart from any other."""
        known = self.incarnation or {}
        return f"{known.get('boot_id', '?')}:{known.get('pid', '?')}:{known.get('start_time', '?')}"


LONGEST = 7 * 86400.0
"""Seconds: no run takes longer."""
MOST_ROWS = 10**12
SHORTEST_MS = 1e-6


def parse_run(record: Record) -> Run:
    """ValueError when the line is no run record, or says what no run can have done: such a record is damaged."""
    try:
        run = msgspec.convert(record, Run)
    except msgspec.ValidationError as error:
        raise ValueError(f"a run record is not as agreed: {error}") from error
    if wrong := _impossible(run):
        raise ValueError(f"the record of run {run.run_id[:8]} is damaged: {wrong}; nothing in it counts")
    return run


def _impossible(run: Run) -> str:
    """What no run can have done; empty when all of it can be."""
    if run.started.tzinfo is None or run.ended.tzinfo is None:
        return "its times name no time zone"
    if run.ended < run.started:
        return "it ended before it started"
    if run.seconds > LONGEST:
        return f"it took {run.seconds / 86400:.0f} days"
    if not 0 <= run.rows <= MOST_ROWS:
        return f"{run.rows:.4g} rows"
    if not 0 <= run.errors <= run.rows:
        return f"{run.errors:.4g} errors in {run.rows} rows"
    latency = run.latency_ms
    if latency is not None and latency != 0 and not SHORTEST_MS <= latency <= LONGEST * 1000:  # also what is no number
        return f"a latency of {latency:.4g} ms"
    return ""


def run_metrics(run: Run) -> dict[str, float]:
    """Metrics of one finished run; what cannot be told from it is left out."""
    metrics = {"run_seconds": run.seconds}
    if run.ok and run.rows > 0 and run.latency_ms is not None and run.latency_ms > 0:
        metrics["kpi_latency_ms_per_1000_rows"] = run.latency_ms / run.rows * 1000
        metrics["rows_per_second"] = run.rows / run.latency_ms * 1000
    return metrics


def attempted(run: Run, before: Iterable[Run]) -> tuple[int, int]:
    """Input rows of a run, and how many of them went wrong: of a failed run all.

    One that does not say how many it read has read those of the last good run ``before`` it on the same tape. A tape
    that no good run has read says nothing about errors: the data quality and the schedule speak for it.
    """
    if run.ok:
        return run.rows, run.errors
    if run.rows:
        return run.rows, run.rows
    good = [one for one in before if one.ok and (run.tape_sha256 is None or one.tape_sha256 == run.tape_sha256)]
    rows = good[-1].rows if good else 0
    return rows, rows


def error_rate(runs: Iterable[Run], until: datetime, window: float, least: int) -> float | str:
    """Errors over input rows, in %, of the runs that ended in the ``window`` seconds before ``until``; ``runs``: oldest
    first, and older ones too: see :func:`attempted`.

    A text says why there is no rate: LOW VOLUME.
    """
    known = list(runs)
    counted = [
        attempted(run, () if run.ok else known[:number])
        for number, run in enumerate(known)
        if 0 <= (until - run.ended).total_seconds() < window
    ]
    rows, errors = sum(rows for rows, _ in counted), sum(errors for _, errors in counted)
    if rows < least:
        return f"LOW VOLUME: {rows} rows in the last {window:g} s, {least} are needed"
    return errors / rows * 100


def usual_interval(runs: Sequence[Run], of_last: int = 20) -> float | None:
    """Median time between the starts of the last runs; None below three runs."""
    starts = sorted(run.started for run in runs[-of_last:])
    gaps = [(later - earlier).total_seconds() for earlier, later in itertools.pairwise(starts)]
    if len(gaps) < 2:
        return None
    from statistics import median  # dear to import, and a screen imports this room for its types

    return median(gaps)


ON_SCHEDULE, LATE, FAILING = 0.0, 1.0, 2.0
LATE_SLACK = 60.0
"""Seconds after which a run that is due is late; a pipeline that runs more often has its few cadences instead."""


def run_patience(interval: float, cadences: float) -> float:
    """How long a silence is still on schedule: "an hour late" counts from when the run was due, not cadences later."""
    return min(interval * cadences, interval + LATE_SLACK)


def run_level(last: Run | None, *, serves: bool, silent_for: float | None, patience: float | None) -> float | None:
    """How the schedule stands: ON_SCHEDULE, LATE or FAILING; None when nothing can be said yet.

    ``serves``: the service runs. ``silent_for``: seconds since the last run ended, or, when there was none,
    since the service started. ``patience``: how long a silence is still on schedule; None: unknown.
    """
    if not serves or (last is not None and not last.ok):
        return FAILING
    if silent_for is None or patience is None:
        return None if last is None else ON_SCHEDULE
    if silent_for > patience:
        return LATE
    return None if last is None else ON_SCHEDULE
