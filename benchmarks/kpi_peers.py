"""A tape to its KPIs in this process, by the product or by a peer: ``python kpi_peers.py product|polars|duckdb TAPE``.

Each adds up six columns per date and prints PAR30 of the latest one. Nothing is imported that the way does not need.
"""

from __future__ import annotations

import sys
from pathlib import Path

NEEDED = (
    *("total_receivable_usd", "total_eligible_usd", "cash_available_usd"),
    *("dpd_30_60_usd", "dpd_60_90_usd", "dpd_90_plus_usd"),
)
DATE = "measurement_date"


def product(path: Path) -> float:
    """The exact state, streamed."""
    import msgspec
    import yaml

    from engine.config.kpis import KpiConfig
    from engine.portfolio.streamed import compute_streamed

    text = (Path(__file__).parents[1] / "config" / "kpis.yml").read_text(encoding="utf-8")
    config = msgspec.convert(yaml.load(text, yaml.CSafeLoader), KpiConfig, strict=False)
    return compute_streamed(path, config, hashed=False).latest.kpis["PAR30"].value or 0.0


def polars(path: Path) -> float:
    """The streaming engine."""
    import polars as pl

    lazy = pl.scan_csv(path) if path.suffix == ".csv" else pl.scan_parquet(path)
    sums = lazy.group_by(DATE).agg(pl.col(*NEEDED).sum()).collect(engine="streaming").sort(DATE)
    whole, _, _, *late = sums.row(-1)[1:]
    return float(sum(late) / whole * 100)


def duckdb(path: Path) -> float:
    """SQL over the file."""
    import duckdb as db

    sums = ", ".join(f"sum({name})" for name in NEEDED)
    source = f"read_csv('{path}')" if path.suffix == ".csv" else f"read_parquet('{path}')"
    if path.is_dir():
        source = f"read_parquet('{path}/*.parquet')"
    rows = db.sql(f"select {DATE}, {sums} from {source} group by 1 order by 1").fetchall()
    whole, _, _, *late = rows[-1][1:]
    return float(sum(late) / whole * 100)


def most_megabytes() -> int:
    """The largest memory of this program; that of the process counts its parent too."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.split("VmHWM:")[1].split()[0]) // 1024


if __name__ == "__main__":
    par30 = {"product": product, "polars": polars, "duckdb": duckdb}[sys.argv[1]](Path(sys.argv[2]))
    print(par30, most_megabytes())
