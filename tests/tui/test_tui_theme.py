"""Colours that can be read, and commands declared once."""

from __future__ import annotations

import pytest

from tui.commands import COMMANDS, find, refusal
from tui.lines import Role
from tui.theme import BACKGROUND, CURSOR_BACKGROUND, DARK, PLAIN, contrast, style

WORDS = [role for role in DARK if role not in ("faint", "trend")]


@pytest.mark.parametrize("role", WORDS)
def test_words_can_be_read(role: Role) -> None:
    ink = DARK[role]
    assert ink.color is not None
    assert contrast(ink.color, ink.background or BACKGROUND) >= 4.5
    shown = style(role, True, True)
    assert shown.color and shown.bgcolor
    assert contrast(shown.color.name, shown.bgcolor.name) >= 4.5


def test_graphics_can_be_seen() -> None:
    assert contrast(DARK["trend"].color or "", BACKGROUND) >= 3
    assert contrast(CURSOR_BACKGROUND, BACKGROUND) > 1.2


def test_without_colour_no_role_has_one() -> None:
    assert set(PLAIN) == set(DARK)
    for role in PLAIN:
        shown = style(role, False, False)
        assert shown.color is None and shown.bgcolor is None


def test_no_two_commands_share_a_key_in_a_scope() -> None:
    seen: dict[tuple[str, str], str] = {}
    for command in COMMANDS.values():
        for key in command.keys:
            assert (key, command.scope) not in seen, (key, command.id)
            seen[(key, command.scope)] = command.id


def test_every_command_explains_itself() -> None:
    for command in COMMANDS.values():
        assert len(command.help()) > 8, command.id
        assert command.title
        assert command.keys or command.palette


def test_keys_that_terminals_keep_for_themselves_are_not_used() -> None:
    used = {key for command in COMMANDS.values() for key in command.keys}
    assert not used & {"ctrl+s", "ctrl+q", "ctrl+z", "ctrl+a", "ctrl+b"}
    assert not any(key.startswith(("alt+", "f1")) for key in used)


def test_a_read_only_console_refuses_whatever_writes() -> None:
    for command in COMMANDS.values():
        assert bool(refusal(command, read_only=True)) == (command.risk != "view")
        assert not refusal(command, read_only=False)


def test_the_way_back_has_its_key_everywhere() -> None:
    for scopes in ({"anywhere"}, {"anywhere", "list"}, {"anywhere", "rollback"}):
        command = find("R", frozenset(scopes))
        assert command is not None and command.id == "rollback"
