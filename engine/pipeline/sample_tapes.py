"""Two made tapes: the seeded reference that proves the arithmetic, and a healthy live book for the demo."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.records import make_directory, write_file

Column = NDArray[np.float64]

_AMOUNTS = (
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
_LOANS = 500
_REFERENCE_DATE = "2025-12-02"
# The healthy book, month by month: PAR30, PAR90 and collection rate in percent.
_MONTHS = (
    ("2025-07-31", 2.31, 0.341, 11.62),
    ("2025-08-31", 2.27, 0.337, 11.71),
    ("2025-09-30", 2.29, 0.329, 11.80),
    ("2025-10-31", 2.24, 0.331, 11.84),
    ("2025-11-30", 2.22, 0.322, 11.93),
    ("2025-12-31", 2.207, 0.318, 11.972),
)


def write_reference(path: Path) -> None:
    """The seeded reference: NumPy's legacy generator 42, 500 loans, drawn in the documented order."""
    random = np.random.RandomState(42)
    receivable = random.lognormal(mean=9, sigma=2, size=_LOANS)
    buckets = [receivable * random.uniform(0, highest, _LOANS) for highest in (0.03, 0.03, 0.08, 0.05, 0.10)]
    cash = random.uniform(0, 50000, _LOANS)
    columns = [receivable, 0.95 * receivable, 0.9 * receivable, cash, *buckets]
    _write(path, _lines(_REFERENCE_DATE, columns))


def write_live_book(path: Path) -> None:
    """A healthy book of six month ends: no KPI beyond a warning, no rule of integrity broken, always the same."""
    random = np.random.RandomState(7)
    opening = random.uniform(6_000, 24_000, _LOANS)
    lines: list[str] = []
    for number, (date, par30, par90, collection) in enumerate(_MONTHS):
        lines += _lines(date, _month(random, opening * (1 + 0.01 * number), par30, par90, collection))
    _write(path, lines)


def _month(random: np.random.RandomState, opening: Column, par30: float, par90: float, rate: float) -> list[Column]:
    receivable = (opening * random.uniform(0.95, 1.05, _LOANS)).round(2)
    eligible = (0.95 * receivable).round(2)
    shares = (1.4, 1.1, (par30 - par90) * 0.62, (par30 - par90) * 0.38, par90)
    buckets = [_spread(random, receivable, receivable, percent) for percent in shares]
    cash = _spread(random, receivable, eligible, rate)
    return [receivable, eligible, (0.93 * receivable).round(2), cash, *buckets]


def _spread(random: np.random.RandomState, weight: Column, whole: Column, percent: float) -> Column:
    """Amounts that differ from loan to loan and add up to ``percent`` of ``whole``, to the cent of each."""
    raw = weight * random.uniform(0.2, 1.8, weight.size)
    spread: Column = (raw * (whole.sum() * percent / 100 / raw.sum())).round(2)
    return spread


def _lines(date: str, columns: list[Column]) -> list[str]:
    return [
        ",".join([f"L{loan:05d}", date, *(repr(float(column[loan - 1])) for column in columns)])
        for loan in range(1, _LOANS + 1)
    ]


def _write(path: Path, lines: list[str]) -> None:
    make_directory(path.parent)
    header = ",".join(("loan_id", "measurement_date", *_AMOUNTS))
    write_file(path, ("\n".join([header, *lines]) + "\n").encode())
