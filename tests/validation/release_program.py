"""A release's KPI program for tests: ``release_program.py FAULTS TAPE...``, row by row.

FAULTS is a comma-separated list of errors to make, such as wrong-par30 or zero-is-zero; see where they are used.
"""

from __future__ import annotations

import csv
import json
import math
import sys
import time
from typing import Any

NEEDS = {
    "PAR30": (("dpd_30_60_usd", "dpd_60_90_usd", "dpd_90_plus_usd"), "total_receivable_usd"),
    "PAR90": (("dpd_90_plus_usd",), "total_receivable_usd"),
    "CollectionRate": (("cash_available_usd",), "total_eligible_usd"),
}


class Undefined(Exception):
    pass


def number(text: str, faults: set[str]) -> float:
    if not text.strip():
        if "nulls-undefined" in faults:
            raise Undefined("a null")
        return 0.0
    try:
        value = float(text)
    except ValueError:
        if "text-is-zero" in faults:
            return 0.0
        raise Undefined(f"{text!r} is no number") from None
    if not math.isfinite(value) and "inf-passes" not in faults:
        raise Undefined("an infinity")
    return value if math.isfinite(value) else 1.0


def total(rows: list[dict[str, str]], columns: tuple[str, ...], faults: set[str]) -> float:
    if not rows:
        raise Undefined("no rows")
    for column in columns:
        if column not in rows[0]:
            raise Undefined(f"no column {column}")
    return math.fsum(number(row[column], faults) for row in rows for column in columns)


def kpis(rows: list[dict[str, str]], faults: set[str], decimals: int) -> dict[str, Any]:
    exact: dict[str, float] = {}
    answer: dict[str, Any] = {}
    for name, (parts, whole) in NEEDS.items():
        try:
            below = total(rows, (whole,), faults)
            above = total(rows, parts, faults)
            if below == 0 and "zero-is-zero" not in faults:
                raise Undefined(f"{whole} is 0")
            exact[name] = above / below * 100 if below else 0.0
            if name == "PAR30" and "wrong-par30" in faults:
                exact[name] += 0.4
            answer[name] = {"value": round(exact[name], decimals), "unit": "%", "reason": None}
        except Undefined as reason:
            answer[name] = {"value": None, "unit": "%", "reason": None if "no-reason" in faults else str(reason)}
    if "PAR30" in exact and "CollectionRate" in exact:
        value = min(max((10 - exact["PAR30"] / 10) * exact["CollectionRate"] / 10, 0), 10)
        answer["PortfolioHealth"] = {"value": round(value, decimals), "unit": "score", "reason": None}
    else:
        answer["PortfolioHealth"] = {"value": None, "unit": "score", "reason": "PAR30 or CollectionRate is undefined"}
    return answer


def groups(path: str, faults: set[str], decimals: int = 2) -> list[dict[str, Any]]:
    """The KPIs of every date, oldest first."""
    with open(path, encoding="utf-8") as stream:  # noqa: PTH123
        rows = list(csv.DictReader(stream))
    dates: list[str | None] = sorted({row["measurement_date"] for row in rows}) or [None]
    return [
        {"measurement_date": date, "rows": len(own), "kpis": kpis(own, faults, decimals)}
        for date in dates
        for own in [[row for row in rows if date is None or row["measurement_date"] == date or "all-dates" in faults]]
    ]


def main() -> int:
    faults = set(sys.argv[1].split(","))
    if "crash" in faults:
        raise RuntimeError("no figures today")
    if "slow" in faults:
        time.sleep(60)
    for path in sys.argv[2:]:
        try:
            answer = {"tape": path, **groups(path, faults, 1 if "one-decimal" in faults else 2)[-1]}
        except OSError as error:
            answer = {"tape": path, "kpis": {}, **({} if "no-error" in faults else {"error": str(error)})}
        if "silent" not in faults:
            print(json.dumps(answer))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
