"""Tapes for the benchmark of the KPIs: seeded, with cents, parts that fit into their whole, one date."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import numpy as np
import pandas as pd
import yaml

STEP = 500_000
AMOUNTS = (
    *("total_receivable_usd", "total_eligible_usd", "discounted_balance_usd", "cash_available_usd"),
    *("dpd_0_7_usd", "dpd_7_30_usd", "dpd_30_60_usd", "dpd_60_90_usd", "dpd_90_plus_usd"),
)
Config = TypeVar("Config")


def shipped(kind: type[Config]) -> Config:
    """The shipped KPI definitions."""
    path = Path(__file__).parents[1] / "config" / "kpis.yml"
    return msgspec.convert(yaml.safe_load(path.read_text(encoding="utf-8")), kind, strict=False)


def frame(rows: int, seed: int, first: int = 0) -> pd.DataFrame:
    """So many loans of one date."""
    random = np.random.default_rng(seed)
    whole = np.round(random.lognormal(9, 1.2, rows), 2)
    parts = [np.round(whole * random.uniform(0, most, rows), 2) for most in (0.03, 0.03, 0.02, 0.01, 0.01)]
    cash = np.round(random.uniform(0, 2000, rows), 2)
    amounts = [whole, np.round(whole * 0.9, 2), np.round(whole * 0.85, 2), cash, *parts]
    made = pd.DataFrame(dict(zip(AMOUNTS, amounts, strict=True)))
    made.insert(0, "loan_id", [f"L{number:09d}" for number in range(first, first + rows)])
    made.insert(1, "measurement_date", "2025-12-31")
    return made


def with_nulls(made: pd.DataFrame, share: float) -> pd.DataFrame:
    """The same with so many of its amounts missing."""
    random = np.random.default_rng(7)
    holes = {}
    for name in made.columns:
        values = made[name].to_numpy().copy()
        values[random.random(len(values)) < share] = np.nan
        holes[name] = values
    return pd.DataFrame(holes)


def file(path: Path, rows: int, seed: int = 3, first: int = 0) -> Path:
    """A CSV or Parquet file with so many loans; one that is there already is taken."""
    if path.exists():
        return path
    made = path.with_suffix(".made")
    writer = None
    for table in _tables(rows, seed, first):
        writer = writer or _writer(made, path.suffix, table.schema)
        writer.write_table(table)
    if writer is not None:
        writer.close()
    return made.rename(path)


def directory(path: Path, rows: int, files: int) -> Path:
    """A directory of so many Parquet files."""
    path.mkdir(exist_ok=True)
    each = rows // files
    for number in range(files):
        file(path / f"{number:02d}.parquet", each, seed=100 + number, first=number * each)
    return path


def _tables(rows: int, seed: int, first: int) -> Iterator[Any]:
    import pyarrow as pa

    for start in range(0, rows, STEP):
        made = frame(min(STEP, rows - start), seed + 1000 * start, first + start)
        yield pa.Table.from_pandas(made, preserve_index=False)


def _writer(path: Path, kind: str, schema: Any) -> Any:
    import pyarrow.csv as pa_csv
    import pyarrow.parquet as pq

    if kind == ".csv":
        return pa_csv.CSVWriter(path, schema, write_options=pa_csv.WriteOptions(quoting_style="needed"))
    return pq.ParquetWriter(path, schema)
