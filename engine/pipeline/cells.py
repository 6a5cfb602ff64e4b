"""How the text of a tape's cells is understood: numbers, nulls, infinities, dates. The releases' common input rule."""

from __future__ import annotations

import re
from datetime import date

NULLS = (
    *("", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN"),
    *("<NA>", "N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null"),
)
"""Texts that stand for "no value", as the usual readers of such files know them."""
NUMBER_PATTERN = r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
NUMBER = re.compile(NUMBER_PATTERN)
LARGEST = 1.7976931348623157e308
"""Anything beyond counts as infinite: no release can carry it."""


def date_of(text: str) -> str | None:
    """The calendar date at the start of an ISO date or time; None when there is none."""
    day, rest = text[:10], text[10:]
    if rest and rest[0] not in "T ":
        return None
    try:
        return date.fromisoformat(day).isoformat() if len(day) == 10 and day[4] == "-" else None
    except ValueError:
        return None


def fault_reason(column: str, count: int, first_row: int) -> str:
    """Why a KPI that needs ``column`` is undefined; rows count from 1 below the header."""
    what = "value is no finite number" if count == 1 else "values are no finite numbers"
    return f"{column}: {count} {what}, first in row {first_row}"


def date_reason(column: str, count: int, first_row: int) -> str:
    """Why nothing is known of "now" when some rows have no readable date."""
    what = "value is no date" if count == 1 else "values are no dates"
    return f"{column}: {count} {what}, first in row {first_row}"
