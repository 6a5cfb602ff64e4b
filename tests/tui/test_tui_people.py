"""Who was told, who has it, who to call: on the screen, and with the keys a, m, U and w."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
import states
from behind_the_console import FakeActions
from msgspec.structs import replace
from test_tui_keys import shows, until

from engine.state.alert_views import AlertView, UpdateView
from engine.state.model import State
from tui import asking
from tui.app import ConsoleApp
from tui.calling import brief, call_words, leading, told, who_to_call
from tui.glyphs import UNICODE
from tui.lines import plain
from tui.look import Look
from tui.panels import header, matrix
from tui.sheets.form import Ask, Form, draw

Make = Callable[..., ConsoleApp]
TOLD = AlertView(
    "MEM",
    "W",
    "MEM 204 MB, above 200 for 12m",
    states.NOW - timedelta(minutes=12),
    None,
    id="MEM-20260131_091000-1",
    tier="warning",
    priority="P3",
    called="on-call operations engineer",
    told=("Data Ops",),
    told_at=states.NOW - timedelta(minutes=2),
    escalates_at=states.NOW + timedelta(hours=4),
    escalates_to="Engineering Lead",
)
TAKEN = replace(TOLD, acknowledged_by="A. Moreno", acknowledged_reason="heap dump", escalates_at=None, escalates_to="")
SILENCED = replace(
    TOLD, silenced_by="A. Moreno", silenced_until=states.NOW + timedelta(minutes=30), silenced_reason="-"
)
CONTACTS = {"data_ops": "Data Ops: Data Ops, #data-ops"}


def with_alert(alert: AlertView, state: State = states.WARNING) -> State:
    row = tuple(replace(row, told=("data_ops",)) if row.verdict == "WATCH" else row for row in state.matrix)
    return replace(state, alerts=(alert,), matrix=row, contacts=CONTACTS)


@pytest.mark.parametrize(
    ("alert", "said"),
    [
        (TOLD, "told Data Ops 09:10, nobody has taken it, goes up to Engineering Lead at 13:12"),
        (
            replace(TOLD, told=("Engineering Lead",)),
            "told Engineering Lead 09:10, nobody has taken it, is asked of Engineering Lead at 13:12",
        ),
        (TAKEN, "told Data Ops 09:10, A. Moreno acked"),
        (replace(TAKEN, reached=False), "only logged for Data Ops 09:10, A. Moreno acked"),
        (SILENCED, "silenced until 09:42Z by A. Moreno"),
        (states.WARNING.alerts[0], ""),
    ],
)
def test_who_was_told_and_who_has_it_in_one_sentence(alert: AlertView, said: str) -> None:
    assert told(alert) == said


@pytest.mark.parametrize(
    ("alert", "said"), [(TOLD, "no ack, up 13:12"), (TAKEN, "A. Moreno acked"), (SILENCED, "silenced 09:42")]
)
def test_the_matrix_has_it_at_80_columns_and_row_2_where_there_is_room(alert: AlertView, said: str) -> None:
    state, look = with_alert(alert), Look(UNICODE, states.NOW)
    assert brief(alert) == said
    assert said in plain(matrix.draw(state, 40, 6, look)[0])
    assert told(alert) in plain(header.draw(state, 200, look)[1])
    narrow = plain(header.draw(state, 80, look)[1])
    assert "MEM 204 MB, above 200 for 12m" in narrow and "roll back >500" in narrow


def test_the_heaviest_alert_leads_and_of_equals_the_one_that_nobody_has_taken() -> None:
    heavy = replace(TAKEN, condition="ERR", tier="critical")
    assert leading(replace(states.WARNING, alerts=(TOLD, heavy))) is heavy
    assert leading(replace(states.WARNING, alerts=(TAKEN, TOLD))) is TOLD


def test_after_a_rollback_those_whom_it_names_stand_beside_a_verdict_that_calls_nobody() -> None:
    last = states.ROLLED_BACK.last_operation
    assert last is not None
    told_step = replace(last.steps[-1], name="tell_people", detail="tell now: VP Engineering (phone list)")
    after = replace(last, steps=(*last.steps[:-1], told_step))
    back = replace(states.ROLLED_BACK, matrix=(), last_operation=after)
    lines = who_to_call(back, [])
    assert lines[0][1] == "nobody has to be told of the verdict"
    assert ("0004-rollback", "tell now: VP Engineering (phone list)") in lines


def test_who_to_call_begins_with_the_verdict_at_hand_its_level_and_when_it_goes_up() -> None:
    lines = who_to_call(with_alert(TOLD), [("CTO", "CTO, phone list")])
    text = "\n".join(f"{label} {words}" for label, words in lines)
    assert text.startswith("NOW WATCH Data Ops: Data Ops, #data-ops")
    assert "at the level of on-call operations engineer; goes up to Engineering Lead in 4h00" in text
    assert lines[-1] == ("CTO", "CTO, phone list")


async def test_w_shows_it(make_app: Make) -> None:
    async with make_app(with_alert(TOLD)).run_test(size=(80, 24)) as pilot:
        await shows(pilot, "WATCH")
        await pilot.press("w")
        await shows(pilot, "goes up to")


async def test_an_acknowledgement_may_say_how_long_and_who(make_app: Make, actions: FakeActions) -> None:
    async with make_app(with_alert(TOLD)).run_test(size=(80, 24)) as pilot:
        await shows(pilot, "WATCH")
        await pilot.press("a", *"2h @K.Lee heap", "enter")
        await until(pilot, lambda: ("acknowledge", "MEM", "heap", "K.Lee", 7200.0) in actions.asked)


async def test_all_open_alerts_may_be_taken_at_once(make_app: Make, actions: FakeActions) -> None:
    state = with_alert(TOLD)
    state = replace(state, alerts=(TOLD, replace(TOLD, condition="CRASH"), replace(TAKEN, condition="LAT")))
    async with make_app(state).run_test(size=(80, 24)) as pilot:
        await shows(pilot, "WATCH")
        await pilot.press("a")
        await shows(pilot, "begin with --all to take all 2")
        await pilot.press(*"--all one crash", "enter")
        await until(pilot, lambda: ("acknowledge", "CRASH", "one crash") in actions.asked)
        assert ("acknowledge", "MEM", "one crash") in actions.asked
        assert not any("LAT" in asked for asked in actions.asked)


def test_a_condition_names_both_whom_for_itself_and_for_the_verdict() -> None:
    state = with_alert(TOLD)
    rows = tuple(replace(row, conditions=("MEM",)) if row.verdict == "WATCH" else row for row in state.matrix)
    item = next(item for item in state.conditions if item.id == "MEM")
    said = call_words(replace(state, matrix=rows), item)
    assert said == f"{item.call} (this condition); the verdict WATCH: Data Ops"
    other = next(item for item in state.conditions if item.id == "LAT")
    assert call_words(replace(state, matrix=rows), other) == other.call


async def test_a_silence_needs_how_long_and_why(make_app: Make, actions: FakeActions) -> None:
    async with make_app(with_alert(TOLD)).run_test(size=(80, 24)) as pilot:
        await shows(pilot, "WATCH")
        await pilot.press("m", *"for now", "enter")
        await shows(pilot, "how long comes first")
        await pilot.press("m", *"30m proxy", "enter")
        await until(pilot, lambda: ("silence", "MEM", 1800.0, "proxy") in actions.asked)
        assert len([asked for asked in actions.asked if asked[0] == "silence"]) == 1


async def test_a_due_update_is_said_and_sent_by_its_word_after_its_text_was_seen(
    make_app: Make, actions: FakeActions
) -> None:
    due = replace(states.NORMAL, update=UpdateView(states.NOW, states.NOW + timedelta(hours=1), None))
    async with make_app(due).run_test(size=(80, 24)) as pilot:
        await shows(pilot, "status update due: u")
        await pilot.press("U", "enter")
        await shows(pilot, "V2 live")
        assert ("send_update",) not in actions.asked, "people read it: no single key sends it"
        await pilot.press(*"send", "enter")
        await until(pilot, lambda: ("send_update",) in actions.asked)
        await shows(pilot, "status update: log ok")


async def test_where_no_channel_carries_it_no_single_key_records_that_it_was_pasted(
    make_app: Make, actions: FakeActions
) -> None:
    actions.channels = ()
    async with make_app(states.NORMAL).run_test(size=(80, 24)) as pilot:
        await shows(pilot, "CONTINUE")
        await pilot.press("U", "enter")
        await shows(pilot, "nothing changed: type pasted, then Enter")
        assert ("send_update",) not in actions.asked
        await pilot.press(*"pasted", "enter")
        await until(pilot, lambda: ("send_update",) in actions.asked)


async def test_the_console_rings_once_for_a_page_that_nobody_has_taken(
    make_app: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    rung: list[int] = []
    page = replace(TOLD, tier="critical", priority="P1", rings=True)
    app = make_app(with_alert(page))
    monkeypatch.setattr(app, "bell", lambda: rung.append(1))
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: rung == [1])
        for alert in (page, replace(page, rings=False), page):
            app._bell.hear(app, with_alert(alert))
        assert rung == [1]
        app._bell.hear(app, with_alert(replace(page, id="MEM-20260131_101000-2")))
        assert rung == [1, 1]


def test_a_form_parts_label_and_text_and_says_how_a_silence_is_written(actions: FakeActions) -> None:
    taking, quiet = (ask(actions, states.WARNING, "MEM") for ask in (asking.acknowledge, asking.silence))
    assert isinstance(taking, Ask) and isinstance(quiet, Ask)
    look = Look(UNICODE, states.NOW)
    shown = "\n".join(plain(line) for ask in (taking, quiet) for line in draw(Form(ask), 80, 24, look))
    assert "May begin with 2h" in shown
    assert "Such as        30m the proxy is being replaced" in shown
