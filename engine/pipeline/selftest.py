"""The release's own tests: its program against tapes whose answers were worked out by hand."""

# ruff: noqa: D102 - the name of each test says what it tests

from __future__ import annotations

import io
import json
import os
import sys
import tempfile
import unittest
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from engine.pipeline.answers import figures_json
from engine.pipeline.figures import COLUMNS, DATE, Figures, Kpi, Program, TapeUnreadable
from engine.pipeline.publish import Run, described, publish, remove_old
from engine.pipeline.tape_file import open_tape

_HEADER = ("loan_id", DATE, *COLUMNS)
_NOW = "2025-12-31"
_BEFORE = "2025-11-30"


def run_selftest(program: Program) -> bool:
    """Run every test against ``program`` and print the count; False when one fails."""
    _Case.program = program
    suite = unittest.TestSuite(
        unittest.defaultTestLoader.loadTestsFromTestCase(case) for case in (Formulas, Dates, Cells, Unreadable, Outputs)
    )
    result = unittest.TextTestRunner(stream=sys.stderr, verbosity=1).run(suite)
    failed = len(result.failures) + len(result.errors)
    print(f"{program.name}: {result.testsRun - failed} of {result.testsRun} tests passed")
    return result.wasSuccessful() and result.testsRun > 0


def _tape(*rows: Sequence[object], header: Sequence[str] = _HEADER) -> bytes:
    lines = [",".join(header), *(",".join(str(cell) for cell in row) for row in rows)]
    return ("\n".join(lines) + "\n").encode()


def _loan(number: int = 1, date: str = _NOW, **amounts: object) -> tuple[object, ...]:
    """A loan of 1,000 (950 eligible, 95 cash, 20 + 10 + 5 late): PAR30 3.5, PAR90 0.5, collection 10, health 9.65."""
    usual = dict(zip(COLUMNS, (1000, 950, 95, 20, 10, 5), strict=True))
    usual.update(amounts)  # type: ignore[arg-type]
    return (f"L{number}", date, *(usual[column] for column in COLUMNS))


class _Case(unittest.TestCase):
    program: ClassVar[Program]

    def compute(self, tape: bytes, decimals: int = 6) -> Figures:
        return self.program.compute(io.BytesIO(tape), "tape.csv", decimals=decimals, between=lambda: None)

    def kpis(self, *rows: Sequence[object]) -> dict[str, Kpi]:
        return self.compute(_tape(*rows)).latest.kpis

    def is_undefined(self, kpi: Kpi, *words: str) -> None:
        self.assertIsNone(kpi.value)
        for word in words:
            self.assertIn(word, kpi.reason or "")


class Formulas(_Case):
    """The four KPIs."""

    def test_par30_is_the_share_thirty_and_more_days_late(self) -> None:
        self.assertEqual(self.kpis(_loan())["PAR30"].value, 3.5)

    def test_par90_is_the_share_ninety_and_more_days_late(self) -> None:
        self.assertEqual(self.kpis(_loan())["PAR90"].value, 0.5)

    def test_collection_rate_is_cash_per_eligible(self) -> None:
        self.assertEqual(self.kpis(_loan())["CollectionRate"].value, 10.0)

    def test_health_follows_from_both(self) -> None:
        self.assertEqual(self.kpis(_loan())["PortfolioHealth"].value, 9.65)

    def test_health_is_held_to_ten_and_the_unheld_value_kept(self) -> None:
        health = self.kpis(_loan(cash_available_usd=950))["PortfolioHealth"]
        self.assertEqual((health.value, health.unheld), (10.0, 96.5))

    def test_health_is_never_below_zero(self) -> None:
        health = self.kpis(_loan(cash_available_usd=-95))["PortfolioHealth"]
        self.assertEqual((health.value, health.unheld), (0.0, -9.65))

    def test_sums_come_before_the_division(self) -> None:
        rows = (_loan(1), _loan(2, total_receivable_usd=9000))
        self.assertEqual(self.kpis(*rows)["PAR30"].value, 0.7)

    def test_the_order_of_rows_does_not_matter(self) -> None:
        rows = [_loan(n, cash_available_usd=0.1 * n, total_eligible_usd=1e9 if n % 7 == 0 else 1e-3) for n in range(99)]
        self.assertEqual(self.compute(_tape(*rows), 12).latest, self.compute(_tape(*reversed(rows)), 12).latest)

    def test_values_are_rounded_only_when_published(self) -> None:
        kpi = self.compute(_tape(_loan(dpd_90_plus_usd=6.6)), self.program.decimals).latest.kpis["PAR90"]
        self.assertEqual(kpi.value, 0.7 if self.program.decimals == 1 else 0.66)


