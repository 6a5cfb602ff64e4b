"""Tapes on which a careless KPI program errs, made from the configured columns and formulas."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from engine.config.kpis import KpiConfig
from engine.portfolio.formula import columns_behind, divisors_behind, parse_formulas

_ROWS = 7
_DAY = "2025-11-30"
_EARLIER = "2025-10-31"

Row = dict[str, str]


@dataclass(frozen=True, slots=True)
class EdgeCase:
    """One tape and what is odd about it; ``readable`` is False when the answer must be that it is no tape."""

    name: str
    path: Path
    readable: bool = True


def write_edge_cases(config: KpiConfig, directory: Path) -> list[EdgeCase]:
    """Write every edge case below ``directory``; the last one is a file that is not there."""
    cases = []
    for name, rows in _tapes(config).items():
        path = directory / f"{name}.csv"
        header = rows[0]
        lines = [",".join(header), *(",".join(row.values()) for row in rows[1:])]
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        cases.append(EdgeCase(name, path))
    return [*cases, EdgeCase("no_such_file", directory / "no_such_file.csv", readable=False)]


def _tapes(config: KpiConfig) -> dict[str, list[Row]]:
    """Name to header (as a row of names) and rows."""
    formulas = parse_formulas(config)
    needed = {name: columns_behind(name, formulas) for name in formulas}
    divisors = sorted(set().union(*(divisors_behind(name, formulas) for name in formulas)))
    column = _telling_column(config, list(needed.values()))
    rows = _sound_rows(config)
    header = {name: name for name in rows[0]}
    earlier = [{**row, config.tape.date: _EARLIER, column: "1"} for row in rows]
    return {
        "sound": [header, *rows],
        "empty": [header],
        "missing_column": [{k: v for k, v in row.items() if k != column} for row in [header, *rows]],
        "nulls": [header, *_with(rows, [(at % _ROWS, name, "") for at, name in enumerate(config.tape.amounts)])],
        "text_in_numbers": [header, *_with(rows, [(3, column, "n.b. 12k")])],
        "infinities": [header, *_with(rows, [(1, column, "inf"), (4, column, "-Infinity")])],
        "zero_denominators": [header, *(row | dict.fromkeys(divisors, "0") for row in rows)],
        "null_denominators": [header, *(row | dict.fromkeys(divisors, "") for row in rows)],
        "earlier_date_last": [header, *rows, *earlier],
    }


def _sound_rows(config: KpiConfig) -> list[Row]:
    """Rows with ids that look like numbers, every column different in every row, parts smaller than their whole."""
    rows = []
    for number in range(1, _ROWS + 1):
        row = {config.tape.id: f"00{number}", config.tape.date: _DAY}
        for place, name in enumerate(config.tape.amounts, start=1):
            share = 1.0 if name == config.tape.total else 0.011 * place + 0.003 * number
            row[name] = f"{1037.29 * number * share:.2f}"
        rows.append(row)
    return rows


def _telling_column(config: KpiConfig, needed: list[frozenset[str]]) -> str:
    """A column that some KPIs need and others do not: both must be answered rightly."""
    counts = {name: sum(name in columns for columns in needed) for name in config.tape.amounts}
    some = [name for name, count in counts.items() if 0 < count < len(needed)]
    return (some or [name for name, count in counts.items() if count] or list(counts))[0]


def _with(rows: list[Row], changes: list[tuple[int, str, str]]) -> list[Row]:
    changed = [dict(row) for row in rows]
    for number, column, text in changes:
        changed[number][column] = text
    return changed
