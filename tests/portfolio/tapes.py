"""Tapes for the tests of the portfolio, written by hand or by the seeded generator of the facts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd

AMOUNTS = (
    "total_receivable_usd",
    "total_eligible_usd",
    "discounted_balance_usd",
    "cash_available_usd",
    "dpd_0_7_usd",
    "dpd_7_30_usd",
    "dpd_30_60_usd",
    "dpd_60_90_usd",
    "dpd_90_plus_usd",
)


def row(loan: str = "L1", date: str | None = "2025-12-31", **amounts: str) -> dict[str, str]:
    """A sound loan of 1000; ``amounts`` are given by the column's name without ``_usd``."""
    sound = {"total_receivable": "1000", "total_eligible": "900", "discounted_balance": "880", "cash_available": "90"}
    buckets = {"dpd_0_7": "10", "dpd_7_30": "10", "dpd_30_60": "20", "dpd_60_90": "10", "dpd_90_plus": "5"}
    values = {f"{name}_usd": text for name, text in (sound | buckets | amounts).items()}
    return {"loan_id": loan, **({"measurement_date": date} if date is not None else {}), **values}


def write(path: Path, rows: Iterable[Mapping[str, str]], header: Iterable[str] | None = None) -> Path:
    """A CSV file of these rows; ``header`` where there are none."""
    listed = list(rows)
    names = list(header) if header is not None else list(listed[0])
    lines = [",".join(names), *(",".join(line[name] for name in names) for line in listed)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def quoted(text: str) -> str:
    """A cell as a CSV file holds it."""
    return f'"{text}"' if "," in text else text


def reference() -> pd.DataFrame:
    """The seeded reference of the facts, drawn in the documented order; undated."""
    random = np.random.RandomState(42)
    receivable = random.lognormal(mean=9, sigma=2, size=500)
    buckets = [receivable * random.uniform(0, highest, 500) for highest in (0.03, 0.03, 0.08, 0.05, 0.10)]
    cash = random.uniform(0, 50000, 500)
    columns = [receivable, 0.95 * receivable, 0.9 * receivable, cash, *buckets]
    frame = pd.DataFrame(dict(zip(AMOUNTS, columns, strict=True)))
    frame.insert(0, "loan_id", [f"{number:05d}" for number in range(1, 501)])
    return frame
