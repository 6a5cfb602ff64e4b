"""The alert book: who is told what when, as a pure function of memory, what fires, what people wrote, and the clock."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.clock import Instant, iso
from engine.config import load_deployment
from engine.config.templates import write_config
from engine.monitoring.alerts import Book, Firing, rebased
from engine.monitoring.escalation import Rules, advance
from engine.notify.message import Notice

START = datetime(2026, 1, 31, 9, tzinfo=UTC)
MINUTE = 60.0
CRITICAL = Firing("CRASH", "critical", "CRASH 3 restarts")
WARNING = Firing("MEM", "warning", "MEM 204 MB, above 200 for 10m", hold=600.0)
ROLLBACK = Firing("CRASH", "rollback", "CRASH 5 restarts")


@pytest.fixture(scope="module")
def rules(tmp_path_factory: pytest.TempPathFactory) -> Rules:
    root = tmp_path_factory.mktemp("book") / "d"
    write_config(root, demo=True)
    return Rules.of(load_deployment(root).monitoring, 1.0)


class Night:
    """The book over time; ``told`` is every notice that was ever decided, in order."""

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self.book = Book(seq=0)
        self.seconds = 0.0
        self.seq = 0
        self.told: list[Notice] = []
        self.seen: set[str] = set()

    @property
    def now(self) -> Instant:
        return Instant(START + timedelta(seconds=self.seconds), 1000.0 + self.seconds)

    def event(self, kind: str, /, **data: Any) -> dict[str, Any]:
        self.seq += 1
        return {"seq": self.seq, "at": iso(self.now.wall), "kind": kind, "actor": "A. Moreno", "data": data}

    def ack(self, condition: str, minutes: float | None = None) -> dict[str, Any]:
        until = iso(self.now.wall + timedelta(minutes=minutes)) if minutes else None
        return self.event("ack", condition=condition, reason="on it", owner="A. Moreno", until=until)

    def silence(self, condition: str, minutes: float) -> dict[str, Any]:
        until = iso(self.now.wall + timedelta(minutes=minutes))
        return self.event("silenced", condition=condition, reason="known", until=until)

    def tick(self, *firing: Firing, events: Sequence[Any] = (), paging: bool = True, after: float = 0.0) -> list[str]:
        """One tick ``after`` seconds; what was newly told: ``opened CRASH on_call``."""
        self.seconds += after
        self.book = advance(self.book, firing, list(events), self.now, self.rules, paging=paging)
        new = [notice for notice in self.book.outbox if notice.id not in self.seen]
        self.seen |= {notice.id for notice in new}
        self.told += new
        return [f"{notice.kind} {notice.condition} {' '.join(notice.to)}".strip() for notice in new]

    def kinds(self) -> list[str]:
        return [happening.kind for happening in self.book.unrecorded]

    def restart(self) -> None:
        """Written down and read again."""
        self.book = msgspec.json.decode(msgspec.json.encode(self.book), type=Book)


@pytest.fixture
def night(rules: Rules) -> Night:
    return Night(rules)


def test_an_alert_is_told_once_however_long_it_stands(night: Night) -> None:
    assert night.tick(CRITICAL) == ["opened CRASH on_call"]
    assert [night.tick(CRITICAL, after=5) for _ in range(20)] == [[]] * 20
    assert night.kinds() == ["alert.opened"]
    assert night.told[0].priority == "P1"


def test_it_clears_once_and_everyone_who_was_told_hears_it(night: Night) -> None:
    night.tick(CRITICAL)
    night.tick(CRITICAL, after=10 * MINUTE)
    assert night.tick(after=5) == ["cleared CRASH on_call engineering_lead"]
    assert night.tick(after=5) == []
    assert night.kinds() == ["alert.opened", "alert.cleared"]


def test_the_engineering_lead_hears_of_a_critical_one_when_it_still_stands_after_ten_minutes(night: Night) -> None:
    night.tick(CRITICAL)
    assert night.tick(CRITICAL, after=599) == []
    assert night.tick(CRITICAL, after=1) == ["opened CRASH engineering_lead"]


def test_a_warning_that_held_ten_minutes_already_is_told_to_data_ops_at_once_another_after_ten(night: Night) -> None:
    assert night.tick(WARNING) == ["opened MEM data_ops"]
    short = Firing("CRASH", "warning", "CRASH 1 restart")
    assert night.tick(WARNING, short, after=5) == []
    assert night.tick(WARNING, short, after=600) == ["opened CRASH data_ops"]


def test_a_warning_that_went_before_anyone_was_told_is_recorded_and_told_to_nobody(night: Night) -> None:
    night.tick(Firing("CRASH", "warning", "CRASH 1 restart"))
    assert night.tick(after=60) == []
    assert night.kinds() == ["alert.opened", "alert.cleared"]


def test_data_matters_go_to_the_data_quality_lead_too(night: Night) -> None:
    assert night.tick(Firing("DQ", "critical", "DQ FAIL")) == ["opened DQ on_call data_quality"]


def test_a_missing_value_is_told_to_the_on_call(night: Night) -> None:
    assert night.tick(Firing("NODATA", "unknown", "2 values")) == ["opened NODATA on_call"]


def test_a_heavier_tier_is_told_again_and_the_lighter_ones_owner_has_not_taken_it(night: Night) -> None:
    night.tick(CRITICAL)
    night.tick(CRITICAL, events=[night.ack("CRASH")], after=60)
    assert night.tick(ROLLBACK, after=5) == ["opened CRASH vp_engineering engineering_lead on_call"]
    assert night.book.alerts["CRASH"].taken is None


def test_a_lighter_tier_and_the_same_one_again_are_told_to_nobody(night: Night) -> None:
    night.tick(ROLLBACK)
    assert night.tick(CRITICAL, after=5) == []
    assert night.tick(ROLLBACK, after=5) == []


def test_unacknowledged_it_goes_up_exactly_at_its_deadline_level_by_level_to_the_last(night: Night) -> None:
    night.tick(ROLLBACK)
    for level in ("engineering_lead", "vp_engineering", "cto"):
        assert night.tick(ROLLBACK, after=15 * MINUTE - 1) == []
        assert night.tick(ROLLBACK, after=1) == [f"escalated CRASH {level}"]
    assert night.tick(ROLLBACK, after=24 * 60 * MINUTE) == []


@pytest.mark.parametrize(("priority", "minutes"), [("P1", 15), ("P2", 60), ("P3", 240), ("P4", 1440)])
def test_each_priority_has_its_clock(rules: Rules, priority: str, minutes: int) -> None:
    section = msgspec.structs.replace(rules.escalation, priorities={"rollback": priority})
    night = Night(Rules(section, rules.matrix, rules.notify))
    night.tick(ROLLBACK)
    assert night.tick(ROLLBACK, after=minutes * MINUTE - 1) == []
    assert night.tick(ROLLBACK, after=1) == ["escalated CRASH engineering_lead"]


def test_who_takes_it_stops_the_clock(night: Night) -> None:
    night.tick(ROLLBACK)
    night.tick(ROLLBACK, events=[night.ack("CRASH")], after=60)
    assert night.tick(ROLLBACK, after=10 * 60 * MINUTE) == []


def test_who_takes_it_after_the_clock_was_set_back_stops_the_clock_too(night: Night) -> None:
    night.tick(ROLLBACK)
    night.seconds += 60
    before = iso(START - timedelta(hours=2))
    night.tick(ROLLBACK, events=[{**night.ack("CRASH"), "at": before, "boot": night.now.boot}])
    assert night.tick(ROLLBACK, after=10 * 60 * MINUTE) == []


def test_an_acknowledgement_from_before_it_was_opened_takes_nothing(night: Night) -> None:
    old = {**night.ack("CRASH"), "boot": night.now.boot}
    night.tick(ROLLBACK, after=60)
    night.tick(ROLLBACK, events=[old], after=60)
    assert night.book.alerts["CRASH"].taken is None


def test_an_acknowledgement_that_ends_lets_it_go_up_from_the_level_where_it_was(night: Night) -> None:
    night.tick(ROLLBACK)
    assert night.tick(ROLLBACK, after=15 * MINUTE) == ["escalated CRASH engineering_lead"]
    night.tick(ROLLBACK, events=[night.ack("CRASH", minutes=120)])
    assert night.tick(ROLLBACK, after=120 * MINUTE) == []
    assert night.tick(ROLLBACK, after=15 * MINUTE - 1) == []
    assert night.tick(ROLLBACK, after=1) == ["escalated CRASH vp_engineering"]


def test_what_is_silenced_is_recorded_and_told_to_nobody_and_told_when_the_silence_ends(night: Night) -> None:
    assert night.tick(CRITICAL, events=[night.silence("CRASH", 30)]) == []
    assert night.kinds() == ["alert.opened"]
    assert night.tick(CRITICAL, after=30 * MINUTE - 1) == []
    assert night.tick(CRITICAL, after=1) == ["opened CRASH on_call"]


def test_a_silence_that_is_ended_by_hand_is_over_at_once(night: Night) -> None:
    night.tick(CRITICAL, events=[night.silence("CRASH", 30)])
    assert night.tick(CRITICAL, events=[night.silence("CRASH", 0)], after=60) == ["opened CRASH on_call"]


def test_a_silence_stops_the_clock_of_what_was_told_before_it(night: Night) -> None:
    night.tick(ROLLBACK)
    night.tick(ROLLBACK, events=[night.silence("CRASH", 60)], after=60)
    assert night.tick(ROLLBACK, after=60 * MINUTE) == []
    assert night.tick(ROLLBACK, after=15 * MINUTE) == ["escalated CRASH engineering_lead"]


def test_during_an_operation_nobody_is_told_and_what_still_fires_after_it_is_told_then(night: Night) -> None:
    assert night.tick(CRITICAL, WARNING, paging=False) == []
    assert night.tick(CRITICAL, paging=False, after=60) == []
    assert night.tick(CRITICAL, after=5) == ["opened CRASH on_call"]


def test_what_was_taken_during_an_operation_is_told_after_it_and_does_not_go_up(night: Night) -> None:
    night.tick(ROLLBACK, paging=False)
    night.tick(ROLLBACK, events=[night.ack("CRASH")], paging=False, after=5)
    assert night.tick(ROLLBACK, after=5) == ["opened CRASH vp_engineering engineering_lead on_call"]
    assert night.tick(ROLLBACK, after=60 * MINUTE) == []


def test_an_acknowledgement_of_something_lighter_or_of_nothing_takes_nothing_later(night: Night) -> None:
    night.tick(CRITICAL, paging=False)
    night.tick(CRITICAL, events=[night.ack("CRASH"), night.ack("DQ")], paging=False, after=5)
    data = Firing("DQ", "rollback", "DQ loss confirmed")
    night.tick(ROLLBACK, paging=False, after=5)
    night.tick(ROLLBACK, data, after=5)
    assert [alert.taken for alert in night.book.alerts.values()] == [None, None]


def test_another_trail_in_its_place_is_read_from_its_beginning(night: Night) -> None:
    for _ in range(5):
        night.event("note")
    night.tick(CRITICAL, events=[night.event("note")])
    night.seq = 0
    night.tick(CRITICAL, events=[night.event("note"), night.ack("CRASH")], after=5)
    assert night.book.alerts["CRASH"].taken is not None


def test_flapping_is_told_once(night: Night) -> None:
    night.tick(CRITICAL)
    flapping = msgspec.structs.replace(CRITICAL, flapping=True)
    assert night.tick(flapping, after=5) == ["opened CRASH on_call"]
    assert "flapping" in night.told[-1].text
    assert [night.tick(flapping, after=5) for _ in range(10)] == [[]] * 10


def test_a_rollback_that_was_performed_is_told_at_once_even_while_the_operation_still_runs(night: Night) -> None:
    done = night.event("operation.ended", kind="rollback", state="SUCCEEDED")
    assert night.tick(events=[done], paging=False) == ["rollback  vp_engineering on_call_manager incidents"]
    assert night.tick(events=[done], after=5) == []
    failed = night.event("operation.ended", kind="rollback", state="NEEDS_HUMAN")
    assert night.tick(events=[failed]) == ["rollback  vp_engineering on_call_manager incidents cto"]


def test_a_new_book_on_old_records_tells_nothing_of_the_past(rules: Rules) -> None:
    night = Night(rules)
    night.book = Book()
    assert night.tick(events=[night.event("operation.ended", kind="rollback", state="SUCCEEDED")]) == []


def test_a_step_of_the_wall_clock_moves_no_deadline_and_a_reboot_only_the_label(night: Night) -> None:
    night.tick(ROLLBACK)
    night.seconds += 10 * MINUTE
    stepped = Instant(night.now.wall + timedelta(hours=5), night.now.boot)
    assert advance(night.book, [ROLLBACK], [], stepped, night.rules, paging=True).outbox == night.book.outbox
    book = rebased(night.book, -night.now.boot)
    almost, due = (Instant(night.now.wall, 5 * MINUTE - slack) for slack in (1.0, 0.0))
    assert len(advance(book, [ROLLBACK], [], almost, night.rules, paging=True).outbox) == 1
    assert len(advance(book, [ROLLBACK], [], due, night.rules, paging=True).outbox) == 2


# ---- laws

TIER = st.sampled_from(["", "", "warning", "critical", "rollback"])
STEP = st.tuples(
    st.dictionaries(st.sampled_from(["CRASH", "MEM", "DQ"]), TIER, max_size=3),
    st.sampled_from(["", "", "", "ack CRASH", "ack MEM", "silence CRASH", "silence DQ", "operation"]),
    st.sampled_from([1.0, 5.0, 60.0, 300.0, 899.0]),
)
STEPS = st.lists(STEP, min_size=1, max_size=40)


def play(rules: Rules, steps: Any, restart_at: frozenset[int] = frozenset()) -> Night:
    night = Night(rules)
    for number, (fires, does, after) in enumerate(steps):
        night.seconds += after
        if number in restart_at:
            night.restart()
        word, _, condition = does.partition(" ")
        events = {"ack": lambda c: [night.ack(c, 10)], "silence": lambda c: [night.silence(c, 10)]}
        made = events[word](condition) if word in events else []
        firing = [Firing(name, tier, f"{name} {tier}", 600.0) for name, tier in fires.items() if tier]
        night.tick(*firing, events=made, paging=does != "operation")
    return night


@settings(max_examples=80, deadline=None)
@given(steps=STEPS)
def test_law_nobody_is_paged_twice_for_the_same_thing(rules: Rules, steps: Any) -> None:
    night = play(rules, steps)
    ids = [notice.id for notice in night.told]
    assert len(ids) == len(set(ids))
    pages = [
        (notice.alert, notice.kind, notice.tier, notice.level, contact)
        for notice in night.told
        for contact in notice.to
    ]
    assert len(pages) == len(set(pages))


@settings(max_examples=80, deadline=None)
@given(steps=STEPS, cuts=st.frozensets(st.integers(0, 39)))
def test_law_a_restart_anywhere_gives_the_same_pages(rules: Rules, steps: Any, cuts: frozenset[int]) -> None:
    assert play(rules, steps, cuts).told == play(rules, steps).told


@settings(max_examples=80, deadline=None)
@given(
    cadence=st.sampled_from([1.0, 5.0, 7.0]), tier=st.sampled_from(["critical", "rollback"]), ticks=st.integers(1, 600)
)
def test_law_whatever_nobody_takes_goes_up_at_its_deadline_and_at_no_other_time(
    rules: Rules, cadence: float, tier: str, ticks: int
) -> None:
    night = Night(rules)
    night.tick(Firing("CRASH", tier, "CRASH"))
    last, levels = 0.0, 0
    for _ in range(ticks):
        up = [
            line for line in night.tick(Firing("CRASH", tier, "CRASH"), after=cadence) if line.startswith("escalated")
        ]
        due = night.seconds - last >= 900.0 and levels < 3
        assert bool(up) == due
        last, levels = (night.seconds, levels + 1) if up else (last, levels)


@settings(max_examples=80, deadline=None)
@given(steps=STEPS)
def test_law_no_page_during_an_operation_and_none_about_what_is_silenced(rules: Rules, steps: Any) -> None:
    night = Night(rules)
    for fires, does, after in steps:
        night.seconds += after
        made = [night.silence("CRASH", 10)] if does == "silence CRASH" else []
        firing = [Firing(name, tier, name) for name, tier in fires.items() if tier]
        told = night.tick(*firing, events=made, paging=does != "operation")
        if does == "operation":
            assert told == []
        if "CRASH" in night.book.silences:
            assert not [line for line in told if "CRASH" in line]


def test_what_opens_or_grows_in_a_drill_says_so_to_its_end_and_what_stood_before_does_not(night: Night) -> None:
    night.tick(WARNING)
    night.tick(WARNING, events=[night.event("drill.started", drill="crash", release="v2")])
    night.tick(WARNING, CRITICAL)
    night.tick(WARNING, CRITICAL, events=[night.event("drill.ended", drill="crash", ok=True)])
    night.seconds += 20 * MINUTE
    night.tick(WARNING, CRITICAL)
    night.tick()
    marks = {(one.kind, one.condition): one.drill for one in night.told}
    assert marks[("opened", "CRASH")] == marks[("escalated", "CRASH")] == marks[("cleared", "CRASH")] == "crash of v2"
    assert marks[("cleared", "MEM")] == ""
    night.tick(CRITICAL)
    assert night.told[-1].drill == "", "the drill is over: what fires now is real"
