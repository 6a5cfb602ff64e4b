"""The questions that are put to every tape: pure functions of what was found in it, in the order of the report."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from engine.config.kpis import KpiConfig
from engine.portfolio.buckets import Found
from engine.portfolio.column_state import Fault
from engine.portfolio.integrity import Integrity
from engine.portfolio.outlier_rows import first_outliers
from engine.portfolio.row_rules import null_rule
from engine.portfolio.state import State
from engine.portfolio.tape_rows import EMPTY, Cells, judge_rows, read_rows
from engine.records import harmless
from engine.validation.model import Sample, Severity
from engine.validation.parts import Asked, NotRun, Question

_NAMED = 5
"""Duplicates that the sentence names."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What was found in a tape. Rows of the sample are read once more, where there are any."""

    path: Path
    found: Integrity
    config: KpiConfig
    columns: tuple[str, ...]
    """The configured columns of money that are there."""
    missing: Mapping[str, str]
    """Those that are not, each with the sentence that says so."""
    faults: Mapping[str, Fault]
    """By column, the date among them: cells that cannot be read."""
    named: bool
    """Whether the tape has identities."""
    repeated: tuple[str, ...]
    """The identities of the first duplicates."""
    state: State
    """What the figures were made from."""

    def rows(self, found: Mapping[str, Sequence[int]], *beside: str) -> tuple[Sample, ...]:
        """The first rows of each column, with its cell and those ``beside`` it."""
        most = self.config.checks.sample_rows
        first = {name: tuple(rows[:most]) for name, rows in found.items()}
        wanted = [row for rows in first.values() for row in rows]
        if not wanted:
            return ()
        read = read_rows(self.path, self.config, wanted, [*(name for name in first if name), *beside])
        return tuple(
            _sample(row, read[row], [*([name] if name else []), *beside])
            for name, rows in first.items()
            for row in rows
            if row in read
        )


def _sample(row: int, read: Cells, columns: Sequence[str]) -> Sample:
    return Sample(", ".join(f"{name} {read.cells[name]}" for name in columns if name in read.cells), row, read.name)


def _of(found: Mapping[str, Found]) -> dict[str, Sequence[int]]:
    return {name: rows.first_rows for name, rows in found.items()}


def tape_questions(seen: Seen | None, config: KpiConfig) -> list[Question]:
    """All of them; without a tape they can be named, not asked."""
    table: tuple[tuple[str, str, Severity, Callable[[Seen], Asked]], ...] = (
        ("schema", "the columns are there", "fail", _schema),
        ("finite", "amounts and dates can be read", "fail", _finite),
        ("non_negative", "no amount is negative", "fail", _non_negative),
        ("buckets", "each bucket fits into its whole", "fail", _buckets),
        ("buckets_together", "all buckets together fit into their whole", "warn", _together),
        ("nulls", "no amount is missing", "fail", _nulls),
        ("duplicates", "no row stands twice", "fail", _duplicates),
        ("identity", "every row has an identity", "warn", _identity),
        ("outliers", "no amount is far from the others", config.checks.severity.outliers, _outliers),
    )
    return [Question(name, title, weight, partial(_asked, seen, ask)) for name, title, weight, ask in table]


def _asked(seen: Seen | None, ask: Callable[[Seen], Asked]) -> Asked:
    if seen is None:
        raise NotRun("the tape cannot be read")
    return ask(seen)


def _cells(seen: Seen) -> int:
    return seen.found.rows * len(seen.columns)


def _schema(seen: Seen) -> Asked:
    wanted = seen.config.tape.amounts
    issues = [] if seen.found.rows else ["the tape has no rows"]
    issues += seen.missing.values()
    passed = f"{len(wanted)} columns of money, {seen.found.rows:,} rows"
    return Asked(passed, f"all of {len(wanted)} columns", len(seen.missing), len(wanted), tuple(issues))


def _finite(seen: Seen) -> Asked:
    issues = tuple(f"{name}: {fault}" for name, fault in seen.found.faults.items())
    count = sum(fault.count for fault in seen.faults.values())
    rows = seen.rows({name: (fault.row,) for name, fault in seen.faults.items()})
    passed = f"{_cells(seen):,} amounts, each a finite number"
    return Asked(passed, "finite numbers, ISO dates", count, _cells(seen), issues, rows)


def _non_negative(seen: Seen) -> Asked:
    found = seen.found.negatives
    issues = tuple(f"{name} is negative in {rows}" for name, rows in found.items())
    count = sum(rows.count for rows in found.values())
    return Asked("every amount is 0 or more", "at least 0", count, _cells(seen), issues, seen.rows(_of(found)))


