"""A tape to its KPIs in this process, by the product or by a peer: ``python kpi_peers.py product|polars|duckdb TAPE``.

Each adds up six columns per date and prints PAR30 of the latest one; ``_duplicates`` counts repeated identities,
``_everything`` answers every integrity check too. Nothing is imported that the way does not need.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from engine.portfolio.plan import Plan

NEEDED = (
    *("total_receivable_usd", "total_eligible_usd", "cash_available_usd"),
    *("dpd_30_60_usd", "dpd_60_90_usd", "dpd_90_plus_usd"),
)
DATE = "measurement_date"
WHOLE = "total_receivable_usd"
BUCKETS = ("dpd_0_7_usd", "dpd_7_30_usd", "dpd_30_60_usd", "dpd_60_90_usd", "dpd_90_plus_usd")
AMOUNTS = (WHOLE, "total_eligible_usd", "discounted_balance_usd", "cash_available_usd", *BUCKETS)


def _plan() -> Plan:
    """Of the shipped definitions."""
    import msgspec
    import yaml

    from engine.config.kpis import KpiConfig
    from engine.portfolio.plan import plan_of

    text = (Path(__file__).parents[1] / "config" / "kpis.yml").read_text(encoding="utf-8")
    return plan_of(msgspec.convert(yaml.load(text, yaml.CSafeLoader), KpiConfig, strict=False))


def product(path: Path) -> float:
    """The exact state, streamed."""
    from engine.portfolio.streamed import compute_streamed

    return compute_streamed(path, _plan().config, hashed=False).latest.kpis["PAR30"].value or 0.0


def polars(path: Path) -> float:
    """The streaming engine."""
    import polars as pl

    lazy = pl.scan_csv(path) if path.suffix == ".csv" else pl.scan_parquet(path)
    sums = lazy.group_by(DATE).agg(pl.col(*NEEDED).sum()).collect(engine="streaming").sort(DATE)
    whole, _, _, *late = sums.row(-1)[1:]
    return float(sum(late) / whole * 100)


def duckdb(path: Path) -> float:
    """SQL over the file."""
    sums = ", ".join(f"sum({name})" for name in NEEDED)
    rows = _duckdb(path).sql(f"select {DATE}, {sums} from {_source(path)} group by 1 order by 1").fetchall()
    whole, _, _, *late = rows[-1][1:]
    return float(sum(late) / whole * 100)


def _duckdb(path: Path) -> Any:
    """With the memory that this process may have, less what it needs besides; the rest goes beside the tape."""
    import resource

    import duckdb as db

    most = resource.getrlimit(resource.RLIMIT_AS)[0]
    if most < 0:
        return db.connect()
    bounds = {"memory_limit": f"{most * 4 // 10 >> 20}MB", "temp_directory": str(path.parent / "spilled")}
    return db.connect(config={**bounds, "preserve_insertion_order": False})


def _source(path: Path) -> str:
    if path.suffix == ".csv":
        return f"read_csv('{path}')"
    return f"read_parquet('{path}/*.parquet')" if path.is_dir() else f"read_parquet('{path}')"


def duckdb_everything(path: Path) -> float:
    """The same questions in three queries: sums and counts, values far from the mean, repeats."""
    connection, source = _duckdb(path), _source(path)
    limit = f"{WHOLE} * (1 + 1e-9)"
    asked = [
        *(f"sum({name}), min({name}), max({name}), avg({name}), stddev_pop({name})" for name in AMOUNTS),
        *(f"count(*) filter ({name} is null or isnan({name}))" for name in AMOUNTS),
        *(f"count(*) filter (isinf({name}))" for name in AMOUNTS),
        *(f"count(*) filter ({name} < 0)" for name in AMOUNTS),
        *(f"count(*) filter ({name} > {limit})" for name in BUCKETS),
        f"count(*) filter ({' + '.join(BUCKETS)} > {limit})",
        "count(*) filter (loan_id is null)",
    ]
    rows = connection.sql(f"select {DATE}, {', '.join(asked)} from {source} group by 1 order by 1").fetchall()
    day, *last = rows[-1]
    spread = {name: (last[5 * at + 3], last[5 * at + 4]) for at, name in enumerate(AMOUNTS)}
    far = ", ".join(f"count(*) filter (abs({name} - {mean}) > 4 * {by})" for name, (mean, by) in spread.items())
    connection.sql(f"select {far} from {source} where {DATE} = '{day}'").fetchall()
    _duckdb_repeats(connection, source)
    totals = {name: last[5 * at] for at, name in enumerate(AMOUNTS)}
    late = sum(totals[name] for name in ("dpd_30_60_usd", "dpd_60_90_usd", "dpd_90_plus_usd"))
    return float(late / totals[WHOLE] * 100)


def _duckdb_repeats(connection: Any, source: str) -> float:
    text = f"select sum(n - 1) from (select count(*) n from {source} group by loan_id, {DATE})"
    return float(connection.sql(text).fetchall()[0][0])


def product_duplicates(path: Path) -> float:
    """By hash, confirmed by the texts."""
    from engine.portfolio.repeats import count_repeats

    return float(sum((count_repeats(path, _plan()) or {}).values()))


def product_everything(path: Path) -> float:
    """KPIs and every integrity check, from one pass."""
    from engine.portfolio.examined import examine_tape

    examined = examine_tape(path, _plan(), hashed=False)
    assert not examined.found.faults
    return examined.kpis.latest.kpis["PAR30"].value or 0.0


def polars_duplicates(path: Path) -> float:
    """Rows less distinct keys."""
    import polars as pl

    lazy = pl.scan_parquet(path).select("loan_id", DATE)
    return float(
        (pl.len() - pl.struct("loan_id", DATE).n_unique()).pipe(lazy.select).collect(engine="streaming").item()
    )


def duckdb_duplicates(path: Path) -> float:
    """Rows less distinct keys."""
    return _duckdb_repeats(_duckdb(path), _source(path))


def most_megabytes() -> int:
    """The largest memory of this program; that of the process counts its parent too."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.split("VmHWM:")[1].split()[0]) // 1024


if __name__ == "__main__":
    ways = (
        *(product, polars, duckdb, product_duplicates, polars_duplicates, duckdb_duplicates),
        *(product_everything, duckdb_everything),
    )
    answer = {way.__name__: way for way in ways}[sys.argv[1]](Path(sys.argv[2]))
    print(answer, most_megabytes())
