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


def product_duplicates(path: Path) -> float:
    """By hash, confirmed by the texts."""
    import msgspec
    import yaml

    from engine.config.kpis import KpiConfig
    from engine.portfolio.plan import plan_of
    from engine.portfolio.repeats import count_repeats

    text = (Path(__file__).parents[1] / "config" / "kpis.yml").read_text(encoding="utf-8")
    config = msgspec.convert(yaml.load(text, yaml.CSafeLoader), KpiConfig, strict=False)
    return float(sum((count_repeats(path, plan_of(config)) or {}).values()))


def polars_duplicates(path: Path) -> float:
    """Rows less distinct keys."""
    import polars as pl

    lazy = pl.scan_parquet(path).select("loan_id", DATE)
    return float(
        (pl.len() - pl.struct("loan_id", DATE).n_unique()).pipe(lazy.select).collect(engine="streaming").item()
    )


def duckdb_duplicates(path: Path) -> float:
    """Rows less distinct keys."""
    import duckdb as db

    source = f"'{path}/*.parquet'" if path.is_dir() else f"'{path}'"
    text = f"select sum(n - 1) from (select count(*) n from read_parquet({source}) group by loan_id, {DATE})"
    return float(db.sql(text).fetchall()[0][0])


def most_megabytes() -> int:
    """The largest memory of this program; that of the process counts its parent too."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.split("VmHWM:")[1].split()[0]) // 1024


if __name__ == "__main__":
    ways = (product, polars, duckdb, product_duplicates, polars_duplicates, duckdb_duplicates)
    answer = {way.__name__: way for way in ways}[sys.argv[1]](Path(sys.argv[2]))
    print(answer, most_megabytes())
