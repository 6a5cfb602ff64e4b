"""The questions that are put to every tape: pure functions of what was found in it, in the order of the report."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from engine.config.kpis import KpiConfig
from engine.portfolio.buckets import FIRST_ROWS, Found
from engine.portfolio.columns import Flags
from engine.portfolio.integrity import Integrity
from engine.portfolio.tape import Tape
from engine.records import harmless
from engine.validation.model import Sample, Severity
from engine.validation.parts import Asked, NotRun, Question

_NAMED = 5
"""Duplicates that the sentence names."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A tape and what was found in it."""

    tape: Tape
    found: Integrity
    config: KpiConfig

    def rows(self, found: Found, *columns: str) -> tuple[Sample, ...]:
        """The first rows, with the cells of these columns."""
        return tuple(self._row(row, columns) for row in found.first_rows[: self.config.checks.sample_rows])

    def _row(self, row: int, columns: Sequence[str]) -> Sample:
        cells = [f"{name} {self._cell(name, row)}" for name in columns]
        return Sample(", ".join(cells), row, self.name(row))

    def _cell(self, name: str, row: int) -> str:
        column = self.tape.amounts[name]
        return "empty" if column.nulls[row - 1] else harmless(column.cell(row - 1), 40)

    def name(self, row: int) -> str:
        """A row's identity and date, as far as it has them."""
        tape, known = self.tape, []
        if tape.ids is not None and isinstance(tape.ids.iloc[row - 1], str):
            known.append(harmless(tape.ids.iloc[row - 1], 40))
        if tape.dates is not None and tape.dates.of_row[row - 1] >= 0:
            known.append(tape.dates.days[int(tape.dates.of_row[row - 1])])
        return ", ".join(known)


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
    return seen.found.rows * len(seen.tape.amounts)


def _schema(seen: Seen) -> Asked:
    tape, wanted = seen.tape, seen.config.tape.amounts
    issues = [] if seen.found.rows else ["the tape has no rows"]
    issues += tape.missing.values()
    passed = f"{len(wanted)} columns of money, {seen.found.rows:,} rows"
    return Asked(passed, f"all of {len(wanted)} columns", len(tape.missing), len(wanted), tuple(issues))


def _finite(seen: Seen) -> Asked:
    found, tape, date = seen.found, seen.tape, seen.config.tape.date
    issues = tuple(f"{name}: {fault}" for name, fault in found.faults.items())
    columns = {name: tape.amounts[name].faults for name in found.faults if name in tape.amounts}
    count = sum(int(flags.sum()) for flags in columns.values())
    undated = tape.dates.undated if tape.dates is not None and date in found.faults else None
    rows = [sample for name, flags in columns.items() for sample in seen.rows(_first(flags), name)]
    if undated is not None:
        rows.append(Sample(f"{date} {undated.shown}", undated.row, seen.name(undated.row)))
        count += undated.count
    return Asked(
        f"{_cells(seen):,} amounts, each a finite number",
        "finite numbers, ISO dates",
        count,
        _cells(seen),
        issues,
        tuple(rows),
    )


def _non_negative(seen: Seen) -> Asked:
    found = seen.found.negatives
    issues = tuple(f"{name} is negative in {rows}" for name, rows in found.items())
    count = sum(rows.count for rows in found.values())
    sample = [one for name, rows in found.items() for one in seen.rows(rows, name)]
    return Asked("every amount is 0 or more", "at least 0", count, _cells(seen), issues, tuple(sample))


def _buckets(seen: Seen) -> Asked:
    section, found = seen.config.tape, seen.found.too_large
    _need_buckets(seen)
    issues = tuple(f"{name} is larger than {section.total} in {rows}" for name, rows in found.items())
    sample = [one for name, rows in found.items() for one in seen.rows(rows, name, section.total)]
    count = sum(rows.count for rows in found.values())
    of = seen.found.rows * len(section.buckets)
    return Asked(
        f"none of {len(section.buckets)} is larger", f"at most {section.total}", count, of, issues, tuple(sample)
    )


def _together(seen: Seen) -> Asked:
    section, found = seen.config.tape, seen.found.overfull
    _need_buckets(seen)
    issues = (f"the parts add up to more than {section.total} in {found}",) if found.count else ()
    columns = [name for name in (*section.buckets, section.total) if name in seen.tape.amounts]
    return Asked(
        f"their sum is within {section.total} in every row",
        f"at most {section.total}",
        found.count,
        seen.found.rows,
        issues,
        seen.rows(found, *columns),
    )


def _need_buckets(seen: Seen) -> None:
    section, present = seen.config.tape, seen.tape.amounts
    if section.total not in present:
        raise NotRun(f"the tape has no column {section.total}")
    if not any(name in present for name in section.buckets):
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
    rows = [
        sample
        for name in (*many, *(name for name in told if name not in many))
        for sample in seen.rows(_first(seen.tape.amounts[name].nulls), name)
    ]
    return Asked(
        "every amount is there",
        f"none; more than {limit:g} % of a column FAILs",
        sum(found.nulls.values()),
        _cells(seen),
        tuple(issues),
        tuple(rows),
        status="FAIL" if many else "WARN",
    )


def _first(flags: Flags) -> Found:
    places = flags.nonzero()[0]
    return Found(len(places), tuple(int(place) + 1 for place in places[:FIRST_ROWS]))


def _duplicates(seen: Seen) -> Asked:
    section, found = seen.config.tape, seen.found.duplicates
    limit = f"each ({section.id}, {section.date}) once"
    if found is None:
        said = f"duplicates cannot be told: the tape has no {section.id}, and rows share their date"
        return Asked("", limit, issues=(said,), status="WARN")
    issues = (f"duplicate ({section.id}, {section.date}): {_named(found, seen.tape)}",) if found.count else ()
    passed = "each row has its own identity" if seen.tape.ids is not None else "one row per date"
    return Asked(passed, limit, found.count, seen.found.rows, issues, seen.rows(found))


def _named(rows: Found, tape: Tape) -> str:
    """How many rows, and the first of them by number and identity."""
    told = [
        f"row {row}" + (f" ({harmless(tape.ids.iloc[row - 1], 40)})" if tape.ids is not None else "")
        for row in rows.first_rows[:_NAMED]
    ]
    more = rows.count - len(told)
    return f"{rows.counted}: {', '.join(told)}{f' and {more:,} more' if more else ''}"


def _identity(seen: Seen) -> Asked:
    name, found = seen.config.tape.id, seen.found.unnamed
    if seen.tape.ids is None:
        raise NotRun(f"the tape has no column {name}: one row per period")
    issues = (f"{name} is empty in {found}",) if found.count else ()
    return Asked("none is empty", f"no empty {name}", found.count, seen.found.rows, issues, seen.rows(found))


def _outliers(seen: Seen) -> Asked:
    found, sigma = seen.found.outliers, seen.config.anomaly.outlier_sigma
    if not seen.found.rows:
        raise NotRun("the tape has no rows")
    issues = tuple(
        f"{name}: {count:,} value{'' if count == 1 else 's'} of the latest date beyond {sigma:g} standard deviations"
        for name, count in found.items()
    )
    return Asked(
        "none on the latest date",
        f"within {sigma:g} standard deviations of the column's mean",
        sum(found.values()),
        _cells(seen),
        issues,
    )