class Dates(_Case):
    """Several measurement dates are a time series."""

    def test_now_is_the_latest_date(self) -> None:
        figures = self.compute(_tape(_loan(1, _NOW), _loan(1, _BEFORE, dpd_90_plus_usd=500)))
        self.assertEqual((figures.latest.measurement_date, figures.latest.kpis["PAR90"].value), (_NOW, 0.5))

    def test_dates_are_never_added_up(self) -> None:
        figures = self.compute(_tape(_loan(1, _NOW), _loan(1, _BEFORE)))
        self.assertEqual([group.rows for group in figures.groups], [1, 1])

    def test_the_trend_runs_from_old_to_new(self) -> None:
        figures = self.compute(_tape(_loan(1, _NOW), _loan(1, _BEFORE), _loan(2, _NOW)))
        self.assertEqual([group.measurement_date for group in figures.groups], [_BEFORE, _NOW])

    def test_a_tape_without_dates_is_one_undated_group(self) -> None:
        tape = _tape(_loan()[2:], _loan()[2:], header=COLUMNS)
        latest = self.compute(tape).latest
        self.assertEqual((latest.measurement_date, latest.rows, latest.kpis["PAR30"].value), (None, 2, 3.5))

    def test_an_unreadable_date_leaves_now_undefined(self) -> None:
        figures = self.compute(_tape(_loan(1), _loan(2, "yesterday")))
        self.is_undefined(figures.latest.kpis["PAR30"], DATE, "row 2")
        self.assertEqual(figures.errors, 1)

    def test_a_time_of_day_does_not_split_a_date(self) -> None:
        figures = self.compute(_tape(_loan(1, f"{_NOW} 00:00:00"), _loan(2, f"{_NOW}T23:59:59Z")))
        self.assertEqual([(group.measurement_date, group.rows) for group in figures.groups], [(_NOW, 2)])


class Cells(_Case):
    """What stands in a cell when it is no plain number."""

    def test_nulls_count_as_zero(self) -> None:
        for null in ("", "NaN", "NULL", "  "):
            with self.subTest(null=null):
                self.assertEqual(self.kpis(_loan(dpd_90_plus_usd=null))["PAR30"].value, 3.0)

    def test_text_leaves_undefined_only_what_needs_it(self) -> None:
        kpis = self.kpis(_loan(1), _loan(2, cash_available_usd="abc"))
        self.is_undefined(kpis["CollectionRate"], "cash_available_usd", "1 value", "row 2")
        self.assertEqual(kpis["PAR30"].value, 3.5)

    def test_infinities_are_no_amounts(self) -> None:
        for infinity in ("inf", "-Infinity", "1e999"):
            with self.subTest(infinity=infinity):
                self.is_undefined(self.kpis(_loan(dpd_30_60_usd=infinity))["PAR30"], "dpd_30_60_usd", "row 1")

    def test_undefined_parts_leave_health_undefined(self) -> None:
        self.is_undefined(self.kpis(_loan(dpd_30_60_usd="x"))["PortfolioHealth"], "PAR30", "dpd_30_60_usd")

    def test_rows_that_could_not_be_used_are_counted_once_each(self) -> None:
        figures = self.compute(_tape(_loan(1), _loan(2, cash_available_usd="x", dpd_90_plus_usd="y")))
        self.assertEqual((figures.rows, figures.errors), (2, 1))

    def test_zero_denominator_is_undefined_and_not_zero(self) -> None:
        self.is_undefined(self.kpis(_loan(total_receivable_usd=0))["PAR30"], "total_receivable_usd", "zero")

    def test_a_missing_column_is_named(self) -> None:
        tape = _tape(_loan()[:-1], header=_HEADER[:-1])
        self.is_undefined(self.compute(tape).latest.kpis["PAR90"], "dpd_90_plus_usd", "missing")

    def test_an_empty_tape_is_undefined_throughout(self) -> None:
        latest = self.compute(_tape()).latest
        self.assertEqual((latest.rows, [kpi.value for kpi in latest.kpis.values()]), (0, [None] * 4))


class Unreadable(_Case):
    """What is no tape is not half read."""

    def test_a_file_without_a_header(self) -> None:
        with self.assertRaises(TapeUnreadable):
            self.compute(b"")

    def test_a_row_that_was_cut_off(self) -> None:
        with self.assertRaises(TapeUnreadable):
            self.compute(_tape(_loan(1), _loan(2)[:4]))

    def test_a_column_named_twice(self) -> None:
        with self.assertRaises(TapeUnreadable):
            self.compute(_tape((*_loan(), 1), header=(*_HEADER, "cash_available_usd")))


class Outputs(_Case):
    """What a run leaves."""

    def setUp(self) -> None:
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.root = Path(directory.name)
        self.figures = self.compute(_tape(_loan(1, _BEFORE), _loan(1)), self.program.decimals)

    def publish(self, stem: str) -> list[Path]:
        run = Run("0" * 32, self.program.name, "build")
        return publish(self.root, stem, ("parquet", "csv", "json"), run, self.figures)

    def test_outputs_hold_what_was_computed(self) -> None:
        paths = {path.suffix: path for path in self.publish("kpis_x_1")}
        self.assertEqual(json.loads(paths[".json"].read_bytes())["kpis"], figures_json(self.figures)["kpis"])
        self.assertEqual(len(paths[".csv"].read_text().splitlines()), 1 + 2 * 4)
        self.assertEqual(paths[".parquet"].read_bytes()[:4], b"PAR1")
        self.assertEqual(len({output["sha256"] for output in described(self.root, list(paths.values()))}), 3)

    def test_only_own_old_outputs_are_removed(self) -> None:
        for stem in ("kpis_x_1", "kpis_x_2", "kpis_y_1"):
            self.publish(stem)
        remove_old(self.root, "x", 1)
        self.assertEqual({path.stem for path in self.root.iterdir()}, {"kpis_x_2", "kpis_y_1"})

    def test_a_tape_that_changes_while_it_is_read_is_refused(self) -> None:
        path = self.root / "tape.csv"
        path.write_bytes(_tape(_loan()))
        with open_tape(path) as tape:
            path.write_bytes(_tape(_loan(), _loan(2)))
            os.utime(path)
            with self.assertRaises(TapeUnreadable):
                tape.check_unchanged()
