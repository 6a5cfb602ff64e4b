"""A validation as one HTML file: each finding once, every question with its answer, nothing foreign as markup."""

from __future__ import annotations

import re
from html import unescape
from html.parser import HTMLParser
from typing import Any

import msgspec
import pytest

from engine.config import Deployment
from engine.reports.validation_page import SHOWN, page
from engine.validation.history import Kept
from engine.validation.model import Check, Part, Report, Sample

HOSTILE = "<script>alert(1)</script>\u202e\x1b[31m\" onmouseover='x'"


def report(**fields: Any) -> Report:
    parts = (
        Part("stated", "what the tape states follows", "WARN", "par30_pct does not follow", "warn", "within 0.01",
             3, 60, ("par30_pct does not follow", "par90_pct does not follow"), (Sample(HOSTILE, 7, HOSTILE),)),
        Part("nulls", "no amount is missing", "PASS", "every amount is there", limit="none", count=0, of=60),
        Part("volume", "about as many rows", "NOT RUN", "0 earlier tapes are on record"),
        Part("last_tape", "near the last tape", "WARN", "PAR30 moved", "note", issues=("PAR30 moved by 100 %",)),
    )  # fmt: skip
    checks = {
        "kpi_calculations": Check("PASS", "4 of 4 agree", {"kpis": {"PAR30": {
            "published": 2.2, "recomputed": 2.21, "difference": 0.01, "agrees": True}}}),
        "data_integrity": Check("WARN", "par30_pct does not follow (and 2 more)", {}, (
            "a file is lost", "par30_pct does not follow", "par90_pct does not follow"), parts),
    }  # fmt: skip
    issues = tuple(f"data_integrity: {issue}" for issue in checks["data_integrity"].issues)
    plain: dict[str, Any] = {
        "timestamp": "2026-01-31T02:00:00.000Z", "status": "WARN", "release": "v2", "build": "b" * 64,
        "tape": "data/raw/loan_tape.csv", "tape_sha256": "a" * 64, "measurement_date": "2025-12-31",
        "scheduled": False, "seconds": 0.5, "checks": checks, "issues": issues,
    }  # fmt: skip
    return Report(**{**plain, **fields})


def kept(day: int, **fields: Any) -> Kept:
    plain = {
        "timestamp": f"2026-01-{day:02}T02:00:00.000Z", "status": "PASS", "release": "v2", "build": None, "tape": "t",
        "tape_sha256": "s", "measurement_date": None, "scheduled": True, "occasion": "slot", "live": True,
        "seconds": 1.0, "checks": {"data_integrity": "PASS"}, "issues": 0, "report": f"r{day}",
        "figures": {"rows": 60.0 + day}, "kpis": {"PAR30": 2.0 + day / 10},
    }  # fmt: skip
    return msgspec.convert({**plain, **fields}, Kept)


def words(html: str) -> str:
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", html.partition("</style>")[2])))


def test_each_finding_is_named_once_with_its_limit_share_and_rows(deployment: Deployment) -> None:
    text = words(page(deployment, report(), ()))
    for issue in ("par30_pct does not follow", "par90_pct does not follow", "a file is lost", "PAR30 moved by 100 %"):
        assert text.count(issue) == 1
    assert "what the tape states follows; limit: within 0.01; 3 of 60, 5 %" in text
    assert "row 7" in text


def test_every_question_stands_there_with_its_answer(deployment: Deployment) -> None:
    text = words(page(deployment, report(), ()))
    assert "NOT RUN about as many rows 0 earlier tapes are on record" in text
    assert "PASS no amount is missing every amount is there none 0 of 60" in text
    assert "WARN 1 NOTE 1 NOT RUN 1 PASS 1 questions" in text
    assert "PAR30 2.2 2.21 0.01 PASS" in text


def test_a_trial_says_that_it_is_one(deployment: Deployment) -> None:
    assert "A trial on another tape" in words(page(deployment, report(live=False), ()))
    assert "A trial on another tape" not in words(page(deployment, report(), ()))


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.values: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.values += [value or "" for _, value in attrs]


@pytest.mark.parametrize("field", ["tape", "release", "measurement_date", "tape_sha256", "build", "occasion"])
def test_hostile_text_is_never_markup_and_steers_nothing(deployment: Deployment, field: str) -> None:
    html = page(deployment, report(**{field: HOSTILE, "scheduled": True}), [kept(1, release=HOSTILE, status="FAIL")])
    found = _Tags()
    found.feed(html)
    assert "script" not in found.tags
    assert not {name for name in found.attributes if name.startswith("on")}
    assert not {"src", "srcset", "action", "background"} & found.attributes
    assert "\u202e" not in html
    assert "\x1b" not in html
    assert "\\u202e\\x1b[31m" in html


def test_the_file_needs_nothing_else(deployment: Deployment) -> None:
    html = page(deployment, report(), [kept(day) for day in (1, 2)])
    assert "default-src 'none'" in html
    assert not re.search(r"https?://|@import|url\(|<link|<img", html)
    assert "prefers-color-scheme: dark" in html
    assert "@media print" in html


def test_the_trend_is_that_of_live_validations_up_to_this_one(deployment: Deployment) -> None:
    history = [kept(1), kept(2, status="FAIL"), kept(3, live=False, figures={"rows": 9.0}), kept(30)]
    html = page(deployment, report(timestamp="2026-01-04T02:00:00.000Z"), history)
    text = words(html)
    assert "The last 2 validations of the live tape" in text
    assert "PAR30 2.20 2026-01-02T02:00Z FAIL 2.10 to 2.20, median 2.15" in text
    assert "rows 62" in text
    assert html.count("<svg") == 2
    assert html.count('class="dot s-F"') == 2
    many = page(deployment, report(), [kept(1 + at % 28) for at in range(SHOWN + 9)])
    assert f"The last {SHOWN} validations" in words(many)
    assert "No earlier validation of the live tape is on record" in words(page(deployment, report(), ()))


def test_a_report_from_before_there_were_parts_is_shown_too(deployment: Deployment) -> None:
    old = report(checks={"data_integrity": Check("FAIL", "x", {}, ("a file is lost",))})
    assert "a file is lost" in words(page(deployment, old, ()))