def _buckets(seen: Seen) -> Asked:
    section, found = seen.config.tape, seen.found.too_large
    _need_buckets(seen)
    issues = tuple(f"{name} is larger than {section.total} in {rows}" for name, rows in found.items())
    count, of = sum(rows.count for rows in found.values()), seen.found.rows * len(section.buckets)
    passed = f"none of {len(section.buckets)} is larger"
    return Asked(passed, f"at most {section.total}", count, of, issues, seen.rows(_of(found), section.total))


def _together(seen: Seen) -> Asked:
    section, found = seen.config.tape, seen.found.overfull
    _need_buckets(seen)
    issues = (f"the parts add up to more than {section.total} in {found}",) if found.count else ()
    rows = seen.rows({"": found.first_rows}, *section.buckets, section.total)
    passed = f"their sum is within {section.total} in every row"
    return Asked(passed, f"at most {section.total}", found.count, seen.found.rows, issues, rows)


def _need_buckets(seen: Seen) -> None:
    section = seen.config.tape
    if section.total not in seen.columns:
        raise NotRun(f"the tape has no column {section.total}")
    if not any(name in seen.columns for name in section.buckets):
        raise NotRun("the tape has none of the buckets")


def _nulls(seen: Seen) -> Asked:
    """Few WARN, many FAIL: those come first."""
    found, limit = seen.found, seen.config.anomaly.null_percent
    told = {
        name: f"{name}: {found.nulls[name]:,} nulls counted as 0 ({percent:.2g} %)"
        for name, percent in found.null_percent.items()
    }
    many = [name for name in told if found.null_percent[name] > limit]
    issues = [f"{told[name]}, more than {limit:g} %" for name in many]
    issues += [said for name, said in told.items() if name not in many]
    return Asked(
        "every amount is there",
        f"none; more than {limit:g} % of a column FAILs",
        sum(found.nulls.values()),
        _cells(seen),
        tuple(issues),
        _null_rows(seen, [*many, *(name for name in told if name not in many)]),
        status="FAIL" if many else "WARN",
    )


def _null_rows(seen: Seen, names: Sequence[str]) -> tuple[Sample, ...]:
    if not names:
        return ()
    rules = [null_rule(name) for name in names]
    broken = judge_rows(seen.path, seen.config, rules, names)[1]
    rows = seen.rows({name: [hit.row for hit in broken[("null", name)].first] for name in names})
    return tuple(row for row in rows if row.text.endswith(f" {EMPTY}"))  # text that is no number is told elsewhere


def _duplicates(seen: Seen) -> Asked:
    section, found = seen.config.tape, seen.found.duplicates
    limit = f"each ({section.id}, {section.date}) once"
    if found is None:
        said = f"duplicates cannot be told: the tape has no {section.id}, and rows share their date"
        return Asked("", limit, issues=(said,), status="WARN")
    issues = (f"duplicate ({section.id}, {section.date}): {_in_words(found, seen.repeated)}",) if found.count else ()
    passed = "each row has its own identity" if seen.named else "one row per date"
    return Asked(passed, limit, found.count, seen.found.rows, issues, seen.rows({"": found.first_rows}))


def _in_words(found: Found, names: Sequence[str]) -> str:
    """How many rows, and the first of them by number and identity."""
    first = list(zip(found.first_rows, names, strict=False))[:_NAMED]
    told = [f"row {row} ({harmless(name, 40)})" for row, name in first]
    more = found.count - len(told)
    return f"{found.counted}: {', '.join(told)}{f' and {more:,} more' if more else ''}"


def _identity(seen: Seen) -> Asked:
    name, found = seen.config.tape.id, seen.found.unnamed
    if not seen.named:
        raise NotRun(f"the tape has no column {name}: one row per period")
    issues = (f"{name} is empty in {found}",) if found.count else ()
    rows = seen.rows({"": found.first_rows})
    return Asked("none is empty", f"no empty {name}", found.count, seen.found.rows, issues, rows)


def _outliers(seen: Seen) -> Asked:
    found, sigma = seen.found.outliers, seen.config.anomaly.outlier_sigma
    if not seen.found.rows:
        raise NotRun("the tape has no rows")
    issues = tuple(
        f"{name}: {count:,} value{'' if count == 1 else 's'} of the latest date beyond {sigma:g} standard deviations"
        for name, count in found.items()
    )
    limit = f"within {sigma:g} standard deviations of the column's mean"
    rows = seen.rows(first_outliers(seen.path, seen.state, seen.config, found)) if found else ()
    return Asked("none on the latest date", limit, sum(found.values()), _cells(seen), issues, rows)
