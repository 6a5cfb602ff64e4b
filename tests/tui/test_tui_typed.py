"""Whatever comes from the keyboard's side: nothing ends the console, and nothing bars the way back."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic
from unittest.mock import patch

import pytest
from behind_the_console import FakeActions
from hypothesis import given
from hypothesis import strategies as st
from test_tui_keys import shows
from textual import events
from textual.pilot import Pilot

from tui.app import ConsoleApp
from tui.pressing import COUNTS_FOR
from tui.screens.dashboard import Dashboard
from tui.typed import PASTE_AT_MOST, PASTE_ENDS_AFTER, Typed

Make = Callable[..., ConsoleApp]


def keys(typed: Typed, data: bytes, now: float = 0.0) -> list[str]:
    return [event.key for event in typed.feed(data, now) if isinstance(event, events.Key)]


@pytest.mark.parametrize(
    "odd", [b"\xe4", b"\xff", b"\xff\xfe", b"\xc3", b"\x1b[9999999999999999;5u", b"\x1b[1114112u", b"\x1b[55296u"]
)
def test_what_no_terminal_should_send_is_dropped_and_the_next_key_counts(odd: bytes) -> None:
    typed = Typed()
    keys(typed, odd)
    list(typed.tick(10.0))
    assert keys(typed, b"R")[-1:] == ["R"]


@given(st.lists(st.binary(max_size=40) | st.sampled_from([b"\x1b[200~", b"\x1b[201~", b"\x1b[", b"\x1b[48;"])))
def test_no_bytes_make_it_raise_and_after_a_while_keys_count_again(parts: list[bytes]) -> None:
    typed, now = Typed(), 0.0
    with patch("textual._parser.get_time", lambda: now):  # a lone Escape waits for more by that clock
        for part in parts:
            now += 0.01
            list(typed.feed(part, now))
        for _ in range(3):
            now += PASTE_ENDS_AFTER
            list(typed.tick(now))
            list(typed.feed(b"\r", now))
        now += PASTE_ENDS_AFTER
        list(typed.tick(now))
        assert keys(typed, b"R", now)[-1:] == ["R"]


def test_a_paste_is_one_event_as_before() -> None:
    found = list(Typed().feed(b"a\x1b[200~two words\x1b[201~b", 0.0))
    pasted = [event.text for event in found if isinstance(event, events.Paste)]
    assert pasted == ["two words"]
    assert [event.key for event in found if isinstance(event, events.Key)] == ["a", "b"]


def test_a_paste_whose_end_is_lost_is_over_after_a_second_without_input() -> None:
    typed = Typed()
    assert keys(typed, b"\x1b[200~lost", 0.0) == []
    assert list(typed.tick(0.5)) == []
    list(typed.tick(PASTE_ENDS_AFTER))
    assert keys(typed, b"R", 2.0) == ["R"]


def test_a_paste_without_an_end_is_cut_at_a_size() -> None:
    typed = Typed()
    keys(typed, b"\x1b[200~" + b"x" * PASTE_AT_MOST)
    assert keys(typed, b"R")[-1:] == ["R"]


async def late(pilot: Pilot[None], app: ConsoleApp, *names: str) -> None:
    """Keys that were pressed long before their turn."""
    for name in names:
        event = events.Key(name, name if len(name) == 1 else None)
        event.time = monotonic() - COUNTS_FOR - 1
        app.screen.post_message(event)
    await pilot.pause()


async def test_a_key_that_waited_too_long_opens_nothing_and_says_so(make_app: Make) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await shows(pilot, "WATCH")
        await late(pilot, app, "3", "4")
        await shows(pilot, "2 keys discarded")
        assert type(app.screen) is Dashboard


async def test_the_way_back_opens_however_late_its_key_is(make_app: Make, actions: FakeActions) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await shows(pilot, "WATCH")
        await late(pilot, app, *"3456" * 50, "R")
        await shows(pilot, "ROLL BACK")
