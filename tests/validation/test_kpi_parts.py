"""kpi_calculations beside the recomputation: the last tape, the baseline, the old release. Failing, and not run."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from production import Production, loans

from engine.portfolio.results import Group, KpiValue
from engine.records import append_line
from engine.validation.checks.kpi_parts import Known, baseline, kpi_ranges, last_tape, published, releases
from engine.validation.history import Kept
from engine.validation.model import Part
from engine.validation.parts import NotRun

NOW = {"PAR30": 2.0, "PAR90": 0.3, "CollectionRate": 12.0, "PortfolioHealth": 10.0}


def figure(value: float | None, agrees: bool = True) -> dict[str, Any]:
    return {"published": value, "recomputed": value, "difference": 0.0, "agrees": agrees}


@pytest.fixture
def known(production: Production) -> Known:
    kpis = {name: KpiValue(value, "%", "ok") for name, value in NOW.items()}
    return Known(
        deployment=production.deployment,
        release="v2",
        now=Group("2025-12-31", 60, {}, 0, kpis),
        tape_sha256="now",
        published={name: figure(value) for name, value in NOW.items()},
        foreign=False,
        earlier=list,
        baseline=list,
        old=lambda: None,
    )


def but(known: Known, **fields: Any) -> Known:
    values = {name: getattr(known, name) for name in known.__dataclass_fields__}
    return Known(**{**values, **fields})


def kept(**fields: Any) -> Kept:
    plain = {
        "timestamp": "2026-01-01T02:00:00.000Z", "status": "PASS", "release": "v2", "build": None, "tape": "t",
        "tape_sha256": "then", "measurement_date": "2025-11-30", "scheduled": False, "occasion": "", "live": True,
        "seconds": 1.0, "checks": {}, "issues": 0, "report": "r", "kpis": NOW,
    }  # fmt: skip
    return msgspec.convert({**plain, **fields}, Kept)


def test_what_was_published_and_does_not_agree_is_counted_and_shown(known: Known) -> None:
    assert not published(known).told
    found = published(but(known, published={**(known.published or {}), "PAR30": figure(9.0, agrees=False)}))
    assert (found.told, found.status, found.count, found.of) == ("1 of 4 KPIs do not agree", "FAIL", 1, 4)
    assert found.rows[0].name == "PAR30"
    with pytest.raises(NotRun, match="nothing that was published can be compared"):
        published(but(known, published=None))


def test_a_kpi_out_of_range_or_undefined_is_counted(known: Known) -> None:
    assert not kpi_ranges(known).told
    kpis = {**known.now.kpis, "PAR30": KpiValue(120.0, "%", "ok"), "PAR90": KpiValue(None, "%", "undefined", "empty")}  # type: ignore[union-attr]
    found = kpi_ranges(but(known, now=Group(None, 1, {}, 0, kpis)))
    assert found.count == 2
    assert [sample.text for sample in found.rows] == ["120.00 of 0 to 100", "undefined: empty"]
    with pytest.raises(NotRun, match="cannot be read"):
        kpi_ranges(but(known, now=None))


def test_a_kpi_far_from_the_last_tape_is_found(known: Known) -> None:
    assert not last_tape(but(known, earlier=lambda: [kept()])).issues
    found = last_tape(but(known, earlier=lambda: [kept(kpis={**NOW, "PAR30": 1.0})]))
    assert found.issues == ("PAR30 1 became 2 since the last tape (2025-11-30): 100 %, more than 20 %",)
    assert (found.count, found.of) == (1, 4)


def test_the_last_tape_is_another_one_than_that_of_now(known: Known) -> None:
    same = kept(tape_sha256="now", kpis={"PAR30": 1.0})
    with pytest.raises(NotRun, match="no earlier tape is on record"):
        last_tape(but(known, earlier=lambda: [same]))
    with pytest.raises(NotRun, match="a trial"):
        last_tape(but(known, foreign=True, earlier=lambda: [kept()]))


def test_a_kpi_far_from_the_baseline_is_found(known: Known) -> None:
    least = known.deployment.monitoring.baseline.least
    assert not baseline(but(known, baseline=lambda: [NOW] * least)).issues
    found = baseline(but(known, baseline=lambda: [{**NOW, "CollectionRate": 6.0}] * least))
    assert found.issues[0].startswith("CollectionRate 6 became 12 since the median of")


def test_no_baseline_says_why(known: Known) -> None:
    with pytest.raises(NotRun, match="v1 runs, which is the baseline itself"):
        baseline(but(known, release="v1"))
    with pytest.raises(NotRun, match="outputs of 1 runs of v1 are there"):
        baseline(but(known, baseline=lambda: [NOW]))


def test_releases_that_differ_beyond_rounding_are_found_by_tier(known: Known) -> None:
    assert not releases(but(known, old=lambda: {**NOW, "CollectionRate": 12.05})).issues  # v1 publishes one decimal
    warned = releases(but(known, old=lambda: {**NOW, "CollectionRate": 12.3}))
    assert warned.status == "WARN"
    failed = releases(but(known, old=lambda: {**NOW, "CollectionRate": 14.0}))
    assert failed.status == "FAIL"
    assert failed.rows[0].text == "14 in v1, 12 in v2"


def test_nothing_to_compare_the_releases_by_says_why(known: Known) -> None:
    for changes, why in (
        ({"release": "v1"}, "v1 runs: v2 has published nothing to compare with"),
        ({"published": None}, "nothing that was published can be compared with this tape"),
        ({}, "v1 has not computed this tape"),
    ):
        with pytest.raises(NotRun, match=why):
            releases(but(known, **changes))


def parts(production: Production) -> dict[str, Part]:
    return {part.name: part for part in production.validate().checks["kpi_calculations"].parts}


def test_the_old_release_in_the_shadow_is_what_the_new_one_is_set_against(production: Production) -> None:
    assert parts(production)["releases"].summary == "v1 has not computed this tape"
    digest = production.runs[-1]["tape_sha256"]
    append_line(production.deployment.paths.shadow, {"tape_sha256": digest, "values": {"PAR30": 99.0}, "reason": ""})
    report = production.validate()
    assert report.checks["kpi_calculations"].status == "FAIL"
    assert any("PAR30 is 99 in v1" in issue for issue in report.issues)


def test_what_the_old_release_published_on_this_tape_serves_as_well(production: Production) -> None:
    production.release = "v1"
    for _ in range(production.deployment.monitoring.baseline.least):
        production.run()
    production.release = "v2"
    production.run()
    found = parts(production)
    assert {found[name].status for name in ("published", "kpi_ranges", "baseline", "releases")} == {"PASS"}


def test_another_tape_moves_the_portfolio_and_judges_nobody(production: Production) -> None:
    production.validate()
    rows = loans()
    for row in rows:
        row["dpd_30_60_usd"] = f"{float(row['dpd_30_60_usd']) * 3:.2f}"
    production.write_tape(rows)
    production.run()
    report = production.validate()
    part = next(part for part in report.checks["kpi_calculations"].parts if part.name == "last_tape")
    assert part.status == "WARN"
    assert "PAR30" in part.issues[0]
    assert report.checks["kpi_calculations"].status == "PASS"


def test_of_a_release_that_does_not_run_no_question_is_silent(production: Production) -> None:
    production.not_running = "no release runs"
    found = parts(production)
    assert {part.status for part in found.values()} == {"NOT RUN"}
    assert {part.summary for part in found.values()} == {"no release runs"}
    assert len(found) == 6
