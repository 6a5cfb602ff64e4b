"""The integrity checks of a tape in memory, by the product, polars, and pandera where it is installed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd
from kpi_tapes import AMOUNTS

from engine.portfolio.frame import examine_frame
from engine.portfolio.plan import Plan

WHOLE, *_ = AMOUNTS
BUCKETS = [name for name in AMOUNTS if name.startswith("dpd_")]


def product(frame: pd.DataFrame, plan: Plan) -> object:
    """From the frame on: columns, dates, every fact."""
    return examine_frame(frame, plan)


def polars(frame: pd.DataFrame) -> Callable[[], object]:
    """One select with every question: nulls, finite, negative, buckets, repeats, outliers."""
    import polars as pl

    tape = pl.from_pandas(frame)
    limit = pl.col(WHOLE) * (1 + 1e-9)
    asked = [
        *(pl.col(name).is_null().sum().alias(f"{name} null") for name in AMOUNTS),
        *((~pl.col(name).is_finite()).sum().alias(f"{name} infinite") for name in AMOUNTS),
        *((pl.col(name) < 0).sum().alias(f"{name} negative") for name in AMOUNTS),
        *((pl.col(name) > limit).sum().alias(f"{name} too large") for name in BUCKETS),
        (pl.sum_horizontal(BUCKETS) > limit).sum().alias("overfull"),
        *(
            ((pl.col(name) - pl.col(name).mean()).abs() > 4 * pl.col(name).std()).sum().alias(f"{name} outliers")
            for name in AMOUNTS
        ),
        pl.struct("loan_id", "measurement_date").is_duplicated().sum().alias("repeated"),
        pl.col("loan_id").is_null().sum().alias("unnamed"),
    ]
    return lambda: tape.select(asked)


def pandera(frame: pd.DataFrame, timed: Callable[[Callable[[], object]], Any]) -> dict[str, Any]:
    """The same as a schema; nothing where pandera is not installed."""
    try:
        import pandera.pandas as pa
    except ImportError:
        return {}

    def fits(tape: pd.DataFrame, part: str) -> pd.Series[bool]:
        return tape[part] <= tape[WHOLE] * (1 + 1e-9)

    sound = {name: pa.Column(float, [pa.Check.ge(0), pa.Check(_near)]) for name in AMOUNTS}
    schema = pa.DataFrameSchema(
        {"loan_id": pa.Column(nullable=False), "measurement_date": pa.Column(nullable=False), **sound},
        checks=[
            *(pa.Check(lambda tape, part=part: fits(tape, part)) for part in BUCKETS),
            pa.Check(lambda tape: tape[BUCKETS].sum(axis=1) <= tape[WHOLE] * (1 + 1e-9)),
        ],
        unique=["loan_id", "measurement_date"],
    )

    def validate() -> object:
        try:
            return schema.validate(frame, lazy=True)
        except pa.errors.SchemaErrors as errors:
            return errors

    return {"pandera": timed(validate)}


def _near(values: pd.Series[float]) -> pd.Series[bool]:
    return (values - values.mean()).abs() <= 4 * values.std()
