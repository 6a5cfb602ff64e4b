"""The KPIs of a tape too large to be held: see :mod:`engine.portfolio.stream`. No pandas here."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

from engine.config.kpis import KpiConfig
from engine.portfolio.finalise import finalise
from engine.portfolio.plan import Plan, plan_of
from engine.portfolio.repeats import count_repeats
from engine.portfolio.results import TapeKpis
from engine.portfolio.stream import Streamed, stream_tape
from engine.records.regular import open_regular

ENGINE = "arrow"
LARGE = 64 << 20
"""Bytes from which a tape is streamed: below it is read whole, and its duplicates are counted."""


def is_large(path: Path) -> bool:
    """Whether the tape is to be streamed; False also where it cannot be looked at."""
    try:
        if path.is_dir():
            return sum(file.stat().st_size for file in path.rglob("*") if file.is_file()) >= LARGE
        return path.stat().st_size >= LARGE
    except OSError:
        return False  # who reads it says why


def compute_streamed(
    path: Path,
    config: KpiConfig,
    *,
    by_date: bool = False,
    pooled: bool = False,
    hashed: bool = True,
    duplicates: bool = False,
) -> TapeKpis:
    """The KPIs of the tape at ``path``, of the columns they need. As ``compute_tape``.

    ``hashed`` reads the file once more, for its hash; ``duplicates`` too, and keeps eight bytes of every row.
    """
    plan = plan_of(config)
    found = stream_tape(path, plan)
    return kpis_of(found, path, plan, ENGINE, by_date=by_date, pooled=pooled, hashed=hashed, duplicates=duplicates)


def kpis_of(
    found: Streamed, path: Path, plan: Plan, engine: str, *, by_date: bool, pooled: bool, hashed: bool, duplicates: bool
) -> TapeKpis:
    """The KPIs of a state, whoever made it, with what is found by reading the tape once more."""
    state, missing = found
    sha256 = _sha256(path) if hashed and not path.is_dir() else None
    counts = count_repeats(path, plan) if duplicates else None

    def repeats(day: str | None, rows: int) -> int | None:
        return None if counts is None else counts.get(day, 0) if rows else 0

    kpis = finalise(state, plan, missing, repeats, engine, sha256, by_date=by_date, pooled=pooled)
    return replace(kpis, columns=state.columns)


def _sha256(path: Path) -> str:
    with open_regular(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
