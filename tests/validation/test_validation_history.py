"""The history: one line per validation, pruned by number and age, but never what something rests on."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from production import Production, loans
from test_earlier_tapes import kept

from engine.config.kpis import HistorySection
from engine.doctor.deployment import examine_deployment
from engine.records import FileLock, read_lines
from engine.records.lines import encode
from engine.validation.history import Kept, dispensable, kept_of, prune, read_history
from engine.validation.history import keep as keep_line
from engine.validation.relied import needed, relied_on, watch_seconds

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


def line(hours: float, **fields: Any) -> Kept:
    at = BEGIN + timedelta(hours=hours)
    return kept(timestamp=f"{at:%Y-%m-%dT%H:%M:%S}.000Z", report=f"logs/validation_{hours:g}.json", **fields)


def hours(lines: tuple[Kept, ...]) -> list[float]:
    return [(one.at - BEGIN).total_seconds() / 3600 for one in lines]


def rests_on(*names: float) -> Any:
    return lambda _: frozenset(f"logs/validation_{name:g}.json" for name in names)


def test_each_validation_leaves_one_line_that_says_what_it_found(production: Production) -> None:
    report = production.validate(scheduled=True)
    production.write_tape([*loans(), loans()[0]])
    production.run()
    production.validate()
    first, second = read_history(production.deployment.paths).kept
    assert (first.timestamp, first.status, first.scheduled, first.live) == (report.timestamp, "PASS", True, True)
    assert (production.deployment.root / first.report).read_bytes() != b""
    assert first.kpis["PAR30"] == report.checks["kpi_calculations"].figures["kpis"]["PAR30"]["recomputed"]
    assert first.figures["rows"] == 60
    assert first.columns["loan_id"] == "text"
    assert (second.status, second.checks["data_integrity"], second.figures["duplicates"]) == ("FAIL", "FAIL", 1)


def test_a_figure_that_no_line_can_hold_is_left_out(production: Production) -> None:
    report = production.validate()
    report.checks["performance"].figures["run_seconds"] = float("inf")
    line = kept_of(report, "r")
    assert "run_seconds" not in line.figures
    assert "rows" in line.figures


def test_beyond_number_or_age_is_dispensable_and_nothing_else() -> None:
    lines = [line(at) for at in range(10)]
    now = BEGIN + timedelta(hours=10)
    assert hours(dispensable(lines, HistorySection(runs=7), now, rests_on())) == [0, 1, 2]
    assert hours(dispensable(lines, HistorySection(runs=7), now, rests_on(1))) == [0, 2]
    assert dispensable(lines, HistorySection(), now, rests_on()) == ()


def test_the_newest_few_are_kept_however_old_a_wrong_clock_makes_them() -> None:
    lines = [line(at) for at in range(30)]
    far = BEGIN + timedelta(days=9999)
    assert hours(dispensable(lines, HistorySection(days=1), far, rests_on())) == list(range(10))
    assert hours(dispensable(lines, HistorySection(days=1), BEGIN + timedelta(hours=28), rests_on())) == [0, 1, 2, 3]


def test_what_rests_on_a_validation_is_asked_only_where_something_would_go() -> None:
    def never(_: object) -> frozenset[str]:
        raise AssertionError

    assert dispensable([line(0)], HistorySection(), BEGIN, never) == ()


def test_needed_are_the_newest_those_before_a_moment_and_those_of_a_watch() -> None:
    lines = [line(at) for at in range(10)]
    lines.insert(3, line(2.5, live=False))
    found = needed(lines, [BEGIN + timedelta(hours=2.7)], [(BEGIN + timedelta(hours=4), BEGIN + timedelta(hours=6))])
    assert found == rests_on(2, 4, 5, 6, 9)(None)
    assert needed([], [BEGIN], []) == frozenset()


def test_a_watch_lasts_to_its_last_decision(production: Production) -> None:
    assert watch_seconds(production.deployment) >= 28 * 86400 / production.deployment.console.time_scale


def test_the_present_watch_is_relied_on(production: Production) -> None:
    paths = production.deployment.paths
    journal = paths.operation("0001-cutover") / "journal.jsonl"
    journal.parent.mkdir(parents=True)
    begun = {"kind": "intent", "step": "start_new", "at": "2026-01-01T03:30:00.000Z", "boot": 1.0, "boot_id": "x"}
    journal.write_text(json.dumps(begun) + "\n")
    lines = [line(at) for at in range(8)] + [line(24 * 365)]
    assert relied_on(production.deployment, lines) == rests_on(3, 4, 5, 6, 7, 24 * 365)(None)


def test_pruning_removes_lines_and_their_reports_and_says_so(production: Production) -> None:
    path = production.deployment.paths.config / "kpis.yml"
    path.write_text(path.read_text().replace("runs: 2000", "runs: 2"))
    production.use_program("none")
    for _ in range(4):
        production.validate()
        production.clock.advance(60)
    paths = production.deployment.paths
    assert [one.timestamp[14:16] for one in read_history(paths).kept] == ["02", "03"]

    assert len(list(paths.logs.glob("validation_*.json"))) == 2
    assert [event["data"]["count"] for event in read_lines(paths.events) if event["kind"] == "validations.pruned"] == [
        1,
        1,
    ]


def test_lines_that_stay_keep_what_another_version_says_in_them(production: Production) -> None:
    paths = production.deployment.paths
    keep_line(paths, line(0))
    told = b'{"found_by_a_later_version": [1, 2],  ' + encode(msgspec.to_builtins(line(1)))[1:]
    with paths.validations.open("ab") as file:
        file.write(told)
    assert hours(prune(paths, HistorySection(runs=1), BEGIN + timedelta(days=1), rests_on())) == [0]
    assert paths.validations.read_bytes() == told


def test_a_pruning_that_was_interrupted_is_done_by_the_next_one(
    production: Production, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A report that no line names any more would stay for ever."""
    paths = production.deployment.paths
    for at in range(3):
        keep_line(paths, line(at))
        (paths.root / line(at).report).write_text("{}")

    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    for name in ("engine.validation.history.write_file", "pathlib.Path.unlink"):
        with monkeypatch.context() as interrupted, pytest.raises(KeyboardInterrupt):
            interrupted.setattr(name, killed)
            prune(paths, HistorySection(runs=1), BEGIN + timedelta(days=1), rests_on())
    assert hours(prune(paths, HistorySection(runs=1), BEGIN + timedelta(days=1), rests_on())) == [0, 1]
    assert [path.name for path in paths.logs.glob("validation_*.json")] == ["validation_2.json"]
    assert hours(read_history(paths).kept) == [2]


