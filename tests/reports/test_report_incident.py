"""The head of an incident report, and what is told of it once."""

from __future__ import annotations

from night_on_record import HOUR, Night
from reading import chapter, made, rows

from engine.monitoring import answers


def _went_back(night: Night) -> None:
    night.cut_over()
    night.hour(word="ROLL BACK", why="THR 1 % of baseline, below 50 for 6m")
    night.incident(reason="")


def test_the_head_says_what_led_to_the_rollback_and_then_what_it_did(night: Night) -> None:
    _went_back(night)
    top = made(night, "incident")[0].partition("\n## ")[0]
    assert "| **Verdict** | **ROLL BACK** |" in top
    assert "THR 1 % of baseline, below 50 for 6m (judged" in top and "before the rollback was asked for)" in top
    assert "Then 0002-rollback from v2 to v1: SUCCEEDED after 4.0 s; nothing is lost" in top


def test_what_the_monitor_found_while_it_went_back_does_not_stand_on_top(night: Night) -> None:
    _went_back(night)
    night.clock.advance(-3.0)
    night.store.append([], night.evaluation(word="UNKNOWN", why="0002-rollback runs"))
    night.clock.advance(3.0)
    assert "**ROLL BACK**" in made(night, "incident")[0].partition("\n## ")[0]


def test_a_reason_can_be_given_afterwards_with_its_name_and_time(night: Night) -> None:
    _went_back(night)
    before = chapter(made(night, "incident")[0], "The incident")
    assert "Reason: not given yet (abaco-ops note --operation 0002-rollback TEXT)" in before
    night.clock.advance(600.0)
    answers.note(night.deployment, "runs took too long", operation="0002-rollback", actor="K. Lee", clock=night.clock)
    answers.note(night.deployment, "of another", operation="0001-cutover", actor="K. Lee", clock=night.clock)
    told = chapter(made(night, "incident")[0], "The incident")
    assert "Reason: runs took too long (written by K. Lee at 31 Jan " in told and "of another" not in told


def test_an_alert_that_went_out_by_three_channels_is_one_line(night: Night) -> None:
    night.cut_over()
    for channel in ("log", "bell", "pager"):
        night.event("notified", alert="MEM-1", about="opened", channel=channel, to=["on_call"], ok=True, detail="sent")
    night.event("notified", alert="MEM-1", about="opened", channel="mail", to=["on_call"], ok=False, detail="refused")
    night.hour(word="ROLL BACK", why="MEM")
    night.incident()
    said = [row[2] for row in rows(made(night, "incident")[0], "What happened") if "MEM-1" in row[2]]
    assert [line for line in said if line.startswith("told by")] == [
        "told by log, bell, pager to on call: opened MEM-1, sent"
    ]
    assert any("channel mail FAILED" in line for line in said)


def test_gaps_that_touch_are_one_gap(night: Night) -> None:
    night.cut_over()
    night.hour()
    for _ in range(4):  # a single sample now and then, each long after the one before
        night.clock.advance(60.0)
        night.store.append([night._sample("memory_mb", 105.0)])
    night.measure(6 * HOUR)
    night.clock.advance(HOUR)
    night.measure(10.0)
    gaps = [row[3] for row in rows(made(night, "8h")[0], "Gaps") if row[2:3] == ["no samples"]]
    assert len([one for one in gaps if one.startswith("4m")]) == 1, gaps
    assert len(gaps) == 2


def test_a_slot_is_told_by_its_name(night: Night) -> None:
    night.cut_over()
    night.event("schedule.missed", slot=1)
    night.event("schedule.missed", slot=1.5, name="T+1:30")
    for _ in range(8):
        night.hour()
    markdown, _ = made(night, "8h")
    told = [row[4] for row in rows(markdown, "Gaps") if row[2:3] == ["validation slot missed"]]
    assert told == ["T+1", "T+1:30"] and "slot 1" not in markdown and "['" not in markdown
