"""How fast the KPIs are, beside the engines that others would take: ``python benchmarks/kpis.py``.

Every part runs product and peers in turn, so that a busy machine slows all of them alike, and prints for each the
median of its times and the median of its ratios to the contender of the same round that the bar names. Files are
read in fresh processes, whose CPU seconds and largest memory are told as well.

    python benchmarks/kpis.py                        all parts at sizes that two cores and 4 GB hold
    python benchmarks/kpis.py --part small memory    some of them
    python benchmarks/kpis.py --rows 10000000 --rounds 7

Needs the extra "test" (DuckDB, polars). Without a directory given, tapes are made in a temporary one.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import kpi_tapes
import numpy as np
import pandas as pd

from engine.config.kpis import KpiConfig
from engine.portfolio.frame import kpis_of_frame
from engine.portfolio.live import live
from engine.portfolio.plan import Plan, plan_of

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Took:
    """What one run took: seconds, and of a process of its own its CPU seconds and megabytes."""

    wall: float
    cpu: float | None = None
    megabytes: int | None = None


Contenders = dict[str, Callable[[], Took]]


def timed(work: Callable[[], object], times: int = 1) -> Callable[[], Took]:
    """Run ``work`` so often and take the mean."""

    def run() -> Took:
        began = time.perf_counter()
        for _ in range(times):
            work()
        return Took((time.perf_counter() - began) / times)

    return run


def process(*words: object, limit: int | None = None) -> Callable[[], Took]:
    """Run one of ``kpi_peers.py``'s programs in a fresh interpreter, with so many bytes of address space at most."""

    def bounded() -> None:
        if limit is not None:
            resource.setrlimit(resource.RLIMIT_AS, (limit, limit))

    def run() -> Took:
        began = time.perf_counter()
        command = [sys.executable, HERE / "kpi_peers.py", *map(str, words)]
        child = subprocess.Popen(command, stdout=subprocess.PIPE, preexec_fn=bounded)
        assert child.stdout is not None
        said = child.stdout.read().split()
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        wall = time.perf_counter() - began
        if child.returncode:
            raise SystemExit(f"kpi_peers.py {words} failed")
        return Took(wall, usage.ru_utime + usage.ru_stime, int(said[-1]))

    return run


def table(title: str, contenders: Contenders, against: tuple[str, ...], bars: dict[str, float], rounds: int) -> None:
    """Run all in turn and print medians, and ratios to the quickest of ``against`` in the same round."""
    took: dict[str, list[Took]] = {name: [] for name in contenders}
    for run in contenders.values():
        run()  # nobody pays for a cold cache
    for _ in range(rounds):
        for name, run in contenders.items():
            took[name].append(run())
    print(f"\n{title}  (median of {rounds}, ratio to {' or '.join(against)})")
    for name, runs in took.items():
        ratios = [run.wall / min(took[base][at].wall for base in against) for at, run in enumerate(runs)]
        wall = _duration(statistics.median(run.wall for run in runs))
        line = f"  {name:<34}{wall:>11}{statistics.median(ratios):>8.2f}x"
        if runs[0].cpu is not None:
            cpu = [(run.cpu or 0) / min(took[base][at].cpu or 1 for base in against) for at, run in enumerate(runs)]
            line += f"   CPU {statistics.median(run.cpu or 0 for run in runs):5.2f} s {statistics.median(cpu):5.2f}x"
            line += f"   {max(run.megabytes or 0 for run in runs)} MB"
        print(line + (f"   bar {bars[name]:g}x" if name in bars else ""))


def _duration(seconds: float) -> str:
    if seconds >= 1:
        return f"{seconds:.2f} s"
    return f"{seconds * 1e3:.1f} ms" if seconds >= 0.01 else f"{seconds * 1e3:.3f} ms"


def small(plan: Plan, rounds: int) -> None:
    """What the console shows, of a thousand rows."""
    frame = kpi_tapes.frame(1_000, seed=1)
    contenders = {
        "product, live, full context": timed(lambda: live(frame, plan), 200),
        "product, exact, the same": timed(lambda: kpis_of_frame(frame, plan, columns=plan.needed), 100),
        "product, exact, all columns": timed(lambda: kpis_of_frame(frame, plan), 50),
        "pandas: six sums, nothing else": timed(lambda: frame[list(plan.needed)].sum(), 50),
    }
    table("1,000 rows (bar: 0.15 ms)", contenders, ("product, live, full context",), {}, rounds)


def memory(plan: Plan, rows: int, rounds: int) -> None:
    """Six columns of doubles in memory, clean, and with 5 % nulls."""
    clean = kpi_tapes.frame(rows, seed=2)[list(plan.needed)]
    holes = kpi_tapes.with_nulls(clean, 0.05)
    columns = [clean[name].to_numpy() for name in plan.needed]

    def read() -> list[Any]:
        return [np.einsum("i->", column) for column in columns]

    contenders: Contenders = {
        "einsum read": timed(read),
        "product, live": timed(lambda: live(clean, plan)),
        "product, exact": timed(lambda: kpis_of_frame(clean, plan)),
        "product, live, 5 % nulls": timed(lambda: live(holes, plan)),
        "product, exact, 5 % nulls": timed(lambda: kpis_of_frame(holes, plan)),
        **_memory_peers(clean, plan),
    }
    bars = {"product, live": 1.5, "product, exact": 4, "product, live, 5 % nulls": 8, "product, exact, 5 % nulls": 8}
    table(f"{rows:,} rows in memory", contenders, ("einsum read",), bars, rounds)


