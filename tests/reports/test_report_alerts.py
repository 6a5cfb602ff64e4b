"""Alerts, drills and what people decided, as the audit trail has them, and how a report tells of them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from night_on_record import HOUR, Night, alert, fires
from reading import chapter, made, records, rows

from engine.clock import iso


def told(night: Night, kind: str, condition: str = "MEM", **data: Any) -> None:
    said = {"alert": f"{condition}-1", "condition": condition, "tier": "critical", "text": f"{condition} 520 MB"}
    night.event(kind, **{**said, "to": ["on_call"], **data})


def drilled(night: Night, hours: float = 0.5) -> None:
    until = night.clock.now().wall + timedelta(seconds=hours * HOUR)
    night.event("drill.started", drill="latency", release="v2", until=iso(until), expected="INVESTIGATE")
    night.hour(word="INVESTIGATE", why="LAT 600 ms", conditions=fires("LAT", night.evaluation().conditions))
    night.event("drill.ended", drill="latency", release="v2", ok=True, why="its time was over")


def test_an_alert_that_no_kept_state_shows_stands_with_times_escalation_and_who_took_it(night: Night) -> None:
    night.cut_over()
    night.hour()
    told(night, "alert.opened")
    night.clock.advance(5.0)
    told(night, "alert.escalated", to=["engineering_lead"])
    night.event("ack", condition="MEM", owner="K. Lee")
    night.clock.advance(5.0)
    told(night, "alert.cleared")
    for _ in range(7):
        night.hour()
    (row,) = rows(made(night, "8h")[0], "Alerts and acknowledgements")[1:2]
    assert row[:2] == ["MEM", "critical"] and row[3] != "still fires"
    assert "K. Lee" in row[4] and "up to engineering lead" in row[4]


def test_an_alert_of_the_trail_is_not_listed_again_for_the_states_that_show_it(night: Night) -> None:
    night.cut_over()
    since = night.clock.now().wall
    night.clock.advance(3.0)
    told(night, "alert.opened")
    conditions = fires("MEM", night.evaluation().conditions)
    night.hour(word="INVESTIGATE", why="MEM", conditions=conditions, alerts=(alert("MEM", since), alert("LAT", since)))
    for _ in range(7):
        night.hour()
    listed = [row[0] for row in rows(made(night, "8h")[0], "Alerts and acknowledgements")]
    assert listed.count("MEM") == 1
    assert listed.count("LAT") == 1, "what nobody was told of is known from the states alone"


def test_a_drill_stands_before_everything_and_its_alerts_are_marked(night: Night) -> None:
    night.cut_over()
    night.hour()
    told(night, "alert.opened", "MEM")
    told(night, "alert.cleared", "MEM")
    night.clock.advance(1.0)
    until = night.clock.now().wall + timedelta(seconds=HOUR)
    night.event("drill.started", drill="latency", release="v2", until=iso(until), expected="INVESTIGATE")
    told(night, "alert.opened", "LAT")
    night.hour()
    told(night, "alert.cleared", "LAT")
    night.event("drill.ended", drill="latency", release="v2", ok=True, why="its time was over")
    for _ in range(6):
        night.hour()
    markdown, html = made(night, "8h")
    assert markdown.partition("\n## ")[2].startswith("DRILL, not real"), "the first chapter of all"
    evidence = {row[0]: row[5] for row in rows(markdown, "Alerts and acknowledgements") if len(row) == 6}
    assert evidence["LAT"].startswith("during DRILL latency, not real: ")
    assert evidence["MEM"] == "MEM 520 MB"
    assert "DRILL, not real: latency" in html.partition("<svg")[2].partition("</svg>")[0]
    assert any("DRILL latency" in words for _, words in records(html)["events"])


def test_a_report_whose_moment_lies_in_a_drill_says_so_beside_the_verdict(night: Night) -> None:
    night.cut_over()
    night.hour()
    night.event("drill.started", drill="errors", release="v2", until="2026-02-01T00:00:00Z", expected="ROLL BACK")
    night.measure(60.0, word="ROLL BACK", why="ERR 7 %")
    top = made(night, "now")[0].partition("\n## ")[0]
    assert "DRILL, not real (errors of v2): ERR 7 %" in top
    assert "NOT ENDED" in chapter(made(night, "now")[0], "DRILL, not real")


def test_the_watch_stays_in_bake_until_its_gate_is_decided(night: Night) -> None:
    night.whole()
    assert "| phase | BAKE |" in made(night, "now")[0]
    night.event("gate.decided", gate="hour-24", decision="go", by="A. Moreno")
    night.measure(10.0)
    assert "| phase | STABILISE |" in made(night, "now")[0]


def test_what_went_out_names_channels_people_and_what_was_filled_in_afterwards(night: Night) -> None:
    night.cut_over()
    night.hour()
    night.event("notified", alert="MEM-1", channel="mail", to=["vp_engineering"], ok=False, detail="refused")
    night.event("kpi.anomaly", kpi="PAR30", text="PAR30 +40 %", owner="CRO")
    night.event("note", text="late", back_filled=True, journal_at="2026-01-31T02:03:04Z")
    night.measure(10.0)
    markdown, html = made(night, "now")
    out = {row[1]: row for row in rows(markdown, "Alerts and acknowledgements")}
    assert out["NOT delivered"][3] == "mail vp engineering"
    assert out["kpi.anomaly".replace(".", " ")][2:5] == ["PAR30", "CRO", "PAR30 +40 %"]
    assert any("filled in from the journal, happened 02:03:04Z" in words for _, words in records(html)["events"])
