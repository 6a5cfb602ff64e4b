"""What a report makes of text that wants to be markup, and of records that are damaged or not there."""

from __future__ import annotations

import json

import pytest
from night_on_record import Night
from reading import Parsed, made, records, rows

from engine.reports.render import escaped

EVIL = "</script><script>alert(1)</script><img src=x onerror=alert(2)> \x1b[31m \u202e|`*_a_ <!-- & http://evil.example"


@pytest.fixture
def hostile(night: Night) -> Night:
    night.cut_over()
    (night.paths.logs / "cutover_20260131_020501<b>&.log").write_text("x\n")
    (night.paths.logs / "monitoring_<script>alert(3)<\u202e.log").write_text("x\n")
    night.event("note", text=EVIL)
    night.event("checklist.overridden", key=EVIL, note=EVIL)
    night.event(
        "gate.decided", gate="hour-1", decision=EVIL, by=EVIL, note=EVIL, waivers=[{"criterion": EVIL, "by": EVIL}]
    )
    night.event("service.failed", release=EVIL, reason=EVIL)
    night.event(EVIL, text=EVIL)
    night.hour(word="WATCH", why=EVIL)
    night.measure(5.0)
    return night


def test_nothing_that_was_recorded_becomes_an_element(hostile: Night) -> None:
    _, html = made(hostile, "1h")
    parsed = Parsed(html)
    assert (parsed.count("script"), parsed.count("img"), parsed.count("b")) == (2, 0, 0)
    assert not [attributes for _, attributes in parsed.tags for name in attributes if name.startswith("on")]
    assert "<script>alert(1)</script>" in parsed.text, "it is shown as the text that it is"


def test_no_control_and_no_bidirectional_mark_reaches_a_report(hostile: Night) -> None:
    for text in made(hostile, "1h"):
        assert not set("\x1b\u202e") & set(text)
        assert "\\u202e" in text


def test_the_scripts_data_cannot_end_its_element(hostile: Night) -> None:
    _, html = made(hostile, "1h")
    assert any("</script><script>alert(1)" in words for _, words in records(html)["events"])


def test_a_report_may_load_nothing_and_run_only_its_own_script(hostile: Night) -> None:
    _, html = made(hostile, "1h")
    parsed = Parsed(html)
    policy = next(attributes for tag, attributes in parsed.tags if tag == "meta" and "http-equiv" in attributes)
    assert policy["content"] is not None and policy["content"].startswith("default-src 'none'; ")
    links = [attributes.get("src") or attributes.get("href") for _, attributes in parsed.tags]
    assert not [link for link in links if link and not link.startswith("#")]


def test_markdown_says_markup_as_text(hostile: Night) -> None:
    markdown, _ = made(hostile, "1h")
    assert "<script" not in markdown and "<img" not in markdown
    note = next(row for row in rows(markdown, "Notes and hand-overs") if "alert" in row[-1])
    assert len(note) == 5, "a bar in a note is no column"
    assert escaped("a_b kpi_x _y_ *z* [l](u) http://h") == "a_b kpi_x \\_y\\_ \\*z\\* \\[l\\](u) http\\://h"


def test_a_broken_chain_is_said_on_top_and_the_report_is_made(night: Night) -> None:
    night.whole()
    lines = night.paths.events.read_text().splitlines()
    event = json.loads(lines[5])
    event["actor"] = "somebody else"
    lines[5] = json.dumps(event)
    night.paths.events.write_text("\n".join(lines) + "\n")
    markdown, _ = made(night, "24h")
    assert "the audit trail's chain is broken" in markdown.partition("\n## ")[0]
    trail = next(row for row in rows(markdown, "Evidence") if row[0] == "audit trail")
    assert trail[1] == "FAIL" and "line 6" in trail[2]


def test_damage_after_the_moment_does_not_break_what_was_before(night: Night) -> None:
    night.whole()
    with night.paths.events.open("a") as stream:
        stream.write("no record\n")
    trail = next(row for row in rows(made(night, "8h")[0], "Evidence") if row[0] == "audit trail")
    assert trail[1] == "PASS"


def test_a_line_that_is_no_record_is_counted(night: Night) -> None:
    night.whole()
    data = night.paths.events.read_bytes().splitlines(keepends=True)
    night.paths.events.write_bytes(b"".join([*data[:5], b"garbage\n", *data[5:]]))
    markdown, _ = made(night, "24h")
    assert "audit trail: 1 line is no record and not in this report" in markdown
    assert "the audit trail's chain is broken" in markdown


def test_without_samples_nothing_is_known_and_nothing_is_well(night: Night) -> None:
    night.whole()
    night.store.close()
    for suffix in ("", "-wal", "-shm"):
        night.paths.samples.with_name(night.paths.samples.name + suffix).unlink(missing_ok=True)
    markdown, html = made(night, "24h")
    assert "**UNKNOWN**" in markdown and "samples.db is not there" in markdown
    assert "the monitor kept nothing near this moment: the KPIs are missing" in markdown
    answers = {row[0]: row[1] for row in rows(markdown, "Criteria of the hour-24 gate")}
    assert answers["hourly 24 of 24"] == "unknown", "what the monitor never judged is not met"
    assert "met" not in answers.values()
    assert "missing: nothing was measured" in Parsed(html).text


def test_samples_that_cannot_be_read_are_said(night: Night) -> None:
    night.whole()
    night.store.close()
    night.paths.samples.write_bytes(b"this is no database" * 100)
    markdown, _ = made(night, "24h")
    assert "samples.db: file is not a database" in markdown and "**UNKNOWN**" in markdown


def test_a_deployment_with_nothing_recorded_has_a_report_that_says_so(night: Night) -> None:
    markdown, _ = made(night, None)
    assert markdown.startswith("# Now report") and "**UNKNOWN**" in markdown
    trail = next(row for row in rows(markdown, "Evidence") if row[0] == "audit trail")
    assert trail[1] == "NOT RUN"
    assert "no cutover or rollback in this stretch" in markdown


def test_a_damaged_journal_is_no_reason_to_refuse(night: Night) -> None:
    night.whole()
    (night.paths.operation("0001-cutover") / "journal.jsonl").write_bytes(b"{broken\n")
    assert "# Hour 8 report" in made(night, "8h")[0], "the trail knows the cutover too"