def _memory_peers(frame: pd.DataFrame, plan: Plan) -> Contenders:
    import duckdb
    import polars

    other = polars.DataFrame({name: frame[name].to_numpy() for name in plan.needed})
    sums = ", ".join(f"sum({name})" for name in plan.needed)
    connection = duckdb.connect()
    connection.register("tape", other.to_arrow())
    return {
        "pandas": timed(lambda: frame.sum()),
        "polars": timed(lambda: other.select(polars.col(*plan.needed).sum())),
        "duckdb": timed(lambda: connection.sql(f"select {sums} from tape").fetchall()),
    }


def files(kind: str, path: Path, rows: int, rounds: int, bar: float, limit: int | None = None) -> None:
    """A tape on disk to its KPIs, each in a fresh process."""
    peers = ("product", "duckdb") if limit else ("product", "polars", "duckdb")  # polars ends where memory is short
    contenders = {name: process(name, path, limit=limit) for name in peers}
    against = ("duckdb", "polars") if kind == "CSV" else ("duckdb",)
    table(f"{kind} of {rows:,} rows to KPIs, fresh process", contenders, against, {"product": bar}, rounds)


def duplicates(path: Path, rows: int, rounds: int, limit: int | None = None) -> None:
    """Repeated identities per date, each in a fresh process."""
    peers = ("product", "duckdb") if path.is_dir() else ("product", "polars", "duckdb")  # polars needs memory for all
    contenders = {name: process(f"{name}_duplicates", path, limit=limit) for name in peers}
    title = f"duplicates in Parquet of {rows:,} rows, fresh process"
    table(title, contenders, ("duckdb",), {"product": 1.0}, rounds)


def everything(path: Path, rows: int, rounds: int) -> None:
    """KPIs and every integrity check of a tape on disk, each in a fresh process."""
    contenders = {name: process(f"{name}_everything", path) for name in ("product", "duckdb")}
    title = f"KPIs and all checks over Parquet of {rows:,} rows, fresh process"
    table(title, contenders, ("duckdb",), {"product": 1.0}, rounds)


def checks(plan: Plan, rows: int, rounds: int) -> None:
    """Every integrity check of a tape in memory, and the same questions asked of polars and pandera."""
    import kpi_checks

    frame = kpi_tapes.frame(rows, seed=4)
    contenders = {
        "product": timed(lambda: kpi_checks.product(frame, plan)),
        "polars": timed(kpi_checks.polars(frame)),
        **kpi_checks.pandera(frame, timed),
    }
    title = f"all integrity checks of {rows:,} rows in memory, bars from below"
    table(title, contenders, ("product",), {"polars": 1.0, "pandera": 8.0}, rounds)


PARTS = ("small", "memory", "csv", "parquet", "duplicates", "checks", "everything", "many")
LIMIT = 2 << 30
"""Bytes of address space that a process may have over the many files."""


def main() -> None:
    """Run the parts asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--part", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--rows", type=int, default=10_000_000, help="of the large tapes (default: %(default)s)")
    parser.add_argument("--many-rows", type=int, default=50_000_000, help="of the 16 files (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--keep", type=Path, help="a directory for the tapes, used again when they are there")
    options = parser.parse_args()
    plan = plan_of(kpi_tapes.shipped(KpiConfig))
    with tempfile.TemporaryDirectory(prefix="abaco-kpis-") as temporary:
        place = options.keep or Path(temporary)
        place.mkdir(parents=True, exist_ok=True)
        if "small" in options.part:
            small(plan, options.rounds * 3)
        if "memory" in options.part:
            memory(plan, options.rows, options.rounds)
        for kind, bar in (("csv", 1.3), ("parquet", 1.7)):
            if kind in options.part:
                path = kpi_tapes.file(place / f"{options.rows}.{kind}", options.rows)
                files({"csv": "CSV"}.get(kind, "Parquet"), path, options.rows, options.rounds, bar)
        if "duplicates" in options.part:
            path = kpi_tapes.file(place / f"{options.rows}.parquet", options.rows)
            duplicates(path, options.rows, options.rounds)
        if "checks" in options.part:
            checks(plan, options.rows, options.rounds)
        if "everything" in options.part:
            path = kpi_tapes.file(place / f"{options.rows}.parquet", options.rows)
            everything(path, options.rows, options.rounds)
        if "many" in options.part:
            path = kpi_tapes.directory(place / f"{options.many_rows}-in-16", options.many_rows, 16)
            files("16 Parquet files under 2 GiB", path, options.many_rows, options.rounds, 1.8, LIMIT)
            duplicates(path, options.many_rows, options.rounds, LIMIT)


if __name__ == "__main__":
    main()