def test_a_line_that_names_a_foreign_file_removes_no_file(
    production: Production, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.validation.history._WHATEVER_THEIR_AGE", 0)
    paths = production.deployment.paths
    names = ("production_validation_report.json", "logs/../validation_x.json", "/etc/validation_x.json", "logs/x.json")
    (paths.root / "production_validation_report.json").write_text("{}")
    (paths.root / "validation_x.json").write_text("{}")
    (paths.logs / "x.json").write_text("{}")
    for number, name in enumerate(names, start=1):
        keep_line(paths, kept(number, report=name))
    assert len(prune(paths, HistorySection(days=0.001), BEGIN + timedelta(days=99), rests_on())) == 4
    assert (paths.root / "production_validation_report.json").exists()
    assert (paths.root / "validation_x.json").exists()
    assert (paths.logs / "x.json").exists()


def test_a_damaged_line_is_counted_and_stops_pruning(production: Production) -> None:
    paths = production.deployment.paths
    keep_line(paths, line(0))
    with paths.validations.open("ab") as file:
        file.write(b'no line\n{"timestamp": "never"}\n')
    keep_line(paths, line(1))
    found = read_history(paths)
    assert (hours(found.kept), found.damaged) == ([0, 1], 2)
    assert prune(paths, HistorySection(runs=1), BEGIN + timedelta(days=1), rests_on()) == ()
    assert len(read_history(paths).kept) == 2
    (said,) = (one for one in examine_deployment(production.deployment) if one.name == "validations")
    assert said.status == "WARN" and "2 lines of" in said.what
    assert f"sed -i '2d;3d' {paths.validations}" in said.fix


def test_a_history_that_takes_no_line_is_said(production: Production, monkeypatch: Any) -> None:
    monkeypatch.setattr("engine.validation.history._WAIT", 0.0)
    paths = production.deployment.paths
    with FileLock(paths.validations.with_name("validations.jsonl.lock")) as lock:
        assert lock.acquire()
        report = production.validate()
    assert report.checks["audit_trail"].status == "WARN"
    assert "could not be written into the history of validations" in report.issues[0]
    assert json.loads(paths.validation_report.read_text())["status"] == "WARN"
